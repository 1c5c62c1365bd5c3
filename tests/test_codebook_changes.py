"""Codebook changes: labels follow, what is open is asked, and store, table and YAML agree."""

from __future__ import annotations

import csv

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from classifier import shipped
from classifier.codebook import check_codebook, codebook_from_text, load_codebook
from classifier.codebook_changes import changes_from_text
from classifier.codebook_rewriting import rewrite_codebook, rewrite_lexicon
from classifier.errors import CorpusError, InputError, ModelError, OutputError
from classifier.label_migration import WHY, migrate_rows, migrate_store, read_table, table_bytes, write_new
from classifier.lexicon import check_lexicon, lexicon_from_text
from classifier.renamed_model import rename_model
from classifier.review_exports import coded_segments
from classifier.review_items import CODED, CONTEXT, GOLD, MIGRATED, QUEUE, SETTLED, Event, Item, codebook_id
from classifier.review_pages import item_view
from classifier.review_store import open_store
from classifier.store import load_model, save_model
from classifier.yaml_edits import rewrite

AT = "2026-02-01T08:00:00.000Z"
BOOK = """\
# 手册
name: village
version: "1"   # 第一版
codes:
  - code: clinic   # 看病
    name: {zh: 看病}
    definition: 看病就医
    excludes:
      - {what: 建路, use: road}
      - {what: 养老, use: school}
    examples:
      - {text: 医生来了, codes: [clinic]}
      - text: 医生和老师都来了
        codes: [clinic, school]
    counter_examples:
      - {text: 老师来了, codes: [school], why: 不是看病}
  # 第二个
  - code: school
    name: {zh: 上学}
    examples:
      - text: 老师来了
        codes:
          - school   # 只有这一个
  - {code: road, name: 修路}
  - {code: well, name: 打井}
schemes:
  - scheme: two
    source: 测试用
    shared: []
    categories:
      - {category: 人, codes: [clinic, school]}
      - {category: 路, codes: [road]}
      - {category: 水, codes: [well]}
sub_measures:
  - code: well
    items:
      - {item: 机井, cues: [机井]}
"""
LEXICON = """\
name: village
version: "1"
shared:
  校医: [clinic, school]
codes:
  clinic:
    cues:
      - 医生   # 看病的人
      - 药费
    not_cues: [医生的儿子, 医生的小学]
  school:
    cues: [小学, 助学金]
    not_cues: [小学问]
  road: {cues: [公路]}
"""
NEW = "codes: [{code: n, name: 新}, {code: m, name: 又}]"
ONE = "codes: [{code: n, name: 新}]"
OLD = codebook_from_text(BOOK, "village.yaml")
CODES = OLD.columns


def changed(text, book=OLD):
    return changes_from_text(text, "c.yaml", book)


def names(text):
    return set(codebook_from_text(text, "n.yaml").columns)


# --- what becomes of codes ---

EVERY = changed(
    f'version: "2"\nrename: {{clinic: health}}\nmerge: {{n: [school, road]}}\nretire: [well]\n{ONE}'
)
SPLIT = changed(f'version: "2"\nsplit: {{road: [n, m]}}\n{NEW}')
label_sets = st.lists(st.sampled_from(CODES), unique=True)


@pytest.mark.parametrize(
    ("changes", "before", "after", "why"),
    [
        pytest.param(EVERY, ("clinic",), ("health",), "", id="renamed"),
        pytest.param(EVERY, ("school", "road"), ("n",), "", id="two that are merged give one"),
        pytest.param(EVERY, ("clinic", "well"), ("health",), "", id="retired beside another"),
        pytest.param(EVERY, ("well",), (), "no code is left 原有编码均已停用", id="retired alone"),
        pytest.param(EVERY, (), (), "", id="no code before"),
        pytest.param(SPLIT, ("clinic", "road"), ("clinic",), "road: n / m?", id="split"),
    ],
)
def test_labels_follow(changes, before, after, why):
    found = changes.follow(before)
    assert (found.codes, found.why, found.look) == (after, why, bool(why))


@given(label_sets)
def test_no_label_is_lost_but_those_retired(codes):
    found = EVERY.follow(codes)
    assert {n for c in codes for n in EVERY.becomes[c]} == set(found.codes)
    kept = [c for c in codes if c != "well"]
    assert bool(found.codes) == bool(kept)
    open_ones = SPLIT.follow(codes)
    assert {*open_ones.codes, *open_ones.choices} == set(codes)


@given(st.lists(label_sets, min_size=1, max_size=8))
def test_a_merged_code_stands_where_any_of_its_parts_stood(labels):
    for codes in labels:
        assert ("n" in EVERY.follow(codes).codes) == bool({"school", "road"} & set(codes))


