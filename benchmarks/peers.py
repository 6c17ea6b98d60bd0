"""Fits one public library on one fold; run by `quality.py --peers`, with an interpreter that has it.

    python benchmarks/peers.py NAME FOLDER FOLD

FOLDER holds `rows.parquet` (the file's columns as they are, and `label`) and `folds.npz` (`test`: fold of
each row). Written is `NAME-FOLD.npz`: probabilities of the test rows, those of the validation rows (a
fifth of the training rows) by a model that was not fitted on them, and CPU seconds.
"""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

SEED = 42
Rows = pd.DataFrame
Outcomes = np.ndarray
# probabilities of validation and test rows
Predicted = tuple[np.ndarray, np.ndarray]


def autogluon(fitted: Rows, validation: Rows, test: Rows) -> Predicted:
    """AutoGluon, preset medium, 60 s, without neural nets."""
    from autogluon.tabular import TabularPredictor

    with tempfile.TemporaryDirectory() as folder:
        predictor = TabularPredictor(label="label", eval_metric="roc_auc", path=folder, verbosity=0)
        predictor.fit(
            fitted,
            tuning_data=validation,
            presets="medium_quality",
            time_limit=60,
            excluded_model_types=["NN_TORCH", "FASTAI"],
            num_cpus=1,
            num_gpus=0,
        )
        return _second(predictor.predict_proba(validation)), _second(predictor.predict_proba(test))


def flaml(fitted: Rows, validation: Rows, test: Rows) -> Predicted:
    """FLAML, 50 s, then the best configuration fitted on validation rows too."""
    from flaml import AutoML

    shared = {"task": "classification", "metric": "roc_auc", "n_jobs": 1, "seed": SEED, "verbose": 0}
    search = AutoML()
    search.fit(
        fitted.drop(columns="label"),
        fitted["label"],
        X_val=validation.drop(columns="label"),
        y_val=validation["label"],
        time_budget=50,
        eval_method="holdout",
        retrain_full=False,
        **shared,
    )
    known = pd.concat([fitted, validation])
    final = AutoML()
    final.fit(
        known.drop(columns="label"),
        known["label"],
        estimator_list=[search.best_estimator],
        starting_points={search.best_estimator: search.best_config},
        max_iter=1,
        time_budget=-1,
        eval_method="holdout",
        retrain_full=True,
        **shared,
    )
    return (
        _second(search.predict_proba(validation.drop(columns="label"))),
        _second(final.predict_proba(test)),
    )


def catboost(fitted: Rows, validation: Rows, test: Rows) -> Predicted:
    """CatBoost's defaults; the number of trees by early stopping."""
    from catboost import CatBoostClassifier

    texts = _texts(fitted)
    model = CatBoostClassifier(
        random_seed=SEED, thread_count=1, verbose=False, allow_writing_files=False, early_stopping_rounds=50
    )
    model.fit(
        fitted.drop(columns="label"),
        fitted["label"],
        cat_features=texts,
        eval_set=(validation.drop(columns="label"), validation["label"]),
    )
    return (
        _second(model.predict_proba(validation.drop(columns="label"))),
        _second(model.predict_proba(test)),
    )


def lightgbm(fitted: Rows, validation: Rows, test: Rows) -> Predicted:
    """LightGBM, settings searched by Optuna for 45 s, then fitted on validation rows too."""
    import lightgbm as lgb
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    parts = [_categories(part, fitted) for part in (fitted, validation, test)]
    known = pd.concat(parts[:2])
    base = {"objective": "binary", "num_threads": 1, "seed": SEED, "verbose": -1}
    best: dict[str, object] = {"loss": np.inf}

    def data(part: Rows) -> lgb.Dataset:
        return lgb.Dataset(part.drop(columns="label"), part["label"])

    def objective(trial: optuna.Trial) -> float:
        settings = base | {
            "num_leaves": trial.suggest_int("num_leaves", 4, 127, log=True),
            "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.2, log=True),
            "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 5, 200, log=True),
            "feature_fraction": trial.suggest_float("feature_fraction", 0.3, 1.0),
            "lambda_l2": trial.suggest_float("lambda_l2", 1e-3, 100.0, log=True),
            "cat_smooth": trial.suggest_float("cat_smooth", 1.0, 100.0, log=True),
        }
        # settings such as min_data_in_leaf are fixed in a Dataset once it is built
        fitting = data(parts[0])
        model = lgb.train(
            settings,
            fitting,
            2000,
            valid_sets=[fitting.create_valid(parts[1].drop(columns="label"), parts[1]["label"])],
            callbacks=[lgb.early_stopping(50, verbose=False)],
        )
        loss = model.best_score["valid_0"]["binary_logloss"]
        if loss < best["loss"]:
            best.update(loss=loss, settings=settings, model=model)
        return loss

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=SEED))
    study.optimize(objective, timeout=45)
    search = best["model"]
    final = lgb.train(best["settings"], data(known), search.best_iteration)
    return search.predict(parts[1].drop(columns="label")), final.predict(parts[2])


def _texts(rows: Rows) -> list[str]:
    return [name for name in rows.columns if not pd.api.types.is_numeric_dtype(rows[name])]


def _categories(rows: Rows, known: Rows) -> Rows:
    """Text columns as categories, in the codes of the known rows."""
    return rows.assign(
        **{name: pd.Categorical(rows[name], sorted(known[name].unique())) for name in _texts(known)}
    )


def _second(probabilities: pd.DataFrame | np.ndarray) -> np.ndarray:
    return np.asarray(probabilities)[:, 1]


PEERS: dict[str, Callable[[Rows, Rows, Rows], Predicted]] = {
    "autogluon": autogluon,
    "flaml": flaml,
    "catboost": catboost,
    "lightgbm": lightgbm,
}


def main(name: str, folder: str, fold: str) -> None:
    rows = pd.read_parquet(Path(folder) / "rows.parquet")
    test = np.load(Path(folder) / "folds.npz")["test"] == int(fold)
    known = rows[~test]
    fitted, validation = train_test_split(known, test_size=0.2, stratify=known["label"], random_state=SEED)
    start = sum(os.times()[:4])
    on_validation, on_test = PEERS[name](fitted, validation, rows[test].drop(columns="label"))
    np.savez(
        Path(folder) / f"{name}-{fold}.npz",
        validation_label=validation["label"].to_numpy(),
        validation=on_validation,
        test=on_test,
        seconds=sum(os.times()[:4]) - start,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
