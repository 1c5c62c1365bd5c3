"""More machines: the same bytes from a Dask cluster, whatever it loses, and docs/scaling.md as evidence."""

import doctest
import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from classifier import label, load_model

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "scaling.md"
ADDRESS = "tcp://10.0.0.1:8786"  # what the page calls the scheduler
PLACES = ("柳树坪", "石磨沟", "青杠岭", "晒谷坝", "大水井", "杏花咀", "牛背梁")
DOINGS = ("医生每月上门给老人量血压", "小学给困难孩子发放助学金", "公路修到了家门口", "乡亲们坐着晒太阳")

if importlib.util.find_spec("distributed") is None:
    pytest.skip('needs Dask: pip install "fupin-classifier[dask]"', allow_module_level=True)


def article(i):
    return f"{PLACES[i % 7]}的{DOINGS[i % 4]}；{PLACES[i % 5]}的{DOINGS[i % 3]}，第{i}户也一样。"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Return 6,000 articles: twelve chunks of the command."""
    path = tmp_path_factory.mktemp("scaling") / "articles.jsonl"
    rows = (json.dumps({"id": f"文{i}", "text": article(i)}, ensure_ascii=False) for i in range(6000))
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def local(table, tiny_model_folder, fupin, tmp_path_factory):
    """Return the bytes that a run on one process writes."""
    out = tmp_path_factory.mktemp("local") / "out.parquet"
    ran = fupin("label", table, "-m", tiny_model_folder, "-o", out, "--jobs", "1")
    assert (ran.code, ran.problem) == (0, [])
    return out.read_bytes()


@dataclass(frozen=True)
class Cluster:
    address: str
    workers: list[subprocess.Popen]


@contextmanager
def cluster(folder, workers=2):
    """Start a scheduler and workers as processes of their own, on loopback; yield them once all are up."""
    from distributed import Client

    file = folder / "scheduler.json"
    where = ("--scheduler-file", str(file), "--no-dashboard")
    with ExitStack() as stack:
        dask_process(stack, "scheduler", "--host", "127.0.0.1", "--port", "0", *where)
        each = (*where, "--no-nanny", "--nthreads", "1", "--local-directory", str(folder))
        crew = [dask_process(stack, "worker", *each) for _ in range(workers)]
        with Client(scheduler_file=str(file), timeout=60, set_as_default=False) as client:
            if crew:
                client.wait_for_workers(len(crew), timeout=60)
            address = client.scheduler.address
        yield Cluster(address, crew)


def dask_process(stack, kind, *arguments):
    process = subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.dask_{kind}", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process


@pytest.fixture
def two_workers(tmp_path):
    with cluster(tmp_path) as running:
        yield running


@pytest.fixture
def run(table, tiny_model_folder, fupin, tmp_path):
    """Run `fupin label` on the table with more options; return what it said, and its output."""

    def run(*options):
        out = tmp_path / "out.parquet"
        return fupin("label", table, "-m", tiny_model_folder, "-o", out, *options), out

    return run


# --- the command ---


def test_a_cluster_writes_the_bytes_of_a_local_run(two_workers, run, local):
    ran, out = run("--dask", two_workers.address)
    assert (ran.code, ran.problem) == (0, [])
    assert "6,000 documents in" in ran.err
    assert out.read_bytes() == local
    assert list(out.parent.glob("out.parquet.*")) == []  # nothing unfinished is left


def test_a_cluster_made_for_the_run_writes_the_bytes_of_a_local_run(run, local):
    ran, out = run("--dask", "local")
    assert (ran.code, ran.problem) == (0, [])
    assert out.read_bytes() == local


# The command as it is, but that it waits for a line when the third of its chunks is written.
WAITS_MIDWAY = """
from contextlib import contextmanager
from classifier import cli

class Bar:
    chunks = 0
    def read(self, size): pass
    def made(self, segments):
        self.chunks += 1
        if self.chunks == 3:
            print("midway", flush=True)
            input()

@contextmanager
def progress_bar(about, total):
    yield Bar()

