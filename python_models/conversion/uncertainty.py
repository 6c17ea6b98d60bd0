"""How far chance may move a measure; rows of one customer are not independent, so customers count."""

import numpy as np
from scipy.stats import norm, rankdata

from python_models.common.frames import SEED
from python_models.conversion.measures import CALIBRATION_BINS, calibration_bins, compute_metric

MIN_BOOTSTRAP_DRAWS, MAX_BOOTSTRAP_DRAWS = 50, 200
# Rows of all draws of a bootstrap together, to bound its time.
BOOTSTRAP_ROWS = 5_000_000
CALIBRATION_DRAWS = 2_000


def roc_auc_interval(
    label: np.ndarray, score: np.ndarray, customer: np.ndarray, level: float = 0.95
) -> tuple[float, float, float]:
    """Return ROC AUC and the bounds of its interval, by the variance of clustered rows (Obuchowski 1997).

    A row's placement is the share of the rows of the other outcome that its score ranks rightly.

    >>> roc_auc_interval(np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.4]), np.arange(4))
    (1.0, 1.0, 1.0)
    """
    placement = np.empty(len(label))
    for outcome in (0, 1):
        rows = label == outcome
        lower = (rankdata(score)[rows] - rankdata(score[rows])) / (~rows).sum()
        placement[rows] = lower if outcome else 1 - lower
    value = float(placement[label == 1].mean())
    influence = (placement - value) / np.where(label == 1, label.sum(), (1 - label).sum())
    deviation = np.sqrt(np.square(np.bincount(customer, influence)).sum())
    margin = float(norm.ppf((1 + level) / 2) * deviation)
    return value, value - margin, value + margin


def calibration_p_value(
    label: np.ndarray, probability: np.ndarray, customer: np.ndarray, weight: np.ndarray
) -> float:
    """Return how often accurate probabilities have an expected calibration error at least this large.

    If they are accurate, the gaps of the bins have mean zero. Draws them from a normal distribution with the
    covariance of the gaps, estimated from the sums of each customer.
    """
    shape = (int(customer.max()) + 1, CALIBRATION_BINS)
    cell = customer * CALIBRATION_BINS + calibration_bins(probability, weight)
    gaps = np.bincount(cell, weight * (probability - label), minlength=np.prod(shape)).reshape(shape)
    generator = np.random.default_rng(SEED)
    draws = generator.multivariate_normal(np.zeros(CALIBRATION_BINS), gaps.T @ gaps, CALIBRATION_DRAWS)
    return float((np.abs(draws).sum(axis=1) >= np.abs(gaps.sum(axis=0)).sum()).mean())


def bootstrap_error(
    metric: str,
    label: np.ndarray,
    probabilities: tuple[np.ndarray, np.ndarray],
    customer: np.ndarray,
    weight: np.ndarray,
) -> float:
    """Return the standard error of the difference of a metric between two models of the same rows.

    It is that of a paired Poisson bootstrap: a draw counts all rows of a customer equally often.
    """
    generator = np.random.default_rng(SEED)
    number = int(np.clip(BOOTSTRAP_ROWS / len(label), MIN_BOOTSTRAP_DRAWS, MAX_BOOTSTRAP_DRAWS))
    differences = []
    for _ in range(number):
        times = generator.poisson(1, customer.max() + 1)[customer]
        rows = times > 0
        if 0 < label[rows].sum() < rows.sum():
            first, second = (
                compute_metric(metric, label[rows], probability[rows], (times * weight)[rows])
                for probability in probabilities
            )
            differences.append(first - second)
    return float(np.std(differences))
