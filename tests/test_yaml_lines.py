"""YAML with line numbers: places, what is refused, what has not the shape asked for."""

import pytest

from classifier.errors import InputError
from classifier.yaml_lines import NODE_LIMIT, SIZE_LIMIT, TEXT, TEXTS, YES_NO, load, misshapen, parse

TEXT_FILE = """\
# 注释
name: 村庄
codes:
  - code: clinic
    name: {zh: 看病,
           en: clinics}
  - code: road
    1: 一
"""


def shape_errors(text, shape):
    value, lines = parse(text, "mine.yaml")
    return [str(finding) for finding in misshapen(value, shape, lines)]


# --- places ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "line"),
    [
        pytest.param((), 1, id="the whole file"),
        pytest.param(("name",), 2, id="a key"),
        pytest.param(("codes",), 3, id="a key whose value begins on the next line"),
        pytest.param(("codes", 0), 4, id="a list item"),
        pytest.param(("codes", 0, "name", "en"), 6, id="a key of a mapping that spans lines"),
        pytest.param(("codes", 1, "code"), 7, id="a key of the second item"),
        pytest.param(("codes", 1, 1), 8, id="a key that YAML reads as a number"),
        pytest.param(("codes", 1, "name"), 7, id="a missing key: its mapping"),
        pytest.param(("codes", 1, "name", "zh"), 7, id="below a missing key: the mapping"),
        pytest.param(("codes", 9), 3, id="a missing item: the key of its list"),
        pytest.param(("schemes",), 1, id="a missing key at the top: the file"),
    ],
)
def test_a_place_is_the_line_of_the_node_or_of_what_should_hold_it(path, line):
    _, lines = parse(TEXT_FILE, "mine.yaml")
    assert lines.of(*path) == f"mine.yaml:{line}"


def test_the_text_is_kept_as_it_was():
    value, lines = parse(TEXT_FILE, "mine.yaml")
    assert lines.text == TEXT_FILE
    assert value["codes"][0]["name"] == {"zh": "看病", "en": "clinics"}


def test_an_empty_file_is_nothing_on_line_1():
    value, lines = parse("# 只有注释\n", "mine.yaml")
    assert value is None
    assert lines.of("codes", 0) == "mine.yaml:1"


