"""Labelling a stream of documents into a file: chunk by chunk, so that it can be gone on with."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from classifier.background import Background
from classifier.carried_columns import carried_columns, fitted
from classifier.cells import Columns
from classifier.completed import completed, note_completed
from classifier.crew import Crew, ThisProcess
from classifier.document import CHUNK, CHUNK_CHARACTERS, SHORT, Document
from classifier.encoded_rows import encoded
from classifier.errors import InputError, OutputError
from classifier.excerpts import Excerpts
from classifier.journal import Journal, Tally
from classifier.labelling import Asked, label_columns
from classifier.lazy_columns import value_counts
from classifier.output import WAITING, Sink, StandardOutput, discard, format_of, put_in_place, sink_for
from classifier.predictor import Classifier
from classifier.table_documents import Parcel, UnparsedRows

WRITTEN = 10_000_000  # characters that the rows of a chunk may come to, by a rough count: see `_chunks`
_OF_PARCEL = 2 * WRITTEN  # characters that the rows of a parcel may come to
_ROW = 300  # characters of a row beside what its document carries: mostly probabilities


@dataclass(frozen=True)
class Share:
    """One of the equal shares of a document's segments, where these are too many for a chunk."""

    document: Document
    number: int
    of: int


Found = Sequence[Document] | Share | Parcel  # what is labelled together, as it was read


@dataclass(frozen=True)
class Chunk:
    """Documents on their way to who labels them, column by column; or a share of one."""

    ids: Sequence[str]
    texts: Excerpts
    carried: Columns
    share: tuple[int, int] = (0, 1)  # its number, and how many there are

    @classmethod
    def of(cls, found: Sequence[Document] | Share) -> Chunk:
        """Return documents as a chunk."""
        if isinstance(found, Share):
            docs, share = [found.document], (found.number, found.of)
        else:
            docs, share = list(found), (0, 1)
        return cls([d.id for d in docs], Excerpts.of([d.text for d in docs]), carried_columns(docs), share)

    def apart(self) -> tuple[Chunk, memoryview]:
        """Return it without the characters of its texts, and them."""
        codes = self.texts.codes
        return replace(self, texts=self.texts.of_codes(codes[:0])), codes.data

    def whole(self, bulk: bytes) -> Chunk:
        """Return it with the characters that were taken from it."""
        return replace(self, texts=self.texts.of_codes(np.frombuffer(bulk, dtype=np.uint32)))


NOTHING = Chunk.of([])


@dataclass(frozen=True)
class Made:
    """What a chunk of documents became: its rows as bytes, their columns, and how many there are.

    Where the chunk was a parcel there are the ids of its documents, None if these come to more rows than
    one chunk should, and what was wrong with its other rows.
    """

    rows: bytes = b""
    columns: Sequence[str] = ()
    tally: Tally = field(default_factory=Tally)
    ids: Sequence[str] | None = ()
    errors: Sequence[InputError] = ()

    def apart(self) -> tuple[Made, bytes]:
        """Return it without its rows, and them."""
        return replace(self, rows=b""), self.rows

    def whole(self, bulk: bytes) -> Made:
        """Return it with the rows that were taken from it."""
        return replace(self, rows=bulk)


def _task(model: Classifier, given: Chunk | UnparsedRows | None, **how: Any) -> Made:
    """Label a chunk of documents, if any, parsed before if they are not."""
    if not isinstance(given, UnparsedRows):
        return _labelled(model, given or NOTHING, **how)
    found, errors = given.parsed()
    if sum(document.repeated for document in found) > _OF_PARCEL:
        return Made(ids=None)
    made = _labelled(model, Chunk.of(found), **how) if found else Made()
    return replace(made, ids=[document.id for document in found], errors=errors)


def _labelled(
    model: Classifier, chunk: Chunk, *, asked: Asked, file_format: str, raw: bool, header: list[str] | None
) -> Made:
    """Label a chunk of documents; its columns are lined up with a ``header`` already written."""
    columns = label_columns(chunk.ids, chunk.texts, chunk.carried, model, asked, share=chunk.share)
    left_out = 0
    if header is not None and list(columns) != header:
        columns, left_out = fitted(columns, header, file_format)
    made = encoded(columns, file_format, first=header is None, raw=raw)
    coded = sum(rows for codes, rows in value_counts(columns["codes"]) if codes)
    number, shares = chunk.share
    done = len(chunk.ids) if number + 1 == shares else 0  # a document counts with its last share
    tally = Tally(done, len(columns["codes"]), coded, left_out, made.changes)
    return Made(made.rows, list(columns), tally)


