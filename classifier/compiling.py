"""What compiled functions begin with: numbers they count by, and `njit`, which lets them be interrupted.

Ctrl-C in one ends it with a KeyboardInterrupt, as it should. Python notes a signal and handles it
when it next runs Python code. Compiled code runs none, until what it gives back becomes an array:
for that numba calls a function of Python, and does not look whether that failed. So the interrupt
was raised in there, and the process crashed. What a cache remembers is answered without Python
code; then the interrupt is raised where the compiled function was called.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import njit
from numba.core import serialize

__all__ = ["NONE", "ONE", "njit"]

# Compiled code counts by numbers without a sign: of an index with one it asks each time whether it counts
# from the end, and the two added together make a float.
NONE, ONE = np.uint64(0), np.uint64(1)

_CALLED = "_numba_unpickle"  # returns the type of an array; it remembers what it has returned, in Python

if hasattr(serialize, _CALLED):  # else it is another numba than those known
    setattr(serialize, _CALLED, lru_cache(maxsize=None)(getattr(serialize, _CALLED)))
