"""The process in which files that may be hostile are parsed: it has limits, and nothing but pipes.

It is started by `confined`, reads a request and the bytes of a file from its standard input, and
writes what it made of them to its standard output, again and again. What it writes is plain JSON
and bytes (`frames`). It can write no file, and opens no connection.
"""

from __future__ import annotations

import math
import os
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from threading import Event, Thread
from typing import Any

from classifier import frames
from classifier.errors import InputError
from classifier.frames import Frame, as_json
from classifier.limits import MB, Limits, raised
from classifier.parsed import EXTRA, Parsed

ROWS = 500  # rows of a workbook sent at a time, fewer where they are long
ROWS_CHARACTERS = 500_000
_LARGEST = 2_000 * MB  # bytes of one message that is read
_LOOK = 0.05  # seconds between two looks at the memory in use


def main() -> None:
    """Answer requests until standard input ends."""
    requests = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)  # what a library prints is no answer
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who starts this process ends it too
    _forbid_connections()
    while (asked := frames.receive(requests, MB)) is not None:
        data = frames.receive(requests, _LARGEST)
        if data is None:
            return
        request = asked.value()
        limits = Limits(**request["limits"])
        _confine_memory(limits)
        _confine_time(limits)
        for frame in _answers(request, data.payload, limits):
            frames.send(answers, frame)
            _confine_time(limits)  # anew for the next rows, or the next member


def _answers(request: dict[str, Any], data: bytes, limits: Limits) -> Iterator[Frame]:
    """Yield what a file becomes, and in the end that it is done, or why it could not be."""
    name = request["name"]
    try:
        yield from _PARSERS[request["kind"]](data, request, limits)
        yield Frame(frames.END, b"")
    except InputError as error:
        yield _failed(str(error), error.hint)
    except MemoryError:
        yield _failed(
            f"{name}: takes more than {limits.memory_mb} MB of memory", raised("memory_mb"), spent=True
        )
    except RecursionError:
        yield _failed(f"{name}: nested too deeply", "open it in the program that made it, save it anew")
    except ImportError as error:
        yield _failed(f"{name}: reading it needs {error.name}", EXTRA)
    except Exception as error:  # whatever a parser raises: it must not take the batch with it
        yield _failed(
            f"{name}: cannot be read ({type(error).__name__})",
            "open it in the program that made it, save it anew",
        )


def _failed(message: str, hint: str, *, spent: bool = False) -> Frame:
    """Return the answer for a file that cannot be read; a process that is spent is not to be used again."""
    return as_json(frames.FAILED, [message, hint, spent])


# --- what is parsed ---


def _word(data: bytes, request: dict[str, Any], limits: Limits) -> Iterator[Frame]:
    from classifier.word_files import read_word

    yield _document(read_word(data, request["name"], limits), request["name"], limits)


def _pdf(data: bytes, request: dict[str, Any], limits: Limits) -> Iterator[Frame]:
    from classifier.pdf_files import read_pdf

    yield _document(read_pdf(data, request["name"], limits), request["name"], limits)


def _page(data: bytes, request: dict[str, Any], limits: Limits) -> Iterator[Frame]:
    from classifier.web_pages import read_page

    yield _document(read_page(data.decode("utf-8"), request["name"]), request["name"], limits)


def _snapshot(data: bytes, request: dict[str, Any], limits: Limits) -> Iterator[Frame]:
    from classifier.web_pages import read_snapshot

    page, encoding, address = read_snapshot(data, request["name"])
    yield as_json(frames.MEMBER, [encoding, address])
    yield Frame(frames.DATA, page)


def _document(parsed: Parsed, name: str, limits: Limits) -> Frame:
    if len(parsed.text) > limits.characters:
        raise InputError(f"{name}: more than {limits.characters:,} characters of text", raised("characters"))
    return as_json(frames.PARSED, asdict(parsed))


def _rows(data: bytes, request: dict[str, Any], limits: Limits) -> Iterator[Frame]:
    from classifier.workbooks import sheet_rows

    return _some_at_a_time(sheet_rows(data, request["name"], limits))


def _sheets(data: bytes, request: dict[str, Any], limits: Limits) -> Iterator[Frame]:
    from classifier.workbooks import rows_of_sheets

    found = rows_of_sheets(data, request["name"], limits)
    return _some_at_a_time([title, str(number), *cells] for title, number, cells in found)


