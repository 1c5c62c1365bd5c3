"""What the pages ask the model: which words speak for a code, and what it makes of a pasted article."""

from __future__ import annotations

import math
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from classifier.codebook import Codebook
from classifier.encoded_rows import encoded
from classifier.errors import InputError
from classifier.explanation import SHOWN, Explanation, explain
from classifier.labelling import label
from classifier.model import PolicyClassifier
from classifier.output import put_in_place, sink_for
from classifier.review_pages import shown

MOST_CHARACTERS = 200_000  # of a pasted article
FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "jsonl": "application/jsonl; charset=utf-8",
}
SHADES = 3  # of marked words
LEAST = 0.2  # of the densest phrase of a code: what weighs less per character is not marked
LIKELY = 0.02  # the least probability told of a segment
LISTED = 8  # codes whose probability is told of a segment

Span = tuple[int, int, int]  # start and end in the segment, and shade


class Reader:
    """A model that is read when it is first asked, and by one at a time; the codebook is there at once.

    Parameters
    ----------
    codebook : Codebook
    load : callable
        Reads the model; may take seconds.
    """

    def __init__(self, codebook: Codebook, load: Callable[[], PolicyClassifier]) -> None:
        self.codebook, self._load, self._lock = codebook, load, threading.Lock()
        self._model: PolicyClassifier | None = None

    @property
    def ready(self) -> bool:
        """Whether the model is there already."""
        return self._model is not None

    @property
    def model(self) -> PolicyClassifier:
        """The model, read now if it was not yet, and asked once: the first question takes longest."""
        with self._lock:
            if self._model is None:
                model = self._load()
                explain(model, "一个语段。")
                self._model = model
            return self._model

    def spans(self, text: str) -> dict[str, list[Span]]:
        """Return for each code that is not out of the question the words that speak for it.

        >>> from classifier import load_codebook, load_model
        >>> Reader(load_codebook(), load_model).spans("签约医生每周坐诊。")["health"][0]
        (0, 3, 3)
        """
        found = explain(self.model, text) if text else ()
        return {e.code: spans for e in found if e.given or e.probability >= SHOWN if (spans := shaded(e))}

    def why(self, text: str) -> dict[str, Any]:
        """Return the probabilities of a segment's codes, the highest first, and the words behind them."""
        found = explain(self.model, text) if text else ()
        likely = [(e.code, round(e.probability, 4)) for e in found if e.probability >= LIKELY or e.given]
        return {"probabilities": likely[:LISTED], "spans": self.spans(text)}

    def article(self, text: str) -> list[dict[str, Any]]:
        """Return the segments of an article in their order: place, text, codes.

        ``text`` is as it may be shown, ``raw`` as it is. Raises `InputError` for an article that is too long.
        """
        frame = self._labelled(text)
        columns = (frame[name].tolist() for name in ("start", "end", "text", "codes"))
        return [
            {
                "start": start,
                "end": end,
                "raw": raw,
                "text": shown(raw),
                "codes": codes.split(";") if codes else [],
            }
            for start, end, raw, codes in zip(*columns, strict=True)
        ]

    def table(self, text: str, file_format: str, scheme: str | None = None) -> bytes:
        """Return the same as a file, as `fupin label` writes it."""
        if file_format not in FORMATS:
            raise InputError(f"no table as '{file_format}'", f"formats: {', '.join(FORMATS)}")
        frame = self._labelled(text, scheme)
        columns = {str(name): frame[name].tolist() for name in frame}
        with tempfile.TemporaryDirectory(prefix="fupin-") as folder:
            out = Path(folder) / f"label.{file_format}"
            with sink_for(out, file_format, []) as sink:
                sink.append(encoded(columns, file_format, first=True).rows)
                sink.finish()
            put_in_place(out)
            return out.read_bytes()

    def _labelled(self, text: str, scheme: str | None = None) -> pd.DataFrame:
        if len(text) > MOST_CHARACTERS:
            raise InputError(f"{len(text):,} characters", f"paste {MOST_CHARACTERS:,} at most")
        return label(pd.DataFrame({"id": ["text"], "text": [text]}), self.model, scheme=scheme)


def shaded(explanation: Explanation) -> list[Span]:
    """Return what speaks for a code, in shades by weight per character, the densest the darkest.

    Spans do not overlap: where they would, as a cue and the words around it do, the first stays.
    """
    density: dict[tuple[int, int], float] = {}
    for e in explanation.evidence:
        if e.weight >= SHOWN and e.end > e.start:
            density[e.start, e.end] = density.get((e.start, e.end), 0.0) + e.weight / (e.end - e.start)
    densest = max(density.values(), default=1.0)
    spans: list[Span] = []
    for (start, end), weight in sorted(density.items()):
        relative = weight / densest
        if relative >= LEAST and (not spans or start >= spans[-1][1]):
            spans.append((start, end, max(1, math.ceil(SHADES * relative - 1e-9))))
    return spans
