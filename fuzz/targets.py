"""The targets by name, and what of the package each wants to see covered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

_YAML = ("yaml_lines", "errors", "inert_text")


@dataclass(frozen=True)
class Target:
    """What is fuzzed.

    ``covered`` are the modules of the package whose coverage guides; compiled modules cannot be
    among them. ``longest`` is the most bytes of an input.
    """

    name: str
    covered: tuple[str, ...]
    longest: int

    @property
    def module(self) -> ModuleType:
        """The module of this package that has ``run`` and ``seeds``."""
        return import_module(f"fuzz.{self.name}")


_ALL = (
    Target(
        "reading",
        (
            *("archives", "document", "file_readers", "inert_text", "office_parts", "page_facts", "parsed"),
            *("parsing_process", "pdf_files", "pdf_lines", "sources", "table_documents", "tables"),
            *("text_columns", "text_files", "web_pages", "word_files", "workbooks"),
        ),
        2048,
    ),
    Target("segmenting", (), 160),
    Target("codebooks", (*_YAML, "codebook", "codebook_checks"), 1024),
    Target("lexicons", (*_YAML, "lexicon"), 512),
    Target(
        "models",
        (
            *_YAML,
            "array_files",
            "codebook",
            "codebook_checks",
            "decisions",
            "drift",
            "lexicon",
            "predictor",
            "model_files",
            "spread",
            "store",
        ),
        512,
    ),
    Target(
        "imports",
        (
            *("archives", "cap_tables", "checked_sheets", "coded_marks", "corpus", "doccano", "errors"),
            *("exchange_tables", "exchanged", "inert_text", "json_lists", "json_values", "label_studio"),
            *("review_adding", "review_files", "review_items", "review_lines", "review_recording"),
            *("review_rows", "sample_files", "spreadsheet_guard", "tables", "text_files", "workbooks"),
        ),
        1536,
    ),
)
TARGETS: Mapping[str, Target] = {target.name: target for target in _ALL}
