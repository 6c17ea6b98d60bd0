"""dbt-duckdb plugin: one build at a time, published as the warehouse that people query.

dbt writes into `<warehouse>.working` and holds `<warehouse>.lock` until it exits. `publish_warehouse`
publishes copies of the working files together (`common/publish_files.py`): readers see the old warehouse or
the new one, complete, and never block a build.

All files that the process writes are readable by their owner only, temporary and write-ahead files included,
because raw identifiers pass through them. Only the published warehouse has the mode of the user's umask.
"""

import getpass
import os
import signal
import stat
import sys
import threading
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt_common.exceptions import DbtRuntimeError
from duckdb import DuckDBPyConnection, list_type, sqltypes

from python_models.common import publish_files
from python_models.common.errors import UserError
from python_models.common.publish_files import OWNER_ONLY, warehouse_of
from python_models.engines.duckdb.run_record import RunRecord

# Open until the process exits: the system then releases the locks, however it exits.
_held: dict[Path, TextIO] = {}
# The user's umask, before the process sets a stricter one.
_user_umask: list[int] = []


class BuildInProgressError(DbtRuntimeError):
    """Another process is building the same warehouse; the message says which."""


class StoppedError(DbtRuntimeError, KeyboardInterrupt):
    """Ctrl-C: dbt cancels its queries at a KeyboardInterrupt, and shows no trace of an error of its own."""


def stop_with_a_sentence() -> None:
    """Let Ctrl-C end dbt with one sentence."""

    def stop(*_: object) -> None:
        raise StoppedError(
            "Stopped, and not published: the warehouse still holds the last good build. `dbt retry` goes on."
        )

    is_main = threading.current_thread() is threading.main_thread()
    if is_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, stop)


def acquire_build_lock(warehouse: Path) -> None:
    """Keep other builds away from a warehouse until this process exits.

    Raises
    ------
    BuildInProgressError
        If another process holds the lock.
    """
    path = publish_files.beside(warehouse, ".lock").absolute()
    if path in _held:
        return
    file = publish_files.lock(warehouse)
    if file is None:
        holder = path.read_text().strip() or "another process"
        raise BuildInProgressError(
            f"{warehouse}.working is being written by {holder}. Wait until it ends, or stop it. "
            f"Readers of {warehouse.name} are not affected."
        )
    file.truncate(0)
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
    file.write(
        f"process {os.getpid()} ({command}) of {getpass.getuser()} since {datetime.now():%Y-%m-%d %H:%M:%S}"
    )
    file.flush()
    _held[path] = file


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


def published_build(warehouse: Path) -> str:
    """Return which build published the warehouse, as `end_build` notes in main.publishing."""
    try:
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            [(build,)] = connection.sql("select build from main.publishing").fetchall()
    except duckdb.Error:
        return ""
    return str(build)


class Plugin(BasePlugin):  # type: ignore[misc]  # dbt is untyped
    """Holds the lock; registers the SQL functions `begin_run(...)`, `publish_warehouse(...)` and others."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        self.working = Path(self.creds.path if self.creds else "")
        self.warehouse = warehouse_of(self.working)
        try:
            acquire_build_lock(self.warehouse)
            write_for_owner_only()
            publish_files.clear_leftovers(self.warehouse)
        except UserError as error:
            raise DbtRuntimeError(str(error)) from None
        except OSError as error:
            raise DbtRuntimeError(
                f"{error.filename2 or error.filename}: {error.strerror}. A build must be able to "
                f"write and rename the files whose names begin with {self.warehouse}."
            ) from None

    def configure_cursor(self, cursor: DuckDBPyConnection) -> None:
        # dbt opens the first connection in a thread, the one for hooks in the main thread
        stop_with_a_sentence()

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        text, texts = sqltypes.VARCHAR, list_type(sqltypes.VARCHAR)
        conn.create_function("begin_run", self.begin_run, [text, texts], text, side_effects=True)
        conn.create_function(
            "publish_warehouse",
            lambda names_people: self.publish(conn, names_people),
            [sqltypes.BOOLEAN],
            text,
            side_effects=True,
        )
        conn.create_function(
            "published_build", lambda: published_build(self.warehouse), [], text, side_effects=True
        )
        conn.create_function(
            "room_problem",
            lambda: publish_files.room_problem(list(self.files())),
            [],
            text,
            side_effects=True,
        )

    def files(self) -> dict[Path, str]:
        """Return the working files and the names of their databases, the warehouse's last."""
        if not self.creds:
            return {}
        attached = {Path(one.path): str(one.alias) for one in self.creds.attach or []}
        return attached | {self.working: str(self.creds.database)}

    def begin_run(self, run_results: str, nodes: list[str]) -> str:
        """Note the nodes of a run for `dbt retry`."""
        self.run = RunRecord(Path(run_results), nodes)
        self.run.begin()
        return run_results

    def publish(self, connection: DuckDBPyConnection, names_people: bool) -> str:
        """Write the open databases to their files and publish copies; return why not, or an empty string.

        A warehouse that names people is for its owner only.
        """
        files = self.files()
        mode = OWNER_ONLY if names_people else public_mode(self.warehouse)
        modes = dict.fromkeys(files, OWNER_ONLY) | {self.working: mode}
        try:
            with connection.cursor() as cursor:
                for database in files.values():
                    cursor.execute(f'checkpoint "{database}"')
            publish_files.publish(modes)
        except (OSError, duckdb.Error) as error:
            self.run.reason = str(error)
            return (
                f"Not published: {error}. The warehouse still holds the last good build. "
                "All tables are built: remove the cause, then run `dbt retry`."
            )
        self.run.is_published = True
        return ""
