"""Feature selection for wide marts: three filters that never look at the outcome."""

from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import pandas as pd

from python_models.common.frames import SEED, Design

# Variance of "is the most frequent value": 0.005 means that one row in two hundred differs.
MIN_VARIANCE = 0.005
MAX_CORRELATION = 0.95
MAX_SAMPLE_ROWS = 5_000
# Exponent of the redundancy penalty (1 - correlation)^k. A low value keeps many near-duplicates.
REDUNDANCY_EXPONENT = 16
BINS = 20
FOREST = {
    "objective": "binary",
    "boosting": "rf",
    "bagging_freq": 1,
    "bagging_fraction": 0.5,
    "feature_fraction_bynode": 0.3,
    "num_leaves": 31,
    "min_data_in_leaf": 50,
    "lambda_l2": 10.0,
    "max_bin": 63,
    "num_threads": 1,
    "seed": SEED,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}
TREES = 40


@dataclass(frozen=True)
class FeatureSelection:
    """Whether one column is kept, or which filter dropped it, with the measured value and the limit."""

    feature: str
    is_kept: bool
    dropped_by: str | None
    measured: float
    limit: float
    correlated_with: str | None = None


def select_features(matrix: np.ndarray, design: Design, keep: int) -> list[FeatureSelection]:
    """Return the selection of each column of a matrix, in the order of the design.

    1. Variance: drop columns whose variance of "is the most frequent value" is below `MIN_VARIANCE`; missing
       is a value.
    2. Correlation: of two numbers with a rank correlation above `MAX_CORRELATION`, drop the one with the
       lower entropy of its binned values.
    3. Relevance: an unsupervised random forest (Shi and Horvath 2006) separates real rows from rows whose
       columns were permuted one by one. Keep `keep` columns, one at a time: the one with the highest share
       of the gain times (1 - its highest rank correlation with a kept column)^16 (minimum redundancy,
       maximum relevance: Peng, Long and Ding 2005). By the share alone, one large group of redundant
       columns could take all places.
    """
    rows = np.unique(np.linspace(0, len(matrix) - 1, MAX_SAMPLE_ROWS).astype(int))
    sample = matrix[rows]
    selection: dict[int, FeatureSelection] = {}

    def drop(position: int, by: str, measured: float, limit: float, twin: int | None = None) -> None:
        other = None if twin is None else design.columns[twin]
        selection[position] = FeatureSelection(design.columns[position], False, by, measured, limit, other)

    variances = [_variance(column) for column in sample.T]
    for position, variance in enumerate(variances):
        if variance < MIN_VARIANCE:
            drop(position, "variance", variance, MIN_VARIANCE)
    correlations = rank_correlations(sample, design)
    for loser, winner, correlation in _redundant_pairs(sample, correlations, set(selection)):
        drop(loser, "correlation", correlation, MAX_CORRELATION, winner)
    remaining = [position for position in range(len(design.columns)) if position not in selection]
    gains = _gains(sample[:, remaining], design, remaining)
    measured, kept = _select_diverse(gains, correlations[np.ix_(remaining, remaining)], keep)
    limit = min((measured[index] for index in kept), default=0.0)
    for index, position in enumerate(remaining):
        if index in kept:
            selection[position] = FeatureSelection(
                design.columns[position], True, None, measured[index], limit
            )
        else:
            drop(position, "relevance", measured[index], limit)
    return [selection[position] for position in range(len(design.columns))]


def kept_positions(selection: list[FeatureSelection]) -> list[int]:
    """Return the positions in the design of the kept columns."""
    return [position for position, selected in enumerate(selection) if selected.is_kept]


def _variance(column: np.ndarray) -> float:
    """Return the variance of "is the most frequent value", 0 to 0.25; missing values count as equal.

    >>> _variance(np.array([1.0, 1.0, 1.0, 2.0]))
    0.1875
    """
    known = column[~np.isnan(column)]
    most = max(len(column) - len(known), np.unique(known, return_counts=True)[1].max(initial=0))
    share = most / len(column)
    return float(share * (1 - share)) if share > 0.5 else 0.25


