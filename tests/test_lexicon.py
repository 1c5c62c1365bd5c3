"""The lexicon: which cue speaks where, and what its check finds."""

import json
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.errors import InputError, LexiconError
from classifier.lexicon import (
    MOST_BEGIN,
    MOST_CODES,
    MOST_ENTRIES,
    MOST_WORDS,
    Hit,
    Lexicon,
    check_lexicon,
    lexicon_from_text,
    load_lexicon,
)

fixed = settings(derandomize=True, deadline=None)

VILLAGE = """\
name: village
version: "3"
shared:
  电商培训: [shop, course]
codes:
  farm:
    cues: [产业, 合作社, 茶叶]
    not_cues: [产业工人, 茶叶店]
  course:
    cues:
      - 培训
      - 夜校
  shop:
    cues: [电商]
"""
CODES = ("farm", "course", "shop")


def lexicon(cues, not_cues=()):
    """Return a lexicon from ``{entry: "code code"}``."""
    claims = [
        {entry: tuple(codes.split()) for entry, codes in dict(given).items()} for given in (cues, not_cues)
    ]
    return Lexicon("test", "1", *claims)


def spoken(book, text):
    return [(hit.cue, hit.codes) for hit in book.hits(text)]


def edited(old, new):
    """Return the village lexicon with one place changed; the place must be there once."""
    assert VILLAGE.count(old) == 1
    return VILLAGE.replace(old, new)


def findings(tmp_path, text, codes=CODES):
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return [str(finding) for finding in check_lexicon(path, codes)]


# --- which cue speaks ------------------------------------------------------------------------------


def test_a_hit_tells_the_place_the_cue_and_its_codes():
    assert lexicon({"茶叶": "farm", "电商": "shop"}).hits("卖茶叶靠电商。") == [
        Hit(1, 3, "茶叶", ("farm",)),
        Hit(4, 6, "电商", ("shop",)),
    ]


def test_every_occurrence_of_a_cue_is_a_hit():
    assert [hit.start for hit in lexicon({"茶": "farm"}).hits("茶茶和茶")] == [0, 1, 3]


@pytest.mark.parametrize(
    ("cues", "not_cues", "text", "hits"),
    [
        pytest.param(
            {"保险": "bank", "医疗保险": "clinic"},
            {},
            "医疗保险",
            [("医疗保险", ("clinic",))],
            id="the longer cue wins",
        ),
        pytest.param(
            {"医疗": "bank", "医疗保险": "clinic"},
            {},
            "医疗保险",
            [("医疗保险", ("clinic",))],
            id="at the same start too",
        ),
        pytest.param(
            {"疗保": "bank", "医疗保险": "clinic"},
            {},
            "医疗保险",
            [("医疗保险", ("clinic",))],
            id="in the middle too",
        ),
        pytest.param(
            {"保险": "bank", "医疗保险": "clinic"},
            {},
            "医疗保险和保险",
            [("医疗保险", ("clinic",)), ("保险", ("bank",))],
            id="only where the longer one stands",
        ),
        pytest.param(
            {"甲乙": "a", "乙丙": "b"},
            {},
            "甲乙丙",
            [("甲乙", ("a",)), ("乙丙", ("b",))],
            id="overlapping cues both count",
        ),
        pytest.param(
            {"甲": "a", "甲乙": "a", "甲乙丙": "b"},
            {},
            "甲乙丙",
            [("甲乙丙", ("b",))],
            id="the longest of three wins",
        ),
        pytest.param(
            {"产业": "farm"}, {"产业工人": "farm"}, "产业工人", [], id="a not-cue silences the cue inside it"
        ),
        pytest.param(
            {"产业": "farm"},
            {"产业工人": "farm"},
            "产业工人和产业",
            [("产业", ("farm",))],
            id="only inside it",
        ),
        pytest.param(
            {"产业工": "farm"},
            {"工人": "farm"},
            "产业工人",
            [("产业工", ("farm",))],
            id="not a cue that only overlaps it",
        ),
        pytest.param(
            {"产业": "farm", "工人": "work"},
            {"产业工人": "farm"},
            "产业工人",
            [("工人", ("work",))],
            id="no other code's cue",
        ),
        pytest.param(
            {"培训": "course shop"},
            {"培训班长": "shop"},
            "培训班长",
            [("培训", ("course",))],
            id="one code of a shared cue",
        ),
        pytest.param(
            {"工人": "work", "产业工人": "farm"},
            {"产业工人": "work"},
            "产业工人",
            [("产业工人", ("farm",))],
            id="a cue of one code, a not-cue of another",
        ),
        pytest.param(
            {"产业": "farm"},
            {"产业工人": "farm", "工人": "farm"},
            "产业工人",
            [],
            id="a not-cue inside a not-cue",
        ),
        pytest.param(
            {"产业": "farm", "产业工人": "work"},
            {"产业工人村": "work"},
            "产业工人村",
            [],
            id="a silenced longer cue gives no room to the shorter",
        ),
        pytest.param(
            {"一.二": "a", "(": "b"}, {}, "一三二(", [("(", ("b",))], id="cues are plain text, not patterns"
        ),
        pytest.param({}, {}, "产业", [], id="no entry at all"),
        pytest.param({"产业": "farm"}, {}, "", [], id="no text"),
    ],
)
def test_the_longest_match_wins_and_not_cues_silence(cues, not_cues, text, hits):
    assert spoken(lexicon(cues, not_cues), text) == hits


