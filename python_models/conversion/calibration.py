"""Turns a model's log-odds into probabilities that mean what they say."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

# Isotonic calibration needs about a thousand events (Niculescu-Mizil and Caruana 2005).
MIN_ISOTONIC_POSITIVES = 1_000
# Strength of the ridge penalty on a recalibration's shift of log-odds.
SHIFT_PENALTY = 200.0
# No finite number of rows proves a probability of 0 or 1.
MIN_PROBABILITY = 1e-7


@dataclass(frozen=True)
class Calibrator:
    """Logistic calibration (Platt 1999): probability = expit(slope * log-odds + intercept).

    With `knots` (pairs of log-odds and probability) isotonic calibration instead: linear between the
    centres of the blocks that isotonic regression finds (centred isotonic regression, Oron and Flournoy
    2017), so that unequal scores stay unequal; outside of the knots the logistic curve goes on.
    """

    slope: float
    intercept: float
    knots: list[list[float]] | None = None

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
        """Fit on predictions of models that never saw these rows; the method by their number.

        `weight` says for how many rows of the population a row stands.
        """
        regression = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000, solver="newton-cholesky")
        regression.fit(log_odds.reshape(-1, 1), label, sample_weight=weight)
        slope, intercept = float(regression.coef_[0, 0]), float(regression.intercept_[0])
        if (method or method_for(label)) == "logistic":
            return cls(slope, intercept)
        return cls(slope, intercept, _centred_isotonic(log_odds, label, weight))

    def with_shift(self, shift: float) -> "Calibrator":
        """The same curve with all log-odds of its probabilities moved."""
        knots = self.knots and [[score, float(expit(logit(rate) + shift))] for score, rate in self.knots]
        return Calibrator(self.slope, self.intercept + shift, knots)

    def probability(self, log_odds: np.ndarray) -> np.ndarray:
        curve = expit(self.slope * log_odds + self.intercept)
        if not self.knots:
            return np.clip(curve, MIN_PROBABILITY, 1 - MIN_PROBABILITY)
        scores, rates = np.array(self.knots).T
        # the logistic curve, moved so that it meets the outermost knots
        low = logit(rates[0]) - (self.slope * scores[0] + self.intercept)
        high = logit(rates[-1]) - (self.slope * scores[-1] + self.intercept)
        line = self.slope * log_odds + self.intercept
        inside = np.interp(log_odds, scores, rates)
        outside = expit(line + np.where(log_odds < scores[0], low, high))
        is_inside = (log_odds >= scores[0]) & (log_odds <= scores[-1])
        return np.clip(np.where(is_inside, inside, outside), MIN_PROBABILITY, 1 - MIN_PROBABILITY)


def method_for(label: np.ndarray) -> str:
    """Isotonic from a thousand conversions (and as many others) on, logistic below."""
    rarer = min(label.sum(), len(label) - label.sum())
    return "isotonic" if rarer >= MIN_ISOTONIC_POSITIVES else "logistic"


def _centred_isotonic(
    log_odds: np.ndarray, label: np.ndarray, weight: np.ndarray | None
) -> list[list[float]]:
    """One knot per block of equal isotonic rate, at its mean log-odds; blocks of rate 0 or 1 make none."""
    weight = np.ones(len(label)) if weight is None else weight
    rate = IsotonicRegression().fit(log_odds, label, sample_weight=weight).predict(log_odds)
    _, block = np.unique(rate, return_inverse=True)
    size = np.bincount(block, weight)
    centres = np.bincount(block, weight * log_odds) / size
    rates = np.bincount(block, weight * label) / size
    inner = (rates > 0) & (rates < 1)
    return np.column_stack([centres[inner], rates[inner]]).tolist()


def solve_shift(rate: float, probability: np.ndarray, weight: np.ndarray | None = None) -> float:
    """What to add to all log-odds so that the mean probability is `rate`.

    The correction for another base rate of Saerens et al. (2002): the odds of all rows change by one factor.
    `weight` says for how many rows of the population a row stands.
    """
    line = logit(probability)
    return float(
        brentq(lambda shift: np.average(expit(line + shift), weights=weight) - rate, -30, 30, xtol=1e-12)
    )


def ridge_intercept_shift(probability: np.ndarray, label: np.ndarray) -> float:
    """What to add to all log-odds so that conversions come out as observed, drawn towards nothing.

    The penalised likelihood's maximum: sum(label - probability) = SHIFT_PENALTY * shift. Blocks of time
    differ in their base rate for reasons that the features already know; a free intercept overcorrects.
    """
    line = logit(probability)

    def slope(shift: float) -> float:
        return float((label - expit(line + shift)).sum() - SHIFT_PENALTY * shift)

    return float(brentq(slope, -30, 30))


def shift_log_odds(probability: np.ndarray, shift: float) -> np.ndarray:
    """Probabilities whose log-odds are moved by `shift`."""
    return expit(logit(probability) + shift) if shift else probability
