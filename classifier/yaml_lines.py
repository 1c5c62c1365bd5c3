"""Safe YAML that remembers on which line each mapping and list item stood.

Files may be hostile: what is read is bounded in bytes, nodes, depth and the length of numbers, aliases
and tags are refused, and so nothing costs more than a few seconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from classifier.bounded_files import read_bounded
from classifier.errors import Finding, FupinError, InputError
from classifier.inert_text import on_one_line

# libyaml where it is built in: the same safe loader, some twenty times as fast
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
SIZE_LIMIT = 8_000_000  # bytes; the largest codebook or lexicon worth reading
DEPTH_LIMIT = 50  # libyaml composes by recursion and would take the process with it
NODE_LIMIT = 400_000  # values, keys, lists and mappings
TEXT_LIMIT = 20_000  # characters of one text
_NUMBER_LIMIT = 100  # characters of what is no text: 1:1:1:… is a number to YAML, and slow to reckon
_PLAIN = tuple(f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "timestamp"))
_LIST, _MAPPING = "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"

# The plain shapes that `misshapen` knows
_Place = tuple[yaml.Node, yaml.Node]
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
        self._inside: dict[int, dict[str, _Place]] = {}  # of each mapping's node: its keys

    @cached_property
    def _root(self) -> yaml.Node | None:
        """The nodes with their marks, made where a line is asked for; None where JSON is no YAML."""
        try:
            root: yaml.Node | None = _LOADER(self.text).get_single_node()
        except (yaml.YAMLError, ValueError):
            return None
        return root

    def of(self, *path: str | int) -> str:
        """Return ``file:line`` of the key or item that ``path`` leads to."""
        node, line = self._root, 1
        for step in path:
            found = self._child(node, step)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        return f"{self.name}:{line}"

    def _child(self, node: yaml.Node | None, step: str | int) -> _Place | None:
        """Return the node that a step leads to, behind the one that marks its line: its key, or itself."""
        if isinstance(node, yaml.MappingNode):
            if id(node) not in self._inside:
                self._inside[id(node)] = {str(key.value): (key, value) for key, value in node.value}
            return self._inside[id(node)].get(str(step))
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            return node.value[step], node.value[step]
        return None


def _check_events(text: str, name: str) -> None:
    """Refuse what would take long to compose, and aliases, with which a few lines become millions."""
    depth = nodes = 0
    for event in yaml.parse(text, Loader=_LOADER):
        opens = isinstance(event, yaml.CollectionStartEvent)
        depth += opens - isinstance(event, yaml.CollectionEndEvent)
        nodes += opens or isinstance(event, yaml.ScalarEvent)
        place = f"{name}:{event.start_mark.line + 1 if event.start_mark else 1}"
        if depth > DEPTH_LIMIT:
            raise InputError(f"{place}: nested too deeply", "a codebook or lexicon is a few levels deep")
        if nodes > NODE_LIMIT:
            raise InputError(f"{place}: more than {NODE_LIMIT:,} values", "is this the right file?")
        if isinstance(event, yaml.AliasEvent):
            raise InputError(
                f"{place}: YAML aliases (*{event.anchor:.40}) are not accepted",
                "write the value out in each place",
            )


class _Checked:
    """Checks the nodes of a file before anything is made of them, and says which line is wrong.

    Refused are tags, numbers that are long or none, keys that are no words, and a key written
    twice: YAML would keep the last in silence.
    """

    def __init__(self, loader: Any, name: str) -> None:
        self._loader, self._name = loader, name

    def node(self, node: yaml.Node | None) -> None:
        """Check a node with all that is in it."""
        if isinstance(node, yaml.MappingNode):
            self._tag(node, (_MAPPING,))
            self._keys([key for key, _ in node.value])
            for _, value in node.value:
                self.node(value)
        elif isinstance(node, yaml.SequenceNode):
            self._tag(node, (_LIST,))
            for item in node.value:
                self.node(item)
        elif isinstance(node, yaml.ScalarNode):
            self._scalar(node)

    def _keys(self, keys: list[yaml.Node]) -> None:
        first: dict[str, int] = {}
        for key in keys:
            if not isinstance(key, yaml.ScalarNode):
                raise self._error(key, "a key that is a list or a mapping", "a key is a word")
            self._scalar(key)
            if key.value in first:
                shown = f"'{on_one_line(key.value):.60}' stands twice (first on line {first[key.value]})"
                raise self._error(key, shown, "keep one of the two")
            first[key.value] = key.start_mark.line + 1

    def _scalar(self, node: yaml.ScalarNode) -> None:
        self._tag(node, _PLAIN)
        if node.tag == _PLAIN[0]:
            if any("\ud800" <= character <= "\udfff" for character in node.value):
                raise self._error(node, "half a surrogate pair", "write the character whole")
            return
        try:
            if len(node.value) > _NUMBER_LIMIT:
                raise ValueError("a long number")
            self._loader.construct_object(node)
        except (
            ArithmeticError,
            AttributeError,
            LookupError,
            ValueError,
        ):  # what the safe loader lets through
            problem = "a date, number or tagged value that YAML cannot read"
            raise self._error(node, problem, "put it in quotes") from None

    def _tag(self, node: yaml.Node, known: tuple[str, ...]) -> None:
        if node.tag not in known:
            raise self._error(node, f"a tagged value ({on_one_line(node.tag):.60})", "put it in quotes")

    def _error(self, node: yaml.Node, problem: str, hint: str) -> InputError:
        return InputError(f"{self._name}:{node.start_mark.line + 1}: {problem}", hint)


def _quick(text: str) -> Any:
    """Return the value of JSON, which is YAML too and read many times faster.

    Raises ValueError or RecursionError for what is no JSON, and for all that `parse` might refuse.
    """
    if len(text) > SIZE_LIMIT or text.count(",") + text.count("{") + text.count("[") > NODE_LIMIT // 2:
        raise ValueError("perhaps too much")
    value = json.loads(
        text, object_pairs_hook=_distinct, parse_constant=_refused, parse_int=_short, parse_float=_short_float
    )
    inside = [value]
    for _ in range(DEPTH_LIMIT + 1):
        inside = [
            part
            for one in inside
            if isinstance(one, dict | list)
            for part in (one.values() if isinstance(one, dict) else one)
        ]
    if inside:
        raise ValueError("nested too deeply")
    if "\\u" in text:
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _short(number: str) -> int:
    return int(number) if len(number) <= _NUMBER_LIMIT else int(_refused(number))


def _short_float(number: str) -> float:
    return float(number) if len(number) <= _NUMBER_LIMIT else float(_refused(number))


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant:.20} is no number for JSON")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return pairs as a mapping; a doubled key is left to the YAML reader, which knows its line."""
    out = dict(pairs)
    if len(out) < len(pairs):
        raise ValueError("a key stands twice")
    return out


