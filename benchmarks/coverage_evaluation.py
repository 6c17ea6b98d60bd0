"""How often the published intervals of a model's evaluation hold the truth of made-up campaigns.

    DBT_PROJECT_DIR=dbt_project .venv/bin/dbt compile --vars 'bootstrap_replicates: 39' \
        --select results.evaluation results.converters
    PYTHONPATH=. .venv/bin/python benchmarks/coverage_evaluation.py

Each campaign is one draw, and the project's own SQL gives its intervals. 39 replicates leave out as much
as 200.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import duckdb
import jinja2
import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import norm

from python_models.engines.duckdb.statistics import Plugin

COMPILED = Path("dbt_project/target/compiled/leadlight/models/results")
DRAWS = 300
CLUSTERED = "customer, 4 rows on average"


class Coverage(NamedTuple):
    """One interval: of what, by which unit and method, and how often it held the truth."""

    interval: str
    unit: str
    method: str
    nominal: float
    measured: float


def run(compiled: Path, models: list[str], tables: dict[str, pd.DataFrame]) -> list[pd.DataFrame]:
    """Build models one after the other; `tables` are those of schema results that the first ones read."""
    with duckdb.connect() as connection:
        connection.execute(
            "attach ':memory:' as warehouse; use warehouse; create schema results; create schema campaigns"
        )
        Plugin.configure_connection(None, connection)  # type: ignore[arg-type]
        for name, frame in tables.items():
            connection.register("frame", frame)
            schema = "" if "." in name else "results."
            connection.execute(f"create table {schema}{name} as from frame")
            connection.unregister("frame")
        for model in models:
            query = (compiled / f"{model}.sql").read_text()
            connection.execute(f"create table results.{Path(model).name} as {query}")
        return [connection.sql(f"from results.{Path(model).name}").df() for model in models]


def covered(
    rows: pd.DataFrame, truth: pd.Series | float, lower: str = "lower", upper: str = "upper"
) -> float:
    return float(((rows[lower] <= truth) & (truth <= rows[upper])).mean())


# --- rankings ------------------------------------------------------------------------------


def scored(generator: np.random.Generator, rows: int, rate: float) -> pd.DataFrame:
    """Rows with an outcome, the probability of a model of ROC AUC .86, and of a rule of eight groups."""
    outcome = generator.random(rows) < rate
    signal = generator.normal(1.5 * outcome)
    rule = np.digitize(0.7 * signal + 0.7 * generator.normal(size=rows), norm.ppf(np.arange(1, 8) / 8))
    return pd.DataFrame(
        {
            "has_converted": outcome,
            "predicted_probability": expit(np.log(rate / (1 - rate)) + 1.5 * signal - 1.5**2 / 2),
            "baseline_probability": rate * (0.1 + 0.35 * rule),
        }
    )


def measures(compiled: Path, rows: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the metrics of the model and its gains, one row per campaign and metric."""
    names = rows["campaign"].unique()
    # training rows choose the threshold of the rule
    training = rows.groupby("campaign").head(20).assign(split="train")
    rows = pd.concat([rows, training[training["campaign"] != "truth"]])
    rows = rows.assign(entity_id=np.arange(len(rows)).astype(str), declared_baseline_probability=np.nan)
    champions = {"model_version": "a", "is_champion": True, "declaration": "{}", "baseline_rule": "rule"}
    tables = {
        "judged_scores": rows,
        "conversion_policies": pd.DataFrame({"campaign": names, "threshold": 0.5}),
        "conversion_models": pd.DataFrame({"campaign": names, **champions}),
    }
    models = [f"evaluation/conversion_{name}" for name in ("replicates", "metrics", "baselines")]
    return run(compiled, models, tables)[1:]


