"""Files that break readers: those composed in `tests/hostile_files.py`, and good files spoilt at random."""

from __future__ import annotations

import gzip
import io
import struct
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))  # where the composed ones are made

from hostile_files import SENTENCE, cells, packed, paragraph, word, workbook, write_corpus  # noqa: E402

TEXT = "".join(f"{SENTENCE}第{n}户住进新房，孩子领到助学金。\n" for n in range(40))
HEADS = (64, 200, 600)  # bytes of a file's head that are doubled
ENCODINGS = (
    "big5",
    "cp1252",
    "shift_jis",
    "euc_kr",
    "utf-32",
    "utf-7",
    "cp437",
    "koi8-r",
    "iso2022_jp",
    "cp037",
)
MEANS = "«Café» naïve — деревня 村"  # what other encodings can hold, each the part that it can


def good_files() -> dict[str, bytes]:
    """Return a good file of every format that is read, by its ending."""
    page = "".join(f"<p>{line}</p>" for line in TEXT.splitlines())
    html = f'<html><head><meta charset="utf-8"><title>村</title></head><body><h1>村</h1>{page}</body></html>'
    rows = [f"{n},{SENTENCE}" for n in range(60)]
    return {
        ".txt": TEXT.encode(),
        ".md": TEXT.encode("gb18030"),
        ".html": html.encode(),
        ".mhtml": b'MIME-Version: 1.0\nContent-Type: text/html; charset="utf-8"\n\n' + html.encode(),
        ".docx": word("".join(map(paragraph, TEXT.splitlines()))),
        ".pdf": pdf_file(),
        ".csv": ("n,text\n" + "\n".join(rows)).encode(),
        ".tsv": ("n\ttext\n" + "\n".join(rows).replace(",", "\t", 60)).encode("utf-16"),
        ".xlsx": workbook(sheet_xml()),
        ".jsonl": "\n".join(f'{{"n": "{n}", "text": "{SENTENCE}"}}' for n in range(60)).encode(),
        ".parquet": parquet_file(),
        ".zip": packed({"a.txt": TEXT, "b/c.html": html, "d.zip": packed({"e.txt": SENTENCE})}),
        ".txt.gz": gzip.compress(TEXT.encode(), mtime=0),
    }


def sheet_xml() -> str:
    rows = "".join(cells(n, str(n), SENTENCE) for n in range(2, 60))
    return f"<sheetData>{cells(1, 'n', 'text')}{rows}</sheetData>"


def pdf_file() -> bytes:
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfgen.canvas import Canvas

    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    out = io.BytesIO()
    page = Canvas(out, invariant=1, pageCompression=0)
    for _ in range(2):
        page.setFont("STSong-Light", 12)
        for n, line in enumerate(TEXT.splitlines()[:20]):
            page.drawString(72, 760 - 20 * n, line)
        page.showPage()
    page.save()
    return out.getvalue()


def parquet_file() -> bytes:
    import pyarrow
    from pyarrow import parquet

    out = io.BytesIO()
    columns = {"n": [str(n) for n in range(400)], "text": [f"{SENTENCE}{n}" for n in range(400)]}
    parquet.write_table(pyarrow.table(columns), out)
    return out.getvalue()


# --- ways to spoil a file; each is given the random numbers that it may use ---


def bits_flipped(data: bytes, draw: np.random.Generator) -> bytes:
    spoilt = bytearray(data)
    for at in draw.integers(0, len(data), int(draw.choice([1, 8, 64]))):
        spoilt[at] ^= 1 << int(draw.integers(8))
    return bytes(spoilt)


def cut_short(data: bytes, draw: np.random.Generator) -> bytes:
    return data[: int(draw.integers(len(data)))]


def beginning_lost(data: bytes, draw: np.random.Generator) -> bytes:
    return data[int(draw.integers(1, len(data))) :]


def parts_swapped(data: bytes, draw: np.random.Generator) -> bytes:
    a, b, c = sorted(int(n) for n in draw.integers(0, len(data), 3))
    return data[:a] + data[b:c] + data[a:b] + data[c:]


