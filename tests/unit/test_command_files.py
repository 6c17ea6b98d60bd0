"""Which files a dbt command opens: only a build writes, and only for its own readers."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from dbt_common.exceptions import DbtRuntimeError

from python_models.common import publish_files
from python_models.common.warehouse import beside_project
from python_models.engines.duckdb import command_files, publishing, waiting
from python_models.engines.duckdb.command_files import CommandFiles
from python_models.engines.duckdb.views import unqualify_views


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    """A published file with one row, and a working file with two."""
    for rows, suffix in enumerate(("", ".working"), 1):
        with duckdb.connect(f"{tmp_path}/shop.duckdb{suffix}") as connection:
            connection.execute(f"create schema core; create table core.rows as from range({rows})")
            connection.execute("create view core.seen as from core.rows")
    return tmp_path / "shop.duckdb"


@pytest.fixture
def begin(warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Returns the files of a command line on a target."""

    def of(command: str, target: str = "warehouse", name: str = "anna", **flags: object) -> CommandFiles:
        given = SimpleNamespace(WHICH=command, **({"EMPTY": False} | flags))
        monkeypatch.setattr(command_files, "get_flags", lambda: given)
        file = warehouse if target == "warehouse" else f"{warehouse}.dev.{name}"
        attach = [
            SimpleNamespace(path=f"{file}.working", alias=target),
            SimpleNamespace(path=f"{file}.identities.working", alias="identities"),
        ]
        return CommandFiles.of(SimpleNamespace(database=target, attach=attach))

    return of


def attached(files: CommandFiles) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    files.attach(connection)
    connection.execute(f"use {files.database}")
    return connection


def names(warehouse: Path) -> set[str]:
    return {path.name.removeprefix("shop.duckdb") for path in warehouse.parent.iterdir()}


def rows(connection: duckdb.DuckDBPyConnection, relation: str = "core.seen") -> int:
    [(count,)] = connection.sql(f"select count(*) from {relation}").fetchall()
    return count


@pytest.mark.parametrize("command", ["show", "compile", "generate", "debug", "freshness", None])
def test_who_only_reads_opens_what_is_published_and_writes_nothing(
    begin: Any, warehouse: Path, command: str | None
) -> None:
    files = begin(command)
    assert not files.publishes
    with attached(files) as connection:
        assert rows(connection) == 1
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            connection.execute("create table core.other as select 1")
        # another reader, and a build
        with attached(begin(command)) as other, attached(begin("build")) as build:
            assert (rows(other), rows(build)) == (1, 2)
    assert names(warehouse) == {"", ".working", ".identities.working"}


def test_who_reads_before_anything_is_published_makes_no_file(begin: Any, warehouse: Path) -> None:
    warehouse.unlink()
    with attached(begin("show")) as connection:
        assert connection.sql("from duckdb_tables()").fetchall() == []
    assert names(warehouse) == {".working"}


@pytest.mark.parametrize("flags", [{"EMPTY": True}, {"EMPTY": False, "SAMPLE": "3 days"}])
@pytest.mark.parametrize("target", ["warehouse", "dev"])
def test_a_build_without_rows_has_the_columns_of_what_is_published_and_no_file(
    begin: Any, warehouse: Path, flags: dict[str, object], target: str
) -> None:
    before = {path.name: path.read_bytes() for path in warehouse.parent.iterdir()}
    files = begin("build", target, **flags)
    assert not files.publishes
    with attached(files) as connection:
        connection.execute("create schema if not exists core; create table core.made as select 1 as one")
        if target == "warehouse":
            assert rows(connection) == rows(connection, "core.rows") == 0
        else:
            assert rows(connection, "warehouse.core.seen") == 1
    assert {path.name: path.read_bytes() for path in warehouse.parent.iterdir()} == before


