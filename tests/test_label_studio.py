"""Label Studio: its tasks and configuration as we write them, its exports as we read them."""

from __future__ import annotations

import json
from contextlib import suppress
from xml.etree import ElementTree

import pytest
from exchange_samples import BOOK, EXCLUSIVE, SEGMENTS, segment_lists
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from peer_work import RECORDED, STUDIO_FILES, studio_gives

from classifier.codebook import codebook_from_text, load_codebook
from classifier.errors import InputError
from classifier.exchanged import Coding, Exchanged
from classifier.label_studio import read_label_studio, tasks, write_tasks
from classifier.label_studio_config import labelling_config


def read(folder, content, **options):
    """Read what an export with this content holds: text as it is, anything else as JSON."""
    path = folder / "export.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return read_label_studio(path, options.pop("book", BOOK), options.pop("code_map", None), **options)


def task(*annotations, **data):
    return {"id": 5, "data": {"text": "好。", **data}, "annotations": list(annotations)}


def annotation(*choices, who=7, at="2026-01-01", name="codes", **more):
    region = {"from_name": name, "to_name": "text", "type": "choices", "value": {"choices": list(choices)}}
    return {"completed_by": who, "created_at": at, "result": [region] if choices else [], **more}


# --- what the real Label Studio exported ---


@pytest.mark.parametrize("name", STUDIO_FILES)
def test_a_recorded_export_of_label_studio_is_what_was_annotated(name):
    assert read_label_studio(RECORDED / "label-studio" / name, BOOK) == studio_gives(name)


# --- there and back ---


@pytest.mark.parametrize("book", [BOOK, EXCLUSIVE], ids=["several codes", "exactly one code"])
def test_any_segments_come_back_as_they_went(tmp_path_factory, book):
    path = tmp_path_factory.mktemp("ls") / "t.json"

    @given(segment_lists(book))
    def there_and_back(segments):
        write_tasks(segments, path, book)
        assert read_label_studio(path, book) == segments

    there_and_back()


def test_no_segment_makes_an_empty_list(tmp_path):
    write_tasks([], tmp_path / "t.json", BOOK)
    assert json.loads((tmp_path / "t.json").read_text("utf-8")) == []
    assert read_label_studio(tmp_path / "t.json", BOOK) == []


def test_a_task_has_what_label_studio_asks_for():
    one = Exchanged("甲#0", "甲", "好。", ("road",), {"road": 0.8, "clinic": 0.3}, others={"id": "007"})
    (made,) = tasks([one], "m 1")
    assert made["data"] == {
        "text": "好。",
        "segment_id": "甲#0",
        "doc_id": "甲",
        "proposed": "road",
        "probabilities": {"road": 0.8, "clinic": 0.3},
        "in_id": "007",
    }
    (prediction,) = made["predictions"]
    assert (prediction["model_version"], prediction["score"]) == ("m 1", 0.7)  # min(0.8, 1 - 0.3)
    assert prediction["result"][0]["value"] == {"choices": ["road"]}
    assert made["annotations"] == []


def test_coders_are_addresses_and_who_skipped_is_marked():
    found = [a for t in tasks(SEGMENTS, "") for a in t["annotations"]]
    assert [(a["completed_by"]["email"][:2], a["was_cancelled"], len(a["result"])) for a in found] == [
        ("zh", False, 2),  # codes and a note
        ("li", False, 1),
        ("zh", False, 0),
        ("li", True, 1),  # a note
        ("li", False, 1),
    ]


def test_the_same_segments_give_the_same_bytes(tmp_path):
    for name in ("a.json", "b.json"):
        write_tasks(SEGMENTS, tmp_path / name, BOOK)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


# --- the labelling configuration ---


def choices_of(book):
    view = ElementTree.fromstring(labelling_config(book))
    assert view.find("Text").attrib == {"name": "text", "value": "$text"}
    found = view.find("Choices")
    assert (found.get("name"), found.get("toName")) == ("codes", "text")
    return found


def test_codes_are_aliases_of_their_chinese_names_with_definitions_as_hints():
    found = choices_of(BOOK)
    assert found.get("choice") == "multiple"
    assert [dict(c.attrib) for c in found] == [
        {"value": "看病", "alias": "clinic", "hint": '看病就医的"措施" & <别的>'},
        {"value": "上学", "alias": "school"},
        {"value": "修路", "alias": "road"},
    ]


