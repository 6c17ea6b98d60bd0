"""From a mart to the input of a model: the same columns, codes and folds in fitting and scoring."""

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from python_models.common.campaign import Campaign
from python_models.common.errors import DeclarationError
from python_models.common.sql import quote_identifier

FOLDS = 5
SEED = 20170101
BATCH_ROWS = 65_536
_NUMBERS = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DOUBLE|FLOAT|DECIMAL.*|BOOLEAN")


@dataclass(frozen=True)
class Design:
    """The columns that a model reads, in order, and the codes of the text columns.

    `categories` holds, for each text column, the values of the training rows in sorted order. Missing and
    unknown values become NaN, which every model here reads as missing.
    """

    columns: list[str]
    categories: dict[str, list[str]] = field(default_factory=dict)

    @property
    def categorical_positions(self) -> list[int]:
        return [i for i, name in enumerate(self.columns) if name in self.categories]

    @cached_property
    def codes(self) -> dict[str, dict[str, int]]:
        """Return the code of each category: its position."""
        return {
            name: {category: code for code, category in enumerate(categories)}
            for name, categories in self.categories.items()
        }

    def select(self, names: list[str]) -> "Design":
        """Return the design of some of the columns.

        >>> Design(["age", "job"], {"job": ["clerk", "cook"]}).select(["job"])
        Design(columns=['job'], categories={'job': ['clerk', 'cook']})
        """
        kept = {name: values for name, values in self.categories.items() if name in names}
        return Design(list(names), kept)

    def matrix(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the float64 matrix, rows x columns, of a frame that holds these columns."""
        return matrix_of(self, frame, len(frame))


def matrix_of(design: Design, columns: Any, row_count: int, order: Literal["C", "F"] = "C") -> np.ndarray:
    """Return the float64 matrix that a model reads, rows x columns of the design; NaN where unknown.

    `columns[name]` is a pandas series, an Arrow array, or a list or numpy array: so `columns` may be a
    frame, a record batch or a dictionary.
    """
    matrix = np.empty((row_count, len(design.columns)), order=order)
    for position, name in enumerate(design.columns):
        codes = design.codes.get(name)
        values = columns[name]
        matrix[:, position] = _numbers(values) if codes is None else _encode(values, codes)
    return matrix


def _numbers(values: Any) -> np.ndarray:
    """Return a column as numbers."""
    if isinstance(values, pd.Series):
        return np.asarray(values.astype("Float64").to_numpy(np.float64, na_value=np.nan))
    if isinstance(values, pa.Array):
        if values.null_count or not (pa.types.is_floating(values.type) or pa.types.is_integer(values.type)):
            values = values.cast(pa.float64(), safe=False)
        return np.asarray(values.to_numpy(zero_copy_only=False))
    return np.asarray(values, np.float64)


def _encode(values: Any, codes: dict[str, int]) -> np.ndarray:
    """Return the code of each value."""
    if isinstance(values, pd.Series):
        positions = pd.Index(list(codes)).get_indexer(values)
        return np.where(positions < 0, np.nan, positions)
    if isinstance(values, pa.Array):
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        known = pa.array(list(codes), pa.string())
        positions = pc.index_in(values.cast(pa.string()), value_set=known, skip_nulls=True)
        return np.asarray(positions.cast(pa.float64()).to_numpy(zero_copy_only=False))
    return np.array([codes.get(value, np.nan) for value in values])


def read_rows(rel: Any, columns: Iterable[str], key: str, where: str = "true") -> pd.DataFrame:
    """Read rows of a DuckDB relation, ordered by their key so that nothing depends on storage."""
    selected = ", ".join(dict.fromkeys(quote_identifier(name) for name in columns))
    return rel.filter(where).order(quote_identifier(key)).project(selected).df()


def map_batches(
    rel: Any, columns: Iterable[str], function: Callable[[pa.RecordBatch], pa.RecordBatch], schema: pa.Schema
) -> Any:
    """Apply a function to batches of some columns: streamed by DuckDB, on Spark by its executors."""
    selected = rel.project(", ".join(dict.fromkeys(quote_identifier(name) for name in columns)))
    if hasattr(selected, "map_batches"):
        return selected.map_batches(function, schema)
    batches = map(function, selected.to_arrow_reader(BATCH_ROWS))
    return pa.RecordBatchReader.from_batches(schema, batches)


def feature_columns(rel: Any, campaign: Campaign) -> tuple[list[str], list[str]]:
    """Return the features of a mart, and those of them that are text.

    Raises
    ------
    DeclarationError
        If a column is neither number, boolean nor text, such as a date.
    """
    campaign.require_columns(rel.columns)
    features, texts = [], []
    for name, column_type in zip(rel.columns, map(str, rel.types), strict=True):
        if name in campaign.not_features:
            continue
        if is_text(campaign, name, column_type):
            texts.append(name)
        features.append(name)
    return features, texts


def is_text(campaign: Campaign, name: str, column_type: str) -> bool:
    """Return whether a column of this SQL type is text; otherwise it is a number or boolean.

    Raises
    ------
    DeclarationError
        If it is neither, such as a date.
    """
    if column_type == "VARCHAR" or column_type.startswith("ENUM"):
        return True
    if not _NUMBERS.fullmatch(column_type):
        raise DeclarationError(
            f"campaign '{campaign.campaign}': column '{name}' is a {column_type}, which no model reads. "
            "Make it a number in SQL (days since ...), or withhold it."
        )
    return False


def make_design(frame: pd.DataFrame, features: list[str], texts: list[str]) -> Design:
    """Build the design from the training rows."""
    return Design(
        columns=features,
        categories={name: sorted(frame[name].dropna().unique().tolist()) for name in texts},
    )


def order_values(values: pd.Series) -> np.ndarray:
    """Convert times (to microseconds) or numbers to float64; NaN if missing or neither.

    >>> order_values(pd.Series(["3", "first", None])).tolist()
    [3.0, nan, nan]
    """
    if pd.api.types.infer_dtype(values, skipna=True) in ("date", "datetime", "datetime64"):
        times = pd.to_datetime(values).astype("datetime64[us]")
        return np.where(times.isna(), np.nan, times.astype("int64").astype(float))
    numbers = pd.to_numeric(values, errors="coerce").astype("Float64")
    return np.asarray(numbers.to_numpy(np.float64, na_value=np.nan))


def fold_of(keys: Iterable[Any]) -> np.ndarray:
    """Return the fold, 0 to 4, of each key: a hash, so that it is the same in every build.

    >>> fold_of(["a", "b", "a"]).tolist()
    [2, 3, 2]
    """
    digests = (hashlib.md5(f"fold {key}".encode(), usedforsecurity=False) for key in keys)
    return np.array([int(digest.hexdigest()[:8], 16) % FOLDS for digest in digests], dtype=np.int64)


def content_hash(frame: pd.DataFrame) -> str:
    """Return a hexadecimal hash of a frame's column names and values."""
    digest = hashlib.sha256(",".join(frame.columns).encode())
    digest.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    return digest.hexdigest()
