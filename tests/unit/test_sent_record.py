"""The record of exports holds who was sent and held out, agrees with the folders, and forgets the erased."""

import hashlib
import json
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from python_models.delivery.sent_record import SentRecord
from tests.support import REPOSITORY
from tests.unit.test_audience_files import TODAY, WEDNESDAY, WRITTEN, published, rows, seeds, write

__all__ = ["published", "seeds", "write"]

# Exports in a process that is killed before the rename of the given number.
KILLED_EXPORT = """
import os, sys
from datetime import date
from pathlib import Path

from python_models.delivery.audience_files import write_audience

warehouse, folder, seeds = map(Path, sys.argv[1:4])
calls, rename = [], os.rename

def rename_or_die(*paths):
    calls.append(paths)
    if len(calls) == int(sys.argv[4]):
        os._exit(9)
    rename(*paths)

os.rename = rename_or_die
list(write_audience(warehouse, "insurance", None, folder, seeds, today=date(2026, 11, 18)))
"""


@pytest.fixture
def recorded(published: Path, seeds: Path) -> Callable[[], list[dict[str, Any]]]:
    """Reads the record as the build does."""

    def read() -> list[dict[str, Any]]:
        sql = f"select * from ({SentRecord.rows_of(published, seeds)}) order by export_folder, entity_id"
        with duckdb.connect() as connection:
            return connection.sql(sql).to_arrow_table().to_pylist()

    return read


def test_who_was_sent_and_who_was_held_out_is_recorded(write: Callable, recorded: Callable) -> None:
    folder, _ = write()
    found = recorded()
    assert {row["customer_id"] for row in found if not row["is_holdout"]} == set(WRITTEN)
    assert [row["customer_id"] for row in found if row["is_holdout"]] == ["held out"]
    assert found[0] == {
        "audience_id": TODAY,
        "campaign": "insurance",
        "week_start": WEDNESDAY.replace(day=16),
        "source": "insurance",
        "channel": "phone",
        "entity_id": "id of Chosen 1",
        "customer_id": "Chosen 1",
        "is_holdout": False,
        "sent_at": datetime(2026, 11, 18),
        "export_folder": str(folder),
        "members_sha256": hashlib.sha256((folder / "members.parquet").read_bytes()).hexdigest(),
    }


def test_each_export_is_recorded_for_its_owner_only(
    write: Callable, recorded: Callable, published: Path
) -> None:
    folders = [str(write()[0]) for _ in range(2)]
    assert sorted({row["export_folder"] for row in recorded()}) == folders
    record = Path(f"{published}.sent")
    assert stat.S_IMODE(record.stat().st_mode) == 0o700
    files = list(record.iterdir())
    assert {path.name.split(".")[0] for path in files} == {TODAY, f"{TODAY}-2"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_a_rehearsal_is_not_recorded(write: Callable, recorded: Callable, published: Path) -> None:
    assert "rehearsal" in write("coupon")[1][0]
    assert recorded() == []
    assert not Path(f"{published}.sent").exists()


# renames: the prepared record, the export's folder, the record's last name
@pytest.mark.long
@pytest.mark.parametrize(("killed_at", "is_exported"), [(1, False), (2, False), (3, True)])
def test_after_a_kill_the_record_agrees_with_the_folders(
    published: Path,
    seeds: Path,
    tmp_path: Path,
    write: Callable,
    recorded: Callable,
    killed_at: int,
    is_exported: bool,
) -> None:
    folder = tmp_path / "audiences"
    arguments = [str(published), str(folder), str(seeds), str(killed_at)]
    killed = subprocess.run([sys.executable, "-c", KILLED_EXPORT, *arguments], cwd=REPOSITORY, check=False)
    assert killed.returncode == 9
    assert (folder / TODAY).exists() == is_exported
    count = len(WRITTEN) + 1
    assert len(recorded()) == (count if is_exported else 0)
    assert not list(Path(f"{published}.sent").glob(".*"))
    again, _ = write()
    assert again.name == (f"{TODAY}-2" if is_exported else TODAY)
    assert len(recorded()) == (2 * count if is_exported else count)


def test_an_interrupted_export_is_settled_by_the_next_one(
    write: Callable, recorded: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(SentRecord, "commit", interrupt)
        with pytest.raises(KeyboardInterrupt):
            write()
    second, _ = write()
    assert {Path(row["export_folder"]).name for row in recorded()} == {TODAY, second.name}


def test_another_export_s_folder_does_not_settle_it(write: Callable, recorded: Callable) -> None:
    folder, _ = write()
    [file] = folder.parents[1].glob("*.sent/*.parquet")
    file.rename(file.with_name(".0123.pending"))
    assert json.loads((folder / "manifest.json").read_text())["export_id"] != "0123"
    assert recorded() == []


@pytest.mark.parametrize("name", ["Chosen 1", " CHOSEN 1\u200b"])
def test_who_asks_to_be_erased_leaves_the_record(
    write: Callable, recorded: Callable, published: Path, seeds: Path, name: str
) -> None:
    folder, _ = write()
    assert "Chosen 1" in {row["customer_id"] for row in rows(folder)}
    with (seeds / "erasure_requests.csv").open("a") as requests:
        requests.write(f"Insurance,{name},2026-11-21\n")
    assert {row["customer_id"] for row in recorded()} == {*WRITTEN[1:], "held out"}
    [file] = Path(f"{published}.sent").iterdir()
    assert b"Chosen 1" not in file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
