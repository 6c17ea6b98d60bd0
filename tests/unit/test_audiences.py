"""Money of a campaign, and the statistics behind audiences, against scipy."""

from collections.abc import Iterator

import duckdb
import jinja2
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from python_models.conversion.scoring import score
from python_models.conversion.training import train
from python_models.engines.duckdb.statistics import Plugin
from tests.support import REPOSITORY, Mart
from tests.unit.test_campaign import DECLARED
from tests.unit.test_training import clients


@pytest.fixture
def sql() -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty warehouse with the plugin's functions."""
    with duckdb.connect() as connection:
        connection.execute(
            "attach ':memory:' as warehouse; use warehouse; create schema results; create schema campaigns"
        )
        Plugin("statistics", {}).configure_connection(connection)
        yield connection


# --- money -------------------------------------------------------------------------------


def test_money_may_come_row_by_row_and_is_no_feature(mart: Mart) -> None:
    frame = clients(400)
    frame["cost"] = np.arange(400) / 100
    frame.loc[0, "cost"] = np.nan
    # too few conversions for a model: money needs none
    meta = DECLARED | {"contact_cost": "cost", "conversion_value": 90, "minimum_positives": 10_000}
    models = train(mart(frame), meta)
    assert "cost" not in models["features"][0].as_py()
    connection = duckdb.connect()
    connection.register("models", models)
    rows = score(mart(frame), connection.table("models"), meta).read_pandas().sort_values("entity_id")
    np.testing.assert_array_equal(rows["contact_cost"], frame["cost"])
    assert (rows["conversion_value"] == 90).all()


# --- who goes where ----------------------------------------------------------------------


def test_an_assignment_by_lot_gives_no_better_place(sql: duckdb.DuckDBPyConnection) -> None:
    """Of people alike, those whom two campaigns want are spread over the places of theirs as all are."""
    project = REPOSITORY / "dbt_project"
    files = ["macros/exact_sum.sql", "macros/contact_priority.sql"]
    files.append("models/results/audiences/steps/people_assigned.sql")
    text = "".join((project / file).read_text() for file in files)
    people = [
        (name, f"p{number}")
        for name, first in (("x", 0), ("y", 500))
        for number in range(first, first + 1000)
    ]
    frame = pd.DataFrame(people, columns=["campaign", "customer_id"]).assign(
        source="s",
        purpose="contact",
        priority=0.5,
        predicted_probability=0.5,
        expected_profit=1.0,
        holdout_share=0.1,
        draw=500_000,
        reason=pd.Series([None] * len(people), dtype="string"),
        room=np.nan,
        room_of_contact=np.nan,
    )
    sql.register("first_reasons", frame.assign(audience_id=frame["campaign"], entity_id=frame["customer_id"]))
    found = sql.sql(jinja2.Template(text).render(ref=lambda name: name)).df()
    both = found.groupby("customer_id")["campaign"].transform("size") == 2
    stays = found[found["reason"].isna()]
    assert len(stays) == 1500
    mean_place = stays.groupby([both, "campaign"])["place"].mean()
    # the mean of 250 or 500 draws from 1 to 1,000 is within 60 of 500
    assert mean_place.between(440, 560).all(), mean_place


# --- what contacting brought -------------------------------------------------------------


# --- what is expected --------------------------------------------------------------------


def test_gamma_quantiles_are_scipys(sql: duckdb.DuckDBPyConnection) -> None:
    rows = sql.sql("""
        select p, m, v, gamma_quantile(p, m, v) as found
        from (values (0.025e0, 3e0, 2e0), (0.975, 40.0, 90.0), (0.5, 0.2, 0.2)) as cases (p, m, v)
    """).fetchall()
    for p, mean, variance, found in rows:
        assert found == pytest.approx(stats.gamma(mean**2 / variance, scale=variance / mean).ppf(p))
    assert sql.sql("select gamma_quantile(0.5, 0.0, 1.0), gamma_quantile(0.5, null, 1.0)").fetchall() == [
        (None, None)
    ]


def test_normal_p_values_are_scipys(sql: duckdb.DuckDBPyConnection) -> None:
    [found] = sql.sql("select normal_p_value(0.0), normal_p_value(-1.96), normal_p_value(5.0)").fetchall()
    assert found == pytest.approx(2 * stats.norm.sf([0, 1.96, 5]))


def test_chi_square_p_values_are_scipys(sql: duckdb.DuckDBPyConnection) -> None:
    rows = sql.sql("""
        select x, k, chi_square_p_value(x, k) as found
        from (values (0e0, 3e0), (3.84, 1.0), (16.9, 9.0), (400.0, 10.0)) as cases (x, k)
    """).fetchall()
    for statistic, degrees_of_freedom, found in rows:
        assert found == pytest.approx(stats.chi2.sf(statistic, degrees_of_freedom))
    assert sql.sql("select chi_square_p_value(0.0, 0.0), chi_square_p_value(null, 1.0)").fetchall() == [
        (None, None)
    ]


# --- the default build -------------------------------------------------------------------
