"""Turns a model's log-odds into probabilities that mean what they say."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit
from sklearn.linear_model import LogisticRegression


@dataclass(frozen=True)
class Calibrator:
    """Logistic calibration (Platt 1999): probability = expit(slope * log-odds + intercept)."""

    slope: float
    intercept: float

    @classmethod
    def fit(cls, log_odds: np.ndarray, label: np.ndarray) -> "Calibrator":
        """Fit on predictions of models that never saw these rows."""
        regression = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000)
        regression.fit(log_odds.reshape(-1, 1), label)
        return cls(float(regression.coef_[0, 0]), float(regression.intercept_[0]))

    def probability(self, log_odds: np.ndarray) -> np.ndarray:
        return expit(self.slope * log_odds + self.intercept)
