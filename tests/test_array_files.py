"""Arrays from strangers: what numpy writes is read as numpy reads it, whatever else is refused."""

from __future__ import annotations

import io
import re
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from classifier import array_files
from classifier.array_files import TEXT, UNPACKED, arrays_in

ARRAY = np.arange(6, dtype=np.float32).reshape(2, 3)


def npy(header, content=b"", version=b"\x01\x00"):
    """Return an npy file with this header."""
    text = header.encode() + b"\n"
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text + content


def npz(packing=zipfile.ZIP_STORED, **members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", packing) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return stream.getvalue()


def saved(save, **arrays):
    stream = io.BytesIO()
    save(stream, **arrays)
    return stream.getvalue()


@given(
    array=hnp.arrays(
        st.sampled_from([np.int8, np.float32, np.float16, "<U3"]), hnp.array_shapes(min_dims=0, min_side=0)
    ),
    order=st.sampled_from("CF"),
    save=st.sampled_from([np.savez, np.savez_compressed]),
)
def test_what_numpy_writes_is_read_as_numpy_reads_it(array, order, save):
    array = np.asarray(array, order=order)
    data = saved(save, a=array, other=np.zeros(3))
    wanted = TEXT if array.dtype.kind == "U" else array.dtype.str
    found = arrays_in(data, {"a": wanted})["a"]
    with np.load(io.BytesIO(data), allow_pickle=False) as known:
        assert found.dtype == known["a"].dtype
        assert found.shape == known["a"].shape
        assert found.tobytes() == known["a"].tobytes()
        assert found.flags.f_contiguous == known["a"].flags.f_contiguous
    found.setflags(write=True)  # a copy, and not a view of the file


@given(data=st.data())
def test_a_changed_byte_is_refused_or_read_as_numpy_reads_it(data):
    whole = bytearray(saved(np.savez, a=ARRAY))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = arrays_in(bytes(whole), {"a": "<f4"})["a"]
    except ValueError:
        return
    with np.load(io.BytesIO(whole), allow_pickle=False) as known:
        assert np.array_equal(found, known["a"])


def header(descr="<f4", order="False", shape="(2, 3)"):
    return f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}"


REFUSED = {
    "no archive": (b"", "no archive of arrays, or a damaged one: File is not a zip file$"),
    "half an archive": (saved(np.savez, a=ARRAY)[:90], "no archive of arrays"),
    "no such array": (saved(np.savez, b=ARRAY), "no array 'a'"),
    "objects": (saved(np.savez, a=np.array([{}, None])), "'a' is of dtype .O8?|begins in a way"),
    "doubles": (saved(np.savez, a=ARRAY.astype(float)), "of dtype <f8, wanted <f4"),
    "big-endian": (saved(np.savez, a=ARRAY.astype(">f4")), "begins in a way"),
    "a record": (saved(np.savez, a=np.zeros(2, dtype=[("x", "<f4")])), "begins in a way"),
    "a shape of more than there is": (
        npz(a=npy(header(shape="(1000000000000,)"))),
        "says that it is of shape",
    ),
    "a product beyond 64 bits": (
        npz(a=npy(header(shape="(4294967296, 4294967296)"))),
        "says that it is of shape",
    ),
    "nothing times too much": (
        npz(a=npy(header(shape="(3000000000, 0, 1)"), b"x" * 4)),
        "says that it is of shape",
    ),
    "a negative side": (npz(a=npy(header(shape="(-2, -3)"), b"x" * 24)), "begins in a way"),
    "a shape that is called": (npz(a=npy(header(shape="(len('x'),)"), b"x" * 4)), "begins in a way"),
    "a header of Python 2": (npz(a=npy(header(shape="(2L, 3L)"), b"x" * 24)), "begins in a way"),
    "a header of version 2": (npz(a=npy(header(), b"x" * 24, b"\x02\x00")), "begins in a way"),
    "a header without end": (npz(a=b"\x93NUMPY\x01\x00\xff\xff{"), "begins in a way"),
    "a million commas": (npz(a=npy(header(shape="(" + "1," * 30_000 + ")"), b"x" * 4)), "read|shape|maximum"),
    "one byte too few": (npz(a=npy(header(), b"x" * 23)), r"shape \(2, 3\), and is not"),
    "one byte too many": (npz(a=npy(header(), b"x" * 25)), r"shape \(2, 3\), and is not"),
    "texts of no length": (npz(a=npy(header("<U0", shape="(9999999,)"))), "of dtype <U0"),
    "packed with lzma": (npz(zipfile.ZIP_LZMA, a=npy(header(), b"x" * 24)), "packed in a way"),
    "packed with bzip2": (npz(zipfile.ZIP_BZIP2, a=npy(header(), b"x" * 24)), "packed in a way"),
    "many arrays": (npz(**{f"a{n}": b"" for n in range(101)}), "more than 100 arrays"),
}


