"""Stores for tests, in SQLite and in a PostgreSQL server that is started for them.

`server` and `new_url` are fixtures, which conftest.py makes known to all tests.

Every sentence was invented for the tests.
"""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from classifier.codebook import Codebook, codebook_from_text
from classifier.review_items import CODED, Event, Item, codebook_id

YAML = """\
name: village
version: "1"
codes:
  - {code: clinic, name: 看病}
  - {code: school, name: 上学}
  - {code: road, name: 修路}
  - {code: well, name: 打井}
"""
BOOK = codebook_from_text(YAML, "village.yaml")
IN_USE = codebook_id(BOOK)
AT = "2026-01-31T08:00:00.000Z"
PASSWORD = "s3cret:山@/?#%"
KINDS = ("sqlite", "postgresql")
SENTENCES = ("村卫生室的医生每月上门。", "村小学免了学杂费。", "通村公路铺成了水泥路。", "大家都说好。")


def items(n: int, book: Codebook = BOOK) -> list[Item]:
    """Return segments of documents of three, the last of the file first in the queue."""
    return [
        Item(
            *(f"柳树坪{i // 3}.txt#{i % 3}", f"柳树坪{i // 3}.txt", i % 3, 20 * (i % 3), 20 * (i % 3) + 9),
            SENTENCES[i % 4] + str(i),
            codes=(book.columns[i % len(book.columns)],),
            probabilities={book.columns[0]: 0.25, book.columns[-1]: 1e-07},
            place=i,
            rank=n - 1 - i,
        )
        for i in range(n)
    ]


_NAMES = itertools.count(1)


def event(segment: Item | str, coder: str = "甲", *after: str, **more: Any) -> Event:
    """Return a decision, the first of the coder on a segment, that gives it codes."""
    values: dict[str, Any] = {
        "event_id": f"event-{next(_NAMES)}",
        "segment_id": segment if isinstance(segment, str) else segment.segment_id,
        "coder": coder,
        "kind": CODED,
        "before": None,
        "after": after,
        "codebook": IN_USE,
        "at": AT,
    }
    return Event(**{**values, **more})


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server on loopback."""

    port: int

    def address(self, database: str, user: str = "owner", password: str | None = PASSWORD) -> str:
        from urllib.parse import quote

        secret = "" if password is None else f":{quote(password, safe='')}"
        return f"postgresql://{user}{secret}@127.0.0.1:{self.port}/{database}"

    def connection(self, database: str = "postgres") -> Any:
        """Return a connection of the driver's own, outside of any transaction."""
        import pg8000.dbapi

        connection = pg8000.dbapi.connect(
            user="owner", password=PASSWORD, host="127.0.0.1", port=self.port, database=database
        )
        connection.autocommit = True
        return connection


def _programs() -> Path:
    """Return the folder of PostgreSQL's programs, where Debian puts them or on the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda p: int(p.parts[-3]))
    on_path = shutil.which("pg_ctl")
    if found:
        return found[-1].parent
    if on_path is None:
        pytest.skip("PostgreSQL is absent: apt-get install postgresql")
    return Path(on_path).parent


def _as_somebody() -> list[str]:
    """Return what comes before a command: PostgreSQL refuses to run as root."""
    if os.name == "nt" or os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("PostgreSQL does not run as root, and setpriv is absent: apt-get install util-linux")
    return ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Start a PostgreSQL server; its data lie where its user may go, and are removed at the end."""
    import tempfile

    programs, somebody = _programs(), _as_somebody()
    folder = Path(tempfile.mkdtemp(prefix="fupin-postgres-"))
    secret = folder / "password"
    secret.write_text(PASSWORD + "\n", "utf-8")
    if somebody:
        for path in (folder, secret):
            shutil.chown(path, "postgres", "postgres")

    def run(program: str, *arguments: str) -> None:
        command = [*somebody, str(programs / program), *arguments]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr

    data, port = str(folder / "data"), _free_port()
    begin = ["-D", data, "-U", "owner", "-A", "scram-sha-256", f"--pwfile={secret}"]
    run("initdb", *begin, "-E", "UTF8", "--no-locale", "-N")
    settings = f"-p {port} -k '' -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=60"
    run("pg_ctl", "-D", data, "-o", settings, "-l", str(folder / "log"), "-w", "start")
    try:
        yield Server(port)
    finally:
        run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder)


@pytest.fixture
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Return what makes a place for a new store of a kind: ``new_url("postgresql")``."""
    made: list[str] = []

    def new(kind: str) -> str:
        if kind == "sqlite":
            return str(tmp_path / f"村{next(_NAMES)}.review.db")
        server = request.getfixturevalue("server")
        made.append(f"store{next(_NAMES)}")
        connection = server.connection()
        connection.cursor().execute(f"CREATE DATABASE {made[-1]}")
        connection.close()
        return str(server.address(made[-1]))

    yield new
    if made:
        connection = request.getfixturevalue("server").connection()
        for name in made:
            connection.cursor().execute(f"DROP DATABASE {name} WITH (FORCE)")
        connection.close()
