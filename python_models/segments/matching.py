"""Match new segments with the previous ones, so that ids survive a refit."""

import numpy as np
import pyarrow as pa
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import pairwise_distances_argmin

from python_models.segments.segmenter import Segmenter
from python_models.segments.space import radii

# A segment goes on under its id where it shares at least so much with it: both / either (Jaccard).
LEAST_SHARED = 0.3
# ... and where its customers lie at most so many times as far from the old centroid as the old ones did.
FARTHEST = 3.0


def match(labels: np.ndarray, before: Segmenter | None, rows: pa.Table) -> list[int]:
    """The id of each new centroid: that of the segment before with which it shares most customers.

    New and old segments are paired so that the pairs share most of the sample's customers in all (Kuhn
    1955), by Jaccard's index; pairs that share little, or lie far apart, are no pairs. Ids of new segments
    follow the last one that was ever given, by falling size.
    """
    ids: dict[int, int] = {}
    if before:
        _, points = before.space.locate(rows)
        centroids = np.array(before.centroids)
        old_labels = pairwise_distances_argmin(points, centroids)
        shared = jaccard(labels, old_labels, len(centroids))
        for new, old in zip(*linear_sum_assignment(-shared), strict=True):
            both = (labels == new) & (old_labels == old)
            if shared[new, old] >= LEAST_SHARED:
                (radius,) = radii(points[both], centroids[[old]], np.zeros(both.sum(), int))
                if radius <= FARTHEST * before.radii[old]:
                    ids[int(new)] = before.segment_ids[old]
    last = before.last_segment_id if before else 0
    for new in np.argsort(-np.bincount(labels), kind="stable"):
        if int(new) not in ids:
            last += 1
            ids[int(new)] = last
    return [ids[new] for new in range(labels.max() + 1)]


def jaccard(labels: np.ndarray, others: np.ndarray, other_count: int) -> np.ndarray:
    """Rows in both / rows in either, of each label and each of the others."""
    both = np.zeros((labels.max() + 1, other_count))
    np.add.at(both, (labels, others), 1)
    either = both.sum(axis=1)[:, None] + both.sum(axis=0)[None, :] - both
    return both / np.maximum(either, 1)
