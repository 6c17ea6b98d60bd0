"""The algorithms that may compete, by the name that a campaign's `candidates` uses."""

from python_models.conversion.algorithms import lightgbm, logistic, xgboost
from python_models.conversion.algorithms.base import Algorithm

# A new algorithm is a file beside this one and a line here. The order is that of the default candidates.
ALGORITHMS: dict[str, Algorithm] = {
    "logistic_regression": logistic.LOGISTIC_REGRESSION,
    "random_forest": lightgbm.RANDOM_FOREST,
    "lightgbm": lightgbm.LIGHTGBM,
    "lightgbm_shallow": lightgbm.LIGHTGBM_SHALLOW,
    "lightgbm_rare": lightgbm.LIGHTGBM_RARE,
    "xgboost": xgboost.XGBOOST,
}
DEFAULT_CANDIDATES = [name for name, algorithm in ALGORITHMS.items() if not algorithm.by_name_only]
