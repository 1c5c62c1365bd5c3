"""doccano: examples and labels as we write them, its exports as we read them."""

from __future__ import annotations

import json
import zipfile
from contextlib import suppress

import pytest
from exchange_samples import BOOK, EXCLUSIVE, SEGMENTS, names, segment_lists, texts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from peer_work import DOCCANO_FILES, LI, RECORDED, doccano_gives, unlabelled

from classifier.codebook import codebook_from_text, load_codebook
from classifier.doccano import label_config, label_name, read_doccano, write_doccano
from classifier.errors import InputError
from classifier.exchanged import Coding, Exchanged, coders_of, only_coder
from classifier.limits import Limits

BY = "王"  # the coder that the file is named by


def read(folder, *rows, book=BOOK, **options):
    path = folder / f"{BY}.jsonl"
    lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return read_doccano(path, book, options.pop("code_map", None), **options)


def example(*labels, **more):
    return {"id": 5, "text": "好。", "label": list(labels), "Comments": [], **more}


# --- what the real doccano exported ---


@pytest.mark.parametrize("name", DOCCANO_FILES)
def test_a_recorded_export_of_doccano_is_what_was_labelled(name):
    found = read_doccano(RECORDED / "doccano" / name, BOOK, unlabelled=unlabelled(name))
    assert {s.segment_id: s for s in found} == {s.segment_id: s for s in doccano_gives(name)}


def test_what_was_imported_for_one_user_is_not_taken_for_coded_by_another():
    found = read_doccano(RECORDED / "doccano" / "all.zip", BOOK, unlabelled="uncoded")
    by = {s.segment_id: list(s.codings) for s in found}
    assert by["石磨沟#0"] == [LI]  # 王 has confirmed it without a label, which this export does not say
    with pytest.raises(InputError, match=r"all.zip/.*: no label \(4 such texts\), and doccano does not say"):
        read_doccano(RECORDED / "doccano" / "all.zip", BOOK)


# --- there and back ---

file_names = names.filter(
    lambda n: n.isprintable() and not set(n) & set('/\\:*?"<>|') and not n.startswith((".", "~$"))
)


def as_text(value):
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def as_doccano_keeps(segments):
    """Return segments as they come back: other columns are text, and coders in the order of the files."""
    order = sorted(coders_of(segments), key=lambda coder: f"{coder}.jsonl")
    return [
        Exchanged(
            s.segment_id,
            s.doc_id,
            s.text,
            s.proposed,
            s.probabilities,
            {coder: s.codings[coder] for coder in order if coder in s.codings},
            {name: as_text(value) for name, value in s.others.items()},
        )
        for s in segments
    ]


@pytest.mark.parametrize("book", [BOOK, EXCLUSIVE], ids=["several codes", "exactly one code"])
def test_any_segments_of_several_coders_come_back_as_they_went(tmp_path_factory, book):
    path = tmp_path_factory.mktemp("d") / "t.zip"

    @given(
        segment_lists(
            book, coder=file_names, note=texts, text=st.one_of(texts, st.sampled_from(["", " ", "  "]))
        )
    )
    def there_and_back(segments):
        write_doccano(segments, path, book)
        assert read_doccano(path, book, unlabelled="uncoded") == as_doccano_keeps(segments)

    there_and_back()


def test_the_segments_of_one_coder_come_back_from_the_file_of_his_name(tmp_path):
    segments = only_coder(SEGMENTS, LI)
    write_doccano(segments, tmp_path / f"{LI}.jsonl", BOOK)
    assert read_doccano(tmp_path / f"{LI}.jsonl", BOOK, unlabelled="uncoded") == segments


