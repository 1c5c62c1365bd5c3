"""YAML text → lexicon → hits: what is found stands in the text, and both ways of finding agree."""

from __future__ import annotations

import json

from classifier.errors import FupinError
from classifier.lexicon import LONGEST, Lexicon, findings_in, lexicon_from_text
from classifier.normalise import normalise
from classifier.stored_lexicon import lexicon_from_json, lexicon_to_json
from classifier.yaml_lines import parse
from fuzz.refusals import see_refusal

TOKENS = (
    *(
        "name: ",
        "version: ",
        "codes:",
        "cues: ",
        "not_cues: ",
        "shared:",
        "setting: ",
        "clinic",
        "school",
        "road",
        "医生",
        "药费",
    ),
    *(
        "- ",
        "  - ",
        "{",
        "}",
        "[",
        "]",
        ", ",
        "&a ",
        "*a",
        "!!str ",
        "<<: ",
        "? ",
        "2001-01-01",
        "1:1",
        "~",
        "true",
    ),
    *("１２", "“", "é", "ﷺ", "習近平", "\\u0000", "|\n", "'", '"', "#", " ", "\u3000"),
)
CODES = ("clinic", "school", "road")
_ONE = """\
name: village
version: "1"
setting: [贫困, ' 12 ', 药]
shared:
  公路医生: [clinic, road]
codes:
  clinic:
    cues: [医生, 卫生室, 药费, 医]
    not_cues: [医生的儿子, 兽医]
  school:
    cues: [小学, 助学金, 12 岁]
  road: {cues: [公路, 硬化路]}
"""


def run(data: bytes) -> bool:
    """Read a lexicon, list its faults, and find its cues in text made of them."""
    text = data.decode("utf-8", "replace")
    codes = CODES if len(text) % 2 else None
    try:
        for finding in findings_in(*parse(text, "mine.yaml"), codes):
            assert "\n" not in str(finding), "a finding of more than one line"
            assert finding.place.startswith("mine.yaml:"), "a finding without a line"
    except FupinError as error:
        see_refusal(error, "mine.yaml")
    try:
        lexicon = lexicon_from_text(text, "mine.yaml", codes)
    except FupinError as error:
        see_refusal(error, "mine.yaml:")
        return False
    if codes is not None:
        assert set(lexicon.codes) <= set(codes), "an unknown code"
    _find(lexicon)
    return bool(lexicon.cues)


def _find(lexicon: Lexicon) -> None:
    entries = [*lexicon.cues, *lexicon.not_cues, *lexicon.setting]
    assert all(0 < len(entry) <= LONGEST for entry in entries), "an entry of no length, or too long"
    raw = "，".join(entries[:50]) + "".join(entries[:50]) + "医生的儿子１２ 岁"
    text = normalise(raw)
    hits = lexicon.hits(text)
    assert all(text[hit.start : hit.end] == hit.cue for hit in hits), "a hit that is not there"
    assert all(set(hit.codes) <= set(lexicon.cues[hit.cue]) for hit in hits), "a code that no one claims"
    found = {code for code, hit in zip(lexicon.codes, lexicon.hit_codes([raw])[0], strict=True) if hit}
    assert found == {code for hit in hits for code in hit.codes}, "two ways of finding differ"
    beside = bool(lexicon.found_in([raw])[1][0])
    assert beside == lexicon.speaks_of_setting(text), "two ways of finding the setting differ"
    kept = json.loads(json.dumps(lexicon_to_json(lexicon)))
    assert lexicon_from_json(kept, lexicon.codes) == lexicon, "not the same again"


def seeds() -> list[bytes]:
    """Return lexicons with all that one can hold."""
    json = '{"codes": {"clinic": {"cues": ["医生", "医"]}}, "shared": {"乡村": ["road", "school"]}}'
    nested = "codes:\n  road:\n    cues: [" + ", ".join("路" * n for n in range(1, 19)) + "]\n"
    return [
        text.encode()
        for text in (_ONE, _ONE + " ", json, json + " ", nested, nested + " ", "codes: {road: }")
    ]
