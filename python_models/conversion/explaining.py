"""Explanations of a model: strongest factors, partial dependence, and the reasons of each row."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.special import logit

from python_models.common.campaign import Campaign, read_campaign
from python_models.common.frames import Design, map_batches
from python_models.common.sql import quote_identifier
from python_models.conversion.batches import columns_read, model_of, read_batch
from python_models.conversion.fitted import FittedModel
from python_models.conversion.fitting import TrainingSet
from python_models.conversion.registry import load_champion

FACTOR_ROWS = 3_000
DEPENDENCE_ROWS = 500
DEPENDENCE_BINS = 10
DEPENDENCE_FEATURES = 10
REASONS_PER_ROW = 5
# In a larger mart, explain only rows that are likely to be contacted.
MAX_ROWS_EXPLAINED_IN_FULL = 10_000
# The propensity band `high` begins at this multiple of the base rate.
HIGH_PROPENSITY_RATIO = 1.5
UNKNOWN = "(unknown)"

REASON_ROW = pa.schema(
    [
        ("campaign", pa.string()),
        ("entity_id", pa.string()),
        ("reason_rank", pa.int32()),
        ("feature", pa.string()),
        ("feature_value", pa.string()),
        ("contribution", pa.float64()),
        ("direction", pa.string()),
        ("base_log_odds", pa.float64()),
        ("other_contribution", pa.float64()),
        ("model_version", pa.string()),
        ("row_hash", pa.string()),
    ]
)


def factors(model: FittedModel, training: TrainingSet) -> list[dict[str, Any]]:
    """Return the mean absolute SHAP value (log-odds) of each feature and its direction, strongest first.

    Uses `FACTOR_ROWS` evenly spaced out-of-fold rows: more take longer and change nothing.
    """
    picked = np.unique(np.linspace(0, len(training.label) - 1, FACTOR_ROWS).astype(int))
    matrix = training.matrix[picked]
    contributions = model.contributions(matrix, training.folds[picked], np.ones(len(picked), dtype=bool))
    is_text = training.design.categories
    listed = [
        {
            "feature": name,
            "importance": float(np.abs(contributions[:, i]).mean()),
            "direction": "mixed" if name in is_text else direction(matrix[:, i], contributions[:, i]),
        }
        for i, name in enumerate(training.design.columns)
    ]
    return sorted(listed, key=lambda factor: -factor["importance"])


def direction(values: np.ndarray, contributions: np.ndarray) -> str:
    """Return `raises` or `lowers` if value and contribution correlate (|rank r| >= 0.5), else `mixed`.

    >>> direction(np.array([1.0, 2.0, 3.0]), np.array([0.3, 0.1, -0.2]))
    'lowers'
    """
    known = ~np.isnan(values)
    if known.sum() < 3:
        return "mixed"
    ranks = pd.DataFrame({"value": values[known], "contribution": contributions[known]}).rank()
    correlation = ranks["value"].corr(ranks["contribution"])
    if not abs(correlation) >= 0.5:
        return "mixed"
    return "raises" if correlation > 0 else "lowers"


def dependence(model: FittedModel, training: TrainingSet, strongest: list[str]) -> list[dict[str, Any]]:
    """Return partial dependence (Friedman 2001): the mean probability if all rows had a bin's value.

    Bins are deciles of the training rows with a known value, or the most frequent categories; missing
    values have their own bin. Predictions are out of fold.
    """
    picked = np.unique(np.linspace(0, len(training.label) - 1, DEPENDENCE_ROWS).astype(int))
    folds, weight = training.folds[picked], training.weight[picked]
    moved = []
    for name in strongest[:DEPENDENCE_FEATURES]:
        position = training.design.columns.index(name)
        matrix = training.matrix[picked].copy()
        for number, (label, rows, value) in enumerate(_bins(training, position), start=1):
            matrix[:, position] = value
            moved.append(
                {
                    "feature": name,
                    "bin": number,
                    "bin_label": label,
                    "row_count": rows,
                    "mean_value": None if name in training.design.categories or np.isnan(value) else value,
                    "mean_predicted": float(np.average(model.out_of_fold(matrix, folds), weights=weight)),
                }
            )
    return moved


def _bins(training: TrainingSet, position: int) -> Iterator[tuple[str, int, float]]:
    """Yield label, number of rows and mean value of each bin of a column."""
    column = training.matrix[:, position]
    categories = training.design.categories.get(training.design.columns[position])
    known = column[~np.isnan(column)]
    values, counts = np.unique(known, return_counts=True)
    if categories is not None:
        for i in np.argsort(-counts, kind="stable")[:DEPENDENCE_BINS]:
            yield categories[int(values[i])], int(counts[i]), float(values[i])
    elif len(values) <= DEPENDENCE_BINS:
        for value, count in zip(values, counts, strict=True):
            yield f"{value:g}", int(count), float(value)
    else:
        edges = np.unique(np.quantile(known, np.linspace(0, 1, DEPENDENCE_BINS + 1)))
        decile = np.clip(np.searchsorted(edges, known, side="right") - 1, 0, len(edges) - 2)
        for number in range(len(edges) - 1):
            inside = known[decile == number]
            if len(inside):
                yield _range(edges, number), len(inside), float(inside.mean())
    if len(known) < len(column):
        yield UNKNOWN, len(column) - len(known), float("nan")


def _range(edges: np.ndarray, number: int) -> str:
    """Label a bin, without the lowest and highest value: each may belong to one person.

    >>> [_range(np.array([1.0, 2.5, 1500.0, 9000.0]), number) for number in range(3)]
    ['under 2.5', '2.5 to 1,500', '1,500 or more']
    """
    low, high = (
        f"{edge:,.0f}" if abs(edge) >= 1_000 else f"{edge:.3g}" for edge in edges[number : number + 2]
    )
    if number == 0:
        return f"under {high}"
    return f"{low} or more" if number == len(edges) - 2 else f"{low} to {high}"


def explain(
    features: Any, scores: Any, models: Any, meta: dict[str, Any], existing: Any | None = None
) -> Any:
    """Explain every scored row by the five features that change its log-odds most.

    Parameters
    ----------
    features : relation of DuckDB or Spark
        The feature mart, one row per entity.
    scores : relation
        Its scores, as `score` returns them.
    models : relation
        Model rows, as `train` returns them.
    meta : dict
        The declaration.
    existing : relation, optional
        Reasons of an earlier build (`REASON_ROW`). They are kept if the score was kept.

    Returns
    -------
    pyarrow.RecordBatchReader or Spark relation
        Five rows per newly scored row of the mart (`REASON_ROW`); none without a champion. In a mart of
        more than `MAX_ROWS_EXPLAINED_IN_FULL` rows, only rows with a high probability are explained: 1.5
        times the rate of the training rows.
        `base_log_odds` + the five `contribution`s + `other_contribution` is the log-odds of
        `predicted_probability`. Features without a contribution are left out.
    """
    campaign = read_campaign(meta)
    version, body = load_champion(models, meta)
    model = model_of(body, version)
    if model is None:
        return pa.RecordBatchReader.from_batches(REASON_ROW, [])
    is_large = features.count("*").fetchone()[0] > MAX_ROWS_EXPLAINED_IN_FULL
    minimum = HIGH_PROPENSITY_RATIO * model.base_rate if is_large else 0.0
    explain_batch = partial(_reasons, campaign=campaign, body=body, version=version, minimum=minimum)
    columns = columns_read(features, campaign, model)
    rows = rows_to_explain(features, scores, campaign, minimum, existing)
    return map_batches(rows, [*columns, "row_hash"], explain_batch, REASON_ROW)


def rows_to_explain(
    features: Any, scores: Any, campaign: Campaign, minimum: float, existing: Any | None
) -> Any:
    """Return the rows with at least the minimum probability that have no reasons yet.

    Spark passes all rows; each batch drops those below the minimum.
    """
    if hasattr(features, "map_batches"):
        return features.project("*, cast(null as varchar) as row_hash")
    high = scores.filter(f"predicted_probability >= {minimum!r}")
    high = high.project("entity_id as scored_id, row_hash")
    if existing is not None and set(REASON_ROW.names) <= set(existing.columns):
        explained = existing.project("entity_id as explained_id, row_hash as explained_hash").distinct()
        high = high.join(explained, "scored_id = explained_id and row_hash = explained_hash", how="anti")
    return features.join(high, f"cast({quote_identifier(campaign.entity)} as varchar) = scored_id")


def _reasons(
    rows_read: pa.RecordBatch, campaign: Campaign, body: str | None, version: str, minimum: float
) -> pa.RecordBatch:
    """Explain one batch of rows."""
    model = model_of(body, version)
    if model is None or not rows_read.num_rows:
        return pa.RecordBatch.from_pylist([], schema=REASON_ROW)
    batch = read_batch(rows_read, campaign)
    probability = model.predict(batch.frame, batch.folds, batch.is_training, batch.is_new)
    is_explained = probability >= minimum
    batch, probability = batch.take(is_explained), probability[is_explained]
    contributions = model.explain(batch.frame, batch.folds, batch.is_training, batch.is_new)
    base = logit(probability) - contributions.sum(axis=1)
    order, rank, row, column = top_reasons(contributions)
    contribution = contributions[row, column]
    others = contributions.sum(axis=1) - np.take_along_axis(contributions, order, axis=1).sum(axis=1)
    return pa.RecordBatch.from_pydict(
        {
            "campaign": [campaign.campaign] * len(row),
            "entity_id": batch.entity_id[row],
            "reason_rank": rank,
            "feature": np.array(model.design.columns, dtype=object)[column],
            "feature_value": _as_text(batch.frame, model.design, row, column),
            "contribution": contribution,
            "direction": np.where(contribution > 0, "raises", "lowers"),
            "base_log_odds": base[row],
            "other_contribution": others[row],
            "model_version": [version] * len(row),
            # null on Spark: pandas turns an all-null column into NaN, which is not text
            "row_hash": pa.array(batch.frame["row_hash"].iloc[row], pa.string(), from_pandas=True),
        },
        schema=REASON_ROW,
    )


def top_reasons(contributions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return each row's strongest columns, and rank, row and column of those with a contribution."""
    order = np.argsort(-np.abs(contributions), axis=1, kind="stable")[:, :REASONS_PER_ROW]
    rank = np.tile(np.arange(1, order.shape[1] + 1), len(contributions))
    row = np.repeat(np.arange(len(contributions)), order.shape[1])
    column = order.ravel()
    has_contribution = contributions[row, column] != 0
    return order, rank[has_contribution], row[has_contribution], column[has_contribution]


def _as_text(frame: pd.DataFrame, design: Design, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Format the values of some cells for people; None if missing."""
    texts = np.empty(len(row), dtype=object)
    for position, name in enumerate(design.columns):
        cells = column == position
        values = frame[name].iloc[row[cells]]
        is_float = pd.api.types.is_float_dtype(values)
        shown = values.map("{:.6g}".format, na_action="ignore") if is_float else values.astype(str)
        texts[cells] = np.where(values.isna(), None, shown.astype(object))
    return texts
