"""A review store of invented segments, the application over it, and a browser of a few lines."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from uuid import uuid4

from classifier.review_access import Session
from classifier.review_evidence import Reader
from classifier.review_items import GOLD, QUEUE, Item, codebook_id
from classifier.review_requests import Service
from classifier.review_server import make_app
from classifier.review_store import open_store
from conftest import VILLAGES, article

PORT = 8801
HERE = f"http://127.0.0.1:{PORT}"
MARK = "暗号xyzzy"  # what a sender writes, and no line for the terminal may repeat
DRAWN = {"stratum": 1, "inclusion_probability": 0.5, "unit": "segment"}
AT = "2026-01-31T08:00:00.000Z"


def review_items(n_documents=4, gold=()):
    """Yield the segments of the tiny corpus's first articles; the model gives what they carry."""
    rank = 0
    for i in range(n_documents):
        for n, (text, codes) in enumerate(article(i)):
            name = f"{VILLAGES[i]}#{n}"
            given = {code: 0.9 for code in codes if code != "well"}
            yield Item(
                segment_id=name,
                doc_id=VILLAGES[i],
                paragraph=n,
                start=0,
                end=len(text),
                text=text,
                title=f"{VILLAGES[i]}记事",
                date="2019-05-01",
                codes=codes,
                probabilities={"clinic": 0.01, "school": 0.3, "road": 0.02} | given,
                place=rank,
                rank=rank,
                purpose=GOLD if name in gold else QUEUE,
                drawn={"stratum": 1, "inclusion_probability": 0.5, "unit": "segment"}
                if name in gold
                else None,
            )
            rank += 1


@dataclass
class Site:
    """An application, its store, and what it told the terminal."""

    app: object
    store: object
    session: Session
    told: list = field(default_factory=list)
    cookies: dict = field(default_factory=dict)

    @property
    def headers(self):
        return {"host": f"127.0.0.1:{PORT}", "cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}

    def get(self, path, **changed):
        return self.ask("GET", path, **changed)

    def post(self, path, body, **changed):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {
            "origin": HERE,
            "content-type": "application/json",
            "content-length": str(len(content)),
            **changed.pop("headers", {}),
        }
        return self.ask("POST", path, body=[content], headers=given, **changed)

    def ask(self, method, path, *, headers=None, body=(), raw=None, extra=(), hangs=False):
        """Send a request as it is, however wrong: ``raw`` is its path, ``extra`` are doubled headers."""
        given = {k: v for k, v in {**self.headers, **(headers or {})}.items() if v is not None}
        pairs = [(k.encode(), v.encode("latin-1")) for k, v in (*given.items(), *extra)]
        name, _, query = path.partition("?")
        scope = {
            "type": "http",
            "http_version": "1.1",
            "scheme": "http",
            "method": method,
            "path": name,
            "raw_path": (raw or name).encode("latin-1"),
            "query_string": query.encode("ascii"),
            "headers": pairs,
            "server": ("127.0.0.1", PORT),
            "client": ("127.0.0.1", 50_000),
            "root_path": "",
        }
        return asyncio.run(_exchange(self.app, scope, list(body), hangs=hangs))

    def enter(self):
        """Open the printed link; from here on the cookie goes along."""
        answer = self.get(f"/?token={self.session.token}")
        self.cookies[self.session.cookie("session")] = self.session.secret
        return answer

    def decision(self, segment, given, **changed):
        return {
            "event_id": uuid4().hex,
            "segment_id": segment,
            "coder": "甲",
            "kind": "coded",
            "before": None,
            "codes": given,
            "codebook": codebook_id(self.store.codebook),
            "note": "",
        } | changed


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    @property
    def text(self):
        return self.body.decode("utf-8")

    @property
    def json(self):
        return json.loads(self.body)


async def _exchange(app, scope, chunks, *, hangs):
    got, waiting = [], [*chunks] or [b""]

    async def receive():
        if waiting:
            chunk = waiting.pop(0)
            return {"type": "http.request", "body": chunk, "more_body": bool(waiting) or hangs}
        if hangs:
            await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message):
        got.append(message)

    await app(scope, receive, send)
    head = got[0]
    names = [(k.decode().lower(), v.decode("latin-1")) for k, v in head["headers"]]
    return Answer(head["status"], dict(names), b"".join(m.get("body", b"") for m in got[1:]))


def filled_store(folder, codebook, items=None):
    opened = open_store(folder / "村.db")
    opened.add(review_items() if items is None else items, codebook, "村.csv")
    return opened


def make_site(folder, codebook, model, *, items=None, coder="甲", job=None, store=True):
    """Return an application over a store, by default a new one; nobody has entered it yet."""
    session = Session(PORT)
    opened = filled_store(folder, codebook, items) if store is True else store or None
    told = []
    service = Service(
        session, Reader(codebook, lambda: model), opened, lambda: AT, told.append, "zh", coder, job
    )
    return Site(make_app(service), opened, session, told)
