"""Draw segments of outside documents for hand coding, at random within strata.

    python scripts/draw_gold.py CORPUS.jsonl.gz --each 800 -o FOLDER

Documents are first divided into two halves at random, `dev` and `test`, within the
strata (about poverty or not) × year. In each half, segments are then drawn within the
same strata: four in five about poverty, spread over the years by the square root of
their number of segments, so that early years are not drowned. The seed is fixed.

FOLDER holds the sheets for the coders, with text and the segment before as context;
it stays outside the project. `scripts/settle_gold.py` turns two filled sheets into
stand-off gold.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
from collections import defaultdict
from pathlib import Path

import numpy as np

from classifier.segments import segments

SEED = 20211120
POVERTY_SHARE = 0.8


def read(corpus: Path) -> list[dict]:
    with gzip.open(corpus, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def halves(documents: list[dict], rng: np.random.Generator) -> dict[str, list[dict]]:
    """Divide the documents in two at random within strata."""
    strata = defaultdict(list)
    for document in documents:
        strata[document["about_poverty"], document["date"][:4]].append(document)
    out: dict[str, list[dict]] = {"dev": [], "test": []}
    for key in sorted(strata):
        order = rng.permutation(len(strata[key]))
        for rank, i in enumerate(order):
            out["dev" if rank % 2 == 0 else "test"].append(strata[key][i])
    return out


def rows_of(document: dict) -> list[dict]:
    text = document["text"]
    digest = hashlib.sha256(text.encode()).hexdigest()
    spans = segments(text)
    return [
        {
            "doc_id": document["doc"],
            "start": span.start,
            "end": span.end,
            "sha256": digest,
            "source": document["source"],
            "before": text[spans[i - 1].start : spans[i - 1].end] if i else "",
            "text": text[span.start : span.end],
        }
        for i, span in enumerate(spans)
    ]


def draw(documents: list[dict], each: int, rng: np.random.Generator) -> list[dict]:
    """Draw ``each`` segments within strata, in random order."""
    strata = defaultdict(list)
    for document in documents:
        strata[document["about_poverty"], document["date"][:4]] += rows_of(document)
    drawn: list[dict] = []
    for poverty, share in ((True, POVERTY_SHARE), (False, 1 - POVERTY_SHARE)):
        keys = sorted(k for k in strata if k[0] is poverty)
        weight = np.sqrt([len(strata[k]) for k in keys])
        quota = np.floor(weight / weight.sum() * round(each * share)).astype(int)
        quota[np.argsort(-weight)[: round(each * share) - quota.sum()]] += 1
        for key, n in zip(keys, quota, strict=True):
            chosen = rng.choice(len(strata[key]), size=min(n, len(strata[key])), replace=False)
            drawn += [strata[key][i] for i in chosen]
    return [drawn[i] for i in rng.permutation(len(drawn))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--each", type=int, default=800)
    parser.add_argument("-o", "--out", type=Path, required=True)
    args = parser.parse_args()
    rng = np.random.default_rng(SEED)
    args.out.mkdir(parents=True, exist_ok=True)
    for half, documents in halves(read(args.corpus), rng).items():
        with (args.out / f"{half}.jsonl").open("w", encoding="utf-8") as out:
            for number, row in enumerate(draw(documents, args.each, rng)):
                out.write(json.dumps({"n": number, **row}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
