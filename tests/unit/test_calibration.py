"""Probabilities mean what they say, whatever distorted the scores."""

import numpy as np
import pytest
from scipy.special import expit, logit

from python_models.conversion.calibration import (
    Calibrator,
    method_for,
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
    isotonic = Calibrator.fit(bent, label).probability(new_truth**3)
    logistic = Calibrator.fit(bent, label, "logistic").probability(new_truth**3)
    assert expected_calibration_error(new_label, isotonic) < 0.01
    assert expected_calibration_error(new_label, logistic) > 0.02


def test_isotonic_calibration_keeps_the_order_and_invents_no_ties() -> None:
    truth, label = drawn(20_000)
    calibrator = Calibrator.fit(truth, label)
    assert calibrator.method == "isotonic"
    line = np.linspace(-8, 8, 2_001)
    probability = calibrator.probability(line)
    assert (np.diff(probability) >= 0).all()
    assert (np.diff(probability) > 0).mean() > 0.95
    assert probability.min() > 0
    assert probability.max() < 1


def test_the_method_follows_the_number_of_conversions() -> None:
    few = np.repeat([1, 0], [999, 50_000])
    enough = np.repeat([1, 0], [1_000, 50_000])
    assert (method_for(few), method_for(enough)) == ("logistic", "isotonic")


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
