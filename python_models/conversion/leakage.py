"""Leakage checks: features that are only known after the contact, or are the outcome in disguise."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from python_models.common.campaign import AFTER_CONTACT, Campaign
from python_models.common.frames import order_values
from python_models.conversion.fitting import TrainingSet
from python_models.conversion.one_rule import UnivariateScore

ALL_FEATURES = "all_features"
# Skip the leave-one-out fit for features with a univariate AUC below this.
MIN_SUSPICIOUS_AUC = 0.78


@dataclass(frozen=True)
class Check:
    """The limits from which a check warns and fails, and what to do."""

    warn: float
    fail: float
    advice: str


CHECKS = {
    "single_feature_power": Check(
        0.8,
        0.95,
        "Alone it ranks (ROC AUC) better than most honest models do: is it known before the contact?",
    ),
    "power_beyond_all_others": Check(
        0.05, 0.1, "The model loses so much ROC AUC without it: is it known before the contact?"
    ),
    "copy_of_label": Check(
        0.9, 0.98, "Cut in two, it is nearly the outcome itself (balanced accuracy): a copy of it?"
    ),
    "filled_with_the_outcome": Check(
        0.65, 0.8, "Whether it is missing tells the outcome (ROC AUC): filled in only for one of them?"
    ),
    "key_or_order": Check(
        0.9, 0.98, "Nearly every row has its own value, in the order of the rows: a key or row number?"
    ),
    "known_after_contact": Check(
        1e-9, 1e-9, "Share of rows in which it became known after the features' date: withhold it."
    ),
    "too_good_to_be_true": Check(
        0.95, 0.98, "ROC AUC of the whole model: real campaigns do not rank so well. Look for a leak."
    ),
}


@dataclass(frozen=True)
class Finding:
    """One check of one feature."""

    feature: str
    check_name: str
    measured: float
    limit: float
    status: str
    advice: str


def check_features(
    campaign: Campaign,
    frame: pd.DataFrame,
    training: TrainingSet,
    scores: list[UnivariateScore],
    roc_auc: float,
    loss_without: Callable[[int], float],
) -> list[Finding]:
    """Run every check on every feature that the model sees.

    Parameters
    ----------
    campaign : Campaign
        The declaration.
    frame : pandas.DataFrame
        The training rows, with the keys and times that the declaration names.
    training : TrainingSet
        The same rows as a matrix.
    scores : list of UnivariateScore
        One per column of the design.
    roc_auc : float
        Out of fold, of a model with all features.
    loss_without : callable
        The ROC AUC that the model loses without the column at a position; called at most once, for the
        strongest feature.
    """
    findings = []

    def find(feature: str, check_name: str, measured: float) -> None:
        findings.append(_evaluate(campaign, feature, check_name, measured))

    orders = [pd.Series(order_values(frame[name])) for name in (campaign.entity, campaign.order_by) if name]
    for position, name in enumerate(training.design.columns):
        score = scores[position]
        find(name, "single_feature_power", score.roc_auc)
        find(name, "copy_of_label", score.balanced_accuracy)
        find(name, "filled_with_the_outcome", score.missing_roc_auc)
        find(name, "key_or_order", _order(frame[name], orders))
        find(name, "known_after_contact", _known_after(campaign, frame, name))
    strongest = max(range(len(scores)), key=lambda position: scores[position].roc_auc)
    if scores[strongest].roc_auc >= MIN_SUSPICIOUS_AUC and len(scores) > 1:
        find(training.design.columns[strongest], "power_beyond_all_others", loss_without(strongest))
    find(ALL_FEATURES, "too_good_to_be_true", roc_auc)
    return findings


def withheld_findings(campaign: Campaign) -> list[Finding]:
    """Return a finding for each column that is declared as known after the contact and is withheld."""
    withheld = [name for name in campaign.known_at if name in campaign.not_features]
    return [_evaluate(campaign, name, "known_after_contact", 0.0) for name in withheld]


def leak_refusal(findings: list[Finding]) -> str | None:
    """Return why a model is rejected, with every leak; None without one."""
    failed = [finding for finding in findings if finding.status == "fail"]
    if not failed:
        return None
    leaks = "; ".join(
        f"{finding.feature} ({finding.check_name} {finding.measured:.3f}, limit {finding.limit:g})"
        for finding in failed
    )
    return (
        f"Looks like a leak: {leaks}. Withhold what is not known before the contact (withhold), "
        "or accept a feature by name (accept_leak)."
    )


def _evaluate(campaign: Campaign, feature: str, check_name: str, measured: float) -> Finding:
    """Compare a measured value with the limits of its check."""
    check = CHECKS[check_name]
    is_accepted = feature in campaign.accept_leak or (feature == ALL_FEATURES and campaign.accept_leak)
    if measured >= check.fail:
        status = "accepted" if is_accepted else "fail"
    else:
        status = "warn" if measured >= check.warn else "pass"
    limit = check.warn if status == "warn" else check.fail
    advice = check.advice if status != "pass" else "Nothing found."
    return Finding(feature, check_name, float(measured), limit, status, advice)


def _order(column: pd.Series, orders: list[pd.Series]) -> float:
    """Return the rank correlation with the order of the rows, for a feature with almost unique values.

    Almost unique text is a key: 1. A feature with repeated values: 0.
    """
    values = column.dropna()
    if len(values) < 2 or values.nunique() < 0.95 * len(column):
        return 0.0
    if not pd.api.types.is_numeric_dtype(values):
        return 1.0
    # correlation with a non-numeric order is NaN
    correlations = [abs(values.corr(order, method="spearman")) for order in orders]
    return float(np.nan_to_num(correlations).max())


def _known_after(campaign: Campaign, frame: pd.DataFrame, feature: str) -> float:
    """Return the share of rows in which a feature became known after the date of the features."""
    known_at = campaign.known_at.get(feature)
    if known_at is None:
        return 0.0
    if known_at == AFTER_CONTACT:
        return 1.0
    return float((pd.to_datetime(frame[known_at]) > pd.to_datetime(frame[campaign.as_of])).mean())
