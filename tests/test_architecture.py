"""The rules that hold the modules together, read off their source."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import classifier
from classifier.codebook import load_codebook

PACKAGE = Path(classifier.__file__).resolve().parent
# Each module may import only modules that stand before it.
ORDER = (
    "inert_text",
    "errors",
    "bounded_files",
    "array_files",
    "yaml_lines",
    "yaml_edits",
    "whole_file",
    "spreadsheet_guard",
    "cells",
    "limits",
    "json_values",
    "frames",
    "parsed",
    "skipped",
    "office_parts",
    "word_files",
    "workbooks",
    "parquet_files",
    "page_facts",
    "page_layout",
    "web_pages",
    "pdf_fonts",
    "pdf_lines",
    "pdf_files",
    "archives",
    "parsing_process",
    "confined",
    "shipped",
    "rendering",
    "codebook_checks",
    "codebook",
    "codebook_changes",
    "codebook_rewriting",
    "compiling",
    "processor",
    "excerpts",
    "tries",
    "cutting",
    "normalise",
    "segments",
    "text_files",
    "text_lines",
    "text_columns",
    "document",
    "tables",
    "table_columns",
    "sources",
    "json_lists",
    "table_documents",
    "file_readers",
    "documents",
    "cue_matching",
    "lexicon",
    "stored_lexicon",
    "coded_marks",
    "corpus",
    "labelled",
    "codings",
    "cue_precision",
    "scoring",
    "decisions",
    "spread",
    "drift_measures",
    "drift",
    "predictor",
    "features",
    "prior",
    "folds",
    "calibration",
    "machines",
    "model",
    "explanation",
    "corrections",
    "evaluation",
    "before_after",
    "evaluation_page",
    "quick_start",
    "crew",
    "background",
    "journal",
    "completed",
    "sheet_xml",
    "lazy_columns",
    "encoded_rows",
    "output",
    "carried_columns",
    "labelling",
    "batch",
    "model_files",
    "store",
    "renamed_model",
    "training",
    "evaluation_tables",
    "report_tables",
    "report_texts",
    "shares",
    "survey",
    "correction",
    "estimate",
    "sampling",
    "hand_labels",
    "dates",
    "groups",
    "views",
    "share_tables",
    "quality_tables",
    "drift_tables",
    "corrected_tables",
    "report_sentences",
    "report",
    "report_text",
    "pictures",
    "page_tables",
    "page_sentences",
    "report_page",
    "deciding_phrases",
    "check_sheets",
    "exchanged",
    "checked_sheets",
    "workbook_cells",
    "workbook_pictures",
    "workbook_sheets",
    "workbook_check_sheets",
    "report_workbook",
    "report_files",
    "sample_files",
    "exchange_tables",
    "label_studio",
    "label_studio_config",
    "doccano",
    "cap_tables",
    "agreement",
    "disagreements",
    "agreement_table",
    "review_items",
    "review_schema",
    "turns",
    "review_database",
    "review_rows",
    "review_recording",
    "review_adding",
    "review_progress",
    "review_store",
    "review_lines",
    "review_files",
    "review_queue",
    "reviewed_labels",
    "retraining",
    "retrained_model",
    "label_migration",
    "review_access",
    "review_pages",
    "review_evidence",
    "review_figures",
    "review_exports",
    "review_job",
    "review_requests",
    "review_routes",
    "review_server",
    "review_connections",
    "demo",
    "console",
    "cli_labels",
    "cli_train",
    "cli_figures",
    "cli_exchange",
    "cli_review",
    "cli",
)
MODULES = {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.glob("*.py"))}
LIBRARIES = [
    name
    for name in MODULES
    if name
    not in (
        "cli",
        "cli_exchange",
        "cli_figures",
        "cli_labels",
        "cli_review",
        "cli_train",
        "console",
        "__main__",
    )
]
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


def imported(tree):
    """Return the modules of this package that a module imports anywhere, each with its line."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = f"classifier.{node.module or ''}".rstrip(".") if node.level else node.module
            names = [f"{base}.{alias.name}" for alias in node.names] if base == "classifier" else [base]
        else:
            continue
        parts = [name.split(".") for name in names]
        found += [(p[1] if p[1:] else "__init__", node.lineno) for p in parts if p[0] == "classifier"]
    # `from classifier import __version__` names no module but the package itself
    return [(name if name in MODULES else "__init__", line) for name, line in found]


def test_every_module_has_its_place_in_the_order():
    assert sorted(ORDER) == sorted(set(MODULES) - {"__init__", "__main__"})


@pytest.mark.parametrize("name", ORDER)
def test_a_module_imports_only_modules_before_it(name):
    before = ORDER[: ORDER.index(name)]
    wrong = [
        f"{name}.py:{line} imports {other}" for other, line in imported(MODULES[name]) if other not in before
    ]
    if name == "cli":  # the version stands in the package itself
        wrong = [found for found in wrong if not found.endswith("imports __init__")]
    assert wrong == []


def test_the_package_itself_imports_nothing_of_its_own_before_it_is_asked():
    assert imported(MODULES["__init__"]) == []
    assert [name for name, _ in imported(MODULES["__main__"])] == ["cli"]


