"""A declaration is read once and refused where it is not understood."""

import json
from datetime import date

import pytest

from python_models.common.campaign import read_campaign
from python_models.common.errors import DeclarationError
from python_models.conversion.fingerprint import declaration_text

DECLARED = {
    "campaign": "spring",
    "entity": "client_id",
    "title": "Spring",
    "question": "Who buys?",
    "source": "spring",
    "source_note": "Made up for a test.",
    "label": "has_bought",
}


def test_a_declaration_is_read_with_its_defaults() -> None:
    campaign = read_campaign(DECLARED | {"retrain": "True", "withhold": ["call_seconds"]})
    assert campaign.policy == "f1"
    assert campaign.policy_limit is None
    assert campaign.customer == "client_id"
    assert campaign.not_features == {"client_id", "split", "has_bought", "call_seconds"}


def test_a_policy_with_a_number_is_taken_apart() -> None:
    campaign = read_campaign(DECLARED | {"decide_by": {"precision_at_least": 0.9}})
    assert (campaign.policy, campaign.policy_limit) == ("precision_at_least", 0.9)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"decide": "f1"}, ["key 'decide'", "'f1'", "is unknown", "allowed keys are", "decide_by"]),
        ({"candidates_within": 14}, ["candidates_within needs as_of"]),
        ({"decide_by": "f2"}, ["decide_by is 'f2'", "allowed: f1, profit"]),
        ({"decide_by": {"fixed": 2}}, ["fixed: 2.0 is not between 0 and 1"]),
        ({"decide_by": "fixed"}, ["decide_by fixed needs a number"]),
        ({"decide_by": "profit"}, ["profit needs contact_cost and conversion_value"]),
        ({"decide_by": "capacity"}, ["decide_by capacity needs a number"]),
        ({"decide_by": {"capacity": 0}}, ["capacity: 0.0 is not above 0"]),
        ({"decide_by": {"budget": 20_000}}, ["budget needs contact_cost"]),
        ({"contact_cost": -1}, ["contact_cost is -1.0", "a number from 0 on, or a column"]),
        ({"channel": 7}, ["key 'channel'", "7", "string"]),
        ({"holdout": {"share": 1.5, "effect": 0.02}}, ["key 'holdout.share'", "1.5", "less than 1"]),
        ({"holdout": {"share": 0.1}}, ["key 'holdout.effect' is missing"]),
        (
            {"holdout": {"share": 0.1, "effect": 0.02, "salt": 1}},
            ["'holdout.salt'", "keys are effect, share"],
        ),
        ({"withhold": "call_seconds"}, ["key 'withhold'", "'call_seconds'", "list"]),
        ({"candidates": []}, ["key 'candidates'", "at least 1 item"]),
        ({"minimum_positives": "many"}, ["key 'minimum_positives'", "'many'", "integer"]),
        ({"variant_of": "autumn"}, ["variant_of and not_usable_reason go together"]),
        (
            {"segments": {"entity": "client_id", "columns": {"age": []}, "k": 3}},
            ["key 'segments.k'", "is unknown", "columns, components, count, entity, max, min"],
        ),
        (
            {"segments": {"entity": "client_id", "columns": {"age": []}, "min": 5, "max": 4}},
            ["segments.min 5 is over segments.max 4"],
        ),
        (
            {"segments": {"entity": "client_id", "columns": {"age": []}, "count": 9}},
            ["segments.count 9 is not between 3 and 8"],
        ),
        ({"segments": {"entity": "client_id", "columns": "some"}}, ["key 'segments.columns", "'some'"]),
        ({"population": "is_customer"}, ["population needs segments"]),
    ],
)
def test_a_fault_is_named_with_its_value_and_what_is_allowed(fault: dict, words: list[str]) -> None:
    with pytest.raises(DeclarationError) as error:
        read_campaign(DECLARED | fault)
    for word in ["campaign 'spring'", *words]:
        assert word in str(error.value)


def test_money_may_be_a_number_or_a_column() -> None:
    campaign = read_campaign(DECLARED | {"contact_cost": "price_of_call", "conversion_value": 90})
    assert campaign.money_columns == ["price_of_call"]
    assert "price_of_call" in campaign.not_features
    with pytest.raises(DeclarationError, match=r"key 'contact_cost'.*no column 'price_of_call'"):
        campaign.require_columns(["client_id", "split", "has_bought"])


def test_a_limit_for_new_rows_may_be_any_number() -> None:
    assert read_campaign(DECLARED | {"decide_by": {"capacity": 5000}}).policy_limit == 5000
    budget = {"decide_by": {"budget": 20_000}, "contact_cost": 2}
    assert read_campaign(DECLARED | budget).policy == "budget"


def test_a_missing_key_is_named() -> None:
    without_entity = {key: value for key, value in DECLARED.items() if key != "entity"}
    with pytest.raises(DeclarationError, match="campaign 'spring': key 'entity' is missing"):
        read_campaign(without_entity)


def test_a_column_that_the_mart_lacks_is_named() -> None:
    campaign = read_campaign(DECLARED | {"withhold": ["call_seconds"]})
    with pytest.raises(DeclarationError, match=r"key 'withhold'.*no column 'call_seconds'"):
        campaign.require_columns(["client_id", "split", "has_bought"])


def test_accepted_drift_names_columns_the_score_or_the_label_rate() -> None:
    names = ["predicted_probability", "conversion_rate", "age"]
    campaign = read_campaign(DECLARED | {"accept_drift": names})
    mart = ["client_id", "split", "has_bought"]
    campaign.require_columns([*mart, "age"])
    with pytest.raises(DeclarationError, match=r"key 'accept_drift'.*no column 'age'"):
        campaign.require_columns(mart)


def test_accepted_drift_may_end_on_a_day() -> None:
    campaign = read_campaign(DECLARED | {"accept_drift": {"age": "2027-02-01"}})
    assert campaign.accept_drift == {"age": date(2027, 2, 1)}
    assert json.loads(declaration_text(campaign))["accept_drift"] == {"age": "2027-02-01"}
    with pytest.raises(DeclarationError, match=r"key 'accept_drift'.*no column 'age'"):
        campaign.require_columns(["client_id", "split", "has_bought"])


@pytest.mark.parametrize(
    ("accepted", "named"),
    [
        ({"age": "February"}, "value 'February' of 'age'"),
        ({"age": "2027-02-30"}, "value '2027-02-30' of 'age'"),
        ({"age": None}, "value None of 'age'"),
        ("age", "value 'age'"),
        ([{"age": "2027-02-01"}], "value .*'age'"),
    ],
)
def test_accepted_drift_of_another_form_is_refused(accepted: object, named: str) -> None:
    with pytest.raises(DeclarationError, match=rf"campaign 'spring': key 'accept_drift', {named}.*write"):
        read_campaign(DECLARED | {"accept_drift": accepted})