def reference_hits(book, text):
    """What the module's docstring says, word by word and slowly."""
    entries = {*book.cues, *book.not_cues}
    spans = [(a, b) for a in range(len(text)) for b in range(a + 1, len(text) + 1) if text[a:b] in entries]
    hits = []
    for start, end in spans:
        cue = text[start:end]
        codes = list(book.cues.get(cue, ()))
        for a, b in spans:
            inside = a <= start and end <= b
            if inside and b - a > end - start and text[a:b] in book.cues:
                codes = []
            if inside:
                codes = [code for code in codes if code not in book.not_cues.get(text[a:b], ())]
        if codes:
            hits.append((start, end, cue, tuple(codes)))
    return sorted(hits)


entries = st.text(alphabet="甲乙丙", min_size=1, max_size=4)
claims = st.dictionaries(
    entries, st.lists(st.sampled_from("xyz"), min_size=1, max_size=2, unique=True).map(tuple)
)


@settings(fixed, max_examples=500)
@given(claims, claims, st.text(alphabet="甲乙丙丁", max_size=12))
def test_hits_are_those_of_the_plain_reference(cues, not_cues, text):
    book = Lexicon("random", "1", cues, not_cues)
    found = [(hit.start, hit.end, hit.cue, hit.codes) for hit in book.hits(text)]
    assert sorted(found) == reference_hits(book, text)
    assert [hit[0] for hit in found] == sorted(hit[0] for hit in found)


@settings(fixed, max_examples=200)
@given(claims, claims, st.text(alphabet="甲乙丙丁", max_size=12))
def test_hits_in_a_text_that_is_no_sentence_any_more_are_the_same(cues, not_cues, text):
    book, rest = Lexicon("random", "1", cues, not_cues), "丁" * 2001  # which is in no entry
    found = [(hit.start, hit.end, hit.cue, hit.codes) for hit in book.hits(text + rest + text)]
    short = reference_hits(book, text)
    behind = [(a + len(text + rest), b + len(text + rest), cue, codes) for a, b, cue, codes in short]
    assert sorted(found) == [*short, *behind]
    assert [(hit[0], -hit[1]) for hit in found] == sorted((hit[0], -hit[1]) for hit in found)
    assert book.hit_codes([text]).tolist() == book.hit_codes([text + rest]).tolist()


def test_cues_in_each_place_of_a_long_text_do_not_take_time_by_its_square():
    book = Lexicon("nested", "1", {"甲" * n: ("x",) for n in (40, 45, 50)}, {})
    assert len(book.hits("甲" * 300_000)) == 300_000 - 49  # shorter ones stand inside the longest


def test_the_order_of_the_entries_changes_nothing():
    cues = {"甲": "a", "甲乙": "b", "乙甲": "a", "丙": "b", "甲乙丙": "a"}
    text = "甲乙甲丙甲乙丙"
    expected = lexicon(cues).hits(text)
    for seed in range(5):
        shuffled = random.Random(seed).sample(sorted(cues.items()), len(cues))
        assert lexicon(shuffled).hits(text) == expected


def test_codes_are_read_from_raw_text():
    book = lexicon_from_text(VILLAGE, "mine.yaml")
    assert book.codes_in("办了电商培训班。") == {"shop", "course"}
    assert book.codes_in("产业工人住进新房。") == set()


