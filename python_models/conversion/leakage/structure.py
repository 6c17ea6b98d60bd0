"""Traces that the outcome leaves in single columns: purity, order, rates, differences and copies."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import beta, binom

from python_models.common.campaign import AFTER_CONTACT, Campaign
from python_models.common.frames import feature_columns, order_values
from python_models.common.sql import quote_identifier

MIN_PURE_CUSTOMERS = 30
MIN_PURITY = 0.9
# The 95 % limits of a rate (Clopper and Pearson 1934).
TAIL = 0.05
# Columns with more values are read range by range too.
MAX_VALUES = 100
# Of a column of conversion rates: fewest values, and largest rounding error.
MIN_RATES = 5
MAX_ROUNDING = 0.0005
# Share of distinct values from which a column is a key.
MIN_DISTINCT_SHARE = 0.95
# Rows with an unknown outcome from which an empty column is no chance.
MIN_OPEN_ROWS = 100


@dataclass(frozen=True)
class Outcomes:
    """Outcome (0/1) and customer of each row with a known outcome.

    `kept_share` is the share of the non-conversions that was sampled.
    """

    label: np.ndarray
    customer: np.ndarray
    kept_share: float = 1.0

    @cached_property
    def weight(self) -> np.ndarray:
        """Number of rows of the population that each row represents."""
        return np.where(self.label == 1, 1.0, 1 / self.kept_share)

    @cached_property
    def base_rate(self) -> float:
        """Conversion rate of the population."""
        return float(np.average(self.label, weights=self.weight))

    def lower_limit(self, rows: np.ndarray) -> float:
        """Return the lower 95 % limit of the conversion rate of some rows, 0 of less than 30 customers.

        Each customer counts once. Where more than half of all rows convert, the odds are divided by theirs.
        """
        rate = self.label[rows].mean()
        count = len(np.unique(self.customer[rows])) if rate > MIN_PURITY else 0
        if count < MIN_PURE_CUSTOMERS:
            return 0.0
        limit = float(beta.ppf(TAIL, rate * count, (1 - rate) * count + 1))
        odds = self.kept_share * limit / (1 - limit) / max(1.0, self.base_rate / (1 - self.base_rate))
        return odds / (1 + odds)


@dataclass(frozen=True)
class Values:
    """A column's value in each row, its distinct values (missing is one), their codes and frequencies."""

    column: np.ndarray
    is_category: bool
    distinct: np.ndarray
    code: np.ndarray
    size: np.ndarray

    @classmethod
    def of(cls, column: np.ndarray, is_category: bool) -> "Values":
        """Sort the values once for all checks."""
        distinct, code, size = np.unique(column, return_inverse=True, return_counts=True)
        return cls(column, is_category, distinct, code, size)

    @property
    def is_filled(self) -> np.ndarray:
        """Whether each row has a value, which for a number is not zero."""
        return np.asarray(~np.isnan(self.column) & (self.is_category | (self.column != 0)))


def only_converters(values: Values, outcomes: Outcomes) -> float:
    """Return the highest lower limit of the conversion rate among rows with one value or in one range.

    Looks at each value, at missing ones, at all that are filled in, at all that are not zero, and at ranges
    of a number that end abruptly: within a range nearly all convert, and next to it less than half do.
    """
    rate = np.bincount(values.code, outcomes.label) / values.size
    likely = np.flatnonzero((rate > MIN_PURITY) & (values.size >= MIN_PURE_CUSTOMERS))
    groups = [np.flatnonzero(values.code == code) for code in likely]
    groups += [np.flatnonzero(~np.isnan(values.column)), np.flatnonzero(values.is_filled)]
    if not values.is_category and len(values.distinct) > MAX_VALUES:
        groups += _sharp_ranges(values.column, outcomes.label)
    limits = [outcomes.lower_limit(rows) for rows in groups if 0 < len(rows) < len(values.column)]
    return max(limits, default=0.0)


