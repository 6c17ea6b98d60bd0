"""XGBoost."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xgboost as xgb

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
class XGBoost:
    """Gradient-boosted trees (Chen and Guestrin 2016), categories split natively."""

    booster: xgb.Booster

    @staticmethod
    def rounds(sample: FitSample, stopping: FitSample, settings: Settings) -> int:
        """Return the number of trees with the best log loss on the rows of `stopping`."""
        search = xgb.train(
            settings,
            _xgboost_data(sample),
            num_boost_round=MAX_BOOST_ROUNDS,
            evals=[(_xgboost_data(stopping), "stopping")],
            early_stopping_rounds=PATIENCE,
            verbose_eval=False,
        )
        return int(search.best_iteration) + 1

    @classmethod
    def fit(cls, sample: FitSample, settings: Settings, rounds: int) -> "XGBoost":
        return cls(xgb.train(settings, _xgboost_data(sample), num_boost_round=rounds))

    def log_odds(self, matrix: np.ndarray) -> np.ndarray:
        # the same as by way of a DMatrix, in half the time for a single row
        margin = self.booster.inplace_predict(matrix, predict_type="margin", validate_features=False)
        return np.asarray(margin, np.float64)

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        with_base = self.booster.predict(self._data(matrix), pred_contribs=True)
        return np.asarray(with_base[:, :-1], np.float64)

    def _data(self, matrix: np.ndarray) -> xgb.DMatrix:
        return xgb.DMatrix(
            matrix, feature_types=self.booster.feature_types, enable_categorical=True, nthread=1
        )

    @property
    def tree_count(self) -> int:
        return int(self.booster.num_boosted_rounds())

    def to_text(self) -> str:
        return str(self.booster.save_raw("json").decode())

    @classmethod
    def from_text(cls, text: str) -> "XGBoost":
        booster = xgb.Booster({"nthread": 1})
        booster.load_model(bytearray(text.encode()))
        return cls(booster)


def _xgboost_data(sample: FitSample) -> xgb.DMatrix:
    types = ["c" if i in sample.categorical else "float" for i in range(sample.matrix.shape[1])]
    return xgb.DMatrix(
        sample.matrix,
        sample.label,
        weight=sample.weight,
        feature_types=types,
        enable_categorical=True,
        nthread=1,
    )


def xgboost_presets(size: Size) -> list[Settings]:
    """Choose settings by the conversions per column: shallow trees of fewer columns and bins where few."""
    doublings = float(np.log2(size.positives_per_column / 20))
    settings = {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "max_depth": round(between(3, 3 + doublings, 6)),
        "eta": size.learning_rate,
        "subsample": 0.75,
        "colsample_bytree": size.column_share(between(0.3, 0.3 + doublings / 20, 0.5)),
        "min_child_weight": 5,
        "lambda": 5.0,
        "max_bin": round(between(64, 64 * 2 ** (doublings / 2), 256)),
        "seed": SEED,
        "nthread": 1,
    }
    return [settings]


def suggest_xgboost(trial: "optuna.Trial") -> Settings:
    """Suggest the settings of one trial."""
    share, rate, penalty = suggest_boosting(trial)
    return {
        "max_depth": trial.suggest_int("depth", 2, 7),
        "min_child_weight": trial.suggest_float("weight_of_child", 1.0, 50.0, log=True),
        "colsample_bytree": share,
        "eta": rate,
        "lambda": penalty,
    }


XGBOOST = Algorithm(
    XGBoost.fit,
    XGBoost.from_text,
    xgboost_presets,
    "xgboost json",
    library=xgb,
    rounds=XGBoost.rounds,
    search=suggest_xgboost,
)
