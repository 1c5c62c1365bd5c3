"""The model folder: what is saved predicts the same, and whatever is damaged or foreign is refused."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from classifier import store
from classifier.codebook import Codebook, codebook_from_text
from classifier.drift import Reference
from classifier.errors import ModelError, OutputError
from classifier.explanation import explain
from classifier.lexicon import Lexicon
from classifier.model import PolicyClassifier
from classifier.model_files import RETRAIN
from classifier.store import (
    FILES,
    FORMAT,
    MANIFEST,
    load_model,
    load_predictor,
    model_hash,
    read_manifest,
    save_model,
)

ALL_FILES = (*FILES, MANIFEST)


@pytest.fixture
def folder(tiny_model_folder, tmp_path):
    """Return a copy of the tiny model folder that may be damaged."""
    return Path(shutil.copytree(tiny_model_folder, tmp_path / "model"))


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def assert_refused(folder, match, hint=RETRAIN):
    """Loading fails with one line that names the folder, and one line of remedy."""
    with pytest.raises(ModelError, match=match) as caught:
        load_model(folder)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.hint == hint


def reseal(folder, **changes):
    """Change values of the manifest and make all hashes fit again, as a forger would."""
    manifest = folder / MANIFEST
    value = json.loads(manifest.read_text(encoding="utf-8"))
    value["files"] = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES}
    seal(manifest, json.dumps({**value, **changes, "self_sha256": ""}, ensure_ascii=False))


def seal(manifest, blank):
    digest = hashlib.sha256(blank.encode()).hexdigest()
    manifest.write_bytes(blank.replace('"self_sha256": ""', f'"self_sha256": "{digest}"').encode())


# --- what is saved is what is loaded ---


def test_a_loaded_model_predicts_the_same_bits(tiny_model, tiny_model_folder, tiny_corpus):
    loaded = load_model(tiny_model_folder)
    texts = [*tiny_corpus.texts, "主持人：村里的医生报销药费１２元；", "", "从没见过的话"]
    for method in ("predict_proba", "decision_function", "predict"):
        one, other = getattr(tiny_model, method)(texts), getattr(loaded, method)(texts)
        assert one.dtype == other.dtype
        assert np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


def test_a_loaded_model_says_the_same_of_itself(tiny_model, tiny_model_folder):
    loaded = load_model(tiny_model_folder)
    assert loaded.codes_ == tiny_model.codes_
    assert loaded.untrained_ == tiny_model.untrained_ == ("well",)
    assert loaded.codebook == tiny_model.codebook
    assert loaded.lexicon == tiny_model.lexicon
    names = [m.features_.get_feature_names_out().tolist() for m in (loaded, tiny_model)]
    assert names[0] == names[1]


def test_a_model_without_lexicon_comes_back_without_one(tiny_corpus, tmp_path):
    model = PolicyClassifier(tiny_corpus.codebook, ngram_range=(1, 2), min_df=2, n_folds=2)
    model.fit(tiny_corpus.texts, tiny_corpus.labels, tiny_corpus.groups)
    save_model(model, tmp_path / "m", "卡", {})
    loaded = load_model(tmp_path / "m")
    assert loaded.lexicon is None
    assert np.array_equal(
        loaded.predict_proba(tiny_corpus.texts), model.predict_proba(tiny_corpus.texts), equal_nan=True
    )


def test_an_exclusive_codebook_stays_exclusive(tmp_path):
    yaml = """\
name: direction
version: "1"
exclusive: true
codes:
  - {code: up, name: 上}
  - {code: down, name: 下}
