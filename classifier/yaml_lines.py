"""Safe YAML that remembers on which line each mapping and list item stood."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from classifier.errors import FupinError, InputError

# libyaml where it is built in: the same safe loader, some twenty times as fast
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
SIZE_LIMIT = 8_000_000  # bytes; the largest codebook or lexicon worth reading


class Lines:
    r"""Line numbers of the nodes of one YAML file, and its text.

    ``lines.of("codes", 3, "code")`` is the 1-based line of that node, or of the
    nearest ancestor that exists.

    >>> value, lines = parse("codes:\n  - code: health\n    name: 健康扶贫\n", "mine.yaml")
    >>> value["codes"][0]["name"], lines.of("codes", 0, "name")
    ('健康扶贫', 'mine.yaml:3')
    """

    def __init__(self, name: str, text: str, root: yaml.Node | None) -> None:
        self.name, self.text = name, text
        self._root = root

    def of(self, *path: str | int) -> str:
        """Return ``file:line`` of the node that ``path`` leads to."""
        node, line = self._root, 1
        for step in path:
            node = _child(node, step)
            if node is None:
                break
            line = node.start_mark.line + 1
        return f"{self.name}:{line}"


def _child(node: yaml.Node | None, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((v for k, v in node.value if k.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        item: yaml.Node = node.value[step]
        return item
    return None


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
            if first.setdefault(str(key.value), line) != line:
                raise InputError(
                    f"{name}:{line}: '{key.value}' stands twice (first on line {first[str(key.value)]})",
                    "keep one of the two",
                )
            _check_nodes(value, name, seen)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _check_nodes(item, name, seen)


def parse(text: str, name: str) -> tuple[Any, Lines]:
    """Parse YAML text with the safe loader; aliases are refused.

    Returns the value and the line numbers of its parts. Raises `InputError`
    with file and line where the text is no YAML, uses aliases, or doubles a key.
    """
    try:
        loader = _LOADER(text)
        root = loader.get_single_node()
        _check_nodes(root, name, set())
        return (None if root is None else loader.construct_document(root)), Lines(name, text, root)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not valid YAML"
        raise InputError(
            f"{name}{line}: {problem}", "mend that line; a text with ': ' or '#' needs quotes"
        ) from None
    except RecursionError:
        raise InputError(f"{name}: nested too deeply", "a codebook or lexicon is a few levels deep") from None


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
