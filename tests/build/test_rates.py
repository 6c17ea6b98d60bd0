"""Conversion rates, converter profiles and fairness, against independent computations in pandas."""

import math
from fractions import Fraction

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from python_models.common.campaign import Campaign, read_campaign
from python_models.engines.duckdb.statistics import Plugin
from tests.support import Dbt

SMALLEST_CELL = 10


def campaigns_with(key: str, declarations: dict[str, dict], connection: duckdb.DuckDBPyConnection) -> dict:
    """Declaration and mart of every campaign that has a mart and declares the key."""
    marts = [
        name.removesuffix("_features")
        for (name,) in connection.sql(
            "select table_name from information_schema.tables where table_name like '%_features'"
        ).fetchall()
    ]
    found = {
        name: (read_campaign(declarations[name]), connection.sql(f"from campaigns.{name}_features").df())
        for name in marts
        if name in declarations and declarations[name].get(key)
    }
    assert found
    return found


def known(campaign: Campaign, mart: pd.DataFrame) -> pd.DataFrame:
    """Rows with an outcome; `outcome` is 0 or 1."""
    rows = mart[mart[campaign.label].notna()].copy()
    rows["outcome"] = rows[campaign.label].astype(int)
    return rows


def as_category(values: pd.Series) -> pd.Series:
    """Text of a value as the tables show it, of a column that is not cut into ranges."""
    if values.dtype.kind == "b" or set(values.dropna().map(type)) == {bool}:
        values = values.map({True: "yes", False: "no"})
    elif values.dtype.kind in "if":
        values = values.map(lambda value: f"{value:g}", na_action="ignore")
    return values.astype(object).where(values.notna(), "(unknown)").astype(str)


# A number with more values is cut into ranges.
FEW_VALUES = 10


# --- the functions -----------------------------------------------------------------------


# --- counts and rates ----------------------------------------------------------------------


def test_every_declared_dimension_has_the_rates_of_its_mart(
    connection: duckdb.DuckDBPyConnection, declarations: dict[str, dict]
) -> None:
    rates = connection.sql("from results.conversion_rates").df()
    for name, (campaign, mart) in campaigns_with("dimensions", declarations, connection).items():
        rows = known(campaign, mart)
        for dimension in campaign.dimensions:
            found = rates[(rates["campaign"] == name) & (rates["dimension"] == dimension)].set_index(
                "category"
            )
            if pd.api.types.is_numeric_dtype(rows[dimension]) and rows[dimension].nunique() > FEW_VALUES:
                # in ranges, which are tested for themselves
                assert (found["row_count"].sum(), found["converted"].sum()) == (
                    len(rows),
                    rows["outcome"].sum(),
                )
                continue
            expected = rows.groupby(as_category(rows[dimension]))["outcome"].agg(["size", "sum"])
            assert expected["size"].to_dict() == found["row_count"].to_dict(), (name, dimension)
            assert expected["sum"].to_dict() == found["converted"].to_dict(), (name, dimension)
            base_rate = rows["outcome"].mean()
            np.testing.assert_allclose(found["lift"], found["conversion_rate"] / base_rate)


def test_rates_need_no_model_but_a_label(connection: duckdb.DuckDBPyConnection) -> None:
    rated = {
        name
        for (name,) in connection.sql("select distinct campaign from results.conversion_rates").fetchall()
    }
    counted = {
        name
        for (name,) in connection.sql(
            "select distinct campaign from results.conversion_counts where converted is not null"
        ).fetchall()
    }
    assert "mail_out" in rated
    assert "online_retail" not in counted
    assert "insurance_with_call_length" not in counted


def shrunk_in_pandas(rows: pd.DataFrame) -> pd.Series:
    """Beta prior by the method of moments, written as Kleinman (1973) writes it: weights, S, a and b."""
    base_rate = rows["converted"].sum() / rows["row_count"].sum()
    size, hits = rows["row_count"] / rows["design_effect"], rows["converted"] / rows["design_effect"]
    steady = size * min(base_rate, 1 - base_rate) >= 5
    weight, rate = size[steady], (hits / size)[steady]
    mean = (weight * rate).sum() / weight.sum()
    spread = (weight * (rate - mean) ** 2).sum()
    own = (weight / size[steady] * (1 - weight / weight.sum())).sum()
    all_weights = (weight * (1 - weight / weight.sum())).sum()
    chance = mean * (1 - mean)
    correlation = (spread - chance * own) / (chance * (all_weights - own)) if steady.sum() > 1 else 0.0
    if correlation <= 0:
        return pd.Series(base_rate, rows.index)
    total = 1 / min(correlation, 1.0) - 1
    shrunk = (hits + base_rate * total) / (size + total)
    return shrunk.where(rows["row_count"] >= SMALLEST_CELL, base_rate)