"""
    book = codebook_from_text(yaml, "direction.yaml")
    texts = ["往上走", "往下走"] * 12
    labels = np.array([[True, False], [False, True]] * 12)
    save_model(PolicyClassifier(book, min_df=2, n_folds=2).fit(texts, labels), tmp_path / "m", "卡", {})
    assert load_model(tmp_path / "m").predict(["", "天"]).sum(axis=1).tolist() == [1, 1]


def test_saving_twice_gives_the_same_bytes(tiny_model, tiny_model_folder, tmp_path):
    save_model(tiny_model, tmp_path / "again", "# 模型卡\n", {"sha256": "0" * 64, "segments": 120})
    assert contents(tmp_path / "again") == contents(tiny_model_folder)


def test_saving_what_was_loaded_gives_the_same_bytes(tiny_model_folder, tmp_path):
    save_model(
        load_model(tiny_model_folder), tmp_path / "m", "# 模型卡\n", {"sha256": "0" * 64, "segments": 120}
    )
    assert contents(tmp_path / "m") == contents(tiny_model_folder)


def test_what_the_training_text_was_like_is_kept_with_the_model(tiny_model_folder, tmp_path):
    model = load_model(tiny_model_folder)
    assert model.reference_ is None
    model.reference_ = Reference(20, {})
    save_model(model, tmp_path / "m", "卡", {"segments": 120})
    assert read_manifest(tmp_path / "m")["training"]["segments"] == 120
    for load in (load_model, load_predictor):
        assert load(tmp_path / "m").reference_ == Reference(20, {})


def test_a_loaded_model_can_be_fitted_again_with_the_options_it_had(tiny_model, tiny_model_folder):
    loaded = load_model(tiny_model_folder)
    for option in ("ngram_range", "min_df", "lexicon_weight", "setting_weight"):
        assert getattr(loaded, option) == getattr(tiny_model, option)
        assert getattr(loaded.features_, option) == getattr(tiny_model.features_, option)


def test_a_model_with_a_setting_is_kept_with_it(setting_model, tiny_corpus, tmp_path):
    save_model(setting_model, tmp_path / "m", "卡", {"segments": 120})
    loaded, predictor = load_model(tmp_path / "m"), load_predictor(tmp_path / "m")
    assert loaded.lexicon.setting == setting_model.lexicon.setting
    assert loaded.setting_weight == setting_model.setting_weight == 0.7
    scores = setting_model.decision_function(tiny_corpus.texts)
    for model in (loaded, predictor):
        assert np.array_equal(model.decision_function(tiny_corpus.texts), scores)
    assert explain(loaded, tiny_corpus.texts[0]) == explain(setting_model, tiny_corpus.texts[0])


@pytest.mark.parametrize("name", ["features.json", "thresholds.json", "lexicon.json", MANIFEST])
def test_json_is_written_for_people_to_read_and_compare(tiny_model_folder, name):
    """Characters as they are, a line a value, keys in order."""
    text = (tiny_model_folder / name).read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def test_a_model_that_was_not_evaluated_says_so(tiny_model_folder):
    assert (tiny_model_folder / "EVALUATION.md").read_text(encoding="utf-8") == "Not evaluated.\n"


def test_a_library_that_is_not_installed_is_of_unknown_version(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr(store, "_LIBRARIES", ("numpy", "no-such-library"))
    save_model(tiny_model, tmp_path / "m", "卡", {})
    assert read_manifest(tmp_path / "m")["libraries"] == {
        "numpy": np.__version__,
        "no-such-library": "unknown",
    }


def test_the_hash_of_a_folder_is_the_manifests_own(tiny_model_folder):
    assert model_hash(tiny_model_folder) == read_manifest(tiny_model_folder)["self_sha256"]


def test_no_clock_is_in_the_arrays_archive(tiny_model_folder):
    with zipfile.ZipFile(tiny_model_folder / "weights.npz") as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_folder_holds_the_files_of_the_design_and_no_pickle(tiny_model_folder):
    assert set(contents(tiny_model_folder)) == {
        "weights.npz",
        "features.json",
        "terms.txt",
        "thresholds.json",
        "codebook.yaml",
        "lexicon.json",
        "manifest.json",
        "MODEL_CARD.md",
        "EVALUATION.md",
    }
    with np.load(tiny_model_folder / "weights.npz", allow_pickle=False) as arrays:
        assert {name: arrays[name].dtype.kind for name in arrays} == {
            "units": "i",
            "exponents": "i",
            "intercept": "f",
            "idf": "f",
        }


def test_the_manifest_holds_format_libraries_hashes_and_what_training_said(tiny_model_folder):
    manifest = read_manifest(tiny_model_folder)
    assert manifest["format"] == FORMAT
    assert set(manifest["libraries"]) == {"fupin-classifier", "numpy", "scipy", "scikit-learn"}
    assert manifest["training"] == {"sha256": "0" * 64, "segments": 120}
    for name in FILES:
        assert manifest["files"][name] == hashlib.sha256((tiny_model_folder / name).read_bytes()).hexdigest()


def test_the_manifests_own_hash_is_of_its_bytes_with_that_value_blanked(tiny_model_folder):
    data = (tiny_model_folder / MANIFEST).read_bytes()
    blank = re.sub(rb'"self_sha256": "[0-9a-f]{64}"', b'"self_sha256": ""', data)
    assert hashlib.sha256(blank).hexdigest() == json.loads(data)["self_sha256"]


# --- one changed byte, one missing file ---


@pytest.mark.parametrize("position", [0.0, 0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("name", ALL_FILES)
def test_one_changed_byte_is_refused(folder, name, position):
    data = bytearray((folder / name).read_bytes())
    data[round(position * (len(data) - 1))] ^= 1
    (folder / name).write_bytes(data)
    assert_refused(folder, rf"{name}: (changed since the model was made|damaged|not JSON)")


@pytest.mark.parametrize("key", ["format", "sha256", "files", "self_sha256", "numpy", "segments"])
def test_one_changed_byte_in_any_entry_of_the_manifest_is_refused(folder, key):
    data = (folder / MANIFEST).read_bytes()
    at = data.index(b":", data.index(f'"{key}"'.encode())) + 3  # inside the value
    (folder / MANIFEST).write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    assert_refused(folder, "damaged, its hash does not fit")


@pytest.mark.parametrize("keep", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("name", ALL_FILES)
def test_a_truncated_file_is_refused(folder, name, keep):
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: round(keep * (len(data) - 1))])
    assert_refused(folder, rf"{name}: (changed since the model was made|damaged)")


@pytest.mark.parametrize("name", ALL_FILES)
def test_an_added_byte_is_refused(folder, name):
    (folder / name).write_bytes((folder / name).read_bytes() + b"\n")
    assert_refused(folder, rf"{name}: (changed since the model was made|damaged)")


@pytest.mark.parametrize("name", ALL_FILES)
def test_a_missing_file_is_refused(folder, name):
    (folder / name).unlink()
    assert_refused(folder, f"{name}: missing")


def test_a_folder_in_the_place_of_a_file_is_refused(folder):
    (folder / "weights.npz").unlink()
    (folder / "weights.npz").mkdir()
    assert_refused(folder, "weights.npz: ")


def test_a_folder_that_is_not_there_is_told_with_how_to_make_one(tmp_path):
    assert_refused(tmp_path / "none", "no such model folder", "make one with `fupin train -o FOLDER`")


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "model").write_text("no folder", encoding="utf-8")
    wanted = r"model.manifest\.json: Not a directory$"
    assert_refused(tmp_path / "model", wanted, "check the path and its permissions")


# --- hashes that fit, contents that do not ---


@pytest.mark.parametrize("number", [1, FORMAT - 1, FORMAT + 1, str(FORMAT), None])
def test_another_format_version_is_refused_with_both_versions(folder, number):
    reseal(folder, format=number)
    assert_refused(folder, f"model format {number!r}, this version reads format {FORMAT}")


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({}, id="none"),
        pytest.param([*FILES], id="a list"),
        pytest.param(None, id="null"),
        pytest.param(dict.fromkeys((*FILES, "extra.pkl"), ""), id="one more"),
    ],
)
def test_a_manifest_that_lists_other_files_is_refused(folder, files):
    reseal(folder, files=files)
    others = f"lists other files than {', '.join(FILES)}"
    assert_refused(folder, rf"manifest\.json: ({others}|not the manifest of a model)$")


def test_a_manifest_that_is_no_mapping_is_refused(folder):
    seal(folder / MANIFEST, '[{"self_sha256": ""}]')
    assert_refused(folder, "not the manifest of a model")


def test_a_manifest_that_is_no_json_is_refused(folder):
    seal(folder / MANIFEST, '{"self_sha256": "", }')
    assert_refused(folder, "not JSON")


def npz(**arrays):
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def changed_weights(name, change):
    def build(data):
        with np.load(io.BytesIO(data)) as archive:
            arrays = {key: archive[key] for key in archive}
        return npz(**{**arrays, name: change(arrays[name])})

    return build


def without(name):
    def build(data):
        with np.load(io.BytesIO(data)) as archive:
            return npz(**{key: archive[key] for key in archive if key != name})

    return build


def one_array(_):
    stream = io.BytesIO()
    np.save(stream, np.zeros(3, dtype=np.float16))
    return stream.getvalue()


def changed_json(**changes):
    return lambda data: json.dumps({**json.loads(data), **changes}).encode()


def first_threshold(**changes):
    def build(data):
        value = json.loads(data)
        value["clinic"].update(changes)
        return json.dumps(value).encode()

    return build


FORGERIES = {
    "object array": ("weights.npz", changed_weights("idf", lambda a: a.astype(object))),
    "array of strings": ("weights.npz", changed_weights("idf", lambda a: a.astype(str))),
    "double precision": ("weights.npz", changed_weights("idf", lambda a: a.astype(float))),
    "a weight that is no number": (
        "weights.npz",
        changed_weights("intercept", lambda a: a * np.float32(np.nan)),
    ),
    "an infinite weight": ("weights.npz", changed_weights("intercept", lambda a: a + np.float32(np.inf))),
    "one feature too few": ("weights.npz", changed_weights("units", lambda a: a[1:])),
    "one code too few": ("weights.npz", changed_weights("units", lambda a: a[:, 1:])),
    "one intercept too few": ("weights.npz", changed_weights("intercept", lambda a: a[1:])),
    "idf in two dimensions": ("weights.npz", changed_weights("idf", lambda a: a[:, None])),
    "one idf too few": ("weights.npz", changed_weights("idf", lambda a: a[1:])),
    "an array is missing": ("weights.npz", without("idf")),
    "weights that are no archive": ("weights.npz", lambda _: b"\x80\x04N."),
    "weights that are one array": ("weights.npz", one_array),
    "half an archive": ("weights.npz", lambda data: data[: len(data) // 2]),
    "features that are no JSON": ("features.json", lambda _: b"{"),
    "features that are no UTF-8": ("features.json", lambda _: b'"\xff"'),
    "features that are a list": ("features.json", lambda _: b"[]"),
    "features nested without end": ("features.json", lambda _: b"[" * 100_000),
    "a doubled term": ("terms.txt", lambda data: b"\n".join(data.splitlines()[:1] + data.splitlines()[:-1])),
    "no terms": ("terms.txt", lambda _: b""),
    "an empty line among the terms": ("terms.txt", lambda data: data.replace(b"\n", b"\n\n", 1)),
    "an empty n-gram range": ("features.json", changed_json(ngram_range=[])),
    "an infinite min_df": ("features.json", lambda data: re.sub(rb'"min_df": \d+', b'"min_df": 1e999', data)),
    "thresholds that are a list": ("thresholds.json", lambda _: b'["clinic", "school", "road"]'),
    "thresholds that are null": ("thresholds.json", lambda _: b"null"),
    "a threshold for a renamed code": ("thresholds.json", lambda data: data.replace(b"road", b"market")),
    "a threshold for an unknown code": ("thresholds.json", changed_json(market={})),
    "a threshold that is no number": ("thresholds.json", first_threshold(threshold=float("nan"))),
    "a slope that is text": ("thresholds.json", first_threshold(slope="steep")),
    "a threshold without slope": ("thresholds.json", lambda data: data.replace(b"slope", b"slide")),
    "a codebook that breaks its rules": ("codebook.yaml", lambda data: data.replace(b"road", b"clinic")),
    "a codebook that is empty": ("codebook.yaml", lambda _: b""),
    "a codebook that builds an object": ("codebook.yaml", lambda _: b"!!python/object/apply:os.getcwd []"),
    "a lexicon with an unknown code": ("lexicon.json", lambda data: data.replace(b"road", b"market")),
    "a lexicon that is left out": ("lexicon.json", lambda _: b"null"),
    "a lexicon that is empty": ("lexicon.json", lambda _: b""),
}


@pytest.mark.parametrize(("name", "forge"), FORGERIES.values(), ids=FORGERIES)
def test_contents_that_make_no_sense_are_refused_though_their_hashes_fit(folder, name, forge):
    old = (folder / name).read_bytes()
    new = forge(old)
    assert new != old
    (folder / name).write_bytes(new)
    reseal(folder)
    assert_refused(folder, "the files do not fit together|codebook|lexicon")


class Trap:
    """An object whose unpickling makes a file: code that runs on loading."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", ["units", "intercept", "idf", "extra"])
