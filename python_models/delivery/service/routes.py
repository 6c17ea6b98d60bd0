"""The service's routes: scores and segments of rows, stored scores, campaigns, health and metrics."""

from collections.abc import Sized
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from python_models.delivery.service.auth import require_scope
from python_models.delivery.service.errors import api_error, json_response
from python_models.delivery.service.jobs import Job, JobPool
from python_models.delivery.service.openapi import (
    BODY_ERRORS,
    EXPLAINED_ROWS,
    KEY_ERRORS,
    SCORE_PATH,
    body_schema,
    error_responses,
)
from python_models.delivery.service.responses import (
    describe_campaign,
    docs_page,
    merge_results,
    score_rows,
    segment_rows,
)
from python_models.delivery.service.rows import read_body
from python_models.delivery.service.schemas import (
    CampaignsAnswer,
    CustomerAnswer,
    HealthAnswer,
    ReadyAnswer,
    ScoreAnswer,
    SegmentAnswer,
)
from python_models.delivery.service.snapshot import ServedCampaign, Snapshot, SnapshotStore

# Requests of more rows share threads that those of fewer rows do not wait for.
SMALL_ROWS = 16

router = APIRouter()
MAY_READ, MAY_SCORE = Depends(require_scope("read")), Depends(require_scope("score"))


async def current_snapshot(request: Request) -> Snapshot:
    """Return the snapshot that answers this request to its end."""
    snapshot: Snapshot = request.app.state.store.current
    return snapshot


CurrentSnapshot = Annotated[Snapshot, Depends(current_snapshot)]


async def served_campaign(campaign: str, request: Request, snapshot: CurrentSnapshot) -> ServedCampaign:
    """Return the campaign that the path names."""
    served = snapshot.campaigns.get(campaign)
    if served is None:
        available = ", ".join(sorted(snapshot.campaigns))
        raise api_error("unknown_campaign", f"there is no such campaign; there are {available}", 404)
    request.state.audit["campaign"] = campaign
    return served


def pool_for(request: Request, rows: Sized) -> JobPool:
    """Return the threads for a request of these rows."""
    pool: JobPool = request.app.state.small_jobs if len(rows) <= SMALL_ROWS else request.app.state.jobs
    return pool


