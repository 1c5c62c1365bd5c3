"""From text to features: character n-grams weighted by TF-IDF, beside the lexicon's hits.

Where a lexicon names words of a setting, a hit in a segment that holds one is one more feature.

The only module that knows what a term is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

from classifier.errors import FupinError
from classifier.lexicon import NO_LEXICON, Lexicon
from classifier.normalise import Aligned, aligned, normalise_all
from classifier.predictor import refuse_single
from classifier.scoring import Features
from classifier.segments import without_speaker


def prepare(texts: Sequence[str]) -> list[str]:
    """Return segments as features see them: normalised, no speaker's tag, every number a 0.

    >>> prepare(["主持人：投入１.２亿元，惠及3,000户。"])
    ['投入0亿元,惠及0户。']
    """
    return normalise_all(list(map(without_speaker, texts)), numbers=False)


def spoken_aligned(text: str, *, numbers: bool = True) -> Aligned:
    """Return a segment as the lexicon sees it, each character with its place in the raw segment."""
    spoken = without_speaker(text)
    return aligned(spoken, offset=len(text) - len(spoken), numbers=numbers)


def prepare_aligned(text: str) -> Aligned:
    """Do as `prepare` does with one segment, remembering where in it each character comes from."""
    return spoken_aligned(text, numbers=False)


@dataclass(frozen=True)
class Counts:
    """Texts counted once, so that each fold can weigh its own share of them.

    ``ngrams`` holds a 1 where one of the sorted ``terms`` stands in a text, ``hits`` the
    lexicon's columns; both have one row a text.
    """

    terms: NDArray[np.object_]
    ngrams: csr_matrix
    hits: csr_matrix

    def rows(self, chosen: NDArray[Any]) -> Counts:
        """Return the counts of some of the texts."""
        return Counts(self.terms, self.ngrams[chosen], self.hits[chosen])

    def of_terms_in(self, n_texts: int) -> Counts:
        """Return the counts of the n-grams that stand in at least so many texts.

        >>> TextFeatures((2, 2)).count(["报销药费", "药费"]).of_terms_in(2).terms.tolist()
        ['药费']
        """
        kept = np.flatnonzero(self.ngrams.getnnz(axis=0) >= n_texts)
        return Counts(self.terms[kept], self.ngrams[:, kept], self.hits)


class TextFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Character n-grams weighted by TF-IDF, and one column a lexicon code, or two.

    An n-gram weighs its idf, however often the text has it, and the row has length 1: on
    real sentences counting did no better (docs/accuracy.md).

    Parameters
    ----------
    ngram_range : pair of int
        The shortest and the longest n-gram.
    min_df : int
        Segments in which an n-gram must stand to become a feature.
    lexicon : Lexicon or None
        Its hits become further columns.
    lexicon_weight : float
        The value of a lexicon column where the code is hit. TF-IDF rows have length 1.
    setting_weight : float
        The value of a code's second column where it is hit and the segment speaks of the
        lexicon's setting. Without a setting there are no second columns.

    >>> lexicon = Lexicon("demo", "1", {"药费": ("health",)}, {}, setting=("贫困",))
    >>> features = TextFeatures((2, 2), 1, lexicon, 0.25, 0.5).fit(["报销药费"])
    >>> features.get_feature_names_out().tolist()
    ['报销', '药费', '销药', 'lexicon:health', 'setting:health']
    >>> features.transform(["药费", "贫困户的药费", "贫困户"]).toarray()[:, 3:].tolist()
    [[0.25, 0.0], [0.25, 0.5], [0.0, 0.0]]
    """

    def __init__(
        self,
        ngram_range: tuple[int, int] = (1, 3),
        min_df: int = 3,
        lexicon: Lexicon | None = None,
        lexicon_weight: float = 0.075,
        setting_weight: float = 0.14,
    ) -> None:
        self.ngram_range = ngram_range
        self.min_df = min_df
        self.lexicon = lexicon
        self.lexicon_weight = lexicon_weight
        self.setting_weight = setting_weight

    def count(self, texts: Sequence[str]) -> Counts:
        """Count every n-gram and find every lexicon hit in ``texts``; see `Counts`."""
        counter = self._counter()
        try:
            ngrams = counter.fit_transform(prepare(refuse_single(texts)))
        except ValueError as error:
            raise FupinError(f"no features: {error}", "give more text, or a lower min_df") from None
        return Counts(counter.get_feature_names_out(), ngrams, self._lexicon_hits(texts))

    def fit(self, texts: Sequence[str], y: Any = None) -> TextFeatures:
        """Learn the terms and their inverse document frequencies from ``texts``."""
        return self.fit_counts(self.count(texts))

    def fit_counts(self, counts: Counts) -> TextFeatures:
        """Do as `fit` does, for texts already counted."""
        common = counts.of_terms_in(self.min_df)
        if not len(common.terms):
            raise FupinError(
                f"no features: no n-gram stands in {self.min_df} texts", "give more text, or a lower min_df"
            )
        weights = TfidfTransformer().fit(common.ngrams)
        self._set(list(common.terms), weights.idf_)
        return self

    def transform_counts(self, counts: Counts) -> csr_matrix:
        """Do as `transform` does, for texts already counted."""
        kept = np.searchsorted(counts.terms, np.array(self.terms_, dtype=object))
        return self._weighted(counts.ngrams[:, kept], counts.hits)

    @classmethod
    def from_terms(
        cls, terms: Sequence[str], idf: NDArray[np.float32], *, lexicon: Lexicon | None, **options: Any
    ) -> TextFeatures:
        """Return fitted features with the given terms, as a model folder keeps them.

        ``options`` are those that `options` returns.
        """
        features = cls(lexicon=lexicon, **options)
        features._set(terms, idf)
        return features

    def options(self) -> dict[str, Any]:
        """Return the parameters but for the lexicon."""
        return {name: value for name, value in self.get_params(deep=False).items() if name != "lexicon"}

    def _counter(self, terms: Sequence[str] | None = None) -> CountVectorizer:
        """Return what counts n-grams: these terms, or every one it meets."""
        return CountVectorizer(
            analyzer="char",
            lowercase=False,
            ngram_range=self.ngram_range,
            dtype=np.float32,
            binary=True,
            vocabulary=terms,
        )

    def _set(self, terms: Sequence[str], idf: NDArray[np.float32]) -> None:
        self.terms_ = list(terms)
        self.__dict__.pop("_column", None)  # that of other terms
        self.idf_ = np.asarray(idf, dtype=np.float32)
        self.counter_ = self._counter(self.terms_)
        self.weights_ = TfidfTransformer()
        self.weights_.idf_ = self.idf_

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is made again where it is needed."""
        return {k: v for k, v in super().__getstate__().items() if k != "_column"}

    @cached_property
    def _column(self) -> dict[str, int]:
        """The column of each term; built where it is asked for, not whenever a model is loaded."""
        return {term: i for i, term in enumerate(self.terms_)}

    def _weighted(self, ngrams: csr_matrix, hits: csr_matrix) -> csr_matrix:
        return csr_matrix(hstack([self.weights_.transform(ngrams), hits], format="csr", dtype=np.float32))

    @property
    def lexicon_codes_(self) -> list[str]:
        """The codes that have a lexicon column, in the order of the columns."""
        return list(self.lexicon.cue_codes) if self.lexicon else []

    @property
    def setting_codes_(self) -> list[str]:
        """The codes that have a second column, in the order of the columns: all with a first one, or none."""
        return self.lexicon_codes_ if self.lexicon and self.lexicon.setting else []

    def transform(self, texts: Sequence[str]) -> csr_matrix:
        """Return the features of ``texts``: float32 of shape (n_texts, n_features)."""
        if not len(refuse_single(texts)):
            return csr_matrix(np.zeros((0, len(self.get_feature_names_out())), dtype=np.float32))
        return self._weighted(self.counter_.transform(prepare(texts)), self._lexicon_hits(texts))

    def occurrences(self, text: str) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
        """Return where terms stand in a segment as `prepare` writes it: column, start, end of each."""
        (prepared,) = prepare([text])
        found = [
            (column, start, start + size)
            for size in range(self.ngram_range[0], self.ngram_range[1] + 1)
            for start in range(len(prepared) - size + 1)
            if (column := self._column.get(prepared[start : start + size])) is not None
        ]
        columns, starts, ends = np.array(found, dtype=np.intp).reshape(-1, 3).T
        return columns, starts, ends

    def for_scoring(self) -> Features:
        """Return what the compiled scorer needs to know."""
        return Features(
            *(self.terms_, self.idf_, self.ngram_range[1], self.lexicon or NO_LEXICON),
            *(self.lexicon_weight, self.setting_weight),
        )

    def _lexicon_hits(self, texts: Sequence[str]) -> csr_matrix:
        if self.lexicon is None:
            return csr_matrix(np.zeros((len(texts), 0), dtype=np.float32))
        chosen = [self.lexicon.codes.index(code) for code in self.lexicon_codes_]
        found, beside = self.lexicon.found_in(list(map(without_speaker, texts)))
        hit = found[:, chosen].astype(np.float32)
        values = [hit * np.float32(self.lexicon_weight)]
        if self.setting_codes_:
            values.append(hit * beside[:, None] * np.float32(self.setting_weight))
        return csr_matrix(np.hstack(values))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the terms, then the lexicon columns as ``lexicon:code``, then ``setting:code``."""
        by_code = {"lexicon": self.lexicon_codes_, "setting": self.setting_codes_}
        columns = [f"{kind}:{code}" for kind, codes in by_code.items() for code in codes]
        return np.array([*self.terms_, *columns], dtype=object)

    def values_of_hits(self, normalised: str) -> dict[str, tuple[tuple[int, float], ...]]:
        """Return by code which columns a hit of it gives a value in a segment, and the value.

        The segment is normalised, and has lost its speaker's tag.
        """
        first, codes = len(self.terms_), self.lexicon_codes_
        second = first + len(codes)
        beside = self.lexicon is not None and self.lexicon.speaks_of_setting(normalised)
        alone, more = self.lexicon_weight, self.setting_weight
        return {
            code: ((first + j, alone), (second + j, more)) if beside else ((first + j, alone),)
            for j, code in enumerate(codes)
        }
