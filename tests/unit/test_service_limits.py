"""The scoring service stays in service: slow clients, damaged warehouses, long requests, a full log."""

import asyncio
import http.client
import json
import os
import resource
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.requests import ClientDisconnect

from python_models.common.errors import UserError
from python_models.delivery.service import snapshot
from python_models.delivery.service.app import create_app
from python_models.delivery.service.auth import WRONG_KEYS_AT_ONCE, RateLimiter
from python_models.delivery.service.jobs import AbandonedError, Job, JobPool
from python_models.delivery.service.responses import score_rows
from python_models.delivery.service.routes import require_explainable
from python_models.delivery.service.rows import encode_rows
from python_models.delivery.service.serving import OTHER_FILES, allow_open_files, uvicorn_settings
from python_models.delivery.service.snapshot import LoadedChampion, SnapshotStore, load
from python_models.delivery.service.telemetry import KEPT_LOGS
from python_models.delivery.service.trial import try_warehouse
from tests.damaged_models import damaged_bodies
from tests.unit.test_service import KEYS, SCORER, ask, publish, rows_of, wait_for


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("published") / "first.duckdb"
    publish(path)
    return path


@pytest.fixture
def warehouse(published: Path, tmp_path: Path) -> Path:
    shutil.copy(published, tmp_path / "warehouse.duckdb")
    return tmp_path / "warehouse.duckdb"


def make_app(warehouse: Path, **limits: object) -> FastAPI:
    given = {f"LEADLIGHT_API_{name.upper()}": str(value) for name, value in limits.items()}
    return create_app(warehouse, KEYS | {"LEADLIGHT_API_LOG": str(warehouse.parent / "log")} | given)


def champion_of(warehouse: Path) -> LoadedChampion:
    champion = load(warehouse).campaigns["clients"].champion
    assert champion
    return champion


# Connections.


