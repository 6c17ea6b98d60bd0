"""Promotion gate: the newest model serves unless it is worse than its predecessor."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from python_models.common.campaign import Campaign
from python_models.conversion.fitted import FittedModel
from python_models.conversion.fitting import TrainingSet
from python_models.conversion.measures import compute_metric, is_loss

# Relative tolerance of the promotion gate: the noise of a refit.
TOLERANCE = 0.05


@dataclass(frozen=True)
class Promotion:
    """The champion after a training, why the new model is not promoted, and how the two compare."""

    champion_version: str | None
    refused_reason: str | None
    note: str


def load_champion(models: Any, meta: dict[str, Any]) -> tuple[str, str | None]:
    """Return version and body of the champion; without one the newest version and None.

    The champion is the one that the newest training named, unless the project's variable `champion` names
    another model of this campaign (rollback). Versions are hashes, so one variable serves all campaigns.
    """
    rows = models.order("trained_at desc, model_version").project(
        "model_version, champion_version, model_body"
    )
    listed = rows.fetchall()
    bodies = {version: body for version, _, body in listed if body}
    newest, champion, _ = listed[0]
    for version in pinned_versions(meta):
        champion = version if version in bodies else champion
    return (champion, bodies[champion]) if champion in bodies else (newest, None)


def pinned_versions(meta: dict[str, Any]) -> list[str]:
    """Return the versions in the project's variable `champion`.

    >>> pinned_versions({"champion": "0a1b2c, 3d4e5f"})
    ['0a1b2c', '3d4e5f']
    """
    return str(meta.get("champion") or "").replace(",", " ").split()


def current_champion(existing: Any | None) -> tuple[str, FittedModel] | None:
    """Return version and model of the champion before a training; None without one."""
    if existing is None or not len(existing.limit(1).fetchall()):
        return None
    version, body = load_champion(existing, {})
    return (version, FittedModel.from_text(body)) if body else None


def decide_promotion(
    version: str,
    campaign: Campaign,
    current: tuple[str, FittedModel] | None,
    frame: pd.DataFrame,
    training: TrainingSet,
    probability: np.ndarray,
    allowed: list[str],
    reason: str | None,
) -> Promotion:
    """Decide whether a new model replaces the current champion.

    Both are measured on the same training rows, out of fold: a row's fold is a hash of its customer, so
    neither has seen it. A champion that reads a column which is no longer allowed is retired. Any other
    stays if the new model is rejected for a `reason` of its own or is worse.
    """
    if current is None:
        return Promotion(None if reason else version, reason, "There was no champion to compare with.")
    name, champion = current
    if forbidden := [column for column in champion.design.columns if column not in allowed]:
        note = f"Champion {name} reads {', '.join(forbidden)}, which no model may see: not compared."
        return Promotion(None if reason else version, reason, note)
    if reason:
        return Promotion(name, reason, f"Champion {name} stays in service.")
    label, weight = training.label, training.weight
    old = champion.out_of_fold(champion.design.matrix(frame), training.folds)
    old_value = compute_metric(campaign.choose_by, label, old, weight)
    new_value = compute_metric(campaign.choose_by, label, probability, weight)
    sign = -1 if is_loss(campaign.choose_by) else 1
    compared = (
        f"{campaign.choose_by} {new_value:.4f} against {old_value:.4f} of champion {name}, "
        f"on the same {len(label):,} rows out of fold"
    )
    if sign * new_value >= sign * old_value - TOLERANCE * abs(old_value):
        return Promotion(version, None, f"Not worse: {compared}.")
    reason = f"Worse than the champion: {compared}; the tolerance is {TOLERANCE:.0%}."
    return Promotion(name, reason, reason)
