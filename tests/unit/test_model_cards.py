"""Model cards need a warehouse, and show names and values of somebody's data as they are."""

from pathlib import Path

import pytest

from python_models.__main__ import main
from python_models.delivery.model_cards import _groups


@pytest.mark.parametrize("options", [[], ["--json", "cards.json"]])
def test_a_missing_warehouse_is_one_sentence(
    options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEADLIGHT_WAREHOUSE", "nowhere.duckdb")
    assert main(["model-cards", *options]) == 1
    assert capsys.readouterr().err == "error: nowhere.duckdb does not exist: run `make build` first\n"
    assert not list(tmp_path.iterdir())


def test_names_and_values_are_no_markup() -> None:
    """They stay in their cell, whatever they hold."""
    group = {
        "audited_column": "a|b",
        "group_value": "<img src=x> *new*\n[link](to) \\",
        "row_count": 1234,
        "selection_rate": 0.5,
        "selection_rate_lower": 0.0004,
        "selection_rate_upper": 0.999,
        "ratio_to_best": None,
        "ratio_lower": None,
        "ratio_upper": None,
        "verdict": "cannot tell",
    }
    *_, row = _groups([group]).splitlines()
    assert row == (
        r"| a\|b | \<img src=x\> \*new\* \[link\](to) \\ | 1,234 | 50.0% (0.04% to 99.9%) |  | cannot tell |"
    )
