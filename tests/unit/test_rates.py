"""The statistics macros, against scipy and numbers known by hand."""

import math
from fractions import Fraction

import duckdb
import jinja2
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from python_models.engines.duckdb.statistics import Plugin
from tests.support import REPOSITORY

SMALLEST_CELL = 10


@pytest.fixture(scope="module")
def sql() -> duckdb.DuckDBPyConnection:
    """A database with the plugin's functions."""
    with duckdb.connect() as connection:
        Plugin("statistics", {}).configure_connection(connection)
        yield connection


# --- the functions -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("probability", "a", "b", "expected"),
    [
        (0.5, 1, 1, 0.5),
        (0.25, 2, 1, 0.5),  # distribution function x^2
        (0.875, 1, 3, 0.5),  # 1 - (1 - x)^3
        (0.5, 0.5, 0.5, 0.5),
        (0.0, 2, 3, 0.0),
        (1.0, 2, 3, 1.0),
    ],
)
def test_beta_quantiles_known_by_hand(
    sql: duckdb.DuckDBPyConnection, probability: float, a: float, b: float, expected: float
) -> None:
    [(found,)] = sql.execute("select beta_quantile(?, ?, ?)", [probability, a, b]).fetchall()
    assert found == pytest.approx(expected, abs=1e-12)


def test_beta_quantiles_are_scipys(sql: duckdb.DuckDBPyConnection) -> None:
    rows = sql.sql("""
        select p, x + 0.5 as a, n - x + 0.5 as b, beta_quantile(p, x + 0.5, n - x + 0.5) as found
        from unnest([0.025, 0.975]) as levels (p)
        cross join unnest([1, 7, 300, 100000000]) as sizes (n)
        cross join unnest([0, 1, 3, 250]) as hits (x)
        where x <= n
    """).df()
    np.testing.assert_allclose(rows["found"], stats.beta.ppf(rows["p"], rows["a"], rows["b"]), rtol=1e-9)


def tail(most: int, row_count: int, all_converted: int, all_rows: int) -> Fraction:
    """Chance of at most so many converters in a group drawn blindly, in whole numbers."""
    ways = sum(
        math.comb(all_converted, hits) * math.comb(all_rows - all_converted, row_count - hits)
        for hits in range(max(0, row_count - all_rows + all_converted), most + 1)
    )
    return Fraction(ways, math.comb(all_rows, row_count))


def test_the_exact_test_counts_every_way(sql: duckdb.DuckDBPyConnection) -> None:
    """All tables of nine rows, and one in which a normal approximation would fail."""
    tables = [
        (hits, size, converted, 9)
        for size in range(10)
        for converted in range(10)
        for hits in range(max(0, size + converted - 9), min(size, converted) + 1)
    ]
    tables.append((2, 2, 30, 3000))
    for hits, size, converted, rows in tables:
        [(found,)] = sql.execute("select exact_p_value(?, ?, ?, ?)", [hits, size, converted, rows]).fetchall()
        lower = tail(hits, size, converted, rows)
        upper = 1 - tail(hits - 1, size, converted, rows)
        assert found == pytest.approx(float(min(1, 2 * min(lower, upper))), rel=1e-9)


def test_a_p_value_of_rows_that_repeat_is_that_of_as_many_customers(sql: duckdb.DuckDBPyConnection) -> None:
    """Twice the rows have twice the z squared; a design effect of two takes it back."""
    z = np.array([0.0, 0.5, 1.96, 6.0])
    for once, twice in zip(2 * stats.norm.sf(z), 2 * stats.norm.sf(z * 2**0.5), strict=True):
        [(found,)] = sql.execute("select clustered_p_value(?, 2.0)", [twice]).fetchall()
        assert found == pytest.approx(once, rel=1e-9)


@pytest.mark.parametrize(
    "call",
    [
        "beta_quantile(if(i % 2 = 0, null, 0.5), 1.0, 2.0)",
        "beta_quantile(0.5, 1.0, if(i % 2 = 0, null, 2.0))",
        "exact_p_value(1, 2, if(i % 2 = 0, null, 3), 9)",
    ],
)
def test_null_in_is_null_out_in_every_place(sql: duckdb.DuckDBPyConnection, call: str) -> None:
    rows = sql.sql(f"select i, {call} from range(5000) as numbers (i)").fetchall()
    assert [place for place, found in rows if (found is None) != (place % 2 == 0)] == []


def test_what_has_no_quantile_is_null(sql: duckdb.DuckDBPyConnection) -> None:
    assert sql.sql("select beta_quantile(2.0, 1.0, 1.0), exact_p_value(3, 2, 3, 9)").fetchall()[0][0] is None


# --- counts and rates ----------------------------------------------------------------------


# --- ranges --------------------------------------------------------------------------------


# --- profiles ------------------------------------------------------------------------------


def test_a_q_value_is_never_below_its_p_value(sql: duckdb.DuckDBPyConnection) -> None:
    """`p * 43 / 43` is below p for one p in twelve; `p * (43 / 43)` never is."""
    categories, rows = 43, 200
    # half of the categories convert well, half badly: no p-value is 1
    rates = np.where(np.arange(categories) % 2, 0.1, 0.25)
    converted = np.random.default_rng(43).binomial(rows, rates, (300, categories))
    counts = pd.DataFrame(  # noqa: F841 (read by the query)
        {
            "campaign": np.arange(300).repeat(categories).astype(str),
            "column_name": "feature",
            "category": np.tile(np.arange(categories), 300).astype(str),
            "is_feature": True,
            "is_audited": False,
            "row_count": rows,
            "converted": converted.ravel(),
            "design_effect": 1.0,
        }
    )
    macro = (REPOSITORY / "dbt_project/macros/adjust_p_values.sql").read_text()
    text = macro + (REPOSITORY / "dbt_project/models/results/converters/converter_profiles.sql").read_text()
    variables = {"smallest_cell": SMALLEST_CELL}
    text = text.replace("most_categories = 20", f"most_categories = {categories}")
    query = jinja2.Template(text).render(ref=lambda _: "counts", var=variables.get)
    profiles = sql.sql(query).df()
    assert len(profiles) == 300 * categories
    assert (profiles["q_value"] >= profiles["p_value"]).all()


# --- fairness ------------------------------------------------------------------------------
