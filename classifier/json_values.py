"""What a JSON value from outside may be: how deep, and of whole characters."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from classifier.cells import SURROGATE
from classifier.errors import InputError
from classifier.limits import Limits, raised

_NESTING = {dict, list}
_HALF, _CAPITAL_HALF = "\\ud", "\\uD"  # how an escape of half a pair begins, and those of some characters


def refuse_deep(value: Any, source: str, where: str, limits: Limits) -> None:
    """Raise `InputError` where lists and mappings stand too deep in one another; ``source`` is their JSON."""
    if type(value) not in _NESTING or _NESTING.isdisjoint(map(type, _inside(value))):
        return  # as nearly all are: no need to go through the text
    if source.count("[") + source.count("{") > limits.depth and _depth(value) > limits.depth:
        raise InputError(f"{where} is nested more than {limits.depth} deep", raised("depth"))


def refuse_halves(value: Any, source: str, where: str) -> None:
    """Raise `InputError` where a text holds half a surrogate pair, which only an escape can write.

    >>> refuse_halves("村", '"村"', "第3行")
    """
    escaped = _HALF in source or _CAPITAL_HALF in source
    if escaped and SURROGATE.search(json.dumps(value, ensure_ascii=False)):
        raise InputError(f"{where} holds half a surrogate pair", "write the character whole")


def _depth(value: Any) -> int:
    """Return how many lists and mappings stand inside one another."""
    depth, inside = 0, [value]
    while inside := [v for v in inside if isinstance(v, dict | list)]:
        depth += 1
        inside = [v for one in inside for v in _inside(one)]
    return depth


def _inside(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value
