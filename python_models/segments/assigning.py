"""Assign every row of a mart to its nearest segment, in SQL."""

from typing import Any

from python_models.common.campaign import Campaign, Segmentation, read_campaign
from python_models.common.errors import DeclarationError
from python_models.common.sql import quote_identifier
from python_models.segments.segmenter import MEMBER_ROW, Segmenter


def assign_segments(mart: Any, segmenters: Any, meta: dict[str, Any]) -> Any:
    """Assign every customer of the mart to the nearest centroid of the newest segmenter.

    Nothing is fitted: a daily build assigns new customers to the existing segments.

    Returns
    -------
    DuckDB relation
        One row per customer (`MEMBER_ROW`), computed in SQL as it is read, without loading all customers.
        Distance is Euclidean in the space's units; confidence is 1 - nearest / second nearest distance:
        0 on the border between two segments and 1 at a centroid.
    """
    campaign, segmentation = read_segmentation(meta)
    newest = newest_segmenter(segmenters)
    if newest is None:
        return MEMBER_ROW.empty_table()
    version, body = newest
    segmenter = Segmenter.from_json(body)
    if missing := segmenter.columns - set(mart.columns):
        raise DeclarationError(
            f"campaign '{campaign.campaign}': its segments are made of {sorted(missing)}, which the mart "
            f"lacks now. Fit them anew: dbt build --select +{campaign.campaign}_segments"
        )
    is_customer = quote_identifier(campaign.population) if campaign.population else "cast(null as boolean)"
    keys = (
        f"cast({quote_identifier(segmentation.entity)} as varchar) as entity_id, {is_customer} as is_customer"
    )
    return segmenter.assign(mart, keys).project(
        f"'{campaign.campaign}' as campaign, *, '{version}' as segmenter_version"
    )


# the name that dbt's models import
segment = assign_segments


def read_segmentation(meta: dict[str, Any]) -> tuple[Campaign, Segmentation]:
    """Return the declaration and its segments; fail if it declares none."""
    campaign = read_campaign(meta)
    if campaign.segments is None:
        raise DeclarationError(
            f"campaign '{campaign.campaign}': key 'segments' is missing; declare entity and columns."
        )
    return campaign, campaign.segments


def newest_segmenter(segmenters: Any) -> tuple[str, str] | None:
    """Return version and body of the newest segmenter, or None if there is none or it was refused."""
    newest = segmenters.order("trained_at desc, segmenter_version").limit(1)
    rows = newest.project("segmenter_version, model_body").fetchall()
    return rows[0] if rows and rows[0][1] else None
