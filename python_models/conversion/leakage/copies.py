"""Customers that are there more than once: near-duplicates and households across folds and splits."""

import numpy as np
import pandas as pd
from scipy.stats import fisher_exact
from sklearn.neighbors import NearestNeighbors

from python_models.conversion.leakage.structure import Outcomes, Values

# Values of more rows than this are a category, not the mark of a customer or household.
MAX_SHARING_ROWS = 10
MIN_SHARING_ROWS = 50
MAX_PROBABILITY = 1e-6
MIN_ODDS_RATIO = 3
# Columns (those with the most values) by which duplicates are found, and converters to compare at most.
MATCHED_COLUMNS = 12
MATCHED_CONVERTERS = 1_000
NEIGHBOURS = 10
# A duplicate is nearer than this share of the distance of the next neighbour.
MAX_DISTANCE_RATIO = 0.2


def shared_by_value(values: Values, outcomes: Outcomes) -> float:
    """Return the share of conversions among other customers with exactly the value of a converter.

    0 unless it is far higher than among customers with the next value: of a feature that only predicts,
    neighbouring values say nearly the same.
    """
    is_shared = (values.size > 1) & (values.size <= MAX_SHARING_ROWS) & ~np.isnan(values.distinct)
    if values.size[is_shared].sum() < MIN_SHARING_ROWS:
        return 0.0
    order = np.argsort(values.code, kind="stable")
    first, second = order[:-1], order[1:]
    is_same = values.code[first] == values.code[second]
    converted = (outcomes.label[first] == 1) & (outcomes.customer[first] != outcomes.customer[second])
    second_label = outcomes.label[second]
    return _share_if_higher(
        second_label[converted & is_same & is_shared[values.code[first]]], second_label[converted & ~is_same]
    )


def shared_by_duplicates(matrix: np.ndarray, outcomes: Outcomes) -> float:
    """Return the share of conversions among near-duplicates of converters.

    0 unless it is far higher than among their next neighbours. Distances are sums of rank differences.
    """
    label, customer = outcomes.label, outcomes.customer
    distinct = [len(np.unique(column)) for column in matrix.T]
    ranks = pd.DataFrame(matrix[:, np.argsort(distinct)[-MATCHED_COLUMNS:]]).rank(pct=True).fillna(-1.0)
    space = ranks.to_numpy()
    converters = np.flatnonzero(label)
    asked = converters[np.unique(np.linspace(0, len(converters) - 1, MATCHED_CONVERTERS).astype(int))]
    search = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(space)), metric="manhattan").fit(space)
    distance, neighbour = search.kneighbors(space[asked])
    distance = np.where(customer[neighbour] == customer[asked][:, None], np.inf, distance)
    nearest = np.argsort(distance, axis=1, kind="stable")[:, :2]
    near, next_near = np.take_along_axis(distance, nearest, axis=1).T
    first, second = np.take_along_axis(neighbour, nearest, axis=1).T
    is_close = np.isfinite(next_near) & (near < MAX_DISTANCE_RATIO * next_near)
    return _share_if_higher(label[first[is_close]], label[second[np.isfinite(next_near)]])


def _share_if_higher(close: np.ndarray, others: np.ndarray) -> float:
    """Return the mean of `close` if its odds are surely and far higher than those of `others`; else 0."""
    table = [[np.sum(group == 1), np.sum(group == 0)] for group in (close, others)]
    odds_ratio, probability = fisher_exact(table, "greater")
    is_higher = probability < MAX_PROBABILITY and odds_ratio > MIN_ODDS_RATIO
    return float(close.mean()) if is_higher else 0.0