def test_the_reader_of_imports_finds_every_kind_of_them():
    source = """
from __future__ import annotations
import classifier.batch, numpy
from classifier import shipped, __version__
from classifier.model import PolicyClassifier
from . import report
from .store import load_model
if TYPE_CHECKING:
    from classifier.codebook import Codebook
def late():
    from classifier.demo import run_demo
"""
    found = [name for name, _ in imported(ast.parse(source))]
    assert found == ["batch", "shipped", "__init__", "model", "report", "store", "codebook", "demo"]


# --- codes and categories are data ---


def docstrings(tree):
    """Return the ids of the docstring nodes of a module."""
    owners = (ast.Module, ast.ClassDef, *FUNCTION)
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, owners) and node.body]
    return {id(body[0].value) for body in bodies if isinstance(body[0], ast.Expr)}


def strings(tree):
    """Yield the string literals of a module, pieces of f-strings included, docstrings left out."""
    skipped = docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.lineno, node.value


def named_in(tree, codes, categories):
    """Return the codes (as words) and categories (as text) that a module's string literals name."""
    return [
        (line, name)
        for line, text in strings(tree)
        for name in (
            *(codes & set(re.findall(r"\w+", text, re.ASCII))),
            *(c for c in categories if c in text),
        )
    ]


@pytest.mark.parametrize("name", MODULES)
def test_no_python_line_names_a_code_or_a_category(name):
    book = load_codebook()
    categories = {category for scheme in book.schemes.values() for category in scheme.categories}
    assert len(book.columns) == 24
    assert len(book.schemes) == 12
    assert named_in(MODULES[name], set(book.columns), {*categories, *book.schemes}) == []


def test_the_reader_of_literals_sees_strings_and_f_strings_and_not_docstrings():
    source = '''
def f(x):
    """Doctest: 'health'."""
    return {"health": f"{x} is 健康扶贫 or", "healthy": x.health}
'''
    assert named_in(ast.parse(source), {"health"}, {"健康扶贫"}) == [(4, "health"), (4, "健康扶贫")]


# --- sizes ---


def lengths(tree):
    return {n.name: n.end_lineno - n.lineno + 1 for n in ast.walk(tree) if isinstance(n, FUNCTION)}


@pytest.mark.parametrize("name", MODULES)
def test_no_function_is_longer_than_sixty_lines_and_no_module_than_four_hundred(name):
    assert {f: n for f, n in lengths(MODULES[name]).items() if n > 60} == {}
    assert len((PACKAGE / f"{name}.py").read_text(encoding="utf-8").splitlines()) <= 400


def test_functions_are_fifteen_lines_long_on_average_or_less():
    every = [n for tree in MODULES.values() for n in lengths(tree).values()]
    assert sum(every) / len(every) <= 15


# --- the public names ---


def test_every_public_name_resolves_and_every_other_name_is_refused():
    assert classifier.__all__ == sorted(classifier.__all__)
    for name in classifier.__all__:
        assert callable(getattr(classifier, name))
    assert set(dir(classifier)) == {*classifier.__all__, "__version__"}
    with pytest.raises(AttributeError, match="module 'classifier' has no attribute 'colour'"):
        _ = classifier.colour


def test_the_names_of_the_design_are_public():
    assert {"load_model", "PolicyClassifier", "Codebook", "label", "evaluate"} <= set(classifier.__all__)


# --- what libraries leave to the command ---

NOT_FOR_LIBRARIES = re.compile(
    r"(print|exit|quit|sys\.exit|os\._exit|SystemExit|time\.\w+|(datetime\.)*(datetime|date)\.(now|today|utcnow)"
    r"|(np|numpy)\.random\.(?!default_rng$)\w+|random\.\w+)"
)


def forbidden(tree):
    """Return the calls that print, leave, read the clock or touch the global random state."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            unseeded = name.endswith("default_rng") and not node.args
            if NOT_FOR_LIBRARIES.fullmatch(name) or unseeded:
                found.append(f"{name} on line {node.lineno}")
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            found += [f"import {n} on line {node.lineno}" for n in names if n in ("time", "random")]
    return found


@pytest.mark.parametrize("name", LIBRARIES)
def test_libraries_neither_print_nor_leave_nor_read_the_clock_nor_seed(name):
    assert forbidden(MODULES[name]) == []


@pytest.mark.parametrize(
    "line",
    [
        "print('x')",
        "sys.exit(1)",
        "raise SystemExit(1)",
        "time.time()",
        "datetime.datetime.now()",
        "datetime.now()",
        "date.today()",
        "np.random.seed(1)",
        "random.shuffle(x)",
        "np.random.default_rng()",
        "from time import perf_counter",
        "import random",
    ],
)
def test_the_reader_of_calls_finds_each_of_them(line):
    assert forbidden(ast.parse(line))
    assert forbidden(ast.parse("np.random.default_rng(7)\nself.print('x')\npath.exists()")) == []


def test_nothing_is_pickled():
    loaded = {name for tree in MODULES.values() for _, name in _all_imports(tree)}
    assert not loaded & {"pickle", "dill", "cloudpickle", "marshal", "shelve"}
    used = {
        ast.unparse(n) for tree in MODULES.values() for n in ast.walk(tree) if isinstance(n, ast.Attribute)
    }
    assert not used & {"joblib.dump", "joblib.load", "yaml.load", "yaml.unsafe_load", "yaml.full_load"}


def _all_imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, (node.module or "").split(".")[0]
