"""The baseline that every model must beat: one feature, a handful of groups (Holte 1993, "1R")."""

from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import pandas as pd
from scipy.special import logit

from python_models.common.frames import FOLDS, SEED, Design
from python_models.conversion.fitting import TrainingSet
from python_models.conversion.measures import compute_metric

MAX_GROUPS = 32
# Shrinkage: each group's rate counts this many extra rows at the general rate.
PRIOR_ROWS = 20
MAX_RULES_TRIED = 5


@dataclass(frozen=True)
class OneRule:
    """A tree of at most eight leaves on one feature, the only column of `design`.

    `trees` holds one tree per held-out fold, as LightGBM's text.
    """

    design: Design
    trees: list[str]

    @property
    def feature(self) -> str:
        return self.design.columns[0]

    @classmethod
    def fit(cls, training: TrainingSet, position: int) -> "OneRule":
        """Fit the rule on the column at `position` of the design."""
        design = training.design.select([training.design.columns[position]])
        return cls.of(design, training.matrix[:, position], training)

    @classmethod
    def of(cls, design: Design, column: np.ndarray, training: TrainingSet) -> "OneRule":
        """Fit the rule on a column of the training rows, which need not be a feature."""
        is_text = bool(design.categories)
        others = [training.folds != fold for fold in range(FOLDS)]
        trees = [
            fit_tree(column[rows], is_text, training.label[rows], training.weight[rows]) for rows in others
        ]
        return cls(design, [tree.model_to_string() for tree in trees])

    @classmethod
    def best(cls, training: TrainingSet, scores: "list[UnivariateScore]") -> "OneRule":
        """Return the rule with the best out-of-fold average precision, of the five strongest features."""
        tried = sorted(range(len(scores)), key=lambda position: -scores[position].average_precision)
        rules = [cls.fit(training, position) for position in tried[:MAX_RULES_TRIED]]

        def precision(rule: OneRule) -> float:
            column = training.matrix[:, [training.design.columns.index(rule.feature)]]
            predicted = rule.out_of_fold(column, training.folds)
            return compute_metric("average_precision", training.label, predicted, training.weight)

        return max(rules, key=precision)

    def predict(self, frame: pd.DataFrame, folds: np.ndarray, is_training: np.ndarray) -> np.ndarray:
        """Return the conversion rate of each row's group.

        Training rows are predicted by the tree that never saw them, all others by the mean of the trees.
        """
        column = self.design.matrix(frame)
        probability = np.empty(len(column))
        probability[is_training] = self.out_of_fold(column[is_training], folds[is_training])
        if not is_training.all():
            others = column[~is_training]
            rates = [tree.predict(others, num_threads=1) for tree in self._boosters()]
            probability[~is_training] = np.mean(rates, axis=0)
        return probability

    def out_of_fold(self, column: np.ndarray, folds: np.ndarray) -> np.ndarray:
        """Return the rates of training rows; `column` is a matrix with the rule's column alone."""
        probability = np.empty(len(column))
        for fold, tree in enumerate(self._boosters()):
            rows = folds == fold
            if rows.any():
                probability[rows] = tree.predict(column[rows], num_threads=1)
        return probability

    def _boosters(self) -> list[lgb.Booster]:
        return [lgb.Booster(model_str=text) for text in self.trees]


def fit_tree(
    column: np.ndarray, is_categorical: bool, label: np.ndarray, weight: np.ndarray | None = None
) -> lgb.Booster:
    """Fit a tree of at most eight leaves on one column; it predicts the conversion rate of a group.

    A leaf's rate is (conversions + 1/2) / (rows + 1), weighted: the mean of Jeffreys' posterior, so that a
    group without conversions has a finite log loss.
    """
    weight = np.ones(len(label)) if weight is None else weight
    parameters = {
        "objective": "binary",
        "num_leaves": 8,
        "learning_rate": 1.0,
        "min_data_in_leaf": 50,
        "num_threads": 1,
        "seed": SEED,
        "deterministic": True,
        "force_row_wise": True,
        "verbose": -1,
    }
    matrix = column.reshape(-1, 1)
    data = lgb.Dataset(
        matrix,
        label,
        weight=weight,
        categorical_feature=[0] if is_categorical else [],
        params={"verbose": -1},
    )
    tree = lgb.train(parameters, data, num_boost_round=1)
    # the tree's own outputs are one Newton step from the general rate, which overshoots
    leaf = np.ravel(tree.predict(matrix, pred_leaf=True, num_threads=1)).astype(int)
    rates = (np.bincount(leaf, weight * label) + 0.5) / (np.bincount(leaf, weight) + 1)
    for number, log_odds in enumerate(logit(rates).tolist()):
        tree.set_leaf_output(0, number, log_odds)
    return tree


