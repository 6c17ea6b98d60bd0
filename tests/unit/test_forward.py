"""Forward validation: no block is predicted by a model that knows it or what came after."""

import numpy as np
import pandas as pd
import pytest

from python_models.common.campaign import read_campaign
from python_models.common.frames import make_design
from python_models.conversion.backtest import (
    BacktestResult,
    LaterRows,
    TimeOrderedRows,
    backtest,
    block_starts,
    predict_later_rows,
)
from python_models.conversion.fitting import TrainingSet, cross_fit
from tests.unit.test_campaign import DECLARED


def calls(count: int = 6_000, drift: float = 0.0) -> pd.DataFrame:
    """Return calls over 300 days; `drift` raises the base rate (log-odds) from the first to the last."""
    generator = np.random.default_rng(11)
    day = np.arange(count) * 300 // count
    spend = generator.normal(size=count)
    chance = 1 / (1 + np.exp(1.5 - spend - drift * day / 300))
    return pd.DataFrame(
        {
            "client_id": np.arange(count),
            "called_on": pd.Timestamp("2026-01-01") + pd.to_timedelta(day, unit="D"),
            "spend": spend,
            "has_bought": generator.random(count) < chance,
            "split": "train",
        }
    )


def forward_of(frame: pd.DataFrame, **declared: object) -> tuple[TimeOrderedRows, BacktestResult | None]:
    campaign = read_campaign(DECLARED | {"order_by": "called_on"} | declared)
    design = make_design(frame, ["spend"], [])
    ordered = TimeOrderedRows.from_frame(frame, campaign, design)
    assert ordered is not None
    label = frame["has_bought"].to_numpy(np.int64)
    training = TrainingSet(design, design.matrix(frame), label, np.arange(len(frame)) % 5)
    fit = cross_fit("lightgbm_shallow", training)
    return ordered, backtest(ordered, fit, [design], campaign.recalibrate)


def test_the_last_fifth_is_predicted_in_ten_blocks_of_whole_days() -> None:
    ordered, forward = forward_of(calls())
    assert len(forward.rows) == pytest.approx(1_200, abs=25)
    assert len(np.unique(forward.block)) == 10
    days = ordered.frame["called_on"].iloc[forward.rows]
    assert pd.DataFrame({"day": days, "block": forward.block}).groupby("day")["block"].nunique().max() == 1


def test_what_happens_in_a_block_or_later_changes_nothing_in_it() -> None:
    frame = calls()
    ordered, forward = forward_of(frame)
    start = ordered.frame["called_on"].iloc[forward.rows[forward.block == 5]].min()
    changed = frame.copy()
    later = changed["called_on"] >= start
    changed.loc[later, "has_bought"] = ~changed.loc[later, "has_bought"]
    _, again = forward_of(changed)
    before = forward.block <= 5
    np.testing.assert_array_equal(forward.probability[before], again.probability[before])
    np.testing.assert_array_equal(forward.baselines[0][before], again.baselines[0][before])
    assert (forward.probability[~before] != again.probability[~before]).mean() > 0.5


def test_an_outcome_that_is_not_known_yet_teaches_nothing() -> None:
    frame = calls()
    frame["told_on"] = frame["called_on"] + pd.Timedelta(days=400)
    frame.loc[frame["called_on"] < "2026-05-01", "told_on"] = frame["called_on"]
    _, forward = forward_of(frame, label_known_at="told_on")
    unripe = frame.copy()
    unknown = unripe["called_on"] >= "2026-05-01"
    unripe.loc[unknown, "has_bought"] = ~unripe.loc[unknown, "has_bought"]
    _, again = forward_of(unripe, label_known_at="told_on")
    np.testing.assert_array_equal(forward.probability, again.probability)


def test_recalibration_follows_a_rate_that_moves() -> None:
    frame = calls(20_000, drift=3.0)
    ordered, plain = forward_of(frame)
    _, recalibrated = forward_of(frame, recalibrate=True)
    rate = ordered.frame["has_bought"].iloc[plain.rows].mean()
    gap, mended = abs(plain.probability.mean() - rate), abs(recalibrated.probability.mean() - rate)
    assert gap > 0.05
    assert mended < gap / 2
    assert recalibrated.shift > 0
    assert plain.shift == 0


def test_without_an_order_or_with_hardly_a_conversion_there_is_no_forward_figure() -> None:
    campaign = read_campaign(DECLARED | {"order_by": "called_on"})
    unordered = calls().assign(called_on=None)
    assert TimeOrderedRows.from_frame(unordered, campaign, make_design(unordered, ["spend"], [])) is None
    _, forward = forward_of(calls().assign(has_bought=lambda frame: frame.index > 5_500))
    assert forward is None


def test_blocks_never_tear_a_value_apart() -> None:
    order = np.sort(np.repeat(np.arange(7), 50)).astype(float)
    starts = block_starts(order)
    # the last fifth begins within the sixth value, so the fifth is the block before
    assert starts == [4.0, 5.0, 6.0]
    assert block_starts(np.zeros(50)) == []


def test_candidates_are_compared_on_the_newest_rows_before_the_backtest() -> None:
    frame = calls()
    campaign = read_campaign(DECLARED | {"order_by": "called_on"})
    design = make_design(frame, ["spend"], [])
    training = TrainingSet(
        design, design.matrix(frame), frame["has_bought"].to_numpy(int), np.arange(6_000) % 5
    )
    fit = cross_fit("lightgbm_shallow", training)

    def predict(frame: pd.DataFrame) -> LaterRows | None:
        every = TimeOrderedRows.from_frame(frame, campaign, design)
        return predict_later_rows(every, [fit], every.backtest_start)

    later = predict(frame)
    # of the first four fifths the last quarter
    assert len(later.label) == pytest.approx(1_200, abs=25)
    assert 0.3 < later.measure("average_precision", later.log_odds[0], False) < 0.7
    # the time of the backtest has no say
    changed = frame.copy()
    changed.loc[4_800:, "has_bought"] = ~changed.loc[4_800:, "has_bought"]
    np.testing.assert_array_equal(predict(changed).log_odds[0], later.log_odds[0])
    few = frame.assign(has_bought=frame["has_bought"] & (frame.index % 20 == 0))
    assert predict(few) is None
    # without a later time all training rows are before it
    alone = TimeOrderedRows.from_frame(frame, campaign, design)
    assert len(predict_later_rows(alone, [fit], np.inf).label) == pytest.approx(1_500, abs=25)


def test_a_rate_that_moves_is_followed_before_candidates_are_compared() -> None:
    label = np.repeat([0, 1], [900, 600])
    log_odds = np.where(label == 1, 1.0, -1.0) + np.tile([-1.0, 1.0], 750)
    later = LaterRows(label, [log_odds, log_odds - 2.0])
    as_they_are, followed = (
        [later.measure("log_loss", each, recalibrate) for each in later.log_odds]
        for recalibrate in (False, True)
    )
    assert as_they_are[1] > as_they_are[0] + 0.1
    assert abs(followed[1] - followed[0]) < 0.05
