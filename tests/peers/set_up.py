"""Make the environments in which Label Studio and doccano run for the tests: 1.7 GB, some minutes.

    python tests/peers/set_up.py [FOLDER]

FOLDER is ``build/peers`` unless given; ``tests/test_peers.py`` finds it there, or by ``FUPIN_PEERS``.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The program itself is pinned; beside it what its newest allowed versions no longer work with.
WANTED = {
    "label-studio": ["label-studio==1.23.2", "label-studio-sdk==2.1.2"],
    "doccano": ["doccano==1.8.4", "numpy<2", "marshmallow<4"],
}


def main(folder: Path) -> None:
    for name, packages in WANTED.items():
        place = folder / name
        python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        if not python.exists():
            venv.create(place, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *packages], check=True)
        (place / "made").touch()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else HERE.parents[1] / "build" / "peers")
