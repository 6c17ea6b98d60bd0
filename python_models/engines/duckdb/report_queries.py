"""dbt-duckdb plugin: the SQL function `report_problems(folder, contracts)` binds the report site's queries.

A public column that was renamed or dropped is named before the reports are built, with the query that
reads it.
"""

import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection, sqltypes

from python_models.common.sql import quote_identifier

Contracts = Mapping[str, Mapping[str, str]]


@contextmanager
def contract_tables(contracts: Contracts) -> Iterator[DuckDBPyConnection]:
    """Open a database of the public tables as their contracts say, without a row; no model card either.

    Parameters
    ----------
    contracts : Mapping[str, Mapping[str, str]]
        Table -> name and type of each of its columns.
    """
    with tempfile.TemporaryDirectory() as folder:
        cards = Path(folder, ".evidence/model_cards.json")
        cards.parent.mkdir()
        cards.write_text("[]")
        with duckdb.connect(config={"file_search_path": folder}) as connection:
            connection.execute("create schema results")
            for table, types in contracts.items():
                columns = ", ".join(f"{quote_identifier(name)} {kind}" for name, kind in types.items())
                connection.execute(f"create table results.{quote_identifier(table)} ({columns})")
            yield connection


def query_problems(folder: Path, contracts: Contracts) -> list[str]:
    """Return a sentence for each query below a folder that the contracts do not answer."""
    problems = []
    with contract_tables(contracts) as connection:
        for file in sorted(folder.rglob("*.sql")):
            try:
                connection.execute(f"explain {file.read_text()}")
            except duckdb.Error as error:
                reason, *rest = str(error).splitlines()
                line = re.search(r"^LINE (\d+):", "\n".join(rest), re.M)
                problems.append(
                    f"{file.relative_to(folder.parents[1])}{f', line {line[1]}' if line else ''}: "
                    f"{reason.partition(': ')[2].rstrip('!.')}. Change the query with the contract."
                )
    return problems


class Plugin(BasePlugin):  # type: ignore[misc]  # dbt is untyped
    """Registers the function on every dbt connection."""

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        def problems(folder: str, contracts: str) -> str:
            return "\n".join(query_problems(Path(folder), json.loads(contracts)))

        text = sqltypes.VARCHAR
        conn.create_function("report_problems", problems, [text, text], text, side_effects=True)
