"""Whom to contact, who is held out and what came of it: the SQL on made-up campaigns, and a build."""

from collections.abc import Callable, Iterator
from hashlib import md5
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmarks.coverage.audiences import (
    coverage,
    expectations,
    judged,
    lifts,
    made_up_warehouse,
    members_of,
    payoffs,
    put,
    tenths_found,
    terms_of,
    weeks_with_holdouts,
)
from tests.support import Dbt, copy_built


@pytest.fixture(scope="module")
def compiled(built: Dbt) -> Path:
    return built.target / "compiled/leadlight/models"


@pytest.fixture
def sql() -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty warehouse with the plugin's functions, in which nothing was sent yet."""
    with made_up_warehouse() as connection:
        yield connection


def in_order(members: pd.DataFrame) -> pd.DataFrame:
    """Sort by probability, of equals by a hash of campaign and key."""
    keys = members["campaign"] + "|" + members["entity_id"]
    hashes = keys.map(lambda key: md5(key.encode(), usedforsecurity=False).hexdigest())
    by = members.assign(tie=hashes).sort_values(["predicted_probability", "tie"], ascending=[False, True])
    return by.drop(columns="tie")


# --- money -------------------------------------------------------------------------------


def contacted_on_budget(
    sql: duckdb.DuckDBPyConnection, compiled: Path, rows: pd.DataFrame, budget: float
) -> pd.DataFrame:
    """The rows that a budget contacts, each campaign's being those with its name.

    `rows` have `campaign`, `predicted_probability`, `contact_cost` and `conversion_value`; a campaign whose
    name begins with `no value` declares none.
    """
    folder = compiled / "results/audiences"
    scores = rows.assign(
        entity_id=np.arange(len(rows)).astype(str),
        customer_id=np.arange(len(rows)).astype(str),
        split="score",
        has_converted=pd.Series(None, index=rows.index, dtype="boolean"),
        predicted_conversion=False,
        expected_profit=rows["predicted_probability"] * rows["conversion_value"] - rows["contact_cost"],
    )
    put(sql, "results.conversion_scores", scores)
    sql.execute(
        """create table results.conversion_models as
        select distinct campaign, true as is_newest, json_object(
            'policy', 'budget', 'policy_limit', ?, 'contact_cost', 'cost',
            'conversion_value', if(campaign like 'no value%', null, 'value')
        ) as declaration from results.conversion_scores""",
        [budget],
    )
    sql.execute(f"create table results.policy_choices as {(folder / 'policy_choices.sql').read_text()}")
    sql.execute("""
        create table results.audience_members (
            audience_id varchar, campaign varchar, purpose varchar, source varchar, channel varchar,
            entity_id varchar, customer_id varchar, rank bigint, contact_cost double, selected_at timestamp,
            is_holdout boolean, suppressed_reason varchar
        )
    """)
    sql.execute(
        """create table results.audience_candidates as
        select *, campaign as audience_id, 's' as source, 'mail' as channel, null::integer as decile,
            null as model_version, 'budget' as threshold_policy, cast(? as double) as policy_limit,
            null::double as holdout_share, 30 as rest_days, null::bigint as contacts_a_week,
            null::date as contacted_on, null::varchar as refusal
        from results.policy_choices""",
        [budget],
    )
    members = sql.sql((folder / "audience_members.sql").read_text()).df()
    assert members["suppressed_reason"].isna().all()
    return members


@pytest.mark.parametrize("costs", [[5.0], [1.0, 2.5, 7.0, 9.0]], ids=["equal costs", "unequal costs"])
@pytest.mark.parametrize("name", ["value", "no value"])
def test_a_budget_buys_at_least_half_of_the_best_choice(
    compiled: Path, sql: duckdb.DuckDBPyConnection, name: str, costs: list[float]
) -> None:
    """All sets of eight people are tried; where costs are equal, the best of them is chosen."""
    generator = np.random.default_rng(11)
    campaigns, people, budget = 100, 8, 17.0
    rows = pd.DataFrame(
        {
            "campaign": np.repeat([f"{name} {number}" for number in range(campaigns)], people),
            "predicted_probability": generator.beta(1, 3, campaigns * people),
            "contact_cost": generator.choice(costs, campaigns * people),
            "conversion_value": 40.0 if name == "value" else np.nan,
        }
    )
    found = contacted_on_budget(sql, compiled, rows, budget)
    worth = rows["predicted_probability"]
    if name == "value":
        worth = worth * 40 - rows["contact_cost"]
    sets = (np.arange(2**people)[:, None] >> np.arange(people)) & 1
    shape = (campaigns, people)
    bought = worth.to_numpy().reshape(shape) @ sets.T
    best = np.where(rows["contact_cost"].to_numpy().reshape(shape) @ sets.T <= budget, bought, 0).max(axis=1)
    chosen = found.assign(worth=worth[found["entity_id"].astype(int)].to_numpy()).groupby("campaign")
    totals = chosen[["worth", "contact_cost"]].sum().reindex(rows["campaign"].unique(), fill_value=0)
    assert (totals["contact_cost"] <= budget).all()
    if len(costs) == 1:
        assert totals["worth"].to_numpy() == pytest.approx(best)
    else:
        assert (totals["worth"] >= best / 2).all()
        assert totals["worth"].sum() > 0.95 * best.sum()


