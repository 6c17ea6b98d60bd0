"""Choice of the champion among the candidates, and the checks that it must pass."""

import json
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd

from python_models.common.campaign import Campaign
from python_models.common.frames import FOLDS, make_design
from python_models.conversion import explaining
from python_models.conversion.backtest import (
    LaterRows,
    TimeOrderedRows,
    backtest,
    predict_later_rows,
)
from python_models.conversion.blending import blend_weights
from python_models.conversion.declaration import competing
from python_models.conversion.fitted import FittedModel
from python_models.conversion.fitting import (
    CrossFit,
    TrainingSet,
    blend,
    cross_fit,
    presets,
    refit,
    weighted_mean,
)
from python_models.conversion.leakage.checks import (
    Finding,
    leak_refusal,
    leaky_features,
    withheld_findings,
)
from python_models.conversion.leakage.findings import check_features
from python_models.conversion.measures import compute_metric, expected_calibration_error, is_loss
from python_models.conversion.model_row import (
    candidate_rows,
    forward_rows,
    model_format,
    relevance_rows,
    used_features,
)
from python_models.conversion.one_rule import OneRule, UnivariateScore, univariate_scores
from python_models.conversion.registry import Promotion, decide_promotion, earlier_champions
from python_models.conversion.relevance import FeatureSelection, kept_positions
from python_models.conversion.tuning import trials_for, tune
from python_models.conversion.uncertainty import calibration_p_value, roc_auc_interval

# Maximum expected calibration error out of fold; half the base rate where that is less.
MAX_CALIBRATION_ERROR = 0.05
# Confidence of the interval of ROC AUC. Without a signal, ROC AUC out of fold varies by up to sqrt(2) times
# what the interval says: two rows of different folds count twice, each predicted by a model that learnt from
# the other. So 95 % would let more than one in forty rankings pass (docs/benchmarks.md).
RANKING_LEVEL = 0.99
# An error above the limit that accurate probabilities would have by chance this often is no reason.
MIN_CALIBRATION_P_VALUE = 0.01


def select_champion(
    campaign: Campaign,
    rows: pd.DataFrame,
    frame: pd.DataFrame,
    training: TrainingSet,
    selection: list[FeatureSelection],
    version: str,
    existing: Any | None,
    empty: set[str],
) -> tuple[dict[str, Any], CrossFit, FittedModel | None]:
    """Cross-fit every candidate, check the best one, and compare it with the current champion.

    `empty` features are empty in all rows with an unknown outcome.
    Return the columns that this adds to the model row, the best candidate, and its model if it may be used.
    """
    positions = kept_positions(selection) if selection else None
    ordered = TimeOrderedRows.from_frame(rows, campaign, training.design, positions)
    fits = candidates(campaign, training)
    later = find_later_rows(campaign, frame, training, fits, ordered, positions)
    fits += blended(campaign, training, fits, later)
    measured = later_metrics(campaign, fits, later)
    best = best_candidate(campaign, training, fits, measured)
    scores = univariate_scores(training)
    findings = find_leaks(campaign, rows, empty, training, scores, best)
    declared_rule = fit_declared_baseline(campaign.baseline, frame, training) if campaign.baseline else None
    model = FittedModel.of(best, training, OneRule.best(training, scores), declared_rule)
    reason, promotion = judge(campaign, frame, training, fits, best, model, findings, version, existing)
    result: dict[str, Any] = describe(best, training, model) | {
        "candidates": candidate_rows(fits, measured, training, best),
        "relevance": relevance_rows(selection, training),
        "leakage": [asdict(finding) for finding in [*findings, *withheld_findings(campaign)]],
        "champion_version": promotion.champion_version,
        "best_version": promotion.best_version,
        "refused_reason": promotion.refused_reason,
        "gate_note": promotion.note,
    }
    if reason:
        return result, best, None
    rules = [rule.design for rule in (model.one_rule, model.declared_rule) if rule]
    forward = backtest(ordered, best, rules, campaign.recalibrate) if ordered else None
    strongest = [factor["feature"] for factor in result["factors"]]
    result |= {
        "model_format": f"json of {FOLDS} x {model_format(best)}",
        "dependence": explaining.dependence(model, training, strongest),
        "forward": forward_rows(campaign, ordered.frame, forward) if ordered and forward else [],
    }
    return result, best, replace(model, shift=forward.shift) if forward else model


