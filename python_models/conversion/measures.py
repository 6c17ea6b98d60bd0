"""Metrics by which models are compared while they are chosen; the results are measured in SQL."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    log_loss,
    precision_recall_curve,
    roc_auc_score,
)

CALIBRATION_BINS = 10


@dataclass(frozen=True)
class Metric:
    """A function of label, probability and `sample_weight`, and whether less is better."""

    function: Callable[..., float]
    is_loss: bool = False


def best_f1(label: np.ndarray, probability: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
    """Return the highest F1 of all thresholds.

    >>> best_f1(np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.4]))
    1.0
    """
    precision, recall, _ = precision_recall_curve(label, probability, sample_weight=sample_weight)
    f1 = 2 * precision * recall / np.maximum(precision + recall, np.finfo(float).tiny)
    return float(f1.max())


# `choose_by` may name each; each is a column of `results.model_candidates`.
METRICS = {
    "roc_auc": Metric(roc_auc_score),
    "average_precision": Metric(average_precision_score),
    "f1": Metric(best_f1),
    "log_loss": Metric(log_loss, is_loss=True),
    "brier": Metric(brier_score_loss, is_loss=True),
}


def compute_metrics(
    label: np.ndarray, probability: np.ndarray, weight: np.ndarray | None = None
) -> dict[str, float]:
    """Compute all metrics of predicted probabilities; `weight` is the number of rows a row represents."""
    return {name: compute_metric(name, label, probability, weight) for name in METRICS}


def compute_metric(
    name: str, label: np.ndarray, probability: np.ndarray, weight: np.ndarray | None = None
) -> float:
    """Compute one metric.

    >>> compute_metric("brier", np.array([0, 1]), np.array([0.5, 0.5]))
    0.25
    """
    return float(METRICS[name].function(label, probability, sample_weight=weight))


def skill(name: str, label: np.ndarray, probability: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Return how much better a metric is than that of giving every row the base rate.

    >>> skill("brier", np.array([0, 1]), np.array([0.0, 1.0]))
    0.25
    """
    constant = np.full(len(label), np.average(label, weights=weight))
    lead = compute_metric(name, label, probability, weight) - compute_metric(name, label, constant, weight)
    return -lead if is_loss(name) else lead


def is_loss(name: str) -> bool:
    """Return whether less is better."""
    return METRICS[name].is_loss


def expected_calibration_error(
    label: np.ndarray, probability: np.ndarray, weight: np.ndarray | None = None
) -> float:
    """Return the mean gap between predicted and observed rate over ten bins of equal weight.

    >>> expected_calibration_error(np.array([0, 1] * 10), np.full(20, 0.25))
    0.25
    """
    weight = np.ones(len(label)) if weight is None else weight
    gaps = np.bincount(calibration_bins(probability, weight), weight * (probability - label))
    return float(np.abs(gaps).sum() / weight.sum())


def calibration_bins(probability: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the bin of each row, of ten of equal weight in order of probability.

    >>> calibration_bins(np.array([0.2, 0.1] * 10), np.ones(20))[:4]
    array([5, 0, 5, 0])
    """
    order = np.argsort(probability, kind="stable")
    reached = weight[order].cumsum() - weight[order] / 2
    bins = np.empty(len(order), dtype=np.int64)
    bins[order] = reached / weight.sum() * CALIBRATION_BINS
    return bins
