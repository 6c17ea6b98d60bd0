"""Whom to contact, who is held out and what came of it: the SQL on made-up campaigns, and a build."""

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmarks.lift import coverage, lifts
from python_models.delivery.sent_record import NO_ROWS
from python_models.engines.duckdb.statistics import Plugin
from tests.support import Dbt, copy_built


@pytest.fixture(scope="module")
def compiled(built: Dbt) -> Path:
    return built.target / "compiled/leadlight/models"


@pytest.fixture
def sql() -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty warehouse with the plugin's functions."""
    with duckdb.connect() as connection:
        connection.execute(
            "attach ':memory:' as warehouse; use warehouse; create schema results; create schema campaigns"
        )
        Plugin("statistics", {}).configure_connection(connection)
        yield connection


def put(sql: duckdb.DuckDBPyConnection, table: str, frame: pd.DataFrame) -> None:
    sql.register("frame", frame)
    sql.execute(f"create table {table} as from frame")
    sql.unregister("frame")


# --- money -------------------------------------------------------------------------------


# --- what contacting brought -------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "share", "base_rate", "effect"), [(2_000, 0.1, 0.05, 0.04), (1_000, 0.2, 0.1, 0.0)]
)
def test_the_interval_of_the_lift_covers_the_effect(
    compiled: Path, rows: int, share: float, base_rate: float, effect: float
) -> None:
    table = lifts(compiled, 100, rows, share, base_rate, effect)
    covered, found = coverage(table, effect)
    assert covered >= 0.93
    # nothing is found where there is nothing, and something where there is
    assert found <= 0.12 if effect == 0 else found > 0.3
    tenths = table[table["decile"] > 0]
    added = effect * tenths["contacted_count"]
    assert ((tenths["lower"] <= added) & (added <= tenths["upper"])).mean() >= 0.93


def test_lift_is_that_of_an_independent_computation(compiled: Path) -> None:
    table = lifts(compiled, 3, 1_000, 0.3, 0.2, 0.1)
    assert sorted(table["decile"]) == sorted([*range(11)] * 3)
    tenths = table[table["decile"] > 0].groupby("audience_id").sum(numeric_only=True)
    for row in table.itertuples():
        counts = np.array([row.contacted_conversions, row.holdout_conversions])
        trials = np.array([row.contacted_count, row.holdout_count])
        rates = counts / trials
        bounds = np.array(
            [
                stats.binomtest(int(count), int(trial)).proportion_ci(method="wilson")
                for count, trial in zip(counts, trials, strict=True)
            ]
        )
        difference = rates[0] - rates[1]
        lower = difference - np.hypot(rates[0] - bounds[0, 0], bounds[1, 1] - rates[1])
        upper = difference + np.hypot(bounds[0, 1] - rates[0], rates[1] - bounds[1, 0])
        assert row.lift_difference == pytest.approx(difference)
        assert (row.difference_lower, row.difference_upper) == pytest.approx((lower, upper), abs=1e-6)
        assert (row.lower, row.upper) == pytest.approx((lower * trials[0], upper * trials[0]), abs=1e-3)
        # the z-test of two proportions, pooled, is the chi-squared test without correction
        others = trials - counts
        if counts.sum() and others.sum():
            assert row.p_value == pytest.approx(
                stats.chi2_contingency([counts, others], correction=False).pvalue
            )
        if row.decile == 0:
            whole = tenths.loc[row.audience_id]
            assert (row.contacted_count, row.holdout_count, row.known_count) == (
                whole["contacted_count"],
                whole["holdout_count"],
                1_000,
            )


# --- what is expected --------------------------------------------------------------------

POLICY = {"purpose": "contact", "threshold_policy": "f1"}


