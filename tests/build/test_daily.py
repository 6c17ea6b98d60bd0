"""A day makes what audiences are made of, and can be scored again from a date on."""

from tests.support import Dbt


def test_a_day_makes_all_that_audiences_are_made_of(built: Dbt) -> None:
    """But what is learnt and judged by the week: else new rows and refusals would be passed over."""

    def listed(*selection: str) -> set[str]:
        kinds = ("--resource-type", "model", "--resource-type", "seed")
        return set(built("--quiet", "ls", "--output", "name", *kinds, *selection).split())

    # their figures stand side by side
    page = listed("--select", "1+exposure:report_data_quality")
    assert page - listed("--selector", "daily") == set() != page

    of_the_week = {"audience_evidence", "judged_scores"}
    of_the_week |= {"conversion_models", "conversion_curves", "conversion_policies"}
    parents = listed("--select", "+audiences", "--exclude", "config.materialized:ephemeral")
    missing = parents - listed("--selector", "daily") - of_the_week
    assert {name for name in missing if not name.endswith("_model")} == set()
