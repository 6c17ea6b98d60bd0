"""Rows of a mart in batches, as input of a model."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from python_models.common.campaign import Campaign
from python_models.common.frames import BATCH_ROWS, fold_of
from python_models.common.sql import quote_identifier
from python_models.conversion.fitted import FittedModel


@dataclass(frozen=True)
class Batch:
    """Rows of a mart, and which of them are training rows or new (outcome not yet known)."""

    frame: pd.DataFrame
    has_converted: pd.Series
    entity_id: np.ndarray
    customer_id: np.ndarray
    folds: np.ndarray
    is_training: np.ndarray
    is_new: np.ndarray

    def take(self, rows: np.ndarray) -> "Batch":
        """Return some of the rows."""
        return Batch(**{name: values[rows] for name, values in vars(self).items()})


@lru_cache(maxsize=4)
def model_of(body: str | None, version: str) -> FittedModel | None:
    """Read the model of a model row, once per process; None without one."""
    return FittedModel.from_text(body, version) if body else None


def stream(features: Any, campaign: Campaign, model: FittedModel | None) -> Iterator[Batch]:
    """Yield the rows of a mart in batches, with the columns that a model reads."""
    columns = ", ".join(
        dict.fromkeys(quote_identifier(name) for name in columns_read(features, campaign, model))
    )
    for batch in features.project(columns).to_arrow_reader(BATCH_ROWS):
        if batch.num_rows:
            yield read_batch(batch, campaign)


def columns_read(features: Any, campaign: Campaign, model: FittedModel | None) -> list[str]:
    """Return the columns that a model reads, with the keys, split, label and money columns."""
    campaign.require_columns(features.columns)
    needed = [campaign.entity, campaign.customer, campaign.split]
    needed += [campaign.label] if campaign.label else []
    needed += campaign.money_columns
    needed += model.design.columns if model else []
    needed += model.declared_rule.design.columns if model and model.declared_rule else []
    return needed


def read_batch(batch: pa.RecordBatch, campaign: Campaign) -> Batch:
    """Convert a record batch of a mart into a `Batch`."""
    frame = batch.to_pandas()
    has_converted = (
        frame[campaign.label].astype("boolean")
        if campaign.label
        else pd.Series(pd.NA, index=frame.index, dtype="boolean")
    )
    customer = frame[campaign.customer]
    return Batch(
        frame=frame,
        has_converted=has_converted,
        entity_id=frame[campaign.entity].astype(str).to_numpy(object),
        customer_id=customer.astype(str).to_numpy(object),
        folds=fold_of(customer),
        is_training=((frame[campaign.split] == "train") & has_converted.notna()).to_numpy(bool),
        is_new=has_converted.isna().to_numpy(bool),
    )
