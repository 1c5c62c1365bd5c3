"""The routes on which segments are coded and settled, and the work is counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

from fastapi import FastAPI, Query, Request
from starlette.responses import JSONResponse, Response

from classifier.codebook import Codebook
from classifier.errors import InputError
from classifier.review_access import Refused
from classifier.review_exports import EXPORTS, exported
from classifier.review_figures import coder_rows, figures, skipped_by
from classifier.review_items import CODED, SETTLED, Codes, Event, codebook_id
from classifier.review_job import Outcome
from classifier.review_pages import (
    HELP,
    Data,
    bar_view,
    code_groups,
    code_rows,
    dispute_view,
    item_view,
    shown,
)
from classifier.review_requests import (
    Decision,
    Service,
    Settlement,
    Training,
    Undo,
    code_data,
    coder_of,
    lang_of,
    named,
    page_of,
)
from classifier.review_store import ReviewStore

Rank = Annotated[int, Query(ge=0, lt=2**31)]  # what a database takes for one


def coding_routes(app: FastAPI, service: Service, store: ReviewStore) -> None:
    """Add all of them."""
    _review(app, service, store)
    _asking(app, service, store)
    _deciding(app, service, store)
    _disputes(app, service, store)
    _progress(app, service, store)
    _retraining(app, service, store)


# --- coding ---


def _review(app: FastAPI, service: Service, store: ReviewStore) -> None:
    @app.get("/")
    def page(request: Request, id: str = "") -> Response:  # noqa: A002 - the name in the address
        coder, lang, book = coder_of(service, request), lang_of(service, request), store.codebook
        data = code_data(book, lang)
        if coder:
            item = _item(store, id, coder) if id else _next(store, coder, None)
            data |= {"item": item, "bar": bar_view(store.progress(coder))}
        groups = code_groups(book, data["codes"], lang)
        return page_of(service, request, "review", data, groups=groups, keys=HELP["review"])

    @app.get("/item")
    def item(request: Request, id: str = "", after: Rank | None = None) -> Response:  # noqa: A002
        coder = named(coder_of(service, request))
        found = _item(store, id, coder) if id else _next(store, coder, after)
        return JSONResponse({"item": found} if found else {"item": None, **bar_view(store.progress(coder))})


def _item(store: ReviewStore, segment_id: str, coder: str) -> Data:
    return item_view(store, _known(store, segment_id), coder)


def _next(store: ReviewStore, coder: str, after: int | None) -> Data | None:
    found = store.next_for(coder, after)
    return None if found is None else item_view(store, found.segment_id, coder)


def _asking(app: FastAPI, service: Service, store: ReviewStore) -> None:
    @app.get("/evidence")
    def evidence(request: Request, id: str) -> Response:  # noqa: A002
        item = _item(store, id, named(coder_of(service, request)))
        return JSONResponse({"spans": {} if item["hidden"] else service.reader.spans(store.item(id).text)})

    @app.get("/bar")
    def bar(request: Request) -> Response:
        found = bar_view(store.progress(named(coder_of(service, request))))
        return JSONResponse({**found, "codebook": codebook_id(store.codebook)})

    @app.get("/skipped")
    def skipped(request: Request) -> Response:
        return JSONResponse({"ids": skipped_by(store, named(coder_of(service, request)))})


def _deciding(app: FastAPI, service: Service, store: ReviewStore) -> None:
    def record(body: Decision | Settlement, kind: str, after: Codes | None) -> Response:
        before = None if body.before is None else tuple(body.before)
        _check_codes(store.codebook, after)
        event = Event(
            body.event_id,
            _known(store, body.segment_id),
            named(body.coder),
            kind,
            before,
            after,
            body.codebook,
            service.now(),
            body.note,
        )
        return JSONResponse({"number": store.record(event).number})

    @app.post("/decide")
    def decide(body: Decision) -> Response:
        if (body.kind == CODED) != (body.codes is not None):
            raise Refused(422, "wrong")
        return record(body, body.kind, None if body.codes is None else tuple(body.codes))

    @app.post("/settle")
    def settle(body: Settlement) -> Response:
        return record(body, SETTLED, tuple(body.codes))

    @app.get("/last")
    def last(request: Request) -> Response:
        try:
            found = store.undo_of(named(coder_of(service, request)))
        except InputError:
            return JSONResponse({"undoes": None})
        return JSONResponse({"undoes": found.undoes, "segment_id": found.segment_id})

    @app.post("/undo")
    def undo(body: Undo) -> Response:
        """Undo the event asked for; where it is undone already, as when this is sent again, do nothing."""
        coder = named(body.coder)
        try:
            found = store.undo_of(coder)
        except InputError:
            found = None
        if found is not None and found.undoes == body.undoes:
            store.record(replace(found, at=service.now()))
        codes = store.current(_known(store, body.segment_id)).get((body.segment_id, coder))
        return JSONResponse({"segment_id": body.segment_id, "codes": None if codes is None else list(codes)})


def _known(store: ReviewStore, segment_id: str) -> str:
    try:
        return store.item(segment_id).segment_id
    except InputError:
        raise Refused(404, "unknown_segment") from None


def _check_codes(book: Codebook, codes: Codes | None) -> None:
    if codes is not None and not set(codes) <= set(book.columns):
        raise Refused(400, "unknown_code")
    if codes is not None and book.exclusive and len(codes) != 1:
        raise Refused(400, "one_code")


# --- settling, counting, training ---


def _disputes(app: FastAPI, service: Service, store: ReviewStore) -> None:
    def view(request: Request, after: str, id: str, names: str) -> Data:  # noqa: A002
        coder = named(coder_of(service, request))
        return dispute_view(store, coder, after, _known(store, id) if id else "", names=names == "1")

    @app.get("/disputes")
    def page(request: Request) -> Response:
        coder, lang, book = coder_of(service, request), lang_of(service, request), store.codebook
        data = code_data(book, lang)
        if coder:
            data["dispute"] = view(request, "", "", "0")
        groups = code_groups(book, data["codes"], lang)
        return page_of(service, request, "disputes", data, groups=groups, keys=HELP["disputes"])

    @app.get("/dispute")
    def dispute(request: Request, after: str = "", id: str = "", names: str = "0") -> Response:  # noqa: A002
        return JSONResponse(view(request, after, id, names))


def _progress(app: FastAPI, service: Service, store: ReviewStore) -> None:
    @app.get("/progress")
    def page(request: Request) -> Response:
        coder = coder_of(service, request)
        rows = coder_rows(store, coder) if coder else []
        training = service.job is not None
        return page_of(service, request, "progress", {}, coders=rows, exports=list(EXPORTS), retrain=training)

    @app.get("/figures")
    def per_code(request: Request) -> Response:
        rows = code_rows(store.codebook, lang_of(service, request))
        return JSONResponse(figures(store, {row["code"]: row["name"] for row in rows}))

    @app.get("/export")
    def export(what: str) -> Response:
        found, content = exported(store, what)
        named = {"Content-Disposition": f'attachment; filename="{found.name}"'}
        return Response(content, media_type=found.media, headers=named)


def _retraining(app: FastAPI, service: Service, store: ReviewStore) -> None:
    @app.get("/retrain")
    def training(request: Request) -> Response:
        return JSONResponse(_training(service, store, lang_of(service, request)))

    @app.post("/retrain")
    def retrain(request: Request, body: Training) -> Response:
        if service.job is None:
            raise Refused(404, "closed")
        if not service.job.start(even_if_worse=body.even_if_worse):
            raise Refused(409, "busy")
        return JSONResponse(_training(service, store, lang_of(service, request)))


def _training(service: Service, store: ReviewStore, lang: str) -> Data:
    """Return how far a training is, with the names of codes."""
    if service.job is None:
        raise Refused(404, "closed")
    state = service.job.state
    outcome = state.outcome or Outcome("")
    names = {row["code"]: row["name"] for row in code_rows(store.codebook, lang)}
    return {
        "state": state.state,
        "message": shown(state.message),
        "reason": state.reason,
        "verdict": outcome.verdict,
        "folder": shown(outcome.folder),
        "compared": [_compared(text, found, names) for text, found in outcome.compared.items()],
    }


def _compared(text: str, found: Data, names: Mapping[str, str]) -> Data:
    """Return a comparison of models: all codes together, then each code with its name."""
    rows = [{**row, "name": names.get(row["code"], "")} for row in (found["micro"], *found["codes"])]
    return {"text": text, "segments": found["segments"], "documents": found["documents"], "rows": rows}