def test_a_budget_goes_to_the_best_per_unit_of_cost(compiled: Path, sql: duckdb.DuckDBPyConnection) -> None:
    """Letters for 1 and calls for 9: the highest profits alone would buy fewer contacts and less profit."""
    generator = np.random.default_rng(12)
    rows = pd.DataFrame(
        {
            "campaign": "value",
            "predicted_probability": generator.beta(1, 4, 1_000),
            "contact_cost": generator.choice([1.0, 9.0], 1_000),
            "conversion_value": 20.0,
        }
    )
    found = contacted_on_budget(sql, compiled, rows, 200)
    profit = rows["predicted_probability"] * 20 - rows["contact_cost"]
    ordered = profit.sort_values(ascending=False)
    by_profit = ordered[rows.loc[ordered.index, "contact_cost"].cumsum() <= 200]
    assert found["expected_profit"].sum() > 1.1 * by_profit.sum()
    # no choice brings more than the best fractions of contacts do (Dantzig 1957)
    per_unit = (profit / rows["contact_cost"]).sort_values(ascending=False)
    costs = rows.loc[per_unit.index, "contact_cost"]
    parts = (200 - (costs.cumsum() - costs)).clip(0, costs)
    assert found["expected_profit"].sum() == pytest.approx((per_unit * parts).sum(), rel=0.01)


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
        others = trials - counts
        if row.decile > 0:
            tails = [
                stats.fisher_exact([counts, others], alternative=side).pvalue for side in ("less", "greater")
            ]
            assert row.p_value == pytest.approx(min(1, 2 * min(tails)))
        else:
            # the z-test of two proportions, pooled, is the chi-squared test without correction
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


def test_a_tenth_is_one_of_ten_comparisons(compiled: Path) -> None:
    """Holm's adjustment in numpy; where contacting does nothing, a tenth differs in 5 of 100 audiences."""
    table = lifts(compiled, 100, 2_000, 0.5, 0.2, 0.0)
    whole, tenths = table[table["decile"] == 0], table[table["decile"] > 0]
    np.testing.assert_array_equal(whole["adjusted_p_value"], whole["p_value"])
    for _, audience in tenths.groupby("audience_id"):
        ordered = audience.sort_values("p_value")
        expected = np.minimum(1, np.maximum.accumulate(ordered["p_value"] * np.arange(10, 0, -1)))
        assert ordered["adjusted_p_value"].to_numpy() == pytest.approx(expected.to_numpy())
    alone, adjusted = tenths_found(table)
    # three standard errors of 100 audiences are .065
    assert adjusted <= 0.05 + 0.065
    assert alone > adjusted + 0.05


def test_the_pooled_interval_covers_what_contacting_earned(
    compiled: Path, sql: duckdb.DuckDBPyConnection
) -> None:
    """Eight weeks of some thirty held out each; each contact costs 2, and brings .03 conversions of 50."""
    members = weeks_with_holdouts(np.random.default_rng(8), campaigns=200, weeks=8, rows=300)
    found = payoffs(sql, compiled, members)
    truth = found["contact_count"] * (0.03 * 50 - 2)
    is_covered = (found["incremental_profit_lower"] <= truth) & (truth <= found["incremental_profit_upper"])
    # three standard errors of 200 campaigns are .046
    assert is_covered.mean() >= 0.95 - 0.046
    is_covered = (found["lift_lower"] <= 0.03) & (found["lift_upper"] >= 0.03)
    assert is_covered.mean() >= 0.95 - 0.046
    # nor is it as wide as to say nothing; the money looks good until the own converters are taken out
    assert (found["lift_upper"] - found["lift_lower"]).mean() < 0.07
    assert (found["gross_profit"] > 0).all()
    assert found["incremental_profit"].mean() == pytest.approx(-0.5 * 8 * 270, rel=0.15)
    assert found["lift"].mean() == pytest.approx(0.03, abs=0.004)


