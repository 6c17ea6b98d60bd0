"""Fits the declared candidates, lets them compete out of fold, and returns the champion as a row."""

import hashlib
import json
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pyarrow as pa
import sklearn
from scipy.special import expit
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    log_loss,
    precision_recall_curve,
    roc_auc_score,
)

from python_models.calibration import Calibrator
from python_models.campaign import Campaign, read_campaign
from python_models.candidates import ALGORITHMS, Candidate, Training
from python_models.frames import (
    FOLDS,
    Design,
    content_hash,
    feature_columns,
    fold_of,
    make_design,
    quoted,
    read_rows,
)
from python_models.one_rule import OneRule

# Part of every fingerprint: raise it when the way of training changes, so that all models are fitted anew.
RECIPE = 1
EXPLAINED_ROWS = 3_000

MODEL_ROW = pa.schema(
    [
        ("campaign", pa.string()),
        ("model_version", pa.string()),
        ("algorithm", pa.string()),
        ("imbalance", pa.string()),
        ("trained_at", pa.timestamp("us")),
        ("training_rows", pa.int64()),
        ("training_positives", pa.int64()),
        ("parameters", pa.string()),
        ("features", pa.list_(pa.string())),
        ("model_format", pa.string()),
        ("model_body", pa.string()),
        ("fingerprint", pa.string()),
        ("refused_reason", pa.string()),
        ("declaration", pa.string()),
        ("baseline_rule", pa.string()),
        (
            "candidates",
            pa.list_(
                pa.struct(
                    [
                        ("algorithm", pa.string()),
                        ("imbalance", pa.string()),
                        ("roc_auc", pa.float64()),
                        ("average_precision", pa.float64()),
                        ("f1", pa.float64()),
                        ("log_loss", pa.float64()),
                        ("brier", pa.float64()),
                        ("fit_seconds", pa.float64()),
                    ]
                )
            ),
        ),
        (
            "factors",
            pa.list_(
                pa.struct(
                    [
                        ("feature", pa.string()),
                        ("importance", pa.float64()),
                        ("direction", pa.string()),
                    ]
                )
            ),
        ),
    ]
)


@dataclass(frozen=True)
class CrossFit:
    """One candidate, fitted once per fold; `log_odds` of each row are of the model that never saw it."""

    models: list[Candidate]
    log_odds: np.ndarray
    seconds: float


@dataclass(frozen=True)
class FittedModel:
    """What a model row holds in `model_body`: fold models, calibrators, design and one-rule baseline."""

    algorithm: str
    design: Design
    models: list[Candidate]
    fold_calibrators: list[Calibrator]
    calibrator: Calibrator
    one_rule: OneRule

    def out_of_fold(self, matrix: np.ndarray, folds: np.ndarray) -> np.ndarray:
        """Probability of each training row from the model and calibrator that never saw it."""
        probability = np.empty(len(matrix))
        for fold, (model, calibrator) in enumerate(zip(self.models, self.fold_calibrators, strict=True)):
            rows = folds == fold
            if rows.any():
                probability[rows] = calibrator.probability(model.log_odds(matrix[rows]))
        return probability

    def ensemble(self, matrix: np.ndarray) -> np.ndarray:
        """Probability of rows outside training: mean log-odds of all fold models, calibrated."""
        mean = np.mean([model.log_odds(matrix) for model in self.models], axis=0)
        return self.calibrator.probability(mean)

    def to_text(self) -> str:
        return json.dumps(
            {
                "algorithm": self.algorithm,
                "design": asdict(self.design),
                "models": [model.to_text() for model in self.models],
                "fold_calibrators": [asdict(calibrator) for calibrator in self.fold_calibrators],
                "calibrator": asdict(self.calibrator),
                "one_rule": asdict(self.one_rule),
            }
        )

    @classmethod
    def from_text(cls, text: str) -> "FittedModel":
        body = json.loads(text)
        read = ALGORITHMS[body["algorithm"]].from_text
        return cls(
            algorithm=body["algorithm"],
            design=Design(**body["design"]),
            models=[read(model) for model in body["models"]],
            fold_calibrators=[Calibrator(**values) for values in body["fold_calibrators"]],
            calibrator=Calibrator(**body["calibrator"]),
            one_rule=OneRule(**body["one_rule"]),
        )


