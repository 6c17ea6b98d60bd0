"""From a mart to the input of a model: the same columns, codes and folds in fitting and scoring."""

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

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

    def select(self, names: list[str]) -> "Design":
        """Return the design of some of the columns.

        >>> Design(["age", "job"], {"job": ["clerk", "cook"]}).select(["job"])
        Design(columns=['job'], categories={'job': ['clerk', 'cook']})
        """
        kept = {name: values for name, values in self.categories.items() if name in names}
        return Design(list(names), kept)

    def matrix(self, frame: pd.DataFrame) -> np.ndarray:
        """Float64 matrix, rows x columns, of a frame that holds these columns."""
        matrix = np.empty((len(frame), len(self.columns)))
        for position, name in enumerate(self.columns):
            values = frame[name]
            if name in self.categories:
                codes = pd.Index(self.categories[name]).get_indexer(values)
                matrix[:, position] = np.where(codes < 0, np.nan, codes)
            else:
                matrix[:, position] = values.astype("Float64").to_numpy(np.float64, na_value=np.nan)
        return matrix


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