@pytest.mark.parametrize(("data", "message"), REFUSED.values(), ids=REFUSED)
def test_what_numpy_would_not_write_is_refused(data, message):
    with pytest.raises(ValueError, match=message) as caught:
        arrays_in(data, {"a": "<f4"})
    assert len(str(caught.value)) < 200_000


def test_an_error_without_words_is_told_by_its_kind(monkeypatch):
    """What `zipfile` raises where an archive ends too early has no words."""

    def ended(*_):
        raise EOFError

    monkeypatch.setattr(array_files, "_content", ended)
    with pytest.raises(ValueError, match=r"^no archive of arrays, or a damaged one: EOFError$"):
        arrays_in(saved(np.savez, a=ARRAY), {"a": "<f4"})


def test_as_many_arrays_as_may_be_are_looked_at():
    many = {f"a{n}": npy(header(), b"x" * 24) for n in range(100)}
    assert arrays_in(npz(**many), {"a99": "<f4"})["a99"].shape == (2, 3)


def test_an_array_that_is_shorter_than_it_says_is_refused_though_its_shape_fits():
    content = npy(header(), b"x" * 24)
    short = npz(zipfile.ZIP_DEFLATED, a=content)
    size = len(content).to_bytes(4, "little")
    assert short.count(size) == 2
    longer = short.replace(size, (len(content) + 1).to_bytes(4, "little"))
    with pytest.raises(ValueError, match=r"a\.npy is not as long as it says$"):
        arrays_in(longer, {"a": "<f4"})


def test_texts_that_are_none_are_refused():
    last = npz(a=npy(header("<U1", shape="(1,)"), (0x10FFFF).to_bytes(4, "little")))
    assert arrays_in(last, {"a": TEXT})["a"].tolist() == ["\U0010ffff"]
    data = npz(a=npy(header("<U1", shape="(1,)"), (0x110000).to_bytes(4, "little")))
    with pytest.raises(ValueError, match="holds what is no text"):
        arrays_in(data, {"a": TEXT})
    with pytest.raises(ValueError, match=r"of dtype <U0|is not"):
        arrays_in(npz(a=npy(header("<U0", shape="(99999999,)"))), {"a": TEXT})


def test_a_bomb_is_refused_by_what_it_says_and_yields_no_more_than_it_says(monkeypatch):
    bomb = npz(zipfile.ZIP_DEFLATED, a=npy(header(shape="(750000,)"), bytes(3_000_000)))
    assert len(bomb) < 4_000
    assert arrays_in(bomb, {"a": "<f4"})["a"].shape == (750_000,)
    monkeypatch.setattr(array_files, "UNPACKED", len(npy(header(shape="(750000,)"))) + 3_000_000)
    assert arrays_in(bomb, {"a": "<f4"})["a"].shape == (750_000,)
    monkeypatch.setattr(array_files, "UNPACKED", 1_000_000)
    with pytest.raises(ValueError, match="unpack to more than 1,000,000 bytes"):
        arrays_in(bomb, {"a": "<f4"})
    assert UNPACKED < 2**31
    size = (3_000_000 + len(npy(header(shape="(750000,)")))).to_bytes(4, "little")
    assert bomb.count(size) == 2  # said in front of the file, and in the list behind it
    lie = bomb.replace(size, (1000).to_bytes(4, "little"))
    with pytest.raises(ValueError, match=r"no archive of arrays|not as long|says that it is"):
        arrays_in(lie, {"a": "<f4"})


def test_the_header_of_today_is_the_header_that_is_known():
    data = io.BytesIO()
    np.lib.format.write_array_header_1_0(data, np.lib.format.header_data_from_array_1_0(ARRAY))
    assert re.fullmatch(array_files._HEADER, data.getvalue()[10:])
