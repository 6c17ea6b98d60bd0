"""A feature that is the outcome in disguise refuses the model or needs a decision, and is named."""

from collections.abc import Callable

import duckdb
import numpy as np
import pandas as pd
import pytest

from python_models.common.campaign import read_campaign
from python_models.conversion.fitting import TrainingSet
from python_models.conversion.leakage.checks import evaluate, leak_refusal
from python_models.conversion.leakage.copies import shared_by_duplicates, shared_by_value
from python_models.conversion.leakage.strength import differences, losses_without
from python_models.conversion.leakage.structure import (
    Outcomes,
    Values,
    key_or_order,
    never_without,
    only_converters,
    rate_of_the_outcome,
)
from python_models.conversion.one_rule import UnivariateScore, univariate_scores
from python_models.conversion.training import train
from tests.unit.test_campaign import DECLARED
from tests.unit.test_training import DECLARED_SMALL, as_training, clients

META = DECLARED_SMALL
FAILED, UNDECIDED = ("fail", "Looks like a leak: "), ("undecided", "Needs a decision: ")


def trained(frame: pd.DataFrame, meta: dict) -> dict:
    connection = duckdb.connect()
    connection.register("mart", frame)
    return train(connection.table("mart"), meta).to_pylist()[0]


def found(row: dict, feature: str) -> dict[str, str]:
    return {entry["check_name"]: entry["status"] for entry in row["leakage"] if entry["feature"] == feature}


def noisy(bought: pd.Series, seed: int, share: float) -> np.ndarray:
    """Return the outcome, inverted in a share of the rows."""
    turned = np.random.default_rng(seed).random(len(bought)) < share
    return (bought.to_numpy(bool) ^ turned).astype(float)


def strong(bought: pd.Series) -> np.ndarray:
    """Return a number with a ROC AUC of .84."""
    return bought.to_numpy(float) + np.random.default_rng(2).normal(0, 0.7, len(bought))


def outcomes_of(label: np.ndarray) -> Outcomes:
    """Return the outcomes of as many customers."""
    return Outcomes(label.astype(np.int64), np.arange(len(label)))


def numbers(column: np.ndarray) -> Values:
    return Values.of(column.astype(float), is_category=False)


@pytest.mark.parametrize(
    ("leak", "check", "result"),
    [
        (lambda frame: noisy(frame["has_bought"], 1, 0.005), "copy_of_label", FAILED),
        # says no more than others at first sight, but the model lives on it
        (lambda frame: strong(frame["has_bought"]), "power_beyond_all_others", UNDECIDED),
        (lambda frame: np.where(frame["has_bought"], 1.0, np.nan), "filled_with_the_outcome", FAILED),
        (lambda frame: frame["has_bought"] & (np.arange(len(frame)) % 9 == 0), "only_converters", FAILED),
        (lambda frame: np.arange(len(frame)) * 2.0, "key_or_order", FAILED),
        (lambda frame: [f"k{row * 7919 % 2003:04d}" for row in range(len(frame))], "key_or_order", FAILED),
    ],
)  # fmt: skip
def test_a_leak_is_caught_without_being_told(
    leak: Callable[[pd.DataFrame], object], check: str, result: tuple[str, str]
) -> None:
    frame = clients()
    frame["client_id"] = range(len(frame))
    row = trained(frame.assign(seconds=leak(frame)), META)
    status, words = result
    assert found(row, "seconds")[check] == status
    assert row["refused_reason"].startswith(words)
    assert "seconds (" in row["refused_reason"]
    assert row["model_body"] is None


