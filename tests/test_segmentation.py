"""Segments: found where they are, named by what sets them apart, assigned to everybody."""

import duckdb
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from python_models.campaign import DeclarationError
from python_models.segmentation import fit_segments, segment
from tests.test_campaign import DECLARED

SEGMENTS = {
    "entity": "client_id",
    "columns": {
        "visits": ["rare visits", "frequent visits"],
        "spend": ["small spend", "big spend"],
        "job": ["works as {}"],
    },
    "min": 2,
    "max": 5,
}
META = DECLARED | {"segments": SEGMENTS}


def shoppers() -> pd.DataFrame:
    """Three groups, well apart: 300 rare, 400 frequent big spenders, 500 frequent small spenders."""
    generator = np.random.default_rng(4)
    groups = [(300, 5, 50, "clerk"), (400, 30, 90, "cook"), (500, 30, 10, "cook")]
    frame = pd.concat(
        pd.DataFrame(
            {
                "group": number,
                "visits": generator.normal(visits, 1, count),
                "spend": generator.normal(spend, 2, count),
                "job": job,
            }
        )
        for number, (count, visits, spend, job) in enumerate(groups)
    )
    frame["client_id"] = [f"c{number:04d}" for number in range(len(frame))]
    return frame.reset_index(drop=True)


@pytest.fixture
def relation() -> duckdb.DuckDBPyRelation:
    connection = duckdb.connect()
    connection.register("shoppers", shoppers())
    return connection.table("shoppers")


def fitted(relation: duckdb.DuckDBPyRelation, meta: dict = META) -> duckdb.DuckDBPyRelation:
    connection = duckdb.connect()
    connection.register("segmenters", fit_segments(relation, meta))
    return connection.table("segmenters")


def test_groups_that_are_there_are_found_and_everybody_is_assigned(
    relation: duckdb.DuckDBPyRelation,
) -> None:
    members = segment(relation, fitted(relation), META).to_pandas()
    assert len(members) == 1_200
    assert adjusted_rand_score(shoppers()["group"], members["segment_id"]) > 0.99
    assert members["segment_confidence"].between(0, 1).all()
    assert list(members["segment_id"].value_counts().sort_index()) == [500, 400, 300]


def test_names_are_unique_and_say_what_sets_a_segment_apart(
    relation: duckdb.DuckDBPyRelation,
) -> None:
    row = fit_segments(relation, META).to_pylist()[0]
    names = {profile["segment_id"]: profile["segment_name"] for profile in row["profiles"]}
    assert len(set(names.values())) == 3
    assert "small spend" in names[1]
    assert "big spend" in names[2]
    assert "rare visits" in names[3]
    assert "works as clerk" in names[3]


def test_every_number_of_segments_is_measured_and_one_is_chosen(
    relation: duckdb.DuckDBPyRelation,
) -> None:
    choices = fit_segments(relation, META).to_pylist()[0]["choices"]
    assert [choice["segment_count"] for choice in choices] == [2, 3, 4, 5]
    assert [choice["segment_count"] for choice in choices if choice["is_chosen"]] == [3]
    inertia = [choice["inertia"] for choice in choices]
    assert inertia == sorted(inertia, reverse=True)


def test_unchanged_customers_are_not_fitted_again(relation: duckdb.DuckDBPyRelation) -> None:
    known = fitted(relation)
    assert fit_segments(relation, META, known).num_rows == 0
    fewer = DECLARED | {"segments": SEGMENTS | {"max": 4}}
    assert fit_segments(relation, fewer, known).num_rows == 1


def test_the_same_customers_give_the_same_segments_bit_for_bit(
    relation: duckdb.DuckDBPyRelation,
) -> None:
    first = fit_segments(relation, META).to_pylist()[0]
    again = fit_segments(relation, META).to_pylist()[0]
    assert first["model_body"] == again["model_body"]


def test_too_few_customers_are_refused_with_a_sentence(relation: duckdb.DuckDBPyRelation) -> None:
    few = relation.limit(100)
    row = fit_segments(few, META).to_pylist()[0]
    assert row["refused_reason"].startswith("Only 100 customers; at least 150 are needed")
    connection = duckdb.connect()
    connection.register("segmenters", fit_segments(few, META))
    assert segment(few, connection.table("segmenters"), META).num_rows == 0


def test_a_column_that_the_mart_lacks_is_named(relation: duckdb.DuckDBPyRelation) -> None:
    meta = DECLARED | {"segments": SEGMENTS | {"columns": {"height": ["short", "tall"]}}}
    with pytest.raises(DeclarationError, match="key 'segments': the mart has no column 'height'"):
        fit_segments(relation, meta)
