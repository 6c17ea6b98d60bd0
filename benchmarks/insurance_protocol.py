"""Five-fold figures of the insurance campaign on a whole file of calls, for comparison with published work.

StratifiedKFold(5, shuffle=True, random_state=42) on the file in its own order. Number of trees, calibration
and best-F1 threshold come from inside the training folds; each test fold is scored once. One thread; CPU
seconds of fitting and predicting one fold, features in SQL not counted.

    python benchmarks/insurance_protocol.py FOLDER/train.csv
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
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    f1_score,
    log_loss,
    precision_recall_curve,
    roc_auc_score,
)
from sklearn.model_selection import StratifiedKFold

from python_models.calibration import Calibrator
from python_models.candidates import Training
from python_models.frames import FOLDS, make_design
from python_models.training import cross_fit

REPOSITORY = Path(__file__).resolve().parents[1]
NOT_FEATURES = ("client_id", "split", "has_subscribed", "age_band")


def features_of(file: Path) -> pd.DataFrame:
    """The insurance feature mart of one file, in file order."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "data/insurance").mkdir(parents=True)
        (Path(folder) / "data/insurance" / file.name).symlink_to(file.resolve())
        environment = os.environ | {
            "DBT_PROJECT_DIR": str(REPOSITORY / "dbt_project"),
            "DBT_PROFILES_DIR": str(REPOSITORY),
            "DBT_TARGET_PATH": f"{folder}/target",
            "DBT_LOG_PATH": f"{folder}/logs",
            "LEADLIGHT_DATA": f"{folder}/data",
            "LEADLIGHT_WAREHOUSE": f"{folder}/warehouse.duckdb",
        }
        dbt = Path(sys.executable).with_name("dbt")
        subprocess.run(
            [dbt, "--quiet", "run", "--select", "+insurance_features"], env=environment, check=True
        )
        with duckdb.connect(f"{folder}/warehouse.duckdb", read_only=True) as connection:
            return connection.sql("""
                select insurance_features.* from campaigns.insurance_features
                inner join staging.stg_insurance__calls using (client_id)
                order by row_number
            """).df()


def fold_figures(frame: pd.DataFrame, names: list[str], train: np.ndarray, test: np.ndarray) -> dict:
    """Fit on the training rows of one fold and measure on its test rows."""
    texts = [name for name in names if not pd.api.types.is_numeric_dtype(frame[name])]
    start = time.process_time()
    inside = frame.iloc[train]
    design = make_design(inside, names, texts)
    label = frame["has_subscribed"].to_numpy(bool).astype(int)
    folds = np.empty(len(train), dtype=int)
    inner = StratifiedKFold(FOLDS, shuffle=True, random_state=1).split(train, label[train])
    for number, (_, held_out) in enumerate(inner):
        folds[held_out] = number
    training = Training(design.matrix(inside), label[train], folds)
    fit = cross_fit("lightgbm", training, design)
    calibrator = Calibrator.fit(fit.log_odds, training.label)
    outside = design.matrix(frame.iloc[test])
    mean = np.mean([model.log_odds(outside) for model in fit.models], axis=0)
    probability = calibrator.probability(mean)
    seconds = time.process_time() - start
    precision, recall, thresholds = precision_recall_curve(training.label, fit.log_odds)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-300)
    contacted = mean >= thresholds[f1[:-1].argmax()]
    decile = probability >= np.quantile(probability, 0.9)
    return {
        "ROC AUC": roc_auc_score(label[test], probability),
        "average precision": average_precision_score(label[test], probability),
        "F1": f1_score(label[test], contacted),
        "log loss": log_loss(label[test], probability),
        "Brier": brier_score_loss(label[test], probability),
        "lift, top 10 %": label[test][decile].mean() / label[test].mean(),
        "CPU s": seconds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    frame = features_of(parser.parse_args().file)
    everything = [name for name in frame.columns if name not in NOT_FEATURES and frame[name].notna().any()]
    splitter = StratifiedKFold(5, shuffle=True, random_state=42)
    label = frame["has_subscribed"].to_numpy(bool)
    for title, names in {
        "without call length": [name for name in everything if name != "call_seconds"],
        "with call length": everything,
    }.items():
        figures = pd.DataFrame(
            fold_figures(frame, names, train, test) for train, test in splitter.split(frame, label)
        )
        print(f"\n{len(frame):,} calls, {title}")
        print(figures.agg(["mean", "min", "max"]).round(4).to_string())


if __name__ == "__main__":
    main()
