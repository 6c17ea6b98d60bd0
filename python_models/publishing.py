"""dbt-duckdb plugin: publishes the working database as the warehouse that people query.

dbt writes into `<warehouse>.working`. `select publish_warehouse()` copies that file beside
the warehouse and renames the copy over it. A rename is atomic: a reader has the old
warehouse or the new one, whole, and never keeps a build waiting.
"""

import os
import subprocess
from pathlib import Path

from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection, sqltypes

WORKING_SUFFIX = ".working"


def publish(connection: DuckDBPyConnection, working: Path) -> Path:
    """Copy the open database `working` to its name without `.working`, atomically."""
    warehouse = working.with_name(working.name.removesuffix(WORKING_SUFFIX))
    unfinished = working.with_name(warehouse.name + ".unfinished")
    cursor = connection.cursor()
    try:
        cursor.execute("checkpoint")
    finally:
        cursor.close()
    # by another process: closing the file here would let go of DuckDB's lock on it
    subprocess.run(["cp", str(working), str(unfinished)], check=True)
    os.replace(unfinished, warehouse)
    return warehouse


class Plugin(BasePlugin):
    """Gives every dbt connection the SQL function `publish_warehouse()`."""

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        working = Path(self.creds.path if self.creds else "")

        def publish_warehouse() -> str:
            return str(publish(conn, working))

        conn.create_function("publish_warehouse", publish_warehouse, [], sqltypes.VARCHAR, side_effects=True)
