"""Make tests/ppi_reference.json: what ppi-python 0.2.3 (MIT) estimates on data made here.

    python -m venv /tmp/ppi && /tmp/ppi/bin/pip install ppi-python==0.2.3
    /tmp/ppi/bin/python scripts/make_ppi_reference.py tests/ppi_reference.json

It is no development dependency: it installs a top-level package `tests`, and a downloader.
"""

import json
import sys
from pathlib import Path

import numpy as np
import ppi_py
from ppi_py.ppi import _calc_lam_glm

HAND, TIMES = 60, 40  # hand labels; how often their scores are repeated among the segments without


def case(seed: int, share: float, noise: float) -> dict:
    """Return hand labels, scores, and what ppi-python makes of them for given and for tuned λ."""
    rng = np.random.default_rng(seed)
    gold = (rng.random(HAND) < share).astype(float)
    score = np.clip(np.round(gold + noise * (rng.random(HAND) - 0.5), 3), -1, 2)
    others = np.tile(score, TIMES)
    others = np.r_[others, np.round(rng.random(HAND), 3)] if seed % 2 else others
    found = []
    for slope in (0.0, 0.5, 1.0, None):
        low, high = ppi_py.ppi_mean_ci(gold, score, others, alpha=0.05, lam=slope)
        point = ppi_py.ppi_mean_pointestimate(gold, score, others, lam=slope)
        found.append(
            {"slope": slope, "share": float(np.squeeze(point)), "low": float(low[0]), "high": float(high[0])}
        )
    columns = (gold[:, None], score[:, None], others[:, None])
    tuned = _calc_lam_glm(*(c - gold.mean() for c in columns), np.eye(1), clip=True)
    weights = np.where(gold + score > 0.5, 0.5, 1.5)
    weights /= weights.mean()
    point = ppi_py.ppi_mean_pointestimate(gold, score, others, lam=0.7, w=weights)
    return {
        "gold": gold.tolist(),
        "score": score.tolist(),
        "others": {"mean": float(others.mean()), "variance": float(others.var()), "n": len(others)},
        "found": found,
        "tuned": float(tuned),
        "weighted": {"weights": weights.tolist(), "slope": 0.7, "share": float(np.squeeze(point))},
    }


cases = [
    case(seed, share, noise)
    for seed, (share, noise) in enumerate([(0.3, 1.0), (0.3, 1.0), (0.1, 0.6), (0.6, 1.6)])
]
Path(sys.argv[1]).write_text(json.dumps({"made by": "ppi-python 0.2.3", "cases": cases}) + "\n", "utf-8")
