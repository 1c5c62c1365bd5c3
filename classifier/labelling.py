"""Labelling as a pure function: a frame of documents in, a frame of segments out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classifier.carried_columns import ABOUT, renamed
from classifier.cells import Column, Columns, is_missing
from classifier.codebook_checks import OUTPUT_COLUMNS
from classifier.errors import InputError
from classifier.excerpts import Excerpts
from classifier.lazy_columns import Chosen, Numbered
from classifier.predictor import Classifier, Labels
from classifier.segments import cut_all
from classifier.text_columns import TEXT, fields_of

if TYPE_CHECKING:
    import pandas as pd

UNITS = ("segment", "row")


@dataclass(frozen=True)
class Asked:
    """How segments are to be made and what is to be said of them; see `label`."""

    unit: str = "segment"
    scheme: str | None = None
    explain: bool = False

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise InputError(f"unit '{self.unit}' is unknown", f"units: {', '.join(UNITS)}")


def label(
    documents: pd.DataFrame,
    model: Classifier,
    *,
    unit: str = "segment",
    scheme: str | None = None,
    explain: bool = False,
) -> pd.DataFrame:
    """Cut documents into segments and label each.

    A pure function of its arguments: the same frame gives the same rows, whatever
    else is labelled beside it.

    Parameters
    ----------
    documents : DataFrame
        Columns ``id`` (or ``doc_id`` or ``doc``; else the row's position) and ``text``;
        every other column is carried along.
    model : PolicyClassifier or LexiconClassifier
    unit : {"segment", "row"}
        ``"row"`` takes each text as one segment, uncut.
    scheme : str, optional
        A scheme of the model's codebook; adds the column ``categories``.
    explain : bool
        Adds the column ``evidence``: for each code given the phrases and cues that speak
        most for it, with offsets into the segment; see `evidence_of`.

    Returns
    -------
    DataFrame
        One row a segment: ``doc_id, segment_id, paragraph, start, end, text, codes``,
        with a scheme ``categories``, where asked for ``evidence``, one probability column
        a code (4 decimals, NaN for untrained codes), then ``title, date, source`` and the
        other input columns; a column whose name is taken gets the prefix ``in_``.

    >>> import pandas as pd
    >>> from classifier import load_model
    >>> frame = pd.DataFrame({"id": ["甲"], "text": ["村里建了卫生室，签约医生每周坐诊。大家都说好。"]})
    >>> label(frame, load_model())[["segment_id", "start", "end", "codes"]].to_numpy().tolist()
    [['甲#0', 0, 17, 'health'], ['甲#1', 17, 23, '']]
    """
    import pandas as pd

    id_column = fields_of(tuple(documents.columns), TEXT).id
    ids = list(map(str, documents[id_column] if id_column else range(len(documents))))
    others = {c: documents[c].tolist() for c in documents.columns if c not in (id_column, "text")}
    texts = documents["text"].fillna("").tolist()
    found = label_columns(ids, texts, others, model, Asked(unit, scheme, explain))
    columns = {n: values if isinstance(values, np.ndarray) else list(values) for n, values in found.items()}
    try:
        return pd.DataFrame(columns, copy=False)
    except UnicodeEncodeError:  # half a surrogate pair, for which pandas 3 has no text
        kinds = {n: None if isinstance(values, np.ndarray) else object for n, values in columns.items()}
        return pd.DataFrame({n: pd.Series(values, dtype=kinds[n]) for n, values in columns.items()})


def label_columns(
    ids: Sequence[str],
    texts: Sequence[str],
    others: Columns,
    model: Classifier,
    asked: Asked,
    *,
    share: tuple[int, int] = (0, 1),
) -> dict[str, Column]:
    """Label texts; ``others`` are columns of the documents, carried to each of their segments.

    ``share`` is a number, and how many equal shares there are: only that one of the segments is labelled.
    """
    whole = Excerpts.of(texts)
    found = _cut(whole, asked.unit)
    begin, until = (len(found[0]) * n // share[1] for n in (share[0], share[0] + 1))
    number, start, end, paragraph, within = (values[begin:until] for values in found)
    pieces, offset = whole.at(start, end), whole.starts[number]
    used, of = np.unique(number, return_inverse=True)  # documents that have segments, and that of each
    blank = [""] * len(texts)
    about = {name: ["" if is_missing(v) else v for v in others.get(name, blank)] for name in ABOUT}
    rest = [name for name in others if name not in ABOUT]
    free = renamed(rest, {*OUTPUT_COLUMNS, *model.codes_})
    carried = {**about, **{free.get(name, name): others[name] for name in rest}}
    doc_id = Chosen([ids[i] for i in used], of)
    return {
        "doc_id": doc_id,
        "segment_id": Numbered(doc_id, within),
        "paragraph": paragraph,
        "start": start - offset,
        "end": end - offset,
        "text": pieces,
        **_labelled(pieces, model, asked),
        **{name: Chosen([column[i] for i in used], of) for name, column in carried.items()},
    }


def _cut(texts: Excerpts, unit: str) -> Sequence[NDArray[Any]]:
    """Return, for each segment: its text, start and end in the whole, paragraph, number in its text."""
    if unit == "row":
        zeros = np.zeros(len(texts), dtype=np.int64)
        return np.arange(len(texts)), texts.starts, texts.ends, zeros, zeros
    cut = cut_all(texts).kept()
    first = np.searchsorted(cut.text, np.arange(len(texts)))
    within = np.arange(len(cut.text)) - first[cut.text]
    return cut.text, cut.start, cut.end, cut.paragraph.astype(np.int64), within


def _labelled(texts: Sequence[str], model: Classifier, asked: Asked) -> dict[str, Column]:
    """Return ``codes``, ``categories`` and ``evidence`` where asked for, and the probabilities."""
    probabilities = model.predict_proba(texts)
    given = model.decide(probabilities)
    out: dict[str, Column] = {"codes": _joined(given, model.codes_)}
    if asked.scheme is not None:
        import pandas as pd

        rolled = model.codebook.roll_up(pd.DataFrame(given, columns=list(model.codes_)), asked.scheme)
        out["categories"] = _joined(rolled.to_numpy(dtype=bool), list(map(str, rolled.columns)))
    if asked.explain:
        out["evidence"] = _evidence(texts, given, model)
    columns = np.ascontiguousarray(probabilities.round(4).T)
    return {**out, **dict(zip(model.codes_, columns, strict=True))}


def _evidence(texts: Sequence[str], given: NDArray[np.bool_], model: Classifier) -> list[str]:
    from classifier.explanation import evidence_of
    from classifier.model import PolicyClassifier

    if not isinstance(model, PolicyClassifier):
        raise InputError(f"{type(model).__name__} cannot explain itself", "explain with a trained model")
    coded = [bool(row.any()) for row in given]
    return [evidence_of(model, text) if yes else "" for text, yes in zip(texts, coded, strict=True)]


def _joined(given: Labels, names: Sequence[str]) -> Chosen[str]:
    """Return the names of the columns that are true in each row, joined by ``;``."""
    packed = np.packbits(given, axis=1)
    words = np.zeros((len(given), -(-packed.shape[1] // 8) * 8), dtype=np.uint8)  # numbers are sorted sooner
    words[:, : packed.shape[1]] = packed
    patterns = words.view(np.uint64)
    _, first, number = np.unique(
        patterns[:, 0] if patterns.shape[1] == 1 else patterns, axis=0, return_index=True, return_inverse=True
    )
    return Chosen([";".join(compress(names, row)) for row in given[first].tolist()], number)
