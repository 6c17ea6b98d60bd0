"""Calibration: from a model's log-odds to accurate probabilities."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq, root
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

# Isotonic calibration needs about a thousand events (Niculescu-Mizil and Caruana 2005).
MIN_ISOTONIC_POSITIVES = 1_000
# Ridge penalty on the intercept shift of a recalibration.
SHIFT_PENALTY = 200.0
# Clip probabilities: no finite number of rows proves 0 or 1.
MIN_PROBABILITY = 1e-7


@dataclass(frozen=True)
class Calibrator:
    """Logistic calibration (Platt 1999): probability = expit(slope * log-odds + intercept).

    With `knots` (pairs of log-odds and probability) centred isotonic calibration (Oron and Flournoy 2017)
    instead: linear between the centres of the blocks of isotonic regression, so that unequal scores stay
    unequal. Outside the knots the logistic curve continues.

    The curve reads `scale` times the log-odds plus `offset`: see `for_mean`.
    """

    slope: float
    intercept: float
    knots: list[list[float]] | None = None
    scale: float = 1.0
    offset: float = 0.0

    @property
    def method(self) -> str:
        return "isotonic" if self.knots else "logistic"

    @classmethod
    def fit(
        cls,
        log_odds: np.ndarray,
        label: np.ndarray,
        method: str | None = None,
        weight: np.ndarray | None = None,
    ) -> "Calibrator":
        """Fit on out-of-fold predictions; by default the number of conversions decides the method.

        `weight` is the number of rows of the population that a row represents.
        """
        regression = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000, solver="newton-cholesky")
        regression.fit(log_odds.reshape(-1, 1), label, sample_weight=weight)
        slope, intercept = float(regression.coef_[0, 0]), float(regression.intercept_[0])
        if (method or method_for(label)) == "logistic":
            return cls(slope, intercept)
        return cls(slope, intercept, _centred_isotonic(log_odds, label, weight))

    def for_mean(self, log_odds: np.ndarray) -> "Calibrator":
        """Return the calibrator of the mean of models, given the one of a single model.

        The mean is less spread out than a single model, so the curve of a single model says too little of
        the highest rows and too much of the lowest. On rows that no model has seen, the sum of outcome x
        log-odds is by expectation the same for the mean as on average for the models, and there it is known
        without outcomes: it is that of probability x log-odds. So stretch the mean until its probabilities
        have these sums, of 1 and of the log-odds: they are the score equations of a logistic regression.

        Parameters
        ----------
        log_odds : numpy.ndarray
            Models x rows that no model has seen.
        """
        mean = log_odds.mean(axis=0)
        centre, spread = mean.mean(), mean.std()
        distance = log_odds - centre
        probability = self.probability(log_odds)
        expected = np.array([probability.mean(), (probability * distance).mean()])

        def gap(moved: np.ndarray) -> np.ndarray:
            found = self.probability(np.exp(moved[0]) * (mean - centre) + centre + moved[1])
            sums = np.array([found.mean(), (found * (mean - centre)).mean()])
            return np.asarray((sums - expected) / (expected[0] * np.array([1.0, spread])))

        solved = root(gap, [0.0, 0.0]) if spread > 0 else None
        if solved is None or not solved.success:
            return self
        scale = float(np.exp(solved.x[0]))
        return replace(self, scale=scale, offset=float(centre + solved.x[1] - scale * centre))

    def probability(self, log_odds: np.ndarray) -> np.ndarray:
        log_odds = self.scale * log_odds + self.offset
        curve = expit(self.slope * log_odds + self.intercept)
        if not self.knots:
            return np.asarray(np.clip(curve, MIN_PROBABILITY, 1 - MIN_PROBABILITY))
        scores, rates = np.array(self.knots).T
        # shift the logistic curve so that it meets the outermost knots
        low = logit(rates[0]) - (self.slope * scores[0] + self.intercept)
        high = logit(rates[-1]) - (self.slope * scores[-1] + self.intercept)
        line = self.slope * log_odds + self.intercept
        inside = np.interp(log_odds, scores, rates)
        outside = expit(line + np.where(log_odds < scores[0], low, high))
        is_inside = (log_odds >= scores[0]) & (log_odds <= scores[-1])
        probability = np.where(is_inside, inside, outside)
        return np.asarray(np.clip(probability, MIN_PROBABILITY, 1 - MIN_PROBABILITY))


def method_for(label: np.ndarray) -> str:
    """Return `isotonic` from a thousand conversions and a thousand others on, else `logistic`.

    >>> method_for(np.repeat([0, 1], 1_000))
    'isotonic'
    """
    rarer = min(label.sum(), len(label) - label.sum())
    return "isotonic" if rarer >= MIN_ISOTONIC_POSITIVES else "logistic"


def _centred_isotonic(
    log_odds: np.ndarray, label: np.ndarray, weight: np.ndarray | None
) -> list[list[float]]:
    """Return a knot per block of equal isotonic rate, at its mean log-odds; none for rates 0 and 1."""
    weight = np.ones(len(label)) if weight is None else weight
    rate = IsotonicRegression().fit(log_odds, label, sample_weight=weight).predict(log_odds)
    _, block = np.unique(rate, return_inverse=True)
    size = np.bincount(block, weight)
    centres = np.bincount(block, weight * log_odds) / size
    rates = np.bincount(block, weight * label) / size
    inner = (rates > 0) & (rates < 1)
    knots: list[list[float]] = np.column_stack([centres[inner], rates[inner]]).tolist()
    return knots


def solve_shift(rate: float, probability: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Return the shift of all log-odds that makes `rate` the mean probability.

    This is the prior-shift correction of Saerens et al. (2002): the odds of all rows change by one factor.
    `weight` is the number of rows of the population that a row represents.

    >>> round(solve_shift(0.5, np.array([0.2, 0.2])), 4) == round(float(np.log(4)), 4)
    True
    """
    line = logit(probability)
    return float(
        brentq(lambda shift: np.average(expit(line + shift), weights=weight) - rate, -30, 30, xtol=1e-12)
    )


def ridge_intercept_shift(probability: np.ndarray, label: np.ndarray) -> float:
    """Return the ridge-penalised shift of all log-odds that fits the observed conversions.

    It maximises the penalised likelihood: sum(label - probability) = SHIFT_PENALTY * shift. Features
    already explain part of the difference between blocks of time; a free intercept overcorrects.
    """
    line = logit(probability)

    def slope(shift: float) -> float:
        return float((label - expit(line + shift)).sum() - SHIFT_PENALTY * shift)

    return float(brentq(slope, -30, 30))


def shift_log_odds(probability: np.ndarray, shift: float) -> np.ndarray:
    """Add `shift` to the log-odds of probabilities.

    >>> shift_log_odds(np.array([0.5, 0.2]), float(np.log(4))).round(3)
    array([0.8, 0.5])
    """
    return np.asarray(expit(logit(probability) + shift)) if shift else probability
