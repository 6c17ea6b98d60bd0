"""Measures by which models are compared while they are chosen; results are measured in SQL."""

import numpy as np
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    log_loss,
    precision_recall_curve,
    roc_auc_score,
)

CALIBRATION_BINS = 10


def best_f1(label: np.ndarray, probability: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
    """F1 at the threshold at which it is highest."""
    precision, recall, _ = precision_recall_curve(label, probability, sample_weight=sample_weight)
    f1 = 2 * precision * recall / np.maximum(precision + recall, np.finfo(float).tiny)
    return float(f1.max())


METRICS = {
    "roc_auc": roc_auc_score,
    "average_precision": average_precision_score,
    "f1": best_f1,
    "log_loss": log_loss,
    "brier": brier_score_loss,
}


def compute_metrics(
    label: np.ndarray, probability: np.ndarray, weight: np.ndarray | None = None
) -> dict[str, float]:
    """All measures of predicted probabilities; `weight` says for how many rows a row stands."""
    return {name: compute_metric(name, label, probability, weight) for name in METRICS}


def compute_metric(
    name: str, label: np.ndarray, probability: np.ndarray, weight: np.ndarray | None = None
) -> float:
    """One of them."""
    return float(METRICS[name](label, probability, sample_weight=weight))


def is_loss(name: str) -> bool:
    """Whether less is better."""
    return name in ("log_loss", "brier")


def expected_calibration_error(
    label: np.ndarray, probability: np.ndarray, weight: np.ndarray | None = None
) -> float:
    """Mean gap between predicted and observed rate over ten bins of equally many rows (of equal weight)."""
    weight = np.ones(len(label)) if weight is None else weight
    order = np.argsort(probability, kind="stable")
    reached = weight[order].cumsum() - weight[order] / 2
    bins = (reached / weight.sum() * CALIBRATION_BINS).astype(int)
    gaps = np.bincount(bins, (weight * (probability - label))[order])
    return float(np.abs(gaps).sum() / weight.sum())
