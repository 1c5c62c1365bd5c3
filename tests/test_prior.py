"""Prior weights: lined up by name, refused where damaged, of use where the corpus has no words."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.codebook import codebook_from_text
from classifier.errors import PriorError
from classifier.features import TextFeatures
from classifier.machines import PRIOR_WEIGHT, Task, fit
from classifier.model import PolicyClassifier
from classifier.prior import Prior, load_prior, save_prior

FEATURES = np.array(["lexicon:road", "井", "药", "药费"])
WEIGHTS = np.array([[0.5, 0.0, 1.0, 2.0], [-0.25, 3.0, -1.0, -2.0]], dtype=np.float32)


@pytest.fixture
def prior():
    return Prior(("clinic", "well"), FEATURES, WEIGHTS)


# --- lining up ---


@given(
    st.permutations(["clinic", "school", "well"]), st.permutations([*FEATURES.tolist(), "修路", "a", "龟"])
)
def test_weights_are_found_by_name_whatever_the_order_and_are_zero_where_unknown(codes, features):
    known = {
        (c, f): w
        for c, row in zip(("clinic", "well"), WEIGHTS.tolist(), strict=True)
        for f, w in zip(FEATURES.tolist(), row, strict=True)
    }
    found = Prior(("clinic", "well"), FEATURES, WEIGHTS).aligned(codes, features)
    assert found.tolist() == [[known.get((c, f), 0.0) for f in features] for c in codes]


def test_names_of_features_are_taken_as_the_features_give_them(prior):
    features = TextFeatures((1, 2), 1).fit(["报销药费", "打井"])
    names = features.get_feature_names_out()
    found = prior.aligned(["well"], names)[0]
    assert dict(zip(names, found.tolist(), strict=True)) | {"井": 3.0, "药": -1.0, "药费": -2.0} == dict(
        zip(names, found.tolist(), strict=True)
    )
    assert np.count_nonzero(found) == 3


def test_a_name_longer_than_any_that_is_known_is_not_cut_to_one_that_is():
    short = Prior(("clinic",), np.array(["药"]), np.array([[1.0]], dtype=np.float32))
    assert short.aligned(["clinic"], ["药费", "药", "一"]).tolist() == [[0.0, 1.0, 0.0]]


def test_no_codes_or_no_features_give_an_empty_array(prior):
    assert prior.aligned([], ["药"]).shape == (0, 1)
    assert prior.aligned(["clinic"], []).shape == (1, 0)


# --- files ---


def test_what_is_saved_is_read_back_rounded_to_sixteen_bits(tmp_path, prior):
    third = Prior(prior.codes, FEATURES, WEIGHTS / 3)
    save_prior(third, tmp_path / "p.npz")
    found = load_prior(tmp_path / "p.npz")
    assert found.codes == ("clinic", "well")
    assert found.features.tolist() == FEATURES.tolist()
    assert found.weights.dtype == np.float32
    assert np.array_equal(found.weights, (WEIGHTS / 3).astype(np.float16).astype(np.float32))
    assert not np.array_equal(found.weights, WEIGHTS / 3)


def test_the_same_prior_is_the_same_bytes_twice(tmp_path, prior):
    save_prior(prior, tmp_path / "a.npz")
    save_prior(load_prior(tmp_path / "a.npz"), tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def npz(**changed):
    stream = io.BytesIO()
    parts = {"codes": np.array(["clinic", "well"]), "features": FEATURES, "weights": WEIGHTS, **changed}
    if parts["weights"].dtype.kind == "f":
        parts["weights"] = parts["weights"].astype(np.float16)  # as they are kept
    np.savez(stream, **parts)
    return stream.getvalue()


def without(name):
    stream = io.BytesIO()
    parts = {"codes": np.array(["clinic"]), "features": FEATURES, "weights": WEIGHTS[:1]}
    np.savez(stream, **{k: v for k, v in parts.items() if k != name})
    return stream.getvalue()


def npy():
    stream = io.BytesIO()
    np.save(stream, WEIGHTS)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"", "no prior weights", id="an empty file"),
        pytest.param("药费".encode(), "no prior weights", id="a text"),
        pytest.param(npy(), "no prior weights", id="one array alone"),
        pytest.param(npz()[:300], "no prior weights", id="cut short"),
        pytest.param(without("codes"), "no prior weights", id="no codes"),
        pytest.param(without("features"), "no prior weights", id="no features"),
        pytest.param(without("weights"), "no prior weights", id="no weights"),
        pytest.param(npz(features=FEATURES.astype(object)), "no prior weights", id="pickled features"),
        pytest.param(npz(codes=np.array([{"clinic": 1}, None])), "no prior weights", id="pickled codes"),
        pytest.param(npz(weights=WEIGHTS.astype(str)), "weights' is of dtype <U", id="weights that are text"),
        pytest.param(
            npz(features=np.arange(4)), "features' is of dtype <i8, wanted <U", id="features that are numbers"
        ),
        pytest.param(npz(weights=WEIGHTS[:, :3]), r"shape \(2, 3\) do not fit", id="a weight too few"),
        pytest.param(npz(weights=WEIGHTS[:1]), r"shape \(1, 4\) do not fit", id="a code too many"),
        pytest.param(npz(codes=np.array("clinic")), r"shape \(2, 4\) do not fit", id="one code, no list"),
        pytest.param(
            npz(weights=np.full_like(WEIGHTS, np.nan)), "do not fit", id="weights that are no numbers"
        ),
        pytest.param(npz(weights=np.full_like(WEIGHTS, np.inf)), "do not fit", id="weights without end"),
        pytest.param(npz(features=FEATURES[:0], weights=WEIGHTS[:, :0]), "none, or not sorted", id="nothing"),
        pytest.param(npz(features=FEATURES[::-1]), "none, or not sorted", id="features out of order"),
    ],
)
def test_what_is_no_prior_is_refused_in_one_line_with_a_remedy(tmp_path, data, message):
    path = tmp_path / "mine.npz"
    path.write_bytes(data)
    with pytest.raises(PriorError, match=message) as caught:
        load_prior(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    assert "learn_prior" in caught.value.hint


def test_a_file_that_is_missing_is_told_with_its_name(tmp_path):
    with pytest.raises(PriorError, match=r"none\.npz: No such file or directory") as caught:
        load_prior(tmp_path / "none.npz")
    assert caught.value.hint
    with pytest.raises(PriorError, match="no regular file") as caught:
        load_prior(tmp_path)
    assert caught.value.hint


def test_a_damaged_byte_anywhere_is_told_or_does_no_harm(tmp_path, prior):
    save_prior(prior, tmp_path / "p.npz")
    whole = (tmp_path / "p.npz").read_bytes()
    refused = 0
    for i in range(len(whole)):
        (tmp_path / "q.npz").write_bytes(whole[:i] + bytes([whole[i] ^ 0x81]) + whole[i + 1 :])
        try:
            found = load_prior(tmp_path / "q.npz")
        except PriorError:
            refused += 1
        else:
            assert found.codes == prior.codes
            assert np.array_equal(found.weights, WEIGHTS)
    assert refused > len(whole) / 3


# --- what it is good for ---

BOOK = 'name: d\nversion: "1"\ncodes:\n  - {code: good, name: 好}\n  - {code: bad, name: 坏}\n'
OUTSIDE = "梨桃李杏"  # words for `good` that the corpus has, too seldom to learn from


def corpus():
    """Return texts, labels and articles: one segment in three is `good`, one `bad`."""
    texts, labels = [], []
    for i in range(12):
        texts += [f"甲{OUTSIDE[i % 4]}果", f"乙{'钉锤锯斧'[i % 4]}具", "丙丁戊"]
        labels += [[True, False], [False, True], [False, False]]
    return texts, np.array(labels), [str(i // 3) for i in range(36)]


def fitted(prior, **options):
    texts, labels, groups = corpus()
    book = codebook_from_text(BOOK, "d.yaml")
    model = PolicyClassifier(book, prior=prior, C=1.0, ngram_range=(1, 1), min_df=1, n_folds=3, **options)
    return model.fit(texts, labels, groups)


def test_a_prior_that_knows_a_code_helps_where_the_corpus_says_nothing():
    # Only the fruit's name tells what is good, and `梅` stands once with it and once without.
    fruits = "梨桃李杏柿枣柑橘柚橙"
    texts = (
        [f"村里种{fruit}" for fruit in fruits]
        + [f"村里{n}号" for n in "子丑寅卯辰巳午未申酉"]
        + ["种梅", "问梅"]
    )
    labels = np.array([[i < 10 or i == 20, 10 <= i < 20] for i in range(22)])
    prior = Prior(("good",), np.array(sorted(fruits + "梅")), np.full((1, 11), 4.0, dtype=np.float32))
    book = codebook_from_text(BOOK, "d.yaml")

    def fitted(given):
        model = PolicyClassifier(book, prior=given, C=1.0, ngram_range=(1, 1), min_df=1, n_folds=3)
        return model.fit(texts, labels).decision_function(["乡亲说梅"])[0]

    alone, helped = fitted(None), fitted(prior)
    assert alone[0] < 0 < helped[0]  # learned: what the prior calls good is good
    assert helped[1] == pytest.approx(alone[1], abs=0.02)  # of `bad` it says nothing; weights are rounded


def test_a_prior_that_misleads_is_not_believed():
    backwards = Prior(("good",), np.array(sorted(OUTSIDE)), np.full((1, 4), -4.0, dtype=np.float32))
    texts, labels, _ = corpus()
    assert np.array_equal(fitted(backwards).predict(texts), labels)


def test_a_prior_of_zeros_and_one_of_other_codes_and_features_change_nothing():
    texts, *_ = corpus()
    wanted = fitted(None)
    for other in (
        Prior(("good", "bad"), np.array(["果"]), np.zeros((2, 1), dtype=np.float32)),
        Prior(("neither",), np.array(["果"]), np.ones((1, 1), dtype=np.float32)),
        Prior(("good",), np.array(["龟"]), np.ones((1, 1), dtype=np.float32)),
    ):
        model = fitted(other)
        assert np.array_equal(model.coef_, wanted.coef_)
        assert np.array_equal(model.predict_proba(texts), wanted.predict_proba(texts))


def test_the_priors_score_ends_up_in_the_weights_and_is_one_number_times_the_prior():
    # Fitted to the same texts, weights with and without differ along the prior where text alone is mute.
    texts, labels, _ = corpus()
    options = {"ngram_range": (1, 1), "min_df": 1, "lexicon": None, "lexicon_weight": 0.5}
    counts = TextFeatures(**options).count([*texts, "龟鳖"])
    known = Prior(("good",), np.array(sorted("果龟鳖")), np.array([[2.0, 1.0, 3.0]], dtype=np.float32))
    rows = np.arange(36)  # `龟鳖` is not among what is learned from, but it is a feature
    task = Task(counts, np.vstack([labels, [[False, False]]]), ("good", "bad"), known, options).rows(rows)
    options["min_df"] = 0
    machines = fit(Task(task.counts, task.labels, task.codes, known, options), 1.0)
    column = {t: i for i, t in enumerate(machines.features.terms_)}
    weight = {c: float(machines.coef[0, column[c]]) for c in "龟鳖"}
    order = dict(zip(known.features.tolist(), known.weights[0].tolist(), strict=True))
    assert weight["龟"] / order["龟"] == pytest.approx(weight["鳖"] / order["鳖"], rel=1e-5)
    assert weight["龟"] > 0
    assert weight["龟"] < PRIOR_WEIGHT * order["龟"] * 10
    assert machines.coef[1, column["龟"]] == 0
