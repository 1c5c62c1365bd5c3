"""The model folder: arrays as npz, everything else as JSON, YAML and Markdown; no pickle.

Loading runs no code from the folder, checks every file against the manifest, and
refuses what it does not know.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from classifier import shipped
from classifier.codebook import Codebook, codebook_from_text
from classifier.decisions import Decisions
from classifier.drift import Reference
from classifier.errors import FupinError, ModelError, OutputError
from classifier.lexicon import NO_LEXICON, Lexicon, lexicon_from_text
from classifier.predictor import Predictor
from classifier.scoring import Features, from_units, in_units
from classifier.yaml_lines import parse

if TYPE_CHECKING:
    from classifier.model import PolicyClassifier

FORMAT = 3
MANIFEST = "manifest.json"
DRIFT = "drift"  # what the training text was like, in the manifest's part on training
FILES = (
    "weights.npz",
    "features.json",
    "thresholds.json",
    "codebook.yaml",
    "lexicon.yaml",
    "MODEL_CARD.md",
    "EVALUATION.md",
)
FILE_LIMIT = 512_000_000  # bytes
_LIBRARIES = ("fupin-classifier", "numpy", "scipy", "scikit-learn")
_RETRAIN = "train it again with `fupin train`, or fetch the folder anew"
# What reading a folder can meet whose hashes fit but whose contents make no sense
_BROKEN = (
    ArithmeticError,
    AttributeError,
    BadZipFile,
    EOFError,
    LookupError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
    zlib.error,
)
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
    files = {**_pack(model), "MODEL_CARD.md": card.encode(), "EVALUATION.md": evaluation.encode()}
    if model.reference_ is not None:
        training = {**training, DRIFT: model.reference_.to_json()}
    files[MANIFEST] = _manifest(files, training)
    try:
        _unpack(files, training)
    except (*_BROKEN, FupinError) as error:
        raise ModelError(
            f"{folder}: this model could not be loaded again ({error})",
            "read codebook and lexicon from YAML, and the lexicon with the codebook's codes",
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
    arrays = io.BytesIO()
    units, exponents = in_units(model.coef_.T)
    np.savez_compressed(
        arrays, units=units, exponents=exponents, intercept=model.intercept_, idf=features.idf_
    )
    trained = [c for c, t in zip(model.codes_, model.trained_, strict=True) if t]
    rows = zip(trained, decisions.slope, decisions.offset, decisions.threshold, strict=True)
    options = {"ngram_range": list(features.ngram_range), "min_df": features.min_df}
    return {
        "weights.npz": arrays.getvalue(),
        "features.json": _json(
            {**options, "lexicon_weight": features.lexicon_weight, "terms": features.terms_}
        ),
        "thresholds.json": _json(
            {c: {"slope": float(s), "offset": float(o), "threshold": float(t)} for c, s, o, t in rows}
        ),
        "codebook.yaml": model.codebook.text.encode(),
        "lexicon.yaml": _lexicon(model.lexicon),
    }


def _lexicon(lexicon: Lexicon | None) -> bytes:
    """Return a lexicon as JSON: it is YAML too, and read at once."""
    return b"" if lexicon is None else _json(parse(lexicon.text, "lexicon.yaml")[0])


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
    data = _read(folder, MANIFEST)
    found = _SELF_HASH.findall(data)
    blank = _SELF_HASH.sub(b'"self_sha256": ""', data)
    if len(found) != 1 or hashlib.sha256(blank).hexdigest().encode() not in found[0]:
        raise ModelError(f"{folder / MANIFEST}: damaged, its hash does not fit", _RETRAIN)
    try:
        value: dict[str, Any] = json.loads(data)
    except (ValueError, RecursionError):
        raise ModelError(f"{folder / MANIFEST}: not JSON", _RETRAIN) from None
    if not isinstance(value, dict) or not isinstance(value.get("files"), dict):
        raise ModelError(f"{folder / MANIFEST}: not the manifest of a model", _RETRAIN)
    if value.get("format") != FORMAT:
        raise ModelError(
            f"{folder}: model format {value.get('format')}, this version reads format {FORMAT}", _RETRAIN
        )
    if set(value["files"]) != set(FILES):
        raise ModelError(f"{folder / MANIFEST}: lists other files than {', '.join(FILES)}", _RETRAIN)
    return value


def model_hash(folder: Path) -> str:
    """Return the hash of a model folder: that of its manifest, which holds those of all files."""
    return str(read_manifest(folder)["self_sha256"])


def _read(folder: Path, name: str) -> bytes:
    path = folder / name
    try:
        if path.stat().st_size > FILE_LIMIT:
            raise ModelError(f"{path}: larger than {FILE_LIMIT:,} bytes", _RETRAIN)
        return path.read_bytes()
    except FileNotFoundError:
        if not folder.is_dir():
            raise ModelError(
                f"{folder}: no such model folder", "make one with `fupin train -o FOLDER`"
            ) from None
        raise ModelError(f"{path}: missing", _RETRAIN) from None
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}", "check the path and its permissions") from None


def load_predictor(folder: str | Path | None = None) -> Predictor:
    """Load of a model folder what labelling needs; it takes a fraction of the time of `load_model`.

    Raises `ModelError` as `load_model` does.
    """
    return _load(shipped.MODEL if folder is None else Path(folder)).predictor()


def _load(folder: Path) -> _Parts:
    manifest = read_manifest(folder)
    files = {name: _read(folder, name) for name in FILES}
    for name, data in files.items():
        if hashlib.sha256(data).hexdigest() != manifest["files"][name]:
            raise ModelError(f"{folder / name}: changed since the model was made", _RETRAIN)
    try:
        return _unpack(files, manifest.get("training"))
    except _BROKEN as error:
        raise ModelError(f"{folder}: the files do not fit together ({error})", _RETRAIN) from None
    except FupinError as error:
        raise ModelError(f"{folder}: {error}", _RETRAIN) from None


@dataclass(frozen=True)
class _Parts:
    """What the files of a model folder hold, checked to fit together."""

    codebook: Codebook
    lexicon: Lexicon | None
    terms: list[str]
    idf: NDArray[np.float32]
    ngram_range: tuple[int, int]
    min_df: int
    lexicon_weight: float
    coef: NDArray[np.float32]
    intercept: NDArray[np.float32]
    decisions: Decisions
    trained: tuple[str, ...]
    reference: Reference | None

    def predictor(self) -> Predictor:
        lexicon = self.lexicon or NO_LEXICON
        features = Features(self.terms, self.idf, self.ngram_range[1], lexicon, self.lexicon_weight)
        settled: dict[str, Any] = {"decisions": self.decisions, "trained": self.trained}
        settled["reference"] = self.reference
        return Predictor(self.codebook, features, self.coef, self.intercept, **settled)

    def model(self) -> PolicyClassifier:
        from classifier.features import TextFeatures
        from classifier.model import PolicyClassifier

        options: dict[str, Any] = {"ngram_range": self.ngram_range, "min_df": self.min_df}
        options["lexicon_weight"] = self.lexicon_weight
        features = TextFeatures.from_terms(self.terms, self.idf, lexicon=self.lexicon, **options)
        model = PolicyClassifier(self.codebook, self.lexicon, **options)
        model.restore(
            features, self.coef, self.intercept, self.decisions, self.trained, reference=self.reference
        )
        return model


def _unpack(files: Mapping[str, bytes], training: Any) -> _Parts:
    codebook = codebook_from_text(files["codebook.yaml"].decode(), "codebook.yaml")
    text = files["lexicon.yaml"].decode()
    options, thresholds = json.loads(files["features.json"]), json.loads(files["thresholds.json"])
    with np.load(io.BytesIO(files["weights.npz"]), allow_pickle=False) as arrays:
        units, exponents = (_small(arrays[name]) for name in ("units", "exponents"))
        intercept, idf = (_finite(arrays[name]) for name in ("intercept", "idf"))
    parts = _Parts(
        codebook=codebook,
        lexicon=lexicon_from_text(text, "lexicon.yaml", codebook.columns) if text else None,
        terms=_ascending(options["terms"]),
        idf=idf,
        ngram_range=(int(options["ngram_range"][0]), int(options["ngram_range"][1])),
        min_df=int(options["min_df"]),
        lexicon_weight=float(options["lexicon_weight"]),
        coef=np.ascontiguousarray(from_units(units, exponents).T),
        intercept=intercept,
        decisions=_decisions(thresholds, codebook.columns, codebook.exclusive),
        trained=tuple(thresholds),
        reference=_reference(training),
    )
    _fit_together(parts)
    return parts


def _reference(training: Any) -> Reference | None:
    """Return what the training text was like; None in a folder that was made before this was noted."""
    if not isinstance(training, Mapping):
        raise ValueError("the manifest says nothing of the training")
    return Reference.from_json(training[DRIFT]) if DRIFT in training else None


def _ascending(terms: Any) -> list[str]:
    if not isinstance(terms, list) or not all(isinstance(term, str) for term in terms):
        raise ValueError("terms are not a list of texts")
    if any(b <= a for a, b in pairwise(terms)):
        raise ValueError("terms are not in ascending order")
    return terms


def _small(array: NDArray[Any]) -> NDArray[np.int8]:
    if array.dtype != np.int8:
        raise ValueError("weights are not int8")
    return array


def _finite(array: NDArray[Any]) -> NDArray[np.float32]:
    if array.dtype != np.float32 or not np.isfinite(array).all():
        raise ValueError("intercepts or idf are not finite float32")
    return array


def _fit_together(parts: _Parts) -> None:
    cues = len(parts.lexicon.cue_codes) if parts.lexicon else 0
    wanted = (len(parts.trained), len(parts.terms) + cues)
    found = (parts.coef.shape, parts.intercept.shape, parts.idf.shape)
    if found != (wanted, wanted[:1], (len(parts.terms),)):
        raise ValueError(f"weights of shape {parts.coef.shape}, wanted {wanted}")


def _decisions(thresholds: Mapping[str, Any], codes: tuple[str, ...], exclusive: bool) -> Decisions:
    if not set(thresholds) <= set(codes):
        raise ValueError("thresholds for codes that the codebook does not have")
    trained = [thresholds[code] for code in codes if code in thresholds]
    columns = [np.array([float(row[k]) for row in trained]) for k in ("slope", "offset", "threshold")]
    if not all(np.isfinite(c).all() for c in columns):
        raise ValueError("thresholds are not finite")
    return Decisions(columns[0], columns[1], columns[2], exclusive)
