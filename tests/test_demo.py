"""The demonstration, as in a checkout and as with an installed package: what it says is what it wrote."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from classifier import demo, shipped
from classifier.store import load_model

ARTICLES = [path.stem for path in sorted(shipped.EXAMPLES.glob("*.txt"))]


@pytest.fixture
def some_seeds(tmp_path) -> Path:
    """Return a starter corpus of every fortieth article: all of them take a minute to learn from."""
    few = tmp_path / "seeds"
    (few / "articles").mkdir(parents=True)
    for path in sorted((shipped.SEEDS / "articles").iterdir())[::40]:
        shutil.copy(path, few / "articles")
    return few


def rows_of(out):
    with (out / "labelled.csv").open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def assert_as_told(told, out):
    """Check that the examples are labelled, the counts that are told right, and the report written."""
    rows = rows_of(out)
    assert sorted({Path(row["doc_id"]).stem for row in rows}) == ARTICLES
    coded = sum(row["codes"] != "" for row in rows)
    assert f"    {len(ARTICLES)} articles, {len(rows)} segments, {coded} with a measure: " in told[-2]
    page = (out / "report.html").read_text(encoding="utf-8")
    assert f"{len(rows):,}" in page
    assert told[-1] == f"3/3 report: {out / 'report.html'} — open it in a browser"


def test_in_a_checkout_the_model_that_labels_is_trained_on_the_starter_corpus(
    fupin_here, some_seeds, tmp_path, monkeypatch
):
    monkeypatch.setattr(shipped, "SEEDS", some_seeds)
    monkeypatch.setattr(demo, "_SHARED", tmp_path / "none")
    out = tmp_path / "demo"
    ran = fupin_here("demo", "-o", out)
    assert ran.code == 0, ran.err
    told = ran.err.splitlines()
    assert told[:2] == ["1/3 training on seeds/ …", f"    model: {out / 'model'}"]
    assert_as_told(told, out)
    model = load_model(out / "model")
    rows = rows_of(out)
    assert [set(filter(None, row["codes"].split(";"))) for row in rows] == [
        {code for code, yes in zip(model.codes_, given, strict=True) if yes}
        for given in model.predict([row["text"] for row in rows])
    ]


def test_an_installed_package_has_no_starter_corpus_and_labels_with_its_own_model(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "SEEDS", tmp_path / "none")
    monkeypatch.setattr(demo, "_SHARED", tmp_path / "none")
    out = tmp_path / "demo"
    told = list(demo.run_demo(out))
    assert told[0] == (
        "1/3 no starter corpus beside an installed package: labelling with the model that came with it"
    )
    assert_as_told(told, out)
    assert sorted(path.name for path in out.iterdir()) == ["labelled.csv", "report.html"]
