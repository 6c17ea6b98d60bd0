"""Prior shift: the base rate of the rows to score, if it differs from that of the training rows."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import logit
from scipy.stats import chi2, ncx2

from python_models.common.campaign import ESTIMATED, NEWEST_OUTCOMES, Campaign
from python_models.common.frames import SEED
from python_models.common.sql import hashed_below, quote_identifier
from python_models.conversion.batches import Batch, stream
from python_models.conversion.calibration import MIN_PROBABILITY, solve_shift
from python_models.conversion.fitted import FittedModel
from python_models.conversion.fitting import TrainingSet

# Number of unlabelled rows used to estimate the base rate, and the mean score of all fold models.
MAX_UNLABELLED_ROWS = 2_000_000
MAX_ENSEMBLE_ROWS = 100_000
# Fewer rows do not say how much less spread out the mean of all fold models is.
MIN_ENSEMBLE_ROWS = 100
# Of the mixture estimate: known conversions per bin of scores, bootstrap draws, p-value of the fit.
CONVERSIONS_PER_BIN = 20
MAX_BINS = 20
DRAWS = 500
BISECTION_STEPS = 50
MIN_P_VALUE = 0.01
MIN_POWER = 0.95


@dataclass(frozen=True)
class BaseRate:
    """An estimated base rate, its 95 % interval, the number of rows and whether the mixture fits.

    `power` is the probability that its test of fit notices people who have changed.
    """

    rate: float
    lower: float
    upper: float
    rows: int
    fits: bool = True
    power: float = 1.0

    def rejection_reason(self, current: float) -> str | None:
        """Return the reason to reject this estimate, or None.

        >>> BaseRate(0.1, 0.08, 0.12, 1_000).rejection_reason(0.05) is None
        True
        >>> BaseRate(0.1, 0.08, 0.12, 1_000).rejection_reason(0.09)
        'they do not differ from it'
        """
        if not self.fits:
            return "the new rows look like no mixture of converters and others as they were"
        if not self.rate / 2 < self.lower <= self.upper < self.rate * 2:
            return "too few rows, or too little told apart, to say more"
        if self.lower <= current <= self.upper:
            return "they do not differ from it"
        if self.power < MIN_POWER:
            return "they cannot tell more converters from people who have changed"
        return None


def adjust_for_prior_shift(
    campaign: Campaign, features: Any, training: TrainingSet, model: FittedModel
) -> tuple[FittedModel, dict[str, Any]]:
    """Return the model in service adjusted to the base rate of the rows to score, and what it assumes.

    `expected_base_rate` is a number, or the source of an estimate: the scores of the rows with an unknown
    outcome, or the outcomes of the newest rows that have one (the test rows). An estimate is used if it is
    precise (its interval lies between half and double of it) and differs from the current rate.
    """
    declared, current = campaign.expected_base_rate, training.base_rate
    assumed, because, estimate = current, "as in training", None
    if declared == ESTIMATED:
        estimate, probability = from_scores(features, campaign, training, model)
        source = "scores of rows with an unknown outcome"
    elif declared == NEWEST_OUTCOMES:
        estimate, probability = from_newest_outcomes(features, campaign, model)
        source = "outcomes of the newest rows"
    elif declared is not None:
        assumed, because = float(declared), "stated (expected_base_rate)"
        probability = model.out_of_fold(training.matrix, training.folds)
        model = replace(model, shift=solve_shift(assumed, probability, training.weight))
    elif model.shift:
        because = "as in training, moved to the outcomes of the newest blocks (recalibrate)"
    if declared in (ESTIMATED, NEWEST_OUTCOMES):
        reason: str | None = "there are none"
        if estimate:
            reason = estimate.rejection_reason(
                current if declared == ESTIMATED else float(probability.mean())
            )
        if estimate and not reason:
            assumed, because = estimate.rate, f"from {source}"
            model = replace(model, shift=solve_shift(assumed, probability))
        else:
            because = f"as in training; {source} were asked: {reason}"
    return model, {
        "assumed_base_rate": assumed,
        "assumed_because": because,
        "estimated_base_rate": estimate and estimate.rate,
        "estimated_lower": estimate and estimate.lower,
        "estimated_upper": estimate and estimate.upper,
        "estimated_rows": estimate and estimate.rows,
    }


def calibrate_ensemble(
    features: Any, campaign: Campaign, model: FittedModel, judged: FittedModel | None = None
) -> FittedModel:
    """Calibrate the mean of the fold models, which predicts new rows, on rows that none of them has seen.

    Needs no outcomes (`Calibrator.for_mean`). A model that is fitted again on all known rows has seen all but
    those without an outcome; where these are few, its mean is stretched as that of the `judged` model.
    """
    unseen = f"{quote_identifier(str(campaign.label))} is null"
    if judged is None:
        unseen += f" or {quote_identifier(campaign.split)} <> 'train'"
    found = [
        np.array([fold.log_odds(matrix) for fold in model.models])
        for batch in sample_batches(features.filter(unseen), campaign, model, MAX_ENSEMBLE_ROWS)
        for matrix in [model.design.matrix(batch.frame)]
    ]
    log_odds = np.hstack(found) if found else np.empty((len(model.models), 0))
    if log_odds.shape[1] >= MIN_ENSEMBLE_ROWS:
        # sums of floats depend on the order of rows, which a mart does not promise
        in_order = log_odds[:, np.lexsort(log_odds)]
        return replace(model, calibrator=model.calibrator.for_mean(in_order))
    if judged is None:
        return model
    scale, offset = judged.calibrator.scale, judged.calibrator.offset
    return replace(model, calibrator=replace(model.calibrator, scale=scale, offset=offset))


def from_scores(
    features: Any, campaign: Campaign, training: TrainingSet, model: FittedModel
) -> tuple[BaseRate | None, np.ndarray]:
    """Estimate the base rate of the rows with an unknown outcome; return it and a sample of probabilities."""
    unknown = features.filter(f"{quote_identifier(str(campaign.label))} is null")
    # compare scores of single models, as training rows have: the mean of all models is less extreme
    by_one, by_all = predict_sample(unknown, campaign, model, MAX_UNLABELLED_ROWS)
    if not len(by_one):
        return None, by_all
    known = model.out_of_fold(training.matrix, training.folds)
    return estimate_base_rate(logit(by_one), logit(known), training.label, training.weight), by_all


def predict_sample(
    rows: Any, campaign: Campaign, model: FittedModel, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Predict about `count` rows, each by one fold's model, and the first of them by all models too."""
    by_one: list[np.ndarray] = [np.empty(0)]
    by_all: list[np.ndarray] = [np.empty(0)]
    for batch in sample_batches(rows, campaign, model, count):
        matrix = model.design.matrix(batch.frame)
        by_one.append(model.out_of_fold(matrix, batch.folds))
        if sum(map(len, by_all)) < MAX_ENSEMBLE_ROWS:
            by_all.append(model.ensemble(matrix))
    return np.concatenate(by_one), np.concatenate(by_all)


