"""What every algorithm offers: settings, a fit, predictions, contributions, and a body of text."""

from typing import Any, Protocol

import numpy as np

# What a model can learn depends on its conversions, not on its rows (docs/benchmarks.md).
FEW_POSITIVES = 2_000
RARE = 0.02
MAX_BOOST_ROUNDS = 2_000
PATIENCE = 50
Settings = dict[str, Any]


class Candidate(Protocol):
    """A fitted classifier. A matrix is rows x columns of the design."""

    def log_odds(self, matrix: np.ndarray) -> np.ndarray:
        """Uncalibrated log-odds of conversion, one per row."""

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        """Each column's share in a row's log-odds (SHAP values), rows x columns.

        What a row's shares leave of its log-odds is the base: the same for every row of a model.
        """

    def to_text(self) -> str:
        """The model as text; the algorithm's `from_text` reads it back and runs no code of it."""