# --- refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "a: 1\nb: 2\na: 3\n", r"mine\.yaml:3: 'a' stands twice \(first on line 1\)", id="doubled key"
        ),
        pytest.param(
            "{a: 1, a: 2}", r"mine\.yaml:1: 'a' stands twice \(first on line 1\)", id="doubled on one line"
        ),
        pytest.param(
            "x:\n  - {b: 1}\n  - b: 1\n    b: 2\n", r"mine\.yaml:4: 'b' stands twice", id="doubled deep down"
        ),
        pytest.param(
            "a: &x [1]\nb: *x\n", r"mine\.yaml:2: YAML aliases \(\*x\) are not accepted", id="alias"
        ),
        pytest.param(
            "a: 1\nb: c: d\n", r"mine\.yaml:2: mapping values are not allowed", id="colon in a text"
        ),
        pytest.param("a: 1\nb: [c\n", r"mine\.yaml:3: ", id="open bracket"),
        pytest.param("a: 1\n---\nb: 2\n", r"mine\.yaml:2: ", id="two documents"),
        pytest.param("a: \x07\n", r"mine\.yaml: not valid YAML", id="control character"),
        pytest.param(
            "a: !!python/object:os.system x", r"mine\.yaml:1: .*python/object", id="a Python object"
        ),
        pytest.param("a: !!python/name:os.system", r"mine\.yaml:1: .*python/name", id="a Python name"),
        pytest.param("? [a]\n: b", r"mine\.yaml:1: a key that is a list", id="a list as a key"),
        pytest.param("? [&a [x], *a]\n: b", r"mine\.yaml:1: YAML aliases", id="an alias inside a key"),
        pytest.param("a:\n  <<: {b: 1}", r"mine\.yaml:2: a tagged value \(.*merge", id="a merged mapping"),
        pytest.param("a: !!binary eA==", r"mine\.yaml:1: a tagged value \(.*binary", id="bytes"),
        pytest.param("a: !!set {b}", r"mine\.yaml:1: a tagged value \(.*set", id="a set"),
        pytest.param(
            "a: 1" + ":1" * 1000, r"mine\.yaml:1: .* number", id="a number to the base of 60: once an hour"
        ),
        pytest.param("a: 0x" + "f" * 5000, r"mine\.yaml:1: .* number", id="a number that cannot be shown"),
        pytest.param('{"a": ' + "7" * 101 + "}", r"mine\.yaml:1: .* number", id="a long number in JSON"),
        pytest.param('{"a": "\\ud800"}', r"mine\.yaml:1: ", id="half a surrogate pair in JSON"),
        pytest.param(r'a: "\ud800"', r"mine\.yaml:1: (half|found invalid)", id="half a pair, escaped"),
        pytest.param('{"a": 1,\n"a": 2}', r"mine\.yaml:2: 'a' stands twice", id="doubled key in JSON"),
        pytest.param(
            "a: " + "长" * SIZE_LIMIT, r"mine\.yaml: more than 8,000,000 characters", id="a text too long"
        ),
        pytest.param("a: \udcff", r"mine\.yaml: half a surrogate pair at 3", id="half a surrogate pair"),
        pytest.param("[" * 60 + "]" * 60, r"mine\.yaml:1: nested too deeply", id="nested sixty deep"),
        pytest.param(
            '{"a": ' + "[" * 60 + "]" * 60 + "}", r"mine\.yaml:1: nested too", id="JSON nested sixty deep"
        ),
        pytest.param(
            "- a\n" * (NODE_LIMIT + 1),
            rf"mine\.yaml:{NODE_LIMIT}: more than 400,000 values",
            id="many values",
        ),
        pytest.param(
            "{a: [" + "1," * NODE_LIMIT + "]}",
            r"mine\.yaml:1: more than 400,000 values",
            id="many on one line",
        ),
        pytest.param("a: 2021-13-45", r"mine\.yaml:1: a date, number or tagged value", id="no such date"),
        pytest.param(
            "a: " + "1" * 5000, r"mine\.yaml:1: a date, number or tagged value", id="too long a number"
        ),
        pytest.param("a: !!int x", r"mine\.yaml:1: a date, number or tagged value", id="tagged otherwise"),
        pytest.param("[" * 100_000, r"mine\.yaml:1: nested too deeply", id="nested brackets"),
        pytest.param("- " * 100_000, r"mine\.yaml:1: nested too deeply", id="nested lists: once a crash"),
    ],
)
def test_what_is_no_plain_yaml_is_refused_in_one_line(text, message):
    with pytest.raises(InputError, match=f"^{message}") as caught:
        parse(text, "mine.yaml")
    assert "\n" not in str(caught.value) + caught.value.hint
    assert caught.value.hint


def test_the_same_key_in_two_mappings_is_accepted():
    assert parse("- {a: 1}\n- {a: 1}\n", "mine.yaml")[0] == [{"a": 1}, {"a": 1}]


# --- files -----------------------------------------------------------------------------------------


