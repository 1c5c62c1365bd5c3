"""Files of all formats → documents, as the readers and the process that parses read them."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any
from unittest.mock import patch

import classifier
from classifier import parsing_process, tables
from classifier.confined import Parsers
from classifier.document import Document, Reading
from classifier.errors import FupinError, InputError
from classifier.file_readers import FileReader
from classifier.frames import Frame
from classifier.limits import Limits
from classifier.sources import Source
from classifier.table_documents import Parcel
from classifier.text_files import Held, Place
from fuzz import own_files

LIMITS = Limits(file_mb=1, unpacked_mb=1, characters=50_000, pages=20)
LINES = 2  # of JSONL in a part, so that there are several
SECONDS = 3  # of processor time that parsing a document may take here
_PACKAGE = str(Path(classifier.__file__).parent)
TOKENS = own_files.TOKENS


class _LateError(InputError):
    """What the other process is ended for."""


class Here(Parsers):
    """Parses in this process what `Parsers` would send to another."""

    def later(self, task: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Do it at once."""
        future = Future[Any]()
        try:
            future.set_result(task(*arguments))
        except FupinError as error:
            future.set_exception(error)
        return future

    def _answers(self, kind: str, name: str, data: bytes, **more: Any) -> Iterator[Frame]:
        request = {"kind": kind, "name": name, **more}
        with _in_time(name):
            try:
                yield from parsing_process._PARSERS[kind](data, request, self.limits)
            except (FupinError, AssertionError):
                raise
            except Exception as error:
                if _is_ours(error):
                    raise
                raise InputError(f"{name}: cannot be read ({type(error).__name__})", "…") from None


def _is_ours(error: Exception) -> bool:
    """Say whether an error comes from a line of this package, and not from a library that it calls."""
    if isinstance(error, MemoryError | RecursionError):
        return False
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_code.co_filename.startswith(_PACKAGE)


@contextmanager
def _in_time(name: str) -> Iterator[None]:
    """Break off what takes long, as ending the other process would; libFuzzer needs SIGALRM itself."""

    def ended(*_: object) -> None:
        raise _LateError(f"{name}: takes longer than {SECONDS} s", "…")

    before = signal.signal(signal.SIGVTALRM, ended)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _packed(name: str) -> Callable[[bytes], bytes]:
    return lambda content: own_files.packed({name: content})


# The first byte of an input chooses one: the name of a file, and how the rest becomes its bytes
_WAYS: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    *((f"a.{ending}", bytes) for ending in own_files.ENDINGS),
    ("a.docx", own_files.word),
    ("a.docx", own_files.word_part),
    ("a.xlsx", own_files.workbook),
    ("a.csv.gz", own_files.zipped),
    ("a.zip", _packed("b.jsonl")),
    ("a.zip", _packed("b.zip")),
    ("a.pdf", own_files.pdf_with),
)


def run(data: bytes) -> bool:
    """Read a file, and see that what is read can be written."""
    name, made = _WAYS[(data[0] if data else 0) % len(_WAYS)]
    read = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of parsers: the other process is silent
        with patch.object(tables, "CHUNK", LINES), Here(LIMITS) as parsers:
            reader = FileReader(Reading(limits=LIMITS), parsers, _left_out, lambda _: None, lambda _: None)
            held = Held(PurePosixPath(name), made(data[1:]))
            for work in reader.works([Source(name, held)]):
                read |= _can_be_written(work.documents, work.place)
    return read


def _parsed(one: Document | Parcel) -> Iterable[Document]:
    """Return what a file holds, its parcels opened as whoever labels them does."""
    if not isinstance(one, Parcel):
        return [one]
    bare, lines = one.rows.apart()
    found, errors = bare.whole(lines).parsed()
    one.settle([document.id for document in found], errors)
    return found


def _can_be_written(documents: Callable[[], Iterator[Any]], place: Place) -> bool:
    found = False
    try:
        for document in chain.from_iterable(map(_parsed, documents())):
            known = (document.id, document.text, document.title, document.date, document.source)
            "".join(known).encode()
            assert len(document.text) <= LIMITS.characters, "longer than the limit"
            str(document.meta).encode("utf-8", "backslashreplace")
            found = True
    except FupinError as error:
        _left_out(place, error)
    return found


def _left_out(_: Place, error: FupinError) -> None:
    """See that a refusal is one line and a hint."""
    for line in (str(error), error.hint):
        assert line, "an empty line"
        assert "\n" not in line, f"not one line: {line}"


def seeds() -> list[bytes]:
    """Return a file of each format, each behind the byte that chooses it."""
    found = own_files.by_ending()
    whole = [bytes([number]) + found[name[2:]] for number, (name, made) in enumerate(_WAYS) if made is bytes]
    inner = {len(_WAYS) - 7 + number: content for number, content in enumerate(own_files.inner())}
    return whole + [bytes([number]) + content for number, content in inner.items()]
