"""Calibration slopes, and the fairness of groups."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import norm

from benchmarks.coverage.measuring import Coverage, build, coverage_of, is_within, read, run
from benchmarks.coverage.people import ALONE, SEVERAL, outcomes, rows_of

# The compiled model names the campaigns that audit a column: draws are campaigns whose names begin alike.
AUDITED = "app_install"
FAIRNESS = "evaluation/conversion_fairness"
WILSON = "Wilson, design effect"


def measure_evaluation(compiled: Path, draws: int) -> Iterator[Coverage]:
    for slope, unit in ((1.0, ALONE), (0.8, ALONE), (1.0, SEVERAL)):
        yield from slopes(compiled, draws, slope, unit)
    for rows, ratio, unit in ((500, 0.7, ALONE), (100, 1.0, ALONE), (500, 0.8, SEVERAL)):
        yield from fairness(compiled, draws, rows, ratio, unit)


def slopes(compiled: Path, draws: int, slope: float, unit: str) -> Iterator[Coverage]:
    """Slope and top decile of some 1,000 rows; a customer's rows have one probability."""
    generator = np.random.default_rng(1)
    customers = 1_000 if unit == ALONE else 250
    customer = rows_of(generator, draws * customers, unit)

    def log_odds_of(signal: np.ndarray) -> np.ndarray:
        return np.asarray(logit(0.1) - 0.6 + 1.2 * signal)

    said = log_odds_of(generator.normal(size=draws * customers))[customer]
    rows = pd.DataFrame(
        {
            "campaign": (customer // customers).astype(str),
            "split": "test",
            "customer_id": customer.astype(str),
            "predicted_probability": expit(said),
            "has_converted": outcomes(generator, customer, expit(slope * said)),
        }
    )
    place = rows.groupby("campaign")["predicted_probability"].rank(method="first", ascending=False, pct=True)
    rows["decile"] = np.ceil(10 * place).astype(int)
    [found] = build(compiled, ["evaluation/conversion_calibration_slopes"], {"judged_scores": rows})
    best = log_odds_of(norm.isf((np.arange(100_000) + 0.5) / 1_000_000))
    ratio = expit(best).mean() / expit(slope * best).mean()
    about = f"1,000 rows, a true slope of {slope:g}"
    names = (
        "conversion_calibration_slopes.calibration_slope",
        about,
        unit,
        "sandwich, customers as clusters",
    )
    yield coverage_of(names, found["campaign"], is_within(found, slope))
    names = ("conversion_calibration_slopes.top_decile", about, unit, "logarithm, customers as clusters")
    is_covered = is_within(found, ratio, "top_decile_lower", "top_decile_upper")
    yield coverage_of(names, found["campaign"], is_covered)


def fairness(compiled: Path, draws: int, rows: int, ratio: float, unit: str) -> Iterator[Coverage]:
    """Yield rates, calibration gap and ratio of two groups; one in ten converts, one in ten is contacted."""
    generator = np.random.default_rng(rows)
    rate = 0.1
    customers = 2 * rows if unit == ALONE else rows // 2
    customer = rows_of(generator, draws * customers, unit)
    is_first = customer % 2 == 0
    selection_rate = np.where(is_first, ratio, 1) * rate
    scores = pd.DataFrame(
        {
            "campaign": [f"{AUDITED} {number}" for number in customer // customers],
            "entity_id": np.arange(len(customer)).astype(str),
            "customer_id": customer.astype(str),
            "split": "test",
            "has_converted": outcomes(generator, customer, rate),
            "predicted_probability": rate,
            "predicted_conversion": outcomes(generator, customer, selection_rate),
        }
    )
    mart = pd.DataFrame({"click_id": scores["entity_id"], "gender": np.where(is_first, "first", "second")})
    tables = {
        "conversion_scores": scores,
        f"campaigns.{AUDITED}_features": mart,
        "campaigns.insurance_features": pd.DataFrame(
            {"client_id": [""], "age_band": "", "marital_status": ""}
        ),
    }
    query = read(compiled, FAIRNESS).replace(f"= '{AUDITED}'", f"like '{AUDITED} %'")
    [found] = run({"conversion_fairness": query}, tables)
    is_first_group = found["group_value"] == "first"
    selected = np.where(is_first_group, ratio, 1) * rate
    about = f"2 groups of {rows} rows, 10% convert, {ratio * rate:.0%} and 10% contacted"
    for column, truth in (
        ("selection_rate", selected),
        ("true_positive_rate", selected),
        ("false_positive_rate", selected),
        ("calibration_gap", 0.0),
    ):
        names = (f"conversion_fairness.{column}", about, unit, WILSON)
        yield coverage_of(
            names, found["campaign"], is_within(found, truth, f"{column}_lower", f"{column}_upper")
        )
    first = found[is_first_group]
    names = ("conversion_fairness.ratio", about, unit, "Donner and Zou")
    yield coverage_of(names, first["campaign"], is_within(first, ratio, "ratio_lower", "ratio_upper"))
