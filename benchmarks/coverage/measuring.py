"""The project's own SQL on made-up tables, and how often an interval holds the truth."""

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks.forecasts import empty_database

REPOSITORY = Path(__file__).resolve().parents[2]
DRAWS = 300
# The fewest bootstrap replicates for a 95 % interval: their minimum and maximum are its bounds.
REPLICATES = 39
SELECTED = (
    "results.evaluation",
    "results.converters",
    "audience_evidence",
    "audiences",
    "campaign_lift",
    "contact_payoff",
    "track_record",
    "conversion_base_rates",
    "realised_performance",
    "segments",
)


class Coverage(NamedTuple):
    """One interval: table and column, what the made-up rows are like, and how often it held the truth."""

    interval: str
    rows: str
    unit: str
    method: str
    nominal: float
    draws: int
    measured: float
    error: float

    @property
    def verdict(self) -> str:
        """Return whether the interval misses its nominal coverage by more than three standard errors.

        They are those at nominal coverage: draws without a miss have none.
        """
        variance, nominal_variance = (share * (1 - share) for share in (self.measured, self.nominal))
        design_effect = self.draws * self.error**2 / variance if variance else 1
        if abs(self.measured - self.nominal) <= 3 * np.sqrt(design_effect * nominal_variance / self.draws):
            return "as stated"
        return "too narrow" if self.measured < self.nominal else "too wide"

    @property
    def cells(self) -> list[str]:
        """Return the cells of its line in the table of all kinds of made-up rows."""
        measured = _percent(f"{self.measured:.1%} ± {self.error:.1%}")
        return [
            *map(_percent, self[:4]),
            _percent(f"{self.nominal:.0%}"),
            str(self.draws),
            measured,
            self.verdict,
        ]


def _percent(text: str) -> str:
    return re.sub(r"(?<=\d)%", " %", text)


def summarise(found: list[Coverage]) -> list[list[str]]:
    """Return the cells of a line for each interval and method: coverage of all kinds of made-up rows."""
    groups: dict[tuple[str, str], list[Coverage]] = {}
    for row in found:
        groups.setdefault((row.interval.split(":")[0], row.method), []).append(row)
    lines = []
    for (interval, method), rows in groups.items():
        lowest, highest = min(row.measured for row in rows), max(row.measured for row in rows)
        measured = f"{lowest:.1%}" + (f" to {highest:.1%}" if highest > lowest else "")
        units = " or ".join(dict.fromkeys(row.unit.split(",")[0] for row in rows))
        draws = f"{len(rows)} x {min(row.draws for row in rows)}" if len(rows) > 1 else str(rows[0].draws)
        verdicts = Counter(row.verdict for row in rows)
        verdict = (
            "; ".join(f"{each} in {count}" for each, count in verdicts.items())
            if len(verdicts) > 1
            else rows[0].verdict
        )
        lines.append([interval, units, method, f"{rows[0].nominal:.0%}", draws, measured, verdict])
    return [[_percent(cell) for cell in line] for line in lines]


def coverage_of(
    names: tuple[str, str, str, str], draw: pd.Series, is_covered: pd.Series, nominal: float = 0.95
) -> Coverage:
    """Return the coverage of an interval; `names` are interval, rows, unit and method.

    Intervals of one draw (bins, categories) may depend on each other: draws give the standard error.
    """
    by_draw = is_covered.groupby(draw).mean()
    error = by_draw.std() / np.sqrt(len(by_draw))
    return Coverage(*names, nominal, len(by_draw), float(by_draw.mean()), float(error))


def is_within(
    rows: pd.DataFrame, truth: pd.Series | float, lower: str = "lower", upper: str = "upper"
) -> pd.Series:
    return (rows[lower] <= truth) & (truth <= rows[upper])


def compile_models(folder: Path) -> Path:
    """Let dbt compile the models with intervals beside an empty warehouse; return the compiled models."""
    environment = os.environ | {
        "DBT_PROJECT_DIR": "dbt_project",
        "DBT_PROFILES_DIR": ".",
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "LEADLIGHT_WAREHOUSE": str(folder / "warehouse.duckdb"),
    }
    dbt = Path(sys.executable).with_name("dbt")
    variables = f"bootstrap_replicates: {REPLICATES}"
    command = [dbt, "--quiet", "compile", "--vars", variables, "--select", *SELECTED]
    subprocess.run(command, cwd=REPOSITORY, env=environment, check=True, stdout=subprocess.DEVNULL)
    return folder / "target/compiled/leadlight/models"


def build(compiled: Path, models: list[str], tables: dict[str, pd.DataFrame]) -> list[pd.DataFrame]:
    """Build models of results one after the other; `tables` are those that the first ones read."""
    return run({Path(model).name: read(compiled, model) for model in models}, tables)


def read(compiled: Path, model: str) -> str:
    return (compiled / f"results/{model}.sql").read_text()


def run(queries: dict[str, str], tables: dict[str, pd.DataFrame]) -> list[pd.DataFrame]:
    """Run queries one after the other, each a table of results by its name, on these tables."""
    with empty_database() as connection:
        for name, frame in tables.items():
            schema, _, table = name.rpartition(".")
            connection.register("frame", frame)
            connection.execute(f"create schema if not exists {schema or 'results'}")
            connection.execute(f"create table {schema or 'results'}.{table} as from frame")
            connection.unregister("frame")
        for name, query in queries.items():
            connection.execute(f"create table results.{name} as {query}")
        return [connection.sql(f"from results.{name}").df() for name in queries]