def _some_at_a_time(found: Iterator[list[str]]) -> Iterator[Frame]:
    rows, size = list[list[str]](), 0
    for row in found:
        rows.append(row)
        size += sum(map(len, row))
        if len(rows) >= ROWS or size >= ROWS_CHARACTERS:
            yield as_json(frames.ROWS, rows)
            rows, size = [], 0
    yield as_json(frames.ROWS, rows)


def _batches(data: bytes, request: dict[str, Any], limits: Limits) -> Iterator[Frame]:
    from classifier.parquet_files import parquet_batches

    for count, batch in parquet_batches(_source(data, request), request["name"], limits):
        yield as_json(frames.ROWS, count)
        yield Frame(frames.DATA, batch)


def _source(data: bytes, request: dict[str, Any]) -> bytes | Path:
    """Return the bytes of a file, or where it lies if it need not be in memory whole."""
    place = request["path"]
    return data if place is None else Path(os.fsdecode(bytes.fromhex(place)))


def _members(data: bytes, request: dict[str, Any], limits: Limits) -> Iterator[Frame]:
    from classifier.archives import members

    source = _source(data, request)
    for member in members(source, request["name"], tuple(request["wanted"]), request["room"], limits):
        error = member.error and [str(member.error), member.error.hint]
        yield as_json(frames.MEMBER, [member.name, error])
        yield Frame(frames.DATA, member.data)


_PARSERS = {
    "word": _word,
    "pdf": _pdf,
    "page": _page,
    "snapshot": _snapshot,
    "rows": _rows,
    "sheets": _sheets,
    "batches": _batches,
    "members": _members,
}


# --- what this process may do ---


def _forbid_connections() -> None:
    """Make sockets impossible: no parser has anything to fetch."""

    def refused(*_: object, **__: object) -> None:
        raise PermissionError("nothing is fetched")

    socket.socket.connect = socket.socket.connect_ex = refused  # type: ignore[assignment,method-assign]
    socket.getaddrinfo = socket.create_connection = refused  # type: ignore[assignment]


def _confine_time(limits: Limits) -> None:
    """Let the system end this process when the next answer takes too long: also where it was left alone.

    What counts is the time of the processor, so that a file is read or not whatever else the machine does.
    """
    try:
        import resource
    except ImportError:  # Windows
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    _set(resource.RLIMIT_CPU, math.ceil(used.ru_utime + used.ru_stime) + limits.seconds)


def _confine_memory(limits: Limits) -> None:
    """Let the system hold this process to the memory that one more document may take, and to no file."""
    try:
        import resource
    except ImportError:
        _watch(limits)
        return
    _set(resource.RLIMIT_FSIZE, 0)
    _set(resource.RLIMIT_CORE, 0)
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        _set(resource.RLIMIT_AS, pages * resource.getpagesize() + limits.memory_mb * MB)
    else:  # macOS takes such a limit and does not keep to it
        _watch(limits)


def _set(which: int, value: int) -> None:
    import resource

    _, hard = resource.getrlimit(which)
    resource.setrlimit(which, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


_watched: dict[str, int] = {}  # bytes that this process may use now, once it is watched


def _watch(limits: Limits) -> None:
    """End this process once it uses more memory than it may: where the system would not."""
    begun = bool(_watched)
    _watched["most"] = _memory() + limits.memory_mb * MB
    if not begun:
        Thread(target=_end_above, daemon=True).start()


def _end_above() -> None:
    while _memory() <= _watched["most"]:
        Event().wait(_LOOK)
    os.kill(os.getpid(), signal.SIGTERM)


def _memory() -> int:
    """Return the bytes that this process has in use, or has had at most where the system says only that."""
    if sys.platform == "win32":
        return _windows_memory()
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(most if sys.platform == "darwin" else most * 1024)


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    class _Counters(ctypes.Structure):
        """PROCESS_MEMORY_COUNTERS of psapi.h."""

        _fields_ = (
            ("cb", wintypes.DWORD),
            ("faults", wintypes.DWORD),
            *(
                (name, ctypes.c_size_t)
                for name in ("peak", "resident", "pp", "p", "pnp", "np", "committed", "most")
            ),
        )

    def _windows_memory() -> int:
        counters = _Counters(cb=ctypes.sizeof(_Counters))
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.GetCurrentProcess.restype = wintypes.HANDLE
        kernel.K32GetProcessMemoryInfo.argtypes = (wintypes.HANDLE, ctypes.c_void_p, wintypes.DWORD)
        kernel.K32GetProcessMemoryInfo(kernel.GetCurrentProcess(), ctypes.byref(counters), counters.cb)
        return int(counters.committed)
