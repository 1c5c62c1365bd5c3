"""Groups of segments by a column: largest first, small ones together, empty cells named."""

from __future__ import annotations

import numpy as np
import pandas as pd

from classifier.groups import LARGEST, groups


def grouped(*values):
    return groups(pd.Series(list(values), name="province", dtype=object), "others ({rest})", "none")


def names_of(made):
    return [made.names[i] for i in made.number]


def test_groups_stand_in_the_order_of_their_size_and_of_their_names_where_that_is_equal():
    made = grouped("云岭", "白河", "白河", "东山", "甲省")
    assert made.names == ("白河", "东山", "云岭", "甲省")
    assert names_of(made) == ["云岭", "白河", "白河", "东山", "甲省"]


def test_empty_cells_are_a_group_of_their_own_that_stands_last():
    made = grouped("云岭", "", None, float("nan"), "  ", "白河", "白河", "白河", "白河", "白河")
    assert made.names == ("白河", "云岭", "none")
    assert names_of(made)[1:5] == ["none"] * 4


def test_beyond_thirty_groups_the_smallest_are_put_together():
    values = [f"县{i:02d}" for i in range(LARGEST + 3) for _ in range(100 - i)]
    made = grouped(*values)
    assert (made.shown, made.rest, made.others) == (30, 3, "others (3)")
    assert made.names == (*(f"县{i:02d}" for i in range(30)), "others (3)")
    assert np.bincount(made.number)[-1] == 70 + 69 + 68


def test_exactly_thirty_groups_are_all_shown():
    made = grouped(*(f"县{i}" for i in range(30)))
    assert (len(made.names), made.rest) == (30, 0)


def test_a_group_that_is_called_as_empty_cells_are_stays_apart_from_them():
    made = grouped("none", "none", "")
    assert made.names == ("none", "none*")
    assert made.number.tolist() == [0, 0, 1]


def test_whole_numbers_have_no_point_and_other_values_are_shown_as_text():
    assert grouped(2019.0, 2019, "2019", [1, 2]).names == ("2019", "[1, 2]")


def test_no_segments_make_no_groups():
    assert grouped().names == ()
