"""Arrays in npz files that may be hostile: each is what `numpy.savez` itself writes, or it is refused.

`numpy.load` makes room for whatever a header declares before it has read any of it, reads headers of
every age as Python literals, and takes every kind of packing.
"""

from __future__ import annotations

import io
import math
import re
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

UNPACKED = 256_000_000  # bytes that the arrays of a file unpack to, together
TEXT = "<U"  # texts of any length, as little-endian UTF-32
_MEMBERS = 100
_ENTRY = b"PK\x01\x02"  # begins each entry of an archive's list
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_MAGIC = b"\x93NUMPY\x01\x00"
# https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html#format-version-1-0
_HEADER = re.compile(
    rb"\{'descr': '([<|][a-zA-Z])([0-9]{1,6})', 'fortran_order': (True|False), "
    rb"'shape': \(((?:[0-9]{1,15}, ?)*[0-9]{0,15})\), \} *\n"
)
# What reading a damaged archive can meet
_DAMAGE = (
    *(AttributeError, EOFError, LookupError, NotImplementedError, OSError, OverflowError, RuntimeError),
    *(TypeError, zipfile.BadZipFile, zlib.error),
)


def packed(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return an npz file of arrays, in which only those are compressed that it makes a third smaller.

    What gains little from it would take long to unpack.

    >>> arrays_in(packed({"idf": np.array([1.5], dtype=np.float32)}), {"idf": "<f4"})["idf"].tolist()
    [1.5]
    """
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, array in arrays.items():
            file = io.BytesIO()
            np.lib.format.write_array(file, array, version=(1, 0), allow_pickle=False)
            content = file.getvalue()
            small = 3 * len(zlib.compress(content)) < 2 * len(content)
            entry = zipfile.ZipInfo(f"{name}.npy")
            archive.writestr(entry, content, _PACKED[small])
    return out.getvalue()


def arrays_in(data: bytes, wanted: Mapping[str, str]) -> dict[str, NDArray[Any]]:
    """Return arrays of an npz file; others in it are not looked at.

    Parameters
    ----------
    data : bytes
    wanted : mapping of str to str
        For each array its dtype, as `numpy.dtype.str` writes it, or `TEXT`.

    Raises
    ------
    ValueError
        Where an array is missing, of another dtype, larger or smaller than it says, or where all
        unpack to more than `UNPACKED` bytes.

    >>> file = io.BytesIO()
    >>> np.savez(file, idf=np.array([1.5], dtype=np.float32))
    >>> arrays_in(file.getvalue(), {"idf": "<f4"})["idf"].tolist()
    [1.5]
    """
    if data.count(_ENTRY) > _MEMBERS:
        raise ValueError(f"an archive of more than {_MEMBERS} arrays")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = {name: _entry(archive, name) for name in wanted}
            if sum(entry.file_size for entry in entries.values()) > UNPACKED:
                raise ValueError(f"arrays that unpack to more than {UNPACKED:,} bytes")
            return {
                name: _array(name, _content(archive, entry), wanted[name]) for name, entry in entries.items()
            }
    except _DAMAGE as error:
        told = str(error) or type(error).__name__
        raise ValueError(f"no archive of arrays, or a damaged one: {told}") from None


def _entry(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    try:
        entry = archive.getinfo(f"{name}.npy")
    except KeyError:
        raise ValueError(f"no array '{name}'") from None
    if entry.compress_type not in _PACKED:
        raise ValueError(f"array '{name}' is packed in a way that numpy does not")
    return entry


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with archive.open(entry) as stream:
        content = stream.read(entry.file_size)
        if len(content) != entry.file_size or stream.read(1):
            raise ValueError(f"{entry.filename} is not as long as it says")
        return content


def _array(name: str, content: bytes, wanted: str) -> NDArray[Any]:
    """Return the array that the bytes of an npy file hold, as a copy."""
    begin = len(_MAGIC) + 2
    end = begin + int.from_bytes(content[len(_MAGIC) : begin], "little")
    header = _HEADER.fullmatch(content[begin:end]) if content.startswith(_MAGIC) else None
    if header is None:
        raise ValueError(f"array '{name}' begins in a way that numpy does not write")
    kind, size, fortran, sizes = (part.decode("ascii") for part in header.groups())
    if wanted not in (kind + size, kind):
        raise ValueError(f"array '{name}' is of dtype {kind}{size}, wanted {wanted}")
    shape = tuple(int(part) for part in sizes.replace(" ", "").split(",") if part)
    dtype = np.dtype(kind + size)
    if dtype.itemsize == 0 or math.prod(shape) * dtype.itemsize != len(content) - end:
        raise ValueError(f"array '{name}' says that it is of shape {shape}, and is not")
    flat = np.frombuffer(content, dtype=dtype, offset=end)
    if kind == TEXT and np.frombuffer(content, dtype="<u4", offset=end).max(initial=0) > 0x10FFFF:
        raise ValueError(f"array '{name}' holds what is no text")
    return flat.reshape(shape, order="F" if fortran == "True" else "C").copy(order="K")
