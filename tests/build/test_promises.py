"""What a threshold promises of false alarms or precision holds on new rows, or is said not to."""

from pathlib import Path

import duckdb
import pytest

from benchmarks.coverage.promises import CAMPAIGNS, promises
from tests.support import Dbt


@pytest.fixture(scope="module")
def compiled(built: Dbt) -> Path:
    return built.target / "compiled/leadlight/models"


@pytest.mark.parametrize(
    ("policy", "limit", "base_rate"),
    [("false_alarms_at_most", 0.01, 0.01), ("precision_at_least", 0.5, 0.05)],
)
def test_a_promise_is_kept_on_new_rows(compiled: Path, policy: str, limit: float, base_rate: float) -> None:
    table = promises(compiled, policy, limit, known=10_000, new=5_000, base_rate=base_rate)
    promised = table[table["is_promise_kept"]]
    assert len(promised) >= 95
    assert promised["is_kept"].mean() >= 0.95
    # it does not buy safety by contacting nobody
    assert promised["recall"].mean() > 0.15
    assert promised["promise_note"].str.startswith("Promised of new people, with 95 % confidence").all()


def test_false_alarms_stay_promised_where_people_have_changed(compiled: Path) -> None:
    """New rows score higher, none of them the likelier to convert: no outcome says so, their scores do."""
    table = promises(
        compiled, "false_alarms_at_most", 0.01, known=10_000, new=5_000, base_rate=0.01, drift=0.3
    )
    promised = table[table["is_promise_kept"]]
    assert len(promised) >= 95
    assert promised["is_kept"].mean() >= 0.95


def test_a_promise_that_cannot_be_kept_names_the_best_there_is(compiled: Path) -> None:
    # of two thousand others not even none would prove one in a thousand
    table = promises(compiled, "false_alarms_at_most", 0.001, known=2_000, new=2_000, base_rate=0.05)
    assert not table["is_promise_kept"].any()
    assert (table["promise_bound"] > 0.001).all()
    assert table["promise_note"].str.startswith("The promise of 0.1 % cannot be kept. The best").all()
    # nothing comes nearer than the highest threshold
    assert (table["came_true"] <= table["promise_bound"]).mean() >= 0.95
    assert len(table) == CAMPAIGNS


def test_thresholds_say_how_many_false_alarms_a_conversion_costs(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    rows = connection.sql("""
        select false_positives, true_positives, false_alarms_per_conversion
        from results.conversion_thresholds
    """).fetchall()
    assert all(cost == pytest.approx(false / found) if found else cost is None for false, found, cost in rows)
    assert any(found for _, found, _ in rows)
