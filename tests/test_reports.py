"""What every page of the built report site keeps to; pages have test files of their own."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from tests.browser import Open, Rows, Sql, assert_drawn, paths
from tests.conftest import REPOSITORY

PRIVATE_COLUMNS = {"entity_id", "model_body", "raw_text"}
CATEGORIES = {"category", "bin_name", "group_value"}


def test_variants_are_no_campaigns(built_reports: Path, sql: Sql, segmented: Rows) -> None:
    pages = {page.name for page in (built_reports / "campaigns").iterdir()}
    with_model = {row["campaign"] for row in sql("from results.campaigns where variant_of is null")}
    assert pages == with_model | {campaign["campaign"] for campaign in segmented}


def test_pages_fit_a_phone_and_the_dark(open_page: Open, campaigns: Rows, segmented: Rows) -> None:
    usable = next(campaign for campaign in campaigns if not campaign["refused_reason"])
    for path in paths([usable], segmented):  # one page of each kind
        page = open_page(path, width=390, scheme="dark")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        outside = page.locator("article p, article h1, article h2, article canvas, article button")
        assert outside.evaluate_all("all => all.every(e => e.getBoundingClientRect().right <= 390)"), path
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert max(map(float, re.findall(r"[\d.]+", background)[:3])) < 60, (
            path,
            background,
        )
        if canvases := page.locator(".chart canvas").count():
            assert_drawn(page, at_least=canvases)


def test_links_lead_somewhere(built_reports: Path, campaigns: Rows, segmented: Rows) -> None:
    pages = {
        f"/{page.parent.relative_to(built_reports).as_posix()}/" for page in built_reports.rglob("index.html")
    }
    pages = {re.sub(r"^/\./$", "/", page) for page in pages}
    assert pages == set(paths(campaigns, segmented))
    for page in built_reports.rglob("index.html"):
        for link in re.findall(r'<a [^>]*href="([^"]*)"', page.read_text()):
            target = link.split("#")[0]
            assert not target or f"{target.rstrip('/')}/" in pages, (page, link)


def test_brand_is_our_own(built_reports: Path) -> None:
    for page in built_reports.rglob("index.html"):
        html = page.read_text()
        assert re.search(r"<title>[^<]*Leadlight</title>", html), page
        assert not re.search(r"evidence\.dev|@evidence_dev", html), page
    for icon in (REPOSITORY / "reports/static").iterdir():
        assert (built_reports / icon.name).read_bytes() == icon.read_bytes()


def published(built_reports: Path) -> Iterator[tuple[str, pa.Table]]:
    """Every table that a reader's browser can load."""
    for file in sorted((built_reports / "data").rglob("*.parquet")):
        yield file.stem, duckdb.sql(f"from '{file}'").to_arrow_table()
    for file in sorted((built_reports / "api").rglob("*.arrow")):
        yield file.name, pa.ipc.open_stream(file.read_bytes()).read_all()


def test_no_person_is_published(built_reports: Path, reported_warehouse: Path, campaigns: Rows) -> None:
    tables = list(published(built_reports))
    assert len(tables) > 12
    private = PRIVATE_COLUMNS | {campaign["entity"] for campaign in campaigns}
    most = {campaign["campaign"]: campaign["entity_count"] / 10 for campaign in campaigns}
    with duckdb.connect() as connection:
        connection.execute(f"attach '{reported_warehouse}' as warehouse (read_only)")
        connection.execute("""
            create table ids as
            select distinct entity_id::varchar as id from warehouse.results.conversion_scores
            union
            select distinct entity_id::varchar from warehouse.results.segment_members
        """)
        assert connection.sql("from ids").fetchone()
        for name, table in tables:
            assert not private & set(table.column_names), name
            connection.register("published", table)
            if "campaign" in table.column_names:
                for campaign, count in connection.sql(
                    "select campaign, count(*) from published group by campaign"
                ).fetchall():
                    assert count < most.get(campaign, 1000), (name, campaign, count)
            if CATEGORIES & set(table.column_names):
                assert not connection.sql("from published where row_count < 10").fetchall(), name
            for field in table.schema:
                # a category of many may be a number that is somebody's key, too
                if field.name not in CATEGORIES and pa.types.is_string(field.type):
                    leaked = connection.sql(f'select id from ids semi join published on id = "{field.name}"')
                    assert leaked.fetchone() is None, (name, field.name)


def test_missing_warehouse_is_one_sentence(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere.duckdb"
    run = subprocess.run(
        ["node", REPOSITORY / "reports/scripts/evidence.mjs", "sources", "--strict"],
        env={**os.environ, "LEADLIGHT_WAREHOUSE": str(missing)},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 1
    assert run.stderr == f"{missing} does not exist: run `make build` first\n"
