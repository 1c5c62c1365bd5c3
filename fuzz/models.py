"""Model folders → predictions: a folder whose hashes fit is refused, or its model can score any text."""

from __future__ import annotations

import hashlib
import io
import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from classifier.drift import measure
from classifier.errors import FupinError
from classifier.evaluation_tables import figures_in
from classifier.model_files import parts_of
from classifier.store import FILES, FORMAT, MANIFEST, manifest_of
from fuzz.changes import changed_array, replaced
from fuzz.choices import Choices
from fuzz.refusals import see_refusal

FOLDER = Path("model")
TOKENS = ()
TERMS = ["上", "上学", "医", "医生", "学", "小", "小学", "生", "药", "药费", "费"]
_CODEBOOK = {
    "name": "village",
    "version": "1",
    "codes": [
        {"code": code, "name": name}
        for code, name in (("clinic", "看病"), ("school", "上学"), ("road", "路"))
    ],
}
_LEXICON = {
    "name": "village",
    "version": "1",
    "cues": {"医生": ["clinic"], "药": ["clinic"], "小学": ["school"]},
    "not_cues": {"小学后山": ["school"]},
    "setting": ["后山", "费"],
}


def _arrays() -> dict[str, np.ndarray[Any, Any]]:
    features, rng = len(TERMS) + 2 * 2, np.random.default_rng(7)  # two codes with cues, and a setting
    return {
        "units": rng.integers(-127, 128, (features, 2)).astype(np.int8),
        "exponents": rng.integers(-9, 1, features).astype(np.int8),
        "intercept": np.array([-0.5, 0.25], dtype=np.float32),
        "idf": rng.uniform(1, 5, len(TERMS)).astype(np.float32),
    }


_ARRAYS = _arrays()
_THRESHOLDS = {code: {"slope": 2.0, "offset": -0.5, "threshold": 0.4} for code in ("clinic", "school")}
_FEATURES = {"ngram_range": [1, 2], "min_df": 1, "lexicon_weight": 0.5, "setting_weight": 0.5}
_JSON: dict[str, Any] = {
    "codebook.yaml": _CODEBOOK,
    "lexicon.json": _LEXICON,
    "terms.txt": TERMS,
    "features.json": _FEATURES,
    "thresholds.json": _THRESHOLDS,
    "training": {"segments": 3, "codes": {"clinic": {"trained": True, "support": 9, "f1": 0.8}}},
}
_PAGE = """\
| code | name | support | precision | recall | F1 |
|---|---|---:|---:|---:|---:|
| `clinic` | 看病 | 12 | 0.9 | 0.8 | 0.85 |

| text | segments (documents) | support | model, micro-F1 | coders |
|---|---:|---:|---:|---:|
| a | 90 (4) | 30 | 0.8 (0.7–0.9) | 0.9 |

| code | a |
|---|---:|
| `clinic` | 0.84 (60) |
"""
_TEXTS = ("", "药", "医生上小学后山的药费１２元；\ud800\x00😀é가", "主持人：习总书记" * 20)


def run(data: bytes) -> bool:
    """Change a small model as the bytes choose, load it, and let it predict."""
    choices = Choices(data)
    files, training = _files(choices)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            seal = choices.below(4)
            if seal == 0:  # by way of a manifest, perhaps a damaged one
                manifest = manifest_of(_manifest(files, training, choices), FOLDER)
                training = manifest.get("training")
                page = files["EVALUATION.md"].decode("utf-8", "replace")
            parts = parts_of(files, training, FOLDER)
            model = parts.predictor() if seal < 3 else parts.model()
            if seal == 0:
                figures_in(manifest, page, model.codebook, FOLDER)
            probabilities = model.predict_proba(_TEXTS)
            given = model.predict(_TEXTS)
            if model.reference_ is not None:
                measure(model, _TEXTS, ["a", "a", "b", "c"], probabilities, given).warnings("zh")
    except FupinError as error:
        see_refusal(error, str(FOLDER))
        return False
    known = probabilities[:, model.trained_]
    assert given.shape == (len(_TEXTS), len(model.codes_)), "labels of another shape"
    assert np.isnan(probabilities[:, ~model.trained_]).all(), "a probability for an untrained code"
    assert ((known >= 0) & (known <= 1)).all(), "no probability"
    return True