def test_pooled_lift_is_that_of_an_independent_computation(
    compiled: Path, sql: duckdb.DuckDBPyConnection
) -> None:
    members = weeks_with_holdouts(np.random.default_rng(9), campaigns=1, weeks=3, rows=400)
    [row] = payoffs(sql, compiled, members).itertuples()
    weeks = members.groupby("week_start")
    contacted = weeks.apply(lambda rows: rows.loc[~rows["is_holdout"], "has_converted"].agg(["sum", "size"]))
    held_out = weeks.apply(lambda rows: rows.loc[rows["is_holdout"], "has_converted"].agg(["sum", "size"]))
    weights = contacted["size"] * held_out["size"] / (contacted["size"] + held_out["size"])
    weights = (weights / weights.sum()).to_numpy(float)
    rates, bounds = [], []
    for group in (contacted, held_out):
        converted, size = group["sum"].to_numpy(float), group["size"].to_numpy(float)
        rate, effective = weights @ (converted / size), 1 / (weights**2 @ (1 / size))
        z = stats.norm.ppf(0.975)
        middle = (rate + z**2 / (2 * effective)) / (1 + z**2 / effective)
        half = z * np.sqrt(rate * (1 - rate) / effective + (z / effective) ** 2 / 4) / (1 + z**2 / effective)
        rates.append(rate)
        bounds.append((middle - half, middle + half))
    lift = rates[0] - rates[1]
    assert row.lift == pytest.approx(lift)
    assert row.lift_lower == pytest.approx(
        lift - np.hypot(rates[0] - bounds[0][0], bounds[1][1] - rates[1]), abs=1e-6
    )
    assert row.lift_upper == pytest.approx(
        lift + np.hypot(bounds[0][1] - rates[0], rates[1] - bounds[1][0]), abs=1e-6
    )
    contacts = int(contacted["size"].sum())
    assert (row.contact_count, row.holdout_count, row.week_count) == (contacts, 1200 - contacts, 3)
    assert row.incremental_conversions == pytest.approx(lift * contacts)
    assert row.incremental_profit == pytest.approx(lift * contacts * 50 - 2 * contacts)
    assert row.gross_profit == pytest.approx(50 * contacted["sum"].sum() - 2 * contacts)


# --- what is expected --------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [1.0, 0.75, 1.3], ids=["right", "too low", "too high"])
@pytest.mark.parametrize("contacts", [20, 400])
def test_the_interval_of_the_profit_covers_what_comes_true(
    compiled: Path, contacts: int, wrong: float
) -> None:
    """Predictions are `wrong` times the chance, of known rows and of those to be contacted alike."""
    found = expectations(compiled, audiences=200, contacts=contacts, wrong=wrong)
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
    last = in_order(contacted).iloc[-1]
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


@pytest.mark.parametrize(("known", "is_compared"), [(90, True), (89, False)])
def test_expected_and_realised_are_of_the_rows_with_an_outcome(
    compiled: Path, sql: duckdb.DuckDBPyConnection, known: int, is_compared: bool
) -> None:
    """A few never answer; the bounds are those of the gamma distribution with the moments of the others."""
    generator = np.random.default_rng(7)
    chance = generator.beta(2, 6, 100)
    converted = pd.Series(generator.random(100) < chance, dtype=object)
    converted[known:] = None
    members = members_of(chance, np.repeat("spring", 100), converted).assign(conversion_value=50.0)
    [row] = judged(sql, compiled, members, terms_of(["spring"])).itertuples()
    assert (row.contact_count, row.realised_count) == (100, known)
    assert row.realised_conversions == converted[:known].sum()
    if not is_compared:
        assert pd.isna(row.is_realised_within)
        return
    folder = compiled / "results/audiences"
    sql.execute(f"create table results.campaign_lift as {(folder / 'campaign_lift.sql').read_text()}")
    record = sql.sql((folder / "track_record.sql").read_text()).df()
    [week] = record.itertuples()
    told = chance[:known]
    mean, variance = told.sum(), (told * (1 - told)).sum()
    bounds = stats.gamma.ppf([0.025, 0.975], mean**2 / variance, scale=variance / mean)
    assert week.expected_conversions == pytest.approx(mean)
    assert week.expected_conversions_lower == np.floor(bounds[0])
    assert week.expected_conversions_upper == np.ceil(bounds[1])
    is_within = np.floor(bounds[0]) <= converted[:known].sum() <= np.ceil(bounds[1])
    assert week.is_within == row.is_realised_within == is_within
    assert (week.contact_cost, week.conversion_value) == (2 * known, 50 * converted[:known].sum())
    assert week.gross_profit == week.conversion_value - week.contact_cost


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
        assert in_order(audience)["entity_id"].tolist() == ranked["entity_id"].tolist()
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
