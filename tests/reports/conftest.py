"""What the tests of the reports share: one site, built in a copy of `reports/`, and a browser."""

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser import CHROMIUM, FLAGS, Open, Rows, Sql, follow, settle, watch
from tests.site import build_site, copy_reports, need_evidence, served
from tests.support import Shared


@pytest.fixture(scope="session")
def reports() -> Path:
    """A copy of `reports/`, prepared by Evidence."""
    need_evidence()
    return Shared.folder("reports", lambda folder: copy_reports(folder / "reports")) / "reports"


@pytest.fixture(scope="session")
def built_reports(reports: Path, reported_warehouse: Path) -> Path:
    """The report site over a built warehouse, with a catalogue beside it that names where it was made."""

    def make(folder: Path) -> None:
        catalogue = folder / "catalogue.html"
        catalogue.write_text(f"<title>Catalogue</title> {reports.parent}/dbt_project")
        build_site(reports, reported_warehouse, LEADLIGHT_CATALOGUE=str(catalogue))

    Shared.folder("site", make)
    return reports / "build"


@pytest.fixture(scope="session")
def sql(reported_warehouse: Path) -> Iterator[Sql]:
    """Rows of a query on the warehouse, as dictionaries."""
    with duckdb.connect(str(reported_warehouse), read_only=True) as connection:

        def rows(query: str, *parameters: object) -> Rows:
            return connection.execute(query, parameters).to_arrow_table().to_pylist()

        yield rows


@pytest.fixture(scope="session")
def campaigns(sql: Sql) -> Rows:
    """What the reports should say of each campaign."""
    return sql("""
        select
            campaigns.*,
            true_positives as conversions,
            precision as contacted_rate,
            (
                select sum(converted) / sum(contacted) from results.conversion_gains as gains
                where gains.campaign = campaigns.campaign and split = judged_split
            ) as judged_base_rate,
            (
                select count(*) from results.segments as segments
                where segments.campaign = campaigns.campaign
            ) as segment_count,
            audiences.contact_count as audience_count,
            audiences.expected_conversions as audience_conversions,
            expected_conversions_lower, expected_conversions_upper,
            expected_profit_lower, expected_profit_upper, audiences.expected_profit,
            suppressed_count, holdout_count, old_count, used_count, is_holdout_sufficient
        from results.campaigns as campaigns
        left join results.conversion_thresholds as thresholds
            on thresholds.campaign = campaigns.campaign and split = judged_split and is_chosen
        left join (
            from results.audiences where purpose = 'contact'
            qualify row_number() over (partition by campaign order by selected_at desc) = 1
        ) as audiences on audiences.campaign = campaigns.campaign
        where variant_of is null
        order by campaigns.campaign
    """)


@pytest.fixture(scope="session")
def segmented(sql: Sql) -> Rows:
    """What the reports should say of each campaign that has segments."""
    return sql("""
        select
            segmenters.* exclude (choices, steps, profiles),
            (
                select list(segment_slug order by segment_id) from results.segments as segments
                where segments.campaign = segmenters.campaign
            ) as segment_slugs,
            campaigns.campaign is null as is_segments_only
        from results.segmenters as segmenters
        left join results.campaigns as campaigns using (campaign)
        where segmenters.campaign in (select campaign from results.segments)
        order by segmenters.campaign
    """)


@pytest.fixture(scope="session")
def site(built_reports: Path) -> Iterator[str]:
    assert (built_reports / "index.html").exists(), f"{built_reports} holds no reports: run `make build`"

    with served(built_reports) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM:
        pytest.skip("no chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def troubles() -> list[str]:
    """What went wrong in the browser, for the test that runs."""
    return []


@pytest.fixture(scope="session")
def tab(browser: Browser, site: str, troubles: list[str]) -> Callable[[int, Any], Page]:
    """A page of a width and a colour scheme, kept, so that the engine is loaded once."""

    @functools.cache
    def new(width: int, scheme: Any) -> Page:
        viewport: Any = {"width": width, "height": 900}
        page = browser.new_context(viewport=viewport, color_scheme=scheme).new_page()
        watch(page, site, troubles)
        return page

    return new


@pytest.fixture
def open_page(site: str, tab: Callable[..., Page], troubles: list[str]) -> Iterator[Open]:
    """Opens pages; afterwards nothing has failed and no other host was asked."""
    troubles.clear()

    def visit(path: str, width: int = 1280, scheme: str = "light") -> Page:
        page = tab(width, scheme)
        if page.url.startswith(site) and page.url.split("?")[0].split("#")[0] != site + path.split("#")[0]:
            follow(page, site + path)
        else:
            page.goto(site + path)
            settle(page)
        return page

    yield visit
    assert troubles == []