def parse(text: str, name: str) -> tuple[Any, Lines]:
    """Parse YAML text with the safe loader; aliases, tags and keys that are no words are refused.

    Returns the value and the line numbers of its parts. Raises `InputError`
    with file and line where the text is no YAML, uses aliases, doubles a key, or is larger than
    `SIZE_LIMIT`, `DEPTH_LIMIT` and `NODE_LIMIT` allow.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{name}: half a surrogate pair at {error.start}", "write it whole") from None
    if text.startswith("{"):
        with suppress(ValueError, RecursionError):
            return _quick(text), Lines(name, text)
    if len(text) > SIZE_LIMIT:
        raise InputError(f"{name}: more than {SIZE_LIMIT:,} characters", "is this the right file?")
    try:
        _check_events(text, name)
        loader = _LOADER(text)
        root = loader.get_single_node()
        _Checked(loader, name).node(root)
        return (None if root is None else loader.construct_document(root)), Lines(name, text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not valid YAML"
        raise InputError(
            f"{name}{line}: {on_one_line(str(problem)):.200}",
            "mend that line; a text with ': ' or '#' needs quotes",
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
        elif _length(value) > TEXT_LIMIT:
            yield Finding(lines.of(*path), "error", f"'{name}' is longer than {TEXT_LIMIT:,} characters")
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


def _length(value: Any) -> int:
    """Return how long a text is, or the longest of texts by language."""
    if isinstance(value, Mapping):
        return max(map(_length, value.values()), default=0)
    return len(value) if isinstance(value, str) else 0


def load(path: str | Path) -> tuple[Any, Lines]:
    """Read and parse a YAML file of at most 8 MB; see `parse`."""
    path = Path(path)
    text = read_small(path, SIZE_LIMIT)
    return parse(text, path.name)


def read_small(path: Path, limit: int) -> str:
    """Return the text of a UTF-8 file not larger than ``limit`` bytes."""
    try:
        return read_bounded(path, limit).decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 at byte {error.start}", "save the file as UTF-8") from None
    except OSError as error:
        raise unreadable(path, error) from None


def unreadable(path: Path, error: OSError) -> FupinError:
    """Return the error for a path that the system will not let us read."""
    return InputError(f"{path}: {error.strerror or error}", "check the path and its permissions")
