"""Messages on a pipe between two processes: a kind, a length, and plain bytes; JSON, and never pickle."""

from __future__ import annotations

import json
import struct
from typing import IO, Any, NamedTuple

_HEAD = struct.Struct(">cQ")

# What a message is
ASKED, DATA = b"?", b"d"  # to the process that parses: what is wanted, and the bytes of a file
PARSED, ROWS, MEMBER, FAILED, END = b"p", b"r", b"m", b"f", b"."  # and what comes back


class Frame(NamedTuple):
    """One message."""

    kind: bytes
    payload: bytes

    def value(self) -> Any:
        """Return the payload as JSON; raises ValueError or RecursionError where it is none."""
        return json.loads(self.payload)


def as_json(kind: bytes, value: Any) -> Frame:
    """Return a message whose payload is JSON."""
    return Frame(kind, json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def send(stream: IO[bytes], frame: Frame) -> None:
    """Write a message; raises OSError where nobody is there to read it."""
    stream.write(_HEAD.pack(frame.kind, len(frame.payload)))
    stream.write(frame.payload)
    stream.flush()


def receive(stream: IO[bytes], limit: int) -> Frame | None:
    """Read a message of at most ``limit`` bytes; None where the pipe ends, also within one.

    Raises ValueError for a longer one.
    """
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    kind, length = _HEAD.unpack(head)
    if length > limit:
        raise ValueError(f"a message of {length:,} bytes")
    payload = stream.read(length)
    return Frame(kind, payload) if len(payload) == length else None
