"""Whether promised false alarms and promised precision hold on new rows, and what the promise costs.

Campaigns are made up, each with known rows of its own; the project's own SQL chooses a threshold for each of
them, and as many new rows as were promised for say whether the promise was kept.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from benchmarks.coverage.measuring import Coverage, build, coverage_of

CAMPAIGNS = 100


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
    compiled: Path,
    policy: str,
    limit: float,
    known: int,
    new: int,
    base_rate: float,
    drift: float = 0.0,
    copies: int = 1,
    campaigns: int = CAMPAIGNS,
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
    copies, campaigns : int
        Equal rows of each customer, known and new; made-up campaigns.
    """
    generator = np.random.default_rng(1)
    names = np.array([f"made up {number}" for number in range(campaigns)])
    fresh, judged = (
        campaigns_of(generator, names, rows // copies, base_rate, moved, copies)
        for rows, moved in ((new, drift), (known, 0.0))
    )
    declaration = json.dumps({"policy": policy, "policy_limit": limit})
    tables = {
        "conversion_models": pd.DataFrame({"campaign": names, "declaration": declaration, "is_newest": True}),
        "all_scores": fresh.assign(split="test"),
        "judged_scores": judged.assign(split="train", contact_cost=None, conversion_value=None),
    }
    models = ["evaluation/conversion_curves", "evaluation/conversion_policies"]
    chosen = build(compiled, models, tables)[1].set_index("campaign").loc[names]
    is_contacted = fresh["predicted_probability"] >= fresh["campaign"].map(chosen["threshold"])
    converts = fresh["has_converted"]
    flags = {"alarms": is_contacted & ~converts, "others": ~converts, "found": is_contacted & converts}
    counts = fresh.assign(**flags, positives=converts).groupby("campaign")[[*flags, "positives"]].sum()
    counts = counts.loc[names]
    rate = counts["alarms"] / counts["others"]
    precision = counts["found"] / (counts["alarms"] + counts["found"]).clip(lower=1)
    recall = counts["found"] / counts["positives"].clip(lower=1)
    came_true = rate if policy == "false_alarms_at_most" else precision
    is_kept = came_true <= limit if policy == "false_alarms_at_most" else came_true >= limit
    return chosen.assign(came_true=came_true, recall=recall, is_kept=is_kept)


def campaigns_of(
    generator: np.random.Generator,
    names: np.ndarray,
    customers: int,
    base_rate: float,
    drift: float,
    copies: int,
) -> pd.DataFrame:
    """Return the rows of all campaigns, as many customers in each."""
    rows = drawn(generator, len(names) * customers, base_rate, drift)
    rows = rows.assign(campaign=names.repeat(customers), customer_id=np.arange(len(rows)))
    rows = rows.loc[rows.index.repeat(copies)].rename(columns={"probability": "predicted_probability"})
    return rows.assign(entity_id=np.arange(len(rows)))


def measure_promises(compiled: Path, draws: int) -> Iterator[Coverage]:
    """Yield how often what comes true of new rows is within the bound at the chosen threshold."""
    for policy, limit, base_rate, copies in (
        ("false_alarms_at_most", 0.01, 0.01, 1),
        ("false_alarms_at_most", 0.01, 0.01, 2),
        ("precision_at_least", 0.5, 0.05, 1),
    ):
        table = promises(compiled, policy, limit, 4_000, 2_000, base_rate, copies=copies, campaigns=draws)
        bound, true = table["promise_bound"], table["came_true"]
        is_held = true <= bound if policy == "false_alarms_at_most" else true >= bound
        about = f"{policy} {limit:g}, 4,000 known and 2,000 new rows, rate {base_rate:.0%}"
        unit = "customer, 1 row" if copies == 1 else f"customer, {copies} equal rows"
        names = (
            "conversion_policies.promise_bound",
            about,
            unit,
            "Clopper and Pearson, n m / (n + m), one-sided",
        )
        yield coverage_of(names, table.reset_index()["campaign"], is_held.reset_index(drop=True))
