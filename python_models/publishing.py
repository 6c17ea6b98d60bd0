"""dbt-duckdb plugin: one build at a time, published as the warehouse that people query.

dbt writes into `<warehouse>.working`, and holds `<warehouse>.lock` as long as it lives. `select
publish_warehouse()` copies the working file beside the warehouse and renames the copy over it, after the file
of identities. A rename is atomic: a reader has the old warehouse or the new one, whole, and never keeps a
build waiting.
"""

import fcntl
import getpass
import os
import stat
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import TextIO

from dbt.adapters.duckdb.plugins import BasePlugin
from dbt_common.exceptions import DbtRuntimeError
from duckdb import DuckDBPyConnection, sqltypes

WORKING_SUFFIX = ".working"
# Open for as long as the process lives: the system lets go of a lock when its process ends, however it ends.
_held: dict[Path, TextIO] = {}


class BuildUnderWayError(DbtRuntimeError):
    """Another process builds the same warehouse; the message says which."""


def beside(working: Path, suffix: str) -> Path:
    """The warehouse that the working file `working` belongs to, its name followed by `suffix`."""
    return working.with_name(working.name.removesuffix(WORKING_SUFFIX) + suffix)


def hold(working: Path) -> None:
    """Keep other builds away from `working` until this process ends.

    Raises
    ------
    BuildUnderWayError
        Where another process holds it.
    """
    lock = beside(working, ".lock").absolute()
    if lock in _held:
        return
    file = lock.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip() or "a process that has not said its name yet"
        file.close()
        raise BuildUnderWayError(
            f"{working} is being written by {holder}. Wait for its end, or stop it; whoever reads "
            f"{beside(working, '').name} is not concerned."
        ) from None
    file.truncate(0)
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
    file.write(
        f"process {os.getpid()} ({command}) of {getpass.getuser()} since {datetime.now():%Y-%m-%d %H:%M:%S}"
    )
    file.flush()
    _held[lock] = file


def publish(connection: DuckDBPyConnection, database: str, working: Path) -> Path:
    """Copy the open database of the file `working` to its name without `.working`, atomically."""
    published, unfinished = beside(working, ""), beside(working, ".unfinished")
    cursor = connection.cursor()
    try:
        cursor.execute(f'checkpoint "{database}"')
    finally:
        cursor.close()
    # with its mode before there is anything in it; what an earlier one left may have another
    unfinished.unlink(missing_ok=True)
    unfinished.touch(stat.S_IMODE(working.stat().st_mode))
    # by another process: closing the file here would let go of DuckDB's lock on it
    subprocess.run(["cp", str(working), str(unfinished)], check=True)
    # what somebody wrote into the old one is no part of the new one
    beside(working, ".wal").unlink(missing_ok=True)
    os.replace(unfinished, published)
    return published


class Plugin(BasePlugin):
    """Holds the lock, and gives every dbt connection the SQL function `publish_warehouse()`."""

    def initialize(self, plugin_config: dict) -> None:
        self.working = Path(self.creds.path if self.creds else "")
        hold(self.working)

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        def publish_warehouse() -> str:
            for attached in (self.creds.attach or []) if self.creds else []:
                publish(conn, str(attached.alias), Path(attached.path))
            return str(publish(conn, self.creds.database if self.creds else "", self.working))

        conn.create_function("publish_warehouse", publish_warehouse, [], sqltypes.VARCHAR, side_effects=True)