@given(st.lists(label_sets, min_size=1, max_size=8), st.permutations(CODES))
def test_a_scheme_shows_the_same_whatever_codes_are_called(labels, others):
    fresh = dict(zip(CODES, (f"{c}_x" for c in others), strict=True))
    text = "version: '2'\nrename: {" + ", ".join(f"{a}: {b}" for a, b in fresh.items()) + "}"
    changes = changed(text)
    book, _ = rewrite_codebook(changes)

    def view(of, chosen):
        frame = pd.DataFrame([[c in codes for c in of.columns] for codes in chosen], columns=of.columns)
        return of.roll_up(frame, "two")

    followed = [changes.follow(codes).codes for codes in labels]
    assert view(OLD, labels).equals(view(book, followed))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("rename: {clinic: x}", r"c.yaml:1: .*'version'", id="no version"),
        pytest.param("version: 2\n", "c.yaml:1: nothing is changed", id="nothing"),
        pytest.param("version: 2\nrenames: {a: b}", "c.yaml:2: 'renames' is no part", id="another key"),
        pytest.param("version: 2\nrename: [clinic]", "c.yaml:2: 'rename' is not a mapping", id="a list"),
        pytest.param("version: 2\nmerge: {n: clinic}", "c.yaml:2: 'n' is not a list", id="no list"),
        pytest.param("version: 2\nrename: {clinick: x}", "c.yaml:2: unknown code 'clinick'", id="unknown"),
        pytest.param("version: 2\nretire: [road, x]", "c.yaml:2: unknown code 'x'", id="unknown to retire"),
        pytest.param(
            "version: 2\nrename: {road: x}\nretire: [road]",
            "'road' stands twice: under rename and under retire",
            id="twice",
        ),
        pytest.param("version: 2\nrename: {road: x, well: x}", "code 'x' is taken", id="two to one"),
        pytest.param("version: 2\nrename: {road: well}", "code 'well' is taken", id="a name in use"),
        pytest.param("version: 2\nrename: {road: well, well: road}", "code 'well' is taken", id="a cycle"),
        pytest.param("version: 2\nrename: {road: well}\nretire: [well]", "'well' is taken", id="just freed"),
        pytest.param("version: 2\nmerge: {well: [road, school]}", "'well' is taken", id="into a third"),
        pytest.param("version: 2\nmerge: {n: [road]}\n" + NEW, "from fewer than two codes", id="one merged"),
        pytest.param("version: 2\nsplit: {road: [n]}\n" + NEW, "into fewer than two codes", id="one part"),
        pytest.param("version: 2\nmerge: {n: [road, road]}\n" + NEW, "'road' stands twice", id="with itself"),
        pytest.param("version: 2\nmerge: {n: [road, well]}", "new code 'n' has no name", id="no name"),
        pytest.param("version: 2\nretire: [road]\n" + NEW, "c.yaml:3: 'n' is none of the new", id="stray"),
        pytest.param(
            "version: 2\nsplit: {road: [n, m]}\ncodes: [{code: n, name: 新}, {code: n, name: 又}]",
            "c.yaml:3: code 'n' stands twice",
            id="described twice",
        ),
        pytest.param(f"version: 2\nretire: [{', '.join(CODES)}]", "no code is left", id="all retired"),
        pytest.param('version: "1"\nretire: [road]', "has version 1 already", id="made before"),
        pytest.param('version: 3\nfrom: "2"\nretire: [road]', "are for version 2", id="another version"),
    ],
)  # fmt: skip
def test_changes_that_make_no_sense_are_refused_with_place_and_value(text, message):
    with pytest.raises(InputError, match=message) as caught:
        changed(text)
    assert caught.value.hint


# --- the YAML ---


def test_renamed_codes_follow_everywhere_and_nothing_else_changes():
    book, written = rewrite_codebook(changed('version: "2"\nrename: {school: learning}'))
    wanted = BOOK.replace("school", "learning").replace('version: "1"', 'version: "2"')
    assert written.text == wanted
    assert book.columns == ("clinic", "learning", "road", "well")


@pytest.mark.parametrize("code", CODES)
def test_there_and_back_gives_the_same_bytes(code):
    there, written = rewrite_codebook(changed(f'version: "2"\nrename: {{{code}: other}}'))
    words = rewrite_lexicon(LEXICON, changed(f'version: "2"\nrename: {{{code}: other}}')).text
    back = changed(f'version: "1"\nrename: {{other: {code}}}', there)
    assert written.text != BOOK
    assert rewrite_codebook(back)[1].text == BOOK
    assert rewrite_lexicon(words, back).text == LEXICON


