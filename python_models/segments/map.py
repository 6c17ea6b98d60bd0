"""Map of the segments: two principal components, and labels for the ends of both axes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.linalg import orthogonal_procrustes

from python_models.common.campaign import Segmentation
from python_models.segments.names import is_redundant, phrase_for
from python_models.segments.space import Dimension

MAX_PHRASES_PER_END = 3
# Label an axis with features whose spread is at least 40 % of the strongest one's.
MIN_RELATIVE_SPREAD = 0.4
THE_REST = "the rest"


@dataclass(frozen=True)
class SegmentMap:
    """Coordinates of the segments, in their order, and the labels of both axes."""

    x: list[float]
    y: list[float]
    x_meaning: str | None
    y_meaning: str | None
    # share of the variance between segments that the map shows
    share: float


def draw_map(centroids: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, float]:
    """Project centroids on their first two principal components, weighted by size.

    Parameters
    ----------
    centroids : array
        Segments x coordinates.
    sizes : array
        Number of members of each.

    Returns
    -------
    tuple
        Coordinates (segments x 2) around the mean of all members, and the share of the weighted squared
        distances to that mean that they explain. The largest coordinate on each axis is positive.
    """
    weights = sizes / sizes.sum()
    centred = centroids - weights @ centroids
    _, singular, directions = np.linalg.svd(np.sqrt(weights)[:, None] * centred, full_matrices=False)
    coordinates = np.zeros((len(centroids), 2))
    shown = min(2, len(directions))
    coordinates[:, :shown] = centred @ directions[:shown].T
    largest = coordinates[np.abs(coordinates).argmax(axis=0), [0, 1]]
    differences = float((singular**2).sum())
    # one segment differs from no other
    share = float((singular[:2] ** 2).sum()) / differences if differences > 0 else 1.0
    return coordinates * np.where(largest < 0, -1, 1), share


def align(
    coordinates: np.ndarray, segment_ids: list[int], previous: SegmentMap | None, previous_ids: list[int]
) -> np.ndarray:
    """Rotate and mirror the map to match the previous one (Schönemann 1966).

    At least two segments in common are needed.
    """
    shared = [segment_id for segment_id in segment_ids if previous and segment_id in previous_ids]
    if previous is None or len(shared) < 2:
        return coordinates
    old = np.column_stack([previous.x, previous.y])[[previous_ids.index(segment_id) for segment_id in shared]]
    new = coordinates[[segment_ids.index(segment_id) for segment_id in shared]]
    rotation, _ = orthogonal_procrustes(new, old)
    aligned: np.ndarray = coordinates @ rotation
    return aligned


def axis_labels(
    coordinates: np.ndarray,
    means: np.ndarray,
    sizes: np.ndarray,
    dimensions: list[Dimension],
    segmentation: Segmentation,
    correlations: pd.DataFrame,
) -> list[str | None]:
    """Return the labels of both axes, `low end → high end`, or None for an axis without differences.

    Parameters
    ----------
    coordinates : array
        Segments x 2.
    means, sizes : array
        Each segment's mean in each dimension of the space (segments x dimensions), and its size.
    dimensions : list of Dimension
        Columns and categories. Each one labels the axis along which segments differ more in it.
    segmentation : Segmentation
        Declared words.
    correlations : frame
        `rank_correlations` of the columns: only one of several redundant columns is used.
    """
    weights = sizes / sizes.sum()
    spreads = np.sqrt(weights @ coordinates**2)
    # correlation with the axis times the spread of the segments in the column
    covariances = (weights[:, None] * coordinates).T @ (means - weights @ means)
    pulls = covariances / np.maximum(spreads, 1e-12)[:, None]
    own_axis = np.abs(pulls).argmax(axis=0)
    labels: list[str | None] = []
    for axis, spread in enumerate(spreads):
        rows = [
            {
                "feature": dimension.column,
                "top_category": dimension.category,
                "standardised_difference": float(pull),
            }
            for dimension, pull, own in zip(dimensions, pulls[axis], own_axis, strict=True)
            if own == axis
        ]
        labels.append(label_axis(rows, segmentation, correlations) if spread > 1e-9 else None)
    return labels


def label_axis(rows: list[dict[str, Any]], segmentation: Segmentation, correlations: pd.DataFrame) -> str:
    """Return the label of an axis from the features that vary along it."""
    largest = max((abs(row["standardised_difference"]) for row in rows), default=0)
    strong = [row for row in rows if abs(row["standardised_difference"]) >= MIN_RELATIVE_SPREAD * largest]
    # as in names: columns with declared words first
    strong.sort(
        key=lambda row: (
            not segmentation.all_words.get(row["feature"]),
            -abs(row["standardised_difference"]),
            row["feature"],
        )
    )
    selected: list[dict[str, Any]] = []
    for row in strong:
        is_new = not any(is_redundant(row["feature"], other["feature"], correlations) for other in selected)
        if is_new and phrase_for(row, segmentation):
            selected.append(row)
    ends = []
    for sign in (-1, 1):
        # a category labels one end only: there is no "no pensioner"
        at_end = [
            row | {"standardised_difference": sign * row["standardised_difference"]}
            for row in selected
            if row["top_category"] is None or sign * row["standardised_difference"] > 0
        ]
        phrases = dict.fromkeys(phrase_for(row, segmentation) for row in at_end)
        ends.append(", ".join(list(phrases)[:MAX_PHRASES_PER_END]) or THE_REST)
    return " → ".join(ends)
