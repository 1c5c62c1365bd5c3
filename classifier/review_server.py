"""The review server: one application behind its gate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from classifier.errors import CodebookError, FupinError, InputError, Outdated
from classifier.inert_text import on_one_line
from classifier.rendering import TEMPLATES
from classifier.review_access import Gate, Refused
from classifier.review_evidence import FORMATS, MOST_CHARACTERS
from classifier.review_pages import FOLDER, NAMES, book_about, code_groups, code_rows, scheme_rows
from classifier.review_requests import (
    Article,
    Service,
    Settings,
    Table,
    lang_of,
    named,
    page_of,
    refusal,
)
from classifier.review_routes import coding_routes

STATIC = (
    *("review.css", "page.js", "saving.js", "settings.js", "keyboard.js", "sentence.js", "codes.js"),
    *("review.js", "disputes.js", "progress.js", "codebook.js", "try.js"),
)
_MEDIA = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
LARGER = {"/try": 2_000_000, "/try-table": 2_000_000}  # bytes of body: an article
# Texts may be confidential: nothing is to be recorded of requests, whatever the environment asks for.
_NO_TELEMETRY: Any = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
_YEAR = 366 * 24 * 3600  # seconds that a browser keeps a coder's name


def make_app(service: Service) -> Gate:
    """Return the application, behind its gate."""
    app = FastAPI(
        docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False, telemetry=_NO_TELEMETRY
    )
    _static(app)
    _settings(app, service)
    _codebook(app, service)
    _trying(app, service)
    if service.store is None:
        app.add_api_route("/", lambda: RedirectResponse(NAMES["try"], 303), response_model=None)
    else:
        coding_routes(app, service, service.store)
    gate = Gate(
        app,
        service.session,
        tell=service.tell,
        refusal=lambda scope, refused: refusal(service, scope, refused),
        paths={str(getattr(route, "path", "")) for route in app.routes},
        larger=LARGER,
    )
    _errors(app, gate, service.tell)
    return gate


# --- what is refused ---


def _errors(app: FastAPI, gate: Gate, tell: Callable[[str], None]) -> None:
    """Answer what goes wrong in a route as the gate answers; nothing that was sent is repeated."""

    def answer(make: Callable[[Any], Refused]) -> Callable[[Request, Exception], Response]:
        return lambda request, error: gate.refused(request.scope, make(error))

    app.add_exception_handler(Refused, answer(lambda error: error))
    app.add_exception_handler(RequestValidationError, answer(lambda _: Refused(422, "wrong")))
    app.add_exception_handler(HTTPException, answer(lambda error: Refused(error.status_code, "wrong")))
    app.add_exception_handler(Outdated, answer(lambda _: Refused(409, "outdated")))
    for kind in (InputError, CodebookError):
        app.add_exception_handler(kind, answer(lambda _: Refused(400, "wrong")))

    def unable(error: FupinError) -> Refused:
        tell(f"error: {on_one_line(str(error))}; {error.hint}")
        return Refused(503, "failed")

    app.add_exception_handler(FupinError, answer(unable))  # such as a database that does not answer


# --- every page ---


def _static(app: FastAPI) -> None:
    """Serve the files of a fixed list, each at its own address."""
    for name in STATIC:
        app.add_api_route(f"/static/{name}", _file(name), methods=["GET"], response_model=None)


def _file(name: str) -> Callable[[], Response]:
    content = (TEMPLATES / FOLDER / name).read_bytes()
    media = _MEDIA[name.rpartition(".")[2]]
    return lambda: Response(content, media_type=media)


def _settings(app: FastAPI, service: Service) -> None:
    def keep(response: Response, name: str, value: str) -> None:
        cookie = service.session.cookie(name)
        response.set_cookie(cookie, quote(value), _YEAR, path="/", httponly=True, samesite="strict")

    @app.post("/settings")
    def settings(body: Settings) -> Response:
        response = JSONResponse({})
        if body.lang is not None:
            keep(response, "lang", body.lang)
        if body.coder is not None:
            keep(response, "coder", named(body.coder) if body.coder else "")
        return response


def _codebook(app: FastAPI, service: Service) -> None:
    @app.get("/codebook")
    def codebook(request: Request) -> Response:
        book = service.reader.codebook if service.store is None else service.store.codebook
        lang = lang_of(service, request)
        rows = code_rows(book, lang)
        names = {row["code"]: row["name"] for row in rows}
        schemes = scheme_rows(book, lang)
        for scheme in schemes:
            scheme["categories"] = [(c, [names[code] for code in of]) for c, of in scheme["categories"]]
        return page_of(
            service,
            request,
            "codebook",
            {},
            book=book_about(book, lang),
            groups=code_groups(book, rows, lang),
            schemes=schemes,
        )


def _trying(app: FastAPI, service: Service) -> None:
    reader = service.reader

    @app.get("/try")
    def page(request: Request) -> Response:
        lang = lang_of(service, request)
        schemes = scheme_rows(reader.codebook, lang)
        rows = [{"code": row["code"], "name": row["name"]} for row in code_rows(reader.codebook, lang)]
        about = {"codes": rows, "schemes": schemes, "ready": reader.ready, "most_characters": MOST_CHARACTERS}
        return page_of(service, request, "try", about, schemes=schemes, formats=list(FORMATS))

    @app.post("/try")
    def article(body: Article) -> Response:
        return JSONResponse({"segments": reader.article(body.text)})

    @app.post("/why")
    def why(body: Article) -> Response:
        return JSONResponse(reader.why(body.text))

    @app.post("/try-table")
    def table(body: Table) -> Response:
        if body.scheme:
            reader.codebook.scheme(body.scheme)
        made = reader.table(body.text, body.format, body.scheme or None)
        return Response(made, media_type=FORMATS[body.format])
