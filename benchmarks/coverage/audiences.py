"""What audiences are expected to bring, and what contacting brought, on made-up campaigns.

Contacts raise everybody's chance to convert by the same difference; who is held out is drawn at random.
"""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from benchmarks.coverage.measuring import Coverage, coverage_of, is_within
from benchmarks.coverage.people import ALONE, SEVERAL, outcomes, rows_of
from benchmarks.forecasts import empty_database
from python_models.delivery.sent_record import NO_ROWS

POLICY = {"purpose": "contact", "threshold_policy": "f1"}
PEOPLE = "person contacted or held out"
NEWCOMBE = "Newcombe, method 10"
GAMMA = "gamma, chance and past error of predictions"


def made_up_warehouse() -> duckdb.DuckDBPyConnection:
    """Open an empty warehouse in which nothing was sent yet."""
    connection = empty_database()
    connection.execute(f"create table results.sent_contacts as {NO_ROWS}")
    return connection


def put(sql: duckdb.DuckDBPyConnection, table: str, frame: pd.DataFrame) -> None:
    sql.register("frame", frame)
    sql.execute(f"create table {table} as from frame")
    sql.unregister("frame")


def lifts(
    compiled: Path, campaigns: int, rows: int, share: float, base_rate: float, effect: float, seed: int = 1
) -> pd.DataFrame:
    """One row per made-up campaign and decile, as `campaign_lift` has them.

    Parameters
    ----------
    compiled : Path
        Folder of the models that dbt compiled.
    campaigns, rows : int
        How many campaigns, of how many people each.
    share : float
        Share of the people held out.
    base_rate, effect : float
        Mean rate of conversion of those held out, and what contacting adds to it.
    seed : int
        Another seed, other campaigns.
    """
    generator = np.random.default_rng(seed)
    lift = (compiled / "results/audiences/campaign_lift.sql").read_text()
    count = campaigns * rows
    # people differ: their chances have a standard deviation of half their mean
    chance = generator.beta(4 * (1 - base_rate), 4 * (1 - base_rate) / base_rate * (1 - base_rate), count)
    is_holdout = generator.random(count) < share
    number = np.repeat(np.arange(campaigns), rows)
    people = pd.DataFrame(
        {
            "campaign": [f"made up {name}" for name in number],
            "entity_id": np.arange(count).astype(str),
            "predicted_probability": chance,
            "has_converted": generator.random(count) < chance + np.where(is_holdout, 0, effect),
            "is_holdout": is_holdout,
            "purpose": "contact",
            "selected_at": pd.Timestamp("2026-11-18"),
        }
    )
    people["audience_id"] = people["campaign"]
    people["suppressed_reason"] = pd.Series(None, index=people.index, dtype="string")
    with made_up_warehouse() as sql:
        put(sql, "results.audience_members", people)
        put(sql, "results.all_scores", people[["campaign", "entity_id", "has_converted"]])
        return sql.sql(lift).df()


def coverage(table: pd.DataFrame, effect: float) -> tuple[float, float]:
    """Share of the whole audiences whose interval covers the effect, and with a p-value below .05."""
    whole = table[table["decile"] == 0]
    added = effect * whole["contacted_count"]
    covered = (whole["lower"] <= added) & (added <= whole["upper"])
    return float(covered.mean()), float((whole["p_value"] < 0.05).mean())


def tenths_found(table: pd.DataFrame) -> tuple[float, float]:
    """Return the share of audiences with a tenth whose p value, and adjusted p value, is below .05."""
    tenths = table[table["decile"] > 0]
    lowest = tenths.groupby("audience_id")[["p_value", "adjusted_p_value"]].min()
    alone, adjusted = (lowest < 0.05).mean()
    return float(alone), float(adjusted)


def weeks_with_holdouts(
    generator: np.random.Generator, campaigns: int, weeks: int, rows: int
) -> pd.DataFrame:
    """Members of weekly audiences, a tenth held out; contacting adds .03 to a rate that differs by week."""
    count = campaigns * weeks * rows
    week = np.tile(np.repeat(np.arange(weeks), rows), campaigns)
    campaign = np.repeat([f"made up {number}" for number in range(campaigns)], weeks * rows)
    is_holdout = generator.random(count) < 0.1
    own_rate = 0.04 + 0.02 * (week % 3)
    chance = own_rate + 0.03
    converted = generator.random(count) < np.where(is_holdout, own_rate, chance)
    members = members_of(chance, campaign, converted).assign(conversion_value=50.0, is_holdout=is_holdout)
    monday = pd.Timestamp("2026-01-05") + pd.to_timedelta(7 * week, unit="D")
    names = members["campaign"] + " " + monday.strftime("%Y-%m-%d")
    return members.assign(audience_id=names, week_start=monday, selected_at=monday)


