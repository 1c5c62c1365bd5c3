"""What several coders coded: reading their files, and lining up the same segment in each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from classifier.codebook import Codebook
from classifier.coded_marks import CODED, is_coded
from classifier.corpus import split_codes
from classifier.errors import InputError
from classifier.spreadsheet_guard import GUARDED, unguarded
from classifier.tables import table_rows
from classifier.text_files import GZIP, suffix_of

# What names a segment; of these, the first that all files have.
KEYS = (("segment_id",), ("id",), ("doc_id", "start", "end"))
_READ = {"segment_id", "id", "doc_id", "doc", "start", "end", "text", "codes", CODED}
_DOCUMENT_ENDS = {"segment_id": "#", "id": "-"}  # where the name of the document ends in that of a segment
_LIKE_SEMICOLONS = "；，、,|/"

Key = tuple[str, ...]


@dataclass(frozen=True)
class Codings:
    """Segments that several coders coded, each coder some of them.

    Parameters
    ----------
    codebook : Codebook
    coders : tuple of str, length n_coders
        Their names: those of their files, or what the column of coders says.
    segments : DataFrame, shape (n_segments, 3), index 0 … n_segments - 1
        ``segment_id``, ``doc_id``, ``text`` (empty where no file has it), in the order of the files.
    labels : ndarray of bool, shape (n_coders, n_segments, n_codes)
        The codes given; all False where a coder has not coded a segment.
    coded : ndarray of bool, shape (n_coders, n_segments)
        Which segments each coder has coded.
    """

    codebook: Codebook
    coders: tuple[str, ...]
    segments: pd.DataFrame = field(repr=False)
    labels: NDArray[np.bool_] = field(repr=False)
    coded: NDArray[np.bool_] = field(repr=False)

    @property
    def shared(self) -> NDArray[np.bool_]:
        """Which segments two coders or more have coded; shape (n_segments,)."""
        return np.asarray(self.coded.sum(axis=0) >= 2)

    def in_view(self, scheme: str | None) -> tuple[tuple[str, ...], NDArray[np.bool_]]:
        """Return the columns of a view and the labels in it.

        Parameters
        ----------
        scheme : str, optional
            A scheme of the codebook; by default the codes themselves.

        Returns
        -------
        tuple of str, ndarray of bool with shape (n_coders, n_segments, n_columns)
        """
        if scheme is None:
            return self.codebook.columns, self.labels
        flat = pd.DataFrame(
            self.labels.reshape(-1, self.labels.shape[2]), columns=list(self.codebook.columns)
        )
        view = self.codebook.roll_up(flat, scheme)
        shape = (*self.coded.shape, view.shape[1])
        return tuple(map(str, view.columns)), view.to_numpy(dtype=bool).reshape(shape)


@dataclass(frozen=True)
class _Table:
    """One file: its rows, of which only the columns that count are kept, and all its column names."""

    path: Path
    rows: list[dict[str, Any]]
    columns: tuple[str, ...]

    def placed(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield each row with where it stands, for messages."""
        return ((f"{self.path.name}: row {n}", row) for n, row in enumerate(self.rows, 1))