def head_doubled(data: bytes, draw: np.random.Generator) -> bytes:
    return data[: int(draw.choice(HEADS))] + data


def said_twice(data: bytes, draw: np.random.Generator) -> bytes:
    return data + data[int(draw.integers(len(data))) :]


def sizes_inflated(data: bytes, draw: np.random.Generator) -> bytes:
    """Write the largest numbers that there are where sizes may stand."""
    spoilt = bytearray(data)
    for at in draw.integers(0, max(1, len(data) - 4), 6):
        spoilt[at : at + 4] = struct.pack("<I", int(draw.choice([0x7FFFFFFF, 0xFFFFFFFF, 0x00FFFFFF])))
    return bytes(spoilt)


def noise_inserted(data: bytes, draw: np.random.Generator) -> bytes:
    at, noise = int(draw.integers(len(data))), draw.bytes(int(draw.choice([1, 20, 3000])))
    return data[:at] + noise + data[at:]


def zeros_written(data: bytes, draw: np.random.Generator) -> bytes:
    at, length = int(draw.integers(len(data))), int(draw.choice([1, 16, 400]))
    return data[:at] + b"\0" * length + data[at + length :]


SPOILT: dict[str, Callable[[bytes, np.random.Generator], bytes]] = {
    "bits flipped": bits_flipped,
    "cut short": cut_short,
    "beginning lost": beginning_lost,
    "parts swapped": parts_swapped,
    "head doubled": head_doubled,
    "said twice": said_twice,
    "sizes inflated": sizes_inflated,
    "noise inserted": noise_inserted,
    "zeros written": zeros_written,
}


def spoilt_inside(data: bytes, draw: np.random.Generator) -> bytes:
    """Return an archive with one of its files spoilt, and packed as if nothing had happened."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    name = str(draw.choice(sorted(files)))
    way = str(draw.choice(sorted(SPOILT)))
    return packed({**files, name: SPOILT[way](files[name], draw)})


def write_inputs(folder: Path, each: int, seed: int) -> dict[str, int]:
    """Write all inputs into a folder, one folder a kind; return how many there are of each."""
    draw, good = np.random.default_rng(seed), good_files()
    count = {"composed": len(write_corpus(folder / "composed"))}
    for kind, inputs in _spoilt(good, each, draw):
        (folder / kind).mkdir(parents=True)
        number = 0
        for number, (ending, data) in enumerate(inputs, 1):
            (folder / kind / f"{number:03d}{ending}").write_bytes(data)
        count[kind] = number
    return count


Inputs = Iterator[tuple[str, bytes]]


def _spoilt(good: dict[str, bytes], each: int, draw: np.random.Generator) -> Iterator[tuple[str, Inputs]]:
    for kind, spoil in SPOILT.items():
        yield kind, ((ending, spoil(data, draw)) for ending, data in good.items() for _ in range(each))
    packs = {ending: good[ending] for ending in (".docx", ".xlsx", ".zip")}
    yield (
        "spoilt inside",
        ((ending, spoilt_inside(data, draw)) for ending, data in packs.items() for _ in range(5 * each)),
    )
    yield "another ending", ((a, good[b]) for a in good for b in good if a != b)
    yield "another encoding", _encoded()
    yield "spoilt in archives", _archived(good, each, draw)


def _encoded() -> Inputs:
    """Yield text, tables and pages in encodings that are not those that are found out."""
    for encoding in ENCODINGS:
        line = (MEANS + TEXT[:400]).encode(encoding, "ignore")
        for ending in (".txt", ".csv", ".jsonl", ".html"):
            yield ending, b"text\n" + line * 3


def _archived(good: dict[str, bytes], each: int, draw: np.random.Generator) -> Inputs:
    """Yield archives, one inside another, of spoilt files."""
    for _ in range(4 * each):
        files = {
            f"{n}{ending}": SPOILT[str(draw.choice(sorted(SPOILT)))](data, draw)
            for n, (ending, data) in enumerate(good.items())
        }
        yield ".zip", packed({"inner.zip": packed(files), "good.txt": SENTENCE})
