"""How often the gates of training are right, on made-up rows whose truth is known.

    .venv/bin/python benchmarks/gates.py

Accurate and wrong probabilities at the calibration gate, worlds without and with a weak signal at the
ranking gate, how much ROC AUC varies where there is no signal, and rows of retrainings at the champion gate:
with ever fewer features, and with more rows.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import norm
from sklearn.linear_model import LinearRegression
from sklearn.metrics import roc_auc_score

from python_models.common.campaign import Campaign
from python_models.common.frames import FOLDS, Design, fold_of
from python_models.conversion.algorithms.registry import DEFAULT_CANDIDATES
from python_models.conversion.declaration import read_conversion_campaign
from python_models.conversion.fitted import FittedModel
from python_models.conversion.fitting import TrainingSet, cross_fit
from python_models.conversion.one_rule import OneRule
from python_models.conversion.registry import MARGIN, decide_promotion
from python_models.conversion.selection import (
    MAX_CALIBRATION_ERROR,
    best_candidate,
    candidates,
    expected_calibration_error,
    failed_sanity_check,
)
from python_models.conversion.uncertainty import roc_auc_interval

DRAWS = 200
NOISE_WORLDS = 160
WEAK_WORLDS = 30
MIN_CONVERSIONS = 60
LINEAR_WORLDS = 300
CUSTOMERS = 6_000
RETRAININGS = 6
COEFFICIENTS = [0.9, 0.7, 0.6, 0.5, 0.45, 0.4, 0.35, 0.3]
META: dict[str, Any] = {
    "campaign": "made_up",
    "entity": "client_id",
    "title": "Made up",
    "question": "Who converts?",
    "source": "made up",
    "source_note": "Made up.",
    "label": "has_converted",
}
Row = dict[str, str | float]


def customers(matrix: np.ndarray, log_odds: np.ndarray, seed: int) -> tuple[pd.DataFrame, TrainingSet]:
    """Return one row per customer, converted at these log-odds, as a frame and as a training set."""
    label = (np.random.default_rng([seed, 1]).random(len(matrix)) < expit(log_odds)).astype(np.int64)
    names = [f"feature_{number}" for number in range(matrix.shape[1])]
    frame = pd.DataFrame(matrix, columns=names).assign(client_id=np.arange(len(matrix)), has_converted=label)
    return frame, TrainingSet(Design(names), matrix, label, fold_of(frame["client_id"]))


def is_refused(training: TrainingSet, log_odds: np.ndarray, probability: np.ndarray, tried: int) -> bool:
    """Return whether the gates refuse a model with these predictions."""
    return bool(failed_sanity_check(training, log_odds, probability, np.arange(len(log_odds)), tried))


def calibration_gate() -> Iterator[Row]:
    """Yield the share of models that the calibration gate refuses, by accuracy, base rate and size."""
    distortions = {"accurate": (1.0, 0.0), "twice the log-odds": (2.0, 0.0), "log-odds plus .5": (1.0, 0.5)}
    for base_rate in (0.5, 0.12):
        for rows in (200, 500, 2_000):
            for name, (slope, shift) in distortions.items():
                above, refused = [], []
                for seed in range(DRAWS):
                    signal = np.random.default_rng(seed).normal(size=(rows, 1))
                    log_odds = logit(base_rate) + 2 * signal[:, 0]
                    training = customers(signal, log_odds, seed)[1]
                    said = logit(base_rate) + slope * 2 * signal[:, 0] + shift
                    limit = min(MAX_CALIBRATION_ERROR, training.base_rate / 2)
                    above.append(expected_calibration_error(training.label, expit(said)) > limit)
                    refused.append(is_refused(training, said, expit(said), 1))
                yield {
                    "gate": "calibration",
                    "world": f"{name}, base rate {base_rate:g}, {rows} rows",
                    "above the limit": float(np.mean(above)),
                    "refused": float(np.mean(refused)),
                }


def ranking_world(seed: int, signal: float) -> tuple[Campaign, TrainingSet]:
    """Return a campaign with three to five candidates, and made-up rows whose size and base rate vary.

    Half of the features are heavy-tailed, and all have a common part. `signal` is the weight of the first.
    """
    generator = np.random.default_rng([seed, round(100 * signal)])
    if signal:
        rows, base_rate = float(generator.integers(2_000, 4_001)), 0.1
    else:
        rows, base_rate = (
            float(np.exp(generator.uniform(*np.log(limits)))) for limits in ((400, 6_000), (0.02, 0.2))
        )
        base_rate = max(base_rate, MIN_CONVERSIONS / rows)
    matrix = generator.normal(size=(int(rows), int(generator.integers(5, 41))))
    matrix += generator.normal(size=(int(rows), 1)) * generator.uniform(0, 1)
    matrix[:, 1::2] = np.exp(matrix[:, 1::2])
    names = list(generator.permutation(DEFAULT_CANDIDATES)[: generator.integers(3, 6)])
    campaign = read_conversion_campaign(META | {"candidates": names})
    line = signal * matrix[:, 0] / matrix[:, 0].std()
    return campaign, customers(matrix, logit(base_rate) + line, seed)[1]


def ranking_gate() -> Iterator[Row]:
    """Yield the share of worlds that the ranking gate refuses, with and without a signal."""
    for signal, worlds in ((0.0, NOISE_WORLDS), (0.2, WEAK_WORLDS), (0.3, WEAK_WORLDS)):
        measured, served, is_enough = [], [], []
        for seed in range(worlds):
            campaign, training = ranking_world(seed, signal)
            fits = candidates(campaign, training)
            best = best_candidate(campaign, training, fits, [None])
            model = FittedModel.of(best, training, OneRule(Design([]), []), None)
            probability = model.out_of_fold(training.matrix, training.folds)
            measured.append(roc_auc_score(training.label, best.log_odds))
            served.append(not is_refused(training, best.log_odds, probability, len(fits)))
            is_enough.append(training.label.sum() >= campaign.minimum_positives)
        yield {
            "gate": "ranking",
            "world": f"weight of the signal {signal:g}, true ROC AUC {norm.cdf(signal / np.sqrt(2)):.2f}",
            "mean ROC AUC": float(np.mean(measured)),
            "ranks better than .5": float(np.mean(np.array(measured) > 0.5)),
            "served": f"{sum(served)} of {worlds}",
            "with enough conversions": f"{sum(np.array(served)[is_enough])} of {sum(is_enough)}",
        }


def out_of_fold_variance() -> Iterator[Row]:
    """Yield how much more ROC AUC varies without a signal than its interval says: of one fold, and of all.

    The model is linear. Within a fold the interval is right. Over all folds, each pair of rows in different
    folds counts twice, because each is predicted by a model that learnt from the other; both times it says
    the same, so the variance doubles.
    """
    for features in (5, 15, 40):
        of_one, of_all = [], []
        for seed in range(LINEAR_WORLDS):
            matrix = np.random.default_rng(seed).normal(size=(2_000, features))
            training = customers(matrix, np.full(len(matrix), logit(0.12)), seed)[1]
            score = np.empty(len(matrix))
            for fold in range(FOLDS):
                out = training.folds == fold
                line = LinearRegression().fit(matrix[~out], training.label[~out])
                score[out] = line.predict(matrix[out])
            for found, rows in ((of_one, out), (of_all, np.ones(len(out), dtype=bool))):
                value, lower, _ = roc_auc_interval(training.label[rows], score[rows], np.arange(rows.sum()))
                found.append((value, (value - lower) / MARGIN))
        yield {
            "features": features,
            "one fold": _variation(of_one),
            "all folds": _variation(of_all),
        }


def _variation(found: list[tuple[float, float]]) -> float:
    """Return the standard deviation of values over the one that their intervals say."""
    value, error = np.array(found).T
    return float(value.std() / np.sqrt(np.mean(error**2)))


def retrain(
    campaign: Campaign, trainings: list[tuple[pd.DataFrame, TrainingSet]]
) -> tuple[list[bool], list[float]]:
    """Return whether each of the trainings after the first is accepted, and the ROC AUC in service."""
    models: dict[str, FittedModel] = {}
    champion: str | None = None
    best: str | None = None
    accepted, served = [], []
    for number, (frame, training) in enumerate(trainings):
        fit = cross_fit("logistic_regression", training)
        model = FittedModel.of(fit, training, OneRule(Design([]), []), None)
        probability = model.out_of_fold(training.matrix, training.folds)
        version = str(number)
        earlier = [(name, models[name]) for name in dict.fromkeys((champion, best)) if name]
        decided = decide_promotion(
            version, campaign, earlier, frame, training, probability, training.design.columns, None
        )
        models[version] = model
        champion, best = decided.champion_version, decided.best_version
        accepted.append(champion == version)
        in_service = models[str(champion)].out_of_fold(training.matrix, training.folds)
        served.append(float(roc_auc_score(training.label, in_service)))
    return accepted[1:], served


def champion_gate() -> Iterator[Row]:
    """Yield which retrainings are accepted, and what serves at last: on ever fewer features or more rows."""
    matrix = np.random.default_rng(1).normal(size=(CUSTOMERS, len(COEFFICIENTS)))
    frame, training = customers(matrix, -4.5 + matrix @ COEFFICIENTS, 1)
    for choose_by in ("average_precision", "roc_auc", "log_loss", "brier"):
        campaign = read_conversion_campaign(META | {"choose_by": choose_by})
        for name in ("a feature less each", "5 % more rows each"):
            is_fewer = name.startswith("a feature")
            trainings = []
            for step in range(RETRAININGS + 1):
                rows = len(matrix) if is_fewer else len(matrix) // 20 * (20 - RETRAININGS + step)
                part = TrainingSet(
                    training.design, matrix[:rows], training.label[:rows], training.folds[:rows]
                )
                # the weakest feature goes first
                kept = list(range(len(COEFFICIENTS) - step * is_fewer))
                trainings.append((frame[:rows], part.keeping([kept] * FOLDS)))
            accepted, served = retrain(campaign, trainings)
            yield {
                "gate": "champion",
                "world": f"{choose_by}, {name}",
                "accepted": " ".join("yes" if each else "no" for each in accepted),
                "ROC AUC first": served[0],
                "ROC AUC last": served[-1],
            }


def main() -> None:
    for gate in (calibration_gate, out_of_fold_variance, ranking_gate, champion_gate):
        print(pd.DataFrame(gate()).round(3).to_string(index=False), flush=True)


if __name__ == "__main__":
    main()
