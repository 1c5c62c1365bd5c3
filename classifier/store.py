"""The model folder: arrays as npz, everything else as JSON, YAML and Markdown; no pickle.

Loading runs no code from the folder, checks every file against the manifest, and
refuses what it does not know.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier import shipped
from classifier.array_files import packed
from classifier.bounded_files import read_bounded
from classifier.errors import FupinError, InputError, ModelError, OutputError
from classifier.model_files import BROKEN, DRIFT, RETRAIN, Parts, parts_of, unpack
from classifier.predictor import Predictor
from classifier.scoring import in_units
from classifier.stored_lexicon import lexicon_to_json
from classifier.yaml_lines import SIZE_LIMIT

if TYPE_CHECKING:
    from classifier.model import PolicyClassifier

FORMAT = 5
MANIFEST, EVALUATION = "manifest.json", "EVALUATION.md"
MANIFEST_LIMIT = 8_000_000  # bytes
MB = 1_000_000
FILES = {  # and the most bytes of each: with these a folder made to cost as much as it can takes 1 GB
    "weights.npz": 256 * MB,
    "features.json": MB,
    "terms.txt": 32 * MB,
    "thresholds.json": 2 * MB,
    "codebook.yaml": SIZE_LIMIT,
    "lexicon.json": SIZE_LIMIT,
    "MODEL_CARD.md": 8 * MB,
    EVALUATION: 8 * MB,
}
_LIBRARIES = ("fupin-classifier", "numpy", "scipy", "scikit-learn")
_SELF_HASH = re.compile(rb'"self_sha256": "[0-9a-f]{0,64}"')


def save_model(
    model: PolicyClassifier,
    folder: str | Path,
    card: str,
    training: Mapping[str, Any],
    evaluation: str = "Not evaluated.\n",
) -> None:
    """Write a fitted model as a folder, whole or not at all.

    Parameters
    ----------
    model : PolicyClassifier
        Fitted, with a codebook read from YAML.
    folder : path
        Replaced where it is a model folder already.
    card : str
        The text of ``MODEL_CARD.md``.
    training : mapping
        What the manifest says of the training data and the figures; JSON values. The
        model's ``reference_`` is added to it.
    evaluation : str
        The text of ``EVALUATION.md``.

    Raises
    ------
    OutputError
        Where the folder cannot be written, or is no model folder.
    ModelError
        Where the model could not be loaded again.
    """
    files = {**_pack(model), "MODEL_CARD.md": card.encode(), EVALUATION: evaluation.encode()}
    if model.reference_ is not None:
        training = {**training, DRIFT: model.reference_.to_json()}
    files[MANIFEST] = _manifest(files, training)
    try:
        unpack(files, training)
    except (*BROKEN, FupinError) as error:
        raise ModelError(
            f"{folder}: this model could not be loaded again ({error})",
            "read the codebook from YAML, and the lexicon with the codebook's codes",
        ) from None
    target = Path(folder).resolve()  # `.` has no name to put `.part` behind
    try:
        if target.exists() and any(target.iterdir()) and not (target / MANIFEST).is_file():
            raise OutputError(f"{folder}: not empty and no model folder", "name another folder with -o")
        _replace(target, files)
    except OSError as error:
        raise OutputError(
            f"{folder}: {error.strerror or error}", "check the path and its permissions"
        ) from None


def _replace(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files beside the folder and put them in its place."""
    aside, old = folder.with_name(f"{folder.name}.part"), folder.with_name(f"{folder.name}.old")
    try:
        shutil.rmtree(old, ignore_errors=True)
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        for name, data in files.items():
            (aside / name).write_bytes(data)
        if folder.exists():
            folder.rename(old)
        aside.rename(folder)
    finally:
        if old.exists() and not folder.exists():
            old.rename(folder)  # what stood there before stays, where the new one could not take its place
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _pack(model: PolicyClassifier) -> dict[str, bytes]:
    features, decisions = model.features_, model.decisions_
    arrays = {**in_units(model.coef_.T)._asdict(), "intercept": model.intercept_, "idf": features.idf_}
    trained = [c for c, t in zip(model.codes_, model.trained_, strict=True) if t]
    rows = zip(trained, decisions.slope, decisions.offset, decisions.threshold, strict=True)
    return {
        "weights.npz": packed(arrays),
        "features.json": _json(features.options()),
        "terms.txt": "\n".join(features.terms_).encode(),
        "thresholds.json": _json(
            {c: {"slope": float(s), "offset": float(o), "threshold": float(t)} for c, s, o, t in rows}
        ),
        "codebook.yaml": model.codebook.text.encode(),
        "lexicon.json": _json(None if model.lexicon is None else lexicon_to_json(model.lexicon)),
    }


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def _manifest(files: Mapping[str, bytes], training: Mapping[str, Any]) -> bytes:
    value = {
        "format": FORMAT,
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        "training": dict(training),
        "self_sha256": "",
    }
    blank = _json(value)
    return blank.replace(
        b'"self_sha256": ""', b'"self_sha256": "%s"' % hashlib.sha256(blank).hexdigest().encode()
    )


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "unknown"


