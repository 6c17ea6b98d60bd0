"""Lets the declared candidates compete out of fold and returns the champion, or why there is none."""

import hashlib
import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import imblearn
import lightgbm
import numpy as np
import pandas as pd
import pyarrow as pa
import sklearn
import xgboost
from sklearn.metrics import roc_auc_score

from python_models import explaining
from python_models.base_rates import assume_base_rate
from python_models.campaign import AFTER_CONTACT, Campaign, read_campaign
from python_models.candidates import ALGORITHMS
from python_models.fitted import FittedModel
from python_models.fitting import CrossFit, Training, blend, cross_fit, fit_again
from python_models.forward import Forward, Ordered, later_measure, validate_forward
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
from python_models.leakage import Finding, check_features, leak_refusal, withheld_findings
from python_models.measures import expected_calibration_error, is_loss, measure, measures
from python_models.one_rule import OneRule, single_power
from python_models.registry import judge, newest_fingerprint, present_champion, retrains
from python_models.relevance import Fate, judge_features, kept_positions
from python_models.sampling import RowSample, sample_of
from python_models.tuning import tune

# Part of every fingerprint: raise it when the way of training changes, so that all models are fitted anew.
RECIPE = 6
BLENDED = 2
# Expected calibration error, out of fold, beyond which probabilities are not to be believed: this much,
# and never more than half the base rate.
WORST_CALIBRATION = 0.05


def _struct(**kinds: pa.DataType) -> pa.DataType:
    return pa.list_(pa.struct(list(kinds.items())))


_TEXT, _NUMBER, _COUNT, _FLAG = pa.string(), pa.float64(), pa.int64(), pa.bool_()

