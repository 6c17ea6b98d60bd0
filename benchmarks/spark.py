"""Seconds of `display_ads` from raw files to scores on Spark: `python benchmarks/spark.py 1000000`.

The whole command, Spark's start and training included, and each model's part of it. `LEADLIGHT_SPARK_MASTER`
names another master than local[2].
"""

import json
import sys
import tempfile
from pathlib import Path

from staging_to_features import run

from python_models.inputs.samples import write_sample

MODELS = ["path:models/staging/display_ads", "path:models/campaigns/display_ads"]
NEEDLESS = ["display_ads_reasons", "display_ads_topic_counts"]


def main() -> None:
    for size in map(int, sys.argv[1:]):
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(folder), size)


def measure(folder: Path, size: int) -> None:
    """Write a sample of that size, build it and print the seconds."""
    write_sample("display_ads", folder / "data/display_ads/default", folder / "truth", size)
    options = ("--target", "spark", "--exclude", *NEEDLESS)
    seconds, _ = run(folder, MODELS, options)
    results = json.loads((folder / "target/run_results.json").read_text())["results"]
    models = {
        result["unique_id"].split(".")[-1]: result["execution_time"]
        for result in results
        if result["unique_id"].startswith("model.")
    }
    training = models["display_ads_model"]
    print(f"display_ads {size:,} on Spark: whole command {seconds:.1f} s, of it training {training:.1f} s")
    for name, spent in sorted(models.items(), key=lambda model: -model[1]):
        print(f"  {name}: {spent:.1f} s")


if __name__ == "__main__":
    main()
