"""The blend: a weighted mean of the log-odds of candidates, weighted by what rows say that none has seen."""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

# Ridge penalty on what weights differ from equal ones, in conversions: few of them tell members little apart.
WEIGHT_PENALTY = 20.0
# Ridge penalty on what their sum differs from 1 where the blend is not calibrated, in conversions.
SCALE_PENALTY = 1_000.0
# A member that counts for less costs more to score than it brings.
MIN_WEIGHT = 0.15


def blend_weights(
    log_odds: Sequence[np.ndarray],
    label: np.ndarray,
    weight: np.ndarray | None = None,
    is_calibrated: bool = True,
) -> dict[int, float]:
    """Return the members of a blend, by their place among the candidates, and their weights.

    Weights are not negative and sum to 1. They have the least log loss of the sum of weight times log-odds
    plus an intercept (stacked generalisation, Wolpert 1992; Breiman 1996), drawn towards equal ones. Members
    under `MIN_WEIGHT` are left out, and the others are weighted again.

    Parameters
    ----------
    log_odds : sequence of numpy.ndarray
        One array per candidate, of rows that it was not fitted on.
    label, weight : numpy.ndarray
        Outcome of each row, and how many rows it represents.
    is_calibrated : bool
        Whether a calibration follows, which stretches log-odds. Without, members that are too sure of rows of
        another time count for less.
    """
    members = list(range(len(log_odds)))
    while True:
        found = _weights(
            np.column_stack([log_odds[member] for member in members]), label, weight, is_calibrated
        )
        kept = [member for member, share in zip(members, found, strict=True) if share >= MIN_WEIGHT]
        if len(kept) in (len(members), 0):
            return dict(zip(members, found.tolist(), strict=True))
        members = kept


def _weights(
    columns: np.ndarray, label: np.ndarray, weight: np.ndarray | None, is_calibrated: bool
) -> np.ndarray:
    """Return the weight of each column; they sum to 1."""
    count = columns.shape[1]
    basis = np.column_stack([columns, np.ones(len(label))])
    counted = np.ones(len(label)) if weight is None else weight
    equal, penalty = np.full(count + 1, 1 / count), np.append(np.full(count, WEIGHT_PENALTY), 0.0)

    def loss(combined: np.ndarray) -> tuple[float, np.ndarray]:
        line, distance = basis @ combined, combined - equal
        excess = np.append(np.full(count, combined[:-1].sum() - 1), 0.0)
        value = counted @ (np.logaddexp(0, line) - label * line) + penalty @ distance**2 / 2
        slope = (counted * (expit(line) - label)) @ basis + penalty * distance
        return float(value + scale_penalty * excess[0] ** 2 / 2), slope + scale_penalty * excess

    scale_penalty = 0.0 if is_calibrated else SCALE_PENALTY
    bounds = [*[(0.0, None)] * count, (None, None)]
    found = minimize(loss, np.append(equal[:-1], 0.0), jac=True, method="L-BFGS-B", bounds=bounds).x[:-1]
    return np.asarray(found / found.sum()) if found.sum() > 0 else equal[:-1]
