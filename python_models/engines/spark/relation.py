"""Spark tables for Python models, with the methods of a DuckDB relation that this package uses."""

from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.pandas.types import from_arrow_schema
from sqlglot import exp, parse_one

from python_models.engines.duckdb.statistics import (
    beta_quantile,
    clustered_p_value,
    exact_p_value,
    gamma_quantile,
    on_arrow,
)
from python_models.engines.spark.dialect import Source, Target, to_spark, translated

_NAMES = {
    "string": "VARCHAR",
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "int": "INTEGER",
    "bigint": "BIGINT",
    "timestamp_ntz": "TIMESTAMP",
}


class SparkRelation:
    """A Spark table; expressions are in DuckDB's dialect, as in the rest of this package."""

    def __init__(self, frame: DataFrame):
        self.frame = frame

    @property
    def columns(self) -> list[str]:
        return list(self.frame.columns)

    @property
    def types(self) -> list[str]:
        """DuckDB's names of the column types."""
        names = [field.dataType.simpleString() for field in self.frame.schema.fields]
        return [_NAMES.get(name, name.upper()) for name in names]

    def filter(self, condition: str) -> "SparkRelation":
        return SparkRelation(self.frame.filter(_expression(condition)))

    def project(self, columns: str) -> "SparkRelation":
        listed = parse_one(f"select {columns}", dialect=Source).expressions
        return SparkRelation(self.frame.selectExpr(*(_text(item) for item in listed)))

    def order(self, columns: str) -> "SparkRelation":
        ordered = parse_one(f"select 1 order by {columns}", dialect=Source).args["order"].expressions
        return SparkRelation(self.frame.orderBy(*(_ordering(item) for item in ordered)))

    def limit(self, count: int) -> "SparkRelation":
        return SparkRelation(self.frame.limit(count))

    def aggregate(self, values: str, by: str = "") -> "SparkRelation":
        listed = parse_one(f"select {values}", dialect=Source).expressions
        keys = parse_one(f"select {by}", dialect=Source).expressions if by else []
        rows = self.frame.groupBy(*(F.expr(_text(key)) for key in keys))
        return SparkRelation(rows.agg(*(F.expr(_text(item)) for item in listed)))

    def count(self, column: str) -> "SparkRelation":
        return self.aggregate(f"count({column})")

    def fetchall(self) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.frame.collect()]

    def fetchone(self) -> tuple[Any, ...] | None:
        return next(iter(self.limit(1).fetchall()), None)

    def df(self) -> pd.DataFrame:
        """Return the rows with the types that DuckDB would give, so that fits on them are the same."""
        return duckdb.from_arrow(self.frame.toArrow()).df()

    def to_arrow_reader(self, rows: int) -> pa.RecordBatchReader:
        return self.frame.toArrow().to_reader(rows)

    def map_batches(
        self, function: Callable[[pa.RecordBatch], pa.RecordBatch], schema: pa.Schema
    ) -> "SparkRelation":
        """Apply a function to Arrow batches on the executors."""

        def mapped(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            return (function(batch) for batch in batches)

        kinds = from_arrow_schema(schema, prefer_timestamp_ntz=True)
        return SparkRelation(self.frame.mapInArrow(mapped, kinds))


class Session:
    """The session of a Python model on Spark."""

    def __init__(self, spark: SparkSession):
        self.spark = spark

    def table(self, name: str) -> SparkRelation:
        return SparkRelation(self.spark.table(name))

    def sql(self, query: str) -> SparkRelation:
        return SparkRelation(self.spark.sql(to_spark(query)))

    def write(self, result: Any, name: str) -> None:
        """Write a model's result as a table: a Spark relation, or rows in Arrow."""
        if isinstance(result, SparkRelation):
            frame = result.frame
        else:
            table = result.read_all() if isinstance(result, pa.RecordBatchReader) else result
            frame = self.spark.createDataFrame(table)
        frame.write.mode("overwrite").format("parquet").saveAsTable(name)


_with_functions: set[str] = set()


def add_functions(spark: SparkSession) -> None:
    """Register the SQL functions of `statistics` on a session, once."""
    if (name := spark.sparkContext.applicationId) in _with_functions:
        return
    for function in (clustered_p_value, beta_quantile, exact_p_value, gamma_quantile):
        spark.udf.register(function.__name__, F.arrow_udf(_on_arrays(function), "double"))
    _with_functions.add(name)


def _on_arrays(function: Callable[..., Any]) -> Callable[..., pa.Array]:
    def applied(*columns: pa.Array) -> pa.Array:
        return on_arrow(function)(*(pa.chunked_array([column]) for column in columns))

    return applied


def _expression(text: str) -> Column:
    return F.expr(_text(parse_one(text, dialect=Source)))


def _text(parsed: exp.Expression) -> str:
    return str(translated(parsed).sql(dialect=Target))


def _ordering(item: exp.Ordered) -> Column:
    column = F.expr(_text(item.this))
    return column.desc_nulls_last() if item.args.get("desc") else column.asc_nulls_last()
