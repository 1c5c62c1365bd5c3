"""Reading back what `fupin label` wrote: texts, the codes given, and their probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from classifier.codebook import Codebook
from classifier.corpus import split_codes
from classifier.errors import InputError
from classifier.spreadsheet_guard import GUARDED, unguarded
from classifier.table_columns import table_columns
from classifier.text_files import suffix_of

NEEDED = ("doc_id", "segment_id", "text", "codes")
_HINT = "give a file that `fupin label` wrote"
Values = NDArray[Any]


@dataclass(frozen=True)
class Labelled:
    """Labelled segments, a row each; rows and index of the three frames are the same.

    Parameters
    ----------
    source : str
        The file's name.
    codebook : Codebook
    frame : DataFrame, shape (n_segments, …), index 0 … n - 1
        ``doc_id``, ``segment_id`` and ``text`` as str, then every other column of the file as
        read (of CSV and XLSX: str), in the file's order; probabilities are left out.
    given : DataFrame of bool, shape (n_segments, n_codes)
        The codes given; columns are the codebook's codes in its order.
    probabilities : DataFrame of float, shape (n_segments, n_codes)
        In [0, 1]; NaN where unknown, as for a code that the model was not trained on.
    """

    source: str
    codebook: Codebook
    frame: pd.DataFrame
    given: pd.DataFrame
    probabilities: pd.DataFrame

    def __len__(self) -> int:
        """Return the number of segments."""
        return len(self.frame)


def read_labelled(path: Path, codebook: Codebook) -> Labelled:
    r"""Read what `fupin label` wrote, as CSV, TSV, JSONL, Parquet or XLSX.

    The apostrophe that keeps a spreadsheet from taking a cell for a formula is taken off.
    Raises `InputError` with file, row and value for a missing column, an empty ``doc_id``, a
    doubled ``segment_id``, a code that the codebook does not have, or a probability that is none.

    >>> from classifier.codebook import load_codebook
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "标注.csv"
    ...     _ = path.write_text("doc_id,segment_id,text,codes\n甲,甲#0,医生每月上门。,health\n", "utf-8")
    ...     labelled = read_labelled(path, load_codebook())
    >>> labelled.frame["text"][0], labelled.given.columns[labelled.given.loc[0]].tolist()
    ('医生每月上门。', ['health'])
    """
    columns = table_columns(path, NEEDED, _HINT)
    codes = set(codebook.columns)
    if suffix_of(path) in GUARDED:
        columns = {
            unguarded(n): values if n in codes else _unguarded(values) for n, values in columns.items()
        }
    others = [name for name in columns if name not in NEEDED[:3] and name not in codes]
    frame = {
        "doc_id": _identifiers(columns["doc_id"], path.name, "doc_id"),
        "segment_id": _distinct(_identifiers(columns["segment_id"], path.name, "segment_id"), path.name),
        "text": columns["text"].fillna("").astype(str),
        **{name: columns[name] for name in others},
    }
    unknown = np.full(len(frame["doc_id"]), np.nan)
    probabilities = {
        code: _probabilities(columns[code], path.name, code) if code in columns else unknown
        for code in codebook.columns
    }
    return Labelled(
        source=path.name,
        codebook=codebook,
        frame=pd.DataFrame(frame),
        given=pd.DataFrame(_given(columns["codes"], codebook, path.name), columns=list(codebook.columns)),
        probabilities=pd.DataFrame(probabilities, columns=list(codebook.columns)),
    )


def _unguarded(values: pd.Series[Any]) -> pd.Series[Any]:
    marked = values.str.startswith("'").to_numpy(dtype=bool)
    if not marked.any():
        return values
    return values.mask(marked, values[marked].map(unguarded))


def _identifiers(values: pd.Series[Any], source: str, column: str) -> pd.Series[Any]:
    """Return identifiers as text; an empty one is an error."""
    found = values.astype(str).where(values.notna(), "")
    empty = np.flatnonzero((found == "").to_numpy(dtype=bool))
    if len(empty):
        raise InputError(f"{source}: row {empty[0] + 1}: {column} is empty", _HINT)
    return found


def _distinct(segment_ids: pd.Series[Any], source: str) -> pd.Series[Any]:
    doubled = np.flatnonzero(segment_ids.duplicated().to_numpy(dtype=bool))
    if len(doubled):
        twice = segment_ids.iloc[doubled[0]]
        first = int(np.flatnonzero((segment_ids == twice).to_numpy(dtype=bool))[0])
        raise InputError(
            f"{source}: row {doubled[0] + 1}: segment_id '{twice}' stands in row {first + 1} already",
            "give each document its own id, and label anew",
        )
    return segment_ids


def _given(codes: pd.Series[Any], codebook: Codebook, source: str) -> NDArray[np.bool_]:
    """Return which codes each segment has, shape (n_segments, n_codes); each combination is read once."""
    hashable = (
        codes.map(lambda v: v if isinstance(v, str) else _as_text(v)) if codes.dtype == object else codes
    )
    number, distinct = pd.factorize(hashable)
    column_of = {code: i for i, code in enumerate(codebook.columns)}
    combinations = np.zeros((len(distinct) + 1, len(column_of)), dtype=bool)  # the last: nothing, for -1
    for i, value in enumerate(distinct):
        place = f"{source}: row {int(np.argmax(number == i)) + 1}" if value else source
        for code in split_codes(value, place):
            if code not in column_of:
                raise InputError(
                    f"{place}: unknown code '{code}'", "name the model it was labelled with: -m MODEL"
                )
            combinations[i, column_of[code]] = True
    return np.asarray(combinations[number])


def _as_text(value: Any) -> str | None:
    """Return a list of codes joined as in a table; None where there is nothing."""
    if isinstance(value, list | tuple | np.ndarray):
        return ";".join(map(str, value))
    return None


def _probabilities(values: pd.Series[Any], source: str, code: str) -> NDArray[np.float64]:
    """Return a column as probabilities, NaN where the cell is empty."""
    empty = values.isna().to_numpy(dtype=bool)
    if values.dtype.kind not in "fiu":
        empty = empty | (values == "").to_numpy(dtype=bool)
    found = _numbers(values)
    wrong = np.flatnonzero(~((found >= 0) & (found <= 1)) & ~empty)
    if len(wrong):
        at = int(wrong[0])
        raise InputError(
            f"{source}: row {at + 1}: probability of '{code}' is '{values.iloc[at]}'",
            "probabilities are numbers from 0 to 1, or empty",
        )
    return found


def _numbers(values: pd.Series[Any]) -> NDArray[np.float64]:
    """Return a column as numbers, NaN where it holds none; Arrow reads text ten times as fast as pandas."""
    import pyarrow as pa
    from pyarrow import compute

    try:
        found = pa.array(values, from_pandas=True)
        if pa.types.is_string(found.type) or pa.types.is_large_string(found.type):
            found = compute.if_else(compute.equal(found, ""), None, found)
        return np.asarray(found.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=float)
    except pa.ArrowException:
        return pd.to_numeric(values, errors="coerce").to_numpy(dtype=float)
