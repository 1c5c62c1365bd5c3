"""Who may talk to the review server, and how: the gate before every route.

The server shows texts that may be confidential and takes decisions that figures rest on. So a
request must come from this machine, name this server as its host, carry the cookie that the printed
link was exchanged for, and, where it changes something, come from one of the server's own pages.
What is refused never reaches a route, and is told in a line that holds nothing a sender wrote.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
TOKEN_BYTES = 32
MOST_BODY = 64_000  # bytes of a request's body
MOST_QUERY = 4_000
SECONDS_FOR_BODY = 20  # a body that trickles in keeps its place no longer
# Every address of ours is of these characters. None is percent-encoded, so nothing can be hidden in one.
_PATH = re.compile(r"(/[A-Za-z0-9_-]+)*/?|(/[A-Za-z0-9_-]+)+\.[a-z]+", re.ASCII)
_ELSEWHERE = ("cross-site", "same-site")  # same-site: another server on this machine


class Refused(Exception):  # noqa: N818 - it says what happened better than with -Error behind it
    """A request that is not let through.

    Parameters
    ----------
    status : int
        The HTTP status that answers it.
    reason : str
        One of the keys of ``refused`` in `templates/review/texts.yaml`; safe to print.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


@dataclass
class Session:
    """The one link into a server, and what it was exchanged for.

    Cookies of one machine are shared by all its ports, so their names hold the port.
    """

    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(TOKEN_BYTES), repr=False)
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(TOKEN_BYTES), repr=False)
    used: bool = False

    @property
    def link(self) -> str:
        """The address to open; it works once."""
        return f"http://127.0.0.1:{self.port}/?token={self.token}"

    @property
    def hosts(self) -> tuple[str, ...]:
        """What a Host header may be."""
        names = ("127.0.0.1", "localhost")
        ported = tuple(f"{name}:{self.port}" for name in names)
        return (*ported, *names) if self.port == 80 else ported

    def cookie(self, name: str) -> str:
        """Return the name under which this server keeps a cookie.

        >>> Session(8801).cookie("session")
        'fupin_session_8801'
        """
        return f"fupin_{name}_{self.port}"

    def holds(self, cookies: Mapping[str, str]) -> bool:
        """Say whether cookies hold the secret that the link was exchanged for."""
        return _same(cookies.get(self.cookie("session"), ""), self.secret)

    def exchange(self, token: str) -> None:
        """Take the link's token; raises `Refused` where it is wrong, or was taken before."""
        if not _same(token, self.token):
            raise Refused(403, "token")
        if self.used:
            raise Refused(403, "used")
        self.used = True


def _same(one: str, other: str) -> bool:
    """Compare in a time that does not tell where two secrets differ."""
    return secrets.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8"))


