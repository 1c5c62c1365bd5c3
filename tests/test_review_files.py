"""A store as a file of lines and back: exact, from one database into another, and nothing by halves."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from review_stores import AT, BOOK, IN_USE, KINDS, YAML, event, items

from classifier.codebook import codebook_from_text
from classifier.codebook_changes import changes_from_text
from classifier.codebook_rewriting import rewrite_codebook
from classifier.codings import read_codings
from classifier.corpus import read_corpus, read_gold
from classifier.errors import InputError, OutputError
from classifier.hand_labels import read_hand_labels
from classifier.label_migration import migrate_store
from classifier.labelled import Labelled
from classifier.review_exports import exported
from classifier.review_files import Imported, export_store, exported_lines, import_store
from classifier.review_items import CONTEXT, GOLD, MIGRATED, SETTLED, SKIPPED, Item, codebook_id
from classifier.review_lines import read_lines, written
from classifier.review_store import open_store

ITEMS = items(6)
SECOND = codebook_from_text(YAML.replace('"1"', '"2"') + "  - {code: bridge, name: 架桥}\n", "v")
ODD = "引号\"\\'；换行\r\n空\x00字符\x1a0\u2028\u202e𠮷"


def filled(url):
    """Return a store, open, with something of each kind in it, two codebooks too."""
    store = open_store(url)
    gold = {"stratum": 2, "inclusion_probability": 1 / 3, "unit": "segment"}
    store.add(
        [
            replace(ITEMS[0], text=ODD, title=ODD),
            replace(ITEMS[1], purpose=GOLD, drawn=gold),
            replace(ITEMS[2], purpose=CONTEXT, rank=None, probabilities={}),
            *ITEMS[3:],
        ],
        BOOK,
        "标注.parquet",
        {"seed": 7, "策略": [1, None, 0.1]},
    )
    store.record(event(ITEMS[0], "甲", "road", "well", note=ODD))
    store.record(event(ITEMS[0], "乙"))
    store.record(event(ITEMS[1], "甲", kind=SKIPPED, after=None))
    store.record(event(ITEMS[0], "丙", "road", kind=SETTLED))
    store.record(event(ITEMS[3], "乙", "school"))
    store.record(replace(store.undo_of("乙"), at=AT))
    second = codebook_id(SECOND)
    store.set_codebook(
        SECOND,
        [
            event(
                ITEMS[0],
                "甲",
                "road",
                "well",
                "bridge",
                kind=MIGRATED,
                before=("road", "well"),
                codebook=second,
            )
        ],
    )
    store.record(event(ITEMS[4], "甲", "bridge", codebook=second))
    return store


@pytest.fixture
def export(tmp_path, new_url):
    """Return a file of lines."""
    out = tmp_path / "导出.jsonl"
    with filled(new_url("sqlite")) as store:
        export_store(store, out)
    return out


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("other", KINDS)
def test_a_store_put_into_an_empty_one_is_the_same_to_the_byte(new_url, tmp_path, kind, other):
    first, second = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    with filled(new_url(kind)) as store, open_store(new_url(other)) as copy:
        export_store(store, first)
        assert import_store(first, copy) == Imported(6, 6, 8, 8)
        export_store(copy, second)
        assert second.read_bytes() == first.read_bytes()
        assert copy.items() == store.items()
        assert copy.events() == store.events()
        assert (copy.current(), copy.settled()) == (store.current(), store.settled())
        assert copy.next_for("甲") == store.next_for("甲")
        assert import_store(first, copy) == Imported(6, 0, 8, 0)
        export_store(copy, second)
        assert second.read_bytes() == first.read_bytes()


def test_the_lines_say_all_that_there_is(export):
    lines = [json.loads(line) for line in export.read_text("utf-8").split("\n")[:-1]]
    assert [line["line"] for line in lines] == [
        *["version", "codebook", "codebook", "source"], *["item"] * 6, *["event"] * 8, "end",
    ]  # fmt: skip
    assert lines[1]["yaml"] == YAML
    assert lines[3]["options"] == {"seed": 7, "策略": [1, None, 0.1]}
    assert lines[4]["text"] == ODD
    assert lines[10]["codebook"] == IN_USE
    assert lines[-1] == {"line": "end", "codebooks": 2, "sources": 1, "items": 6, "events": 8}


@pytest.mark.parametrize("kind", KINDS)
def test_an_export_is_of_one_moment_though_others_go_on(new_url, kind):
    url = new_url(kind)
    with filled(url) as store, open_store(url) as other:
        seen = []
        for line in exported_lines(store):
            if '"line": "item"' in line and len(other.events()) == 8:
                other.record(event(ITEMS[5], "乙", "bridge", codebook=codebook_id(SECOND)))
            seen.append(line)
        assert len(store.events()) == 9
        assert (len(seen), json.loads(seen[-1])["events"]) == (1 + 2 + 1 + 6 + 8 + 1, 8)


def test_of_an_empty_store_there_is_an_export_too(new_url, tmp_path):
    out = tmp_path / "空.jsonl"
    with open_store(new_url("sqlite")) as store, open_store(new_url("sqlite")) as copy:
        export_store(store, out)
        assert import_store(out, copy) == Imported()
        assert copy.items() == []


def test_a_place_that_cannot_be_written_is_refused(new_url, tmp_path):
    with open_store(new_url("sqlite")) as store, pytest.raises(OutputError, match=r"没有/x\.jsonl"):
        export_store(store, tmp_path / "没有" / "x.jsonl")


@pytest.mark.parametrize("kind", KINDS)
def test_what_two_coders_did_in_copies_of_a_store_is_put_together(new_url, tmp_path, kind):
    start, theirs = tmp_path / "开始.jsonl", tmp_path / "乙.jsonl"
    with open_store(new_url(kind)) as ours, open_store(new_url("sqlite")) as copy:
        ours.add(ITEMS, BOOK, "x")
        ours.record(event(ITEMS[0], "甲", "road"))
        export_store(ours, start)
        import_store(start, copy)
        ours.record(event(ITEMS[1], "甲", "well"))
        copy.record(event(ITEMS[0], "乙", "clinic"))
        copy.add(items(8)[6:], BOOK, "y")
        copy.record(event(items(8)[7], "乙", "well"))
        export_store(copy, theirs)
        assert import_store(theirs, ours) == Imported(8, 2, 3, 2)
        assert ours.current() == {
            **{(ITEMS[0].segment_id, "甲"): ("road",), (ITEMS[1].segment_id, "甲"): ("well",)},
            **{(ITEMS[0].segment_id, "乙"): ("clinic",), (items(8)[7].segment_id, "乙"): ("well",)},
        }
        assert ours.disputed() == [ITEMS[0].segment_id]


def test_what_one_coder_decided_differently_in_two_stores_is_not_put_together(new_url, tmp_path):
    out = tmp_path / "x.jsonl"
    with open_store(new_url("sqlite")) as ours, open_store(new_url("sqlite")) as theirs:
        for store, code in ((ours, "road"), (theirs, "well")):
            store.add(ITEMS, BOOK, "x")
            store.record(event(ITEMS[0], "甲", code))
        export_store(theirs, out)
        with pytest.raises(
            InputError, match=r"x\.jsonl: line 10: segment .*: coder '甲' has codes 'road' now"
        ):
            import_store(out, ours)
        assert len(ours.events()) == 1


def test_a_store_that_has_gone_on_to_another_codebook_takes_the_past_of_its_copy(new_url, tmp_path):
    out = tmp_path / "x.jsonl"
    with open_store(new_url("sqlite")) as ours, open_store(new_url("sqlite")) as theirs:
        for store in (ours, theirs):
            store.add(ITEMS, BOOK, "x")
        theirs.record(event(ITEMS[0], "甲", "road"))
        export_store(theirs, out)
        ours.set_codebook(SECOND)
        assert import_store(out, ours).new_events == 1
        assert ours.events()[0].codebook == IN_USE
        assert ours.codebook == SECOND


def test_what_was_exported_before_codes_were_renamed_adds_nothing_and_harms_nothing(new_url, tmp_path):
    out = tmp_path / "x.jsonl"
    changes = changes_from_text('version: "2"\nrename: {road: way}\nretire: [well]', "c", BOOK)
    with open_store(new_url("sqlite")) as ours:
        ours.add(ITEMS, BOOK, "x")
        ours.record(event(ITEMS[0], "甲", "road", "well"))
        export_store(ours, out)
        migrate_store(ours, changes, rewrite_codebook(changes)[0], AT)
        before = ours.items(), ours.events(), ours.settled()
        assert import_store(out, ours) == Imported(items=6, new_items=0, events=1, new_events=0)
        assert (ours.items(), ours.events(), ours.settled()) == before


def test_stores_of_codebooks_that_do_not_go_on_from_one_another_are_not_put_together(new_url, export):
    with open_store(new_url("sqlite")) as ours:
        ours.add([ITEMS[5]], codebook_from_text(YAML.replace('"1"', '"9"'), "v"), "x")
        with pytest.raises(
            InputError, match=r"line 2: codebook 'village 2 .* does not go on from .*'village 9"
        ):
            import_store(export, ours)
        assert len(ours.items()) == 1


def test_a_code_that_a_later_codebook_has_no_more_is_not_brought_back(new_url, tmp_path):
    out = tmp_path / "x.jsonl"
    without = codebook_from_text(YAML.replace('"1"', '"3"').replace("code: road, ", "code: way, "), "v")
    plain = [replace(i, codes=()) for i in ITEMS]
    with open_store(new_url("sqlite")) as ours, open_store(new_url("sqlite")) as theirs:
        for store in (ours, theirs):
            store.add(plain, BOOK, "x")
        theirs.record(event(ITEMS[0], "甲", "road"))
        export_store(theirs, out)
        ours.set_codebook(without)
        with pytest.raises(InputError, match="code 'road', given by a coder, is not in codebook"):
            import_store(out, ours)
        assert ours.events() == []


# --- hostile lines ---


def changed(number, **values):
    """Return what changes a line: ``changed(5, text=7)``; a value ``...`` takes the key out."""

    def change(lines):
        line = json.loads(lines[number - 1])
        line |= values
        line = {k: v for k, v in line.items() if v is not ...}
        lines[number - 1] = json.dumps(line, ensure_ascii=False)
        return lines

    return change


def raw(number, line):
    return lambda lines: [*lines[: number - 1], line, *lines[number:]]


def dropped(first, last=None):
    return lambda lines: [*lines[: first - 1], *lines[last or first :]]


HOSTILE = {
    "nothing": (lambda _: [], "cut short"),
    "cut short": (dropped(14, 99), "cut short; the last line, 'end', is missing"),
    "an event less": (dropped(18), r"line 18: 8 events were written, 7 are there"),
    "a line doubled": (lambda x: [*x[:5], x[4], *x[5:]], "line 20: 6 items were written, 7 are there"),
    "something behind the end": (lambda x: [*x, x[-1]], "line 20: something behind the last line"),
    "no first line": (dropped(1), "line 1: 'codebook' after 'nothing'"),
    "a newer form": (changed(1, form=2), "line 1: form 2; this fupin reads form 1"),
    "events before items": (lambda x: [*x[:4], *x[10:18], *x[4:10], x[18]], "line 13: 'item' after 'event'"),
    "no JSON": (raw(5, "{"), "line 5 is no JSON"),
    "no object": (raw(5, "[1]"), "line 5: 'line' is None"),
    "no UTF-8": (raw(5, b"\xff".decode("latin1")), "line 5 is no JSON"),
    "nested without end": (raw(5, "[" * 100_000), "line 5 is no JSON"),
    "not a number": (raw(5, '{"line": "item", "rank": NaN}'), "line 5 is no JSON .NaN is no number"),
    "a kind that there is not": (changed(5, line="user"), "line 5: 'line' is 'user'"),
    "a list for a kind": (changed(5, line=["item"]), r"line 5: 'line' is \['item'\]"),
    "a column less": (changed(5, text=...), "line 5: item lacks 'text'"),
    "a column more": (changed(5, **{"number); DROP": 1}), r"line 5: item has 'number\); DROP'"),
    "a number for a text": (changed(5, text=7), "line 5: 'text' is 7"),
    "yes for a number": (changed(5, rank=True), "line 5: 'rank' is True"),
    "a text for codes": (changed(5, codes="road"), "line 5: 'codes' is 'road'"),
    "numbers for codes": (changed(5, codes=[1]), r"line 5: 'codes' is \[1\]"),
    "an unknown code of the model": (changed(6, codes=["x"]), "line 6: segment '.*#1': unknown code 'x'"),
    "a probability of 7": (changed(5, probabilities={"road": 7}), "line 5: .* probability of 'road' is 7"),
    "a purpose that there is not": (changed(7, purpose="x"), "line 7: segment '.*': purpose 'x'"),
    "one name with two texts": (changed(9, segment_id=ITEMS[3].segment_id), "line 9: .* has another text"),
    "a codebook of another name": (
        changed(2, name="village 1 sha256:0"),
        "line 2: 'name' is 'village 1 sha256:0'",
    ),
    "a codebook that is none": (changed(2, yaml="name: x"), "line 2: codebook:1: 'version' is missing"),
    "a codebook with a bomb": (changed(2, yaml="a: " + "[" * 5000), "line 2: codebook"),
    "no codebook": (dropped(2, 3), "line 3: no codebook stands before it"),
    "an event of an unknown codebook": (changed(11, codebook="x"), "line 11: .*coded by codebook 'x'"),
    "an event of nobody": (changed(11, coder=""), "line 11: event '.*': 'coder' is ''"),
    "an unknown code": (changed(11, after=["x"]), "line 11: event '.*': unknown code 'x'"),
    "an event of no segment": (changed(11, segment_id="x"), "line 11: segment 'x' is not in this store"),
    "a time that is none": (changed(11, at="gestern"), "line 11: event '.*': 'at' is 'gestern'"),
    "a decision out of nowhere": (
        changed(11, before=["road"]),
        "line 11: .* has no codes now, not codes 'road'",
    ),
    "two events of one name": (
        lambda x: changed(12, event_id=json.loads(x[10])["event_id"])(x),
        "line 12: event '.*' was recorded with other content",
    ),
    "half a surrogate pair": (
        raw(11, '{"line": "event", "note": "\\ud800"}'),
        "line 11 holds half a surrogate pair",
    ),
    "half a pair in a note": (
        lambda x: raw(11, x[10].replace('"note": "', '"note": "\\ud800'))(x),
        "line 11 holds half a surrogate pair",
    ),
    "half a pair in the options": (
        raw(4, '{"line": "source", "name": "x", "codebook": "x", "options": {"a": "\\ud800"}}'),
        "line 4 holds half a surrogate pair",
    ),
    "half a pair in the name of a source": (
        raw(4, '{"line": "source", "name": "\\ud800", "codebook": "x", "options": {}}'),
        "line 4 holds half a surrogate pair",
    ),
}


@pytest.mark.parametrize(("change", "message"), HOSTILE.values(), ids=HOSTILE)
def test_a_line_that_does_not_fit_is_refused_with_its_place_and_nothing_is_taken(
    new_url, export, tmp_path, change, message
):
    bad = tmp_path / "坏.jsonl"
    lines = change(export.read_text("utf-8").rstrip("\n").split("\n"))
    bad.write_bytes(b"".join(_encoded(line) for line in lines))
    with open_store(new_url("sqlite")) as store:
        with pytest.raises(InputError, match=message) as caught:
            import_store(bad, store)
        assert str(caught.value).startswith(("坏.jsonl", str(bad)))
        assert "\n" not in str(caught.value) + caught.value.hint
        assert list(exported_lines(store))[1:-1] == []


def _encoded(line):
    return b"\xff\n" if line == "ÿ" else line.encode() + b"\n"


def test_a_missing_file_is_said_to_be_missing(new_url, tmp_path):
    with open_store(new_url("sqlite")) as store, pytest.raises(InputError, match="No such file"):
        import_store(tmp_path / "x.jsonl", store)


# --- the tables that other commands read ---


def test_what_was_decided_is_read_by_the_other_commands(new_url, tmp_path):
    drawn = {"stratum": 1, "inclusion_probability": 0.5, "unit": "segment"}
    here = [replace(i, purpose=GOLD, drawn=drawn) if i.place % 2 else i for i in ITEMS]
    with open_store(new_url("sqlite")) as store:
        store.add(here, BOOK, "x")
        for item in here[:4]:
            store.record(event(item, "甲", "road", "well"))
        store.record(event(here[0], "乙"))
        store.record(event(here[1], "乙", "road", "well"))
        for what in ("codings", "settled", "gold"):
            (tmp_path / f"{what}.csv").write_bytes(exported(store, what)[1])
    corpus = read_corpus([tmp_path / "settled.csv"], BOOK)
    assert [(s.doc_id, s.text, s.codes) for s in corpus.segments] == [
        (i.doc_id, i.text, ("road", "well")) for i in here[1:4]
    ]
    assert read_gold(tmp_path / "settled.csv", BOOK).support == corpus.support
    codings = read_codings([tmp_path / "codings.csv"], BOOK, "coder")
    assert set(codings.coders) == {"甲", "乙"}
    assert (codings.coded.sum(), codings.labels.sum()) == (6, 4 * 2 + 2)
    given = pd.DataFrame({c: [c in i.codes for i in here] for c in BOOK.columns})
    frame = pd.DataFrame([{"doc_id": i.doc_id, "segment_id": i.segment_id, "text": i.text} for i in here])
    hand = read_hand_labels(tmp_path / "gold.csv", Labelled("x", BOOK, frame, given, given.astype(float)))
    assert (hand.rows, hand.coded) == (3, 2)
    assert hand.corpus.gold.to_numpy().sum() == 4


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(
    texts=st.lists(TEXTS, min_size=3, max_size=3),
    numbers=st.lists(st.integers(0, 2**31 - 1), min_size=3, max_size=3),
    probability=st.floats(0, 1),
    drawn=st.dictionaries(TEXTS, st.none() | st.booleans() | st.integers() | TEXTS, max_size=3),
)
def test_any_item_comes_back_from_its_line(tmp_path_factory, texts, numbers, probability, drawn):
    item = Item("一", "二", *numbers, *texts, codes=("a",), probabilities={"a": probability}, drawn=drawn)
    path = tmp_path_factory.getbasetemp() / f"item-{os.getpid()}.jsonl"
    ends = {"codebooks": 0, "sources": 0, "items": 1, "events": 0}
    path.write_bytes(
        (written("version", {"form": 1}) + written("item", item) + written("end", ends)).encode()
    )
    assert list(read_lines(path))[1].item() == item


# --- the commands ---


@pytest.mark.parametrize("kind", KINDS)
def test_the_commands_write_a_store_and_read_it_back_exactly(fupin_here, new_url, tmp_path, kind):
    first, second, copy = (tmp_path / name for name in ("一.jsonl", "二.jsonl", "副本.db"))
    with filled(new_url(kind)) as store:
        wrote = fupin_here("export", "review", store.url, "-o", first)
        assert (wrote.code, wrote.err.strip()) == (0, f"{store.shown_url} → {first}")
    read = fupin_here("import", "review", first, "--store", copy)
    told = f"6 segments, 6 of them new; 8 decisions, 8 of them new → {copy}"
    assert (read.code, read.err.strip()) == (0, told)
    assert fupin_here("export", "review", copy, "-o", second).code == 0
    assert second.read_bytes() == first.read_bytes()
    again = fupin_here("import", "review", first, "--store", copy)
    assert "0 of them new; " in again.err
    assert again.err.count(" 0 of them new") == 2


@pytest.mark.parametrize("content", [None, b"", b"id,text\n1,x\n", b'{"line": "version", "form": 1}\n'])
def test_no_store_is_made_for_what_cannot_be_read(fupin_here, tmp_path, content):
    given = tmp_path / "村.jsonl"
    if content is not None:
        given.write_bytes(content)
    read = fupin_here("import", "review", given, "--store", tmp_path / "新.db")
    assert (read.code, len(read.problem)) == (1, 2)
    assert not list(tmp_path.glob("新.db*"))


def test_a_store_that_is_not_there_is_not_made_by_an_export(fupin_here, tmp_path):
    wrote = fupin_here("export", "review", tmp_path / "无.db", "-o", tmp_path / "村.jsonl")
    assert "无.db: no such review store" in wrote.problem[0]
    assert list(tmp_path.iterdir()) == []
    onto = fupin_here("export", "review", tmp_path / "无.db", "-o", tmp_path / "村.db")
    assert "unknown format '.db'" in onto.problem[0]
