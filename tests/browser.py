"""What the tests of the reports share: when a chart is drawn, what a table says, how pages write figures."""

import math
import os
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from playwright.sync_api import ConsoleMessage, Locator, Page, Request, Response, expect

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
# Click on a link of the page's own kind.
FOLLOW = """address => {
    const link = document.createElement('a');
    link.href = address;
    document.body.append(link);
    link.click();
    link.remove();
}"""
# Nothing on the page has changed for some time: queries have been answered and shown.
IS_QUIET = """() => new Promise(resolve => {
    const observer = new MutationObserver(wait);
    let timer;
    function wait() {
        clearTimeout(timer);
        timer = setTimeout(() => { observer.disconnect(); resolve(); }, 400);
    }
    observer.observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
    wait();
})"""
expect.set_options(timeout=20_000)

Rows = list[dict[str, Any]]
Sql = Callable[..., Rows]
Open = Callable[..., Page]


def watch(page: Page, site: str, troubles: list[str]) -> None:
    """Write down what goes wrong: an error, an address that is missing, another host that is asked."""

    def asked(request: Request) -> None:
        # to stop it would need a route, which keeps the browser from caching the engine
        if not request.url.startswith((site, "data:", "blob:")):
            troubles.append(f"asked another host: {request.url}")

    def missing(response: Response) -> None:
        if response.status >= 400:
            troubles.append(f"{response.status}: {response.url}")

    def report(message: ConsoleMessage) -> None:
        if message.type == "error":
            troubles.append(f"console: {message.text}")

    page.on("request", asked)
    page.on("response", missing)
    page.on("pageerror", lambda error: troubles.append(f"page error: {error}"))
    page.on("console", report)


def settle(page: Page) -> None:
    """Wait until a page answers to its reader."""
    page.locator("#__evidence_project_splash").wait_for(state="detached", timeout=60_000)
    page.wait_for_load_state("networkidle")


def follow(page: Page, address: str) -> None:
    """Go on to another page of the site as by a link, which spares loading the engine again."""
    page.evaluate(FOLLOW, address)
    page.wait_for_url(address)
    page.wait_for_load_state("networkidle")
    page.evaluate(IS_QUIET)


def page_paths(site: Path) -> list[str]:
    """The address of every page of a built site, but of the catalogue, which dbt makes."""
    folders = {page.parent.relative_to(site) for page in site.rglob("index.html")} - {Path("catalogue")}
    return sorted(f"/{folder.as_posix()}/".replace("/./", "/") for folder in folders)


def blank_charts(page: Page) -> list[int]:
    """Which charts show no data, though they have had some seconds."""
    for _ in range(50):
        blank = [not canvas.evaluate(IS_DRAWN) for canvas in page.locator(".chart canvas").all()]
        if not any(blank):
            return []
        page.wait_for_timeout(200)
    return [place for place, is_blank in enumerate(blank, start=1) if is_blank]


def assert_drawn(page: Page, at_least: int) -> None:
    """Every chart shows data, within some seconds."""
    expect(page.locator(".chart canvas").nth(at_least - 1)).to_be_visible()
    assert blank_charts(page) == [], page.url


def assert_has_heading(page: Page, heading: str, is_there: object) -> None:
    expect(page.get_by_role("heading", name=heading, exact=True)).to_have_count(1 if is_there else 0)