def test_a_leak_that_is_there_twice_needs_a_decision_on_both_and_then_on_the_one_left() -> None:
    frame = clients()
    seconds = np.exp(strong(frame["has_bought"]))
    frame = frame.assign(seconds=seconds, minutes=np.round(seconds / 60, 2))
    row = trained(frame, META)
    assert found(row, "seconds")["power_beyond_all_others"] == "undecided"
    assert found(row, "minutes")["power_beyond_all_others"] == "undecided"
    one_left = trained(frame, META | {"withhold": ["seconds"]})
    assert one_left["refused_reason"].startswith("Needs a decision: minutes (")
    accepted = trained(frame, META | {"accept_leak": ["seconds", "minutes"]})
    assert accepted["refused_reason"] is None
    assert accepted["model_body"]
    assert found(accepted, "minutes")["power_beyond_all_others"] == "accepted"


def test_what_is_empty_while_the_outcome_is_unknown_needs_a_decision() -> None:
    frame = clients()
    frame["rating"] = np.where(np.arange(len(frame)) % 2, 3.0, 0.0)
    waiting = frame.head(100).assign(client_id=[f"w{number}" for number in range(100)], rating=0.0)
    waiting = waiting.assign(has_bought=None, split="score")
    both = pd.concat([frame.astype({"has_bought": object}), waiting]).astype({"has_bought": "boolean"})
    row = trained(both, META)
    assert row["refused_reason"].startswith("Needs a decision: rating (empty_without_outcome 0.500")
    assert trained(both.drop(both.index[-1]), META)["refused_reason"] is None


def test_tenure_in_the_order_of_keys_and_a_visit_that_most_lack_are_no_leaks() -> None:
    frame = clients()
    generator = np.random.default_rng(3)
    frame["tenure"] = np.sort(generator.uniform(0, 2_000, len(frame)))
    has_visited = generator.random(len(frame)) < np.where(frame["has_bought"], 0.85, 0.1)
    frame["days_since_visit"] = np.where(has_visited, generator.exponential(20, len(frame)), np.nan)
    row = trained(frame, META | {"withhold": ["spend"]})
    assert found(row, "days_since_visit")["filled_with_the_outcome"] == "warn"
    assert "fail" not in {entry["status"] for entry in row["leakage"]}
    assert "undecided" not in found(row, "tenure").values()


def test_an_honest_model_passes_every_check() -> None:
    row = trained(clients(), META)
    assert row["refused_reason"] is None
    assert {entry["status"] for entry in row["leakage"]} <= {"pass", "warn"}
    assert {entry["feature"] for entry in row["leakage"]} == {"spend", "noise", "job", "all_features"}


def test_a_leak_accepted_by_name_does_not_refuse_and_stays_visible() -> None:
    frame = clients()
    frame["copied"] = frame["has_bought"].astype(float)
    row = trained(frame, META | {"accept_leak": ["copied"]})
    assert row["refused_reason"] is None
    assert found(row, "copied")["copy_of_label"] == "accepted"
    assert found(row, "all_features")["too_good_to_be_true"] == "accepted"


def test_what_is_declared_as_known_after_the_contact_must_be_withheld() -> None:
    meta = META | {"known_at": {"noise": "after_contact"}}
    refused = trained(clients(), meta)
    assert found(refused, "noise")["known_after_contact"] == "fail"
    withheld = trained(clients(), meta | {"withhold": ["noise"]})
    assert withheld["refused_reason"] is None
    assert found(withheld, "noise") == {"known_after_contact": "pass"}


def test_what_became_known_later_than_the_features_is_caught_by_its_time() -> None:
    frame = clients()
    frame["seen_on"] = pd.Timestamp("2026-01-10")
    frame["told_at"] = pd.Timestamp("2026-01-09")
    meta = META | {"as_of": "seen_on", "known_at": {"noise": "told_at"}}
    assert trained(frame, meta)["refused_reason"] is None
    frame.loc[7, "told_at"] = pd.Timestamp("2026-01-11")
    row = trained(frame, meta)
    assert "noise (known_after_contact" in row["refused_reason"]


def test_a_declaration_of_times_needs_a_date_to_compare_with() -> None:
    with pytest.raises(ValueError, match="as_of must say what to compare it with"):
        trained(clients(), DECLARED | {"known_at": {"noise": "told_at"}})


