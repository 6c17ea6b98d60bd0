"""dbt-duckdb plugin: one build at a time, published as the warehouse that people query.

dbt writes into `<warehouse>.working` and holds `<warehouse>.lock` until it exits.
`select publish_warehouse()` copies the working file next to the warehouse and renames the copy over it, after
the identities file. A rename is atomic: readers see the old warehouse or the new one, complete, and never
block a build.

All files that the process writes are readable by their owner only, temporary and write-ahead files included,
because raw identifiers pass through them. Only the published warehouse has the mode of the user's umask.
"""

import atexit
import fcntl
import getpass
import json
import os
import stat
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from dbt.adapters.duckdb.plugins import BasePlugin
from dbt_common.exceptions import DbtRuntimeError
from duckdb import DuckDBPyConnection, sqltypes

WORKING_SUFFIX = ".working"
# Open until the process exits: the system then releases the locks, however it exits.
_held: dict[Path, TextIO] = {}
OWNER_ONLY = 0o600
# The user's umask, before the process sets a stricter one.
_user_umask: list[int] = []


class BuildInProgressError(DbtRuntimeError):
    """Another process is building the same warehouse; the message says which."""


def sibling(working: Path, suffix: str) -> Path:
    """Return the path of the warehouse of a working file, followed by `suffix`."""
    return working.with_name(working.name.removesuffix(WORKING_SUFFIX) + suffix)


def acquire_build_lock(working: Path) -> None:
    """Keep other builds away from `working` until this process exits.

    Raises
    ------
    BuildInProgressError
        If another process holds the lock.
    """
    lock = sibling(working, ".lock").absolute()
    if lock in _held:
        return
    file = lock.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip() or "another process"
        file.close()
        raise BuildInProgressError(
            f"{working} is being written by {holder}. Wait until it ends, or stop it. "
            f"Readers of {sibling(working, '').name} are not affected."
        ) from None
    file.truncate(0)
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
    file.write(
        f"process {os.getpid()} ({command}) of {getpass.getuser()} since {datetime.now():%Y-%m-%d %H:%M:%S}"
    )
    file.flush()
    _held[lock] = file


def write_for_owner_only() -> None:
    """Make every file that this process creates from now on readable by its owner only."""
    umask = os.umask(0o077)
    if not _user_umask:
        _user_umask.append(umask)


def public_mode(published: Path) -> int:
    """Return the mode of the published warehouse: its current mode, or that of a new file of the user."""
    if published.exists():
        return stat.S_IMODE(published.stat().st_mode)
    return 0o666 & ~_user_umask[0]


def mark_unpublished(run_results: Path, reason: str) -> None:
    """Mark the last node in dbt's `run_results.json` as failed, so that `dbt retry` builds it and publishes.

    Hooks are not retried, so a failed publish alone would leave `dbt retry` nothing to do.
    """
    written = json.loads(run_results.read_text())
    nodes = [
        result
        for result in written["results"]
        if result["unique_id"].split(".")[0] in ("model", "seed", "snapshot", "test", "unit_test")
    ]
    nodes[-1] |= {"status": "error", "message": f"built, but not published: {reason}"}
    run_results.write_text(json.dumps(written))


def publish(connection: DuckDBPyConnection, database: str, working: Path, mode: int) -> Path:
    """Copy the open database of the file `working` to its name without `.working`, atomically."""
    published, unfinished = sibling(working, ""), sibling(working, ".unfinished")
    cursor = connection.cursor()
    try:
        cursor.execute(f'checkpoint "{database}"')
    finally:
        cursor.close()
    # an earlier attempt may have left it with another mode
    unfinished.unlink(missing_ok=True)
    unfinished.touch(OWNER_ONLY)
    # in another process: closing the file in this one would release DuckDB's lock on it
    copied = subprocess.run(["cp", str(working), str(unfinished)], capture_output=True, text=True)
    if copied.returncode:
        unfinished.unlink(missing_ok=True)
        raise OSError(copied.stderr.strip())
    unfinished.chmod(mode)
    # writes to the old warehouse are not part of the new one
    sibling(working, ".wal").unlink(missing_ok=True)
    os.replace(unfinished, published)
    return published


class Plugin(BasePlugin):  # type: ignore[misc]  # dbt is untyped
    """Holds the lock, and registers the SQL function `publish_warehouse(run_results)`."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        self.working = Path(self.creds.path if self.creds else "")
        acquire_build_lock(self.working)
        write_for_owner_only()

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        def publish_warehouse(run_results: str) -> str:
            try:
                for attached in (self.creds.attach or []) if self.creds else []:
                    publish(conn, str(attached.alias), Path(attached.path), OWNER_ONLY)
                mode = public_mode(sibling(self.working, ""))
                return str(publish(conn, self.creds.database if self.creds else "", self.working, mode))
            except OSError as error:
                # dbt writes its results after this
                atexit.register(mark_unpublished, Path(run_results).absolute(), str(error))
                raise DbtRuntimeError(
                    f"Not published: {error}. The warehouse still holds the last good build. "
                    "All tables are built: remove the cause, then run `dbt retry`."
                ) from error

        conn.create_function(
            "publish_warehouse", publish_warehouse, [sqltypes.VARCHAR], sqltypes.VARCHAR, side_effects=True
        )