def test_developers_have_files_of_their_own_and_read_what_is_published(begin: Any, warehouse: Path) -> None:
    for name in ("anna", "ben"):
        files = begin("build", "dev", name)
        assert not files.publishes
        with attached(files) as connection:
            connection.execute(f"create table made as select '{name}' as name")
            assert rows(connection, "warehouse.core.seen") == 1
            with pytest.raises(duckdb.InvalidInputException, match="read-only"):
                connection.execute("create table warehouse.core.other as select 1")
    for name in ("anna", "ben"):
        with attached(begin("show", "dev", name)) as connection:
            assert connection.sql("from made").fetchall() == [(name,)]
    # a build of the others removes none of them
    spilled = Path(f"{warehouse}.dev.anna.working.tmp")
    spilled.mkdir()
    before = names(warehouse)
    publish_files.clear_leftovers(warehouse)
    assert names(warehouse) == before


@pytest.mark.parametrize("name", ["", "a/b", "../a", "a.b", "a b"])
def test_the_name_of_a_developer_leads_to_no_other_file(begin: Any, name: str) -> None:
    with pytest.raises(DbtRuntimeError, match=r"LEADLIGHT_DEV is '.*': write letters, digits, - and _ only"):
        begin("build", "dev", name)


def test_views_of_an_earlier_release_are_found_under_any_name(tmp_path: Path) -> None:
    with duckdb.connect(f"{tmp_path}/shop.duckdb") as shop:
        shop.execute("""
            create schema core; create table core.rows as select 'x.core.y' as text;
            create view core.b as select text from shop.core.rows;
            create view core.a as
            select one.text from shop.core.b as one inner join shop.core.rows using (text);
            create table core.gone as select 1 as one; create view core.dead as from shop.core.gone;
            drop table core.gone;
        """)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{tmp_path}/shop.duckdb' as warehouse")
        with pytest.raises(duckdb.Error):
            rows(connection, "warehouse.core.a")
        unqualify_views(connection, "warehouse")
        connection.execute("detach warehouse")
    os.rename(tmp_path / "shop.duckdb", tmp_path / "copy.duckdb")
    with duckdb.connect() as connection:
        connection.execute(f"attach '{tmp_path}/copy.duckdb' as w2 (read_only)")
        assert connection.sql("from w2.core.a").fetchall() == [("x.core.y",)]


def test_a_second_build_waits_for_the_first_and_says_so(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    logger = SimpleNamespace(info=said.append)
    monkeypatch.setattr(waiting, "AdapterLogger", lambda _: logger)
    monkeypatch.setattr(publishing, "_held", {})
    first = publish_files.lock(warehouse)
    assert first
    first.write("process 1 (dbt build)")
    first.flush()
    monkeypatch.setenv("LEADLIGHT_LOCK_SECONDS", "0")
    with pytest.raises(
        publishing.BuildInProgressError, match=r"is being written by process 1 \(dbt build\)\."
    ):
        publishing.acquire_build_lock(warehouse)
    assert said == []
    monkeypatch.setenv("LEADLIGHT_LOCK_SECONDS", "60")
    # the first one ends while the second one sleeps
    monkeypatch.setattr(waiting.time, "sleep", lambda _: first.close())
    publishing.acquire_build_lock(warehouse)
    assert said == [
        f"{warehouse}.working is being written by process 1 (dbt build). "
        "Waiting for up to 60 s (LEADLIGHT_LOCK_SECONDS)."
    ]
    assert Path(f"{warehouse}.lock").read_text().startswith(f"process {os.getpid()} ")
    monkeypatch.setenv("LEADLIGHT_LOCK_SECONDS", "soon")
    with pytest.raises(DbtRuntimeError, match="LEADLIGHT_LOCK_SECONDS is 'soon'; write a number of seconds"):
        waiting.seconds_to_wait()


def test_paths_are_the_same_from_inside_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tmp_path / "dbt_project"
    project.mkdir()
    (project / "dbt_project.yml").touch()
    monkeypatch.chdir(tmp_path)
    expected = beside_project("data/raw").resolve()
    monkeypatch.chdir(project)
    assert beside_project("data/raw").resolve() == expected == tmp_path / "data/raw"
    assert beside_project("/srv/data") == Path("/srv/data")
