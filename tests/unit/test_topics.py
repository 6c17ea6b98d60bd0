"""Draws of the interest topics are those of their distribution."""

import duckdb
from scipy import stats

from python_models.engines.duckdb.statistics import Plugin


def test_draws_are_those_of_the_distribution_and_of_the_seed() -> None:
    with duckdb.connect() as connection:
        Plugin("statistics", {}).configure_connection(connection)
        [(draws, again, others, none)] = connection.sql("""
            select beta_draws(1, 2.0, 30.0, 2000), beta_draws(1, 2.0, 30.0, 2000),
                beta_draws(2, 2.0, 30.0, 2000), beta_draws(1, null, 30.0, 2000)
        """).fetchall()
    assert draws == again
    assert draws != others
    assert none is None
    assert stats.kstest(draws, stats.beta(2, 30).cdf).pvalue > 0.001
