"""Whose labels `bench.retrainings` corrects a model by: a careful coder's, or labels that do damage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

Labels = NDArray[np.bool_]
Coder = Callable[[Labels, np.random.Generator], Labels]

READING = Path(__file__).with_name("another_reading.yaml")
SKIPPED = 0.4  # of the segments with codes, by the lazy coder


def careful(truth: Labels, _: np.random.Generator) -> Labels:
    """Return what is true."""
    return truth.copy()


def careless(truth: Labels, rng: np.random.Generator) -> Labels:
    """Give every third segment the codes of another of these."""
    given = truth.copy()
    slipped = rng.permutation(np.arange(0, len(truth), 3))
    given[slipped] = truth[np.roll(slipped, 1)]
    return given


def lazy(truth: Labels, rng: np.random.Generator) -> Labels:
    """Give none to two in five segments with codes, and to the others the first that the codebook has."""
    given = np.zeros_like(truth)
    coded = truth.any(axis=1) & (rng.random(len(truth)) >= SKIPPED)
    given[coded, truth[coded].argmax(axis=1)] = True
    return given


CODERS: dict[str, Coder] = {
    "careful": careful,
    "careless": careless,
    "lazy": lazy,
    "another reading": careful,  # of a truth that is another one: see `read_otherwise`
}


def read_otherwise(
    truth: Labels, codes: Sequence[str], reading: Mapping[str, Mapping[str, str]] | None = None
) -> Labels:
    """Return what is true to one who reads the manual as ``another_reading.yaml`` says.

    >>> read_otherwise(np.array([[True, False]]), ["a", "b"], {"also": {"b": "a"}, "never": {}}).tolist()
    [[True, True]]
    """
    how = yaml.safe_load(READING.read_text(encoding="utf-8")) if reading is None else reading
    column, read = {code: j for j, code in enumerate(codes)}, truth.copy()
    for code, where in how["also"].items():
        read[:, column[code]] |= truth[:, column[where]]
    for code, where in how["never"].items():
        read[:, column[code]] &= ~truth[:, column[where]]
    return read