def read_codings(paths: Sequence[Path], codebook: Codebook, coder_column: str | None = None) -> Codings:
    r"""Read coders' files and line their rows up by segment.

    Each file is a table (CSV, TSV, JSONL, XLSX, Parquet) as `fupin label` or `fupin sample` writes it,
    or gold. Rows are lined up by ``segment_id``, else ``id``, else ``doc_id``, ``start`` and ``end``.
    Where a file has a column ``coded``, only the rows that it marks with 1, yes, 是 or x have been
    coded, and those with codes; where it has none, all have. ``codes`` of a row that was coded may
    be empty: the coder found no measure.

    Parameters
    ----------
    paths : sequence of Path
        A file a coder or, with ``coder_column``, any files.
    codebook : Codebook
    coder_column : str, optional
        The column that names the coder of each row.

    Raises
    ------
    InputError
        With file, row and value for an unknown code, a segment that a coder coded twice or of which
        the files hold different texts, a mark that is none, a missing column or an empty file, and
        where no segment was coded by two coders.

    Examples
    --------
    >>> from classifier.codebook import load_codebook
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "双人编码.csv"
    ...     rows = ["甲,1,health,签约医生每月上门。", "乙,1,,签约医生每月上门。"]
    ...     _ = path.write_text("\n".join(["coder,id,codes,text", *rows]), "utf-8")
    ...     codings = read_codings([path], load_codebook(), "coder")
    >>> codings.coders, codings.labels.any(axis=2).tolist()
    (('甲', '乙'), [[True], [False]])
    """
    names = _coders_of(paths)
    tables = [_read(path, coder_column) for path in paths]
    gathering = _Gathering(codebook, _shared_key(tables))
    for name, table in zip(names, tables, strict=True):
        if coder_column is None:
            gathering.coders.setdefault(name, len(gathering.coders))
        for place, row in table.placed():
            coder = name if coder_column is None else _filled(row, coder_column, place)
            gathering.add(coder, row, place, marked=CODED in table.columns)
    return _with_something_shared(gathering.lined_up(), paths, coder_column)


def _coders_of(paths: Sequence[Path]) -> tuple[str, ...]:
    """Return a name for each file, as short as they differ by."""
    resolved = [path.resolve() for path in paths]
    doubled = next((p for i, p in enumerate(paths) if resolved[i] in resolved[:i]), None)
    if doubled is not None:
        raise InputError(f"{doubled}: named twice", "name each coder's file once")
    shorter = [
        [_stem(p) for p in paths],
        [p.name for p in paths],
        [f"{p.parent.name}/{p.name}" for p in paths],
    ]
    distinct = (names for names in shorter if len(set(names)) == len(names))
    return tuple(next(distinct, [str(path) for path in paths]))


def _stem(path: Path) -> str:
    return Path(path.name.removesuffix(GZIP)).stem


def _read(path: Path, coder_column: str | None) -> _Table:
    """Read one file, and see that it has the columns that it needs."""
    wanted = _READ | {coder_column}
    clean = unguarded if suffix_of(path) in GUARDED else str
    rows, columns = [], dict[str, None]()
    for row in table_rows(path):
        columns.update(dict.fromkeys(row))
        rows.append({k: clean(v) if isinstance(v, str) else v for k, v in row.items() if k in wanted})
    if not rows:
        raise InputError(f"{path}: no rows", "name a table with a row for each segment coded")
    for column in ("codes", *([coder_column] if coder_column else ())):
        if column not in columns:
            raise InputError(f"{path}: no column '{column}'", f"columns: {', '.join(columns)}")
    return _Table(path, rows, tuple(columns))


def _shared_key(tables: Sequence[_Table]) -> Key:
    """Return the columns that name segments in all files."""
    for key in KEYS:
        if all(set(key) <= set(table.columns) for table in tables):
            return key
    without = next((t for t in tables if "segment_id" not in t.columns), tables[0])
    raise InputError(
        f"{without.path}: no column 'segment_id' to line segments up by",
        "all files need segment_id, or all id, or all doc_id, start and end",
    )


def _with_something_shared(codings: Codings, paths: Sequence[Path], coder_column: str | None) -> Codings:
    where = ", ".join(path.name for path in paths)
    if len(codings.coders) < 2:
        raise InputError(f"{where}: one coder only: '{codings.coders[0]}'", "agreement needs two coders")
    if not codings.shared.any():
        counts = ", ".join(
            f"{c}: {n}" for c, n in zip(codings.coders, codings.coded.sum(axis=1), strict=True)
        )
        raise InputError(
            f"{where}: no segment was coded by two coders ({counts})",
            "the segments' ids must be the same for all coders; the column 'coded' marks what has been coded",
        )
    return codings