def judge(
    campaign: Campaign,
    frame: pd.DataFrame,
    training: TrainingSet,
    fits: list[CrossFit],
    best: CrossFit,
    model: FittedModel,
    findings: list[Finding],
    version: str,
    existing: Any | None,
) -> tuple[str | None, Promotion]:
    """Return why the best candidate may not be used, None if it may, and which model serves from now on."""
    probability = model.out_of_fold(training.matrix, training.folds)
    customer = pd.factorize(frame[campaign.customer])[0]
    tried = len(fits) + (trials_for(campaign.tune_seconds, training) if campaign.tune_seconds else 0)
    reason = leak_refusal(findings) or failed_sanity_check(
        training, best.log_odds, probability, customer, tried
    )
    allowed = [name for name in training.design.columns if name not in leaky_features(findings)]
    earlier = earlier_champions(existing, campaign)
    return reason, decide_promotion(version, campaign, earlier, frame, training, probability, allowed, reason)


def describe(best: CrossFit, training: TrainingSet, model: FittedModel) -> dict[str, Any]:
    """Describe the best candidate: what it is, reads and goes by."""
    return {
        "algorithm": best.name,
        "imbalance": best.imbalance,
        "parameters": json.dumps(best.settings, sort_keys=True),
        "features": used_features(best, training.design),
        "baseline_rule": model.one_rule.feature,
        "calibration": model.calibrator.method,
        "factors": explaining.factors(model, training),
    }


def find_leaks(
    campaign: Campaign,
    rows: pd.DataFrame,
    empty: set[str],
    training: TrainingSet,
    scores: list[UnivariateScore],
    best: CrossFit,
) -> list[Finding]:
    """Run every leakage check on the features of the best candidate."""
    roc_auc = compute_metric("roc_auc", training.label, best.probability, training.weight)
    return check_features(
        campaign,
        rows,
        empty,
        training,
        scores,
        roc_auc,
        lambda positions: _roc_auc_without(positions, best, training),
    )


def candidates(campaign: Campaign, training: TrainingSet) -> list[CrossFit]:
    """Cross-fit every algorithm with every declared handling of imbalance, and add a tuned one."""
    fits = [
        best_preset(campaign, algorithm, training, imbalance)
        for algorithm in competing(campaign)
        for imbalance in campaign.imbalances(algorithm)
    ]
    tuned = tune(campaign, competing(campaign), training) if campaign.tune_seconds else None
    return fits + ([tuned] if tuned else [])


def best_preset(campaign: Campaign, algorithm: str, training: TrainingSet, imbalance: str) -> CrossFit:
    """Cross-fit an algorithm with its presets in turn, until one is no better than the one before."""
    first, *others = presets(algorithm, training)
    best = cross_fit(algorithm, training, imbalance, first)
    for settings in others:
        fit = cross_fit(algorithm, training, imbalance, settings)
        seconds = best.seconds + fit.seconds
        is_better = _loss(campaign.choose_by, training, fit) < _loss(campaign.choose_by, training, best)
        best = replace(fit if is_better else best, seconds=seconds)
        if not is_better:
            break
    return best


def find_later_rows(
    campaign: Campaign,
    frame: pd.DataFrame,
    training: TrainingSet,
    fits: list[CrossFit],
    ordered: TimeOrderedRows | None,
    positions: list[int] | None,
) -> LaterRows | None:
    """Predict the newest training rows before the backtest by models of earlier ones, None without an order.

    `ordered` holds test rows too. They must not choose the champion that they judge.
    """
    before = TimeOrderedRows.from_frame(frame, campaign, training.design, positions)
    if len(fits) == 1 or not (before and ordered):
        return None
    return predict_later_rows(before, fits, ordered.backtest_start)


