"""Day after day: only what is new is read and scored again, and the tables are as if all had been."""

import csv
import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb

from benchmarks.daily import differences, reveal, row_counts, split_inputs, unknown_relations
from tests.calls import CALLS
from tests.support import Dbt, link_other_sources

CAMPAIGNS = ("app_install", "display_ads", "insurance")
SCORES = [f"+{campaign}_scores" for campaign in CAMPAIGNS]
REASONS = [f"{campaign}_reasons" for campaign in CAMPAIGNS]
DAY = ["run", "--select", *SCORES, *REASONS, "conversion_scores"]
DAY += ["--exclude", *(f"{campaign}_model" for campaign in CAMPAIGNS), "product_clusters"]


def append(file: Path, rows: list[list[str]]) -> None:
    """Add rows to a gzipped CSV."""
    with gzip.open(file, "at", newline="") as opened:
        csv.writer(opened, lineterminator="\n").writerows(rows)


def scored(warehouse: Path) -> dict[str, dict[str, object]]:
    """When each row of each campaign was scored."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return {
            campaign: dict(
                connection.sql(f"select entity_id, scored_at from campaigns.{campaign}_scores").fetchall()
            )
            for campaign in CAMPAIGNS
        }


def test_a_day_of_new_rows_equals_a_build_of_all(
    built: Dbt, make_dbt: Callable[..., Dbt], default_data: Path, tmp_path: Path
) -> None:
    """New files with repeated keys, a file that changed and one that went: the tables say the same."""
    data = tmp_path / "days"
    later = [file for name in CAMPAIGNS for file in split_inputs(default_data, data, name)]
    link_other_sources(data, default_data)
    calls, gone = data / "insurance/bank-uci-1.csv.gz", data / "insurance/gone.csv.gz"
    shutil.copy(calls, gone)
    with gzip.open(calls, "rt", newline="") as opened:
        header, old_call, *_ = csv.reader(opened)
    with gzip.open(gone, "wt", newline="") as opened:
        csv.writer(opened, lineterminator="\n").writerows([header, ["99000002", *old_call[1:]]])
    dbt = make_dbt(data)
    shutil.copy(f"{built.warehouse}.working", f"{dbt.warehouse}.working")
    dbt(*DAY)
    first = scored(dbt.warehouse)
    reveal(later)
    # a call of the day before: once the same, once another one of that key
    append(data / "insurance/bank-uci-2.csv.gz", [old_call, [old_call[0], "99", *old_call[2:]]])
    append(calls, [["99000001", *old_call[1:]]])
    gone.unlink()
    dbt(*DAY)
    second = scored(dbt.warehouse)
    for campaign in ("app_install", "display_ads"):
        # days that come later move nobody who was there before
        kept = [key for key, moment in second[campaign].items() if first[campaign].get(key) == moment]
        assert 0.9 * len(second[campaign]) < len(kept) < len(second[campaign]), campaign
        assert len(second[campaign]) > len(first[campaign])
    assert "99000002" in first["insurance"]
    assert "99000002" not in second["insurance"]
    assert "99000001" in second["insurance"]
    repeated = dbt.query("""
        select row_status, count(*) from staging.base_insurance__calls
        where file_name like '%-2.csv.gz' and row_status != 'kept' group by row_status order by row_status
    """)
    assert repeated == [("duplicate", 1), ("rejected", 1)]

    day = dbt.warehouse.rename(f"{dbt.warehouse}.day")
    dbt(*DAY, "--full-refresh")
    [*different, summary] = differences(day, dbt.warehouse)
    assert different == []
    assert int(summary.split()[0]) > 100


def test_a_day_can_be_scored_again_from_a_date_on(
    built: Dbt, make_dbt: Callable[..., Dbt], default_data: Path
) -> None:
    """`backfill_from` scores rows as of that date or later again, and no other."""
    dbt = make_dbt(default_data)
    shutil.copy(f"{built.warehouse}.working", f"{dbt.warehouse}.working")
    [(date, later)] = built.query("""
        select max(as_of_date), count(*) filter (where as_of_date = latest)
        from campaigns.coupon_features, (select max(as_of_date) as latest from campaigns.coupon_features)
    """)
    before = dict(built.query("select entity_id, scored_at from campaigns.coupon_scores"))
    dbt("run", "--select", "coupon_scores", "--vars", f"backfill_from: {date}")
    after = dict(dbt.query_working("select entity_id, scored_at from campaigns.coupon_scores"))
    assert sum(before[key] != after[key] for key in before) == later
    assert 0 < later < len(before)


def test_the_published_file_does_not_grow_from_day_to_day(
    make_dbt: Callable[..., Dbt], default_data: Path
) -> None:
    """Tables that are made anew take the blocks of those before: the size goes up and down, but not away."""
    dbt = make_dbt(default_data)
    day = ["run", "--select", "staging.insurance", "insurance_features"]
    dbt("seed")
    sizes, rows = [], []
    for _ in range(6):
        dbt(*day)
        sizes.append(dbt.warehouse.stat().st_size)
        rows.append(row_counts(dbt.warehouse))
    assert max(sizes[3:]) <= 1.05 * max(sizes[:3]), sizes
    assert sum(rows[0].values()) > CALLS
    assert rows == rows[:1] * len(rows)
    assert unknown_relations(dbt.warehouse, dbt.target) == set()
