"""Model cards agree with the tables and name nobody."""

import json
import re
from pathlib import Path

import duckdb
import pytest

from python_models.delivery.model_cards import REPORTS, write_cards_for_reports, write_model_cards
from tests.support import Dbt


@pytest.fixture(scope="module")
def cards(reported_warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The text of each campaign's card."""
    folder = tmp_path_factory.mktemp("cards")
    written = list(write_model_cards(reported_warehouse, folder))
    assert sorted(written) == sorted(folder.iterdir())
    return {card.stem: card.read_text() for card in written}


def test_every_champion_has_a_card_with_its_figures(built: Dbt, cards: dict[str, str]) -> None:
    champions = built.query("""
        select models.campaign, models.model_version, metrics.split, value, lower, upper
        from results.conversion_models as models
        inner join results.conversion_metrics as metrics using (campaign, model_version)
        where models.is_champion and metric = 'roc_auc' and metrics.split != 'train'
    """)
    without = {"coupon_later", "coupon_refused", "display_ads"}
    assert {row[0] for row in champions} == set(cards) - without
    for campaign, version, split, value, lower, upper in champions:
        rows = {"test": "test rows", "forward": "later rows"}[split]
        interval = f"{value:.3f} ({lower:.3f} to {upper:.3f})"
        assert f"| {rows} | ROC AUC | {interval} |" in cards[campaign], campaign
        assert f"Version **{version}**" in cards[campaign]


def test_every_card_says_what_it_must_not_be_used_for(cards: dict[str, str]) -> None:
    misuse = (REPORTS / "partials/misuse.md").read_text().strip()
    for campaign, card in cards.items():
        assert f"## What it must not be used for\n\n{misuse}" in card, campaign
    variant = cards["insurance_with_call_length"]
    assert "**Not usable for targeting:** the length of a call" in variant
    assert "**Looks like a leak, accepted by name:** call seconds" in variant
    assert "## What it is for" not in variant


def test_a_campaign_without_a_model_says_why(cards: dict[str, str]) -> None:
    assert "**No model is in service.** Only 9 conversions: made up." in cards["coupon_refused"]
    assert "## How good it is" not in cards["coupon_refused"]


VERDICTS = {"pass": "equal enough", "warn": "unequal", "unknown": "cannot tell"}


def test_groups_and_earlier_models_are_named(built: Dbt, cards: dict[str, str]) -> None:
    groups = built.query("from results.conversion_fairness select campaign, group_value, row_count, status")
    assert groups
    for campaign, group, row_count, status in groups:
        row = f"| {group} | {row_count:,} | "
        assert (row in cards[campaign]) == (row_count >= 10)
        assert row_count < 10 or VERDICTS[status] in cards[campaign]
    later = cards["coupon_later"]
    assert "an earlier model stays in service: Worse than the champion: made up." in later
    assert later.index("| later rows | ROC AUC |") < later.index("| test rows | ROC AUC |")


def test_no_card_names_a_person(built: Dbt, cards: dict[str, str]) -> None:
    people = {
        person
        for (person,) in built.query("select distinct customer_id from results.conversion_scores")
        if person and re.search("[a-z]", person)
    }
    assert len(people) > 1000
    for campaign, card in cards.items():
        assert not people & set(re.findall(r"\w+", card)), campaign


def test_a_card_is_replaced_whole_or_not_at_all(
    reported_warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "app_install.md").write_text("yesterday's")
    monkeypatch.setattr("python_models.delivery.model_cards.REPORTS", tmp_path)
    with pytest.raises(FileNotFoundError):
        list(write_model_cards(reported_warehouse, tmp_path))
    assert (tmp_path / "app_install.md").read_text() == "yesterday's"


def test_the_reports_get_the_same_cards(
    reported_warehouse: Path, cards: dict[str, str], tmp_path: Path
) -> None:
    """All in one file; the page writes title and question itself."""
    [file] = write_cards_for_reports(reported_warehouse, tmp_path / "made/cards.json")
    assert list(file.parent.iterdir()) == [file]
    bodies = {card["campaign"]: card["body"] for card in json.loads(file.read_text())}
    assert bodies == {campaign: card.split("\n\n", 2)[2] for campaign, card in cards.items()}


def test_every_query_of_the_reports_has_rows_without_any_campaign(built: Dbt, tmp_path: Path) -> None:
    """A source without a row would stop the build of the reports."""
    queries = sorted((REPORTS / "sources/warehouse").glob("*.sql"))
    assert len(queries) > 20
    warehouse = tmp_path / "empty.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(f"attach '{built.warehouse}' as warehouse (read_only)")
        connection.execute("create schema results")
        for (table,) in connection.execute(
            "select table_name from information_schema.tables "
            "where table_catalog = 'warehouse' and table_schema = 'results'"
        ).fetchall():
            connection.execute(f"create table results.{table} as from warehouse.results.{table} limit 0")
    list(write_cards_for_reports(warehouse, tmp_path / ".evidence/model_cards.json"))
    with duckdb.connect(str(warehouse), config={"file_search_path": str(tmp_path)}) as connection:
        for query in queries:
            if query.stem not in {"campaigns", "sufficiency"}:  # a build has these in any case
                assert len(connection.execute(query.read_text()).fetchall()) == 1, query.stem
