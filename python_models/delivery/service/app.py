"""The service's routes: scores and segments of rows, stored scores, campaigns, health and figures."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import orjson
from fastapi import Depends, FastAPI, Request, Security
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException as StarletteHTTPException

from python_models.delivery.service.auth import Key, Rate, key_of, read_keys
from python_models.delivery.service.errors import fault, json_answer
from python_models.delivery.service.middleware import Gate, Limits
from python_models.delivery.service.responses import listed, page, scored, segmented
from python_models.delivery.service.rows import Read
from python_models.delivery.service.schemas import (
    CampaignsAnswer,
    CustomerAnswer,
    FaultAnswer,
    HealthAnswer,
    ReadyAnswer,
    ScoreAnswer,
    SegmentAnswer,
)
from python_models.delivery.service.snapshot import Offer, Shelf, Snapshot
from python_models.delivery.service.telemetry import Telemetry

MOST_ROWS = 10_000
# Requests of more rows, or with reasons, are computed beside the event loop.
QUICK_ROWS = 16
# To whom has no key; the log says more.
UNREADABLE = "a newer warehouse cannot be read; the present models go on, and the log says why"
# Requests of at most so many rows get reasons where they do not say whether.
EXPLAINED_ROWS = 10


def create_app(warehouse: Path, environment: Mapping[str, str], look_seconds: float = 1.0) -> FastAPI:
    """The application over a published warehouse.

    Parameters
    ----------
    warehouse : pathlib.Path
        The published warehouse; only read, and read anew when another one takes its name.
    environment : mapping
        `LEADLIGHT_API_KEYS`, limits, `LEADLIGHT_API_LOG`.
    look_seconds : float
        How often to look for a new warehouse.

    Raises
    ------
    UserError
        Without a key or a warehouse.
    """
    keys, limits = read_keys(environment), Limits.read(environment)
    telemetry = Telemetry(environment.get("LEADLIGHT_API_LOG"))

    def changed(snapshot: Snapshot | None, trouble: str | None) -> None:
        telemetry.trouble.set(trouble is not None)
        if snapshot:
            telemetry.swaps.inc()
        telemetry.write(
            {"event": "warehouse", "campaigns": len(snapshot.campaigns) if snapshot else None}
            | {"trouble": trouble}
        )

    shelf = Shelf(warehouse, changed)
    changed(shelf.current, None)
    rate = Rate(limits.requests_per_second, max(limits.requests_per_second, 1.0))
    jobs = asyncio.Semaphore(limits.jobs)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        shelf.start(look_seconds)
        try:
            yield
        finally:
            await asyncio.to_thread(shelf.stop)

    app = FastAPI(
        title="Leadlight",
        summary="Scores and segments of customers, by the models that the warehouse publishes.",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.add_middleware(Gate, limits=limits, telemetry=telemetry)
    app.state.shelf = shelf

    bearer = HTTPBearer(auto_error=False, description="A key of LEADLIGHT_API_KEYS.")
    header = APIKeyHeader(name="X-API-Key", auto_error=False, description="The same, as a header of its own.")

    def allow(scope: str) -> Callable[..., Awaitable[Key]]:
        async def check(
            request: Request,
            token: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)],
            alone: Annotated[str | None, Security(header)],
        ) -> Key:
            secret = token.credentials if token else alone
            key = key_of(keys, secret) if secret else None
            if key is None:
                message = "no key was given" if not secret else "the key is not known"
                raise fault(
                    "no_key",
                    f"{message}; send it as Authorization: Bearer ... or X-API-Key",
                    401,
                    {"WWW-Authenticate": "Bearer"},
                )
            request.state.audit["key"] = key.name
            if wait := rate.wait(key.name):
                seconds = max(1, round(wait))
                raise fault(
                    "too_many_requests",
                    f"more than {limits.requests_per_second:g} requests a second; wait {seconds} s",
                    429,
                    {"Retry-After": str(seconds)},
                )
            if scope not in key.scopes:
                raise fault(
                    "wrong_scope",
                    f"the key '{key.name}' may not {scope}; its scopes are {', '.join(sorted(key.scopes))}",
                    403,
                )
            return key

        return check

    def offer_of(snapshot: Snapshot, campaign: str, request: Request) -> Offer:
        offer = snapshot.campaigns.get(campaign)
        if offer is None:
            known = ", ".join(sorted(snapshot.campaigns))
            raise fault("unknown_campaign", f"there is no such campaign; there are {known}", 404)
        request.state.audit["campaign"] = campaign
        return offer

    async def body_of(request: Request) -> tuple[list[Any], bool | None]:
        """The rows of a request, and whether it asks for reasons."""
        kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind != "application/json":
            raise fault("no_json", "the body must be JSON: Content-Type: application/json", 415)
        length = request.headers.get("content-length", "0")
        if length.isdigit() and int(length) > limits.body_bytes:
            raise fault("body_too_large", f"the body has more than {limits.body_bytes:,} bytes", 413)
        try:
            body = orjson.loads(await request.body())
        except orjson.JSONDecodeError as error:
            raise fault(
                "no_json", f"the body is no JSON: {error.msg} at character {error.pos}", 400
            ) from None
        if type(body) is not dict or not isinstance(body.get("rows"), list):
            raise fault("no_rows", 'the body must be an object with a list of rows: {"rows": [{...}]}', 422)
        if unknown := sorted(body.keys() - {"rows", "reasons"}):
            raise fault(
                "unknown_key", f"key '{unknown[0][:80]}' is unknown; allowed are rows and reasons", 422
            )
        reasons = body.get("reasons")
        if reasons is not None and type(reasons) is not bool:
            raise fault("no_rows", "'reasons' must be true or false", 422)
        if not 1 <= len(body["rows"]) <= MOST_ROWS:
            raise fault("row_count", f"{len(body['rows']):,} rows; allowed are 1 to {MOST_ROWS:,}", 422)
        return body["rows"], reasons

    async def computed(is_quick: bool, work: Callable[[], Any]) -> Any:
        """What is quick at once; else in a thread, so many at a time."""
        if is_quick:
            return work()
        return await in_thread(work)

    async def in_thread(work: Callable[..., Any], *given: Any) -> Any:
        """So many at a time; one that nobody waits for any more still counts until its thread ends."""
        await jobs.acquire()
        running = asyncio.ensure_future(asyncio.to_thread(work, *given))

        def ended(done: asyncio.Future) -> None:
            jobs.release()
            # looked at, so that asyncio does not log the trace of one that nobody waits for
            if not done.cancelled():
                done.exception()

        running.add_done_callback(ended)
        return await asyncio.shield(running)

    def answered(request: Request, read: Read, answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """All rows in the order of the request; 422 where none was understood."""
        request.state.audit |= {"rows": len(answers), "refused_rows": len(read.refusals)}
        if not answers:
            place, sentence = next(iter(read.refusals.items()))
            more = f"; and {len(read.refusals) - 1:,} other rows" if len(read.refusals) > 1 else ""
            raise fault("rows_refused", f"row {place}: {sentence}{more}", 422)
        refused = [{"row": place, "error": sentence} for place, sentence in read.refusals.items()]
        return sorted([*answers, *refused], key=lambda row: row["row"])

    faults: dict[int | str, dict[str, Any]] = {
        status: {"model": FaultAnswer, "description": said}
        for status, said in {
            400: "The body is no JSON.",
            401: "No key, or an unknown one.",
            403: "The key's scopes do not allow it.",
            404: "No such campaign, or no such customer.",
            409: "The campaign has no model, or no segments, to answer with.",
            413: "The body is too large.",
            415: "The body is not said to be JSON.",
            422: "Not understood: the message says which row and field.",
            429: "Too many requests; Retry-After says when.",
            500: "Something is wrong with the service.",
            503: "It took too long.",
        }.items()
    }

    def faults_of(*statuses: int) -> dict[int | str, dict[str, Any]]:
        return {status: faults[status] for status in (*statuses, 500, 503)}

    keyed, rowed = (401, 403, 429), (400, 413, 415, 422)

    def body_schema(entity: str, example: dict[str, Any] | None, with_reasons: bool) -> dict[str, Any]:
        properties: dict[str, Any] = {
            "rows": {
                "type": "array",
                "minItems": 1,
                "maxItems": MOST_ROWS,
                "items": {"type": "object"},
                "description": f"A value or null for each field ({entity}), and the key if you like.",
            }
        }
        if with_reasons:
            properties["reasons"] = {
                "type": ["boolean", "null"],
                "description": f"Whether to explain; by default requests of up to {EXPLAINED_ROWS} rows are.",
            }
        content: dict[str, Any] = {
            "schema": {
                "type": "object",
                "required": ["rows"],
                "properties": properties,
                "additionalProperties": False,
            }
        }
        if example:
            content["examples"] = example
        return {"requestBody": {"required": True, "content": {"application/json": content}}}

    def examples() -> dict[str, Any]:
        return {
            name: {"summary": f"{offer.title}: typical values", "value": {"rows": [offer.example]}}
            for name, offer in shelf.current.campaigns.items()
            if offer.champion
        }

    @app.post(
        "/v1/campaigns/{campaign}/score",
        response_model=ScoreAnswer,
        responses=faults_of(*keyed, *rowed, 404, 409),
        openapi_extra=body_schema("see /v1/campaigns", examples(), True),
        tags=["campaigns"],
    )
    async def score(campaign: str, request: Request, _: Annotated[Key, Depends(allow("score"))]) -> Response:
        """Probability, decision and reasons of rows whose outcome is not known yet.

        Each row names every field of the campaign; null means not known. A row that is not understood is
        refused by a sentence in its place; the others are scored.
        """
        snapshot = shelf.current
        offer = offer_of(snapshot, campaign, request)
        if offer.champion is None:
            why = offer.refused_reason or "it has segments only"
            raise fault("no_model", f"campaign '{campaign}' has no model in service: {why}", 409)
        champion = offer.champion
        request.state.audit["model_version"] = champion.version
        rows, reasons = await body_of(request)
        explained = len(rows) <= EXPLAINED_ROWS if reasons is None else reasons
        is_quick = len(rows) <= QUICK_ROWS and not explained
        read, answers = await computed(is_quick, lambda: scored(champion, offer.entity, rows, explained))
        return json_answer(
            {
                "campaign": campaign,
                "model_version": champion.version,
                "threshold": champion.threshold,
                "threshold_policy": champion.policy,
                "results": answered(request, read, answers),
            }
        )

    @app.post(
        "/v1/campaigns/{campaign}/segment",
        response_model=SegmentAnswer,
        responses=faults_of(*keyed, *rowed, 404, 409),
        openapi_extra=body_schema("segment_fields in /v1/campaigns", None, False),
        tags=["campaigns"],
    )
    async def segment(
        campaign: str, request: Request, _: Annotated[Key, Depends(allow("score"))]
    ) -> Response:
        """The segment that each row lies in: the nearest centroid of the campaign's segments."""
        offer = offer_of(shelf.current, campaign, request)
        if offer.grouping is None:
            raise fault("no_segments", f"campaign '{campaign}' has no segments", 409)
        grouping = offer.grouping
        request.state.audit["model_version"] = grouping.version
        rows, _reasons = await body_of(request)
        read, answers = await computed(False, lambda: segmented(grouping, rows))
        return json_answer(
            {
                "campaign": campaign,
                "segmenter_version": grouping.version,
                "results": answered(request, read, answers),
            }
        )

    @app.get(
        "/v1/campaigns/{campaign}/customers/{entity_id}",
        response_model=CustomerAnswer,
        responses=faults_of(*keyed, 404, 422),
        tags=["campaigns"],
    )
    async def customer(
        campaign: str, entity_id: str, request: Request, _: Annotated[Key, Depends(allow("read"))]
    ) -> Response:
        """The score and segment that the last build stored for a row, by its key."""
        snapshot = shelf.current
        offer_of(snapshot, campaign, request)
        found = await in_thread(snapshot.customer, campaign, entity_id)
        if found is None:
            raise fault("unknown_customer", f"campaign '{campaign}' has no row with that key", 404)
        if found["score"]:
            found["score"]["scored_at"] = found["score"]["scored_at"].isoformat()
        return json_answer(found)

    @app.get("/v1/campaigns", response_model=CampaignsAnswer, responses=faults_of(*keyed), tags=["campaigns"])
    async def campaigns(_: Annotated[Key, Depends(allow("read"))]) -> Response:
        """All campaigns, what each can answer, and the fields that a row has to name."""
        return json_answer({"campaigns": [listed(offer) for offer in shelf.current.campaigns.values()]})

    @app.get("/healthz", response_model=HealthAnswer, responses=faults_of(), tags=["service"])
    async def healthz() -> Response:
        """The process lives."""
        return json_answer({"status": "ok"})

    @app.get("/readyz", response_model=ReadyAnswer, responses=faults_of(), tags=["service"])
    async def readyz() -> Response:
        """Champions are read; `trouble` says why a newer warehouse is not served."""
        return json_answer(
            {
                "status": "ready",
                "campaigns": len(shelf.current.campaigns),
                "trouble": UNREADABLE if shelf.trouble else None,
            }
        )

    @app.get(
        "/metrics",
        responses=faults_of(*keyed) | {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
        response_class=Response,
        tags=["service"],
    )
    async def metrics(_: Annotated[Key, Depends(allow("read"))]) -> Response:
        """Figures in Prometheus' text format."""
        return Response(telemetry.figures(), media_type="text/plain; version=0.0.4")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(page(app.openapi()))

    @app.exception_handler(StarletteHTTPException)
    async def on_fault(request: Request, error: StarletteHTTPException) -> Response:
        detail: Any = error.detail
        if not isinstance(detail, dict):
            code = {404: "unknown_path", 405: "wrong_method"}.get(error.status_code, "refused")
            detail = {"code": code, "message": str(error.detail)}
        answer = {"error": detail | {"request_id": request.state.audit["request_id"]}}
        return json_answer(answer, error.status_code, dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        message = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        answer = {
            "code": "not_understood",
            "message": message,
            "request_id": request.state.audit["request_id"],
        }
        return json_answer({"error": answer}, 422)

    return app