# --- reading a file --------------------------------------------------------------------------------


def test_a_file_is_read_with_its_name_cues_not_cues_and_shared_cues(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(VILLAGE, encoding="utf-8")
    book = load_lexicon(path, CODES)
    assert (book.name, book.version) == ("village", "3")
    assert book.cues == {
        "电商培训": ("shop", "course"),
        **{"产业": ("farm",), "合作社": ("farm",), "茶叶": ("farm",)},
        **{"培训": ("course",), "夜校": ("course",), "电商": ("shop",)},
    }
    assert book.not_cues == {"产业工人": ("farm",), "茶叶店": ("farm",)}


@pytest.mark.parametrize(
    ("written", "entry"),
    [
        pytest.param("ＡＰＰ购物", "app购物", id="width and case"),
        pytest.param("“三品一标”", '"三品一标"', id="quotes"),
        pytest.param("' 夜校 '", "夜校", id="white space around"),
        pytest.param("茶叶　合作", "茶叶 合作", id="ideographic space"),
        pytest.param("110", "110", id="a number"),
    ],
)
def test_entries_are_normalised_as_texts_are(written, entry):
    book = lexicon_from_text(f"name: n\nversion: 1\ncodes:\n  farm:\n    cues: [{written}]\n", "mine.yaml")
    assert list(book.cues) == [entry]
    assert book.codes_in("村里有" + written.strip("' ")) == {"farm"}


def test_a_not_cue_of_two_codes_is_no_fault():
    book = lexicon_from_text(
        edited("cues: [电商]", "cues: [电商, 工人]\n    not_cues: [产业工人]"), "mine.yaml"
    )
    assert book.not_cues["产业工人"] == ("farm", "shop")
    assert book.codes_in("产业工人") == set()


def test_a_lexicon_for_fewer_codes_forgets_the_others_claims():
    book = lexicon_from_text(VILLAGE, "mine.yaml").restricted(["course"])
    assert book.cues == {"电商培训": ("course",), "培训": ("course",), "夜校": ("course",)}
    assert book.not_cues == {}
    assert book.codes_in("产业和电商培训") == {"course"}


# --- the setting -----------------------------------------------------------------------------------

SETTING = VILLAGE.replace("codes:\n", "setting: [贫困, ＧＤＰ, ' 低保 ']\ncodes:\n", 1)


def test_words_of_a_setting_are_read_and_normalised_and_speak_for_no_code():
    book = lexicon_from_text(SETTING, "mine.yaml", CODES)
    assert book.setting == ("贫困", "gdp", "低保")
    assert (book.codes, book.cues) == (("course", "farm", "shop"), lexicon_from_text(VILLAGE, "m").cues)
    hit, beside = book.found_in(["贫困村办夜校", "夜校", "低保户的Gdp", ""])
    assert hit.tolist() == [[True, False, False]] * 2 + [[False] * 3] * 2
    assert beside.tolist() == [True, False, True, False]
    assert book.hit_codes(["贫困村办夜校"]).tolist() == [[True, False, False]]
    assert spoken(book, "贫困村办夜校") == [("夜校", ("course",))]


@pytest.mark.parametrize(
    ("text", "beside"),
    [
        pytest.param("产业扶贫工人", True, id="inside a not-cue"),
        pytest.param("扶贫产业园", True, id="inside a cue"),
        pytest.param("扶贫", True, id="alone"),
        pytest.param("扶 贫", False, id="not there"),
    ],
)
def test_a_word_of_the_setting_counts_wherever_it_stands_and_silences_nothing(text, beside):
    cues = {"产业": ("farm",), "扶贫产业园": ("shop",), "扶": ("course",)}
    without = Lexicon("test", "1", cues, {"产业扶贫工人": ("farm",)})
    book = replace(without, setting=("扶贫",))
    assert book.hits(text) == without.hits(text)
    assert book.found_in([text])[1].tolist() == [beside] == [book.speaks_of_setting(text)]


def test_without_a_setting_nothing_speaks_of_it():
    book = lexicon_from_text(VILLAGE, "mine.yaml")
    assert book.setting == ()
    assert book.found_in(["贫困村办夜校", ""])[1].tolist() == [False, False]
    assert not book.speaks_of_setting("贫困村办夜校")


def test_a_lexicon_for_fewer_codes_keeps_the_setting():
    book = lexicon_from_text(SETTING, "mine.yaml").restricted(["course"])
    assert (book.setting, book.codes) == (("贫困", "gdp", "低保"), ("course",))


def test_a_setting_alone_is_no_lexicon_of_any_code():
    book = Lexicon("test", "1", {}, {}, setting=("扶贫",))
    hit, beside = book.found_in(["扶贫"])
    assert (hit.shape, beside.tolist(), book.hits("扶贫")) == ((1, 0), [True], [])


# --- the check -------------------------------------------------------------------------------------


def test_a_sound_lexicon_has_no_finding(tmp_path):
    assert findings(tmp_path, VILLAGE) == []


# What is wrong → the file, its line and message; each of these is refused on loading too
REFUSED = {
    "unknown code": (edited("  shop:\n", "  shopp:\n"), "mine.yaml:13: error: unknown code 'shopp'"),
    "unknown code in shared": (
        edited("[shop, course]", "[shop, coarse]"),
        "mine.yaml:4: error: unknown code 'coarse'",
    ),
    "cue twice": (edited("茶叶]\n", "茶叶, 产业]\n"), "mine.yaml:7: error: '产业' stands twice for 'farm'"),
    "cue twice after normalising": (
        edited("- 夜校", "- 夜校\n      - ' 夜校'"),
        "mine.yaml:13: error: '夜校' stands twice for 'course'",
    ),
    "not-cue twice": (
        edited("茶叶店]", "茶叶店, 产业工人]"),
        "mine.yaml:8: error: '产业工人' stands twice for 'farm'",
    ),
    "double-claimed cue": (
        edited("cues: [电商]", "cues: [电商, 夜校]"),
        "mine.yaml:14: error: cue '夜校' is double-claimed: also by course; list it under 'shared'",
    ),
    "cue shared and claimed once more": (
        edited("cues: [电商]", "cues: [电商, 电商培训]"),
        "mine.yaml:14: error: '电商培训' stands twice for 'shop'",
    ),
    "empty cue": (
        edited("cues: [电商]", "cues: [电商, '']"),
        "mine.yaml:14: error: an empty entry for 'shop'",
    ),
    "blank cue": (
        edited("cues: [电商]", "cues: [电商, '　']"),
        "mine.yaml:14: error: an empty entry for 'shop'",
    ),
    "null cue": (edited("- 夜校", "-"), "mine.yaml:12: error: an empty entry for 'course'"),
    "cue that YAML reads as a mapping": (
        edited("- 夜校", "- 夜校: 冬季"),
        "mine.yaml:12: error: an entry for 'course' is no text: {'夜校': '冬季'}",
    ),
    "cue that YAML reads as a truth value": (
        edited("- 夜校", "- yes"),
        "mine.yaml:12: error: an entry for 'course' is no text: True",
    ),
    "cues that are no list": (
        edited("cues: [电商]", "cues: 电商"),
        "mine.yaml:14: error: 'cues' of 'shop' is not a list",
    ),
    "code without lists": (
        edited("    cues: [电商]\n", ""),
        "mine.yaml:13: error: 'shop' needs 'cues' and may have 'not_cues'",
    ),
    "shared that is no mapping": (
        edited("shared:\n  电商培训: [shop, course]", "shared: [电商培训]"),
        "mine.yaml:3: error: 'shared' is not a mapping of cues to lists of codes",
    ),
    "shared cue without a list": (
        edited("[shop, course]", "shop"),
        "mine.yaml:4: error: '电商培训' needs a list of codes",
    ),
    "a setting that is no list": (
        VILLAGE + "setting: 贫困\n",
        "mine.yaml:15: error: 'setting' is not a list",
    ),
    "a word of the setting twice": (
        VILLAGE + "setting:\n  - 贫困\n  - ' 贫困'\n",
        "mine.yaml:17: error: '贫困' stands twice for 'setting'",
    ),
    "an empty word of the setting": (
        VILLAGE + "setting: ['']\n",
        "mine.yaml:15: error: an empty entry for 'setting'",
    ),
    "a word of the setting that YAML reads as a truth value": (
        VILLAGE + "setting: [yes]\n",
        "mine.yaml:15: error: an entry for 'setting' is no text: True",
    ),
    "no codes": (
        "name: village\n",
        "mine.yaml:1: error: a lexicon is a mapping with 'name', 'version' and 'codes'",
    ),
    "codes that are no mapping": (
        "codes: [farm]\n",
        "mine.yaml:1: error: a lexicon is a mapping with 'name', 'version' and 'codes'",
    ),
    "a list": ("[farm]", "mine.yaml:1: error: a lexicon is a mapping with 'name', 'version' and 'codes'"),
    "an empty file": ("", "mine.yaml:1: error: a lexicon is a mapping with 'name', 'version' and 'codes'"),
}


@pytest.mark.parametrize(("text", "finding"), REFUSED.values(), ids=REFUSED)
def test_a_fault_is_found_at_its_line_and_the_file_refused(text, finding, tmp_path):
    assert findings(tmp_path, text) == [finding]
    with pytest.raises(LexiconError, match=r"^mine\.yaml:\d+: .") as caught:
        load_lexicon(tmp_path / "mine.yaml", CODES)
    assert str(caught.value) == finding.replace(" error:", "", 1)
    assert "fupin lexicon check" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        pytest.param(
            edited("茶叶店]", "茶叶店, 工人]"),
            "mine.yaml:8: error: dead: not-cue '工人' holds no cue of 'farm'",
            id="a not-cue without a cue in it",
        ),
        pytest.param(
            edited("茶叶店]", "茶叶店, 电商园]"),
            "mine.yaml:8: error: dead: not-cue '电商园' holds no cue of 'farm'",
            id="a not-cue with another code's cue in it",
        ),
        pytest.param(
            edited("茶叶店]", "茶叶店, 茶叶]"),
            "mine.yaml:8: error: '茶叶' is both a cue and a not-cue of 'farm'",
            id="a cue and a not-cue",
        ),
        pytest.param(
            edited("- 夜校", "- 夜校\n      - 培训班"),
            "mine.yaml:13: warning: shadowed: '培训班' adds nothing to '培训'",
            id="a cue with a shorter one of its code in it",
        ),
        pytest.param(
            VILLAGE + "setting:\n  - 贫困村\n  - 产业\n  - 贫困\n",
            "mine.yaml:16: warning: shadowed: '贫困村' adds nothing to '贫困'",
            id="a word of the setting with a shorter one in it",
        ),
    ],
)
def test_an_entry_without_effect_is_found_but_the_file_can_be_read(text, finding, tmp_path):
    assert findings(tmp_path, text) == [finding]
    assert load_lexicon(tmp_path / "mine.yaml", CODES).name == "village"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            edited("cues: [电商]", "cues: [电商, 产业园]"), id="it silences another code's shorter cue"
        ),
        pytest.param(edited("茶叶]", "茶叶, 产业工人社区]"), id="it speaks where a not-cue would silence"),
        pytest.param(
            edited("shared:\n", "shared:\n  集市: [shop, farm]\n").replace("[电商]", "[电商, 大集市]"),
            id="it narrows a shared cue to one code",
        ),
    ],
)
def test_a_longer_cue_that_changes_something_is_not_called_shadowed(text, tmp_path):
    assert not [finding for finding in findings(tmp_path, text) if "shadowed" in finding]


