"""From a table of 100,000 rows to scores and segments: `new`, then `dbt build`, in seconds.

    .venv/bin/python benchmarks/new_campaign.py [rows]

Works in a copy of dbt's project and of the working warehouse, which `make build` has made; changes neither.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

REPOSITORY = Path(__file__).resolve().parents[1]
PROGRAMS = Path(sys.executable).parent


def table(columns: int) -> str:
    """Query for people, what is known of them, and who converted: some 6 in 100, by three of the columns."""
    codes = ", ".join(
        f"hash(i, {number}) % {3 + number % 40} as column_{number}" for number in range(columns)
    )
    return f"""
        select
            'C' || i as customer_id, {codes},
            ['north', 'south', 'west'][1 + (hash(i, -1) % 3)::int] as region,
            date '2026-01-01' + (i // 500)::int as mailed_on,
            hash(i, -2) % 1000 < 30 + 3 * column_5 + 2 * column_9 + 20 * (region = 'west')::int as converted,
        from range({{rows}}) as people (i)
    """


def measure(name: str, columns: int, rows: int) -> str:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        ignored = shutil.ignore_patterns("target", "logs")
        shutil.copytree(REPOSITORY / "dbt_project", folder / "dbt_project", ignore=ignored)
        shutil.copy(REPOSITORY / "profiles.yml", folder)
        for working in REPOSITORY.glob("warehouse.duckdb*.working"):
            shutil.copy(working, folder)
        duckdb.sql(f"copy ({table(columns).format(rows=rows)}) to '{folder}/{name}.csv'")
        environment = os.environ | {"DBT_PROJECT_DIR": "dbt_project", "PYTHONPATH": str(REPOSITORY)}
        build = ["build", "--quiet", "--select", f"+{name}_scores", f"+{name}_segments"]
        seconds = []
        for command in (
            [sys.executable, "-m", "python_models", "new", name, "--from", f"{name}.csv"],
            [PROGRAMS / "dbt", *build],
        ):
            start = time.perf_counter()
            subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
            seconds.append(time.perf_counter() - start)
        with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
            scored = connection.sql(
                f"select count(predicted_probability) from campaigns.{name}_scores"
            ).fetchone()
    assert scored == (rows,)
    new, built = seconds
    return f"| {rows:,} rows, {columns + 4} columns | {new:.1f} | {built:.1f} | {new + built:.1f} |"


if __name__ == "__main__":
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    print("| table | new, s | dbt build, s | together, s |\n|---|---|---|---|")
    for name, columns in (("narrow", 20), ("wide", 200)):
        print(measure(name, columns, size), flush=True)
