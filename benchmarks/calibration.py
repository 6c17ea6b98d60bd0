"""Which calibration method is best, whether probabilities of new rows are spread out as they should be, and
how often `estimated` is wrong.

    .venv/bin/python benchmarks/calibration.py worlds | methods [FOLDER/train.csv] | estimates
    .venv/bin/python benchmarks/calibration.py samples [warehouse.duckdb [FOLDER/truth]]

Slopes are those of a logistic regression of the true chance on the log-odds of the probability; the best
tenth is predicted over true conversions. 1 is right for both. `worlds`: made-up customers with about 300
conversions at rates of 1 to 20 %, as a single model's calibration would have it, and as served. `methods`:
each calibration method by number of conversions, on made-up customers and on splits of the insurance calls.
`samples`: test rows of the samples in a warehouse, against the chance that they were drawn with. `estimates`:
how often a base rate estimated from scores is used where people changed and the rate did not, and where the
rate did.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import duckdb
import numpy as np
import pandas as pd
from samples import TRUTHS
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from python_models.common.frames import FOLDS, make_design
from python_models.conversion.base_rates import estimate_base_rate
from python_models.conversion.calibration import MIN_CONVERSIONS, Calibrator, fit_calibrators
from python_models.conversion.fitting import TrainingSet, cross_fit

RATES = (0.01, 0.02, 0.05, 0.1, 0.2)
CONVERSIONS = 300
NEW_ROWS = 10_000
FEATURES = 20
WORLDS = 8
# Of the comparison of methods; the base rate and algorithms are those of the made-up customers.
METHODS_RATE = 0.05
ALGORITHMS = ("lightgbm", "random_forest")
SIZES = (150, 300, 600, 1_200)
SPLITS = 6
DRAWS = 20
Row = dict[str, float | str]


@dataclass(frozen=True)
class Split:
    """Rows to train on, new rows, their true chance or outcome, and the luck of the training outcomes.

    `luck` is the number of drawn over that of expected conversions: a model can only learn those drawn.
    """

    training: TrainingSet
    new: np.ndarray
    truth: np.ndarray
    luck: float = 1.0


def draw(count: int, rate: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return features, true chance and outcome; five of the features tell something."""
    generator = np.random.default_rng(seed)
    matrix = generator.normal(size=(count, FEATURES))
    first, second, third, fourth, fifth = matrix.T[:5]
    line = first + 0.6 * second * (third > 0) + 0.5 * np.abs(fourth) - 0.4 * fifth
    truth = expit(line + brentq(lambda shift: expit(line + shift).mean() - rate, -30, 30))
    return matrix, truth, (generator.random(count) < truth).astype(np.int64)


def slope(probability: np.ndarray, truth: np.ndarray) -> float:
    column, outcome = np.tile(logit(probability), 2)[:, None], np.repeat([1, 0], len(truth))
    weight = np.concatenate([truth, 1 - truth])
    return float(LogisticRegression(C=np.inf).fit(column, outcome, sample_weight=weight).coef_[0, 0])


def best_tenth(probability: np.ndarray, truth: np.ndarray) -> float:
    best = probability >= np.quantile(probability, 0.9)
    return float(probability[best].mean() / truth[best].mean())


def made_up(rate: float, conversions: int, seed: int) -> Split:
    """Return made-up customers, of whom about that many of the training rows convert."""
    count = round(conversions / rate)
    matrix, truth, label = draw(count + NEW_ROWS, rate, seed)
    frame = pd.DataFrame(matrix[:count]).add_prefix("x")
    folds = np.random.default_rng(seed).integers(0, FOLDS, count)
    training = TrainingSet(make_design(frame, list(frame), []), matrix[:count], label[:count], folds)
    return Split(training, matrix[count:], truth[count:], label[:count].sum() / truth[:count].sum())


def calls(file: str) -> Callable[[int, int], Split]:
    """Return a function that splits the calls of a file, without their length, at random."""
    frame = pd.read_csv(file, keep_default_na=False)
    label = (frame["y"] == "yes").to_numpy(np.int64)
    frame = frame.drop(columns=["dur", "y"])
    texts = [name for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name])]
    design = make_design(frame, list(frame), texts)
    matrix = design.matrix(frame)

    def split(conversions: int, seed: int) -> Split:
        count = round(conversions / label.mean())
        generator = np.random.default_rng([seed, count])
        order = generator.permutation(len(label))
        known, new = order[:count], order[count : count + NEW_ROWS]
        training = TrainingSet(design, matrix[known], label[known], generator.integers(0, FOLDS, count))
        return Split(training, matrix[new], label[new].astype(float))

    return split


def measure_worlds(algorithm: str = "lightgbm") -> Iterator[Row]:
    """Yield a line per base rate: means over made-up worlds, and the standard error of the served slope."""
    for rate in RATES:
        found = []
        for seed in range(WORLDS):
            split = made_up(rate, CONVERSIONS, seed)
            training, true = split.training, split.truth
            fit = cross_fit(algorithm, training)
            one, _ = fit_calibrators(fit.log_odds, training.label, training.folds, training.weight)
            log_odds = np.array([model.log_odds(split.new) for model in fit.models])
            mean = log_odds.mean(axis=0)
            plain, served = one.probability(mean), one.for_mean(log_odds).probability(mean)
            figures = [
                (slope(p, true), best_tenth(p, true) / split.luck, p.mean() / true.mean() / split.luck)
                for p in (plain, served)
            ]
            found.append(np.ravel(figures))
        names = [
            f"{name} {how}" for how in ("as one model", "served") for name in ("slope", "best tenth", "mean")
        ]
        error = np.std(found, axis=0, ddof=1)[3] / np.sqrt(WORLDS)
        yield {"rate": rate, **dict(zip(names, np.mean(found, axis=0), strict=True)), "error of slope": error}


