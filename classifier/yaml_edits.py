"""Changing a YAML file as a person would: what stays the same keeps its comments, its order and its form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from classifier.errors import InputError
from classifier.yaml_lines import parse

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
ALIKE = 0.45  # of two entries' parts that must be alike for them to be one entry, changed: of two one
WIDTH = 110

Edit = tuple[int, int, str]  # replace text[start:end]


class _Unplain(Exception):  # noqa: N818 - never leaves this module
    """The text has a form that cannot be edited in place."""


def rewrite(text: str, value: Any) -> str:
    r"""Return YAML text that says ``value``, edited no more than need be.

    Where the text cannot be edited in place, it is written anew, without its comments.

    >>> rewrite("# 编码\ncodes:\n  - 旧  # 种养\n  - 路\n", {"codes": ["新", "路"]})
    '# 编码\ncodes:\n  - 新  # 种养\n  - 路\n'
    """
    old, _ = parse(text, "")
    if old == value:
        return text
    try:
        edits = list(_Writer(text).edits(_LOADER(text).get_single_node(), old, value))
        for start, end, new in sorted(edits, key=lambda e: e[:2], reverse=True):
            text = text[:start] + new + text[end:]
        if _says(text, value):
            return text
    except _Unplain:
        pass
    return _dumped(value)


def _says(text: str, value: Any) -> bool:
    try:
        return bool(parse(text, "")[0] == value)
    except InputError:
        return False


def _dumped(value: Any) -> str:
    return str(yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=WIDTH))


class _Writer:
    """Finds the edits that make one value of another, in the text that says the first."""

    def __init__(self, text: str) -> None:
        self.text = text

    def edits(self, node: yaml.Node, old: Any, new: Any) -> list[Edit]:
        """Return the edits for a node."""
        if old == new and type(old) is type(new):
            return []
        if isinstance(node, yaml.MappingNode) and isinstance(new, dict) and isinstance(old, dict):
            pairs = [(k.value, v) for (k, _), v in zip(node.value, old.values(), strict=True)]
            return self._entries(node, pairs, list(new.items()))
        if isinstance(node, yaml.SequenceNode) and isinstance(new, list) and isinstance(old, list):
            return self._entries(node, old, new)
        start, end = node.start_mark.index, self._end(node)
        if not isinstance(node, yaml.ScalarNode) or isinstance(new, dict | list):
            return [(start, end, _flow(new))]
        return [(start, end, _scalar(new, node.style))]

    def _entries(self, node: Any, old: Sequence[Any], new: Sequence[Any]) -> list[Edit]:
        """Return the edits for the items of a list, or the pairs of a mapping."""
        together = _paired(old, new)
        if [i for i, _ in together] == list(range(len(old))) and len(old) == len(new):
            return [e for i, j in together for e in self._entry(node, i, old[i], new[j])]
        if node.flow_style or not old or not new:
            whole = dict(new) if isinstance(node, yaml.MappingNode) else list(new)
            return [(node.start_mark.index, self._end(node), _flow(whole))]
        edits = [e for i, j in together for e in self._entry(node, i, old[i], new[j])]
        kept = {i for i, _ in together}
        edits += [(*self._lines(node, i), "") for i in range(len(old)) if i not in kept]
        return edits + self._added(node, together, new)

    def _entry(self, node: Any, i: int, old: Any, new: Any) -> list[Edit]:
        if not isinstance(node, yaml.MappingNode):
            return self.edits(node.value[i], old, new)
        key, value = node.value[i]
        return [*self.edits(key, old[0], new[0]), *self.edits(value, old[1], new[1])]

    def _added(self, node: Any, together: Sequence[tuple[int, int]], new: Sequence[Any]) -> list[Edit]:
        """Return the edits that put new entries behind the one that stands before them."""
        before = {j: i for i, j in together}
        mapping = isinstance(node, yaml.MappingNode)
        column = node.value[0][0].start_mark.column if mapping else self._dash(node, 0)
        edits: dict[int, str] = {}
        at = None
        for j, entry in enumerate(new):
            if j in before:
                at = self._behind(node.value[before[j]])
            else:
                at = self._lines(node, 0)[0] if at is None else at
                value = dict([entry]) if mapping else [entry]
                block = "".join(" " * column + line + "\n" for line in _dumped(value).splitlines())
                edits[at] = edits.get(at, "") + block
        return [(at, at, block) for at, block in edits.items()]

    def _dash(self, node: Any, i: int) -> int:
        """Return the column of the dash of an item of a block list."""
        start = node.value[i].start_mark
        line = self.text[start.index - start.column : start.index]
        if line.strip() != "-":
            raise _Unplain
        return line.index("-")

    def _lines(self, node: Any, i: int) -> tuple[int, int]:
        """Return where the lines of an entry of a block list or mapping begin and end."""
        entry = node.value[i]
        first = _first(entry).start_mark
        begin = first.index - first.column
        if isinstance(node, yaml.SequenceNode):
            self._dash(node, i)
        elif self.text[begin : first.index].strip():
            raise _Unplain
        return begin, self._behind(entry)

    def _behind(self, entry: Any) -> int:
        """Return where the line behind an entry begins."""
        end = self.text.find("\n", self._end(entry[1] if isinstance(entry, tuple) else entry))
        if end < 0:
            raise _Unplain
        return end + 1

    def _end(self, node: Any) -> int:
        """Return where a node's own text ends: a block's end mark stands behind what follows it."""
        if isinstance(node, yaml.ScalarNode):
            if node.style in ("|", ">"):
                return len(self.text[: node.end_mark.index].rstrip())
            return int(node.end_mark.index)
        if node.flow_style or not node.value:
            return int(node.end_mark.index)
        last = node.value[-1]
        return self._end(last[1] if isinstance(last, tuple) else last)


def _first(entry: Any) -> Any:
    return entry[0] if isinstance(entry, tuple) else entry


def _paired(old: Sequence[Any], new: Sequence[Any]) -> list[tuple[int, int]]:
    """Pair entries that are the same one, changed or not, in order, so that the most stays the same.

    Where nothing but texts and numbers differs, they are paired by place.
    """
    if _shape(list(old)) == _shape(list(new)):
        return [(i, i) for i in range(len(old))]
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    ends = [(len(old) - k, len(new) - k) for k in range(tail, 0, -1)]
    middle = _best(old[head : len(old) - tail], new[head : len(new) - tail])
    return [*((i, i) for i in range(head)), *((head + i, head + j) for i, j in middle), *ends]


def _shape(value: Any) -> Any:
    """Return how a value is built, whatever texts and numbers stand in it."""
    if isinstance(value, dict):
        return "{}", *map(_shape, value.values())
    if isinstance(value, tuple):  # of a mapping
        return _shape(value[1])
    return ("[]", *map(_shape, value)) if isinstance(value, list) else None


def _best(old: Sequence[Any], new: Sequence[Any]) -> list[tuple[int, int]]:
    """Return the pairs, in order, whose likeness adds up to most (a longest common subsequence)."""
    likeness = [[_likeness(a, b) for b in new] for a in old]
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i in reversed(range(len(old))):
        for j in reversed(range(len(new))):
            both = likeness[i][j] + best[i + 1][j + 1] if likeness[i][j] >= ALIKE else 0.0
            best[i][j] = max(both, best[i + 1][j], best[i][j + 1])
    pairs, i, j = [], 0, 0
    while i < len(old) and j < len(new):
        if likeness[i][j] >= ALIKE and best[i][j] == likeness[i][j] + best[i + 1][j + 1]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def _likeness(a: Any, b: Any) -> float:
    """Return how alike two entries are, from 0 to 1."""
    if a == b:
        return 1.0
    if isinstance(a, tuple) and isinstance(b, tuple):  # of a mapping
        return float(max(0.75 * (a[0] == b[0]), 0.75 * _likeness(a[1], b[1])))
    if isinstance(a, dict) and isinstance(b, dict):
        keys = {*a, *b}
        alike = [k in a and k in b and _likeness(a[k], b[k]) >= ALIKE for k in keys]
        return float(0.99 * sum(alike) / len(keys))
    if isinstance(a, list) and isinstance(b, list):
        return float(0.99 * 2 * len([x for x in a if x in b]) / max(1, len(a) + len(b)))
    return 0.0


def _flow(value: Any) -> str:
    """Return a value on one line."""
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    return _scalar(value, None)


def _scalar(value: Any, style: str | None) -> str:
    """Return a scalar on one line, in the quotes that stood there."""
    if isinstance(value, str) and style in ('"', "'") and not set(value) & set("\\\"'\n\t"):
        return f"{style}{value}{style}"
    line = yaml.safe_dump([value], allow_unicode=True, default_flow_style=True, width=10**9)
    return str(line).strip()[1:-1]