def test_where_codes_exclude_each_other_one_can_be_chosen():
    assert choices_of(EXCLUSIVE).get("choice") == "single"


def test_the_codebook_of_the_package_has_all_its_codes_in_order():
    book = load_codebook()
    found = choices_of(book)
    assert tuple(c.get("alias") for c in found) == book.columns
    assert len({c.get("value") for c in found}) == len(book.columns)


def test_names_that_two_codes_share_are_told_apart_and_characters_that_xml_lacks_are_replaced():
    codes = '[{code: a, name: {zh: 路}}, {code: b, name: {zh: 路}}, {code: c, name: {en: "r\\foad"}}]'
    book = codebook_from_text(f"name: v\nversion: '1'\ncodes: {codes}", "v.yaml")
    assert [c.get("value") for c in choices_of(book)] == ["路 (a)", "路 (b)", "r�oad"]


# --- annotations ---


def codings(folder, *annotations, **options):
    (found,) = read(folder, [task(*annotations)], **options)
    return found.codings


def test_an_annotation_without_a_choice_says_that_there_is_no_code(tmp_path):
    assert codings(tmp_path, annotation()) == {"7": Coding(())}


def test_a_task_that_nobody_annotated_has_no_codings(tmp_path):
    assert codings(tmp_path) == {}


def test_who_skipped_has_no_codes_even_where_choices_were_made(tmp_path):
    assert codings(tmp_path, annotation("road", was_cancelled=True)) == {"7": Coding(None)}


@pytest.mark.parametrize("turn", [1, -1], ids=["in order", "the other way round"])
def test_of_several_annotations_of_one_annotator_the_last_counts(tmp_path, turn):
    both = [annotation("road", at="2026-01-01"), annotation("clinic", at="2026-01-02")][::turn]
    assert codings(tmp_path, *both) == {"7": Coding(("clinic",))}


def test_skipping_later_takes_nothing_back(tmp_path):
    later = annotation(at="2026-02-01", was_cancelled=True)
    assert codings(tmp_path, annotation("road"), later) == {"7": Coding(("road",))}


@pytest.mark.parametrize(
    ("who", "coder"),
    [(7, "7"), ({"id": 7, "email": "zhang@x.org"}, "zhang@x.org"), ({"id": 7}, "7"), ("zhang", "zhang")],
    ids=["a number", "an account", "an account without an address", "a name"],
)
def test_an_annotator_goes_by_address_or_number(tmp_path, who, coder):
    assert list(codings(tmp_path, annotation("road", who=who))) == [coder]


def test_choices_may_be_named_as_people_see_them_or_by_a_map(tmp_path):
    assert codings(tmp_path, annotation("修路")) == {"7": Coding(("road",))}
    found = codings(tmp_path, annotation("桥"), code_map={"桥": ("road",)})
    assert found == {"7": Coding(("road",))}


def test_choices_and_text_may_have_other_names(tmp_path):
    one = {"id": 9, "data": {"sentence": "好。"}, "annotations": [annotation("road", name="topic")]}
    (found,) = read(tmp_path, [one], choices="topic", text="sentence")
    assert (found.segment_id, found.doc_id, found.text) == ("9", "9", "好。")
    assert found.codings == {"7": Coding(("road",))}


def test_what_a_prediction_proposes_is_read_where_the_task_does_not_say_it(tmp_path):
    found = read(tmp_path, [{**task(), "predictions": [annotation("clinic"), annotation("road")]}])
    assert found[0].proposed == ("road",)


def test_results_of_other_kinds_and_drafts_are_left_out(tmp_path):
    rating = {"from_name": "r", "to_name": "text", "type": "rating", "value": {"rating": 3}}
    one = annotation("road")
    one["result"].append(rating)
    (found,) = read(tmp_path, [{**task(one), "drafts": [annotation("clinic")], "predictions": [12]}])
    assert found.codings == {"7": Coding(("road",))}
    assert found.proposed is None


def test_markup_in_a_text_stays_text(tmp_path):
    (found,) = read(tmp_path, [{"id": 1, "data": {"text": "<script>好</script>&amp;"}}])
    assert found.text == "<script>好</script>&amp;"


# --- rows: JSON-MIN and CSV ---