class _Gathering:
    """Takes in rows one by one, and knows which segments and coders there are."""

    def __init__(self, codebook: Codebook, key: Key) -> None:
        self.codebook, self.key = codebook, key
        self.coders: dict[str, int] = {}
        self._column = {code: i for i, code in enumerate(codebook.columns)}
        self._segments: dict[Key, int] = {}
        self._about: list[dict[str, str]] = []
        self._places: dict[tuple[int, int], str] = {}
        self._given: list[tuple[int, int, list[int]]] = []

    def add(self, coder: str, row: Mapping[str, Any], place: str, *, marked: bool) -> None:
        """Take in what a coder made of a segment; ``marked``: the column ``coded`` says whether he did."""
        at = self.coders.setdefault(coder, len(self.coders)), self._segment(row, place)
        if at in self._places:
            name = self._about[at[1]]["segment_id"]
            raise InputError(
                f"{place}: segment '{name}' stands in {self._places[at]} already", "keep one of the two rows"
            )
        self._places[at] = place
        if not marked or is_coded(row.get(CODED), place) or split_codes(row.get("codes"), place):
            self._given.append((*at, self._codes(row, place)))

    def _codes(self, row: Mapping[str, Any], place: str) -> list[int]:
        if "codes" not in row:
            raise InputError(f"{place}: no 'codes'", 'write "codes": "" where there is no code')
        codes = split_codes(row["codes"], place)
        unknown = next((code for code in codes if code not in self._column), None)
        if unknown is not None:
            joined = any(mark in unknown for mark in _LIKE_SEMICOLONS)
            hint = "codes are joined by ';'" if joined else "name their codebook with --codebook or -m"
            raise InputError(
                f"{place}: unknown code '{unknown}'", f"{hint}; `fupin codebook show` lists codes"
            )
        if self.codebook.exclusive and len(codes) != 1:
            raise InputError(
                f"{place}: {len(codes)} codes, but '{self.codebook.name}' wants exactly one",
                f"mend the row, or leave its cell '{CODED}' empty",
            )
        return [self._column[code] for code in codes]

    def _segment(self, row: Mapping[str, Any], place: str) -> int:
        """Return the number of a row's segment, and keep or compare what the row tells about it."""
        key = tuple(_filled(row, column, place) for column in self.key)
        about = {"doc_id": _text(row.get("doc_id")) or _text(row.get("doc")), "text": _raw(row.get("text"))}
        number = self._segments.setdefault(key, len(self._segments))
        if number == len(self._about):
            name = key[0] if len(key) == 1 else f"{key[0]}:{key[1]}-{key[2]}"
            self._about.append({"segment_id": name, **about})
        known = self._about[number]
        for column, value in about.items():
            if known[column] and value and "".join(known[column].split()) != "".join(value.split()):
                shown = " ".join(value.split())[:20]
                raise InputError(
                    f"{place}: segment '{known['segment_id']}' has another {column} than before: '{shown}'",
                    "give files made of the same sample; a column that was changed by hand may be taken out",
                )
            known[column] = known[column] or value
        return number

    def lined_up(self) -> Codings:
        """Return all that was taken in, as arrays."""
        coded = np.zeros((len(self.coders), len(self._about)), dtype=bool)
        labels = np.zeros((*coded.shape, len(self._column)), dtype=bool)
        for coder, segment, codes in self._given:
            coded[coder, segment] = True
            labels[coder, segment, codes] = True
        end = _DOCUMENT_ENDS.get(self.key[0], "")
        for about in self._about:
            about["doc_id"] = about["doc_id"] or _document(about["segment_id"], end)
        segments = pd.DataFrame(self._about, columns=["segment_id", "doc_id", "text"])
        return Codings(self.codebook, tuple(self.coders), segments, labels, coded)


def _document(segment_id: str, end: str) -> str:
    """Return the document that the name of a segment begins with, or the whole name."""
    return segment_id.rpartition(end)[0] or segment_id if end else segment_id


def _filled(row: Mapping[str, Any], column: str, place: str) -> str:
    """Return a cell that must not be empty."""
    value = _text(row.get(column))
    if not value:
        raise InputError(f"{place}: '{column}' is empty", f"fill the column '{column}' in each row")
    return value


def _text(value: Any) -> str:
    """Return a cell as text without space around it: whole numbers without a point, nothing as ''."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return _raw(value).strip()


def _raw(value: Any) -> str:
    return "" if value is None or value != value else str(value)  # noqa: PLR0124 - not a number
