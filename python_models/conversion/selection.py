"""Choice of the champion among candidates, and the checks that it must pass."""

import json
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from python_models.common.campaign import Campaign
from python_models.common.frames import FOLDS, make_design
from python_models.conversion import explaining
from python_models.conversion.backtest import TimeOrderedRows, backtest, holdout_metric
from python_models.conversion.fitted import FittedModel
from python_models.conversion.fitting import CrossFit, TrainingSet, blend, cross_fit, refit
from python_models.conversion.leakage import Finding, check_features, leak_refusal, withheld_findings
from python_models.conversion.measures import compute_metric, expected_calibration_error, is_loss
from python_models.conversion.model_row import (
    candidate_row,
    forward_rows,
    model_format,
    relevance_rows,
    used_features,
)
from python_models.conversion.one_rule import OneRule, univariate_score
from python_models.conversion.registry import current_champion, decide_promotion
from python_models.conversion.relevance import FeatureSelection, kept_positions
from python_models.conversion.tuning import tune

BLEND_SIZE = 2
# Expected calibration error, out of fold, beyond which probabilities are not to be believed: this much,
# and never more than half the base rate.
MAX_CALIBRATION_ERROR = 0.05


def select_champion(
    campaign: Campaign,
    rows: pd.DataFrame,
    frame: pd.DataFrame,
    training: TrainingSet,
    selection: list[FeatureSelection],
    version: str,
    known: Any | None,
) -> tuple[dict[str, Any], FittedModel | None]:
    """Cross-fit every candidate, check for leaks, judge the best against the present champion.

    Returns what it adds to the model row, and the model if it may be used.
    """
    label, design = training.label, training.design
    ordered = TimeOrderedRows.from_frame(
        rows, campaign, design, kept_positions(selection) if selection else None
    )
    fits = candidates(campaign, training)
    later = [holdout_metric(ordered, fit, campaign.choose_by) if ordered else None for fit in fits]
    best = champion(campaign, training, fits, later)
    powers = [
        univariate_score(training.matrix[:, i], i in design.categorical_positions, label, training.folds)
        for i in range(len(design.columns))
    ]
    roc_auc = compute_metric("roc_auc", label, best.probability, training.weight)
    findings = check_features(
        campaign,
        frame,
        training,
        powers,
        roc_auc,
        lambda position: roc_auc - _roc_auc_without(position, best, training),
    )
    declared_rule = fit_declared_baseline(campaign.baseline, frame, training) if campaign.baseline else None
    model = FittedModel.of(best, training, OneRule.best(training, powers), declared_rule)
    probability = model.out_of_fold(training.matrix, training.folds)
    reason = leak_refusal(findings) or failed_sanity_check(training, best.log_odds, probability)
    allowed = [name for name in design.columns if name not in leaky_features(findings)]
    promotion = decide_promotion(
        version, campaign, current_champion(known), frame, training, probability, allowed, reason
    )
    factors = explaining.factors(model, training)
    result: dict[str, Any] = {
        "algorithm": best.name,
        "imbalance": best.imbalance,
        "parameters": json.dumps(best.settings, sort_keys=True),
        "features": used_features(best, design),
        "baseline_rule": model.one_rule.feature,
        "calibration": model.calibrator.method,
        "candidates": [
            candidate_row(fit, training, best) | {"later_measure": value}
            for fit, value in zip(fits, later, strict=True)
        ],
        "relevance": relevance_rows(selection, training),
        "leakage": [asdict(finding) for finding in [*findings, *withheld_findings(campaign)]],
        "factors": factors,
        "champion_version": promotion.champion_version,
        "refused_reason": promotion.refused_reason,
        "gate_note": promotion.note,
    }
    if reason:
        return result, None
    rules = [rule.design for rule in (model.one_rule, model.declared_rule) if rule]
    forward = backtest(ordered, best, rules, campaign.recalibrate) if ordered else None
    result |= {
        "model_format": f"json of {FOLDS} x {model_format(best)}",
        "dependence": explaining.dependence(model, training, [factor["feature"] for factor in factors]),
        "forward": forward_rows(campaign, ordered.frame, forward) if ordered and forward else [],
    }
    return result, replace(model, shift=forward.shift) if forward else model


def candidates(campaign: Campaign, training: TrainingSet) -> list[CrossFit]:
    """Every declared algorithm with every declared handling of imbalance, tuned ones and a blend."""
    fits = [
        cross_fit(algorithm, training, imbalance)
        for algorithm in campaign.candidates
        for imbalance in campaign.imbalances
    ]
    if campaign.tune_seconds:
        tuned = tune(
            list(campaign.candidates),
            training,
            campaign.imbalances[0],
            campaign.choose_by,
            campaign.tune_seconds,
        )
        fits += [tuned] if tuned else []
    if campaign.blend and len(fits) > 1:
        ranked = sorted(fits, key=lambda fit: _loss(campaign.choose_by, training, fit))
        fits.append(blend(ranked[:BLEND_SIZE]))
    return fits


def champion(
    campaign: Campaign, training: TrainingSet, fits: list[CrossFit], later: list[float | None]
) -> CrossFit:
    """The best candidate: by how it predicts a later fifth where that was measured, else out of fold."""
    if None not in later:
        sign = 1 if is_loss(campaign.choose_by) else -1
        return fits[int(np.argmin([sign * float(value or 0) for value in later]))]
    return min(fits, key=lambda fit: _loss(campaign.choose_by, training, fit))


def _loss(choose_by: str, training: TrainingSet, fit: CrossFit) -> float:
    value = compute_metric(choose_by, training.label, fit.probability, training.weight)
    return value if is_loss(choose_by) else -value


def _roc_auc_without(position: int, fit: CrossFit, training: TrainingSet) -> float:
    """ROC AUC out of fold of the same candidate without one column."""
    every = range(len(training.design.columns))
    kept = [
        [column for column in (training.kept[fold] if training.kept else every) if column != position]
        for fold in range(FOLDS)
    ]
    again = refit(fit, training.keeping(kept))
    return compute_metric("roc_auc", training.label, again.probability, training.weight)


def fit_declared_baseline(column: str, frame: pd.DataFrame, training: TrainingSet) -> OneRule:
    """The declared baseline: a rule on one column of the mart that is no feature."""
    is_text = not pd.api.types.is_numeric_dtype(frame[column])
    design = make_design(frame, [column], [column] if is_text else [])
    return OneRule.of(design, design.matrix(frame)[:, 0], training)


def leaky_features(findings: list[Finding]) -> set[str]:
    """Features that failed a check."""
    return {finding.feature for finding in findings if finding.status == "fail"}


def failed_sanity_check(training: TrainingSet, log_odds: np.ndarray, probability: np.ndarray) -> str | None:
    """Why a fitted model is of no use, in a sentence; None where it is."""
    label = training.label
    if all(np.ptp(log_odds[training.folds == fold]) < 1e-9 for fold in np.unique(training.folds)):
        return "Constant score: the features tell no row from another."
    roc_auc = float(roc_auc_score(label, log_odds))
    if roc_auc <= 0.5:
        return f"Ranks no better than chance out of fold (ROC AUC {roc_auc:.3f})."
    error = expected_calibration_error(label, probability, training.weight)
    limit = min(MAX_CALIBRATION_ERROR, training.base_rate / 2)
    if error > limit:
        return f"Calibration failed: expected calibration error {error:.4f} out of fold, limit {limit:.4f}."
    return None
