"""Calibration: from a model's log-odds to accurate probabilities."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq, minimize, root
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression

from python_models.common.frames import FOLDS

# From the one that changes least to the one that can change most, each with the fewest conversions from which
# it predicts new rows no worse than a logistic curve (docs/benchmarks.md).
MIN_CONVERSIONS = {"logistic": 0, "beta": 0, "isotonic": 1_200}
# Ridge penalty on what a curve changes, in conversions: few of them prove little (docs/method.md).
SLOPE_PENALTY = 20.0
BEND_PENALTY = 5.0
# Ridge penalty on the intercept shift of a recalibration.
SHIFT_PENALTY = 200.0
# Clip probabilities: no finite number of rows proves 0 or 1.
MIN_PROBABILITY = 1e-7


@dataclass(frozen=True)
class Calibrator:
    """A curve from log-odds s to probability: expit(slope s + bend ln(1 + e^(s - centre)) + intercept).

    Without a bend this is logistic calibration (Platt 1999), with one it is beta calibration (Kull, Silva
    Filho and Flach 2017) of centred scores: the log-odds of the probability are linear in ln(q) and
    ln(1 - q), q = expit(s - centre). It bends at the centre, which is the base rate: among scores far below
    0, as those of rare events are, the curve without a centre is a straight line.
    With `knots` (pairs of log-odds and probability) it is centred isotonic calibration (Oron and Flournoy
    2017): linear between the centres of the blocks of isotonic regression, so that unequal scores stay
    unequal. Outside the knots the curve continues.

    The curve reads `scale` times the log-odds plus `offset`: see `for_mean`.
    """

    slope: float
    intercept: float
    knots: list[list[float]] | None = None
    scale: float = 1.0
    offset: float = 0.0
    bend: float = 0.0
    centre: float = 0.0

    @property
    def method(self) -> str:
        return "isotonic" if self.knots else "beta" if self.bend else "logistic"

    @classmethod
    def fit(
        cls,
        log_odds: np.ndarray,
        label: np.ndarray,
        method: str = "logistic",
        weight: np.ndarray | None = None,
    ) -> "Calibrator":
        """Fit on out-of-fold predictions.

        `weight` is the number of rows of the population that a row represents. A beta curve that would not
        rise everywhere is replaced by a logistic one.
        """
        weight = np.ones(len(label)) if weight is None else weight
        if method == "beta":
            base_rate = np.clip(np.average(label, weights=weight), MIN_PROBABILITY, 1 - MIN_PROBABILITY)
            centre = float(logit(base_rate))
            intercept, slope, bend = _fit_curve(log_odds, label, weight, centre)
            if min(slope, slope + bend) > 0:
                return cls(slope, intercept, bend=bend, centre=centre)
        intercept, slope = _fit_curve(log_odds, label, weight)
        return cls(
            slope, intercept, _centred_isotonic(log_odds, label, weight) if method == "isotonic" else None
        )

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

    def line(self, score: np.ndarray) -> np.ndarray:
        """Return the log-odds of the curve without knots."""
        bent = self.bend * np.logaddexp(0, score - self.centre)
        return np.asarray(self.slope * score + bent + self.intercept)

    def probability(self, log_odds: np.ndarray) -> np.ndarray:
        score = self.scale * log_odds + self.offset
        line = self.line(score)
        probability = expit(line)
        if self.knots:
            scores, rates = np.array(self.knots).T
            # shift the curve so that it meets the outermost knots
            low, high = logit(rates[[0, -1]]) - self.line(scores[[0, -1]])
            outside = expit(line + np.where(score < scores[0], low, high))
            is_inside = (score >= scores[0]) & (score <= scores[-1])
            probability = np.where(is_inside, np.interp(score, scores, rates), outside)
        return np.asarray(np.clip(probability, MIN_PROBABILITY, 1 - MIN_PROBABILITY))


def fit_calibrators(
    log_odds: np.ndarray, label: np.ndarray, folds: np.ndarray, weight: np.ndarray
) -> tuple[Calibrator, list[Calibrator]]:
    """Return a calibrator of all rows, and one per fold that is fitted without its rows.

    The method is the one with the best log loss on the rows of the other folds. One that can change more
    has to gain more than a standard error of its gain, and needs `MIN_CONVERSIONS`: among few, chance gains
    that much.
    """
    best, chosen, least = "", list[Calibrator](), np.full(len(label), np.inf)
    for method in (name for name, floor in MIN_CONVERSIONS.items() if label.sum() >= floor):
        loss, fitted = np.empty(len(label)), []
        for fold in range(FOLDS):
            rows = folds != fold
            fitted.append(Calibrator.fit(log_odds[rows], label[rows], method, weight[rows]))
            probability = fitted[-1].probability(log_odds[~rows])
            hit = np.where(label[~rows] == 1, probability, 1 - probability)
            loss[~rows] = -weight[~rows] * np.log(hit)
        gain = least - loss
        if not chosen or gain.sum() > np.sqrt(len(gain)) * gain.std():
            best, chosen, least = method, fitted, loss
    return Calibrator.fit(log_odds, label, best, weight), chosen


def _fit_curve(
    log_odds: np.ndarray, label: np.ndarray, weight: np.ndarray, centre: float | None = None
) -> list[float]:
    """Return intercept, slope and, with a centre, bend.

    They maximise the likelihood less half of SLOPE_PENALTY (slope - 1)^2 + BEND_PENALTY bend^2: the fewer
    conversions, the nearer the curve is to no change. The intercept is free, so the sum of the probabilities
    is right.
    """
    columns = [np.ones(len(label)), log_odds]
    if centre is not None:
        columns.append(np.logaddexp(0, log_odds - centre))
    basis = np.column_stack(columns)
    unchanged = np.array([0.0, 1.0, 0.0])[: len(columns)]
    penalty = np.array([0.0, SLOPE_PENALTY, BEND_PENALTY])[: len(columns)]

    def loss(curve: np.ndarray) -> float:
        line = basis @ curve
        fit = weight @ (np.logaddexp(0, line) - label * line)
        return float(fit + penalty @ (curve - unchanged) ** 2 / 2)

    def gradient(curve: np.ndarray) -> np.ndarray:
        gap = weight * (expit(basis @ curve) - label)
        return np.asarray(gap @ basis + penalty * (curve - unchanged))

    def hessian(curve: np.ndarray) -> np.ndarray:
        probability = expit(basis @ curve)
        return np.asarray((basis.T * (weight * probability * (1 - probability))) @ basis + np.diag(penalty))

    precise = {"gtol": 1e-9 * weight.sum()}
    found = minimize(loss, unchanged, method="trust-exact", jac=gradient, hess=hessian, options=precise)
    return [float(value) for value in found.x]


def _centred_isotonic(log_odds: np.ndarray, label: np.ndarray, weight: np.ndarray) -> list[list[float]]:
    """Return a knot per block of equal isotonic rate, at its mean log-odds; none for rates 0 and 1."""
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
