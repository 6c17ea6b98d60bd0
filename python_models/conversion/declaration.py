"""What a declaration may name of this room: algorithms and metrics."""

from collections.abc import Mapping
from typing import Any

from python_models.common.campaign import Campaign, read_campaign
from python_models.common.errors import DeclarationError
from python_models.conversion.algorithms.registry import ALGORITHMS, DEFAULT_CANDIDATES
from python_models.conversion.measures import METRICS


def read_conversion_campaign(meta: Mapping[str, Any]) -> Campaign:
    """Read the declaration of a campaign that is to be trained.

    Raises
    ------
    DeclarationError
        As `read_campaign` does; for an unknown algorithm in `candidates` or `imbalance`, one that competes
        but is not in `imbalance`, and an unknown metric in `choose_by`.
    """
    campaign = read_campaign(meta)
    named = {f"candidates.{i}": (name, ALGORITHMS) for i, name in enumerate(competing(campaign))}
    by_algorithm = campaign.imbalance if isinstance(campaign.imbalance, dict) else {}
    named |= {f"imbalance.{name}": (name, ALGORITHMS) for name in by_algorithm}
    for key, (name, available) in (named | {"choose_by": (campaign.choose_by, METRICS)}).items():
        if name not in available:
            raise DeclarationError(
                f"campaign '{campaign.campaign}': key '{key}', value {name!r} is unknown. "
                f"Available: {', '.join(map(repr, available))}."
            )
    if by_algorithm and (missing := set(competing(campaign)) - set(by_algorithm)):
        raise DeclarationError(
            f"campaign '{campaign.campaign}': key 'imbalance' lacks {', '.join(sorted(missing))}; "
            "name each algorithm that competes, such as xgboost: none."
        )
    return campaign


def competing(campaign: Campaign) -> list[str]:
    """Return the names of the algorithms that compete: the declared ones, or the default."""
    return list(campaign.candidates or DEFAULT_CANDIDATES)