def payoffs(sql: duckdb.DuckDBPyConnection, compiled: Path, members: pd.DataFrame) -> pd.DataFrame:
    """`contact_payoff` of made-up members; leaves `campaign_lift` and what it is made of in the database."""
    terms = (
        members[["audience_id", "campaign", "week_start"]]
        .drop_duplicates()
        .assign(**POLICY, relative_variance=0.0)
    )
    put(sql, "results.audience_terms", terms)
    put(sql, "results.audience_members", members)
    put(sql, "results.all_scores", members[["campaign", "entity_id", "has_converted"]])
    folder = compiled / "results/audiences"
    sql.execute(f"create table results.campaign_lift as {(folder / 'campaign_lift.sql').read_text()}")
    return sql.sql((folder / "contact_payoff.sql").read_text()).df().set_index("campaign")


def judged(
    sql: duckdb.DuckDBPyConnection,
    compiled: Path,
    members: pd.DataFrame,
    terms: pd.DataFrame,
    sent: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """`audiences` of made-up members and terms, all money declared."""
    text = (compiled / "results/audiences/audiences.sql").read_text()
    put(sql, "results.audience_terms", terms.assign(old_count=0, used_count=0))
    put(sql, "results.audience_members", members)
    if sent is not None:
        sql.register("sent", sent)
        sql.execute("insert into results.sent_contacts by name from sent")
    put(sql, "results.all_scores", members[["campaign", "entity_id", "has_converted"]])
    return sql.sql(text).df().set_index("audience_id")


def members_of(probability: np.ndarray, audience: np.ndarray, has_converted: np.ndarray) -> pd.DataFrame:
    """Members to be contacted, each for 2, a conversion bringing 50 or 100."""
    value = np.where(np.arange(len(probability)) % 2, 50.0, 100.0)
    frame = pd.DataFrame(
        {
            "campaign": audience,
            "audience_id": audience,
            "purpose": "contact",
            "entity_id": np.arange(len(probability)).astype(str),
            "predicted_probability": probability,
            "contact_cost": 2.0,
            "conversion_value": value,
            "expected_profit": probability * value - 2,
            "is_holdout": False,
            "has_converted": has_converted,
            "selected_at": pd.Timestamp("2026-11-18"),
        }
    )
    return frame.assign(suppressed_reason=pd.Series(None, index=frame.index, dtype="string"))


def terms_of(audiences: list[str], variance: pd.Series | float = 0.0) -> pd.DataFrame:
    frame = pd.DataFrame({"campaign": audiences, "audience_id": audiences, "relative_variance": variance})
    return frame.assign(
        **POLICY,
        channel="mail",
        week_start=pd.Timestamp("2026-11-16"),
        policy_limit=np.nan,
        model_version="m",
        holdout_share=0.1,
        holdout_effect=0.05,
    )


def expectations(
    compiled: Path, audiences: int, contacts: int, wrong: float = 1.0, unit: str = ALONE
) -> pd.DataFrame:
    """`audiences` of made-up campaigns of some 500 known rows, predictions being `wrong` times the chance."""
    generator = np.random.default_rng(5)
    known = 500 if unit == ALONE else 125
    names = np.array([f"made up {number}" for number in range(audiences)])
    customer = rows_of(generator, audiences * known, unit)
    chance = (generator.beta(2, 14, audiences * known) * 0.7)[customer]
    choices = pd.DataFrame(
        {
            "campaign": names[customer // known],
            "customer_id": customer.astype(str),
            "split": "train",
            "purpose": "evidence",
            "predicted_probability": wrong * chance,
            "has_converted": outcomes(generator, customer, chance),
        }
    )
    with made_up_warehouse() as sql:
        put(sql, "results.policy_choices", choices)
        evidence = sql.sql((compiled / "results/audiences/audience_evidence.sql").read_text()).df()
        variance = evidence.query("purpose == 'contact'").set_index("campaign")["relative_variance"]
        chance = generator.beta(2, 14, audiences * contacts) * 0.7
        members = members_of(wrong * chance, names.repeat(contacts), generator.random(len(chance)) < chance)
        return judged(sql, compiled, members, terms_of(list(names), variance.loc[names].to_numpy()))


def measure_audiences(compiled: Path, draws: int) -> Iterator[Coverage]:
    """Yield the coverage of lifts of one week and of several, and of what was expected of a week."""
    for rows, share, base_rate, effect in (
        (5_000, 0.1, 0.05, 0.03),
        (1_000, 0.1, 0.02, 0.02),
        (5_000, 0.1, 0.05, 0.0),
    ):
        table = lifts(compiled, draws, rows, share, base_rate, effect)
        about = f"{rows:,} people, {share:.0%} held out, "
        about += f"{base_rate:.0%} convert, contacted {base_rate + effect:.0%}"
        yield from measure_lifts(table, about, effect)
    yield from measure_weeks(compiled, draws)
    for contacts, wrong, unit in (
        (400, 1.0, ALONE),
        (400, 0.75, ALONE),
        (400, 0.75, SEVERAL),
        (20, 1.0, ALONE),
    ):
        yield from measure_expectations(expectations(compiled, draws, contacts, wrong, unit), wrong, unit)


def measure_lifts(table: pd.DataFrame, about: str, effect: float) -> Iterator[Coverage]:
    for column, rows in (
        ("difference, lower and upper", table[table["decile"] == 0]),
        ("difference, lower and upper of tenths", table[table["decile"] > 0]),
    ):
        is_covered = is_within(rows, effect, "difference_lower", "difference_upper")
        yield coverage_of(
            (f"campaign_lift.{column}", about, PEOPLE, NEWCOMBE), rows["audience_id"], is_covered
        )
    if effect == 0:
        tenths = table[table["decile"] > 0]
        lowest = tenths.groupby("audience_id")["adjusted_p_value"].min().reset_index()
        names = ("campaign_lift.adjusted_p_value above .05", about, PEOPLE, "Fisher, Holm")
        yield coverage_of(names, lowest["audience_id"], lowest["adjusted_p_value"] >= 0.05)


def measure_weeks(compiled: Path, draws: int) -> Iterator[Coverage]:
    """Eight weeks of 300 people: contacting brings .03 conversions of 50 each, at a cost of 2."""
    members = weeks_with_holdouts(np.random.default_rng(8), draws, 8, 300)
    with made_up_warehouse() as sql:
        found = payoffs(sql, compiled, members).reset_index()
        weeks = sql.sql((compiled / "results/audiences/track_record.sql").read_text()).df()
    about = "8 weeks of 300 people, 10% held out, 4 to 8% convert, contacted 3% more"
    pooled = "Newcombe on Mantel and Haenszel's weights"
    names = ("contact_payoff.lift, incremental_conversions", about, PEOPLE, pooled)
    yield coverage_of(names, found["campaign"], is_within(found, 0.03, "lift_lower", "lift_upper"))
    profit = found["contact_count"] * (0.03 * 50 - 2)
    names = ("contact_payoff.incremental_profit", *names[1:])
    is_covered = is_within(found, profit, "incremental_profit_lower", "incremental_profit_upper")
    yield coverage_of(names, found["campaign"], is_covered)
    names = ("track_record.lift_so_far, incremental_..._so_far", *names[1:])
    is_covered = is_within(weeks, 0.03, "lift_so_far_lower", "lift_so_far_upper")
    yield coverage_of(names, weeks["campaign"], is_covered)
    names = (
        "track_record.expected_conversions",
        "weeks of 270 contacts, predicted 1 x the true chance",
        "contact",
        GAMMA,
    )
    yield coverage_of(names, weeks["campaign"], weeks["is_within"])


def measure_expectations(table: pd.DataFrame, wrong: float, unit: str) -> Iterator[Coverage]:
    table = table.reset_index()
    contacts = int(table["contact_count"].iloc[0])
    about = f"{contacts} contacts, 500 known rows, predicted {wrong:g} x the true chance"
    conversions = is_within(
        table, table["realised_conversions"], "expected_conversions_lower", "expected_conversions_upper"
    )
    names = ("audiences.expected_conversions", about, f"contact; known: {unit}", GAMMA)
    yield coverage_of(names, table["audience_id"], conversions)
    names = ("audiences.expected_profit, return_on_ad_spend", *names[1:])
    yield coverage_of(names, table["audience_id"], table["is_realised_within"])
