"""Lookalike model: how much a person resembles the customers, by logistic regression."""

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict

from python_models.common.campaign import Segmentation
from python_models.common.sql import quote_identifier
from python_models.segments.columns import MIN_ROWS_PER_SEGMENT, Columns, draw_sample, row_count
from python_models.segments.segmenter import Lookalike, Segmenter

LOOKALIKE_ROWS = 5_000
# Inverse of the ridge penalty. The penalty is strong: there may be hundreds of redundant columns.
LOOKALIKE_C = 0.01


def add_lookalike(
    segmenter: Segmenter, mart: Any, columns: Columns, segmentation: Segmentation, population: str
) -> dict[str, Any]:
    """Return the segmenter with a lookalike model and its cross-validated ROC AUC; empty with too few rows.

    The model is fitted on samples of customers and of the population. The intercept is corrected for the
    sampling rates (King and Zeng 2001), so that the mean probability is the share of customers.
    """
    parts, rates = [], []
    for condition in (quote_identifier(population), f"not {quote_identifier(population)}"):
        part = mart.filter(condition)
        sample = draw_sample(part, columns.grouping, segmentation.entity, LOOKALIKE_ROWS)
        parts.append(segmenter.space.transform(sample)[0])
        rates.append(len(sample) / max(row_count(part), 1))
    if min(map(len, parts)) < MIN_ROWS_PER_SEGMENT:
        return {}
    values = np.vstack(parts)
    is_customer = np.repeat([True, False], [len(part) for part in parts])
    model = LogisticRegression(C=LOOKALIKE_C, max_iter=1_000)
    unseen = cross_val_predict(model, values, is_customer, method="decision_function")
    model.fit(values, is_customer)
    intercept = float(model.intercept_[0]) - float(np.log(rates[0] / rates[1]))
    lookalike = Lookalike(model.coef_[0].tolist(), intercept)
    return {
        "lookalike_roc_auc": float(roc_auc_score(is_customer, unseen)),
        "segmenter": replace(segmenter, lookalike=lookalike),
    }
