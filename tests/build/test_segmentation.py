"""Segments of the default build: hidden groups are found, customers are compared."""

from pathlib import Path

import duckdb
import pytest
from scipy.stats import fisher_exact
from sklearn.metrics import adjusted_rand_score


def test_the_groups_that_the_mail_out_hides_are_found(
    connection: duckdb.DuckDBPyConnection, default_data: Path
) -> None:
    truth = default_data.parent / "truth/mail_out/people.parquet"
    for part, is_customer in (("population", False), ("customers", True)):
        people = connection.sql(f"""
            select segment_id, true_group
            from results.segment_members as members
            inner join '{truth}' as truth
                on truth.part = '{part}' and members.entity_id = concat('{part}-', truth.person_id)
            where members.campaign = 'mail_out' and members.is_customer = {is_customer}
        """).df()
        assert len(people) > 3_000
        assert adjusted_rand_score(people["true_group"], people["segment_id"]) > 0.8, part


def test_segments_compare_customers_with_the_population(connection: duckdb.DuckDBPyConnection) -> None:
    for campaign in ("app_install", "mail_out"):
        counts = (
            connection.sql(f"""
                select segment_id, is_customer, count(*) as people from results.segment_members
                where campaign = '{campaign}' and is_customer is not null group by all
            """)
            .df()
            .pivot_table(index="segment_id", columns="is_customer", values="people", fill_value=0)
        )
        shares = counts / counts.sum()
        query = f"from results.segments where campaign = '{campaign}'"
        segments = connection.sql(query).df().set_index("segment_id").loc[counts.index]
        assert segments["share_of_customers"].to_numpy() == pytest.approx(shares[True])
        assert segments["share_of_population"].to_numpy() == pytest.approx(shares[False])
        assert segments["index_value"].to_numpy() == pytest.approx(100 * shares[True] / shares[False])
        for segment_id, here in counts.iterrows():
            table = [here, counts.sum() - here]
            # the same test, two-sided by likelihood instead of by twice the tail
            exact = fisher_exact(table).pvalue
            assert (segments.loc[segment_id, "p_value"] < 0.05) == (exact < 0.05) or 0.02 < exact < 0.1
        clear = segments[segments["p_value"] < 0.05]
        for advice in clear.loc[clear["index_value"] > 100, "advice"]:
            assert advice.startswith("Seek:")
        for advice in clear.loc[clear["index_value"] < 100, "advice"]:
            assert advice.startswith("Leave:")
        assert len(clear) >= 2


def test_lookalikes_are_found_among_people_the_model_has_not_seen(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    measured = dict(
        connection.sql("""
            select campaign, lookalike_roc_auc from results.segmenters where population is not null
        """).fetchall()
    )
    assert measured.keys() == {"app_install", "mail_out"}
    assert min(measured.values()) > 0.7
    for campaign, mean, share in connection.sql("""
        select campaign, avg(lookalike_probability), avg(is_customer::int) from results.segment_members
        where is_customer is not null group by campaign
    """).fetchall():
        assert mean == pytest.approx(share, rel=0.15), campaign