def _entropy(column: np.ndarray) -> float:
    """Return the entropy in nats of a column's values, cut into at most `BINS` bins; missing is a value.

    >>> round(_entropy(np.array([1.0, 2.0])) - float(np.log(2)), 9)
    0.0
    """
    known = column[~np.isnan(column)]
    if len(np.unique(known)) > BINS:
        known = np.searchsorted(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]), known)
    counts = np.append(np.unique(known, return_counts=True)[1], len(column) - len(known))
    shares = counts[counts > 0] / len(column)
    return float(-(shares * np.log(shares)).sum())


def rank_correlations(matrix: np.ndarray, design: Design) -> np.ndarray:
    """Return the absolute rank correlation of each pair of numbers; 0 with a category or a constant."""
    ranks = pd.DataFrame(matrix).rank()
    centred = (ranks - ranks.mean()).fillna(0.0).to_numpy()
    length = np.sqrt((centred * centred).sum(axis=0))
    length[length == 0] = np.inf
    correlations: np.ndarray = np.abs(centred.T @ centred) / np.outer(length, length)
    correlations[design.categorical_positions, :] = 0.0
    correlations[:, design.categorical_positions] = 0.0
    np.fill_diagonal(correlations, 0.0)
    return correlations


def _redundant_pairs(
    matrix: np.ndarray, correlations: np.ndarray, excluded: set[int]
) -> list[tuple[int, int, float]]:
    """Return the dropped column, the kept one and their rank correlation for each redundant pair."""
    first, second = np.nonzero(np.triu(correlations > MAX_CORRELATION, 1))
    dropped = set(excluded)
    pairs = []
    for pair in np.argsort(-correlations[first, second], kind="stable"):
        one, other = int(first[pair]), int(second[pair])
        if one in dropped or other in dropped:
            continue
        winner, loser = (
            (one, other) if _entropy(matrix[:, one]) >= _entropy(matrix[:, other]) else (other, one)
        )
        dropped.add(loser)
        pairs.append((loser, winner, float(correlations[one, other])))
    return pairs


def _select_diverse(gains: np.ndarray, correlations: np.ndarray, keep: int) -> tuple[list[float], set[int]]:
    """Return the penalised relevance of each column, and the indices of the kept ones (mRMR)."""
    measured = gains.copy()
    nearest = np.zeros(len(gains))
    kept: list[int] = []
    for _ in range(min(keep, len(gains))):
        worth = gains * (1 - nearest) ** REDUNDANCY_EXPONENT
        worth[kept] = -1.0
        best = int(np.argmax(worth))
        measured[best] = worth[best]
        kept.append(best)
        nearest = np.maximum(nearest, correlations[best])
    others = [index for index in range(len(gains)) if index not in kept]
    measured[others] = (gains * (1 - nearest) ** REDUNDANCY_EXPONENT)[others]
    return measured.tolist(), set(kept)


def _gains(matrix: np.ndarray, design: Design, positions: list[int]) -> np.ndarray:
    """Return each column's share of the gain of a forest that separates real from permuted rows.

    The gain of a forest that separates permuted from permuted rows is subtracted: that is chance, and
    columns with many values gain more by it.
    """
    generator = np.random.default_rng(SEED)
    categorical = [i for i, position in enumerate(positions) if position in design.categorical_positions]
    blocks = [matrix, *(generator.permuted(matrix, axis=0) for _ in range(2))]
    label = np.repeat([1, 0, 1], len(matrix))
    # bin the values once for both forests
    binned = lgb.Dataset(np.vstack(blocks), label, categorical_feature=categorical, params=FOREST)
    rows = np.arange(len(label)).reshape(3, -1)
    real, chance = (_forest_gains(binned.subset(rows[[block, 1]].ravel().tolist())) for block in (0, 2))
    gains = np.maximum(real - chance, 0.0)
    return np.asarray(gains / max(gains.sum(), np.finfo(float).tiny))


def _forest_gains(data: lgb.Dataset) -> np.ndarray:
    """Return the gain of each column in a forest that predicts the labels."""
    return np.asarray(lgb.train(FOREST, data, num_boost_round=TREES).feature_importance("gain"))
