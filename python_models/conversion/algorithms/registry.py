"""The algorithms that may compete, by name."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

from python_models.conversion.algorithms.base import Candidate, Settings
from python_models.conversion.algorithms.lightgbm import (
    LightGBM,
    RandomForest,
    lightgbm_settings,
    random_forest_settings,
    rare_settings,
    shallow_settings,
)
from python_models.conversion.algorithms.logistic import Logistic, logistic_settings
from python_models.conversion.algorithms.xgboost import XGBoost, xgboost_settings
from python_models.conversion.imbalance import FitSample

# Equal quantiles make fewer bins, as they should. For the whole process, because dbt's models are threads.
warnings.filterwarnings("ignore", message="Bins whose width are too small")


@dataclass(frozen=True)
class Algorithm:
    """How to fit, describe and read back one algorithm.

    `rounds` finds the number of trees on rows that are not fitted on; algorithms without it have none.
    """

    fit: Callable[[FitSample, Settings, int], Candidate]
    from_text: Callable[[str], Candidate]
    settings: Callable[[int, int], Settings]
    model_format: str
    rounds: Callable[[FitSample, FitSample, Settings], int] | None = None


ALGORITHMS: dict[str, Algorithm] = {
    "logistic_regression": Algorithm(Logistic.fit, Logistic.from_text, logistic_settings, "skops"),
    "random_forest": Algorithm(RandomForest.fit, RandomForest.from_text, random_forest_settings, "lightgbm"),
    "lightgbm": Algorithm(LightGBM.fit, LightGBM.from_text, lightgbm_settings, "lightgbm", LightGBM.rounds),
    "lightgbm_shallow": Algorithm(LightGBM.fit, LightGBM.from_text, shallow_settings, "lightgbm"),
    "lightgbm_rare": Algorithm(LightGBM.fit, LightGBM.from_text, rare_settings, "lightgbm", LightGBM.rounds),
    "xgboost": Algorithm(XGBoost.fit, XGBoost.from_text, xgboost_settings, "xgboost json", XGBoost.rounds),
}
