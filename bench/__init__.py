"""What is measured: speed (`make bench`), and four other things.

`speed` is the command, `tables` what it prints; `texts` makes what all work on; `ways` go from text
to decisions, `files` from file to file, `large` is one long run of the command; `processes` lets them
take turns, `gauges` reads clock and memory; `start_up` times start and training; `elements` says what
each element of the model brings in F1, `kernels` what it costs in speed.

Beside it: `fasttext_accuracy`; `intervals` (do corrected intervals hold the truth?); `queues` (how many
labels the review queue saves); `retrainings` (what reviewed labels bring); `hostile` and `readers` (broken
files, and good ones). Each writes its page in docs/. Start all of them with ``python -m``: started as a
file, each would have this folder on its path, where numba takes a module for the library of that name.

What is set here holds for every process of the benchmark: numpy and numba read it when they are imported.
"""

import hashlib
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# One core, unless a way says that it takes more.
os.environ.update({f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA")})
# Numba overlooks a change in a file that the compiled function only calls into: so compiled code is kept
# for each state of the sources, as in `make` and the tests.
SOURCES = hashlib.sha256(b"".join(path.read_bytes() for path in sorted((ROOT / "classifier").glob("*.py"))))
os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / "build" / f"compiled-{SOURCES.hexdigest()[:12]}"))
