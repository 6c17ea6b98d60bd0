"""Rates of interest topics, against independent counts and an independent computation in numpy."""

from collections import defaultdict

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy import stats


@pytest.fixture
def topics(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """What is known of every topic of the campaign, by path."""
    rates = connection.sql("from results.conversion_topics where campaign = 'display_ads'").df()
    return rates.set_index("topic_path", drop=False)


def test_a_device_counts_once_for_a_topic_and_all_above_it(
    connection: duckdb.DuckDBPyConnection, topics: pd.DataFrame
) -> None:
    devices = connection.sql("""
        select has_converted, long_term_interests as long_term, short_term_interests as short_term
        from staging.stg_display_ads__devices where has_converted is not null
    """).fetchall()
    tree = connection.sql("select topic_id, topic_path from staging.stg_display_ads__interest_topics")
    paths = {key: path for row in tree.fetchall() for key, path in zip(row, (row[1], row[1]), strict=True)}
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for has_converted, *terms in devices:
        shown = set()
        for term in filter(None, terms):
            for topic, weight in zip(term["topics"], term["weights"], strict=True):
                names = paths.get(topic, "").split("/")
                if 0.000001 <= float(weight) <= 999:
                    shown |= {"/".join(names[: end + 1]) for end in range(1, len(names))}
        for path in shown:
            counts[path][0] += 1
            counts[path][1] += has_converted
    found = zip(topics["row_count"], topics["converted"], strict=True)
    assert dict(zip(topics.index, map(list, found), strict=True)) == counts


def posteriors(topics: pd.DataFrame, row_count: int, converted: int) -> dict[str, tuple[float, float]]:
    """Shapes of each topic's beta posterior, as docs/method.md describes them."""
    shapes = {None: (converted + 0.5, row_count - converted + 0.5)}
    for depth, level in topics.groupby("depth"):
        rows, hits = level["row_count"].to_numpy(float), level["converted"].to_numpy(float)
        parents = level["parent_path"].astype(object).where(level["parent_path"].notna(), None)
        a, b = np.array([shapes[parent] for parent in parents]).T
        if depth > 1:
            a, b = a - hits, b - (rows - hits)
        others = stats.beta(a, b)
        mean, variance = others.mean(), others.var() / others.mean() ** 2
        expected = (rows * mean).sum()
        odds = mean / (1 - mean)
        odds *= (hits.sum() + 0.5) / ((rows - hits).sum() + 0.5)
        odds *= (rows.sum() - expected + 0.5) / (expected + 0.5)
        prior = odds / (1 + odds)
        expected = rows * prior
        weight = 1 / np.maximum(1, expected)
        chance = expected * (1 - prior) + expected**2 * variance
        beyond_chance = weight @ ((hits - expected) ** 2 - chance)
        error = np.sqrt(weight**2 @ (2 * chance**2 + chance))
        scale = weight @ (expected**2 * (1 + variance))
        spread = (beyond_chance + np.hypot(beyond_chance, error * np.sqrt(8 / np.pi))) / 2 / scale
        variance = prior**2 * (variance + spread + variance * spread)
        size = np.maximum(prior * (1 - prior) / variance - 1, 0.5 / np.minimum(prior, 1 - prior))
        own = zip(size * prior + hits, size * (1 - prior) + rows - hits, strict=True)
        shapes |= dict(zip(level.index, own, strict=True))
    return {path: shapes[path] for path in topics.index}


def test_rates_and_intervals_are_those_of_numpy(
    connection: duckdb.DuckDBPyConnection, topics: pd.DataFrame
) -> None:
    [known] = connection.sql("""
        select count(has_converted), count(*) filter (where has_converted)
        from staging.stg_display_ads__devices
    """).fetchall()
    shapes = posteriors(topics, *known)
    posterior = stats.beta(*np.array([shapes[path] for path in topics.index]).T)
    assert len(topics) > 1000
    np.testing.assert_allclose(topics["shrunk_rate"], posterior.mean(), rtol=1e-6)
    np.testing.assert_allclose(topics["lower"], posterior.ppf(0.025), rtol=1e-5)
    np.testing.assert_allclose(topics["upper"], posterior.ppf(0.975), rtol=1e-5)
    np.testing.assert_allclose(topics["lift"], topics["shrunk_rate"] / (known[1] / known[0]))
    # other draws of the same posteriors: shares of 1,000 differ by some .022 where they are one half
    generator = np.random.default_rng(7)
    for _, level in topics.groupby("depth"):
        draws = generator.beta(*np.array([shapes[path] for path in level.index]).T, (1000, len(level)))
        best = np.argsort(-draws)[:, :5]
        share = np.bincount(best.ravel(), minlength=len(level)) / 1000
        assert np.abs(share - level["probability_in_best_five"]).max() < 0.1
        ranks = level["shrunk_rate"].rank(ascending=False, method="min")
        assert (ranks <= level["rank"]).all()
        assert sorted(level["rank"]) == list(range(1, len(level) + 1))


def test_the_topics_that_the_sample_makes_convert_are_found(topics: pd.DataFrame) -> None:
    """Finance and Games raise the true probability, with all topics under them."""
    best = topics[topics["depth"] == 1].nsmallest(2, "rank")
    assert set(best.index) == {"/Finance", "/Games"}
    assert (best["probability_in_best_five"] > 0.5).all()
