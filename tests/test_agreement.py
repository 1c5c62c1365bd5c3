"""Agreement: published worked examples, slow definitions beside the quick sums, and honest intervals."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binom
from sklearn.metrics import cohen_kappa_score, f1_score

from classifier.agreement import agreement, cohen_kappa, masi_distance

FIGURES = ("alpha", "kappa", "agree", "f1")


def measured(labels, coded=None, documents=None):
    """Agreement on labels of shape (n_coders, n_segments, n_codes); by default each segment is a document."""
    labels = np.asarray(labels, dtype=bool)
    coded = np.ones(labels.shape[:2], dtype=bool) if coded is None else np.asarray(coded, dtype=bool)
    names = [f"{i:03}" for i in range(labels.shape[1])] if documents is None else documents
    return agreement(labels, coded, names, [f"k{i}" for i in range(labels.shape[2])])


def yes_no(*rows):
    """Turn lines of 0, 1 and `.` for not coded into labels of one code."""
    return np.array([[[c == "1"] for c in row] for row in rows]), np.array(
        [[c != "." for c in r] for r in rows]
    )


def nominal(*rows):
    """Turn lines of values, `.` for not coded, into label sets of one code each."""
    values = sorted(set("".join(rows)) - {"."})
    labels = np.array([[[cell == v for v in values] for cell in row] for row in rows])
    return labels, np.array([[cell != "." for cell in row] for row in rows])


def sets(*words):
    """Turn words into label sets: each letter is a code."""
    return np.array([[letter in word for letter in "abcde"] for word in words])


# --- published worked examples ---


def test_two_coders_and_one_code_as_krippendorff_has_them():
    # Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section A: alpha = 0.095.
    found = measured(*yes_no("0100000010", "1110010000"))
    assert found.table["alpha"]["k0"] == pytest.approx(1 - 76 / 84)
    assert round(found.table["alpha"]["k0"], 3) == 0.095
    assert found.table["agree"]["k0"] == 0.6


def test_two_coders_and_five_categories_as_krippendorff_has_them():
    # The same, section B: alpha = 0.692.
    found = measured(*nominal("aabbdcccedda", "babbbccceddd"))
    assert found.overall["value"]["alpha"] == pytest.approx(310 / 448)
    assert round(found.overall["value"]["alpha"], 3) == 0.692
    assert found.overall["value"]["same_set"] == 0.75


def test_four_coders_and_missing_values_as_krippendorff_has_them():
    # The same, section C: alpha = 0.743. The last article has one value and does not count.
    found = measured(*nominal("123321412...", "1233224125.3", ".3332342251.", "12332441251."))
    assert round(found.overall["value"]["alpha"], 3) == 0.743
    assert found.overall["value"]["alpha"] == pytest.approx(0.743421052632)  # as NLTK's tests have it
    assert (found.segments, found.documents) == (11, 11)


@pytest.mark.parametrize("third", ["..0", "..."], ids=["a segment that one coded", "without it"])
def test_a_segment_that_one_coder_coded_changes_nothing(third):
    # NLTK's test_disagreement.py, after an example of dresses: alpha = -1/3 either way.
    found = measured(*yes_no("11.", "00.", "0" + third[1:]))
    assert found.table["alpha"]["k0"] == pytest.approx(-1 / 3)
    assert found.segments == 2


@pytest.mark.parametrize(
    ("counts", "kappa"),
    [((20, 5, 10, 15), 0.4), ((45, 15, 25, 15), 0.1304), ((25, 35, 5, 35), 0.2593)],
    ids=["50 grant proposals", "alike in p_o, even", "alike in p_o, uneven"],
)
def test_kappa_of_the_examples_in_wikipedia(counts, kappa):
    # Wikipedia, "Cohen's kappa", simple example and "same percentage but different numbers".
    assert cohen_kappa(np.array(counts, dtype=float)) == pytest.approx(kappa, abs=5e-5)


def test_the_three_dialogue_acts_of_artstein_and_poesio():
    # Artstein & Poesio, "Inter-Coder Agreement for Computational Linguistics" (2008), tables 1 and 4:
    # A_o = 0.88 and pi = 0.7995, which alpha corrects by (n - 1) / n with n = 200 values.
    a, b = "s" * 52 + "i" * 32 + "c" * 16, "s" * 46 + "i" * 6 + "i" * 32 + "i" * 6 + "c" * 10
    found = measured(*nominal(a, b))
    assert found.overall["value"]["same_set"] == pytest.approx(0.88)
    assert found.overall["value"]["alpha"] == pytest.approx(1 - (1 - 0.79953) * 199 / 200, abs=5e-6)


@pytest.mark.parametrize(
    ("first", "second", "distance"),
    [
        ("ab", "ab", 0),
        ("ab", "abcd", 1 - 2 / 4 * 2 / 3),  # NLTK's documentation has 0.665: it rounds 2/3 to 0.67
        ("abcd", "cde", 1 - 2 / 5 * 1 / 3),  # NLTK's metrics.doctest has 0.868: 1/3 rounded to 0.33
        ("ab", "cd", 1),
        ("a", "ab", 1 - 1 / 2 * 2 / 3),
        ("", "", 0),
        ("", "a", 1),
    ],
    ids=["equal", "within", "overlap", "apart", "one within two", "both nothing", "nothing and something"],
)
def test_masi_is_jaccard_times_monotonicity(first, second, distance):
    a, b = sets(first, second)
    assert masi_distance(a, b) == pytest.approx(distance)
    assert masi_distance(b, a) == pytest.approx(distance)


def test_alpha_with_masi_is_what_nltk_makes_of_the_same_sets():
    # AnnotationTask(…, distance=…).alpha() of NLTK 3.8.1 with thirds not rounded: 0.18810866222450007.
    words = (
        (None, "ab", "c", "abc", "abc", None, "ab", "a"),
        ("a", "abc", "ad", None, "bc", "ad", "ab", "ab"),
        ("a", None, "ab", "abc", "c", "ab", None, "abc"),
    )
    labels = [sets(*(word or "" for word in row)) for row in words]
    found = measured(labels, [[word is not None for word in row] for row in words])
    assert found.overall["value"]["alpha"] == pytest.approx(0.18810866222450007)


# --- beside slow definitions ---


def slow_masi(a, b):
    if not a | b:
        return 0.0
    monotonicity = 1 if a == b else 2 / 3 if a < b or b < a else 1 / 3
    return 1 - len(a & b) / len(a | b) * monotonicity


def slow_alpha(units, distance):
    """1 - D_o / D_e: the mean distance within segments and that among all values."""
    units = [u for u in units if len(u) > 1]
    counts = Counter(v for u in units for v in u)
    n = sum(counts.values())
    within = sum(distance(a, b) / (len(u) - 1) for u in units for a, b in permutations(u, 2)) / n
    among = sum(counts[a] * counts[b] * distance(a, b) for a, b in permutations(counts, 2)) / (n * (n - 1))
    return np.nan if among == 0 else 1 - within / among


def slow_by_code(values, coded):
    """The figures of one code by their definitions; κ and F1 are those of scikit-learn."""
    n_coders, n_segments = values.shape
    pairs = [(i, j, coded[i] & coded[j]) for i, j in combinations(range(n_coders), 2)]
    both = [(values[i, s], values[j, s]) for i, j, s in pairs if s.any()]
    varying = [(a, b) for a, b in both if len({*a.tolist(), *b.tolist()}) > 1]
    return {
        "alpha": slow_alpha(
            [values[coded[:, s], s].tolist() for s in range(n_segments)], lambda a, b: a != b
        ),
        "kappa": mean([cohen_kappa_score(a, b) for a, b in varying]),
        "agree": np.concatenate([a == b for a, b in both]).mean(),
        "f1": mean([f1_score(a, b) for a, b in both if a.any() or b.any()]),
    }


def slow_whole(labels, coded):
    """The figures over label sets by their definitions."""
    n_coders, n_segments, _ = labels.shape
    members = [
        [frozenset(np.flatnonzero(labels[c, s])) for c in range(n_coders) if coded[c, s]]
        for s in range(n_segments)
    ]
    pairs = [(i, j, coded[i] & coded[j]) for i, j in combinations(range(n_coders), 2)]
    flat = [(labels[i, s].ravel(), labels[j, s].ravel()) for i, j, s in pairs]
    return {
        "alpha": slow_alpha(members, slow_masi),
        "same_set": np.mean([a == b for u in members for a, b in combinations(u, 2)]),
        "f1": mean([f1_score(a, b) for a, b in flat if a.any() or b.any()]),
    }


def mean(values):
    return np.mean(values) if values else np.nan


@st.composite
def codings(draw):
    """Labels of two to four coders, with gaps, in which some segment is shared."""
    n_coders, n_segments, n_codes = (draw(st.integers(*bounds)) for bounds in ((2, 4), (2, 12), (1, 4)))
    coded = draw(arrays(bool, (n_coders, n_segments)))
    coded[:2, 0] = True
    labels = draw(arrays(bool, (n_coders, n_segments, n_codes)))
    return labels & coded[..., None], coded


@given(codings())
def test_sums_give_what_the_definitions_give(drawn):
    labels, coded = drawn
    found = measured(labels, coded)
    for code in range(labels.shape[2]):
        slow = slow_by_code(labels[:, :, code], coded)
        assert found.table.loc[f"k{code}", list(FIGURES)].to_dict() == pytest.approx(
            slow, abs=1e-12, nan_ok=True
        )
    slow = slow_whole(labels, coded)
    assert found.overall["value"].to_dict() == pytest.approx(slow, abs=1e-12, nan_ok=True)


def test_hundreds_of_different_label_sets_are_compared_block_by_block():
    rng = np.random.default_rng(3)
    labels = rng.random((2, 300, 12)) < 0.4
    members = [[frozenset(np.flatnonzero(row)) for row in pair] for pair in labels.transpose(1, 0, 2)]
    assert len({m for u in members for m in u}) > 512  # more than two blocks of them
    assert measured(labels).overall["value"]["alpha"] == pytest.approx(slow_alpha(members, slow_masi))


@given(codings(), st.randoms(use_true_random=False))
def test_the_order_of_coders_segments_and_codes_does_not_matter(drawn, random):
    labels, coded = drawn
    documents = [f"d{i // 2}" for i in range(coded.shape[1])]
    orders = [random.sample(range(n), n) for n in labels.shape]
    turned = labels[orders[0]][:, orders[1]][:, :, orders[2]]
    one = measured(labels, coded, documents)
    other = measured(turned, coded[orders[0]][:, orders[1]], [documents[i] for i in orders[1]])
    np.testing.assert_allclose(other.table.to_numpy(), one.table.iloc[orders[2]].to_numpy(), atol=1e-9)
    np.testing.assert_allclose(other.overall.to_numpy(), one.overall.to_numpy(), atol=1e-9)


def test_with_one_code_a_segment_masi_is_nominal():
    rng = np.random.default_rng(8)
    given_codes = rng.integers(4, size=(3, 60))
    labels = np.eye(4, dtype=bool)[given_codes]
    assert measured(labels).overall["value"]["alpha"] == pytest.approx(
        slow_alpha(given_codes.T.tolist(), lambda a, b: a != b)
    )


# --- what is undefined is said to be so ---


def test_a_code_that_nobody_gave_has_no_alpha_kappa_or_f1():
    labels = np.zeros((2, 30, 2), dtype=bool)
    labels[:, ::2, 1] = True
    table = measured(labels).table
    assert table.loc["k0", ["alpha", "kappa", "f1"]].isna().all()
    assert table.loc["k0", "agree"] == 1
    assert table.loc["k1", list(FIGURES)].tolist() == [1, 1, 1, 1]


def test_a_code_that_both_gave_to_every_segment_has_no_alpha_and_no_kappa():
    table = measured(np.ones((2, 30, 1), dtype=bool)).table
    assert table.loc["k0", ["alpha", "kappa"]].isna().all()
    assert table.loc["k0", ["agree", "f1"]].tolist() == [1, 1]


def test_a_code_that_one_of_two_coders_never_gives_has_kappa_zero():
    found = measured(*yes_no("1111000000", "0000000000")).table
    assert found["kappa"]["k0"] == 0
    assert found["f1"]["k0"] == 0
    assert found["alpha"]["k0"] < 0


def test_pairs_without_a_shared_segment_do_not_enter_the_means():
    # First and second: 2 both, 1 first, 3 neither. Second and third: 2 both, 2 third. First and third: none.
    found = measured(*yes_no("110010....", "1000101100", "......1111")).table.loc["k0"]
    assert found["kappa"] == pytest.approx((2 / 3 + 0) / 2)
    assert found["f1"] == pytest.approx((4 / 5 + 4 / 6) / 2)
    assert found["agree"] == pytest.approx((5 + 2) / 10)  # of ten pairs of answers


def test_too_few_documents_with_a_code_leave_its_interval_open():
    """Of 100 documents, three are all left out of 5 % of the replications, four of 1.7 %."""
    labels = np.zeros((2, 100, 2), dtype=bool)
    labels[:, :3, 0] = labels[:, :4, 1] = True
    table = measured(labels).table
    for name in ("alpha", "kappa", "f1"):
        assert table.loc["k0", f"{name}_low" : f"{name}_high"].isna().all()
        assert table.loc["k1", f"{name}_low" : f"{name}_high"].tolist() == [1, 1]
        assert table[name].tolist() == [1, 1]
    assert table["agree_low"].tolist() == [1, 1]


def test_one_document_has_no_interval():
    found = measured(*yes_no("0101101", "0101001"), documents=["甲"] * 7)
    assert found.documents == 1
    assert not found.table[["alpha", "kappa", "agree", "f1"]].isna().any(axis=None)
    assert found.table.filter(regex="_").isna().all(axis=None)
    assert found.overall[["low", "high"]].isna().all(axis=None)


def test_segments_that_one_coder_coded_bring_no_document_into_the_bootstrap():
    labels, coded = yes_no("0101", "01..")
    assert measured(labels, coded, ["甲", "乙", "丙", "丁"]).documents == 2


# --- intervals ---


def test_the_interval_of_a_share_is_that_of_the_binomial_distribution():
    """Documents of one segment, all independent: the bootstrap of a share is a binomial distribution."""
    n, same = 400, 300
    labels = np.zeros((2, n, 1), dtype=bool)
    labels[0, ::2] = labels[1, ::2] = True
    labels[1, same:] = ~labels[1, same:]
    row = measured(labels).table.loc["k0"]
    assert row["agree"] == 0.75
    assert [row["agree_low"], row["agree_high"]] == pytest.approx(
        binom.ppf([0.025, 0.975], n, 0.75) / n, abs=0.006
    )


def test_segments_alike_within_documents_do_not_narrow_the_interval():
    labels, coded = yes_no("01011010010110100101", "01010010110110000101")
    once = measured(labels, coded)
    names = [f"{i:03}" for i in range(20) for _ in range(9)]
    copied = measured(np.repeat(labels, 9, axis=1), np.repeat(coded, 9, axis=1), names)
    for name in ("kappa", "agree", "f1"):
        np.testing.assert_allclose(
            copied.table[[f"{name}_low", f"{name}_high"]], once.table[[f"{name}_low", f"{name}_high"]]
        )
    apart = measured(np.repeat(labels, 9, axis=1), np.repeat(coded, 9, axis=1))
    width, clustered = (f.table["agree_high"]["k0"] - f.table["agree_low"]["k0"] for f in (apart, copied))
    assert width < clustered / 2


def test_intervals_are_those_of_documents_drawn_and_measured_anew():
    """A bootstrap of its own: documents drawn with another seed, their segments put together, all anew."""
    rng = np.random.default_rng(11)
    sizes = rng.integers(1, 6, size=40)
    document = np.repeat(np.arange(40), sizes)
    truth = rng.random((len(document), 3)) < 0.4
    labels = np.stack([truth ^ (rng.random(truth.shape) < 0.12) for _ in range(3)])
    coded = rng.random(labels.shape[:2]) < 0.85
    labels &= coded[..., None]
    drawn = []
    for _ in range(300):
        rows = np.concatenate([np.flatnonzero(document == d) for d in rng.integers(40, size=40)])
        by_code = slow_by_code(labels[:, rows, 0], coded[:, rows])
        drawn.append([*by_code.values(), *slow_whole(labels[:, rows], coded[:, rows]).values()])
    found = measured(labels, coded, [f"{d:03}" for d in document])
    ends = [[found.table[f"{n}_{end}"]["k0"] for n in FIGURES] for end in ("low", "high")]
    quick = np.concatenate([ends, found.overall[["low", "high"]].T], axis=1)
    np.testing.assert_allclose(quick, np.quantile(drawn, [0.025, 0.975], axis=0), atol=0.045)


def test_the_same_input_gives_the_same_intervals_whatever_the_world_has_drawn():
    labels, coded = yes_no("0101101001" * 3, "0101001011" * 3)
    first = measured(labels, coded)
    np.random.seed(1)
    state = np.random.get_state()[1].tolist()
    second = measured(labels, coded)
    assert first.table.equals(second.table)
    assert np.random.get_state()[1].tolist() == state


@pytest.mark.parametrize("cells", [7, 4_000, 10**9], ids=["one at a time", "some", "all at once"])
def test_how_many_replications_are_held_at_a_time_does_not_matter(monkeypatch, cells):
    labels, coded = nominal("aabbdcccedda", "babbbccceddd")
    whole = measured(labels, coded)
    monkeypatch.setattr("classifier.agreement._CELLS", cells)
    np.testing.assert_allclose(measured(labels, coded).overall, whole.overall, atol=1e-12)
    np.testing.assert_allclose(measured(labels, coded).table, whole.table, atol=1e-12)