def test_no_code_in_an_array_is_run(folder, tmp_path, name):
    with np.load(folder / "weights.npz") as archive:
        arrays = {key: archive[key] for key in archive}
    trap = np.array([Trap(tmp_path / "ran")], dtype=object)
    (folder / "weights.npz").write_bytes(npz(**{**arrays, name: trap}))
    reseal(folder)
    if name == "extra":  # what is not asked for is not even read
        assert load_model(folder).untrained_ == ("well",)
    else:
        assert_refused(folder, f"array '{name}' is of dtype .O8|array '{name}' begins in a way")
    assert not (tmp_path / "ran").exists()


def test_resealing_an_unchanged_folder_loads(folder):
    reseal(folder)  # the forger of these tests knows the format
    assert load_model(folder).untrained_ == ("well",)


# --- writing ---


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(  # made in Python: there is no YAML to keep
            lambda book, words: (Codebook(book.name, book.version, book.codes), words), id="codebook"
        ),
        pytest.param(
            lambda book, words: (book, Lexicon("", "", words.cues | {"集市": ("market",)}, {})), id="lexicon"
        ),
    ],
)
def test_a_model_that_could_not_be_loaded_again_is_not_written(tiny_corpus, tiny_lexicon, tmp_path, broken):
    codebook, lexicon = broken(tiny_corpus.codebook, tiny_lexicon)
    model = PolicyClassifier(codebook, lexicon, ngram_range=(1, 1), min_df=2, n_folds=2)
    model.fit(tiny_corpus.texts, tiny_corpus.labels, tiny_corpus.groups)
    with pytest.raises(ModelError, match="could not be loaded again") as caught:
        save_model(model, tmp_path / "m", "卡", {})
    assert caught.value.hint == ("read the codebook from YAML, and the lexicon with the codebook's codes")
    assert list(tmp_path.iterdir()) == []


