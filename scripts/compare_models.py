"""Compare the decisions of two models on the starter corpus; exit 1 where fewer than 99.99 % are equal.

python scripts/compare_models.py MODEL OTHER
"""

from __future__ import annotations

import sys
from pathlib import Path

from classifier import load_model, read_corpus, shipped

LEAST = 0.9999


def main() -> None:
    one, other = (load_model(Path(name)) for name in sys.argv[1:3])
    texts = read_corpus([shipped.SEEDS], one.codebook).texts
    equal = float((one.predict(texts) == other.predict(texts)).mean())
    print(f"{equal:.6%} of the decisions are equal")
    if equal < LEAST:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
