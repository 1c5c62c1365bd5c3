"""Model folders from strangers: whatever stands in one is refused in a line, or can score any text.

Everywhere here the hashes fit: the stranger made them. `test_store` has what the hashes find.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classifier import model_files, store
from classifier.errors import FupinError, ModelError
from classifier.model_files import _MOST_EXPONENT, LARGEST, LONGEST_NGRAM
from classifier.store import FILES, MANIFEST, load_model, load_predictor, model_hash, read_manifest

TEXTS = ["", "医生", "村里的医生报销药费１２元；", "\ud800\x00😀é가ﷺ", "主持人：习总书记" * 50, "修" * 3000]
ARRAYS = ("units", "exponents", "intercept", "idf")
LONGEST_LINE = 1000


@pytest.fixture
def folder(tiny_model_folder, tmp_path):
    return Path(shutil.copytree(tiny_model_folder, tmp_path / "model"))


def seal(folder, training=None):
    """Write a manifest whose hashes fit, as a stranger would."""
    value = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    there = [name for name in FILES if (folder / name).is_file()]
    value["files"] |= {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in there}
    value["training"] = value["training"] if training is None else training
    blank = json.dumps({**value, "self_sha256": ""}).replace('"self_sha256": ""', '"self_sha256": "%s"')
    digest = hashlib.sha256((blank % "").encode()).hexdigest()
    (folder / MANIFEST).write_text(blank % digest, encoding="utf-8")


def refused_or_able(folder, load=load_predictor):
    """Load a folder and predict; return whether it could. Else the refusal must be as it is to be."""
    try:
        model = load(folder)
    except FupinError as error:
        told, hint = str(error), error.hint
    else:
        told = hint = ""
    if told:
        assert told.startswith(str(folder))
        for line in (told, hint):
            assert 0 < len(line) <= LONGEST_LINE
            assert not set(line) & set("\n\r\t\x1b")
        return False
    probabilities, given_codes = model.predict_proba(TEXTS), model.predict(TEXTS)
    known = probabilities[:, model.trained_]
    assert given_codes.shape == (len(TEXTS), len(model.codes_))
    assert ((known >= 0) & (known <= 1)).all()
    return True


def arrays_of(folder):
    with np.load(folder / "weights.npz", allow_pickle=False) as archive:
        return {name: archive[name] for name in ARRAYS}


def write_arrays(folder, arrays):
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    (folder / "weights.npz").write_bytes(stream.getvalue())


# --- anything at all ---

every_example = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


@pytest.fixture
def again(folder, tiny_model_folder):
    """Return a function that puts the folder back as it was."""

    def restored():
        shutil.rmtree(folder)
        return Path(shutil.copytree(tiny_model_folder, folder))

    return restored


@every_example
@given(data=st.data())
def test_changed_bytes_behind_hashes_that_fit_do_no_harm(again, data):
    folder = again()
    path = folder / data.draw(st.sampled_from([*FILES]))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content)))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    path.write_bytes(content)
    seal(folder)
    refused_or_able(folder)


@every_example
@given(data=st.data())
def test_arrays_of_other_shapes_types_orders_and_numbers_do_no_harm(again, data):
    folder = again()
    arrays = arrays_of(folder)
    name = data.draw(st.sampled_from(ARRAYS))
    array = arrays[name]
    changes = {
        "another's": lambda: arrays[data.draw(st.sampled_from(ARRAYS))],
        "another type": lambda: np.zeros(
            array.shape, data.draw(st.sampled_from(["i2", "f2", "f8", "U1", "c8"]))
        ),
        "fewer": lambda: array[: data.draw(st.integers(0, len(array)))],
        "more": lambda: np.concatenate([array, array[:1]]),
        "turned": lambda: array.T,
        "in columns": lambda: np.asfortranarray(array),
        "one more dimension": lambda: array[None],
        "no dimension": lambda: array.flat[0],
        "extreme": lambda: np.full_like(array, data.draw(st.sampled_from([-128, 127, 0]))),
        "no numbers": lambda: array * np.nan if array.dtype.kind == "f" else array,
    }
    arrays[name] = np.asarray(changes[data.draw(st.sampled_from(sorted(changes)))]())
    write_arrays(folder, arrays)
    seal(folder)
    refused_or_able(folder)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("clinic"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)


def replaced(value, data):
    """Return a JSON value with a part of it replaced."""
    if isinstance(value, dict) and value and data.draw(st.booleans()):
        key = data.draw(st.sampled_from(sorted(value)))
        return {**value, key: replaced(value[key], data)}
    if isinstance(value, list) and value and data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(value) - 1))
        return [*value[:at], replaced(value[at], data), *value[at + 1 :]]
    return data.draw(values)


@every_example
@given(data=st.data(), name=st.sampled_from(["features.json", "thresholds.json", "lexicon.json", "training"]))
def test_other_values_in_json_do_no_harm(again, data, name):
    folder = again()
    if name == "training":
        seal(
            folder,
            replaced(read_manifest(folder)["training"] | {"drift": {"documents": 3, "measures": {}}}, data),
        )
    else:
        value = replaced(json.loads((folder / name).read_text(encoding="utf-8")), data)
        (folder / name).write_text(json.dumps(value), encoding="utf-8")
        seal(folder)
    refused_or_able(folder)


@every_example
@given(data=st.data())
def test_files_that_are_missing_swapped_folders_or_links_do_no_harm(again, data):
    folder = again()
    one, other = (folder / data.draw(st.sampled_from([*FILES, MANIFEST])) for _ in range(2))
    content = other.read_bytes()
    how = data.draw(st.sampled_from(["missing", "swapped", "folder", "link", "circle", "device"]))
    one.unlink()
    if how == "swapped":
        one.write_bytes(content)
    elif how == "folder":
        one.mkdir()
    elif how != "missing":
        one.symlink_to({"link": folder / "MODEL_CARD.md", "circle": one, "device": Path("/dev/zero")}[how])
    if one.name != MANIFEST:
        seal(folder)
    refused_or_able(folder)


def test_an_unchanged_folder_is_able_so_that_the_tests_above_test_something(folder):
    seal(folder)
    assert refused_or_able(folder)
    assert refused_or_able(folder, load_model)


# --- each thing that compiled code and arithmetic trust ---


def features(**changed):
    return lambda folder: rewrite(folder / "features.json", lambda value: {**value, **changed})


def terms(*lines):
    return lambda folder: (folder / "terms.txt").write_bytes(
        "\n".join(lines).encode("utf-8", "surrogatepass")
    )


def threshold(**changed):
    def change(value):
        first = min(value)
        return {**value, first: {**value[first], **changed}}

    return lambda folder: rewrite(folder / "thresholds.json", change)


def rewrite(path, change):
    path.write_text(json.dumps(change(json.loads(path.read_text(encoding="utf-8")))), encoding="utf-8")


def array(name, change):
    return lambda folder: write_arrays(folder, {**arrays_of(folder), name: change(arrays_of(folder)[name])})


TRUSTED = {
    "n-grams without end: room for each start times the longest": (
        features(ngram_range=[1, 10**12]),
        f"ngram_range is .* not from 1 to {LONGEST_NGRAM}",
    ),
    "n-grams of less than nothing": (features(ngram_range=[1, -1]), "ngram_range"),
    "n-grams the other way round": (features(ngram_range=[3, 1]), "ngram_range"),
    "three ends": (features(ngram_range=[1, 2, 3]), "no pair of whole numbers"),
    "yes as a number": (features(ngram_range=[True, 3]), "no pair of whole numbers"),
    "a term longer than the longest": (terms("修" * 4), "a term is empty, or longer than 3"),
    "an empty term": (terms("", "修"), "a term is empty"),
    "half a surrogate pair": (terms("\ud800"), "invalid continuation byte"),
    "terms out of order": (terms("药", "修"), r"\(terms are not in ascending order\)$"),
    "a doubled term": (terms("修", "修"), r"\(terms are not in ascending order\)$"),
    "no terms": (terms(), r"\(weights of shape \(3, \d+\), wanted \(3, \d+\)\)$"),
    "a threshold for a code that is not there": (
        lambda folder: rewrite(folder / "thresholds.json", lambda value: {**value, "market": {}}),
        r"\(thresholds for codes that the codebook does not have\)$",
    ),
    "one intercept too few": (
        array("intercept", lambda a: a[1:]),
        r"\(weights of shape \(3, \d+\), wanted \(3, \d+\)\)$",
    ),
    "an exponent above the largest": (
        array("exponents", lambda a: a * 0 + np.int8(_MOST_EXPONENT + 1)),
        r"\(weights beyond 1e\+06\)$",
    ),
    "a weight of the lexicon that is no number": (
        features(lexicon_weight=float("nan")),
        "lexicon_weight is nan",
    ),
    "a weight of the lexicon beyond all measure": (features(lexicon_weight=1e30), "lexicon_weight is 1e"),
    "a weight of the lexicon just above the most": (
        features(lexicon_weight=1000.5),
        r"\(lexicon_weight is 1000\.5, and no number from 0 to 1000\)$",
    ),
    "a weight of the lexicon in words": (features(lexicon_weight="0.5"), "lexicon_weight is '0.5'"),
    "a weight of the setting beyond all measure": (features(setting_weight=1e30), "setting_weight is 1e"),
    "no weight of the setting": (features(setting_weight=None), "setting_weight is None, and no number"),
    "a setting for which there are no weights": (
        lambda folder: rewrite(folder / "lexicon.json", lambda value: {**value, "setting": ["贫困"]}),
        r"\(weights of shape \(3, \d+\), wanted \(3, \d+\)\)$",
    ),
    "a min_df of 400 digits": (features(min_df=10**400), "min_df is 1000"),
    "a min_df just above the most": (features(min_df=2**31 + 1), "min_df is 2147483649, and no number"),
    "an idf just above the most": (
        array("idf", lambda a: a * 0 + np.float32(1000.5)),
        r"\(idf are not a row of numbers from 1e-30 to 1000\)$",
    ),
    "weights that overflow": (array("exponents", lambda a: a * 0 + np.int8(127)), r"weights beyond 1e\+06"),
    "one exponent too few": (array("exponents", lambda a: a[1:]), "with exponents of shape"),
    "weights in three dimensions": (array("units", lambda a: a[None]), "weights of shape"),
    "idf of nothing": (array("idf", lambda a: a * 0), "idf are not a row of numbers"),
    "idf beyond all measure": (
        array("idf", lambda a: a * 0 + np.float32(3e38)),
        "idf are not a row of numbers",
    ),
    "intercepts beyond all measure": (
        array("intercept", lambda a: a + np.float32(1e30)),
        "intercepts are not",
    ),
    "a slope beyond all measure": (threshold(slope=1e308), r"slope of clinic is 1e\+308"),
    "a threshold above 1": (
        threshold(threshold=1.5),
        "threshold of clinic is 1.5, and no number from 0 to 1",
    ),
    "a threshold below 0": (threshold(threshold=-0.1), "threshold of clinic is -0.1"),
    "an offset in words": (threshold(offset="1"), "offset of clinic is '1'"),
}


@pytest.mark.parametrize(("change", "message"), TRUSTED.values(), ids=TRUSTED)
def test_what_scoring_trusts_is_proved_before(folder, change, message):
    change(folder)
    seal(folder)
    with pytest.raises(ModelError, match=f"the files do not fit together .*{message}") as caught:
        load_predictor(folder)
    assert len(str(caught.value)) < LONGEST_LINE


def test_a_folder_in_which_no_code_is_trained_is_refused(folder):
    (folder / "thresholds.json").write_text("{}", encoding="utf-8")
    write_arrays(
        folder,
        {**arrays_of(folder), "units": arrays_of(folder)["units"][:, :0], "intercept": np.zeros(0, "f4")},
    )
    seal(folder)
    with pytest.raises(ModelError, match=r"\(no code is trained\)$"):
        load_predictor(folder)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(features(lexicon_weight=0, min_df=1), id="least weight of the lexicon, least min_df"),
        pytest.param(features(lexicon_weight=1000, min_df=2**31), id="most of both"),
        pytest.param(features(setting_weight=0), id="least weight of the setting"),
        pytest.param(features(ngram_range=[3, 3]), id="n-grams of one length"),
        pytest.param(features(ngram_range=[1, LONGEST_NGRAM]), id="the longest n-grams"),
        pytest.param(threshold(threshold=0, slope=-LARGEST, offset=LARGEST), id="least threshold and slope"),
        pytest.param(threshold(threshold=1, slope=LARGEST, offset=-LARGEST), id="most"),
        pytest.param(array("idf", lambda a: a * 0 + np.float32(1e-30)), id="least idf"),
        pytest.param(array("idf", lambda a: a * 0 + np.float32(1000)), id="most idf"),
        pytest.param(array("intercept", lambda a: a * 0 + np.float32(LARGEST)), id="most intercept"),
        pytest.param(array("intercept", lambda a: a * 0 - np.float32(LARGEST)), id="least intercept"),
        pytest.param(array("exponents", lambda a: a * 0 + np.int8(_MOST_EXPONENT)), id="most exponent"),
    ],
)
def test_what_lies_just_at_an_end_is_taken_and_scores(folder, change):
    change(folder)
    seal(folder)
    assert refused_or_able(folder)


def test_terms_and_codes_that_would_fill_the_memory_are_refused(folder, monkeypatch):
    # As many bytes a node as codes, and 16 more
    terms = (folder / "terms.txt").read_text(encoding="utf-8").split("\n")
    size = sum(map(len, terms)) * (3 + 16)
    monkeypatch.setattr(model_files, "TABLE_LIMIT", size)
    assert refused_or_able(folder)
    monkeypatch.setattr(model_files, "TABLE_LIMIT", size - 1)
    with pytest.raises(ModelError, match=rf"\({len(terms):,} terms for 3 codes are too many\)$"):
        load_predictor(folder)


@pytest.mark.parametrize("training", ["long", [3], 7])
def test_a_manifest_that_says_nothing_of_the_training_is_refused(folder, training):
    seal(folder, training)
    with pytest.raises(ModelError, match=r"\(the manifest says nothing of the training\)$"):
        load_predictor(folder)


def test_a_fault_in_the_codebook_is_told_with_file_and_line(folder):
    path = folder / "codebook.yaml"
    path.write_bytes(path.read_bytes().replace(b"road", b"clinic"))
    seal(folder)
    with pytest.raises(ModelError, match=r"model: codebook.yaml:\d+: "):
        load_predictor(folder)


def test_an_error_without_words_is_told_by_its_kind(folder, monkeypatch):
    def unpack(*_):
        raise MemoryError

    monkeypatch.setattr(model_files, "unpack", unpack)
    with pytest.raises(ModelError, match=r"model: the files do not fit together \(MemoryError\)$"):
        load_predictor(folder)


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_each_file_has_a_largest_size_and_is_not_read_beyond_it(folder, name, monkeypatch):
    size = (folder / name).stat().st_size
    monkeypatch.setattr(
        store, "FILES", dict.fromkeys(FILES, 10**9) | ({name: size - 1} if name in FILES else {})
    )
    monkeypatch.setattr(store, "MANIFEST_LIMIT", size - 1 if name == MANIFEST else 10**9)
    with pytest.raises(ModelError, match=rf"{name}: {size:,} bytes, over the limit of {size - 1:,}$"):
        load_predictor(folder)


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_a_pipe_among_the_files_is_not_waited_for(folder, name):
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes on this system")
    (folder / name).unlink()
    os.mkfifo(folder / name)
    for load in (load_predictor, load_model, *([model_hash] if name == MANIFEST else [])):
        with pytest.raises(ModelError, match=f"{name}: no regular file"):
            load(folder)


def test_a_folder_of_links_to_files_is_a_model_folder(folder, tmp_path):
    links = tmp_path / "links"  # as tools that share files between models lay them out
    links.mkdir()
    for path in folder.iterdir():
        (links / path.name).symlink_to(path)
    assert refused_or_able(links)
