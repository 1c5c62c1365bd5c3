"""Where compiled code and notes are kept while tests run: compiled code anew for every state of the sources.

Numba looks only at the file of a function for changes, not at the files of those it calls.
"""

import hashlib
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent
STATE = hashlib.sha256(b"".join(p.read_bytes() for p in sorted((ROOT / "classifier").glob("*.py"))))
os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / "build" / f"compiled-{STATE.hexdigest()[:12]}"))
os.environ["XDG_STATE_HOME"] = str(ROOT / "build" / "state")
