"""Every broken file has the outcome that broken_files.py says: its sentence, or its rows and no others."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import duckdb
import pytest

from tests.broken_files import (
    FAULTY_ROWS,
    GOOD_FILES,
    PRIVATE,
    STOPPING_FILES,
    FaultyRows,
    StoppingFile,
    put,
)
from tests.support import Dbt

BASE_MODELS = ("run", "--select", *(f"base_{model}" for model in GOOD_FILES))


@dataclass(frozen=True)
class Outcome:
    """What one run of all base models came to: the message of each that failed, and what it printed."""

    dbt: Dbt
    printed: str
    messages: Mapping[str, str]


def outcome(dbt: Dbt) -> Outcome:
    _, printed = dbt.finish(*BASE_MODELS)
    results = dbt.target / "run_results.json"
    assert results.exists(), printed
    return Outcome(
        dbt,
        printed,
        {
            result["unique_id"].removeprefix("model.leadlight.base_"): result["message"]
            for result in json.loads(results.read_text())["results"]
            if result["status"] == "error" and result["unique_id"].startswith("model.")
        },
    )


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """All base models over every file of faulty rows: files of one thing are one source."""
    dbt = Dbt(folder := tmp_path_factory.mktemp("faulty"), folder / "data")
    for file in FAULTY_ROWS:
        put(folder / "data" / file.path, file.content)
    return outcome(dbt)


@pytest.fixture(scope="module")
def faulty_rows(faulty: Outcome) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(f"{faulty.dbt.warehouse}.working", read_only=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """All base models over each folder of files that stop them."""
    outcomes = {}
    for name, files in STOPPING_FILES.items():
        dbt = Dbt(folder := tmp_path_factory.mktemp(name), folder / "data")
        for file in files:
            if file.content is not None:
                put(folder / "data" / file.path, file.content)
        replaced = {file.model for file in files if not file.is_added}
        for path, content in (good for model, good in GOOD_FILES.items() if model not in replaced):
            put(folder / "data" / path, content)
        outcomes[name] = outcome(dbt)
    return outcomes


def rows(connection: duckdb.DuckDBPyConnection, file: FaultyRows, columns: str) -> list[tuple]:
    return connection.execute(
        f"select {columns} from staging.base_{file.model} where file_name = ? order by row_number",
        [file.path],
    ).fetchall()


@pytest.mark.parametrize(
    ("folder", "file"),
    [
        pytest.param(folder, file, id=f"{file.model}-{file.name}")
        for folder, files in STOPPING_FILES.items()
        for file in files
    ],
)
def test_a_file_that_cannot_be_read_is_named_in_one_sentence(
    stopped: dict[str, Outcome], folder: str, file: StoppingFile
) -> None:
    message = stopped[folder].messages[file.model]
    assert file.sentence in " ".join(message.split())
    assert file.sentence in " ".join(stopped[folder].printed.split())


@pytest.mark.parametrize("folder", STOPPING_FILES)
def test_a_stopped_model_stops_no_other(stopped: dict[str, Outcome], folder: str) -> None:
    broken = {file.model for file in STOPPING_FILES[folder]}
    assert stopped[folder].messages.keys() == broken
    assert "Traceback" not in stopped[folder].printed
    for model in GOOD_FILES.keys() - broken:
        assert stopped[folder].dbt.query_working(
            f"select row_status, count(*) from staging.base_{model} group by row_status"
        ) == [("kept", 1)]


@pytest.mark.parametrize("folder", STOPPING_FILES)
def test_nobody_is_named_in_what_a_stopped_run_prints(stopped: dict[str, Outcome], folder: str) -> None:
    assert not [private for private in PRIVATE if private in stopped[folder].printed.lower()]


def test_every_base_model_runs_on_faulty_rows(faulty: Outcome) -> None:
    assert faulty.messages == {}, faulty.printed


@pytest.mark.parametrize("file", [pytest.param(file, id=f"{file.model}-{file.name}") for file in FAULTY_ROWS])
def test_faulty_rows_are_listed_and_every_other_row_survives(
    faulty_rows: duckdb.DuckDBPyConnection, file: FaultyRows
) -> None:
    found = rows(faulty_rows, file, "row_number, row_status, reject_reason, raw_text")
    assert len(found) == file.row_count, "rows in = kept + rejected + duplicate"
    assert {number: status for number, status, _, _ in found} == file.status
    for number, status, reason, raw_text in found:
        if status == "kept":
            assert (reason, raw_text) == (None, None)
        else:
            assert reason.startswith(file.rejected.get(number, "duplicated key"))
            assert raw_text, number
        assert status != "duplicate" or reason.endswith("is already there in an equal row")
    for number, expected in file.holds.items():
        [held] = [
            values
            for row_number, *values in rows(
                faulty_rows, file, ", ".join(["row_number", *(f'"{name}"' for name in expected)])
            )
            if row_number == number
        ]
        assert dict(zip(expected, held, strict=True)) == expected


def test_no_row_belongs_to_no_file(faulty_rows: duckdb.DuckDBPyConnection) -> None:
    for model in GOOD_FILES:
        counts = dict(
            faulty_rows.sql(
                f"select file_name, count(*) from staging.base_{model} group by file_name"
            ).fetchall()
        )
        assert counts == {
            file.path: file.row_count for file in FAULTY_ROWS if file.model == model and file.row_count
        }


@pytest.mark.parametrize("model", [model for model in GOOD_FILES if model.startswith("app_install")])
def test_nobody_is_named_in_a_base_model(faulty_rows: duckdb.DuckDBPyConnection, model: str) -> None:
    for row in faulty_rows.sql(f"select * from staging.base_{model}").fetchall():
        assert not [private for private in PRIVATE if private in str(row).lower()], row
