"""Probabilities mean what they say, whatever distorted the scores."""

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from python_models.conversion.calibration import (
    MIN_CONVERSIONS,
    Calibrator,
    fit_calibrators,
    ridge_intercept_shift,
    shift_log_odds,
    solve_shift,
)
from python_models.conversion.measures import expected_calibration_error


def drawn(count: int, seed: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Return true log-odds and outcomes."""
    generator = np.random.default_rng(seed)
    truth = generator.normal(-1, 1, count)
    return truth, (generator.random(count) < expit(truth)).astype(int)


def test_logistic_calibration_finds_the_line_that_distorted_the_log_odds() -> None:
    truth, label = drawn(200_000)
    calibrator = Calibrator.fit(2 * truth + 1, label, "logistic")
    assert calibrator.slope == pytest.approx(0.5, abs=0.01)
    assert calibrator.intercept == pytest.approx(-0.5, abs=0.02)


def test_isotonic_calibration_undoes_a_bend_that_no_line_can() -> None:
    truth, label = drawn(60_000)
    bent = truth**3
    new_truth, new_label = drawn(60_000, seed=3)
    isotonic = Calibrator.fit(bent, label, "isotonic").probability(new_truth**3)
    logistic = Calibrator.fit(bent, label, "logistic").probability(new_truth**3)
    assert expected_calibration_error(new_label, isotonic) < 0.01
    assert expected_calibration_error(new_label, logistic) > 0.02


def test_isotonic_calibration_keeps_the_order_and_invents_no_ties() -> None:
    truth, label = drawn(20_000)
    calibrator = Calibrator.fit(truth, label, "isotonic")
    assert calibrator.method == "isotonic"
    line = np.linspace(-8, 8, 2_001)
    probability = calibrator.probability(line)
    assert (np.diff(probability) >= 0).all()
    assert (np.diff(probability) > 0).mean() > 0.95
    assert probability.min() > 0
    assert probability.max() < 1


def test_beta_calibration_finds_the_exponents_of_a_beta_curve() -> None:
    """Beta curve: log-odds = a ln(q) - b ln(1 - q) + c, that is slope a and bend b - a; q is centred."""
    score = np.random.default_rng(2).normal(0, 2, 100_000)
    true = Calibrator(0.5, -0.4, bend=0.9, centre=0.3)
    label = (np.random.default_rng(3).random(len(score)) < true.probability(score)).astype(int)
    found = Calibrator.fit(score, label, "beta")
    assert found.method == "beta"
    assert found.centre == pytest.approx(logit(label.mean()))
    np.testing.assert_allclose(found.probability(score), true.probability(score), atol=0.01)
    q = expit(np.array([-3.0, 0.0, 2.0]) - 0.3)
    curve = 0.5 * np.log(q) - 1.4 * np.log(1 - q) - 0.4 + 0.5 * 0.3
    np.testing.assert_allclose(true.probability(np.array([-3.0, 0.0, 2.0])), expit(curve))


def test_beta_calibration_bends_the_scores_of_rare_events() -> None:
    """At log-odds of -4.5, ln(1 + e^s) without a centre is as good as constant."""
    score = np.random.default_rng(2).normal(-4.5, 1.5, 200_000)
    true = Calibrator(1.4, 1.8, bend=-0.8, centre=-4.5)
    label = (np.random.default_rng(3).random(len(score)) < true.probability(score)).astype(int)
    best = score > np.quantile(score, 0.99)
    straight, found = (
        Calibrator.fit(score, label, method).probability(score)[best].mean()
        for method in ("logistic", "beta")
    )
    expected = true.probability(score)[best].mean()
    assert straight > 1.1 * expected
    assert found == pytest.approx(expected, rel=0.05)


def test_a_beta_curve_that_would_fall_somewhere_becomes_a_logistic_one() -> None:
    score = np.random.default_rng(2).normal(0, 2, 20_000)
    label = (np.random.default_rng(3).random(len(score)) < expit(-1 - np.abs(score))).astype(int)
    assert Calibrator.fit(score + 1, label, "beta").method == "logistic"


def test_few_conversions_change_little_and_the_sum_is_right_all_the_same() -> None:
    """The slope is that of the penalised likelihood: information x (best - slope) = 20 x (slope - 1)."""
    slopes = {}
    for count in (200, 20_000):
        truth, label = drawn(count)
        found = Calibrator.fit(2 * truth + 1, label)
        assert found.probability(2 * truth + 1).sum() == pytest.approx(label.sum())
        gap = label - expit(found.slope * (2 * truth + 1) + found.intercept)
        assert gap @ (2 * truth + 1) == pytest.approx(20 * (found.slope - 1), abs=1e-3)
        slopes[count] = found.slope
    assert slopes[20_000] == pytest.approx(0.5, abs=0.02)
    assert slopes[200] > 0.55


def chosen_for(score: np.ndarray, label: np.ndarray) -> str:
    folds = np.arange(len(label)) % 5
    calibrator, by_fold = fit_calibrators(score, label, folds, np.ones(len(label)))
    rest = folds != 3
    assert by_fold[3] == Calibrator.fit(score[rest], label[rest], calibrator.method)
    return calibrator.method


def test_a_method_that_can_change_more_must_predict_the_other_folds_better() -> None:
    truth, label = drawn(8_000)
    assert chosen_for(truth, label) == "logistic"
    true = Calibrator(0.5, -0.4, bend=0.9)
    beta = (np.random.default_rng(3).random(len(truth)) < true.probability(truth)).astype(int)
    assert chosen_for(truth, beta) == "beta"
    assert chosen_for(truth**3, label) == "isotonic"


def test_isotonic_calibration_needs_conversions() -> None:
    """Scores are bent so much that it is chosen as soon as it may be."""
    truth, label = drawn(8_000)
    score = truth**3
    enough = int(np.searchsorted(label.cumsum(), MIN_CONVERSIONS["isotonic"])) + 1
    assert chosen_for(score[:enough], label[:enough]) == "isotonic"
    assert chosen_for(score[: enough - 1], label[: enough - 1]) != "isotonic"


def test_a_shift_restores_a_base_rate_and_keeps_odds_ratios() -> None:
    probability = np.array([0.1, 0.2, 0.6])
    moved = shift_log_odds(probability, solve_shift(0.05, probability))
    assert moved.mean() == pytest.approx(0.05)
    np.testing.assert_allclose(np.diff(logit(moved)), np.diff(logit(probability)))


def test_a_recalibration_follows_many_rows_and_hardly_few() -> None:
    truth, label = drawn(100_000)
    too_low = expit(truth - 1)
    assert ridge_intercept_shift(too_low, label) == pytest.approx(1.0, abs=0.05)
    assert 0 < ridge_intercept_shift(too_low[:100], label[:100]) < 0.15


def slope_against(truth: np.ndarray, probability: np.ndarray) -> float:
    """Return the calibration slope: that of a logistic regression of the truth on the log-odds."""
    column = np.tile(logit(probability), 2).reshape(-1, 1)
    outcome, weight = np.repeat([1, 0], len(truth)), np.concatenate([truth, 1 - truth])
    regression = LogisticRegression(C=np.inf).fit(column, outcome, sample_weight=weight)
    return float(regression.coef_[0, 0])


@pytest.mark.parametrize(("centre", "method"), [(-4.5, "logistic"), (-2.0, "isotonic")])
def test_the_mean_of_models_is_calibrated_though_only_single_models_have_outcomes(
    centre: float, method: str
) -> None:
    generator = np.random.default_rng(5)
    truth = generator.normal(centre, 1, 80_000)
    models = 1.3 * truth + generator.normal(0, 0.7, (5, len(truth)))
    label = (generator.random(len(truth)) < expit(truth)).astype(int)
    known, new = np.arange(len(truth)) < 60_000, np.arange(len(truth)) >= 60_000
    one = Calibrator.fit(models[0, known], label[known], method)
    served = one.for_mean(models[:, new])
    mean, probability = models.mean(axis=0)[new], expit(truth[new])
    best = mean >= np.quantile(mean, 0.9)
    assert slope_against(probability, one.probability(mean)) > 1.2
    assert slope_against(probability, served.probability(mean)) == pytest.approx(1, abs=0.03)
    assert one.probability(mean)[best].mean() < 0.86 * probability[best].mean()
    assert served.probability(mean)[best].mean() == pytest.approx(probability[best].mean(), rel=0.03)
    assert served.probability(mean).mean() == pytest.approx(probability.mean(), rel=0.03)


def test_models_that_agree_are_not_stretched() -> None:
    same = np.tile(np.linspace(-3, 0, 100), (5, 1))
    served = Calibrator(1.2, -0.1).for_mean(same)
    assert (served.scale, served.offset) == pytest.approx((1, 0), abs=1e-9)
    assert Calibrator(1.2, -0.1).for_mean(np.zeros((5, 100))) == Calibrator(1.2, -0.1)