def compare(split: Split, algorithm: str) -> dict[str, tuple[float, float, float]]:
    """Return log loss per conversion of new rows, slope and best tenth of each method, as served."""
    fit = cross_fit(algorithm, split.training)
    log_odds = np.array([model.log_odds(split.new) for model in fit.models])
    found = {}
    for method in MIN_CONVERSIONS:
        one = Calibrator.fit(fit.log_odds, split.training.label, method)
        probability = one.for_mean(log_odds).probability(log_odds.mean(axis=0))
        loss = -(split.truth * np.log(probability) + (1 - split.truth) * np.log1p(-probability)).sum()
        found[method] = (
            float(loss / split.truth.sum()),
            slope(probability, split.truth),
            best_tenth(probability, split.truth) / split.luck,
        )
    return found


def measure_methods(file: str | None = None) -> Iterator[Row]:
    """Yield a line per table, number of conversions and method: what it gains over a logistic curve."""
    tables: dict[str, tuple[Callable[[int, int], Split], str]] = {
        f"made up, {algorithm}": (partial(made_up, METHODS_RATE), algorithm) for algorithm in ALGORITHMS
    }
    if file:
        tables["insurance calls, lightgbm"] = (calls(file), "lightgbm")
    for table, (split, algorithm) in tables.items():
        for conversions in SIZES:
            found = [compare(split(conversions, seed), algorithm) for seed in range(SPLITS)]
            for method in MIN_CONVERSIONS:
                figures = np.array([each[method] for each in found])
                gain = 1_000 * (np.array([each["logistic"][0] for each in found]) - figures[:, 0])
                yield {
                    "table": table,
                    "conversions": conversions,
                    "method": method,
                    "gain": gain.mean(),
                    "error of gain": gain.std(ddof=1) / np.sqrt(SPLITS),
                    "better": f"{(gain > 0).sum()} of {SPLITS}",
                    "slope": figures[:, 1].mean(),
                    "best tenth": figures[:, 2].mean(),
                }


def measure_samples(warehouse: str = "warehouse.duckdb", truths: str = "data/truth") -> Iterator[Row]:
    """Yield a line per sample: the served probabilities of its test rows against the truth."""
    with duckdb.connect(warehouse, read_only=True) as connection:
        for campaign, (files, key) in TRUTHS.items():
            rows = connection.sql(f"""
                select predicted_probability as probability, true_probability as truth
                from results.conversion_scores
                inner join '{truths}/{files}' as truths on entity_id = truths.{key}::varchar
                where campaign = '{campaign}' and split = 'test'
            """).df()
            probability, truth = rows["probability"].to_numpy(), rows["truth"].to_numpy()
            yield {
                "campaign": campaign,
                "slope": slope(probability, truth),
                "best tenth": best_tenth(probability, truth),
                "mean": probability.mean() / truth.mean(),
            }


def measure_estimates() -> Iterator[Row]:
    """Yield a line per change: how often an estimated base rate is used, and would be whatever the power.

    Scores are log-odds with a standard deviation of 1.3, and 9 % convert. Either everybody's move, and
    conversions stay, or twice as many convert.
    """
    changes = {"moved by .1 sd": (0.13, 1.0), "moved by .15 sd": (0.2, 1.0), "twice the rate": (0.0, 2.0)}
    for known_rows, new_rows in ((4_000, 4_000), (20_000, 20_000), (100_000, 100_000)):
        for change, (moved, factor) in changes.items():
            rates, used, would_be_used = [], 0, 0
            for seed in range(DRAWS):
                generator = np.random.default_rng(seed)
                known, new = (generator.normal(-2.9, 1.3, count) for count in (known_rows, 4 * new_rows))
                label = (generator.random(known_rows) < expit(known)).astype(np.int64)
                converts = generator.random(len(new)) < expit(new)
                # as many rows, with `factor` times the conversions
                weight = np.where(converts, factor, (1 - factor * converts.mean()) / (1 - converts.mean()))
                new = generator.choice(new, new_rows, p=weight / weight.sum()) + moved
                estimate, rate = estimate_base_rate(new, known, label), float(label.mean())
                rates.append(estimate.rate)
                used += estimate.rejection_reason(rate) is None
                would_be_used += replace(estimate, power=1.0).rejection_reason(rate) is None
            yield {
                "known and new rows": known_rows,
                "change": change,
                "mean estimate": float(np.mean(rates)),
                "used": used / DRAWS,
                "used whatever the power": would_be_used / DRAWS,
            }


def main() -> None:
    measures: dict[str, Callable[..., Iterator[Row]]] = {
        "worlds": measure_worlds,
        "methods": measure_methods,
        "samples": measure_samples,
        "estimates": measure_estimates,
    }
    name, *arguments = sys.argv[1:]
    print(pd.DataFrame(measures[name](*arguments)).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