def test_an_older_model_is_replaced(folder, tiny_model):
    (folder / "left-over.txt").write_text("旧", encoding="utf-8")
    save_model(tiny_model, folder, "# 新卡\n", {})
    assert (folder / "MODEL_CARD.md").read_text(encoding="utf-8") == "# 新卡\n"
    assert set(contents(folder)) == set(ALL_FILES)
    assert [p.name for p in folder.parent.iterdir()] == ["model"]


def test_the_folders_above_are_made(tiny_model, tmp_path):
    save_model(tiny_model, tmp_path / "models" / "mine", "卡", {})
    assert load_model(tmp_path / "models" / "mine").untrained_ == ("well",)


def test_an_empty_folder_is_filled(tiny_model, tmp_path):
    (tmp_path / "m").mkdir()
    save_model(tiny_model, tmp_path / "m", "卡", {})
    assert load_model(tmp_path / "m").untrained_ == ("well",)


def test_the_current_folder_is_filled_where_it_is_empty(tiny_model, tmp_path, monkeypatch):
    (tmp_path / "m").mkdir()
    monkeypatch.chdir(tmp_path / "m")
    save_model(tiny_model, ".", "卡", {})
    assert load_model(tmp_path / "m").untrained_ == ("well",)


def test_a_folder_that_is_no_model_is_not_overwritten(tiny_model, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "论文.txt").write_text("三年的心血", encoding="utf-8")
    with pytest.raises(OutputError, match="mine: not empty and no model folder") as caught:
        save_model(tiny_model, tmp_path / "mine", "卡", {})
    assert caught.value.hint == "name another folder with -o"
    assert contents(tmp_path / "mine") == {"论文.txt": "三年的心血".encode()}
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("target", ["file", "file/model"])
def test_a_place_that_cannot_be_written_is_told(tiny_model, tmp_path, target):
    (tmp_path / "file").write_text("旧", encoding="utf-8")
    with pytest.raises(OutputError, match=f"{target}: Not a directory") as caught:
        save_model(tiny_model, tmp_path / target, "卡", {})
    assert caught.value.hint == "check the path and its permissions"
    assert contents(tmp_path) == {"file": "旧".encode()}


