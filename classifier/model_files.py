"""What the files of a model folder hold: read as data, and believed only where it fits together.

A folder may come from a stranger, whose hashes fit whatever is in it. Compiled code checks no bounds;
so whatever it takes from these files is proved here. It takes no tree, no table and no place from them:
those are built anew from terms (texts in ascending order, none empty or too long) and cues. What is left
are weights (a row a feature, a column a trained code), idf, intercepts and calibration: of the shapes
that terms, cues and codes ask for, finite, and so small that no sum of them overflows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classifier.array_files import arrays_in
from classifier.codebook import Codebook, codebook_from_text
from classifier.decisions import Decisions
from classifier.drift import Reference
from classifier.errors import FupinError, ModelError
from classifier.excerpts import Excerpts, code_points
from classifier.inert_text import on_one_line
from classifier.lexicon import NO_LEXICON, Lexicon
from classifier.predictor import Predictor
from classifier.scoring import Features, Units, from_units
from classifier.stored_lexicon import lexicon_from_json

if TYPE_CHECKING:
    from classifier.model import PolicyClassifier

DRIFT = "drift"  # what the training text was like, in the manifest's part on training
ARRAYS = {"units": "|i1", "exponents": "|i1", "intercept": "<f4", "idf": "<f4"}
LONGEST_NGRAM = 32  # characters
LARGEST = 1e6  # of weights, intercepts, slopes and offsets: sums of them stay finite in float32
TABLE_LIMIT = 1_000_000_000  # bytes of the scorer's rows
_MOST_EXPONENT = 12  # 127 · 2¹² < LARGEST
RETRAIN = "train it again with `fupin train`, or fetch the folder anew"
# What reading a folder can meet whose hashes fit but whose contents make no sense
BROKEN = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)


def parts_of(files: Mapping[str, bytes], training: Any, folder: Path) -> Parts:
    """Return what the files of a model folder hold; ``training`` is that part of its manifest.

    Raises `ModelError` where they do not fit together: what it returns can score any text.
    """
    try:
        return unpack(files, training)
    except BROKEN as error:
        told = on_one_line(str(error) or type(error).__name__)
        raise ModelError(f"{folder}: the files do not fit together ({told:.200})", RETRAIN) from None
    except FupinError as error:
        raise ModelError(f"{folder}: {error}", RETRAIN) from None


@dataclass(frozen=True)
class Parts:
    """What the files of a model folder hold, checked to fit together."""

    codebook: Codebook
    lexicon: Lexicon | None
    terms: Excerpts
    idf: NDArray[np.float32]
    ngram_range: tuple[int, int]
    min_df: int
    lexicon_weight: float
    setting_weight: float
    weights: Units
    intercept: NDArray[np.float32]
    decisions: Decisions
    trained: tuple[str, ...]
    reference: Reference | None

    def predictor(self) -> Predictor:
        """Return what labelling needs."""
        lexicon = self.lexicon or NO_LEXICON
        weights = self.lexicon_weight, self.setting_weight
        features = Features(self.terms, self.idf, self.ngram_range[1], lexicon, *weights)
        settled: dict[str, Any] = {"decisions": self.decisions, "trained": self.trained}
        settled["reference"] = self.reference
        return Predictor(self.codebook, features, self.weights, self.intercept, **settled)

    def model(self) -> PolicyClassifier:
        """Return the whole model."""
        from classifier.features import TextFeatures
        from classifier.model import PolicyClassifier

        options: dict[str, Any] = {"ngram_range": self.ngram_range, "min_df": self.min_df}
        options |= {"lexicon_weight": self.lexicon_weight, "setting_weight": self.setting_weight}
        features = TextFeatures.from_terms(self.terms, self.idf, lexicon=self.lexicon, **options)
        model = PolicyClassifier(self.codebook, self.lexicon, **options)
        coef = np.ascontiguousarray(from_units(self.weights).T)
        model.restore(features, coef, self.intercept, self.decisions, self.trained, reference=self.reference)
        return model


def unpack(files: Mapping[str, bytes], training: Any) -> Parts:
    """Do as `parts_of` does; raises any of `BROKEN`, or a `FupinError`."""
    codebook = codebook_from_text(files["codebook.yaml"].decode(), "codebook.yaml")
    lexicon = json.loads(files["lexicon.json"])
    options, thresholds = json.loads(files["features.json"]), json.loads(files["thresholds.json"])
    arrays = arrays_in(files["weights.npz"], ARRAYS)
    longest = _ngram_range(options["ngram_range"])
    parts = Parts(
        codebook=codebook,
        lexicon=None if lexicon is None else lexicon_from_json(lexicon, codebook.columns),
        terms=_terms(files["terms.txt"].decode(), longest[1]),
        idf=_between(arrays["idf"], 1e-30, 1000, "idf"),
        ngram_range=longest,
        min_df=int(_number(options["min_df"], 1, 2**31, "min_df")),
        lexicon_weight=_number(options["lexicon_weight"], 0, 1000, "lexicon_weight"),
        setting_weight=_number(options["setting_weight"], 0, 1000, "setting_weight"),
        weights=_weights(arrays["units"], arrays["exponents"]),
        intercept=_between(arrays["intercept"], -LARGEST, LARGEST, "intercepts"),
        decisions=_decisions(thresholds, codebook.columns, codebook.exclusive),
        trained=tuple(thresholds),
        reference=_reference(training),
    )
    _fit_together(parts)
    return parts


def _reference(training: Any) -> Reference | None:
    """Return what the training text was like; None in a folder that was made before this was noted."""
    if not isinstance(training, Mapping):
        raise ValueError("the manifest says nothing of the training")
    return Reference.from_json(training[DRIFT]) if DRIFT in training else None


def _number(value: Any, least: float, most: float, name: str) -> float:
    """Return a number that JSON holds; raises ValueError where it is none, or not between the two."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ValueError(f"{name} is {value!r:.40}, and no number from {least:g} to {most:g}")
    return float(value)


