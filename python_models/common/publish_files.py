"""The files of a warehouse, and how copies of a build become what people read: all of them or none.

| name | holds |
|---|---|
| `<file>.working` | what dbt writes; a file is the warehouse or `<warehouse>.identities` |
| `<file>.unfinished` | a copy of it, to be published |
| `<warehouse>.ready` | the copy of the warehouse after all copies are on the disk: their publish is decided |

A process that ends before `.ready` leaves what was published; after it, whoever comes next gives the copies
their names. A rename is atomic: readers see the old file or the new one, whole.
"""

import fcntl
import glob
import os
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from python_models.common.errors import UserError

WORKING, UNFINISHED, READY = ".working", ".unfinished", ".ready"
OWNER_ONLY = 0o600
OTHERS = 0o077
MEGABYTE = 1 << 20


def warehouse_of(working: Path) -> Path:
    """Return the path of the published file of a working file."""
    return working.with_name(working.name.removesuffix(WORKING))


def beside(file: Path, suffix: str) -> Path:
    """Return the path of a file, followed by `suffix`."""
    return file.with_name(file.name + suffix)


def lock(warehouse: Path) -> TextIO | None:
    """Lock the files of a warehouse until the returned file is closed; None while another process holds it.

    Raises
    ------
    UserError
        If the folder is missing or may not be written.
    """
    path = beside(warehouse, ".lock")
    try:
        file = path.open("a+")
    except OSError as error:
        raise UserError(
            f"{path}: {error.strerror}. The folder of the warehouse must exist and be writable: create it, "
            "or name another warehouse in LEADLIGHT_WAREHOUSE."
        ) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def room_problem(working: list[Path]) -> str:
    """Return why a publish of working files would not fit on their disk, or an empty string."""
    folder, free, needed = _room(working)
    if free >= needed:
        return ""
    return (
        f"{folder}: {_megabytes(free)} are free, and a build needs {_megabytes(needed)} or more to publish a "
        f"copy of {working[-1].name}. Free some, or name a warehouse on another disk in LEADLIGHT_WAREHOUSE."
    )


def full_disk_problem(working: list[Path]) -> str:
    """Return what to say of a disk that has filled during a build."""
    folder, free, needed = _room(working)
    return (
        f"{folder}: the disk filled up during the build. {_megabytes(free)} are free; a build needs "
        f"{_megabytes(needed)} to publish a copy of {working[-1].name}, and before that room for the tables "
        "and temporary files that it writes. Free some, or name a warehouse on another disk in "
        "LEADLIGHT_WAREHOUSE, then run `dbt retry` or `dbt build`. What is published is as it was."
    )


def _room(working: list[Path]) -> tuple[Path, int, int]:
    """Return the folder of the files, and bytes that are free and that copies need there."""
    folder = working[-1].absolute().parent
    needed = sum(file.stat().st_size for file in working if file.exists())
    return folder, shutil.disk_usage(folder).free, needed


def publish(modes: Mapping[Path, int]) -> Path:
    """Publish copies of working files together; return the path of the warehouse.

    Parameters
    ----------
    modes : Mapping[pathlib.Path, int]
        Each working file -> mode of its published copy. The last one is the warehouse's.

    Raises
    ------
    OSError
        If a copy cannot be written; then nothing is published, and no copy is left.
    """
    copies = [beside(warehouse_of(working), UNFINISHED) for working in modes]
    try:
        for (working, mode), copied in zip(modes.items(), copies, strict=True):
            _copy(working, copied, mode)
    except BaseException:
        for copied in copies:
            with suppress(OSError):
                copied.unlink()
        raise
    warehouse = warehouse_of(list(modes)[-1])
    os.replace(copies[-1], beside(warehouse, READY))
    finish_publish(warehouse)
    return warehouse


def finish_publish(warehouse: Path) -> None:
    """Give the copies of a decided publish their names; nothing else is done where there is none."""
    ready = beside(warehouse, READY)
    if not ready.exists():
        return
    _flush(warehouse.parent)
    others = [path for path in _siblings(warehouse) if path.name.endswith(UNFINISHED)]
    for copied, name in [
        *((path, path.with_name(path.name.removesuffix(UNFINISHED))) for path in others),
        (ready, warehouse),
    ]:
        # what somebody wrote to the old file is not part of the new one
        beside(name, ".wal").unlink(missing_ok=True)
        os.replace(copied, name)
    _flush(warehouse.parent)


def repair_publish(warehouse: Path) -> None:
    """Finish a decided publish whose process was killed; a build in progress does it itself."""
    if not beside(warehouse, READY).exists():
        return
    with suppress(UserError, OSError):
        # who may not write here reads what is there
        if held := lock(warehouse):
            with held:
                finish_publish(warehouse)


def clear_leftovers(warehouse: Path) -> None:
    """Remove what a killed build left, and keep from other users what goes on; the caller holds the lock."""
    finish_publish(warehouse)
    for path in _siblings(warehouse):
        if path.name.endswith(UNFINISHED) and path.is_file():
            path.unlink()
        elif path.name.endswith(f"{WORKING}.tmp"):
            # what DuckDB had no memory for
            shutil.rmtree(path)
        elif {WORKING, ".identities"} & set(path.suffixes) and path.stat().st_mode & OTHERS:
            path.chmod(OWNER_ONLY)


def _siblings(warehouse: Path) -> list[Path]:
    """Return the files beside a warehouse that belong to it, without those of developers."""
    paths = sorted(warehouse.parent.glob(f"{glob.escape(warehouse.name)}.*"))
    return [path for path in paths if not path.name.startswith(f"{warehouse.name}.dev.")]


def _copy(working: Path, copied: Path, mode: int) -> None:
    """Copy an open database and flush the copy to the disk."""
    copied.unlink(missing_ok=True)
    copied.touch(OWNER_ONLY)
    # in another process: closing the file in this one would release DuckDB's lock on it
    finished = subprocess.run(["cp", str(working), str(copied)], capture_output=True, text=True)
    if finished.returncode:
        copied.unlink()
        free = shutil.disk_usage(copied.parent).free
        reason = finished.stderr.strip().rpartition(": ")[2] or "the copy was stopped"
        raise OSError(
            f"{copied}: {reason}. It needs {_megabytes(working.stat().st_size)}; {_megabytes(free)} are free"
        )
    copied.chmod(mode)
    _flush(copied)


def _megabytes(size: int) -> str:
    return f"{size / MEGABYTE:,.1f} MB"


def _flush(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
