"""Model cards need a warehouse, and say so."""

from pathlib import Path

import pytest

from python_models.__main__ import main


def test_a_missing_warehouse_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEADLIGHT_WAREHOUSE", "nowhere.duckdb")
    assert main(["model-cards"]) == 1
    assert capsys.readouterr().err == "error: nowhere.duckdb does not exist: run `make build` first\n"
