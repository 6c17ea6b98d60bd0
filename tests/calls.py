"""Raw data that changes from build to build, for tests of what is published."""

import csv
import gzip
from pathlib import Path

import duckdb

from tests.support import Dbt

CALLS = 4_521
SELECTED = ["base_insurance__calls", "stg_insurance__calls", "insurance_features", "insurance_scores"]
SELECTED += ["conversion_scores"]


class Calls:
    """A file of calls that grows by one from build to build, and a `dbt` that builds it."""

    def __init__(self, data: Path, default_data: Path, dbt: Dbt):
        self.dbt = dbt
        with gzip.open(default_data / "insurance/default/bank-uci.csv.gz", "rt") as file:
            self.rows = list(csv.reader(file))
        (data / "insurance").mkdir(parents=True)
        self.file = data / "insurance/own.csv"
        self.write()

    def write(self) -> None:
        with self.file.open("w", newline="") as file:
            csv.writer(file).writerows(self.rows)

    def grow(self) -> int:
        """Add a call; how many there are."""
        self.rows.append([str(10_000_000 + len(self.rows)), *self.rows[-1][1:]])
        self.write()
        return len(self.rows) - 1


def counts(warehouse: Path) -> set[int]:
    """How many calls each published table knows."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        rows = connection.sql("""
            select count(*) from staging.stg_insurance__calls
            union all select count(*) from campaigns.insurance_features
            union all select count(*) from campaigns.insurance_scores
            union all select count(*) from results.conversion_scores where campaign = 'insurance'
        """).fetchall()
    return {count for (count,) in rows}
