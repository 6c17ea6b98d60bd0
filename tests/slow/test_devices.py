"""Scoring in bulk, killed at seeded moments, goes on to the same scores."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq

from tests.unit.test_devices import COLUMNS, expected, score_folder, scores, small_champion, write_buckets
from tests.unit.test_training import clients


def test_a_killed_run_goes_on_to_the_same_scores(tmp_path: Path) -> None:
    """Killed at seeded moments while it scores: what has its name is whole, and the end is the same."""
    champion = small_champion()
    warehouse = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create schema results")
        connection.execute(
            "create table results.conversion_models as select ? as campaign, true as is_champion, ? as "
            "model_version, ? as model_body, null as refused_reason, ? as declaration, 1 as trained_at",
            [champion.campaign, champion.version, champion.body, json.dumps({"entity": "client_id"})],
        )
        connection.execute(
            "create table results.conversion_policies as select 'clients' as campaign, 4e-1 as threshold"
        )
    frame = clients(240_000)[COLUMNS]
    folder = write_buckets(tmp_path / "in", frame, 30)
    score_folder(champion, folder, tmp_path / "calm")
    calm = {file.name: pq.read_table(file) for file in (tmp_path / "calm").rglob("*.parquet")}
    generator = random.Random(5)  # noqa: S311
    arguments = ["--campaign", "clients", "--from", str(folder), "--to", str(tmp_path / "out")]
    finished = []
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-m", "python_models", "score-devices", *arguments],
            env=os.environ | {"LEADLIGHT_WAREHOUSE": str(warehouse)},
            stderr=subprocess.PIPE,
        )
        files = len(list(tmp_path.glob("out/*/*/*.parquet")))
        while process.poll() is None and len(list(tmp_path.glob("out/*/*/*.parquet"))) == files:
            time.sleep(0.005)
        time.sleep(generator.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        _, said = process.communicate()
        assert process.returncode == -signal.SIGKILL, said
        found = {file.name: pq.read_table(file) for file in tmp_path.glob("out/*/*/*.parquet")}
        assert all(table.equals(calm[name]) for name, table in found.items())
        finished.append(len(found))
    assert 0 < finished[0] < finished[1] < len(calm)
    said = score_folder(champion, folder, tmp_path / "out")
    assert "were there" in said[0]
    assert {file.name: pq.read_table(file) for file in (tmp_path / "out").rglob("*.parquet")} == calm
    np.testing.assert_array_equal(
        scores(tmp_path / "out")["predicted_probability"], expected(champion, frame)
    )
