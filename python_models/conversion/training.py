"""Lets the declared candidates compete out of fold and returns the champion, or why there is none."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from python_models.common.campaign import AFTER_CONTACT, Campaign, read_campaign
from python_models.common.frames import FOLDS, Design, feature_columns, fold_of, make_design, read_rows
from python_models.common.sql import quote_identifier
from python_models.common.versions import newest_fingerprint, retrains
from python_models.conversion.base_rates import adjust_for_prior_shift
from python_models.conversion.fingerprint import declaration_text, training_fingerprint
from python_models.conversion.fitting import TrainingSet
from python_models.conversion.model_row import MODEL_ROW
from python_models.conversion.relevance import FeatureSelection, kept_positions, select_features
from python_models.conversion.sampling import RowSample, training_sample
from python_models.conversion.selection import select_champion


def train(features: Any, meta: dict[str, Any], known: Any | None = None) -> pa.Table:
    """Train a campaign's conversion model.

    Parameters
    ----------
    features : DuckDB relation
        The feature mart, one row per entity.
    meta : dict
        The declaration.
    known : DuckDB relation, optional
        Model rows of earlier trainings.

    Returns
    -------
    pyarrow.Table
        One model row (`MODEL_ROW`); none where rows and declaration are those of the newest known
        model, unless `retrain` is set. A model that may not be used comes with `refused_reason`;
        `champion_version` says which model is in service after this training.
    """
    campaign = read_campaign(meta)
    names, texts = feature_columns(features, campaign)
    taken = training_sample(features, campaign)
    rows = known_rows(features, campaign, names, taken)
    kept_share = taken.kept_share(rows, campaign)
    fingerprint = training_fingerprint(rows, campaign)
    if known is not None and not set(MODEL_ROW.names) <= set(known.columns):
        known = None
    if known is not None and not retrains(meta) and newest_fingerprint(known) == fingerprint:
        return MODEL_ROW.empty_table()

    frame = rows[rows[campaign.split] == "train"].reset_index(drop=True) if campaign.label else rows
    row: dict[str, Any] = {
        "campaign": campaign.campaign,
        "model_version": fingerprint[:12],
        "imbalance": "none",
        "trained_at": datetime.now(UTC).replace(tzinfo=None),
        "training_rows": len(frame),
        "training_positives": int(frame[campaign.label].sum()) if campaign.label else 0,
        "kept_share_of_negatives": kept_share,
        "features": names,
        "fingerprint": fingerprint,
        "declaration": declaration_text(campaign),
        "refused_reason": insufficient_data_reason(campaign, frame, kept_share),
    }
    row |= {
        nested: [] for nested in ("candidates", "factors", "relevance", "leakage", "dependence", "forward")
    }
    if row["refused_reason"] is None:
        training, selection = build_training_set(
            campaign, frame, make_design(frame, names, texts), kept_share
        )
        result, model = select_champion(
            campaign, rows, frame, training, selection, row["model_version"], known
        )
        row |= result
        if model:
            model, assumption = adjust_for_prior_shift(campaign, features, training, model)
            row |= assumption | {"model_body": model.to_text()}
    return pa.Table.from_pylist([row], schema=MODEL_ROW)


def known_rows(features: Any, campaign: Campaign, names: list[str], taken: RowSample) -> pd.DataFrame:
    """Rows with a known outcome, ordered by entity: those of split `train`, with an order all.

    Of the non-conversions those that the sample takes.
    """
    if not campaign.label:
        return pd.DataFrame()
    times = set(campaign.known_at.values()) - {AFTER_CONTACT}
    more = [campaign.order_by, campaign.label_known_at, campaign.baseline, *sorted(times)]
    more += [campaign.as_of] if times else []
    columns = [campaign.entity, campaign.customer, campaign.split, *names, campaign.label]
    where = f"{quote_identifier(campaign.label)} is not null and {taken.condition}"
    if not campaign.order_by:
        where += f" and {quote_identifier(campaign.split)} = 'train'"
    return read_rows(features, columns + [name for name in more if name], campaign.entity, where)


def insufficient_data_reason(campaign: Campaign, frame: pd.DataFrame, kept_share: float) -> str | None:
    """Why no model can be fitted, in a sentence; None where one can.

    Counts all training rows, those that a sample left out included.
    """
    if not campaign.label:
        return "No label is declared: this campaign has segments only."
    positives = int(frame[campaign.label].sum())
    rows = positives + round((len(frame) - positives) / kept_share)
    if positives < campaign.minimum_positives:
        return (
            f"Only {positives} of {rows} training rows converted; at least "
            f"{campaign.minimum_positives} are needed (minimum_positives)."
        )
    if rows - positives < campaign.minimum_positives:
        return (
            f"Only {rows - positives} of {rows} training rows did not convert; at least "
            f"{campaign.minimum_positives} are needed (minimum_positives)."
        )
    return None


def build_training_set(
    campaign: Campaign, frame: pd.DataFrame, design: Design, kept_share: float
) -> tuple[TrainingSet, list[FeatureSelection]]:
    """The training rows as a matrix, and what relevance keeps in each fold and in all of them."""
    matrix, folds = design.matrix(frame), fold_of(frame[campaign.customer])
    label = frame[campaign.label].to_numpy(np.int64)
    training = TrainingSet(design, matrix, label, folds, kept_share=kept_share)
    if campaign.keep_features is None or campaign.keep_features >= len(design.columns):
        return training, []
    keep = campaign.keep_features
    kept = [kept_positions(select_features(matrix[folds != fold], design, keep)) for fold in range(FOLDS)]
    return training.keeping(kept), select_features(matrix, design, keep)
