"""XGBoost."""

from dataclasses import dataclass

import numpy as np
import xgboost as xgb

from python_models.common.frames import SEED
from python_models.conversion.algorithms.base import FEW_POSITIVES, MAX_BOOST_ROUNDS, PATIENCE, Settings
from python_models.conversion.imbalance import FitSample


@dataclass(frozen=True)
class XGBoost:
    """Gradient-boosted trees (Chen and Guestrin 2016), categories split natively."""

    booster: xgb.Booster

    @staticmethod
    def rounds(sample: FitSample, stopping: FitSample, settings: Settings) -> int:
        search = xgb.train(
            settings,
            _xgboost_data(sample),
            num_boost_round=MAX_BOOST_ROUNDS,
            evals=[(_xgboost_data(stopping), "stopping")],
            early_stopping_rounds=PATIENCE,
            verbose_eval=False,
        )
        return search.best_iteration + 1

    @classmethod
    def fit(cls, sample: FitSample, settings: Settings, rounds: int) -> "XGBoost":
        return cls(xgb.train(settings, _xgboost_data(sample), num_boost_round=rounds))

    def log_odds(self, matrix: np.ndarray) -> np.ndarray:
        return self.booster.predict(self._data(matrix), output_margin=True).astype(np.float64)

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        return self.booster.predict(self._data(matrix), pred_contribs=True)[:, :-1].astype(np.float64)

    def _data(self, matrix: np.ndarray) -> xgb.DMatrix:
        return xgb.DMatrix(
            matrix, feature_types=self.booster.feature_types, enable_categorical=True, nthread=1
        )

    def to_text(self) -> str:
        return self.booster.save_raw("json").decode()

    @classmethod
    def from_text(cls, text: str) -> "XGBoost":
        booster = xgb.Booster({"nthread": 1})
        booster.load_model(bytearray(text.encode()))
        return cls(booster)


def _xgboost_data(sample: FitSample) -> xgb.DMatrix:
    kinds = ["c" if i in sample.categorical else "float" for i in range(sample.matrix.shape[1])]
    return xgb.DMatrix(
        sample.matrix,
        sample.label,
        weight=sample.weight,
        feature_types=kinds,
        enable_categorical=True,
        nthread=1,
    )


def xgboost_settings(rows: int, positives: int) -> Settings:
    """As LightGBM's: shallow and strongly penalised where conversions are few."""
    few = positives < FEW_POSITIVES
    return {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "max_depth": 3 if few else 5,
        "eta": 0.05 if few else 0.1,
        "subsample": 0.7,
        "colsample_bytree": 0.3 if few else 0.5,
        "min_child_weight": 5,
        "lambda": 5.0,
        "max_bin": 64 if few else 256,
        "seed": SEED,
        "nthread": 1,
    }
