"""All Python and all SQL are as clean as `make lint` asks for; `make check` looks at changed SQL only."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import REPOSITORY, Dbt

TOOLS = Path(sys.executable).parent


@pytest.mark.parametrize("command", [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]])
def test_python_is_clean(command: list[str]) -> None:
    run = subprocess.run([TOOLS / command[0], *command[1:]], cwd=REPOSITORY, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_sql_is_clean(tmp_path: Path, default_data: Path) -> None:
    """With the dbt templater, on an empty warehouse: SQL that is generated per column stays short."""
    environment = Dbt(tmp_path, default_data).environment | {
        "DBT_PROJECT_DIR": "dbt_project",
        "LEADLIGHT_DATA": str(default_data),
        "LEADLIGHT_WAREHOUSE": str(tmp_path / "empty.duckdb"),
    }
    run = subprocess.run(
        [TOOLS / "sqlfluff", "lint", "dbt_project/models", "dbt_project/tests"],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
