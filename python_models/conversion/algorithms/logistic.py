"""Logistic regression on binned or linear numbers and one-hot categories."""

import base64
import importlib
import json
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, MinMaxScaler, OneHotEncoder, StandardScaler

from python_models import import_lock
from python_models.common.frames import SEED
from python_models.conversion.algorithms.base import Algorithm, Settings, Size, between
from python_models.conversion.imbalance import FitSample

MAX_CATEGORICAL_VALUES = 10
# Equal quantiles make fewer bins, as they should. For the whole process, because dbt's models are threads.
warnings.filterwarnings("ignore", message="Bins whose width are too small")


@dataclass(frozen=True)
class Term:
    """What one column adds to the log-odds: the weight of the bin or category of its value, or a line.

    `position` is that of the column. A missing category is -1. A number is filled with `fill`; without `fill`
    it is 1 where it is missing, else 0. `limits` are the categories, or the lower limits of all bins but the
    first. `slope` is that of a line, and `low` and `high` the ends of the training values, beyond which it is
    flat. `mean` is the mean of the training rows.
    """

    position: int
    is_category: bool
    limits: np.ndarray
    weights: np.ndarray
    mean: float
    fill: float | None = None
    slope: float = 0.0
    low: float = -np.inf
    high: float = np.inf

    def weight(self, matrix: np.ndarray) -> np.ndarray:
        """Return the weight of each row."""
        values = matrix[:, self.position]
        is_missing = np.isnan(values)
        if self.is_category:
            code = np.where(is_missing, -1.0, values)
            place = np.minimum(np.searchsorted(self.limits, code), len(self.limits) - 1)
            return np.where(self.limits[place] == code, self.weights[place], 0.0)
        number = is_missing if self.fill is None else np.where(is_missing, self.fill, values)
        if self.slope:
            return np.asarray(self.weights[0] + self.slope * np.clip(number, self.low, self.high))
        return np.asarray(self.weights[np.searchsorted(self.limits, number, side="right")])


@dataclass(frozen=True)
class Logistic:
    """Logistic regression on the numbers, in quantile bins or as they are, and on the categories.

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
        bins = KBinsDiscretizer(
            n_bins=settings["bins"] or 2,
            quantile_method="averaged_inverted_cdf",
            subsample=200_000,
            random_state=SEED,
        )
        numbers = make_pipeline(
            SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
            *([bins] if settings["bins"] else [MinMaxScaler(clip=True), StandardScaler()]),
        )
        encoder = ColumnTransformer([("numbers", numbers, numeric), ("categories", categories, categorical)])
        encoded = encoder.fit_transform(sample.matrix)
        regression = LogisticRegression(C=settings["C"], max_iter=500)
        regression.fit(encoded, sample.label, sample_weight=sample.weight)
        return cls(make_pipeline(encoder, regression), np.asarray(encoded.mean(axis=0)).ravel())

    @cached_property
    def terms(self) -> list[Term]:
        """The sum that the pipeline computes; adding it up here is many times faster than scikit-learn."""
        encoder, regression = self.pipeline[0], self.pipeline[-1]
        terms: list[Term] = []
        start = 0
        for term in _encoded_columns(encoder):
            stop = start + len(term.weights)
            weights, means = regression.coef_[0][start:stop], self.means[start:stop]
            # a line's weight is the constant of `weight * encoded`, all others are of indicators
            slope, constant = float(weights[0] * term.slope), term.weights * weights
            terms.append(replace(term, weights=constant, mean=float(weights @ means), slope=slope))
            start = stop
        return terms

    @property
    def intercept(self) -> float:
        return float(self.pipeline[-1].intercept_[0])

    def log_odds(self, matrix: np.ndarray) -> np.ndarray:
        total = np.full(len(matrix), self.intercept)
        for term in self.terms:
            total += term.weight(matrix)
        return total

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        """Return linear SHAP values: the weight of each column less its mean in training."""
        contributions = np.zeros(matrix.shape)
        for term in self.terms:
            contributions[:, term.position] += term.weight(matrix) - term.mean
        return contributions

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


def _encoded_columns(encoder: ColumnTransformer) -> Iterator[Term]:
    """Yield each encoded column as a term of weight 1, in the encoder's order."""
    for name, transformer, positions in encoder.transformers_:
        if not len(positions):
            continue
        imputer, last = transformer[0], transformer[-1]
        if name == "categories":
            for position, categories in zip(positions, last.categories_, strict=True):
                yield Term(position, True, categories, np.ones(len(categories)), 0.0)
            continue
        missing = [] if imputer.indicator_ is None else [positions[at] for at in imputer.indicator_.features_]
        fills = [*imputer.statistics_, *[None] * len(missing)]
        for at, (position, fill) in enumerate(zip([*positions, *missing], fills, strict=True)):
            if isinstance(last, StandardScaler):
                yield _line(transformer[1], last, at, position, fill)
            else:
                edges = last.bin_edges_[at]
                yield Term(position, False, edges[1:-1], np.ones(len(edges) - 1), 0.0, fill)


def _line(ends: MinMaxScaler, scaler: StandardScaler, at: int, position: int, fill: float | None) -> Term:
    """Return the term of a column that is standardised within the ends of its training values."""
    slope = ends.scale_[at] / scaler.scale_[at]
    constant = (ends.min_[at] - scaler.mean_[at]) / scaler.scale_[at]
    low, high = ends.data_min_[at], ends.data_max_[at]
    return Term(position, False, np.array([]), np.array([constant]), 0.0, fill, slope, low, high)


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


def logistic_presets(size: Size) -> list[Settings]:
    """Return lines, then bins: few conversions get fewer of them and a stronger penalty."""
    few, many = min(size.positives / 250, 1), max(size.positives / 1_000, 1)
    bins = round(between(5, 10 * few * many**0.5, 20))
    penalised = between(0.005, 0.05 * few**4 * many**0.5, 0.1)
    return [{"bins": 0, "C": 1.0}, {"bins": bins, "C": penalised}]


LOGISTIC_REGRESSION = Algorithm(Logistic.fit, Logistic.from_text, logistic_presets, "skops", library=sklearn)
