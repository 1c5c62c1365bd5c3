"""Coverage-guided fuzzing: `python -m fuzz TARGET --runs N`; what was found is in `docs/fuzzing.md`.

Each target is a file named after what it fuzzes: `reading` (files of all formats), `segmenting`,
`codebooks`, `lexicons`, `models`. It has ``run(data)``, which must raise nothing whatever bytes it is
given; ``seeds()``, from which fuzzing starts; and, where they help, ``TOKENS``. `campaign` starts the
processes and counts, `guided` is such a process, and the only place that knows atheris
(``pip install -e '.[fuzz]'``). ``findings/TARGET`` has the inputs that once broke something: the tests
run them, and every seed, without atheris.

What is set here holds for every process: numpy and numba read it when they are imported.
"""

import hashlib
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FINDINGS = Path(__file__).resolve().with_name("findings")
os.environ.update({f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA")})
# Numba overlooks a change in a file that the compiled function only calls into: so compiled code is kept
# for each state of the sources, as in `make` and the tests.
SOURCES = hashlib.sha256(b"".join(path.read_bytes() for path in sorted((ROOT / "classifier").glob("*.py"))))
os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / "build" / f"compiled-{SOURCES.hexdigest()[:12]}"))