def test_the_shipped_codebook_and_lexicon_go_there_and_back_too():
    book, lexicon = load_codebook(), shipped.LEXICON.read_text(encoding="utf-8")
    first = book.columns[0]
    there = changes_from_text(f'version: "9"\nrename: {{{first}: other}}', "c", book)
    new, _ = rewrite_codebook(there)
    back = changes_from_text(f'version: "{book.version}"\nrename: {{other: {first}}}', "c", new)
    assert rewrite_codebook(back)[1].text == book.text
    assert rewrite_lexicon(rewrite_lexicon(lexicon, there).text, back).text == lexicon


def test_a_chain_of_versions_says_what_one_change_says():
    one, _ = rewrite_codebook(changed('version: "2"\nrename: {clinic: a}'))
    two, _ = rewrite_codebook(changed('version: "3"\nretire: [well]', one))
    both, _ = rewrite_codebook(changed('version: "3"\nrename: {clinic: a}\nretire: [well]'))
    assert two == both


def test_merged_entries_are_joined_and_keep_to_the_rules(tmp_path):
    text = f'version: "2"\nmerge: {{n: [clinic, school]}}\n{ONE}'
    book, written = rewrite_codebook(changed(text))
    code = book.code("n")
    assert book.columns == ("n", "road", "well")
    assert [e.text for e in code.examples] == ["医生来了", "医生和老师都来了", "老师来了"]
    assert code.counter_examples == ()  # 老师来了 carries the merged code now
    assert code.excludes == (("建路", "road"),)
    assert book.scheme("two").categories["人"] == ("n",)
    assert any("老师来了" in note for note in written.notes)
    assert "# 手册" in written.text
    path = tmp_path / "n.yaml"
    path.write_text(written.text, encoding="utf-8")
    assert check_codebook(path) == []


def test_a_code_merged_into_another_of_two_categories_is_shared_and_each_keeps_its_segments():
    book, written = rewrite_codebook(changed('version: "2"\nmerge: {road: [road, well]}'))
    assert dict(book.scheme("two").categories) == {
        "人": ("clinic", "school"),
        "路": ("road",),
        "水": ("road",),
    }
    assert any("路 and 水" in note for note in written.notes)
    assert book.code("road").name["zh"] == "修路"
    assert book.sub_measures[0].code == "road"


def test_what_is_retired_is_gone_from_examples_excludes_schemes_and_sub_measures():
    book, written = rewrite_codebook(changed('version: "2"\nretire: [school, well]'))
    clinic = book.code("clinic")
    assert [e.codes for e in (*clinic.examples, *clinic.counter_examples)] == [("clinic",), ("clinic",), ()]
    assert clinic.excludes == (("建路", "road"), ("养老", None))
    assert dict(book.scheme("two").categories) == {"人": ("clinic",), "路": ("road",)}
    assert book.sub_measures == ()
    assert any("category '水' is left out" in note for note in written.notes)
    assert "# 只有这一个" not in written.text


def test_parts_of_a_split_code_stand_in_its_categories_and_what_is_open_is_told():
    book, written = rewrite_codebook(changed(f'version: "2"\nsplit: {{school: [n, m]}}\n{NEW}'))
    assert book.columns == ("clinic", "n", "m", "road", "well")
    assert book.scheme("two").categories["人"] == ("clinic", "n", "m")
    told = "\n".join(written.notes)
    for part in (
        "an item of examples carries all parts of 'school'",
        "its examples are left out",
        "excludes to 'n'",
    ):
        assert part in told


def test_named_parts_of_a_split_code_go_to_its_first_part_and_this_is_told():
    book, written = rewrite_codebook(changed(f'version: "2"\nsplit: {{well: [n, m]}}\n{NEW}'))
    assert [measure.code for measure in book.sub_measures] == ["n"]
    assert "sub_measures of 'well' stand under 'n' now" in written.notes


def test_a_part_that_keeps_the_name_keeps_the_texts():
    book, _ = rewrite_codebook(changed(f'version: "2"\nsplit: {{clinic: [clinic, n]}}\n{ONE}'))
    assert book.code("clinic").definition["zh"] == "看病就医"
    assert book.code("n").definition == {}


def test_a_text_that_cannot_be_edited_in_place_is_written_anew():
    flow = yaml.safe_dump(yaml.safe_load(BOOK), default_flow_style=True, allow_unicode=True)
    book, _ = rewrite_codebook(
        changed('version: "2"\nretire: [school]', codebook_from_text(flow, "flow.yaml"))
    )
    assert book == rewrite_codebook(changed('version: "2"\nretire: [school]'))[0]


