"""What compiled code asks of the processor beyond what Python has words for.

A look into a table of some megabytes takes a hundred times as long as a sum: a walk that
knows where it will look next says so, and goes on with something else meanwhile. And a
processor adds eight numbers in the time of one; but compilers see no use in it where there
are as few as a model has codes, and carry sums to memory and back between two additions
unless they are told how many there are.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_VECTOR = 8  # numbers that a processor adds at once
BLOCK = 3 * _VECTOR  # sums that stay in the processor while numbers are added to them
_READ, _KEEP, _DATA = 0, 3, 1  # of llvm.prefetch: to be read, to stay in every cache, no code
_NAME = "llvm.prefetch.p0"
_BYTE, _WHOLE, _REAL = ir.IntType(8), ir.IntType(32), ir.FloatType()
_WHOLES, _REALS = ir.VectorType(_WHOLE, _VECTOR), ir.VectorType(_REAL, _VECTOR)


def _row(context: Any, builder: Any, array: Any, kind: Any, row: Any, row_kind: Any) -> Any:
    """Return the address of ``array[row]``, an integer within bounds."""
    given = context.make_array(kind)(context, builder, array)
    stride = builder.extract_value(given.strides, 0)
    wide = context.cast(builder, row, row_kind, types.intp)
    return builder.gep(builder.bitcast(given.data, _BYTE.as_pointer()), [builder.mul(wide, stride)])


def _prefetch(_typing: Any, array: Any, row: Any) -> Any:
    """Ask for the first cache line of ``array[row]``; ``row`` is an integer within bounds.

    https://llvm.org/docs/LangRef.html#llvm-prefetch-intrinsic
    """
    return types.void(array, row), _emit_prefetch


def _emit_prefetch(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    place = _row(context, builder, arguments[0], signature.args[0], arguments[1], signature.args[1])
    asked = ir.FunctionType(ir.VoidType(), [_BYTE.as_pointer(), _WHOLE, _WHOLE, _WHOLE])
    function = cgutils.get_or_insert_function(builder.module, asked, _NAME)  # type: ignore[no-untyped-call]
    builder.call(function, [place, _WHOLE(_READ), _WHOLE(_KEEP), _WHOLE(_DATA)])
    return context.get_dummy_value()


def _add_times(_typing: Any, out: Any, i: Any, at: Any, rows: Any, row: Any, times: Any) -> Any:
    """Do ``out[i, at:at + BLOCK] += rows[row, at:at + BLOCK] * times``.

    ``out`` and ``times`` are float32, ``rows`` that or int8; the rows of both arrays lie in one piece,
    and all of it is within bounds.
    """
    return types.void(out, i, at, rows, row, types.float32), _emit_add_times


def _emit_add_times(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    out, i, at, rows, row, times = arguments
    out_kind, i_kind, at_kind, rows_kind, row_kind, _ = signature.args
    first = context.cast(builder, at, at_kind, types.intp)
    sums = _row(context, builder, out, out_kind, i, i_kind)
    added = _row(context, builder, rows, rows_kind, row, row_kind)
    alone = builder.insert_element(_REALS(ir.Undefined), times, _WHOLE(0))
    each = builder.shuffle_vector(alone, _REALS(ir.Undefined), _WHOLES([0] * _VECTOR))
    for _ in range(0, BLOCK, _VECTOR):
        place = _vector(context, builder, sums, out_kind, first)
        product = builder.fmul(_numbers(context, builder, added, rows_kind, first), each, flags=("contract",))
        builder.store(builder.fadd(_load(builder, place), product, flags=("contract",)), place).align = 1
        first = builder.add(first, first.type(_VECTOR))
    return context.get_dummy_value()


def _numbers(context: Any, builder: Any, row: Any, kind: Any, first: Any) -> Any:
    """Return the vector that begins with a column of a row, as float32."""
    found = _load(builder, _vector(context, builder, row, kind, first))
    return found if kind.dtype == types.float32 else builder.sitofp(builder.sext(found, _WHOLES), _REALS)


def _vector(context: Any, builder: Any, row: Any, kind: Any, first: Any) -> Any:
    """Return the address of the vector that begins with a column of a row."""
    number = context.get_data_type(kind.dtype)
    place = builder.gep(builder.bitcast(row, number.as_pointer()), [first])
    return builder.bitcast(place, ir.VectorType(number, _VECTOR).as_pointer())


def _load(builder: Any, place: Any) -> Any:
    vector = builder.load(place)
    vector.align = 1  # rows lie where they lie
    return vector


prefetch: Any = intrinsic(_prefetch)  # takes an array and a row, in compiled code only
add_times: Any = intrinsic(_add_times)  # takes an array, its row, a column, rows, one of them, and a number
