"""Choice of the directions in which customers are grouped: those that resamples find again best."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.covariance import ledoit_wolf
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score

from python_models.common.campaign import Segmentation
from python_models.common.frames import SEED

# More dimensions than this are reduced ...
MAX_UNREDUCED_DIMENSIONS = 10
# ... to the fewest principal components that explain this share of the variance.
MIN_EXPLAINED_VARIANCE = 0.8
MAX_COMPONENTS = 10
# All of more dimensions than this are not tried: they take long, and each is a sum in SQL.
MAX_TRIED_DIMENSIONS = 60
# The search for directions: pairs of halves, customers in each half, starts of a fit.
SEARCH_PAIRS = 2
SEARCH_ROWS = 1_000
SEARCH_RESTARTS = 3
SEARCH_ROUNDS = 5
# Directions that are less stable than the most stable by at most this may have more segments.
STABILITY_TOLERANCE = 0.03
# Below this stability, directions are not rescaled.
MIN_SCALED_STABILITY = 0.9
# Share of the total variance that is added to that within groups: no direction grows more than threefold.
MIN_WITHIN_VARIANCE = 0.1


@dataclass(frozen=True)
class Projection:
    """Loadings (coordinates x dimensions) of the directions, None for the dimensions themselves."""

    loadings: np.ndarray | None
    is_scaled: bool
    action: str
    detail: str
    measured: float = 0.0

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Return the points (rows x coordinates) of rows of values."""
        return values if self.loadings is None else values @ self.loadings.T

    @property
    def step(self) -> dict[str, Any]:
        """The step of `segment_steps`."""
        return {"action": self.action, "measured": self.measured, "detail": self.detail}


def choose_projection(values: np.ndarray, segmentation: Segmentation) -> Projection | None:
    """Return the directions for a segmentation; None if the dimensions are used as they are.

    Declared components or weights decide. Otherwise the dimensions, their principal components, and both
    rescaled to groups of equal width are compared by `measure_stability` for every number of segments:
    among those within `STABILITY_TOLERANCE` of the most stable, take the most segments, then the most stable,
    then the plainest.
    """
    is_wide = values.shape[1] > MAX_UNREDUCED_DIMENSIONS
    if segmentation.components:
        return principal_components(values, segmentation.components)
    searched = values[: 2 * SEARCH_ROWS]
    distinct = len(np.unique(searched, axis=0))
    if segmentation.weights or values.shape[1] < 2 or distinct < segmentation.max:
        return principal_components(values) if is_wide else None
    # the spread within groups of categories and flags is none, and would make the rarest count most
    has_flags = any(len(np.unique(column)) == 2 for column in searched.T)
    counts = range(segmentation.min, segmentation.max + 1)
    if segmentation.count:
        counts = range(segmentation.count, segmentation.count + 1)
    plain = [all_columns(values)] if values.shape[1] <= MAX_TRIED_DIMENSIONS else []
    plain += [principal_components(values)] if is_wide else []
    compared = [
        (base, is_scaled, count, measure_stability(values, base, is_scaled, count))
        for is_scaled in ([False] if has_flags else [False, True])
        for base in plain
        for count in counts
    ]
    # a scaling that is another one in each half draws gaps where there are none
    compared = [row for row in compared if not row[1] or row[-1] >= MIN_SCALED_STABILITY]
    stable = max(stability for *_, stability in compared) - STABILITY_TOLERANCE
    base, is_scaled, count, stability = max(
        (row for row in compared if row[-1] >= stable), key=lambda row: (row[2], round(row[3], 2))
    )
    found = (
        f"In halves of the sample {count} segments agree by {stability:.2f}, more than in other directions."
    )
    if is_scaled:
        loadings = scale_to_groups(values, base, count)
        detail = f"{base.detail} Each direction divided by the spread within {count} groups. {found}"
        return Projection(loadings, True, "within-group scaling", detail, stability)
    return Projection(base.loadings, False, base.action, f"{base.detail} {found}", stability)


