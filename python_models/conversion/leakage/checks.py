"""The leakage checks: their limits, their findings, and what a model is refused or held for."""

import math
from dataclasses import dataclass

from python_models.common.campaign import Campaign

ALL_FEATURES = "all_features"
# How a refusal begins that a person can lift by naming columns.
DECISION = "Needs a decision:"


@dataclass(frozen=True)
class Check:
    """What to do, and the limits from which a check warns, asks for a decision and fails.

    Structure fails: a value that only converters have, a copy, an order, a time. Strength only asks, because
    an honest feature may be as strong.
    """

    advice: str
    warn: float = math.inf
    ask: float = math.inf
    fail: float = math.inf

    @property
    def stop(self) -> float:
        """The lowest limit from which the model does not serve."""
        return min(self.ask, self.fail)


CHECKS = {
    "single_feature_power": Check(
        "Alone it ranks (ROC AUC) better than most honest models do: is it known before the contact?",
        warn=0.8,
        ask=0.95,
    ),
    "power_beyond_all_others": Check(
        "A strong model loses so much ROC AUC without it, its copies and other strong columns: are they "
        "known before the contact?",
        warn=0.05,
        ask=0.1,
    ),
    "copy_of_label": Check(
        "Cut in two, it is nearly the outcome itself (balanced accuracy): a copy of it?", warn=0.9, fail=0.98
    ),
    "filled_with_the_outcome": Check(
        "Whether it is missing tells the outcome (ROC AUC): filled in only for one of them?",
        warn=0.8,
        fail=0.98,
    ),
    "only_converters": Check(
        "Nearly all rows with one value, or in one range, converted (lower limit of their rate): set by the "
        "outcome?",
        fail=0.9,
    ),
    "never_without": Check(
        "Conversions expected of the rows with one value, which have none: does the column count the "
        "outcome, or a step on the way to it?",
        ask=30,
    ),
    "rate_of_the_outcome": Check(
        "Its values are conversion rates, closer than chance allows (minus log10 of the probability): "
        "computed from the outcomes of the same rows?",
        fail=6,
    ),
    "empty_without_outcome": Check(
        "Filled in so large a share of the training rows, and empty in all rows whose outcome is not known "
        "yet: filled in after the contact?",
        ask=0.1,
    ),
    "difference_of_two": Check(
        "Its sum with or difference from another column ranks so well (ROC AUC), and neither does alone: is "
        "one of the two from after the contact?",
        ask=0.85,
    ),
    "shared_outcome": Check(
        "Share of conversions among other customers like a converter: the same customer or household twice? "
        "Declare what they share as group_by.",
        fail=0.3,
    ),
    "key_or_order": Check("A key, or the number of the row: withhold it.", fail=0.98),
    "known_after_contact": Check(
        "Share of rows in which it became known after the features' date: withhold it.", fail=1e-9
    ),
    "too_good_to_be_true": Check(
        "ROC AUC of the whole model: real campaigns do not rank so well. Look for a leak.",
        warn=0.95,
        ask=0.98,
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


def evaluate(campaign: Campaign, feature: str, check_name: str, measured: float) -> Finding:
    """Compare a measured value with the limits of its check."""
    check = CHECKS[check_name]
    is_accepted = feature in campaign.accept_leak or (feature == ALL_FEATURES and campaign.accept_leak)
    if measured >= check.stop:
        status = "accepted" if is_accepted else "fail" if measured >= check.fail else "undecided"
    else:
        status = "warn" if measured >= check.warn else "pass"
    limit = check.warn if status == "warn" else check.fail if measured >= check.fail else check.stop
    advice = check.advice if status != "pass" else "Nothing found."
    return Finding(feature, check_name, float(measured), limit, status, advice)


def withheld_findings(campaign: Campaign) -> list[Finding]:
    """Return a finding for each column that is declared as known after the contact and is withheld."""
    withheld = [name for name in campaign.known_at if name in campaign.not_features]
    return [evaluate(campaign, name, "known_after_contact", 0.0) for name in withheld]


def leaky_features(findings: list[Finding]) -> set[str]:
    """Return the features that failed a leakage check."""
    return {finding.feature for finding in findings if finding.status == "fail"}


def leak_refusal(findings: list[Finding]) -> str | None:
    """Return why a model may not serve, the strongest columns first; None without a reason.

    One failed check refuses it; otherwise it needs a decision.
    """
    stopping = [finding for finding in findings if finding.status in ("fail", "undecided")]
    if not stopping:
        return None
    power = {
        finding.feature: finding.measured
        for finding in findings
        if finding.check_name == "single_feature_power"
    }
    names = sorted({finding.feature for finding in stopping}, key=lambda name: -power.get(name, 0.0))
    columns = "; ".join(f"{name} ({_measured(name, stopping)})" for name in names)
    if leaky_features(stopping):
        return (
            f"Looks like a leak: {columns}. Withhold what is not known before the contact (withhold), "
            "or accept a feature by name (accept_leak)."
        )
    return (
        f"{DECISION} {columns}. Name what is known before the contact in accept_leak, and what is not in "
        "withhold."
    )


def _measured(feature: str, findings: list[Finding]) -> str:
    return ", ".join(
        f"{finding.check_name} {finding.measured:.3f}, limit {finding.limit:g}"
        for finding in findings
        if finding.feature == feature
    )
