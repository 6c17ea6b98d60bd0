"""Which columns of a wide mart a model is given: three filters that never look at the outcome."""

from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import pandas as pd

from python_models.common.frames import SEED, Design

# Variance of "is the most frequent value": 0.005 is one row in two hundred that differs.
MIN_VARIANCE = 0.005
MAX_CORRELATION = 0.95
MAX_SAMPLE_ROWS = 5_000
# How much likeness to what stays counts against relevance: where hundreds of columns hang together, as those
# of places do, a low power keeps the hundredth of them and drops the one that says something else.
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
    """What became of one column: kept, or dropped by which filter, with its measure and the limit."""

    feature: str
    is_kept: bool
    dropped_by: str | None
    measured: float
    limit: float
    correlated_with: str | None = None


def select_features(matrix: np.ndarray, design: Design, keep: int) -> list[FeatureSelection]:
    """The fate of each column of a matrix, in the order of the design.

    1. Variance: of "is the most frequent value" at least `MIN_VARIANCE`, missing being a value.
    2. Correlation: of two numbers whose ranks correlate above `MAX_CORRELATION`, the one that says less
       (the lower entropy of its binned values) goes.
    3. Relevance: an unsupervised random forest (Shi and Horvath 2006) tells real rows from rows whose
       columns were permuted one by one. One after the other, the column stays whose share of the gain,
       times (1 - its highest rank correlation with one that stays)^16, is highest (relevance without
       redundancy: Peng, Long and Ding 2005), until `keep` do. By the share alone one large group of
       columns that say the same would fill all places.
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
    correlations = _correlations(sample, design)
    for loser, winner, correlation in _redundant_pairs(sample, correlations, set(selection)):
        drop(loser, "correlation", correlation, MAX_CORRELATION, winner)
    left = [position for position in range(len(design.columns)) if position not in selection]
    gains = _gains(sample[:, left], design, left)
    measured, kept = _select_diverse(gains, correlations[np.ix_(left, left)], keep)
    limit = min((measured[place] for place in kept), default=0.0)
    for place, position in enumerate(left):
        if place in kept:
            selection[position] = FeatureSelection(
                design.columns[position], True, None, measured[place], limit
            )
        else:
            drop(position, "relevance", measured[place], limit)
    return [selection[position] for position in range(len(design.columns))]


def kept_positions(selection: list[FeatureSelection]) -> list[int]:
    """Places in the design of the columns that stay."""
    return [position for position, fate in enumerate(selection) if fate.is_kept]


def _variance(column: np.ndarray) -> float:
    """Variance of "is the most frequent value", in 0 to 0.25; missing values are equal."""
    known = column[~np.isnan(column)]
    most = max(len(column) - len(known), np.unique(known, return_counts=True)[1].max(initial=0))
    share = most / len(column)
    return float(share * (1 - share)) if share > 0.5 else 0.25


def _entropy(column: np.ndarray) -> float:
    """Entropy in nats of a column's values, cut into at most `BINS` bins; missing is a value."""
    known = column[~np.isnan(column)]
    if len(np.unique(known)) > BINS:
        known = np.searchsorted(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]), known)
    counts = np.append(np.unique(known, return_counts=True)[1], len(column) - len(known))
    shares = counts[counts > 0] / len(column)
    return float(-(shares * np.log(shares)).sum())


def _correlations(matrix: np.ndarray, design: Design) -> np.ndarray:
    """Absolute rank correlation of each pair of numbers; 0 with a category or a constant."""
    ranks = pd.DataFrame(matrix).rank()
    centred = (ranks - ranks.mean()).fillna(0.0).to_numpy()
    length = np.sqrt((centred * centred).sum(axis=0))
    length[length == 0] = np.inf
    correlations = np.abs(centred.T @ centred) / np.outer(length, length)
    correlations[design.categorical_positions, :] = 0.0
    correlations[:, design.categorical_positions] = 0.0
    np.fill_diagonal(correlations, 0.0)
    return correlations


def _redundant_pairs(
    matrix: np.ndarray, correlations: np.ndarray, gone: set[int]
) -> list[tuple[int, int, float]]:
    """Loser, winner and rank correlation of each pair of numbers that say the same, strongest first."""
    first, second = np.nonzero(np.triu(correlations > MAX_CORRELATION, 1))
    dropped = set(gone)
    twins = []
    for pair in np.argsort(-correlations[first, second], kind="stable"):
        one, other = int(first[pair]), int(second[pair])
        if one in dropped or other in dropped:
            continue
        winner, loser = (
            (one, other) if _entropy(matrix[:, one]) >= _entropy(matrix[:, other]) else (other, one)
        )
        dropped.add(loser)
        twins.append((loser, winner, float(correlations[one, other])))
    return twins


def _select_diverse(gains: np.ndarray, correlations: np.ndarray, keep: int) -> tuple[list[float], set[int]]:
    """Measure of each column, and the places of those that stay: relevant, and unlike the others that do."""
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
    others = [place for place in range(len(gains)) if place not in kept]
    measured[others] = (gains * (1 - nearest) ** REDUNDANCY_EXPONENT)[others]
    return measured.tolist(), set(kept)


def _gains(matrix: np.ndarray, design: Design, positions: list[int]) -> np.ndarray:
    """Each column's share in the gain of a forest that tells real rows from permuted ones, above chance.

    Chance is what the same forest gains by the column in telling permuted rows from permuted rows: columns
    of many values gain more there.
    """
    generator = np.random.default_rng(SEED)
    categorical = [i for i, position in enumerate(positions) if position in design.categorical_positions]
    blocks = [matrix, *(generator.permuted(matrix, axis=0) for _ in range(2))]
    label = np.repeat([1, 0, 1], len(matrix))
    # the values are cut into bins once for both forests
    binned = lgb.Dataset(np.vstack(blocks), label, categorical_feature=categorical, params=FOREST)
    rows = np.arange(len(label)).reshape(3, -1)
    real, chance = (_forest_gains(binned.subset(rows[[block, 1]].ravel().tolist())) for block in (0, 2))
    gains = np.maximum(real - chance, 0.0)
    return gains / max(gains.sum(), np.finfo(float).tiny)


def _forest_gains(data: lgb.Dataset) -> np.ndarray:
    """Gain of each column in a forest that tells the labels apart."""
    return lgb.train(FOREST, data, num_boost_round=TREES).feature_importance("gain")
