"""Training of a campaign's conversion model: the candidates compete out of fold, the best becomes a row."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from python_models.common.campaign import AFTER_CONTACT, Campaign
from python_models.common.frames import FOLDS, Design, feature_columns, fold_of, make_design, read_rows
from python_models.common.sql import quote_identifier, text_literal
from python_models.common.versions import build_time, newest_fingerprint, retrains
from python_models.conversion.base_rates import adjust_for_prior_shift, calibrate_ensemble
from python_models.conversion.declaration import read_conversion_campaign
from python_models.conversion.fingerprint import declaration_text, training_fingerprint
from python_models.conversion.fitted import FittedModel
from python_models.conversion.fitting import CrossFit, TrainingSet, refit
from python_models.conversion.leakage.structure import empty_features
from python_models.conversion.model_row import MODEL_ROW
from python_models.conversion.relevance import FeatureSelection, kept_positions, select_features
from python_models.conversion.sampling import RowSample, training_sample
from python_models.conversion.selection import select_champion


def train(
    features: Any, meta: dict[str, Any], existing: Any | None = None, held_out: Any | None = None
) -> pa.Table:
    """Train a campaign's conversion model.

    Parameters
    ----------
    features : DuckDB relation
        The feature mart, one row per entity.
    meta : dict
        The declaration.
    existing : DuckDB relation, optional
        Model rows of earlier trainings.
    held_out : DuckDB relation, optional
        Rows (`campaign, entity_id`) that were not contacted on purpose. They are not learnt from.

    Returns
    -------
    pyarrow.Table
        One model row (`MODEL_ROW`), or none if rows and declaration are those of the newest existing model
        and `retrain` is not set. `refused_reason` says why a model may not be used; `champion_version` is
        the model in service after this training.
    """
    campaign = read_conversion_campaign(meta)
    features = without_held_out(features, campaign, held_out)
    names, texts = feature_columns(features, campaign)
    sample = training_sample(features, campaign)
    rows = labelled_rows(features, campaign, names, sample)
    fingerprint = training_fingerprint(rows, campaign)
    if existing is not None and not set(MODEL_ROW.names) <= set(existing.columns):
        existing = None
    if existing is not None and not retrains(meta) and newest_fingerprint(existing) == fingerprint:
        return MODEL_ROW.empty_table()

    frame = rows[rows[campaign.split] == "train"].reset_index(drop=True) if campaign.label else rows
    kept_share = sample.kept_share(frame, campaign)
    row = empty_row(campaign, frame, names, kept_share, fingerprint) | {"trained_at": build_time(meta)}
    if row["refused_reason"] is None:
        design = make_design(frame, names, texts)
        training, selection = build_training_set(campaign, frame, design, kept_share)
        empty = empty_features(features, campaign)
        result, best, model = select_champion(
            campaign, rows, frame, training, selection, row["model_version"], existing, empty
        )
        row |= result
        if model:
            row |= put_in_service(campaign, features, rows, training, best, model)
    return pa.Table.from_pylist([row], schema=MODEL_ROW)


def put_in_service(
    campaign: Campaign,
    features: Any,
    rows: pd.DataFrame,
    training: TrainingSet,
    best: CrossFit,
    model: FittedModel,
) -> dict[str, Any]:
    """Fit the best candidate on all rows with a known outcome, and return columns of the model row.

    What is known of the newest rows is learnt only here: everything that judges the model was measured
    before, without test rows.
    """
    judged = served = calibrate_ensemble(features, campaign, model)
    known, has_test_rows = training, len(rows) > len(training.label)
    if has_test_rows:
        design = make_design(rows, training.design.columns, list(training.design.categories))
        label, folds = rows[campaign.label].to_numpy(np.int64), fold_of(rows[campaign.customer])
        known = replace(training, design=design, matrix=design.matrix(rows), label=label, folds=folds)
        fit = refit(best, known, keep_rounds=True)
        served = FittedModel.of(fit, known, model.one_rule, model.declared_rule, model.shift)
        served = calibrate_ensemble(features, campaign, served, judged)
    served, assumption = adjust_for_prior_shift(campaign, features, known, served)
    model = replace(judged, refitted=served) if has_test_rows else served
    return assumption | {
        "training_base_rate": training.base_rate,
        "refit_rows": len(known.label),
        "refit_positives": int(known.label.sum()),
        "model_body": model.to_text(),
    }


def without_held_out(features: Any, campaign: Campaign, held_out: Any | None) -> Any:
    """Return the rows of a mart that were not held out. Spark draws no audiences, so it holds nobody out."""
    if held_out is None or hasattr(features, "map_batches"):
        return features
    rows = held_out.filter(f"campaign = {text_literal(campaign.campaign)}").project(
        "entity_id as held_out_id"
    )
    return features.join(
        rows, f"cast({quote_identifier(campaign.entity)} as varchar) = held_out_id", how="anti"
    )


def empty_row(
    campaign: Campaign, frame: pd.DataFrame, names: list[str], kept_share: float, fingerprint: str
) -> dict[str, Any]:
    """Return the columns of a model row that are known before a model is fitted."""
    lists = ("candidates", "factors", "relevance", "leakage", "dependence", "forward")
    return {
        "campaign": campaign.campaign,
        "model_version": fingerprint[:12],
        "imbalance": "none",
        "training_rows": len(frame),
        "training_positives": int(frame[campaign.label].sum()) if campaign.label else 0,
        "kept_share_of_negatives": kept_share,
        "features": names,
        "fingerprint": fingerprint,
        "declaration": declaration_text(campaign),
        "refused_reason": insufficient_data_reason(campaign, frame, kept_share),
    } | {name: [] for name in lists}


def labelled_rows(features: Any, campaign: Campaign, names: list[str], sample: RowSample) -> pd.DataFrame:
    """Return the sampled rows with a known outcome, ordered by entity.

    Candidates compete on those of split `train`; the backtest and the model in service read all.
    """
    if not campaign.label:
        return pd.DataFrame()
    times = set(campaign.known_at.values()) - {AFTER_CONTACT}
    more = [campaign.order_by, campaign.label_known_at, campaign.baseline, *sorted(times)]
    more += [campaign.as_of] if times else []
    columns = [campaign.entity, campaign.customer, campaign.split, *names, campaign.label]
    where = f"{quote_identifier(campaign.label)} is not null and {sample.condition}"
    return read_rows(features, columns + [name for name in more if name], campaign.entity, where)


def insufficient_data_reason(campaign: Campaign, frame: pd.DataFrame, kept_share: float) -> str | None:
    """Return why no model can be fitted, as a sentence; None if one can.

    Counts all training rows, including those that sampling left out.
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
    """Return the training rows as a matrix, and the feature selection on all of them.

    Features are selected again in each fold, without its rows.
    """
    matrix, folds = design.matrix(frame), fold_of(frame[campaign.customer])
    label = frame[campaign.label].to_numpy(np.int64)
    training = TrainingSet(design, matrix, label, folds, kept_share=kept_share)
    if campaign.keep_features is None or campaign.keep_features >= len(design.columns):
        return training, []
    keep = campaign.keep_features
    kept = [kept_positions(select_features(matrix[folds != fold], design, keep)) for fold in range(FOLDS)]
    return training.keeping(kept), select_features(matrix, design, keep)
