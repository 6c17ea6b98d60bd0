"""Match new segments with the previous ones, so that ids survive a refit."""

import numpy as np
import pyarrow as pa
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import pairwise_distances_argmin

from python_models.segments.segmenter import Segmenter
from python_models.segments.space import radii

# A segment keeps its id if the Jaccard overlap is at least this ...
MIN_OVERLAP = 0.3
# ... and its customers are at most this many times as far from the old centroid as the old ones.
MAX_RELATIVE_DISTANCE = 3.0


def match_segment_ids(labels: np.ndarray, previous: Segmenter | None, rows: pa.Table) -> list[int]:
    """Return the id of each new segment: that of the previous segment with most customers in common.

    New and previous segments are paired to maximise the total Jaccard overlap on the sample (Kuhn 1955);
    pairs with little overlap or distant customers are dropped. Unpaired segments get new ids, the largest
    first; ids are never reused.
    """
    ids: dict[int, int] = {}
    if previous:
        _, points = previous.space.transform(rows)
        centroids = np.array(previous.centroids)
        old_labels = pairwise_distances_argmin(points, centroids)
        overlap = jaccard(labels, old_labels, len(centroids))
        for new, old in zip(*linear_sum_assignment(-overlap), strict=True):
            both = (labels == new) & (old_labels == old)
            if overlap[new, old] >= MIN_OVERLAP:
                (radius,) = radii(points[both], centroids[[old]], np.zeros(both.sum(), int))
                if radius <= MAX_RELATIVE_DISTANCE * previous.radii[old]:
                    ids[int(new)] = previous.segment_ids[old]
    last = previous.last_segment_id if previous else 0
    for new in np.argsort(-np.bincount(labels), kind="stable"):
        if int(new) not in ids:
            last += 1
            ids[int(new)] = last
    return [ids[new] for new in range(labels.max() + 1)]


def jaccard(labels: np.ndarray, others: np.ndarray, other_count: int) -> np.ndarray:
    """Return the Jaccard index (rows in both / rows in either) of each label with each other label."""
    both = np.zeros((labels.max() + 1, other_count))
    np.add.at(both, (labels, others), 1)
    either = both.sum(axis=1)[:, None] + both.sum(axis=0)[None, :] - both
    index: np.ndarray = both / np.maximum(either, 1)
    return index
