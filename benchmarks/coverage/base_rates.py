"""Base rates that a training estimates for rows without an outcome: `conversion_models.estimated_...`."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from scipy.special import expit

from benchmarks.coverage.measuring import Coverage, coverage_of
from benchmarks.coverage.people import ALONE, SEVERAL, grouped
from python_models.conversion.base_rates import estimate_base_rate, observed_base_rate
from python_models.conversion.declaration import read_conversion_campaign

CAMPAIGN = read_conversion_campaign(
    {
        "campaign": "made_up",
        "entity": "entity_id",
        "group_by": "customer_id",
        "title": "Made up",
        "question": "Who converts?",
        "source": "made up",
        "source_note": "Made up.",
        "label": "has_converted",
    }
)
COLUMN = "conversion_models.estimated_base_rate"


def measure_base_rates(compiled: Path, draws: int) -> Iterator[Coverage]:
    del compiled
    for rows, factor in ((4_000, 1.0), (4_000, 2.0)):
        yield from_scores(draws, rows, factor)
    for unit in (ALONE, SEVERAL):
        yield from_outcomes(draws, unit)


def from_scores(draws: int, rows: int, factor: float) -> Coverage:
    """Scores are normal log-odds; of the new rows `factor` times as many convert."""
    found = []
    # the rate of endless rows with these scores
    base_rate = expit(np.random.default_rng(0).normal(-2.9, 1.3, 1_000_000)).mean()
    for draw in range(draws):
        generator = np.random.default_rng(draw)
        known = generator.normal(-2.9, 1.3, rows)
        label = (generator.random(rows) < expit(known)).astype(np.int64)
        many = generator.normal(-2.9, 1.3, 8 * rows)
        converts = generator.random(len(many)) < expit(many)
        is_new = generator.random(rows) < factor * base_rate
        new = np.empty(rows)
        new[is_new] = generator.choice(many[converts], is_new.sum(), replace=False)
        new[~is_new] = generator.choice(many[~converts], (~is_new).sum(), replace=False)
        estimate = estimate_base_rate(new, known, label)
        found.append(estimate.lower <= factor * base_rate <= estimate.upper)
    about = f"{rows:,} known and new rows, {base_rate:.0%} of known, {factor * base_rate:.0%} of new convert"
    names = (COLUMN, about, "row", "bootstrap of the mixture of scores")
    return coverage_of(names, pd.Series(range(draws)), pd.Series(found))


def from_outcomes(draws: int, unit: str) -> Coverage:
    """Measure the base rate of the newest outcomes; about 50 of them are conversions."""
    rate, customers = 0.05, 1_000 if unit == ALONE else 250
    people = grouped(np.random.default_rng(1), draws, customers, 1, rate, unit)  # noqa: F841
    found = []
    with duckdb.connect() as connection:
        connection.execute("create table newest as from people")
        rows = connection.table("newest")
        for draw in range(draws):
            estimate = observed_base_rate(rows.filter(f"campaign = '{draw}'"), CAMPAIGN)
            found.append(bool(estimate and estimate.lower <= rate <= estimate.upper))
    names = (
        COLUMN,
        f"{customers:,} newest customers with an outcome, rate {rate:.0%}",
        unit,
        "Garwood, dispersion",
    )
    return coverage_of(names, pd.Series(range(draws)), pd.Series(found))
