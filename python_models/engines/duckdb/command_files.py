"""Which database files a dbt command opens, and how.

| command | file, on the targets duckdb and dev |
|---|---|
| build, run, seed, snapshot, test, ... | `<warehouse>.working`; `<warehouse>.dev.<name>.working` |
| show, compile, docs generate, ... | `<warehouse>` and `<warehouse>.dev.<name>.working`, read only |
| a build with --empty or --sample | none: tables in memory, with the columns of what could be read |

On dev, what is published is there too, read only, under the name that manifests of the default target know.
A database keeps its name whatever its file is called.
"""

import re
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import duckdb
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.flags import get_flags
from dbt_common.exceptions import DbtRuntimeError

from python_models.common.publish_files import WORKING, beside, warehouse_of
from python_models.common.sql import quote_identifier, text_literal
from python_models.common.warehouse import beside_project
from python_models.engines.duckdb.views import unqualify_views

WRITING_COMMANDS = {"build", "clone", "retry", "run", "run-operation", "seed", "snapshot", "test"}
IN_MEMORY = ":memory:"
DEV = "dev"


class Access(Enum):
    """What a command does to its files."""

    WRITE = "write"
    READ = "read"
    NONE = "none"


@dataclass(frozen=True)
class CommandFiles:
    """The files of a dbt command.

    Attributes
    ----------
    database : str
        Name of the database that models are built in.
    working : Mapping[str, pathlib.Path]
        Name of each database that is written -> its file. The last one is the warehouse's.
    published : pathlib.Path or None
        On dev, what others published, to be read as the database `warehouse`.
    """

    database: str
    working: Mapping[str, Path]
    access: Access
    published: Path | None = None

    @classmethod
    def of(cls, credentials: DuckDBCredentials) -> "CommandFiles":
        """Return the files of the current command."""
        attached = {str(one.alias): beside_project(one.path) for one in credentials.attach or []}
        working = attached.pop(credentials.database)
        published = published_beside(working) if credentials.database == DEV else None
        flags = get_flags()
        command = getattr(flags, "WHICH", None)
        access = Access.WRITE if command in WRITING_COMMANDS else Access.READ
        if access is Access.WRITE and (getattr(flags, "EMPTY", False) or getattr(flags, "SAMPLE", None)):
            access = Access.NONE
        return cls(
            database=credentials.database,
            working=attached | {credentials.database: working},
            access=access,
            published=published,
        )

    @property
    def warehouse(self) -> Path:
        """Return the file that the warehouse's working file becomes when it is published."""
        return warehouse_of(self.working[self.database])

    @property
    def publishes(self) -> bool:
        """Return whether a run of the command ends in a publish."""
        return self.access is Access.WRITE and not self.published

    @property
    def readable(self) -> Path:
        """Return the file of the command's own database for those who only read."""
        return self.working[self.database] if self.published else self.warehouse

    @property
    def spill_folder(self) -> Path:
        """Return where DuckDB puts what has no room in memory."""
        if self.access is Access.WRITE:
            return beside(self.working[self.database], ".tmp")
        return Path(tempfile.gettempdir(), f"leadlight-{self.warehouse.name}.tmp")

    def attach(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Open the files on a connection that has none; write nothing that is only read."""
        for name, file in self.working.items():
            if self.access is Access.WRITE:
                _attach(connection, file, name)
            else:
                is_read = self.access is Access.READ and name == self.database
                _attach_readable(connection, self.readable if is_read else None, name)
        if self.published:
            _attach_readable(connection, self.published, "warehouse")
        elif self.access is Access.WRITE:
            unqualify_views(connection, self.database)
        if self.access is Access.NONE and self.readable.exists():
            copy_columns(connection, self.readable, self.database)


def published_beside(working: Path) -> Path:
    """Return what is published beside the working file of a developer.

    Raises
    ------
    DbtRuntimeError
        If the developer's name would lead to somebody else's file.
    """
    published, _, name = str(working).removesuffix(WORKING).rpartition(".dev.")
    if not re.fullmatch(r"[\w-]+", name):
        raise DbtRuntimeError(f"LEADLIGHT_DEV is '{name}': write letters, digits, - and _ only.")
    return Path(published)


def copy_columns(connection: duckdb.DuckDBPyConnection, file: Path, database: str) -> None:
    """Give a database every table and view of a file as a table without rows."""
    _attach(connection, file, "columns_of", "(read_only)")
    relations = connection.sql(
        "select table_schema, table_name from information_schema.tables where table_catalog = 'columns_of'"
    ).fetchall()
    for schema, table in relations:
        name = f"{quote_identifier(schema)}.{quote_identifier(table)}"
        connection.execute(f"create schema if not exists {database}.{quote_identifier(schema)}")
        # a view of an earlier release names the database that it was built in
        with suppress(duckdb.CatalogException):
            connection.execute(f"create table {database}.{name} as from columns_of.{name} limit 0")
    connection.execute("detach columns_of")


def _attach(connection: duckdb.DuckDBPyConnection, file: Path | str, name: str, options: str = "") -> None:
    connection.execute(
        f"attach if not exists {text_literal(str(file))} as {quote_identifier(name)} {options}"
    )


def _attach_readable(connection: duckdb.DuckDBPyConnection, file: Path | None, name: str) -> None:
    """Open a file read only, or an empty database in its place where there is none."""
    if not file or not file.exists():
        _attach(connection, IN_MEMORY, name)
        return
    try:
        _attach(connection, file, name, "(read_only)")
    except duckdb.Error as error:
        raise DbtRuntimeError(f"{file} cannot be read: {error}") from None
