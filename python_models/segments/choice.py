"""Choice of the number of segments: silhouette, Davies-Bouldin, stability over resamples."""

from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, davies_bouldin_score, silhouette_score

from python_models.common.frames import SEED

SILHOUETTE_ROWS = 5_000
RESAMPLES = 8
RESTARTS = 10
# To qualify, a segmentation must be stable over resamples and have no smaller segment than this.
MIN_SEGMENT_SHARE = 0.03
MIN_STABILITY = 0.9
# Among the qualified, take the most segments whose silhouette is at least this share of the best one.
MIN_RELATIVE_SILHOUETTE = 0.9


def evaluate_fit(points: np.ndarray, fit: KMeans) -> dict[str, Any]:
    """Return inertia, silhouette, Davies-Bouldin index, stability and smallest share of one fit.

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
    }


def choose(choices: list[dict[str, Any]], count: int | None) -> tuple[int, str]:
    """Return the number of segments and the reason: the declared number, or the most that are reliable.

    Stable segmentations without a tiny segment qualify. Among them, take the most segments with nearly the
    best silhouette: a marketer can merge two groups, but cannot split one. If none qualifies, take the most
    stable.
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
