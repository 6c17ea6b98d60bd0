"""dbt-duckdb plugin: statistical SQL functions that DuckDB lacks: quantiles, draws and p-values.

Use them in tables only, not in views: readers of the published warehouse do not have them.
"""

from collections.abc import Callable
from functools import wraps

import numpy as np
import pyarrow as pa
from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection
from duckdb.func import FunctionNullHandling, PythonUDFType
from scipy.special import betaincinv, chdtrc, erfc, erfcinv, gammaincinv


def beta_quantile(probability: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the quantile of the beta distribution with shapes a and b; NaN for NaN."""
    quantile: np.ndarray = betaincinv(a, b, probability)
    return quantile


def gamma_quantile(probability: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Return the quantile of the gamma distribution with a mean and variance; NaN unless both are above 0.

    With mean and variance k it bounds a Poisson mean, and is half the quantile of a chi-square distribution
    with 2 k degrees of freedom.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        quantile: np.ndarray = gammaincinv(mean * mean / variance, probability) * variance / mean
    return quantile


def normal_p_value(z: np.ndarray) -> np.ndarray:
    """Return the two-sided p-value of a standard normal z; NaN for NaN."""
    p_value: np.ndarray = erfc(np.abs(z) / np.sqrt(2))
    return p_value


def chi_square_p_value(statistic: np.ndarray, degrees_of_freedom: np.ndarray) -> np.ndarray:
    """Return the upper tail of a chi-square distribution; NaN for NaN and without degrees of freedom."""
    p_value: np.ndarray = chdtrc(degrees_of_freedom, statistic)
    return np.where(degrees_of_freedom > 0, p_value, np.nan)


def beta_draws(
    seed: pa.ChunkedArray, a: pa.ChunkedArray, b: pa.ChunkedArray, count: pa.ChunkedArray
) -> pa.Array:
    """Draw `count` numbers per row from the beta distribution with shapes a and b, seeded by `seed`.

    Inverting uniform draws would take a hundred times as long.
    """
    rows = zip(*(column.to_pylist() for column in (seed, a, b, count)), strict=True)
    draws = [np.random.default_rng(seed).beta(a, b, count) for seed, a, b, count in rows]
    return pa.array(draws, pa.list_(pa.float64()))


def exact_p_value(
    converted: np.ndarray, row_count: np.ndarray, all_converted: np.ndarray, all_rows: np.ndarray
) -> np.ndarray:
    """Return the two-sided p-value of a group's share of converters, by Fisher's exact test.

    Of `all_rows` rows with `all_converted` converters, the group has `row_count` rows and `converted`
    converters. Two-sided as twice the smaller tail, at most 1 (Agresti 2013,
    Categorical Data Analysis, 3.5.1); valid for cells of any size. NaN for NaN.
    """
    # imported late: it takes longer than many dbt commands
    from scipy.stats import hypergeom

    group = hypergeom(all_rows, all_converted, row_count)
    smaller_tail = np.minimum(group.cdf(converted), group.sf(converted - 1))
    p_value: np.ndarray = np.minimum(1.0, 2 * smaller_tail)
    return p_value


def clustered_p_value(p_value: np.ndarray, design_effect: np.ndarray) -> np.ndarray:
    """Return a two-sided p-value of independent rows as that of rows with a design effect; NaN for NaN.

    Its normal z is divided by the square root of the design effect, the first-order correction of Rao and
    Scott (1981).
    """
    adjusted: np.ndarray = erfc(erfcinv(p_value) / np.sqrt(design_effect))
    return adjusted


def on_arrow(function: Callable[..., np.ndarray]) -> Callable[..., pa.Array]:
    """Apply a function to Arrow columns; null if an argument is null or the result is undefined."""

    # DuckDB inspects the arguments of the wrapped function
    @wraps(function)
    def applied(*columns: pa.ChunkedArray) -> pa.Array:
        arguments = [column.cast(pa.float64()).to_numpy() for column in columns]
        return pa.array(function(*arguments), pa.float64(), from_pandas=True)

    return applied


class Plugin(BasePlugin):  # type: ignore[misc]  # dbt is untyped
    """Registers the functions on every dbt connection."""

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        for function, argument, count in (
            (beta_quantile, "double", 3),
            (gamma_quantile, "double", 3),
            (normal_p_value, "double", 1),
            (clustered_p_value, "double", 2),
            (chi_square_p_value, "double", 2),
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
