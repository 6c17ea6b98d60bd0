"""How often the gates of training are right, on made-up rows whose truth is known.

    .venv/bin/python benchmarks/gates.py

Accurate and wrong probabilities at the calibration gate, worlds without and with a weak signal at the
ranking gate, and rows of retrainings at the champion gate: with ever fewer features, and with more rows.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from sklearn.metrics import roc_auc_score

from python_models.common.campaign import Campaign
from python_models.common.frames import FOLDS, Design, fold_of
from python_models.conversion.declaration import read_conversion_campaign
from python_models.conversion.fitted import FittedModel
from python_models.conversion.fitting import TrainingSet, cross_fit
from python_models.conversion.one_rule import OneRule
from python_models.conversion.registry import decide_promotion
from python_models.conversion.selection import (
    MAX_CALIBRATION_ERROR,
    best_candidate,
    candidates,
    expected_calibration_error,
    failed_sanity_check,
)

DRAWS = 200
WORLDS = 60
FEATURES = 15
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


def ranking_gate() -> Iterator[Row]:
    """Yield the share of worlds that the ranking gate refuses, with and without a signal."""
    campaign = read_conversion_campaign(
        META | {"candidates": ["logistic_regression", "lightgbm_shallow", "lightgbm"]}
    )
    for name, rows, weight, worlds in (("no", 2_000, 0.0, WORLDS), ("a weak", 10_000, 0.3, WORLDS // 8)):
        lucky, refused, measured = [], [], []
        for seed in range(worlds):
            matrix = np.random.default_rng(seed).normal(size=(rows, FEATURES))
            training = customers(matrix, logit(0.12) + weight * matrix[:, 0], seed)[1]
            fits = candidates(campaign, training)
            best = best_candidate(campaign, training, fits, [None])
            model = FittedModel.of(best, training, OneRule(Design([]), []), None)
            probability = model.out_of_fold(training.matrix, training.folds)
            measured.append(roc_auc_score(training.label, best.log_odds))
            lucky.append(measured[-1] > 0.5)
            refused.append(is_refused(training, best.log_odds, probability, len(fits)))
        yield {
            "gate": "ranking",
            "world": f"{name} signal, {rows} rows, mean ROC AUC {np.mean(measured):.3f}",
            "ranks better than .5": float(np.mean(lucky)),
            "refused": float(np.mean(refused)),
        }


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
    for gate in (calibration_gate, ranking_gate, champion_gate):
        print(pd.DataFrame(gate()).round(3).to_string(index=False), flush=True)


if __name__ == "__main__":
    main()
