"""What a model folder says of its figures, read back."""

from __future__ import annotations

import numpy as np
import pytest

from classifier.corpus import make_corpus
from classifier.errors import ModelError
from classifier.evaluation_tables import ModelFigures, figures_in, markdown_tables, read_figures
from classifier.training import save_trained, train

QUICK = {"C": 1.0, "ngram_range": (1, 2), "min_df": 2, "n_folds": 3, "min_positives": 10}


@pytest.fixture(scope="module")
def trained(tiny_corpus, tiny_lexicon):
    few = make_corpus(tiny_corpus.segments[:60], tiny_corpus.codebook)
    golds = {"a|b": tiny_corpus, "few": few}
    agreement = {"articles held out": 0.91}
    return train(tiny_corpus, tiny_lexicon, golds=golds, agreement=agreement, **QUICK)


@pytest.fixture(scope="module")
def figures(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures") / "model"
    save_trained(trained, folder)
    return read_figures(folder, trained.corpus.codebook)


def test_the_figures_of_each_code_are_those_that_training_found(figures, trained):
    table = trained.comparisons[0].model.table
    assert [c.code for c in figures.codes] == list(table.index)
    for code in figures.codes:
        row = table.loc[code.code]
        assert code.support == row["support"]
        for found, wanted in (
            (code.precision, row["precision"]),
            (code.recall, row["recall"]),
            (code.f1, row["f1"]),
        ):
            if np.isnan(wanted):
                assert found is None
            else:
                assert found == pytest.approx(wanted, abs=0.0051)  # the page has two decimals


def test_codes_without_training_are_marked(figures):
    assert {c.code: c.trained for c in figures.codes} == {
        "clinic": True,
        "school": True,
        "road": True,
        "well": False,
    }


def test_figures_on_gold_stand_beside_the_code_where_there_are_positives_enough(figures, trained):
    name, gold = "a/b", trained.golds[0]  # a bar would end the cell
    table = gold.comparison.model.table
    (clinic, *_, well) = figures.codes
    assert clinic.golds[name] == (
        pytest.approx(table["f1"]["clinic"], abs=0.0051),
        table["support"]["clinic"],
    )
    assert well.golds == {}  # 3 positives are not 20


def test_each_text_has_its_figure_and_interval(figures, trained):
    assert [t.text for t in figures.texts] == ["articles held out", "a/b", "few"]
    model = trained.own.comparison.model
    found = figures.texts[0]
    assert (found.segments, found.documents, found.support) == (120, 20, int(model.table["support"].sum()))
    assert (found.f1, found.low, found.high) == pytest.approx(
        (model.micro.value, model.micro.low, model.micro.high), abs=0.00051
    )
    assert found.lexicon_f1 == pytest.approx(trained.own.comparison.baseline.micro.value, abs=0.00051)
    assert (found.coders_f1, figures.texts[1].coders_f1) == (0.91, None)


def test_a_model_that_was_not_evaluated_has_no_figures(tiny_model_folder, tiny_codebook):
    assert read_figures(tiny_model_folder, tiny_codebook) == ModelFigures((), ())


def test_without_a_page_of_evaluation_the_manifest_tells_support_and_f1(trained, tmp_path):
    from classifier.store import save_model

    noted = {
        "codes": {
            "clinic": {"support": 7, "f1": 0.5, "trained": True},
            "well": {"support": 1, "f1": None, "trained": False},
        }
    }
    save_model(trained.model, tmp_path / "m", "# 卡\n", noted)
    found = read_figures(tmp_path / "m", trained.corpus.codebook)
    assert [(c.code, c.support, c.precision, c.f1, c.trained) for c in found.codes] == [
        ("clinic", 7, None, 0.5, True),
        ("well", 1, None, None, False),
    ]


def test_a_folder_without_its_page_is_an_error(tiny_model_folder, tiny_codebook, tmp_path):
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "manifest.json").write_bytes((tiny_model_folder / "manifest.json").read_bytes())
    with pytest.raises(ModelError, match=r"EVALUATION\.md: cannot be read") as caught:
        read_figures(folder, tiny_codebook)
    assert caught.value.hint


def test_tables_are_told_from_text_and_from_each_other():
    text = "前文\n\n| a | b |\n|---|---:|\n| 1 | 2 |\n| 3 | 4 |\n后文 | 不是表\n\n| c |\n|---|\n\n---\n"
    assert list(markdown_tables(text)) == [[{"a": "1", "b": "2"}, {"a": "3", "b": "4"}], []]


@pytest.mark.parametrize(
    "noted",
    [
        pytest.param(["clinic"], id="a list"),
        pytest.param({"clinic": "good"}, id="a word for figures"),
        pytest.param({"clinic": {"support": "7"}}, id="support in words"),
        pytest.param({"clinic": {"f1": float("nan")}}, id="an F1 that is no number"),
        pytest.param({"clinic": {"support": 10**400}}, id="support beyond all measure"),
        pytest.param({"clinic": {"f1": -1}}, id="an F1 below 0"),
        pytest.param({"clinic": {"f1": True}}, id="yes for an F1"),
    ],
)
def test_figures_of_a_stranger_that_make_no_sense_are_refused(noted, tiny_codebook, tmp_path):
    with pytest.raises(ModelError, match="its figures make no sense") as caught:
        figures_in({"training": {"codes": noted}}, "", tiny_codebook, tmp_path)
    assert caught.value.hint


def test_rules_of_tables_line_upon_line_are_gone_through_once():
    # a table that begins in each line and reaches to the last would be five billion rows
    tables = list(markdown_tables("|a|\n" + "|-|\n" * 100_000))
    assert len(tables) == 1
    assert len(tables[0]) == 99_999
