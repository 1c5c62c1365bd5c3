"""Parsing files that may be hostile in other processes, which are ended when they take too long.

The processes are started when the first such file comes, used again for the next, and replaced
when one of them ends or is ended. They are sent bytes, and answer in JSON and bytes (`frames`).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from threading import Lock, Timer
from types import TracebackType
from typing import Any, TypeVar

from classifier import frames
from classifier.archives import Member
from classifier.errors import InputError
from classifier.frames import Frame, as_json
from classifier.limits import MB, Limits, raised
from classifier.parsed import EXTRA, Parsed, parsed_from

Result = TypeVar("Result")

# Where the system limits a process to its processor time, the clock must only see to it that none is
# silent for ever: on a busy machine a good file takes long.
PATIENCE = 1 if sys.platform == "win32" else 3
USES = 200  # files that a process parses before it is replaced: parsers keep things
_PROGRAM = "import sys; sys.path[:] = sys.argv[1:]; from classifier.parsing_process import main; main()"
# Threads have room of their own; so has Arrow's usual way of keeping memory, far more than it uses.
# And where the tests' coverage is measured, it is not here: it could not be written, and takes time.
_QUIET = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "COVERAGE_PROCESS_CONFIG": "",
}
_NEEDED = {
    "pdf": "pypdf",
    "page": "trafilatura",
    "rows": "openpyxl",
    "sheets": "openpyxl",
}  # what parses each kind
_WRONG = "open it in the program that made it, save it anew"


class Parsers:
    """Some processes that parse files; none is started before it is needed.

    Parameters
    ----------
    limits : Limits
    size : int
        Documents parsed at the same time.
    """

    def __init__(self, limits: Limits, size: int = 1) -> None:
        self.limits, self.size = limits, size
        self._idle: list[_Process] = []
        self._all: set[_Process] = set()
        self._lock = Lock()
        self._threads: ThreadPoolExecutor | None = None
        self._closed = False

    def __enter__(self) -> Parsers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all processes."""
        with self._lock:
            self._closed = True
            processes, self._all, self._idle = self._all, set(), []
        for process in processes:
            process.end()
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)

    def later(self, task: Callable[..., Result], *arguments: Any) -> Future[Result]:
        """Have a task done while others go on; it asks these processes."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self.size, thread_name_prefix="parser")
        return self._threads.submit(task, *arguments)

    def document(self, kind: str, name: str, data: bytes) -> Parsed:
        """Parse a document: ``word``, ``pdf`` or ``page`` (as UTF-8).

        This and the other ways to ask raise `InputError` for a file that cannot be read, or not
        within the limits. What they return is checked: the other process may have been taken over.
        """
        with _believed(name):
            (frame,) = self._answers(kind, name, data)
            return parsed_from(frame.value())

    def snapshot(self, name: str, data: bytes) -> tuple[bytes, str | None, str]:
        """Return the page in an .mhtml file: its bytes, the encoding named for it, its address."""
        with _believed(name):
            about, page = self._answers("snapshot", name, data)
            encoding, address = about.value()
            return page.payload, None if encoding is None else _text(encoding), _text(address)

    def rows(self, name: str, data: bytes) -> Iterator[list[str]]:
        """Yield the rows of a workbook, all of one length, the header first, while it is parsed."""
        length: int | None = None
        with _believed(name):
            for frame in self._answers("rows", name, data):
                for row in frame.value():
                    cells = [_text(cell) for cell in row]
                    length = len(cells) if length is None else length
                    if len(cells) != length:
                        raise ValueError("a row of another length")
                    yield cells

    def sheets(self, name: str, data: bytes) -> Iterator[tuple[str, int, list[str]]]:
        """Yield title, number and cells of the rows of all sheets of a workbook; number 0 is the header."""
        with _believed(name):
            for frame in self._answers("sheets", name, data):
                for row in frame.value():
                    title, number, *cells = [_text(cell) for cell in row]
                    yield title, int(number), cells

    def batches(self, name: str, data: bytes, *, path: str | None) -> Iterator[tuple[int, bytes]]:
        """Yield the batches of a Parquet file (its bytes, or its path in hexadecimal).

        Each comes with the number of rows that the whole file says it has, as an Arrow stream, which
        is to be checked.
        """
        with _believed(name):
            answers = self._answers("batches", name, data, path=path)
            for about, batch in zip(answers, answers, strict=True):
                count = about.value()
                if not isinstance(count, int):
                    raise ValueError("no number of rows")
                yield count, batch.payload

    def members(
        self, name: str, data: bytes, *, path: str | None, wanted: Sequence[str], room: int
    ) -> Iterator[Member]:
        """Yield the files of an archive (its bytes, or its path in hexadecimal), while it is unpacked."""
        with _believed(name):
            answers = self._answers("members", name, data, path=path, wanted=wanted, room=room)
            for about, content in zip(answers, answers, strict=True):
                inner, error = about.value()
                problem = None if error is None else InputError(*(_text(part) for part in error))
                yield Member(_text(inner), content.payload, problem)

    def _answers(self, kind: str, name: str, data: bytes, **more: Any) -> Iterator[Frame]:
        """Yield what a file becomes, message by message."""
        library = _NEEDED.get(kind)
        if library is not None and find_spec(library) is None:
            raise InputError(f"{name}: reading it needs {library}", EXTRA)
        request = {"kind": kind, "name": name, "limits": asdict(self.limits), **more}
        with self._borrowed() as process:
            yield from process.ask(request, data, self.limits)

    @contextmanager
    def _borrowed(self) -> Iterator[_Process]:
        """Lend a process; one that was not asked to the end is ended."""
        with self._lock:
            if self._closed:
                raise InputError("reading was broken off", "start again")
            process = self._idle.pop() if self._idle else _Process()
            self._all.add(process)
        try:
            yield process
        finally:
            with self._lock:
                if process.usable and not self._closed:
                    self._idle.append(process)
                else:
                    self._all.discard(process)
                    process.end()


class _Process:
    """One process that parses."""

    def __init__(self) -> None:
        self.usable = True
        self._uses, self._late = 0, False
        command = [sys.executable, "-I", "-c", _PROGRAM, *_import_path()]
        self._process = subprocess.Popen(  # noqa: S603 - our own program, with our own paths
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **_QUIET},
        )

    def end(self) -> None:
        """End the process, whatever it is at."""
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(OSError, AttributeError):
                stream.close()  # type: ignore[union-attr]
        self._process.wait()

    def ask(self, request: dict[str, Any], data: bytes, limits: Limits) -> Iterator[Frame]:
        """Send a request; yield the answers but the last. Each must come in time."""
        self.usable, name = False, request["name"]
        self._uses += 1
        longest = MB + max(limits.file_mb * MB, 8 * limits.characters)
        with self._within(limits):
            with suppress(OSError):  # it has died: what it was ended by is told below
                assert self._process.stdin is not None  # noqa: S101 - for the type checker
                frames.send(self._process.stdin, as_json(frames.ASKED, request))
                frames.send(self._process.stdin, Frame(frames.DATA, data))
            frame = self._next(longest)
        while frame is not None and frame.kind not in (frames.END, frames.FAILED):
            yield frame
            with self._within(limits):
                frame = self._next(longest)
        if frame is None:
            raise self._broken(name, limits)
        spent = self._uses >= USES
        if frame.kind == frames.FAILED:
            with _believed(name):
                message, hint, gone = frame.value()
                error = InputError(_text(message), _text(hint))
            self.usable = not (spent or gone)
            raise error
        self.usable = not spent

    @contextmanager
    def _within(self, limits: Limits) -> Iterator[None]:
        """End the process where what follows takes longer than it may."""
        timer = Timer(PATIENCE * limits.seconds, self._out_of_time)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _out_of_time(self) -> None:
        self._late = True
        self._process.kill()

    def _next(self, longest: int) -> Frame | None:
        """Return the next answer; None where the process has ended, or says what nobody asked."""
        assert self._process.stdout is not None  # noqa: S101 - for the type checker
        try:
            return frames.receive(self._process.stdout, longest)
        except (ValueError, OSError):
            return None

    def _broken(self, name: str, limits: Limits) -> InputError:
        """Return the error for a file at which the process ended."""
        self._process.kill()
        ended = abs(self._process.wait())
        if self._late or ended == getattr(signal, "SIGXCPU", -1):
            return InputError(f"{name}: takes longer than {limits.seconds} s", raised("seconds"))
        if ended == signal.SIGTERM:
            return InputError(f"{name}: takes more than {limits.memory_mb} MB of memory", raised("memory_mb"))
        return InputError(f"{name}: its parser broke down at it (signal {ended})", _WRONG)


@contextmanager
def _believed(name: str) -> Iterator[None]:
    """Turn what another process says, where it makes no sense, into the error of its file."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise InputError(f"{name}: its parser broke down at it", _WRONG) from None


def _text(value: Any) -> str:
    """Return a text that another process says; raises ValueError where it is none."""
    if not isinstance(value, str):
        raise ValueError("no text")
    return value


def _import_path() -> list[str]:
    """Return where this process finds modules, but for its working folder: that may hold anything."""
    package = str(Path(__file__).resolve().parent.parent)
    here = {"", str(Path.cwd())} - {package}
    return [package, *(path for path in sys.path if path not in here and path != package)]
