"""Parsing files that may be hostile in other processes, which are ended when they take too long.

The processes are started when the first such file comes, used again for the next, and replaced
when one of them ends or is ended. They are sent bytes, and answer in JSON and bytes (`frames`).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from threading import Lock, Timer
from types import TracebackType
from typing import Any, TypeVar

from classifier import frames
from classifier.errors import InputError
from classifier.frames import Frame, as_json
from classifier.limits import MB, Limits, raised
from classifier.parsed import EXTRA, Parsed, parsed_from

Result = TypeVar("Result")

USES = 200  # files that a process parses before it is replaced: parsers keep things
_PROGRAM = "import sys; sys.path[:] = sys.argv[1:]; from classifier.parsing_process import main; main()"
_QUIET = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
_NEEDED = {"pdf": "pypdf", "page": "trafilatura", "rows": "openpyxl"}  # what parses each kind
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

        Raises `InputError` as `answers` does.
        """
        (frame,) = self.answers(kind, name, data)
        try:
            return parsed_from(frame.value())
        except (ValueError, TypeError, RecursionError):
            raise InputError(f"{name}: its parser broke down at it", _WRONG) from None

    def answers(self, kind: str, name: str, data: bytes = b"", **more: Any) -> Iterator[Frame]:
        """Yield what a file becomes, message by message, while it is being parsed.

        Raises `InputError` for a file that cannot be read, or not within the limits.
        """
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
            message, hint, gone = map(_line, frame.value())
            self.usable = not (spent or gone)
            raise InputError(message, hint)
        self.usable = not spent

    @contextmanager
    def _within(self, limits: Limits) -> Iterator[None]:
        """End the process where what follows takes longer than it may."""
        timer = Timer(limits.seconds, self._out_of_time)
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


def _line(value: Any) -> Any:
    """Return what another process says as one line."""
    return " ".join(value.split()) if isinstance(value, str) else value


def _import_path() -> list[str]:
    """Return where this process finds modules, but for its working folder: that may hold anything."""
    package = str(Path(__file__).resolve().parent.parent)
    here = {"", str(Path.cwd())} - {package}
    return [package, *(path for path in sys.path if path not in here and path != package)]
