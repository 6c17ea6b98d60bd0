"""Columns that are suspiciously strong: without them, or as the difference of two, a model is another."""

from collections.abc import Callable, Iterator

import numpy as np
from sklearn.metrics import roc_auc_score

from python_models.conversion.fitting import TrainingSet
from python_models.conversion.one_rule import UnivariateScore
from python_models.conversion.relevance import rank_correlations

# Models below this ROC AUC are not fitted again without their strongest columns.
MIN_SUSPICIOUS_AUC = 0.84
MAX_CLUSTERS = 6
MIN_CLUSTER_CORRELATION = 0.9
# Of sums and differences only those of the most correlated pairs are looked at.
MAX_PAIRS = 300
MAX_SAMPLE_ROWS = 5_000
MIN_PAIR_GAIN = 0.1


def losses_without(
    training: TrainingSet,
    scores: list[UnivariateScore],
    accepted: list[int],
    roc_auc: float,
    roc_auc_without: Callable[[list[int]], float],
) -> Iterator[tuple[int, float]]:
    """Yield columns and the ROC AUC that the model loses without them and their copies.

    As long as the model is suspiciously strong, the strongest column left is taken out together with those
    that correlate with it: one leak does not hide another, nor its copy. Accepted columns go first, and
    what is left is compared with the model without them.
    """
    if roc_auc < MIN_SUSPICIOUS_AUC:
        return
    correlations = rank_correlations(training.matrix[_sample(training)], training.design)
    left_out: list[int] = []
    if accepted:
        left_out = accepted
        without = roc_auc_without(left_out)
        yield from ((position, roc_auc - without) for position in accepted)
        roc_auc = without
    suspects: list[int] = []
    rest = roc_auc
    for _ in range(MAX_CLUSTERS):
        others = [position for position in range(len(scores)) if position not in left_out]
        if rest < MIN_SUSPICIOUS_AUC or not others:
            break
        strongest = max(others, key=lambda position: scores[position].roc_auc)
        cluster = [
            position
            for position in others
            if position == strongest or correlations[strongest, position] >= MIN_CLUSTER_CORRELATION
        ]
        suspects, left_out = suspects + cluster, left_out + cluster
        rest = roc_auc_without(left_out)
    yield from ((position, roc_auc - rest) for position in suspects)


def differences(training: TrainingSet, scores: list[UnivariateScore]) -> dict[int, float]:
    """Return, by column, the ROC AUC of its difference from or sum with another, if neither has it alone."""
    rows = _sample(training)
    matrix, label = training.matrix[rows], training.label[rows]
    correlations = np.triu(rank_correlations(matrix, training.design), 1)
    strongest: dict[int, float] = {}
    for pair in np.argsort(-correlations, axis=None, kind="stable")[:MAX_PAIRS]:
        one, other = (int(position) for position in np.unravel_index(pair, correlations.shape))
        if correlations[one, other] < MIN_CLUSTER_CORRELATION:
            break
        alone = max(scores[one].roc_auc, scores[other].roc_auc)
        for combined in (matrix[:, one] - matrix[:, other], matrix[:, one] + matrix[:, other]):
            roc_auc = abs(roc_auc_score(label, np.nan_to_num(combined)) - 0.5) + 0.5
            if roc_auc >= alone + MIN_PAIR_GAIN:
                for position in (one, other):
                    strongest[position] = max(roc_auc, strongest.get(position, 0.0))
    return strongest


def _sample(training: TrainingSet) -> np.ndarray:
    """Return evenly spaced rows, enough for correlations."""
    return np.unique(np.linspace(0, len(training.label) - 1, MAX_SAMPLE_ROWS).astype(int))
