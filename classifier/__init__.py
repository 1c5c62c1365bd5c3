"""fupin: which policy measures does each sentence of a Chinese text on poverty alleviation name?

>>> from classifier import load_model
>>> model = load_model()
>>> given = model.predict(["全县新建村卫生室三十二所，签约医生每月上门。"])
>>> [code for code, yes in zip(model.codes_, given[0]) if yes]
['health']
"""

from importlib import import_module
from typing import Any

# Name → module; imported on first use, so that `fupin --help` need not wait for scikit-learn.
_PUBLIC = {
    "Codebook": "codebook",
    "Corpus": "corpus",
    "FupinError": "errors",
    "Lexicon": "lexicon",
    "LexiconClassifier": "model",
    "PolicyClassifier": "model",
    "cut": "segments",
    "evaluate": "evaluation",
    "explain": "explanation",
    "label": "labelling",
    "load_codebook": "codebook",
    "load_lexicon": "lexicon",
    "load_model": "store",
    "load_prior": "prior",
    "read_corpus": "corpus",
    "read_gold": "corpus",
    "save_model": "store",
    "train": "training",
}
__all__ = sorted(_PUBLIC)  # noqa: PLE0605 - names are resolved by __getattr__
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'classifier' has no attribute '{name}'")
    return getattr(import_module(f"classifier.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
