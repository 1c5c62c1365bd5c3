"""The command `fupin review`: fill a store, serve the pages on this machine, say what was saved."""

from __future__ import annotations

import hashlib
import logging
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from classifier.console import ModelOption, say, usage
from classifier.errors import FupinError, InputError, OutputError
from classifier.inert_text import on_one_line

if TYPE_CHECKING:
    from classifier.codebook import Codebook
    from classifier.labelled import Labelled
    from classifier.review_evidence import Reader
    from classifier.review_items import Item
    from classifier.review_job import Job
    from classifier.review_requests import Service
    from classifier.review_store import ReviewStore

HOST = "127.0.0.1"
GRACE = 3  # seconds that answers under way are given at the end
STORE = ".review.db"  # behind the name of the labelled file
_EXTRA = 'pip install "fupin-classifier[review]"'
_PORTS = range(20_000, 32_000)  # from which a store's usual port is taken; those above systems hand out


def review(
    labelled: Annotated[
        Optional[Path],
        typer.Argument(
            help="What `fupin label` wrote. Left out, with --store: go on with that store; "
            "without: only try an article."
        ),
    ] = None,
    model: ModelOption = None,
    store: Annotated[
        Optional[str],
        typer.Option(help="File or postgresql:// address; default: LABELLED.review.db beside the file."),
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="0: a free one, for a store the same where possible.")
    ] = 0,
    lang: Annotated[str, typer.Option(help="zh or en; each browser can change it.")] = "zh",
    coder: Annotated[Optional[str], typer.Option(help="Your name; default: the page asks.")] = None,
    gold: Annotated[
        Optional[int], typer.Option(min=0, help="Segments of the random sample; default: 200.")
    ] = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open the browser.")] = False,
) -> None:
    """Review labels in the browser, doubtful segments first. 在浏览器里逐句复核标注结果。"""
    _check_installed()
    from classifier.report_texts import LANGUAGES
    from classifier.review_access import Session
    from classifier.review_requests import Service, is_name

    if lang not in LANGUAGES:
        usage(f"--lang {lang}: choose {' or '.join(LANGUAGES)}")
    if coder is not None and not is_name(coder):
        usage('--coder: 1 to 40 characters, none of / \\ : * ? " < > |, no space around them')
    reader = _reader(model)
    opened = _store(labelled, store, reader.codebook, gold)
    try:
        with _listening(port, opened) as listener:
            session = Session(listener.getsockname()[1])
            beside = labelled or Path("review" if store is None or "://" in store else store)
            job = None if opened is None else _job(opened, model, beside)
            service = Service(session, reader, opened, _now, say, lang, coder or "", job)
            _serve(service, listener, open_browser=not no_open)
        _conclude(opened)
    finally:
        if opened is not None:
            opened.close()


def _check_installed() -> None:
    try:
        import fastapi
        import sqlalchemy
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise InputError(f"fupin review needs {error.name}", _EXTRA) from None
    del fastapi, sqlalchemy


def _reader(model: Path | None) -> Reader:
    """Return what reads the model in the background; its codebook is read now."""
    from classifier.codebook import load_codebook
    from classifier.review_evidence import Reader
    from classifier.shipped import MODEL
    from classifier.store import load_model, load_predictor

    book = load_codebook(MODEL / "codebook.yaml") if model is None else load_predictor(model).codebook
    return Reader(book, lambda: load_model(model))


def _store(labelled: Path | None, where: str | None, book: Codebook, gold: int | None) -> ReviewStore | None:
    """Open the store and put in what was labelled; None where there is neither."""
    from classifier.labelled import read_labelled
    from classifier.review_store import open_existing, open_store

    if labelled is None:
        if where is None:
            return None
        store = open_existing(where)
        try:
            _ = store.codebook  # an empty store is told before any page
        except BaseException:
            store.close()
            raise
        return store
    found = read_labelled(labelled, book)
    store = open_store(where or labelled.with_name(labelled.name + STORE))
    try:
        _fill(store, found, gold)
    except BaseException:
        store.close()
        raise
    return store


def _fill(store: ReviewStore, labelled: Labelled, gold: int | None) -> None:
    """Put labelled segments in a store in the order in which to review them.

    In one that has them already, labelled by another model, only codes, probabilities and order change.
    """
    from classifier.review_queue import GOLD_SEGMENTS, items, make_queue

    there = {item.segment_id: item for item in store.items()}
    if not there:
        say(f"{len(labelled):,} segments; putting them in order …")
        queue = make_queue(labelled, gold=GOLD_SEGMENTS if gold is None else gold)
        store.add(items(labelled, queue), labelled.codebook, labelled.source)
        return
    _check_same(store, labelled, there)
    if _labelled_anew(store, labelled, there):
        say(f"{len(labelled):,} segments, labelled anew; putting them in order again …")
        drawn = {name: item.drawn for name, item in there.items() if item.drawn is not None}
        store.update(items(labelled, make_queue(labelled, earlier=drawn)))


