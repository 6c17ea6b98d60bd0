"""What the README and the page of queries say works as they say."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest

from tests.support import REPOSITORY
from tests.unit.test_readme import QUERIES, README, TEN

# Indented lines that begin like a command, one block for each of the README's.
COMMAND = r"    (?:make |export |\.venv/bin/|[A-Z_]+=\S+ make )[^\n]+\n"
BLOCKS = re.findall(rf"(?:{COMMAND})+", README)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, default_data: Path) -> Path:
    """The repository as somebody has it after `make build`, with a file for a campaign of their own."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copytree(
        REPOSITORY / "dbt_project",
        folder / "dbt_project",
        ignore=shutil.ignore_patterns("target", "logs"),
    )
    for name in ("Makefile", ".venv", "profiles.yml", "pyproject.toml", "python_models", "reports"):
        (folder / name).symlink_to(REPOSITORY / name)
    for requirements in REPOSITORY.glob("requirements*.txt"):
        (folder / requirements.name).symlink_to(requirements)
    (folder / "data").mkdir()
    shutil.copytree(default_data, folder / "data/raw", symlinks=True)
    rows = [f"c{i},{20 + i * 7 % 61},{i * 31 % 997},{'yes' if i % 9 == 0 else 'no'}" for i in range(400)]
    (folder / "spring_offer.csv").write_text("\n".join(["customer,age,spend,bought", *rows]) + "\n")
    return folder


@pytest.mark.parametrize("block", BLOCKS, ids=[block.split("\n")[0].strip() for block in BLOCKS])
def test_each_block_of_commands_runs_in_a_fresh_shell(block: str, checkout: Path) -> None:
    """What builds is listed, and what makes is made dry: other tests build and make. The rest runs."""
    commands = re.sub(r"\bmake (?=\w)", "make -n ", block.replace("dbt build ", "dbt -q ls "))
    shell = subprocess.run(
        ["bash", "-ec", "\n".join(line.strip() for line in commands.splitlines())],
        cwd=checkout,
        env={"HOME": os.environ.get("HOME", "/"), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
    )
    assert shell.returncode == 0, shell.stdout + shell.stderr
    assert shell.stdout.strip()


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
