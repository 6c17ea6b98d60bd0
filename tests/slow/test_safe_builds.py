"""Builds that are killed, fail, wait or are repeated publish all or nothing."""

import os
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import pytest

from python_models.common.publish_files import repair_publish
from tests.calls import CALLS, SELECTED, Calls, counts
from tests.support import Dbt, DbtServer, copy_built

KILLS = 20


def test_builds_killed_at_random_moments_publish_all_or_nothing(calls: Calls) -> None:
    dbt = calls.dbt
    build = partial(DbtServer.shared().run, dbt, ["run", "--select", *SELECTED])
    started = time.monotonic()
    assert build()[0] == 0
    lasts = time.monotonic() - started
    [published] = counts(dbt.warehouse)
    assert published == CALLS
    moments = np.random.default_rng(20261122)
    killed = 0
    while killed < KILLS:
        newest = calls.grow()
        started = time.monotonic()
        is_killed = build(moments.uniform(0, lasts))[0] == -signal.SIGKILL
        killed += is_killed
        if not is_killed:
            # the machine is less busy than it was
            lasts = time.monotonic() - started
        # the next command would finish a publish that was decided
        repair_publish(dbt.warehouse)
        # all tables of one day: the one before, or this one where the build came to its end
        [now] = counts(dbt.warehouse)
        assert now in (published, newest)
        published = now
    newest = calls.grow()
    assert build()[0] == 0
    assert counts(dbt.warehouse) == {newest}


def test_a_retry_publishes_after_a_failed_node(calls: Calls) -> None:
    dbt = calls.dbt
    calls.file.write_text("")
    assert "then `dbt retry` or `dbt build`" in dbt.fails("run", "--select", *SELECTED)
    newest = calls.grow()
    dbt("retry")
    assert counts(dbt.warehouse) == {newest}


def test_a_retry_publishes_what_could_not_be_published(calls: Calls) -> None:
    dbt = calls.dbt
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


def test_ctrl_c_is_one_sentence_and_a_retry_goes_on(calls: Calls) -> None:
    dbt = calls.dbt
    newest = calls.grow()
    # a process in the background ignores it, and so do its children
    signal.signal(signal.SIGINT, signal.default_int_handler)
    build = dbt.start("run", "--select", *SELECTED)
    while " START sql table model " not in build.stdout.readline():
        assert build.poll() is None
    build.send_signal(signal.SIGINT)
    printed, _ = build.communicate()
    assert build.returncode != 0
    assert "Stopped, and not published: the warehouse still holds the last good build." in printed
    assert "Traceback" not in printed
    assert counts(dbt.warehouse) == {CALLS}
    dbt("retry")
    assert counts(dbt.warehouse) == {newest}


@pytest.mark.parametrize("folder", ["gone", "read_only"])
def test_a_folder_that_cannot_be_written_is_one_sentence(calls: Calls, read_only: Path, folder: str) -> None:
    dbt = calls.dbt
    dbt.environment["LEADLIGHT_WAREHOUSE"] = f"{read_only.with_name(folder)}/warehouse.duckdb"
    printed = dbt.fails("run", "--select", *SELECTED)
    assert f"{folder}/warehouse.duckdb.lock: " in printed
    assert "The folder of the warehouse must exist and be writable: create it, or name another" in printed
    assert "Traceback" not in printed


def test_a_retry_publishes_after_a_kill(calls: Calls) -> None:
    dbt = calls.dbt
    newest = calls.grow()
    build = dbt.start("run", "--select", *SELECTED)
    while " START sql table model " not in build.stdout.readline():
        assert build.poll() is None
    build.kill()
    build.communicate()
    dbt("retry")
    assert counts(dbt.warehouse) == {newest}


def test_temporary_relations_are_dropped_before_a_publish(calls: Calls) -> None:
    dbt = calls.dbt
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
    dbt.environment["LEADLIGHT_LOCK_SECONDS"] = "0"
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
