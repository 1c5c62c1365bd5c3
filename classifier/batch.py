"""Labelling documents: one pure function on frames, and files in, files out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classifier.carried_columns import ABOUT, carried_columns, fitted, renamed
from classifier.cells import Column, Columns, is_missing
from classifier.codebook_checks import OUTPUT_COLUMNS
from classifier.completed import completed, note_completed
from classifier.crew import Crew, ThisProcess
from classifier.documents import ID_COLUMNS, SHORT, Document
from classifier.encoded_rows import encoded
from classifier.errors import InputError, OutputError
from classifier.excerpts import Excerpts
from classifier.journal import Journal, Tally
from classifier.lazy_columns import Chosen, Numbered
from classifier.output import Sink, StandardOutput, discard, format_of, put_in_place, sink_for
from classifier.predictor import Classifier, Labels
from classifier.segments import cut_all

if TYPE_CHECKING:
    import pandas as pd

UNITS = ("segment", "row")
CHUNK = 500  # documents labelled at a time, fewer
CHUNK_CHARACTERS = 500_000  # where they are long
WRITTEN = 10_000_000  # characters that the rows of a chunk may come to, by a rough count: see `_written`
_ROW = 300  # characters of a row beside what its document carries: mostly probabilities


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

    id_column = next((c for c in ID_COLUMNS if c in documents.columns), None)
    ids = list(map(str, documents[id_column] if id_column else range(len(documents))))
    others = {c: documents[c].tolist() for c in documents.columns if c not in (id_column, "text")}
    texts = documents["text"].fillna("").tolist()
    found = _label(ids, texts, others, model, Asked(unit, scheme, explain))
    columns = {n: values if isinstance(values, np.ndarray) else list(values) for n, values in found.items()}
    try:
        return pd.DataFrame(columns, copy=False)
    except UnicodeEncodeError:  # half a surrogate pair, for which pandas 3 has no text
        kinds = {n: None if isinstance(values, np.ndarray) else object for n, values in columns.items()}
        return pd.DataFrame({n: pd.Series(values, dtype=kinds[n]) for n, values in columns.items()})


def _label(
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
    joined = [";".join(n for n, yes in zip(names, row, strict=True) if yes) for row in given[first]]
    return Chosen(joined, number)


@dataclass(frozen=True)
class Share:
    """One of the equal shares of a document's segments, where these are too many for a chunk."""

    document: Document
    number: int
    of: int


@dataclass(frozen=True)
class Made:
    """What a chunk of documents became: its rows as bytes, their columns, and how many there are."""

    rows: bytes
    columns: list[str]
    tally: Tally


def _task(
    model: Classifier,
    chunk: Sequence[Document] | Share,
    *,
    asked: Asked,
    file_format: str,
    raw: bool,
    header: list[str] | None,
) -> Made:
    """Label a chunk of documents; its columns are lined up with a ``header`` already written."""
    share = (chunk.number, chunk.of) if isinstance(chunk, Share) else (0, 1)
    docs = [chunk.document] if isinstance(chunk, Share) else chunk
    columns = _label(
        [d.id for d in docs], [d.text for d in docs], carried_columns(docs), model, asked, share=share
    )
    left_out = 0
    if header is not None and list(columns) != header:
        columns, left_out = fitted(columns, header, file_format)
    made = encoded(columns, file_format, first=header is None, raw=raw)
    coded = sum(map(bool, columns["codes"]))
    done = len(docs) if share[0] + 1 == share[1] else 0  # a document counts with its last share
    tally = Tally(done, len(columns["codes"]), coded, left_out, made.changes)
    return Made(made.rows, list(columns), tally)


def label_documents(
    documents: Iterable[Document],
    model: Classifier,
    out: Path | None,
    *,
    file_format: str | None = None,
    unit: str = "segment",
    scheme: str | None = None,
    explain: bool = False,
    raw: bool = False,
    crew: Crew | None = None,
    facts: Mapping[str, str] | None = None,
    resume: bool = False,
    tell: Callable[[str], None] = lambda _: None,
    progress: Callable[[Tally], None] = lambda _: None,
) -> Tally:
    """Label a stream of documents and write the rows to a file, or to standard output.

    The file appears under its name only when it is whole; until then ``OUT.part`` and
    ``OUT.journal`` stand beside it. Its bytes do not depend on ``crew``, nor on how often
    the run was broken off and resumed. Returns what was read, written, and changed for the format.

    Parameters
    ----------
    documents : iterable of Document
        With ``resume`` the same documents again, from the first one on.
    out : Path or None
        None is standard output, which cannot be resumed.
    file_format : {"csv", "xlsx", "jsonl", "parquet"}, optional
        By default that of the name of ``out``.
    unit, scheme, explain, raw
        See `label`; ``raw`` leaves what a spreadsheet would take for a formula as it is, see `encoded`.
    crew : Crew, optional
        Who does the work; by default this process.
    facts : mapping of str to str, optional
        What the output depends on, such as hashes of the inputs and of the model.
    resume : bool
        Go on with an unfinished run, if there is one and it has the same ``facts``.
    tell, progress : callable
        Are told, in a line, that an unfinished run was found, and what each chunk brought.

    Raises
    ------
    InputError, OutputError
        For columns or rows that the format cannot hold; for an unknown format, a place that cannot be
        written, another run at work on ``out``, or other ``facts`` than those of the run to be resumed.
    """
    asked, name = Asked(unit, scheme, explain), format_of(out, file_format)
    run = _Run(documents, model, crew or ThisProcess(), asked, name, raw, progress)
    if out is None:
        return run.all(StandardOutput())
    given = {**(facts or {}), "format": name, "raw": str(raw), **{k: str(v) for k, v in vars(asked).items()}}
    if resume and not Journal.exists(out) and (whole := completed(out, given)) is not None:
        tell(f"{out} is complete, and its inputs are unchanged: nothing to do")
        return whole
    with Journal(out) as journal:
        _begin(journal, given, resume=resume, tell=tell)
        tally = _run_on(run, journal)
    note_completed(out, given, tally)
    return tally


