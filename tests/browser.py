"""What the tests of the reports share: when a chart is drawn, what a table says, how pages write figures."""

import math
import os
import re
import shutil
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page, expect

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# A chart is drawn once its canvas shows a colour; axes and their titles are grey.
IS_DRAWN = """canvas => {
    const {width, height} = canvas;
    const pixels = canvas.getContext('2d').getImageData(0, 0, width, height).data;
    for (let i = 0; i < pixels.length; i += 4) {
        const colour = [pixels[i], pixels[i + 1], pixels[i + 2]];
        if (Math.max(...colour) - Math.min(...colour) > 60) return true;
    }
    return false;
}"""
expect.set_options(timeout=20_000)

Rows = list[dict[str, Any]]
Sql = Callable[..., Rows]
Open = Callable[..., Page]


def assert_drawn(page: Page, at_least: int) -> None:
    """Every chart shows data, within some seconds."""
    expect(page.locator(".chart canvas").nth(at_least - 1)).to_be_visible()
    for _ in range(50):
        blank = [not canvas.evaluate(IS_DRAWN) for canvas in page.locator(".chart canvas").all()]
        if not any(blank):
            return
        page.wait_for_timeout(200)
    raise AssertionError(f"{page.url}: chart {blank.index(True) + 1} of {len(blank)} is blank")


def assert_has_heading(page: Page, heading: str, is_there: object) -> None:
    expect(page.get_by_role("heading", name=heading, exact=True)).to_have_count(1 if is_there else 0)


def assert_says_headline(text: str, campaign: dict[str, Any]) -> None:
    if campaign["refused_reason"]:
        assert campaign["refused_reason"] in text
        return
    now = campaign["score_contact_count"]
    if now:
        assert f"To contact now: {now:,} of " in text, campaign["campaign"]
    if not campaign["contact_count"]:
        assert f"Contact nobody: of {campaign['judged_count']:,} nobody reaches" in text
        return
    for figure in (
        f"{campaign['contact_count']:,}",
        f"of {campaign['judged_count']:,}",
        f"{campaign['expected_conversions']:,.0f} conversions",
        f"{campaign['contacted_rate']:.1%}",
        f"against {campaign['judged_base_rate']:.1%} of all",
        f"{campaign['contacted_rate'] / campaign['judged_base_rate']:.1f} times",
    ):
        assert figure in text, (campaign["campaign"], figure, text)


def cells(table: Locator) -> list[list[str]]:
    """The text of a table, without its header."""
    rows = table.locator("tr:has(td)").all()
    return [[cell.strip() for cell in row.locator("td").all_inner_texts()] for row in rows]


def figure(page: Page, title: str) -> str:
    """The figure that the threshold explorer shows under a title."""
    shown = page.get_by_test_id("at-share").locator("p", has_text=re.compile(rf"^\s*{title}"))
    return shown.locator("xpath=following-sibling::div").inner_text().strip()


def share(text: str) -> float:
    """The number of a percentage; a browser rounds halves up, Python to even."""
    return float(text.removesuffix("%"))


def words(name: str) -> str:
    return name.replace("_", " ")


def percent(share: float) -> str:
    """A share as the pages write it: a half is rounded up."""
    return f"{math.floor(1000 * share + 0.5) / 10:.1f}%"


def paths(campaigns: Rows, segmented: Rows) -> list[str]:
    """The address of every page: those of some campaigns, and of all that have nothing but segments."""
    pages = ["/"]
    for campaign in campaigns:
        pages.append(f"/campaigns/{campaign['campaign']}/")
        pages.append(f"/campaigns/{campaign['campaign']}/model-card/")
        if campaign["segment_count"]:
            pages.append(f"/campaigns/{campaign['campaign']}/segments/")
    only = [campaign["campaign"] for campaign in segmented if campaign["is_segments_only"]]
    return pages + [f"/campaigns/{campaign}/{page}" for campaign in only for page in ("", "segments/")]
