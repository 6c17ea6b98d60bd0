"""What the routes answer: scored rows, segments, campaigns, and the page about them all."""

import html
from typing import Any

import duckdb
import orjson
import pyarrow as pa

from python_models.delivery.service.rows import Read, read_rows
from python_models.delivery.service.snapshot import Champion, Grouping, Offer


def scored(
    champion: Champion, entity: str, rows: list[Any], explained: bool
) -> tuple[Read, list[dict[str, Any]]]:
    read = read_rows(rows, champion.fields, entity)
    if not read.places:
        return read, []
    matrix = champion.matrix(read)
    probability = champion.score(matrix)
    deciles = champion.decile(probability)
    reasons = champion.reasons(read, matrix) if explained else None
    answers = []
    for at, place in enumerate(read.places):
        chance = float(probability[at])
        answer: dict[str, Any] = {
            "row": place,
            "entity_id": read.keys[at],
            "probability": chance,
            "result": None if champion.threshold is None else chance >= champion.threshold,
            "decile": deciles[at],
        }
        if reasons:
            answer["reasons"] = reasons[at]
        answers.append(answer)
    return read, answers


def segmented(grouping: Grouping, rows: list[Any]) -> tuple[Read, list[dict[str, Any]]]:
    read = read_rows(rows, grouping.fields, grouping.entity)
    if not read.places:
        return read, []
    kinds = {"text": pa.string(), "boolean": pa.bool_()}
    columns = {
        field.name: pa.array(values, kinds.get(field.kind, pa.float64()))
        for field, values in zip(grouping.fields, read.columns, strict=True)
    }
    table = pa.table({"place of the row": pa.array(map(str, read.places), pa.string()), **columns})
    with duckdb.connect(config={"threads": 1}) as connection:
        keys = '"place of the row" as entity_id, cast(null as boolean) as is_customer'
        found = grouping.segmenter.assign(connection.from_arrow(table), keys).project(
            "entity_id, segment_id, segment_distance, segment_confidence"
        )
        assigned = {int(place): values for place, *values in found.fetchall()}
    answers = []
    for place, key in zip(read.places, read.keys, strict=True):
        segment_id, distance, confidence = assigned[place]
        answers.append(
            {
                "row": place,
                "entity_id": key,
                "segment_id": segment_id,
                "segment_name": grouping.segmenter.names.get(segment_id),
                "segment_distance": distance,
                "segment_confidence": confidence,
            }
        )
    return read, answers


def listed(offer: Offer) -> dict[str, Any]:
    champion, grouping = offer.champion, offer.grouping
    return {
        "campaign": offer.campaign,
        "title": offer.title,
        "question": offer.question,
        "entity": offer.entity,
        "can_score": champion is not None,
        "why_not": None if champion else offer.refused_reason or "The campaign has segments only.",
        "model_version": champion.version if champion else None,
        "threshold": champion.threshold if champion else None,
        "fields": [{"name": field.name, "type": field.kind} for field in champion.fields] if champion else [],
        "segmenter_version": grouping.version if grouping else None,
        "segment_fields": (
            [{"name": field.name, "type": field.kind} for field in grouping.fields] if grouping else []
        ),
    }


def _indented(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def page(document: dict[str, Any]) -> str:
    """The OpenAPI document as a page that asks no other host."""
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
