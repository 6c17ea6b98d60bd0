"""The scoring service keeps to its OpenAPI document, and stays in service, whatever is asked or published."""

import http.client
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest
import uvicorn
from schemathesis import GenerationMode

from python_models.delivery.service.app import create_app
from tests.damaged_models import damaged_bodies
from tests.unit.test_service import KEYS, SCORER, check_operations, publish, rows_of
from tests.unit.test_service_limits import body_of, connect, publish_again, served


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_schemathesis_finds_nothing(tmp_path: Path, mode: GenerationMode) -> None:
    publish(tmp_path / "first.duckdb")
    check_operations(tmp_path, tmp_path / "log", mode, examples=60)


def _changed(statement: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with duckdb.connect(str(path)) as connection:
            connection.execute(statement)

    return change


def _overwritten(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(20_000)
        file.write(b"\x91" * (path.stat().st_size - 40_000))


# What may be published instead of a whole warehouse, by the reason for which it is not served.
ODD: dict[str, Callable[[Path], object]] = {
    "is not a valid DuckDB database file": lambda path: path.write_bytes(b""),
    "warehouse.duckdb is no whole database": lambda path: path.write_text("no database\n" * 1_000),
    "Could not read enough bytes": lambda path: os.truncate(path, path.stat().st_size // 2),
    "computed checksum": _overwritten,
    "Table with name conversion_models does not exist": _changed("drop table results.conversion_models"),
    'column "model_version" not found': _changed(
        "alter table results.conversion_models drop column model_version"
    ),
    "KeyError: 'spend'": _changed("drop table campaigns.clients_features"),
    "JSONDecodeError": _changed("update results.conversion_models set declaration = '{'"),
}


@contextmanager
def asked_all_the_time(server: uvicorn.Server, body: str) -> Iterator[list[int]]:
    """Ask for the score and reasons of a row again and again; yield the statuses."""
    statuses: list[int] = []
    is_over = threading.Event()

    def keep_asking() -> None:
        connection = connect(server)
        while not is_over.is_set():
            try:
                connection.request(
                    "POST",
                    "/v1/campaigns/clients/score",
                    body,
                    SCORER | {"Content-Type": "application/json"},
                )
                answer = connection.getresponse()
                answer.read()
                statuses.append(answer.status)
            except (OSError, http.client.HTTPException):
                statuses.append(0)
            is_over.wait(0.02)

    asking = threading.Thread(target=keep_asking)
    asking.start()
    try:
        yield statuses
    finally:
        is_over.set()
        asking.join()


def resealed(whole: Path) -> dict[str, Callable[[Path], object]]:
    """Return one body of each damage as if it had been stored so, with a right SHA-256."""
    damaged = dict(damaged_bodies(body_of(whole), resealed=True))
    return {name: partial(publish_again, body=body) for name, body in damaged.items() if "fold 0" in name}


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    publish(tmp_path / "whole.duckdb")
    return tmp_path / "whole.duckdb"


def publish_all(
    whole: Path, spoilt: dict[str, Callable[[Path], object]], reason_of: Callable[[str], str], **how: Any
) -> None:
    """Publish spoilt warehouses under load, then a whole one; the service serves the last and fails never."""
    warehouse, following = whole.with_name("warehouse.duckdb"), whole.with_name("next.duckdb")
    shutil.copy(whole, warehouse)
    log = {"LEADLIGHT_API_LOG": str(whole.with_name("log"))}
    app = create_app(warehouse, KEYS | log, look_seconds=3_600, **how)
    store = app.state.store
    before = store.current
    body = json.dumps({"rows": rows_of(warehouse, 1), "reasons": True})
    with served(app) as server, asked_all_the_time(server, body) as statuses:
        for name, spoil in spoilt.items():
            shutil.copy(whole, following)
            spoil(following)
            os.replace(following, warehouse)
            store.refresh()
            assert store.load_error, name
            assert reason_of(name) in store.load_error
            assert store.current is before, name
        os.replace(whole, warehouse)
        store.refresh()
        assert store.load_error is None
        assert store.current is not before
    assert set(statuses) == {200}
    assert not list(warehouse.parent.glob(".serving-*"))


def test_damaged_models_fail_no_request(whole: Path) -> None:
    """Their hash alone keeps them out, with no trial in another process."""
    damaged = dict(damaged_bodies(body_of(whole)))
    assert len(damaged) == 60
    spoilt = {name: partial(publish_again, body=body) for name, body in damaged.items()}
    publish_all(whole, spoilt, lambda _: "is damaged: its content does not match", check=lambda _: None)


def test_odd_warehouses_fail_no_request(whole: Path) -> None:
    assert len(ODD) == 8
    publish_all(whole, ODD, lambda name: name)


def test_models_that_are_stored_damaged_fail_no_request(whole: Path) -> None:
    """The trial in another process keeps them out."""
    publish_all(whole, resealed(whole), lambda _: "warehouse.duckdb")