def label_documents(
    documents: Iterable[Document | Parcel],
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
    documents : iterable of Document and Parcel
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
        tally = _run_on(run, journal, tell)
    note_completed(out, given, tally)
    return tally


def _run_on(run: _Run, journal: Journal, tell: Callable[[str], None]) -> Tally:
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
        elif isinstance(error, KeyboardInterrupt):
            done = f"{journal.tally().documents:,} documents"
            tell(f"broken off behind {done}; the same command with --resume goes on there")
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

    documents: Iterable[Document | Parcel]
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
        every = _chunks(_behind(self.documents, done.documents), self.asked.unit)
        chunks = islice(every, journal.shares() if journal else 0, None)
        total = Tally()
        with closing(self._written(self._made(chunks, header), sink, journal)) as written:
            for tally in written:
                total += tally
                self.progress(tally)
        sink.finish()
        return total

    def _made(self, chunks: Iterator[Found], header: list[str] | None) -> Iterator[Made]:
        """Yield what chunks become; where none is written yet, the first settles the columns."""
        if header is None:
            made = self._task(None)(self.model, _handed(next(chunks, ())))
            yield made
            header = list(made.columns)
        task, under_way = self._task(header), deque[Found]()

        def handed() -> Iterator[Chunk | UnparsedRows]:
            for found in chunks:
                under_way.append(found)
                yield _handed(found)

        for made in self.crew.run(task, self.model, handed()):
            found = under_way.popleft()
            if not isinstance(found, Parcel):
                yield made
            elif made.ids is None:
                parts = _chunks(found.documents(), self.asked.unit)
                yield from (task(self.model, _handed(part)) for part in parts)
            else:
                found.settle(made.ids, made.errors)
                if made.ids:
                    yield made

    def _task(self, header: list[str] | None) -> Callable[[Classifier, Chunk | UnparsedRows], Made]:
        return partial(_task, asked=self.asked, file_format=self.file_format, raw=self.raw, header=header)

    def _written(self, every: Iterator[Made], sink: Sink, journal: Journal | None) -> Generator[Tally]:
        """Write and note what was made, while the next is made; yield the tally of each chunk when it is."""
        if journal is None:  # who waits for a pipe must be free to break off
            for made in every:
                sink.append(made.rows)
                yield made.tally
            return
        with closing(Background[Tally](WAITING)) as writing:
            for made in every:
                yield from writing.call(_write, made, sink, journal)
            yield from writing.settled()


def _write(made: Made, sink: Sink, journal: Journal) -> Tally:
    journal.add(made.tally, sink.append(made.rows), list(made.columns))
    return made.tally


def _handed(found: Found) -> Chunk | UnparsedRows:
    """Return documents as they are given to who labels them."""
    return found.rows if isinstance(found, Parcel) else Chunk.of(found)


def _behind(
    documents: Iterable[Document | Parcel], done: int
) -> Iterator[Document | Parcel | list[Document]]:
    """Yield what comes behind so many documents; of a parcel that was begun, its others as a list."""
    for one in documents:
        if done and isinstance(one, Parcel):
            found = list(one.documents())
            if found[done:]:
                yield found[done:]
            done = max(0, done - len(found))
        elif done:
            done -= 1
        else:
            yield one


def _chunks(
    documents: Iterable[Document | Parcel | list[Document]], unit: str = "segment"
) -> Iterator[Found]:
    """Yield documents in chunks of about the same work, one whose rows come to too much in shares.

    Parcels and lists are not joined with what stands before or behind them.
    """
    chunk, size, repeated = list[Document](), 0, 0
    for document in documents:
        if not isinstance(document, Document):
            if chunk:
                yield chunk
            yield from [document] if isinstance(document, Parcel) else _chunks(document, unit)
            chunk, size, repeated = [], 0, 0
            continue
        carried = document.repeated
        own = carried + len(document.text) * _ROW // SHORT  # characters that its rows come to, roughly
        if own > WRITTEN and unit == "segment":
            if chunk:
                yield chunk
            of = -(-own // WRITTEN)
            yield from (Share(document, number, of) for number in range(of))
            chunk, size, repeated = [], 0, 0
            continue
        chunk.append(document)
        size, repeated = size + len(document.text), repeated + carried
        if len(chunk) >= CHUNK or size >= CHUNK_CHARACTERS or repeated >= WRITTEN:
            yield chunk
            chunk, size, repeated = [], 0, 0
    if chunk:
        yield chunk