def assert_says_whom_to_contact(text: str, campaign: dict[str, Any]) -> None:
    """The newest audience with what is expected of it; else why there is none."""
    if campaign["refused_reason"]:
        assert f"No model. {campaign['refused_reason']}" in text
    elif campaign["audience_count"]:
        many = few(campaign["audience_count"])
        assert f"Contact {many} of {count(campaign['score_count'])} now." in text, campaign["campaign"]
        columns = ("audience_conversions", "expected_conversions_lower", "expected_conversions_upper")
        expected = [count(campaign[column]) for column in columns]
        assert "Expect {} conversions ({} to {})".format(*expected) in text
        profits = [
            money(campaign[f"expected_profit{end}"], campaign["currency"]) for end in ("", "_lower", "_upper")
        ]
        assert "and a profit of {} ({} to {}).".format(*profits) in text
        left_out = [
            f"{few(campaign[column])} {why}"
            for column, why in (
                ("suppressed_count", "may not be contacted"),
                ("holdout_count", "are held out to measure the effect"),
                ("old_count", "have data that is too old"),
                ("used_count", "were chosen in an earlier week"),
            )
            if campaign[column]
        ]
        listed = " and ".join([", ".join(left_out[:-1]), *left_out[-1:]] if left_out[1:] else left_out)
        assert not left_out or f"Not contacted although they score high enough: {listed}." in text
    elif campaign["score_count"]:
        assert f"Contact nobody now: of {count(campaign['score_count'])} who wait for a decision" in text
    else:
        assert "Contact nobody now: nobody waits for a decision" in text


def count(value: float) -> str:
    """A number as the pages write it: a half is rounded up."""
    return f"{math.floor(value + 0.5):,}"


def few(value: int) -> str:
    return "fewer than ten" if value < 10 else count(value)


def money(amount: float | Decimal, currency: str) -> str:
    """Money as the pages write it: with cents below 100."""
    value = float(amount)
    sign = "-" if value < 0 else ""
    if abs(value) < 100 and value != math.floor(value):
        return f"{sign}{currency} {math.floor(100 * abs(value) + 0.5) / 100:,.2f}"
    return f"{sign}{currency} {math.floor(abs(value) + 0.5):,}"


def cells(table: Locator) -> list[list[str]]:
    """The text of a table, without its header."""
    rows = table.locator("tr:has(td)").all()
    return [[cell.strip() for cell in row.locator("td").all_inner_texts()] for row in rows]


def figure(within: Locator, title: str) -> str:
    """The figure that stands under a title."""
    return (
        within.locator("div", has=within.page.get_by_text(title, exact=True)).last.locator("dd").inner_text()
    )


def share(text: str) -> float:
    """The number of a percentage; a browser rounds halves up, Python to even."""
    return float(text.removesuffix("%"))


def words(name: str) -> str:
    return name.replace("_", " ")


def percent(share: float, digits: int = 1) -> str:
    """A share as the tables write it: a half is rounded up."""
    return f"{math.floor(100 * 10**digits * share + 0.5) / 10**digits:.{digits}f}%"


def small_percent(share: float, digits: int = 1) -> str:
    """A share as the sentences write it: with two digits that tell something where it is small."""
    if share and abs(100 * share) < 10**-digits:
        return f"{100 * share:.2g}%"
    return percent(share, digits)


def paths(campaigns: Rows, segmented: Rows) -> list[str]:
    """The address of every page: those of some campaigns, and of all that have nothing but segments."""
    pages = ["/", "/monitoring/", "/data-quality/"]
    for campaign in campaigns:
        pages.append(f"/campaigns/{campaign['campaign']}/")
        for page in ("model-card", "exploration", "monitoring"):
            pages.append(f"/campaigns/{campaign['campaign']}/{page}/")
        if campaign["segment_count"]:
            pages.append(f"/campaigns/{campaign['campaign']}/segments/")
    named = {campaign["campaign"] for campaign in campaigns}
    for campaign in segmented:
        if campaign["campaign"] in named or campaign["is_segments_only"]:
            overview = f"/campaigns/{campaign['campaign']}/segments/"
            pages += [f"{overview}{slug}/" for slug in campaign["segment_slugs"]]
    only = [campaign["campaign"] for campaign in segmented if campaign["is_segments_only"]]
    return pages + [
        f"/campaigns/{campaign}/{page}"
        for campaign in only
        for page in ("", "segments/", "exploration/", "monitoring/")
    ]
