"""Fit a campaign's segments: KMeans on a sample, with ids and names kept from the previous fit."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
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
from python_models.common.versions import build_time, newest_fingerprint, retrains
from python_models.segments.assigning import newest_segmenter, read_segmentation
from python_models.segments.choice import RESTARTS, choose_or_join, evaluate_fit, split_half_agreement
from python_models.segments.columns import MIN_ROWS_PER_SEGMENT, Columns, draw_sample, row_count
from python_models.segments.lookalike import add_lookalike
from python_models.segments.map import SegmentMap, align, axis_labels, draw_map
from python_models.segments.matching import match_segment_ids
from python_models.segments.names import name_segments, profiles, rank_correlations
from python_models.segments.segmenter import SEGMENTER_ROW, Segmenter
from python_models.segments.space import FeatureSpace, fit_space, radii

# Part of the fingerprint: raise it when the method changes.
SEGMENTATION_REVISION = 5
# Customers to fit on. The larger sample is used only if fits on halves of the smaller one disagree.
SAMPLE_SIZES = (20_000, 100_000)
MIN_AGREEMENT = 0.98


@dataclass(frozen=True)
class SampleFit:
    """KMeans on a sample, with the number of segments chosen."""

    sample: pa.Table
    space: FeatureSpace
    points: np.ndarray
    kmeans: KMeans
    reason: str
    agreement: float
    choices: list[dict[str, Any]]
    steps: list[dict[str, Any]]


class TooFewDistinctError(Exception):
    """Customers do not differ enough to form segments; holds the steps taken before."""

    def __init__(self, reason: str, steps: list[dict[str, Any]]):
        super().__init__(reason)
        self.steps = steps


def fit_segments(mart: Any, meta: dict[str, Any], existing: Any | None = None) -> pa.Table:
    """Fit a campaign's segments.

    Parameters
    ----------
    mart : DuckDB relation
        One row per customer, with the declared columns. If the declaration names a `population` column,
        segments are fitted on the rows for which it is false.
    meta : dict
        The declaration.
    existing : DuckDB relation, optional
        Segmenter rows of earlier fits, whose ids and names are kept.

    Returns
    -------
    pyarrow.Table
        One segmenter row (`SEGMENTER_ROW`): centroids, measures of every number of segments tried, the step
        applied to each column, and the profile of each segment. Empty if customers and declaration have not
        changed since the last fit.
    """
    campaign, segmentation = read_segmentation(meta)
    columns = Columns.from_mart(mart, campaign, segmentation)
    declaration = json.dumps(asdict(segmentation) | {"population": campaign.population}, sort_keys=True)
    fingerprint = segments_fingerprint(mart, columns, campaign, segmentation.entity, declaration)
    if existing is not None and not retrains(meta) and newest_fingerprint(existing) == fingerprint:
        return SEGMENTER_ROW.empty_table()
    previous = previous_segmenter(existing, mart, declaration)
    declared = {key: getattr(campaign, key) for key in ("title", "question", "source", "source_note")}
    row: dict[str, Any] = {
        "campaign": campaign.campaign,
        "segmenter_version": fingerprint[:12],
        "trained_at": build_time(meta),
        "fingerprint": fingerprint,
        "declaration": json.dumps(declared | {"segments": json.loads(declaration)}),
        "choices": [],
        "steps": [],
        "profiles": [],
    }
    # sums over several threads differ in their last bits
    with threadpool_limits(limits=1):
        row |= fit_row(mart, columns, campaign, segmentation, previous)
    return pa.Table.from_pylist([row], schema=SEGMENTER_ROW)


def fit_row(
    mart: Any, columns: Columns, campaign: Campaign, segmentation: Segmentation, previous: Segmenter | None
) -> dict[str, Any]:
    """Return the fitted part of the segmenter's row, or the reason why nothing was fitted."""
    population = campaign.population
    customers = mart.filter(f"not {quote_identifier(population)}") if population else mart
    counted = {"customer_rows": row_count(customers)}
    min_rows = MIN_ROWS_PER_SEGMENT * segmentation.max
    if counted["customer_rows"] < min_rows:
        reason = (
            f"Only {counted['customer_rows']} customers; at least {min_rows} are needed for up to "
            f"{segmentation.max} segments (segments.max)."
        )
        return counted | {"refused_reason": reason}
    try:
        fit = fit_sample(customers, columns, segmentation)
    except TooFewDistinctError as error:
        return counted | {"refused_reason": str(error), "steps": error.steps}
    segmenter, fitted = describe_fit(fit, columns, segmentation, previous)
    lookalike = add_lookalike(segmenter, mart, columns, segmentation, population) if population else {}
    segmenter = lookalike.pop("segmenter", segmenter)
    return counted | fitted | lookalike | {"model_body": segmenter.to_json()}


def previous_segmenter(existing: Any | None, mart: Any, declaration: str) -> Segmenter | None:
    """Return the segmenter whose ids are kept, or None if there is none or the mart lacks its columns.

    Its names are dropped if the declaration changed, because the declared words may have changed.
    """
    # rows of an older layout: dbt rejects them with a message when the new row is written
    if existing is None or not set(SEGMENTER_ROW.names) <= set(existing.columns):
        return None
    newest = newest_segmenter(existing.filter("model_body is not null"))
    if newest is None:
        return None
    version, body = newest
    segmenter = Segmenter.from_json(body)
    if not segmenter.columns <= set(mart.columns):
        return None
    rows = existing.filter(f"segmenter_version = '{version}'").project("declaration").fetchall()
    if json.loads(rows[0][0])["segments"] != json.loads(declaration):
        return replace(segmenter, names={})
    return segmenter


