"""Feature space of a segmentation: fitted on a sample, applied in SQL."""

from dataclasses import dataclass, replace
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from python_models.common.campaign import Segmentation
from python_models.common.sql import (
    column_names,
    double_literal,
    quote_identifier,
    select_aliased,
    weighted_sum,
)
from python_models.segments.projection import choose_projection
from python_models.segments.transformation import TRANSFORMATIONS, choose_transformation

# More skewed numbers may be transformed; otherwise one very large customer forms its own segment.
MAX_SKEW = 1.0
# Of more skewed columns all become logarithms: a comparison takes a fifth of a second per column.
MAX_COMPARED_COLUMNS = 50
# Columns with this absolute correlation on average count as one.
MIN_COPY_CORRELATION = 0.9
DECILES = np.arange(1, 10) / 10
# In standard deviations: values further from the mean are clipped to this.
MAX_DEVIATIONS = 3.0
# Rarer categories do not describe a group and could identify a person.
MIN_CATEGORY_SHARE = 0.01
MIN_CATEGORY_ROWS = 10
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Dimension:
    """One column, or one category of a text column, as a number with mean 0 in the fitted rows.

    A skewed number becomes sign(x) ln(1 + |x|) if `is_log`, sign(x) sqrt(|x|) if `is_root`, or the number of
    its nine deciles, `cuts`, below it. Missing values then become `median`, and the result is
    (x - mean) / deviation, clipped to `MAX_DEVIATIONS`, times `weight`. A category is 1 or 0 and a flag has
    two values. Neither is divided by its standard deviation: the rarest would weigh most.
    """

    column: str
    category: str | None
    is_log: bool
    cuts: list[float] | None
    median: float
    mean: float
    deviation: float
    weight: float
    # segmenters of an earlier revision have none
    is_root: bool = False

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
        else:
            number = f"cast({name} as double)"
            if self.is_log or self.is_root:
                size = f"ln(1 + abs({number}))" if self.is_log else f"sqrt(abs({number}))"
                number = f"sign({number}) * {size}"
            value = f"coalesce({number}, {double_literal(self.median)})"
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
        Weights, treatment of skewed numbers, and number of components; what is not declared is chosen.
    """
    frame = rows.to_pandas()
    skewed = skewed_treatment(frame.drop(columns=texts), segmentation.skewed)
    axes, steps = [], []
    for name in frame.columns:
        made, step = text_dimensions(frame[name]) if name in texts else number_dimensions(frame[name], skewed)
        weight = segmentation.weights.get(name, 1.0)
        axes += [Dimension(column=name, weight=weight, **axis) for axis in made]
        steps.append({"feature": name, "weight": weight} | step)
    if not axes:
        return FeatureSpace(axes, None), np.zeros((len(frame), 0)), steps
    values, _ = FeatureSpace(axes, None).transform(rows)
    copies = find_copies(values, axes, segmentation)
    if copies:
        axes = [replace(axis, weight=axis.weight / len(copies.get(axis.column, "1")) ** 0.5) for axis in axes]
        values, _ = FeatureSpace(axes, None).transform(rows)
        steps = [count_once(step, copies.get(step["feature"], [])) for step in steps]
    projection = choose_projection(values, segmentation)
    if projection is None:
        return FeatureSpace(axes, None), values, steps
    steps.append({"feature": None, "weight": None} | projection.step)
    loadings = None if projection.loadings is None else projection.loadings.tolist()
    return FeatureSpace(axes, loadings), projection.apply(values), steps


def skewed_treatment(numbers: pd.DataFrame, declared: str) -> str:
    """Return the declared treatment of skewed numbers; the logarithm if there are too many to compare."""
    if declared != "auto":
        return declared
    count = sum(is_skewed(numbers[name].astype("Float64").dropna()) for name in numbers.columns)
    return "auto" if count <= MAX_COMPARED_COLUMNS else "logarithm"


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
    elif is_skewed(pd.Series(known)) and skewed == "decile":
        action, detail = "decile", "Skewed: replaced by its decile, then standardised."
        cuts = np.quantile(known, DECILES).tolist()
        known = np.searchsorted(cuts, known, side="left").astype(float)
    elif is_skewed(pd.Series(known)):
        action, detail = treat_skewed(known, skewed)
        known = TRANSFORMATIONS[action](known)
    dimension = {
        "category": None,
        "is_log": action == "logarithm",
        "is_root": action == "square root",
        "cuts": cuts,
        "median": float(np.median(known)),
        "mean": float(known.mean()),
        "deviation": float(np.ptp(known) if is_flag else known.std()),
    }
    return [dimension], {"action": action, "measured": skew, "detail": detail}


def treat_skewed(known: np.ndarray, skewed: str) -> tuple[str, str]:
    """Return the transformation of a skewed number, as declared or as fits best, and the reason."""
    formulas = {
        "standardised": "kept as it is and standardised",
        "square root": "replaced by sign(x) sqrt(|x|), then standardised",
        "logarithm": "replaced by sign(x) ln(1 + |x|), then standardised",
    }
    if skewed == "logarithm":
        return skewed, f"Skewed: {formulas[skewed]}."
    chosen, criteria = choose_transformation(known)
    others = [criterion for name, criterion in criteria.items() if name != chosen]
    if not others:
        return chosen, f"Skewed, with extremes: {formulas[chosen]}."
    margin = min(others) - criteria[chosen]
    return (
        chosen,
        f"Skewed: {formulas[chosen]}. So groups fit it best (BIC lower by {margin:,.0f} than the next).",
    )


def find_copies(
    values: np.ndarray, axes: list[Dimension], segmentation: Segmentation
) -> dict[str, list[str]]:
    """Return the columns that say the same as a column, itself included, for columns with copies.

    Clustered by absolute correlation with average linkage. Categories and columns with a declared weight have
    no copies.
    """
    numbers = [
        index
        for index, axis in enumerate(axes)
        if axis.category is None and axis.column not in segmentation.weights
    ]
    if len(numbers) < 2:
        return {}
    distances = 1 - np.abs(np.corrcoef(values[:, numbers], rowvar=False))
    condensed = np.maximum(squareform(distances, checks=False), 0)
    labels = fcluster(linkage(condensed, "average"), 1 - MIN_COPY_CORRELATION, "distance")
    names = [axes[index].column for index in numbers]
    groups = {
        name: [other for other, same in zip(names, labels, strict=True) if same == label]
        for name, label in zip(names, labels, strict=True)
    }
    return {name: group for name, group in groups.items() if len(group) > 1}


def count_once(step: dict[str, Any], copies: list[str]) -> dict[str, Any]:
    """Return the step of a column, with its weight and its reason if it shares the weight with copies."""
    if not copies:
        return step
    others = ", ".join(name for name in copies if name != step["feature"])
    detail = f"{step['detail']} Counts as one column together with {others} (correlation)."
    return step | {"weight": step["weight"] / len(copies) ** 0.5, "detail": detail}


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


def radii(points: np.ndarray, centroids: np.ndarray, labels: np.ndarray) -> list[float]:
    """Return the root mean square distance of each label's points to its centroid."""
    squares = ((points - centroids[labels]) ** 2).sum(axis=1)
    sums = np.bincount(labels, squares, len(centroids))
    counts = np.maximum(np.bincount(labels, minlength=len(centroids)), 1)
    return [float(radius) for radius in np.sqrt(sums / counts)]