def test_check_lists_every_fault(tmp_path):
    text = edited("茶叶店]", "茶叶店, 工人]").replace("  shop:\n", "  shopp:\n")
    assert [finding.split(": ")[0] for finding in findings(tmp_path, text)] == ["mine.yaml:13", "mine.yaml:8"]


def test_without_a_codebook_any_code_is_accepted(tmp_path):
    assert findings(tmp_path, edited("  shop:\n", "  shopp:\n"), codes=None) == []


def test_a_doubled_code_is_refused_with_its_line():
    with pytest.raises(
        InputError, match=r"^mine\.yaml:13: 'farm' stands twice \(first on line 6\)$"
    ) as caught:
        lexicon_from_text(edited("  shop:\n", "  farm:\n"), "mine.yaml")
    assert caught.value.hint


def test_a_lexicon_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"none\.yaml: No such file") as caught:
        load_lexicon(tmp_path / "none.yaml")
    assert caught.value.hint


# --- the shipped file ------------------------------------------------------------------------------


def test_the_shipped_lexicon_can_be_read_and_knows_only_the_codebooks_codes():
    from classifier.codebook import load_codebook

    codes = set(load_codebook().columns)
    book = load_lexicon()
    assert {code for claimed in book.cues.values() for code in claimed} <= codes
    assert {code for claimed in book.not_cues.values() for code in claimed} <= codes
    assert book.speaks_of_setting("为贫困户报销药费")
    assert not book.speaks_of_setting("为职工报销药费")


