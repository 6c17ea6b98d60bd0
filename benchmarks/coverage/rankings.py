"""Metrics of a model and its gains over a rule: bootstrap intervals of `conversion_replicates`."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import norm
from sklearn import metrics

from benchmarks.coverage.measuring import Coverage, build, coverage_of, is_within

METRICS = (
    "roc_auc",
    "average_precision",
    "top_decile_lift",
    "f1",
    "precision",
    "recall",
    "log_loss",
    "brier",
)
METHOD = "Poisson bootstrap of customers"
# Rows of each outcome that the truth is computed from.
TRUTH_ROWS = 1_000_000
# Draws built at a time: as many rows as fit into memory.
MAX_ROWS = 1_500_000


def predicted(
    generator: np.random.Generator, outcome: np.ndarray, signal: np.ndarray, rate: float
) -> pd.DataFrame:
    """Return rows with the probability of a model of ROC AUC .86, and of a rule of eight groups."""
    noise = generator.normal(size=len(signal))
    rule = np.digitize(0.7 * signal + 0.7 * noise, norm.ppf(np.arange(1, 8) / 8))
    return pd.DataFrame(
        {
            "has_converted": outcome,
            "predicted_probability": expit(np.log(rate / (1 - rate)) + 1.5 * signal - 1.5**2 / 2),
            "baseline_probability": rate * (0.1 + 0.35 * rule),
        }
    )


def true_values(rate: float) -> pd.DataFrame:
    """Return each metric of model and rule in endless rows, by scikit-learn: a row per metric."""
    generator = np.random.default_rng(0)
    grid = norm.ppf((np.arange(TRUTH_ROWS) + 0.5) / TRUTH_ROWS)
    outcome = np.repeat([True, False], TRUTH_ROWS)
    rows = predicted(generator, outcome, np.concatenate([grid + 1.5, grid]), rate)
    weight = np.where(outcome, rate, 1 - rate)
    thresholds = thresholds_of(rate)
    return pd.DataFrame(
        {
            predictor: measure(outcome, rows[f"{predictor}_probability"].to_numpy(), weight, threshold)
            for predictor, threshold in thresholds.items()
        },
        index=METRICS,
    )


def thresholds_of(rate: float) -> dict[str, float]:
    """Return from which probability on the model and the rule contact."""
    return {"predicted": 2 * rate, "baseline": rate * (0.1 + 0.35 * 6)}


def measure(
    outcome: np.ndarray, probability: np.ndarray, weight: np.ndarray, threshold: float
) -> list[float]:
    """Return the metrics in the order of `METRICS`."""
    # ties in any order
    order = np.lexsort((np.random.default_rng(1).random(len(outcome)), -probability))
    share = np.cumsum(weight[order]) / weight.sum()
    best = order[share <= 0.1]
    rate = np.average(outcome, weights=weight)
    found = probability >= threshold
    weights = {"sample_weight": weight}
    return [
        metrics.roc_auc_score(outcome, probability, **weights),
        metrics.average_precision_score(outcome, probability, **weights),
        np.average(outcome[best], weights=weight[best]) / rate,
        metrics.f1_score(outcome, found, **weights),
        metrics.precision_score(outcome, found, **weights),
        metrics.recall_score(outcome, found, **weights),
        metrics.log_loss(outcome, probability, **weights),
        metrics.brier_score_loss(outcome, probability, **weights),
    ]


def draw_rows(
    generator: np.random.Generator, draws: int, rows: int, rate: float, copies: int
) -> pd.DataFrame:
    """Return test rows of a campaign per draw, each customer with `copies` equal ones."""
    count = draws * rows // copies
    outcome = generator.random(count) < rate
    frame = predicted(generator, outcome, generator.normal(1.5 * outcome), rate)
    frame["campaign"] = (np.arange(count) * copies // rows).astype(str)
    frame["customer_id"] = np.arange(count).astype(str)
    return frame.loc[frame.index.repeat(copies)].assign(split="test")


def intervals_of(compiled: Path, rows: pd.DataFrame, rate: float) -> list[pd.DataFrame]:
    """Return `conversion_metrics` and `conversion_baselines`."""
    names = rows["campaign"].unique()
    thresholds = thresholds_of(rate)
    # training rows choose the threshold of the rule
    training = pd.DataFrame(
        {
            "campaign": names.repeat(2),
            "customer_id": "training",
            "split": "train",
            "has_converted": [True, False] * len(names),
            "predicted_probability": 0.5,
            "baseline_probability": [thresholds["baseline"], 0.0] * len(names),
        }
    )
    rows = pd.concat([rows, training], ignore_index=True)
    rows = rows.assign(entity_id=rows.index.astype(str), declared_baseline_probability=np.nan)
    champions = {"model_version": "a", "is_champion": True, "declaration": "{}", "baseline_rule": "rule"}
    tables = {
        "judged_scores": rows,
        "conversion_policies": pd.DataFrame({"campaign": names, "threshold": thresholds["predicted"]}),
        "conversion_models": pd.DataFrame({"campaign": names, **champions}),
    }
    models = [f"evaluation/conversion_{name}" for name in ("replicates", "metrics", "baselines")]
    return build(compiled, models, tables)[1:]


def measure_rankings(compiled: Path, draws: int) -> Iterator[Coverage]:
    for conversions in (100, 30):
        yield from rankings(compiled, draws, 1_000, conversions)
    yield from rankings(compiled, draws, 1_000, 100, copies=2, has_rule=True)
    # two minutes of CPU in a third of the draws
    yield from rankings(compiled, draws // 3, 66_433, 100)


def rankings(
    compiled: Path, draws: int, rows: int, conversions: int, copies: int = 1, has_rule: bool = False
) -> Iterator[Coverage]:
    """Yield the coverage of metrics, and of their gains over the rule."""
    generator = np.random.default_rng([rows, conversions, copies])
    rate = conversions / rows
    truth = true_values(rate)
    found = []
    at_once = max(1, MAX_ROWS // rows)
    for first in range(0, draws, at_once):
        drawn = draw_rows(generator, min(at_once, draws - first), rows, rate, copies)
        if not has_rule:
            drawn["baseline_probability"] = np.nan
        tables = intervals_of(compiled, drawn, rate)
        found.append([table.assign(draw=f"{first} " + table["campaign"]) for table in tables])
    values, gains = (pd.concat(tables).query("split == 'test'") for tables in zip(*found, strict=True))
    about = f"{rows:,} rows, some {conversions} conversions"
    unit = "customer, 1 row" if copies == 1 else f"customer, {copies} equal rows"
    for metric, (value, rule) in truth.iterrows():
        names = (f"conversion_metrics: {metric}", about, unit, METHOD)
        table = values[values["metric"] == metric]
        yield coverage_of(names, table["draw"], is_within(table, value))
        if has_rule:
            names = (f"conversion_baselines.gain: {metric}", *names[1:])
            table = gains[gains["metric"] == metric]
            yield coverage_of(
                names, table["draw"], is_within(table, value - rule, "gain_lower", "gain_upper")
            )
