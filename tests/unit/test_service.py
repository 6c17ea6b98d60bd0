"""The scoring service answers as the batch does, refuses in sentences, changes models without a failure."""

import asyncio
import json
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import httpx
import numpy as np
import pandas as pd
import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import sampled_from
from schemathesis import GenerationMode
from schemathesis.checks import positive_data_acceptance

from python_models.common.errors import UserError
from python_models.common.frames import Design, matrix_of
from python_models.conversion.explaining import explain
from python_models.conversion.scoring import score
from python_models.conversion.training import train
from python_models.delivery.service.app import create_app
from python_models.delivery.service.auth import RateLimiter, authenticate, read_keys
from python_models.delivery.service.openapi import EXPLAINED_ROWS
from python_models.delivery.service.rows import MAX_ROWS, Field, parse_rows, typed_columns
from python_models.delivery.service.snapshot import load
from python_models.segments.assigning import segment
from python_models.segments.fitting import fit_segments
from tests.unit.test_training import DECLARED_SMALL, clients

SECRET, READER = "a-secret-of-twenty-", "another-secret-of-ours"
KEYS = {"LEADLIGHT_API_KEYS": f"crm:read+score:{SECRET}, bi:read:{READER}"}
SCORER = {"Authorization": f"Bearer {SECRET}"}
DECLARED = DECLARED_SMALL | {
    "segments": {"entity": "client_id", "columns": {"spend": ["small", "big"], "job": []}, "max": 4}
}


def publish(
    path: Path,
    seed: int = 1,
    name: str = "clients",
    frame: pd.DataFrame | None = None,
    declared: dict[str, Any] = DECLARED,
) -> None:
    """A small warehouse with one campaign that has a model and segments, put in place by one rename."""
    unfinished = path.with_name("unfinished.duckdb")
    unfinished.unlink(missing_ok=True)
    with duckdb.connect(str(unfinished)) as connection:
        if frame is None:
            frame = clients(seed=seed)
            frame["job"] = frame["job"].astype("object")
        connection.register("frame", frame)
        connection.execute("create schema campaigns; create schema results")
        mart = f"{name}_features"
        connection.execute(f"create table campaigns.{mart} as select * from frame")
        features = connection.table(f"campaigns.{mart}")
        declared = declared | {"campaign": name}
        models = train(features, declared)
        connection.register("models", models)
        scores = score(features, connection.table("models"), declared).read_all()
        connection.register("scores", scores)
        reasons = explain(
            features, connection.table("scores"), connection.table("models"), declared
        ).read_all()
        segmenters = fit_segments(features, declared)
        connection.register("segmenters", segmenters)
        members = segment(features, connection.table("segmenters"), declared).to_arrow_table()
        for table, rows in {"reasons": reasons, "members": members}.items():
            connection.register(table, rows)
        connection.execute("""
            create table results.conversion_models as
            select *, true as is_champion, true as is_newest from models;
            insert into results.conversion_models by name
            select 'refused' as campaign, 'none' as model_version, false as is_champion, true as is_newest,
                'Only 3 of 9 training rows converted.' as refused_reason,
                replace(declaration, '"campaign": "clients"', '"campaign": "refused"') as declaration
            from models;
            create table results.conversion_policies as
            select campaign, 0.4e0 as threshold, 'fixed' as threshold_policy from models;
            create table results.conversion_scores as
            select *, predicted_probability >= 0.4 as predicted_conversion, 0.4e0 as threshold,
                ntile(10) over (partition by split order by predicted_probability desc) as decile,
                50 as percentile, 'medium' as propensity_band
            from scores;
            create table results.conversion_reasons as from reasons;
            create table results.segmenters as
            select campaign, 'Clients' as title, 'Who?' as question, segmenter_version, model_body
            from segmenters;
            create table results.segment_members as from members;
            create table results.segments as
            select distinct campaign, segment_id, 'a name' as segment_name from members;
            create table results.feature_summaries as
            select 'clients' as campaign, 'spend' as feature, 12.5e0 as median;
        """)
    os.replace(unfinished, path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two published warehouses with different models."""
    folder = tmp_path_factory.mktemp("published")
    publish(folder / "first.duckdb", 1)
    publish(folder / "second.duckdb", 2)
    return folder


@pytest.fixture
def warehouse(made: Path, tmp_path: Path) -> Path:
    """A copy of the first one, of the test's own."""
    shutil.copy(made / "first.duckdb", tmp_path / "warehouse.duckdb")
    return tmp_path / "warehouse.duckdb"


@pytest.fixture
def app(warehouse: Path, tmp_path: Path) -> FastAPI:
    log = {"LEADLIGHT_API_LOG": str(tmp_path / "log")}
    return create_app(warehouse, KEYS | log, look_seconds=0.02, check=lambda _: None)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, headers=SCORER, raise_server_exceptions=False) as opened:
        yield opened


