"""The codebook: the shipped file, users' own files, every fault with its line, schemes as views."""

import copy
import dataclasses
import json

import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier import shipped
from classifier.codebook import check_codebook, codebook_from_text, load_codebook
from classifier.codebook_checks import LONGEST_NAME, MOST_CODES, OUTPUT_COLUMNS
from classifier.errors import CodebookError, FupinError, InputError

fixed = settings(derandomize=True, deadline=None)

# fmt: off
CODES = [
    "industry", "ecommerce", "tourism", "assets", "finance", "employment", "relocation", "housing", "ecology",
    "education", "health", "welfare", "transport", "infrastructure", "public_safety", "party_building",
    "village_cadres", "social_aid", "motivation", "targeting", "tailoring", "exit", "funds", "accountability",
]
SCHEMES = [
    "wuge-yipi", "wuge-yipi-suining", "topics", "zhalaite-eight", "zhalaite-mechanisms", "zhalaite-four-plus",
    "xingan-carts-nets", "xingan-mechanisms", "suining-results", "six-precisions", "four-questions",
    "three-guarantees",
]
# fmt: on

SMALLEST = """\
name: thucnews
version: "1"
exclusive: true
codes:
  - {code: sport, name: {zh: 体育, en: sport}, definition: 体育新闻}
  - {code: stock, name: {zh: 股票, en: stocks}, definition: 股票新闻}
"""

WHOLE = """\
name: village
version: 2
title: {zh: 村庄手册, en: Village codebook}
groups:
  - {group: services, name: 服务}
rules:
  - {rule: 1, text: {zh: 认措施, en: measures only}}
codes:
  - code: clinic
    name: {zh: 看病, en: clinics}
    group: services
    definition: 看病就医的措施
    includes: [签约医生, 卫生室]
    excludes:
      - {what: 修路, use: road}
      - {what: 患病人数, use: null}
    examples:
      - {text: 签约医生上门送药。, codes: [clinic]}
    counter_examples:
      - {text: 修好了去卫生院的路。, codes: [road], why: 路是目的}
  - code: road
    name: 修路
schemes:
  - scheme: kinds
    name: {zh: 两类, en: Two kinds}
    source: 测试用
    shared: [road]
    categories:
      - {category: 人, codes: [clinic, road]}
      - {category: 物, codes: [road]}
sub_measures:
  - code: clinic
    name: {zh: 签约, en: Contracts}
    items:
      - {item: 慢病签约, cues: [慢病签约, 签约医生]}
"""


def edited(old, new, text=WHOLE):
    """Return a codebook with one place changed; the place must be there once."""
    assert text.count(old) == 1
    return text.replace(old, new)


def line_of(text, part):
    return text[: text.index(part)].count("\n") + 1


