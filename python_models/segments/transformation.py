"""Choice of a skewed number's transformation: the one in which a few normal groups fit it best."""

from collections.abc import Callable

import numpy as np
from sklearn.mixture import GaussianMixture

from python_models.common.frames import SEED

COMPARED_ROWS = 1_500
MAX_GROUPS = 3
# As large a share at either end is left out: one giant would decide.
TRIMMED_SHARE = 0.001
# Where these extremes widen the standard deviation by more than this, a scale is too long.
MAX_WIDENING = 1.25
# With fewer distinct values per row than this, the values are spread over the gaps between them.
MIN_DISTINCT_SHARE = 0.9
# A narrower group than this, in standard deviations squared, would have an infinite density.
MIN_VARIANCE = 1e-6

TRANSFORMATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "standardised": lambda values: values,
    "square root": lambda values: np.sign(values) * np.sqrt(np.abs(values)),
    "logarithm": lambda values: np.sign(values) * np.log1p(np.abs(values)),
}
# Logarithm of the derivative: makes densities of different scales comparable.
_LOG_DERIVATIVES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "standardised": np.zeros_like,
    "square root": lambda values: -np.log(2 * np.sqrt(np.maximum(np.abs(values), 1e-12))),
    "logarithm": lambda values: -np.log1p(np.abs(values)),
}


def choose_transformation(values: np.ndarray) -> tuple[str, dict[str, float]]:
    """Return the name of the transformation with the lowest criterion, and the criteria compared.

    Parameters
    ----------
    values : array
        Known values of one column, in random order.

    Returns
    -------
    tuple
        A key of `TRANSFORMATIONS`; and for each of them the Bayesian information criterion (Schwarz 1978) of
        the best mixture of one to `MAX_GROUPS` normal groups, in units of the values themselves (density
        times derivative of the transformation). A minority group that lies apart is a second group on the
        original scale; a long tail is one group on a logarithmic one.
    """
    sample = spread_ties(values[:COMPARED_ROWS])
    lower, upper = np.quantile(sample, [TRIMMED_SHARE, 1 - TRIMMED_SHARE])
    sample = sample[(sample >= lower) & (sample <= upper)]
    criteria = {
        name: mixture_criterion(sample, name)
        for name in TRANSFORMATIONS
        if name == "logarithm" or not is_stretched(values, name)
    }
    return min(criteria, key=lambda name: criteria[name]), criteria


def is_stretched(values: np.ndarray, transformation: str) -> bool:
    """Return whether a few extremes make most of the standard deviation after a transformation."""
    transformed = np.sort(TRANSFORMATIONS[transformation](values))
    trimmed = max(1, round(TRIMMED_SHARE * len(values)))
    return bool(transformed.std() > MAX_WIDENING * transformed[trimmed:-trimmed].std())


def spread_ties(values: np.ndarray) -> np.ndarray:
    """Spread values with many ties, such as counts, evenly over the typical gap between them.

    A density needs continuous values (dequantisation; Uria, Murray and Larochelle 2013).
    """
    distinct = np.unique(values)
    if len(distinct) >= MIN_DISTINCT_SHARE * len(values):
        return values
    gap = np.median(np.diff(distinct)) if len(distinct) > 1 else 1.0
    spread: np.ndarray = values + np.random.default_rng(SEED).uniform(0, gap, len(values))
    return spread


def mixture_criterion(values: np.ndarray, transformation: str) -> float:
    """Return the lowest BIC of mixtures of normal groups after a transformation, comparable between them."""
    transformed = TRANSFORMATIONS[transformation](values)
    deviation = transformed.std() or 1.0
    points = ((transformed - transformed.mean()) / deviation)[:, None]
    log_derivative = float((_LOG_DERIVATIVES[transformation](values) - np.log(deviation)).sum())
    lowest = min(
        GaussianMixture(groups, reg_covar=MIN_VARIANCE, random_state=SEED).fit(points).bic(points)
        for groups in range(1, min(MAX_GROUPS, len(points)) + 1)
    )
    return float(lowest) - 2 * log_derivative
