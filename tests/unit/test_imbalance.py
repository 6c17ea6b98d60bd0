"""Whatever is done to the rows, probabilities come back to the population's rate."""

import numpy as np
import pytest

from python_models.common.frames import Design
from python_models.conversion.fitting import TrainingSet, best_iteration, cross_fit, presets
from python_models.conversion.imbalance import FitSample, resample


def rare(count: int = 8_000) -> TrainingSet:
    """Return rows with 4 % conversions, driven by a number and a category; a tenth of values is missing."""
    generator = np.random.default_rng(3)
    spend, job = generator.normal(size=count), generator.integers(0, 3, count).astype(float)
    chance = 1 / (1 + np.exp(4 - 1.2 * spend - (job == 1)))
    label = (generator.random(count) < chance).astype(np.int64)
    matrix = np.column_stack([spend, job])
    matrix[generator.random(count) < 0.1, 0] = np.nan
    matrix[generator.random(count) < 0.1, 1] = np.nan
    design = Design(["spend", "job"], {"job": ["a", "b", "c"]})
    return TrainingSet(design, matrix, label, np.arange(count) % 5)


@pytest.mark.parametrize("imbalance", ["weight", "smote", "downsample"])
@pytest.mark.parametrize("algorithm", ["lightgbm", "logistic_regression"])
def test_log_odds_are_corrected_back_to_the_population(algorithm: str, imbalance: str) -> None:
    training = rare()
    fit = cross_fit(algorithm, training, imbalance)
    expected = fit.probability.mean() / training.label.mean()
    # new conversions between old ones are not quite like them
    assert (0.6 if imbalance == "smote" else 0.85) < expected < 1.15
    assert all(model.offset < -1 for model in fit.models)


def test_downsampling_keeps_every_conversion_and_draws_from_the_rest() -> None:
    training = rare()
    sample = FitSample(training.matrix, training.label, [1])
    drawn = resample(sample, "downsample")
    assert drawn.label.sum() == training.label.sum()
    ratio = (training.label == 0).sum() / training.label.sum()
    assert (drawn.label == 0).sum() / drawn.label.sum() == pytest.approx(np.sqrt(ratio), rel=0.01)
    assert drawn.odds_factor == pytest.approx(np.sqrt(ratio), rel=0.01)


def test_smote_draws_rows_and_appends_conversions_of_known_categories() -> None:
    training = rare(2_000)
    sample = FitSample(training.matrix, training.label, [1])
    more = resample(sample, "smote")
    positives = int(training.label.sum())
    ratio = (training.label == 0).sum() / positives
    # half by more conversions, half by fewer others, as far as the other methods go
    assert more.label.sum() / positives == pytest.approx(ratio**0.25, rel=0.02)
    assert (more.label == 0).sum() / more.label.sum() == pytest.approx(np.sqrt(ratio), rel=0.02)
    assert more.odds_factor == pytest.approx(np.sqrt(ratio), rel=0.02)
    # the rows that stay keep their missing values
    rows = int((more.label == 0).sum()) + positives
    kept = {row.tobytes() for row in training.matrix}
    assert all(row.tobytes() in kept for row in more.matrix[:rows])
    assert (more.label[rows:] == 1).all()
    new_jobs = more.matrix[rows:, 1]
    assert set(new_jobs[~np.isnan(new_jobs)]) <= {0.0, 1.0, 2.0}
    assert not np.isnan(more.matrix[rows:, 0]).any()


def test_the_number_of_trees_is_found_on_the_odds_of_the_resampled_rows() -> None:
    """Without that, more trees only undo what resampling did to the base rate."""
    training = rare()
    fitted, stopping = training.folds > 1, training.folds == 1
    settings = presets("lightgbm", training)[-1] | {"learning_rate": 0.05}
    found = {
        how: best_iteration("lightgbm", training, fitted, stopping, None, how, settings)
        for how in ("none", "weight", "downsample")
    }
    assert max(found.values()) < 3 * min(found.values())


def test_balanced_rows_are_left_as_they_are() -> None:
    sample = FitSample(np.zeros((4, 1)), np.array([1, 1, 1, 0]), [])
    assert all(resample(sample, how) is sample for how in ("none", "weight", "smote", "downsample"))