cli.progress_bar = progress_bar
cli.main()
"""


@pytest.fixture
def run_while(table, tiny_model_folder, tmp_path):
    """Run `fupin label --dask` and let something happen midway; return exit code, stderr and output."""

    def run_while(address, happens):
        out = tmp_path / "out.parquet"
        arguments = ["label", table, "-m", tiny_model_folder, "-o", out, "--dask", address]
        with subprocess.Popen(
            [sys.executable, "-c", WAITS_MIDWAY, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
            encoding="utf-8",
        ) as process:
            try:
                assert process.stdout.readline() == "midway\n"
                assert not out.exists()
                happens()
                _, err = process.communicate("\n", timeout=120)
            finally:
                process.kill()
        return process.returncode, err, out

    return run_while


def lose(*processes):
    for process in processes:
        process.kill()  # SIGKILL, where there is such a thing
        process.wait()


def test_a_worker_killed_midway_changes_no_byte(two_workers, run_while, local):
    code, err, out = run_while(two_workers.address, lambda: lose(two_workers.workers[0]))
    assert code == 0, err
    assert out.read_bytes() == local
    assert list(out.parent.glob("out.parquet.*")) == []


# --- what goes wrong is one line and one hint ---


def closed_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


@pytest.fixture
def impatient(monkeypatch):
    """Let Dask give up after a second, not after half a minute."""
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "1s")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("scheme", ["tcp", "carrier-pigeon"])
def test_a_wrong_address_is_one_line_and_one_hint(scheme, run):
    address = f"{scheme}://127.0.0.1:{closed_port()}"
    ran, out = run("--dask", address)
    assert ran.code == 1
    line, hint = ran.problem
    assert line.startswith(f"error: --dask {address}: ")
    assert "tcp://" in hint
    assert "Traceback" not in ran.err
    assert not out.exists()


@pytest.mark.usefixtures("impatient")
def test_a_cluster_without_workers_is_one_line_and_one_hint(run, tmp_path):
    with cluster(tmp_path, workers=0) as empty:
        ran, _ = run("--dask", empty.address)
    assert ran.code == 1
    line, hint = ran.problem
    assert empty.address in line
    assert "worker" in hint


def test_without_dask_the_command_says_what_to_install(table, tiny_model_folder, fupin_here, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    ran = fupin_here("label", table, "-m", tiny_model_folder, "--dask", ADDRESS)
    assert ran.code == 1
    assert ran.problem == ["error: --dask needs Dask", 'hint: pip install "fupin-classifier[dask]"']


# --- docs/scaling.md ---


def snippet(word):
    """Return the one Python block of the page that holds ``word``."""
    (block,) = (b for b in re.findall(r"^```python\n(.*?)^```", page(), re.S | re.M) if word in b)
    return block


def page():
    return PAGE.read_text(encoding="utf-8")


@pytest.fixture
def articles(tmp_path):
    """Return a frame of 120 articles, which lie in four Parquet files of the folder ``articles``."""
    frame = pd.DataFrame(
        {
            "id": [f"文{i:03}" for i in range(120)],
            "text": [article(i) for i in range(120)],
            "date": ["2019", None] * 60,
            "county": [PLACES[i % 7] for i in range(120)],
        }
    )
    (tmp_path / "articles").mkdir()
    for i in range(4):
        frame.iloc[30 * i : 30 * i + 30].to_parquet(tmp_path / "articles" / f"{i}.parquet", index=False)
    return frame


def run_snippet(code, folder, **environment):
    """Run a block in ``folder``; return what it wrote to ``labelled``, and in how many files."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    files = sorted((folder / "labelled").glob("*.parquet"))
    rows = pd.concat([pd.read_parquet(f) for f in files])
    return rows.sort_values(["doc_id", "start"], ignore_index=True), len(files)


def test_the_dask_snippet_gives_what_label_gives(two_workers, articles, tmp_path):
    code = snippet("map_partitions").replace(ADDRESS, two_workers.address)
    assert two_workers.address in code
    found, files = run_snippet(code, tmp_path)
    pd.testing.assert_frame_equal(found, label(articles, load_model()))
    assert files == 4  # each partition is written by the task that labelled it


@pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java, and there is none")
def test_the_spark_snippet_gives_what_label_gives(articles, tmp_path):
    pytest.importorskip("pyspark", reason="needs Spark: pip install pyspark")
    found, files = run_snippet(
        snippet("mapInPandas"),
        tmp_path,
        PYSPARK_PYTHON=sys.executable,
        PYSPARK_SUBMIT_ARGS="--master local[2] --conf spark.ui.enabled=false pyspark-shell",
        SPARK_LOCAL_IP="127.0.0.1",
    )
    pd.testing.assert_frame_equal(found, label(articles, load_model()))
    assert files >= 1


def test_the_arithmetic_holds():
    failures, tried = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert (failures, tried > 0) == (0, True)


def test_every_option_of_label_that_is_named_exists(fupin):
    named = set(re.findall(r"`?(?:fupin label [^`\n]*|`)(--(?:jobs|resume|dask)\b)", page()))
    shown = fupin("label", "--help").text
    assert {"--jobs", "--resume", "--dask"} <= named
    assert [option for option in named if option not in shown] == []


def test_the_size_of_the_model_is_the_one_told():
    import pickle

    (told,) = re.findall(r"about (\d+) MB pickled", page())
    assert len(pickle.dumps(load_model())) == pytest.approx(int(told) * 1e6, rel=0.2)
