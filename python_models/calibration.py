"""Turns a model's log-odds into probabilities that mean what they say."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from python_models.frames import SEED

# Isotonic calibration needs about a thousand events (Niculescu-Mizil and Caruana 2005).
ISOTONIC_POSITIVES = 1_000
# Strength of the ridge penalty on a recalibration's shift of log-odds.
SHIFT_PENALTY = 200.0
# An estimated base rate: known conversions in a bin of scores, bins, bootstrap draws, steps.
CONVERSIONS_PER_BIN = 20
MOST_BINS = 20
DRAWS = 500
HALVINGS = 50
# No finite number of rows proves a probability of 0 or 1.
SMALLEST = 1e-7


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

    def probability(self, log_odds: np.ndarray) -> np.ndarray:
        curve = expit(self.slope * log_odds + self.intercept)
        if not self.knots:
            return np.clip(curve, SMALLEST, 1 - SMALLEST)
        scores, rates = np.array(self.knots).T
        # the logistic curve, moved so that it meets the outermost knots
        low = logit(rates[0]) - (self.slope * scores[0] + self.intercept)
        high = logit(rates[-1]) - (self.slope * scores[-1] + self.intercept)
        line = self.slope * log_odds + self.intercept
        inside = np.interp(log_odds, scores, rates)
        outside = expit(line + np.where(log_odds < scores[0], low, high))
        is_inside = (log_odds >= scores[0]) & (log_odds <= scores[-1])
        return np.clip(np.where(is_inside, inside, outside), SMALLEST, 1 - SMALLEST)


def method_for(label: np.ndarray) -> str:
    """Isotonic from a thousand conversions (and as many others) on, logistic below."""
    rarer = min(label.sum(), len(label) - label.sum())
    return "isotonic" if rarer >= ISOTONIC_POSITIVES else "logistic"


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


def shift_to(rate: float, probability: np.ndarray, weight: np.ndarray | None = None) -> float:
    """What to add to all log-odds so that the mean probability is `rate`.

    The correction for another base rate of Saerens et al. (2002): the odds of all rows change by one factor.
    `weight` says for how many rows of the population a row stands.
    """
    line = logit(probability)
    return float(
        brentq(lambda shift: np.average(expit(line + shift), weights=weight) - rate, -30, 30, xtol=1e-12)
    )


@dataclass(frozen=True)
class BaseRate:
    """A base rate estimated from scores alone, its 95 % interval and the number of rows."""

    rate: float
    lower: float
    upper: float
    rows: int

    @property
    def is_precise(self) -> bool:
        """Whether the interval lies within half and double the estimate: less is no news."""
        return self.lower > self.rate / 2 and self.upper < self.rate * 2

    def differs_from(self, base_rate: float) -> bool:
        """Whether the scores say that the base rate is another one, and which."""
        return self.is_precise and not self.lower <= base_rate <= self.upper


def estimate_base_rate(new: np.ndarray, known: np.ndarray, label: np.ndarray) -> BaseRate:
    """The base rate of rows whose outcomes nobody knows, from their scores.

    Assumes that converters look as they looked in training, and so do the others: there are only more or
    fewer of them. Scores are counted in bins that hold equally many known conversions. The estimate is the
    mixture of the two known distributions that makes the new one most likely, which is where expectation
    maximisation comes to rest (Saerens, Latinne and Decaestecker 2002); the likelihood is concave in the
    rate, so its slope is halved in on instead. The interval is that of a bootstrap over all three
    distributions: a rate of a few in ten thousand hides in what is not known of the others' scores.

    Parameters
    ----------
    new, known : numpy.ndarray
        Scores of rows with an unknown and with a known outcome, all by models that never saw them.
    label : numpy.ndarray
        Outcome (0/1) of each known row.
    """
    bins = int(np.clip(label.sum() // CONVERSIONS_PER_BIN, 2, MOST_BINS))
    edges = np.quantile(known[label == 1], np.linspace(0, 1, bins + 1)[1:-1])

    def counted(scores: np.ndarray) -> np.ndarray:
        return np.bincount(np.searchsorted(edges, scores), minlength=bins)

    converters, others, unknown = (counted(part) for part in (known[label == 1], known[label == 0], new))
    generator = np.random.default_rng(SEED)
    drawn = [
        np.vstack([counts, generator.multinomial(counts.sum(), (counts + 0.5) / (counts + 0.5).sum(), DRAWS)])
        for counts in (converters, others, unknown)
    ]
    # half a row more in every bin: none is impossible
    like_converters, like_others = (
        (counts + 0.5) / (counts + 0.5).sum(axis=1, keepdims=True) for counts in drawn[:2]
    )
    least, most = np.zeros(DRAWS + 1), np.ones(DRAWS + 1)
    for _ in range(HALVINGS):
        rate = (least + most) / 2
        mixture = rate[:, None] * like_converters + (1 - rate[:, None]) * like_others
        is_low = (drawn[2] * (like_converters - like_others) / mixture).sum(axis=1) > 0
        least, most = np.where(is_low, rate, least), np.where(is_low, most, rate)
    rate = np.maximum((least + most) / 2, SMALLEST)
    lower, upper = np.quantile(rate[1:], [0.025, 0.975])
    return BaseRate(float(rate[0]), float(lower), float(upper), len(new))


def cautious_shift(probability: np.ndarray, label: np.ndarray) -> float:
    """What to add to all log-odds so that conversions come out as observed, drawn towards nothing.

    The penalised likelihood's maximum: sum(label - probability) = SHIFT_PENALTY * shift. Blocks of time
    differ in their base rate for reasons that the features already know; a free intercept overcorrects.
    """
    line = logit(probability)

    def slope(shift: float) -> float:
        return float((label - expit(line + shift)).sum() - SHIFT_PENALTY * shift)

    return float(brentq(slope, -30, 30))


def shifted(probability: np.ndarray, shift: float) -> np.ndarray:
    """Probabilities whose log-odds are moved by `shift`."""
    return expit(logit(probability) + shift) if shift else probability
