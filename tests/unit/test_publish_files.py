"""The files of a build are published together or not at all, whenever the process ends."""

import os
import resource
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from python_models.common import publish_files
from python_models.common.errors import UserError

SIZE = 1 << 18
OLD, NEW = b"old", b"new" * (SIZE // 3)


class Warehouse:
    """Working files that hold something new, and published files that hold something old."""

    def __init__(self, folder: Path):
        self.path = folder / "warehouse.duckdb"
        self.identities = Path(f"{self.path}.identities")
        for file in (self.path, self.identities):
            file.write_bytes(OLD)
            Path(f"{file}.working").write_bytes(NEW)
        self.modes = {Path(f"{self.identities}.working"): 0o600, Path(f"{self.path}.working"): 0o644}

    def published(self) -> tuple[bytes, bytes]:
        return self.identities.read_bytes(), self.path.read_bytes()

    def names(self) -> set[str]:
        return {path.name.removeprefix("warehouse.duckdb") for path in self.path.parent.iterdir()}


FILES = {"", ".working", ".identities", ".identities.working"}


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path)


class Killed(BaseException):
    """Ends a publish where the process would end."""


def test_both_files_are_published_with_their_modes(warehouse: Warehouse) -> None:
    assert publish_files.publish(warehouse.modes) == warehouse.path
    assert warehouse.published() == (NEW, NEW)
    assert warehouse.names() == FILES
    assert [stat.S_IMODE(file.stat().st_mode) for file in (warehouse.identities, warehouse.path)] == [
        0o600,
        0o644,
    ]


# of the renames of a publish: that which decides it, that of the identities, that of the warehouse
@pytest.mark.parametrize(
    ("renames", "left", "repaired"),
    [(0, (OLD, OLD), (OLD, OLD)), (1, (OLD, OLD), (NEW, NEW)), (2, (NEW, OLD), (NEW, NEW))],
)
@pytest.mark.parametrize("repair", [publish_files.clear_leftovers, publish_files.repair_publish])
def test_a_publish_killed_at_a_rename_is_undone_or_finished_by_whoever_comes_next(
    warehouse: Warehouse,
    monkeypatch: pytest.MonkeyPatch,
    repair: object,
    renames: int,
    left: tuple[bytes, bytes],
    repaired: tuple[bytes, bytes],
) -> None:
    rename, done = os.replace, []

    def killed(*names: Path) -> None:
        if len(done) == renames:
            raise Killed
        done.append(names)
        rename(*names)

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(Killed):
        publish_files.publish(warehouse.modes)
    monkeypatch.setattr(os, "replace", rename)
    assert warehouse.published() == left
    repair(warehouse.path)
    assert warehouse.published() == repaired
    if repair is publish_files.clear_leftovers:
        assert warehouse.names() == FILES


def test_copies_are_on_the_disk_before_a_name_changes(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    flush, rename = os.fsync, os.replace

    def noted_flush(descriptor: int) -> None:
        name = Path(os.readlink(f"/proc/self/fd/{descriptor}")).name
        steps.append(f"flush {name.removeprefix('warehouse.duckdb') or 'folder'}"[:30])
        flush(descriptor)

    def noted_rename(old: Path, new: Path) -> None:
        steps.append(f"rename {old.name.removeprefix('warehouse.duckdb')}")
        rename(old, new)

    monkeypatch.setattr(os, "fsync", noted_flush)
    monkeypatch.setattr(os, "replace", noted_rename)
    publish_files.publish(warehouse.modes)
    folder = f"flush {warehouse.path.parent.name}"[:30]
    assert steps == [
        *("flush .identities.unfinished", "flush .unfinished", "rename .unfinished", folder),
        *("rename .identities.unfinished", "rename .ready", folder),
    ]


@pytest.fixture
def short_of_space(warehouse: Warehouse) -> Iterator[Warehouse]:
    """No file can grow beyond half of a working file: what a full disk is to `cp`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SIZE // 2, hard))
    yield warehouse
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_copy_that_does_not_fit_leaves_nothing_and_says_what_it_needs(short_of_space: Warehouse) -> None:
    with pytest.raises(OSError, match=r"identities\.unfinished: .* It needs 0\.2 MB; [0-9,.]+ MB are free"):
        publish_files.publish(short_of_space.modes)
    assert short_of_space.published() == (OLD, OLD)
    assert short_of_space.names() == FILES


def test_a_build_that_could_not_be_published_is_refused(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = {"bytes": 2 * len(NEW)}
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free["bytes"]))
    assert publish_files.room_problem(list(warehouse.modes)) == ""
    free["bytes"] -= 1
    problem = (
        f"{warehouse.path.parent}: 0.5 MB are free, and a build needs 0.5 MB or more to publish a copy of "
    )
    assert publish_files.room_problem(list(warehouse.modes)).startswith(
        problem + "warehouse.duckdb.working. "
    )


def test_leftovers_go_and_what_stays_is_for_the_owner(warehouse: Warehouse) -> None:
    spilled = Path(f"{warehouse.path}.working.tmp")
    spilled.mkdir()
    (spilled / "duckdb_temp_block-1.block").write_bytes(b"+254711222333")
    for name in (".unfinished", ".identities.unfinished", ".identities.working.wal", ".day", ".lock"):
        Path(f"{warehouse.path}{name}").write_bytes(OLD)
    for path in warehouse.path.parent.iterdir():
        path.chmod(0o755)
    publish_files.clear_leftovers(warehouse.path)
    assert warehouse.names() == FILES | {".identities.working.wal", ".day", ".lock"}
    assert {
        path.name.removeprefix("warehouse.duckdb")
        for path in warehouse.path.parent.iterdir()
        if path.stat().st_mode & 0o077
    } == {"", ".day", ".lock"}


def test_a_reader_leaves_a_publish_in_progress_alone(warehouse: Warehouse) -> None:
    Path(f"{warehouse.path}.ready").write_bytes(NEW)
    held = publish_files.lock(warehouse.path)
    assert held
    with held:
        assert publish_files.lock(warehouse.path) is None
        publish_files.repair_publish(warehouse.path)
        assert warehouse.published() == (OLD, OLD)
    publish_files.repair_publish(warehouse.path)
    assert warehouse.published() == (OLD, NEW)


def test_a_missing_folder_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"gone/w\.duckdb\.lock: No such file or directory\. The folder of the"
    ):
        publish_files.lock(tmp_path / "gone/w.duckdb")