def test_rows_of_a_task_become_one_segment(tmp_path):
    rows = [
        {
            "id": 5,
            "text": "好。",
            "codes": {"choices": ["road", "clinic"]},
            "annotator": 1,
            "annotation_id": 3,
        },
        {"id": 5, "text": "好。", "annotator": 2, "annotation_id": 4},
        {"id": 6, "text": "坏。", "annotator": None, "annotation_id": None},
    ]
    found = read(tmp_path, rows)
    assert [(s.segment_id, s.codings) for s in found] == [
        ("5", {"1": Coding(("clinic", "road")), "2": Coding(())}),
        ("6", {}),
    ]


def test_rows_without_any_choices_are_not_taken_for_coded_as_nothing(tmp_path):
    with pytest.raises(InputError, match=r"export\.json: no column 'codes'") as caught:
        read(tmp_path, [{"id": 5, "text": "好。", "topic": "road", "annotator": 1, "annotation_id": 3}])
    assert "--choices NAME" in caught.value.hint


# --- what cannot be ---


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([{"text": "好。"}], "task 1: neither 'data' nor 'annotator'"),
        ([{"data": []}], "task 1: neither"),
        ([{"data": {"txt": "好。"}}], "task 1: 'text' is not in 'data'"),
        ([{"data": {"text": 5}}], "task 1: 'text' is 5"),
        ([{**task(), "annotations": {}}], "task 1: 'annotations' is {}, and no list"),
        ([task(5)], "task 1: an annotation is 5"),
        ([task({"result": []})], "task 1: an annotation of nobody: 'completed_by' is null"),
        ([task({"completed_by": 1, "result": 5})], "task 1: 'result' is 5, and no list"),
        ([task({"completed_by": 1, "result": [5]})], "task 1: a result is 5"),
        ([task({"completed_by": 1, "result": [{"value": 5}]})], "task 1: a result is"),
        ([task({"completed_by": True, "result": []})], "an annotation of nobody: 'completed_by' is true"),
        ([task(), task(annotation("桥"), segment_id="x")], "task 2: unknown code '桥'"),
        ([task(annotation(5))], "task 1: 5 is no name of a code"),
        ([task(annotation("road", name="topic"))], "task 1: choices are called \"topic\", not 'codes'"),
        ([task(), task()], "task 2: segment '5' stands in export.json: task 1 already"),
        ([task(probabilities={"road": 2})], "task 1: 'probabilities' is"),
        ([task(probabilities=[1])], "task 1: 'probabilities' is"),
        ([{**task(), "predictions": [annotation("桥")]}], "task 1: unknown code '桥'"),
        (
            [{"id": 1, "text": "好。", "codes": [1], "annotator": 1}],
            "task 1: 'codes' is \\[1\\], and no choice",
        ),
    ],
    ids=[
        *("neither kind", "data is a list", "no text", "text is a number", "annotations are no list"),
        *(
            "an annotation is a number",
            "nobody",
            "results are a number",
            "a result is a number",
            "a value is one",
        ),
        *(
            "true is nobody",
            "unknown code",
            "a code is a number",
            "another name",
            "doubled",
            "a probability of 2",
        ),
        *("probabilities in a list", "a prediction of an unknown code", "choices in a list"),
    ],
)
def test_what_no_export_holds_is_told_with_its_task(tmp_path, content, message):
    with pytest.raises(InputError, match=f"export.json: {message}|{message}") as caught:
        read(tmp_path, content)
    assert caught.value.hint
    assert "\n" not in str(caught.value) + caught.value.hint


def test_exactly_one_code_is_wanted_where_codes_exclude_each_other(tmp_path):
    with pytest.raises(InputError, match="task 1: 0 codes, but 'village' wants exactly one"):
        read(tmp_path, [task(annotation())], book=EXCLUSIVE)


KEYS = ["data", "text", "annotations", "result", "value", "choices", "type", "completed_by", "id"]
json_values = st.recursive(
    st.sampled_from([None, True, 5, "好。", "road", "", 0.5]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(json_values)
def test_any_json_is_read_or_told(tmp_path, value):
    with suppress(InputError):
        read(tmp_path, [{"data": {"text": "好。"}, "annotations": [{"completed_by": 1, "result": [value]}]}])
    with suppress(InputError):
        read(tmp_path, value)


def test_choices_that_are_no_list_are_told_with_their_place(tmp_path):
    broken = annotation("road")
    broken["result"][0]["value"] = {"choices": "road"}
    with pytest.raises(InputError, match=r"task 1: 'choices' is .road.$"):
        read(tmp_path, [{"data": {"text": "好。"}, "annotations": [broken]}])
