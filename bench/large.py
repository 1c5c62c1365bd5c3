"""One long run of `fupin label`: how much memory each of its processes takes, however long it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.gauges import Peaks, peak_memory
from bench.processes import begin
from bench.texts import ARTICLE, write_articles

MILLION = 1_000_000
LOOK = 0.1  # seconds between two looks at the memory
ROOM = 600 * ARTICLE  # bytes on disk for an article: its text, and its rows twice


def refuse_without_room(articles: int, folder: Path) -> None:
    """End the command now where the disk would be full later."""
    free = shutil.disk_usage(folder).free
    if articles * ROOM > free:
        raise SystemExit(
            f"{folder}: {free / 1e9:.0f} GB free, {articles:,} articles take {articles * ROOM / 1e9:.0f} GB\n"
            "hint: name another folder in TMPDIR, or fewer articles"
        )


def label_many(articles: int, folder: Path) -> dict[str, Any]:
    """Make articles, label them into a Parquet file, and return rates and the peak memory of each process."""
    import pyarrow.parquet

    source, out = folder / "many.jsonl", folder / "many.parquet"
    begin(f"writing {articles:,} articles")
    write_articles(source, articles, seed=5)
    begin(f"labelling {articles:,} articles")
    begun = time.perf_counter()
    command = (sys.executable, "-m", "classifier", "label", str(source), "-o", str(out))
    peaks = run_watched(command, said=folder / "said.txt")
    seconds = time.perf_counter() - begun
    sentences = pyarrow.parquet.read_metadata(out).num_rows
    found = {
        "documents": articles,
        "sentences": sentences,
        "processes": os.cpu_count(),
        "megabytes": source.stat().st_size / 1e6,
        "seconds": seconds,
        "documents_per_s": articles / seconds,
        "sentences_per_s": sentences / seconds,
        **peaks,
    }
    source.unlink()
    out.unlink()
    return found


def run_watched(command: Sequence[str], said: Path) -> dict[str, Any]:
    """Run a command; return the peak memory of its process, and of the highest of those that help it."""
    with said.open("w", encoding="utf-8") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream)
    helpers, own = Peaks(process.pid), peak_memory(process.pid)
    while process.poll() is None:
        helpers.look()
        seen = peak_memory(process.pid)
        own = seen if isinstance(seen, float) else own  # it may have ended in between
        time.sleep(LOOK)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}\n{said.read_text(encoding='utf-8')}")
    if isinstance(own, str):
        return {"not_measured": {"peak_mb": own}}
    return {"peak_mb": max(own, helpers.highest), "own_peak_mb": own, "helpers_peak_mb": helpers.highest}