def test_a_disk_that_fills_up_half_way_leaves_the_older_model_whole(folder, tiny_model, monkeypatch):
    before = contents(folder)
    write = Path.write_bytes

    def full(path, data):
        if path.name == "codebook.yaml":
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="model: No space left on device") as caught:
        save_model(tiny_model, folder, "# 新卡\n", {})
    assert caught.value.hint
    assert contents(folder) == before
    assert [p.name for p in folder.parent.iterdir()] == ["model"]


def test_an_interruption_half_way_leaves_the_older_model_whole(folder, tiny_model, monkeypatch):
    before = contents(folder)

    def interrupted(path, data):
        raise KeyboardInterrupt("stop")

    monkeypatch.setattr(Path, "write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt, match="stop"):
        save_model(tiny_model, folder, "# 新卡\n", {})
    assert contents(folder) == before
    assert [p.name for p in folder.parent.iterdir()] == ["model"]


def test_an_older_model_stays_where_the_new_one_cannot_take_its_place(folder, tiny_model, monkeypatch):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    rename = Path.rename

    def denied(path, target):
        if path.name.endswith(".part"):
            raise PermissionError(13, "Permission denied")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", denied)
    with pytest.raises(OutputError, match="Permission denied"):
        save_model(tiny_model, folder, "# another card\n", {"sha256": "1" * 64})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
