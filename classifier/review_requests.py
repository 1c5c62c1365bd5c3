"""What comes in and goes out on every route: bodies, who asks, pages, refusals."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, StringConstraints
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Scope

from classifier.codebook import Codebook
from classifier.doccano import is_file_name
from classifier.inert_text import on_one_line
from classifier.report_texts import LANGUAGES
from classifier.review_access import Refused, Session
from classifier.review_evidence import MOST_CHARACTERS, Reader
from classifier.review_items import codebook_id
from classifier.review_job import Job
from classifier.review_pages import NAMES, WITHOUT_STORE, Data, code_rows, render, review_texts, shown
from classifier.review_store import ReviewStore

MOST_NAME = 40  # characters of a coder's name
_PAGES = frozenset(NAMES.values())

Text = Annotated[str, StringConstraints(max_length=MOST_CHARACTERS)]
Note = Annotated[str, StringConstraints(max_length=2000)]
Name = Annotated[str, StringConstraints(max_length=1000)]
Coder = Annotated[str, StringConstraints(max_length=MOST_NAME)]
EventId = Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}$")]


@dataclass(frozen=True)
class Service:
    """What the server serves.

    Parameters
    ----------
    session : Session
    reader : Reader
    store : ReviewStore, optional
        Without one there are the pages that need none: the codebook, and trying an article.
    now : callable
        Returns the time of a decision, as `Event.at` has it.
    tell : callable
        Takes lines for the terminal.
    lang : {"zh", "en"}
        For browsers that have not chosen.
    coder : str
        For browsers in which nobody has given a name.
    job : Job, optional
        What trains a new model.
    """

    session: Session
    reader: Reader
    store: ReviewStore | None
    now: Callable[[], str]
    tell: Callable[[str], None]
    lang: str = "zh"
    coder: str = ""
    job: Job | None = None


class Body(BaseModel):
    """What all bodies share: nothing is taken for something else, nor passed over."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Decision(Body):
    """What a coder decides of a segment."""

    event_id: EventId
    segment_id: Name
    coder: Coder
    kind: Literal["coded", "skipped"]
    before: list[Name] | None
    codes: list[Name] | None
    codebook: Name
    note: Note = ""


class Settlement(Body):
    """What someone decides for all coders of a segment."""

    event_id: EventId
    segment_id: Name
    coder: Coder
    before: list[Name] | None
    codes: list[Name]
    codebook: Name
    note: Note = ""


class Undo(Body):
    """Which event of which coder is to count no more."""

    undoes: Name
    segment_id: Name
    coder: Coder


class Settings(Body):
    """What a browser keeps."""

    lang: Literal["zh", "en"] | None = None
    coder: Coder | None = None


class Article(Body):
    """A text to try."""

    text: Text


class Table(Body):
    """A text to try, as a file."""

    text: Text
    format: Name
    scheme: Name | None = None


class Training(Body):
    """How a new model is to be trained."""

    even_if_worse: bool = False


# --- who asks, and what is answered ---


def lang_of(service: Service, request: Request) -> str:
    """Return the language that a browser has chosen."""
    found = request.cookies.get(service.session.cookie("lang"), service.lang)
    return found if found in LANGUAGES else service.lang


def coder_of(service: Service, request: Request) -> str:
    """Return the coder's name, empty where the browser has none."""
    kept = request.cookies.get(service.session.cookie("coder"))
    found = service.coder if kept is None else unquote(kept)
    return found if is_name(found) else ""


def is_name(text: str) -> bool:
    """Say whether a coder may be called so: 1 to 40 characters on a line, as a file may be called too.

    >>> is_name("王芳"), is_name("王\u202e芳"), is_name(" 王"), is_name("王/芳"), is_name("")
    (True, False, False, False, False)
    """
    plain = shown(text) == on_one_line(text).strip() == text
    return 0 < len(text) <= MOST_NAME and plain and is_file_name(text)


def named(coder: str) -> str:
    """Return a coder's name, or refuse what is none."""
    if not is_name(coder):
        raise Refused(422, "wrong")
    return coder


def page_of(service: Service, request: Request, name: str, data: Data, **values: Any) -> Response:
    """Return a page; without a coder the question who it is, where a page is about coding."""
    lang, coder = lang_of(service, request), coder_of(service, request)
    asked = not coder and name not in WITHOUT_STORE
    pages = [p for p in NAMES.items() if service.store is not None or p[0] in WITHOUT_STORE]
    common = {"texts": review_texts(lang), "lang": lang, "store": store_name(service), "coder": coder}
    return HTMLResponse(
        render(
            "coder" if asked else name,
            lang,
            page=name,
            pages=pages,
            coder=coder if service.store is not None else "",
            data=common if asked else common | data,
            **values,
        )
    )


def store_name(service: Service) -> str:
    """Return what a browser keeps unsaved decisions under; it tells nothing of where the store lies."""
    where = service.store.shown_url if service.store is not None else ""
    return hashlib.sha256(where.encode("utf-8", "replace")).hexdigest()[:12]


def code_data(book: Codebook, lang: str) -> Data:
    """Return what scripts know of a codebook."""
    return {
        "codes": code_rows(book, lang),
        "exclusive": book.exclusive,
        "codebook": codebook_id(book),
    }


def refusal(service: Service, scope: Scope, refused: Refused) -> Response:
    """Return a page where a page was asked for, JSON otherwise."""
    message = review_texts(service.lang)["refused"][refused.reason]
    if scope["method"] == "GET" and (scope["path"] in _PAGES or refused.reason == "path"):
        return HTMLResponse(render("refused", service.lang, reason=refused.reason), refused.status)
    return JSONResponse({"reason": refused.reason, "message": message}, refused.status)
