"""Who resembles the customers: a logistic regression in the space of segments."""

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict

from python_models.common.campaign import Segmentation
from python_models.common.sql import quote_identifier
from python_models.segments.columns import LEAST_ROWS_PER_SEGMENT, Columns, row_count, sample_of
from python_models.segments.segmenter import Lookalike, Segmenter

LOOKALIKE_ROWS = 5_000
# Inverse of the ridge penalty: strong, because columns may be hundreds and say much the same.
LOOKALIKE_C = 0.01


def add_lookalike(
    segmenter: Segmenter, mart: Any, columns: Columns, segmentation: Segmentation, population: str
) -> dict[str, Any]:
    """The segmenter with a lookalike model, and that model's ROC AUC on rows it has not seen.

    Fitted on samples of customers and of the population; the intercept is corrected for their sizes (King
    and Zeng 2001), so that the mean probability is the customers' share of both.
    """
    parts, sampled = [], []
    for condition in (quote_identifier(population), f"not {quote_identifier(population)}"):
        part = mart.filter(condition)
        drawn = sample_of(part, columns.grouping, segmentation.entity, LOOKALIKE_ROWS)
        parts.append(segmenter.space.locate(drawn)[0])
        sampled.append(len(drawn) / max(row_count(part), 1))
    if min(map(len, parts)) < LEAST_ROWS_PER_SEGMENT:
        return {}
    axes = np.vstack(parts)
    is_customer = np.repeat([True, False], [len(part) for part in parts])
    model = LogisticRegression(C=LOOKALIKE_C, max_iter=1_000)
    unseen = cross_val_predict(model, axes, is_customer, method="decision_function")
    model.fit(axes, is_customer)
    intercept = float(model.intercept_[0]) - float(np.log(sampled[0] / sampled[1]))
    lookalike = Lookalike(model.coef_[0].tolist(), intercept)
    return {
        "lookalike_roc_auc": float(roc_auc_score(is_customer, unseen)),
        "segmenter": replace(segmenter, lookalike=lookalike),
    }