def _check_same(store: ReviewStore, labelled: Labelled, there: Mapping[str, Item]) -> None:
    """Raise `InputError` where a file has segments that the store does not have, or not so."""
    texts = dict(zip(labelled.frame["segment_id"], labelled.frame["text"], strict=True))
    missing = sum(name not in there for name in texts)
    other = next((name for name, text in texts.items() if name in there and there[name].text != text), None)
    if missing or other is not None:
        problem = (
            f"{missing:,} of {len(texts):,} segments are"
            if missing
            else f"the text of segment '{on_one_line(str(other))[:60]}' is"
        )
        raise InputError(
            f"{labelled.source}: {problem} not in {store.shown_url}",
            "review them in another store: --store NAME",
        )


def _labelled_anew(store: ReviewStore, labelled: Labelled, there: Mapping[str, Item]) -> bool:
    """Say whether a file has all segments of a store, by its codebook, as another model labels them."""
    import numpy as np

    from classifier.review_items import codebook_id
    from classifier.review_queue import Queue, items

    if len(labelled) != len(there) or codebook_id(labelled.codebook) != codebook_id(store.codebook):
        return False
    found = items(labelled, Queue(np.zeros(0, dtype=np.intp), {}))
    pairs = ((item, there[item.segment_id]) for item in found)
    return any((a.codes, a.probabilities) != (b.codes, b.probabilities) for a, b in pairs)


def _job(store: ReviewStore, model: Path | None, beside: Path) -> Job:
    """Return what trains a new model on request, and writes it to a new folder each time."""
    from classifier.retrained_model import free_folder, retrain_from
    from classifier.review_job import Job, Outcome

    def train(even_if_worse: bool, told: Callable[[str], None]) -> Outcome:
        made = retrain_from(store, model, tell=lambda _, behind: told(f"{behind:.0%}"))
        folder = ""
        if even_if_worse or not made.result.refused:
            folder = str(free_folder(beside.with_name(f"{beside.name}.model")))
            made.save(folder, even_if_worse=even_if_worse)
            say(f"new model: {folder}")
        return Outcome(made.result.verdict, folder, made.result.to_json()["compared"])

    return Job(train, say)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# --- serving ---


def _listening(port: int, store: ReviewStore | None) -> socket.socket:
    """Return a socket of this machine alone that waits for browsers."""
    if port:
        return _bound(port)
    try:
        return _bound(_usual_port(store))
    except OutputError:
        return _bound(0)


def _bound(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows, where reuse would let others listen in
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise OutputError(
            f"port {port} cannot be used: {error.strerror or error}", "name another one: --port 0"
        ) from None
    return listener


def _usual_port(store: ReviewStore | None) -> int:
    """Return the port of a store: a browser keeps unsaved decisions by address, and finds them again."""
    name = store.shown_url if store is not None else ""
    digest = hashlib.sha256(name.encode("utf-8", "replace")).digest()
    return _PORTS[int.from_bytes(digest[:4], "big") % len(_PORTS)]


def _serve(service: Service, listener: socket.socket, *, open_browser: bool) -> None:
    """Serve until Ctrl-C."""
    import asyncio
    import webbrowser

    import uvicorn

    from classifier.review_connections import BACKLOG, BoundedConnection
    from classifier.review_server import make_app

    config = uvicorn.Config(
        make_app(service),
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        http=BoundedConnection,
        backlog=BACKLOG,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=GRACE,
    )
    logging.getLogger("uvicorn.error").addFilter(_helps)
    where = "" if service.store is None else f" · {service.store.shown_url}"
    say(f"fupin review{where}")
    say(f"open in a browser on this machine, once 在本机浏览器打开（只能用一次）: {service.session.link}")
    say("stop with Ctrl-C 按 Ctrl-C 停止")
    threading.Thread(target=_warm, args=(service.reader,), daemon=True).start()
    if open_browser:
        threading.Thread(target=webbrowser.open, args=(service.session.link,), daemon=True).start()
    with suppress(KeyboardInterrupt):
        asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))


def _helps(record: logging.LogRecord) -> bool:
    """Say whether what uvicorn tells helps anybody.

    Its advice to install something for sockets, which nothing here uses, does not; nor does the trace of a
    request that Ctrl-C cut off, of which it tells in a line as well.
    """
    from asyncio import CancelledError

    kind = record.exc_info[0] if record.exc_info else None
    cut_off = kind is not None and issubclass(kind, CancelledError)
    return not cut_off and "WebSocket" not in str(record.msg)


def _warm(reader: Reader) -> None:
    """Read the model while the first page is looked at."""
    try:
        _ = reader.model
    except FupinError as error:
        say(f"error: {error}")
        say(f"hint: {error.hint}")


def _conclude(store: ReviewStore | None) -> None:
    if store is None:
        say("stopped; nothing is kept")
        return
    found = [store.progress(name) for name in store.coders()]
    coded, skipped = sum(p.coded for p in found), sum(p.skipped for p in found)
    say(f"stopped; codings {coded:,}, skipped {skipped:,}, coders {len(found)}: {store.shown_url}")
