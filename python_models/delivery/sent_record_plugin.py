"""dbt-duckdb plugin: the SQL function `sent_rows(seeds)` returns the SQL that reads the record of exports.

Before that, people who asked to be erased leave the record. `seeds` is the folder of the seeds.
"""

from pathlib import Path

from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection, sqltypes

from python_models.delivery.sent_record import NO_ROWS, SentRecord
from python_models.engines.duckdb.command_files import Access, CommandFiles


class Plugin(BasePlugin):  # type: ignore[misc]  # dbt is untyped
    """Registers the function on every dbt connection."""

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        conn.create_function(
            "sent_rows",
            self.sent_rows,
            [sqltypes.VARCHAR],
            sqltypes.VARCHAR,
            side_effects=True,
        )

    def sent_rows(self, seeds: str) -> str:
        """Return the SQL that reads the record of the current command's warehouse."""
        files = CommandFiles.of(self.creds)
        return NO_ROWS if files.access is Access.NONE else SentRecord.rows_of(files.warehouse, Path(seeds))
