"""The real Label Studio and the real doccano import what fupin exports, and fupin what they export.

Each runs its own server code on a database of its own: configuration and labels are uploaded, tasks
and examples imported, annotations made and exported. Where their environments have not been made,
these tests are skipped, and what they exported once, in ``tests/peers/recorded``, is read by
``test_label_studio.py`` and ``test_doccano.py``. FUPIN_RECORD=1 records it anew.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from exchange_samples import BOOK
from peer_work import (
    DOCCANO_FILES,
    PEERS,
    RECORDED,
    STUDIO_FILES,
    TASKS,
    doccano_gives,
    doccano_work,
    studio_gives,
    studio_work,
    unlabelled,
)

from classifier.doccano import read_doccano
from classifier.label_studio import read_label_studio

PLACE = Path(os.environ.get("FUPIN_PEERS", PEERS.parents[1] / "build" / "peers"))


def run(name, script, folder, wanted):
    """Run a peer's script on a folder; record what it made where that is asked for."""
    python = PLACE / name / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        pytest.skip(f"{name} is not set up: python tests/peers/set_up.py")
    done = subprocess.run(
        [python, PEERS / script, folder],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        timeout=300,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    if os.environ.get("FUPIN_RECORD"):
        (RECORDED / name).mkdir(parents=True, exist_ok=True)
        for file in wanted:
            shutil.copy(folder / file, RECORDED / name / file)
    return folder


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    folder = tmp_path_factory.mktemp("studio")
    studio_work(folder)
    return run("label-studio", "label_studio_server.py", folder, STUDIO_FILES)


@pytest.fixture(scope="module")
def doccano(tmp_path_factory):
    folder = tmp_path_factory.mktemp("doccano")
    doccano_work(folder)
    return run("doccano", "doccano_server.py", folder, DOCCANO_FILES)


def test_the_sdk_of_label_studio_finds_nothing_wrong_with_what_we_write(studio):
    says = json.loads((studio / "checked.json").read_text("utf-8"))
    assert says["labels"] == [sorted(BOOK.columns)]
    assert says["multiple"] == [True]
    assert says["tasks"] == [True] * len(TASKS)
    assert says["predictions"] == [[]] * len(TASKS)
    assert says["annotations"] == [True] * sum(len(task.codings) for task in TASKS)


@pytest.mark.parametrize("name", STUDIO_FILES)
def test_what_label_studio_exports_is_what_was_annotated(studio, name):
    assert read_label_studio(studio / name, BOOK) == studio_gives(name)


def test_doccano_imports_every_example_without_a_complaint(doccano):
    assert json.loads((doccano / "errors.json").read_text("utf-8")) == []


@pytest.mark.parametrize("name", DOCCANO_FILES)
def test_what_doccano_exports_is_what_was_labelled(doccano, name):
    assert by_id(read_doccano(doccano / name, BOOK, unlabelled=unlabelled(name))) == by_id(
        doccano_gives(name)
    )


def by_id(segments):
    return {segment.segment_id: segment for segment in segments}