# --- what a hostile file may cost ------------------------------------------------------------------


def of_entries(cues, not_cues=()):
    lists = {"cues": list(cues), "not_cues": list(not_cues)}
    return json.dumps({"name": "a", "version": "1", "codes": {"farm": lists}}, ensure_ascii=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(of_entries(["甲" * 51]), "'甲{20}…' is longer than 50 characters", id="a long cue"),
        pytest.param(
            of_entries(["ﷺ" * 10]), "is longer than 50 characters", id="a cue that grows when normalised"
        ),
        pytest.param(of_entries(["甲" * 1_000_000]), "is longer than 50 characters", id="a cue of megabytes"),
        pytest.param(
            of_entries("甲" * n for n in range(1, 10)),
            "'甲{9}' begins with more than 7 other entries",
            id="entries that begin one another: each costs time where the last is found",
        ),
        pytest.param(
            of_entries(["乙"], ["甲" * n for n in range(1, 10)]),
            "begins with more than 7 other entries",
            id="not-cues that begin one another",
        ),
        pytest.param(
            json.dumps({"codes": {}, "setting": [f"甲{n}" for n in range(MOST_WORDS + 1)]}),
            "201 words of the setting, more than 200",
            id="many words of a setting",
        ),
        pytest.param(
            json.dumps({"codes": {}, "setting": ["甲" * 51]}),
            "'甲{20}…' is longer than 50 characters",
            id="a long word of a setting",
        ),
        pytest.param(
            json.dumps({"codes": {}, "setting": ["甲" * n for n in range(1, 10)]}),
            "'甲{9}' begins with more than 7 other entries",
            id="words of a setting that begin one another",
        ),
        pytest.param(
            of_entries(map(str, range(MOST_ENTRIES + 1))),
            "100,001 entries, more than 100,000",
            id="many cues",
        ),
        pytest.param(
            json.dumps({"codes": {f"c{n}": {"cues": [f"甲{n}"]} for n in range(MOST_CODES + 1)}}),
            "1,001 codes, more than 1,000",
            id="many codes",
        ),
        pytest.param(
            json.dumps({"shared": {"甲": [f"c{n}" for n in range(MOST_CODES + 1)]}, "codes": {}}),
            "1,001 codes, more than 1,000",
            id="many codes that share a cue",
        ),
        pytest.param(
            json.dumps({"name": ["a"], "codes": {}}), "'name' is not a text", id="a name that is a list"
        ),
        pytest.param(
            json.dumps({"codes": {"farm": {"cues": [["甲"] * 900]}}}),
            r"is no text: \[",
            id="a list for a cue",
        ),
        pytest.param(
            of_entries(["甲\n\x1b[2J", "甲\n\x1b[2J"]), "stands twice for 'farm'", id="control characters"
        ),
    ],
)
def test_what_would_cost_too_much_is_refused_in_a_line(text, message):
    with pytest.raises(LexiconError, match=message) as caught:
        lexicon_from_text(text, "mine.yaml", None)
    assert str(caught.value).startswith("mine.yaml:")
    assert len(str(caught.value)) < 400
    assert not set(str(caught.value)) & set("\n\x1b")


def test_as_many_entries_and_as_long_ones_as_may_be_are_read():
    book = lexicon_from_text(
        of_entries(["甲" * 50, *("乙" * n for n in range(1, MOST_BEGIN + 1))]), "mine.yaml"
    )
    assert len(book.cues) == MOST_BEGIN + 1
    assert [hit.cue for hit in book.hits("甲" * 50 + "乙乙")] == ["甲" * 50, "乙乙"]


def test_checking_many_cues_against_many_not_cues_does_not_compare_each_with_each(tmp_path):
    # 20,000 by 20,000 comparisons, for each of them one by one, would take minutes
    cues = [f"{n:05}甲" for n in range(20_000)]
    found = findings(tmp_path, of_entries(cues, [f"{n:05}甲乙" for n in range(19_999)] + ["丙"]), codes=None)
    assert found == ["mine.yaml:1: error: dead: not-cue '丙' holds no cue of 'farm'"]
