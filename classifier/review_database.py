"""Where a review store lies: a file, or an address of a server, whose password is never shown.

Every error of a database leaves here as one line and a hint.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import sqlite3
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Lock
from typing import Any
from weakref import WeakValueDictionary

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from classifier.errors import ReviewError
from classifier.inert_text import on_one_line
from classifier.turns import Turns

# A server that went away is told in a line (`told`), not by a traceback of the pool's as well.
logging.getLogger("sqlalchemy.pool").addHandler(logging.NullHandler())

FORM = "postgresql://USER:PASSWORD@HOST/DATABASE"
PATIENCE = 30.0  # seconds that a writer waits for others
PAUSE = 0.05
_TURNS: WeakValueDictionary[str, Turns] = WeakValueDictionary()  # by file, for all stores of this process
_GUARD = Lock()
_SCHEMES = ("postgresql", "postgres", "postgresql+pg8000", "postgresql+psycopg", "postgresql+psycopg2")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+._-]+:")  # a drive has one letter
_SECRET = re.compile(r":[^/\\]+@")  # an address whose beginning was mistyped, with its password
_FILE_HINT = "check the folder and its permissions"
# What servers say, by the codes of PostgreSQL ("Appendix A. PostgreSQL Error Codes")
_SERVER = {
    "28P01": (
        "the password is wrong, or there is no such user",
        "check user and password; PGPASSWORD is read",
    ),
    "28000": ("the server does not let this user in", "check the user, the database and pg_hba.conf"),
    "3D000": ("there is no such database", "make it: createdb NAME"),
    "42501": ("this user may not do that", "let the user make and write tables in this database"),
    "53100": ("the server's disk is full", "make room there; what was confirmed is kept"),
    "53300": ("the server has too many connections", "wait, or raise max_connections there"),
    "57P03": ("the server is starting up or shutting down", "wait a little"),
    "22003": ("asked for a number that there cannot be", "ask anew"),
    "25006": ("the server takes no changes (a standby?)", "name the primary server"),
}


class Place:
    """Where a store lies.

    Parameters
    ----------
    given : str or Path
        A file, or an address such as ``postgresql://user:password@host/database``. Its query may
        say ``sslmode``: disable, require or verify-full. Without a password PGPASSWORD is taken.

    Raises
    ------
    ReviewError
        For an address that is none, or of another database. It does not repeat the address.
    """

    def __init__(self, given: str | Path) -> None:
        self.path: Path | None = None
        if isinstance(given, Path) or not _ADDRESS.match(given):
            self.path = Path(given)
            if isinstance(given, str) and _SECRET.search(given) and not self.path.exists():
                raise _no_address()
            self._url = URL.create("sqlite+pysqlite", database=str(self.path.absolute()))
            return
        url = _parsed(given)
        if url.drivername.partition("+")[0] == "sqlite":
            self.path = Path(url.database or "")
            self._url = URL.create("sqlite+pysqlite", database=str(self.path.absolute()))
        else:
            self._url = _server(url)

    @property
    def url(self) -> str:
        """The address with its password, to open the store elsewhere; never to be shown."""
        if self.path:
            return str(self.path)
        return self._url.set(drivername="postgresql").render_as_string(hide_password=False)

    @property
    def shown(self) -> str:
        """The address without its password."""
        if self.path:
            return on_one_line(str(self.path))
        url = self._url
        bare = URL.create("postgresql", url.username, None, url.host, url.port, url.database)
        return on_one_line(bare.render_as_string())

    def __repr__(self) -> str:
        return f"Place({self.shown!r})"

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until those are done who came before: SQLite lets in whom it likes, a server by turn."""
        if not self.path:
            yield
            return
        with _GUARD:
            turns = _TURNS.setdefault(os.path.realpath(self.path), Turns())
        try:
            with turns.turn(PATIENCE):
                yield
        except TimeoutError:
            raise _too_many(self) from None

    def engine(self) -> Engine:
        """Return what connects to it; nothing is opened yet."""
        if self.path:
            engine = create_engine(self._url, connect_args={"timeout": PATIENCE}, hide_parameters=True)
            event.listen(engine, "connect", _prepare)
            event.listen(engine, "begin", _begin)
            return engine
        arguments: dict[str, Any] = {"timeout": 2 * PATIENCE, "application_name": "fupin review"}
        context = _encryption(self._url)
        if context is not None:
            arguments["ssl_context"] = context
        return create_engine(
            self._url.set(query={}),
            connect_args=arguments,
            hide_parameters=True,
            pool_pre_ping=True,
            isolation_level="READ COMMITTED",
        )


def _no_address() -> ReviewError:
    return ReviewError("the address of the store is none", f"such as {FORM}, or a file")


def _parsed(address: str) -> URL:
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise _no_address() from None
    name = url.drivername.partition("+")[0]
    if url.drivername not in (*_SCHEMES, "sqlite", "sqlite+pysqlite"):
        raise ReviewError(
            f"the address of the store begins with '{on_one_line(name)[:20]}:'", f"such as {FORM}, or a file"
        )
    return url