def _files(choices: Choices) -> tuple[dict[str, bytes], Any]:
    """Return the files of the model, changed as ``choices`` say, and what its manifest says of training."""
    arrays, values = dict(_ARRAYS), json.loads(json.dumps(_JSON))
    raw: dict[str, bytes] = {}
    for _ in range(1 + choices.below(4)):
        what = choices.below(16)
        if what == 15 and choices.below(2):
            page = bytearray(_PAGE.encode())
            page[choices.below(len(page))] = choices.below(256)
            raw["EVALUATION.md"] = bytes(page)
        elif what < 7:
            name = choices.of(list(arrays))
            arrays[name] = changed_array(arrays[name], _ARRAYS, choices)
        elif what < 14:
            name = choices.of(list(values))
            values[name] = replaced(values[name], choices)
        elif what == 14:
            name = choices.of(list(FILES))
            raw[name] = choices.taken(choices.below(64))
        else:
            raw["units"] = choices.taken(choices.below(200))
    files = {
        name: _json(values[name])
        for name in ("codebook.yaml", "lexicon.json", "features.json", "thresholds.json")
    }
    files |= {
        "terms.txt": _lines(values["terms.txt"]),
        "weights.npz": _npz(arrays, raw.pop("units", None), choices),
        "MODEL_CARD.md": b"",
        "EVALUATION.md": _PAGE.encode(),
    }
    return {**files, **raw}, values["training"]


def _npz(arrays: dict[str, Any], units: bytes | None, choices: Choices) -> bytes:
    """Return arrays as npz; with the bytes of one replaced, and the archive itself changed, perhaps."""
    stream = io.BytesIO()
    packing = {6: zipfile.ZIP_DEFLATED, 7: zipfile.ZIP_LZMA}.get(choices.below(8), zipfile.ZIP_STORED)
    with zipfile.ZipFile(stream, "w", packing) as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, array, allow_pickle=True)
            archive.writestr(
                zipfile.ZipInfo(f"{name}.npy"), units if name == "units" and units else content.getvalue()
            )
    data = bytearray(stream.getvalue())
    for _ in range(max(0, choices.below(8) - 5)):
        data[choices.below(len(data))] = choices.below(256)
    return bytes(data)


def _lines(value: Any) -> bytes:
    terms = value if isinstance(value, list) else [value]
    return "\n".join(map(str, terms)).encode("utf-8", "surrogatepass")


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _manifest(files: dict[str, bytes], training: Any, choices: Choices) -> bytes:
    """Return a manifest whose hashes fit; or one that is changed behind its own hash."""
    hashes = {name: hashlib.sha256(files.get(name, b"")).hexdigest() for name in FILES}
    value: Any = {"format": FORMAT, "files": hashes, "training": training, "self_sha256": ""}
    if choices.below(2):
        value = replaced(value, choices)
    blank = json.dumps(value, indent=1).encode()
    digest = hashlib.sha256(blank).hexdigest().encode()
    data = bytearray(blank.replace(b'"self_sha256": ""', b'"self_sha256": "%s"' % digest))
    if not choices.below(4) and data:
        data[choices.below(len(data))] = choices.below(256)
    return bytes(data)


assert MANIFEST not in FILES


def seeds() -> list[bytes]:
    """Return choices that change this and that, and some that change nothing."""
    rng = np.random.default_rng(11)
    return [bytes(64), *(bytes([n % 4, n % 8]) + rng.bytes(60) for n in range(64))]
