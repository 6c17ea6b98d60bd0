"""The consent rule of the build, for exports: `macros/consent.sql` rendered without dbt, and the seeds."""

import os
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import jinja2
from ruamel.yaml import YAML

from python_models.common.errors import UserError
from python_models.common.request_checks import REQUEST_SEEDS, hash_statements
from python_models.common.sql import text_literal
from python_models.engines.duckdb.privacy import pseudonym_key, register_pseudonym

MACROS = Path(__file__).parents[2] / "dbt_project" / "macros"


@cache
def consent_macros() -> Any:
    """Return the macros of `consent.sql` as functions that return SQL."""
    paths = [next(MACROS.rglob(name)) for name in ("match_key.sql", "consent.sql")]
    text = "".join(path.read_text() for path in paths)
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)  # noqa: S701 - SQL, not HTML
    return environment.from_string(text).module


def hash_raw_identifiers(
    connection: duckdb.DuckDBPyConnection, seeds: Path, seed: str, warehouse: Path
) -> None:
    """Turn raw phone numbers and names of a seed about people into pseudonyms, as the build did."""
    register_pseudonym(connection, pseudonym_key(os.environ))
    for statement in hash_statements(seeds, country_code(warehouse, seeds), seed):
        connection.execute(statement)


def country_code(warehouse: Path, seeds: Path) -> str:
    """Return the country code of phone numbers without one: the published build's, else the project's."""
    if warehouse.exists():
        with duckdb.connect() as connection:
            connection.execute(f"attach {text_literal(str(warehouse))} as built (read_only)")
            found = connection.execute(
                "select regexp_extract(comment, '(?m)^country_code (.+)$', 1) as code from duckdb_tables() "
                "where database_name = 'built' and schema_name = 'staging' "
                "and table_name = 'erasure_requests' and code != ''"
            ).fetchone()
        if found:
            return str(found[0])
    project = seeds.parent / "dbt_project.yml"
    declared = YAML(typ="safe").load(project.read_text()) if project.exists() else {}
    return str(declared.get("vars", {}).get("country_code", ""))


def read_seed(
    connection: duckdb.DuckDBPyConnection, seeds: Path, seed: str, columns: str, warehouse: Path
) -> None:
    """Read a seed about people, as it is now, into a temporary table of its name.

    The published warehouse says with which country code the build read phone numbers.

    Raises
    ------
    UserError
        Where it cannot be read.
    """
    path = seeds / f"{seed}.csv"
    try:
        connection.execute(
            f"create temp table {seed} as select {columns} "
            f"from read_csv({text_literal(str(path))}, header = true, delim = ',', all_varchar = true)"
        )
    except duckdb.Error as error:
        raise UserError(
            f"{path}: it cannot be read, and who must not be contacted not told: {error}"
        ) from None
    if seed in REQUEST_SEEDS:
        hash_raw_identifiers(connection, seeds, seed, warehouse)
