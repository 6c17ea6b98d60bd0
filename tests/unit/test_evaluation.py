"""Measures of a model and their intervals, by the project's own SQL."""

from collections.abc import Iterator

import duckdb
import jinja2
import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from python_models.engines.duckdb.statistics import Plugin
from tests.support import REPOSITORY

PROJECT = REPOSITORY / "dbt_project"
MACROS = "".join((PROJECT / f"macros/{name}.sql").read_text() for name in ("intervals", "exact_sum"))
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
    sql.sql("create table conversion_policies as select 'made up' as campaign, 0.5 as threshold")
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
