"""A second build trains nothing; training again gives the same scores."""

import shutil
from collections.abc import Callable

from tests.support import Dbt


def test_a_second_build_trains_nothing_and_changes_no_score(built: Dbt, make_dbt: Callable[..., Dbt]) -> None:
    again = make_dbt(built.data)
    shutil.copy(f"{built.warehouse}.working", f"{again.warehouse}.working")
    again("run", "--select", "+conversion_scores", "+segment_members")
    for table, columns in {
        "results.conversion_models": "campaign, model_version, trained_at",
        "results.segmenters": "campaign, segmenter_version, trained_at",
        "results.conversion_scores": "campaign, entity_id, predicted_probability, decile",
        "results.segment_members": "campaign, entity_id, segment_id, segment_distance",
    }.items():
        query = f"select {columns} from {table} order by all"
        assert again.query(query) == built.query(query), table


def test_training_again_gives_the_same_scores_bit_for_bit(built: Dbt, make_dbt: Callable[..., Dbt]) -> None:
    again = make_dbt(built.data)
    shutil.copy(f"{built.warehouse}.working", f"{again.warehouse}.working")
    models = ("coupon_model", "coupon_scores", "insurance_model", "insurance_scores")
    again("run", "--select", *models, "--vars", "retrain: true")
    for campaign in ("coupon", "insurance"):
        query = f"""
            select model_version, entity_id, predicted_probability, baseline_probability
            from campaigns.{campaign}_scores order by entity_id
        """
        assert again.query_working(query) == built.query(query)
    [(before,)] = built.query("select max(trained_at) from campaigns.coupon_model")
    [(after,)] = again.query_working("select max(trained_at) from campaigns.coupon_model")
    assert after > before
