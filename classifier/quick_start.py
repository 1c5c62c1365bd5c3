"""What lets a process that labels begin sooner."""

from __future__ import annotations

import importlib
import sys
from typing import Any

_ARRAYS, _ALGEBRA = "numba.np.arraymath", "scipy.linalg"


def begin_quickly() -> None:
    """Import numba without scipy's linear algebra; for processes that are fupin's alone.

    Numba looks whether it could compile linear algebra, for which scipy is imported: a tenth of the
    time that one article takes. fupin's compiled code has none. In a process of somebody else's, code
    that has could not be compiled any more, so nothing else calls this.
    """
    if _ARRAYS in sys.modules or _ALGEBRA in sys.modules:
        return
    modules: dict[str, Any] = sys.modules
    modules[_ALGEBRA] = None  # "import of scipy.linalg halted": as if it were not installed
    try:
        importlib.import_module(_ARRAYS)
    finally:
        del modules[_ALGEBRA]
