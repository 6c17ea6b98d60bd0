"""How near estimates made before the outcomes come to what the outcomes show, on test rows.

After `make build`. The test rows of every campaign stand for new ones: their probabilities alone are what
`results.realised_performance` estimates from, then their outcomes are told.

    python benchmarks/forecasts.py [warehouse.duckdb [dbt_project/target]]
"""

import re
import sys
from pathlib import Path
from types import TracebackType

import duckdb
import numpy as np
import pandas as pd
from sklearn.metrics import f1_score, recall_score

from python_models.engines.duckdb.statistics import Plugin

TARGET = Path("dbt_project/target")
VERSION = "made up"


def empty_database() -> duckdb.DuckDBPyConnection:
    """Open an in-memory database with the warehouse's name and functions."""
    connection = duckdb.connect()
    connection.execute(
        "attach ':memory:' as warehouse; use warehouse; create schema results; create schema campaigns"
    )
    Plugin.configure_connection(None, connection)  # type: ignore[arg-type]
    return connection


class Drift:
    """Runs the models of drift on made-up rows of one campaign; all others have none."""

    def __init__(self, warehouse: Path, compiled: Path, campaign: str):
        self.connection = empty_database()
        self.campaign = campaign
        counts, self.drift = (
            (compiled / f"results/monitoring/{name}.sql").read_text()
            for name in ("conversion_drift_counts", "conversion_drift")
        )
        self.counts = counts
        self.connection.execute(f"attach '{warehouse}' as built (read_only)")
        tables = dict.fromkeys(re.findall(r'"(campaigns|results)"\."(\w+)"', counts))
        for schema, table in tables:
            self.connection.execute(f"create table {schema}.{table} as from built.{schema}.{table} limit 0")
        self.connection.execute("detach built")

    def __enter__(self) -> "Drift":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()

    def measured(self, rows: pd.DataFrame, features: list[str]) -> pd.DataFrame:
        """`conversion_drift` of rows with `features`, `as_of`, `split`, `has_converted`, `probability`."""
        numbered = rows.assign(entity_id=np.arange(len(rows)).astype(str), campaign=self.campaign)
        models = pd.DataFrame(
            {
                "campaign": [self.campaign],
                "is_champion": [True],
                "features": [features],
            }
        )
        mart = numbered[["entity_id", "as_of", "split", *features]].rename(columns={"entity_id": "click_id"})
        scores = numbered[["campaign", "entity_id", "split", "has_converted"]].assign(
            predicted_probability=rows["probability"],
            fold_probability=rows["probability"],
            scored_at=pd.Timestamp("2026-01-01"),
        )
        for table, frame in (
            (f"campaigns.{self.campaign}_features", mart),
            (f"campaigns.{self.campaign}_scores", scores),
            ("results.conversion_models", models),
        ):
            self.connection.execute(f"delete from {table}")
            self.connection.register("made_up", frame)
            self.connection.execute(f"insert into {table} by name from made_up")
        self.connection.execute(f"create or replace table results.conversion_drift_counts as {self.counts}")
        return self.connection.execute(self.drift).df()


def estimated_and_realised(compiled: Path, rows: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """`realised_performance` of forecasts with `scored_on`, `probability`, `has_converted`; a row per day."""
    model = (compiled / "results/monitoring/realised_performance.sql").read_text()
    connection = empty_database()
    names = np.arange(len(rows)).astype(str)
    told = rows.assign(campaign="made up", entity_id=names, customer_id=names, model_version=VERSION)
    told["has_converted"] = told["has_converted"].astype("boolean")
    forecasts = told.rename(columns={"probability": "predicted_probability"}).assign(threshold=threshold)
    connection.register("forecasts", forecasts)
    connection.execute("create table results.conversion_forecasts as from forecasts")
    connection.register("told", told[["campaign", "entity_id", "has_converted"]])
    connection.execute("create table results.all_scores as from told")
    return connection.execute(model).df().set_index("scored_on")


def compared(warehouse: Path, compiled: Path) -> pd.DataFrame:
    """Per campaign: estimates for its test rows without their outcomes, and what these show."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        scores = connection.sql("""
            select campaign, predicted_probability as probability, has_converted, threshold
            from results.conversion_scores
            where split = 'test' and has_converted is not null
        """).df()
    found = []
    for campaign, rows in scores.groupby("campaign"):
        threshold = float(rows["threshold"].iloc[0])
        told = rows[["probability", "has_converted"]].assign(scored_on=pd.Timestamp("2026-01-01"))
        [measured] = estimated_and_realised(compiled, told, threshold).to_dict("records")
        truth, predicted = rows["has_converted"].astype(bool), rows["probability"] >= threshold
        measured |= {
            "campaign": campaign,
            "realised_recall": recall_score(truth, predicted),
            "realised_f1": f1_score(truth, predicted),
        }
        found.append(measured)
    return pd.DataFrame(found).set_index("campaign")


if __name__ == "__main__":
    warehouse = Path(sys.argv[1] if len(sys.argv) > 1 else "warehouse.duckdb")
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else TARGET
    table = compared(warehouse, target / "compiled/leadlight/models")
    for campaign, row in table.iterrows():
        print(
            f"{campaign}: {row['realised_conversions']} of {row['forecast_count']:,} test rows converted, "
            f"{row['expected_conversions']:.1f} expected: {row['realised_to_expected']:.2f} times "
            f"({row['lower']:.2f} to {row['upper']:.2f})"
        )
        for measure in ("precision", "recall", "f1", "roc_auc"):
            estimated, realised = row[f"estimated_{measure}"], row[f"realised_{measure}"]
            print(f"    {measure}: {estimated:.3f} estimated, {realised:.3f} realised")