def _run_on(run: _Run, journal: Journal) -> Tally:
    """Do what the journal says is left to do, and put the output in its place."""
    out = journal.out
    try:
        if not journal.complete:
            with sink_for(out, run.file_format, journal.ends()) as sink:
                run.all(sink, journal)
            journal.completed()
    except BaseException as error:
        if isinstance(error, InputError) or not journal.ends():  # nothing that could be gone on with
            discard(out)
            journal.remove()
        raise
    tally = journal.tally()
    if run.asked.unit == "row" and tally.documents != tally.segments:
        raise OutputError(f"{out}: {tally.segments:,} rows for {tally.documents:,}", "report this fault")
    put_in_place(out)
    journal.remove()
    return tally


def _begin(journal: Journal, facts: Mapping[str, str], *, resume: bool, tell: Callable[[str], None]) -> None:
    """Go on with what the journal holds, or start anew."""
    if journal.begun and resume:
        before = journal.facts()
        changed = sorted(k for k in {*before, *facts} if before.get(k) != facts.get(k))
        if changed:
            raise OutputError(
                f"{journal.out}: cannot go on, changed since the run began: {', '.join(changed)}",
                "run without --resume to start anew",
            )
        tell(f"going on behind {journal.tally().documents:,} documents")
        return
    if journal.begun:
        done = f"{journal.tally().documents:,} documents"
        tell(f"discarded an unfinished run ({done} done); --resume would have gone on with it")
    discard(journal.out)
    journal.begin(facts)


@dataclass(frozen=True)
class _Run:
    """One run over documents."""

    documents: Iterable[Document]
    model: Classifier
    crew: Crew
    asked: Asked
    file_format: str
    raw: bool
    progress: Callable[[Tally], None]

    def all(self, sink: Sink, journal: Journal | None = None) -> Tally:
        """Label what is not yet done; return the tally of it."""
        done = journal.tally() if journal else Tally()
        header = journal.header() if journal else None
        every = _chunks(islice(self.documents, done.documents, None), self.asked.unit)
        chunks: Iterator[list[Document] | Share] = islice(every, journal.shares() if journal else 0, None)
        total = Tally()
        if header is None:
            made = self._task(None)(self.model, next(chunks, list[Document]()))
            header = made.columns
            total += self._take(made, sink, journal)
        for made in self.crew.run(self._task(header), self.model, chunks):
            total += self._take(made, sink, journal)
        sink.finish()
        return total

    def _task(self, header: list[str] | None) -> Callable[[Classifier, list[Document] | Share], Made]:
        return partial(_task, asked=self.asked, file_format=self.file_format, raw=self.raw, header=header)

    def _take(self, made: Made, sink: Sink, journal: Journal | None) -> Tally:
        end = sink.append(made.rows)
        if journal:
            journal.add(made.tally, end, made.columns)
        self.progress(made.tally)
        return made.tally


def _chunks(documents: Iterable[Document], unit: str = "segment") -> Iterator[list[Document] | Share]:
    """Yield documents in chunks of about the same work, one whose rows come to too much in shares."""
    chunk, size, repeated = list[Document](), 0, 0
    for document in documents:
        own = _written(document) if unit == "segment" else 0
        if own > WRITTEN:
            if chunk:
                yield chunk
            of = -(-own // WRITTEN)
            yield from (Share(document, number, of) for number in range(of))
            chunk, size, repeated = [], 0, 0
            continue
        chunk.append(document)
        size, repeated = size + len(document.text), repeated + document.repeated
        if len(chunk) >= CHUNK or size >= CHUNK_CHARACTERS or repeated >= WRITTEN:
            yield chunk
            chunk, size, repeated = [], 0, 0
    if chunk:
        yield chunk


def _written(document: Document) -> int:
    """Return, roughly, how many characters the rows of a document come to."""
    return document.repeated + len(document.text) * _ROW // SHORT