def rows_of(warehouse: Path, count: int = 50) -> list[dict[str, Any]]:
    """Rows of the mart as a client would send them."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return (
            connection.table("campaigns.clients_features")
            .order("client_id")
            .limit(count)
            .project("client_id, nullif(spend, 'nan') as spend, nullif(noise, 'nan') as noise, job")
            .to_arrow_table()
            .to_pylist()
        )


def ask(client: TestClient, rows: list[Any], campaign: str = "clients", **more: Any) -> httpx.Response:
    return client.post(f"/v1/campaigns/{campaign}/score", json={"rows": rows} | more)


def test_scores_and_reasons_are_the_batch_s(client: TestClient, warehouse: Path) -> None:
    rows = rows_of(warehouse, 1_000)
    rows[3] |= {"job": "never seen", "spend": None}
    rows[4] |= {"job": None, "noise": None}
    answer = ask(client, rows, reasons=True).json()
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        frame = pd.DataFrame(rows).assign(has_bought=None, split="score")
        frame = frame.astype({"has_bought": "boolean", "job": "object"})
        connection.register("asked", frame)
        models = connection.sql("select * from results.conversion_models where is_champion")
        asked = connection.sql(
            "select client_id, spend, noise, cast(job as varchar) as job, "
            "cast(has_bought as boolean) as has_bought, split from asked"
        )
        scored = score(asked, models, DECLARED).read_pandas().set_index("entity_id")
        connection.register("scored", scored.reset_index())
        explained = explain(asked, connection.table("scored"), models, DECLARED).read_pandas()
    assert len(answer["results"]) == len(rows) == len(scored)
    reasons = {key: group.sort_values("reason_rank") for key, group in explained.groupby("entity_id")}
    for row in answer["results"]:
        assert row["probability"] == scored.loc[row["entity_id"], "predicted_probability"]
        assert row["result"] == (row["probability"] >= 0.4)
        told = reasons[row["entity_id"]]
        assert [reason["feature"] for reason in row["reasons"]] == told["feature"].tolist()
        np.testing.assert_array_equal(
            [reason["contribution"] for reason in row["reasons"]], told["contribution"]
        )
    assert {row["result"] for row in answer["results"]} == {True, False}


def test_a_row_alone_is_scored_as_among_others(client: TestClient, warehouse: Path) -> None:
    rows = rows_of(warehouse, 40)
    together = ask(client, rows).json()["results"]
    assert [ask(client, [row]).json()["results"][0]["probability"] for row in rows] == [
        row["probability"] for row in together
    ]
    assert "reasons" in ask(client, rows[:EXPLAINED_ROWS]).json()["results"][0]
    assert "reasons" not in together[0]


def test_a_decile_is_that_of_the_stored_scores(client: TestClient, warehouse: Path) -> None:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        stored = dict(
            connection.sql(
                "select decile, min(predicted_probability) from results.conversion_scores "
                "where split = 'test' group by decile"
            ).fetchall()
        )
    for row in ask(client, rows_of(warehouse, 200)).json()["results"]:
        reached = [decile for decile in stored if row["probability"] >= stored[decile]]
        assert row["decile"] == min(reached, default=10)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"salary": 1}, "field 'salary' is unknown; the fields are job, noise, spend"),
        ({"job": 3}, "field 'job' is a number, not text or null"),
        ({"spend": "12"}, "field 'spend' is text, not a number or null"),
        ({"spend": True}, "field 'spend' is true or false, not a number or null"),
        ({"spend": [1]}, "field 'spend' is a list, not a number or null"),
        ({"job": "x" * 1001}, "field 'job' has 1,001 letters; at most 1,000 are allowed"),
        ({"spend": 1e39}, "field 'spend' is 1e+39; at most 3.4e+38 either way"),
        ({"spend": -1e300}, "field 'spend' is -1e+300; at most 3.4e+38 either way"),
        ({"client_id": 1.5}, "field 'client_id' is the row's key"),
    ],
)
def test_a_bad_row_is_refused_by_name_and_the_others_are_scored(
    client: TestClient, warehouse: Path, change: dict[str, Any], sentence: str
) -> None:
    rows = rows_of(warehouse, 3)
    alone = ask(client, [rows[1] | change])
    assert alone.status_code == 422
    assert f"row 0: {sentence}" in alone.json()["error"]["message"]
    answer = ask(client, [rows[0], rows[1] | change, rows[2]])
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [row["row"] for row in results] == [0, 1, 2]
    assert results[1].keys() == {"row", "error"}
    assert sentence in results[1]["error"]
    assert results[0] == ask(client, [rows[0], rows[2]]).json()["results"][0]


def test_a_missing_field_a_row_that_is_none_and_too_many_rows(client: TestClient, warehouse: Path) -> None:
    [row] = rows_of(warehouse, 1)
    lacking = {name: value for name, value in row.items() if name != "spend"}
    results = ask(client, [row, lacking, None, 7]).json()["results"]
    assert results[1]["error"] == "field 'spend' is missing; give null where it is not known"
    assert results[2]["error"] == "a row is an object of fields and values, not null"
    assert results[3]["error"] == "a row is an object of fields and values, not a number"
    for rows in ([], [row] * (MAX_ROWS + 1)):
        refused = ask(client, rows)
        assert refused.status_code == 422
        assert f"{len(rows):,} rows; allowed are 1 to 10,000" in refused.json()["error"]["message"]


@pytest.mark.parametrize(
    ("content", "kind", "status", "sentence"),
    [
        ("{", "application/json", 400, "the body is no JSON"),
        ('{"rows": [{"spend": NaN}]}', "application/json", 400, "the body is no JSON"),
        (
            '{"rows": [{}, {"spend": 1e400}]}',
            "application/json",
            400,
            "row 1 is no JSON: Number",
        ),
        (b'{"rows": [{"job": "\xff"}]}', "application/json", 400, "row 0 is no JSON: Invalid UTF-8"),
        ('{"rows": [' + "[" * 200_000, "application/json", 400, "the body is no JSON: maximum recursion"),
        ('{"rows": {}}', "application/json", 422, "the body must be an object with a list of rows"),
        ("[]", "application/json", 422, "the body must be an object with a list of rows"),
        ('{"rows": [{}], "more": 1}', "application/json", 422, "contains unknown field `more`"),
        (
            '{"rows": [{}], "reasons": 1}',
            "application/json",
            422,
            "got `int` - at `$.reasons`",
        ),
        ('{"rows": [{}]}', "text/plain", 415, "the body must be JSON"),
    ],
)
def test_a_body_that_is_not_understood(
    client: TestClient, content: str | bytes, kind: str, status: int, sentence: str
) -> None:
    answer = client.post("/v1/campaigns/clients/score", content=content, headers={"Content-Type": kind})
    assert answer.status_code == status
    assert sentence in answer.json()["error"]["message"]


def test_stored_scores_and_segments(client: TestClient, warehouse: Path) -> None:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        key, probability, split = connection.sql(
            "select entity_id, predicted_probability, split from results.conversion_scores limit 1"
        ).fetchone() or ("", 0, "")
        segments = connection.sql(
            "select segment_id from results.segment_members where entity_id = ?", params=[key]
        )
        [segment_id] = segments.fetchone() or [0]
    answer = client.get(f"/v1/campaigns/clients/customers/{key}").json()
    assert answer["score"]["probability"] == probability
    assert answer["score"]["split"] == split
    assert len(answer["score"]["reasons"]) == 3
    assert answer["segment"]["segment_id"] == segment_id
    missing = client.get("/v1/campaigns/clients/customers/nobody")
    assert missing.status_code == 404
    assert "nobody" not in missing.text


def test_rows_are_put_into_the_segment_that_the_batch_gives(client: TestClient, warehouse: Path) -> None:
    rows = [{name: row[name] for name in ("client_id", "spend", "job")} for row in rows_of(warehouse, 300)]
    answer = client.post("/v1/campaigns/clients/segment", json={"rows": [*rows, {"spend": 1}]}).json()
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        stored = dict(connection.sql("select entity_id, segment_id from results.segment_members").fetchall())
    assert [row["segment_id"] for row in answer["results"][:-1]] == [stored[row["client_id"]] for row in rows]
    assert answer["results"][-1]["error"] == "field 'job' is missing; give null where it is not known"


def test_campaigns_without_a_model_say_why(client: TestClient) -> None:
    listed = {offer["campaign"]: offer for offer in client.get("/v1/campaigns").json()["campaigns"]}
    assert listed["clients"]["can_score"]
    assert not listed["refused"]["can_score"]
    assert listed["clients"]["fields"] == [
        {"name": "spend", "type": "number"},
        {"name": "noise", "type": "number"},
        {"name": "job", "type": "text"},
    ]
    refused = ask(client, [{}], "refused")
    assert refused.status_code == 409
    assert "Only 3 of 9 training rows converted" in refused.json()["error"]["message"]
    assert ask(client, [{}], "unknown").status_code == 404
    assert client.post("/v1/campaigns/refused/segment", json={"rows": [{}]}).status_code == 409


def test_keys_scopes_and_rotation(client: TestClient) -> None:
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"X-API-Key": "wrong"},
        {"Authorization": "Basic x"},
    ):
        with TestClient(client.app) as stranger:
            answer = stranger.get("/v1/campaigns", headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert stranger.get("/metrics", headers=headers).status_code == 401
            assert stranger.get("/healthz").status_code == stranger.get("/readyz").status_code == 200
    with TestClient(client.app, headers={"X-API-Key": READER}) as reader:
        assert reader.get("/v1/campaigns").status_code == 200
        refused = ask(reader, [{}])
        assert refused.status_code == 403
        assert "the key 'bi' may not score; its scopes are read" in refused.json()["error"]["message"]
    keys = read_keys({"LEADLIGHT_API_KEYS": "old:score:0123456789abcdef new:score:fedcba9876543210"})
    assert [authenticate(keys, secret) for secret in ("0123456789abcdef", "fedcba9876543210", "")] == [
        *keys,
        None,
    ]
    assert not any("0123456789abcdef" in repr(key) for key in keys)


@pytest.mark.parametrize(
    ("variable", "sentence"),
    [
        ("", "LEADLIGHT_API_KEYS is empty: without a key the service does not start"),
        ("0123456789abcdef", "entry 1: it must be name:scopes:secret"),
        ("a:read:0123456789abcdef b:write:0123456789abcdee", "entry 2 (b): scope 'write' is unknown"),
        ("a:read:0123456789", "entry 1 (a): the secret has fewer than 16 characters"),
        ("a:read:0123456789abcdef a:read:0123456789abcdee", "entry 2 (a): name or secret is there twice"),
    ],
)
def test_no_start_without_good_keys(warehouse: Path, variable: str, sentence: str) -> None:
    with pytest.raises(UserError, match=re.escape(sentence)) as refused:
        create_app(warehouse, {"LEADLIGHT_API_KEYS": variable})
    assert "0123456789" not in str(refused.value)


def test_no_start_without_a_warehouse_or_with_odd_limits(tmp_path: Path, warehouse: Path) -> None:
    with pytest.raises(UserError, match="does not exist: run `make build` first"):
        create_app(tmp_path / "none.duckdb", KEYS)
    (tmp_path / "none.duckdb").write_text("no database")
    with pytest.raises(UserError, match="is no whole database"):
        create_app(tmp_path / "none.duckdb", KEYS)
    with pytest.raises(
        UserError, match="LEADLIGHT_API_TIMEOUT_SECONDS is 'soon'; allowed is a number above 0"
    ):
        create_app(warehouse, KEYS | {"LEADLIGHT_API_TIMEOUT_SECONDS": "soon"})


def test_limits_of_body_and_rate(warehouse: Path, tmp_path: Path) -> None:
    limits = {"LEADLIGHT_API_BODY_BYTES": "2000", "LEADLIGHT_API_REQUESTS_PER_SECOND": "3"}
    app = create_app(warehouse, KEYS | limits | {"LEADLIGHT_API_LOG": str(tmp_path / "log")})
    with TestClient(app, headers=SCORER) as client:
        body = json.dumps({"rows": [{"job": "x" * 3000}]})
        said = client.post(
            "/v1/campaigns/clients/score", content=body, headers={"Content-Type": "application/json"}
        )
        chunks = (body[at : at + 500].encode() for at in range(0, len(body), 500))
        unsaid = client.post(
            "/v1/campaigns/clients/score", content=chunks, headers={"Content-Type": "application/json"}
        )
        for answer in (said, unsaid):
            assert answer.status_code == 413
            assert "more than 2,000 bytes" in answer.json()["error"]["message"]
        answers = [client.get("/v1/campaigns") for _ in range(5)]
    assert {answer.status_code for answer in answers} == {200, 429}
    assert answers[-1].headers["retry-after"] == "1"
    limiter = RateLimiter(per_second=10, burst=1)
    assert limiter.acquire("a") == 0
    assert 0 < limiter.acquire("a") <= 0.1
    assert limiter.acquire("b") == 0


def test_what_takes_too_long_and_what_goes_wrong_shows_no_trace(
    warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {"LEADLIGHT_API_TIMEOUT_SECONDS": "0.2", "LEADLIGHT_API_LOG": str(tmp_path / "log")}
    app = create_app(warehouse, KEYS | environment)
    rows = rows_of(warehouse, 50)

    def wait(*_: Any) -> None:
        time.sleep(1)

    def fail(*_: Any) -> None:
        raise RuntimeError("the secret of C17")

    with TestClient(app, headers=SCORER, raise_server_exceptions=False) as client:
        monkeypatch.setattr("python_models.delivery.service.routes.score_rows", wait)
        slow = ask(client, rows)
        monkeypatch.setattr("python_models.delivery.service.routes.score_rows", fail)
        broken = ask(client, rows)
    assert (slow.status_code, slow.json()["error"]["code"]) == (503, "timeout")
    assert (broken.status_code, broken.json()["error"]["code"]) == (500, "internal")
    assert "secret" not in broken.text + (tmp_path / "log").read_text()
    assert "Traceback" not in broken.text
    assert broken.json()["error"]["request_id"] == broken.headers["x-request-id"]


def test_what_nobody_waits_for_any_more_still_counts_as_a_job(
    warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = {"LEADLIGHT_API_TIMEOUT_SECONDS": "0.05", "LEADLIGHT_API_JOBS": "1"}
    app = create_app(warehouse, KEYS | limits | {"LEADLIGHT_API_LOG": str(tmp_path / "log")})
    rows = rows_of(warehouse, 50)
    done = threading.Event()
    begun: list[int] = []

    def wait(*given: Any) -> None:
        begun.append(len(given))
        assert done.wait(10)
        raise RuntimeError("of nobody's interest")

    monkeypatch.setattr("python_models.delivery.service.routes.score_rows", wait)
    with TestClient(app, headers=SCORER, raise_server_exceptions=False) as client:
        assert [ask(client, rows).status_code for _ in range(4)] == [503] * 4
        assert len(begun) == 1
        done.set()
        wait_for(lambda: ask(client, rows).status_code == 500)


def test_the_log_has_a_line_per_request_and_no_identifier(
    client: TestClient, warehouse: Path, tmp_path: Path
) -> None:
    rows = rows_of(warehouse, 2)
    ask(client, [*rows, {"client_id": "C-secret"}])
    client.get(f"/v1/campaigns/clients/customers/{rows[0]['client_id']}?name=somebody")
    client.get("/v1/campaigns/nobody-s/customers/x")
    client.get("/nothing")
    text = (tmp_path / "log").read_text()
    lines = [line for line in map(json.loads, text.splitlines()) if line["event"] == "request"]
    assert [(line["route"], line["status"]) for line in lines] == [
        ("/v1/campaigns/{campaign}/score", 200),
        ("/v1/campaigns/{campaign}/customers/{entity_id}", 200),
        ("/v1/campaigns/{campaign}/customers/{entity_id}", 404),
        ("unknown", 404),
    ]
    assert (lines[0]["key"], lines[0]["campaign"], lines[0]["rows"], lines[0]["refused_rows"]) == (
        "crm",
        "clients",
        2,
        1,
    )
    for unsaid in (rows[0]["client_id"], "C-secret", "somebody", "nobody-s", SECRET, "/nothing"):
        assert unsaid not in text


def test_figures_for_prometheus(client: TestClient, warehouse: Path) -> None:
    ask(client, rows_of(warehouse, 7))
    figures = client.get("/metrics").text
    assert 'leadlight_rows_total{campaign="clients",outcome="rows"} 7.0' in figures
    assert 'leadlight_requests_total{route="/v1/campaigns/{campaign}/score",status="200"} 1.0' in figures


def versions(warehouse: Path) -> str:
    campaigns = load(warehouse).campaigns.values()
    return next(served.champion.version for served in campaigns if served.champion)


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_models_are_exchanged_under_load_without_a_failed_request(
    app: FastAPI, made: Path, warehouse: Path
) -> None:
    [row] = rows_of(warehouse, 1)
    before, after = versions(made / "first.duckdb"), versions(made / "second.duckdb")
    assert before != after

    async def load_it() -> list[tuple[int, str, float]]:
        transport = httpx.ASGITransport(app=app)
        answers: list[tuple[int, str, float]] = []
        async with httpx.AsyncClient(transport=transport, base_url="http://here", headers=SCORER) as client:

            async def keep_asking() -> None:
                while len({version for _, version, _ in answers}) < 2 and len(answers) < 20_000:
                    answer = await client.post("/v1/campaigns/clients/score", json={"rows": [row]})
                    body = answer.json()
                    answers.append(
                        (answer.status_code, body["model_version"], body["results"][0]["probability"])
                    )
                    if len(answers) == 100:
                        shutil.copy(made / "second.duckdb", warehouse.with_name("next"))
                        os.replace(warehouse.with_name("next"), warehouse)

            async with app.router.lifespan_context(app):
                await asyncio.gather(*(keep_asking() for _ in range(8)))
        return answers

    answers = asyncio.run(load_it())
    assert {status for status, _, _ in answers} == {200}
    assert {version for _, version, _ in answers} == {before, after}
    # each version has one probability for the row: none answered with half of each
    assert len({(version, probability) for _, version, probability in answers}) == 2
    assert not list(warehouse.parent.glob(".serving-*"))


def test_a_broken_warehouse_leaves_the_present_one_in_service(
    client: TestClient, made: Path, warehouse: Path
) -> None:
    version = client.get("/v1/campaigns").json()["campaigns"][0]["model_version"]
    broken = warehouse.with_name("next")
    broken.write_bytes((made / "second.duckdb").read_bytes()[:5000])
    os.replace(broken, warehouse)
    wait_for(lambda: client.get("/readyz").json()["trouble"] is not None)
    # without a key nobody learns where the warehouse lies
    assert str(warehouse.parent) not in client.get("/readyz").text
    assert client.get("/v1/campaigns").json()["campaigns"][0]["model_version"] == version
    assert "warehouse.duckdb is no whole database" in client.get("/readyz").json()["trouble"]
    assert "leadlight_warehouse_refused 1.0" in client.get("/metrics").text
    shutil.copy(made / "second.duckdb", broken)
    os.replace(broken, warehouse)
    wait_for(lambda: client.get("/readyz").json()["trouble"] is None)
    assert client.get("/v1/campaigns").json()["campaigns"][0]["model_version"] != version


def test_the_page_of_the_service_asks_no_other_host(client: TestClient) -> None:
    page = client.get("/docs").text
    assert "POST /v1/campaigns/{campaign}/score" in page
    assert "http://" not in page
    assert "https://" not in page
    document = client.get("/openapi.json").json()
    content = document["paths"]["/v1/campaigns/{campaign}/score"]["post"]["requestBody"]["content"]
    example = content["application/json"]["examples"]["clients"]["value"]
    assert ask(client, example["rows"]).status_code == 200


def test_rows_become_the_matrix_that_training_reads(warehouse: Path) -> None:
    fields = [Field("a", "integer"), Field("b", "number"), Field("c", "boolean"), Field("d", "text")]
    rows = [{"a": 1, "b": 2.5, "c": True, "d": "x"}, {"a": None, "b": None, "c": None, "d": None}]
    rows.append({"a": 3.0, "b": -1, "c": False, "d": "unseen"})
    parsed = parse_rows(rows, fields, "id")
    assert parsed.errors == {}
    design = Design(["a", "b", "c", "d"], {"d": ["w", "x"]})
    matrix = matrix_of(design, typed_columns(parsed, fields), len(rows))
    np.testing.assert_array_equal(matrix, [[1, 2.5, 1, 1], [np.nan] * 4, [3, -1, 0, np.nan]])


def test_a_category_may_be_spelt_as_in_a_raw_file() -> None:
    fields = [Field("job", "text")]
    categories = {"job": ["admin", "Cook", "cook"]}
    texts = ["admin", "ADMIN", "\u00a0admin\t", "\u200bAdmin", "cook", "Cook", "unseen", None]
    parsed = parse_rows([{"job": text} for text in texts], fields, "id")
    spelt = typed_columns(parsed, fields, categories)
    assert spelt["job"] == [*["admin"] * 4, "cook", "Cook", "unseen", None]
    codes = matrix_of(Design(["job"], categories), spelt, len(texts))[:, 0]
    np.testing.assert_array_equal(codes, [0, 0, 0, 0, 2, 1, np.nan, np.nan])


def operations(made: Path, log: Path) -> Iterator[Any]:
    app = create_app(made / "first.duckdb", KEYS | {"LEADLIGHT_API_LOG": str(log)})
    # it sends more wrong keys than are answered
    app.state.wrong_keys = RateLimiter(per_second=1_000_000, burst=1_000_000)
    for found in schemathesis.openapi.from_asgi("/openapi.json", app).get_all_operations():
        yield found.ok()


def check_operations(made: Path, log: Path, mode: GenerationMode, examples: int) -> None:
    """Try made-up requests on every operation of the service's own OpenAPI document."""
    tried = set()
    for operation in operations(made, log):
        # nothing wrong can be sent where nothing is asked
        if mode is GenerationMode.NEGATIVE and "{" not in operation.path:
            continue

        @settings(
            max_examples=examples, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
        )
        @given(
            case=operation.as_strategy(generation_mode=mode),
            campaign=sampled_from(("clients", "refused", None)),
        )
        def ask_it(case: Any, campaign: str | None) -> None:
            # what it makes up is never a campaign: most requests are about those that are there
            if campaign and "campaign" in (case.path_parameters or {}):
                case.path_parameters["campaign"] = campaign
            # it cannot know what fields a row of this campaign has, so it may be refused as 422
            case.call_and_validate(headers=SCORER, excluded_checks=[positive_data_acceptance])

        ask_it()
        tried.add(f"{operation.method} {operation.path}".upper())
    assert len(tried) == (7 if mode is GenerationMode.POSITIVE else 3)


@pytest.mark.long
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_a_few_requests_of_schemathesis_find_nothing(
    made: Path, tmp_path: Path, mode: GenerationMode
) -> None:
    check_operations(made, tmp_path / "log", mode, examples=5)
