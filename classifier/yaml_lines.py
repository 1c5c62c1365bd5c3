"""Safe YAML that remembers on which line each mapping and list item stood."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from classifier.errors import Finding, FupinError, InputError

# libyaml where it is built in: the same safe loader, some twenty times as fast
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
SIZE_LIMIT = 8_000_000  # bytes; the largest codebook or lexicon worth reading
DEPTH_LIMIT = 50  # libyaml composes by recursion and would take the process with it

# The plain shapes that `misshapen` knows
TEXT, TEXTS, YES_NO = "a text", "a text or texts by language", "true or false"


class Lines:
    r"""Line numbers of the nodes of one YAML file, and its text.

    ``lines.of("codes", 3, "code")`` is the 1-based line of that key or item, or of
    the nearest ancestor that exists.

    >>> value, lines = parse("codes:\n  - code: health\n    name: 健康扶贫\n", "mine.yaml")
    >>> value["codes"][0]["name"], lines.of("codes", 0, "name")
    ('健康扶贫', 'mine.yaml:3')
    """

    def __init__(self, name: str, text: str) -> None:
        self.name, self.text = name, text

    @cached_property
    def _root(self) -> yaml.Node | None:
        """The nodes with their marks; made where a line is asked for."""
        root: yaml.Node | None = _LOADER(self.text).get_single_node()
        return root

    def of(self, *path: str | int) -> str:
        """Return ``file:line`` of the key or item that ``path`` leads to."""
        node, line = self._root, 1
        for step in path:
            found = _child(node, step)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        return f"{self.name}:{line}"


def _child(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    """Return the node that a step leads to, behind the one that marks its line: its key, or itself."""
    if isinstance(node, yaml.MappingNode):
        return next(((k, v) for k, v in node.value if k.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None


def _check_depth(text: str, name: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEPTH_LIMIT:
            raise InputError(f"{name}: nested too deeply", "a codebook or lexicon is a few levels deep")


def _check_nodes(node: yaml.Node | None, name: str, seen: set[int]) -> None:
    """Refuse aliases, and a key written twice: YAML would keep the last in silence."""
    if node is None:
        return
    if id(node) in seen:
        raise InputError(
            f"{name}: YAML aliases (*name) are not accepted", "write the value out in each place"
        )
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        first: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if str(key.value) in first:
                raise InputError(
                    f"{name}:{line}: '{key.value}' stands twice (first on line {first[str(key.value)]})",
                    "keep one of the two",
                )
            first[str(key.value)] = line
            _check_nodes(value, name, seen)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _check_nodes(item, name, seen)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return pairs as a mapping; a doubled key is left to the YAML reader, which knows its line."""
    out = dict(pairs)
    if len(out) < len(pairs):
        raise ValueError("a key stands twice")
    return out


def parse(text: str, name: str) -> tuple[Any, Lines]:
    """Parse YAML text with the safe loader; aliases are refused.

    Returns the value and the line numbers of its parts. Raises `InputError`
    with file and line where the text is no YAML, uses aliases, or doubles a key.
    """
    if text.startswith("{"):  # perhaps JSON, which is YAML too and read many times faster
        with suppress(ValueError, RecursionError):
            return json.loads(text, object_pairs_hook=_distinct), Lines(name, text)
    try:
        _check_depth(text, name)
        loader = _LOADER(text)
        root = loader.get_single_node()
        _check_nodes(root, name, set())
        return (None if root is None else loader.construct_document(root)), Lines(name, text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not valid YAML"
        raise InputError(
            f"{name}{line}: {problem}", "mend that line; a text with ': ' or '#' needs quotes"
        ) from None
    except (ValueError, KeyError, AttributeError):  # what the safe loader lets through
        raise InputError(
            f"{name}: a date, number or tagged value that YAML cannot read", "put it in quotes"
        ) from None


def misshapen(value: Any, shape: Any, lines: Lines, *path: str | int) -> Iterator[Finding]:
    r"""Yield an error for every part of a parsed file that has not the shape asked for.

    A shape is one of the plain ones, a list of one shape, or a mapping of keys to
    shapes; a key with ``!`` must be there. Keys that the shape does not name may
    hold anything, and null counts as absent.

    >>> shape = {"codes": [{"code!": TEXT}]}
    >>> value, lines = parse("codes:\n  - name: 健康\n", "mine.yaml")
    >>> [str(finding) for finding in misshapen(value, shape, lines)]
    ["mine.yaml:2: error: 'code' is missing"]
    """
    name = next((step for step in reversed(path) if isinstance(step, str)), "")
    if isinstance(shape, str):
        if not _fits(value, shape):
            yield Finding(lines.of(*path), "error", f"'{name}' is not {shape}: {value!r:.60}")
    elif not isinstance(value, type(shape)):
        kind = "a list" if isinstance(shape, list) else "a mapping"
        yield Finding(lines.of(*path), "error", f"'{name}' is not {kind}: {value!r:.60}")
    elif isinstance(shape, list):
        for i, item in enumerate(value):
            yield from misshapen(item, shape[0], lines, *path, i)
    else:
        for key, inner in shape.items():
            step = key.rstrip("!")
            if value.get(step) is not None:
                yield from misshapen(value[step], inner, lines, *path, step)
            elif step != key:
                yield Finding(lines.of(*path), "error", f"'{step}' is missing")


def _fits(value: Any, shape: str) -> bool:
    """Say whether a value is of one of the plain shapes."""
    if shape == YES_NO:
        return isinstance(value, bool)
    if shape == TEXTS and isinstance(value, Mapping):
        return all(text is None or _fits(text, TEXT) for text in value.values())
    return isinstance(value, str | int | float | date) and not isinstance(value, bool)


def load(path: str | Path) -> tuple[Any, Lines]:
    """Read and parse a YAML file of at most 8 MB; see `parse`."""
    path = Path(path)
    text = read_small(path, SIZE_LIMIT)
    return parse(text, path.name)


def read_small(path: Path, limit: int) -> str:
    """Return the text of a UTF-8 file not larger than ``limit`` bytes."""
    try:
        size = path.stat().st_size
        if size > limit:
            raise InputError(
                f"{path}: {size:,} bytes, over the limit of {limit:,}", "is this the right file?"
            )
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 at byte {error.start}", "save the file as UTF-8") from None
    except OSError as error:
        raise unreadable(path, error) from None


def unreadable(path: Path, error: OSError) -> FupinError:
    """Return the error for a path that the system will not let us read."""
    return InputError(f"{path}: {error.strerror or error}", "check the path and its permissions")