def blended(
    campaign: Campaign, training: TrainingSet, fits: list[CrossFit], later: LaterRows | None
) -> list[CrossFit]:
    """Return a blend of the candidates unless it is switched off or has one member only.

    Its weights suit later rows if there are enough, else rows out of fold. It needs no fits of its own.
    """
    if not campaign.blend or len(fits) == 1:
        return []
    members = (
        blend_weights(later.log_odds, later.label, is_calibrated=False)
        if later
        else blend_weights([fit.log_odds for fit in fits], training.label, training.weight)
    )
    if len(members) == 1:
        return []
    if later:
        later.log_odds.append(weighted_mean([later.log_odds[at] for at in members], [*members.values()]))
    return [blend([fits[at] for at in members], [*members.values()])]


def later_metrics(campaign: Campaign, fits: list[CrossFit], later: LaterRows | None) -> list[float | None]:
    """Return the metric of each candidate on later rows, None where there are none."""
    if later is None:
        return [None] * len(fits)
    return [later.measure(campaign.choose_by, each, campaign.recalibrate) for each in later.log_odds]


def best_candidate(
    campaign: Campaign, training: TrainingSet, fits: list[CrossFit], later: list[float | None]
) -> CrossFit:
    """Return the best candidate: by its metric on later rows if there are enough, else out of fold."""
    if None not in later:
        sign = 1 if is_loss(campaign.choose_by) else -1
        return fits[int(np.argmin([sign * float(value or 0) for value in later]))]
    return min(fits, key=lambda fit: _loss(campaign.choose_by, training, fit))


def _loss(choose_by: str, training: TrainingSet, fit: CrossFit) -> float:
    value = compute_metric(choose_by, training.label, fit.calibrated(training), training.weight)
    return value if is_loss(choose_by) else -value


def _roc_auc_without(positions: list[int], fit: CrossFit, training: TrainingSet) -> float:
    """Return the out-of-fold ROC AUC of the same candidate without some columns; 0.5 without any."""
    every = range(len(training.design.columns))
    kept = [
        [column for column in (training.kept[fold] if training.kept else every) if column not in positions]
        for fold in range(FOLDS)
    ]
    if not all(kept):
        return 0.5
    without = refit(fit, training.keeping(kept))
    return compute_metric("roc_auc", training.label, without.probability, training.weight)


def fit_declared_baseline(column: str, frame: pd.DataFrame, training: TrainingSet) -> OneRule:
    """Fit the declared baseline: a rule on one column of the mart that is not a feature."""
    is_text = not pd.api.types.is_numeric_dtype(frame[column])
    design = make_design(frame, [column], [column] if is_text else [])
    return OneRule.of(design, design.matrix(frame)[:, 0], training)


def failed_sanity_check(
    training: TrainingSet, log_odds: np.ndarray, probability: np.ndarray, customer: np.ndarray, tried: int
) -> str | None:
    """Return why a fitted model is useless, as a sentence; None if it passes.

    The best of several candidates ranks better than chance by chance more often than each. So the interval
    of its ROC AUC allows for the number that was `tried` (Bonferroni).
    """
    label, weight = training.label, training.weight
    if all(np.ptp(log_odds[training.folds == fold]) < 1e-9 for fold in np.unique(training.folds)):
        return "Constant score: the features tell no row from another."
    roc_auc, lower, upper = roc_auc_interval(label, log_odds, customer, 1 - (1 - RANKING_LEVEL) / tried)
    if lower <= 0.5:
        return (
            f"Ranks no better than chance out of fold: ROC AUC {roc_auc:.3f}, "
            f"{RANKING_LEVEL:.0%} interval {lower:.3f} to {upper:.3f} of the best of {tried} tried."
        )
    error = expected_calibration_error(label, probability, weight)
    limit = min(MAX_CALIBRATION_ERROR, training.base_rate / 2)
    if error <= limit:
        return None
    p_value = calibration_p_value(label, probability, customer, weight)
    if p_value >= MIN_CALIBRATION_P_VALUE:
        return None
    return (
        f"Calibration failed: expected calibration error {error:.4f} out of fold, limit {limit:.4f}. "
        f"Accurate probabilities have such an error by chance in {p_value:.1%} of cases."
    )
