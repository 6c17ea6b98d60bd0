"""Seconds and peak memory from raw files to a feature mart, by size.

`python benchmarks/staging_to_features.py display_ads 1000000 10000000` writes samples of these sizes;
`... online_retail FILE` and `... mail_out FILE` read a file of one's own. `LEADLIGHT_MEMORY` limits DuckDB.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from python_models.inputs.samples import write_sample

REPOSITORY = Path(__file__).resolve().parents[1]
MODELS = {
    "display_ads": ["staging.display_ads", "campaigns.display_ads"],
    "mail_out": ["staging.mail_out", "campaigns.mail_out"],
    "online_retail": [
        "staging.online_retail",
        "transactions",
        "products",
        "product_clusters",
        "product_groups",
        "customers",
        "customer_spending",
        "customer_product_mix",
        "online_retail_features",
    ],
}


def main() -> None:
    source, *sizes = sys.argv[1:]
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(folder), source, size)


def measure(folder: Path, source: str, size: str) -> None:
    """Put the input in place, build what the mart does not share with other sources, then time the rest."""
    own = folder / "data" / source
    if size.isdigit():
        write_sample(source, own / "default", folder / "truth", int(size))
    else:
        own.mkdir(parents=True)
        (own / Path(size).name).symlink_to(Path(size).resolve())
    if source == "online_retail":
        for other in ("app_install", "coupon", "insurance", "mail_out"):
            (folder / "data" / other).symlink_to(REPOSITORY / "data/raw" / other)
        run(folder, ["+customers", "+transactions", "+products"])
    seconds, peak = run(folder, MODELS[source])
    print(
        f"{source} {size}: models {model_seconds(folder):.1f} s, whole command {seconds:.1f} s, "
        f"peak {peak / 2**20:.2f} GiB",
        flush=True,
    )


def model_seconds(folder: Path) -> float:
    """From the start of the first model to the end of the last: without dbt's start and the publishing."""
    results = json.loads((folder / "target/run_results.json").read_text())["results"]
    times = [
        datetime.fromisoformat(step[moment].replace("Z", "+00:00"))
        for result in results
        if result["unique_id"].startswith("model.")
        for step in result["timing"]
        for moment in ("started_at", "completed_at")
    ]
    return (max(times) - min(times)).total_seconds()


def run(folder: Path, models: list[str], options: tuple[str, ...] = ()) -> tuple[float, float]:
    """Wall seconds and peak memory (KiB) of `dbt run --select models`, dbt's start included."""
    return dbt(folder, ["run", *options, "--select", *models])


def dbt(folder: Path, command: list[str]) -> tuple[float, float]:
    """Wall seconds and peak memory (KiB) of a dbt command on a folder's data and warehouse."""
    environment = os.environ | {
        "DBT_PROJECT_DIR": str(REPOSITORY / "dbt_project"),
        "DBT_PROFILES_DIR": str(REPOSITORY),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "LEADLIGHT_DATA": "data",
        "LEADLIGHT_WAREHOUSE": "warehouse.duckdb",
        "LEADLIGHT_SPARK_FOLDER": ".spark",
        "LEADLIGHT_SPARK_CATALOG": "in-memory",
    }
    program = str(Path(sys.executable).with_name("dbt"))
    started = time.perf_counter()
    process = subprocess.Popen([program, "--quiet", *command], cwd=folder, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"dbt failed: {' '.join(command)}")
    return time.perf_counter() - started, usage.ru_maxrss


if __name__ == "__main__":
    main()
