"""Choice of the number of segments: silhouette, Davies-Bouldin, stability over resamples."""

from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, davies_bouldin_score, silhouette_score

from python_models.common.frames import SEED

SILHOUETTE_ROWS = 5_000
RESAMPLES = 8
RESTARTS = 10
# A segmentation qualifies with segments of at least this share that resamples find again.
SMALLEST_SHARE = 0.03
LEAST_STABILITY = 0.9
# Of those that qualify, the most segments whose silhouette is at least this share of the best one's.
NEARLY_THE_BEST = 0.9


def measure(points: np.ndarray, fit: KMeans) -> dict[str, Any]:
    """Inertia, silhouette, Davies-Bouldin, stability and smallest share of one fit.

    Stability is the mean adjusted Rand index between this fit and fits on bootstrap resamples, compared on
    all rows of the sample (Ben-Hur, Elisseeff, Guyon 2002).
    """
    generator = np.random.default_rng(SEED)
    agreements = []
    for _ in range(RESAMPLES):
        rows = generator.integers(0, len(points), min(len(points), SILHOUETTE_ROWS))
        again = KMeans(fit.n_clusters, n_init=RESTARTS, random_state=SEED).fit(points[rows])
        agreements.append(adjusted_rand_score(fit.labels_, again.predict(points)))
    # the rows are in the order of a hash: the first are a sample
    some, labels = points[:SILHOUETTE_ROWS], fit.labels_[:SILHOUETTE_ROWS]
    return {
        "segment_count": fit.n_clusters,
        "inertia": float(fit.inertia_),
        "silhouette": float(silhouette_score(some, labels)),
        "davies_bouldin": float(davies_bouldin_score(points, fit.labels_)),
        "stability": float(np.mean(agreements)),
        "smallest_share": float(np.bincount(fit.labels_).min() / len(points)),
    }


def choose(choices: list[dict[str, Any]], count: int | None) -> tuple[int, str]:
    """How many segments, and why: a person's number, else the most that can be relied on.

    Those qualify that resamples find again and that have no tiny segment. Of them the most segments whose
    silhouette is nearly the best: a marketer can merge two groups, but not tell one apart. Where none
    qualifies, the most stable.
    """
    if count is not None:
        return count, f"The declaration asks for {count} segments."
    qualified = [
        choice
        for choice in choices
        if choice["stability"] >= LEAST_STABILITY and choice["smallest_share"] >= SMALLEST_SHARE
    ]
    if not qualified:
        chosen = max(choices, key=lambda choice: choice["stability"])["segment_count"]
        return chosen, (
            f"No number of segments has a stability of {LEAST_STABILITY} and no segment under "
            f"{SMALLEST_SHARE:.0%}: the most stable. The customers form no clear groups; take the segments "
            "for a map, not for types of people."
        )
    best = max(choice["silhouette"] for choice in qualified)
    enough = [choice for choice in qualified if choice["silhouette"] >= NEARLY_THE_BEST * best]
    chosen = max(choice["segment_count"] for choice in enough)
    return chosen, (
        f"The most segments that resamples find again (stability at least {LEAST_STABILITY}), none under "
        f"{SMALLEST_SHARE:.0%}, with a silhouette of at least {NEARLY_THE_BEST:.0%} of the best of these."
    )


def halves_agree(points: np.ndarray, count: int) -> float:
    """Adjusted Rand index, on all rows, of fits on every other row."""
    one, other = (
        KMeans(count, n_init=RESTARTS, random_state=SEED).fit(points[start::2]).predict(points)
        for start in (0, 1)
    )
    return float(adjusted_rand_score(one, other))
