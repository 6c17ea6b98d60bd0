"""A fitted conversion model as stored in a model row: fold models, calibrators, design, baselines."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import logit

from python_models.common.checksums import seal, unseal
from python_models.common.frames import Design
from python_models.conversion.calibration import Calibrator, fit_calibrators, shift_log_odds
from python_models.conversion.fitting import CrossFit, FoldModel, TrainingSet
from python_models.conversion.one_rule import OneRule

# Nearer to the base of a model, the rise of a calibration curve over it cannot be computed.
MIN_DISTANCE = 1e-9


@dataclass(frozen=True)
class FittedModel:
    """The content of `model_body` in a model row.

    `base_rate` is the rate of the training rows. `shift` is added to the log-odds of new rows, to match a
    declared base rate or that of the newest block. `declared_rule` is the baseline that the campaign
    declares, if any. `refitted` is the same candidate fitted on all rows with a known outcome, test rows too:
    it scores new rows, while everything that is said of the model is measured without it.
    """

    design: Design
    models: list[FoldModel]
    fold_calibrators: list[Calibrator]
    calibrator: Calibrator
    one_rule: OneRule
    base_rate: float
    declared_rule: OneRule | None = None
    shift: float = 0.0
    refitted: "FittedModel | None" = None

    @property
    def tree_count(self) -> int:
        """Number of trees that score a new row."""
        return sum(model.candidate.tree_count for model in self.models)

    @property
    def in_service(self) -> "FittedModel":
        """The model that scores new rows."""
        return self.refitted or self

    @classmethod
    def of(
        cls,
        fit: CrossFit,
        training: TrainingSet,
        one_rule: OneRule,
        declared_rule: OneRule | None,
        shift: float = 0.0,
    ) -> "FittedModel":
        """Add calibrators: one per fold, fitted without its rows, and one on all rows."""
        calibrator, by_fold = fit_calibrators(fit.log_odds, training.label, training.folds, training.weight)
        return cls(
            design=training.design,
            models=fit.models,
            fold_calibrators=by_fold,
            calibrator=calibrator,
            one_rule=one_rule,
            base_rate=training.base_rate,
            declared_rule=declared_rule,
            shift=shift,
        )

    def out_of_fold(self, matrix: np.ndarray, folds: np.ndarray) -> np.ndarray:
        """Predict rows, each with the model and calibrator that never saw its customer."""
        probability = np.empty(len(matrix))
        for fold, (model, calibrator) in enumerate(zip(self.models, self.fold_calibrators, strict=True)):
            rows = folds == fold
            if rows.any():
                probability[rows] = calibrator.probability(model.log_odds(matrix[rows]))
        return probability

    def ensemble(self, matrix: np.ndarray) -> np.ndarray:
        """Predict rows outside training: the mean log-odds of all fold models, calibrated."""
        return self.calibrator.probability(self.mean_log_odds(matrix))

    def mean_log_odds(self, matrix: np.ndarray) -> np.ndarray:
        """Return the mean log-odds of all fold models, not calibrated."""
        return np.asarray(np.mean([model.log_odds(matrix) for model in self.models], axis=0))

    def score_new(self, matrix: np.ndarray, mean: np.ndarray | None = None) -> np.ndarray:
        """Predict rows that this model was not fitted on: the ensemble, moved by the shift.

        `mean` is what `mean_log_odds` gives for them, where that is known already.
        """
        if mean is None:
            mean = self.mean_log_odds(matrix)
        return shift_log_odds(self.calibrator.probability(mean), self.shift)

    def predict(
        self, frame: pd.DataFrame, folds: np.ndarray, is_training: np.ndarray, is_new: np.ndarray
    ) -> np.ndarray:
        """Predict each row: training rows out of fold, new rows (outcome not yet known) as in service."""
        probability = np.empty(len(frame))
        is_test = ~is_training & ~is_new
        if is_training.any():
            matrix = self.design.matrix(frame[is_training])
            probability[is_training] = self.out_of_fold(matrix, folds[is_training])
        if is_test.any():
            probability[is_test] = self.ensemble(self.design.matrix(frame[is_test]))
        if is_new.any():
            model = self.in_service
            probability[is_new] = model.score_new(model.design.matrix(frame[is_new]))
        return probability

    def explain(
        self, frame: pd.DataFrame, folds: np.ndarray, is_training: np.ndarray, is_new: np.ndarray
    ) -> np.ndarray:
        """Return the contributions to what `predict` predicts, rows x columns of the design."""
        contributions = np.zeros((len(frame), len(self.design.columns)))
        for model, rows in ((self, ~is_new), (self.in_service, is_new)):
            if rows.any():
                matrix = model.design.matrix(frame[rows])
                contributions[rows] = model.contributions(matrix, folds[rows], is_training[rows])
        return contributions

    def contributions(self, matrix: np.ndarray, folds: np.ndarray, is_training: np.ndarray) -> np.ndarray:
        """Return each column's contribution to the log-odds of the probability, rows x columns.

        The log-odds less the contributions are the base: the same for all rows that one model predicts, a
        fold's model or the mean of all.
        """
        contributions = np.zeros(matrix.shape)
        for fold, (model, calibrator) in enumerate(zip(self.models, self.fold_calibrators, strict=True)):
            rows = is_training & (folds == fold)
            if rows.any():
                log_odds = model.log_odds(matrix[rows])
                contributions[rows] = _contributions([model], calibrator, matrix[rows], log_odds)
        if not is_training.all():
            others = matrix[~is_training]
            contributions[~is_training] = self.new_contributions(others, self.mean_log_odds(others))
        return contributions

    def new_contributions(self, matrix: np.ndarray, mean: np.ndarray) -> np.ndarray:
        """Return the contributions of rows outside training, from their `mean_log_odds`."""
        return _contributions(self.models, self.calibrator, matrix, mean)

    def to_text(self) -> str:
        return seal(self._body())

    def _body(self) -> dict[str, Any]:
        return {
            "design": asdict(self.design),
            "models": [model.to_text() for model in self.models],
            "fold_calibrators": [asdict(calibrator) for calibrator in self.fold_calibrators],
            "calibrator": asdict(self.calibrator),
            "one_rule": asdict(self.one_rule),
            "base_rate": self.base_rate,
            "declared_rule": asdict(self.declared_rule) if self.declared_rule else None,
            "shift": self.shift,
            "refitted": self.refitted._body() if self.refitted else None,
        }

    @classmethod
    def from_text(cls, text: str, version: str = "") -> "FittedModel":
        """Read the `model_body` of a model row, the only place where one is parsed.

        LightGBM and XGBoost end the process on some damaged texts, so none reaches them whose SHA-256 is
        not the one that it was stored with.

        Raises
        ------
        UserError
            Where the body is damaged, or has no SHA-256.
        """
        return cls._of_body(unseal(text, f"the model_body of model {version}".rstrip()))

    @classmethod
    def _of_body(cls, body: dict[str, Any]) -> "FittedModel":
        refitted = body.get("refitted")
        return cls(
            design=Design(**body["design"]),
            models=[FoldModel.from_text(model) for model in body["models"]],
            fold_calibrators=[Calibrator(**values) for values in body["fold_calibrators"]],
            calibrator=Calibrator(**body["calibrator"]),
            one_rule=_rule(body["one_rule"]),
            base_rate=body["base_rate"],
            declared_rule=_rule(body["declared_rule"]) if body["declared_rule"] else None,
            shift=body["shift"],
            refitted=cls._of_body(refitted) if refitted else None,
        )


def _contributions(
    models: list[FoldModel], calibrator: Calibrator, matrix: np.ndarray, score: np.ndarray
) -> np.ndarray:
    """Return the contributions to the calibrated mean log-odds of models; `score` is that mean.

    With a calibration g that bends, contributions c to log-odds s become c (g(s) - g(base)) / (s - base): the
    Aumann-Shapley values of g, integrated along the line from the base to the row.
    """
    raw = np.mean([model.contributions(matrix) for model in models], axis=0)
    distance = raw.sum(axis=1)
    risen = logit(calibrator.probability(score)) - logit(calibrator.probability(score - distance))
    is_apart = np.abs(distance) > MIN_DISTANCE
    factor = np.divide(risen, distance, out=np.full(len(risen), calibrator.slope), where=is_apart)
    return np.asarray(raw * factor[:, None])


def served_model(text: str, version: str) -> FittedModel:
    """Read the model that scores new rows from the `model_body` of a model row."""
    return FittedModel.from_text(text, version).in_service


def _rule(values: dict[str, Any]) -> OneRule:
    return OneRule(Design(**values["design"]), values["trees"])
