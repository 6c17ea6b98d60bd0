"""Four tables of different kind build as the command writes them."""

import shutil
from pathlib import Path

from tests.support import REPOSITORY, Dbt, link_other_sources
from tests.unit.test_scaffold import EXPERIMENT, LOG, SURVEY, make_table, new


def code(number: int) -> str:
    """A column of codes, of each fifth -1 is one."""
    return f'(hash(i, {number}) % {2 + number % 9})::int - {int(number % 5 == 0)} as "CODE_{number:03d}"'


# Two hundred columns of codes, two of which tell something.
CODES = f"""
    select
        'H' || i as "LNR",
        {", ".join(map(code, range(200)))},
        (hash(i, 999) % 100 < 3 + 10 * ("CODE_001" = 2)::int + 5 * ("CODE_003" > 2)::int)::int as "TARGET"
    from range(5000) as people (i)
"""
TABLES = {"web_log": LOG, "mail_test": EXPERIMENT, "poll": SURVEY, "codes": CODES}


def test_four_tables_of_different_kind_build_as_they_are_written(
    project: Path, built: Dbt, default_data: Path, tmp_path: Path
) -> None:
    for campaign, query in TABLES.items():
        ending = "parquet" if campaign == "codes" else "csv"
        new(campaign, make_table(Path(f"{campaign}.{ending}"), query))
    data = tmp_path / "data/raw"
    link_other_sources(data, default_data)
    for suffix in (".working", ".identities.working"):
        shutil.copy(f"{built.warehouse}{suffix}", f"warehouse.duckdb{suffix}")
    (data.parent / "data").symlink_to(data)
    dbt = Dbt(tmp_path, tmp_path / "data", project)
    dbt.environment["LEADLIGHT_DATA"] = "data/raw"
    # a campaign alone: what another one lacks does not concern it
    dbt("build", "--select", "+mail_test_scores", "+mail_test_segments")
    assert dbt.query("select count(*) = count(predicted_probability) from campaigns.mail_test_scores") == [
        (True,)
    ]
    assert dbt.query("select count(*) from campaigns.mail_test_segments") == [(9000,)]
    dbt("build", "--select", *(f"+{campaign}_features+" for campaign in TABLES))
    states = dict(
        dbt.query(
            "select campaign, refused_reason from results.campaigns where source_kind = 'own' order by all"
        )
    )
    assert states == dict.fromkeys(sorted(TABLES))
    known = {
        campaign: value
        for campaign, value, lower in dbt.query("""
            select campaign, value, lower from results.conversion_metrics
            where metric = 'roc_auc' and split = 'test' order by campaign
        """)
        if campaign in TABLES and lower > 0.5
    }
    # each table's outcome depends on its columns, by chance only in part
    assert known.keys() == TABLES.keys()
    assert all(0.5 < value < 0.9 for value in known.values()), known
    assert dbt.query("""
        select count(distinct campaign) from results.segments
        where campaign in ('web_log', 'mail_test', 'poll', 'codes')
    """) == [(4,)]
    # the end of the log is scored, and nobody twice
    assert dbt.query("""
        select count(*) > 2000, count(*) = count(distinct customer_id), count(distinct customer_id) filter (
            has_converted is not null
        ) from results.conversion_scores where campaign = 'web_log' and split = 'score'
    """) == [(True, True, 0)]
    # no address leaves staging, where it is a pseudonym
    staged = dbt.query("select count(*), count(*) filter (e_mail like '%@%') from staging.stg_poll__records")
    assert staged == [(4000, 0)]
    pages = (REPOSITORY / "reports/sources/warehouse/campaign_pages.sql").read_text()
    assert {campaign for (campaign,) in dbt.query(f"select campaign from ({pages})")} >= TABLES.keys()
