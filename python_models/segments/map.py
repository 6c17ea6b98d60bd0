"""Segments in two dimensions: where their differences show most, and what lies in which direction."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.linalg import orthogonal_procrustes

from python_models.common.campaign import Segmentation
from python_models.segments.names import same_thing, word
from python_models.segments.space import Axis

WORDS_OF_AN_END = 3
# A column tells what a direction means where segments differ along it at least so much as in the first.
LEAST_OF_THE_FIRST = 0.4
THE_REST = "the rest"


@dataclass(frozen=True)
class SegmentMap:
    """Coordinates of segments, in their order, and what lies at the ends of both directions."""

    x: list[float]
    y: list[float]
    x_meaning: str | None
    y_meaning: str | None
    # of the differences between segments, what the map shows
    share: float


def draw_map(centroids: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, float]:
    """The first two principal components of some centroids, weighted by size.

    Parameters
    ----------
    centroids : array
        Segments x coordinates.
    sizes : array
        Members of each.

    Returns
    -------
    tuple
        Segments x 2, around the mean of all members, and the share of the weighted squared distances to that
        mean that they hold. The largest coordinate of a direction is positive.
    """
    weights = sizes / sizes.sum()
    centred = centroids - weights @ centroids
    _, singular, directions = np.linalg.svd(np.sqrt(weights)[:, None] * centred, full_matrices=False)
    places = np.zeros((len(centroids), 2))
    shown = min(2, len(directions))
    places[:, :shown] = centred @ directions[:shown].T
    largest = places[np.abs(places).argmax(axis=0), [0, 1]]
    return places * np.where(largest < 0, -1, 1), float((singular[:2] ** 2).sum() / (singular**2).sum())


def align(
    places: np.ndarray, segment_ids: list[int], before: SegmentMap | None, ids_before: list[int]
) -> np.ndarray:
    """The map turned and mirrored so that segments lie where they lay before (Schönemann 1966).

    One segment alone says nothing of turning.
    """
    shared = [segment_id for segment_id in segment_ids if before and segment_id in ids_before]
    if before is None or len(shared) < 2:
        return places
    old = np.column_stack([before.x, before.y])[[ids_before.index(segment_id) for segment_id in shared]]
    new = places[[segment_ids.index(segment_id) for segment_id in shared]]
    turn, _ = orthogonal_procrustes(new, old)
    return places @ turn


def meanings(
    places: np.ndarray,
    means: np.ndarray,
    sizes: np.ndarray,
    axes: list[Axis],
    segmentation: Segmentation,
    alike: pd.DataFrame,
) -> list[str | None]:
    """What lies at the ends of both directions, `low end → high end`; none where one tells nobody apart.

    Parameters
    ----------
    places : array
        Segments x 2.
    means, sizes : array
        Each segment's mean on each axis of the space (segments x axes), and its members.
    axes : list of Axis
        Columns and categories. Each speaks of the direction along which segments differ more in it.
    segmentation : Segmentation
        The words.
    alike : frame
        What `likeness` returned: of columns that say the same one is told.
    """
    weights = sizes / sizes.sum()
    spreads = np.sqrt(weights @ places**2)
    # the correlation with the direction, times how much segments differ in the column
    pulls = (weights[:, None] * places).T @ (means - weights @ means) / np.maximum(spreads, 1e-12)[:, None]
    direction_of = np.abs(pulls).argmax(axis=0)
    found: list[str | None] = []
    for direction, spread in enumerate(spreads):
        rows = [
            {"feature": axis.column, "top_category": axis.category, "standardised_difference": float(pull)}
            for axis, pull, own in zip(axes, pulls[direction], direction_of, strict=True)
            if own == direction
        ]
        found.append(ends(rows, segmentation, alike) if spread > 1e-9 else None)
    return found


def ends(rows: list[dict[str, Any]], segmentation: Segmentation, alike: pd.DataFrame) -> str:
    """The words of both ends of a direction, from what lies along it."""
    most = max((abs(row["standardised_difference"]) for row in rows), default=0)
    telling = [row for row in rows if abs(row["standardised_difference"]) >= LEAST_OF_THE_FIRST * most]
    # as in names: what somebody has found words for comes first
    telling.sort(
        key=lambda row: (
            not segmentation.all_words.get(row["feature"]),
            -abs(row["standardised_difference"]),
            row["feature"],
        )
    )
    told: list[dict[str, Any]] = []
    for row in telling:
        is_news = not any(same_thing(row["feature"], other["feature"], alike) for other in told)
        if is_news and word(row, segmentation):
            told.append(row)
    sides = []
    for sign in (-1, 1):
        # a category is at one end only: nobody is called "no pensioner"
        here = [
            row | {"standardised_difference": sign * row["standardised_difference"]}
            for row in told
            if row["top_category"] is None or sign * row["standardised_difference"] > 0
        ]
        words = dict.fromkeys(word(row, segmentation) for row in here)
        sides.append(", ".join(list(words)[:WORDS_OF_AN_END]) or THE_REST)
    return " → ".join(sides)