def findings(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return check_codebook(path)


def refusal(text):
    """Return the message with which a codebook is refused: one line, with a hint."""
    with pytest.raises(CodebookError, match=r"^mine\.yaml:\d+: .") as caught:
        codebook_from_text(text, "mine.yaml")
    message = str(caught.value)
    assert "\n" not in message + caught.value.hint
    assert caught.value.hint == "`fupin codebook check FILE` lists every fault"
    return message


# --- the shipped codebook --------------------------------------------------------------------------


def test_the_shipped_codebook_has_the_24_codes_in_the_manuals_order():
    assert list(load_codebook().columns) == CODES


def test_the_shipped_codebook_has_the_twelve_schemes_in_the_manuals_order():
    assert list(load_codebook().schemes) == SCHEMES


def test_the_shipped_codebook_has_no_fault_and_no_warning():
    assert check_codebook(shipped.CODEBOOK) == []


def test_each_shipped_code_is_defined_and_illustrated_in_full():
    for code in load_codebook().codes:
        assert set(code.name) == set(code.definition) == {"zh", "en"}, code.code
        assert code.includes, code.code
        assert code.excludes, code.code
        assert len(code.examples) >= 2, code.code
        assert len(code.counter_examples) >= 2, code.code


def test_no_shipped_example_stands_twice():
    texts = [e.text for code in load_codebook().codes for e in (*code.examples, *code.counter_examples)]
    assert len(set(texts)) == len(texts)


def test_each_shipped_scheme_names_its_source_and_has_categories_with_codes():
    for scheme in load_codebook().schemes.values():
        assert set(scheme.name) == {"zh", "en"}, scheme.scheme
        assert scheme.source, scheme.scheme
        assert all(codes for codes in scheme.categories.values()), scheme.scheme


@pytest.mark.parametrize(
    ("scheme", "category", "codes"),
    [
        ("wuge-yipi", "社会保障兜底一批", "welfare health"),
        ("wuge-yipi-suining", "医疗救助扶持一批", "health"),
        ("topics", "党建扶贫", "party_building"),
        ("zhalaite-eight", "生态扶贫", "ecology tourism"),
        ("zhalaite-mechanisms", "扶贫工作组织领导", "village_cadres accountability"),
        ("zhalaite-four-plus", "扶贫项目不断加力", "industry transport public_safety"),
        ("xingan-carts-nets", "危房改造", "housing relocation"),
        ("xingan-mechanisms", "扶贫资产管理监督", "assets funds"),
        ("suining-results", "教育扶智", "education employment"),
        ("six-precisions", "脱贫成效精准", "exit accountability"),
        ("four-questions", "谁来扶", "village_cadres social_aid accountability"),
        ("four-questions", "怎么扶", " ".join(CODES[:15]) + " tailoring motivation"),
        ("three-guarantees", "住房安全", "housing relocation"),
    ],
)
def test_a_category_of_each_shipped_scheme_is_the_manuals(scheme, category, codes):
    assert set(load_codebook().scheme(scheme).categories[category]) == set(codes.split())


def test_six_precisions_shares_one_code_and_no_other_scheme_shares_any():
    shared = {
        scheme.scheme: {
            code for code in CODES if sum(code in codes for codes in scheme.categories.values()) > 1
        }
        for scheme in load_codebook().schemes.values()
    }
    assert {name: codes for name, codes in shared.items() if codes} == {"six-precisions": {"tailoring"}}


def test_shipped_sub_measures_are_the_three_batches_and_the_six_layers_of_health():
    measures = load_codebook().sub_measures
    assert {m.code for m in measures} == {"health"}
    by_group = pd.Series([m.group["zh"] for m in measures]).value_counts().to_dict()
    assert by_group == {"健康扶贫“三个一批”": 3, "“六重”保障": 6}


# --- views and look-ups ----------------------------------------------------------------------------


@fixed
@given(st.data(), st.sampled_from(SCHEMES))
def test_roll_up_is_the_union_of_each_categorys_codes(data, scheme):
    book = load_codebook()
    given_codes = data.draw(st.lists(st.sets(st.sampled_from(CODES)), max_size=4))
    rows = [[code in chosen for code in CODES] for chosen in given_codes]
    labels = pd.DataFrame(rows, index=[f"s{n}" for n in range(len(rows))], columns=CODES, dtype=bool)
    view = book.roll_up(labels, scheme)
    assert list(view.columns) == list(book.scheme(scheme).categories)
    assert list(view.index) == list(labels.index)
    assert view.to_numpy().dtype == bool
    for row, chosen in zip(view.itertuples(index=False), given_codes, strict=True):
        members = book.scheme(scheme).categories.values()
        assert list(row) == [bool(chosen & set(codes)) for codes in members]


def test_roll_up_leaves_the_labels_as_they_were():
    labels = pd.DataFrame(True, index=[0], columns=CODES)
    before = labels.copy()
    load_codebook().roll_up(labels, "topics")
    pd.testing.assert_frame_equal(labels, before)


def test_codes_are_joined_in_the_codebooks_order_whatever_theirs():
    assert load_codebook().join(["funds", "health", "industry"]) == "industry;health;funds"
    assert load_codebook().join([]) == ""


def test_sub_measures_are_found_by_cue_and_only_under_their_code():
    book = codebook_from_text(WHOLE, "mine.yaml")
    assert [m.item for m in book.sub_measures_in("签约医生上门。", ["clinic"])] == ["慢病签约"]
    assert book.sub_measures_in("签约医生上门。", ["road"]) == []
    assert book.sub_measures_in("上门送药。", ["clinic"]) == []


@pytest.mark.parametrize(
    ("look_up", "missing", "known"),
    [
        ("code", "no code 'sports'", "codes: sport, stock"),
        ("scheme", "no scheme 'sports'", "schemes: none"),
    ],
    ids=["code", "scheme"],
)
def test_an_unknown_name_is_refused_with_the_known_ones(look_up, missing, known):
    book = codebook_from_text(SMALLEST, "mine.yaml")
    with pytest.raises(CodebookError, match=f"^thucnews: {missing}$") as caught:
        getattr(book, look_up)("sports")
    assert caught.value.hint == known


def test_an_unknown_scheme_is_refused_with_all_that_there_are():
    text = edited("sub_measures:", "  - {scheme: fields, categories: []}\nsub_measures:")
    with pytest.raises(CodebookError, match=r"^village: no scheme 'sports'$") as caught:
        codebook_from_text(text, "mine.yaml").scheme("sports")
    assert caught.value.hint == "schemes: kinds, fields"


# --- a codebook of one's own -----------------------------------------------------------------------


def test_the_smallest_legal_codebook_needs_no_scheme_and_warns_of_none(tmp_path):
    assert findings(tmp_path, SMALLEST) == []
    book = load_codebook(tmp_path / "mine.yaml")
    assert (book.name, book.version, book.exclusive) == ("thucnews", "1", True)
    assert book.columns == ("sport", "stock")
    assert book.code("stock").name == {"zh": "股票", "en": "stocks"}
    assert book.code("stock").definition == {"zh": "股票新闻", "en": "股票新闻"}
    assert book.schemes == {}
    assert book.text == SMALLEST


def test_a_codebook_is_multi_label_unless_it_says_exclusive():
    assert codebook_from_text(edited("exclusive: true\n", "", SMALLEST), "mine.yaml").exclusive is False


def test_everything_in_a_codebook_file_is_read():
    book = codebook_from_text(WHOLE, "mine.yaml")
    clinic, road = book.codes
    assert book.version == "2"
    assert book.title["en"] == "Village codebook"
    assert book.groups == {"services": {"zh": "服务", "en": "服务"}}
    assert book.rules[0]["rule"] == 1
    assert clinic.group == "services"
    assert clinic.includes == ("签约医生", "卫生室")
    assert clinic.excludes == (("修路", "road"), ("患病人数", None))
    assert [(e.text, e.codes, e.why) for e in clinic.examples] == [("签约医生上门送药。", ("clinic",), "")]
    assert [(e.text, e.codes, e.why) for e in clinic.counter_examples] == [
        ("修好了去卫生院的路。", ("road",), "路是目的")
    ]
    assert road.name == {"zh": "修路", "en": "修路"}
    assert (road.group, road.definition, road.examples) == ("", {}, ())
    kinds = book.scheme("kinds")
    assert (kinds.scheme, kinds.name, kinds.source) == ("kinds", {"zh": "两类", "en": "Two kinds"}, "测试用")
    assert book.scheme("kinds").categories == {"人": ("clinic", "road"), "物": ("road",)}
    assert [(m.code, m.group, m.item, m.cues) for m in book.sub_measures] == [
        ("clinic", {"zh": "签约", "en": "Contracts"}, "慢病签约", ("慢病签约", "签约医生"))
    ]
    assert codebook_from_text(f"unit: {{zh: 句, en: sentence}}\n{WHOLE}", "mine.yaml").unit["zh"] == "句"


def test_what_a_codebook_leaves_out_is_empty():
    text = edited("    name: {zh: 两类, en: Two kinds}\n    source: 测试用\n", "")
    book = codebook_from_text(edited("title: {zh: 村庄手册, en: Village codebook}\n", "", text), "mine.yaml")
    kinds = book.scheme("kinds")
    assert (kinds.name, kinds.source) == ({"zh": "kinds", "en": "kinds"}, "")
    assert (book.title, book.unit, book.exclusive) == ({}, {}, False)


def test_an_empty_text_is_none_in_any_language():
    text = edited("name: 修路", 'name: {zh: "", en: roads}\n    definition: ""')
    road = codebook_from_text(text, "mine.yaml").code("road")
    assert (road.name, road.definition) == ({"en": "roads"}, {})


def test_a_codebook_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError, match="version"):
        load_codebook().version = "2"


