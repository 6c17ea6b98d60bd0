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
    matrix, orders = design.matrix(rows), row_orders(campaign, rows)
    label, customer = rows[campaign.label].to_numpy(np.int64), pd.factorize(rows[campaign.customer])[0]
    outcomes = Outcomes(label, customer, training.kept_share)
    pairs = differences(training, scores)
    measured: list[tuple[str, str, float]] = []
    for position, name in enumerate(design.columns):
        values = Values.of(matrix[:, position], name in design.categories)
        checks = measure_column(values, outcomes, scores[position], orders) | {
            "empty_without_outcome": values.is_filled.mean() if name in empty else 0.0,
            "difference_of_two": pairs.get(position, 0.0),
            "known_after_contact": known_after(campaign, rows, name),
        }
        measured += [(name, check_name, value) for check_name, value in checks.items()]
    accepted = [position for position, name in enumerate(design.columns) if name in campaign.accept_leak]
    losses = losses_without(training, scores, accepted, roc_auc, roc_auc_without)
    measured += [(design.columns[position], "power_beyond_all_others", loss) for position, loss in losses]
    measured.append((ALL_FEATURES, "shared_outcome", shared_by_duplicates(matrix, outcomes)))
    measured.append((ALL_FEATURES, "too_good_to_be_true", roc_auc))
    return [evaluate(campaign, *finding) for finding in measured]


def measure_column(
    values: Values, outcomes: Outcomes, score: UnivariateScore, orders: list[np.ndarray]
) -> dict[str, float]:
    """Return what the checks of a single column measure, by check."""
    return {
        "single_feature_power": score.roc_auc,
        "copy_of_label": score.balanced_accuracy,
        "filled_with_the_outcome": score.missing_roc_auc,
        "only_converters": only_converters(values, outcomes),
        "never_without": never_without(values, outcomes),
        "rate_of_the_outcome": rate_of_the_outcome(values, outcomes),
        "shared_outcome": shared_by_value(values, outcomes),
        "key_or_order": key_or_order(values, orders),
    }