def test_shrunk_rates_and_intervals_are_those_of_pandas(connection: duckdb.DuckDBPyConnection) -> None:
    rates = connection.sql("from results.conversion_rates").df()
    for key, rows in rates.groupby(["campaign", "dimension"]):
        np.testing.assert_allclose(rows["shrunk_rate"], shrunk_in_pandas(rows), rtol=1e-7, err_msg=str(key))
        if rows["shrunk_rate"].max() > rows["shrunk_rate"].min():
            assert rows.loc[rows["shrunk_rate"].idxmax(), "row_count"] >= SMALLEST_CELL
        hits, misses = rows["converted"], rows["row_count"] - rows["converted"]
        beta = stats.beta(hits / rows["design_effect"] + 0.5, misses / rows["design_effect"] + 0.5)
        lower, upper = beta.ppf(0.025), beta.ppf(0.975)
        np.testing.assert_allclose(rows["lower"], np.where(hits == 0, 0, lower), rtol=1e-9)
        np.testing.assert_allclose(rows["upper"], np.where(misses == 0, 1, upper), rtol=1e-9)
        base_rate = rows["converted"].sum() / rows["row_count"].sum()
        narrow = rows["upper"] - rows["lower"] <= np.maximum(rows["conversion_rate"], base_rate)
        assert (rows["is_reliable"] == ((rows["row_count"] >= SMALLEST_CELL) & narrow)).all(), key


# --- ranges --------------------------------------------------------------------------------


def test_ranges_hold_what_their_names_say(
    connection: duckdb.DuckDBPyConnection, declarations: dict[str, dict]
) -> None:
    """Each range of each number, read from its name and counted in the mart."""
    counts = connection.sql("from results.conversion_counts").df()
    seen = 0
    for name, (campaign, mart) in campaigns_with("label", declarations, connection).items():
        rows = known(campaign, mart)
        of_campaign = counts[counts["campaign"] == name]
        for column, found in of_campaign.groupby("column_name"):
            values = rows[column]
            if values.dtype.kind not in "iuf" or not any("under" in text for text in found["category"]):
                continue
            for text, count, converted in zip(
                found["category"], found["row_count"], found["converted"], strict=True
            ):
                inside = in_range(text, values.astype(float))
                assert (inside.sum(), rows.loc[inside, "outcome"].sum()) == (count, converted), (
                    name,
                    column,
                    text,
                )
                seen += 1
    assert seen > 100


def in_range(text: str, values: pd.Series) -> pd.Series:
    """Which values a range's name means."""
    match text.replace(",", "").split():
        case ["(unknown)"]:
            return values.isna()
        case ["under", high]:
            return values < float(high)
        case ["over", low, "under", high]:
            return (values > float(low)) & (values < float(high))
        case ["over", low]:
            return values > float(low)
        case ["from", low]:
            return values >= float(low)
        case [low, "to", high]:
            return (values >= float(low)) & (values < float(high))
        case [low, "or", "more"]:
            return values >= float(low)
        case [value]:
            return values == float(value)
    raise AssertionError(text)


# --- profiles ------------------------------------------------------------------------------


def benjamini_hochberg(p_values: np.ndarray) -> np.ndarray:
    """By the definition: for each, the least bound over all that are not smaller."""
    bounds = {p: p * len(p_values) / (p_values <= p).sum() for p in p_values}
    return np.array([min(1.0, *(bound for other, bound in bounds.items() if other >= p)) for p in p_values])


