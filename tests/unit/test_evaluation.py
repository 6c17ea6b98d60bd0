"""Measures of a model and their intervals, by the project's own SQL."""

from collections.abc import Iterator

import duckdb
import jinja2
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import metrics

from python_models.engines.duckdb.statistics import Plugin
from tests.support import REPOSITORY

PROJECT = REPOSITORY / "dbt_project"
MACROS = "".join(
    (PROJECT / f"macros/{name}.sql").read_text()
    for name in ("intervals", "exact_sum", "clustered_counts", "money")
)
VARIABLES = {"bootstrap_replicates": 200, "smallest_cell": 10}


@pytest.fixture
def sql() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with the plugin's functions."""
    with duckdb.connect() as connection:
        Plugin("statistics", {}).configure_connection(connection)
        yield connection


def query(model: str) -> str:
    """The SQL of a model of results; what it reads are tables of the same names."""
    text = (PROJECT / f"models/results/{model}.sql").read_text()
    return jinja2.Template(MACROS + text).render(ref=lambda name: name, var=VARIABLES.get)


# --- rankings ------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "conversions", "tolerance"), [(5000, 8, 1e-12), (3000, 1500, 5e-4)])
def test_bins_rank_a_bootstrap_draw_as_its_rows_do(
    sql: duckdb.DuckDBPyConnection, rows: int, conversions: int, tolerance: float
) -> None:
    """Exact for few conversions, near enough for many, against scikit-learn with weights."""
    generator = np.random.default_rng(1)
    outcome = np.zeros(rows, dtype=int)
    outcome[:conversions] = 1
    # rounded, so that there are ties
    probability = (generator.normal(outcome * 2.0).round(3) + 10) / 20
    frame = pd.DataFrame(
        {
            "campaign": "made up",
            "split": "test",
            "customer_id": np.arange(rows).astype(str),
            "entity_id": np.arange(rows).astype(str),
            "outcome": outcome,
            "predictor": "model",
            "probability": probability,
        }
    )
    sql.register("listed_predictions", frame)
    decided = pd.DataFrame({"campaign": ["made up"], "predictor": ["model"], "threshold": [0.5]})
    sql.register("predictor_thresholds", decided)
    sql.sql("create table graded_splits as select 'made up' as campaign, 'test' as graded_split")
    ranked = sql.sql(query("evaluation/steps/ranked_predictions") + " order by cast(customer_id as int)").df()
    assert ranked["coarse_rank"].nunique() <= 2 * conversions + 1
    weight = generator.poisson(1, rows)
    draw = ranked.assign(
        replicate=1, rank=ranked["coarse_rank"], row_count=weight, converted=weight * outcome
    )
    sql.register("replicate_counts", draw)
    measured = sql.sql(query("evaluation/steps/replicate_rankings")).df()
    for measure, exact in [
        ("roc_auc", metrics.roc_auc_score),
        ("average_precision", metrics.average_precision_score),
    ]:
        expected = exact(outcome, probability, sample_weight=weight)
        assert measured[measure][0] == pytest.approx(expected, abs=tolerance), measure


@pytest.mark.parametrize("count", [39, 50, 200])
def test_bounds_of_replicates_leave_out_as_much_whatever_their_number(
    sql: duckdb.DuckDBPyConnection, count: int
) -> None:
    """Of n uniform values the .025 (n + 1)th is .025 on average."""
    values = pd.DataFrame({"replicate": range(count + 1), "name": "a"})
    # the expected order statistics of n uniform values
    values["value"] = values["replicate"] / (count + 1)
    sql.register("replicates", values)
    text = """
        with places as (
            select *, {{ replicate_places('value', 'name') }} from replicates
        )
        select
            {{ replicate_bound('value', 0.025) }} filter (where replicate > 0),
            {{ replicate_bound('value', 0.975) }} filter (where replicate > 0)
        from places
    """
    [bounds] = sql.sql(jinja2.Template(MACROS + text).render()).fetchall()
    assert bounds == pytest.approx((0.025, 0.975))


# --- customers with several rows -----------------------------------------------------------


def judged(customers: int, rows_each: int, converted: np.ndarray, deciles: int = 2) -> pd.DataFrame:
    """Rows as `judged_scores` has them; those of a customer share a decile."""
    customer = np.arange(customers).repeat(rows_each)
    return pd.DataFrame(
        {
            "campaign": "made up",
            "split": "test",
            "customer_id": customer.astype(str),
            "decile": 1 + customer % deciles,
            "predicted_probability": 0.5,
            "has_converted": converted,
        }
    )


