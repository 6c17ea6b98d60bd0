"""From declared columns to the space in which customers are grouped: fitted on a sample, applied in SQL."""

from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.decomposition import PCA

from python_models.campaign import Segmentation
from python_models.frames import SEED, quoted

# A number more skewed than this is transformed: else one giant customer would be a segment of his own.
LARGEST_SKEW = 1.0
DECILES = np.arange(1, 10) / 10
# From so many columns on they are reduced to the fewest components that explain this share of variance.
MANY_COLUMNS = 10
EXPLAINED = 0.6
MOST_COMPONENTS = 10
# A rarer category says nothing of a group.
LEAST_CATEGORY_SHARE = 0.01
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Axis:
    """One column, or one category of a text column, as a number with mean 0 in the fitted rows.

    A skewed number is replaced by ln(1 + x) where `is_log`, or by how many of its nine deciles, `cuts`, it
    exceeds. Then missing becomes `median`, and the value (x - mean) / deviation * weight. A category is 1 or
    0, a flag has two values; neither is divided by its standard deviation, which would make the rarest weigh
    most.
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
        name = quoted(self.column)
        if self.category is not None:
            category = self.category.replace("'", "''")
            value = f"cast(coalesce(cast({name} as varchar), '{UNKNOWN}') = '{category}' as double)"
        elif self.cuts is not None:
            score = " + ".join(f"cast(cast({name} as double) > {cut!r} as integer)" for cut in self.cuts)
            value = f"coalesce({score}, {self.median!r})"
        elif self.is_log:
            value = f"coalesce(ln(1 + greatest(cast({name} as double), 0)), {self.median!r})"
        else:
            value = f"coalesce(cast({name} as double), {self.median!r})"
        return f"({value} - {self.mean!r}) * {self.weight / self.deviation!r}"


@dataclass(frozen=True)
class Space:
    """Axes, and what turns them into coordinates: loadings (components x axes), or none."""

    axes: list[Axis]
    loadings: list[list[float]] | None

    @property
    def axes_sql(self) -> str:
        """The row's value on every axis: an array of doubles."""
        return array(axis.sql for axis in self.axes)

    def point_sql(self, axes: str) -> str:
        """The row's coordinates, of its axes: an array of doubles."""
        if self.loadings is None:
            return axes
        return array(f"array_inner_product({axes}, {array_of(loading)})" for loading in self.loadings)

    def locate(self, rows: pa.Table) -> tuple[np.ndarray, np.ndarray]:
        """Axes (rows x axes) and points (rows x coordinates) of some rows."""
        with duckdb.connect() as connection:
            connection.sql("set threads to 1")
            located = (
                connection.from_arrow(rows)
                .project(f"{self.axes_sql} as axes")
                .project(f"axes, {self.point_sql('axes')} as point")
                .to_arrow_table()
            )
        return matrix(located["axes"]), matrix(located["point"])


def array(values: Any) -> str:
    """DuckDB's array of doubles, of expressions."""
    expressions = list(values)
    return f"cast([{', '.join(expressions)}] as double[{len(expressions)}])"


def array_of(numbers: Any) -> str:
    """DuckDB's array of doubles, of numbers."""
    return array(repr(float(number)) for number in numbers)


def matrix(arrays: pa.ChunkedArray) -> np.ndarray:
    """Rows x length, of a column of arrays."""
    whole = arrays.combine_chunks()
    return np.asarray(whole.flatten()).reshape(len(whole), -1)


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


def text_axes(name: str, column: pd.Series) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """One axis per category that is frequent enough to group by."""
    shares = column.astype("string").fillna(UNKNOWN).value_counts(normalize=True)
    kept = sorted(shares[(shares >= LEAST_CATEGORY_SHARE) & (shares < 1)].index)
    axes = [
        {
            "category": str(category),
            "is_log": False,
            "cuts": None,
            "median": 0.0,
            "mean": float(shares[category]),
            "deviation": 1.0,
        }
        for category in kept
    ]
    detail = f"{len(kept)} of {len(shares)} categories, each 1 or 0."
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