values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 99) | st.text("ab: #-'\"\n中文[]{}", max_size=6),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abc中", min_size=1, max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("text", "new", "written"),
    [
        pytest.param("- 1\n- 2", [1, 2, 3], "- 1\n- 2\n- 3\n", id="no line break at the end"),
        pytest.param("- |\n  a\n  b\n\n- c\n", ["a\nb\n", "n", "c"], None, id="behind a block of text"),
        pytest.param("? a\n: 1\n? b\n: 2\n", {"b": 2}, None, id="keys marked with ?"),
        pytest.param("v: {a: 1, b: 2}\n", {"v": {"a": 1}}, None, id="an entry of a flow is left out"),
    ],
)
def test_odd_but_valid_yaml_says_what_is_asked_for_too(text, new, written):
    found = rewrite(text, new)
    assert yaml.safe_load(found) == new
    assert written is None or found == written


@given(values, values, st.booleans())
def test_whatever_is_asked_for_is_what_the_text_says(old, new, flow):
    text = yaml.safe_dump({"v": old, "w": 1}, allow_unicode=True, sort_keys=False, default_flow_style=flow)
    wanted = {"v": new, "w": 1}
    assert yaml.safe_load(rewrite(text, wanted)) == wanted


# --- the lexicon ---


@pytest.mark.parametrize(
    "change",
    [
        pytest.param('version: "2"\nrename: {clinic: health}', id="renamed"),
        pytest.param(f'version: "2"\nmerge: {{n: [school, road]}}\n{ONE}', id="merged"),
        pytest.param(f'version: "2"\nsplit: {{clinic: [n, m]}}\n{NEW}', id="split"),
        pytest.param('version: "2"\nretire: [clinic]', id="retired"),
    ],
)
def test_the_words_of_a_setting_stay(change):
    text = LEXICON.replace("codes:\n", "setting: [贫困, 低保]  # 词\ncodes:\n", 1)
    written = rewrite_lexicon(text, changed(change)).text
    assert "setting: [贫困, 低保]  # 词\n" in written
    assert lexicon_from_text(written, "l").setting == ("贫困", "低保")


TEXTS = (
    *(
        "医生来了",
        "小学有校医",
        "医生的儿子",
        "医生的小学",
        "公路旁的小学问",
        "药费和助学金",
        "公路",
        "天晴了",
    ),
    *("医生的小学问", "医生的儿子上小学"),
)


@pytest.mark.parametrize("parts", [("clinic", "school"), ("school", "road"), ("clinic", "school", "road")])
def test_a_merged_code_is_hit_where_any_of_its_parts_was(parts):
    changes = changed(f'version: "2"\nmerge: {{n: [{", ".join(parts)}]}}\n{ONE}')
    old = lexicon_from_text(LEXICON, "l", CODES)
    written = rewrite_lexicon(LEXICON, changes)
    new = lexicon_from_text(written.text, "n", {"n", *CODES} - set(parts))
    for text in TEXTS:
        before, after = old.codes_in(text), new.codes_in(text)
        # 医生的小学 can silence 医生 no longer, or it would silence 小学 too: this is told
        spared = text == "医生的小学问" and parts[0] == "clinic"
        assert ("n" in after) == (spared or bool(before & set(parts))), text
        assert after - {"n"} == before - set(parts)
    assert any("1 not-cues" in note for note in written.notes) == (parts[0] == "clinic")


def test_cues_of_a_split_code_speak_for_all_parts_and_a_retired_code_has_none(tmp_path):
    split = rewrite_lexicon(LEXICON, changed(f'version: "2"\nsplit: {{clinic: [n, m]}}\n{NEW}'))
    words = lexicon_from_text(split.text, "l", {"n", "m", "school", "road"})
    assert words.cues["医生"] == words.cues["药费"] == ("n", "m")
    assert set(words.cues["校医"]) == {"n", "m", "school"}
    assert words.codes_in("医生的儿子") == set()
    assert "2 cues of 'clinic'" in split.notes[0]
    without = rewrite_lexicon(LEXICON, changed(f'version: "2"\nsplit: {{well: [n, m]}}\n{NEW}'))
    assert lexicon_from_text(without.text, "l", {"n", "m", *CODES}) == lexicon_from_text(LEXICON, "l", CODES)
    assert without.notes == ()  # a code without cues has none to give on
    retired = rewrite_lexicon(LEXICON, changed('version: "2"\nretire: [clinic]')).text
    assert lexicon_from_text(retired, "l", {"school", "road"}).cues["校医"] == ("school",)
    assert "医生" not in retired
    path = tmp_path / "l.yaml"
    path.write_text(split.text, encoding="utf-8")
    assert [f for f in check_lexicon(path) if f.level == "error"] == []