def _ngram_range(value: Any) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 2 or not all(type(end) is int for end in value):
        raise ValueError(f"ngram_range is {value!r:.40}, and no pair of whole numbers")
    if not 1 <= value[0] <= value[1] <= LONGEST_NGRAM:
        raise ValueError(f"ngram_range is {value}, and not from 1 to {LONGEST_NGRAM}")
    return value[0], value[1]


def _terms(text: str, longest: int) -> Excerpts:
    """Return the terms that stand a line each; strings of them are made where somebody asks for one."""
    codes = code_points(text + "\n" if text else "")
    breaks = np.flatnonzero(codes == ord("\n"))
    bounds = np.append(0, breaks - np.arange(len(breaks)))
    terms = Excerpts(text.replace("\n", ""), codes[codes != ord("\n")], bounds[:-1], bounds[1:])
    sizes = terms.ends - terms.starts
    if sizes.min(initial=1) < 1 or sizes.max(initial=1) > longest:
        raise ValueError(f"a term is empty, or longer than {longest} characters")
    if not terms.ascend():
        raise ValueError("terms are not in ascending order")
    return terms


def _between(array: NDArray[Any], least: float, most: float, name: str) -> NDArray[np.float32]:
    """Return an array of which no element is NaN, or lies beyond the two."""
    if array.ndim != 1 or not ((array >= least) & (array <= most)).all():
        raise ValueError(f"{name} are not a row of numbers from {least:g} to {most:g}")
    return array


def _weights(units: NDArray[np.int8], exponents: NDArray[np.int8]) -> Units:
    if units.ndim != 2 or exponents.shape != units.shape[:1]:
        raise ValueError(f"weights of shape {units.shape} with exponents of shape {exponents.shape}")
    if exponents.max(initial=-128) > _MOST_EXPONENT:
        raise ValueError(f"weights beyond {LARGEST:g}")
    return Units(units, exponents)


def _fit_together(parts: Parts) -> None:
    cues = len(parts.lexicon.cue_codes) * (2 if parts.lexicon.setting else 1) if parts.lexicon else 0
    wanted = (len(parts.trained), len(parts.terms) + cues)
    shape = parts.weights.units.shape[::-1]
    found = (shape, parts.intercept.shape, parts.idf.shape)
    if found != (wanted, wanted[:1], (len(parts.terms),)):
        raise ValueError(f"weights of shape {shape}, wanted {wanted}")
    if not parts.trained:
        raise ValueError("no code is trained")
    # A term of n characters has n nodes at most, and each node a row of about as many bytes as codes
    if len(parts.terms.codes) * (len(parts.trained) + 16) > TABLE_LIMIT:
        raise ValueError(f"{len(parts.terms):,} terms for {len(parts.trained):,} codes are too many")


def _decisions(thresholds: Any, codes: tuple[str, ...], exclusive: bool) -> Decisions:
    if not isinstance(thresholds, dict) or not set(thresholds) <= set(codes):
        raise ValueError("thresholds for codes that the codebook does not have")
    ends = {"slope": (-LARGEST, LARGEST), "offset": (-LARGEST, LARGEST), "threshold": (0, 1)}
    columns = [
        np.array(
            [_number(thresholds[code][k], *ends[k], f"{k} of {code}") for code in codes if code in thresholds]
        )
        for k in ends
    ]
    return Decisions(columns[0], columns[1], columns[2], exclusive)
