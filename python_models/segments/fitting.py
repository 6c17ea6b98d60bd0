"""Groups customers by KMeans: fitted on a sample, matched to the segments before, assigned in SQL."""

import hashlib
import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import sklearn
from duckdb import __version__ as duckdb_version
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from python_models.common.campaign import Campaign, Segmentation
from python_models.common.frames import SEED
from python_models.common.sql import quote_identifier
from python_models.common.versions import newest_fingerprint, retrains
from python_models.segments.assigning import declared, newest_fit
from python_models.segments.choice import RESTARTS, choose, halves_agree, measure
from python_models.segments.columns import LEAST_ROWS_PER_SEGMENT, Columns, row_count, sample_of
from python_models.segments.lookalike import add_lookalike
from python_models.segments.map import SegmentMap, align, draw_map, meanings
from python_models.segments.matching import match
from python_models.segments.names import likeness, name_segments, profiles
from python_models.segments.segmenter import SEGMENTER_ROW, Segmenter
from python_models.segments.space import Space, fit_space, radii

RECIPE = 4
# Customers that segments are fitted on: more only where the two halves of so many disagree.
SAMPLE_SIZES = (20_000, 100_000)
LEAST_AGREEMENT = 0.98


# sums of several threads differ in their last bits
@threadpool_limits.wrap(limits=1)
def fit_segments(mart: Any, meta: dict[str, Any], known: Any | None = None) -> pa.Table:
    """Fit a campaign's segments.

    Parameters
    ----------
    mart : DuckDB relation
        One row per customer, with the declared columns. Where the declaration names a `population` column,
        segments are fitted on the rows for which it is false.
    meta : dict
        The declaration.
    known : DuckDB relation, optional
        Segmenter rows of earlier fits: ids and names go on.

    Returns
    -------
    pyarrow.Table
        One segmenter row (`SEGMENTER_ROW`): centroids, the measures of every number of segments tried, what
        was done to each column, the profile of each segment. None where customers and declaration are those
        of the last fit.
    """
    campaign, segmentation = declared(meta)
    columns = Columns.of(mart, campaign, segmentation)
    declaration = json.dumps(asdict(segmentation) | {"population": campaign.population}, sort_keys=True)
    fingerprint = fingerprint_of(mart, columns, campaign, segmentation.entity, declaration)
    if known is not None and not retrains(meta) and newest_fingerprint(known) == fingerprint:
        return SEGMENTER_ROW.empty_table()

    population = campaign.population
    people = mart.filter(f"not {quote_identifier(population)}") if population else mart
    row: dict[str, Any] = {
        "campaign": campaign.campaign,
        "segmenter_version": fingerprint[:12],
        "trained_at": datetime.now(UTC).replace(tzinfo=None),
        "customer_rows": row_count(people),
        "fingerprint": fingerprint,
        "declaration": json.dumps(
            {key: getattr(campaign, key) for key in ("title", "question", "source", "source_note")}
            | {"segments": json.loads(declaration)}
        ),
        "choices": [],
        "steps": [],
        "profiles": [],
    }
    least = LEAST_ROWS_PER_SEGMENT * segmentation.max
    if row["customer_rows"] < least:
        row["refused_reason"] = (
            f"Only {row['customer_rows']} customers; at least {least} are needed for up to "
            f"{segmentation.max} segments (segments.max)."
        )
    else:
        before = segmenter_before(known, mart, declaration)
        row |= fit_on_sample(people, columns, segmentation, before)
        if population and (segmenter := row["segmenter"]):
            row |= add_lookalike(segmenter, mart, columns, segmentation, population)
        segmenter = row.pop("segmenter")
        row["model_body"] = segmenter.to_json() if segmenter else None
    return pa.Table.from_pylist([row], schema=SEGMENTER_ROW)


def segmenter_before(known: Any | None, mart: Any, declaration: str) -> Segmenter | None:
    """The segmenter whose ids go on: none where there was none, or the mart lacks its columns.

    Its names are forgotten where the declaration changed, which may hold other words.
    """
    # rows of an older layout: dbt refuses them with a sentence when the new row is written
    if known is None or not set(SEGMENTER_ROW.names) <= set(known.columns):
        return None
    newest = newest_fit(known.filter("model_body is not null"))
    if newest is None:
        return None
    version, body = newest
    segmenter = Segmenter.from_json(body)
    if not segmenter.columns <= set(mart.columns):
        return None
    (declared_then,) = known.filter(f"segmenter_version = '{version}'").project("declaration").fetchall()[0]
    if json.loads(declared_then)["segments"] != json.loads(declaration):
        return replace(segmenter, names={})
    return segmenter


