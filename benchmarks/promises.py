"""Whether promised false alarms and promised precision hold on new data, and what the promise costs.

    DBT_PROJECT_DIR=dbt_project .venv/bin/dbt compile --select conversion_curves conversion_policies
    .venv/bin/python benchmarks/promises.py false_alarms_at_most 0.001
    .venv/bin/python benchmarks/promises.py precision_at_least 0.5

A hundred campaigns are made up, each with known rows of its own; the project's own SQL chooses a threshold
for each of them, and as many new rows as were promised for say whether the promise was kept.
"""

import json
import sys
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from scipy.special import expit

from python_models.engines.duckdb.statistics import Plugin

CAMPAIGNS = 100
COMPILED = Path("dbt_project/target/compiled/leadlight/models")


def drawn(generator: np.random.Generator, rows: int, base_rate: float, drift: float = 0.0) -> pd.DataFrame:
    """Outcomes and probabilities: log-odds of conversion rise by 2 with a normal number.

    Probabilities are the true ones, but for a drift of the number.
    """
    converts = generator.random(rows) < base_rate
    number = generator.normal(size=rows) + 2 * converts + drift
    log_odds = np.log(base_rate / (1 - base_rate)) + 2 * number - 2
    # four digits, as if a probability were rounded: fewer thresholds to go through
    return pd.DataFrame({"has_converted": converts, "probability": expit(log_odds.round(3))})


def promises(
    compiled: Path, policy: str, limit: float, known: int, new: int, base_rate: float, drift: float = 0.0
) -> pd.DataFrame:
    """One row per made-up campaign: what was promised of new rows, and what came true.

    Parameters
    ----------
    compiled : Path
        Folder of the models that dbt compiled.
    policy, limit : str, float
        `decide_by` of all campaigns.
    known, new : int
        Rows with known outcomes per campaign that choose the threshold, and rows that it is applied to.
    base_rate : float
        Conversion rate of all.
    drift : float
        What new rows' numbers are raised by, none of them the likelier to convert for it.
    """
    generator = np.random.default_rng(1)
    curves, policies = (
        (compiled / f"results/evaluation/conversion_{name}.sql").read_text()
        for name in ("curves", "policies")
    )
    connection = duckdb.connect()
    connection.execute(
        "attach ':memory:' as warehouse; use warehouse; create schema results; create schema campaigns"
    )
    Plugin.configure_connection(None, connection)  # type: ignore[arg-type]
    names = [f"made up {number}" for number in range(CAMPAIGNS)]
    declaration = json.dumps({"policy": policy, "policy_limit": limit})
    models = pd.DataFrame({"campaign": names, "declaration": declaration, "is_newest": True})
    connection.register("models", models)
    connection.execute("create table results.conversion_models as from models")
    fresh = {name: drawn(generator, new, base_rate, drift) for name in names}
    scored = pd.concat(rows.assign(campaign=name, split="test") for name, rows in fresh.items())
    connection.register("scored", scored.rename(columns={"probability": "predicted_probability"}))
    connection.execute("create table results.all_scores as from scored")
    judged = pd.concat(
        drawn(generator, known, base_rate).assign(campaign=name, split="train") for name in names
    ).rename(columns={"probability": "predicted_probability"})
    number = np.arange(len(judged))
    judged = judged.assign(entity_id=number, customer_id=number, contact_cost=None, conversion_value=None)
    connection.register("judged", judged)
    connection.execute("create table results.judged_scores as from judged")
    connection.execute(f"create table results.conversion_curves as {curves}")
    chosen = connection.execute(policies).df().set_index("campaign").loc[names]
    came = []
    for name, threshold in chosen["threshold"].items():
        rows = fresh[name]
        contacted = rows[rows["probability"] >= threshold]
        alarms, found = int((~contacted["has_converted"]).sum()), int(contacted["has_converted"].sum())
        rate = alarms / int((~rows["has_converted"]).sum())
        precision = found / max(alarms + found, 1)
        recall = found / max(int(rows["has_converted"].sum()), 1)
        came.append((rate if policy == "false_alarms_at_most" else precision, recall))
    came_true, recall = np.array(came).T
    is_kept = came_true <= limit if policy == "false_alarms_at_most" else came_true >= limit
    return chosen.assign(came_true=came_true, recall=recall, is_kept=is_kept)


if __name__ == "__main__":
    policy, limit = sys.argv[1], float(sys.argv[2])
    base_rate = 0.001 if policy == "false_alarms_at_most" else 0.02
    table = promises(COMPILED, policy, limit, known=200_000, new=50_000, base_rate=base_rate)
    print(
        f"{policy} {limit:g}: promised by {table['is_promise_kept'].sum()} of {CAMPAIGNS} campaigns; kept by "
        f"{table.loc[table['is_promise_kept'], 'is_kept'].sum()} of them on new rows; came true "
        f"{table['came_true'].mean():.5f} on average; recall {table['recall'].mean():.3f}"
    )
