"""Sampling for rare events, in SQL: every conversion and a sample of the non-conversions."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from python_models.common.campaign import Campaign
from python_models.common.sql import hashed_below, quote_identifier


@dataclass(frozen=True)
class RowSample:
    """SQL condition of the sampled rows, and the number of non-conversions they are sampled from."""

    condition: str = "true"
    negatives: int | None = None

    def kept_share(self, rows: pd.DataFrame, campaign: Campaign) -> float:
        """Return the share of the non-conversions that was sampled."""
        return 1.0 if self.negatives is None else int((~rows[campaign.label]).sum()) / self.negatives


def training_sample(features: Any, campaign: Campaign) -> RowSample:
    """Sample all conversions and `negatives_per_positive` times as many other rows; all rows by default.

    The other rows add little: with a hundred per conversion, average precision is that of all rows
    (docs/benchmarks.md). The sample is the same in every build and on every engine.
    """
    if campaign.label is None or campaign.negatives_per_positive is None:
        return RowSample()
    label = quote_identifier(campaign.label)
    train = features.filter(f"{quote_identifier(campaign.split)} = 'train' and {label} is not null")
    rows, positives = train.aggregate(f"count(*), coalesce(sum(cast({label} as int)), 0)").fetchone()
    wanted = campaign.negatives_per_positive * int(positives)
    if wanted >= rows - positives:
        return RowSample()
    share = wanted / (rows - positives)
    return RowSample(
        f"({label} or {hashed_below(quote_identifier(campaign.entity), share)})", rows - positives
    )
