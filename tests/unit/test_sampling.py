"""All conversions and a sample of the others: probabilities come back to the population or a new rate."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from scipy.stats import chi2

from python_models.common.campaign import read_campaign
from python_models.common.errors import DeclarationError
from python_models.common.sql import hashed_below
from python_models.conversion.base_rates import BaseRate, estimate_base_rate, observed_base_rate
from python_models.conversion.declaration import read_conversion_campaign
from python_models.conversion.fitted import FittedModel
from python_models.conversion.measures import compute_metrics, expected_calibration_error
from python_models.conversion.sampling import training_sample
from python_models.conversion.training import train
from tests.support import Mart
from tests.unit.test_training import DECLARED_SMALL

# one feature says all here
SAMPLED = DECLARED_SMALL | {"negatives_per_positive": 10, "accept_leak": ["spend"]}


def drawn(count: int, base_rate: float, seed: int, prefix: str = "c") -> pd.DataFrame:
    """People drawn converters first: they look alike at every base rate, there are only more or fewer.

    `spend` is N(2, 1) for converters and N(0, 1) for others, so the true log-odds are
    logit(base rate) + 2 spend - 2.
    """
    generator = np.random.default_rng(seed)
    converts = generator.random(count) < base_rate
    spend = generator.normal(size=count) + 2 * converts
    log_odds = np.log(base_rate / (1 - base_rate)) + 2 * spend - 2
    return pd.DataFrame(
        {
            "client_id": [f"{prefix}{number:06d}" for number in range(count)],
            "spend": spend,
            "noise": generator.normal(size=count),
            "job": "a",
            "has_bought": pd.array(converts, dtype="boolean"),
            "split": "train",
            "truth": expit(log_odds),
        }
    )


def test_every_conversion_and_a_hashed_share_of_the_others_is_taken(mart: Mart) -> None:
    frame = drawn(40_000, 0.01, seed=1)
    campaign = read_campaign(SAMPLED)
    taken = training_sample(mart(frame), campaign)
    rows = mart(frame).filter(taken.condition).df()
    positives = int(frame["has_bought"].sum())
    assert int(rows["has_bought"].sum()) == positives
    assert len(rows) - positives == pytest.approx(10 * positives, rel=0.1)
    kept_share = taken.kept_share(rows, campaign)
    assert kept_share == (len(rows) - positives) / (len(frame) - positives)
    # the hash says who is taken, not the place in the table
    turned = mart(frame).order("spend").filter(taken.condition).df()
    assert set(turned["client_id"]) == set(rows["client_id"])


def test_nothing_is_left_out_where_it_is_not_asked_or_would_not_suffice(mart: Mart) -> None:
    frame = drawn(1_000, 0.2, seed=2)
    for declared in (DECLARED_SMALL, SAMPLED):
        taken = training_sample(mart(frame), campaign := read_campaign(declared))
        assert (taken.condition, taken.kept_share(frame, campaign)) == ("true", 1.0)
    assert hashed_below("key", 1.0) == "true"


def test_probabilities_of_a_sample_are_those_of_the_population(mart: Mart) -> None:
    frame = drawn(60_000, 0.005, seed=3)
    row = train(mart(frame.drop(columns="truth")), SAMPLED).to_pylist()[0]
    positives = int(frame["has_bought"].sum())
    assert row["training_positives"] == positives
    assert row["training_rows"] < 12 * positives
    assert row["training_base_rate"] == pytest.approx(frame["has_bought"].mean())
    assert row["assumed_because"] == "as in training"
    new = drawn(60_000, 0.005, seed=4)
    probability = predicted(row, new)
    assert probability.mean() == pytest.approx(new["truth"].mean(), rel=0.15)
    # measures are of the population too: a random order would have the base rate, not that of the sample
    precision = row["candidates"][0]["average_precision"]
    limit = compute_metrics(new["has_bought"].to_numpy(int), new["truth"].to_numpy())["average_precision"]
    assert precision == pytest.approx(limit, rel=0.5)
    assert precision < 0.2


def test_a_stated_base_rate_is_met_by_new_rows(mart: Mart) -> None:
    frame = drawn(60_000, 0.005, seed=3)
    meta = SAMPLED | {"expected_base_rate": 0.0025}
    row = train(mart(frame.drop(columns="truth")), meta).to_pylist()[0]
    new = drawn(100_000, 0.0025, seed=5)
    assert predicted(row, new).mean() == pytest.approx(new["truth"].mean(), rel=0.15)
    assert (row["assumed_base_rate"], row["assumed_because"]) == (0.0025, "stated (expected_base_rate)")


@pytest.mark.long
@pytest.mark.parametrize("rate", [0.02, 0.08])
def test_a_base_rate_that_moves_is_found_in_scores_without_outcomes(mart: Mart, rate: float) -> None:
    frame = drawn(40_000, 0.05, seed=6)
    new = drawn(20_000, rate, seed=7, prefix="n").assign(split="score", has_bought=pd.NA)
    both = pd.concat([frame, new]).astype({"has_bought": "boolean"}).drop(columns="truth")
    meta = DECLARED_SMALL | {"accept_leak": ["spend"], "expected_base_rate": "estimated"}
    row = train(mart(both), meta).to_pylist()[0]
    assert row["assumed_because"] == "from scores of rows with an unknown outcome"
    assert row["estimated_lower"] < rate < row["estimated_upper"]
    assert row["assumed_base_rate"] == row["estimated_base_rate"]
    assert row["estimated_rows"] == 20_000
    assert predicted(row, new).mean() == pytest.approx(new["truth"].mean(), rel=0.15)


def test_an_estimate_that_says_nothing_moves_nothing(mart: Mart) -> None:
    frame = drawn(60_000, 0.005, seed=3)
    new = drawn(2_000, 0.001, seed=8, prefix="n").assign(split="score", has_bought=pd.NA)
    both = pd.concat([frame, new]).astype({"has_bought": "boolean"}).drop(columns="truth")
    row = train(mart(both), SAMPLED | {"expected_base_rate": "estimated"}).to_pylist()[0]
    assert row["assumed_because"].startswith("as in training; scores of rows")
    assert row["assumed_because"].endswith("too few rows, or too little told apart, to say more")
    assert row["assumed_base_rate"] == row["training_base_rate"]
    assert FittedModel.from_text(row["model_body"]).shift == 0


def test_the_estimate_is_where_expectation_maximisation_comes_to_rest() -> None:
    known, new = drawn(5_000, 0.1, seed=9), drawn(5_000, 0.03, seed=10)
    label = known["has_bought"].to_numpy(int)
    found = estimate_base_rate(new["spend"].to_numpy(), known["spend"].to_numpy(), label)
    # the same bins, and the textbook's steps: chance of each bin, then the mean chance
    groups = (known["spend"][label == 1], known["spend"][label == 0])
    edges = np.unique([group.quantile(np.linspace(0, 1, 21)[1:-1]) for group in groups])
    bins = [np.searchsorted(edges, frame["spend"]) for frame in (known[label == 1], known[label == 0], new)]
    converters, others, counts = (np.bincount(places, minlength=39) + 0.5 for places in bins)
    counts -= 0.5
    like_converters, like_others = converters / converters.sum(), others / others.sum()
    rate = 0.1
    for _ in range(5_000):
        chance = rate * like_converters / (rate * like_converters + (1 - rate) * like_others)
        rate = (counts * chance).sum() / counts.sum()
    assert found.rate == pytest.approx(rate, abs=1e-9)
    assert found.lower < 0.03 < found.upper


@pytest.mark.long
def test_the_interval_of_an_estimate_holds_the_truth_as_often_as_it_says() -> None:
    held = 0
    for seed in range(100):
        known, new = drawn(4_000, 0.05, seed=100 + seed), drawn(2_000, 0.02, seed=300 + seed)
        label = known["has_bought"].to_numpy(int)
        found = estimate_base_rate(new["spend"].to_numpy(), known["spend"].to_numpy(), label)
        held += found.lower <= 0.02 <= found.upper
    assert held >= 90


def test_an_estimate_is_news_only_where_it_is_precise_and_another_one() -> None:
    assert BaseRate(0.02, 0.018, 0.022, 100).rejection_reason(0.03) is None
    assert BaseRate(0.02, 0.018, 0.022, 100).rejection_reason(0.021) == "they do not differ from it"
    assert str(BaseRate(0.02, 0.001, 0.028, 100).rejection_reason(0.03)).startswith("too few rows")


def test_people_who_changed_are_not_taken_for_more_converters() -> None:
    known, new = drawn(20_000, 0.05, seed=11), drawn(20_000, 0.05, seed=12)
    label = known["has_bought"].to_numpy(int)
    moved = estimate_base_rate(new["spend"].to_numpy() + 0.3, known["spend"].to_numpy(), label)
    assert moved.rate > 0.06
    assert (
        moved.rejection_reason(0.05)
        == "the new rows look like no mixture of converters and others as they were"
    )
    assert estimate_base_rate(new["spend"].to_numpy(), known["spend"].to_numpy(), label).fits


def test_a_change_that_would_look_like_more_converters_is_not_taken_for_one() -> None:
    """Scores tell little apart and move by a seventh: a mixture fits, and would by chance."""
    used = seeming = 0
    for seed in range(20):
        generator = np.random.default_rng(seed)
        label = (generator.random(4_000) < 0.1).astype(int)
        known = generator.normal(label, 1)
        new = generator.normal(generator.random(4_000) < 0.1, 1) + 0.15
        found = estimate_base_rate(new, known, label)
        seeming += found.fits and found.lower > 0.1 and found.rate > 0.14
        used += found.rejection_reason(0.1) is None
    assert seeming >= 12
    assert used <= 1
    assert found.rejection_reason(0.1) == "they cannot tell more converters from people who have changed"


def test_more_converters_are_found_where_scores_tell_them_from_people_who_changed() -> None:
    known, new = drawn(20_000, 0.05, seed=11), drawn(20_000, 0.12, seed=12)
    label = known["has_bought"].to_numpy(int)
    found = estimate_base_rate(new["spend"].to_numpy(), known["spend"].to_numpy(), label)
    assert found.rejection_reason(0.05) is None
    assert found.rate == pytest.approx(0.12, rel=0.1)


def test_equal_rows_of_a_customer_count_once_in_the_interval_of_an_observed_rate(mart: Mart) -> None:
    """Of 400 customers 20 convert: three equal rows each leave bounds as they are, up to 1 - rate."""
    customers = pd.DataFrame(
        {"client_id": np.arange(400), "person": np.arange(400), "has_bought": np.arange(400) < 20}
    )
    copies = customers.loc[customers.index.repeat(3)].assign(client_id=np.arange(1_200))
    campaign = read_conversion_campaign(DECLARED_SMALL | {"group_by": "person"})
    once, thrice = (observed_base_rate(mart(rows), campaign) for rows in (customers, copies))
    assert once is not None
    assert thrice is not None
    assert (once.rate, thrice.rate, once.rows, thrice.rows) == (0.05, 0.05, 400, 1_200)
    # Garwood's bounds of 20 conversions
    assert (once.lower, once.upper) == pytest.approx((12.217 / 400, 30.888 / 400), abs=1e-5)
    events = 20 / 0.95
    bounds = np.array([chi2.ppf(0.025, 2 * events), chi2.ppf(0.975, 2 * events + 2)]) / 2
    assert (thrice.lower, thrice.upper) == pytest.approx(tuple(0.95 * bounds / 400))


@pytest.mark.long
def test_the_outcomes_of_the_newest_rows_move_those_that_have_none(mart: Mart) -> None:
    """Half as many convert though everybody looks as before: no score shows it, the newest outcomes do."""
    frame = drawn(60_000, 0.01, seed=13)
    test, new = (drawn(40_000, 0.01, seed=seed, prefix=f"{seed}") for seed in (14, 15))
    test["has_bought"] &= np.random.default_rng(16).random(len(test)) < 0.5
    rows = [frame, test.assign(split="test"), new.assign(split="score", has_bought=pd.NA)]
    both = pd.concat(rows).astype({"has_bought": "boolean"}).assign(seen="2026-01-01").drop(columns="truth")
    meta = SAMPLED | {"expected_base_rate": "newest_outcomes", "as_of": "seen"}
    row = train(mart(both), meta).to_pylist()[0]
    assert row["assumed_because"] == "from outcomes of the newest rows"
    assert row["assumed_base_rate"] == test["has_bought"].mean()
    assert predicted(row, new).mean() == pytest.approx(0.005, rel=0.15)
    assert predicted(row, test, is_new=False).mean() == pytest.approx(0.01, rel=0.15)


def test_weighted_measures_are_those_of_the_rows_they_stand_for() -> None:
    generator = np.random.default_rng(10)
    label = generator.integers(0, 2, 300)
    probability = generator.random(300).round(2)
    weight = np.where(label == 1, 1, 4)
    rows = np.repeat(np.arange(300), weight)
    assert compute_metrics(label, probability, weight) == pytest.approx(
        compute_metrics(label[rows], probability[rows])
    )
    gap = expected_calibration_error(label, probability, weight)
    assert gap == pytest.approx(expected_calibration_error(label[rows], probability[rows]), abs=0.02)


def test_a_sample_and_forward_validation_exclude_each_other() -> None:
    with pytest.raises(DeclarationError, match="negatives_per_positive does not go with order_by"):
        read_campaign(SAMPLED | {"order_by": "client_id"})


def predicted(row: dict, frame: pd.DataFrame, is_new: bool = True) -> np.ndarray:
    model = FittedModel.from_text(row["model_body"])
    rows = len(frame)
    return model.predict(frame, np.zeros(rows, int), np.zeros(rows, bool), np.full(rows, is_new))


def test_a_refusal_counts_the_rows_that_the_sample_left_out(mart: Mart) -> None:
    frame = drawn(20_000, 0.002, seed=17).drop(columns="truth")
    row = train(mart(frame), SAMPLED).to_pylist()[0]
    positives = int(frame["has_bought"].sum())
    assert row["refused_reason"].startswith(f"Only {positives} of 20000 training rows converted")
    assert row["training_rows"] < 12 * positives
