"""How good the models are on whole files, and what public libraries reach on the same folds.

Folds are StratifiedKFold(5, shuffle=True, random_state=42) of the file in its own order. Number of trees,
calibration and best-F1 threshold come from inside the training folds; each test fold is scored once. One
thread; CPU seconds of fitting and predicting one fold, features in SQL not counted.

    python benchmarks/quality.py insurance FOLDER/train.csv
    python benchmarks/quality.py insurance FOLDER/train.csv --peers FOLDER [--folds 3]
    python benchmarks/quality.py donors FOLDER/donor.csv

`--peers` compares with public libraries on the same folds instead: an environment with AutoGluon, FLAML,
CatBoost and Optuna (`peers.txt`) is put into its folder. They get the file's columns as they are; a fifth of
their training rows serves for early stopping and threshold.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import yaml
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    f1_score,
    log_loss,
    precision_recall_curve,
    roc_auc_score,
)
from sklearn.model_selection import StratifiedKFold

from python_models.common.campaign import read_campaign
from python_models.common.frames import FOLDS, SEED, make_design
from python_models.conversion.algorithms.registry import DEFAULT_CANDIDATES
from python_models.conversion.calibration import fit_calibrators
from python_models.conversion.declaration import read_conversion_campaign
from python_models.conversion.fitting import TrainingSet
from python_models.conversion.measures import expected_calibration_error
from python_models.conversion.relevance import kept_positions, select_features
from python_models.conversion.selection import best_candidate, blended, candidates

REPOSITORY = Path(__file__).resolve().parents[1]
PEERS = {
    "autogluon": "AutoGluon medium (60 s, no neural nets)",
    "flaml": "FLAML (50 s)",
    "catboost": "CatBoost, early stopping",
    "lightgbm": "LightGBM tuned by Optuna (45 s)",
}
RARE_SHARE = 0.01
# What competes with their blend; on whole files the others of the build take time and no weight.
COMPETING = ("logistic_regression", "lightgbm", "xgboost")
META = {
    "campaign": "quality",
    "entity": "id",
    "title": "Quality",
    "question": "Who converts?",
    "source": "a file",
    "source_note": "A file.",
    "label": "has_converted",
}
CALLS = """
    select insurance_features.* from campaigns.insurance_features
    inner join staging.stg_insurance__calls using (client_id)
    order by row_number
"""
FORWARD = "select unnest(forward, recursive := true) from campaigns.insurance_model"


def build(source: str, file: Path, select: str, queries: list[str]) -> list[pd.DataFrame]:
    """Answers from a warehouse that holds this one file."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data" / source
        data.mkdir(parents=True)
        (data / file.name).symlink_to(file.resolve())
        environment = os.environ | {
            "DBT_PROJECT_DIR": str(REPOSITORY / "dbt_project"),
            "DBT_PROFILES_DIR": str(REPOSITORY),
            "DBT_TARGET_PATH": f"{folder}/target",
            "DBT_LOG_PATH": f"{folder}/logs",
            "LEADLIGHT_DATA": f"{folder}/data",
            "LEADLIGHT_WAREHOUSE": f"{folder}/warehouse.duckdb",
        }
        dbt = Path(sys.executable).with_name("dbt")
        subprocess.run([dbt, "--quiet", "run", "--select", select], env=environment, check=True)
        with duckdb.connect(f"{folder}/warehouse.duckdb", read_only=True) as connection:
            return [connection.sql(query).df() for query in queries]


