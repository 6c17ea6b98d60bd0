"""Training where a few in ten thousand convert: all rows against a sample, and a base rate that halves.

    .venv/bin/python benchmarks/rare_events.py 10000000
    .venv/bin/python benchmarks/rare_events.py 10000000 all   # and models of all rows: a quarter of an hour

Converters are drawn first, then what they look like: three kinds of them, each with habits of its own in
eight of 30 features. So the true probability of every row is known, at every base rate, and new rows can
have half the base rate while each kind of person looks as before. Average precision and calibration are
measured against the true probability of new rows, which takes the noise of few conversions out.
"""

import argparse
import time
from collections.abc import Iterator
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from python_models.common.campaign import read_campaign
from python_models.common.frames import FOLDS, Design, fold_of
from python_models.conversion.algorithms.base import Size
from python_models.conversion.algorithms.lightgbm import rare_presets
from python_models.conversion.fitted import FittedModel
from python_models.conversion.fitting import TrainingSet, fit_fold
from python_models.conversion.sampling import training_sample
from python_models.conversion.training import train

BASE_RATE = 0.0000981
FEATURES = 30
CHUNK = 500_000
NEW_ROWS = 1_000_000
META: dict[str, Any] = {
    "campaign": "rare",
    "entity": "device_id",
    "title": "Rare events",
    "question": "Who converts?",
    "source": "made up",
    "source_note": "Made up.",
    "label": "has_converted",
    "candidates": ["lightgbm_rare"],
}


def habits() -> np.ndarray:
    """Mean of each feature for each kind of converter; 0 is everybody else's."""
    generator = np.random.default_rng(1)
    means = np.zeros((3, FEATURES))
    for kind in range(3):
        means[kind, generator.choice(FEATURES, 8, replace=False)] = generator.normal(0, 0.8, 8)
    return means


