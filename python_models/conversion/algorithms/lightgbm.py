"""LightGBM, and its random forest."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import lightgbm as lgb
import numpy as np

from python_models.common.frames import SEED
from python_models.conversion.algorithms.base import (
    FEW_POSITIVES,
    MAX_BOOST_ROUNDS,
    PATIENCE,
    RARE,
    Algorithm,
    Settings,
    suggest_boosting,
)
from python_models.conversion.imbalance import FitSample

if TYPE_CHECKING:
    import optuna


@dataclass(frozen=True)
class LightGBM:
    """Gradient-boosted trees (Ke et al. 2017)."""

    booster: lgb.Booster

    @staticmethod
    def rounds(sample: FitSample, stopping: FitSample, settings: Settings) -> int:
        """Return the number of trees with the best log loss on the rows of `stopping`."""
        data = _lightgbm_data(sample, settings)
        search = lgb.train(
            settings,
            data,
            num_boost_round=MAX_BOOST_ROUNDS,
            valid_sets=[lgb.Dataset(stopping.matrix, stopping.label, reference=data)],
            callbacks=[lgb.early_stopping(PATIENCE, verbose=False)],
        )
        return int(search.best_iteration)

    @classmethod
    def fit(cls, sample: FitSample, settings: Settings, rounds: int) -> Self:
        """Fit `rounds` trees, or the number that the settings fix."""
        growing = {name: value for name, value in settings.items() if name != "trees"}
        trees = settings.get("trees", rounds)
        return cls(lgb.train(growing, _lightgbm_data(sample, growing), num_boost_round=trees))

    def log_odds(self, matrix: np.ndarray) -> np.ndarray:
        return np.asarray(self.booster.predict(matrix, raw_score=True, num_threads=1))

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        with_base = self.booster.predict(matrix, pred_contrib=True, num_threads=1)
        return np.asarray(with_base)[:, :-1]

    @property
    def tree_count(self) -> int:
        return int(self.booster.num_trees())

    def to_text(self) -> str:
        return str(self.booster.model_to_string())

    @classmethod
    def from_text(cls, text: str) -> Self:
        return cls(lgb.Booster(model_str=text))


@dataclass(frozen=True)
class RandomForest(LightGBM):
    """Trees of LightGBM on bagged rows, with columns sampled at each split, averaged (Breiman 2001)."""

    def log_odds(self, matrix: np.ndarray) -> np.ndarray:
        # LightGBM's raw scores and contributions are the sum over the trees of a forest
        return super().log_odds(matrix) / self.tree_count

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        return super().contributions(matrix) / self.tree_count


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
    """Choose settings by the number of conversions.

    Few conversions get small trees, random split points and a strong penalty.
    """
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
    """Use best-split trees with seven leaves, for very rare conversions.

    Random split points miss the narrow value ranges in which rare conversions occur (docs/benchmarks.md).
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
    """Use a hundred trees of four leaves: shallow trees overfit one period less and so age better."""
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
    """Use bagged rows, a third of the columns per split, and leaves large enough to estimate a rate.

    The depth is at most eight: the time for contributions grows with the square of the depth.
    """
    return _LIGHTGBM | {
        "boosting": "rf",
        "trees": 100,
        "bagging_freq": 1,
        "bagging_fraction": 0.632,
        "feature_fraction_bynode": 0.3,
        "num_leaves": 63,
        "max_depth": 8,
        "lambda_l2": 1.0,
        "min_data_in_leaf": 20,
        "cat_smooth": 20.0,
    }


def suggest_lightgbm(trial: "optuna.Trial") -> Settings:
    """Suggest the settings of one trial."""
    share, rate, penalty = suggest_boosting(trial)
    return {
        "num_leaves": trial.suggest_int("leaves", 4, 63, log=True),
        "min_data_in_leaf": trial.suggest_int("rows_in_leaf", 10, 200, log=True),
        "extra_trees": trial.suggest_categorical("extra_trees", [False, True]),
        "feature_fraction": share,
        "learning_rate": rate,
        "lambda_l2": penalty,
    }


RANDOM_FOREST = Algorithm(
    RandomForest.fit, RandomForest.from_text, random_forest_settings, "lightgbm", library=lgb
)
LIGHTGBM = Algorithm(
    LightGBM.fit,
    LightGBM.from_text,
    lightgbm_settings,
    "lightgbm",
    library=lgb,
    rounds=LightGBM.rounds,
    search=suggest_lightgbm,
)
LIGHTGBM_SHALLOW = Algorithm(LightGBM.fit, LightGBM.from_text, shallow_settings, "lightgbm", library=lgb)
LIGHTGBM_RARE = Algorithm(
    LightGBM.fit,
    LightGBM.from_text,
    rare_settings,
    "lightgbm",
    library=lgb,
    rounds=LightGBM.rounds,
    by_name_only=True,
)
