"""How often each cue of a lexicon is right: its precision on labelled text."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from classifier.corpus import Corpus
from classifier.lexicon import Lexicon
from classifier.normalise import normalise
from classifier.segments import without_speaker

Z = 1.959964  # the normal quantile of a two-sided 95 % interval


def cue_precision(lexicon: Lexicon, corpus: Corpus) -> pd.DataFrame:
    """Return a row for each cue and code that it stands for, in the order of the lexicon.

    Parameters
    ----------
    lexicon : Lexicon
    corpus : Corpus
        Best text that the lexicon was not written from; on text that its author read,
        precision flatters.

    Returns
    -------
    DataFrame
        Columns ``cue``, ``code``, ``segments`` (in which the cue hits), ``right`` (of these,
        with the code), ``precision`` (NaN where it never hits), and the bounds ``low``,
        ``high`` of Wilson's 95 % interval (Wilson, JASA 22, 1927).

    >>> from classifier.codebook import load_codebook
    >>> from classifier.corpus import Segment, make_corpus
    >>> from classifier.lexicon import Lexicon
    >>> words = Lexicon("小词表", "1", {"药费": ("health",)}, {})
    >>> texts = [Segment("甲", "药费报了大半。", ("health",)), Segment("乙", "药费真贵。", ())]
    >>> cue_precision(words, make_corpus(texts, load_codebook()))["precision"].tolist()
    [0.5]
    """
    hit, right = _counted(lexicon, corpus)
    pairs = [(cue, code) for cue, codes in lexicon.cues.items() for code in codes]
    table = pd.DataFrame(pairs, columns=["cue", "code"])
    table["segments"] = [hit[pair] for pair in pairs]
    table["right"] = [right[pair] for pair in pairs]
    n, k = (table[column].to_numpy(dtype=float) for column in ("segments", "right"))
    table["precision"] = k / np.where(n, n, np.nan)
    table["low"], table["high"] = wilson(k, n)
    return table


def _counted(lexicon: Lexicon, corpus: Corpus) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
    """Count the segments that each cue hits for each of its codes, and those that have the code."""
    hit, right = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for segment in corpus.segments:
        found = lexicon.hits(normalise(without_speaker(segment.text)))
        for pair in {(h.cue, code) for h in found for code in h.codes}:
            hit[pair] += 1
            right[pair] += pair[1] in segment.codes
    return hit, right


def wilson(k: NDArray[np.float64], n: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return Wilson's 95 % interval of the shares k / n; NaN where n is 0.

    >>> low, high = wilson(np.array([8.0]), np.array([10.0]))
    >>> round(float(low[0]), 3), round(float(high[0]), 3)
    (0.49, 0.943)
    """
    size = np.where(n > 0, n, np.nan)
    share, spread = k / size, Z**2 / size
    centre = (share + spread / 2) / (1 + spread)
    half = np.sqrt(spread * (share * (1 - share) + spread / 4)) / (1 + spread)
    return centre - half, centre + half
