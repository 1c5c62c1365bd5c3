"""The default model on the five real documents; read from ../shared, skipped where it is absent."""

import pandas as pd
import pytest

from classifier import evaluate, label, load_codebook, load_model, read_gold
from classifier.documents import documents

FLOOR = 0.72  # micro-F1 on the development gold below which the default model is broken


@pytest.fixture(scope="module")
def segments(shared):
    frame = pd.DataFrame([{"id": d.id[:3], "text": d.text} for d in documents([shared / "seeds"])])
    return frame, label(frame, load_model())


def categories(text_start, segments, scheme):
    """The categories of the one segment that begins so."""
    _, labelled = segments
    rows = labelled[labelled["text"].str.startswith(text_start)]
    assert len(rows) == 1, f"{len(rows)} segments begin with {text_start}"
    codes = set(rows["codes"].iloc[0].split(";"))
    views = load_codebook().scheme(scheme).categories
    return [name for name, members in views.items() if codes & set(members)]


def test_offsets_cut_the_raw_text(segments):
    frame, labelled = segments
    raw = dict(zip(frame["id"], frame["text"], strict=True))
    assert len(labelled) > 300
    assert all(raw[r.doc_id][r.start : r.end] == r.text for r in labelled.itertuples())


def test_001_lists_its_five_batches_in_one_sentence(segments):
    wanted = list(load_codebook().scheme("wuge-yipi-suining").categories)
    assert categories("“五个一批”是实现路径", segments, "wuge-yipi-suining") == wanted


@pytest.mark.parametrize("category", load_codebook().scheme("zhalaite-eight").categories)
def test_003_has_a_heading_for_each_of_its_eight_categories(category, segments):
    assert categories(f"——要在{category}上", segments, "zhalaite-eight") == [category]


def test_004_names_two_carts_and_three_nets(segments):
    wanted = list(load_codebook().scheme("xingan-carts-nets").categories)
    assert categories("第三是精准施策解决", segments, "xingan-carts-nets") == wanted


@pytest.mark.parametrize(
    ("doc", "start"),
    [
        pytest.param("000", "乔允利:主持人好", id="greeting"),
        pytest.param("000", "本期访谈到此结束", id="farewell"),
        pytest.param("001", "各位网民朋友好", id="greeting to the net"),
        pytest.param("002", "打赢脱贫攻坚战是我们党", id="slogan"),
        pytest.param("003", "我们务必增强信心决心", id="exhortation"),
        pytest.param("003", "——“坚定信心不动摇”", id="slogan as heading"),
        pytest.param("004", "紧盯一个核心目标", id="heading of a goal"),
    ],
)
def test_greetings_and_slogans_get_nothing(doc, start, segments):
    _, labelled = segments
    rows = labelled[(labelled["doc_id"] == doc) & labelled["text"].str.startswith(start)]
    assert rows["codes"].tolist() == [""]


def test_every_scheme_has_a_view_of_the_five_documents(segments):
    book = load_codebook()
    _, labelled = segments
    given = pd.DataFrame(
        {c: labelled["codes"].str.split(";").map(lambda x, c=c: c in x) for c in book.columns}
    )
    for scheme in book.schemes:
        view = book.roll_up(given, scheme)
        assert view.any().mean() >= 0.8, f"{scheme}: {list(view.columns[~view.any()])} never occur"


def test_the_default_model_on_the_development_gold(shared):
    model = load_model()
    gold = read_gold(shared / "gold" / "seeds_dev.jsonl", model.codebook)
    assert evaluate(model, gold).model.micro.value >= FLOOR
