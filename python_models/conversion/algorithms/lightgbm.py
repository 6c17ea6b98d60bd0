"""LightGBM, and its random forest."""

from dataclasses import dataclass
from typing import Self

import lightgbm as lgb
import numpy as np

from python_models.common.frames import SEED
from python_models.conversion.algorithms.base import FEW_POSITIVES, MAX_BOOST_ROUNDS, PATIENCE, RARE, Settings
from python_models.conversion.imbalance import FitSample


@dataclass(frozen=True)
class LightGBM:
    """Gradient-boosted trees (Ke et al. 2017)."""

    booster: lgb.Booster

    @staticmethod
    def rounds(sample: FitSample, stopping: FitSample, settings: Settings) -> int:
        """Number of trees with the best log loss on the rows of `stopping`."""
        data = _lightgbm_data(sample, settings)
        search = lgb.train(
            settings,
            data,
            num_boost_round=MAX_BOOST_ROUNDS,
            valid_sets=[lgb.Dataset(stopping.matrix, stopping.label, reference=data)],
            callbacks=[lgb.early_stopping(PATIENCE, verbose=False)],
        )
        return search.best_iteration

    @classmethod
    def fit(cls, sample: FitSample, settings: Settings, rounds: int) -> Self:
        """Fit `rounds` trees, or as many as the settings fix."""
        growing = {name: value for name, value in settings.items() if name != "trees"}
        trees = settings.get("trees", rounds)
        return cls(lgb.train(growing, _lightgbm_data(sample, growing), num_boost_round=trees))

    def log_odds(self, matrix: np.ndarray) -> np.ndarray:
        return np.asarray(self.booster.predict(matrix, raw_score=True, num_threads=1))

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        with_base = self.booster.predict(matrix, pred_contrib=True, num_threads=1)
        return np.asarray(with_base)[:, :-1]

    def to_text(self) -> str:
        return self.booster.model_to_string()

    @classmethod
    def from_text(cls, text: str) -> Self:
        return cls(lgb.Booster(model_str=text))


@dataclass(frozen=True)
class RandomForest(LightGBM):
    """Trees of LightGBM on bagged rows and drawn columns, averaged (Breiman 2001)."""

    def log_odds(self, matrix: np.ndarray) -> np.ndarray:
        # LightGBM's raw scores and contributions are the sum over the trees of a forest
        return super().log_odds(matrix) / self.booster.num_trees()

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        return super().contributions(matrix) / self.booster.num_trees()


def _lightgbm_data(sample: FitSample, settings: Settings) -> lgb.Dataset:
    return lgb.Dataset(
        sample.matrix,
        sample.label,
        weight=sample.weight,
        categorical_feature=sample.categorical,
        params=settings,
    )


_LIGHTGBM: Settings = {
    "objective": "binary",
    "num_threads": 1,
    "seed": SEED,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}


def lightgbm_settings(rows: int, positives: int) -> Settings:
    """By the number of conversions: few get small trees, random split points and a strong penalty."""
    if positives < FEW_POSITIVES:
        return _LIGHTGBM | {
            "num_leaves": 5,
            "learning_rate": 0.05,
            "extra_trees": True,
            "feature_fraction": 0.3,
            "bagging_fraction": 0.7,
            "bagging_freq": 1,
            "min_data_in_leaf": 20 if positives > RARE * rows else 100,
            "lambda_l2": 5.0,
            "max_bin": 63,
        }
    return _LIGHTGBM | {
        "num_leaves": 31,
        "learning_rate": 0.1,
        "feature_fraction": 0.5,
        "min_data_in_leaf": 40,
        "cat_smooth": 20.0,
    }


def rare_settings(rows: int, positives: int) -> Settings:
    """Seven leaves at the best split points: what few conversions among millions of rows are told by.

    Splits drawn at random miss the narrow places where they lie (docs/benchmarks.md).
    """
    return _LIGHTGBM | {
        "num_leaves": 7,
        "learning_rate": 0.2,
        "feature_fraction": 0.5,
        "min_data_in_leaf": 100,
        "lambda_l2": 5.0,
        "max_bin": 63,
        "bin_construct_sample_cnt": 20_000,
    }


def shallow_settings(rows: int, positives: int) -> Settings:
    """A hundred trees of four leaves: what does not fit a time closely holds longer when times change."""
    return _LIGHTGBM | {
        "trees": 100,
        "num_leaves": 4,
        "learning_rate": 0.1,
        "feature_fraction": 0.5,
        "min_data_in_leaf": 40,
        "lambda_l2": 50.0,
        "cat_smooth": 20.0,
    }


def random_forest_settings(rows: int, positives: int) -> Settings:
    """Trees of bagged rows and a third of the columns, with leaves that a rate can be read from.

    No deeper than eight: contributions take time that grows with the square of the depth.
    """
    return _LIGHTGBM | {
        "boosting": "rf",
        "trees": 100,
        "bagging_freq": 1,
        "bagging_fraction": 0.632,
        "feature_fraction": 0.3,
        "num_leaves": 63,
        "max_depth": 8,
        "lambda_l2": 1.0,
        "min_data_in_leaf": 20,
        "cat_smooth": 20.0,
    }