def require_explainable(trees: int, rows: int, limit: int) -> None:
    """Refuse more rows with reasons than a model of so many trees explains in a few seconds."""
    allowed = max(EXPLAINED_ROWS, limit // max(trees, 1))
    if rows > allowed:
        message = (
            f"{rows:,} rows with reasons; the model has {trees:,} trees, so at most {allowed:,} are allowed: "
            'send fewer, or "reasons": false'
        )
        raise api_error("too_many_explained", message, 413)


Served = Annotated[ServedCampaign, Depends(served_campaign)]


@router.post(
    SCORE_PATH,
    response_model=ScoreAnswer,
    responses=error_responses(*KEY_ERRORS, *BODY_ERRORS, 404, 409),
    openapi_extra=body_schema("see /v1/campaigns", with_reasons=True),
    dependencies=[MAY_SCORE],
    tags=["campaigns"],
)
async def score(request: Request, served: Served) -> Response:
    """Probability, decision and reasons of rows whose outcome is not known yet.

    Each row names every field of the campaign; null means not known. A row that is not understood is
    refused by a sentence in its place; the others are scored.
    """
    champion = served.champion
    if champion is None:
        reason = served.refused_reason or "it has segments only"
        raise api_error("no_model", f"campaign '{served.campaign}' has no model in service: {reason}", 409)
    request.state.audit["model_version"] = champion.version
    body = await read_body(request)
    rows, reasons = body.rows, body.reasons
    is_explained = len(rows) <= EXPLAINED_ROWS if reasons is None else reasons
    if is_explained:
        require_explainable(champion.model.tree_count, len(rows), request.app.state.limits.explained_trees)
    if len(rows) <= SMALL_ROWS and not is_explained:
        errors, scored = score_rows(Job(), champion, served.entity, rows, is_explained)
    else:
        errors, scored = await pool_for(request, rows).run(
            request, score_rows, champion, served.entity, rows, is_explained
        )
    return json_response(
        {
            "campaign": served.campaign,
            "model_version": champion.version,
            "threshold": champion.threshold,
            "threshold_policy": champion.policy,
            "results": _audited_results(request, errors, scored),
        }
    )


@router.post(
    "/v1/campaigns/{campaign}/segment",
    response_model=SegmentAnswer,
    responses=error_responses(*KEY_ERRORS, *BODY_ERRORS, 404, 409),
    openapi_extra=body_schema("segment_fields in /v1/campaigns", with_reasons=False),
    dependencies=[MAY_SCORE],
    tags=["campaigns"],
    description="The segment that each row lies in: the nearest centroid of the campaign's segments.",
)
async def segment(request: Request, served: Served) -> Response:
    """Assign each row to the nearest centroid."""
    segmenter = served.segmenter
    if segmenter is None:
        raise api_error("no_segments", f"campaign '{served.campaign}' has no segments", 409)
    request.state.audit["model_version"] = segmenter.version
    rows = (await read_body(request)).rows
    errors, assigned = await pool_for(request, rows).run(request, segment_rows, segmenter, rows)
    return json_response(
        {
            "campaign": served.campaign,
            "segmenter_version": segmenter.version,
            "results": _audited_results(request, errors, assigned),
        }
    )


def _audited_results(
    request: Request, errors: dict[int, str], results: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Count rows for the audit line and return the results in the order of the request."""
    request.state.audit |= {"rows": len(results), "refused_rows": len(errors)}
    return merge_results(errors, results)


@router.get(
    "/v1/campaigns/{campaign}/customers/{entity_id}",
    response_model=CustomerAnswer,
    responses=error_responses(*KEY_ERRORS, 404, 422),
    dependencies=[MAY_READ],
    tags=["campaigns"],
    description="The score and segment that the last build stored for a row, by its key.",
)
async def customer(
    campaign: str, entity_id: str, request: Request, snapshot: CurrentSnapshot, _: Served
) -> Response:
    """Look up the stored score and segment of a row."""
    small_jobs: JobPool = request.app.state.small_jobs
    found = await small_jobs.run(request, lambda _: snapshot.customer(campaign, entity_id))
    if found is None:
        raise api_error("unknown_customer", f"campaign '{campaign}' has no row with that key", 404)
    if found["score"]:
        found["score"]["scored_at"] = found["score"]["scored_at"].isoformat()
    return json_response(found)


@router.get(
    "/v1/campaigns",
    response_model=CampaignsAnswer,
    responses=error_responses(*KEY_ERRORS),
    dependencies=[MAY_READ],
    tags=["campaigns"],
)
async def campaigns(snapshot: CurrentSnapshot) -> Response:
    """All campaigns, what each can answer, and the fields that a row has to name."""
    return json_response({"campaigns": [describe_campaign(each) for each in snapshot.campaigns.values()]})


@router.get(
    "/healthz",
    response_model=HealthAnswer,
    responses=error_responses(),
    tags=["service"],
    description="The process lives.",
)
async def healthz() -> Response:
    """Answer as long as the process lives."""
    return json_response({"status": "ok"})


@router.get("/readyz", response_model=ReadyAnswer, responses=error_responses(), tags=["service"])
async def readyz(request: Request) -> Response:
    """Champions are read; `trouble` says why a newer warehouse is not served."""
    store: SnapshotStore = request.app.state.store
    reason = store.load_error
    return json_response(
        {
            "status": "ready",
            "campaigns": len(store.current.campaigns),
            "trouble": f"the present models stay in service; a newer warehouse is not served: {reason}"
            if reason
            else None,
        }
    )


@router.get(
    "/metrics",
    responses=error_responses(*KEY_ERRORS)
    | {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    response_class=Response,
    dependencies=[MAY_READ],
    tags=["service"],
)
async def metrics(request: Request) -> Response:
    """Figures in Prometheus' text format."""
    return Response(request.app.state.telemetry.metrics_text(), media_type="text/plain; version=0.0.4")


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> HTMLResponse:
    return HTMLResponse(docs_page(request.app.openapi()))
