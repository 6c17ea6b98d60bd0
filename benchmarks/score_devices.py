"""What scoring devices in bulk costs: rows a second, peak memory, kills, and smaller ensembles.

    python benchmarks/score_devices.py rows 1000000 10000000 100000000
    python benchmarks/score_devices.py rows 10000000 --only compiled --workers 2
    python benchmarks/score_devices.py routing 10000000
    python benchmarks/score_devices.py kills 4000000
    python benchmarks/score_devices.py trees

`rows`: devices with a key of 16 letters, 20 numbers of 32 bits and 10 of 64, in Parquet files of half a
million, scored by 200 trees of 31 leaves, Parquet to Parquet; "floor" is the same with a model of a single
leaf. Wall and CPU seconds include the start of Python, its imports and compiling. Over ten million, the files
of ten million are there several times under other names.

`routing`: the same rows in a single file, so that they are routed into buckets first.

`kills`: killed at ten random moments while scoring 40 files, then compared, byte by byte, with a calm run.

`trees`: ensembles of fewer trees and leaves, on held-out rows of a written-down truth.
"""

import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import lightgbm as lgb
import numpy as np
from scipy.special import expit
from sklearn.metrics import average_precision_score, log_loss

from python_models.common.frames import Design
from python_models.common.warehouse import Champion
from python_models.conversion.algorithms.lightgbm import LightGBM
from python_models.conversion.calibration import Calibrator
from python_models.conversion.fitted import FittedModel
from python_models.conversion.fitting import FoldModel
from python_models.conversion.one_rule import OneRule
from python_models.delivery.bulk.compiled_trees import Trees, is_available
from python_models.delivery.bulk.scoring import file_rows, score_rows
from python_models.delivery.bulk.workers import read, read_matrix

FILE_ROWS = 500_000
DISTINCT_ROWS = 10_000_000
COLUMNS = [f"weight_{number:02d}" for number in range(20)] + [f"rate_{number:02d}" for number in range(10)]
DESIGN = Design(COLUMNS)
TREES, LEAVES = 200, 31


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=["rows", "routing", "kills", "trees", "score"])
    parser.add_argument("sizes", nargs="*")
    parser.add_argument("--only", choices=["lightgbm", "compiled", "floor"])
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    if given.what == "score":
        score(*given.sizes)
        return
    with tempfile.TemporaryDirectory(dir=os.environ.get("LEADLIGHT_SCRATCH")) as folder:
        if given.what == "trees":
            trees(Path(folder))
        for size in map(int, given.sizes):
            if given.what == "rows":
                rows(Path(folder), size, given.only, given.workers)
            elif given.what == "routing":
                routing(Path(folder), size, given.workers)
            else:
                kills(Path(folder), size)


def rows(folder: Path, size: int, only: str | None, workers: int) -> None:
    """Print rows a second and memory of each way of scoring, beside the floor."""
    devices = make_devices(folder / "devices", size)
    model, leaf = make_models(folder, devices)
    ways = {"lightgbm": (model, "0"), "compiled": (model, "1"), "floor": (leaf, "0")}
    for way, (body, is_compiled) in ways.items():
        if (way == "compiled" and not is_available()) or (only or way) != way:
            continue
        measure(way, size, devices, body, folder / "scored", is_compiled, workers)
    shutil.rmtree(devices)


def routing(folder: Path, size: int, workers: int) -> None:
    """Print what it costs to route the rows of a file that is no bucket."""
    devices = make_devices(folder / "devices", size)
    model, _ = make_models(folder, devices)
    single = folder / "single"
    single.mkdir()
    duckdb.execute(f"copy (from read_parquet('{devices}/*.parquet')) to '{single}/devices.parquet'")
    measure("routed", size, single, model, folder / "scored", str(int(is_available())), workers)


