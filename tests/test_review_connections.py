"""Connections to the review server: a program that opens many and is silent keeps nobody out."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import ExitStack

import pytest
import uvicorn

from classifier import review_connections
from classifier.review_connections import BACKLOG, BoundedConnection

ASK = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
PATIENCE = 5  # seconds until a test that waits has failed


async def answering(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
    await send({"type": "http.response.body", "body": b"here"})


@pytest.fixture
def connect():
    """Serve on a thread; return what opens a connection."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            answering, http=BoundedConnection, backlog=BACKLOG, lifespan="off", ws="none", log_config=None
        )
        server = uvicorn.Server(config)
        listener.listen(BACKLOG)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
        thread.start()

        def stop():
            server.should_exit = True
            thread.join(PATIENCE)

        stack.callback(stop)
        address = listener.getsockname()
        yield lambda: stack.enter_context(socket.create_connection(address, PATIENCE))


def heard(connection):
    """Return all that comes until the other side closes."""
    with connection.makefile("rb") as stream:
        try:
            return stream.read()
        except ConnectionResetError:
            return b""


def test_silent_connections_make_room_for_one_that_asks_the_oldest_first(connect, monkeypatch):
    monkeypatch.setattr(review_connections, "MOST", 5)
    monkeypatch.setattr(review_connections, "SECONDS_FOR_HEAD", 3600)
    silent = [connect() for _ in range(20)]
    for connection in silent[:-5]:
        assert heard(connection) == b""
    asking = connect()
    asking.sendall(ASK)
    assert heard(asking).endswith(b"here")


def test_a_request_that_never_begins_is_given_up(connect, monkeypatch):
    monkeypatch.setattr(review_connections, "SECONDS_FOR_HEAD", 0.05)
    half = connect()
    half.sendall(ASK[:20])
    assert heard(half) == b""


def test_one_that_asks_in_time_is_answered_and_may_ask_again(connect):
    connection = connect()
    again = ASK.replace(b"Connection: close\r\n", b"")
    connection.sendall(again)
    assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    connection.sendall(ASK)
    assert heard(connection).endswith(b"here")


def test_one_that_has_asked_keeps_its_place_when_its_time_for_that_is_over(connect, monkeypatch):
    monkeypatch.setattr(review_connections, "SECONDS_FOR_HEAD", 1)
    connection = connect()
    connection.sendall(ASK.replace(b"Connection: close\r\n", b""))
    assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    assert heard(connect()) == b""  # given up: so the time of the one before is over, too
    connection.sendall(ASK)
    assert heard(connection).endswith(b"here")
