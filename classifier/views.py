"""What the rows of a report's tables are: the codes, or the categories of a scheme."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from classifier.codebook import Codebook
from classifier.labelled import Labelled
from classifier.report_texts import named
from classifier.shares import Shares, marks, shares


@dataclass(frozen=True)
class View:
    """Codes (``scheme`` None) or the categories of a scheme, with what people call them.

    ``categories`` maps each to its codes; ``titles`` stand in the same order, each once.
    """

    scheme: str | None
    title: str
    source: str
    categories: Mapping[str, tuple[str, ...]]
    titles: tuple[str, ...]


def views(codebook: Codebook, schemes: Sequence[str], lang: str) -> tuple[View, ...]:
    """Return the codes and then the schemes named; raises `CodebookError` for an unknown scheme."""
    titles = [named(code.name, lang, code.code) for code in codebook.codes]
    twice = {title for title, n in Counter(titles).items() if n > 1}
    distinct = (f"{t} ({c})" if t in twice else t for t, c in zip(titles, codebook.columns, strict=True))
    out = [View(None, "", "", {code: (code,) for code in codebook.columns}, tuple(distinct))]
    for name in schemes:
        scheme = codebook.scheme(name)
        title = named(scheme.name, lang, name)
        out.append(View(name, title, scheme.source, scheme.categories, tuple(scheme.categories)))
    return tuple(out)


class Counted:
    """Labelled segments made ready for counting: their documents as numbers, their marks per view."""

    def __init__(self, labelled: Labelled) -> None:
        self.labelled = labelled
        self.documents: NDArray[np.intp] = pd.factorize(labelled.frame["doc_id"])[0]
        self._marks: dict[str | None, sparse.csr_array] = {}

    @cached_property
    def doc_ids(self) -> frozenset[str]:
        """The ids of the documents."""
        return frozenset(self.labelled.frame["doc_id"])

    @property
    def n_documents(self) -> int:
        """How many documents there are."""
        return int(self.documents.max(initial=-1)) + 1

    def marks(self, view: View) -> sparse.csr_array:
        """Return which segment is in which category of a view, shape (n_segments, n_categories)."""
        if view.scheme not in self._marks:
            categories = None if view.scheme is None else view.categories
            self._marks[view.scheme] = marks(self.labelled.given, categories)
        return self._marks[view.scheme]

    def shares(self, view: View) -> Shares:
        """Return how often each category occurs in all segments; arrays have one row."""
        return self.shares_of(self.marks(view))

    def shares_of(self, marked: sparse.csr_array) -> Shares:
        """Return how often each column of marks occurs in all segments; arrays have one row."""
        return shares(marked, self.documents, np.zeros(len(self.documents), dtype=np.intp), 1)

    def shares_in(self, view: View, groups: NDArray[np.intp], n_groups: int) -> Shares:
        """Return how often each category occurs in groups of segments; arrays have a row a group."""
        return shares(self.marks(view), self.documents, groups, n_groups)
