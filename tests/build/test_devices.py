"""Scoring in bulk from a warehouse gives what the build gives."""

from pathlib import Path

import duckdb
import pytest

from python_models.common.errors import UserError
from python_models.common.warehouse import read_champion
from python_models.delivery.bulk.scoring import score_files


def test_what_is_not_known_in_the_warehouse_is_scored_as_the_build_scores_it(
    warehouse: Path, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    for campaign in ("coupon", "app_install"):
        key = read_champion(warehouse, campaign).key
        *_, folder = score_files(warehouse, campaign, None, tmp_path)
        compared = connection.sql(f"""
            select count(*), count(bulk.{key}),
                max(abs(bulk.predicted_probability - scores.predicted_probability)),
                bool_and(bulk.predicted_conversion = scores.predicted_conversion)
            from results.conversion_scores as scores
            full join read_parquet('{folder}/*.parquet') as bulk
                on scores.entity_id = cast(bulk.{key} as varchar)
            where coalesce(campaign, '{campaign}') = '{campaign}' and has_converted is null
        """).fetchone()
        assert compared is not None
        rows, found, difference, same = compared
        assert rows == found > 100
        assert difference < 1e-12
        assert same


def test_a_campaign_without_a_model_in_service_says_why(warehouse: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"'display_ads' has no model in service: Only .* converted"):
        list(score_files(warehouse, "display_ads", None, tmp_path))
    with pytest.raises(UserError, match=r"'no_such' has no model in .*; it has app_install, coupon"):
        list(score_files(warehouse, "no_such", None, tmp_path))