def train(features: Any, meta: dict[str, Any], known: Any | None = None) -> pa.Table:
    """Train a campaign's conversion model.

    Parameters
    ----------
    features : DuckDB relation
        The feature mart, one row per entity.
    meta : dict
        The declaration.
    known : DuckDB relation, optional
        Model rows of earlier trainings.

    Returns
    -------
    pyarrow.Table
        One model row (`MODEL_ROW`); none where rows and declaration are those of the newest known
        model, unless `retrain` is set. A model that may not be used comes with `refused_reason`
        and without a body.
    """
    campaign = read_campaign(meta)
    names, texts = feature_columns(features, campaign)
    frame = training_rows(features, campaign, names)
    fingerprint = fingerprint_of(frame, campaign)
    if known is not None and not retrains(meta) and newest_fingerprint(known) == fingerprint:
        return MODEL_ROW.empty_table()

    row: dict[str, Any] = {
        "campaign": campaign.campaign,
        "model_version": fingerprint[:12],
        "imbalance": "none",
        "trained_at": datetime.now(UTC).replace(tzinfo=None),
        "training_rows": len(frame),
        "training_positives": 0,
        "features": names,
        "fingerprint": fingerprint,
        "declaration": declaration_text(campaign),
        "candidates": [],
        "factors": [],
    }
    if campaign.label:
        row["training_positives"] = int(frame[campaign.label].sum())
    row["refused_reason"] = refusal(campaign, frame)
    if row["refused_reason"] is None:
        row |= fit_champion(campaign, frame, make_design(frame, names, texts))
    return pa.Table.from_pylist([row], schema=MODEL_ROW)


def training_rows(features: Any, campaign: Campaign, names: list[str]) -> pd.DataFrame:
    """Rows of split `train` with a known outcome, ordered by entity."""
    if not campaign.label:
        return pd.DataFrame()
    columns = [campaign.entity, campaign.customer, *names, campaign.label]
    where = f"{quoted(campaign.split)} = 'train' and {quoted(campaign.label)} is not null"
    return read_rows(features, columns, campaign.entity, where)


def refusal(campaign: Campaign, frame: pd.DataFrame) -> str | None:
    """Why no model can be fitted, in a sentence; None where one can."""
    if not campaign.label:
        return "No label is declared: this campaign has segments only."
    rows, positives = len(frame), int(frame[campaign.label].sum())
    if positives < campaign.minimum_positives:
        return (
            f"Only {positives} of {rows} training rows converted; at least "
            f"{campaign.minimum_positives} are needed (minimum_positives)."
        )
    if rows - positives < campaign.minimum_positives:
        return (
            f"Only {rows - positives} of {rows} training rows did not convert; at least "
            f"{campaign.minimum_positives} are needed (minimum_positives)."
        )
    return None


def fit_champion(campaign: Campaign, frame: pd.DataFrame, design: Design) -> dict[str, Any]:
    """Cross-fit every candidate; the champion has the best average precision out of fold."""
    training = Training(
        matrix=design.matrix(frame),
        label=frame[campaign.label].to_numpy(np.int64),
        folds=fold_of(frame[campaign.customer]),
    )
    fits = {str(name): cross_fit(name, training, design) for name in campaign.candidates}
    figures = {name: candidate_metrics(training.label, fit.log_odds) for name, fit in fits.items()}
    best = max(figures, key=lambda name: figures[name]["average_precision"])
    model = finish(best, fits[best], training, design)
    parameters = ALGORITHMS[best].parameters(len(training.label))
    return {
        "algorithm": best,
        "parameters": json.dumps(parameters, sort_keys=True),
        "model_format": f"json of {FOLDS} x {ALGORITHMS[best].model_format}",
        "model_body": model.to_text(),
        "baseline_rule": model.one_rule.feature,
        "candidates": [
            {"algorithm": name, "imbalance": "none", "fit_seconds": fit.seconds} | figures[name]
            for name, fit in fits.items()
        ],
        "factors": factors(fits[best], training, design),
    }