class Gate:
    """ASGI middleware that lets through what may pass, and puts our headers on all that goes out.

    Parameters
    ----------
    app : ASGI application
    session : Session
    tell : callable
        Takes a line on each request refused: status, method, a path that is ours or ``?``, reason.
    refusal : callable
        Makes the response for `Refused`, from the request's scope.
    paths : iterable of str
        All paths that there are.
    larger : mapping of str to int
        Bytes of body that single paths take, where that is more than `MOST_BODY`.
    """

    def __init__(
        self,
        app: ASGIApp,
        session: Session,
        *,
        tell: Callable[[str], None],
        refusal: Callable[[Scope, Refused], Response],
        paths: Iterable[str] = (),
        larger: Mapping[str, int] | None = None,
    ) -> None:
        self._app, self._session, self._tell, self._refusal = app, session, tell, refusal
        self._paths, self._larger = frozenset(paths), dict(larger or {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, exchange the link, or refuse."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        answer = _sealed(send)
        try:
            response = self._checked(scope)
            if response is None:
                body = await self._body(scope, receive)
        except Refused as refused:
            response = self.refused(scope, refused)
        if response is not None:
            await response(scope, receive, answer)
        else:
            await self._served(scope, _once(body, receive), answer)

    async def _served(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application answer; what it fails at is told by its place, not by what it was asked."""
        try:
            await self._app(scope, receive, send)
        except Exception as error:  # answered with 500 already
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{PurePath(place.filename).name}:{place.lineno}"
            self._tell(f"error: {scope['method']} {scope['path']}: {type(error).__name__} in {where}")

    def refused(self, scope: Scope, refused: Refused) -> Response:
        """Tell of a refusal, and return the response for it; a connection with unread bytes is closed."""
        method, path = scope["method"], scope["path"]
        method = method if method in ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH") else "?"
        path = path if path in self._paths else "?"
        self._tell(f"refused: {refused.status} {method} {path} ({refused.reason})")
        response = self._refusal(scope, refused)
        response.headers["Connection"] = "close"
        return response

    def _checked(self, scope: Scope) -> Response | None:
        """Return the redirect where the link is opened, None where the request may pass."""
        headers = _Headers(scope)
        _check_path(scope)
        host = headers.only("host")
        if host not in self._session.hosts:
            raise Refused(421, "host")
        _check_origin(scope["method"], headers, host)
        cookies = _cookies(headers)
        query = scope["query_string"]
        if scope["path"] == "/" and b"token=" in query and not self._session.holds(cookies):
            return self._exchanged(scope["method"], query)
        if not self._session.holds(cookies):
            raise Refused(401, "cookie")
        if scope["path"] == "/" and b"token=" in query:  # the link again, in the browser that used it
            return RedirectResponse("/", 303)
        if scope["path"] not in self._paths:
            raise Refused(404, "path")
        _check_body(scope["method"], headers, self._most(scope))
        return None

    def _exchanged(self, method: str, query: bytes) -> Response:
        if method != "GET":
            raise Refused(405, "method")
        self._session.exchange(parse_qs(query.decode("ascii", "replace")).get("token", [""])[0])
        response = RedirectResponse("/", 303)
        response.set_cookie(
            self._session.cookie("session"), self._session.secret, path="/", httponly=True, samesite="strict"
        )
        return response

    def _most(self, scope: Scope) -> int:
        return self._larger.get(scope["path"], MOST_BODY)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """Read the body, whatever it says of its length; raises `Refused` beyond what is allowed."""
        if scope["method"] != "POST":
            return b""
        try:
            return await asyncio.wait_for(_read(receive, self._most(scope)), SECONDS_FOR_BODY)
        except asyncio.TimeoutError:
            raise Refused(408, "slow") from None


class _Headers:
    """The headers of a request, those that came twice included."""

    def __init__(self, scope: Scope) -> None:
        self._all = [(k.decode("latin-1").lower(), v.decode("latin-1")) for k, v in scope["headers"]]

    def only(self, name: str) -> str | None:
        """Return a header, None where there is none; raises `Refused` where it stands twice."""
        found = [value for key, value in self._all if key == name]
        if len(found) > 1:
            raise Refused(400, "headers")
        return found[0] if found else None

    def every(self, name: str) -> list[str]:
        """Return all values of a header."""
        return [value for key, value in self._all if key == name]


def _check_path(scope: Scope) -> None:
    raw = scope.get("raw_path") or scope["path"].encode("utf-8", "replace")
    if not _PATH.fullmatch(raw.decode("latin-1")) or len(scope["query_string"]) > MOST_QUERY:
        raise Refused(400, "path")


def _check_origin(method: str, headers: _Headers, host: str) -> None:
    """Refuse what another site's page asks for; what changes something must say that it is ours."""
    origin = headers.only("origin")
    if origin is None and method == "POST":
        raise Refused(403, "origin")
    if origin is not None and origin != f"http://{host}":
        raise Refused(403, "origin")
    if headers.only("sec-fetch-site") in _ELSEWHERE:
        raise Refused(403, "origin")


def _cookies(headers: _Headers) -> dict[str, str]:
    """Return all cookies, read as browsers write them.

    Other programs of this machine set cookies that come here too, in whatever form: the parser of the
    standard library drops all that stand behind one that it does not understand.
    """
    return cookie_parser("; ".join(headers.every("cookie")))


def _check_body(method: str, headers: _Headers, most: int) -> None:
    """Refuse a body that is too long by its own word, none where one is due, or of another kind."""
    length, chunked = headers.only("content-length"), headers.only("transfer-encoding")
    if length is not None and (chunked is not None or not re.fullmatch(r"[0-9]{1,12}", length, re.ASCII)):
        raise Refused(400, "headers")  # a length and chunks: two who read it could read two bodies
    if method == "GET":
        if chunked is not None or int(length or 0):
            raise Refused(400, "body")
    elif method == "POST":
        if int(length or 0) > most:
            raise Refused(413, "size")
        kind = (headers.only("content-type") or "").replace(" ", "").lower()
        if kind not in ("application/json", "application/json;charset=utf-8"):
            raise Refused(415, "kind")
    else:
        raise Refused(405, "method")


async def _read(receive: Receive, most: int) -> bytes:
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "body")
        body += message.get("body", b"")
        more = bool(message.get("more_body", False))
        if len(body) > most:
            raise Refused(413, "size")
    return bytes(body)


def _once(body: bytes, receive: Receive) -> Receive:
    """Return a channel that hands on a body already read."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def hand_on() -> Message:
        return waiting.pop() if waiting else await receive()

    return hand_on


def _sealed(send: Send) -> Send:
    """Return a channel that puts our headers on every response."""
    ours = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
    names = {name for name, _ in ours}

    async def seal(message: Message) -> None:
        if message["type"] == "http.response.start":
            others = [pair for pair in message.get("headers", ()) if pair[0].lower() not in names]
            message = {**message, "headers": [*others, *ours]}
        await send(message)

    return seal
