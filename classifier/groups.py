"""Groups of segments by what stands in a column: a province, a source, a year."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

LARGEST = 30  # groups shown; smaller ones are put together


@dataclass(frozen=True)
class Groups:
    """The groups that a column divides segments into.

    ``names``: the largest group first, then what the smaller ones are called together, then what
    stands for cells that are empty; ``number`` (n,): each segment's group; ``shown``: how many
    groups have a name of their own; ``rest``: how many have not; ``others``: their name.
    """

    column: str
    names: tuple[str, ...]
    number: NDArray[np.intp]
    shown: int
    rest: int
    others: str


def groups(values: pd.Series[Any], others: str, missing: str) -> Groups:
    """Divide segments by the values of a column, as text.

    Parameters
    ----------
    values : Series
        Named like its column.
    others, missing : str
        What the groups that are put together, and empty cells, are called; ``{rest}`` in the
        first stands for the number of groups.

    >>> made = groups(pd.Series(["云岭", "云岭", "", "白河"], name="province"), "other {rest}", "not stated")
    >>> made.names, made.number.tolist()
    (('云岭', '白河', 'not stated'), [0, 0, 2, 1])
    """
    number, distinct = pd.factorize(values.astype(object).where(values.notna(), "").map(_as_text))
    names = [str(name) for name in distinct]
    size = np.bincount(number, minlength=len(names))
    order = sorted((i for i, name in enumerate(names) if name), key=lambda i: (-size[i], names[i]))
    shown, rest = order[:LARGEST], order[LARGEST:]
    taken = {names[i] for i in shown}
    together, empty = _free(others.format(rest=len(rest)), taken), _free(missing, taken)
    labels = [names[i] for i in shown]
    place = {i: at for at, i in enumerate(shown)}
    if rest:
        place |= dict.fromkeys(rest, len(labels))
        labels.append(together)
    if "" in names:
        place[names.index("")] = len(labels)
        labels.append(empty)
    of = np.array([place[i] for i in range(len(names))], dtype=np.intp)
    return Groups(str(values.name), tuple(labels), of[number], len(shown), len(rest), together)


def _as_text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():  # a whole number in a column where some are missing
        value = int(value)
    return " ".join(str(value).split())


def _free(label: str, taken: Collection[str]) -> str:
    """Return a label that no group has already."""
    while label in taken:
        label += "*"
    return label
