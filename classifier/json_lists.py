"""JSON files that hold one list of objects, as other tools export them, read object by object."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from classifier.errors import InputError
from classifier.json_values import refuse_deep, refuse_halves
from classifier.limits import LIMITS, Limits, raised
from classifier.text_files import Place, read_text, shown
from classifier.text_lines import LINE

_SPACE = re.compile(r"[ \t\n\r]*")
_LIST = 'a list of objects, such as [{"text": "…"}, …], is wanted'


def json_objects(place: Place, limits: Limits = LIMITS) -> Iterator[tuple[int, dict[str, Any]]]:
    r"""Yield the objects of a JSON list, numbered from 1; an object on its own counts as a list of one.

    Beside the text of the file, memory holds one object.

    Raises
    ------
    InputError
        With file and object for what is no JSON, no list of objects, beyond the limits (size of
        the file, length and depth of an object), or holds NaN or half a surrogate pair.

    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "任务.json"
    ...     _ = path.write_text('[{"text": "医生每月上门。"}]', "utf-8")
    ...     list(json_objects(path))
    [(1, {'text': '医生每月上门。'})]
    """
    text = _text(place, limits)
    at = _next(text, 0)
    if text[at : at + 1] == "{":
        found, at = _object(text, at, f"{shown(place)}: object 1", limits)
        yield 1, found
        _refuse_more(text, at, place)
        return
    if text[at : at + 1] != "[":
        raise InputError(f"{shown(place)}: no list of JSON objects", _LIST)
    yield from _listed(text, at + 1, place, limits)


def _text(place: Place, limits: Limits) -> str:
    try:
        return read_text(place, limits=limits)
    except InputError as error:
        if "--encoding" in error.hint:  # which those who read JSON do not have
            raise InputError(str(error), "save it as UTF-8, which JSON is in") from None
        raise


def _listed(text: str, at: int, place: Place, limits: Limits) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield what stands between the brackets, of which the first was passed."""
    at, number = _next(text, at), 0
    while text[at : at + 1] != "]":
        number += 1
        where = f"{shown(place)}: object {number}"
        found, at = _object(text, at, where, limits)
        yield number, found
        at = _next(text, at)
        if text[at : at + 1] == ",":
            at = _next(text, at + 1)
            if text[at : at + 1] != "]":
                continue
        elif text[at : at + 1] == "]":
            break
        raise InputError(f"{where} is not followed by ',' or ']'", "the file was cut off, or edited by hand")
    _refuse_more(text, at + 1, place)


def _next(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _refuse_more(text: str, at: int, place: Place) -> None:
    if _next(text, at) < len(text):
        raise InputError(f"{shown(place)}: something stands behind the list", _LIST)


def _object(text: str, at: int, where: str, limits: Limits) -> tuple[dict[str, Any], int]:
    if text[at : at + 1] != "{":
        raise InputError(f"{where} is no JSON object", _LIST)
    try:
        found, end = _DECODER.raw_decode(text, at)
    except RecursionError:
        raise InputError(f"{where} is nested more than {limits.depth} deep", raised("depth")) from None
    except ValueError as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{where} is not JSON ({reason:.100})", "export it anew") from None
    if end - at > LINE * limits.characters:
        raise InputError(
            f"{where} is longer than {LINE * limits.characters:,} characters", raised("characters")
        )
    source = text[at:end]
    refuse_deep(found, source, where, limits)
    refuse_halves(found, source, where)
    return found, end


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number")


_DECODER = json.JSONDecoder(parse_constant=_no_number)