# --- stores and tables ---

LABELS = [(), ("clinic",), ("road",), ("well",), ("school", "road"), ("clinic", "well"), ("clinic", "road")]


def item(n, **more):
    given = {"codes": LABELS[n % 7], "probabilities": {"road": 0.25, "clinic": 0.5}, "place": n, "rank": n}
    return Item(f"d#{n}", "d", 0, 0, 9, f"第{n}句", **{**given, **more})


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "s.db") as made:
        made.add([item(n) for n in range(7)], OLD, "d")
        name = codebook_id(OLD)
        made.record_all(
            Event(f"e{n}", f"d#{n}", "甲", CODED, None, LABELS[n], name, "2026-01-31T08:00:00.000Z")
            for n in range(7)
        )
        yield made


@pytest.mark.parametrize("changes", [EVERY, SPLIT], ids=["rename, merge and retire", "split"])
def test_store_and_table_agree(store, changes):
    book, _ = rewrite_codebook(changes)
    rows = [{"segment_id": f"d#{n}", "codes": ";".join(codes)} for n, codes in enumerate(LABELS)]
    table = migrate_rows(rows, "t.csv", changes, book)
    done = migrate_store(store, changes, book, AT)
    settled = {segment: book.join(codes) for segment, codes in store.settled().items()}
    assert settled == {row["segment_id"]: row["codes"] for row in table.sure}
    open_ones = {row["segment_id"] for row in table.look}
    assert open_ones == {f"d#{n}" for n in range(7)} - set(settled)
    assert done.look == len(open_ones) > 0
    assert len(table.sure) + len(table.look) == 7


def test_events_say_what_stood_before_and_old_ones_stay(store):
    before = store.events()
    book, _ = rewrite_codebook(EVERY)
    migrate_store(store, EVERY, book, AT)
    events = store.events()
    assert events[: len(before)] == before
    new = {e.segment_id: e for e in events[len(before) :]}
    assert {e.kind for e in new.values()} == {MIGRATED}
    assert (new["d#1"].before, new["d#1"].after, new["d#1"].coder) == (("clinic",), ("health",), "甲")
    assert (new["d#3"].before, new["d#3"].after) == (("well",), None)
    assert new["d#3"].note == "1 → 2: no code is left 原有编码均已停用"
    assert "d#0" not in new  # nothing changed
    assert store.codebook == book
    assert list(store.codebook_texts()) == [codebook_id(OLD), codebook_id(book)]


def test_what_is_open_comes_first_in_the_queue_and_the_rest_keeps_its_order(store):
    book, _ = rewrite_codebook(SPLIT)
    migrate_store(store, SPLIT, book, AT)
    assert [i.segment_id for i in store.items()] == [f"d#{n}" for n in (2, 4, 6, 0, 1, 3, 5)]
    assert store.next_for("甲").segment_id == "d#2"
    assert store.item("d#6").codes == ("clinic",)
    assert store.item("d#6").probabilities == {"clinic": 0.5}
    store.record(Event("n", "d#2", "甲", CODED, None, ("m",), codebook_id(book), AT))
    assert store.next_for("甲").segment_id == "d#4"
    assert store.settled()["d#2"] == ("m",)


def test_gold_stays_gold_and_context_that_is_open_is_queued(tmp_path):
    with open_store(tmp_path / "s.db") as store:
        gold = item(2, purpose=GOLD, drawn={"inclusion_probability": 0.5})
        store.add([gold, item(4, purpose=CONTEXT, rank=None), item(1)], OLD, "d")
        name = codebook_id(OLD)
        store.record_all(Event(f"e{n}", f"d#{n}", "甲", CODED, None, ("road",), name, AT) for n in (2, 4))
        migrate_store(store, SPLIT, rewrite_codebook(SPLIT)[0], AT)
        assert {i.segment_id: (i.purpose, i.rank is None) for i in store.items()} == {
            "d#2": (GOLD, False),
            "d#4": (QUEUE, False),
            "d#1": (QUEUE, False),
        }