@dataclass(frozen=True)
class UnivariateScore:
    """How well one feature alone predicts the outcome, out of fold."""

    roc_auc: float
    average_precision: float
    balanced_accuracy: float
    missing_roc_auc: float


def univariate_scores(training: TrainingSet) -> list[UnivariateScore]:
    """Score each column of the design alone."""
    categorical = training.design.categorical_positions
    return [
        univariate_score(column, position in categorical, training.label, training.folds)
        for position, column in enumerate(training.matrix.T)
    ]


def univariate_score(
    column: np.ndarray, is_categorical: bool, label: np.ndarray, folds: np.ndarray
) -> UnivariateScore:
    """Score a feature cut into at most `MAX_GROUPS` groups, each predicted by its rate in the other folds.

    Missing values are a group. `balanced_accuracy` is that of the best cut between groups. `missing_roc_auc`
    uses only whether the value is missing; 0.5 if none is.
    """
    group = _groups(column, is_categorical)
    cell = group * FOLDS + folds
    shape = (int(group.max()) + 1, FOLDS)
    size = np.bincount(cell, minlength=np.prod(shape)).reshape(shape)
    converted = np.bincount(cell, label, minlength=np.prod(shape)).reshape(shape)
    others, others_converted = size.sum(1, keepdims=True) - size, converted.sum(1, keepdims=True) - converted
    base = (converted.sum() - converted.sum(0)) / (size.sum() - size.sum(0))
    rate = (others_converted + PRIOR_ROWS * base) / (others + PRIOR_ROWS)
    roc_auc, precision, accuracy = _ranked(rate.ravel(), size.ravel(), converted.ravel())
    is_missing = np.isnan(column)
    missing_roc_auc = 0.5
    if is_missing.any() and not is_missing.all():
        gap = is_missing[label == 1].mean() - is_missing[label == 0].mean()
        missing_roc_auc = 0.5 + abs(gap) / 2
    return UnivariateScore(roc_auc, precision, accuracy, float(missing_roc_auc))


def _groups(column: np.ndarray, is_categorical: bool) -> np.ndarray:
    """Return the group of each value: 0 if missing, else a quantile or the value itself."""
    known = ~np.isnan(column)
    group = np.zeros(len(column), dtype=np.int64)
    if known.any():
        values = column[known]
        if not is_categorical and len(np.unique(values)) > MAX_GROUPS:
            edges = np.unique(np.quantile(values, np.linspace(0, 1, MAX_GROUPS + 1)[1:-1]))
            group[known] = np.searchsorted(edges, values, side="right") + 1
        else:
            group[known] = np.unique(values, return_inverse=True)[1] + 1
    return group


def _ranked(rate: np.ndarray, size: np.ndarray, converted: np.ndarray) -> tuple[float, float, float]:
    """Return ROC AUC, average precision and best balanced accuracy of cells ranked by their rate.

    >>> _ranked(np.array([0.9, 0.1]), np.array([10, 10]), np.array([10, 0]))
    (1.0, 1.0, 1.0)
    """
    _, tied = np.unique(-rate, return_inverse=True)
    size = np.bincount(tied, size)
    positive = np.bincount(tied, converted)
    negative = size - positive
    found, alarms = positive.cumsum(), negative.cumsum()
    pairs = (negative * (found - positive / 2)).sum()
    roc_auc = pairs / (found[-1] * alarms[-1])
    precision = (positive * found / np.maximum(found + alarms, 1)).sum() / found[-1]
    accuracy = ((found / found[-1] + 1 - alarms / alarms[-1]) / 2).max()
    return float(roc_auc), float(precision), float(accuracy)
