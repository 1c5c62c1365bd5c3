"""Fixtures for all tests: a little codebook, lexicon, corpus and model, and two ways to run the command.

Nothing here depends on the shipped lexicon or model. Every sentence was invented for the tests.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from browsers import browser  # noqa: F401 - a fixture
from hypothesis import settings
from review_stores import new_url, server  # noqa: F401 - fixtures
from threadpoolctl import threadpool_limits

from classifier.cli import main
from classifier.codebook import Codebook, load_codebook
from classifier.corpus import Corpus, Segment, make_corpus
from classifier.lexicon import Lexicon, lexicon_from_text, load_lexicon
from classifier.model import PolicyClassifier
from classifier.store import save_model

ROOT = Path(__file__).resolve().parents[1]

# The same examples on every run, and no clock: a slow machine is no failure.
settings.register_profile("fupin", deadline=None, derandomize=True)
settings.load_profile("fupin")
ENVIRONMENT = {"COLUMNS": "200", "NO_COLOR": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

CODEBOOK = """\
name: village
version: "1"
codes:
  - {code: clinic, name: {zh: 看病, en: clinics}, definition: 看病就医的措施}
  - {code: school, name: {zh: 上学, en: schools}, definition: 上学读书的措施}
  - {code: road, name: {zh: 修路, en: roads}, definition: 修路架桥的措施}
  - {code: well, name: {zh: 打井, en: wells}, definition: 打井取水的措施}
schemes:
  - scheme: two-kinds
    name: {zh: 人与物, en: People and things}
    source: 测试用
    categories:
      - {category: 公共服务, codes: [clinic, school]}
      - {category: 基础设施, codes: [road, well]}
"""

LEXICON = """\
name: village
version: "1"
codes:
  clinic:
    cues: [医生, 卫生室, 药费]
    not_cues: [医生的儿子]
  school:
    cues: [小学, 助学金, 学杂费]
  road:
    cues: [公路, 硬化路]