def judged(
    sql: duckdb.DuckDBPyConnection,
    compiled: Path,
    members: pd.DataFrame,
    terms: pd.DataFrame,
    sent: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """`audiences` of made-up members and terms, all money declared."""
    text = (compiled / "results/audiences/audiences.sql").read_text()
    put(sql, "results.audience_terms", terms)
    put(sql, "results.audience_members", members)
    sql.execute(f"create table results.sent_contacts as {NO_ROWS}")
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


@pytest.mark.parametrize("wrong", [1.0, 0.75, 1.3], ids=["right", "too low", "too high"])
@pytest.mark.parametrize("contacts", [20, 400])
def test_the_interval_of_the_profit_covers_what_comes_true(
    compiled: Path, sql: duckdb.DuckDBPyConnection, contacts: int, wrong: float
) -> None:
    """Predictions are `wrong` times the chance, of known rows and of those to be contacted alike."""
    generator = np.random.default_rng(5)
    campaigns, known = 200, 500
    names = np.array([f"made up {number}" for number in range(campaigns)])
    chance = generator.beta(2, 14, campaigns * known) * 0.7
    put(
        sql,
        "results.policy_choices",
        pd.DataFrame(
            {
                "campaign": names.repeat(known),
                "customer_id": np.arange(campaigns * known).astype(str),
                "split": "train",
                "purpose": "evidence",
                "predicted_probability": wrong * chance,
                "has_converted": generator.random(campaigns * known) < chance,
            }
        ),
    )
    evidence = sql.sql((compiled / "results/audiences/audience_evidence.sql").read_text()).df()
    evidence = evidence[evidence["purpose"] == "contact"].set_index("campaign").loc[names]
    assert (evidence["part_count"] == 5).all()
    chance = generator.beta(2, 14, campaigns * contacts) * 0.7
    members = members_of(wrong * chance, names.repeat(contacts), generator.random(len(chance)) < chance)
    found = judged(sql, compiled, members, terms_of(list(names), evidence["relative_variance"].to_numpy()))
    assert found["is_realised_within"].mean() >= 0.93
    # nor is it as wide as to say nothing
    width = (found["expected_conversions_upper"] - found["expected_conversions_lower"]).mean()
    assert width < (16 if contacts == 20 else 110 if wrong != 1 else 60)


def test_sums_and_the_marginal_customer_are_those_of_pandas(
    compiled: Path, sql: duckdb.DuckDBPyConnection
) -> None:
    generator = np.random.default_rng(2)
    members = members_of(
        generator.random(50).round(1) / 2, np.repeat("spring", 50), generator.random(50) < 0.3
    )
    members.loc[:4, "suppressed_reason"] = "asked not to be contacted"
    members.loc[5:9, "is_holdout"] = True
    contacted = members[10:]
    [row] = judged(sql, compiled, members, terms_of(["spring"])).itertuples()
    assert (row.candidate_count, row.suppressed_count, row.holdout_count, row.contact_count) == (50, 5, 5, 40)
    assert row.expected_conversions == pytest.approx(contacted["predicted_probability"].sum())
    assert row.expected_profit == pytest.approx(contacted["expected_profit"].sum())
    assert row.contact_cost == 80
    assert row.return_on_ad_spend == pytest.approx(row.expected_revenue / 80)
    last = contacted.sort_values(["predicted_probability", "entity_id"], ascending=[True, False]).iloc[0]
    assert (row.marginal_entity_id, row.marginal_expected_profit) == (
        last["entity_id"],
        pytest.approx(last["expected_profit"]),
    )
    realised = (contacted["has_converted"] * contacted["conversion_value"] - 2).sum()
    assert row.realised_profit == pytest.approx(realised)
    # every row known
    assert row.is_realised_within == (row.expected_profit_lower <= realised <= row.expected_profit_upper)


def test_what_was_not_sent_is_no_part_of_what_came_true(
    compiled: Path, sql: duckdb.DuckDBPyConnection
) -> None:
    members = members_of(np.full(10, 0.5), np.repeat("spring", 10), np.repeat([True, False], 5))
    members.loc[8:, "is_holdout"] = True
    # of a week that is over
    members["selected_at"] = pd.Timestamp("2020-11-18")
    sent = members.loc[[0, 1, 5, 8], ["campaign", "audience_id", "entity_id", "is_holdout"]]
    sent = sent.assign(week_start=pd.Timestamp("2020-11-16"), sent_at=pd.Timestamp("2020-11-18 09:00:00"))
    [row] = judged(sql, compiled, members, terms_of(["spring"]), sent).itertuples()
    assert (row.candidate_count, row.contact_count, row.holdout_count, row.unsent_count) == (10, 3, 1, 6)
    assert (row.expected_conversions, row.realised_conversions) == (1.5, 2)
    assert row.sent_at == pd.Timestamp("2020-11-18 09:00:00")
    lift = sql.sql((compiled / "results/audiences/campaign_lift.sql").read_text()).df().set_index("decile")
    assert (lift.loc[0, "contacted_count"], lift.loc[0, "holdout_count"]) == (3, 1)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_the_required_holdout_finds_the_effect_in_four_of_five_campaigns(
    compiled: Path, sql: duckdb.DuckDBPyConnection, share: float
) -> None:
    terms = terms_of(["spring"]).assign(holdout_share=share)
    members = members_of(np.full(100, 0.2), np.repeat("spring", 100), np.repeat(False, 100))
    required = int(judged(sql, compiled, members, terms)["holdout_required_count"].iloc[0])
    contacted = round(required * (1 - share) / share)
    generator = np.random.default_rng(3)
    campaigns = 20_000
    converted = generator.binomial(contacted, 0.2, campaigns), generator.binomial(required, 0.15, campaigns)
    pooled = (converted[0] + converted[1]) / (contacted + required)
    error = np.sqrt(pooled * (1 - pooled) * (1 / contacted + 1 / required))
    z = (converted[0] / contacted - converted[1] / required) / error
    assert np.mean(np.abs(z) > 1.96) == pytest.approx(0.8, abs=0.015)


def test_a_build_reads_the_first_export_of_each_row(make_dbt: Callable[..., Dbt], default_data: Path) -> None:
    dbt = make_dbt(default_data)
    record = Path(f"{dbt.warehouse}.sent")
    dbt("run", "--select", "sent_contacts")
    assert dbt.query("from results.sent_contacts") == []
    assert not record.exists()
    record.mkdir()
    row = "'c-2026-W47' as audience_id, 'c' as campaign, date '2026-11-16' as week_start, 's' as source, "
    row += "'mail' as channel, entity_id, entity_id as customer_id, false as is_holdout, "
    for number, (entities, hour) in enumerate([("'a', 'b'", 9), ("'b', 'c'", 8)]):
        times = f"timestamp '2026-11-17 0{hour}:00:00' as sent_at, '/any/c-{number}' as export_folder, "
        rows = f"select {row}{times}'hash' as members_sha256 from (select unnest([{entities}]) as entity_id)"
        duckdb.sql(f"copy ({rows}) to '{record}/{number}.parquet'")
    dbt("run", "--select", "sent_contacts")
    first = "select entity_id, hour(sent_at), export_folder from results.sent_contacts order by entity_id"
    assert dbt.query(first) == [("a", 9, "c-0"), ("b", 8, "c-1"), ("c", 8, "c-1")]


# --- the default build -------------------------------------------------------------------


def test_every_campaign_but_a_variant_is_rehearsed_and_its_profit_comes_true(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    rehearsals = connection.sql("from results.audiences where purpose = 'rehearsal'").df()
    modelled = connection.sql("""
        select campaign from results.campaigns where algorithm is not null and variant_of is null
    """).df()
    assert set(rehearsals["campaign"]) == set(modelled["campaign"])
    assert "insurance_with_call_length" not in set(rehearsals["campaign"])
    assert (rehearsals["realised_count"] == rehearsals["contact_count"]).all()
    # on the tests' small samples a policy may find nobody worth contacting
    contacted = rehearsals[rehearsals["contact_count"] > 0]
    assert len(contacted) >= 3
    assert contacted["is_realised_within"].astype(bool).all()
    # an assumed contact is worth its money
    assert (contacted["expected_profit"] > 0).all()


def test_members_are_ranked_from_one_and_in_order(connection: duckdb.DuckDBPyConnection) -> None:
    members = connection.sql("from results.audience_members").df()
    assert len(members)
    for _, audience in members.groupby("audience_id"):
        ranked = audience.sort_values("rank")
        assert ranked["rank"].tolist() == list(range(1, len(ranked) + 1))
        by_probability = audience.sort_values(["predicted_probability", "entity_id"], ascending=[False, True])
        assert by_probability["entity_id"].tolist() == ranked["entity_id"].tolist()
    suppressed = members[members["suppressed_reason"].notna()]
    assert not suppressed["is_holdout"].any()
    chosen = members[members["suppressed_reason"].isna() & (members["purpose"] == "contact")]
    assert not chosen.duplicated(["campaign", "customer_id"]).any()
    assert chosen["is_holdout"].any()


def test_audience_tables_of_the_last_release_move_with_their_rows(
    built: Dbt, make_dbt: Callable[..., Dbt], default_data: Path
) -> None:
    """They stood in schema campaigns, without counts of what is left out and a list of what is published."""
    dbt = make_dbt(default_data)
    copy_built(built, dbt)
    with duckdb.connect(f"{dbt.warehouse}.working") as working:
        working.execute("""
            drop view campaigns.audience_terms;
            create table campaigns.audience_terms as
            select * exclude (old_count, used_count) from results.audience_terms;
            insert into campaigns.audience_terms
            select * replace ('coupon-2025-W01' as audience_id, date '2024-12-30' as week_start)
            from campaigns.audience_terms where campaign = 'coupon' and purpose = 'contact';
            drop table results.audience_terms;
            drop table main.published_audience_terms;
        """)
        kept = working.sql("select audience_id from campaigns.audience_terms order by all").fetchall()
    dbt("run", "--select", "audience_terms")
    for schema in ("results", "campaigns"):
        assert dbt.query(f"select audience_id from {schema}.audience_terms order by all") == kept
    assert ("coupon-2025-W01",) in kept
    assert dbt.query(
        "select old_count from results.audience_terms where audience_id = 'coupon-2025-W01'"
    ) == [(None,)]
