"""What the tests of the reports share: one site, built in a copy of `reports/`, and a browser."""

import functools
import http.server
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser import CHROMIUM, FLAGS, Open, Rows, Sql, settle, watch
from tests.support import REPOSITORY, Shared

REPORTS = REPOSITORY / "reports"


@pytest.fixture(scope="session")
def reports() -> Path:
    """A copy of `reports/`, prepared by Evidence: nothing is built in the developer's own folder."""
    if not (REPORTS / "node_modules/.package-lock.json").exists():
        pytest.skip("the npm modules of the reports are not installed: npm ci --prefix reports")
    if not shutil.which("node"):
        pytest.skip("no node on this machine")

    def make(folder: Path) -> None:
        copy = folder / "reports"
        shutil.copytree(
            REPORTS, copy, ignore=shutil.ignore_patterns("node_modules", "build", ".evidence", ".served")
        )
        shutil.copytree(
            REPORTS / "node_modules", copy / "node_modules", symlinks=True, copy_function=link_or_copy
        )
        run_evidence(copy, "--version")

    return Shared.folder("reports", make) / "reports"


def link_or_copy(file: str, copy: str) -> None:
    """Link a file of npm; copy those of Evidence, which the reports' scripts edit."""
    if "@evidence-dev" not in file:
        try:
            os.link(file, copy, follow_symlinks=False)
            return
        except OSError:
            # another file system
            pass
    shutil.copy2(file, copy)


def run_evidence(reports: Path, *arguments: str, **environment: str) -> None:
    """Run Evidence by the reports' own script; it must succeed."""
    run = subprocess.run(
        ["node", "scripts/evidence.mjs", *arguments],
        cwd=reports,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.fixture(scope="session")
def built_reports(reports: Path, reported_warehouse: Path) -> Path:
    """The report site over a built warehouse, with a catalogue beside it that names where it was made."""

    def make(folder: Path) -> None:
        catalogue = folder / "catalogue.html"
        catalogue.write_text(f"<title>Catalogue</title> {reports.parent}/dbt_project")
        environment = {
            "LEADLIGHT_WAREHOUSE": str(reported_warehouse),
            "LEADLIGHT_CATALOGUE": str(catalogue),
        }
        run_evidence(reports, "sources", "--strict", **environment)
        run_evidence(reports, "build:strict", **environment)

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
            suppressed_count, holdout_count, is_holdout_sufficient
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

    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 64

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), functools.partial(Quiet, directory=str(built_reports)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


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
        page.goto(site + path)
        settle(page)
        return page

    yield visit
    assert troubles == []
