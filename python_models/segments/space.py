"""Feature space of a segmentation: fitted on a sample, applied in SQL."""

from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.decomposition import PCA

from python_models.common.campaign import Segmentation
from python_models.common.frames import SEED
from python_models.common.sql import (
    column_names,
    double_literal,
    quote_identifier,
    select_aliased,
    weighted_sum,
)

# More skewed numbers are transformed; otherwise one very large customer forms its own segment.
MAX_SKEW = 1.0
DECILES = np.arange(1, 10) / 10
# In standard deviations: values further from the mean are clipped to this.
MAX_DEVIATIONS = 3.0
# More dimensions than this are reduced to the fewest components that explain this share of the variance.
MAX_UNREDUCED_DIMENSIONS = 10
MIN_EXPLAINED_VARIANCE = 0.8
MAX_COMPONENTS = 10
# Rarer categories do not describe a group and could identify a person.
MIN_CATEGORY_SHARE = 0.01
MIN_CATEGORY_ROWS = 10
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Dimension:
    """One column, or one category of a text column, as a number with mean 0 in the fitted rows.

    A skewed number becomes ln(1 + x) if `is_log`, or the number of its nine deciles, `cuts`, below it.
    Missing values then become `median`, and the result is (x - mean) / deviation, clipped to
    `MAX_DEVIATIONS`, times `weight`. A category is 1 or 0 and a flag has two values. Neither is divided by
    its standard deviation: the rarest would weigh most.
    """

    column: str
    category: str | None
    is_log: bool
    cuts: list[float] | None
    median: float
    mean: float
    deviation: float
    weight: float

    @property
    def sql(self) -> str:
        """The coordinate of a row as a DuckDB expression."""
        name = quote_identifier(self.column)
        if self.category is not None:
            category = self.category.replace("'", "''")
            value = f"cast(coalesce(cast({name} as varchar), '{UNKNOWN}') = '{category}' as double)"
        elif self.cuts is not None:
            score = " + ".join(
                f"cast(cast({name} as double) > {double_literal(cut)} as double)" for cut in self.cuts
            )
            value = f"coalesce({score}, {double_literal(self.median)})"
        elif self.is_log:
            value = f"coalesce(ln(1 + greatest(cast({name} as double), 0)), {double_literal(self.median)})"
        else:
            value = f"coalesce(cast({name} as double), {double_literal(self.median)})"
        return f"({value} - {double_literal(self.mean)}) * {double_literal(self.weight / self.deviation)}"


@dataclass(frozen=True)
class FeatureSpace:
    """Dimensions, and the loadings (components x dimensions) that reduce them to coordinates, if any."""

    # the name is a key of stored model bodies
    axes: list[Dimension]
    loadings: list[list[float]] | None

    def to_sql(self, rows: Any, keys: str = "") -> Any:
        """Return a relation of `keys` (a select list) and the rows' values per dimension, `a0` onwards."""
        scaled = rows.project(keys + select_aliased("a", (axis.sql for axis in self.axes)))
        # a case takes a quarter of the time of least and greatest
        clipped = (
            f"case when a{index} > {limit} then {limit} when a{index} < -{limit} then -{limit} "
            f"else a{index} end"
            for index, limit in enumerate(double_literal(MAX_DEVIATIONS * axis.weight) for axis in self.axes)
        )
        kept = [name for name in scaled.columns if name not in column_names("a", len(self.axes))]
        return scaled.project(", ".join([*kept, select_aliased("a", clipped)]))

    @property
    def point_sql(self) -> list[str]:
        """The coordinates of a row, from its values `a0` onwards."""
        values = column_names("a", len(self.axes))
        if self.loadings is None:
            return values
        return [weighted_sum(loading, values) for loading in self.loadings]

    def transform(self, rows: pa.Table) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows' values (rows x dimensions) and points (rows x coordinates)."""
        with duckdb.connect() as connection:
            connection.sql("set threads to 1")
            table = self.to_sql(connection.from_arrow(rows)).to_arrow_table()
        values = np.column_stack([column.to_numpy() for column in table.columns])
        return values, values if self.loadings is None else values @ np.array(self.loadings).T