def rankings(compiled: Path, rows: int, conversions: int, copies: int = 1) -> Iterator[Coverage]:
    """ROC AUC, average precision, log loss and their gains over a rule."""
    generator = np.random.default_rng(rows + conversions)
    rate = conversions / rows
    # training rows have no replicates
    many = scored(generator, 300_000, rate)
    many = many.assign(campaign="truth", split="train", customer_id=np.arange(len(many)).astype(str))
    truth = measures(compiled, many)[0].set_index("metric")
    drawn = scored(generator, DRAWS * rows // copies, rate)
    drawn = drawn.assign(
        campaign=(np.arange(len(drawn)) * copies // rows).astype(str),
        split="test",
        customer_id=np.arange(len(drawn)).astype(str),
    )
    metrics, gains = measures(compiled, drawn.loc[drawn.index.repeat(copies)])
    unit = "customer" if copies == 1 else f"customer, {copies} equal rows"
    of = f"{rows:,} rows, {conversions} conversions"
    for metric in ("roc_auc", "average_precision", "log_loss"):
        value, rule = truth.loc[metric, ["value", "baseline_value"]]
        held = covered(metrics[metrics["metric"] == metric], value)
        yield Coverage(f"{metric}, {of}", unit, "Poisson bootstrap", 0.95, held)
        held = covered(gains[gains["metric"] == metric], value - rule, "gain_lower", "gain_upper")
        yield Coverage(f"gain of {metric}, {of}", unit, "Poisson bootstrap", 0.95, held)


# --- rates of customers with several rows --------------------------------------------------


def clustered(generator: np.random.Generator, customers: int, rate: float) -> pd.DataFrame:
    """Rows of customers who have four on average and a chance to convert of their own (correlation .2)."""
    sizes = generator.geometric(0.25, customers)
    chance = generator.beta(4 * rate, 4 * (1 - rate), customers)
    customer = np.arange(customers).repeat(sizes)
    return pd.DataFrame(
        {"customer": customer, "has_converted": generator.random(len(customer)) < chance[customer]}
    )


def calibration_bins(compiled: Path, rate: float = 0.1) -> Iterator[Coverage]:
    """Observed rates of ten bins of 60 customers."""
    rows = clustered(np.random.default_rng(1), DRAWS * 600, rate)
    rows = rows.assign(
        campaign=(rows["customer"] // 600).astype(str),
        split="test",
        customer_id=rows["customer"].astype(str),
        decile=1 + rows["customer"] % 10,
        predicted_probability=rate,
    )
    [bins] = run(compiled, ["evaluation/conversion_calibration"], {"judged_scores": rows})
    yield Coverage(
        f"calibration bin, rate {rate:.0%}", CLUSTERED, "Wilson, design effect", 0.95, covered(bins, rate)
    )


def category_rates(compiled: Path, rate: float) -> Iterator[Coverage]:
    """Rates of the five categories of a dimension, of 100 customers each; and p-values of a profile."""
    rows = clustered(np.random.default_rng(2), DRAWS * 500, rate)
    rows = rows.assign(
        campaign=(rows["customer"] // 500).astype(str),
        column_name="a",
        category=(rows["customer"] % 5).astype(str),
        customer_id=rows["customer"],
    )
    keys = ["campaign", "column_name", "category"]
    customers = rows.groupby([*keys, "customer_id"], as_index=False)["has_converted"].agg(  # noqa: F841
        row_count="size", converted="sum"
    )
    macro = Path("dbt_project/macros/clustered_counts.sql").read_text()
    query = jinja2.Template(macro + "{{ clustered_counts('customers', keys, keys[:2]) }}").render(keys=keys)
    counts = duckdb.sql(query).df()
    counts = counts.assign(is_dimension=True, is_feature=True, is_audited=False)
    [rates] = run(compiled, ["converters/conversion_rates"], {"conversion_counts": counts})
    yield Coverage(
        f"category, rate {rate:.0%}", CLUSTERED, "Jeffreys, design effect", 0.95, covered(rates, rate)
    )
    [profiles] = run(compiled, ["converters/converter_profiles"], {"conversion_counts": counts})
    yield Coverage(
        f"profile, rate {rate:.0%}: p-value over .05 without a difference",
        CLUSTERED,
        "Fisher, Rao and Scott",
        0.95,
        float((profiles["p_value"] > 0.05).mean()),
    )


# --- fairness ------------------------------------------------------------------------------


def fairness_ratio(compiled: Path, rows: int, ratio: float, rate: float = 0.1) -> Iterator[Coverage]:
    """Ratio of the selection rates of two groups of the audited campaign `app_install`, a draw at a time."""
    generator = np.random.default_rng(rows)
    found = []
    gender = np.array(["f", "m"]).repeat(rows)
    ids = np.arange(2 * rows).astype(str)
    for _ in range(DRAWS):
        scores = pd.DataFrame(
            {
                "campaign": "app_install",
                "entity_id": ids,
                "customer_id": ids,
                "split": "test",
                "has_converted": generator.random(2 * rows) < rate,
                "predicted_probability": 0.1,
                "predicted_conversion": generator.random(2 * rows) < np.where(gender == "f", ratio, 1) * rate,
            }
        )
        nobody = pd.DataFrame({"client_id": [""], "age_band": [""], "marital_status": [""]})
        tables = {
            "conversion_scores": scores,
            "campaigns.app_install_features": pd.DataFrame({"click_id": ids, "gender": gender}),
            "campaigns.insurance_features": nobody,
        }
        [groups] = run(compiled, ["evaluation/conversion_fairness"], tables)
        found.append(groups.set_index("group_value").loc["f"])
    rows_found = pd.DataFrame(found)
    verdicts = rows_found["status"].value_counts(normalize=True).round(3).to_dict()
    yield Coverage(
        f"ratio of selection rates {ratio}, {rows} rows each, status {verdicts}",
        "customer",
        "Donner and Zou",
        0.95,
        covered(rows_found, ratio, "ratio_lower", "ratio_upper"),
    )


# --- promises ------------------------------------------------------------------------------


def promises(compiled: Path, rows: int, copies: int = 1) -> Iterator[Coverage]:
    """False-alarm rate of as many new rows, at most the bound of a threshold that 1 % of others reach."""
    generator = np.random.default_rng(rows)
    rate, threshold = 0.05, norm.ppf(0.99)
    count = DRAWS * rows // copies
    known, new = [
        pd.DataFrame({"converts": generator.random(count) < rate, "signal": generator.normal(size=count)})
        for _ in range(2)
    ]
    campaign = (np.arange(count) * copies // rows).astype(str)
    for frame in (known, new):
        frame["campaign"] = campaign
        frame["customer_id"] = np.arange(count).astype(str)
        frame["signal"] += 1.5 * frame["converts"]
    repeated = known.loc[known.index.repeat(copies)]
    judged = pd.DataFrame(
        {
            "campaign": repeated["campaign"],
            "split": "train",
            "entity_id": np.arange(len(repeated)).astype(str),
            "customer_id": repeated["customer_id"],
            "has_converted": repeated["converts"],
            # few thresholds are enough
            "predicted_probability": np.where(repeated["signal"] >= threshold, 0.9, 0.1),
            "contact_cost": None,
            "conversion_value": None,
        }
    )
    models = pd.DataFrame(
        {
            "campaign": np.unique(campaign),
            "is_newest": True,
            "declaration": '{"policy": "false_alarms_at_most", "policy_limit": 0.02}',
        }
    )
    tables = {
        "judged_scores": judged,
        "conversion_models": models,
        "all_scores": judged.assign(split="score"),
    }
    [curves] = run(compiled, ["evaluation/conversion_curves"], tables)
    bounds = curves[curves["threshold"] == 0.9].set_index("campaign")["promise_bound"]
    others = new[~new["converts"]]
    realised = (others["signal"] >= threshold).groupby(others["campaign"]).mean()
    unit = "customer" if copies == 1 else f"customer, {copies} equal rows"
    yield Coverage(
        f"promise of a false-alarm rate, {rows:,} known and new rows",
        unit,
        "Clopper and Pearson, n m / (n + m)",
        0.95,
        float((realised <= bounds.reindex(realised.index)).mean()),
    )


def measure(compiled: Path) -> Iterator[Coverage]:
    """Yield each interval's coverage, within a few minutes."""
    for rows, conversions, copies in ((1000, 30, 1), (1000, 100, 1), (2000, 100, 2), (5000, 30, 1)):
        yield from rankings(compiled, rows, conversions, copies)
    yield from calibration_bins(compiled)
    for rate in (0.02, 0.1):
        yield from category_rates(compiled, rate)
    for rows, ratio in ((100, 1.0), (500, 0.7), (500, 0.8)):
        yield from fairness_ratio(compiled, rows, ratio)
    for copies in (1, 3):
        yield from promises(compiled, 6000, copies)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--compiled", type=Path, default=COMPILED)
    for row in measure(parser.parse_args().compiled):
        print(
            f"{row.interval} | {row.unit} | {row.method} | {row.nominal:.0%} | {row.measured:.1%}", flush=True
        )
