"""Choice of the number of segments: gaps between them, stability over resamples, silhouette; or one group."""

from itertools import combinations
from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, davies_bouldin_score, silhouette_score

from python_models.common.campaign import Segmentation
from python_models.common.frames import SEED

SILHOUETTE_ROWS = 5_000
RESAMPLES = 8
RESTARTS = 10
# To qualify, a segmentation must be stable over resamples and have no smaller segment than this.
MIN_SEGMENT_SHARE = 0.03
MIN_STABILITY = 0.9
# All segments are apart if no pair overlaps more than this; one group cut in two overlaps by 1 or more.
MAX_OVERLAP = 0.7
# Otherwise, of the qualified, take the most segments whose silhouette is at least this share of the best.
MIN_RELATIVE_SILHOUETTE = 0.9
# Customers without gaps form several groups if their segments are more compact than those of an evenly filled
# box, by this in log variance and by this many standard deviations over the boxes.
BOXES = 5
BOX_ROWS = 2_000
BOX_RESTARTS = 3
MIN_COMPACTNESS = 0.05
MIN_BOX_DEVIATIONS = 3
ONE_GROUP = (
    "One group: with any number of segments there is no gap between them, and they are no more compact than "
    "those of an evenly filled box. To cut it anyway, declare segments.count."
)


def evaluate_fit(points: np.ndarray, fit: KMeans) -> dict[str, Any]:
    """Return inertia, silhouette, Davies-Bouldin index, stability, smallest share, overlap of one fit.

    Stability is the mean adjusted Rand index between this fit and fits on bootstrap resamples, compared on
    all rows of the sample (Ben-Hur, Elisseeff, Guyon 2002).
    """
    generator = np.random.default_rng(SEED)
    agreements = []
    for _ in range(RESAMPLES):
        rows = generator.integers(0, len(points), min(len(points), SILHOUETTE_ROWS))
        again = KMeans(fit.n_clusters, n_init=RESTARTS, random_state=SEED).fit(points[rows])
        agreements.append(adjusted_rand_score(fit.labels_, again.predict(points)))
    # rows are ordered by a hash, so the first ones are a random sample
    sample, labels = points[:SILHOUETTE_ROWS], fit.labels_[:SILHOUETTE_ROWS]
    return {
        "segment_count": fit.n_clusters,
        "inertia": float(fit.inertia_),
        "silhouette": float(silhouette_score(sample, labels)),
        "davies_bouldin": float(davies_bouldin_score(points, fit.labels_)),
        "stability": float(np.mean(agreements)),
        "smallest_share": float(np.bincount(fit.labels_).min() / len(points)),
        "overlap": largest_overlap(points, fit.labels_),
    }


def largest_overlap(points: np.ndarray, labels: np.ndarray) -> float:
    """Return the overlap of the two segments that are least apart.

    Variance within both along the line between their centroids, relative to all variance along it, divided by
    the same of an evenly filled line cut in the shares p and 1 - p of both: p^3 + (1 - p)^3. Of all
    distributions without a gap an evenly filled one is cut best.
    """
    members = [points[labels == label] for label in range(labels.max() + 1)]
    overlaps = []
    for one, other in combinations(members, 2):
        line = one.mean(axis=0) - other.mean(axis=0)
        parts = (one @ line, other @ line)
        share = len(one) / (len(one) + len(other))
        within = share * parts[0].var() + (1 - share) * parts[1].var()
        overlaps.append(within / np.concatenate(parts).var() / (share**3 + (1 - share) ** 3))
    return float(max(overlaps))


