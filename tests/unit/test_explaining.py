"""Reasons sum to the score, and a factor's curve follows what is true of the data."""

from dataclasses import replace

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

from python_models.common.campaign import read_campaign
from python_models.common.frames import make_design
from python_models.conversion.calibration import Calibrator
from python_models.conversion.explaining import REASON_ROW, _reasons, direction, explain
from python_models.conversion.fitted import FittedModel
from python_models.conversion.fitting import cross_fit
from python_models.conversion.one_rule import OneRule
from python_models.conversion.scoring import score
from python_models.conversion.training import train
from tests.unit.test_training import DECLARED_SMALL, as_training, clients


def explained(frame: pd.DataFrame, meta: dict) -> tuple[pd.DataFrame, pd.DataFrame, dict]:
    connection = duckdb.connect()
    connection.register("mart", frame)
    models = train(connection.table("mart"), meta)
    connection.register("models", models)
    mart, rows = connection.table("mart"), connection.table("models")
    scores = score(mart, rows, meta).read_all()
    reasons = explain(mart, connection.from_arrow(scores), rows, meta).read_pandas()
    return scores.to_pandas(), reasons, models.to_pylist()[0]


@pytest.mark.parametrize("algorithm", ["lightgbm", "xgboost", "logistic_regression", "random_forest"])
def test_reasons_and_base_sum_to_the_score(algorithm: str) -> None:
    frame = clients()
    frame["has_bought"] = frame["has_bought"].astype("boolean")
    frame.loc[:20, ["has_bought", "split"]] = [pd.NA, "score"]
    meta = DECLARED_SMALL | {"candidates": [algorithm], "expected_base_rate": 0.1}
    scores, reasons, _ = explained(frame, meta)
    sums = reasons.groupby("entity_id").agg(
        contribution=("contribution", "sum"),
        base=("base_log_odds", "first"),
        other=("other_contribution", "first"),
    )
    line = sums.sum(axis=1)
    expected = scores.set_index("entity_id")["predicted_probability"]
    np.testing.assert_allclose(1 / (1 + np.exp(-line)), expected.loc[line.index], atol=1e-9)
    assert len(line) == len(frame)
    # five models of folds, their mean, and the mean in service
    assert sums["base"].round(3).nunique() <= 7


@pytest.mark.parametrize("curve", [{}, {"bend": 0.8}, {"knots": [[-3.0, 0.05], [-1.0, 0.1], [0.5, 0.7]]}])
def test_the_base_is_the_same_for_all_rows_whatever_bends_the_log_odds(curve: dict) -> None:
    training = as_training(clients())
    fit = cross_fit("lightgbm_shallow", training)
    rule = OneRule(make_design(clients(), ["spend"], []), [])
    model = FittedModel.of(fit, training, rule, None)
    bent = Calibrator(0.9, -0.2, scale=1.1, offset=0.05, **curve)
    model = replace(model, calibrator=bent, fold_calibrators=[bent] * 5)
    nobody = np.zeros(len(training.label), dtype=bool)
    contributions = model.contributions(training.matrix, training.folds, nobody)
    base = logit(model.ensemble(training.matrix)) - contributions.sum(axis=1)
    np.testing.assert_allclose(base, base[0], atol=1e-9)
    straight = replace(model, calibrator=Calibrator(1.0, 0.0))
    raw = straight.contributions(training.matrix, training.folds, nobody)
    np.testing.assert_array_equal(np.sign(contributions), np.sign(raw))
    # out of fold too
    out_of_fold = model.out_of_fold(training.matrix, training.folds)
    first = training.folds == 0
    contributions = model.contributions(training.matrix, training.folds, ~nobody)
    base = (logit(out_of_fold) - contributions.sum(axis=1))[first]
    np.testing.assert_allclose(base, base[0], atol=1e-9)


def test_reasons_are_ranked_and_say_the_value() -> None:
    frame = clients()
    _, reasons, _ = explained(frame, DECLARED_SMALL | {"candidates": ["lightgbm"]})
    size = reasons["contribution"].abs()
    for _, rows in reasons.assign(size=size).groupby("entity_id"):
        assert rows.sort_values("reason_rank")["size"].is_monotonic_decreasing
    jobs = reasons[reasons["feature"] == "job"].set_index("entity_id")["feature_value"]
    assert jobs.equals(
        frame.set_index("client_id")["job"].loc[jobs.index].rename("feature_value").astype(jobs.dtype)
    )
    assert ((reasons["direction"] == "raises") == (reasons["contribution"] > 0)).all()


def test_rows_without_a_hash_are_explained_too() -> None:
    """Spark keeps no `row_hash`: the whole column is null."""
    connection, frame = duckdb.connect(), clients()
    connection.register("mart", frame)
    meta = DECLARED_SMALL | {"candidates": ["lightgbm"]}
    model = train(connection.table("mart"), meta).to_pylist()[0]
    rows = connection.sql("select *, null::varchar as row_hash from mart limit 20").to_arrow_table()
    [batch] = rows.combine_chunks().to_batches()
    campaign = read_campaign(meta)
    reasons = _reasons(batch, campaign, model["model_body"], model["model_version"], 0.0)
    assert reasons.schema == REASON_ROW
    assert reasons["row_hash"].null_count == len(reasons) > 20


def test_dependence_follows_what_raises_conversion() -> None:
    _, _, row = explained(clients(4_000), DECLARED_SMALL | {"candidates": ["lightgbm"]})
    curve = pd.DataFrame(row["dependence"])
    spend = curve[curve["feature"] == "spend"].sort_values("bin")
    assert len(spend) == 10
    assert spend["row_count"].sum() == row["training_rows"]
    assert spend["mean_predicted"].iloc[-1] > 3 * spend["mean_predicted"].iloc[0]
    assert spend["mean_value"].is_monotonic_increasing
    job = curve[curve["feature"] == "job"].set_index("bin_label")["mean_predicted"]
    assert job["a"] > job["b"]
    assert curve.loc[curve["feature"] == "job", "mean_value"].isna().all()


def test_a_direction_needs_a_trend() -> None:
    values = np.arange(10.0)
    assert direction(values, values) == "raises"
    assert direction(values, -values) == "lowers"
    assert direction(values, (values - 4.5) ** 2) == "mixed"
    assert direction(np.full(10, np.nan), values) == "mixed"
