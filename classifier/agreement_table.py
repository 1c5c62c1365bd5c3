"""Agreement as a person reads it: tables of at most 80 columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len, set_cell_size

from classifier.agreement import OVERALL, Agreement, agreement
from classifier.codings import Codings
from classifier.disagreements import confusions
from classifier.inert_text import inert

WIDTH = 80
DASH = "–"
CONFUSIONS = 10
_FIGURE = 8  # columns of a count
_MANY = 26  # coders who have a letter of their own
_HEADS = {"alpha": "α", "kappa": "κ", "agree": "agree, %", "f1": "F1"}
_WHOLE = {"alpha": "α of label sets (MASI)", "same_set": "exactly the same set, %", "f1": "micro-F1"}
SHARES = ("agree", "same_set")  # shown in percent

Key = TypeVar("Key", bound=tuple[int, ...])


def to_text(codings: Codings, scheme: str | None = None) -> str:
    """Return how well coders agree, per code or per category of a scheme, as tables.

    After the figures per code come those over label sets, how often each coder gave each code, and
    which codes are taken for each other; all of it on the segments that two coders or more coded.
    """
    columns, labels = codings.in_view(scheme)
    found = agreement(labels, codings.coded, codings.segments["doc_id"].tolist(), columns)
    names = _names(codings, columns, scheme)
    letters = _letters(len(codings.coders))
    blocks = [
        _heading(codings, found, letters, scheme),
        *_figures(found, names),
        _whole(found, len(letters)),
        *_positives(labels & codings.shared[:, None], names, letters),
        *_confused(*confusions(labels, codings.coded), columns, letters),
    ]
    return "\n".join("\n".join(block) + "\n" for block in blocks if block)


def _names(codings: Codings, columns: Sequence[str], scheme: str | None) -> list[str]:
    """Return what stands at the beginning of a code's line: code and Chinese name, or the category."""
    if scheme is not None:
        return list(columns)
    return [f"{c.code} {c.name.get('zh', '')}".strip() for c in codings.codebook.codes]


def _letters(n: int) -> list[str]:
    """Return a short name for each coder.

    >>> _letters(3)
    ['A', 'B', 'C']
    """
    return [chr(ord("A") + i) if n <= _MANY else f"#{i + 1}" for i in range(n)]


def _heading(codings: Codings, found: Agreement, letters: Sequence[str], scheme: str | None) -> list[str]:
    about = f": {found.segments:,} segments in {found.documents:,} documents coded by two or more"
    lines = [_cut(scheme or codings.codebook.name, WIDTH - len(about)) + about]
    shared = codings.coded & codings.shared
    for letter, name, own, common in zip(
        letters, codings.coders, codings.coded.sum(axis=1), shared.sum(axis=1), strict=True
    ):
        counts = f"  {own:,} coded, {common:,} of them by others too"
        lines.append(f"  {letter}  {_cut(inert(' '.join(name.split())), WIDTH - 5 - len(counts))}{counts}")
    return lines


def _figures(found: Agreement, names: Sequence[str]) -> Iterator[list[str]]:
    """Yield the figures per code with their intervals, two to a table."""
    for pair in (("alpha", "kappa"), ("agree", "f1")):
        columns = {
            f"{_HEADS[name]} [95 % interval]": [
                _estimate(name, *row)
                for row in found.table[[name, f"{name}_low", f"{name}_high"]].itertuples(index=False)
            ]
            for name in pair
        }
        wide = 2 + max(len(cell) for head, cells in columns.items() for cell in (head, *cells))
        width = _width([*names, "code"], WIDTH - 2 * wide)
        yield [
            _padded("code", width) + "".join(f"{head:>{wide}}" for head in columns),
            *(
                _padded(name, width) + "".join(f"{cell:>{wide}}" for cell in cells)
                for name, *cells in zip(names, *columns.values(), strict=True)
            ),
        ]


def _whole(found: Agreement, n_coders: int) -> list[str]:
    """Return the figures over all codes together, and what has to be said of all figures."""
    width = _width(_WHOLE.values(), WIDTH)
    lines = [
        f"  {_padded(_WHOLE[name], width)}  {_estimate(name, *row)}"
        for name, row in zip(OVERALL, found.overall.to_numpy().tolist(), strict=True)
    ]
    if n_coders > 2:
        lines.append("  κ and F1 are means over the pairs of coders")
    if found.table.isna().any(axis=None):
        lines.append(f"  {DASH}  nobody gave the code, or too few documents have it for an interval")
    return ["all together", *lines]