def cross_fit(algorithm: str, training: Training, design: Design) -> CrossFit:
    """Fit once per fold; every row is predicted by the model that never saw its customer."""
    start = time.perf_counter()
    models, log_odds = [], np.empty(len(training.label))
    for fold in range(FOLDS):
        model = ALGORITHMS[algorithm].fit(training, design, fold)
        rows = training.folds == fold
        log_odds[rows] = model.log_odds(training.matrix[rows])
        models.append(model)
    return CrossFit(models, log_odds, time.perf_counter() - start)


def finish(algorithm: str, fit: CrossFit, training: Training, design: Design) -> FittedModel:
    """Add calibrators (one per fold that never saw it, one of all) and the one-rule baseline."""
    fold_calibrators = [
        Calibrator.fit(fit.log_odds[training.folds != fold], training.label[training.folds != fold])
        for fold in range(FOLDS)
    ]
    return FittedModel(
        algorithm=algorithm,
        design=design,
        models=fit.models,
        fold_calibrators=fold_calibrators,
        calibrator=Calibrator.fit(fit.log_odds, training.label),
        one_rule=OneRule.fit(training, design),
    )


def candidate_metrics(label: np.ndarray, log_odds: np.ndarray) -> dict[str, float]:
    """Out-of-fold figures by which candidates are compared; F1 is the best over all thresholds."""
    probability = expit(log_odds)
    precision, recall, _ = precision_recall_curve(label, log_odds)
    f1 = 2 * precision * recall / np.maximum(precision + recall, np.finfo(float).tiny)
    return {
        "roc_auc": float(roc_auc_score(label, log_odds)),
        "average_precision": float(average_precision_score(label, log_odds)),
        "f1": float(f1.max()),
        "log_loss": float(log_loss(label, probability)),
        "brier": float(brier_score_loss(label, probability)),
    }


def factors(fit: CrossFit, training: Training, design: Design) -> list[dict[str, Any]]:
    """Mean absolute SHAP value (log-odds) of each feature, with its direction.

    Over out-of-fold rows, evenly picked: more than EXPLAINED_ROWS of them take long and change nothing.
    """
    picked = np.unique(np.linspace(0, len(training.label) - 1, EXPLAINED_ROWS).astype(int))
    matrix, folds = training.matrix[picked], training.folds[picked]
    shares = np.zeros(matrix.shape)
    for fold, model in enumerate(fit.models):
        rows = folds == fold
        if rows.any():
            shares[rows] = model.contributions(matrix[rows])
    return [
        {
            "feature": name,
            "importance": float(np.abs(shares[:, i]).mean()),
            "direction": "mixed" if name in design.categories else direction(matrix[:, i], shares[:, i]),
        }
        for i, name in enumerate(design.columns)
    ]


def direction(values: np.ndarray, shares: np.ndarray) -> str:
    """`raises` or `lowers` where value and contribution correlate (|r| >= 0.5, ranks), else `mixed`."""
    known = ~np.isnan(values)
    if known.sum() < 3:
        return "mixed"
    ranks = pd.DataFrame({"value": values[known], "share": shares[known]}).rank()
    correlation = ranks["value"].corr(ranks["share"])
    if not abs(correlation) >= 0.5:
        return "mixed"
    return "raises" if correlation > 0 else "lowers"


def declaration_text(campaign: Campaign) -> str:
    """The declaration as JSON, with the policy taken apart for SQL."""
    declared = asdict(campaign) | {"policy": campaign.policy, "policy_limit": campaign.policy_limit}
    return json.dumps(declared, sort_keys=True)


def fingerprint_of(frame: pd.DataFrame, campaign: Campaign) -> str:
    """Hash of all that decides a model: rows, declaration, settings, way of training, library versions."""
    settings = {name: ALGORITHMS[name].parameters(len(frame)) for name in campaign.candidates}
    parts = [
        content_hash(frame),
        declaration_text(campaign),
        json.dumps(settings, sort_keys=True),
        f"recipe {RECIPE}, lightgbm {lightgbm.__version__}, scikit-learn {sklearn.__version__}",
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def newest_fingerprint(known: Any) -> str | None:
    """Fingerprint of the model trained last."""
    row = known.order("trained_at desc").project("fingerprint").limit(1).fetchall()
    return row[0][0] if row else None


def retrains(meta: dict[str, Any]) -> bool:
    """Whether the project asks for training even where nothing changed."""
    return str(meta.get("retrain", False)).lower() == "true"