def test_purity_is_the_exact_lower_limit_of_a_rate_and_counts_customers_once() -> None:
    flag = np.arange(5_000) < 363
    label = flag | (np.arange(5_000) % 11 == 0)
    # all of n converted: the lower 95 % limit is .05^(1/n)
    assert only_converters(numbers(flag), outcomes_of(label)) == pytest.approx(0.05 ** (1 / 363))
    few = np.arange(5_000) < 29
    assert only_converters(numbers(few), outcomes_of(label)) == 0
    one_customer = Outcomes(label.astype(np.int64), np.where(flag, 0, np.arange(5_000)))
    assert only_converters(numbers(flag), one_customer) == 0
    # of every other one of ten non-conversions was sampled: pure in the sample is less so in the population
    limit = 0.05 ** (1 / 363)
    odds = 0.1 * limit / (1 - limit)
    sampled = Outcomes(label.astype(np.int64), np.arange(5_000), kept_share=0.1)
    assert only_converters(numbers(flag), sampled) == pytest.approx(odds / (1 + odds))


def test_purity_of_missing_values_of_filled_ones_and_of_a_range_with_an_edge() -> None:
    generator = np.random.default_rng(4)
    label = generator.random(4_000) < 0.1
    gone = label & (np.arange(4_000) % 2 == 0)
    price = generator.normal(50, 5, 4_000)
    pure = 0.05 ** (1 / gone.sum())
    assert only_converters(numbers(np.where(gone, np.nan, price)), outcomes_of(label)) == pytest.approx(pure)
    assert only_converters(numbers(np.where(gone, price, 0)), outcomes_of(label)) == pytest.approx(pure)
    account = generator.permutation(4_000) + 9_000 * gone
    assert only_converters(numbers(account), outcomes_of(label)) > 0.9
    smooth = generator.normal(size=4_000)
    likely = generator.random(4_000) < 1 / (1 + np.exp(1 - 4 * smooth))
    assert only_converters(numbers(smooth), outcomes_of(likely)) == 0


def test_a_count_that_includes_the_outcome_has_no_conversion_at_zero() -> None:
    label = np.arange(1_000) % 10 == 0
    orders = np.where(label, 1, np.arange(1_000) % 2)
    # 500 rows without an order, none of them converted, at a rate of .1
    assert never_without(numbers(orders), outcomes_of(label)) == pytest.approx(0.1 * np.sum(orders == 0))
    honest = np.arange(1_000) // 500
    assert never_without(numbers(honest), outcomes_of(label)) == 0


def test_rates_computed_from_the_same_outcomes_fit_too_well() -> None:
    generator = np.random.default_rng(5)
    area = generator.integers(0, 60, 3_000)
    chance = generator.uniform(0.05, 0.4, 60)[area].round(2)
    label = generator.random(3_000) < chance
    own_rate = pd.Series(label.astype(float)).groupby(area).transform("mean").to_numpy()
    for rate in (own_rate.round(3), 100 * own_rate):
        assert rate_of_the_outcome(numbers(rate), outcomes_of(label)) > 20
    assert rate_of_the_outcome(numbers(chance), outcomes_of(label)) == 0


def test_what_was_bought_is_the_difference_of_two_columns() -> None:
    generator = np.random.default_rng(6)
    training = as_training(clients())
    before = generator.normal(500, 200, len(training.label))
    after = before - generator.normal(0, 10, len(before)) - 40 * training.label
    matrix = np.column_stack([training.matrix[:, 0], before, after])
    pair = TrainingSet(
        training.design.select(["spend", "noise"]), matrix[:, 1:], training.label, training.folds
    )
    gap = differences(pair, univariate_scores(pair))
    # normal with a gap of four standard deviations: ROC AUC .998
    assert set(gap) == {0, 1}
    assert min(gap.values()) > 0.99
    honest = TrainingSet(pair.design, matrix[:, [1, 1]], training.label, training.folds)
    assert differences(honest, univariate_scores(honest)) == {}


