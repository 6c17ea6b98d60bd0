"""Logistic regression on binned numbers and one-hot categories."""

import base64
import importlib
import json
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder

from python_models import import_lock
from python_models.common.frames import SEED
from python_models.conversion.algorithms.base import FEW_POSITIVES, Algorithm, Settings
from python_models.conversion.imbalance import FitSample

MAX_CATEGORICAL_VALUES = 10
# Equal quantiles make fewer bins, as they should. For the whole process, because dbt's models are threads.
warnings.filterwarnings("ignore", message="Bins whose width are too small")


@dataclass(frozen=True)
class Logistic:
    """Logistic regression on quantile bins of the numbers and on the categories.

    `means` are the means of the encoded training rows: contributions are measured from them.
    """

    pipeline: Pipeline
    means: np.ndarray

    @classmethod
    def fit(cls, sample: FitSample, settings: Settings, rounds: int) -> "Logistic":
        # a number with few values (a boolean, say) has no useful quantiles: treat its values as categories
        categorical = [
            position
            for position, values in enumerate(sample.matrix.T)
            if position in sample.categorical or _has_few_values(values)
        ]
        numeric = [i for i in range(sample.matrix.shape[1]) if i not in categorical]
        # a missing category is its own category; a missing number gets the median and an indicator
        categories = make_pipeline(
            SimpleImputer(strategy="constant", fill_value=-1.0, keep_empty_features=True),
            OneHotEncoder(handle_unknown="ignore"),
        )
        numbers = make_pipeline(
            SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
            KBinsDiscretizer(
                n_bins=settings["bins"],
                quantile_method="averaged_inverted_cdf",
                subsample=200_000,
                random_state=SEED,
            ),
        )
        encoder = ColumnTransformer([("numbers", numbers, numeric), ("categories", categories, categorical)])
        encoded = encoder.fit_transform(sample.matrix)
        regression = LogisticRegression(C=settings["C"], max_iter=500)
        regression.fit(encoded, sample.label, sample_weight=sample.weight)
        return cls(make_pipeline(encoder, regression), np.asarray(encoded.mean(axis=0)).ravel())

    def log_odds(self, matrix: np.ndarray) -> np.ndarray:
        return np.asarray(self.pipeline.decision_function(matrix))

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        """Return linear SHAP values: coefficient times distance from the training mean, summed per column."""
        encoder, regression = self.pipeline[0], self.pipeline[-1]
        encoded = encoder.transform(matrix)
        encoded = encoded.toarray() if hasattr(encoded, "toarray") else encoded
        parts = (encoded - self.means) * regression.coef_[0]
        owners = np.zeros((parts.shape[1], matrix.shape[1]))
        owners[np.arange(parts.shape[1]), self._owners(encoder)] = 1.0
        return np.asarray(parts @ owners)

    @staticmethod
    def _owners(encoder: ColumnTransformer) -> np.ndarray:
        """Return, for each encoded column, the position in the design of the column it came from."""
        owners: list[int] = []
        for name, transformer, positions in encoder.transformers_:
            if not len(positions):
                continue
            imputer, one_hot = transformer[0], transformer[-1]
            sources = list(positions)
            if name == "numbers":
                if imputer.indicator_ is not None:
                    sources += [positions[i] for i in imputer.indicator_.features_]
                widths = one_hot.n_bins_
            else:
                widths = [len(values) for values in one_hot.categories_]
            for source, width in zip(sources, widths, strict=True):
                owners += [source] * int(width)
        return np.array(owners)

    @property
    def tree_count(self) -> int:
        return 0

    def to_text(self) -> str:
        pipeline = base64.b64encode(_skops().dumps(self.pipeline)).decode("ascii")
        return json.dumps({"pipeline": pipeline, "means": self.means.tolist()})

    @classmethod
    def from_text(cls, text: str) -> "Logistic":
        """Read a model of scikit-learn and numpy types; skops refuses all others."""
        body = json.loads(text)
        pipeline = _skops().loads(base64.b64decode(body["pipeline"]), trusted=["numpy.dtype"])
        return cls(pipeline, np.array(body["means"]))


def _skops() -> Any:
    """Import skops, which reads and writes scikit-learn models, when needed: it takes half a second."""
    with import_lock:
        return importlib.import_module("skops.io")


def _has_few_values(values: np.ndarray) -> bool:
    """Return whether a column has at most `MAX_CATEGORICAL_VALUES` different values."""
    known = values[~np.isnan(values)]
    # a thousand rows settle it for most columns without sorting a million
    if len(np.unique(known[:1_000])) > MAX_CATEGORICAL_VALUES:
        return False
    return len(np.unique(known)) <= MAX_CATEGORICAL_VALUES


def logistic_settings(rows: int, positives: int) -> Settings:
    """Choose settings by the number of conversions: few get fewer bins and a stronger penalty."""
    if positives < FEW_POSITIVES / 10:
        return {"bins": 5, "C": 0.005}
    return {"bins": 10, "C": 0.05} if positives < FEW_POSITIVES else {"bins": 20, "C": 0.1}


LOGISTIC_REGRESSION = Algorithm(Logistic.fit, Logistic.from_text, logistic_settings, "skops", library=sklearn)