def test_codes_may_be_numbers_nought_included():
    book = codebook_from_text(
        "name: n\nversion: 1\ncodes:\n"
        "  - {code: 0, name: 无, examples: [{text: 没有措施。, codes: [0]}]}\n"
        "  - {code: 1, name: 有, excludes: [{what: 没有, use: 0}]}\n"
        "schemes:\n  - {scheme: s, categories: [{category: 全部, codes: [0, 1]}]}\n",
        "mine.yaml",
    )
    assert book.columns == ("0", "1")
    assert book.code("1").excludes == (("没有", "0"),)
    assert list(book.roll_up(pd.DataFrame({"0": [True], "1": [False]}), "s")["全部"]) == [True]


# --- faults ----------------------------------------------------------------------------------------

STOCKS = "{zh: 股票, en: stocks}"


def smallest(old, new):
    return edited(old, new, SMALLEST)


def named(code):
    """Return the smallest codebook with its second code named otherwise (line 6)."""
    return smallest("code: stock", f'code: "{code}"')


# What is wrong → the file, the line of the fault, how the message begins
FAULTS = {
    "unknown: use": (edited("use: road", "use: raod"), 15, "unknown code 'raod'"),
    "unknown: example": (edited("药。, codes: [", "药。, codes: [raod, "), 18, "unknown code 'raod'"),
    "unknown: counter-example": (
        edited("的路。, codes: [road]", "的路。, codes: [raod]"),
        20,
        "unknown code 'raod'",
    ),
    "unknown: category": (edited("[clinic, road]", "[clinic, raod]"), 29, "unknown code 'raod'"),
    "unknown: shared": (edited("shared: [road]", "shared: [road, raod]"), 27, "unknown code 'raod'"),
    "unknown: sub-measure": (
        edited("clinic\n    name: {zh: 签", "clinik\n    name: {zh: 签"),
        32,
        "unknown code 'clinik'",
    ),
    "doubled code": (
        SMALLEST + "  - {code: sport, name: 体育}\n",
        7,
        "code 'sport' stands twice (first as number 1)",
    ),
    "no name": (smallest(f"name: {STOCKS}, ", ""), 6, "code 'stock' has no name"),
    "null name": (smallest(STOCKS, ""), 6, "code 'stock' has no name"),
    "null name in each language": (smallest(STOCKS, "{zh: , en: }"), 6, "code 'stock' has no name"),
    "empty name": (smallest(STOCKS, '""'), 6, "code 'stock' has no name"),
    "no identifier": (smallest("code: stock, ", ""), 6, "a code without an identifier"),
    "semicolon": (named("a;b"), 6, "code 'a;b' begins with one of = + - @ or holds"),
    "space": (named("a b"), 6, "code 'a b' begins with one of = + - @ or holds"),
    "tab": (named("a\\tb"), 6, "code 'a�b' begins with one of = + - @ or holds"),
    "ideographic space": (named("a\u3000b"), 6, "code 'a\u3000b' begins with one of"),
    "prefix of a clash": (named("in_stock"), 6, "code 'in_stock' is named like an output column"),
    **{
        f"leading character {ord(mark):x}": (named(f"{mark}x"), 6, f"code '{mark}x' begins with one of")
        for mark in "=+-@＝＋－＠"
    },
    **{
        f"output column {column}": (named(column), 6, f"code '{column}' is named like an output column")
        for column in OUTPUT_COLUMNS
    },
    "in two categories": (
        edited("shared: [road]", "shared: []"),
        30,
        "code 'road' is in two categories of 'kinds'",
    ),
    "doubled category": (edited("category: 物", "category: 人"), 30, "category '人' stands twice"),
    "nameless category": (edited("category: 物, ", ""), 30, "a category without a name"),
    "nameless scheme": (edited("scheme: kinds", "scheme:"), 24, "a scheme without a name"),
    "doubled scheme": (
        edited("sub_measures:", "  - {scheme: kinds, categories: []}\nsub_measures:"),
        31,
        "scheme 'kinds' stands twice",
    ),
    "example of another code": (
        edited("药。, codes: [clinic]", "药。, codes: [road]"),
        18,
        "an item of examples does not carry 'clinic'",
    ),
    "counter-example of its own code": (
        edited("的路。, codes: [road]", "的路。, codes: [clinic]"),
        20,
        "an item of counter_examples carries 'clinic'",
    ),
    "category with a semicolon": (
        edited("category: 物", "category: 物;件"),
        30,
        "category '物;件' holds ';', which joins categories",
    ),
    "long category": (
        edited("category: 物", f"category: {'物' * 101}"),
        30,
        f"'{'物' * 20}…' is longer than 100",
    ),
    "long scheme": (edited("scheme: kinds", f"scheme: {'k' * 101}"), 24, f"'{'k' * 20}…' is longer than 100"),
    # Where a part has many lines, the fault is at that of the key
    "on its own line: code": (
        f"{SMALLEST}  - name: 体育\n    code: a b\n",
        8,
        "code 'a b' begins with one of",
    ),
    "on its own line: use": (
        edited("{what: 修路, use: road}", "what: 修路\n        use: raod"),
        16,
        "unknown code 'raod'",
    ),
    "on its own line: codes of an example": (
        edited("{text: 签约医生上门送药。, codes: [clinic]}", "text: 签约。\n        codes: [clinic, raod]"),
        19,
        "unknown code 'raod'",
    ),
    "on its own line: codes of a category": (
        edited("{category: 物, codes: [road]}", "category: 物\n        codes: [raod]"),
        31,
        "unknown code 'raod'",
    ),
    "on its own line: code of a sub-measure": (
        edited("  - code: clinic\n    name: {zh: 签约, en: Contracts}", "  - name: 签约\n    code: clinik"),
        33,
        "unknown code 'clinik'",
    ),
    "one code too many": (
        "name: n\nversion: 1\ncodes:\n" + "".join(f"  - {{code: c{n}, name: 甲}}\n" for n in range(1_002)),
        1_004,  # that of the first over the limit
        "more than 1,000 codes",
    ),
    "empty codebook name": (smallest("name: thucnews", 'name: ""'), 1, "'name' is missing"),
    "codebook without name": (smallest("name: thucnews\n", ""), 1, "'name' is missing"),
    "codebook without version": (smallest('version: "1"\n', ""), 1, "'version' is missing"),
    "codebook without codes": ("name: n\nversion: 1\n", 1, "'codes' is missing"),
    "codebook with no code": ("name: n\nversion: 1\ncodes: []\n", 1, "'codes' is missing"),
}


