"""Whether probabilities of new rows are spread out as they should be, and how often `estimated` is wrong.

    .venv/bin/python benchmarks/calibration.py [warehouse.duckdb [FOLDER/truth]]

Slopes are those of a logistic regression of the true chance on the log-odds of the probability; the best
tenth is predicted over true conversions. 1 is right for both. Made-up customers first, with about 300
conversions at rates of 1 to 20 %: as a single model's calibration would have it, and as served. Then test
rows of the samples in a warehouse, against the chance that they were drawn with. Last, how often a base
rate estimated from scores is used where people changed and the rate did not, and where the rate did.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace

import duckdb
import numpy as np
import pandas as pd
from samples import TRUTHS
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from python_models.common.frames import FOLDS, make_design
from python_models.conversion.base_rates import estimate_base_rate
from python_models.conversion.calibration import fit_calibrators
from python_models.conversion.fitting import TrainingSet, cross_fit

ROWS = {0.01: 30_000, 0.02: 15_000, 0.05: 6_000, 0.1: 3_000, 0.2: 1_500}
NEW_ROWS = 10_000
FEATURES = 20
WORLDS = 8
DRAWS = 20


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


def measure_worlds(algorithm: str = "lightgbm") -> Iterator[dict[str, float | str]]:
    """Yield a line per base rate: means over made-up worlds, and the standard error of the served slope."""
    for rate, count in ROWS.items():
        found = []
        for seed in range(WORLDS):
            matrix, truth, label = draw(count + NEW_ROWS, rate, seed)
            frame = pd.DataFrame(matrix[:count]).add_prefix("x")
            folds = np.random.default_rng(seed).integers(0, FOLDS, count)
            design = make_design(frame, list(frame), [])
            training = TrainingSet(design, matrix[:count], label[:count], folds)
            fit = cross_fit(algorithm, training)
            one, _ = fit_calibrators(fit.log_odds, training.label, folds, training.weight)
            log_odds = np.array([model.log_odds(matrix[count:]) for model in fit.models])
            mean, true = log_odds.mean(axis=0), truth[count:]
            plain, served = one.probability(mean), one.for_mean(log_odds).probability(mean)
            figures = [(slope(p, true), best_tenth(p, true), p.mean() / true.mean()) for p in (plain, served)]
            found.append(np.ravel(figures))
        names = [
            f"{name} {how}" for how in ("as one model", "served") for name in ("slope", "best tenth", "mean")
        ]
        error = np.std(found, axis=0, ddof=1)[3] / np.sqrt(WORLDS)
        yield {"rate": rate, **dict(zip(names, np.mean(found, axis=0), strict=True)), "error of slope": error}


def measure_samples(warehouse: str, truths: str) -> Iterator[dict[str, float | str]]:
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


def measure_estimates() -> Iterator[dict[str, float | str]]:
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


def main(warehouse: str = "warehouse.duckdb", truths: str = "data/truth") -> None:
    for lines in (measure_worlds(), measure_samples(warehouse, truths), measure_estimates()):
        print(pd.DataFrame(lines).round(3).to_string(index=False), end="\n\n", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
