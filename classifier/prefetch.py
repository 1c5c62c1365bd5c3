"""Asking for memory before it is needed, so that compiled code need not wait for it.

A look into a table of some megabytes takes a hundred times as long as a sum. A walk that
knows where it will look next says so, and goes on with something else meanwhile.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_READ, _KEEP, _DATA = 0, 3, 1  # of llvm.prefetch: to be read, to stay in every cache, no code
_NAME = "llvm.prefetch.p0"


def _typed(_typing: Any, array: Any, row: Any) -> Any:
    """Ask for the first cache line of ``array[row]``; ``row`` is an integer within bounds.

    https://llvm.org/docs/LangRef.html#llvm-prefetch-intrinsic
    """
    return types.void(array, row), _emit


def _emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    array, row = arguments
    byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
    given = context.make_array(signature.args[0])(context, builder, array)
    stride = builder.extract_value(given.strides, 0)
    wide = context.cast(builder, row, signature.args[1], types.intp)
    place = builder.gep(builder.bitcast(given.data, byte), [builder.mul(wide, stride)])
    asked = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
    function = cgutils.get_or_insert_function(builder.module, asked, _NAME)  # type: ignore[no-untyped-call]
    builder.call(function, [place, number(_READ), number(_KEEP), number(_DATA)])
    return context.get_dummy_value()


prefetch: Any = intrinsic(_typed)  # takes an array and a row, in compiled code only
