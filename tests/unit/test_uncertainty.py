"""What chance may do to a measure, and the checks that allow for it."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from python_models.common.frames import Design
from python_models.conversion.fitting import TrainingSet
from python_models.conversion.measures import expected_calibration_error
from python_models.conversion.selection import MAX_CALIBRATION_ERROR, failed_sanity_check
from python_models.conversion.uncertainty import calibration_p_value, roc_auc_interval


def converted(probability: np.ndarray, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).random(len(probability)) < probability).astype(np.int64)


def refusal(label: np.ndarray, probability: np.ndarray, tried: int = 1) -> str | None:
    folds = np.arange(len(label)) % 5
    training = TrainingSet(Design([]), np.empty((len(label), 0)), label, folds)
    return failed_sanity_check(training, probability, probability, np.arange(len(label)), tried)


def test_the_interval_of_roc_auc_is_that_of_its_pairs() -> None:
    label = np.array([1, 0, 1, 0, 0, 1, 0, 0])
    score = np.array([5.0, 2.0, 2.0, 1.0, 3.0, 4.0, 2.0, 0.0])
    pairs = np.heaviside(score[label == 1][:, None] - score[label == 0], 0.5)
    of_positives, of_negatives = pairs.mean(axis=1) - pairs.mean(), pairs.mean(axis=0) - pairs.mean()
    variance = np.square(of_positives).sum() / 3**2 + np.square(of_negatives).sum() / 5**2
    margin = 1.959964 * np.sqrt(variance)
    expected = (pairs.mean(), pairs.mean() - margin, pairs.mean() + margin)
    assert roc_auc_interval(label, score, np.arange(8)) == pytest.approx(expected, rel=1e-6)


def test_rows_of_a_customer_count_once() -> None:
    probability = np.random.default_rng(1).uniform(0.1, 0.9, 400)
    label, weight = converted(probability, 2), np.ones(400)
    customer = np.repeat(np.arange(400), 4)
    fourfold = np.repeat(label, 4), np.repeat(probability, 4)
    once = roc_auc_interval(label, probability, np.arange(400))
    assert roc_auc_interval(*fourfold, customer) == pytest.approx(once)
    assert roc_auc_interval(*fourfold, np.arange(1_600))[1] > once[1]
    # bins of the fourfold rows cut at the same places, so the gaps are those of single rows
    p_value = calibration_p_value(label, probability, np.arange(400), weight)
    assert calibration_p_value(*fourfold, customer, np.ones(1_600)) == pytest.approx(p_value)


@pytest.mark.parametrize("rows", [200, 500])
def test_accurate_probabilities_of_few_rows_are_not_refused_by_chance(rows: int) -> None:
    p_values, errors = [], []
    for seed in range(60):
        probability = np.random.default_rng(seed).beta(3, 3, rows)
        label = converted(probability, seed + 1_000)
        errors.append(expected_calibration_error(label, probability))
        p_values.append(calibration_p_value(label, probability, np.arange(rows), np.ones(rows)))
    assert np.mean(np.array(errors) > MAX_CALIBRATION_ERROR) > 0.4
    assert np.mean(np.array(p_values) < 0.01) <= 0.04
    assert 0.3 < np.mean(p_values) < 0.6


def test_probabilities_that_are_wrong_are_refused() -> None:
    probability = np.random.default_rng(1).beta(3, 3, 2_000)
    label = converted(probability, 2)
    assert refusal(label, probability) is None
    reason = refusal(label, probability / 2)
    assert reason is not None
    assert reason.startswith("Calibration failed: expected calibration error 0.2")
    assert "by chance in 0.0% of cases" in reason


def test_a_ranking_that_chance_explains_is_refused() -> None:
    """Of five scores without signal the best nearly always ranks better than chance."""
    probability, refused, lucky = np.full(500, 0.2), 0, 0
    for seed in range(40):
        scores = 0.2 + np.random.default_rng(seed).normal(0, 0.01, (5, 500))
        label = converted(probability, seed + 1_000)
        best = max(scores, key=lambda score: roc_auc_score(label, score))
        lucky += roc_auc_score(label, best) > 0.5
        reason = refusal(label, best, tried=5)
        refused += reason is not None and reason.startswith(
            "Ranks no better than chance out of fold: ROC AUC"
        )
    assert lucky > 30
    assert refused >= 39


def test_a_weak_ranking_of_many_rows_is_served() -> None:
    log_odds = -2 + 0.2 * np.random.default_rng(1).normal(size=20_000)
    probability = 1 / (1 + np.exp(-log_odds))
    label = converted(probability, 2)
    assert roc_auc_interval(label, probability, np.arange(20_000))[0] < 0.57
    assert refusal(label, probability) is None
