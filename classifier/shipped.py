"""Where the files that come with the package lie: inside it when installed, beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_INSTALLED = _PACKAGE / "shipped"
_ROOT = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent

CODEBOOK = _ROOT / "labels" / "codebook.yaml"
LEXICON = _ROOT / "labels" / "lexicon.yaml"
PRIOR = _ROOT / "labels" / "prior.npz"
MODEL = _ROOT / "models" / "default"
EXAMPLES = _ROOT / "docs" / "examples"
SEEDS = _ROOT / "seeds"  # in a checkout only: the starter corpus is not part of the wheel
