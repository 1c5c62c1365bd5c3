"""Arrays and JSON values changed as bytes choose: other shapes, types and orders, other values and keys."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from fuzz.choices import Choices

Array = np.ndarray[Any, Any]

# What a value may become
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 33, 10**9, -(10**30), 10**400, 0.5, -0.0, 1e-320, 1e30, 1e308),
    *(float("nan"), float("inf"), -float("inf"), "", "a", "医", "\ud800", "\x00", "x" * 60, "é", "学"),
    *([], {}, [[]], [1, 2], [2, 1], ["医"], {"clinic": {}}, [None] * 40, "clinic", "school", "road", "other"),
)
_DTYPES = (
    "|i1",
    "|u1",
    "|b1",
    "<i2",
    ">i4",
    "<f2",
    "<f4",
    ">f4",
    "<f8",
    "<c8",
    "<U1",
    "<M8[s]",
    "|V1",
    "|O",
    "|S1",
)
_NUMBERS = (0, 1, -128, 127, 3.4e38, -1e30, 1e-45, float("nan"), float("inf"), 1e6, 1000, -0.0)
_SHAPES = ((), (0,), (0, 2), (13, 0), (1, 1, 1), (2, 13), (13, 1, 2), (13,), (11,), (26,))
_KEYS = ("clinic", "school", "road", "x", "drift", "exclusive", "")
_MEASURES = ("unseen", "near", "disagreement", "uncoded", "length", "no_han", "x")
_TYPICAL = {"mean": 0.5, "between": 0.1, "within": 0.1, "error": 0.01}


def changed_array(array: Array, others: Mapping[str, Array], choices: Choices) -> Array:
    """Return an array of another shape, dtype, order or content; or another's."""
    what = choices.below(18)
    if what > 5 and array.size and array.dtype.kind in "if":
        return _with_another_number(array, choices)
    if what == 1:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.zeros(array.shape, dtype=choices.of(_DTYPES))
    if what in (2, 5) and array.ndim:
        return array[: choices.below(len(array) + 1)] if what == 2 else np.concatenate([array, array])
    if what == 3:
        return np.asfortranarray(array.T if choices.below(2) else array)
    if what == 4:
        return np.resize(array, choices.of(_SHAPES))
    return others[choices.of(list(others))]


def _with_another_number(array: Array, choices: Choices) -> Array:
    flat = array.flatten()
    number = choices.of(_NUMBERS) if choices.below(4) == 3 else (choices.below(65536) - 9999) / 32
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        flat[choices.below(flat.size)] = np.array(number).astype(array.dtype)
    return flat.reshape(array.shape)


def replaced(value: Any, choices: Choices) -> Any:
    """Return a JSON value with a part of it, at the end of a chosen way into it, changed."""
    if isinstance(value, dict) and value and choices.below(4):
        return _mapping(value, choices)
    if isinstance(value, list) and value and choices.below(4):
        return _list(value, choices)
    if choices.below(8) == 7:
        typical = {
            name: replaced(figure, choices) if choices.below(2) else figure
            for name, figure in _TYPICAL.items()
        }
        return {"documents": choices.of((1, 5, -1, 0.5)), "measures": {choices.of(_MEASURES): typical}}
    return choices.of(_VALUES) if choices.below(3) else choices.taken(6).decode("utf-8", "replace")


def _mapping(value: dict[str, Any], choices: Choices) -> dict[str, Any]:
    key, what = choices.of(list(value)), choices.below(6)
    if what == 0:
        return {k: v for k, v in value.items() if k != key}
    if what == 1:
        return {**value, choices.of(_KEYS): choices.of(_VALUES)}
    return {**value, key: replaced(value[key], choices)}


def _list(value: list[Any], choices: Choices) -> list[Any]:
    at, what = choices.below(len(value)), choices.below(6)
    if what == 0:
        return value[:at] + value[at + 1 :]
    if what == 1:
        return [*value[:at], value[at], *value[at:]]
    return [*value[:at], replaced(value[at], choices), *value[at + 1 :]]
