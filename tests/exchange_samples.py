"""Segments for the tests of exchange with other tools: concrete ones, and strategies for any."""

from __future__ import annotations

from hypothesis import strategies as st

from classifier.codebook import Codebook, codebook_from_text
from classifier.exchanged import Coding, Exchanged

CODES = """\
codes:
  - {code: clinic, name: {zh: 看病}, definition: 看病就医的"措施" & <别的>}
  - {code: school, name: {zh: 上学}}
  - {code: road, name: {zh: 修路}}
"""
BOOK = codebook_from_text(f"name: village\nversion: '1'\n{CODES}\n", "village.yaml")
EXCLUSIVE = codebook_from_text(f"name: village\nversion: '1'\nexclusive: true\n{CODES}\n", "village.yaml")

# One of each kind: coded with and without codes, skipped, seen by one coder only, seen by nobody.
DRAWN = {"stratum": "1", "inclusion_probability": "0.07874015748031496", "unit": "segment"}
SEGMENTS = (
    Exchanged(
        "柳树坪#0",
        "柳树坪",
        "医生每月<b>上门</b> & 送药。",
        codings={"zhang@x.org": Coding(("clinic",), "确定"), "li@x.org": Coding(("clinic", "road"))},
        others=DRAWN,
    ),
    Exchanged(
        "柳树坪#1",
        "柳树坪",
        "=大家都说好。",
        codings={"zhang@x.org": Coding(()), "li@x.org": Coding(None, "看不懂")},
        others=DRAWN,
    ),
    Exchanged("石磨沟#0", "石磨沟", "修路。", codings={"li@x.org": Coding(("road",))}, others=DRAWN),
    Exchanged("石磨沟#1", "石磨沟", "小学开学了。", others=DRAWN),
)

# Any text that a file can hold: no halves of surrogate pairs. Names have no space around them.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
plain = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Co", "Cn", "Zl", "Zp"]), max_size=20)
names = plain.map(str.strip).filter(bool)
columns = st.one_of(
    names, st.sampled_from(["id", "in_id", "codes", "data", "label", "in_in_text", "cls", "pos"])
)
values = st.one_of(texts, st.integers(-9, 9), st.floats(0, 1), st.booleans(), st.none())


def codings(book: Codebook, note: st.SearchStrategy[str] = texts) -> st.SearchStrategy[Coding]:
    """Return any coding: with codes in the codebook's order, with none where that is allowed, skipped."""
    sets = (
        st.sets(st.sampled_from(book.columns), min_size=1)
        if book.exclusive
        else st.sets(st.sampled_from(book.columns))
    )
    chosen = sets.map(lambda some: sorted(some, key=book.columns.index)[: 1 if book.exclusive else None])
    return st.builds(Coding, st.one_of(st.none(), chosen.map(tuple)), note)


@st.composite
def segment_lists(
    draw: st.DrawFn,
    book: Codebook = BOOK,
    *,
    text: st.SearchStrategy[str] = texts,
    coder: st.SearchStrategy[str] = names,
    value: st.SearchStrategy[object] = values,
    note: st.SearchStrategy[str] = texts,
    probabilities: bool = True,
) -> list[Exchanged]:
    """Return segments with different ids, whose other columns are the same, coded by up to three coders."""
    ids = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    coders = draw(st.lists(coder, max_size=3, unique=True))
    others = draw(st.lists(columns, max_size=3, unique=True))
    others = [name for name in others if name not in ("segment_id", "doc_id", "text")]
    modelled = draw(st.booleans())
    known = st.dictionaries(st.sampled_from(book.columns), st.floats(0, 1), min_size=1)
    return [
        Exchanged(
            segment_id,
            draw(names),
            draw(text),
            proposed=draw(codings(book).map(lambda c: c.codes or ())) if modelled else None,
            probabilities=draw(known) if modelled and probabilities else {},
            codings={c: draw(codings(book, note)) for c in coders if draw(st.booleans())},
            others={name: draw(value) for name in others},
        )
        for segment_id in ids
    ]
