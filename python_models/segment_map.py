"""Segments in two dimensions: where their differences show most, and what lies in which direction."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.linalg import orthogonal_procrustes

from python_models.campaign import Segmentation
from python_models.segment_names import same_thing, word
from python_models.segment_space import Axis

WORDS_OF_AN_END = 3
# A column tells what a direction means where segments differ along it at least so much as in the first.
LEAST_OF_THE_FIRST = 0.5
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


def meaning(
    coordinate: np.ndarray,
    means: np.ndarray,
    sizes: np.ndarray,
    axes: list[Axis],
    segmentation: Segmentation,
    alike: pd.DataFrame,
) -> str | None:
    """What lies at either end of a direction, `low end → high end`; none where it tells nobody apart.

    Parameters
    ----------
    coordinate : array
        Of each segment.
    means, sizes : array
        Each segment's mean on each axis of the space (segments x axes), and its members.
    axes : list of Axis
        Columns and categories.
    segmentation : Segmentation
        The words.
    alike : frame
        What `likeness` returned: of columns that say the same one is told.
    """
    weights = sizes / sizes.sum()
    spread = np.sqrt(weights @ coordinate**2)
    if spread < 1e-9:
        return None
    # the correlation with the coordinate, times how much segments differ in the column
    pulls = (weights * coordinate) @ (means - weights @ means) / spread
    rows = [
        {"feature": axis.column, "top_category": axis.category, "standardised_difference": float(pull)}
        for axis, pull in zip(axes, pulls, strict=True)
        if abs(pull) >= LEAST_OF_THE_FIRST * np.abs(pulls).max()
    ]
    # as in names: what somebody has found words for comes first
    rows.sort(
        key=lambda row: (
            not segmentation.all_words.get(row["feature"]),
            -abs(row["standardised_difference"]),
            row["feature"],
        )
    )
    told: list[dict] = []
    for row in rows:
        if word(row, segmentation) and not any(
            same_thing(row["feature"], other["feature"], alike) for other in told
        ):
            told.append(row)
    ends = []
    for sign in (-1, 1):
        # a category is at one end only: nobody is called "no pensioner"
        here = [
            row | {"standardised_difference": sign * row["standardised_difference"]}
            for row in told
            if row["top_category"] is None or sign * row["standardised_difference"] > 0
        ]
        words = dict.fromkeys(word(row, segmentation) for row in here)
        ends.append(", ".join(list(words)[:WORDS_OF_AN_END]) or THE_REST)
    return " → ".join(ends)
