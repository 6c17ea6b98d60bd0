"""What the README and the page of queries say works as they say."""

import re
from pathlib import Path

import duckdb
import pytest

from tests.conftest import REPOSITORY

README = (REPOSITORY / "README.md").read_text() if (REPOSITORY / "README.md").exists() else ""
PAGE = (REPOSITORY / "docs/queries.md").read_text()
# each with the first line of the output that stands below it, if one does
TEN = re.findall(r"## [0-9]+\. [^\n]+\n.*?```sql\n(.*?)```\n\n    ([^\n]+)", PAGE, re.S)
QUERIES = re.findall(r"```sql\n(.*?)```", README, re.S)


def test_there_are_three_queries_to_try_and_ten_that_people_ask_for() -> None:
    assert len(QUERIES) >= 3
    assert len(TEN) == len(re.findall("```sql", PAGE)) == 10


@pytest.mark.parametrize(("query", "heading"), TEN)
def test_each_of_the_ten_queries_answers_with_the_columns_that_are_shown(
    query: str, heading: str, connection: duckdb.DuckDBPyConnection
) -> None:
    answer = connection.sql(query)
    assert answer.columns == heading.split()
    assert answer.fetchall()


@pytest.mark.parametrize("query", QUERIES)
def test_each_query_answers_with_rows(query: str, connection: duckdb.DuckDBPyConnection) -> None:
    assert connection.sql(query).fetchall()


def test_every_make_verb_and_file_it_names_is_there() -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    for verb in re.findall(r"`make ([a-z-]+)", README):
        assert re.search(rf"^{verb}:", makefile, re.M), verb
    for path in re.findall(r"\]\(((?!http)[^)#]+)\)", README):
        assert (REPOSITORY / path).exists(), path


def test_every_table_of_the_map_is_there(connection: duckdb.DuckDBPyConnection) -> None:
    named = set(re.findall(r"`((?:core|campaigns|results)\.[a-z_]+)`", README))
    present = {
        f"{schema}.{table}"
        for schema, table in connection.sql(
            "select table_schema, table_name from information_schema.tables"
        ).fetchall()
    }
    assert named <= present
    public = {name for name in present if name.startswith("results.")}
    assert public <= named, "the map lacks a public table"


def test_ci_runs_the_command_of_the_readme() -> None:
    script = (REPOSITORY / ".ci" / "run").read_text()
    assert script.rstrip().endswith("\nmake test")
    assert "make test" in README
    assert Path(REPOSITORY / ".ci" / "run").stat().st_mode & 0o100
