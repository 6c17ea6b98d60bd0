"""dbt-duckdb plugin: the SQL function `sent_rows(seeds)` returns the SQL that reads the record of exports.

Before that, people who asked to be erased leave the record. `seeds` is the folder of the seeds.
"""

from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection, sqltypes

from python_models.common.publish_files import warehouse_of
from python_models.delivery.sent_record import SentRecord


class Plugin(BasePlugin):  # type: ignore[misc]  # dbt is untyped
    """Registers the function on every dbt connection."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        self.warehouse = warehouse_of(Path(self.creds.path if self.creds else ""))

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        conn.create_function(
            "sent_rows",
            lambda seeds: SentRecord.rows_of(self.warehouse, Path(seeds)),
            [sqltypes.VARCHAR],
            sqltypes.VARCHAR,
            side_effects=True,
        )
