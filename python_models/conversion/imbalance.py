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
    overweights more rows than the ranking gains. `weight` gives conversions more weight; `smote` adds
    synthetic ones between neighbours (Chawla et al. 2002; missing numbers get the median first);
    `downsample` keeps a random part of the non-conversions.
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
        generator = np.random.default_rng(SEED)
        drawn = generator.choice(np.flatnonzero(sample.label == 0), round(positives * aim), replace=False)
        rows = np.sort(np.concatenate([drawn, np.flatnonzero(sample.label == 1)]))
        factor = negatives / len(drawn)
        return FitSample(sample.matrix[rows], sample.label[rows], sample.categorical, None, factor)
    if imbalance == "smote":
        return _with_synthetic_conversions(sample, positives, round(negatives / aim))
    raise ValueError(f"imbalance is {imbalance!r}; allowed: none, weight, smote, downsample")


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
    matrix, label = sampler.fit_resample(_filled(sample), sample.label)
    # SMOTE only appends: the original rows keep their missing values
    matrix[: len(sample.label)] = sample.matrix
    for position in sample.categorical:
        column = matrix[:, position]
        column[column < 0] = np.nan
    return FitSample(matrix, label, sample.categorical, None, wanted / positives)


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
