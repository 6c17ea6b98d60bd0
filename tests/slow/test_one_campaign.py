"""A warehouse of one campaign has a report site of that campaign alone."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.browser import CHROMIUM, FLAGS, blank_charts, page_paths, settle, watch
from tests.site import build_site, copy_reports, need_evidence, served
from tests.support import Dbt


def test_one_campaign_has_a_site(make_dbt: Callable[..., Dbt], default_data: Path, tmp_path: Path) -> None:
    need_evidence()
    campaign = "insurance"
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / campaign).symlink_to(default_data / campaign)
    dbt = make_dbt(tmp_path / "data")
    dbt("build", "--vars", f"{{campaigns: {{{campaign}: {{source: {campaign}, has: [scores, segments]}}}}}}")
    copy_reports(tmp_path / "reports")
    site = build_site(tmp_path / "reports", dbt.warehouse)

    home = f"/campaigns/{campaign}/"
    found = {path.removeprefix(home) for path in page_paths(site) if path.startswith("/campaigns/")}
    of_segments = {page for page in found if re.fullmatch("segments/.+/", page)}
    assert found - of_segments == {"", "exploration/", "model-card/", "monitoring/", "segments/"}
    assert len(of_segments) > 1
    assert_every_page_is_drawn(site)


def assert_every_page_is_drawn(site: Path) -> None:
    """Without an error, a blank chart or a value that is none."""
    if not CHROMIUM:
        pytest.skip("no chromium on this machine")
    troubles: list[str] = []
    with served(site) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        watch(page, address, troubles)
        for path in page_paths(site):
            page.goto(address + path)
            settle(page)
            assert blank_charts(page) == [], path
            assert page.locator("h1").count() == 1, path
            text = page.locator("article").inner_text()
            assert not re.search(r"\b(null|undefined|NaN)\b", text), path
        browser.close()
    assert troubles == []
