"""The algorithms that compete. Each fits, predicts log-odds, explains itself and goes to text and back."""

import base64
import importlib
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, Self

import lightgbm as lgb
import numpy as np
import xgboost as xgb
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder

from python_models import importing
from python_models.frames import SEED
from python_models.imbalance import Sample

# What a model can learn depends on its conversions, not on its rows (docs/benchmarks.md).
FEW_POSITIVES = 2_000
RARE = 0.02
FEW_VALUES = 10
MOST_ROUNDS = 2_000
PATIENCE = 50

Settings = dict[str, Any]

# Equal quantiles make fewer bins, as they should. For the whole process, because dbt's models are threads.
warnings.filterwarnings("ignore", message="Bins whose width are too small")


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


@dataclass(frozen=True)
class LightGBM:
    """Gradient-boosted trees (Ke et al. 2017)."""

    booster: lgb.Booster

    @staticmethod
    def rounds(sample: Sample, stopping: Sample, settings: Settings) -> int:
        """Number of trees with the best log loss on the rows of `stopping`."""
        data = _lightgbm_data(sample, settings)
        search = lgb.train(
            settings,
            data,
            num_boost_round=MOST_ROUNDS,
            valid_sets=[lgb.Dataset(stopping.matrix, stopping.label, reference=data)],
            callbacks=[lgb.early_stopping(PATIENCE, verbose=False)],
        )
        return search.best_iteration

    @classmethod
    def fit(cls, sample: Sample, settings: Settings, rounds: int) -> Self:
        """Fit `rounds` trees, or as many as the settings fix."""
        growing = {name: value for name, value in settings.items() if name != "trees"}
        trees = settings.get("trees", rounds)
        return cls(lgb.train(growing, _lightgbm_data(sample, growing), num_boost_round=trees))

    def log_odds(self, matrix: np.ndarray) -> np.ndarray:
        return np.asarray(self.booster.predict(matrix, raw_score=True, num_threads=1))

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        with_base = self.booster.predict(matrix, pred_contrib=True, num_threads=1)
        return np.asarray(with_base)[:, :-1]

    def to_text(self) -> str:
        return self.booster.model_to_string()

    @classmethod
    def from_text(cls, text: str) -> Self:
        return cls(lgb.Booster(model_str=text))


@dataclass(frozen=True)
class RandomForest(LightGBM):
    """Trees of LightGBM on bagged rows and drawn columns, averaged (Breiman 2001)."""

    def log_odds(self, matrix: np.ndarray) -> np.ndarray:
        # LightGBM's raw scores and contributions are the sum over the trees of a forest
        return super().log_odds(matrix) / self.booster.num_trees()

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        return super().contributions(matrix) / self.booster.num_trees()


def _lightgbm_data(sample: Sample, settings: Settings) -> lgb.Dataset:
    return lgb.Dataset(
        sample.matrix,
        sample.label,
        weight=sample.weight,
        categorical_feature=sample.categorical,
        params=settings,
    )


_LIGHTGBM: Settings = {
    "objective": "binary",
    "num_threads": 1,
    "seed": SEED,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}


def lightgbm_settings(rows: int, positives: int) -> Settings:
    """By the number of conversions: few get small trees, random split points and a strong penalty."""
    if positives < FEW_POSITIVES:
        return _LIGHTGBM | {
            "num_leaves": 5,
            "learning_rate": 0.05,
            "extra_trees": True,
            "feature_fraction": 0.3,
            "bagging_fraction": 0.7,
            "bagging_freq": 1,
            "min_data_in_leaf": 20 if positives > RARE * rows else 100,
            "lambda_l2": 5.0,
            "max_bin": 63,
        }
    return _LIGHTGBM | {
        "num_leaves": 31,
        "learning_rate": 0.1,
        "feature_fraction": 0.5,
        "min_data_in_leaf": 40,
        "cat_smooth": 20.0,
    }


def rare_settings(rows: int, positives: int) -> Settings:
    """Seven leaves at the best split points: what few conversions among millions of rows are told by.

    Splits drawn at random miss the narrow places where they lie (docs/benchmarks.md).
    """
    return _LIGHTGBM | {
        "num_leaves": 7,
        "learning_rate": 0.2,
        "feature_fraction": 0.5,
        "min_data_in_leaf": 100,
        "lambda_l2": 5.0,
        "max_bin": 63,
        "bin_construct_sample_cnt": 20_000,
    }


def shallow_settings(rows: int, positives: int) -> Settings:
    """A hundred trees of four leaves: what does not fit a time closely holds longer when times change."""
    return _LIGHTGBM | {
        "trees": 100,
        "num_leaves": 4,
        "learning_rate": 0.1,
        "feature_fraction": 0.5,
        "min_data_in_leaf": 40,
        "lambda_l2": 50.0,
        "cat_smooth": 20.0,
    }


def random_forest_settings(rows: int, positives: int) -> Settings:
    """Trees of bagged rows and a third of the columns, with leaves that a rate can be read from.

    No deeper than eight: contributions take time that grows with the square of the depth.
    """
    return _LIGHTGBM | {
        "boosting": "rf",
        "trees": 100,
        "bagging_freq": 1,
        "bagging_fraction": 0.632,
        "feature_fraction": 0.3,
        "num_leaves": 63,
        "max_depth": 8,
        "lambda_l2": 1.0,
        "min_data_in_leaf": 20,
        "cat_smooth": 20.0,
    }


