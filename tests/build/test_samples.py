"""What the samples hide is found by the build, as far as it can be."""

from pathlib import Path

import duckdb
import pandas as pd
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from tests.support import REPOSITORY, Dbt
from tests.unit.test_samples import rows


@pytest.fixture(scope="session")
def truth(default_data: Path) -> Path:
    return default_data.parent / "truth"


def test_nothing_in_a_build_knows_of_the_truth(connection: duckdb.DuckDBPyConnection, truth: Path) -> None:
    files = [*(REPOSITORY / "dbt_project/models").rglob("*"), *(REPOSITORY / "dbt_project/macros").rglob("*")]
    assert [path for path in files if path.is_file() and "truth" in path.read_text().lower()] == []
    columns = connection.sql("select distinct column_name from information_schema.columns").fetchall()
    hidden = {
        name
        for file in truth.rglob("*.parquet")
        for (name, *_) in rows(f"describe from '{file}'")
        if name.startswith(("true_", "favourite_theme", "customer_kind"))
    }
    assert hidden >= {"true_probability", "customer_kind"}
    assert hidden.isdisjoint(name for (name,) in columns)


def test_conversions_of_devices_halve_from_training_to_validation(
    truth: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    (train, train_error), (test, test_error) = connection.sql(f"""
        select avg(true_probability), stddev_samp(true_probability) / sqrt(count(*))
        from campaigns.display_ads_features
        inner join '{truth}/display_ads/*.parquet' using (device_id)
        where split in ('train', 'test') group by split order by split desc
    """).fetchall()
    assert train == pytest.approx(6e-4, rel=0.1)
    assert abs(test - train / 2) < 3 * (test_error**2 + train_error**2 / 4) ** 0.5
    assert abs(test - train) > 3 * (test_error**2 + train_error**2) ** 0.5


def test_the_sample_is_as_dirty_as_life(connection: duckdb.DuckDBPyConnection) -> None:
    statuses = dict(
        connection.sql("""
            select concat(source, ' ', row_status), count(*) from results.rejected_rows group by all
        """).fetchall()
    )
    for dirt in (
        "app_install duplicate",
        "app_install rejected",
        "display_ads duplicate",
        "display_ads rejected",
        "mail_out duplicate",
        "online_retail rejected",
    ):
        assert statuses[dirt] > 0, dirt
    [(returns, nobody, late, no_demographics)] = connection.sql("""
        select
            (select count(*) from core.transactions where source = 'online_retail' and line_kind = 'return'),
            (select count(*) from core.transactions where source = 'online_retail' and customer_id is null),
            (
                select count(*) from core.transactions
                where source = 'app_install' and known_at > purchased_at + interval 1 day
            ),
            (select count(*) from campaigns.app_install_features where not has_demographics)
    """).fetchall()
    assert min(returns, nobody, late, no_demographics) > 100


@pytest.fixture(scope="session")
def scored_clicks(warehouse: Path, truth: Path) -> pd.DataFrame:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.sql(f"""
            select scores.*, clicks.true_probability, clicks.has_installed
            from results.conversion_scores as scores
            inner join '{truth}/app_install/clicks.parquet' as clicks on scores.entity_id = clicks.event_id
            where campaign = 'app_install' and split = 'test'
        """).df()


def test_a_score_is_as_good_as_chance_allows_and_no_better(scored_clicks: pd.DataFrame) -> None:
    """A score that ranked outcomes better than the probability that made them would know the future."""
    outcome = scored_clicks["has_installed"].astype(int)
    best = roc_auc_score(outcome, scored_clicks["true_probability"])
    reached = roc_auc_score(outcome, scored_clicks["predicted_probability"])
    assert 0.72 < reached < best + 0.01
    assert spearmanr(scored_clicks["true_probability"], scored_clicks["predicted_probability"])[0] > 0.7


def test_scores_mean_what_is_true(scored_clicks: pd.DataFrame) -> None:
    means = scored_clicks[["predicted_probability", "true_probability"]].mean()
    assert means["predicted_probability"] == pytest.approx(means["true_probability"], rel=0.2)


def test_products_of_a_theme_are_found(built: Dbt, truth: Path) -> None:
    """The learned groups are the themes that the sample's products were made of."""
    with duckdb.connect(str(built.warehouse), read_only=True) as connection:
        [(products, alike)] = connection.sql(f"""
            with themes as (
                select product_group, theme, count(*) as product_count
                from core.product_groups
                inner join '{truth}/online_retail/products.parquet' on product_id = StockCode
                where source = 'online_retail'
                group by all
            ),
            groups as (
                select product_group, max(product_count) as most, sum(product_count) as product_count
                from themes group by all
            )
            select sum(product_count), sum(most) from groups
        """).fetchall()
    assert products > 800
    assert alike / products > 0.9
