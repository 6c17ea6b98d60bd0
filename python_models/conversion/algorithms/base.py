"""The interface of an algorithm: settings, a fit, predictions, contributions and its model as text."""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from python_models.conversion.imbalance import FitSample

if TYPE_CHECKING:
    import optuna

MAX_BOOST_ROUNDS = 2_000
PATIENCE = 50
Settings = dict[str, Any]


@dataclass(frozen=True)
class Size:
    """Of the rows to fit on: their number, how many convert, and the number of columns.

    Settings follow it smoothly: what a model can learn depends on its conversions, not on its rows, and the
    more columns it has to choose among, the more of them it takes (docs/benchmarks.md).
    """

    rows: int
    positives: int
    columns: int

    @property
    def positives_per_column(self) -> float:
        return max(self.positives, 1) / max(self.columns, 1)

    def column_share(self, share: float) -> float:
        """Return the share of columns that a tree draws: `share`, but at least three of them.

        A tree of one column finds no interaction.

        >>> Size(1_000, 100, 4).column_share(0.3)
        0.75
        """
        return between(share, 3 / max(self.columns, 1), 1.0)

    @property
    def learning_rate(self) -> float:
        """Learning rate of boosted trees: .05 up to a thousand conversions, .08 from 4,800 on."""
        return between(0.05, 0.05 * (self.positives / 1_000) ** 0.3, 0.08)


def between(least: float, value: float, most: float) -> float:
    """Return the value, or the bound that it is beyond.

    >>> between(3, 7, 6)
    6
    """
    return max(least, min(value, most))


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

    `presets` returns the settings to try out of fold for rows of a size, the cheapest first.
    `library` is the package that fits it: its version is part of every fingerprint. `rounds` finds the
    number of trees on rows that are not fitted on; None for an algorithm without trees or with a fixed
    number. `search` suggests settings for one trial of the tuning; None for an algorithm that is not tuned.
    With `by_name_only` it competes only where a campaign names it.
    """

    fit: Callable[[FitSample, Settings, int], Candidate]
    from_text: Callable[[str], Candidate]
    presets: Callable[[Size], list[Settings]]
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
