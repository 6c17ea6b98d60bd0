"""The whole insurance file, laid into the raw folder as it is: other column names, ten times the rows."""

from pathlib import Path

import pytest

from tests.conftest import Dbt


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, real_data: Path, default_data: Path) -> Dbt:
    folder = tmp_path_factory.mktemp("whole")
    (folder / "data/insurance").mkdir(parents=True)
    (folder / "data/insurance/train.csv").symlink_to(real_data / "insurance/train.csv")
    (folder / "data/coupon").symlink_to(default_data / "coupon")
    dbt = Dbt(folder, folder / "data")
    dbt("build")
    return dbt


def test_every_call_comes_through(whole: Dbt) -> None:
    assert whole.query("""
        select source_kind, entity_count, conversion_count from results.campaigns
        where campaign = 'insurance'
    """) == [("own", 45_211, 5_289)]
    missing = whole.query("""
        select
            count(*) - count(job), count(*) - count(education), count(*) - count(call_type),
            count(*) - count(previous_outcome)
        from campaigns.insurance_features
    """)
    assert missing == [(288, 1_857, 13_020, 36_959)]


def test_the_model_is_as_good_as_published_ones(whole: Dbt) -> None:
    measured = dict(
        whole.query("""
            select campaign, value from results.conversion_metrics
            where metric = 'roc_auc' and split = 'test' and starts_with(campaign, 'insurance')
        """)
    )
    assert measured["insurance"] > 0.79
    assert measured["insurance_with_call_length"] > 0.93


def test_out_of_fold_rows_and_test_rows_agree(whole: Dbt) -> None:
    """A model that had seen its training rows would rank them far better than test rows."""
    [(train, test)] = whole.query("""
        select
            max(value) filter (where split = 'train'), max(value) filter (where split = 'test')
        from results.conversion_metrics where campaign = 'insurance' and metric = 'roc_auc'
    """)
    assert abs(train - test) < 0.02


def test_probabilities_are_calibrated(whole: Dbt) -> None:
    [(error,)] = whole.query("""
        select value from results.conversion_metrics
        where campaign = 'insurance' and split = 'test' and metric = 'expected_calibration_error'
    """)
    assert error < 0.015