def test_rows_that_repeat_their_customer_count_once(sql: duckdb.DuckDBPyConnection) -> None:
    """Four rows of each customer with the same outcome: intervals are those of the customers."""
    once = np.random.default_rng(2).random(200) < 0.3
    sql.register("judged_scores", judged(200, 4, once.repeat(4)))
    fourfold = sql.sql(query("evaluation/conversion_calibration") + " order by bin").df()
    sql.register("judged_scores", judged(200, 1, once))
    single = sql.sql(query("evaluation/conversion_calibration") + " order by bin").df()
    assert (fourfold["row_count"] == 4 * single["row_count"]).all()
    for column in ("observed_rate", "lower", "upper"):
        np.testing.assert_allclose(fourfold[column], single[column], rtol=1e-9)


def test_an_interval_covers_the_rate_of_customers_with_several_rows(sql: duckdb.DuckDBPyConnection) -> None:
    """1,000 bins of 60 customers with four rows each, whose chances differ; by rows it would be 88 %."""
    generator = np.random.default_rng(3)
    chances = generator.beta(0.2 * 4, 0.8 * 4, 60_000)
    outcome = generator.random((60_000, 4)) < chances[:, None]
    rows = judged(60_000, 4, outcome.ravel(), deciles=10)
    rows["campaign"] = (np.arange(60_000) // 600).repeat(4).astype(str)
    sql.register("judged_scores", rows)
    bins = sql.sql(query("evaluation/conversion_calibration")).df()
    assert len(bins) == 1000
    assert bins.eval("lower <= 0.2 <= upper").mean() == pytest.approx(0.95, abs=0.015)


# --- fairness ------------------------------------------------------------------------------


def selection_ratios(sql: duckdb.DuckDBPyConnection, groups: list[tuple[str, int, int]]) -> pd.DataFrame:
    """Ratios of groups (name, rows, contacted), one row for each customer."""
    rates = pd.DataFrame(groups, columns=["group_value", "row_count", "converted"])
    bounds = [stats.binomtest(x, n).proportion_ci(method="wilson") for _, n, x in groups]
    rates = rates.assign(
        campaign="made up",
        audited_column="gender",
        measure="selection",
        design_effect=1.0,
        rate=rates["converted"] / rates["row_count"],
        rate_lower=[bound.low for bound in bounds],
        rate_upper=[bound.high for bound in bounds],
    )
    sql.register("group_rates", rates)
    return sql.sql(query("evaluation/steps/selection_ratios")).df().set_index("group_value")


def test_the_ratio_of_two_rates_has_the_interval_of_donner_and_zou(sql: duckdb.DuckDBPyConnection) -> None:
    """Bounds solve p1 = R p2 for the Wilson bounds of both rates, whose distances add up as squares."""
    found = selection_ratios(sql, [("f", 500, 35), ("m", 400, 60)]).loc["f"]
    (l1, u1), (l2, u2) = [
        stats.binomtest(x, n).proportion_ci(method="wilson") for x, n in ((35, 500), (60, 400))
    ]
    p1, p2 = 35 / 500, 60 / 400
    assert found["ratio_to_best"] == pytest.approx(p1 / p2)
    lower, upper = found["ratio_lower"], found["ratio_upper"]
    # the difference p1 - R p2 has a bound of 0 where R is a bound of the ratio (Zou and Donner 2008)
    assert p1 - lower * p2 == pytest.approx(np.hypot(p1 - l1, lower * (u2 - p2)))
    assert upper * p2 - p1 == pytest.approx(np.hypot(u1 - p1, upper * (p2 - l2)))


def test_chance_makes_no_group_unequal_nor_equal_enough(sql: duckdb.DuckDBPyConnection) -> None:
    even = selection_ratios(sql, [("f", 100, 7), ("m", 100, 13)])
    assert even["ratio_to_best"].round(2).to_dict() == {"f": 0.54, "m": 1.0}
    assert even.loc["f", "ratio_lower"] < 0.8 < even.loc["f", "ratio_upper"]
    unequal = selection_ratios(sql, [("f", 5000, 350), ("m", 5000, 500)])
    assert unequal.loc["f", "ratio_upper"] < 0.8
    equal = selection_ratios(sql, [("f", 5000, 490), ("m", 5000, 500)])
    assert equal.loc["f", "ratio_lower"] >= 0.8
    assert equal.loc["m", "ratio_upper"] == 1


def test_of_many_groups_the_luckiest_is_not_taken_for_the_best(sql: duckdb.DuckDBPyConnection) -> None:
    """The more groups may be the best, the wider a ratio is to its top; a tiny group compares nobody."""
    two = selection_ratios(sql, [("a", 200, 14), ("b", 200, 30)])
    six = selection_ratios(sql, [("a", 200, 14), *((name, 200, 30) for name in "bcdef"), ("tiny", 99, 99)])
    assert six.loc["a", "ratio_to_best"] == two.loc["a", "ratio_to_best"] == pytest.approx(14 / 30)
    assert six.loc["a", "ratio_upper"] > two.loc["a", "ratio_upper"]
    assert six.loc["a", "ratio_lower"] == two.loc["a", "ratio_lower"]


# --- promises ------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["false_alarms_at_most", "precision_at_least"])
def test_a_promise_counts_rows_that_repeat_their_customer_once(
    sql: duckdb.DuckDBPyConnection, policy: str
) -> None:
    """Three equal rows of each customer: the design effect is three at every threshold."""
    generator = np.random.default_rng(4)
    rows = judged(200, 3, (generator.random(200) < 0.3).repeat(3))
    rows = rows.assign(
        split="train",
        entity_id=np.arange(len(rows)).astype(str),
        predicted_probability=generator.random(200).round(1).repeat(3),
    )
    sql.register("judged_scores", rows)
    sql.register("declared_policies", pd.DataFrame([{"campaign": "made up", "policy": policy}]))
    sql.execute(f"create table promise_increments as {query('evaluation/steps/promise_increments')}")
    effects = sql.sql(query("evaluation/steps/threshold_effects")).df()
    assert len(effects) == rows["predicted_probability"].nunique()
    np.testing.assert_allclose(effects["design_effect"], 3)


# --- money ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cost", "value", "total_cost", "expected_profit"),
    [
        ([1, 1, 1, 1], [9, 9, 9, 9], [1, 2, 3, 4], [8, 7, 15, 14]),
        # nobody knows what contacting the third costs
        ([1, 1, None, 1], [9, 9, 9, 9], [1, 2, None, None], [8, 7, None, None]),
        # the value of who does not convert is of no account
        ([1, 1, 1, 1], [9, None, None, 9], [1, 2, 3, 4], [8, 7, None, None]),
        ([1, 1, 1, 1], [None] * 4, [1, 2, 3, 4], [None] * 4),
        ([None] * 4, [9, 9, 9, 9], [None] * 4, [None] * 4),
    ],
)
def test_missing_money_leaves_the_profit_open(
    sql: duckdb.DuckDBPyConnection,
    cost: list[float | None],
    value: list[float | None],
    total_cost: list[float | None],
    expected_profit: list[float | None],
) -> None:
    rows = judged(4, 1, np.array([True, False, True, False])).assign(
        split="train",
        predicted_probability=[0.8, 0.6, 0.4, 0.2],
        contact_cost=pd.array(cost, dtype="Float64"),
        conversion_value=pd.array(value, dtype="Float64"),
    )
    sql.register("judged_scores", rows)
    sql.register("all_scores", rows)
    declared = pd.DataFrame({"campaign": ["made up"], "policy": ["f1"], "policy_limit": [np.nan]})
    sql.register("declared_policies", declared)
    sql.register("threshold_effects", declared.assign(threshold=0.8, design_effect=1.0))
    sql.execute(f"create table threshold_counts as {query('evaluation/steps/threshold_counts')}")
    curve = sql.sql(f"from ({query('evaluation/conversion_curves')}) order by threshold desc")
    assert curve.project("total_cost, expected_profit").fetchall() == list(
        zip(total_cost, expected_profit, strict=True)
    )


# --- differences ---------------------------------------------------------------------------


def test_a_difference_of_rates_has_the_published_bounds(sql: duckdb.DuckDBPyConnection) -> None:
    """Example (a) of Newcombe 1998, table II, method 10: 56 of 70 against 48 of 80."""
    text = """
        with counts as (select 56 as one_count, 70 as one_size, 48 as two_count, 80 as two_size),
        rates as (
            select
            {%- for group in ['one', 'two'] %}
                {{ group }}_count / {{ group }}_size as {{ group }}_rate,
                {{ wilson_bound(group ~ '_count', group ~ '_size', -1) }} as {{ group }}_lower,
                {{ wilson_bound(group ~ '_count', group ~ '_size', 1) }} as {{ group }}_upper,
            {%- endfor %}
            from counts
        )
        select
            {{ newcombe_bound('one_rate - two_rate', 'one', 'two', 'lower') }},
            {{ newcombe_bound('one_rate - two_rate', 'one', 'two', 'upper') }}
        from rates
    """
    [bounds] = sql.sql(jinja2.Template(MACROS + text).render()).fetchall()
    assert bounds == pytest.approx((0.0524, 0.3339), abs=5e-5)