def test_households_share_their_outcome_beyond_what_their_income_says() -> None:
    generator = np.random.default_rng(7)
    household = np.arange(3_000) // 2
    income = np.round(np.exp(generator.normal(10, 1, 1_500)), 2)[household]
    rate = np.where(income > np.quantile(income, 0.7), 0.3, 0.05)
    alone = generator.random(3_000) < rate
    together = np.where(np.arange(3_000) % 2 == 0, alone, np.roll(alone, 1))
    assert shared_by_value(numbers(income), outcomes_of(together)) == 1
    assert shared_by_value(numbers(income), outcomes_of(alone)) == 0
    one_customer = Outcomes(together.astype(np.int64), household)
    assert shared_by_value(numbers(income), one_customer) == 0


def test_near_duplicates_of_customers_are_found_by_their_outcomes() -> None:
    generator = np.random.default_rng(8)
    people = generator.normal(size=(1_000, 6))
    label = generator.random(1_000) < 0.2
    twice = np.vstack([people, people[:300] + generator.normal(0, 0.001, (300, 6))])
    assert shared_by_duplicates(twice, outcomes_of(np.append(label, label[:300]))) == 1
    assert shared_by_duplicates(twice, outcomes_of(generator.random(1_300) < 0.2)) == 0


def test_row_numbers_are_an_order_and_tenure_is_not() -> None:
    generator = np.random.default_rng(9)
    order = np.arange(1_000, dtype=float)
    numbered = np.sort(generator.choice(1_200, 1_000, replace=False)) * 10
    assert key_or_order(numbers(numbered), [order]) == pytest.approx(1)
    assert key_or_order(numbers(np.sort(generator.uniform(0, 3_000, 1_000))[::-1]), [order]) == 0
    assert key_or_order(numbers(np.sort(generator.integers(0, 10**6, 1_000))), [order]) == 0
    assert abs(key_or_order(numbers(generator.permutation(1_000)), [order])) < 0.1


def test_a_leak_does_not_hide_behind_another() -> None:
    """Left out one at a time neither would be missed; a third column counts for nothing."""
    training = as_training(clients(400))
    scores = [UnivariateScore(power, 0.5, 0.5, 0.5) for power in (0.88, 0.6, 0.87)]
    values = {(): 0.95, (0,): 0.93, (0, 2): 0.7, (2,): 0.93}

    def without(positions: list[int]) -> float:
        return values[tuple(sorted(positions))]

    losses = dict(losses_without(training, scores, [], 0.95, without))
    assert losses == pytest.approx({0: 0.25, 2: 0.25})
    # what is accepted goes first, and the rest is compared with the model without it
    losses = dict(losses_without(training, scores, [0], 0.95, without))
    assert losses == pytest.approx({0: 0.02, 2: 0.23})
    assert dict(losses_without(training, scores, [], 0.8, without)) == {}


def test_a_refusal_names_the_strongest_column_first() -> None:
    campaign = read_campaign(DECLARED)
    findings = [
        evaluate(campaign, name, check, measured)
        for name, check, measured in [
            ("weak", "single_feature_power", 0.7),
            ("weak", "only_converters", 0.95),
            ("strong", "single_feature_power", 0.9),
            ("strong", "power_beyond_all_others", 0.2),
        ]
    ]
    assert str(leak_refusal(findings)).startswith(
        "Looks like a leak: strong (power_beyond_all_others 0.200, limit 0.1); "
        "weak (only_converters 0.950, limit 0.9). "
    )
    assert str(leak_refusal(findings[2:])).startswith("Needs a decision: strong (")
    assert leak_refusal(findings[2:3]) is None
    assert evaluate(campaign, "alone", "single_feature_power", 0.95).status == "undecided"
