"""The parts of the OpenAPI document that FastAPI cannot derive: errors, request bodies, examples."""

from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI

from python_models.delivery.service.rows import MAX_ROWS
from python_models.delivery.service.schemas import FaultAnswer
from python_models.delivery.service.snapshot import ServedCampaign

# Requests of at most this many rows get reasons unless they say otherwise.
EXPLAINED_ROWS = 10
SCORE_PATH = "/v1/campaigns/{campaign}/score"

KEY_ERRORS, BODY_ERRORS = (401, 403, 429), (400, 413, 415, 422)
_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": FaultAnswer, "description": description}
    for status, description in {
        400: "The body is no JSON.",
        401: "No key, or an unknown one.",
        403: "The key's scopes do not allow it.",
        404: "No such campaign, or no such customer.",
        409: "The campaign has no model, or no segments, to answer with.",
        413: "The body is too large, or has more rows with reasons than are allowed.",
        415: "The body is not said to be JSON.",
        422: "Not understood: the message says which row and field.",
        429: "Too many requests; Retry-After says when.",
        500: "Something is wrong with the service.",
        503: "It took too long.",
    }.items()
}


def error_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of these errors, and of those that every route may give."""
    return {status: _ERRORS[status] for status in (*statuses, 500, 503)}


def body_schema(fields: str, with_reasons: bool) -> dict[str, Any]:
    """Return the documentation of a body of rows; `fields` says where their fields are listed."""
    properties: dict[str, Any] = {
        "rows": {
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_ROWS,
            "items": {"type": "object"},
            "description": f"A value or null for each field ({fields}), and the key if you like.",
        }
    }
    if with_reasons:
        properties["reasons"] = {
            "type": ["boolean", "null"],
            "description": f"Whether to explain; by default requests of up to {EXPLAINED_ROWS} rows are.",
        }
    schema = {
        "type": "object",
        "required": ["rows"],
        "properties": properties,
        "additionalProperties": False,
    }
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def request_examples(campaigns: Iterable[ServedCampaign]) -> dict[str, Any]:
    """Return an example of a request for each campaign that has a model."""
    return {
        served.campaign: {
            "summary": f"{served.title}: typical values",
            "value": {"rows": [served.example]},
        }
        for served in campaigns
        if served.champion
    }


def openapi_document(app: FastAPI, examples: dict[str, Any]) -> dict[str, Any]:
    """Return FastAPI's document with examples of rows to score."""
    if app.openapi_schema is None and (document := FastAPI.openapi(app)) and examples:
        operation = document["paths"][SCORE_PATH]["post"]
        operation["requestBody"]["content"]["application/json"]["examples"] = examples
    return FastAPI.openapi(app)
