"""A model whose codes have other names, because the codebook that it was trained for renamed them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from classifier.codebook import Codebook
from classifier.codebook_changes import Changes
from classifier.errors import ModelError
from classifier.features import TextFeatures
from classifier.model import PolicyClassifier
from classifier.model_files import DRIFT
from classifier.store import load_model, read_manifest, save_model


def rename_model(folder: Path, out: Path, changes: Changes, codebook: Codebook) -> None:
    """Write a model that gives the new names for the same segments.

    Raises `ModelError` where the changes do more than rename, for there the model would have to learn
    anew, or where the model is not one of the codebook that was changed.
    """
    if changes.merge or changes.split or changes.retire:
        raise ModelError(
            f"{folder}: a model can follow where codes are renamed, and no further",
            "train again: `fupin train`, with the new tables or --reviewed STORE",
        )
    old = load_model(folder)
    if old.codes_ != changes.old.columns:
        raise ModelError(f"{folder}: its codebook is another than the one that was changed", "name its own")
    options = old.features_.options()
    words = old.lexicon
    if words is not None:
        words = words.renamed(changes.rename)
    features = TextFeatures.from_terms(old.features_.terms_, old.features_.idf_, lexicon=words, **options)
    names = [_renamed(name, changes) for name in old.features_.get_feature_names_out()]
    place = [names.index(name) for name in features.get_feature_names_out()[len(features.terms_) :]]
    order = np.r_[np.arange(len(features.terms_)), np.array(place, dtype=int)]  # cues' codes are sorted
    trained = [changes.becomes[c][0] for c, yes in zip(old.codes_, old.trained_, strict=True) if yes]
    model = PolicyClassifier(codebook, words, **options)
    model.restore(
        features, old.coef_[:, order], old.intercept_, old.decisions_, trained, reference=old.reference_
    )
    training = _training(read_manifest(folder)["training"], changes)
    card, page = (_texts(folder / name, changes) for name in ("MODEL_CARD.md", "EVALUATION.md"))
    save_model(model, out, card, training, page)


def _renamed(feature: str, changes: Changes) -> str:
    kind, mark, code = feature.partition(":")
    return f"{kind}:{changes.rename.get(code, code)}" if mark and kind in ("lexicon", "setting") else feature


def _training(facts: Mapping[str, Any], changes: Changes) -> dict[str, Any]:
    """Return what the manifest says of the training, under the new names."""
    codes = {changes.rename.get(code, code): said for code, said in (facts.get("codes") or {}).items()}
    kept = {k: v for k, v in facts.items() if k not in (DRIFT, "codes")}
    return {**kept, "codes": codes, "renamed": dict(changes.rename)}


def _texts(path: Path, changes: Changes) -> str:
    """Return a page of the folder with codes, which stand in backquotes, under their new names."""
    text = path.read_text(encoding="utf-8")
    return re.sub(r"`([^`\n]+)`", lambda found: f"`{changes.rename.get(found[1], found[1])}`", text)