def test_where_one_coder_must_decide_again_all_do_and_the_settlement_too(store):
    name = codebook_id(OLD)
    store.record(Event("a", "d#2", "乙", CODED, None, ("clinic",), name, AT))
    store.record(Event("b", "d#2", "丙", SETTLED, None, ("road",), name, AT))
    migrate_store(store, SPLIT, rewrite_codebook(SPLIT)[0], AT)
    # else 乙's clinic, which was overruled, would hold now
    assert "d#2" not in store.settled()
    assert store.disputed() == []
    assert {lane: codes for (s, lane), codes in store.current().items() if s == "d#2"} == {}
    assert store.settlement("d#2") is None


def test_a_settlement_that_follows_makes_the_codebook_no_coder(store):
    store.record(Event("b", "d#1", "丙", SETTLED, None, ("clinic",), codebook_id(OLD), AT))
    before = store.coders()
    migrate_store(store, EVERY, rewrite_codebook(EVERY)[0], AT)
    assert store.settlement("d#1") == ("health",)
    assert store.coders() == before


def test_what_a_coder_noted_stays_his_note_and_the_question_is_none(tmp_path):
    with open_store(tmp_path / "s.db") as store:
        store.add([item(1), item(3)], OLD, "d")
        for n, code in ((1, "clinic"), (3, "well")):
            given = Event(f"e{n}", f"d#{n}", "甲", CODED, None, (code,), codebook_id(OLD), AT, f"备注{n}")
            store.record(given)
        migrate_store(store, EVERY, rewrite_codebook(EVERY)[0], AT)
        views = {n: item_view(store, f"d#{n}", "甲") for n in (1, 3)}
        assert {n: (view["mine"], view["note"]) for n, view in views.items()} == {
            1: (["health"], "备注1"),
            3: (None, "备注3"),
        }
        assert (views[1]["question"], views[3]["question"][:5]) == ("", "1 → 2")
        assert [segment.codings["甲"].note for segment in coded_segments(store)] == ["备注1"]


def test_twice_is_refused_and_a_store_of_another_codebook_too(store):
    book, _ = rewrite_codebook(EVERY)
    migrate_store(store, EVERY, book, AT)
    count = len(store.events())
    with pytest.raises(InputError, match=r"its codebook is 'village 2 sha256"):
        migrate_store(store, EVERY, book, AT)
    assert len(store.events()) == count


def test_columns_of_probabilities_follow_their_codes():
    row = {
        "text": "路",
        "codes": ["road"],
        "clinic": 0.1,
        "school": "0.2",
        "road": "0.15",
        "well": 0.4,
        "categories": "x",
    }
    book, _ = rewrite_codebook(EVERY)
    (found,) = migrate_rows([row], "t", EVERY, book).sure
    assert found == {"text": "路", "codes": ["n"], "health": 0.1, "n": "0.2"}