@contextmanager
def served(app: FastAPI) -> Iterator[uvicorn.Server]:
    """Run the application under uvicorn as `serve` does."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, **uvicorn_settings(app.state.limits))
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_for(lambda: server.started)
        yield server
    finally:
        server.should_exit = True
        thread.join()


def address(server: uvicorn.Server) -> tuple[str, int]:
    host, port = server.servers[0].sockets[0].getsockname()
    return host, port


def connect(server: uvicorn.Server) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(*address(server), timeout=5)


def health(connection: http.client.HTTPConnection, headers: dict[str, str] | None = None) -> int:
    connection.request("GET", "/healthz", headers=headers or {})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def half_a_header(server: uvicorn.Server) -> socket.socket:
    connection = socket.create_connection(address(server), timeout=5)
    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: here\r\nX-Slow: ")
    return connection


def is_closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def test_half_headers_do_not_keep_others_out(warehouse: Path) -> None:
    with served(make_app(warehouse, connections=20, header_seconds=60)) as server:
        slow = [half_a_header(server) for _ in range(45)]
        for _ in range(5):
            assert health(connect(server)) == 200
        # the oldest had to go
        assert all(is_closed(connection) for connection in slow[:25])
        kept = connect(server)
        assert health(kept) == 200
        opened = kept.sock
        slow += [half_a_header(server) for _ in range(45)]
        # a connection that has had an answer goes last
        assert health(kept) == 200
        assert kept.sock is opened
        for connection in slow:
            connection.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /healthz HTT",
        b"GET /healthz HTTP/1.1\r\nHost: here\r\nX-Slow: ",
        # 401 comes at once; the rest of the body never does
        b"POST /v1/campaigns/clients/score HTTP/1.1\r\nHost: here\r\nContent-Length: 9999\r\n\r\n{",
        b"GET /openapi.json HTTP/1.1\r\nHost: here\r\n\r\n" * 400,
    ],
    ids=["nothing", "half a line", "half a header", "half a body", "answers that nobody reads"],
)
def test_no_connection_stays_without_a_request(warehouse: Path, sent: bytes) -> None:
    app = make_app(warehouse, header_seconds=0.3, timeout_seconds=0.3)
    with served(app) as server, socket.create_connection(address(server)) as connection:
        connection.sendall(sent)
        wait_for(lambda: len(server.server_state.connections) == 1)

        def is_dropped() -> bool:
            # it trickles on, so that a timeout of silence would not close it
            if sent and not sent.endswith(b"\n"):
                with suppress(ConnectionError):
                    connection.sendall(b"x")
            return not server.server_state.connections and not server.server_state.tasks

        wait_for(is_dropped)


def test_a_header_has_a_limit(warehouse: Path) -> None:
    with served(make_app(warehouse, header_bytes=10_000)) as server:
        connection = half_a_header(server)
        connection.sendall(b"x" * 9_000)
        wait_for(lambda: len(server.server_state.connections) == 1)
        connection.sendall(b"x" * 2_000)
        assert is_closed(connection)
        assert health(connect(server), {"X": "x" * 5_000}) == 200


def test_connections_never_use_up_the_open_files() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (300, before[1]))
        allow_open_files(512)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 512 + 512 + OTHER_FILES
        allow_open_files(2_048)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 2_048 + 1_024 + OTHER_FILES
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    hard = before[1]
    with pytest.raises(UserError, match=rf"is {hard}, which needs .* allows {hard:,} \(ulimit -Hn\)"):
        allow_open_files(hard)


def test_wrong_keys_are_limited_by_address_and_right_ones_are_not(warehouse: Path) -> None:
    app = make_app(warehouse)
    app.state.wrong_keys.per_second = 0.01
    client = TestClient(app)
    at_once = int(WRONG_KEYS_AT_ONCE)
    answers = [client.get("/v1/campaigns", headers={"X-API-Key": "wrong"}) for _ in range(at_once + 10)]
    statuses = [answer.status_code for answer in answers]
    assert statuses[:at_once] == [401] * at_once
    assert statuses[-1] == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert client.get("/v1/campaigns", headers=SCORER).status_code == 200
    other = TestClient(app, client=("10.0.0.7", 1234))
    assert other.get("/v1/campaigns").status_code == 401


def test_a_rate_limiter_remembers_a_limited_number_of_names() -> None:
    limiter = RateLimiter(per_second=0.001, burst=1, max_names=3)
    assert [limiter.acquire(name) for name in "abcd"] == [0] * 4
    assert list(limiter.levels) == ["b", "c", "d"]
    assert limiter.acquire("d") > 0


# Warehouses.


def publish_again(warehouse: Path, body: str | None = None) -> None:
    """Publish the same content as another file, or with another body of its model."""
    unfinished = warehouse.with_name("unfinished")
    shutil.copy(warehouse, unfinished)
    if body is not None:
        with duckdb.connect(str(unfinished)) as connection:
            connection.execute(
                "update results.conversion_models set model_body = ? where model_body is not null", [body]
            )
    os.replace(unfinished, warehouse)


def body_of(warehouse: Path) -> str:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found = connection.sql("select model_body from results.conversion_models where is_champion")
        [body] = found.fetchone() or [""]
    return body


def test_left_over_names_are_removed_unless_another_service_opens_them(warehouse: Path) -> None:
    folders = [warehouse.with_name(f".serving-{name}") for name in ("dead", "alive")]
    for folder in folders:
        folder.mkdir()
        os.link(warehouse, folder / "warehouse.duckdb")
    with snapshot._locked(folders[1]):
        load(warehouse)
        assert [folder.exists() for folder in folders] == [False, True]
    load(warehouse)
    assert not list(warehouse.parent.glob(".serving-*"))


def test_without_files_to_open_no_database_is_opened(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SnapshotStore(warehouse)
    publish_again(warehouse)
    monkeypatch.setattr(duckdb, "connect", lambda *_, **__: pytest.fail("DuckDB may end the process"))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/dev/fd")) + 8, hard))
    try:
        store.refresh()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert "fewer than 32 files can be opened: Too many open files" in (store.load_error or "")


def test_a_passing_failure_is_over_at_the_next_trial(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[str | None] = []
    failures = iter([True, True])

    def check(_: Path) -> None:
        if next(failures, False):
            raise UserError("no space left")

    store = SnapshotStore(warehouse, lambda _, error: reported.append(error), check)
    before = store.current
    publish_again(warehouse)
    monkeypatch.setattr(snapshot, "FIRST_PAUSE", 0.2)
    for _ in range(3):
        store.refresh()
    assert (reported, store.current) == (["no space left"], before)
    assert next(failures) is True, "the file was tried again before the pause was over"

    def is_served() -> bool:
        store.refresh()
        return store.load_error is None

    wait_for(is_served)
    assert store.current is not before
    assert reported == ["no space left", None]


def test_a_warehouse_that_is_away_for_a_moment_is_no_lasting_trouble(warehouse: Path) -> None:
    store = SnapshotStore(warehouse)
    before = store.current
    warehouse.rename(warehouse.with_name("away"))
    store.refresh()
    assert "No such file" in (store.load_error or "")
    warehouse.with_name("away").rename(warehouse)
    store.refresh()
    assert store.load_error is None
    assert store.current is before


def test_a_damaged_model_is_refused_and_the_present_one_stays(warehouse: Path) -> None:
    app = make_app(warehouse)
    store = app.state.store
    store._check = lambda _: None
    before = store.current
    publish_again(warehouse, next(body for _, body in damaged_bodies(body_of(warehouse))))
    store.refresh()
    assert store.current is before
    client = TestClient(app, headers=SCORER)
    trouble = client.get("/readyz").json()["trouble"]
    assert "the present models stay in service" in trouble
    assert "is damaged: its content does not match its SHA-256" in trouble
    assert ask(client, rows_of(warehouse, 1)).status_code == 200
    # at its start a service has no other model
    with pytest.raises(UserError, match="is damaged"):
        load(warehouse)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("drop table campaigns.clients_features", "(KeyError: 'spend')"),
        ("drop table results.segmenters", "Table with name segmenters does not exist!)"),
        ("update results.conversion_models set declaration = '{'", "(JSONDecodeError: Expecting property"),
    ],
)
def test_what_is_wrong_with_a_warehouse_is_said_in_one_line(
    warehouse: Path, change: str, reason: str
) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(change)
    with pytest.raises(UserError) as refused:
        load(warehouse)
    assert str(refused.value).startswith(f"{warehouse} cannot be read (")
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.long
def test_a_model_that_ends_its_process_ends_only_that_of_the_trial(warehouse: Path) -> None:
    store = SnapshotStore(warehouse, check=try_warehouse)
    before = store.current
    bodies = dict(damaged_bodies(body_of(warehouse), resealed=True))
    publish_again(warehouse, bodies["tree_sizes too large, fold 0"])
    store.refresh()
    assert "was ended at campaign 'clients' by SIGABRT" in (store.load_error or "")
    assert str(warehouse.parent) not in (store.load_error or "")
    assert store.current is before
    with pytest.raises(UserError, match=r"was not read within 0\.01 seconds"):
        try_warehouse(warehouse, timeout=0.01)
    assert not list(warehouse.parent.glob(".serving-*"))


# Long requests.


def test_rows_with_reasons_are_limited_by_the_trees_that_explain_them(warehouse: Path) -> None:
    assert champion_of(warehouse).model.tree_count == 500
    client = TestClient(make_app(warehouse, explained_trees=20 * 500), headers=SCORER)
    rows = rows_of(warehouse, 21)
    assert ask(client, rows[:20], reasons=True).status_code == 200
    refused = ask(client, rows, reasons=True)
    assert refused.status_code == 413
    assert "the model has 500 trees, so at most 20 are allowed" in refused.json()["error"]["message"]
    assert ask(client, rows, reasons=False).status_code == 200
    # what is explained by default is never too much, and what has no trees is explained at once
    require_explainable(trees=10_000_000, rows=10, limit=1_000_000)
    require_explainable(trees=0, rows=10_000, limit=1_000_000)


def test_one_row_does_not_wait_for_many(warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = rows_of(warehouse, 50)
    has_begun, may_end = threading.Event(), threading.Event()

    def hold(job: Job, champion: Any, entity: str, given: list[Any], is_explained: bool) -> Any:
        if len(given) == 50:
            has_begun.set()
            assert may_end.wait(10)
        return score_rows(job, champion, entity, given, is_explained)

    monkeypatch.setattr("python_models.delivery.service.routes.score_rows", hold)
    with (
        TestClient(make_app(warehouse, jobs=1), headers=SCORER) as client,
        ThreadPoolExecutor(1) as other,
    ):
        many = other.submit(ask, client, rows)
        assert has_begun.wait(10)
        assert ask(client, rows[:1], reasons=True).status_code == 200
        key = rows[0]["client_id"]
        assert client.get(f"/v1/campaigns/clients/customers/{key}").status_code == 200
        assert not many.done()
        may_end.set()
        assert many.result().status_code == 200


@pytest.mark.parametrize("has_left", [False, True], ids=["timeout", "client left"])
def test_an_abandoned_job_ends_before_its_next_chunk(has_left: bool) -> None:
    ended = threading.Event()
    chunks: list[int] = []

    def work(job: Job) -> None:
        try:
            while len(chunks) < 1_000:
                job.check()
                chunks.append(len(chunks))
                time.sleep(0.01)
        except AbandonedError:
            ended.set()
            raise

    class Client:
        async def is_disconnected(self) -> bool:
            return has_left

    async def ask_and_leave() -> None:
        pool, client = JobPool(1), Client()
        running = asyncio.create_task(pool.run(client, work))  # type: ignore[arg-type]
        await asyncio.sleep(0.05)
        queued = asyncio.create_task(pool.run(client, lambda _: chunks.append(-1)))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        queued.cancel()
        with pytest.raises(ClientDisconnect if has_left else TimeoutError):
            await asyncio.wait_for(running, 10 if has_left else 0.1)
        assert await asyncio.to_thread(ended.wait, 10)

    asyncio.run(ask_and_leave())
    assert 0 < len(chunks) < 200
    assert -1 not in chunks


def test_chunks_are_scored_as_the_whole_and_end_when_abandoned(warehouse: Path) -> None:
    champion, given = champion_of(warehouse), rows_of(warehouse, 250)
    given[7] = None
    rows = encode_rows(given)
    errors, scored = score_rows(Job(), champion, "client_id", rows, is_explained=True)
    assert list(errors) == [7]
    assert [row["row"] for row in scored] == [index for index in range(250) if index != 7]
    _, alone = score_rows(Job(), champion, "client_id", rows[-1:], is_explained=True)
    assert scored[-1] == alone[0] | {"row": 249}
    job = Job()
    job.abandon()
    with pytest.raises(AbandonedError):
        score_rows(job, champion, "client_id", rows, is_explained=True)


# The log.


def test_the_log_is_rotated(warehouse: Path) -> None:
    client = TestClient(make_app(warehouse, log_bytes=2_000), headers=SCORER)
    for _ in range(150):
        client.get("/healthz")
    logs = list(warehouse.parent.glob("log*"))
    assert len(logs) == KEPT_LOGS + 1
    assert all(0 < log.stat().st_size <= 2_000 for log in logs)
    assert all(json.loads(line) for log in logs for line in log.read_text().splitlines())
