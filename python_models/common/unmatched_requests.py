"""Erasure requests and consents whose id is nobody's: a misspelled one would be ignored without a word."""

from pathlib import Path

import duckdb

from python_models.common.request_checks import (
    erased_mark,
    first_problems,
    hash_statements,
    match_key,
    numbered_rows,
    people_columns,
)
from python_models.common.sql import quote_identifier, text_literal

CHECKED_SEEDS = {"erasure_requests": "erases nobody", "consents": "has no effect"}
ADVICE = (
    "Write the id as the tables show it, or the raw phone number or name. "
    "If the person has left the raw files, delete the line."
)


def unmatched_requests(
    connection: duckdb.DuckDBPyConnection, database: str, seeds: Path, country_code: str
) -> list[str]:
    """Describe the erasure requests and consents that name nobody in their source, a line each.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Has the SQL function `pseudonym`.
    database : str
        Name under which it has the warehouse. Its base tables say who there is, and of whom rows were erased;
        a source that has none is not checked.
    seeds : pathlib.Path
        Folder of the seeds.
    country_code : str
        Of phone numbers without one.
    """
    problems = []
    for seed, effect in CHECKED_SEEDS.items():
        path = seeds / f"{seed}.csv"
        if not path.exists() or not _load(connection, path):
            continue
        for statement in hash_statements(seeds, country_code, "requests"):
            connection.execute(statement)
        problems += [
            f"{path}, line {line}: no person {written!r} in {source}, so the line {effect}. {ADVICE}"
            for line, source, written in _unmatched(connection, database, seeds)
        ]
    return first_problems(problems)


def _load(connection: duckdb.DuckDBPyConnection, path: Path) -> bool:
    """Create the temporary table `requests` of a seed's rows; return whether there are any."""
    rows = [(line, row.get("source", ""), row.get("customer_id", "")) for line, row in numbered_rows(path)]
    connection.execute(
        "create or replace temp table requests as select unnest($1::bigint[]) as line, "
        "unnest($2::varchar[]) as source, unnest($3::varchar[]) as customer_id, unnest($3) as written",
        [[row[index] for row in rows] for index in range(3)],
    )
    return bool(rows)


def _unmatched(
    connection: duckdb.DuckDBPyConnection, database: str, seeds: Path
) -> list[tuple[int, str, str]]:
    """Return line, source and id of the requests whose person is in no base table."""
    people = _people(connection, database, seeds)
    if not people:
        return []
    return connection.sql(f"""
        with people as materialized ({people}),

        marked as (
            select
                *, {match_key("source")} as source_key, {match_key("customer_id")} as id,
                {erased_mark(match_key("customer_id"))} as mark
            from requests
        )

        select line, source, written from marked
        where source_key in (select source from people)
            and (source_key, id) not in (select source, id from people where id is not null)
            and (source_key, mark) not in (select source, mark from people where mark is not null)
        order by line
    """).fetchall()


def _people(connection: duckdb.DuckDBPyConnection, database: str, seeds: Path) -> str:
    """Return SQL of the ids of people in base tables, and of the marks of those who were erased."""
    found = connection.execute(
        "select table_name from duckdb_tables() where database_name = ? and schema_name = 'staging'",
        [database],
    ).fetchall()
    queries = []
    for column in people_columns(seeds):
        name = f"base_{column.source}__{column.thing}"
        if (name,) not in found:
            continue
        table = f"{quote_identifier(database)}.staging.{quote_identifier(name)}"
        source, person = text_literal(column.source.lower()), quote_identifier(column.name)
        queries += [
            f"select {source} as source, {match_key(f'cast({person} as varchar)')} as id, "
            "null::ubigint as mark "
            f"from (select distinct {person} from {table})",
            f"select distinct {source}, null, content_hash from {table} where row_status = 'erased'",
        ]
    return " union all ".join(queries)
