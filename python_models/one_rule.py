"""The baseline that every model must beat: one feature, a handful of groups (Holte 1993, "1R")."""

from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
from sklearn.metrics import average_precision_score

from python_models.candidates import SEED, Training
from python_models.frames import FOLDS, Design


@dataclass(frozen=True)
class OneRule:
    """A tree of at most eight leaves on the one feature whose tree ranks best out of fold.

    `trees` holds one tree per held-out fold, as LightGBM's text; `position` is the feature's place in the
    design.
    """

    feature: str
    position: int
    trees: list[str]

    @classmethod
    def fit(cls, training: Training, design: Design) -> "OneRule":
        """Choose the feature by average precision over out-of-fold predictions of its own tree."""
        best: tuple[float, OneRule] | None = None
        for position, name in enumerate(design.columns):
            trees = [_one_tree(training, design, position, fold) for fold in range(FOLDS)]
            rule = cls(name, position, [tree.model_to_string() for tree in trees])
            score = average_precision_score(training.label, rule.out_of_fold(training.matrix, training.folds))
            if best is None or score > best[0]:
                best = (score, rule)
        assert best is not None, "a design has at least one column"
        return best[1]

    def out_of_fold(self, matrix: np.ndarray, folds: np.ndarray) -> np.ndarray:
        """Conversion rate of each training row's group, from the tree that never saw the row."""
        probability = np.empty(len(matrix))
        for fold, tree in enumerate(self._boosters()):
            rows = folds == fold
            if rows.any():
                probability[rows] = tree.predict(matrix[rows][:, [self.position]], num_threads=1)
        return probability

    def ensemble(self, matrix: np.ndarray) -> np.ndarray:
        """Mean conversion rate over the fold trees, for rows outside training."""
        column = matrix[:, [self.position]]
        return np.mean([tree.predict(column, num_threads=1) for tree in self._boosters()], axis=0)

    def _boosters(self) -> list[lgb.Booster]:
        return [lgb.Booster(model_str=text) for text in self.trees]


def _one_tree(training: Training, design: Design, position: int, held_out: int) -> lgb.Booster:
    rows = training.folds != held_out
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
    data = lgb.Dataset(
        training.matrix[rows][:, [position]],
        training.label[rows],
        categorical_feature=[0] if position in design.categorical_positions else [],
        params={"verbose": -1},
    )
    return lgb.train(parameters, data, num_boost_round=1)