def make_devices(folder: Path, size: int, file_rows: int = FILE_ROWS) -> Path:
    """Write devices into files of buckets; the log-odds of the truth are in a column that no model reads."""
    folder.mkdir()
    connection = duckdb.connect(config={"memory_limit": "2GB"})
    numbers = [f"random_{i}" for i in range(30)]
    drawn = ", ".join(f"(hash(device, {i}) >> 11) / 2.0 ** 53 as {name}" for i, name in enumerate(numbers))
    columns = [
        # a device has some of the interests
        *(
            f"cast(round(greatest(0, random_{i} * 4 - {i % 4}), 3) as float) as {COLUMNS[i]}"
            for i in range(20)
        ),
        *(f"round(random_{i} * random_{i - 20}, 6) as {COLUMNS[i]}" for i in range(20, 30)),
    ]
    truth = """
        -9 + 0.8 * weight_00 + 0.5 * weight_04 * (weight_08 > 0.5)::int + 2 * rate_00 - 1.5 * rate_05
        + sin(3 * weight_12) + (weight_01 > 0.7)::int * (rate_01 > 0.3)::int + 0.3 * weight_16 * rate_02
        as log_odds
    """
    distinct = min(size, DISTINCT_ROWS)
    for number, start in enumerate(range(0, distinct, file_rows)):
        connection.execute(f"""
            copy (
                with devices as (
                    select range as device from range({start}, {min(start + file_rows, distinct)})
                ),
                drawn as (select device, {drawn} from devices),
                features as (
                    select left(md5(device::varchar), 16) as device_id, {", ".join(columns)} from drawn
                )
                select *, {truth} from features
            ) to '{folder}/bucket-{number:04d}.parquet' (format parquet)
        """)
    files = sorted(folder.iterdir())
    for copy in range(1, -(-size // distinct)):
        for number, file in enumerate(files):
            os.link(file, folder / f"bucket-{copy * len(files) + number:04d}.parquet")
    return folder


def make_models(folder: Path, devices: Path) -> tuple[Path, Path]:
    """Files of a model of 200 trees and of one of a single leaf."""
    matrix, label, _ = sample(devices / "bucket-0000.parquet", 100_000)
    paths = folder / "model.json", folder / "leaf.json"
    paths[0].write_text(as_body(fit(matrix, label, TREES, LEAVES)))
    paths[1].write_text(as_body(fit(matrix[:100], label[:100], 1, 2)))
    return paths


def sample(file: Path, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Matrix, drawn outcome and true probability of the first rows of a file."""
    matrix = np.concatenate([read_matrix(batch, DESIGN) for batch in read(file, "device_id", DESIGN)])
    query = f"select log_odds from read_parquet('{file}', file_row_number = true) order by file_row_number"
    truth = expit(duckdb.sql(query).fetchnumpy()["log_odds"])
    label = np.random.default_rng(1).random(len(truth)) < truth
    return matrix[:count], label[:count].astype(int), truth[:count]


def fit(matrix: np.ndarray, label: np.ndarray, trees: int, leaves: int) -> lgb.Booster:
    """Fit an ensemble; the fewer the trees, the higher the learning rate."""
    settings = {"objective": "binary", "num_leaves": leaves, "learning_rate": min(0.5, 10 / trees)}
    settings |= {"min_data_in_leaf": 100, "verbose": -1, "num_threads": 2, "seed": 1, "deterministic": True}
    return lgb.train(settings, lgb.Dataset(matrix, label), num_boost_round=trees)


def as_body(booster: lgb.Booster) -> str:
    calibrator = Calibrator(1.0, 0.0)
    fold = FoldModel("lightgbm", LightGBM(booster))
    rule = OneRule(Design(COLUMNS[:1]), [])
    return FittedModel(DESIGN, [fold], [calibrator], calibrator, rule, 0.02).to_text()


def score(devices: str, body: str, target: str, is_compiled: str, workers: str) -> None:
    """Score a folder: the step that is measured."""
    champion = Champion("display_ads", "0" * 12, Path(body).read_text(), 0.1, "device_id", None)
    found = file_rows(Path(devices), champion)
    for line in score_rows(champion, found, Path(target), int(workers), is_compiled == "1"):
        print("   ", line, flush=True)


def start(*arguments: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, __file__, "score", *map(str, arguments)]
    return subprocess.Popen(command)


def measure(
    way: str, size: int, devices: Path, body: Path, target: Path, is_compiled: str, workers: int
) -> None:
    """Run once, print rows a second, CPU seconds and the highest memory."""
    begun = time.perf_counter()
    _, status, usage = os.wait4(start(devices, body, target, is_compiled, workers).pid, 0)
    seconds = time.perf_counter() - begun
    assert status == 0
    cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024
    written = sum(file.stat().st_size for file in target.rglob("*.parquet"))
    print(
        f"{way} {size:,} rows: {seconds:.1f} s, {size / seconds:,.0f} rows/s, {cpu:.1f} CPU s, "
        f"peak {peak / 2**30:.2f} GiB, {written / size:.1f} bytes a row written",
        flush=True,
    )
    shutil.rmtree(target)


def kills(folder: Path, size: int, count: int = 10) -> None:
    """Kill at random moments while scoring, go on, and compare with an undisturbed run."""
    devices = make_devices(folder / "devices", size, size // 40)
    model, _ = make_models(folder, devices)
    calm, killed = folder / "calm", folder / "killed"
    begun = time.perf_counter()
    assert start(devices, model, calm, 0, 2).wait() == 0
    seconds = time.perf_counter() - begun
    expected = digests(calm)
    generator = random.Random(20260101)  # noqa: S311
    done = 0
    while done < count:
        process = start(devices, model, killed, 0, 2)
        while process.poll() is None and not list(killed.rglob(".unfinished/*.parquet")):
            time.sleep(0.02)
        time.sleep(generator.uniform(0, seconds / 5))
        if process.poll() is not None:
            assert process.returncode == 0
            assert digests(killed) == expected
            shutil.rmtree(killed)
            continue
        process.send_signal(signal.SIGKILL)
        process.wait()
        done += 1
        partial = digests(killed)
        assert all(expected[name] == digest for name, digest in partial.items())
        print(
            f"kill {done}: {len(partial)} of {len(expected)} files finished, each as it should be", flush=True
        )
    assert start(devices, model, killed, 0, 2).wait() == 0
    assert digests(killed) == expected
    assert not list(killed.rglob(".unfinished/*"))
    print(f"after {count} kills: {len(expected)} files, byte by byte those of the undisturbed run")


def digests(folder: Path) -> dict[str, str]:
    """Hash of each file of scores."""
    files = sorted(path for path in folder.glob("*/*/*.parquet"))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def trees(folder: Path) -> None:
    """Print speed and quality of ensembles, on one core and in memory."""
    devices = make_devices(folder / "devices", 2 * FILE_ROWS)
    matrix, label, _ = sample(devices / "bucket-0000.parquet", FILE_ROWS)
    held_out, outcome, truth = sample(devices / "bucket-0001.parquet", FILE_ROWS)
    print(f"the truth itself: {quality(outcome, truth)}")
    for leaves in (31, 15, 7):
        for number in (200, 100, 50, 25) if leaves == 31 else (200, 50):
            booster = fit(matrix, label, number, leaves)
            seconds, raw = timed(lambda: booster.predict(held_out, raw_score=True, num_threads=1))  # noqa: B023
            speeds = f"rows a CPU s: LightGBM {FILE_ROWS / seconds:,.0f}"
            if is_available():
                arrays = Trees.of(booster.model_to_string())
                arrays.sums(held_out[:10])
                quick, sums = timed(lambda: arrays.sums(held_out))  # noqa: B023
                np.testing.assert_array_equal(raw, sums)
                speeds += f", compiled {FILE_ROWS / quick:,.0f}"
            print(f"{number} trees x {leaves} leaves: {quality(outcome, expit(raw))}; {speeds}", flush=True)


def quality(outcome: np.ndarray, probability: np.ndarray) -> str:
    precision = average_precision_score(outcome, probability)
    return f"average precision {precision:.4f}, log loss {log_loss(outcome, probability):.5f}"


def timed(run: object) -> tuple[float, np.ndarray]:
    """CPU seconds of a call, the better of two, and what it gave."""
    seconds = []
    for _ in range(2):
        begun = time.process_time()
        result = run()  # type: ignore[operator]
        seconds.append(time.process_time() - begun)
    return min(seconds), result


if __name__ == "__main__":
    main()