def test_of_merged_columns_a_blank_one_counts_least():
    row = {"codes": "", "school": "", "road": "0.02"}
    (found,) = migrate_rows([row], "t", EVERY, rewrite_codebook(EVERY)[0]).sure
    assert found == {"codes": "", "n": "0.02"}


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_migrated_table_is_read_again_as_it_was_written(suffix, tmp_path):
    rows = [
        {"segment_id": "007", "text": "=修路；“好”\n再修", "codes": "n;health"},
        {"segment_id": "8", "text": "打井", "codes": ""},
    ]
    path = tmp_path / f"t{suffix}"
    write_new(path, table_bytes(rows, suffix))
    assert read_table(path) == rows


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        pytest.param("t.xlsx", b"", r"t\.xlsx: tables to migrate are \.csv, \.jsonl, \.parquet", id="Excel"),
        pytest.param("t.csv", b"id,text,codes\n", r"t\.csv: no rows", id="a header alone"),
    ],
)
def test_what_is_no_table_to_migrate_is_refused(name, content, message, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_table(tmp_path / name)


def test_nothing_that_is_there_is_written_over_and_nothing_is_left_half_written(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"mine")
    with pytest.raises(OutputError, match=r"t\.csv: is there already"):
        write_new(tmp_path / "t.csv", b"new")
    with pytest.raises(OutputError, match=r"t\.csv/t\.csv: "):  # its folder is a file
        write_new(tmp_path / "t.csv" / "t.csv", b"new")
    assert [(f.name, f.read_bytes()) for f in tmp_path.iterdir()] == [("t.csv", b"mine")]


@pytest.mark.parametrize(
    ("row", "error", "message"),
    [
        ({"text": "路"}, InputError, "t: row 1: no column 'codes'"),
        ({"codes": "raod"}, InputError, "t: row 1: unknown code 'raod'"),
        ({"codes": "road;road"}, CorpusError, "t: row 1: a code stands twice"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(row, error, message):
    with pytest.raises(error, match=message):
        migrate_rows([row], "t", EVERY, rewrite_codebook(EVERY)[0])


# --- a model ---


def test_a_renamed_model_gives_the_new_names_to_the_same_segments(
    tiny_model, tiny_model_folder, tiny_corpus, tmp_path
):
    # the new name sorts elsewhere among the lexicon's columns
    changes = changes_from_text('version: "2"\nrename: {clinic: zzz}', "c", tiny_model.codebook)
    book, _ = rewrite_codebook(changes)
    rename_model(tiny_model_folder, tmp_path / "new", changes, book)
    new = load_model(tmp_path / "new")
    assert new.codes_ == ("zzz", "school", "road", "well")
    assert new.untrained_ == ("well",)
    assert np.array_equal(new.predict(tiny_corpus.texts), tiny_model.predict(tiny_corpus.texts))
    assert np.allclose(
        new.predict_proba(tiny_corpus.texts), tiny_model.predict_proba(tiny_corpus.texts), equal_nan=True
    )


def test_a_renamed_model_keeps_what_a_setting_adds(setting_model, tiny_corpus, tmp_path):
    save_model(setting_model, tmp_path / "old", "# 模型卡\n", {"sha256": "0" * 64, "segments": 120})
    changes = changes_from_text('version: "2"\nrename: {clinic: zzz}', "c", tiny_corpus.codebook)
    rename_model(tmp_path / "old", tmp_path / "new", changes, rewrite_codebook(changes)[0])
    new = load_model(tmp_path / "new")
    assert new.lexicon.setting == setting_model.lexicon.setting
    assert new.features_.setting_codes_ == ["road", "school", "zzz"]
    columns = [list(model.features_.get_feature_names_out()) for model in (new, setting_model)]
    for name in ("zzz", "clinic"), ("road", "road"):
        place = [of.index(f"setting:{code}") for of, code in zip(columns, name, strict=True)]
        assert np.array_equal(new.coef_[:, place[0]], setting_model.coef_[:, place[1]])
    scores = [model.decision_function(tiny_corpus.texts) for model in (new, setting_model)]
    assert np.allclose(*scores, atol=1e-5)


def test_a_model_without_a_lexicon_follows_too(wordless_model, tiny_corpus, tmp_path):
    save_model(wordless_model, tmp_path / "old", "# 模型卡\n", {"sha256": "0" * 64, "segments": 120})
    changes = changes_from_text('version: "2"\nrename: {clinic: zzz}', "c", tiny_corpus.codebook)
    rename_model(tmp_path / "old", tmp_path / "new", changes, rewrite_codebook(changes)[0])
    new = load_model(tmp_path / "new")
    assert (new.codes_[0], new.lexicon) == ("zzz", None)
    assert np.array_equal(new.predict(tiny_corpus.texts), wordless_model.predict(tiny_corpus.texts))


def test_a_model_of_another_codebook_is_refused(tiny_model_folder, tmp_path):
    other = codebook_from_text(BOOK.replace("well", "bore"), "other.yaml")
    changes = changed('version: "2"\nrename: {clinic: zzz}', other)
    with pytest.raises(ModelError, match="its codebook is another than the one that was changed"):
        rename_model(tiny_model_folder, tmp_path / "new", changes, rewrite_codebook(changes)[0])
    assert not (tmp_path / "new").exists()


def test_a_model_does_not_follow_further(tiny_model, tiny_model_folder, tmp_path):
    changes = changes_from_text('version: "2"\nretire: [road]', "c", tiny_model.codebook)
    with pytest.raises(ModelError, match="where codes are renamed, and no further"):
        rename_model(tiny_model_folder, tmp_path / "new", changes, rewrite_codebook(changes)[0])


# --- the command ---


@pytest.fixture
def folder(tmp_path, store):
    (tmp_path / "b.yaml").write_text(BOOK, encoding="utf-8")
    (tmp_path / "l.yaml").write_text(LEXICON, encoding="utf-8")
    (tmp_path / "t.csv").write_text(
        "id,text,codes\n1,修路,road\n2,=打井,well;clinic\n3,看,clinic\n", encoding="utf-8"
    )
    (tmp_path / "c.yaml").write_text(f'version: "2"\nsplit: {{road: [n, m]}}\n{NEW}', encoding="utf-8")
    (tmp_path / "r.yaml").write_text('version: "2"\nrename: {road: path}', encoding="utf-8")
    return tmp_path


def test_the_command_writes_what_is_new_into_a_folder(folder, fupin_here):
    out = folder / "new"
    arguments = ["codebook", "migrate", folder / "b.yaml", folder / "c.yaml", "-o", out]
    ran = fupin_here(
        *arguments, "--lexicon", folder / "l.yaml", "--labels", folder / "t.csv", "--store", folder / "s.db"
    )
    assert ran.code == 3, ran.err
    assert sorted(p.name for p in out.iterdir()) == ["b.yaml", "l.yaml", "t.csv", "t.decide.csv"]
    with (out / "t.csv").open(encoding="utf-8-sig", newline="") as stream:
        assert [row["codes"] for row in csv.DictReader(stream)] == ["clinic;well", "clinic"]
    with (out / "t.decide.csv").open(encoding="utf-8-sig", newline="") as stream:
        assert [(row["codes"], row[WHY]) for row in csv.DictReader(stream)] == [("", "road: n / m?")]
    assert (folder / "b.yaml").read_text(encoding="utf-8") == BOOK
    assert "3 segments to be decided" in ran.err
    assert check_codebook(out / "b.yaml") == []
    again = fupin_here(*arguments)
    assert (again.code, len(again.problem)) == (1, 2)
    assert "is there already" in again.problem[0]


def test_where_nothing_is_open_the_command_says_0(folder, fupin_here):
    ran = fupin_here("codebook", "migrate", folder / "b.yaml", folder / "r.yaml", "-o", folder / "new")
    assert ran.code == 0, ran.err
    assert "village 1 → 2" in ran.err


def test_a_store_that_does_not_fit_leaves_no_file_behind(folder, fupin_here):
    (folder / "b.yaml").write_text(BOOK.replace("第一版", "初版"), encoding="utf-8")
    ran = fupin_here(
        "codebook",
        "migrate",
        folder / "b.yaml",
        folder / "r.yaml",
        "-o",
        folder / "new",
        "--store",
        folder / "s.db",
    )
    assert ran.code == 1
    assert "its codebook is" in ran.problem[0]
    assert not (folder / "new").exists()


def test_a_model_that_cannot_follow_leaves_no_file_behind(folder, fupin_here, tiny_codebook_file):
    (folder / "retire.yaml").write_text('version: "2"\nretire: [road]', encoding="utf-8")
    arguments = ("codebook", "migrate", tiny_codebook_file, folder / "retire.yaml", "-o", folder / "new")
    for model in (folder / "none", shipped.MODEL):
        ran = fupin_here(*arguments, "--model", model)
        assert ran.code == 1, ran.err
        assert not (folder / "new").exists()


def test_tables_without_an_open_row_and_a_model_follow_with_one_command(
    folder, fupin_here, tiny_codebook_file, tiny_model_folder
):
    out = folder / "new"
    arguments = ("codebook", "migrate", tiny_codebook_file, folder / "r.yaml", "-o", out)
    ran = fupin_here(*arguments, "--labels", folder / "t.csv", "--model", tiny_model_folder)
    assert ran.code == 0, ran.err
    # nothing is to be decided, so there is no file for it
    assert sorted(p.name for p in out.iterdir()) == sorted(("t.csv", "village", "village.yaml"))
    assert load_model(out / "village").codes_ == ("clinic", "school", "path", "well")


@pytest.mark.parametrize("names", [("t.csv", "t.decide.csv"), ("t.decide.csv", "t.csv")], ids=" ".join)
def test_a_table_called_as_the_open_rows_of_another_is_refused_before_anything_is_written(
    folder, fupin_here, names
):
    (folder / "t.decide.csv").write_bytes((folder / "t.csv").read_bytes())
    tables = (argument for name in names for argument in ("--labels", folder / name))
    arguments = ("codebook", "migrate", folder / "b.yaml", folder / "c.yaml", "-o", folder / "new")
    ran = fupin_here(*arguments, *tables)
    assert ran.code == 1
    assert "its rows to decide would go to 't.decide.csv'" in ran.problem[0]
    assert not (folder / "new").exists()


def test_inputs_of_one_name_and_a_store_that_is_not_there_are_refused(folder, fupin_here):
    (folder / "other").mkdir()
    (folder / "other" / "t.csv").write_bytes((folder / "t.csv").read_bytes())
    arguments = ("codebook", "migrate", folder / "b.yaml", folder / "r.yaml", "-o", folder / "new")
    ran = fupin_here(*arguments, "--labels", folder / "t.csv", "--labels", folder / "other" / "t.csv")
    assert ran.code == 2
    assert "two inputs have one name" in ran.err
    ran = fupin_here(*arguments, "--store", folder / "none.db")
    assert ran.code == 1
    assert "none.db: no such review store" in ran.problem[0]
    assert not (folder / "new").exists()
