"""dbt-duckdb plugin: one build at a time, published as the warehouse that people query.

A command that writes works in `<warehouse>.working` and holds `<warehouse>.lock` until it exits; others read
what is published (`command_files.py`). `publish_warehouse` publishes copies of the working files together
(`common/publish_files.py`): readers see the old warehouse or the new one, complete, and never block a build.

All files that the process writes are readable by their owner only, temporary and write-ahead files included,
because raw identifiers pass through them. Only the published warehouse has the mode of the user's umask.
"""

import getpass
import os
import signal
import stat
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.events.logging import AdapterLogger
from dbt.flags import get_flags
from dbt_common.exceptions import DbtRuntimeError
from duckdb import DuckDBPyConnection, list_type, sqltypes

from python_models.common import publish_files
from python_models.common.errors import UserError
from python_models.common.publish_files import OWNER_ONLY
from python_models.engines.duckdb.command_files import Access, CommandFiles
from python_models.engines.duckdb.full_disk import explain_full_disk
from python_models.engines.duckdb.run_record import RunRecord
from python_models.engines.duckdb.waiting import wait_until

log = AdapterLogger("Leadlight")
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
    """Keep other builds away from a warehouse until this process exits, after waiting for one in progress.

    Raises
    ------
    BuildInProgressError
        If another process still holds the lock.
    """
    path = publish_files.beside(warehouse, ".lock").absolute()

    def lock() -> bool:
        if path not in _held and (file := publish_files.lock(warehouse)):
            _held[path] = file
        return path in _held

    def holder() -> str:
        process = path.read_text().strip() or "another process"
        return f"{warehouse}.working is being written by {process}."

    if path in _held:
        return
    if not wait_until(lock, holder):
        raise BuildInProgressError(
            f"{holder()} Wait until it ends, or stop it. Readers of {warehouse.name} are not affected."
        )
    file = _held[path]
    file.truncate(0)
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
    file.write(
        f"process {os.getpid()} ({command}) of {getpass.getuser()} since {datetime.now():%Y-%m-%d %H:%M:%S}"
    )
    file.flush()


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
        explain_full_disk(self.describe_full_disk)
        self.begin_command()

    def begin_command(self) -> None:
        """Find the files of the command, and make ready those that it writes."""
        self.files = CommandFiles.of(self.creds)
        warehouse = self.files.warehouse
        if self.files.publishes and get_flags().WHICH == "clone":
            raise DbtRuntimeError("`dbt clone` makes views of what is published: add --target dev.")
        if self.files.access is Access.READ:
            publish_files.repair_publish(warehouse)
            self.say_what_is_missing()
        self.full_disk = ""
        if self.files.access is not Access.WRITE:
            return
        try:
            acquire_build_lock(warehouse)
            write_for_owner_only()
            publish_files.clear_leftovers(warehouse)
        except UserError as error:
            raise DbtRuntimeError(str(error)) from None
        except OSError as error:
            # a failed write does not name its file
            path = error.filename2 or error.filename or warehouse
            raise DbtRuntimeError(
                f"{path}: {error.strerror}. A build must be able to write and "
                f"rename the files whose names begin with {warehouse}."
            ) from None

    def say_what_is_missing(self) -> None:
        """Warn those who read a warehouse that no build has made yet."""
        if not self.files.readable.exists():
            log.warning(
                f"{self.files.readable} does not exist yet, so there are no tables. Run `dbt build` first."
            )

    def update_connection_config(self, creds: Any, config: dict[str, Any]) -> None:
        config["temp_directory"] = str(self.files.spill_folder)

    def configure_cursor(self, cursor: DuckDBPyConnection) -> None:
        # dbt opens the first connection in a thread, the one for hooks in the main thread
        if self.files.publishes:
            stop_with_a_sentence()
        # another command of the same process may need other files
        if CommandFiles.of(self.creds) != self.files:
            self.reopen()

    def reopen(self) -> None:
        """Open the files of another command of this process."""
        for (name,) in self.connection.sql(
            "select database_name from duckdb_databases() where not internal and database_name != 'memory'"
        ).fetchall():
            self.connection.execute(f'detach "{name}"')
        self.begin_command()
        self.open_files(self.connection)

    def open_files(self, connection: DuckDBPyConnection) -> None:
        """Attach the files; another program that has a working file open is waited for."""
        problem = ""

        def is_open() -> bool:
            nonlocal problem
            try:
                self.files.attach(connection)
            except duckdb.IOException as error:
                problem = str(error).partition(" See also")[0]
                if "lock" in problem:
                    return False
                raise DbtRuntimeError(problem) from None
            return True

        if not wait_until(is_open, lambda: problem):
            name = self.files.warehouse.name
            raise DbtRuntimeError(f"{problem} Close the file there. To read tables, open {name} instead.")

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        self.connection = conn
        self.open_files(conn)
        boolean, text, texts = sqltypes.BOOLEAN, sqltypes.VARCHAR, list_type(sqltypes.VARCHAR)

        def add(name: str, function: Callable[..., Any], arguments: list[Any], returns: Any) -> None:
            conn.create_function(name, function, arguments, returns, side_effects=True)

        add("begin_run", self.begin_run, [text, texts], text)
        add("publish_warehouse", lambda names_people: self.publish(conn, names_people), [boolean], text)
        add("publishes", lambda: self.files.publishes, [], boolean)
        add("published_build", lambda: published_build(self.files.warehouse), [], text)
        add("room_problem", lambda: publish_files.room_problem(list(self.files.working.values())), [], text)
        add("full_disk", lambda: self.full_disk, [], text)

    def describe_full_disk(self) -> str:
        """Return what to say of a disk that has filled, which the end of the run says again."""
        self.full_disk = publish_files.full_disk_problem(list(self.files.working.values()))
        return self.full_disk

    def begin_run(self, run_results: str, nodes: list[str]) -> str:
        """Note the nodes of a run for `dbt retry`; the path is relative to the project, as dbt's own are."""
        self.run = RunRecord(Path(get_flags().PROJECT_DIR, run_results), nodes)
        self.run.begin()
        return run_results

    def publish(self, connection: DuckDBPyConnection, names_people: bool) -> str:
        """Write the open databases to their files and publish copies; return why not, or an empty string.

        A warehouse that names people is for its owner only.
        """
        files = self.files.working
        mode = OWNER_ONLY if names_people else public_mode(self.files.warehouse)
        modes = dict.fromkeys(files.values(), OWNER_ONLY) | {files[self.files.database]: mode}
        try:
            with connection.cursor() as cursor:
                for database in files:
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
