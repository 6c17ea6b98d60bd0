"""From declared columns to the space in which customers are grouped: fitted on a sample, applied in SQL."""

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

# A number more skewed than this is transformed: else one giant customer would be a segment of his own.
LARGEST_SKEW = 1.0
DECILES = np.arange(1, 10) / 10
# In standard deviations: a number further off counts as this far.
FARTHEST = 3.0
# From so many columns on they are reduced to the fewest components that explain this share of variance.
MANY_COLUMNS = 10
EXPLAINED = 0.8
MOST_COMPONENTS = 10
# A rarer category says nothing of a group, and might name somebody.
LEAST_CATEGORY_SHARE = 0.01
LEAST_CATEGORY_ROWS = 10
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Axis:
    """One column, or one category of a text column, as a number with mean 0 in the fitted rows.

    A skewed number is replaced by ln(1 + x) where `is_log`, or by how many of its nine deciles, `cuts`, it
    exceeds. Then missing becomes `median`, and the value (x - mean) / deviation, cut to `FARTHEST`, * weight.
    A category is 1 or 0, a flag has two values; neither is divided by its standard deviation, which would
    make the rarest weigh most.
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
        """The coordinate of a row, as DuckDB's expression."""
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
class Space:
    """Axes, and what turns them into coordinates: loadings (components x axes), or none."""

    axes: list[Axis]
    loadings: list[list[float]] | None

    def on_axes(self, rows: Any, keys: str = "") -> Any:
        """Relation of the rows' values on every axis, `a0` and so on, beside some keys (a select list)."""
        scaled = rows.project(keys + select_aliased("a", (axis.sql for axis in self.axes)))
        # a case takes a quarter of the time of least and greatest
        cut = (
            f"case when a{at} > {most} then {most} when a{at} < -{most} then -{most} else a{at} end"
            for at, most in enumerate(double_literal(FARTHEST * axis.weight) for axis in self.axes)
        )
        kept = [name for name in scaled.columns if name not in column_names("a", len(self.axes))]
        return scaled.project(", ".join([*kept, select_aliased("a", cut)]))

    @property
    def point_sql(self) -> list[str]:
        """The coordinates of a row on the axes `a0` and so on."""
        values = column_names("a", len(self.axes))
        if self.loadings is None:
            return values
        return [weighted_sum(loading, values) for loading in self.loadings]

    def locate(self, rows: pa.Table) -> tuple[np.ndarray, np.ndarray]:
        """Axes (rows x axes) and points (rows x coordinates) of some rows."""
        with duckdb.connect() as connection:
            connection.sql("set threads to 1")
            on_axes = self.on_axes(connection.from_arrow(rows)).to_arrow_table()
        axes = np.column_stack([column.to_numpy() for column in on_axes.columns])
        return axes, axes if self.loadings is None else axes @ np.array(self.loadings).T


def fit_space(
    rows: pa.Table, texts: list[str], segmentation: Segmentation
) -> tuple[Space, np.ndarray, list[dict[str, Any]]]:
    """The space that some rows give, where they lie in it, and what was done to each column.

    Parameters
    ----------
    rows : pyarrow.Table
        One row per customer, the columns that group.
    texts : list of str
        Which of them are text.
    segmentation : Segmentation
        What is declared of weights, skewed numbers and components; without a number of components, as many
        as explain `EXPLAINED` of the variance.
    """
    frame = rows.to_pandas()
    axes, steps = [], []
    for name in frame.columns:
        made, step = (
            text_axes(name, frame[name])
            if name in texts
            else number_axes(name, frame[name], segmentation.skewed)
        )
        weight = segmentation.weights.get(name, 1.0)
        axes += [Axis(column=name, weight=weight, **axis) for axis in made]
        steps.append({"feature": name, "weight": weight} | step)
    space = Space(axes, None)
    if not axes:
        return space, np.zeros((len(frame), 0)), steps
    points, _ = space.locate(rows)
    if len(axes) > MANY_COLUMNS or segmentation.components:
        loadings, step = reduce(points, segmentation.components)
        space = Space(axes, loadings)
        points = points @ np.array(loadings).T
        steps.append({"feature": None, "weight": None} | step)
    return space, points, steps


def number_axes(name: str, column: pd.Series, skewed: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The axis of a number; none where it is the same for everybody."""
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
    axis = {
        "category": None,
        "is_log": action == "logarithm",
        "cuts": cuts,
        "median": float(np.median(known)),
        "mean": float(known.mean()),
        "deviation": float(np.ptp(known) if is_flag else known.std()),
    }
    return [axis], {"action": action, "measured": skew, "detail": detail}


def is_skewed(values: pd.Series) -> bool:
    """A number, not a flag, with an upper tail so long that its mean and deviation say little."""
    return values.nunique() > 2 and float(values.astype(float).skew()) > LARGEST_SKEW


def categories(column: pd.Series) -> pd.Series:
    """A text column, missing being a category."""
    return column.astype("string").fillna(UNKNOWN)


def frequent(column: pd.Series) -> list[str]:
    """The categories of a text column that enough customers share, sorted."""
    counts = categories(column).value_counts()
    least = max(LEAST_CATEGORY_ROWS, LEAST_CATEGORY_SHARE * len(column))
    return sorted(map(str, counts[counts >= least].index))


def text_axes(name: str, column: pd.Series) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """One axis per category that is frequent enough to group by."""
    counts = categories(column).value_counts()
    kept = [category for category in frequent(column) if counts[category] < len(column)]
    axes = [
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
    return axes, {
        "action": "categories" if kept else "left out",
        "measured": float(len(kept)),
        "detail": detail,
    }


def reduce(values: np.ndarray, components: int | None) -> tuple[list[list[float]], dict[str, Any]]:
    """The fewest principal components that explain enough, or as many as were asked for."""
    most = min(*values.shape, MOST_COMPONENTS if components is None else components)
    fitted = PCA(most, svd_solver="covariance_eigh", random_state=SEED).fit(values)
    explained = fitted.explained_variance_ratio_.cumsum()
    count = most if components else min(most, int(np.searchsorted(explained, EXPLAINED)) + 1)
    detail = f"{values.shape[1]} columns to {count}, which hold {explained[count - 1]:.0%} of their variance."
    return fitted.components_[:count].tolist(), {
        "action": "principal components",
        "measured": float(explained[count - 1]),
        "detail": detail,
    }


def radii(points: np.ndarray, centroids: np.ndarray, labels: np.ndarray) -> list[float]:
    """Root mean square distance of the points of each label to its centroid."""
    squares = ((points - centroids[labels]) ** 2).sum(axis=1)
    sums = np.bincount(labels, squares, len(centroids))
    return np.sqrt(sums / np.maximum(np.bincount(labels, minlength=len(centroids)), 1)).tolist()
