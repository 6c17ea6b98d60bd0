"""What the routes answer: scored rows, segments, campaigns, and the documentation page."""

import html
from typing import Any

import duckdb
import msgspec
import pyarrow as pa

from python_models.delivery.service.errors import api_error
from python_models.delivery.service.jobs import Job
from python_models.delivery.service.rows import Field, ParsedRows, decode_rows, parse_rows
from python_models.delivery.service.snapshot import LoadedChampion, LoadedSegmenter, ServedCampaign

# Rows that are read and computed between two looks whether anybody still waits: with reasons, and without.
EXPLAINED_CHUNK, CHUNK = 100, 1_000
# No field of a campaign is called so.
_INDEX = "index of the row"


def score_rows(
    job: Job, champion: LoadedChampion, entity: str, rows: list[msgspec.Raw], is_explained: bool
) -> tuple[dict[int, str], list[dict[str, Any]]]:
    """Return why some rows cannot be read, by their index, and the scores of the others.

    Rows are decoded, scored and freed in chunks: all of them at once would stall other requests.
    """
    errors: dict[int, str] = {}
    results: list[dict[str, Any]] = []
    size = EXPLAINED_CHUNK if is_explained else CHUNK
    for start in range(0, len(rows), size):
        job.check()
        decoded = decode_rows(rows[start : start + size], start)
        parsed = parse_rows(decoded, champion.fields, entity, start)
        errors |= parsed.errors
        results += _score_chunk(champion, parsed, is_explained)
    return errors, results


def _score_chunk(champion: LoadedChampion, parsed: ParsedRows, is_explained: bool) -> list[dict[str, Any]]:
    if not parsed.indices:
        return []
    matrix = champion.matrix(parsed)
    mean = champion.model.mean_log_odds(matrix)
    probabilities = champion.model.score_new(matrix, mean)
    deciles = champion.decile(probabilities)
    reasons = champion.reasons(parsed, matrix, mean) if is_explained else None
    results = []
    for position, index in enumerate(parsed.indices):
        probability = float(probabilities[position])
        result: dict[str, Any] = {
            "row": index,
            "entity_id": parsed.keys[position],
            "probability": probability,
            "result": None if champion.threshold is None else probability >= champion.threshold,
            "decile": deciles[position],
        }
        if reasons:
            result["reasons"] = reasons[position]
        results.append(result)
    return results


def segment_rows(
    job: Job, segmenter: LoadedSegmenter, rows: list[msgspec.Raw]
) -> tuple[dict[int, str], list[dict[str, Any]]]:
    """Return why some rows cannot be read, by their index, and the segments of the others."""
    job.check()
    parsed = parse_rows(decode_rows(rows), segmenter.fields, segmenter.entity)
    if not parsed.indices:
        return parsed.errors, []
    types = {"text": pa.string(), "boolean": pa.bool_()}
    columns = {
        field.name: pa.array(values, types.get(field.kind, pa.float64()))
        for field, values in zip(segmenter.fields, parsed.columns, strict=True)
    }
    table = pa.table({_INDEX: pa.array(map(str, parsed.indices), pa.string()), **columns})
    with duckdb.connect(config={"threads": 1}) as connection:
        keys = f'"{_INDEX}" as entity_id, cast(null as boolean) as is_customer'
        found = segmenter.segmenter.assign(connection.from_arrow(table), keys).project(
            "entity_id, segment_id, segment_distance, segment_confidence"
        )
        assigned = {int(index): values for index, *values in found.fetchall()}
    results = []
    for index, key in zip(parsed.indices, parsed.keys, strict=True):
        segment_id, distance, confidence = assigned[index]
        results.append(
            {
                "row": index,
                "entity_id": key,
                "segment_id": segment_id,
                "segment_name": segmenter.segmenter.names.get(segment_id),
                "segment_distance": distance,
                "segment_confidence": confidence,
            }
        )
    return parsed.errors, results


def merge_results(errors: dict[int, str], results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return results and rejected rows in the order of the request; 422 if all were rejected."""
    if not results:
        index, message = next(iter(errors.items()))
        more = f"; and {len(errors) - 1:,} other rows" if len(errors) > 1 else ""
        raise api_error("rows_refused", f"row {index}: {message}{more}", 422)
    rejected = [{"row": index, "error": message} for index, message in errors.items()]
    return sorted([*results, *rejected], key=lambda row: row["row"])


def _describe_fields(fields: list[Field]) -> list[dict[str, str]]:
    return [{"name": field.name, "type": field.kind} for field in fields]


def describe_campaign(served: ServedCampaign) -> dict[str, Any]:
    """Return what a campaign can answer, and the fields that a row has to name."""
    champion, segmenter = served.champion, served.segmenter
    return {
        "campaign": served.campaign,
        "title": served.title,
        "question": served.question,
        "entity": served.entity,
        "can_score": champion is not None,
        "why_not": None if champion else served.refused_reason or "The campaign has segments only.",
        "model_version": champion.version if champion else None,
        "threshold": champion.threshold if champion else None,
        "fields": _describe_fields(champion.fields) if champion else [],
        "segmenter_version": segmenter.version if segmenter else None,
        "segment_fields": _describe_fields(segmenter.fields) if segmenter else [],
    }


def _indented(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value)).decode()


def docs_page(document: dict[str, Any]) -> str:
    """Return the OpenAPI document as a page that asks no other host."""
    parts = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            shown = "".join(
                f"<details><summary>{html.escape(example['summary'])}</summary>"
                f"<pre>{html.escape(_indented(example['value']))}</pre></details>"
                for example in content.get("examples", {}).values()
            )
            answers = "".join(
                f"<tr><td>{status}</td><td>{html.escape(answer['description'])}</td></tr>"
                for status, answer in operation["responses"].items()
            )
            text = html.escape(operation.get("description", ""))
            parts.append(
                f"<section><h2><code>{method.upper()} {html.escape(path)}</code></h2><p>{text}</p>{shown}"
                f"<table><thead><tr><th>Status</th><th>Meaning</th></tr></thead><tbody>{answers}</tbody></table></section>"
            )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Leadlight: scoring service</title>'
        "<style>body{font:16px/1.5 system-ui;max-width:50rem;margin:2rem auto;padding:0 1rem}"
        "td,th{text-align:left;padding:.1rem 1rem .1rem 0}"
        "pre{overflow:auto;background:#f3f3f3;padding:1rem}</style></head>"
        f"<body><h1>{html.escape(document['info']['title'])}</h1>"
        f"<p>{html.escape(document['info']['summary'])} "
        '<a href="/openapi.json">OpenAPI document</a></p>' + "".join(parts) + "</body></html>"
    )
