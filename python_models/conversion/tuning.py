"""Search of an algorithm's settings with Optuna, the same in every build."""

import optuna

from python_models.common.campaign import Campaign
from python_models.common.frames import SEED
from python_models.conversion.algorithms.base import Settings
from python_models.conversion.algorithms.registry import ALGORITHMS
from python_models.conversion.fitting import CrossFit, TrainingSet, cross_fit, presets
from python_models.conversion.measures import compute_metric, is_loss

# Time of a cross-fit: half a second, and a second per 60,000 cells (rows x columns). This estimate turns the
# budget in seconds into a number of trials. A clock would find another model on a faster machine.
MIN_FIT_SECONDS = 0.5
CELLS_PER_SECOND = 60_000
MIN_TRIALS = 5


def trials_for(seconds: int, training: TrainingSet) -> int:
    """Return the number of trials that take about `seconds`."""
    return max(MIN_TRIALS, int(seconds / (MIN_FIT_SECONDS + training.matrix.size / CELLS_PER_SECOND)))


def tune(campaign: Campaign, algorithms: list[str], training: TrainingSet) -> CrossFit | None:
    """Return the best cross-fit that a search finds; None if no algorithm can be tuned.

    Uses seeded tree-structured Parzen estimators (Bergstra et al. 2011). Settings are compared on
    out-of-fold training rows. The search never sees test rows; it sees the rows of the backtest that are
    training rows too.
    """
    tunable = [name for name in algorithms if ALGORITHMS[name].search]
    if not tunable:
        return None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    fits: dict[int, CrossFit] = {}

    def objective(trial: optuna.Trial) -> float:
        algorithm = trial.suggest_categorical("algorithm", tunable)
        settings = presets(algorithm, training)[-1] | suggest_settings(trial, algorithm)
        fit = cross_fit(algorithm, training, campaign.imbalances(algorithm)[0], settings)
        fits[trial.number] = fit
        return compute_metric(campaign.choose_by, training.label, fit.calibrated(training), training.weight)

    study = optuna.create_study(
        direction="minimize" if is_loss(campaign.choose_by) else "maximize",
        sampler=optuna.samplers.TPESampler(seed=SEED),
    )
    study.optimize(objective, n_trials=trials_for(campaign.tune_seconds or 0, training))
    best = fits[study.best_trial.number]
    seconds_taken = sum(fit.seconds for fit in fits.values())
    return best.renamed(f"{best.algorithm}_tuned", seconds_taken)


def suggest_settings(trial: optuna.Trial, algorithm: str) -> Settings:
    """Suggest the settings of one trial."""
    search = ALGORITHMS[algorithm].search
    return search(trial) if search else {}