def test_a_file_is_read_with_or_without_bom_and_named_without_its_folder(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_bytes("name: 村庄\n".encode("utf-8-sig"))
    value, lines = load(path)
    assert value == {"name": "村庄"}
    assert lines.of("name") == "mine.yaml:1"


def test_a_file_that_is_not_utf_8_is_refused_with_the_byte(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"name: " + "村庄".encode("gb18030"))
    with pytest.raises(InputError, match=r"mine\.yaml: not UTF-8 at byte 6$") as caught:
        load(path)
    assert "UTF-8" in caught.value.hint


def test_a_file_that_is_too_large_is_refused_unread(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"#" * (SIZE_LIMIT + 1))
    with pytest.raises(
        InputError, match=r"mine\.yaml: 8,000,001 bytes, over the limit of 8,000,000$"
    ) as caught:
        load(path)
    assert caught.value.hint


@pytest.mark.parametrize(("name", "message"), [("none.yaml", "No such file"), (".", "no regular file")])
def test_a_path_that_is_no_file_is_refused(name, message, tmp_path):
    with pytest.raises(InputError, match=message) as caught:
        load(tmp_path / name)
    assert caught.value.hint


# --- shapes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        pytest.param("a: 村", {"a": TEXT}, id="a text"),
        pytest.param("a: 3", {"a": TEXT}, id="a number serves as text"),
        pytest.param("a: 2021-03-05", {"a": TEXT}, id="a date serves as text"),
        pytest.param("a: 村", {"a": TEXTS}, id="one text for every language"),
        pytest.param("a: {zh: 村, en: }", {"a": TEXTS}, id="texts by language"),
        pytest.param("a: yes", {"a": YES_NO}, id="a truth value"),
        pytest.param("a: []", {"a": [TEXT]}, id="an empty list"),
        pytest.param("a:", {"a": [TEXT]}, id="null is absent"),
        pytest.param("b: [1]", {"a": TEXT}, id="keys beside the shape may hold anything"),
        pytest.param("a: {}", {"a": {"b": TEXT}}, id="an absent key"),
    ],
)
def test_what_has_the_shape_passes(text, shape):
    assert shape_errors(text, shape) == []


@pytest.mark.parametrize(
    ("text", "shape", "errors"),
    [
        pytest.param("a: [村]", {"a": TEXT}, ["1: error: 'a' is not a text: ['村']"], id="list for text"),
        pytest.param("a: yes", {"a": TEXT}, ["1: error: 'a' is not a text: True"], id="truth value for text"),
        pytest.param(
            "a: 'yes'",
            {"a": YES_NO},
            ["1: error: 'a' is not true or false: 'yes'"],
            id="text for truth value",
        ),
        pytest.param(
            "a: 1", {"a": YES_NO}, ["1: error: 'a' is not true or false: 1"], id="number for truth value"
        ),
        pytest.param(
            "a: {zh: [村]}",
            {"a": TEXTS},
            ["1: error: 'a' is not a text or texts by language: {'zh': ['村']}"],
            id="list by language",
        ),
        pytest.param("a: 村", {"a": [TEXT]}, ["1: error: 'a' is not a list: '村'"], id="text for list"),
        pytest.param(
            "a: {b: c}", {"a": [TEXT]}, ["1: error: 'a' is not a list: {'b': 'c'}"], id="mapping for list"
        ),
        pytest.param(
            "a: [b]", {"a": {"b": TEXT}}, ["1: error: 'a' is not a mapping: ['b']"], id="list for mapping"
        ),
        pytest.param(
            "a:\n  - b\n  -\n", {"a": [TEXT]}, ["3: error: 'a' is not a text: None"], id="null in a list"
        ),
        pytest.param(
            "a:\n  - {b: 1}\n  - {c: 1}\n", {"a": [{"b!": TEXT}]}, ["3: error: 'b' is missing"], id="missing"
        ),
        pytest.param(
            "a: {b: }", {"a": {"b!": TEXT}}, ["1: error: 'b' is missing"], id="null where something must be"
        ),
        pytest.param(
            "a: [1]\nb: x\n",
            {"a": TEXT, "b": [TEXT]},
            ["1: error: 'a' is not a text: [1]", "2: error: 'b' is not a list: 'x'"],
            id="every fault",
        ),
    ],
)
def test_what_has_another_shape_is_an_error_at_its_line(text, shape, errors):
    assert shape_errors(text, shape) == [f"mine.yaml:{error}" for error in errors]
