"""Which of a campaign's models is in service: the newest that is not worse than the one before it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from python_models.common.campaign import Campaign
from python_models.conversion.fitted import FittedModel
from python_models.conversion.fitting import TrainingSet
from python_models.conversion.measures import compute_metric, is_loss

# A new model may be so much worse on the same rows, relatively: so much is the noise of a fit.
TOLERANCE = 0.05


@dataclass(frozen=True)
class Promotion:
    """Who serves after a training, why the new model does not, and how the two compared."""

    champion_version: str | None
    refused_reason: str | None
    note: str


def load_champion(models: Any, meta: dict[str, Any]) -> tuple[str, str | None]:
    """Version and body of the model in service; the newest training's version and None where none is.

    The version that the newest training named, unless the project's variable `champion` names another of
    this campaign's (roll back). Versions are hashes, so one variable serves all campaigns.
    """
    rows = models.order("trained_at desc, model_version").project(
        "model_version, champion_version, model_body"
    )
    listed = rows.fetchall()
    bodies = {version: body for version, _, body in listed if body}
    newest, champion, _ = listed[0]
    for version in named_champions(meta):
        champion = version if version in bodies else champion
    return (champion, bodies[champion]) if champion in bodies else (newest, None)


def named_champions(meta: dict[str, Any]) -> list[str]:
    """Versions that the project's variable `champion` names."""
    return str(meta.get("champion") or "").replace(",", " ").split()


def current_champion(known: Any | None) -> tuple[str, FittedModel] | None:
    """Version and model in service before a training, None without one."""
    if known is None or not len(known.limit(1).fetchall()):
        return None
    version, body = load_champion(known, {})
    return (version, FittedModel.from_text(body)) if body else None


def decide_promotion(
    version: str,
    campaign: Campaign,
    present: tuple[str, FittedModel] | None,
    frame: pd.DataFrame,
    training: TrainingSet,
    probability: np.ndarray,
    allowed: list[str],
    reason: str | None,
) -> Promotion:
    """Whether a new model takes the place of the present one.

    Both are measured on the same training rows, out of fold: a row's fold is a hash of its customer, so
    neither has seen it. A present champion that reads what no model may see (any more) leaves service; any
    other stays where the new model is refused for a `reason` of its own, or is worse.
    """
    if present is None:
        return Promotion(None if reason else version, reason, "There was no champion to compare with.")
    name, champion = present
    if gone := [column for column in champion.design.columns if column not in allowed]:
        note = f"Champion {name} reads {', '.join(gone)}, which no model may see: not compared."
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