MODEL_ROW = pa.schema(
    [
        ("campaign", _TEXT),
        ("model_version", _TEXT),
        ("algorithm", _TEXT),
        ("imbalance", _TEXT),
        ("trained_at", pa.timestamp("us")),
        ("training_rows", _COUNT),
        ("training_positives", _COUNT),
        ("kept_share_of_negatives", _NUMBER),
        ("training_base_rate", _NUMBER),
        ("assumed_base_rate", _NUMBER),
        ("assumed_because", _TEXT),
        ("estimated_base_rate", _NUMBER),
        ("estimated_lower", _NUMBER),
        ("estimated_upper", _NUMBER),
        ("estimated_rows", _COUNT),
        ("parameters", _TEXT),
        ("features", pa.list_(_TEXT)),
        ("model_format", _TEXT),
        ("model_body", _TEXT),
        ("fingerprint", _TEXT),
        ("refused_reason", _TEXT),
        ("declaration", _TEXT),
        ("baseline_rule", _TEXT),
        ("calibration", _TEXT),
        ("champion_version", _TEXT),
        ("gate_note", _TEXT),
        (
            "candidates",
            _struct(
                algorithm=_TEXT,
                imbalance=_TEXT,
                roc_auc=_NUMBER,
                average_precision=_NUMBER,
                f1=_NUMBER,
                log_loss=_NUMBER,
                brier=_NUMBER,
                fit_seconds=_NUMBER,
                feature_count=_COUNT,
                all_features_average_precision=_NUMBER,
                later_measure=_NUMBER,
            ),
        ),
        ("factors", _struct(feature=_TEXT, importance=_NUMBER, direction=_TEXT)),
        (
            "relevance",
            _struct(
                feature=_TEXT,
                is_kept=_FLAG,
                dropped_by=_TEXT,
                measured=_NUMBER,
                limit=_NUMBER,
                correlated_with=_TEXT,
                folds_kept=_COUNT,
            ),
        ),
        (
            "leakage",
            _struct(
                feature=_TEXT, check_name=_TEXT, measured=_NUMBER, limit=_NUMBER, status=_TEXT, advice=_TEXT
            ),
        ),
        (
            "dependence",
            _struct(
                feature=_TEXT,
                bin=_COUNT,
                bin_label=_TEXT,
                row_count=_COUNT,
                mean_value=_NUMBER,
                mean_predicted=_NUMBER,
            ),
        ),
        (
            "forward",
            _struct(
                entity_id=_TEXT,
                customer_id=_TEXT,
                block=_COUNT,
                has_converted=_FLAG,
                predicted_probability=_NUMBER,
                baseline_probability=_NUMBER,
                declared_baseline_probability=_NUMBER,
            ),
        ),
    ]
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
        model, unless `retrain` is set. A model that may not be used comes with `refused_reason`;
        `champion_version` says which model is in service after this training.
    """
    campaign = read_campaign(meta)
    names, texts = feature_columns(features, campaign)
    taken = sample_of(features, campaign)
    rows = known_rows(features, campaign, names, taken)
    kept_share = taken.kept_share(rows, campaign)
    fingerprint = fingerprint_of(rows, campaign)
    if known is not None and not set(MODEL_ROW.names) <= set(known.columns):
        known = None
    if known is not None and not retrains(meta) and newest_fingerprint(known) == fingerprint:
        return MODEL_ROW.empty_table()

    frame = rows[rows[campaign.split] == "train"].reset_index(drop=True) if campaign.label else rows
    row: dict[str, Any] = {
        "campaign": campaign.campaign,
        "model_version": fingerprint[:12],
        "imbalance": "none",
        "trained_at": datetime.now(UTC).replace(tzinfo=None),
        "training_rows": len(frame),
        "training_positives": int(frame[campaign.label].sum()) if campaign.label else 0,
        "kept_share_of_negatives": kept_share,
        "features": names,
        "fingerprint": fingerprint,
        "declaration": declaration_text(campaign),
        "refused_reason": refusal(campaign, frame, kept_share),
    }
    row |= {
        nested: [] for nested in ("candidates", "factors", "relevance", "leakage", "dependence", "forward")
    }
    if row["refused_reason"] is None:
        training, fates = training_of(campaign, frame, make_design(frame, names, texts), kept_share)
        result, model = compete(campaign, rows, frame, training, fates, row["model_version"], known)
        row |= result
        if model:
            model, assumption = assume_base_rate(campaign, features, training, model)
            row |= assumption | {"model_body": model.to_text()}
    return pa.Table.from_pylist([row], schema=MODEL_ROW)


def known_rows(features: Any, campaign: Campaign, names: list[str], taken: RowSample) -> pd.DataFrame:
    """Rows with a known outcome, ordered by entity: those of split `train`, with an order all.

    Of the non-conversions those that the sample takes.
    """
    if not campaign.label:
        return pd.DataFrame()
    times = set(campaign.known_at.values()) - {AFTER_CONTACT}
    more = [campaign.order_by, campaign.label_known_at, campaign.baseline, *sorted(times)]
    more += [campaign.as_of] if times else []
    columns = [campaign.entity, campaign.customer, campaign.split, *names, campaign.label]
    where = f"{quoted(campaign.label)} is not null and {taken.condition}"
    if not campaign.order_by:
        where += f" and {quoted(campaign.split)} = 'train'"
    return read_rows(features, columns + [name for name in more if name], campaign.entity, where)


def refusal(campaign: Campaign, frame: pd.DataFrame, kept_share: float) -> str | None:
    """Why no model can be fitted, in a sentence; None where one can.

    Counts all training rows, those that a sample left out included.
    """
    if not campaign.label:
        return "No label is declared: this campaign has segments only."
    positives = int(frame[campaign.label].sum())
    rows = positives + round((len(frame) - positives) / kept_share)
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


def compete(
    campaign: Campaign,
    rows: pd.DataFrame,
    frame: pd.DataFrame,
    training: Training,
    fates: list[Fate],
    version: str,
    known: Any | None,
) -> tuple[dict[str, Any], FittedModel | None]:
    """Cross-fit every candidate, check for leaks, judge the best against the present champion.

    Returns what it adds to the model row, and the model if it may be used.
    """
    label, design = training.label, training.design
    ordered = Ordered.of(rows, campaign, design, kept_positions(fates) if fates else None)
    fits = candidates(campaign, training)
    later = [later_measure(ordered, fit, campaign.choose_by) if ordered else None for fit in fits]
    best = champion(campaign, training, fits, later)
    powers = [
        single_power(training.matrix[:, i], i in design.categorical_positions, label, training.folds)
        for i in range(len(design.columns))
    ]
    roc_auc = measure("roc_auc", label, best.probability, training.weight)
    findings = check_features(
        campaign,
        frame,
        training,
        powers,
        roc_auc,
        lambda position: roc_auc - _roc_auc_without(position, best, training),
    )
    declared_rule = rule_on(campaign.baseline, frame, training) if campaign.baseline else None
    model = FittedModel.of(best, training, OneRule.best(training, powers), declared_rule)
    probability = model.out_of_fold(training.matrix, training.folds)
    reason = leak_refusal(findings) or distrust(training, best.log_odds, probability)
    allowed = [name for name in design.columns if name not in leaking(findings)]
    verdict = judge(version, campaign, present_champion(known), frame, training, probability, allowed, reason)
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
        "relevance": relevance_rows(fates, training),
        "leakage": [asdict(finding) for finding in [*findings, *withheld_findings(campaign)]],
        "factors": factors,
        "champion_version": verdict.champion_version,
        "refused_reason": verdict.refused_reason,
        "gate_note": verdict.note,
    }
    if reason:
        return result, None
    rules = [rule.design for rule in (model.one_rule, model.declared_rule) if rule]
    forward = validate_forward(ordered, best, rules, campaign.recalibrate) if ordered else None
    result |= {
        "model_format": f"json of {FOLDS} x {model_format(best)}",
        "dependence": explaining.dependence(model, training, [factor["feature"] for factor in factors]),
        "forward": forward_rows(campaign, ordered.frame, forward) if ordered and forward else [],
    }
    return result, replace(model, shift=forward.shift) if forward else model


def training_of(
    campaign: Campaign, frame: pd.DataFrame, design: Design, kept_share: float
) -> tuple[Training, list[Fate]]:
    """The training rows as a matrix, and what relevance keeps in each fold and in all of them."""
    matrix, folds = design.matrix(frame), fold_of(frame[campaign.customer])
    label = frame[campaign.label].to_numpy(np.int64)
    training = Training(design, matrix, label, folds, kept_share=kept_share)
    if campaign.keep_features is None or campaign.keep_features >= len(design.columns):
        return training, []
    keep = campaign.keep_features
    kept = [kept_positions(judge_features(matrix[folds != fold], design, keep)) for fold in range(FOLDS)]
    return training.keeping(kept), judge_features(matrix, design, keep)


def candidates(campaign: Campaign, training: Training) -> list[CrossFit]:
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
        fits.append(blend(ranked[:BLENDED]))
    return fits


def champion(
    campaign: Campaign, training: Training, fits: list[CrossFit], later: list[float | None]
) -> CrossFit:
    """The best candidate: by how it predicts a later fifth where that was measured, else out of fold."""
    if None not in later:
        sign = 1 if is_loss(campaign.choose_by) else -1
        return fits[int(np.argmin([sign * float(value or 0) for value in later]))]
    return min(fits, key=lambda fit: _loss(campaign.choose_by, training, fit))


def _loss(choose_by: str, training: Training, fit: CrossFit) -> float:
    value = measure(choose_by, training.label, fit.probability, training.weight)
    return value if is_loss(choose_by) else -value


def _roc_auc_without(position: int, fit: CrossFit, training: Training) -> float:
    """ROC AUC out of fold of the same candidate without one column."""
    every = range(len(training.design.columns))
    kept = [
        [column for column in (training.kept[fold] if training.kept else every) if column != position]
        for fold in range(FOLDS)
    ]
    again = fit_again(fit, training.keeping(kept))
    return measure("roc_auc", training.label, again.probability, training.weight)


def rule_on(column: str, frame: pd.DataFrame, training: Training) -> OneRule:
    """The declared baseline: a rule on one column of the mart that is no feature."""
    is_text = not pd.api.types.is_numeric_dtype(frame[column])
    design = make_design(frame, [column], [column] if is_text else [])
    return OneRule.of(design, design.matrix(frame)[:, 0], training)


def used_features(fit: CrossFit, design: Design) -> list[str]:
    """Columns that at least one fold model may read."""
    read: set[int] = set()
    for part in fit.parts:
        for model in part.models:
            read |= set(range(len(design.columns)) if model.positions is None else model.positions)
    return [name for position, name in enumerate(design.columns) if position in read]


def candidate_row(fit: CrossFit, training: Training, best: CrossFit) -> dict[str, Any]:
    """How a candidate did out of fold; of the best also what it does with all columns."""
    everything = None
    if fit is best and training.kept:
        whole = fit_again(fit, training.keeping(None))
        everything = measure("average_precision", training.label, whole.probability, training.weight)
    return {
        "algorithm": fit.name,
        "imbalance": fit.imbalance,
        "fit_seconds": fit.seconds,
        "feature_count": len(training.kept[0]) if training.kept else len(training.design.columns),
        "all_features_average_precision": everything,
    } | measures(training.label, fit.probability, training.weight)


def relevance_rows(fates: list[Fate], training: Training) -> list[dict[str, Any]]:
    """Fate of each column on all training rows, and in how many folds it was kept."""
    kept = training.kept or []
    return [
        asdict(fate) | {"folds_kept": sum(position in fold for fold in kept)}
        for position, fate in enumerate(fates)
    ]


def leaking(findings: list[Finding]) -> set[str]:
    """Features that failed a check."""
    return {finding.feature for finding in findings if finding.status == "fail"}


def distrust(training: Training, log_odds: np.ndarray, probability: np.ndarray) -> str | None:
    """Why a fitted model is of no use, in a sentence; None where it is."""
    label = training.label
    if all(np.ptp(log_odds[training.folds == fold]) < 1e-9 for fold in np.unique(training.folds)):
        return "Constant score: the features tell no row from another."
    roc_auc = float(roc_auc_score(label, log_odds))
    if roc_auc <= 0.5:
        return f"Ranks no better than chance out of fold (ROC AUC {roc_auc:.3f})."
    error = expected_calibration_error(label, probability, training.weight)
    limit = min(WORST_CALIBRATION, training.base_rate / 2)
    if error > limit:
        return f"Calibration failed: expected calibration error {error:.4f} out of fold, limit {limit:.4f}."
    return None


def forward_rows(campaign: Campaign, frame: pd.DataFrame, forward: Forward) -> list[dict[str, Any]]:
    """Forward predictions, one per row of the last fifth.

    Rows and customers are numbers within the validation: model rows are kept for good, and must not
    name anybody who asks to be forgotten later.
    """
    rows = frame.iloc[forward.rows]
    declared = forward.baselines[1] if len(forward.baselines) > 1 else [None] * len(rows)
    columns = {
        "entity_id": [f"forward row {number}" for number in range(len(rows))],
        "customer_id": [f"forward customer {number}" for number in pd.factorize(rows[campaign.customer])[0]],
        "block": forward.block.tolist(),
        "has_converted": rows[campaign.label].astype(bool),
        "predicted_probability": forward.probability.tolist(),
        "baseline_probability": forward.baselines[0].tolist(),
        "declared_baseline_probability": list(declared),
    }
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def model_format(fit: CrossFit) -> str:
    """Format of the fold models' text."""
    return " + ".join(dict.fromkeys(ALGORITHMS[part.algorithm].model_format for part in fit.parts))


def declaration_text(campaign: Campaign) -> str:
    """The declaration as JSON, with the policy taken apart for SQL."""
    declared = asdict(campaign) | {"policy": campaign.policy, "policy_limit": campaign.policy_limit}
    return json.dumps(declared, sort_keys=True)


def fingerprint_of(frame: pd.DataFrame, campaign: Campaign) -> str:
    """Hash of all that decides a model: rows, declaration, settings, way of training, library versions.

    Drift is told of a model that is there: to accept it fits none anew.
    """
    positives = int(frame[campaign.label].sum()) if campaign.label else 0
    settings = {name: ALGORITHMS[name].settings(len(frame), positives) for name in campaign.candidates}
    libraries = (lightgbm, sklearn, xgboost, imblearn)
    versions = ", ".join(f"{library.__name__} {library.__version__}" for library in libraries)
    parts = [
        content_hash(frame),
        declaration_text(replace(campaign, accept_drift=[])),
        json.dumps(settings, sort_keys=True),
        f"recipe {RECIPE}, {versions}",
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
