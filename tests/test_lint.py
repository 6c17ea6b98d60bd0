"""Code, SQL and locks are as clean as the project says."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, Dbt, SqlLint

TOOLS = Path(sys.executable).parent


@pytest.mark.parametrize("command", [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]])
def test_python_is_clean(command: list[str]) -> None:
    run = subprocess.run([TOOLS / command[0], *command[1:]], cwd=REPOSITORY, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_sql_is_clean(sql_lint: SqlLint) -> None:
    assert sql_lint.process.wait() == 0, sql_lint.findings.read_text()


def test_the_project_parses_without_a_deprecation(built: Dbt) -> None:
    printed = built("parse", "--no-partial-parse", "--show-all-deprecations", "--warn-error")
    assert "eprecat" not in printed


def test_every_model_and_column_of_the_public_face_is_described(built: Dbt) -> None:
    manifest = json.loads((Path(built.environment["DBT_TARGET_PATH"]) / "manifest.json").read_text())
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    assert [node["name"] for node in models if not node["description"]] == []
    public = [node for node in models if node["schema"] == "results"]
    assert len(public) >= 18
    for node in public:
        assert node["config"]["contract"]["enforced"], node["name"]
        undescribed = [name for name, column in node["columns"].items() if not column["description"]]
        assert undescribed == [], node["name"]


def test_every_campaign_with_a_model_is_listed(built: Dbt, declarations: dict[str, dict]) -> None:
    [(campaigns,)] = built.query("select list(campaign order by campaign) from results.campaigns")
    assert campaigns == sorted(declarations)


def test_lock_files_hold_pins_and_no_address() -> None:
    for lock in ("requirements.txt", "reports/package-lock.json"):
        assert not re.search(r"https?://[^\"\s]*(simple|\.tgz|registry)", (REPOSITORY / lock).read_text()), (
            lock
        )
    pins = [line for line in (REPOSITORY / "requirements.txt").read_text().splitlines() if line[0] != "#"]
    assert all(re.fullmatch(r"[\w.-]+==\S+( ; .*)?", pin) for pin in pins)
    declared = re.findall(r'^ +"([\w.-]+==[\w.]+)",$', (REPOSITORY / "pyproject.toml").read_text(), re.M)
    assert set(declared) <= set(pins)


def test_make_help_names_every_verb() -> None:
    run = subprocess.run(["make", "help"], cwd=REPOSITORY, capture_output=True, text=True, env=os.environ)
    for verb in ("build", "test", "lint", "reports", "serve-reports", "docs", "clean"):
        assert f"make {verb} " in run.stdout
