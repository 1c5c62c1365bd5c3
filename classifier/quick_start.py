"""What lets a process of the command begin and end sooner."""

from __future__ import annotations

import atexit
import gc
import importlib
import sys
from typing import Any

_NUMBA = "numba.np.arraymath"
_LOOKED_FOR = ("cffi", "coverage", "scipy.linalg")  # by numba, which does without where they are missing
_SELDOM = 500_000, 20, 20  # young objects, of which a start makes 150,000; and generations of them


def collect_seldom() -> None:
    """Let Python look for unreachable cycles seldom; for processes that are fupin's alone.

    While hundreds of modules are imported it looks hundreds of times and finds none; nor does it
    need to look once more at all there is when the process ends.
    """
    gc.set_threshold(*_SELDOM)
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)


def begin_quickly() -> None:
    """Import numba without what it looks for in vain; for processes that are fupin's alone.

    Numba looks whether it could compile linear algebra, call into cffi and tell coverage of compiled
    lines, for which it imports all three: a tenth of the time that one article takes. fupin's compiled
    code has none of these. In a process of somebody else's, code that has could not be compiled any
    more, so nothing else calls this.
    """
    collect_seldom()
    if _NUMBA in sys.modules:
        return
    modules: dict[str, Any] = sys.modules
    absent = [name for name in _LOOKED_FOR if name not in modules]
    modules.update(dict.fromkeys(absent))  # None: "import halted", as if they were not installed
    try:
        importlib.import_module(_NUMBA)
    finally:
        for name in absent:
            del modules[name]
    _load_without_registries()
    _extend_nothing()


def _load_without_registries() -> None:
    """Let numba make its tables of all that it can compile where it compiles, not where it loads.

    It makes them before it looks into its cache, which takes longer than all that is loaded. What
    is loaded needs numba's runtime alone; a compiler makes the tables by itself when it begins.
    """
    from numba.core import caching
    from numba.core.runtime.nrt import rtsys

    cache: Any = caching.Cache
    if not {"_load_overload", "_guard_against_spurious_io_errors"} <= vars(cache).keys():
        return  # another numba than those known: it may take its time

    def load_overload(self: Any, sig: Any, target_context: Any) -> Any:
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)

    cache.load_overload = load_overload


def _extend_nothing() -> None:
    """Let numba not ask every package that is installed whether it adds types to numba's own."""
    from numba.core import entrypoints

    if hasattr(entrypoints, "_already_initialized"):
        entrypoints._already_initialized = True
