"""The demonstration: train on the starter corpus, label the example articles, write a report."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from classifier import shipped
from classifier.batch import label_documents
from classifier.codebook import load_codebook
from classifier.corpus import read_corpus
from classifier.documents import documents
from classifier.evaluation_tables import read_figures
from classifier.labelled import read_labelled
from classifier.lexicon import load_lexicon
from classifier.model import PolicyClassifier
from classifier.prior import load_prior
from classifier.report import make_report
from classifier.report_files import write_report
from classifier.store import load_model
from classifier.training import save_trained, train

# Outside documents that the project's own tests use, labelled too where they are present.
_SHARED = shipped.SEEDS.parent.parent / "shared" / "seeds"


def run_demo(out: Path) -> Iterator[str]:
    """Do the demonstration below ``out``, yielding a line of talk for each step.

    In a checkout a model is trained on the starter corpus; an installed package,
    which has no starter corpus, labels with the model that came with it.
    """
    out.mkdir(parents=True, exist_ok=True)
    if shipped.SEEDS.is_dir():
        yield f"1/3 training on {shipped.SEEDS.name}/ …"
        folder = out / "model"
        model = _trained(folder)
        yield f"    model: {folder}"
    else:
        folder = shipped.MODEL
        yield "1/3 no starter corpus beside an installed package: labelling with the model that came with it"
        model = load_model()
    places = [shipped.EXAMPLES, *([_SHARED] if _SHARED.is_dir() else [])]
    yield "2/3 labelling the example articles …"
    texts = sorted(p for place in places for p in place.glob("*.txt"))
    labelled = out / "labelled.csv"
    tally = label_documents(
        documents(texts), model, labelled, scheme=next(iter(model.codebook.schemes), None)
    )
    counts = f"{tally.documents} articles, {tally.segments} segments, {tally.coded} with a measure"
    yield f"    {counts}: {labelled}"
    page = out / "report.html"
    figures = read_figures(folder, model.codebook)
    write_report(make_report(read_labelled(labelled, model.codebook), model=model, figures=figures), page)
    yield f"3/3 report: {page} — open it in a browser"


def _trained(folder: Path) -> PolicyClassifier:
    book = load_codebook()
    corpus = read_corpus([shipped.SEEDS], book)
    trained = train(corpus, load_lexicon(), prior=load_prior(), n_jobs=min(2, os.cpu_count() or 1))
    save_trained(trained, folder)
    return load_model(folder)