def test_profiles_are_those_of_pandas(
    connection: duckdb.DuckDBPyConnection, declarations: dict[str, dict]
) -> None:
    profiles = connection.sql("from results.converter_profiles").df()
    for name, (campaign, mart) in campaigns_with("label", declarations, connection).items():
        rows = known(campaign, mart)
        of_campaign = profiles[profiles["campaign"] == name]
        expected = set(mart.columns) - (campaign.not_features - set(campaign.audit))
        assert set(of_campaign["feature"]) == expected
        for feature, found in of_campaign.groupby("feature"):
            values = rows[feature]
            if values.dtype.kind in "iuf" and values.nunique() > 10:
                continue
            category = as_category(values)
            sizes = category.drop(category.index[category == "(unknown)"]).value_counts()
            sizes = sizes[sizes >= SMALLEST_CELL]
            kept = sorted(sizes.index, key=lambda text, sizes=sizes: (-sizes[text], text))[:20]
            if (category == "(unknown)").sum() >= SMALLEST_CELL:
                kept.append("(unknown)")
            cells = rows.groupby(category.where(category.isin(kept), "(others)"))["outcome"].agg(
                ["size", "sum"]
            )
            cells = cells[cells["size"] >= SMALLEST_CELL]
            found = found.set_index("category")
            assert cells["sum"].to_dict() == found["converter_count"].to_dict(), (name, feature)
            rest = (cells["size"] - cells["sum"]).to_dict()
            assert rest == found["rest_count"].to_dict(), (name, feature)
        converters, rest = rows["outcome"].sum(), (1 - rows["outcome"]).sum()
        share = of_campaign["converter_count"] / converters
        share_of_rest = of_campaign["rest_count"] / rest
        np.testing.assert_allclose(of_campaign["share_of_converters"], share)
        np.testing.assert_allclose(of_campaign["share_of_rest"], share_of_rest)
        index_value = (100 * share / share_of_rest).where(share_of_rest > 0)
        np.testing.assert_allclose(of_campaign["index_value"], index_value)
        size = of_campaign["converter_count"] + of_campaign["rest_count"]
        group = stats.hypergeom(len(rows), converters, size)
        tails = np.minimum(
            group.cdf(of_campaign["converter_count"]), group.sf(of_campaign["converter_count"] - 1)
        )
        if campaign.group_by:
            # rows of a customer say less than as many of others
            assert (of_campaign["p_value"] >= np.minimum(1, 2 * tails) * (1 - 1e-9)).all()
        else:
            np.testing.assert_allclose(of_campaign["p_value"], np.minimum(1, 2 * tails), rtol=1e-9)
        bounds = benjamini_hochberg(of_campaign["p_value"].to_numpy())
        np.testing.assert_allclose(of_campaign["q_value"], bounds, rtol=1e-9)


