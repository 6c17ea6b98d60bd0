"""The row that a training returns: the model as text and everything measured on the way."""

from dataclasses import asdict
from typing import Any

import pandas as pd
import pyarrow as pa

from python_models.common.campaign import Campaign
from python_models.common.frames import Design
from python_models.conversion.algorithms.registry import ALGORITHMS
from python_models.conversion.backtest import BacktestResult
from python_models.conversion.fitting import CrossFit, TrainingSet, refit
from python_models.conversion.measures import METRICS, compute_metric, compute_metrics
from python_models.conversion.relevance import FeatureSelection


def _struct(**types: pa.DataType) -> pa.DataType:
    return pa.list_(pa.struct(list(types.items())))


_TEXT, _NUMBER, _COUNT, _FLAG = pa.string(), pa.float64(), pa.int64(), pa.bool_()
MODEL_ROW = pa.schema(
    [
        ("campaign", _TEXT),
        ("model_version", _TEXT),
        ("algorithm", _TEXT),
        ("imbalance", _TEXT),
        ("trained_at", pa.timestamp("us")),
        ("training_rows", _COUNT),
        ("training_positives", _COUNT),
        ("refit_rows", _COUNT),
        ("refit_positives", _COUNT),
        ("kept_share_of_negatives", _NUMBER),
        ("training_base_rate", _NUMBER),
        ("assumed_base_rate", _NUMBER),
        ("assumed_because", _TEXT),
        ("estimated_base_rate", _NUMBER),
        ("estimated_lower", _NUMBER),
        ("estimated_upper", _NUMBER),
        ("estimated_rows", _COUNT),
        ("parameters", _TEXT),
        ("features", pa.list_(_TEXT)),
        ("model_format", _TEXT),
        ("model_body", _TEXT),
        ("fingerprint", _TEXT),
        ("refused_reason", _TEXT),
        ("declaration", _TEXT),
        ("baseline_rule", _TEXT),
        ("calibration", _TEXT),
        ("champion_version", _TEXT),
        ("best_version", _TEXT),
        ("gate_note", _TEXT),
        (
            "candidates",
            _struct(
                algorithm=_TEXT,
                imbalance=_TEXT,
                **dict.fromkeys(METRICS, _NUMBER),
                fit_seconds=_NUMBER,
                feature_count=_COUNT,
                all_features_average_precision=_NUMBER,
                later_measure=_NUMBER,
            ),
        ),
        ("factors", _struct(feature=_TEXT, importance=_NUMBER, direction=_TEXT)),
        (
            "relevance",
            _struct(
                feature=_TEXT,
                is_kept=_FLAG,
                dropped_by=_TEXT,
                measured=_NUMBER,
                limit=_NUMBER,
                correlated_with=_TEXT,
                folds_kept=_COUNT,
            ),
        ),
        (
            "leakage",
            _struct(
                feature=_TEXT, check_name=_TEXT, measured=_NUMBER, limit=_NUMBER, status=_TEXT, advice=_TEXT
            ),
        ),
        (
            "dependence",
            _struct(
                feature=_TEXT,
                bin=_COUNT,
                bin_label=_TEXT,
                row_count=_COUNT,
                mean_value=_NUMBER,
                mean_predicted=_NUMBER,
            ),
        ),
        (
            "forward",
            _struct(
                entity_id=_TEXT,
                customer_id=_TEXT,
                block=_COUNT,
                has_converted=_FLAG,
                predicted_probability=_NUMBER,
                baseline_probability=_NUMBER,
                declared_baseline_probability=_NUMBER,
            ),
        ),
    ]
)


def used_features(fit: CrossFit, design: Design) -> list[str]:
    """Return the columns that at least one fold model may read."""
    read: set[int] = set()
    for part in fit.parts:
        for model in part.models:
            read |= set(range(len(design.columns)) if model.positions is None else model.positions)
    return [name for position, name in enumerate(design.columns) if position in read]


def candidate_row(fit: CrossFit, training: TrainingSet, best: CrossFit) -> dict[str, Any]:
    """Return the out-of-fold metrics of a candidate; for the best also the precision with all columns."""
    all_features = None
    if fit is best and training.kept:
        unfiltered = refit(fit, training.keeping(None), keep_rounds=True)
        all_features = compute_metric(
            "average_precision", training.label, unfiltered.probability, training.weight
        )
    return {
        "algorithm": fit.name,
        "imbalance": fit.imbalance,
        "fit_seconds": fit.seconds,
        "feature_count": len(training.kept[0]) if training.kept else len(training.design.columns),
        "all_features_average_precision": all_features,
    } | compute_metrics(training.label, fit.calibrated(training), training.weight)


def candidate_rows(
    fits: list[CrossFit], later: list[float | None], training: TrainingSet, best: CrossFit
) -> list[dict[str, Any]]:
    """Return the metrics of all candidates, out of fold and on later rows."""
    return [
        candidate_row(fit, training, best) | {"later_measure": value}
        for fit, value in zip(fits, later, strict=True)
    ]


def relevance_rows(selection: list[FeatureSelection], training: TrainingSet) -> list[dict[str, Any]]:
    """Return the selection of each column on all training rows, and the number of folds that kept it."""
    kept = training.kept or []
    return [
        asdict(selected) | {"folds_kept": sum(position in fold for fold in kept)}
        for position, selected in enumerate(selection)
    ]


def forward_rows(campaign: Campaign, frame: pd.DataFrame, forward: BacktestResult) -> list[dict[str, Any]]:
    """Return the predictions of the backtest, one per row of the last fifth.

    Rows and customers are numbered within the backtest: model rows are kept forever, so they must not
    name a person who may ask for erasure later.
    """
    rows = frame.iloc[forward.rows]
    declared = forward.baselines[1] if len(forward.baselines) > 1 else [None] * len(rows)
    columns = {
        "entity_id": [f"forward row {number}" for number in range(len(rows))],
        "customer_id": [f"forward customer {number}" for number in pd.factorize(rows[campaign.customer])[0]],
        "block": forward.block.tolist(),
        "has_converted": rows[campaign.label].astype(bool),
        "predicted_probability": forward.probability.tolist(),
        "baseline_probability": forward.baselines[0].tolist(),
        "declared_baseline_probability": list(declared),
    }
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def model_format(fit: CrossFit) -> str:
    """Return the format of the fold models' text."""
    return " + ".join(dict.fromkeys(ALGORITHMS[part.algorithm].model_format for part in fit.parts))
