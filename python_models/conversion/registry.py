"""Promotion gate: the newest model serves unless it is worse than its predecessor."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from python_models.common.campaign import Campaign
from python_models.conversion.fitted import FittedModel
from python_models.conversion.fitting import TrainingSet
from python_models.conversion.measures import compute_metric, skill
from python_models.conversion.uncertainty import bootstrap_error

# Share of the champion's skill that a new model may lose: the noise of a refit.
TOLERANCE = 0.05
# Half the width of a 95 % interval, in standard errors.
MARGIN = 1.96


@dataclass(frozen=True)
class Promotion:
    """The champion after a training, the best so far, why the new model is not promoted, how they compare."""

    champion_version: str | None
    best_version: str | None
    refused_reason: str | None
    note: str


@dataclass(frozen=True)
class Comparison:
    """A metric of a new model and of a champion on the same rows, and their skill: the lead over chance.

    `error` is the standard error of the difference.
    """

    champion: str
    metric: str
    rows: int
    value: float
    champion_value: float
    skill: float
    champion_skill: float
    error: float

    @classmethod
    def of(
        cls,
        champion: str,
        metric: str,
        training: TrainingSet,
        customer: np.ndarray,
        new: np.ndarray,
        old: np.ndarray,
    ) -> "Comparison":
        """Compare the out-of-fold probabilities of two models of the training rows."""
        label, weight = training.label, training.weight
        return cls(
            champion=champion,
            metric=metric,
            rows=len(label),
            value=compute_metric(metric, label, new, weight),
            champion_value=compute_metric(metric, label, old, weight),
            skill=skill(metric, label, new, weight),
            champion_skill=skill(metric, label, old, weight),
            error=bootstrap_error(metric, label, (new, old), customer, weight),
        )

    @property
    def gain(self) -> float:
        """How much more skill the new model has."""
        return self.skill - self.champion_skill

    @property
    def is_worse(self) -> bool:
        """Whether the new model loses more skill than is tolerated, and more than chance explains."""
        lost = -self.gain
        return lost > TOLERANCE * self.champion_skill and lost > MARGIN * self.error

    def __str__(self) -> str:
        margin = MARGIN * self.error
        return (
            f"{self.metric} {self.value:.4f} against {self.champion_value:.4f} of champion {self.champion}, "
            f"on the same {self.rows:,} rows out of fold; lead over chance {self.skill:.4f} against "
            f"{self.champion_skill:.4f}, difference {self.gain:+.4f} "
            f"(95 % interval {self.gain - margin:+.4f} to {self.gain + margin:+.4f})"
        )


def load_champion(models: Any, meta: dict[str, Any]) -> tuple[str, str | None]:
    """Return version and body of the champion; without one the newest version, or "", and None.

    The champion is the one that the newest training named, unless the project's variable `champion` names
    another model of this campaign (rollback). Versions are hashes, so one variable serves all campaigns.
    """
    rows = models.order("trained_at desc, model_version").project(
        "model_version, champion_version, model_body"
    )
    listed = rows.fetchall()
    bodies = {version: body for version, _, body in listed if body}
    # `dbt build --empty` leaves no model
    newest, champion, _ = listed[0] if listed else ("", "", None)
    for version in pinned_versions(meta):
        champion = version if version in bodies else champion
    return (champion, bodies[champion]) if champion in bodies else (newest, None)


def pinned_versions(meta: dict[str, Any]) -> list[str]:
    """Return the versions in the project's variable `champion`.

    >>> pinned_versions({"champion": "0a1b2c, 3d4e5f"})
    ['0a1b2c', '3d4e5f']
    """
    return str(meta.get("champion") or "").replace(",", " ").split()


def earlier_champions(existing: Any | None, campaign: Campaign) -> list[tuple[str, FittedModel]]:
    """Return version and model of the champion before a training, and of the best champion so far.

    Leaves out a model whose folds were made of other customers: it has seen the rows to compare it on.
    """
    listed = []
    if existing is not None:
        listed = (
            existing.order("trained_at desc, model_version")
            .project("model_version, champion_version, best_version, declaration, model_body")
            .fetchall()
        )
    stored = {
        version: body
        for version, _, _, declaration, body in listed
        if body and json.loads(declaration)["group_by"] == campaign.group_by
    }
    named = dict.fromkeys(listed[0][1:3]) if listed else {}
    return [
        (version, FittedModel.from_text(stored[version], version)) for version in named if version in stored
    ]


def decide_promotion(
    version: str,
    campaign: Campaign,
    earlier: list[tuple[str, FittedModel]],
    frame: pd.DataFrame,
    training: TrainingSet,
    probability: np.ndarray,
    allowed: list[str],
    reason: str | None,
) -> Promotion:
    """Decide whether a new model replaces the champion.

    It must not be worse than the better one of the champion and the best champion so far: compared with the
    last one alone, small losses would add up. All are measured on the same training rows, out of fold: a
    row's fold is a hash of its customer, so none has seen it. If the new model is worse, the better one
    serves; if it is rejected for a `reason` of its own, the champion stays. A champion that reads a column
    which is no longer allowed is retired.
    """
    promoted = None if reason else version
    if not earlier:
        return Promotion(promoted, promoted, reason, "There was no champion to compare with.")
    forbidden = {name: [c for c in model.design.columns if c not in allowed] for name, model in earlier}
    comparable = [(name, model) for name, model in earlier if not forbidden[name]]
    if not comparable:
        name, columns = next(iter(forbidden.items()))
        note = f"Champion {name} reads {', '.join(columns)}, which no model may see: not compared."
        return Promotion(promoted, promoted, reason, note)
    if reason:
        name = comparable[0][0]
        return Promotion(name, comparable[-1][0], reason, f"Champion {name} stays in service.")
    predicted = {
        name: model.out_of_fold(model.design.matrix(frame), training.folds) for name, model in comparable
    }
    best = max(
        predicted,
        key=lambda name: skill(campaign.choose_by, training.label, predicted[name], training.weight),
    )
    customer = pd.factorize(frame[campaign.customer])[0]
    compared = Comparison.of(best, campaign.choose_by, training, customer, probability, predicted[best])
    if compared.is_worse:
        reason = (
            f"Worse than the champion: {compared}. It loses more than {TOLERANCE:.0%} of that lead, "
            "which is tolerated, and more than chance explains."
        )
        return Promotion(best, best, reason, reason)
    return Promotion(version, version if compared.gain >= 0 else best, None, f"Not worse: {compared}.")