def fit_space(
    rows: pa.Table, texts: list[str], segmentation: Segmentation
) -> tuple[FeatureSpace, np.ndarray, list[dict[str, Any]]]:
    """Fit the space to the rows; return it, the rows' points, and the step applied to each column.

    Parameters
    ----------
    rows : pyarrow.Table
        One row per customer, with the grouping columns.
    texts : list of str
        The text columns among them.
    segmentation : Segmentation
        Weights, treatment of skewed numbers, and number of components. If none is declared, the fewest that
        explain `MIN_EXPLAINED_VARIANCE` are used.
    """
    frame = rows.to_pandas()
    axes, steps = [], []
    for name in frame.columns:
        made, step = (
            text_dimensions(frame[name])
            if name in texts
            else number_dimensions(frame[name], segmentation.skewed)
        )
        weight = segmentation.weights.get(name, 1.0)
        axes += [Dimension(column=name, weight=weight, **axis) for axis in made]
        steps.append({"feature": name, "weight": weight} | step)
    space = FeatureSpace(axes, None)
    if not axes:
        return space, np.zeros((len(frame), 0)), steps
    points, _ = space.transform(rows)
    if len(axes) > MAX_UNREDUCED_DIMENSIONS or segmentation.components:
        loadings, step = fit_components(points, segmentation.components)
        space = FeatureSpace(axes, loadings)
        points = points @ np.array(loadings).T
        steps.append({"feature": None, "weight": None} | step)
    return space, points, steps


def number_dimensions(column: pd.Series, skewed: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the dimension of a number column, none if it is constant, and the step taken."""
    values = column.astype("Float64").to_numpy(np.float64, na_value=np.nan)
    known = values[~np.isnan(values)]
    if len(known) == 0 or known.min() == known.max():
        return [], {"action": "left out", "measured": 0.0, "detail": "The same for everybody."}
    skew, is_flag = float(pd.Series(known).skew()), len(np.unique(known)) == 2
    action, detail, cuts = "standardised", "Mean 0, standard deviation 1.", None
    if is_flag:
        action, detail = "flag", "Two values, 1 apart."
    elif is_skewed(pd.Series(known)) and skewed == "logarithm" and known.min() >= 0:
        action, detail = "logarithm", "Skewed: replaced by ln(1 + x), then standardised."
        known = np.log1p(known)
    elif is_skewed(pd.Series(known)):
        action, detail = "decile", "Skewed: replaced by its decile, then standardised."
        cuts = np.quantile(known, DECILES).tolist()
        known = np.searchsorted(cuts, known, side="left").astype(float)
    dimension = {
        "category": None,
        "is_log": action == "logarithm",
        "cuts": cuts,
        "median": float(np.median(known)),
        "mean": float(known.mean()),
        "deviation": float(np.ptp(known) if is_flag else known.std()),
    }
    return [dimension], {"action": action, "measured": skew, "detail": detail}


def is_skewed(values: pd.Series) -> bool:
    """Return whether a number other than a flag has a long upper tail."""
    return values.nunique() > 2 and float(values.astype(float).skew()) > MAX_SKEW


def categories(column: pd.Series) -> pd.Series:
    """Return a text column with missing values as a category."""
    return column.astype("string").fillna(UNKNOWN)


def frequent(column: pd.Series) -> list[str]:
    """Return the sufficiently frequent categories of a text column, sorted."""
    counts = categories(column).value_counts()
    min_rows = max(MIN_CATEGORY_ROWS, MIN_CATEGORY_SHARE * len(column))
    return sorted(map(str, counts[counts >= min_rows].index))


def text_dimensions(column: pd.Series) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return one dimension per frequent category, and the step taken."""
    counts = categories(column).value_counts()
    kept = [category for category in frequent(column) if counts[category] < len(column)]
    dimensions = [
        {
            "category": category,
            "is_log": False,
            "cuts": None,
            "median": 0.0,
            "mean": float(counts[category] / len(column)),
            "deviation": 1.0,
        }
        for category in kept
    ]
    detail = f"{len(kept)} of {len(counts)} categories, each 1 or 0."
    return dimensions, {
        "action": "categories" if kept else "left out",
        "measured": float(len(kept)),
        "detail": detail,
    }


def fit_components(values: np.ndarray, components: int | None) -> tuple[list[list[float]], dict[str, Any]]:
    """Return the declared number of principal components, or the fewest that explain enough."""
    limit = min(*values.shape, MAX_COMPONENTS if components is None else components)
    fitted = PCA(limit, svd_solver="covariance_eigh", random_state=SEED).fit(values)
    explained = fitted.explained_variance_ratio_.cumsum()
    enough = int(np.searchsorted(explained, MIN_EXPLAINED_VARIANCE)) + 1
    count = limit if components else min(limit, enough)
    detail = f"{values.shape[1]} columns to {count}, which hold {explained[count - 1]:.0%} of their variance."
    return fitted.components_[:count].tolist(), {
        "action": "principal components",
        "measured": float(explained[count - 1]),
        "detail": detail,
    }


def radii(points: np.ndarray, centroids: np.ndarray, labels: np.ndarray) -> list[float]:
    """Return the root mean square distance of each label's points to its centroid."""
    squares = ((points - centroids[labels]) ** 2).sum(axis=1)
    sums = np.bincount(labels, squares, len(centroids))
    counts = np.maximum(np.bincount(labels, minlength=len(centroids)), 1)
    return [float(radius) for radius in np.sqrt(sums / counts)]