def outer_folds(label: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows of training and test of each fold."""
    return list(StratifiedKFold(5, shuffle=True, random_state=42).split(label, label))


def best_f1_threshold(label: np.ndarray, score: np.ndarray) -> float:
    """Return the threshold with the best F1 on rows that the model was not fitted on."""
    precision, recall, thresholds = precision_recall_curve(label, score)
    f1 = 2 * precision * recall / np.maximum(precision + recall, np.finfo(float).tiny)
    return float(thresholds[f1[:-1].argmax()])


def figures(
    label: np.ndarray, probability: np.ndarray, is_contacted: np.ndarray, seconds: float
) -> dict[str, float]:
    """Compute the reported metrics of one test fold."""
    top = np.argsort(-probability, kind="stable")[: len(label) // 10]
    return {
        "ROC AUC": roc_auc_score(label, probability),
        "average precision": average_precision_score(label, probability),
        "F1": f1_score(label, is_contacted),
        "log loss": log_loss(label, probability),
        "Brier": brier_score_loss(label, probability),
        "lift, top 10 %": label[top].mean() / label.mean(),
        "calibration error": expected_calibration_error(label, probability),
        "CPU s": seconds,
    }


def fold_figures(
    frame: pd.DataFrame,
    label: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    competing: tuple[str, ...] = COMPETING,
    keep: int | None = None,
) -> tuple[dict[str, float], np.ndarray]:
    """Fit as the build does on the training rows of one fold; figures and probabilities of its test rows.

    Of the candidates and their blend the one with the least log loss out of fold is taken. With `keep`
    relevance drops columns first. Both see the training rows alone.
    """
    texts = [name for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name])]
    start = time.process_time()
    inside = frame.iloc[train]
    design = make_design(inside, list(frame.columns), texts)
    matrix = design.matrix(inside)
    folds = np.empty(len(train), dtype=np.int64)
    inner = StratifiedKFold(FOLDS, shuffle=True, random_state=1).split(train, label[train])
    for number, (_, held_out) in enumerate(inner):
        folds[held_out] = number
    kept = [kept_positions(select_features(matrix, design, keep))] * FOLDS if keep else None
    training = TrainingSet(design, matrix, label[train], folds, kept)
    campaign = read_conversion_campaign(META | {"candidates": list(competing)})
    fits = candidates(campaign, training)
    fits += blended(campaign, training, fits, None)
    fit = best_candidate(campaign, training, fits, [None] * len(fits))
    calibrator, _ = fit_calibrators(fit.log_odds, training.label, training.folds, training.weight)
    outside = design.matrix(frame.iloc[test])
    log_odds = np.array([model.log_odds(outside) for model in fit.models])
    mean = log_odds.mean(axis=0)
    probability = calibrator.for_mean(log_odds).probability(mean)
    seconds = time.process_time() - start
    is_contacted = mean >= best_f1_threshold(training.label, fit.log_odds)
    return figures(label[test], probability, is_contacted, seconds), probability


def show(
    title: str,
    frame: pd.DataFrame,
    label: np.ndarray,
    competing: tuple[str, ...] = COMPETING,
    keep: int | None = None,
) -> None:
    """Mean, lowest and highest figures of five folds.

    A fold's calibration error is mostly chance where conversions are rare; that of all rows, each predicted
    in the fold that held it out, is less so.
    """
    rows, predicted = [], np.empty(len(label))
    for train, test in outer_folds(label):
        row, predicted[test] = fold_figures(frame, label, train, test, competing, keep)
        rows.append(row)
    print(f"\n{title}: {len(label):,} rows, {label.sum():,} conversions, {frame.shape[1]} columns")
    print(pd.DataFrame(rows).agg(["mean", "min", "max"]).round(4).to_string())
    error = expected_calibration_error(label, predicted)
    print(f"calibration error of all folds together {error:.4f}", flush=True)


def show_forward(forward: pd.DataFrame) -> None:
    """Print metrics of the forward predictions of the build's champion, pooled over the blocks."""
    label = forward["has_converted"].to_numpy(dtype=int)
    probability = forward["predicted_probability"].to_numpy()
    print(
        f"\nforward: last fifth in {forward['block'].nunique()} blocks, {len(forward):,} rows, without length"
    )
    print(
        f"ROC AUC {roc_auc_score(label, probability):.4f}, "
        f"average precision {average_precision_score(label, probability):.4f}, "
        f"expected / observed conversions {probability.sum() / label.sum():.3f}"
    )
    blocks = forward.groupby("block").agg(
        rows=("has_converted", "size"),
        observed=("has_converted", "mean"),
        expected=("predicted_probability", "mean"),
    )
    print(blocks.round(3).to_string(), flush=True)


def thinned(label: np.ndarray) -> np.ndarray:
    """Places of all non-conversions and of so many conversions, drawn at random, that they are 1 %."""
    negatives, positives = np.flatnonzero(label == 0), np.flatnonzero(label == 1)
    count = round(len(negatives) * RARE_SHARE / (1 - RARE_SHARE))
    drawn = np.random.default_rng(SEED).choice(positives, count, replace=False)
    return np.sort(np.concatenate([negatives, drawn]))


def peers_environment(folder: Path) -> Path:
    """Return the Python interpreter of an environment with the packages of `peers.txt`."""
    folder.mkdir(parents=True, exist_ok=True)
    interpreter = folder / "environment/bin/python"
    if not interpreter.exists():
        uv = Path(sys.executable).with_name("uv")
        subprocess.run([uv, "venv", "--python", "3.11", folder / "environment"], check=True)
        pins = REPOSITORY / "benchmarks/peers.txt"
        subprocess.run([uv, "pip", "install", "--python", interpreter, "--requirement", pins], check=True)
    return interpreter


def calls_of(mart: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Features of the calls as declared, without the call's length, and outcomes."""
    file = REPOSITORY / "dbt_project/models/campaigns/insurance/insurance.yml"
    models = yaml.safe_load(file.read_text())["models"]
    campaign = read_campaign(models[0]["config"]["meta"])
    names = [name for name in mart.columns if name not in campaign.not_features and mart[name].notna().any()]
    return mart[names], mart["has_subscribed"].to_numpy(bool).astype(np.int64)


def insurance(file: Path) -> None:
    mart, forward = build("insurance", file, "+insurance_model", [CALLS, FORWARD])
    unaware, label = calls_of(mart)
    aware = unaware.assign(call_seconds=mart["call_seconds"])
    for title, columns in {"without call length": unaware, "with call length": aware}.items():
        show(title, columns, label)
    show_forward(forward)
    rows = thinned(label)
    show("thinned to 1 % conversions", unaware.iloc[rows].reset_index(drop=True), label[rows])


def against_peers(file: Path, folder: Path, count: int) -> None:
    """Leadlight and public libraries on the same folds, without call length."""
    interpreter = peers_environment(folder)
    (mart,) = build("insurance", file, "+insurance_features", [CALLS])
    frame, label = calls_of(mart)
    raw = pd.read_csv(file, keep_default_na=False).drop(columns=["dur", "y"])
    raw.assign(label=label).to_parquet(folder / "rows.parquet", index=False)
    splits = outer_folds(label)[:count]
    number = np.full(len(label), -1)
    for fold, (_, test) in enumerate(splits):
        number[test] = fold
    np.savez(folder / "folds.npz", test=number)
    table = {
        title: [fold_figures(columns, label, *split)[0] for split in splits]
        for title, columns in {
            "Leadlight, its features": frame,
            "Leadlight, the file's columns": raw,
        }.items()
    }
    for name, title in PEERS.items():
        table[title] = []
        for fold, (_, test) in enumerate(splits):
            worker = [interpreter, REPOSITORY / "benchmarks/peers.py", name, folder, str(fold)]
            one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
            subprocess.run(worker, env=os.environ | one_thread, check=True, stdout=subprocess.DEVNULL)
            answer = np.load(folder / f"{name}-{fold}.npz")
            threshold = best_f1_threshold(answer["validation_label"], answer["validation"])
            is_contacted = answer["test"] >= threshold
            row = figures(label[test], answer["test"], is_contacted, float(answer["seconds"]))
            table[title].append(row)
            print(f"{title}, fold {fold}: ROC AUC {row['ROC AUC']:.4f}", flush=True)
    means = pd.DataFrame({title: pd.DataFrame(rows).mean() for title, rows in table.items()})
    print(f"\nwithout call length, mean of {count} folds")
    print(means.T.round(4).to_string())


def donors(file: Path) -> None:
    (mart,) = build(
        "mail_out",
        file,
        "+mail_out_features",
        ["from campaigns.mail_out_features where has_responded is not null order by person_id"],
    )
    label = mart["has_responded"].to_numpy(bool).astype(np.int64)
    frame = mart.drop(columns=["person_id", "split", "has_responded"])
    frame = frame[[name for name in frame.columns if frame[name].notna().any()]]
    for title, keep in {"all columns": None, "half of the columns": len(frame.columns) // 2}.items():
        show(f"donors, {title}", frame, label, tuple(DEFAULT_CANDIDATES), keep)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("campaign", choices=["insurance", "donors"])
    parser.add_argument("file", type=Path)
    parser.add_argument("--peers", type=Path, metavar="FOLDER")
    parser.add_argument("--folds", type=int, default=3, help="folds on which peers are compared")
    arguments = parser.parse_args()
    if arguments.campaign == "donors":
        donors(arguments.file)
    elif arguments.peers:
        against_peers(arguments.file, arguments.peers, arguments.folds)
    else:
        insurance(arguments.file)


if __name__ == "__main__":
    main()
