"""Columns made where they are asked for."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from classifier.lazy_columns import Chosen, Numbered

values = st.lists(st.sampled_from(["", "修路", "架桥", None, 3]), min_size=1, max_size=5)


@given(values, st.data())
def test_chosen_values_are_those_of_their_numbers(of, data):
    number = data.draw(st.lists(st.integers(0, len(of) - 1), max_size=9))
    column, meant = Chosen(of, np.array(number, dtype=np.int64)), [of[n] for n in number]
    assert (list(column), len(column), column[1:4]) == (meant, len(meant), meant[1:4])
    assert [column[i] for i in range(len(column))] == meant


def test_numbered_names_have_their_number_behind_them():
    column = Numbered(Chosen(["甲", "乙"], np.array([0, 0, 1])), np.array([0, 1, 0]))
    assert (list(column), len(column), column[1], column[1:]) == (
        ["甲#0", "甲#1", "乙#0"], 3, "甲#1", ["甲#1", "乙#0"],
    )  # fmt: skip
