"""A folder or disk that a build cannot write to is one sentence with the path and what to do."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest
from dbt.adapters.duckdb.environments import Environment
from dbt.adapters.duckdb.environments.local import DuckDBCursorWrapper
from dbt_common.exceptions import DbtRuntimeError

from python_models.common import publish_files
from python_models.engines.duckdb import command_files, publishing, run_record
from python_models.engines.duckdb.full_disk import FullDiskError, explain_full_disk
from python_models.engines.duckdb.run_record import RunRecord

FULL = 'IO Error: Could not write file "w.duckdb": No space left on device'
SENTENCE = "/data: the disk filled up during the build."


def begin(folder: Path) -> publishing.Plugin:
    """Begin a build of a warehouse in a folder."""
    working = SimpleNamespace(path=f"{folder}/w.duckdb.working", alias="warehouse")
    credentials = SimpleNamespace(database="warehouse", attach=[working])
    return publishing.Plugin(name="publishing", plugin_config={}, credentials=credentials)


@pytest.fixture(autouse=True)
def _dbt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command be a build, and give dbt its own functions back, which the plugin wraps."""
    for module in (publishing, command_files):
        monkeypatch.setattr(module, "get_flags", lambda: SimpleNamespace(WHICH="build"))
    monkeypatch.setattr(DuckDBCursorWrapper, "execute", DuckDBCursorWrapper.execute)
    monkeypatch.setattr(Environment, "run_python_job", Environment.__dict__["run_python_job"])


def test_a_folder_that_is_missing_is_a_sentence(tmp_path: Path) -> None:
    sentence = (
        f"{tmp_path}/gone/w.duckdb.lock: No such file or directory. The folder of the warehouse must exist "
        "and be writable: create it, or name another warehouse in LEADLIGHT_WAREHOUSE."
    )
    with pytest.raises(DbtRuntimeError) as caught:
        begin(tmp_path / "gone")
    assert caught.value.msg == sentence


def test_a_folder_that_may_not_be_written_is_a_sentence(read_only: Path) -> None:
    with pytest.raises(DbtRuntimeError) as caught:
        begin(read_only)
    path, reason, advice = caught.value.msg.partition(": ")[0], *caught.value.msg.split(". ")
    assert path == f"{read_only}/w.duckdb.lock"
    assert reason.endswith("Permission denied" if os.getuid() else "Read-only file system")
    assert advice.startswith("The folder of the warehouse must exist and be writable")
    assert list(read_only.iterdir()) == []


def test_a_lock_that_has_no_room_names_the_warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(publishing, "acquire_build_lock", full)
    with pytest.raises(
        DbtRuntimeError, match=rf"{tmp_path}/w\.duckdb: No space left on device\. A build must"
    ):
        begin(tmp_path)


@pytest.mark.parametrize(
    ("message", "is_explained"),
    [
        (FULL, True),
        (f"FATAL Error: database has been invalidated. Original error: {FULL}", True),
        ("Out of Memory Error: set by the 'max_temp_directory_size' setting", True),
        ("Not published: w.unfinished: No space left on device. It needs 2 MB", False),
        ("Catalog Error: Table does not exist", False),
    ],
)
def test_a_disk_that_fills_is_explained_for_sql_and_for_python_models(
    message: str, is_explained: bool
) -> None:
    explain_full_disk(lambda: SENTENCE)
    with duckdb.connect() as connection:

        def fail() -> str:
            raise duckdb.Error(message)

        connection.create_function("fail", fail, [], "varchar", side_effects=True)
        wrapped = DuckDBCursorWrapper(connection)
        with pytest.raises(FullDiskError if is_explained else duckdb.Error) as caught:
            wrapped.execute("select fail()")
        assert (SENTENCE if is_explained else message) in str(caught.value)
        code = "def model(dbt, session):\n    session.execute('select fail()')\n\ndef dbtObj(_):\n    pass\n"
        with pytest.raises(DbtRuntimeError) as caught:
            Environment.run_python_job(wrapped, None, "model", code, None)
    assert (caught.value.msg == SENTENCE) is is_explained
    assert ("Traceback" in caught.value.msg) is not is_explained


def test_an_error_that_a_user_can_mend_is_shown_without_a_trace() -> None:
    explain_full_disk(lambda: SENTENCE)
    code = "from python_models.common.errors import UserError\nraise UserError('Declare it.')\n"
    with pytest.raises(DbtRuntimeError) as caught:
        Environment.run_python_job(None, None, "model", code, None)
    assert caught.value.msg == "Declare it."


def test_what_a_full_disk_needs_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    working = tmp_path / "w.duckdb.working"
    working.write_bytes(bytes(3 << 20))
    monkeypatch.setattr(publish_files.shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 19))
    assert publish_files.full_disk_problem([working]).startswith(
        f"{tmp_path}: the disk filled up during the build. 0.5 MB are free; a build needs 3.0 MB to publish "
        "a copy of w.duckdb.working, and before that room for the tables"
    )


def test_dbt_retry_has_all_nodes_if_the_disk_was_full_when_a_run_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_record, "args_to_dict", lambda _: {"which": "run"})
    monkeypatch.setattr(run_record.atexit, "register", lambda _: None)
    path = tmp_path / "target/run_results.json"
    record = RunRecord(path, ["model.leadlight.a", "model.leadlight.b"])
    record.begin()
    begun = path.read_text()
    # dbt's own results end within a name
    path.write_text(begun[:100])
    record.end()
    assert path.read_text() == begun
    assert [result["status"] for result in json.loads(begun)["results"]] == ["skipped", "skipped"]

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    record.end()
    assert path.read_text() == begun
