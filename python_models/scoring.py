"""Writes a campaign's scores: every row of the mart, streamed, judged by models that never saw it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from python_models.campaign import Campaign, read_campaign
from python_models.frames import fold_of, quoted
from python_models.training import FittedModel

BATCH_ROWS = 65_536

SCORE_ROW = pa.schema(
    [
        ("campaign", pa.string()),
        ("entity_id", pa.string()),
        ("customer_id", pa.string()),
        ("split", pa.string()),
        ("has_converted", pa.bool_()),
        ("predicted_probability", pa.float64()),
        ("baseline_probability", pa.float64()),
        ("is_out_of_fold", pa.bool_()),
        ("model_version", pa.string()),
        ("scored_at", pa.timestamp("us")),
    ]
)


def score(features: Any, models: Any, meta: dict[str, Any]) -> pa.RecordBatchReader:
    """Score a campaign's mart with its newest model.

    Parameters
    ----------
    features : DuckDB relation
        The feature mart, one row per entity.
    models : DuckDB relation
        Model rows, as `train` returns them.
    meta : dict
        The declaration.

    Returns
    -------
    pyarrow.RecordBatchReader
        One row per row of the mart (`SCORE_ROW`). Rows of split `train` get out-of-fold predictions, all
        others the mean of the fold models. Probabilities are null where the newest model was refused.
    """
    campaign = read_campaign(meta)
    campaign.require_columns(features.columns)
    version, body = newest_model(models)
    model = FittedModel.from_text(body) if body else None
    needed = [campaign.entity, campaign.customer, campaign.split]
    needed += [campaign.label] if campaign.label else []
    needed += model.design.columns if model else []
    columns = ", ".join(dict.fromkeys(quoted(name) for name in needed))
    reader = features.project(columns).to_arrow_reader(BATCH_ROWS)
    return pa.RecordBatchReader.from_batches(
        SCORE_ROW,
        _batches(reader, campaign, model, version, datetime.now(UTC).replace(tzinfo=None)),
    )


def newest_model(models: Any) -> tuple[str, str | None]:
    """Version and body of the model trained last; the body is None where it was refused."""
    row = models.order("trained_at desc").project("model_version, model_body").limit(1).fetchall()
    return row[0][0], row[0][1]


def _batches(
    reader: pa.RecordBatchReader,
    campaign: Campaign,
    model: FittedModel | None,
    version: str,
    scored_at: datetime,
) -> Iterator[pa.RecordBatch]:
    for batch in reader:
        frame = batch.to_pandas()
        has_converted = (
            frame[campaign.label].astype("boolean")
            if campaign.label
            else pd.Series(pd.NA, index=frame.index, dtype="boolean")
        )
        is_training = ((frame[campaign.split] == "train") & has_converted.notna()).to_numpy(bool)
        probability, baseline = predict(model, frame, campaign, is_training)
        yield pa.RecordBatch.from_pydict(
            {
                "campaign": [campaign.campaign] * len(frame),
                "entity_id": frame[campaign.entity].astype(str),
                "customer_id": frame[campaign.customer].astype(str),
                "split": frame[campaign.split],
                "has_converted": has_converted,
                "predicted_probability": pa.array(probability, from_pandas=True),
                "baseline_probability": pa.array(baseline, from_pandas=True),
                "is_out_of_fold": is_training,
                "model_version": [version] * len(frame),
                "scored_at": [scored_at] * len(frame),
            },
            schema=SCORE_ROW,
        )


def predict(
    model: FittedModel | None, frame: pd.DataFrame, campaign: Campaign, is_training: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Model's and baseline's probability per row; training rows out of fold, NaN without a model."""
    probability = np.full(len(frame), np.nan)
    baseline = np.full(len(frame), np.nan)
    if model is None or frame.empty:
        return probability, baseline
    matrix = model.design.matrix(frame)
    if is_training.any():
        folds = fold_of(frame[campaign.customer][is_training])
        probability[is_training] = model.out_of_fold(matrix[is_training], folds)
        baseline[is_training] = model.one_rule.out_of_fold(matrix[is_training], folds)
    if not is_training.all():
        probability[~is_training] = model.ensemble(matrix[~is_training])
        baseline[~is_training] = model.one_rule.ensemble(matrix[~is_training])
    return probability, baseline
