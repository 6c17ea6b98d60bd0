"""dbt-duckdb plugin: the SQL functions of statistics that DuckDB lacks: quantiles, draws and p-values.

For models that are tables only: whoever opens the published warehouse has no such functions.
"""

from collections.abc import Callable
from functools import wraps

import numpy as np
import pyarrow as pa
from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection
from duckdb.func import FunctionNullHandling, PythonUDFType
from scipy.special import betaincinv, erfc, gammaincinv


def beta_quantile(probability: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Quantile of the beta distribution with shapes a and b; NaN for NaN."""
    return betaincinv(a, b, probability)


def gamma_quantile(probability: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Quantile of the gamma distribution of that mean and variance; NaN for NaN, or without both above 0.

    With mean and variance k it bounds a Poisson mean, and is half of a chi-square's with 2 k degrees of
    freedom.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return gammaincinv(mean * mean / variance, probability) * variance / mean


def normal_p_value(z: np.ndarray) -> np.ndarray:
    """Chance that a standard normal number is at least so far from 0, either way; NaN for NaN."""
    return erfc(np.abs(z) / np.sqrt(2))


def beta_draws(
    seed: pa.ChunkedArray, a: pa.ChunkedArray, b: pa.ChunkedArray, count: pa.ChunkedArray
) -> pa.Array:
    """Per row, `count` draws from the beta distribution with shapes a and b; the same seed, the same draws.

    Quantiles of as many uniform draws would take a hundred times as long.
    """
    rows = zip(*(column.to_pylist() for column in (seed, a, b, count)), strict=True)
    draws = [np.random.default_rng(seed).beta(a, b, count) for seed, a, b, count in rows]
    return pa.array(draws, pa.list_(pa.float64()))


def exact_p_value(
    converted: np.ndarray, row_count: np.ndarray, all_converted: np.ndarray, all_rows: np.ndarray
) -> np.ndarray:
    """Chance that a group drawn blindly has a share of converters at least as far off, either way.

    Fisher's exact test: of `all_rows` rows, `all_converted` of them converters, the group has `row_count`
    rows and `converted` converters. Two-sided as twice the smaller tail, at most 1 (Agresti 2013,
    Categorical Data Analysis, 3.5.1); valid for cells of any size. NaN for NaN.
    """
    # imported where it is needed: it takes longer than many a dbt command
    from scipy.stats import hypergeom

    group = hypergeom(all_rows, all_converted, row_count)
    smaller_tail = np.minimum(group.cdf(converted), group.sf(converted - 1))
    return np.minimum(1.0, 2 * smaller_tail)


def on_arrow(function: Callable[..., np.ndarray]) -> Callable[..., pa.Array]:
    """The same function on Arrow columns; null where any argument is null or the result is not defined."""

    # DuckDB counts the arguments of the wrapped function
    @wraps(function)
    def applied(*columns: pa.ChunkedArray) -> pa.Array:
        arguments = [column.cast(pa.float64()).to_numpy() for column in columns]
        return pa.array(function(*arguments), pa.float64(), from_pandas=True)

    return applied


class Plugin(BasePlugin):
    """Gives every dbt connection the functions."""

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        for function, argument, count in (
            (beta_quantile, "double", 3),
            (gamma_quantile, "double", 3),
            (normal_p_value, "double", 1),
            (exact_p_value, "bigint", 4),
        ):
            conn.create_function(
                function.__name__,
                on_arrow(function),
                [argument] * count,
                "double",
                type=PythonUDFType.ARROW,
                null_handling=FunctionNullHandling.SPECIAL,
            )
        conn.create_function(
            "beta_draws",
            beta_draws,
            ["bigint", "double", "double", "bigint"],
            "double[]",
            type=PythonUDFType.ARROW,
        )
