"""Whether the interval of a campaign's lift covers the effect that a made-up campaign has.

    DBT_PROJECT_DIR=dbt_project .venv/bin/dbt compile --select campaign_lift
    .venv/bin/python benchmarks/lift.py

Campaigns are made up whose contacts raise everybody's chance to convert by the same difference; who is held
out is drawn at random, and the project's own SQL says what contacting brought.
"""

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from python_models.delivery.sent_record import NO_ROWS
from python_models.engines.duckdb.statistics import Plugin

COMPILED = Path("dbt_project/target/compiled/leadlight/models")


def lifts(
    compiled: Path, campaigns: int, rows: int, share: float, base_rate: float, effect: float, seed: int = 1
) -> pd.DataFrame:
    """One row per made-up campaign and decile, as `campaign_lift` has them.

    Parameters
    ----------
    compiled : Path
        Folder of the models that dbt compiled.
    campaigns, rows : int
        How many campaigns, of how many people each.
    share : float
        Share of the people held out.
    base_rate, effect : float
        Mean rate of conversion of those held out, and what contacting adds to it.
    seed : int
        Another seed, other campaigns.
    """
    generator = np.random.default_rng(seed)
    lift = (compiled / "results/audiences/campaign_lift.sql").read_text()
    count = campaigns * rows
    # people differ: their chances have a standard deviation of half their mean
    chance = generator.beta(4 * (1 - base_rate), 4 * (1 - base_rate) / base_rate * (1 - base_rate), count)
    is_holdout = generator.random(count) < share
    number = np.repeat(np.arange(campaigns), rows)
    people = pd.DataFrame(
        {
            "campaign": [f"made up {name}" for name in number],
            "entity_id": np.arange(count).astype(str),
            "predicted_probability": chance,
            "has_converted": generator.random(count) < chance + np.where(is_holdout, 0, effect),
            "is_holdout": is_holdout,
            "purpose": "contact",
            "selected_at": pd.Timestamp("2026-11-18"),
        }
    )
    people["audience_id"] = people["campaign"]
    people["suppressed_reason"] = pd.Series(None, index=people.index, dtype="string")
    with duckdb.connect() as connection:
        connection.execute(
            "attach ':memory:' as warehouse; use warehouse; create schema results; create schema campaigns"
        )
        Plugin.configure_connection(None, connection)  # type: ignore[arg-type]
        connection.register("people", people)
        connection.execute("create table results.audience_members as from people")
        connection.execute(f"create table results.sent_contacts as {NO_ROWS}")
        connection.execute(
            "create table results.all_scores as select campaign, entity_id, has_converted from people"
        )
        return connection.sql(lift).df()


def coverage(table: pd.DataFrame, effect: float) -> tuple[float, float]:
    """Share of the whole audiences whose interval covers the effect, and with a p-value below .05."""
    whole = table[table["decile"] == 0]
    added = effect * whole["contacted_count"]
    covered = (whole["lower"] <= added) & (added <= whole["upper"])
    return float(covered.mean()), float((whole["p_value"] < 0.05).mean())


if __name__ == "__main__":
    for rows, share, base_rate, effect in [
        (10_000, 0.1, 0.02, 0.02),
        (5_000, 0.1, 0.05, 0.03),
        (2_000, 0.2, 0.1, 0.05),
        (1_000, 0.1, 0.02, 0.02),
        (5_000, 0.1, 0.05, 0.0),
    ]:
        covered, found = coverage(lifts(COMPILED, 500, rows, share, base_rate, effect), effect)
        print(
            f"{rows:,} people, {share:.0%} held out, {base_rate:.0%} convert by themselves, {effect:.0%} "
            f"more when contacted: covered {covered:.1%}, p < 0.05 in {found:.1%} of 500"
        )
