"""LightGBM, and its random forest."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import lightgbm as lgb
import numpy as np

from python_models.common.frames import SEED
from python_models.conversion.algorithms.base import (
    MAX_BOOST_ROUNDS,
    PATIENCE,
    Algorithm,
    Settings,
    Size,
    between,
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
            valid_sets=[lgb.Dataset(stopping.matrix, stopping.label, weight=stopping.weight, reference=data)],
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


# Many columns for each conversion: small trees with random split points alone. Few: larger trees alone.
# Between, both are tried.
MIN_POSITIVES_PER_COLUMN = 10
MAX_POSITIVES_PER_COLUMN = 60


def lightgbm_presets(size: Size) -> list[Settings]:
    """Return small trees with random split points and a strong penalty, then larger ones."""
    # a leaf with one conversion at the base rate
    rows_in_leaf = round(between(20, size.rows / max(size.positives, 1), 100))
    cautious = _LIGHTGBM | {
        "num_leaves": 5,
        "learning_rate": 0.05,
        "extra_trees": True,
        "feature_fraction": size.column_share(0.3),
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "min_data_in_leaf": rows_in_leaf,
        "lambda_l2": 5.0,
        "max_bin": 63,
    }
    flexible = _LIGHTGBM | {
        "num_leaves": round(between(6, 2.5 * size.positives_per_column**0.5, 31)),
        "learning_rate": size.learning_rate,
        "feature_fraction": size.column_share(0.4),
        "bagging_fraction": 0.75,
        "bagging_freq": 1,
        "min_data_in_leaf": rows_in_leaf,
        "lambda_l2": 5.0,
        "cat_smooth": 20.0,
    }
    presets = [cautious] if size.positives_per_column < MAX_POSITIVES_PER_COLUMN else []
    return presets + ([flexible] if size.positives_per_column > MIN_POSITIVES_PER_COLUMN else [])


def rare_presets(size: Size) -> list[Settings]:
    """Use best-split trees with seven leaves, for very rare conversions.

    Random split points miss the narrow value ranges in which rare conversions occur (docs/benchmarks.md).
    """
    rare = _LIGHTGBM | {
        "num_leaves": 7,
        "learning_rate": 0.2,
        "feature_fraction": size.column_share(0.5),
        "min_data_in_leaf": 100,
        "lambda_l2": 5.0,
        "max_bin": 63,
        "bin_construct_sample_cnt": 20_000,
    }
    return [rare]


def shallow_presets(size: Size) -> list[Settings]:
    """Use a hundred trees of four leaves: shallow trees overfit one period less and so age better."""
    shallow = _LIGHTGBM | {
        "trees": 100,
        "num_leaves": 4,
        "learning_rate": 0.1,
        "feature_fraction": size.column_share(0.5),
        "min_data_in_leaf": 40,
        "lambda_l2": 50.0,
        "cat_smooth": 20.0,
    }
    return [shallow]


def random_forest_presets(size: Size) -> list[Settings]:
    """Use bagged rows, a third of the columns per split, and leaves large enough to estimate a rate.

    The depth is at most eight: the time for contributions grows with the square of the depth.
    """
    forest = _LIGHTGBM | {
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
    return [forest]


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
    RandomForest.fit, RandomForest.from_text, random_forest_presets, "lightgbm", library=lgb
)
LIGHTGBM = Algorithm(
    LightGBM.fit,
    LightGBM.from_text,
    lightgbm_presets,
    "lightgbm",
    library=lgb,
    rounds=LightGBM.rounds,
    search=suggest_lightgbm,
)
LIGHTGBM_SHALLOW = Algorithm(LightGBM.fit, LightGBM.from_text, shallow_presets, "lightgbm", library=lgb)
LIGHTGBM_RARE = Algorithm(
    LightGBM.fit,
    LightGBM.from_text,
    rare_presets,
    "lightgbm",
    library=lgb,
    rounds=LightGBM.rounds,
    by_name_only=True,
)
