"""The base rate of the rows to be scored, where it is another one than in training."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.stats import chi2

from python_models.common.campaign import ESTIMATED, NEWEST_OUTCOMES, Campaign
from python_models.common.frames import SEED
from python_models.common.sql import hashed_below, quote_identifier
from python_models.conversion.batches import Batch, stream
from python_models.conversion.calibration import MIN_PROBABILITY, solve_shift
from python_models.conversion.fitted import FittedModel
from python_models.conversion.fitting import TrainingSet

# Of the rows with an unknown outcome so many are asked for their base rate, and for their mean score.
MAX_UNLABELLED_ROWS = 2_000_000
MAX_ENSEMBLE_ROWS = 100_000
# Known conversions in a bin of scores, bins, bootstrap draws, steps, p-value.
CONVERSIONS_PER_BIN = 20
MAX_BINS = 20
DRAWS = 500
BISECTION_STEPS = 50
MIN_P_VALUE = 0.01


@dataclass(frozen=True)
class BaseRate:
    """An estimated base rate, its 95 % interval, the number of rows and whether its assumption holds."""

    rate: float
    lower: float
    upper: float
    rows: int
    fits: bool = True

    def why_not(self, present: float) -> str | None:
        """Why it does not take the place of the present rate; None where it does."""
        if not self.fits:
            return "the new rows look like no mixture of converters and others as they were"
        if not self.rate / 2 < self.lower <= self.upper < self.rate * 2:
            return "too few rows, or too little told apart, to say more"
        return "they do not differ from it" if self.lower <= present <= self.upper else None


def adjust_for_prior_shift(
    campaign: Campaign, features: Any, training: TrainingSet, model: FittedModel
) -> tuple[FittedModel, dict[str, Any]]:
    """The model for the base rate of the rows to be scored, and what the model row says of it.

    `expected_base_rate` states it as a number, or names where it is to come from: the scores of the rows
    with an unknown outcome, or the outcomes of the newest rows that have one, the test rows. An estimate is
    used where it is precise (its interval within half and double of it) and differs from the present rate.
    """
    declared, present = campaign.expected_base_rate, training.base_rate
    if campaign.negatives_per_positive:
        model = recalibrate_ensemble(features, campaign, model)
    assumed, because, estimate = present, "as in training", None
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
            reason = estimate.why_not(present if declared == ESTIMATED else float(probability.mean()))
        if estimate and not reason:
            assumed, because = estimate.rate, f"from {source}"
            model = replace(model, shift=solve_shift(assumed, probability))
        else:
            because = f"as in training; {source} were asked: {reason}"
    return model, {
        "training_base_rate": present,
        "assumed_base_rate": assumed,
        "assumed_because": because,
        "estimated_base_rate": estimate and estimate.rate,
        "estimated_lower": estimate and estimate.lower,
        "estimated_upper": estimate and estimate.upper,
        "estimated_rows": estimate and estimate.rows,
    }


def recalibrate_ensemble(features: Any, campaign: Campaign, model: FittedModel) -> FittedModel:
    """The model with the mean of its fold models' scores calibrated on the whole, without an outcome.

    Calibration is learnt on scores of single models. Their mean is less extreme, so where conversions are
    rare its probabilities come out too low on the whole (by an eighth, docs/benchmarks.md). All others than
    training rows are unseen by every model: their mean probability by one model each says how much.
    """
    others = features.filter(f"{quote_identifier(campaign.split)} <> 'train'")
    by_one, by_all = predict_sample(others, campaign, model, MAX_ENSEMBLE_ROWS)
    if not len(by_one):
        return model
    shift = solve_shift(float(by_one[: len(by_all)].mean()), by_all)
    return replace(model, calibrator=model.calibrator.with_shift(shift))


def from_scores(
    features: Any, campaign: Campaign, training: TrainingSet, model: FittedModel
) -> tuple[BaseRate | None, np.ndarray]:
    """Base rate of the rows with an unknown outcome, and the probability of some of them."""
    unknown = features.filter(f"{quote_identifier(str(campaign.label))} is null")
    # as training rows are: each by one fold's model, for the mean of all scores differently
    by_one, by_all = predict_sample(unknown, campaign, model, MAX_UNLABELLED_ROWS)
    if not len(by_one):
        return None, by_all
    known = model.out_of_fold(training.matrix, training.folds)
    return estimate_base_rate(by_one, known, training.label), by_all


def predict_sample(
    rows: Any, campaign: Campaign, model: FittedModel, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Probability of about so many rows by one fold's model each, and of the first of them by all models."""
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
    """Base rate of the test rows, with Garwood's (1936) exact interval, and the probability of some of them.

    Nothing that is said of test rows changes by it: only rows with an unknown outcome are moved.
    """
    label = quote_identifier(str(campaign.label))
    newest = features.filter(f"{quote_identifier(campaign.split)} = 'test' and {label} is not null")
    rows, converted = newest.aggregate(f"count(*), coalesce(sum(cast({label} as int)), 0)").fetchone()
    if not rows:
        return None, np.empty(0)
    lower = chi2.ppf(0.025, 2 * converted) / 2 if converted else 0.0
    upper = chi2.ppf(0.975, 2 * converted + 2) / 2
    probability = [
        model.ensemble(model.design.matrix(batch.frame))
        for batch in sample_batches(newest, campaign, model, MAX_ENSEMBLE_ROWS)
    ]
    estimate = BaseRate(int(converted) / rows, float(lower) / rows, float(upper) / rows, rows)
    return estimate, np.concatenate(probability)


