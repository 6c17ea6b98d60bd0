"""The matrix a model reads is the same when fitting and when scoring."""

import duckdb
import numpy as np
import pandas as pd
import pytest

from python_models.common.campaign import read_campaign
from python_models.common.errors import DeclarationError
from python_models.common.frames import FOLDS, content_hash, feature_columns, fold_of, make_design, read_rows
from tests.unit.test_campaign import DECLARED


def test_unknown_and_missing_categories_are_missing_numbers() -> None:
    training = pd.DataFrame({"age": [20, 30], "job": ["b", "a"]})
    design = make_design(training, ["age", "job"], ["job"])
    scored = pd.DataFrame(
        {"age": pd.array([40, None], dtype="Int64"), "job": pd.array(["a", "new"], dtype="str")}
    )
    np.testing.assert_array_equal(design.matrix(scored), [[40, 0], [np.nan, np.nan]])
    assert design.categories == {"job": ["a", "b"]}


def test_booleans_with_gaps_become_numbers() -> None:
    frame = pd.DataFrame({"flag": pd.array([True, False, None], dtype="boolean")})
    design = make_design(frame, ["flag"], [])
    np.testing.assert_array_equal(design.matrix(frame), [[1], [0], [np.nan]])


def test_withheld_columns_and_keys_are_no_features() -> None:
    mart = duckdb.sql(
        "select 'a' as client_id, 'train' as split, true as has_bought, 1 as age, 2 as secret, 'x' as job"
    )
    campaign = read_campaign(DECLARED | {"withhold": ["secret"]})
    assert feature_columns(mart, campaign) == (["age", "job"], ["job"])


def test_a_date_is_refused_by_name() -> None:
    mart = duckdb.sql("select 1 as client_id, 'train' as split, true as has_bought, current_date as day")
    with pytest.raises(DeclarationError, match=r"column 'day' is a DATE.*Make it a number in SQL"):
        feature_columns(mart, read_campaign(DECLARED))


def test_folds_depend_on_the_key_alone_and_fill_evenly() -> None:
    keys = [f"client-{number}" for number in range(10_000)]
    folds = fold_of(keys)
    assert list(fold_of(reversed(keys))) == list(folds[::-1])
    shares = np.bincount(folds, minlength=FOLDS) / len(keys)
    assert len(shares) == FOLDS
    assert shares.min() > 0.18


def test_rows_come_in_key_order_and_the_hash_sees_every_value() -> None:
    first = read_rows(duckdb.sql("from (values (2, 'x'), (1, 'y')) as t(id, job)"), ["id", "job"], "id")
    again = read_rows(duckdb.sql("from (values (1, 'y'), (2, 'x')) as t(id, job)"), ["id", "job"], "id")
    other = read_rows(duckdb.sql("from (values (1, 'y'), (2, 'z')) as t(id, job)"), ["id", "job"], "id")
    assert content_hash(first) == content_hash(again)
    assert content_hash(first) != content_hash(other)
