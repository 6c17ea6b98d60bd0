"""The algorithms that compete. Each fits, predicts log-odds, explains itself and goes to text and back."""

import base64
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import lightgbm as lgb
import numpy as np
import skops.io
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder

from python_models.frames import FOLDS, SEED, Design

SMALL_TABLE = 10_000
FEW_VALUES = 10

# Equal quantiles make fewer bins, as they should. For the whole process, because dbt's models are threads.
warnings.filterwarnings("ignore", message="Bins whose width are too small")


class Candidate(Protocol):
    """A fitted classifier. A matrix is rows x columns of the design."""

    def log_odds(self, matrix: np.ndarray) -> np.ndarray:
        """Uncalibrated log-odds of conversion, one per row."""

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        """Each column's share in a row's log-odds (SHAP values), rows x columns."""

    def to_text(self) -> str:
        """The model as text; the algorithm's `from_text` reads it back and runs no code of it."""


@dataclass(frozen=True)
class Training:
    """Rows to fit on: matrix, label (0/1) and fold of each row."""

    matrix: np.ndarray
    label: np.ndarray
    folds: np.ndarray


@dataclass(frozen=True)
class LightGBM:
    """Gradient-boosted trees (Ke et al. 2017)."""

    booster: lgb.Booster

    @staticmethod
    def parameters(rows: int) -> dict[str, object]:
        """Settings by table size: small tables get small trees and a strong penalty (docs/benchmarks.md)."""
        shared = {
            "objective": "binary",
            "num_threads": 1,
            "seed": SEED,
            "deterministic": True,
            "force_row_wise": True,
            "verbose": -1,
        }
        if rows < SMALL_TABLE:
            return shared | {
                "num_leaves": 5,
                "learning_rate": 0.05,
                "extra_trees": True,
                "feature_fraction": 0.3,
                "bagging_fraction": 0.7,
                "bagging_freq": 1,
                "min_data_in_leaf": 20,
                "lambda_l2": 5.0,
                "max_bin": 63,
            }
        return shared | {
            "num_leaves": 31,
            "learning_rate": 0.1,
            "feature_fraction": 0.5,
            "min_data_in_leaf": 40,
            "cat_smooth": 20.0,
        }

    @classmethod
    def fit(cls, training: Training, design: Design, held_out: int) -> "LightGBM":
        """Fit on all folds but `held_out`; the number of trees is found on the next fold, so that
        neither the trees nor their number know the held-out rows.
        """
        stopping = (held_out + 1) % FOLDS
        parameters = cls.parameters(len(training.label))

        def dataset(rows: np.ndarray) -> lgb.Dataset:
            return lgb.Dataset(
                training.matrix[rows],
                training.label[rows],
                categorical_feature=design.categorical_positions,
                params=parameters,
            )

        known = training.folds != held_out
        searching = dataset(known & (training.folds != stopping))
        search = lgb.train(
            parameters,
            searching,
            num_boost_round=2000,
            valid_sets=[
                lgb.Dataset(
                    training.matrix[training.folds == stopping],
                    training.label[training.folds == stopping],
                    reference=searching,
                )
            ],
            callbacks=[lgb.early_stopping(50, verbose=False)],
        )
        return cls(lgb.train(parameters, dataset(known), num_boost_round=search.best_iteration))

    def log_odds(self, matrix: np.ndarray) -> np.ndarray:
        return np.asarray(self.booster.predict(matrix, raw_score=True, num_threads=1))

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        with_base = self.booster.predict(matrix, pred_contrib=True, num_threads=1)
        return np.asarray(with_base)[:, :-1]

    def to_text(self) -> str:
        return self.booster.model_to_string()

    @classmethod
    def from_text(cls, text: str) -> "LightGBM":
        return cls(lgb.Booster(model_str=text))


@dataclass(frozen=True)
class Logistic:
    """Logistic regression on quantile bins of the numbers and on the categories."""

    pipeline: Pipeline

    @staticmethod
    def parameters(rows: int) -> dict[str, object]:
        return {"bins": 10 if rows < SMALL_TABLE else 20, "C": 0.1}

    @classmethod
    def fit(cls, training: Training, design: Design, held_out: int) -> "Logistic":
        parameters = cls.parameters(len(training.label))
        known = training.folds != held_out
        # a number of few values (a boolean, say) has no quantiles: its values are categories
        categorical = [
            position
            for position, values in enumerate(training.matrix[known].T)
            if position in design.categorical_positions or len(np.unique(values)) <= FEW_VALUES
        ]
        numeric = [i for i in range(len(design.columns)) if i not in categorical]
        # a missing category is a category of its own; a missing number takes the median and says so
        categories = make_pipeline(
            SimpleImputer(strategy="constant", fill_value=-1.0),
            OneHotEncoder(handle_unknown="ignore"),
        )
        numbers = make_pipeline(
            SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
            KBinsDiscretizer(
                n_bins=parameters["bins"], quantile_method="averaged_inverted_cdf", subsample=None
            ),
        )
        pipeline = make_pipeline(
            ColumnTransformer([("numbers", numbers, numeric), ("categories", categories, categorical)]),
            LogisticRegression(C=parameters["C"], max_iter=500),
        )
        return cls(pipeline.fit(training.matrix[known], training.label[known]))

    def log_odds(self, matrix: np.ndarray) -> np.ndarray:
        return np.asarray(self.pipeline.decision_function(matrix))

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        """Linear SHAP: coefficient times distance from the mean of the rows given, summed per column."""
        encoder, regression = self.pipeline[0], self.pipeline[-1]
        encoded = encoder.transform(matrix)
        encoded = encoded.toarray() if hasattr(encoded, "toarray") else encoded
        parts = (encoded - encoded.mean(axis=0)) * regression.coef_[0]
        owners = self._owners(encoder)
        shares = np.zeros(matrix.shape)
        for position in range(matrix.shape[1]):
            shares[:, position] = parts[:, owners == position].sum(axis=1)
        return shares

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
        return base64.b64encode(skops.io.dumps(self.pipeline)).decode("ascii")

    @classmethod
    def from_text(cls, text: str) -> "Logistic":
        """Reads types of scikit-learn and numpy only; skops refuses any other."""
        return cls(skops.io.loads(base64.b64decode(text), trusted=["numpy.dtype"]))


@dataclass(frozen=True)
class Algorithm:
    """How to fit, describe and read back one algorithm."""

    fit: Callable[[Training, Design, int], Candidate]
    from_text: Callable[[str], Candidate]
    parameters: Callable[[int], dict[str, object]]
    model_format: str


ALGORITHMS: dict[str, Algorithm] = {
    "logistic_regression": Algorithm(Logistic.fit, Logistic.from_text, Logistic.parameters, "skops"),
    "lightgbm": Algorithm(LightGBM.fit, LightGBM.from_text, LightGBM.parameters, "lightgbm"),
}