def has_groups(points: np.ndarray, most: int) -> bool:
    """Return whether some number of segments is apart, or more compact than segments of an even box.

    The gap statistic (Tibshirani, Walther and Hastie 2001) with variance within segments as a share of all,
    against boxes along the principal components with the variances of the points.
    """
    sample = points[:BOX_ROWS]
    centred = sample - sample.mean(axis=0)
    _, singular, directions = np.linalg.svd(centred, full_matrices=False)
    half_widths = np.sqrt(3 / len(sample)) * singular
    generator = np.random.default_rng(SEED)
    boxes = [
        generator.uniform(-1, 1, (len(sample), len(singular))) * half_widths @ directions
        for _ in range(BOXES)
    ]
    for count in range(2, most + 1):
        fit = KMeans(count, n_init=BOX_RESTARTS, random_state=SEED).fit(centred)
        if largest_overlap(centred, fit.labels_) <= MAX_OVERLAP:
            return True
        references = np.array([log_within_share(box, count) for box in boxes])
        compactness = references.mean() - np.log(max(fit.inertia_ / (centred**2).sum(), 1e-12))
        if compactness > max(MIN_COMPACTNESS, MIN_BOX_DEVIATIONS * references.std(ddof=1)):
            return True
    return False


def log_within_share(points: np.ndarray, count: int) -> float:
    """Return the logarithm of the variance within segments as a share of all."""
    fit = KMeans(count, n_init=BOX_RESTARTS, random_state=SEED).fit(points)
    return float(np.log(fit.inertia_ / ((points - points.mean(axis=0)) ** 2).sum()))


def choose_or_join(
    points: np.ndarray, choices: list[dict[str, Any]], segmentation: Segmentation
) -> tuple[int, str]:
    """Return the number of segments, 1 if the customers form one group, and the reason."""
    chosen, reason = choose(choices, segmentation.count)
    is_apart = any(choice["overlap"] <= MAX_OVERLAP for choice in choices)
    if is_apart or has_groups(points, segmentation.max):
        return chosen, reason
    if segmentation.count is not None:
        return (
            chosen,
            f"{reason} The customers form one group: take the segments for a map, not for types of people.",
        )
    return 1, ONE_GROUP


def choose(choices: list[dict[str, Any]], count: int | None) -> tuple[int, str]:
    """Return the number of segments and the reason: the declared number, or the most that are reliable.

    Stable segmentations without a tiny segment qualify. Among them, take the best silhouette of those with a
    gap between all segments. If there are none, take the most segments with nearly the best silhouette: a
    marketer can merge two groups, but cannot split one. If none qualifies, take the most stable.
    """
    if count is not None:
        return count, f"The declaration asks for {count} segments."
    qualified = [
        choice
        for choice in choices
        if choice["stability"] >= MIN_STABILITY and choice["smallest_share"] >= MIN_SEGMENT_SHARE
    ]
    if not qualified:
        chosen = max(choices, key=lambda choice: choice["stability"])["segment_count"]
        return chosen, (
            f"No number of segments has a stability of {MIN_STABILITY} and no segment under "
            f"{MIN_SEGMENT_SHARE:.0%}: the most stable. The customers form no clear groups; take the "
            "segments for a map, not for types of people."
        )
    apart = [choice for choice in qualified if choice["overlap"] <= MAX_OVERLAP]
    if apart:
        return max(apart, key=lambda choice: choice["silhouette"])["segment_count"], (
            f"Resamples find the segments again (stability at least {MIN_STABILITY}), none is under "
            f"{MIN_SEGMENT_SHARE:.0%}, and there is a gap between all (overlap at most {MAX_OVERLAP}): "
            "of such numbers the one with the best silhouette."
        )
    best = max(choice["silhouette"] for choice in qualified)
    enough = [choice for choice in qualified if choice["silhouette"] >= MIN_RELATIVE_SILHOUETTE * best]
    chosen = max(choice["segment_count"] for choice in enough)
    return chosen, (
        f"The most segments that resamples find again (stability at least {MIN_STABILITY}), none under "
        f"{MIN_SEGMENT_SHARE:.0%}, with a silhouette of at least {MIN_RELATIVE_SILHOUETTE:.0%} of the best "
        "of these."
    )


def split_half_agreement(points: np.ndarray, count: int) -> float:
    """Return the adjusted Rand index, on all rows, of two fits on every other row."""
    first, second = (
        KMeans(count, n_init=RESTARTS, random_state=SEED).fit(points[start::2]).predict(points)
        for start in (0, 1)
    )
    return float(adjusted_rand_score(first, second))
