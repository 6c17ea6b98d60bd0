"""Class imbalance: weighted, oversampled or undersampled rows, and how much that raises the odds."""

from dataclasses import dataclass

import numpy as np

from python_models.common.frames import SEED

NEIGHBOURS = 5


@dataclass(frozen=True)
class FitSample:
    """Rows to fit on: matrix, label (0/1), weights if any, positions of the categorical columns.

    `odds_factor` is how many times resampling raised the odds of conversion. Subtract its logarithm from a
    model's log-odds to get those of the original rows (prior correction, King and Zeng 2001).
    """

    matrix: np.ndarray
    label: np.ndarray
    categorical: list[int]
    weight: np.ndarray | None = None
    odds_factor: float = 1.0


def resample(sample: FitSample, imbalance: str) -> FitSample:
    """Weight, oversample or undersample the rows as `imbalance` names it.

    With r non-conversions per conversion, all three aim at sqrt(r): full balance drops, invents or
    overweights more rows than the ranking gains. `weight` gives conversions more weight; `downsample` keeps
    a random part of the non-conversions; `smote` does half of it by synthetic conversions between neighbours
    (missing numbers get the median first), and half by downsampling (the combination of Chawla et al. 2002).
    """
    positives = int(sample.label.sum())
    negatives = len(sample.label) - positives
    ratio = negatives / max(positives, 1)
    if imbalance == "none" or ratio <= 1:
        return sample
    aim = float(np.sqrt(ratio))
    if imbalance == "weight":
        weight = np.where(sample.label == 1, ratio / aim, 1.0)
        return FitSample(sample.matrix, sample.label, sample.categorical, weight, ratio / aim)
    if imbalance == "downsample":
        return _downsampled(sample, round(positives * aim))
    if imbalance == "smote":
        half = float(np.sqrt(aim))
        return _with_synthetic_conversions(
            _downsampled(sample, round(negatives / half)), positives, round(positives * half)
        )
    raise ValueError(f"imbalance is {imbalance!r}; allowed: none, weight, smote, downsample")


def _downsampled(sample: FitSample, count: int) -> FitSample:
    """Keep all conversions and `count` of the other rows, drawn at random."""
    negatives = np.flatnonzero(sample.label == 0)
    drawn = np.random.default_rng(SEED).choice(negatives, count, replace=False)
    rows = np.sort(np.concatenate([drawn, np.flatnonzero(sample.label == 1)]))
    factor = len(negatives) / count
    return FitSample(sample.matrix[rows], sample.label[rows], sample.categorical, None, factor)


def _with_synthetic_conversions(sample: FitSample, positives: int, wanted: int) -> FitSample:
    """Add synthetic conversions (SMOTE) until there are `wanted`."""
    # takes a second to import and is rarely declared
    from imblearn.over_sampling import SMOTE, SMOTEN, SMOTENC

    shared = {
        "sampling_strategy": {1: wanted},
        "k_neighbors": min(NEIGHBOURS, positives - 1),
        "random_state": SEED,
    }
    if not sample.categorical:
        sampler = SMOTE(**shared)
    elif len(sample.categorical) == sample.matrix.shape[1]:
        sampler = SMOTEN(**shared)
    else:
        sampler = SMOTENC(categorical_features=sample.categorical, **shared)
    # neighbours are conversions, so the sampler needs no more than one other row to accept them
    rows = np.append(np.flatnonzero(sample.label == 1), np.argmin(sample.label))
    made, _ = sampler.fit_resample(_filled(sample)[rows], sample.label[rows])
    synthetic = made[len(rows) :]
    for position in sample.categorical:
        column = synthetic[:, position]
        column[column < 0] = np.nan
    # the original rows keep their missing values
    matrix = np.vstack([sample.matrix, synthetic])
    label = np.append(sample.label, np.ones(len(synthetic), sample.label.dtype))
    return FitSample(matrix, label, sample.categorical, None, sample.odds_factor * wanted / positives)


def _filled(sample: FitSample) -> np.ndarray:
    """Return the matrix with missing values filled in: the median, or -1 for a category."""
    filled = sample.matrix.copy()
    for position in range(filled.shape[1]):
        column = filled[:, position]
        missing = np.isnan(column)
        if position in sample.categorical:
            column[missing] = -1.0
        elif missing.any():
            column[missing] = 0.0 if missing.all() else np.nanmedian(column)
    return filled