def test_the_exact_test_agrees_with_chi_squared_where_that_is_valid(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """Pearson's test with continuity, on cells with at least 50 expected in each corner."""
    profiles = connection.sql("""
        select *, sum(converter_count) over whole as converters, sum(rest_count) over whole as rest
        from results.converter_profiles where campaign = 'insurance'
        window whole as (partition by feature)
    """).df()
    compared = 0
    for row in profiles.itertuples():
        table = np.array(
            [
                [row.converter_count, row.rest_count],
                [row.converters - row.converter_count, row.rest - row.rest_count],
            ]
        )
        if table.sum(axis=1).min() == 0 or stats.contingency.expected_freq(table).min() < 50:
            continue
        p_value = stats.chi2_contingency(table, correction=True).pvalue
        if p_value > 1e-6:
            assert row.p_value == pytest.approx(p_value, rel=0.15, abs=0.01)
            compared += 1
    assert compared > 10


# --- fairness ------------------------------------------------------------------------------


def contacts_at_equal_rates(sizes: pd.Series, contacts: int) -> pd.Series:
    """So many contacts, shared out by size; the largest fractions are rounded up."""
    exact = sizes * Fraction(contacts, int(sizes.sum()))
    whole = exact.map(math.floor)
    order = sorted(sizes.index, key=lambda group: (whole[group] - exact[group], group))
    whole[order[: contacts - whole.sum()]] += 1
    return whole


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """Both bounds, as the roots of the quadratic of Wilson (1927)."""
    z = stats.norm.ppf(0.975)
    rate = hits / trials
    roots = np.roots([1 + z**2 / trials, -(2 * rate + z**2 / trials), rate**2])
    return min(roots.real), max(roots.real)


def test_fairness_is_that_of_pandas(
    connection: duckdb.DuckDBPyConnection, declarations: dict[str, dict]
) -> None:
    fairness = connection.sql("from results.conversion_fairness").df()
    audited = campaigns_with("audit", declarations, connection)
    assert set(fairness["campaign"]) <= set(audited)
    for (name, column), found in fairness.groupby(["campaign", "audited_column"]):
        campaign, mart = audited[name]
        scores = connection.sql(
            f"from results.conversion_scores where campaign = '{name}' and split = 'test'"
        ).df()
        assert not scores["is_out_of_fold"].any()
        rows = scores.merge(
            mart[[campaign.entity, column]].astype({campaign.entity: str}),
            left_on="entity_id",
            right_on=campaign.entity,
        )
        rows = rows[rows["has_converted"].notna()].astype({"has_converted": int, "predicted_conversion": int})
        rows["group"] = rows[column].fillna("(unknown)").astype(str)
        contacted = rows.groupby("group")["predicted_conversion"].sum()
        sizes = rows.groupby("group").size()
        best = (contacted / sizes)[sizes >= 100].max()
        equal = contacts_at_equal_rates(sizes, int(contacted.sum()))
        assert equal.sum() == contacted.sum()
        assert set(found["group_value"]) == set(sizes.index)
        for row in found.itertuples():
            group = rows[rows["group"] == row.group_value].sort_values(
                ["predicted_probability", "entity_id"], ascending=[False, True]
            )
            hits = (group["has_converted"] * group["predicted_conversion"]).sum()
            converted, size = group["has_converted"].sum(), len(group)
            alarms = contacted[row.group_value] - hits
            assert (row.row_count, row.converted, row.conversions_found) == (size, converted, hits)
            for measure, count, trials in (
                ("selection_rate", contacted[row.group_value], size),
                ("true_positive_rate", hits, converted),
                ("false_positive_rate", alarms, size - converted),
            ):
                figures = [getattr(row, measure + suffix) for suffix in ("", "_lower", "_upper")]
                if trials == 0:
                    assert all(map(math.isnan, figures))
                elif campaign.group_by:
                    # rows of a customer say less than as many of others
                    lower, upper = wilson(count, trials)
                    assert figures[0] == pytest.approx(count / trials)
                    assert figures[1] <= lower + 1e-6
                    assert figures[2] >= upper - 1e-6
                else:
                    assert figures == pytest.approx([count / trials, *wilson(count, trials)], abs=1e-6)
            predicted = group["predicted_probability"].mean()
            lower, upper = wilson(converted, size)
            assert row.calibration_gap == pytest.approx(predicted - converted / size, abs=1e-6)
            if not campaign.group_by:
                bounds = row.calibration_gap_lower, row.calibration_gap_upper
                assert bounds == pytest.approx((predicted - upper, predicted - lower), abs=1e-6)
            assert row.ratio_to_best == pytest.approx(contacted[row.group_value] / size / best)
            assert row.ratio_lower <= row.ratio_to_best
            assert not row.ratio_upper < row.ratio_to_best
            expected = "pass" if row.ratio_lower >= 0.8 else "warn" if row.ratio_upper < 0.8 else "unknown"
            assert row.status == expected
            assert row.conversions_at_equal_rates == group["has_converted"].head(equal[row.group_value]).sum()


def test_equal_rates_make_as_many_contacts_best_scores_first(built: Dbt) -> None:
    """The model's own SQL, on rows that can be counted by hand; nobody of the insurance is contacted."""
    compiled = built.target / "compiled/leadlight/models/results/evaluation"
    with duckdb.connect() as connection:
        Plugin("statistics", {}).configure_connection(connection)
        connection.sql("""
            attach ':memory:' as warehouse;
            use warehouse.main;
            create schema results; create schema campaigns;
            create table results.conversion_scores as
            select if(i < 10, 'app_install', 'insurance') as campaign, 'abcdefghijzw'[i + 1] as entity_id,
                entity_id as customer_id,
                if(i < 11, 'test', 'train') as split,
                entity_id in ('a', 'c', 'g', 'j', 'z', 'w') as has_converted,
                [.9, .8, .7, .3, .2, .1, .4, .2, .1, .1, .1, .9][i + 1] as predicted_probability,
                entity_id in ('a', 'b', 'c', 'w') as predicted_conversion
            from range(12) as numbers (i);
            create table campaigns.app_install_features as
            select letter as click_id,
                case when letter < 'g' then 'm' when letter < 'j' then 'n' end as gender
            from unnest(string_split('abcdefghij', '')) as letters (letter);
            create table campaigns.insurance_features as
            select unnest(['z', 'w']) as client_id, '65+' as age_band, 'single' as marital_status;
        """)
        found = connection.sql((compiled / "conversion_fairness.sql").read_text()).df()
    # 3 contacts of 10 rows: 1.8, .9 and .3, rounded to 2, 1 and 0
    figures = [
        "group_value",
        "row_count",
        "selection_rate",
        "conversions_found",
        "conversions_at_equal_rates",
    ]
    assert sorted(found[figures].itertuples(index=False, name=None)) == [
        ("(unknown)", 1, 0.0, 0, 0),
        ("65+", 1, 0.0, 0, 0),
        ("m", 6, 0.5, 2, 1),
        ("n", 3, 0.0, 0, 1),
        ("single", 1, 0.0, 0, 0),
    ]
    assert set(found["status"]) == {"unknown"}
    assert found["ratio_to_best"].isna().all()
    assert found.set_index("group_value")["false_positive_rate"].isna().to_dict()["single"]


def test_audited_columns_are_no_features_unless_allowed(
    connection: duckdb.DuckDBPyConnection, declarations: dict[str, dict]
) -> None:
    for name, meta in declarations.items():
        campaign = read_campaign(meta)
        if campaign.audit:
            [(features,)] = connection.sql(
                f"select features from results.conversion_models where campaign = '{name}' and is_newest"
            ).fetchall()
            assert set(features) & set(campaign.audit) <= set(campaign.allow_audited)