def all_columns(values: np.ndarray) -> Projection:
    """Return the dimensions as they are."""
    return Projection(None, False, "all columns", f"All {values.shape[1]} dimensions.")


def principal_components(values: np.ndarray, components: int | None = None) -> Projection:
    """Return the declared number of principal components, or the fewest that explain enough."""
    limit = min(*values.shape, MAX_COMPONENTS if components is None else components)
    fitted = PCA(limit, svd_solver="covariance_eigh", random_state=SEED).fit(values)
    explained = fitted.explained_variance_ratio_.cumsum()
    enough = int(np.searchsorted(explained, MIN_EXPLAINED_VARIANCE)) + 1
    count = limit if components else min(limit, enough)
    detail = f"{values.shape[1]} columns to {count}, which hold {explained[count - 1]:.0%} of their variance."
    loadings = fitted.components_[:count]
    return Projection(loadings, False, "principal components", detail, float(explained[count - 1]))


def measure_stability(values: np.ndarray, base: Projection, is_scaled: bool, count: int) -> float:
    """Return the mean adjusted Rand index of fits on disjoint halves, on the rows of both.

    Principal components are those of all rows; the scaling is found anew in each half.
    """
    agreements = []
    for rows in search_rows(len(values)):
        halves = np.array_split(values[rows], 2)
        both = values[rows]
        labels = []
        for half in halves:
            loadings = scale_to_groups(half, base, count) if is_scaled else base.loadings
            applied = Projection(loadings, is_scaled, "", "")
            fit = KMeans(count, n_init=SEARCH_RESTARTS, random_state=SEED).fit(applied.apply(half))
            labels.append(fit.predict(applied.apply(both)))
        agreements.append(adjusted_rand_score(*labels))
    return float(np.mean(agreements))


def search_rows(count: int) -> Iterator[np.ndarray]:
    """Yield the rows of each pair of halves."""
    generator = np.random.default_rng(SEED)
    for _ in range(SEARCH_PAIRS):
        yield generator.permutation(count)[: 2 * SEARCH_ROWS]


def scale_to_groups(values: np.ndarray, base: Projection, count: int) -> np.ndarray:
    """Return loadings after which groups are equally wide in all directions.

    KMeans takes groups for spheres. Fit it, divide by the covariance within its groups, and repeat
    (Ding and Li 2007): a direction in which groups are narrow counts more, copies of one column count once.
    The covariance is shrunk (Ledoit and Wolf 2004). Of many dimensions the `count` - 1 in which the groups
    differ are kept.
    """
    points = base.apply(values[: 2 * SEARCH_ROWS])
    fit = KMeans(count, n_init=SEARCH_RESTARTS, random_state=SEED).fit(points)
    total, scaling = np.diag(points.var(axis=0)), np.eye(points.shape[1])
    for _ in range(SEARCH_ROUNDS):
        if len(np.unique(fit.labels_)) < count:
            break
        centroids = np.array([points[fit.labels_ == label].mean(axis=0) for label in range(count)])
        within, _ = ledoit_wolf(points - centroids[fit.labels_], assume_centered=True)
        within = (1 - MIN_WITHIN_VARIANCE) * within + MIN_WITHIN_VARIANCE * total
        variances, directions = np.linalg.eigh(within)
        scaling = directions / np.sqrt(variances) @ directions.T
        again = KMeans(count, init=centroids @ scaling, n_init=1).fit(points @ scaling)
        is_same = adjusted_rand_score(again.labels_, fit.labels_) > 0.999
        fit = again
        if is_same:
            break
    if points.shape[1] > MAX_UNREDUCED_DIMENSIONS:
        sizes = np.bincount(fit.labels_, minlength=count)
        spread = np.sqrt(sizes)[:, None] * fit.cluster_centers_
        _, _, discriminants = np.linalg.svd(spread, full_matrices=False)
        scaling = scaling @ discriminants[: count - 1].T
    loadings: np.ndarray = scaling.T if base.loadings is None else scaling.T @ base.loadings
    return loadings