def load_model(folder: str | Path | None = None) -> PolicyClassifier:
    """Load a model folder, by default the one that comes with the package.

    Raises `ModelError`, with one line and a hint, where a file is missing or
    changed, the format is another, or the contents do not fit together.

    >>> model = load_model()
    >>> given = model.predict(["为建档立卡贫困户发放小额信贷五万元，财政贴息。"])
    >>> [code for code, yes in zip(model.codes_, given[0]) if yes]
    ['finance']
    """
    return _shipped() if folder is None else _load(Path(folder)).model()


@lru_cache(maxsize=1)
def _shipped() -> PolicyClassifier:
    return _load(shipped.MODEL).model()


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a model folder, its own hash and format checked."""
    return manifest_of(_read(folder, MANIFEST), folder)


def manifest_of(data: bytes, folder: Path) -> dict[str, Any]:
    """Return the manifest that bytes are, its own hash and format checked; ``folder`` is named in errors."""
    found = _SELF_HASH.findall(data)
    blank = _SELF_HASH.sub(b'"self_sha256": ""', data)
    if len(found) != 1 or hashlib.sha256(blank).hexdigest().encode() not in found[0]:
        raise ModelError(f"{folder / MANIFEST}: damaged, its hash does not fit", RETRAIN)
    try:
        value: dict[str, Any] = json.loads(data)
    except (ValueError, RecursionError):
        raise ModelError(f"{folder / MANIFEST}: not JSON", RETRAIN) from None
    if not isinstance(value, dict) or not isinstance(value.get("files"), dict):
        raise ModelError(f"{folder / MANIFEST}: not the manifest of a model", RETRAIN)
    if value.get("format") != FORMAT:
        raise ModelError(
            f"{folder}: model format {value.get('format')!r:.40}, this version reads format {FORMAT}",
            RETRAIN,
        )
    if set(value["files"]) != set(FILES):
        raise ModelError(f"{folder / MANIFEST}: lists other files than {', '.join(FILES)}", RETRAIN)
    return value


def model_hash(folder: Path) -> str:
    """Return the hash of a model folder: that of its manifest, which holds those of all files."""
    return str(read_manifest(folder)["self_sha256"])


def _read(folder: Path, name: str) -> bytes:
    path = folder / name
    try:
        return read_bounded(path, FILES.get(name, MANIFEST_LIMIT))
    except FileNotFoundError:
        if not folder.is_dir():
            raise ModelError(
                f"{folder}: no such model folder", "make one with `fupin train -o FOLDER`"
            ) from None
        raise ModelError(f"{path}: missing", RETRAIN) from None
    except InputError as error:
        raise ModelError(str(error), RETRAIN) from None
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}", "check the path and its permissions") from None


def load_predictor(folder: str | Path | None = None) -> Predictor:
    """Load of a model folder what labelling needs; it takes a fraction of the time of `load_model`.

    Raises `ModelError` as `load_model` does.
    """
    return _load(shipped.MODEL if folder is None else Path(folder)).predictor()


def _load(folder: Path) -> Parts:
    manifest = read_manifest(folder)
    files = {name: _read(folder, name) for name in FILES}
    for name, data in files.items():
        if hashlib.sha256(data).hexdigest() != manifest["files"][name]:
            raise ModelError(f"{folder / name}: changed since the model was made", RETRAIN)
    return parts_of(files, manifest.get("training"), folder)
