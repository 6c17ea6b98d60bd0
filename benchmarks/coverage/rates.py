"""Conversion rates of groups of rows, and realised over expected conversions."""

from collections.abc import Iterator
from pathlib import Path

import jinja2
import numpy as np
import pandas as pd

from benchmarks.coverage.measuring import REPOSITORY, Coverage, build, coverage_of, is_within, run
from benchmarks.coverage.people import ALONE, SEVERAL, grouped, outcomes, rows_of

WILSON = "Wilson, design effect"
MACRO = REPOSITORY / "dbt_project/macros/clustered_counts.sql"


def measure_rates(compiled: Path, draws: int) -> Iterator[Coverage]:
    for rate, unit in ((0.1, ALONE), (0.1, SEVERAL), (0.02, SEVERAL)):
        for measure in (calibration_bins, categories, segments, base_rates):
            yield measure(compiled, draws, rate, unit)
    for rate, unit in ((0.01, ALONE), (0.3, ALONE), (0.1, SEVERAL)):
        yield realised_over_expected(compiled, draws, rate, unit)


def calibration_bins(compiled: Path, draws: int, rate: float, unit: str) -> Coverage:
    people = grouped(np.random.default_rng(1), draws, 600, 10, rate, unit)
    people = people.assign(split="test", decile=1 + people["group"], predicted_probability=rate)
    [bins] = build(compiled, ["evaluation/conversion_calibration"], {"judged_scores": people})
    names = (
        "conversion_calibration.observed_rate",
        f"10 bins of 60 customers, rate {rate:.0%}",
        unit,
        WILSON,
    )
    return coverage_of(names, bins["campaign"], is_within(bins, rate))


def categories(compiled: Path, draws: int, rate: float, unit: str) -> Coverage:
    people = grouped(np.random.default_rng(2), draws, 500, 5, rate, unit)
    people = people.assign(column_name="a", category=people["group"].astype(str))
    keys = ["campaign", "column_name", "category"]
    customers = people.groupby([*keys, "customer_id"], as_index=False)["has_converted"]
    query = jinja2.Template(MACRO.read_text() + "{{ clustered_counts('results.customers', keys, keys[:2]) }}")
    [counts] = run(
        {"counts": query.render(keys=keys)}, {"customers": customers.agg(row_count="size", converted="sum")}
    )
    counts = counts.assign(is_dimension=True, is_feature=True, is_audited=False)
    [found] = build(compiled, ["converters/conversion_rates"], {"conversion_counts": counts})
    about = f"5 categories of 100 customers, rate {rate:.0%}"
    names = ("conversion_rates.conversion_rate", about, unit, "Jeffreys, design effect")
    return coverage_of(names, found["campaign"], is_within(found, rate))


def segments(compiled: Path, draws: int, rate: float, unit: str) -> Coverage:
    """Four segments of customers; the campaign groups people, who may have several rows."""
    people = grouped(np.random.default_rng(3), draws, 400, 4, rate, unit)
    members = people[["campaign", "group", "customer_id"]].drop_duplicates()
    campaigns = pd.DataFrame({"campaign": people["campaign"].unique()})
    names = [{"segment_id": number, "segment_name": f"segment {number}"} for number in range(4)]
    tables = {
        "segment_members": members.rename(columns={"group": "segment_id", "customer_id": "entity_id"}).assign(
            is_customer=True, lookalike_probability=np.nan
        ),
        "segmenters": campaigns.assign(
            entity="customer",
            population=pd.Series(dtype="string"),
            profiles=[names] * len(campaigns),
            model_body="{}",
        ),
        "conversion_models": campaigns.assign(is_newest=True, declaration='{"entity": "row"}'),
        "all_scores": people,
        "staging.segment_names": pd.DataFrame(
            {"campaign": ["none"], "segment_id": 0, "segment_name": "none"}
        ),
    }
    [found] = build(compiled, ["segments/segments"], tables)
    about = f"4 segments of 100 customers, rate {rate:.0%}"
    return coverage_of(
        ("segments.conversion_rate", about, unit, WILSON), found["campaign"], is_within(found, rate)
    )


def base_rates(compiled: Path, draws: int, rate: float, unit: str) -> Coverage:
    people = grouped(np.random.default_rng(4), draws, 600, 3, rate, unit)
    splits = pd.Series(["train", "train", "test"])[people["group"]].to_numpy()
    campaigns = pd.DataFrame({"campaign": people["campaign"].unique()})
    tables = {
        "all_scores": people.assign(split=splits, predicted_probability=rate),
        "conversion_models": campaigns.assign(
            is_champion=True,
            training_base_rate=rate,
            assumed_base_rate=rate,
            assumed_because="as in training",
        ),
    }
    [found] = build(compiled, ["models/conversion_base_rates"], tables)
    about = f"400 training, 200 test customers, rate {rate:.0%}"
    names = ("conversion_base_rates.observed_rate", about, unit, WILSON)
    return coverage_of(names, found["campaign"], is_within(found, rate))


def realised_over_expected(compiled: Path, draws: int, rate: float, unit: str) -> Coverage:
    """Forecasts are right: as many conversions are expected as come true on average."""
    generator = np.random.default_rng(5)
    count = round(30 / rate) if unit == ALONE else round(7.5 / rate)
    customer = rows_of(generator, draws * count, unit)
    chance = generator.beta(2, 2 / rate - 2, draws * count)[customer]
    forecasts = pd.DataFrame(
        {
            "campaign": (customer // count).astype(str),
            "entity_id": np.arange(len(customer)).astype(str),
            "customer_id": customer.astype(str),
            "model_version": "a",
            "scored_on": pd.Timestamp("2026-01-01"),
            "predicted_probability": chance.round(3).clip(0.001),
            "threshold": 0.5,
            "has_converted": outcomes(generator, customer, chance.round(3).clip(0.001)),
        }
    )
    tables = {"conversion_forecasts": forecasts.drop(columns="has_converted"), "all_scores": forecasts}
    [found] = build(compiled, ["monitoring/realised_performance"], tables)
    names = ("realised_performance.realised_to_expected", f"30 conversions, rate {rate:.0%}", unit, "Garwood")
    return coverage_of(names, found["campaign"], is_within(found, 1.0))