def people(rows: int, base_rate: float, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Features (rows x features), outcome and true probability, a chunk at a time."""
    means = habits()
    for number, first in enumerate(range(0, rows, CHUNK)):
        generator = np.random.default_rng([seed, number])
        count = min(CHUNK, rows - first)
        label = generator.random(count) < base_rate
        matrix = generator.standard_normal((count, FEATURES), dtype=np.float32)
        matrix[label] += means[generator.integers(0, 3, label.sum())]
        likeness = np.exp(matrix @ means.T - (means**2).sum(axis=1) / 2).mean(axis=1)
        yield matrix, label, base_rate * likeness / (base_rate * likeness + 1 - base_rate)


def write_mart(connection: duckdb.DuckDBPyConnection, rows: int, new_rows: int, rate: float) -> None:
    """Training rows, and new rows of another base rate whose outcome is not known."""
    columns = ", ".join(f"x{i} float" for i in range(FEATURES))
    connection.execute(
        f"create table mart (device_id bigint, {columns}, has_converted boolean, split varchar)"
    )
    done = 0
    for split, seed, count, base_rate in [("train", 2, rows, BASE_RATE), ("score", 3, new_rows, rate)]:
        for matrix, label, _ in people(count, base_rate, seed):
            chunk = pa.table(
                {"device_id": np.arange(done, done + len(label))}
                | {f"x{i}": matrix[:, i] for i in range(FEATURES)}
                | {"has_converted": label if split == "train" else pa.nulls(len(label), pa.bool_())}
                | {"split": [split] * len(label)}
            )
            connection.register("chunk", chunk)
            connection.execute("insert into mart from chunk")
            done += len(label)


def expected_average_precision(score: np.ndarray, truth: np.ndarray) -> float:
    """Average precision when each row converts with its true probability."""
    best_first = truth[np.argsort(-score, kind="stable")]
    found = best_first.cumsum()
    return float((best_first * found / np.arange(1, len(found) + 1)).sum() / found[-1])


def predicted(model: FittedModel, rows: int, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Probability of new rows by the model, and the true one."""
    parts = [
        (model.in_service.score_new(matrix.astype(float)), truth)
        for matrix, _, truth in people(rows, rate, seed=3)
    ]
    scores, truths = zip(*parts, strict=True)
    return np.concatenate(scores), np.concatenate(truths)


def compare_with_all(mart: duckdb.DuckDBPyRelation) -> None:
    """Five folds' models, of a sample and of all rows: CPU seconds and average precision on new rows."""
    chunks = list(people(NEW_ROWS, BASE_RATE, seed=3))
    matrix = np.concatenate([part for part, _, _ in chunks]).astype(float)
    truth = np.concatenate([part for _, _, part in chunks])
    limit = expected_average_precision(truth, truth)
    names = [f"x{i}" for i in range(FEATURES)]
    for declared in ({"negatives_per_positive": 100}, {}):
        start = time.process_time()
        campaign = read_campaign(META | declared)
        taken = training_sample(mart, campaign)
        rows = mart.filter(f"split = 'train' and {taken.condition}").to_arrow_table()
        label = rows["has_converted"].cast("int64").to_numpy()
        kept_share = 1.0 if taken.negatives is None else int((label == 0).sum()) / taken.negatives
        values = np.column_stack([rows[name].to_numpy() for name in names]).astype(float)
        training = TrainingSet(
            Design(names), values, label, fold_of(rows["device_id"].to_numpy()), None, kept_share
        )
        [settings] = rare_presets(Size(len(label), int(label.sum()), FEATURES))
        scores = [
            fit_fold("lightgbm_rare", training, fold, "none", settings).log_odds(matrix)
            for fold in range(FOLDS)
        ]
        seconds = time.process_time() - start
        shares = [expected_average_precision(score, truth) / limit for score in scores]
        mean = expected_average_precision(np.mean(scores, axis=0), truth) / limit
        print(
            f"{len(label):,} rows: {seconds:.1f} CPU s; average precision {mean:.1%} of the truth's, of the "
            f"folds' models alone {min(shares):.1%} to {max(shares):.1%}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", type=int)
    parser.add_argument("all", nargs="?")
    arguments = parser.parse_args()
    connection = duckdb.connect()
    connection.execute("set memory_limit = '8GB'; set threads = 2")
    write_mart(connection, arguments.rows, NEW_ROWS, BASE_RATE / 2)
    mart = connection.table("mart")
    half = BASE_RATE / 2
    ways: dict[str, dict[str, Any]] = {
        "100 negatives per positive": {"negatives_per_positive": 100},
        "the same, half the base rate stated": {"negatives_per_positive": 100, "expected_base_rate": half},
        "the same, base rate estimated": {"negatives_per_positive": 100, "expected_base_rate": "estimated"},
    }
    if arguments.all:
        compare_with_all(mart)
        return
    for name, declared in ways.items():
        start = time.process_time()
        row = train(mart, META | declared).to_pylist()[0]
        seconds = time.process_time() - start
        if row["refused_reason"]:
            print(f"{name}: refused: {row['refused_reason']}")
            continue
        model = FittedModel.from_text(row["model_body"])
        rate = half if "expected_base_rate" in declared else BASE_RATE
        score, truth = predicted(model, NEW_ROWS, rate)
        precision, limit = expected_average_precision(score, truth), expected_average_precision(truth, truth)
        print(
            f"{name}: {row['training_rows']:,} rows, {row['training_positives']} conversions, {seconds:.1f} "
            f"CPU s; average precision {precision:.4f} = {precision / limit:.1%} of the truth's; "
            f"predicted over true {score.mean() / truth.mean():.3f}"
        )
        if row["estimated_base_rate"] is not None:
            print(
                f"  estimated {row['estimated_base_rate']:.3g} ({row['estimated_lower']:.3g} to "
                f"{row['estimated_upper']:.3g}), true {half:.3g}: {row['assumed_because']}"
            )


if __name__ == "__main__":
    main()