def _server(url: URL) -> URL:
    """Check an address; what could be a piece of a password is not repeated."""
    if not url.host or not url.database or "@" in url.host or "@" in url.database:
        raise ReviewError(
            "the address of the store lacks its host or its database, or the password has marks that end it",
            f"{FORM}; write @ : / ? # % in a password as %40 %3A %2F %3F %23 %25, or set PGPASSWORD",
        )
    if set(url.query) - {"sslmode"} or url.query.get("sslmode", "disable") not in _SSL:
        raise ReviewError(
            "the address of the store says more than is understood behind '?'",
            f"only sslmode={'|'.join(_SSL)} is",
        )
    password = url.password if url.password is not None else os.environ.get("PGPASSWORD")
    return url.set(drivername="postgresql+pg8000", password=password)


_SSL = ("disable", "require", "verify-full")


def _encryption(url: URL) -> ssl.SSLContext | None:
    mode = url.query.get("sslmode", "disable")
    if mode == "disable":
        return None
    context = ssl.create_default_context()
    if mode == "require":  # as libpq has it: encrypted, whoever answers
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _prepare(connection: sqlite3.Connection, _: object) -> None:
    """Set up a connection to a file: what is committed lies on the disk when that returns."""
    connection.isolation_level = None  # transactions begin where `_begin` says, not where sqlite3 thinks
    for setting in ("synchronous = FULL", "fullfsync = 1", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {setting}").fetchall()


def _begin(connection: Connection) -> None:
    """Begin a transaction; one that will write waits for other writers at once, not half-way."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def told(place: Place) -> Iterator[None]:
    """Turn whatever a database says into a `ReviewError` of one line, without address or values."""
    try:
        yield
    except PoolTimeout:
        raise _too_many(place) from None
    except DBAPIError as error:
        raise _in_words(place, error.orig or error) from None
    except SQLAlchemyError as error:
        raise ReviewError(f"{place.shown}: {type(error).__name__}", "update fupin") from None
    except (sqlite3.Error, OSError) as error:
        raise _in_words(place, error) from None
    except (UnicodeEncodeError, OverflowError):
        raise ReviewError(
            f"{place.shown}: asked for a text or a number that there cannot be", "ask anew"
        ) from None


def _too_many(place: Place) -> ReviewError:
    return ReviewError(f"{place.shown}: too many at once", "try again in a moment")


def _in_words(place: Place, error: BaseException) -> ReviewError:
    if isinstance(error, sqlite3.Error):
        return ReviewError(*_of_file(place.shown, str(error)))
    facts = error.args[0] if error.args and isinstance(error.args[0], dict) else None
    if facts is None and "SSL" in str(error):
        return ReviewError(
            f"{place.shown}: the server does not encrypt as sslmode asks", "see pg_hba.conf, ssl"
        )
    if facts is None:  # it did not come as far as the server, or the server went away
        return ReviewError(f"{place.shown}: the server cannot be reached", "check host, port and network")
    message, hint = _SERVER.get(
        str(facts.get("C")), (f"{facts.get('M', 'refused')} ({facts.get('C')})", "ask who runs the server")
    )
    return ReviewError(f"{place.shown}: {on_one_line(message)}", hint)


# What SQLite says → what is the matter, and the remedy
_FILE = (
    ("locked", "another program holds it locked", "close that program; fupin review waits for its like"),
    ("readonly", "it cannot be written", _FILE_HINT),
    ("unable to open", "it cannot be opened or made", _FILE_HINT),
    ("full", "the disk is full", "make room; what was confirmed is kept"),
    ("not a database", "no review store: another kind of file", "name another file, or a new one"),
    ("malformed", "damaged", "take a copy, then: sqlite3 FILE .recover; or import your last export"),
    ("disk I/O", "the disk does not read or write", "check the disk; a store may not lie on a network drive"),
)


def _of_file(name: str, said: str) -> tuple[str, str]:
    for sign, matter, remedy in _FILE:
        if sign in said:
            return f"{name}: {matter}", remedy
    return f"{name}: {on_one_line(said)}", _FILE_HINT


def check_file(path: Path) -> None:
    """Find out, in the system's words, whether a file can be read and written.

    Raises `ReviewError`; SQLite is less plain about it.
    """
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if path.exists():
            with path.open("r+b"):
                pass
        elif not path.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    except OSError as error:
        raise ReviewError(f"{on_one_line(str(path))}: {error.strerror or error}", _FILE_HINT) from None


def check_whole(connection: Connection, place: Place) -> None:
    """Raise `ReviewError` where a file is damaged."""
    if place.path and connection.exec_driver_sql("PRAGMA quick_check(1)").scalar() != "ok":
        raise ReviewError(*_of_file(place.shown, "malformed"))


def prepare_file(engine: Engine) -> None:
    """Let a file be read while it is written: what is new is written beside it first."""
    if engine.dialect.name == "sqlite":
        connection = engine.raw_connection()
        try:
            _switch(connection.cursor())
        finally:
            connection.close()


def _switch(cursor: Any) -> None:
    """Switch a file over; SQLite does not wait by itself while others open it for the first time."""
    for left in reversed(range(int(PATIENCE / PAUSE) + 1)):
        try:
            cursor.execute("PRAGMA journal_mode = WAL").fetchall()
        except sqlite3.OperationalError as error:
            if not left or "locked" not in str(error):
                raise
            Event().wait(PAUSE)
        else:
            return
