"""A day makes what audiences are made of, and can be scored again from a date on."""

import shutil
from collections.abc import Callable
from pathlib import Path

from tests.support import Dbt


def test_a_day_makes_all_that_audiences_are_made_of(built: Dbt) -> None:
    """But what is learnt and judged by the week: else new rows and refusals would be passed over."""

    def listed(*selection: str) -> set[str]:
        kinds = ("--resource-type", "model", "--resource-type", "seed")
        return set(built("--quiet", "ls", "--output", "name", *kinds, *selection).split())

    of_the_week = {"audience_evidence", "judged_scores"}
    of_the_week |= {"conversion_models", "conversion_curves", "conversion_policies"}
    parents = listed("--select", "+audiences", "--exclude", "config.materialized:ephemeral")
    missing = parents - listed("--selector", "daily") - of_the_week
    assert {name for name in missing if not name.endswith("_model")} == set()


def test_a_day_can_be_scored_again_from_a_date_on(
    built: Dbt, make_dbt: Callable[..., Dbt], default_data: Path
) -> None:
    """`backfill_from` scores rows as of that date or later again, and no other."""
    dbt = make_dbt(default_data)
    shutil.copy(f"{built.warehouse}.working", f"{dbt.warehouse}.working")
    [(date, later)] = built.query("""
        select max(as_of_date), count(*) filter (where as_of_date = latest)
        from campaigns.coupon_features, (select max(as_of_date) as latest from campaigns.coupon_features)
    """)
    before = dict(built.query("select entity_id, scored_at from campaigns.coupon_scores"))
    dbt("run", "--select", "coupon_scores", "--vars", f"backfill_from: {date}")
    after = dict(dbt.query_working("select entity_id, scored_at from campaigns.coupon_scores"))
    assert sum(before[key] != after[key] for key in before) == later
    assert 0 < later < len(before)
