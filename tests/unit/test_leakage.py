"""A feature that is the outcome in disguise refuses the model, and says which it is."""

from collections.abc import Callable

import duckdb
import numpy as np
import pandas as pd
import pytest

from python_models.conversion.training import train
from tests.unit.test_campaign import DECLARED
from tests.unit.test_training import DECLARED_SMALL, clients

META = DECLARED_SMALL


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


@pytest.mark.parametrize(
    ("leak", "check"),
    [
        (lambda frame: noisy(frame["has_bought"], 1, 0.005), "copy_of_label"),
        (lambda frame: noisy(frame["has_bought"], 1, 0.02), "single_feature_power"),
        # says no more than others at first sight, but the model lives on it
        (lambda frame: frame["has_bought"] + np.random.default_rng(2).normal(0, 0.7, len(frame)),
         "power_beyond_all_others"),
        (lambda frame: np.where(frame["has_bought"], 1.0, np.nan), "filled_with_the_outcome"),
        (lambda frame: np.arange(len(frame)) * 2.0, "key_or_order"),
        (lambda frame: [f"k{number * 7919 % 2003:04d}" for number in range(len(frame))], "key_or_order"),
    ],
)  # fmt: skip
def test_a_leak_is_caught_without_being_told(leak: Callable[[pd.DataFrame], object], check: str) -> None:
    frame = clients()
    frame["client_id"] = range(len(frame))
    row = trained(frame.assign(seconds=leak(frame)), META)
    assert found(row, "seconds")[check] == "fail"
    assert "Looks like a leak" in row["refused_reason"]
    assert "seconds" in row["refused_reason"]
    assert row["model_body"] is None


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