"""

VILLAGES = (
    *("柳树坪", "石磨沟", "青杠岭", "晒谷坝", "大水井", "杏花咀", "牛背梁", "双碑湾", "野鸡岔", "麻园子"),
    *("桐子坳", "凉风垭", "黑石滩", "磨盘山", "竹根滩", "白鹤塘", "茶亭冲", "木瓜寨", "响水洞", "银杏坡"),
)
# code → who does it, and what is done: any of the first goes with any of the second
PARTS = {
    "clinic": (
        ("签约医生", "村卫生室", "县医院的医生", "巡回医疗队"),
        ("每月上门给老人量血压", "为慢性病患者送药", "帮住院群众报销药费", "每逢赶集日坐诊"),
    ),
    "school": (
        ("村小学", "支教老师", "教育局", "寄宿制中学"),
        ("给困难孩子发放助学金", "免除住校生的学杂费", "新建了两层教学楼", "劝返辍学的孩子回课堂"),
    ),
    "road": (
        ("施工队", "交通局", "筑路民工", "镇里"),
        ("把通村公路铺成水泥路", "修通了最后三公里硬化路", "给盘山路装上护栏", "在河上架起一座桥"),
    ),
    "": (
        ("乡亲们", "来访的客人", "老支书", "医生的儿子"),
        ("说日子越来越有盼头", "坐在院坝里晒太阳", "讲起了从前的故事", "向大家问好"),
    ),
}
WELLS = ("打井队在山脚打出一眼机井。", "水利站帮农户打井取水。", "新打的机井供上了水。")


def sentence(code: str, i: int) -> str:
    """Return the ``i``-th clause for a code, without its full stop."""
    who, what = PARTS[code]
    return who[i % 4] + what[(i // 4 + i) % 4]


def article(i: int) -> list[tuple[str, tuple[str, ...]]]:
    """Return the six labelled segments of article ``i``: three measures, one pair, two of nothing."""
    village, other = VILLAGES[i], VILLAGES[(i * 7 + 3) % 20]
    pair = ("clinic", "school") if i % 2 else ("school", "road")
    return [
        (f"在{village}，{sentence('clinic', i)}。", ("clinic",)),
        (f"{sentence('school', i + 1)}，{other}也一样。", ("school",)),
        (f"{sentence('road', i + 2)}，直通{village}。", ("road",)),
        (f"{sentence(pair[0], i + 3)}，{sentence(pair[1], i + 5)}。", pair),
        (f"{village}的{sentence('', i)}。", ()),
        (WELLS[i], ("well",)) if i < len(WELLS) else (f"{sentence('', i + 2)}，{other}人也听着。", ()),
    ]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Keep linear algebra to one thread: on matrices as small as these, more of them only wait."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return ``../shared``, the documents from outside that are no part of the project."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("../shared is absent: the outside documents are not part of the project")
    return folder


@pytest.fixture(scope="session")
def tiny_codebook_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("codebook") / "village.yaml"
    path.write_text(CODEBOOK, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def tiny_lexicon_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lexicon") / "village-lexicon.yaml"
    path.write_text(LEXICON, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def tiny_codebook(tiny_codebook_file: Path) -> Codebook:
    """Return four codes (the last one rare) and one scheme of two categories."""
    return load_codebook(tiny_codebook_file)


@pytest.fixture(scope="session")
def tiny_lexicon(tiny_lexicon_file: Path, tiny_codebook: Codebook) -> Lexicon:
    return load_lexicon(tiny_lexicon_file, tiny_codebook.columns)


@pytest.fixture(scope="session")
def setting_lexicon(tiny_lexicon: Lexicon) -> Lexicon:
    """Return the lexicon with words of a setting, two of which its cues and not-cues hold."""
    text = LEXICON.replace("codes:\n", "setting: [老人, 孩子, 儿子, 学杂, 公里]\ncodes:\n", 1)
    return lexicon_from_text(text, "village.yaml", tiny_lexicon.codes)


@pytest.fixture(scope="session")
def tiny_corpus(tiny_codebook: Codebook) -> Corpus:
    """Return 120 labelled segments in 20 documents; ``well`` has 3 positives, the others 30 or more."""
    segments = [
        Segment(f"{VILLAGES[i]}.txt", text, codes, f"{VILLAGES[i]}:{n}")
        for i in range(20)
        for n, (text, codes) in enumerate(article(i))
    ]
    return make_corpus(segments, tiny_codebook)


@pytest.fixture(scope="session")
def tiny_table(tmp_path_factory: pytest.TempPathFactory, tiny_corpus: Corpus) -> Path:
    """Return the tiny corpus as a CSV that `fupin train --corpus` reads."""
    path = tmp_path_factory.mktemp("table") / "table.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "text", "codes"])
        for n, s in enumerate(tiny_corpus.segments):
            writer.writerow([f"{s.doc_id}-{n}", s.text, ";".join(s.codes)])
    return path


@pytest.fixture(scope="session")
def tiny_model(tiny_corpus: Corpus, tiny_lexicon: Lexicon) -> PolicyClassifier:
    """Return a fitted model whose code ``well`` is untrained; treat it as read-only."""
    model = PolicyClassifier(
        tiny_corpus.codebook,
        tiny_lexicon,
        C=1.0,
        ngram_range=(1, 3),
        min_df=2,
        lexicon_weight=0.5,
        setting_weight=0.5,
        n_folds=5,
        min_positives=10,
    )  # all of them written out: tests do not hang on what the defaults are tuned to
    return model.fit(tiny_corpus.texts, tiny_corpus.labels, tiny_corpus.groups)


@pytest.fixture(scope="session")
def wordless_model(tiny_corpus: Corpus) -> PolicyClassifier:
    """Return a fitted model without a lexicon; treat it as read-only."""
    model = PolicyClassifier(tiny_corpus.codebook, None, min_df=2, n_folds=5, min_positives=10)
    return model.fit(tiny_corpus.texts, tiny_corpus.labels, tiny_corpus.groups)


@pytest.fixture(scope="session")
def setting_model(tiny_corpus: Corpus, setting_lexicon: Lexicon) -> PolicyClassifier:
    """Return a fitted model whose lexicon knows a setting; treat it as read-only."""
    options: dict[str, Any] = {"C": 1.0, "min_df": 2, "lexicon_weight": 0.5, "setting_weight": 0.7}
    model = PolicyClassifier(tiny_corpus.codebook, setting_lexicon, **options)
    return model.fit(tiny_corpus.texts, tiny_corpus.labels, tiny_corpus.groups)


@pytest.fixture(scope="session")
def tiny_model_folder(tmp_path_factory: pytest.TempPathFactory, tiny_model: PolicyClassifier) -> Path:
    """Return the tiny model as a folder; copy it before changing anything."""
    folder = tmp_path_factory.mktemp("models") / "village"
    save_model(tiny_model, folder, "# 模型卡\n", {"sha256": "0" * 64, "segments": 120})
    return folder


@dataclass(frozen=True)
class Ran:
    """What a run of the command left: its exit code and what it printed."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode("utf-8")

    @property
    def rows(self) -> list[dict[str, str]]:
        """The rows of CSV on stdout."""
        return list(csv.DictReader(io.StringIO(self.text, newline="")))

    @property
    def problem(self) -> list[str]:
        """The lines of stderr that begin with ``error:`` or ``hint:``."""
        return [line for line in self.err.splitlines() if line.startswith(("error:", "hint:"))]


@pytest.fixture(scope="session")
def fupin() -> Callable[..., Ran]:
    """Run the command in a process of its own: ``fupin("label", path, stdin=b"…", cwd=folder)``."""

    def run(
        *arguments: str | Path, stdin: bytes = b"", cwd: Path | None = None, console: str = "utf-8"
    ) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "classifier", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            cwd=cwd,
            env={**os.environ, **ENVIRONMENT, "PYTHONIOENCODING": console},
            timeout=120,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr.decode(console))

    return run


@pytest.fixture
def fupin_here(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Run the same `main()` in this process: the same results, without a second's start-up."""

    def run(*arguments: str | Path, stdin: bytes = b"") -> Ran:
        monkeypatch.setattr(sys, "argv", ["fupin", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") for _ in range(2))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = _exit_code(main)
        out.flush()
        err.flush()
        return Ran(code, out.buffer.getvalue(), err.buffer.getvalue().decode("utf-8"))

    return run


def _exit_code(command: Callable[[], None]) -> int:
    try:
        command()
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else int(left.code is not None)
    return 0
