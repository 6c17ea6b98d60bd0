"""Columns are dropped for a reason that is written down, and the outcome has no say in it."""

import duckdb
import numpy as np
import pandas as pd

from python_models.common.frames import make_design
from python_models.conversion.relevance import kept_positions, select_features
from python_models.conversion.training import train
from tests.unit.test_campaign import DECLARED


def people(count: int = 2_000) -> pd.DataFrame:
    """Two groups of columns that hang together, one copy, one near-constant column, and noise."""
    generator = np.random.default_rng(8)
    hidden = generator.normal(size=(count, 2))
    frame = pd.DataFrame({"person_id": np.arange(count)})
    for number in range(6):
        frame[f"linked_{number}"] = hidden[:, number % 2] + 0.5 * generator.normal(size=count)
    frame["copy"] = np.round(frame["linked_0"], 1)
    frame["same"] = (np.arange(count) % 500 == 0).astype(float)
    for number in range(6):
        frame[f"noise_{number}"] = generator.normal(size=count)
    frame["has_bought"] = generator.random(count) < 1 / (1 + np.exp(1.5 - hidden[:, 0]))
    frame["split"] = "train"
    return frame


def columns(frame: pd.DataFrame) -> list[str]:
    return [name for name in frame.columns if name not in ("person_id", "has_bought", "split")]


def test_each_filter_drops_what_it_is_for() -> None:
    frame = people()
    design = make_design(frame, columns(frame), [])
    selection = {selected.feature: selected for selected in select_features(design.matrix(frame), design, 6)}
    assert selection["same"].dropped_by == "variance"
    assert selection["same"].measured < selection["same"].limit
    assert (selection["copy"].dropped_by, selection["copy"].correlated_with) == ("correlation", "linked_0")
    assert selection["copy"].measured > 0.99
    kept = {name for name, selected in selection.items() if selected.is_kept}
    assert kept == {f"linked_{number}" for number in range(6)}
    assert all(selection[f"noise_{number}"].dropped_by == "relevance" for number in range(6))


def test_as_many_columns_stay_as_are_asked_for() -> None:
    frame = people()
    design = make_design(frame, columns(frame), [])
    assert len(kept_positions(select_features(design.matrix(frame), design, 3))) == 3


def test_selection_happens_inside_the_folds_and_never_sees_the_outcome() -> None:
    meta = DECLARED | {
        "entity": "person_id",
        "minimum_positives": 50,
        "keep_features": 6,
        "candidates": ["lightgbm"],
    }

    def trained(frame: pd.DataFrame) -> dict:
        connection = duckdb.connect()
        connection.register("mart", frame)
        return train(connection.table("mart"), meta).to_pylist()[0]

    frame = people()
    row = trained(frame)
    shuffled = trained(frame.assign(has_bought=frame["has_bought"].sample(frac=1, random_state=1).to_numpy()))
    assert row["relevance"] == shuffled["relevance"]
    assert {entry["folds_kept"] for entry in row["relevance"]} <= set(range(6))
    assert set(row["features"]) == {entry["feature"] for entry in row["relevance"] if entry["folds_kept"]}
    [candidate] = row["candidates"]
    assert candidate["feature_count"] == 6
    assert 0 < candidate["all_features_average_precision"] < 1
