"""Turn two coders' sheets and the settled differences into stand-off gold.

    python scripts/settle_gold.py SHEET.jsonl A.jsonl B.jsonl SETTLED.jsonl -o labels/gold/NAME.jsonl

SHEET comes from `draw_gold.py`. A and B hold one `{"n", "codes"}` for every row; SETTLED
one for every row on which they differ (and for rows where both were found wrong).
Gold rows keep document hash, offsets and codes, no text. Agreement is printed.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from classifier.codebook import load_codebook

KEPT = ("doc_id", "start", "end", "sha256", "source")


def by_number(path: Path) -> dict[int, dict]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {row["n"]: row for row in rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("sheet", "a", "b", "settled"):
        parser.add_argument(name, type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    args = parser.parse_args()
    order = load_codebook().columns
    sheet, a, b, settled = (by_number(path) for path in (args.sheet, args.a, args.b, args.settled))
    differing = {n for n in sheet if set(a[n]["codes"]) != set(b[n]["codes"])}
    if missing := differing - set(settled):
        raise SystemExit(f"not settled: {sorted(missing)}")
    rows = []
    for n, row in sorted(sheet.items(), key=lambda item: (item[1]["doc_id"], item[1]["start"])):
        codes = set(settled.get(n, a[n])["codes"])
        rows.append({**{k: row[k] for k in KEPT}, "codes": [c for c in order if c in codes]})
    args.out.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
    both = sum(len(set(a[n]["codes"]) & set(b[n]["codes"])) for n in sheet)
    either = sum(len(a[n]["codes"]) + len(b[n]["codes"]) for n in sheet)
    changed = sum(set(settled[n]["codes"]) != set(a[n]["codes"]) for n in settled if n not in differing)
    print(
        f"{args.out.name}: {len(rows)} segments, coders agree on {len(sheet) - len(differing)} sets of codes,"
    )
    print(f"F1 between coders {2 * both / either:.3f}; {changed} rows changed where both agreed")


if __name__ == "__main__":
    main()