def sample_batches(rows: Any, campaign: Campaign, model: FittedModel, count: int) -> Iterator[Batch]:
    """About so many of the rows, chosen by a hash of the key."""
    there = rows.count("*").fetchone()[0]
    return stream(
        rows.filter(hashed_below(quote_identifier(campaign.entity), count / max(there, 1))), campaign, model
    )


def estimate_base_rate(new: np.ndarray, known: np.ndarray, label: np.ndarray) -> BaseRate:
    """The base rate of rows whose outcomes nobody knows, from their scores.

    Assumes that converters look as they looked in training, and so do the others: there are only more or
    fewer of them. Scores are counted in bins of equally many known conversions, or others. The estimate is
    the mixture of the two known distributions that makes the new one most likely, which is where expectation
    maximisation comes to rest (Saerens, Latinne and Decaestecker 2002); the likelihood is concave in the
    rate, so its slope is halved in on instead. The interval is that of a bootstrap over all three
    distributions: a rate of a few in ten thousand hides in what is not known of the others' scores. Where no
    mixture makes the new scores (chi squared, p < 1 %), people have changed in another way, and the estimate
    does not hold.

    Parameters
    ----------
    new, known : numpy.ndarray
        Scores of rows with an unknown and with a known outcome, all by models that never saw them.
    label : numpy.ndarray
        Outcome (0/1) of each known row.
    """
    converters, others = known[label == 1], known[label == 0]
    parts = int(np.clip(len(converters) // CONVERSIONS_PER_BIN, 2, MAX_BINS))
    steps = np.linspace(0, 1, parts + 1)[1:-1]
    edges = np.unique(np.concatenate([np.quantile(scores, steps) for scores in (converters, others)]))
    generator = np.random.default_rng(SEED)

    def counted(scores: np.ndarray) -> np.ndarray:
        """Rows per bin: as they are, then as each draw of the bootstrap has them."""
        counts = np.bincount(np.searchsorted(edges, scores), minlength=len(edges) + 1)
        return np.vstack([counts, generator.multinomial(len(scores), counts / len(scores), DRAWS)])

    def distribution(counts: np.ndarray) -> np.ndarray:
        # half a row more in every bin: none is impossible
        return (counts + 0.5) / (counts + 0.5).sum(axis=1, keepdims=True)

    like_converters, like_others = distribution(counted(converters)), distribution(counted(others))
    unknown = counted(new)
    least, most = np.zeros(DRAWS + 1), np.ones(DRAWS + 1)
    for _ in range(BISECTION_STEPS):
        rate = (least + most) / 2
        mixture = rate[:, None] * like_converters + (1 - rate[:, None]) * like_others
        is_low = (unknown * (like_converters - like_others) / mixture).sum(axis=1) > 0
        least, most = np.where(is_low, rate, least), np.where(is_low, most, rate)
    rate = np.maximum((least + most) / 2, MIN_PROBABILITY)
    lower, upper = np.quantile(rate[1:], [0.025, 0.975])
    expected = len(new) * (rate[0] * like_converters[0] + (1 - rate[0]) * like_others[0])
    # what is known of the others is a sample itself
    variance = expected * (1 + len(new) / len(others))
    misfit = ((unknown[0] - expected) ** 2 / variance).sum()
    fits = bool(chi2.sf(misfit, len(edges) - 1) > MIN_P_VALUE)
    return BaseRate(float(rate[0]), float(lower), float(upper), len(new), fits)
