"""The interface of an algorithm: settings, a fit, predictions, contributions and its model as text."""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from python_models.conversion.imbalance import FitSample

if TYPE_CHECKING:
    import optuna

# What a model can learn depends on its conversions, not on its rows (docs/benchmarks.md).
FEW_POSITIVES = 2_000
RARE = 0.02
MAX_BOOST_ROUNDS = 2_000
PATIENCE = 50
Settings = dict[str, Any]


class Candidate(Protocol):
    """A fitted classifier. A matrix is rows x columns of the design."""

    def log_odds(self, matrix: np.ndarray) -> np.ndarray:
        """Return the uncalibrated log-odds of conversion, one per row."""

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        """Return each column's contribution to a row's log-odds (SHAP values), rows x columns.

        The log-odds less the contributions are the base: the same for every row of a model.
        """

    @property
    def tree_count(self) -> int:
        """Number of trees; 0 without any."""

    def to_text(self) -> str:
        """Return the model as text; the algorithm's `from_text` reads it back without running code."""


@dataclass(frozen=True)
class Algorithm:
    """How to fit, describe and read back one algorithm.

    `library` is the package that fits it: its version is part of every fingerprint. `rounds` finds the
    number of trees on rows that are not fitted on; None for an algorithm without trees or with a fixed
    number. `search` suggests settings for one trial of the tuning; None for an algorithm that is not tuned.
    With `by_name_only` it competes only where a campaign names it.
    """

    fit: Callable[[FitSample, Settings, int], Candidate]
    from_text: Callable[[str], Candidate]
    settings: Callable[[int, int], Settings]
    model_format: str
    library: ModuleType
    rounds: Callable[[FitSample, FitSample, Settings], int] | None = None
    search: Callable[["optuna.Trial"], Settings] | None = None
    by_name_only: bool = False


def suggest_boosting(trial: "optuna.Trial") -> tuple[float, float, float]:
    """Suggest the share of columns per tree, the learning rate and the L2 penalty of boosted trees."""
    share = trial.suggest_float("share_of_columns", 0.2, 1.0)
    rate = trial.suggest_float("learning_rate", 0.02, 0.15, log=True)
    penalty = trial.suggest_float("penalty", 0.1, 100.0, log=True)
    return share, rate, penalty
