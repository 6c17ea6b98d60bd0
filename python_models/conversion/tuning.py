"""Searches an algorithm's settings with Optuna, the same way in every build."""

import optuna

from python_models.common.frames import SEED
from python_models.conversion.algorithms.base import Settings
from python_models.conversion.fitting import CrossFit, TrainingSet, cross_fit, default_settings
from python_models.conversion.measures import compute_metric, is_loss

# A cross-fit takes about half a second and one more per so many cells (rows x columns). The budget in
# seconds is turned into a number of trials by this and not by a clock: a faster machine must not find
# another model.
MIN_FIT_SECONDS = 0.5
CELLS_PER_SECOND = 60_000
MIN_TRIALS = 5
TUNABLE = ("lightgbm", "xgboost")


def trials_for(seconds: int, training: TrainingSet) -> int:
    """Number of settings tried in about so many seconds."""
    return max(MIN_TRIALS, int(seconds / (MIN_FIT_SECONDS + training.matrix.size / CELLS_PER_SECOND)))


def tune(
    algorithms: list[str], training: TrainingSet, imbalance: str, choose_by: str, seconds: int
) -> CrossFit | None:
    """The best cross-fit that a search finds, None where no algorithm can be tuned.

    Tree-structured Parzen estimators (Bergstra et al. 2011), seeded. Settings are compared on out-of-fold
    rows of the training. Test rows never see the search; rows of forward validation do where they are
    training rows too.
    """
    tunable = [name for name in algorithms if name in TUNABLE]
    if not tunable:
        return None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    fits: dict[int, CrossFit] = {}

    def objective(trial: optuna.Trial) -> float:
        algorithm = trial.suggest_categorical("algorithm", tunable)
        settings = default_settings(algorithm, training) | suggested(trial, algorithm)
        fit = cross_fit(algorithm, training, imbalance, settings)
        fits[trial.number] = fit
        return compute_metric(choose_by, training.label, fit.probability, training.weight)

    study = optuna.create_study(
        direction="minimize" if is_loss(choose_by) else "maximize",
        sampler=optuna.samplers.TPESampler(seed=SEED),
    )
    study.optimize(objective, n_trials=trials_for(seconds, training))
    best = fits[study.best_trial.number]
    seconds_taken = sum(fit.seconds for fit in fits.values())
    return best.renamed(f"{best.algorithm}_tuned", seconds_taken)


def suggested(trial: optuna.Trial, algorithm: str) -> Settings:
    """Settings of one trial."""
    share = trial.suggest_float("share_of_columns", 0.2, 1.0)
    rate = trial.suggest_float("learning_rate", 0.02, 0.15, log=True)
    penalty = trial.suggest_float("penalty", 0.1, 100.0, log=True)
    if algorithm == "lightgbm":
        return {
            "num_leaves": trial.suggest_int("leaves", 4, 63, log=True),
            "min_data_in_leaf": trial.suggest_int("rows_in_leaf", 10, 200, log=True),
            "extra_trees": trial.suggest_categorical("extra_trees", [False, True]),
            "feature_fraction": share,
            "learning_rate": rate,
            "lambda_l2": penalty,
        }
    return {
        "max_depth": trial.suggest_int("depth", 2, 7),
        "min_child_weight": trial.suggest_float("weight_of_child", 1.0, 50.0, log=True),
        "colsample_bytree": share,
        "eta": rate,
        "lambda": penalty,
    }