def test_no_example_has_an_empty_text_which_doccano_refuses(tmp_path):
    write_doccano([Exchanged("a", "a", ""), Exchanged("b", "b", " ")], tmp_path / "t.jsonl", BOOK)
    lines = (tmp_path / "t.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["text"] for line in lines] == [" ", "  "]


def test_columns_of_which_doccano_has_another_use_go_by_another_name(tmp_path):
    others = {"id": "007", "data": "x", "cls": "y", "省": "某省"}
    write_doccano([Exchanged("a", "a", "好。", others=others)], tmp_path / "t.jsonl", BOOK)
    row = json.loads((tmp_path / "t.jsonl").read_text("utf-8"))
    assert {k: v for k, v in row.items() if k in ("in_id", "in_data", "in_cls", "省")} == {
        "in_id": "007",
        "in_data": "x",
        "in_cls": "y",
        "省": "某省",
    }


def test_what_the_model_proposed_is_no_label(tmp_path):
    write_doccano([Exchanged("a", "a", "好。", ("road",), {"road": 0.9})], tmp_path / "t.jsonl", BOOK)
    row = json.loads((tmp_path / "t.jsonl").read_text("utf-8"))
    assert (row["label"], row["proposed"], row["probabilities"]) == ([], "road", '{"road": 0.9}')


def test_several_coders_do_not_fit_into_one_file(tmp_path):
    with pytest.raises(InputError, match=r"t\.jsonl: 2 coders: zhang@x\.org, li@x\.org") as caught:
        write_doccano(SEGMENTS, tmp_path / "t.jsonl", BOOK)
    assert "t.zip" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("coder", ["../x", "a/b", "..", "~$x", "a\nb", 'a"b'], ids=repr)
def test_a_coder_whose_name_no_file_can_have_is_told(tmp_path, coder):
    one = Exchanged("a", "a", "好。", codings={coder: Coding(()), "b": Coding(())})
    with pytest.raises(InputError, match="no name for a file"):
        write_doccano([one], tmp_path / "t.zip", BOOK)
    assert list(tmp_path.iterdir()) == []


def test_the_same_segments_give_the_same_bytes(tmp_path):
    for name in ("a.zip", "b.zip"):
        write_doccano(SEGMENTS, tmp_path / name, BOOK)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


# --- labels ---


def test_labels_have_names_that_are_codes_and_keys_and_colours_of_their_own():
    book = load_codebook()
    found = label_config(book)
    assert [label["text"].split(" ")[0] for label in found] == list(book.columns)
    assert len({label["suffixKey"] for label in found}) == len(book.columns)
    assert len({label["backgroundColor"] for label in found}) == len(book.columns)


def test_a_code_whose_name_is_too_long_goes_by_itself_and_the_thirty_seventh_has_no_key():
    codes = ", ".join(f"{{code: c{n}, name: {{zh: {'长' * 100}}}}}" for n in range(37))
    book = codebook_from_text(f"name: v\nversion: '1'\ncodes: [{codes}]", "v.yaml")
    assert label_name(book.codes[0]) == "c0"
    assert [label["suffixKey"] for label in label_config(book)][-2:] == ["z", None]


# --- exports ---


def test_labels_may_be_codes_or_names_or_what_a_map_says(tmp_path):
    rows = [example("road", id=1), example("看病", id=2), example("桥", id=3)]
    found = read(tmp_path, *rows, code_map={"桥": ("school",)})
    assert [s.codings[BY].codes for s in found] == [("road",), ("clinic",), ("school",)]


@pytest.mark.parametrize(
    ("choice", "codings"), [("coded", {BY: Coding(())}), ("uncoded", {})], ids=["coded", "uncoded"]
)
def test_it_is_the_user_who_says_what_a_text_without_a_label_is(tmp_path, choice, codings):
    assert read(tmp_path, example(), unlabelled=choice)[0].codings == codings


def test_a_text_without_a_label_is_refused_where_the_user_does_not_say_what_it_is(tmp_path):
    with pytest.raises(InputError, match=r"王.jsonl: row 2: no label \(1 such texts\)") as caught:
        read(tmp_path, example("road", id=1), example(id=2))
    assert "--unlabelled coded" in caught.value.hint


def test_comments_become_the_note_and_metadata_become_columns(tmp_path):
    (found,) = read(tmp_path, example("road", Comments=["难", "再看"], 省="某省", level=3))
    assert found.codings[BY].note == "难\n再看"
    assert found.others == {"省": "某省", "level": 3}
    assert (found.segment_id, found.doc_id) == ("5", "5")


def test_the_archive_of_users_is_read_and_other_files_in_it_are_not(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("张.jsonl", json.dumps(example("road")))
        archive.writestr("李.jsonl", json.dumps(example("clinic")))
        archive.writestr("readme.txt", "nothing")
    (found,) = read_doccano(tmp_path / "x.zip", BOOK)
    assert found.codings == {"张": Coding(("road",)), "李": Coding(("clinic",))}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"../张.jsonl": "{}"}, "leads out of the archive"),
        ({"a.txt": ""}, "x.zip: no .jsonl, .json, .csv in it"),
        ({"张.jsonl": json.dumps(example("桥"))}, "x.zip/张.jsonl: row 1: unknown code '桥'"),
        (
            {"张.jsonl": json.dumps(example("road")), "李.jsonl": json.dumps(example("road", text="坏。"))},
            "x.zip/李.jsonl: row 1: segment '5': 'text' is '坏。', another than in x.zip/张.jsonl: row 1",
        ),
        ({"张.jsonl": " " * 20_000_000}, "unpacks to more than 100 times its size"),
    ],
    ids=["a path out of it", "nothing to read", "unknown label", "two texts of one id", "a bomb"],
)
def test_an_archive_that_cannot_be_is_told_with_the_file_in_it(tmp_path, files, message):
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    with pytest.raises(InputError, match=message):
        read_doccano(tmp_path / "x.zip", BOOK)


