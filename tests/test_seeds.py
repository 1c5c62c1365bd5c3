"""The starter corpus as data: its format, its segments, its breadth, and that it is nobody else's text."""

import gzip
import json
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from classifier import load_codebook
from classifier.corpus import read_articles
from classifier.segments import cut

ROOT = Path(__file__).resolve().parent.parent
HAN = re.compile("[\u4e00-\u9fff]")
WINDOW = 20  # Han characters in a row that no outside document may share …
SET_PHRASE = 5  # … unless so many of them have it
SHINGLE, ALIKE = 8, 0.5  # Jaccard similarity of shingles at which two segments are near-duplicates
MIN_COMPARED = 12  # Han characters; shorter formulas (同志们, 谢谢主持人) are bound to recur

pytestmark = pytest.mark.skipif(not (ROOT / "seeds").is_dir(), reason="no starter corpus beside the tests")


@pytest.fixture(scope="module")
def articles():
    return read_articles(ROOT / "seeds")


def han(text):
    return "".join(HAN.findall(text))


def test_every_line_is_one_segment(articles):
    torn = [s.place for a in articles for s in a.segments if len(cut(s.text)) != 1]
    assert torn == []


def test_every_code_is_in_the_codebook(articles):
    known = set(load_codebook().columns)
    assert {c for a in articles for s in a.segments for c in s.codes} == known


def test_headers_name_a_known_genre_and_a_year(articles):
    genres = set(
        re.findall(r"\| `([a-z][a-z-]+)`", (ROOT / "seeds" / "README.md").read_text(encoding="utf-8"))
    )
    assert genres, "seeds/README.md has no table of genres"
    for article in articles:
        assert article.about["genre"] in genres, article.doc_id
        assert re.fullmatch(r"20[12]\d", article.about["year"]), article.doc_id


def test_breadth(articles):
    segments = [s for a in articles for s in a.segments]
    assert len(segments) >= 5000
    assert len({a.about["genre"] for a in articles}) >= 8
    assert sum(not s.codes for s in segments) / len(segments) >= 1 / 3
    support = Counter(c for s in segments for c in s.codes)
    assert min(support.values()) >= 50
    assert sum(int(a.about["year"]) > 2020 for a in articles) >= 100


def test_no_living_leader_is_named(articles):
    named = [
        s.place
        for a in articles
        for s in a.segments
        if re.search("习近平|李克强|李强同志|胡锦涛|温家宝", s.text)
    ]
    assert named == []


def test_no_two_segments_are_near_duplicates(articles):
    shingles, places, index = [], [], defaultdict(set)
    alike = []
    for s in (s for a in articles for s in a.segments if len(han(s.text)) >= MIN_COMPARED):
        text = han(s.text)
        own = {text[i : i + SHINGLE] for i in range(len(text) - SHINGLE + 1)}
        for other, shared in Counter(j for piece in own for j in index[piece]).items():
            if shared / (len(own) + len(shingles[other]) - shared) >= ALIKE:
                alike.append((s.place, places[other]))
        for piece in own:
            index[piece].add(len(shingles))
        shingles.append(own)
        places.append(s.place)
    assert alike == []


def outside_windows(shared):
    texts = [path.read_text(encoding="utf-8") for path in sorted((shared / "seeds").glob("*.txt"))]
    with gzip.open(shared / "corpus" / "news_2012_2021.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts += [json.loads(line)["text"] for line in lines]
    seen = Counter()
    for text in map(han, texts):
        seen.update({text[i : i + WINDOW] for i in range(len(text) - WINDOW + 1)})
    return {window for window, n in seen.items() if n < SET_PHRASE}


def test_no_sentence_is_taken_from_outside(articles, shared):
    outside = outside_windows(shared)
    examples = [p.read_text(encoding="utf-8") for p in sorted((ROOT / "docs" / "examples").glob("*.txt"))]
    codebook = [e.text for c in load_codebook().codes for e in (*c.examples, *c.counter_examples)]
    texts = [(s.place, s.text) for a in articles for s in a.segments]
    texts += [(f"title of {a.doc_id}", a.about["title"]) for a in articles]
    texts += [("docs/examples", t) for t in examples] + [("codebook", t) for t in codebook]
    windows = (
        (place, t[i : i + WINDOW]) for place, text in texts for t in [han(text)] for i in range(len(t))
    )
    taken = sorted({place for place, window in windows if window in outside})
    assert taken == []