def _positives(
    labels: NDArray[np.bool_], names: Sequence[str], letters: Sequence[str]
) -> Iterator[list[str]]:
    """Yield how many segments each coder gave each code, in as many tables as there are coders for."""
    width = _width([*names, "segments given"], WIDTH - 3 * _FIGURE)
    counts = labels.sum(axis=1).T
    at_a_time = (WIDTH - width) // _FIGURE
    for start in range(0, len(letters), at_a_time):
        block = slice(start, start + at_a_time)
        yield [
            _padded("segments given", width) + "".join(f"{x:>{_FIGURE}}" for x in letters[block]),
            *(
                _padded(name, width) + "".join(f"{n:>{_FIGURE},}" for n in row[block])
                for name, row in zip(names, counts, strict=True)
            ),
        ]


def _confused(
    for_each_other: Counter[tuple[int, int]],
    alone: Counter[tuple[int, int]],
    columns: Sequence[str],
    letters: Sequence[str],
) -> Iterator[list[str]]:
    """Yield the codes most often taken for each other, and those given by one coder alone.

    Of two coders, both directions are shown: in the column ``A / B`` the first code is A's.
    """
    two = len(letters) == 2
    pairs: Counter[tuple[int, int]] = Counter()
    for (x, y), n in for_each_other.items():
        pairs[min(x, y), max(x, y)] += n
    yield _ranking(
        "taken for each other",
        [" / ".join(letters), " / ".join(letters[::-1])] if two else [],
        {
            f"{columns[x]} / {columns[y]}": (n, for_each_other[x, y], for_each_other[y, x])
            for (x, y), n in _most(pairs)
        },
    )
    codes: Counter[tuple[int]] = Counter()
    for (_, x), n in alone.items():
        codes[(x,)] += n
    yield _ranking(
        "given by one, with nothing else from the other",
        letters if two else [],
        {columns[x]: (n, alone[0, x], alone[1, x]) for (x,), n in _most(codes)},
    )


def _most(counted: Counter[Key]) -> list[tuple[Key, int]]:
    """Return the most frequent, in a settled order."""
    return sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:CONFUSIONS]


def _ranking(title: str, directions: Sequence[str], rows: Mapping[str, tuple[int, int, int]]) -> list[str]:
    """Return a table of counts, or nothing where there is none to show."""
    if not rows:
        return []
    heads = ["times", *directions]
    width = _width([*rows, title], WIDTH - _FIGURE * len(heads))
    return [
        _padded(title, width) + "".join(f"{head:>{_FIGURE}}" for head in heads),
        *(
            _padded(name, width) + "".join(f"{n:>{_FIGURE},}" for n in counts[: len(heads)])
            for name, counts in rows.items()
        ),
    ]


def _estimate(figure: str, value: float, low: float, high: float) -> str:
    """Return a figure with its interval; a dash for what does not exist.

    >>> _estimate("alpha", 0.5, 0.25, 0.75), _estimate("agree", 0.5, float("nan"), float("nan"))
    ('0.500 [0.250, 0.750]', '50.0 [–]')
    """
    if np.isnan(value):
        return DASH
    written = [f"{100 * x:.1f}" if figure in SHARES else f"{x:.3f}" for x in (value, low, high)]
    return f"{written[0]} [{DASH if np.isnan(low) else ', '.join(written[1:])}]"


def _width(names: Iterable[str], most: int) -> int:
    return min(most, max(map(cell_len, names)))


def _padded(name: str, width: int) -> str:
    """Return a name as wide as its column; one that is too long ends in an ellipsis.

    >>> _padded("健康扶贫", 10) + "|", _padded("健康扶贫", 6) + "|"
    ('健康扶贫  |', '健康… |')
    """
    return set_cell_size(_cut(name, width), width)


def _cut(name: str, width: int) -> str:
    return name if cell_len(name) <= width else set_cell_size(name, width - 1).rstrip() + "…"