def test_what_is_no_archive_is_told(tmp_path):
    (tmp_path / "x.zip").write_bytes(b"PK no archive")
    with pytest.raises(InputError, match="no zip archive"):
        read_doccano(tmp_path / "x.zip", BOOK)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"id": 1, "label": []}, "row 1: no column 'text'"),
        ({"text": 5, "label": []}, "row 1: 'text' is 5"),
        ({"id": 1, "text": "好。"}, "row 1: no column 'label'"),
        (example([0, 2, "road"]), "row 1: 'label' is .*, and no list of labels"),
        ({**example(), "label": {"road": 1}}, "row 1: 'label' is .*, and no list of labels"),
        ({**example(), "label": 5}, "row 1: 'label' is 5"),
        (example(5), "row 1: 5 is no name of a code"),
        (example("road", Comments=5), "row 1: 'Comments' is 5"),
        (example("road", probabilities="x"), "row 1: 'probabilities' is"),
        (example("road", proposed="桥"), "row 1: unknown code '桥'"),
        ("[1]", "line 1 is no JSON object"),
        ('{"a": ', "line 1 is not JSON"),
    ],
    ids=[
        *("no text", "text is a number", "no label", "spans of sequence labelling", "labels in a mapping"),
        *(
            "a number for labels",
            "a number for a label",
            "a number for comments",
            "probabilities that are none",
        ),
        *("an unknown code proposed", "a list", "cut off"),
    ],
)
def test_what_no_export_holds_is_told_with_its_row(tmp_path, row, message):
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path, row, unlabelled="uncoded")
    assert caught.value.hint


def test_a_text_that_stands_twice_in_a_file_is_told(tmp_path):
    with pytest.raises(InputError, match=r"row 2: segment .5. stands in 王\.jsonl: row 1 already"):
        read(tmp_path, example("road"), example())


def test_exactly_one_label_is_wanted_where_codes_exclude_each_other(tmp_path):
    with pytest.raises(InputError, match="row 1: 2 codes, but 'village' wants exactly one"):
        read(tmp_path, example("road", "clinic"), book=EXCLUSIVE)


def test_limits_hold(tmp_path):
    deep = '{"text": "好。", "label": [], "x": ' + "[" * 20 + "]" * 20 + "}"
    with pytest.raises(InputError, match="nested more than 5 deep"):
        read(tmp_path, deep, limits=Limits(depth=5))


values = st.recursive(
    st.sampled_from([None, True, 5, "好。", "road", "", 0.5]),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("ab"), inner)),
    max_leaves=6,
)
KEYS = ["id", "text", "label", "Comments", "proposed", "probabilities", "segment_id", "coded_by", "note", "x"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(KEYS), values), st.sampled_from([None, "coded"]))
def test_any_row_is_read_or_told(tmp_path, row, choice):
    with suppress(InputError):
        read(tmp_path, row, unlabelled=choice)


def test_what_texts_without_a_label_mean_has_one_of_two_names(tmp_path):
    with pytest.raises(InputError, match="unlabelled: 'none'") as caught:
        read_doccano(tmp_path / "t.jsonl", BOOK, unlabelled="none")
    assert caught.value.hint == "choose coded or uncoded"