def from_newest_outcomes(
    features: Any, campaign: Campaign, model: FittedModel
) -> tuple[BaseRate | None, np.ndarray]:
    """Return the base rate of the test rows, and a sample of their probabilities.

    Each row is predicted by the models that never saw its customer: the model in service was fitted on test
    rows too. Only rows with an unknown outcome are adjusted.
    """
    label = quote_identifier(str(campaign.label))
    newest = features.filter(f"{quote_identifier(campaign.split)} = 'test' and {label} is not null")
    estimate = observed_base_rate(newest, campaign)
    if not estimate:
        return None, np.empty(0)
    probability = [
        model.out_of_fold(model.design.matrix(batch.frame), batch.folds)
        for batch in sample_batches(newest, campaign, model, MAX_ENSEMBLE_ROWS)
    ]
    return estimate, np.concatenate(probability)


def observed_base_rate(rows: Any, campaign: Campaign) -> BaseRate | None:
    """Return the base rate of rows with a known outcome, with Garwood's (1936) interval; None without rows.

    Rows of a customer convert alike: conversions are divided by the variance of the customers' conversions
    over that of a Poisson count, where it is larger.
    """
    converted = f"sum(cast({quote_identifier(str(campaign.label))} as int)) as converted"
    customers = rows.aggregate(f"count(*) as row_count, {converted}", quote_identifier(campaign.customer))
    sums = "sum(row_count), sum(converted), sum(row_count * row_count), sum(row_count * converted), "
    found = customers.aggregate(f"{sums} sum(converted * converted)").fetchone()
    if found[0] is None:
        return None
    count, conversions, squared_rows, crossed, squared_conversions = map(int, found)
    rate = conversions / count
    residuals = squared_conversions - 2 * rate * crossed + rate**2 * squared_rows
    excess = max(1.0, residuals / conversions) if conversions else 1.0
    lower = excess * chi2.ppf(0.025, 2 * conversions / excess) / 2 if conversions else 0.0
    upper = excess * chi2.ppf(0.975, 2 * conversions / excess + 2) / 2
    return BaseRate(rate, float(lower) / count, float(upper) / count, count)