def fit_on_sample(
    people: Any, columns: Columns, segmentation: Segmentation, before: Segmenter | None
) -> dict[str, Any]:
    """What the segmenter's row says of a fit: on a larger sample where the smaller one's halves disagree."""
    everybody = row_count(people)
    wanted = columns.grouping + columns.describing
    for size in SAMPLE_SIZES:
        rows = sample_of(people, wanted, segmentation.entity, size)
        grouping = rows.select(columns.grouping)
        texts = [name for name in columns.texts if name in columns.grouping]
        space, points, steps = fit_space(grouping, texts, segmentation)
        if (different := len(np.unique(points, axis=0))) < segmentation.max:
            return {"segmenter": None, "steps": steps, "refused_reason": too_alike(different, segmentation)}
        fits = [
            KMeans(count, n_init=RESTARTS, random_state=SEED).fit(points)
            for count in range(segmentation.min, segmentation.max + 1)
        ]
        choices = [measure(points, fit) for fit in fits]
        chosen, because = choose(choices, segmentation.count)
        agreement = halves_agree(points, chosen)
        if agreement >= LEAST_AGREEMENT or len(points) >= everybody:
            break
    steps.append(
        {
            "action": "sample",
            "measured": agreement,
            "detail": f"{len(points):,} of {everybody:,} customers; segments fitted on either half of them "
            f"agree by an adjusted Rand index of {agreement:.3f}.",
        }
    )
    for choice in choices:
        choice["is_chosen"] = choice["segment_count"] == chosen
    fit = fits[chosen - segmentation.min]
    segment_ids = match(fit.labels_, before, grouping)
    frame = rows.to_pandas()
    members = np.array(segment_ids)[fit.labels_]
    described = profiles(frame, columns.texts, members)
    kept = {number: before.names[number] for number in segment_ids if before and number in before.names}
    alike = likeness(frame, columns.texts)
    names = name_segments(described, segmentation, alike, kept)
    segmenter = Segmenter(
        space=space,
        centroids=fit.cluster_centers_.tolist(),
        radii=radii(points, fit.cluster_centers_, fit.labels_),
        segment_ids=segment_ids,
        names=names,
        last_segment_id=max([*segment_ids, before.last_segment_id if before else 0]),
        lookalike=None,
        map=map_of(fit, space, segment_ids, grouping, segmentation, alike, before),
    )
    return {
        "fitted_rows": len(points),
        "sample_agreement": agreement,
        "chosen_because": because,
        "choices": choices,
        "steps": steps,
        "profiles": [row | {"segment_name": names[row["segment_id"]]} for row in described],
        "segmenter": segmenter,
    }


def map_of(
    fit: KMeans,
    space: Space,
    segment_ids: list[int],
    rows: pa.Table,
    segmentation: Segmentation,
    alike: pd.DataFrame,
    before: Segmenter | None,
) -> SegmentMap:
    """The map of a fit, lying as the one before, and what its directions mean."""
    sizes = np.bincount(fit.labels_)
    places, share = draw_map(fit.cluster_centers_, sizes)
    if before:
        places = align(places, segment_ids, before.map, before.segment_ids)
    axes, _ = space.locate(rows)
    means = np.array([axes[fit.labels_ == label].mean(axis=0) for label in range(len(sizes))])
    x_meaning, y_meaning = meanings(places, means, sizes, space.axes, segmentation, alike)
    x, y = places.T.tolist()
    return SegmentMap(x, y, x_meaning, y_meaning, share)


def too_alike(different: int, segmentation: Segmentation) -> str:
    """Why customers who differ in nothing that groups them have no segments."""
    return (
        f"Only {different} different customers in the columns that group; at least {segmentation.max} are "
        f"needed for up to {segmentation.max} segments (segments.max). Declare columns in which they differ."
    )


def fingerprint_of(mart: Any, columns: Columns, campaign: Campaign, entity: str, declaration: str) -> str:
    """Hash of all that decides the segments: customers, declaration, way of fitting, library versions."""
    names = [entity, *columns.grouping, *columns.describing]
    names += [campaign.population] if campaign.population else []
    hashed = f"hash(row({', '.join(quote_identifier(name) for name in dict.fromkeys(names))}))"
    content = mart.aggregate(f"count(*), bit_xor({hashed}), sum({hashed})").fetchall()[0]
    parts = [
        repr(content),
        campaign.campaign,
        declaration,
        f"recipe {RECIPE}, scikit-learn {sklearn.__version__}, duckdb {duckdb_version}",
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