def _sharp_ranges(column: np.ndarray, label: np.ndarray) -> list[np.ndarray]:
    """Return ranges of a number in which nearly all convert, next to a range in which less than half do.

    A smooth effect, however strong, has no such edge: between two ranges of a few per cent of the rows its
    rate does not fall from nine tenths to a half.
    """
    order = np.argsort(column, kind="stable")[: np.count_nonzero(~np.isnan(column))]
    ranges = []
    for size in {MIN_PURE_CUSTOMERS, max(MIN_PURE_CUSTOMERS, int(label.sum()) // 5)}:
        windows = order[: len(order) // size * size].reshape(-1, size)
        rate = label[windows].mean(axis=1)
        ranges += [
            windows[window]
            for window in np.flatnonzero(rate > MIN_PURITY).tolist()
            if rate[max(0, window - 2) : window + 3].min() < 0.5
        ]
    return ranges


def never_without(values: Values, outcomes: Outcomes) -> float:
    """Return the number of conversions expected of the rows with one value, where there is none.

    Expected is the rate of all rows. 0 where every value has a conversion.
    """
    rows = np.bincount(values.code, outcomes.weight)[np.bincount(values.code, outcomes.label) == 0]
    return float(outcomes.base_rate * rows.max(initial=0.0))


def rate_of_the_outcome(values: Values, outcomes: Outcomes) -> float:
    """Return minus log10 of the probability that each value is, by chance, the conversion rate of its rows.

    0 if one is not, but for rounding. A rate that was known before differs by chance from that of its rows;
    one that was computed from their outcomes does not. Rates may be shares or percentages.
    """
    known = ~np.isnan(values.distinct)
    rate, size = values.distinct[known], values.size[known]
    if not MIN_RATES <= len(rate) <= size.sum() / 2 or rate[0] < 0 or rate[-1] > 100:
        return 0.0
    rate = rate / (1 if rate[-1] <= 1 else 100)
    gap = 0.5 + MAX_ROUNDING * size
    converted = np.bincount(values.code, outcomes.label)[known]
    if (np.abs(converted - rate * size) > gap).any():
        return 0.0
    upper, lower = np.floor(rate * size + gap), np.ceil(rate * size - gap) - 1
    chance = binom.cdf(upper, size, rate) - binom.cdf(lower, size, rate)
    return float(-np.log10(np.maximum(chance, np.finfo(float).tiny)).sum())


def empty_features(features: Any, campaign: Campaign) -> set[str]:
    """Return the features that are null or zero in all rows of a mart whose outcome is not known yet.

    None with less than `MIN_OPEN_ROWS` such rows.
    """
    names, texts = feature_columns(features, campaign)
    columns = {name: quote_identifier(name) for name in names}
    filled = [
        f"count({column})" if name in texts else f"count(nullif(cast({column} as double), 0))"
        for name, column in columns.items()
    ]
    open_rows = features.filter(f"{quote_identifier(str(campaign.label))} is null")
    count, *counts = open_rows.aggregate(", ".join(["count(*)", *filled])).fetchone()
    return {name for name, number in zip(names, counts, strict=True) if not number and count >= MIN_OPEN_ROWS}


def key_or_order(values: Values, orders: list[np.ndarray]) -> float:
    """Return how surely a feature is a key or a row number.

    Almost unique text is a key: 1. Whole numbers without large gaps that rise or fall with the rows are their
    numbers: the rank correlation. Any other feature may have a reason to change with the rows, such as
    tenure with the order of signing up: 0.
    """
    known, filled = values.distinct[~np.isnan(values.distinct)], np.count_nonzero(~np.isnan(values.column))
    if len(known) < MIN_DISTINCT_SHARE * filled or filled < len(values.column) / 2:
        return 0.0
    if values.is_category:
        return 1.0
    if not _is_numbering(known):
        return 0.0
    ranked = pd.Series(values.column)
    # correlation with a non-numeric order is NaN
    correlations = [abs(ranked.corr(pd.Series(order), method="spearman")) for order in orders]
    return float(np.nan_to_num(correlations).max())


def _is_numbering(distinct: np.ndarray) -> bool:
    """Return whether sorted values are whole numbers, at least half of those between the ends.

    >>> _is_numbering(np.array([10.0, 20.0, 40.0])), _is_numbering(np.array([10.0, 11.5, 40.0]))
    (True, False)
    """
    if len(distinct) < 2 or (distinct % 1).any():
        return False
    step = np.gcd.reduce(np.diff(distinct).astype(np.int64))
    return bool(np.ptp(distinct) / step < 2 * len(distinct))


def known_after(campaign: Campaign, frame: pd.DataFrame, feature: str) -> float:
    """Return the share of rows in which a feature became known after the date of the features."""
    known_at = campaign.known_at.get(feature)
    if known_at is None:
        return 0.0
    if known_at == AFTER_CONTACT:
        return 1.0
    return float((pd.to_datetime(frame[known_at]) > pd.to_datetime(frame[campaign.as_of])).mean())


def row_orders(campaign: Campaign, rows: pd.DataFrame) -> list[np.ndarray]:
    """Return the orders of the rows: by key, by declared time, and as they are."""
    named = [order_values(rows[name]) for name in (campaign.entity, campaign.order_by) if name]
    return [*named, np.arange(len(rows), dtype=float)]