def sample_batches(rows: Any, campaign: Campaign, model: FittedModel, count: int) -> Iterator[Batch]:
    """Yield about `count` of the rows, chosen by a hash of the key."""
    available = rows.count("*").fetchone()[0]
    condition = hashed_below(quote_identifier(campaign.entity), count / max(available, 1))
    return stream(rows.filter(condition), campaign, model)


def estimate_base_rate(
    new: np.ndarray, known: np.ndarray, label: np.ndarray, weight: np.ndarray | None = None
) -> BaseRate:
    """Estimate the base rate of rows with an unknown outcome from their scores.

    Assumes prior shift: the score distributions of converters and of others are those of training, only
    their shares differ. Scores are counted in bins at quantiles of both distributions. The estimate is the
    mixture of the two that maximises the likelihood of the new scores, the fixed point of expectation
    maximisation (Saerens, Latinne and Decaestecker 2002). The interval is from a bootstrap over all three
    distributions, because the scores of the others are uncertain too, which matters for rates of a few in
    ten thousand. If no mixture fits the new scores (chi squared, p < 1 %), more than the shares has changed
    and the estimate is rejected. That test must be able to notice it: its power is that against the known
    scores moved as a whole to the mean of the new ones.

    Parameters
    ----------
    new, known : numpy.ndarray
        Scores of rows with an unknown and with a known outcome, all by models that never saw them.
    label : numpy.ndarray
        Outcome (0/1) of each known row.
    weight : numpy.ndarray, optional
        Number of rows of the population that each known row represents.
    """
    converters, others = known[label == 1], known[label == 0]
    parts = int(np.clip(len(converters) // CONVERSIONS_PER_BIN, 2, MAX_BINS))
    steps = np.linspace(0, 1, parts + 1)[1:-1]
    edges = np.unique(np.concatenate([np.quantile(scores, steps) for scores in (converters, others)]))
    generator = np.random.default_rng(SEED)

    def count(scores: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
        return np.bincount(np.searchsorted(edges, scores), weight, minlength=len(edges) + 1)

    def draw(counts: np.ndarray) -> np.ndarray:
        """Return the counts, then those of each bootstrap draw."""
        rows = counts.sum()
        return np.vstack([counts, generator.multinomial(rows, counts / rows, DRAWS)])

    classes = _distribution(draw(count(converters))), _distribution(draw(count(others)))
    unknown = draw(count(new))
    rate = _mixture_rate(unknown, *classes)
    lower, upper = np.quantile(rate[1:], [0.025, 0.975])
    seen = classes[0][:1], classes[1][:1]
    limit = chi2.isf(MIN_P_VALUE, len(edges) - 1)
    fits = _misfit(unknown[:1], *seen, len(others)) < limit
    moved = count(known + new.mean() - np.average(known, weights=weight), weight)
    distance = _misfit(moved[None] * (len(new) / moved.sum()), *seen, len(others))
    # less what counts of a sample differ by chance
    distance -= len(edges) * len(new) / (len(new) + len(others))
    power = ncx2.sf(limit, len(edges) - 1, max(distance, 0.0))
    return BaseRate(float(rate[0]), float(lower), float(upper), len(new), bool(fits), float(power))


def _distribution(counts: np.ndarray) -> np.ndarray:
    # add half a row to every bin, so that no probability is zero
    return np.asarray((counts + 0.5) / (counts + 0.5).sum(axis=1, keepdims=True))


def _mixture_rate(counts: np.ndarray, like_converters: np.ndarray, like_others: np.ndarray) -> np.ndarray:
    """Return the share of converters that makes each line of counts most likely.

    The likelihood is concave in the share, so bisection on its slope finds it.
    """
    low, high = np.zeros(len(counts)), np.ones(len(counts))
    for _ in range(BISECTION_STEPS):
        rate = (low + high) / 2
        mixture = rate[:, None] * like_converters + (1 - rate[:, None]) * like_others
        is_low = (counts * (like_converters - like_others) / mixture).sum(axis=1) > 0
        low, high = np.where(is_low, rate, low), np.where(is_low, high, rate)
    return np.maximum((low + high) / 2, MIN_PROBABILITY)


def _misfit(
    counts: np.ndarray, like_converters: np.ndarray, like_others: np.ndarray, other_count: int
) -> float:
    """Return chi squared of counts against the mixture that makes them most likely."""
    rate, rows = _mixture_rate(counts, like_converters, like_others)[:, None], counts.sum()
    expected = rows * (rate * like_converters + (1 - rate) * like_others)
    # the reference distribution is itself a sample; widen the variance
    variance = expected * (1 + rows / other_count)
    return float(((counts - expected) ** 2 / variance).sum())