@pytest.mark.parametrize(("text", "line", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_found_at_its_line_and_the_file_refused(text, line, message, tmp_path):
    errors = [f for f in findings(tmp_path, text) if f.level == "error"]
    assert [f.place for f in errors] == [f"mine.yaml:{line}"]
    assert errors[0].message.startswith(message)
    assert refusal(text).startswith(f"mine.yaml:{line}: {message}")


def test_check_lists_every_fault_and_loading_names_the_first_and_how_many_more(tmp_path):
    text = WHOLE.replace("use: road", "use: raod").replace("category: 物", "category: 人")
    assert [f.place for f in findings(tmp_path, text)] == ["mine.yaml:15", "mine.yaml:30"]
    assert refusal(text) == "mine.yaml:15: unknown code 'raod' (and 1 more)"


def test_a_code_in_no_scheme_is_a_warning_where_there_are_schemes(tmp_path):
    text = edited("schemes:\n", "  - {code: well, name: 打井}\nschemes:\n")
    assert [str(f) for f in findings(tmp_path, text)] == [
        f"mine.yaml:{line_of(text, 'code: well')}: warning: code 'well' is in no scheme"
    ]
    assert "well" in load_codebook(tmp_path / "mine.yaml").columns


INCLUDES, EXCLUDE = "[签约医生, 卫生室]", "{what: 修路, use: road}"

# What is misshapen → what was there, what is there now, its line, the message
MISSHAPEN = {
    "includes: a text": (INCLUDES, "签约医生", 13, "'includes' is not a list: '签约医生'"),
    "includes: a mapping in it": (INCLUDES, "[{a: b}]", 13, "'includes' is not a text: {'a': 'b'}"),
    "excludes: a text in it": (EXCLUDE, "修路", 15, "'excludes' is not a mapping: '修路'"),
    "excludes: without what": (EXCLUDE, "{use: road}", 15, "'what' is missing"),
    "excludes: use is a list": ("use: road", "use: [road]", 15, "'use' is not a text: ['road']"),
    "example: codes are a text": (
        "药。, codes: [clinic]",
        "药。, codes: a",
        18,
        "'codes' is not a list: 'a'",
    ),
    "example: without text": ("{text: 签约医生上门送药。, ", "{", 18, "'text' is missing"),
    "code: a truth value": ("code: road", "code: no", 21, "'code' is not a text: False"),
    "code: a mapping": ("code: road", "code: {a: b}", 21, "'code' is not a text: {'a': 'b'}"),
    "name: a list": ("name: 修路", "name: [a]", 22, "'name' is not a text or texts by language: ['a']"),
    "version: a list": ("version: 2", "version: [2]", 2, "'version' is not a text: [2]"),
    "exclusive: a text": ("title:", "exclusive: 是\ntitle:", 3, "'exclusive' is not true or false: '是'"),
    "shared: a text": ("shared: [road]", "shared: road", 27, "'shared' is not a list: 'road'"),
    "category: codes are a text": ("[clinic, road]", "clinic", 29, "'codes' is not a list: 'clinic'"),
    "category: without codes": ("{category: 物, codes: [road]}", "{category: 物}", 30, "'codes' is missing"),
    "scheme: without categories": ("    categories:", "    category:", 24, "'categories' is missing"),
    "sub-measure: without cues": ("cues: [", "cue: [", 35, "'cues' is missing"),
    "group: without name": ("services, name: 服务", "services", 5, "'name' is missing"),
    "rules: a text in it": ("- {rule: 1, ", "- 一\n  - {rule: 1, ", 7, "'rules' is not a mapping: '一'"),
}


@pytest.mark.parametrize(("old", "new", "line", "message"), MISSHAPEN.values(), ids=MISSHAPEN)
def test_a_part_of_the_wrong_shape_is_an_error_with_its_line(old, new, line, message):
    assert refusal(edited(old, new)) == f"mine.yaml:{line}: {message}"


@pytest.mark.parametrize(
    "text",
    ["", "sport", "[sport, stock]", "3"],
    ids=["empty file", "a word", "a list", "a number"],
)
def test_a_file_that_is_no_mapping_is_no_codebook(text):
    assert refusal(text) == "mine.yaml:1: a codebook is a mapping with 'name', 'version' and 'codes'"


def test_a_long_value_does_not_flood_the_message():
    assert len(refusal(edited("[签约医生, 卫生室]", "签" * 5000))) < 150


# Anything that YAML can put where something else belongs
JUNK = st.sampled_from(
    [None, "", "x", 0, 3, 2.5, True, False, [], [[]], [None], ["x"], [3], {}, {"a": "b"}, {"zh": None}]
)


def places(value, path=()):
    """Return the path of every part of a parsed file."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(inner for step, part in parts for inner in places(part, (*path, step)))]


def set_at(value, path, new):
    if not path:
        return new
    value[path[0]] = set_at(value[path[0]], path[1:], new)
    return value


def without(value, path):
    holder = value
    for step in path[:-1]:
        holder = holder[step]
    del holder[path[-1]]
    return value


PARSED = yaml.safe_load(WHOLE)
PLACES = places(PARSED)
KEYS = st.sampled_from(sorted({step for path in PLACES for step in path if isinstance(step, str)}))


def is_refused_or_usable(value):
    """Check that a codebook either is refused with a line or does all that a codebook does."""
    text = json.dumps(value)  # JSON is YAML too, and never writes an alias
    try:
        book = codebook_from_text(text, "mine.yaml")
    except CodebookError:
        refusal(text)
        return
    labels = pd.DataFrame(True, index=[0, 1], columns=book.columns)
    for scheme in book.schemes:
        assert book.roll_up(labels, scheme).shape == (2, len(book.scheme(scheme).categories))
    assert book.join(book.columns) == ";".join(book.columns)
    assert all(code.name for code in book.codes)
    book.sub_measures_in("签约医生上门。", book.columns)


@pytest.mark.parametrize("path", PLACES[1:], ids=lambda path: ".".join(map(str, path)))
def test_a_codebook_with_any_one_part_missing_is_refused_or_usable(path):
    is_refused_or_usable(without(copy.deepcopy(PARSED), path))


@settings(fixed, max_examples=400)
@given(st.sampled_from(PLACES), JUNK)
def test_a_codebook_with_any_one_part_replaced_by_junk_is_refused_or_usable(path, junk):
    is_refused_or_usable(set_at(copy.deepcopy(PARSED), path, junk))


@fixed
@given(
    st.dictionaries(
        KEYS, st.recursive(JUNK, lambda part: st.lists(part) | st.dictionaries(KEYS, part), max_leaves=5)
    )
)
def test_junk_from_top_to_bottom_is_refused_or_usable(value):
    is_refused_or_usable({"name": "n", "version": 1, "codes": [{"code": "road", "name": "路"}], **value})


# --- files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "name: a\nname: b\n", r"mine\.yaml:2: 'name' stands twice \(first on line 1\)", id="doubled key"
        ),
        pytest.param("name: a: b\n", r"mine\.yaml:1: ", id="no YAML"),
        pytest.param(
            "name: !!python/object:os.system ls\n", r"mine\.yaml:1: .*python/object", id="Python object"
        ),
    ],
)
def test_a_file_that_is_no_plain_yaml_is_refused_with_its_line(text, message, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    for read in (load_codebook, check_codebook):
        with pytest.raises(InputError, match=f"^{message}") as caught:
            read(path)
        assert caught.value.hint


def test_a_codebook_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(FupinError, match=r"none\.yaml: No such file") as caught:
        load_codebook(tmp_path / "none.yaml")
    assert caught.value.hint


# --- what a hostile file may cost ------------------------------------------------------------------


def of_codes(count, **more):
    codes = [{"code": f"c{n}", "name": "甲"} for n in range(count)]
    return json.dumps({"name": "a", "version": "1", "codes": codes, **more}, ensure_ascii=False)


SCHEME = {"scheme": "s", "categories": [{"category": "甲", "codes": ["c0"]}]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(of_codes(MOST_CODES + 1), "more than 1,000 codes", id="many codes"),
        pytest.param(of_codes(1, schemes=[SCHEME] * 201), "more than 200 schemes", id="many schemes"),
        pytest.param(
            of_codes(1).replace('"c0"', '"' + "c" * 101 + '"'),
            r"'c{20}…' is longer than 100",
            id="a long code",
        ),
        pytest.param(
            of_codes(1, schemes=[{**SCHEME, "scheme": "s" * 101}]), "is longer than 100", id="a long scheme"
        ),
        pytest.param(
            of_codes(1, schemes=[{"scheme": "s", "categories": [{"category": "甲" * 101, "codes": ["c0"]}]}]),
            "is longer than 100",
            id="a long category",
        ),
        pytest.param(
            of_codes(1, title={"zh": "甲" * 20_001}),
            "'title' is longer than 20,000 characters",
            id="a long text",
        ),
        pytest.param(
            of_codes(1, schemes=[{"scheme": "s", "categories": [{"category": "甲", "codes": ["x" * 9999]}]}]),
            "unknown code 'xxx",
            id="a long unknown code",
        ),
        pytest.param(
            of_codes(
                1, schemes=[{"scheme": "s", "categories": [{"category": "甲", "codes": ["\n\x1b[2J"]}]}]
            ),
            "unknown code '\ufffd",
            id="an unknown code of control characters",
        ),
    ],
)
def test_what_would_cost_too_much_is_refused_in_a_line(text, message):
    with pytest.raises(CodebookError, match=message) as caught:
        codebook_from_text(text, "mine.yaml")
    assert str(caught.value).startswith("mine.yaml:1: ")
    assert len(str(caught.value)) < 400
    assert not set(str(caught.value)) & set("\n\x1b")


def test_names_may_be_as_long_as_the_limit():
    code, scheme, category = "c" * LONGEST_NAME, "s" * LONGEST_NAME, "甲" * LONGEST_NAME
    schemes = [{"scheme": scheme, "categories": [{"category": category, "codes": [code]}]}]
    book = codebook_from_text(of_codes(1, schemes=schemes).replace('"c0"', f'"{code}"'), "mine.yaml")
    assert book.scheme(scheme).categories == {category: (code,)}


def test_as_many_codes_as_may_be_are_read():
    assert len(codebook_from_text(of_codes(MOST_CODES), "mine.yaml").columns) == MOST_CODES


def test_a_thousand_faults_are_each_found_at_their_line(tmp_path):
    # the line of the last is found without going through all before it again
    lines = "\n".join(f"  - {{code: c{n}, name: 甲, group: [x]}}" for n in range(900))
    found = findings(tmp_path, f'name: a\nversion: "1"\ncodes:\n{lines}\n')
    assert [finding.place for finding in found] == [f"mine.yaml:{n + 4}" for n in range(900)]
