"""Scoring of a campaign: every row of the mart, streamed, predicted by models that never saw it."""

from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from python_models.common.campaign import MONEY, Campaign, read_campaign
from python_models.common.frames import map_batches
from python_models.common.sql import quote_identifier
from python_models.common.versions import build_time
from python_models.conversion.batches import columns_read, model_of, read_batch
from python_models.conversion.registry import load_champion

SCORE_ROW = pa.schema(
    [
        ("campaign", pa.string()),
        ("entity_id", pa.string()),
        ("customer_id", pa.string()),
        ("split", pa.string()),
        ("has_converted", pa.bool_()),
        ("predicted_probability", pa.float64()),
        ("fold_probability", pa.float64()),
        ("baseline_probability", pa.float64()),
        ("declared_baseline_probability", pa.float64()),
        ("contact_cost", pa.float64()),
        ("conversion_value", pa.float64()),
        ("is_out_of_fold", pa.bool_()),
        ("model_version", pa.string()),
        ("row_hash", pa.string()),
        ("scored_at", pa.timestamp("us")),
    ]
)


def score(features: Any, models: Any, meta: dict[str, Any], existing: Any | None = None) -> Any:
    """Score a campaign's mart with its champion.

    Parameters
    ----------
    features : relation of DuckDB or Spark
        The feature mart, one row per entity.
    models : relation
        Model rows, as `train` returns them.
    meta : dict
        The declaration.
    existing : relation, optional
        Scores of an earlier build (`SCORE_ROW`). They are kept if neither row nor model changed.

    Returns
    -------
    pyarrow.RecordBatchReader or Spark relation
        One row per row of the mart that is new or changed (`SCORE_ROW`). Rows of split `train` get
        out-of-fold predictions, those of split `test` the mean of the fold models, and rows without an
        outcome that of the same models fitted on all known rows. Without a champion, probabilities are null.
    """
    campaign = read_campaign(meta)
    version, body = load_champion(models, meta)
    scored_at = build_time(meta)
    score_batch = partial(_scores, campaign=campaign, body=body, version=version, scored_at=scored_at)
    columns = columns_read(features, campaign, model_of(body, version))
    rows = rows_to_score(features, columns, campaign, version, existing, meta.get("backfill_from"))
    return map_batches(rows, [*columns, "row_hash"], score_batch, SCORE_ROW)


def rows_to_score(
    features: Any,
    columns: list[str],
    campaign: Campaign,
    version: str,
    existing: Any | None,
    since: str | None,
) -> Any:
    """Return the rows to score, with a `row_hash` of everything that a score depends on.

    Leaves out rows that have a score already, unless they are of the day `since` or later (by `as_of`, else
    by the day of their score). Spark scores all rows, without a hash.
    """
    if hasattr(features, "map_batches"):
        return features.project("*, cast(null as varchar) as row_hash")
    read = ", ".join(dict.fromkeys(quote_identifier(name) for name in columns))
    constants = f"{version} {campaign.contact_cost} {campaign.conversion_value}".replace("'", "''")
    hashed = features.project(f"*, cast(hash(row('{constants}', {read})) as varchar) as row_hash")
    if existing is None or not set(SCORE_ROW.names) <= set(existing.columns):
        return hashed
    same = f"cast({quote_identifier(campaign.entity)} as varchar) = existing_id and row_hash = existing_hash"
    if since:
        same += (
            f" and {quote_identifier(campaign.as_of) if campaign.as_of else 'existing_at'} < date '{since}'"
        )
    listed = existing.project("entity_id as existing_id, row_hash as existing_hash, scored_at as existing_at")
    return hashed.join(listed, same, how="anti")


def _scores(
    rows_read: pa.RecordBatch, campaign: Campaign, body: str | None, version: str, scored_at: datetime
) -> pa.RecordBatch:
    """Score one batch of rows."""
    if not rows_read.num_rows:
        return pa.RecordBatch.from_pylist([], schema=SCORE_ROW)
    batch, model = read_batch(rows_read, campaign), model_of(body, version)
    rows = len(batch.frame)
    nothing = np.full(rows, np.nan)
    probability, by_fold, baseline, declared = nothing, nothing, nothing, nothing
    if model is not None:
        probability = model.predict(batch.frame, batch.folds, batch.is_training, batch.is_new)
        # made alike for all rows, so that they can be compared: a mean of five models is less extreme than
        # one of them, and another fit has another distribution
        by_fold = model.out_of_fold(model.design.matrix(batch.frame), batch.folds)
        baseline = model.one_rule.predict(batch.frame, batch.folds, batch.is_training)
        if model.declared_rule:
            declared = model.declared_rule.predict(batch.frame, batch.folds, batch.is_training)
    return pa.RecordBatch.from_pydict(
        {
            "campaign": [campaign.campaign] * rows,
            "entity_id": batch.entity_id,
            "customer_id": batch.customer_id,
            "split": batch.frame[campaign.split],
            "has_converted": batch.has_converted,
            "predicted_probability": pa.array(probability, from_pandas=True),
            "fold_probability": pa.array(by_fold, from_pandas=True),
            "baseline_probability": pa.array(baseline, from_pandas=True),
            "declared_baseline_probability": pa.array(declared, from_pandas=True),
            **{key: _money(batch.frame, getattr(campaign, key)) for key in MONEY},
            "is_out_of_fold": batch.is_training,
            "model_version": [version] * rows,
            "row_hash": batch.frame["row_hash"],
            "scored_at": [scored_at] * rows,
        },
        schema=SCORE_ROW,
    )


def _money(frame: pd.DataFrame, amount: float | str | None) -> pa.Array:
    """Return each row's cost or value: a number for all rows, or a column; null if not declared."""
    if isinstance(amount, str):
        return pa.array(
            pd.to_numeric(frame[amount]).astype("Float64").to_numpy(float, na_value=np.nan), from_pandas=True
        )
    return pa.array([amount] * len(frame), pa.float64())