def fit_sample(customers: Any, columns: Columns, segmentation: Segmentation) -> SampleFit:
    """Fit a sample of the customers, a larger one if the halves of the smaller one disagree."""
    total = row_count(customers)
    texts = [name for name in columns.texts if name in columns.grouping]
    for size in SAMPLE_SIZES:
        sample = draw_sample(customers, columns.grouping + columns.describing, segmentation.entity, size)
        space, points, steps = fit_space(sample.select(columns.grouping), texts, segmentation)
        if (distinct := len(np.unique(points, axis=0))) < segmentation.max:
            raise TooFewDistinctError(too_few_distinct_reason(distinct, segmentation), steps)
        fits = [
            KMeans(count, n_init=RESTARTS, random_state=SEED).fit(points)
            for count in range(segmentation.min, segmentation.max + 1)
        ]
        choices = [evaluate_fit(points, fit) for fit in fits]
        chosen, reason = choose_or_join(points, choices, segmentation)
        agreement = split_half_agreement(points, chosen)
        if agreement >= MIN_AGREEMENT or len(points) >= total:
            break
    steps.append(
        {
            "action": "sample",
            "measured": agreement,
            "detail": f"{len(points):,} of {total:,} customers; segments fitted on either half of them "
            f"agree by an adjusted Rand index of {agreement:.3f}.",
        }
    )
    kmeans = KMeans(1, random_state=SEED).fit(points) if chosen == 1 else fits[chosen - segmentation.min]
    if chosen == 1:
        choices.insert(0, {"segment_count": 1, "inertia": float(kmeans.inertia_), "smallest_share": 1.0})
    for choice in choices:
        choice["is_chosen"] = choice["segment_count"] == chosen
    return SampleFit(sample, space, points, kmeans, reason, agreement, choices, steps)


def describe_fit(
    fit: SampleFit, columns: Columns, segmentation: Segmentation, previous: Segmenter | None
) -> tuple[Segmenter, dict[str, Any]]:
    """Return the segmenter with ids, names and map, and the columns of its row."""
    labels, centroids = fit.kmeans.labels_, fit.kmeans.cluster_centers_
    segment_ids = match_segment_ids(labels, previous, fit.sample.select(columns.grouping))
    frame = fit.sample.to_pandas()
    described = profiles(frame, columns.texts, np.array(segment_ids)[labels])
    kept = {number: previous.names[number] for number in segment_ids if previous and number in previous.names}
    # what a part is like does not name everybody, nor the other way round
    if previous and 1 in (len(segment_ids), len(previous.segment_ids)):
        kept = {}
    correlations = rank_correlations(frame, columns.texts)
    names = name_segments(described, segmentation, correlations, kept)
    segmenter = Segmenter(
        space=fit.space,
        centroids=centroids.tolist(),
        radii=radii(fit.points, centroids, labels),
        segment_ids=segment_ids,
        names=names,
        last_segment_id=max([*segment_ids, previous.last_segment_id if previous else 0]),
        lookalike=None,
        map=build_map(fit, segment_ids, columns, segmentation, correlations, previous),
    )
    return segmenter, {
        "fitted_rows": len(fit.points),
        "sample_agreement": fit.agreement,
        "chosen_because": fit.reason,
        "choices": fit.choices,
        "steps": fit.steps,
        "profiles": [row | {"segment_name": names[row["segment_id"]]} for row in described],
    }


def build_map(
    fit: SampleFit,
    segment_ids: list[int],
    columns: Columns,
    segmentation: Segmentation,
    correlations: pd.DataFrame,
    previous: Segmenter | None,
) -> SegmentMap:
    """Return the labelled map of a fit, aligned with the previous one."""
    labels = fit.kmeans.labels_
    sizes = np.bincount(labels)
    coordinates, share = draw_map(fit.kmeans.cluster_centers_, sizes)
    if previous:
        coordinates = align(coordinates, segment_ids, previous.map, previous.segment_ids)
    values, _ = fit.space.transform(fit.sample.select(columns.grouping))
    means = np.array([values[labels == label].mean(axis=0) for label in range(len(sizes))])
    x_meaning, y_meaning = axis_labels(coordinates, means, sizes, fit.space.axes, segmentation, correlations)
    x, y = coordinates.T.tolist()
    return SegmentMap(x, y, x_meaning, y_meaning, share)


def too_few_distinct_reason(distinct: int, segmentation: Segmentation) -> str:
    """Return why customers without enough distinct values have no segments."""
    return (
        f"Only {distinct} different customers in the columns that group; at least {segmentation.max} are "
        f"needed for up to {segmentation.max} segments (segments.max). Declare columns in which they differ."
    )


def segments_fingerprint(
    mart: Any, columns: Columns, campaign: Campaign, entity: str, declaration: str
) -> str:
    """Hash everything that decides the segments: customers, declaration, method, library versions."""
    names = [entity, *columns.grouping, *columns.describing]
    names += [campaign.population] if campaign.population else []
    hashed = f"hash(row({', '.join(quote_identifier(name) for name in dict.fromkeys(names))}))"
    content = mart.aggregate(f"count(*), bit_xor({hashed}), sum({hashed})").fetchall()[0]
    parts = [
        repr(content),
        campaign.campaign,
        declaration,
        f"recipe {SEGMENTATION_REVISION}, scikit-learn {sklearn.__version__}, duckdb {duckdb_version}",
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
