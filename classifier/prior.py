"""Prior weights: what labelled text from outside taught, kept as weights of short terms.

Text from outside cannot be part of the project, but what it teaches can: for each code a
weight for each feature, learned there by the same kind of machine. The model takes the
score that these weights give a segment as one more feature of the code, and learns from
the corpus how far to trust it (adapted support vector machine; Yang, Yan & Hauptmann,
"Cross-domain video concept detection using adaptive SVMs", ACM Multimedia 2007, with the
weight of the outside score learned rather than fixed at one).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifier import shipped
from classifier.array_files import TEXT, arrays_in
from classifier.bounded_files import read_bounded
from classifier.errors import InputError, PriorError
from classifier.inert_text import on_one_line

_REMEDY = "make it with `scripts/learn_prior.py`, or restore the file that came with fupin"
Weights = NDArray[np.float32]
LARGEST_FILE = 100_000_000  # bytes
_ARRAYS = {"codes": TEXT, "features": TEXT, "weights": "<f2"}


@dataclass(frozen=True)
class Prior:
    """Weights of features per code; ``weights`` is float32 of shape (n_codes, n_features).

    ``features`` are names as `TextFeatures.get_feature_names_out` gives them, sorted.
    """

    codes: tuple[str, ...]
    features: NDArray[np.str_]
    weights: Weights

    def aligned(self, codes: Sequence[str], features: Sequence[str] | NDArray[np.object_]) -> Weights:
        """Return the weights for these codes and features, shape (n_codes, n_features); 0 where unknown.

        >>> prior = Prior(("health",), np.array(["健", "药费"]), np.array([[0.5, 2.0]], dtype=np.float32))
        >>> prior.aligned(["health", "housing"], ["药费", "瓦房"]).tolist()
        [[2.0, 0.0], [0.0, 0.0]]
        """
        names = np.asarray(features, dtype=str)
        place = np.minimum(np.searchsorted(self.features, names), len(self.features) - 1)
        known = self.features[place] == names
        row = {code: i for i, code in enumerate(self.codes)}
        out = np.zeros((len(codes), len(names)), dtype=np.float32)
        for j, code in enumerate(codes):
            if code in row:
                out[j, known] = self.weights[row[code], place[known]]
        return out


def save_prior(prior: Prior, path: Path) -> None:
    """Write a prior as npz, its weights rounded to 16 bits; the same prior gives the same bytes."""
    np.savez_compressed(
        path,
        codes=np.array(prior.codes),
        features=prior.features,
        weights=prior.weights.astype(np.float16),
    )


def load_prior(path: str | Path | None = None) -> Prior:
    """Read a prior, by default the one that comes with the package.

    Raises `PriorError` where the file is missing, damaged or no prior.
    """
    return _shipped() if path is None else _read(Path(path))


@lru_cache(maxsize=1)
def _shipped() -> Prior:
    return _read(shipped.PRIOR)


def _read(path: Path) -> Prior:
    try:
        arrays = arrays_in(read_bounded(path, LARGEST_FILE), _ARRAYS)
    except OSError as error:
        raise PriorError(f"{path}: {error.strerror or error}", _REMEDY) from None
    except InputError as error:
        raise PriorError(str(error), _REMEDY) from None
    except ValueError as error:
        raise PriorError(f"{path}: no prior weights ({on_one_line(str(error)):.200})", _REMEDY) from None
    codes, features, weights = arrays["codes"], arrays["features"], arrays["weights"]
    shape = (*codes.shape, *features.shape)
    if weights.shape != shape or weights.ndim != 2 or not np.isfinite(weights).all():
        raise PriorError(f"{path}: weights of shape {weights.shape} do not fit", _REMEDY)
    if not len(features) or (features[:-1] >= features[1:]).any():
        raise PriorError(f"{path}: features are none, or not sorted", _REMEDY)
    return Prior(tuple(map(str, codes)), features, weights.astype(np.float32))
