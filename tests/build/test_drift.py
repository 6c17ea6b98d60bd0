"""What is said of drift, of forecasts before their outcome and after it: compiled SQL on made-up tables."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2, chi2_contingency, false_discovery_control
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score

from benchmarks.forecasts import Drift, compared, estimated_and_realised
from tests.support import Dbt, copy_built

WINDOWS = 120
COLUMNS = {
    # columns of the mart that stand for a normal number, counts, one of few values, mostly zero, a category
    "age": "normal",
    "top_up_count": "counts",
    "click_weekday": "few",
    "airtime_amount": "mostly_zero",
    "region": "category",
}


@pytest.fixture(scope="module")
def compiled(built: Dbt) -> Path:
    return built.target / "compiled/leadlight/models"


@pytest.fixture
def drift(built: Dbt, compiled: Path) -> Iterator[Drift]:
    with Drift(built.warehouse, compiled, "app_install") as drift:
        yield drift


def people(generator: np.random.Generator, rows: int, shift: float = 0.0) -> pd.DataFrame:
    """Made-up rows of a mart; `shift` moves ages only."""
    frame = pd.DataFrame(
        {
            "age": np.round(40 + 10 * (generator.normal(size=rows) + shift)),
            "top_up_count": generator.poisson(30, rows).astype(float),
            "click_weekday": generator.integers(1, 8, rows).astype(float),
            "airtime_amount": generator.exponential(5, rows) * (generator.random(rows) < 0.3),
            "region": generator.choice(
                list("abcdefgh"), rows, p=[0.3, 0.2, 0.2, 0.1, 0.1, 0.06, 0.038, 0.002]
            ),
            "has_converted": generator.random(rows) < 0.1,
            "probability": generator.beta(1, 9, rows),
        }
    )
    frame.loc[generator.random(rows) < 0.05, "age"] = np.nan
    return frame


def training_and_windows(window_rows: int, shift: float = 0.0) -> pd.DataFrame:
    """Training rows, and as many months of newer rows."""
    generator = np.random.default_rng(1)
    months = pd.date_range("2026-01-15", periods=WINDOWS, freq="MS")
    training = people(generator, 19_000).assign(split="train", as_of=pd.Timestamp("2025-12-31"))
    newer = people(generator, window_rows * WINDOWS, shift).assign(
        split="test", as_of=np.repeat(months, window_rows)
    )
    return pd.concat([training, newer], ignore_index=True)


def bins_of(training: pd.Series, values: pd.Series) -> np.ndarray:
    """As `conversion_drift` describes them: tenths of the training rows, or values; 99 is unknown."""
    if not pd.api.types.is_numeric_dtype(training):
        shares = training.value_counts(normalize=True)
        names = list(shares[shares >= 0.01].index)
        return values.map(lambda name: names.index(name) if name in names else 98).to_numpy()
    known = np.sort(training.dropna().to_numpy(float))
    distinct = np.unique(known)
    if len(distinct) <= 10:
        edges = distinct[1:]
    else:
        tenths = np.floor(10 * np.searchsorted(known, distinct) / len(known))
        edges = distinct[1:][np.diff(tenths) > 0]
    return np.where(values.isna(), 99, np.searchsorted(edges, values.to_numpy(float), side="right"))


def index_and_limit(training: pd.Series, values: pd.Series) -> tuple[float, float, float]:
    """Population stability index, its noise limit and the p value of the bins, in numpy and scipy."""
    reference, window = bins_of(training, training), bins_of(training, values)
    present = np.union1d(reference, window)
    counts = [(rows[:, None] == present).sum(axis=0) for rows in (window, reference)]
    shares = [np.maximum(count, 0.5) / count.sum() for count in counts]
    index = ((shares[0] - shares[1]) * np.log(shares[0] / shares[1])).sum()
    limit = chi2.ppf(0.95, len(present) - 1) * (1 / len(window) + 1 / len(reference))
    return index, limit, chi2_contingency(counts, correction=False).pvalue


def test_the_index_is_that_of_numpy(drift: Drift) -> None:
    rows = training_and_windows(window_rows=150, shift=0.2)
    found = drift.measured(rows, list(COLUMNS)).set_index(["feature", "window_start"])
    training = rows[rows["split"] == "train"]
    named = rows.rename(columns={"probability": "predicted_probability", "has_converted": "conversion_rate"})
    for feature in [*COLUMNS, "predicted_probability", "conversion_rate"]:
        reference = named.loc[training.index, feature]
        for month, window in list(named[named["split"] == "test"].groupby("as_of"))[:12]:
            row = found.loc[(feature, month)]
            index, limit, p_value = index_and_limit(reference, window[feature])
            assert row["population_stability_index"] == pytest.approx(index, abs=1e-6), (feature, month)
            assert row["noise_limit"] == pytest.approx(limit, abs=1e-6)
            assert row["p_value"] == pytest.approx(p_value, rel=1e-4)
            assert (row["row_count"], row["reference_count"]) == (150, 19_000)
    for _, window in found.reset_index().groupby("window_start"):
        features = window[window["feature_kind"] == "feature"]
        expected = false_discovery_control(features["p_value"])
        assert features["q_value"].to_numpy() == pytest.approx(expected)
        others = window[window["feature_kind"] != "feature"]
        np.testing.assert_array_equal(others["q_value"], others["p_value"])


def test_without_drift_five_in_a_hundred_are_over_the_noise_limit(drift: Drift) -> None:
    found = drift.measured(training_and_windows(window_rows=400), list(COLUMNS))
    assert len(found) == WINDOWS * (len(COLUMNS) + 2)
    is_over = found["population_stability_index"] > found["noise_limit"]
    # 840 indices: three standard errors are 2.3 %
    assert is_over.mean() == pytest.approx(0.05, abs=0.023)
    assert (found["status"] == "stable").all()


def test_few_rows_without_drift_are_seldom_called_drift(drift: Drift) -> None:
    """In windows of 150 rows an index of .1 is nothing rare; 5 in 100 windows have a drifting feature."""
    found = drift.measured(training_and_windows(window_rows=150), list(COLUMNS))
    is_over = found["population_stability_index"] >= 0.1
    features = found[is_over & (found["feature_kind"] == "feature")]
    alone = features[features["population_stability_index"] > features["noise_limit"]]
    called = features[features["status"] != "stable"]
    # three standard errors of 120 windows are 6 %
    assert called["window_start"].nunique() <= (0.05 + 0.06) * WINDOWS
    assert alone["window_start"].nunique() > called["window_start"].nunique()


def test_the_feature_that_moved_is_found(drift: Drift) -> None:
    found = drift.measured(training_and_windows(window_rows=400, shift=0.6), list(COLUMNS))
    moved = found[found["feature"] == "age"]
    assert set(moved["status"]) <= {"drifting", "drifted"}
    assert (found.loc[found["feature"] != "age", "status"] == "stable").all()


def test_few_rows_are_not_judged(drift: Drift) -> None:
    found = drift.measured(training_and_windows(window_rows=99, shift=3.0), list(COLUMNS))
    assert set(found["status"]) == {"too few rows"}
    assert found["population_stability_index"].isna().all()


def weeks_of_selection(shift: float) -> pd.DataFrame:
    """Five weekly files of alike people: in four the older half was contacted, the last waits.

    Who was not contacted has no outcome, then and now. `shift` moves the ages of the last file.
    """
    generator = np.random.default_rng(4)
    mondays = pd.date_range("2026-01-05", periods=5, freq="W-MON")
    files = [
        people(generator, 1_000, shift if week == 4 else 0.0).assign(as_of=mondays[week]) for week in range(5)
    ]
    rows = pd.concat(files, ignore_index=True)
    is_contacted = (rows["age"] > 40) & (rows["as_of"] < mondays[4])
    rows["has_converted"] = rows["has_converted"].astype(object).where(is_contacted, None)
    rows["probability"] = (rows["age"].fillna(40) / 100).clip(0.01, 0.99)
    return rows.assign(split=np.where(is_contacted, "train", "score"))


def test_who_was_not_contacted_is_part_of_the_reference(drift: Drift) -> None:
    """Own selection of whom to contact is no drift, a change of the people is."""
    alike = drift.measured(weeks_of_selection(shift=0.0), ["age", "region"])
    assert set(alike["window_start"]) == {pd.Timestamp("2026-02-02")}
    assert set(alike["feature"]) == {"age", "region", "predicted_probability"}
    assert (alike["status"] == "stable").all()
    assert (alike["row_count"] == 1_000).all()
    assert (alike["reference_count"] == 4_000).all()

    moved = drift.measured(weeks_of_selection(shift=0.8), ["age", "region"]).set_index("feature")
    assert moved["status"].to_dict() == {
        "age": "drifted",
        "region": "stable",
        "predicted_probability": "drifted",
    }
    # the contacted alone, as reference, would call the same people drifted
    rows = weeks_of_selection(shift=0.0)
    contacted, waiting = rows[rows["split"] == "train"], rows[rows["as_of"] == rows["as_of"].max()]
    assert index_and_limit(contacted["age"], waiting["age"])[0] > 0.25


def test_rows_that_come_once_a_week_are_compared_by_week(drift: Drift) -> None:
    """Twenty weekly files, more than the 92 days that else make a month."""
    generator = np.random.default_rng(5)
    mondays = pd.date_range("2026-01-05", periods=20, freq="W-MON")
    rows = people(generator, 4_000).assign(as_of=np.repeat(mondays, 200))
    rows["split"] = np.where(rows["as_of"] < mondays[17], "train", "test")
    assert set(drift.measured(rows, ["age"])["window_start"]) == set(mondays[17:])


def test_outcomes_of_the_contacted_are_compared_with_those_of_the_contacted(
    built: Dbt, make_dbt: Callable[..., Dbt], default_data: Path
) -> None:
    """Training rows of a time before audiences convert less; those whom audiences contacted do as before."""
    dbt = make_dbt(default_data)
    copy_built(built, dbt)
    dbt("compile", "--select", "conversion_drift_counts", "conversion_drift")
    generator = np.random.default_rng(6)
    rows = people(generator, 3_000).assign(
        as_of=np.repeat(pd.to_datetime(["2026-01-05", "2026-01-12", "2026-01-19"]), 1_000),
        split=np.repeat(["train", "train", "test"], 1_000),
    )
    rows["has_converted"] = np.where(rows.index < 1_000, rows.index % 10 == 0, rows.index % 2 == 0)
    chosen = pd.DataFrame({"entity_id": rows.index[1_000:].astype(str)})
    with Drift(built.warehouse, dbt.target / "compiled/leadlight/models", "app_install") as drift:
        rate = "feature == 'conversion_rate'"
        [before] = drift.measured(rows, ["age"]).query(rate).itertuples()
        assert (before.reference_mean, before.window_mean) == pytest.approx((0.3, 0.5))
        members = chosen.assign(
            campaign="app_install",
            purpose="contact",
            is_holdout=False,
            selected_at=pd.Timestamp("2026-01-12"),
        )
        drift.connection.register("members", members)
        drift.connection.execute("insert into results.audience_members by name from members")
        [after] = drift.measured(rows, ["age"]).query(rate).itertuples()
        assert (after.reference_mean, after.window_mean) == pytest.approx((0.5, 0.5))
        assert after.status == "stable"


def test_accepted_drift_ends_after_its_last_day(built: Dbt) -> None:
    days = "{'over': '2027-01-31', 'last_day': '2027-02-01', 'later': '2027-02-02'}"
    sql = " ".join(
        f"{{{{ accepted_drift({declared}) }}}}"
        for declared in (f"{{'accept_drift': {days}}}", "{'accept_drift': ['age']}", "{}")
    )
    printed = built("compile", "--quiet", "--inline", sql, variables={"today": "2027-02-01"})
    assert "['last_day', 'later'] ['age'] []" in printed


def forecasts(generator: np.random.Generator, days: int, rows: int) -> pd.DataFrame:
    """Forecasts of some days, and outcomes drawn from them."""
    probability = generator.beta(0.5, 5, days * rows)
    return pd.DataFrame(
        {
            "scored_on": np.repeat(pd.date_range("2026-01-01", periods=days), rows),
            "probability": probability.round(3),
            "has_converted": generator.random(days * rows) < probability.round(3),
        }
    )


def test_estimates_before_the_outcomes_agree_with_what_comes_true(compiled: Path) -> None:
    """Outcomes drawn from the probabilities: the mean error of 100 days is that of chance."""
    rows = forecasts(np.random.default_rng(1), days=100, rows=1000)
    found = estimated_and_realised(compiled, rows, threshold=0.2)
    assert len(found) == 100
    for day, of_day in rows.groupby("scored_on"):
        row, predicted = found.loc[day], of_day["probability"] >= 0.2
        truth = of_day["has_converted"]
        assert row["realised_precision"] == pytest.approx(precision_score(truth, predicted))
        assert row["realised_roc_auc"] == pytest.approx(roc_auc_score(truth, of_day["probability"]))
        found.loc[day, ["recall", "f1"]] = recall_score(truth, predicted), f1_score(truth, predicted)
    for estimate, realised in (
        ("estimated_precision", "realised_precision"),
        ("estimated_recall", "recall"),
        ("estimated_f1", "f1"),
        ("estimated_roc_auc", "realised_roc_auc"),
    ):
        error = found[estimate] - found[realised]
        # F1 and recall are ratios of random sums: a bias of 1 / rows is theirs
        assert abs(error.mean()) < 3 * error.std() / np.sqrt(len(error)) + 1 / 1000, estimate


def test_right_forecasts_are_within_the_interval_and_wrong_ones_are_not(compiled: Path) -> None:
    rows = forecasts(np.random.default_rng(2), days=200, rows=1000)
    assert estimated_and_realised(compiled, rows, threshold=0.2)["is_within"].mean() >= 0.95
    rows["probability"] *= 0.5
    assert estimated_and_realised(compiled, rows, threshold=0.2)["is_within"].mean() < 0.05


def test_only_known_outcomes_count(compiled: Path) -> None:
    rows = forecasts(np.random.default_rng(3), days=1, rows=1000)
    rows["has_converted"] = rows["has_converted"].astype(object).where(rows.index < 400, None)
    [row] = estimated_and_realised(compiled, rows, threshold=0.2).to_dict("records")
    known = rows[:400]
    assert (row["forecast_count"], row["known_count"]) == (1000, 400)
    assert row["expected_conversions"] == pytest.approx(known["probability"].sum())
    assert row["realised_conversions"] == known["has_converted"].sum()
    unknown = rows.assign(has_converted=None)
    [row] = estimated_and_realised(compiled, unknown, threshold=0.2).to_dict("records")
    assert row["known_count"] == 0
    assert pd.isna(row["realised_to_expected"])
    assert pd.isna(row["is_within"])
    assert row["estimated_precision"] == pytest.approx(
        rows.loc[rows["probability"] >= 0.2, "probability"].mean()
    )


def test_estimates_agree_with_the_test_rows_of_the_default_campaigns(built: Dbt, compiled: Path) -> None:
    """ROC AUC within three standard errors (Hanley and McNeil 1982) of what the outcomes show."""
    found = compared(built.warehouse, compiled).dropna(subset="realised_roc_auc")
    assert len(found) >= 3
    area = found["realised_roc_auc"]
    positives = found["realised_conversions"]
    negatives = found["known_count"] - positives
    variance = (
        area * (1 - area)
        + (positives - 1) * (area / (2 - area) - area**2)
        + (negatives - 1) * (2 * area**2 / (1 + area) - area**2)
    ) / (positives * negatives)
    assert ((found["estimated_roc_auc"] - area).abs() < 3 * np.sqrt(variance)).all()
