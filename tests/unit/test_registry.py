"""A new model serves only if it is not worse; an old one stays or comes back by name."""

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from python_models.common.campaign import read_campaign
from python_models.conversion.registry import current_champion, decide_promotion, load_champion
from python_models.conversion.scoring import score
from python_models.conversion.training import train
from tests.unit.test_training import DECLARED_SMALL, as_training, clients

META = DECLARED_SMALL


def relation(rows: pa.Table | pd.DataFrame, name: str = "rows") -> duckdb.DuckDBPyRelation:
    connection = duckdb.connect()
    connection.register(name, rows)
    return connection.table(name)


def trained(frame: pd.DataFrame, known: pa.Table | None = None, meta: dict | None = None) -> pa.Table:
    models = relation(known) if known is not None else None
    table = train(relation(frame), meta or META, models)
    return table if known is None else pa.concat_tables([known, table])


def newest(table: pa.Table) -> dict:
    return max(table.to_pylist(), key=lambda row: row["trained_at"])


def test_a_model_that_is_not_worse_takes_over() -> None:
    first = trained(clients(1_000))
    both = trained(clients(2_400), first)
    assert newest(both)["champion_version"] == newest(both)["model_version"]
    assert "Not worse: average_precision" in newest(both)["gate_note"]
    assert load_champion(relation(both), META)[0] == newest(both)["model_version"]


def test_a_worse_model_is_refused_and_the_champion_stays() -> None:
    first = trained(clients())
    present = current_champion(relation(first))
    assert present is not None
    label_frame = clients().query("split == 'train'").reset_index(drop=True)
    training = as_training(label_frame)
    noise = np.random.default_rng(1).random(len(label_frame))
    promotion = decide_promotion(
        "new", read_campaign(META), present, label_frame, training, noise, ["spend", "noise", "job"], None
    )
    assert promotion.champion_version == present[0]
    assert "Worse than the champion: average_precision" in str(promotion.refused_reason)
    assert "tolerance is 5%" in str(promotion.refused_reason)


def test_a_champion_that_reads_a_forbidden_column_leaves_service() -> None:
    first = trained(clients())
    both = trained(clients(), first, META | {"withhold": ["spend"]})
    row = newest(both)
    assert row["refused_reason"] is None
    assert row["champion_version"] == row["model_version"]
    assert "reads spend, which no model may see" in row["gate_note"]


def test_a_refused_training_leaves_the_champion_in_service() -> None:
    first = trained(clients())
    leaking = clients().assign(copied=lambda frame: frame["has_bought"].astype(float))
    both = trained(leaking, first)
    row = newest(both)
    assert "copied" in row["refused_reason"]
    assert row["champion_version"] == newest(first)["model_version"]
    rows = score(relation(leaking), relation(both), META).read_pandas()
    assert rows["predicted_probability"].notna().all()
    assert set(rows["model_version"]) == {newest(first)["model_version"]}


def test_too_few_conversions_take_every_model_out_of_service() -> None:
    """Nobody can say whether the old model still holds."""
    first = trained(clients())
    both = trained(clients().assign(has_bought=False), first)
    assert newest(both)["champion_version"] is None
    version, body = load_champion(relation(both), META)
    assert (version, body) == (newest(both)["model_version"], None)


def test_a_version_named_by_the_project_comes_back() -> None:
    first = trained(clients())
    both = trained(clients(2_400), first)
    old = newest(first)["model_version"]
    assert load_champion(relation(both), META | {"champion": f"other, {old}"})[0] == old
    rows = score(relation(clients()), relation(both), META | {"champion": old}).read_pandas()
    assert set(rows["model_version"]) == {old}


def test_to_accept_drift_trains_nothing_anew() -> None:
    first = trained(clients())
    assert len(trained(clients(), first, META | {"accept_drift": ["predicted_probability"]})) == len(first)
    assert len(trained(clients(), first, META | {"outcome_days": 21})) == len(first)
    assert len(trained(clients(), first, META | {"minimum_positives": 99})) == len(first) + 1