@dataclass(frozen=True)
class XGBoost:
    """Gradient-boosted trees (Chen and Guestrin 2016), categories split natively."""

    booster: xgb.Booster

    @staticmethod
    def rounds(sample: Sample, stopping: Sample, settings: Settings) -> int:
        search = xgb.train(
            settings,
            _xgboost_data(sample),
            num_boost_round=MOST_ROUNDS,
            evals=[(_xgboost_data(stopping), "stopping")],
            early_stopping_rounds=PATIENCE,
            verbose_eval=False,
        )
        return search.best_iteration + 1

    @classmethod
    def fit(cls, sample: Sample, settings: Settings, rounds: int) -> "XGBoost":
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


def _xgboost_data(sample: Sample) -> xgb.DMatrix:
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


@dataclass(frozen=True)
class Logistic:
    """Logistic regression on quantile bins of the numbers and on the categories.

    `means` are those of the encoded training rows, from which contributions are counted.
    """

    pipeline: Pipeline
    means: np.ndarray

    @classmethod
    def fit(cls, sample: Sample, settings: Settings, rounds: int) -> "Logistic":
        # a number of few values (a boolean, say) has no quantiles: its values are categories
        categorical = [
            position
            for position, values in enumerate(sample.matrix.T)
            if position in sample.categorical or _has_few_values(values)
        ]
        numeric = [i for i in range(sample.matrix.shape[1]) if i not in categorical]
        # a missing category is a category of its own; a missing number takes the median and says so
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
        """Linear SHAP: coefficient times distance from the mean of the training rows, summed per column."""
        encoder, regression = self.pipeline[0], self.pipeline[-1]
        encoded = encoder.transform(matrix)
        encoded = encoded.toarray() if hasattr(encoded, "toarray") else encoded
        parts = (encoded - self.means) * regression.coef_[0]
        owners = np.zeros((parts.shape[1], matrix.shape[1]))
        owners[np.arange(parts.shape[1]), self._owners(encoder)] = 1.0
        return parts @ owners

    @staticmethod
    def _owners(encoder: ColumnTransformer) -> np.ndarray:
        """Position in the design of the column that each encoded column came from."""
        owners: list[int] = []
        for kind, transformer, positions in encoder.transformers_:
            if not len(positions):
                continue
            imputer, one_hot = transformer[0], transformer[-1]
            sources = list(positions)
            if kind == "numbers":
                if imputer.indicator_ is not None:
                    sources += [positions[i] for i in imputer.indicator_.features_]
                widths = one_hot.n_bins_
            else:
                widths = [len(values) for values in one_hot.categories_]
            for source, width in zip(sources, widths, strict=True):
                owners += [source] * int(width)
        return np.array(owners)

    def to_text(self) -> str:
        pipeline = base64.b64encode(_skops().dumps(self.pipeline)).decode("ascii")
        return json.dumps({"pipeline": pipeline, "means": self.means.tolist()})

    @classmethod
    def from_text(cls, text: str) -> "Logistic":
        """Reads types of scikit-learn and numpy only; skops refuses any other."""
        body = json.loads(text)
        pipeline = _skops().loads(base64.b64decode(body["pipeline"]), trusted=["numpy.dtype"])
        return cls(pipeline, np.array(body["means"]))


def _skops() -> Any:
    """The reader and writer of scikit-learn's models: half a second to import, which few models need."""
    with importing:
        return importlib.import_module("skops.io")


def _has_few_values(values: np.ndarray) -> bool:
    known = values[~np.isnan(values)]
    # a thousand rows tell most columns apart without sorting a million
    if len(np.unique(known[:1_000])) > FEW_VALUES:
        return False
    return len(np.unique(known)) <= FEW_VALUES


def logistic_settings(rows: int, positives: int) -> Settings:
    """Fewer bins and a stronger penalty the fewer conversions there are."""
    if positives < FEW_POSITIVES / 10:
        return {"bins": 5, "C": 0.005}
    return {"bins": 10, "C": 0.05} if positives < FEW_POSITIVES else {"bins": 20, "C": 0.1}


@dataclass(frozen=True)
class Algorithm:
    """How to fit, describe and read back one algorithm.

    `rounds` finds the number of trees on rows that are not fitted on; algorithms without it have none.
    """

    fit: Callable[[Sample, Settings, int], Candidate]
    from_text: Callable[[str], Candidate]
    settings: Callable[[int, int], Settings]
    model_format: str
    rounds: Callable[[Sample, Sample, Settings], int] | None = None


ALGORITHMS: dict[str, Algorithm] = {
    "logistic_regression": Algorithm(Logistic.fit, Logistic.from_text, logistic_settings, "skops"),
    "random_forest": Algorithm(RandomForest.fit, RandomForest.from_text, random_forest_settings, "lightgbm"),
    "lightgbm": Algorithm(LightGBM.fit, LightGBM.from_text, lightgbm_settings, "lightgbm", LightGBM.rounds),
    "lightgbm_shallow": Algorithm(LightGBM.fit, LightGBM.from_text, shallow_settings, "lightgbm"),
    "lightgbm_rare": Algorithm(LightGBM.fit, LightGBM.from_text, rare_settings, "lightgbm", LightGBM.rounds),
    "xgboost": Algorithm(XGBoost.fit, XGBoost.from_text, xgboost_settings, "xgboost json", XGBoost.rounds),
}
