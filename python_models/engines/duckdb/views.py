"""Views that are found by their database, whatever it is called: they name relations without it."""

import re
from contextlib import suppress

import duckdb

from python_models.common.sql import quote_identifier

# of a relation in one of the project's schemas
DATABASE = re.compile(r"(?:\b\w+|\"[^\"]+\")\.(?=(?:staging|core|campaigns|results|main)\.)")


def unqualify_views(connection: duckdb.DuckDBPyConnection, database: str) -> None:
    """Let the views of an earlier release, which name the database that they were built in, do without it.

    A view whose relations are gone stays as it is: dbt makes it anew with them.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"use {quote_identifier(database)}")
        views = cursor.sql(
            "select sql from duckdb_views() where database_name = current_database() and not internal"
        ).fetchall()
        left = [sql for (sql,) in views if DATABASE.search(sql)]
        # a view of views can be made after them
        while left and len(left) > len(left := [sql for sql in left if not _is_replaced(cursor, sql)]):
            pass


def _is_replaced(cursor: duckdb.DuckDBPyConnection, sql: str) -> bool:
    with suppress(duckdb.Error):
        cursor.execute(DATABASE.sub("", sql).replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1))
        return True
    return False
