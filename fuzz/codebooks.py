"""YAML text → codebook: refused with a line and a hint, or a codebook that holds what it promises."""

from __future__ import annotations

from classifier.codebook import Codebook, codebook_from_text
from classifier.codebook_checks import LONGEST_NAME, OUTPUT_COLUMNS, findings_in
from classifier.errors import FupinError
from classifier.yaml_lines import parse
from fuzz.refusals import see_refusal

TOKENS = (
    *(
        "name: ",
        "version: ",
        "codes:",
        "code: ",
        "definition: ",
        "schemes:",
        "scheme: ",
        "categories:",
        "category: ",
    ),
    *(
        "exclusive: ",
        "true",
        "false",
        "null",
        "~",
        "zh: ",
        "en: ",
        "group",
        "rules:",
        "examples:",
        "counter_examples:",
    ),
    *(
        "text: ",
        "why: ",
        "includes:",
        "excludes:",
        "what: ",
        "use: ",
        "shared: ",
        "sub_measures:",
        "items:",
        "item: ",
    ),
    *(
        "cues: ",
        "- ",
        "  - ",
        "{",
        "}",
        "[",
        "]",
        "&a ",
        "*a",
        "!!int ",
        "!!set ",
        "<<: ",
        "? ",
        "2001-01-01",
        "0x1f",
    ),
    *(
        "1:1:1",
        ".inf",
        ".nan",
        "1e999",
        "\\ud800",
        "\\u0000",
        "|\n",
        ">-\n",
        "---\n",
        "%YAML 1.1\n",
        "'",
        '"',
        "#",
    ),
)
_ONE = """\
name: village
version: "1"
title: {zh: 村庄, en: village}
groups: [{group: g, name: 公共}]
rules: [{title: 甲, text: 乙}]
codes:
  - {code: clinic, name: {zh: 看病, en: clinics}, definition: 看病就医的措施, group: g}
  - code: school
    name: 上学
    includes: [助学金]
    excludes: [{what: 看病, use: clinic}, {what: 别的}]
    examples: [{text: 发放助学金。, codes: [school]}]
    counter_examples: [{text: 医生上门。, codes: [clinic], why: 看病}]
schemes:
  - scheme: two
    name: 两类
    source: 测试
    shared: [clinic]
    categories:
      - {category: 人, codes: [clinic, school]}
      - {category: 物, codes: [clinic]}
sub_measures:
  - {code: clinic, name: 看病, items: [{item: 药费, cues: [药费, 医保]}]}
"""


def run(data: bytes) -> bool:
    """Read a codebook, list its faults, and use it where it has none."""
    text = data.decode("utf-8", "surrogateescape")  # what can come from a file, and what cannot
    try:
        found = findings_in(*parse(text, "mine.yaml"))
    except FupinError as error:
        found = None
        see_refusal(error, "mine.yaml")
    for finding in found or ():
        assert "\n" not in str(finding), "a finding of more than one line"
        assert finding.place.startswith("mine.yaml:"), "a finding without a line"
    try:
        book = codebook_from_text(text, "mine.yaml")
    except FupinError as error:
        see_refusal(error, "mine.yaml:")
        assert found is None or any(f.level == "error" for f in found), "refused, but without a fault"
        return False
    assert found is not None, "accepted, but with a fault"
    assert all(f.level == "warning" for f in found), "accepted, but with a fault"
    _use(book)
    return True


def _use(book: Codebook) -> None:
    columns = book.columns
    assert columns, "no codes"
    assert len(set(columns)) == len(columns), "a code stands twice"
    assert not set(columns) & set(OUTPUT_COLUMNS), "a code named like an output column"
    assert max(map(len, columns)) <= LONGEST_NAME, "a long code"
    ";".join(columns).encode()
    assert tuple(book.join(columns).split(";")) == columns, "codes do not join"
    assert all(set(codes) <= set(columns) for s in book.schemes.values() for codes in s.categories.values())
    assert all(book.code(code).name for code in columns), "a code without a name"
    book.sub_measures_in("医生给老人看病，药费减半", columns)
    assert codebook_from_text(book.text, "again.yaml") == book, "not the same again"


def seeds() -> list[bytes]:
    """Return codebooks with all that one can hold."""
    small = (
        "name: a\nversion: 1\nexclusive: true\ncodes:\n  - {code: up, name: 上}\n  - {code: down, name: 下}\n"
    )
    json = '{"name": "a", "version": "1", "codes": [{"code": "a", "name": {"zh": "甲"}}]}'
    return [
        text.encode() for text in (_ONE, small, json, "- a", "a: &x [1]\nb: *x", "? [a]\n: b", "a: 1:1:1:1")
    ]
