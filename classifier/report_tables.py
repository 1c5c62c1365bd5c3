"""What a report consists of: tables, sentences, and the report itself; every format writes these."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["key", "text", "id", "count", "share", "low", "high", "number", "difference", "flag"]
Topic = Literal[
    "summary", "shares", "trend", "groups", "together", "against", "corrected", "drift", "quality"
]
Cell = str | int | float | bool | None
Row = tuple[Cell, ...]


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Parameters
    ----------
    name : str
        For machines; the same in every language.
    title : str
        For people, in the report's language.
    kind : str
        What its cells are: ``key`` is a str by which programs know a row, and of no use to people;
        ``text`` and ``id`` are str (an id is never a number to a reader, even
        if it looks like one); ``count`` is int; ``share`` is a float in [0, 1], shown as per cent;
        ``low`` and ``high`` are the ends of the 95 % interval of the share, difference or number
        nearest to their left, and shown alike; ``difference`` is that of two shares, in [-1, 1],
        shown as percentage points with its sign; ``number`` is any other float; ``flag`` is a bool. Any cell
        can be None: there is no such figure.
    """

    name: str
    title: str
    kind: Kind


@dataclass(frozen=True)
class Picture:
    """What the picture of a table draws, all by names of its columns.

    Parameters
    ----------
    kind : str
        ``bars``: one bar a row, as long as ``value``, with its interval; ``lines``: one line a
        ``label``, ``value`` over ``across``, with its interval; ``heat``: one field a row, in the
        row of ``label`` and the column of ``across``, as dark as ``value``.
    label, value : str
    across : str
        The other axis of lines and heat; empty for bars.
    low, high : str
        The ends of the interval; empty where there is none.
    """

    kind: Literal["bars", "lines", "heat"]
    label: str
    value: str
    across: str = ""
    low: str = ""
    high: str = ""


@dataclass(frozen=True)
class Table:
    """One table, in long form: a row for each category, or category and period, or pair of codes.

    Parameters
    ----------
    name : str
        For machines, unique in a report, such as ``trend.three-guarantees``; ASCII but for what
        the codebook's own scheme names bring.
    title, note : str
        For people; the note may be empty.
    columns : tuple of Column
    rows : tuple of tuple
        Cells as their column's `kind` says. Rows of one ``across`` and one ``label`` value occur
        once; both axes run in the order in which their values first occur.
    topic : str
        Which part of the report it belongs to.
    scheme : str or None
        The scheme whose categories its rows are; None for codes, and where neither is the case.
    picture : Picture or None
    """

    name: str
    title: str
    note: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    topic: Topic
    scheme: str | None = None
    picture: Picture | None = None

    def __post_init__(self) -> None:
        """Refuse rows that do not fit the columns."""
        wrong = next((row for row in self.rows if len(row) != len(self.columns)), None)
        if wrong is not None:
            raise ValueError(f"table {self.name}: {len(wrong)} cells in {len(self.columns)} columns: {wrong}")

    @property
    def for_people(self) -> Table:
        """The table without its columns of kind ``key``."""
        kept = [i for i, found in enumerate(self.columns) if found.kind != "key"]
        rows = tuple(tuple(row[i] for i in kept) for row in self.rows)
        return replace(self, columns=tuple(self.columns[i] for i in kept), rows=rows)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kind of each column, where ``low`` and ``high`` give way to that whose interval they bound."""
        kinds: list[Kind] = []
        bounded: Kind = "number"
        for found in self.columns:
            if found.kind in ("share", "difference", "number"):
                bounded = found.kind
            kinds.append(bounded if found.kind in ("low", "high") else found.kind)
        return tuple(kinds)

    def values(self, column: str) -> tuple[Cell, ...]:
        """Return the cells of one column; raises KeyError for a name that it does not have."""
        for i, found in enumerate(self.columns):
            if found.name == column:
                return tuple(row[i] for row in self.rows)
        raise KeyError(column)


@dataclass(frozen=True)
class Neighbour:
    """A segment that stands before or after a sentence in its document."""

    text: str
    segment_id: str
    codes: tuple[str, ...]


@dataclass(frozen=True)
class Sentence:
    """A labelled sentence with its place, and what decided.

    Parameters
    ----------
    text, doc_id, segment_id : str
    title : str
        The document's title; empty where none is known.
    codes : tuple of str
        All the codes that it was given.
    probability : float or None
        Of the code under which it is shown; None where unknown.
    highlights : tuple of (int, int, float)
        What speaks for that code: start, end (code points of ``text``) and weight, in the order
        of the text, without overlaps. Empty where there is no model that could say.
    before, after : tuple of Neighbour
        The segments around it in its document, in the order of the text, two at most on a side.
    key : str
        ``s`` and the segment's row in the file, from 0: the same for the same segment wherever it
        is shown, for links.
    url : str
        The address of its document on the web; empty where none is known.
    """

    text: str
    doc_id: str
    segment_id: str
    title: str
    codes: tuple[str, ...]
    probability: float | None
    highlights: tuple[tuple[int, int, float], ...]
    before: tuple[Neighbour, ...]
    after: tuple[Neighbour, ...]
    key: str
    url: str = ""


@dataclass(frozen=True)
class CodeSentences:
    """A code, what it means, and the sentences that show it.

    ``strongest`` are given the code, the most probable first; ``doubtful`` are those nearest to
    its threshold on either side, the nearest first. Each text stands once in either.
    """

    code: str
    title: str
    definition: str
    threshold: float | None
    strongest: tuple[Sentence, ...]
    doubtful: tuple[Sentence, ...]


@dataclass(frozen=True)
class SchemeView:
    """A scheme shown in the report: its names, where it comes from, and category → codes."""

    name: str
    title: str
    source: str
    categories: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Report:
    """Everything a reader is shown, in one language.

    Parameters
    ----------
    source, against : str
        File names of the corpus and, where there is one, of the corpus it is compared with.
    lang : {"zh", "en"}
    heading, about : str
        The title of the whole, and what every reader must know first.
    codebook : str
        Name and version.
    parts : mapping of str to str
        The heading of each part of the report by its topic, in the order in which people read them.
    schemes : tuple of SchemeView
        In the order asked for.
    tables : tuple of Table
        In the order in which people read them; their topic divides them.
    codes : tuple of CodeSentences
        Every code, in the codebook's order.
    warnings : tuple of str
        What a reader must be told before the figures, in the report's language.
    """

    source: str
    against: str
    lang: str
    heading: str
    about: str
    codebook: str
    parts: Mapping[str, str]
    schemes: tuple[SchemeView, ...]
    tables: tuple[Table, ...]
    codes: tuple[CodeSentences, ...]
    warnings: tuple[str, ...] = ()

    def table(self, name: str) -> Table:
        """Return the table of a name; raises KeyError where there is none."""
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(name)

    def of(self, topic: Topic, scheme: str | None = None) -> Iterator[Table]:
        """Yield the tables of one part of the report that belong to a scheme, or to none."""
        return (table for table in self.tables if table.topic == topic and table.scheme == scheme)
