"""Run of the leakage checks over all features of a model."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from python_models.common.campaign import Campaign
from python_models.conversion.fitting import TrainingSet
from python_models.conversion.leakage.checks import ALL_FEATURES, Finding, evaluate
from python_models.conversion.leakage.copies import shared_by_duplicates, shared_by_value
from python_models.conversion.leakage.strength import differences, losses_without
from python_models.conversion.leakage.structure import (
    Outcomes,
    Values,
    key_or_order,
    known_after,
    never_without,
    only_converters,
    rate_of_the_outcome,
    row_orders,
)
from python_models.conversion.one_rule import UnivariateScore


def check_features(
    campaign: Campaign,
    rows: pd.DataFrame,
    empty: set[str],
    training: TrainingSet,
    scores: list[UnivariateScore],
    roc_auc: float,
    roc_auc_without: Callable[[list[int]], float],
) -> list[Finding]:
    """Run every check on every feature that the model sees.

    Parameters
    ----------
    campaign : Campaign
        The declaration.
    rows : pandas.DataFrame
        All rows with a known outcome, test rows too, with the keys and times that the declaration names.
    empty : set of str
        Features that are empty in all rows with an unknown outcome.
    training : TrainingSet
        The training rows as a matrix.
    scores : list of UnivariateScore
        One per column of the design.
    roc_auc : float
        Out of fold, of a model with all features.
    roc_auc_without : callable
        The same without the columns at some positions; called only where the model is suspiciously strong.
    """
    design = training.design
    findings = []

    def find(feature: str, check_name: str, measured: float) -> None:
        findings.append(evaluate(campaign, feature, check_name, measured))

    matrix, orders = design.matrix(rows), row_orders(campaign, rows)
    label, customer = rows[campaign.label].to_numpy(np.int64), pd.factorize(rows[campaign.customer])[0]
    outcomes = Outcomes(label, customer, training.kept_share)
    pairs = differences(training, scores)
    for position, name in enumerate(design.columns):
        score, values = scores[position], Values.of(matrix[:, position], name in design.categories)
        find(name, "single_feature_power", score.roc_auc)
        find(name, "copy_of_label", score.balanced_accuracy)
        find(name, "filled_with_the_outcome", score.missing_roc_auc)
        find(name, "only_converters", only_converters(values, outcomes))
        find(name, "never_without", never_without(values, outcomes))
        find(name, "rate_of_the_outcome", rate_of_the_outcome(values, outcomes))
        find(name, "empty_without_outcome", values.is_filled.mean() if name in empty else 0.0)
        find(name, "difference_of_two", pairs.get(position, 0.0))
        find(name, "shared_outcome", shared_by_value(values, outcomes))
        find(name, "key_or_order", key_or_order(values, orders))
        find(name, "known_after_contact", known_after(campaign, rows, name))
    accepted = [position for position, name in enumerate(design.columns) if name in campaign.accept_leak]
    for position, loss in losses_without(training, scores, accepted, roc_auc, roc_auc_without):
        find(design.columns[position], "power_beyond_all_others", loss)
    find(ALL_FEATURES, "shared_outcome", shared_by_duplicates(matrix, outcomes))
    find(ALL_FEATURES, "too_good_to_be_true", roc_auc)
    return findings
