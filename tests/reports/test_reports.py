"""What every page of the built report site keeps to; pages have test files of their own."""

import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.browser import (
    CHROMIUM,
    FLAGS,
    Open,
    Rows,
    Sql,
    blank_charts,
    follow,
    page_paths,
    paths,
    settle,
    watch,
)
from tests.support import REPOSITORY

AXE = REPOSITORY / "reports/node_modules/axe-core/axe.min.js"

# What a page is asked once it is drawn, in one question.
FACTS = """() => {
    const all = selector => [...document.querySelectorAll(selector)];
    const text = element => element ? element.textContent.trim() : '';
    return {
        title: document.title,
        language: document.documentElement.lang,
        headings: all('h1').map(text),
        anchors: all('[id]').map(element => element.id),
        links: all('a[href]').map(link => link.href),
        charts_without_words: all('.chart canvas')
            .map(canvas => canvas.closest('figure'))
            .filter(figure => !text(figure && figure.querySelector('figcaption'))).length,
        background: getComputedStyle(document.body).backgroundColor,
        width: document.documentElement.scrollWidth,
        outside: all('article p, article h1, article h2, article canvas, article button, article figure')
            .filter(element => element.getBoundingClientRect().right > innerWidth + 1)
            .map(element => element.outerHTML.slice(0, 200)),
    };
}"""
TO_HTML = """
    import { readFileSync } from 'node:fs';
    import { toHtml } from './components/markdown.js';
    console.log(toHtml(readFileSync(0, 'utf8')));
"""
# Whatever keeps somebody from reading or using the page.
FINDINGS = """async () => {
    const {violations} = await axe.run(document, {resultTypes: ['violations']});
    return violations.filter(found => ['serious', 'critical'].includes(found.impact)).map(
        found => [found.id, found.help, found.nodes.length, found.nodes[0].html.slice(0, 300)]);
}"""


@dataclass
class Visit:
    """What a page was like on a laptop in the light and, turned into one, on a phone in the dark."""

    laptop: dict[str, Any] = field(default_factory=dict)
    phone: dict[str, Any] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)


def visit(page: Page, site: str, path: str, troubles: list[str], is_followed: bool) -> Visit:
    def look() -> dict[str, Any]:
        # charts first: an inspector that hides nothing may still change what is drawn
        return {
            "blank_charts": blank_charts(page),
            **page.evaluate(FACTS),
            "findings": page.evaluate(FINDINGS),
        }

    troubles.clear()
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})
    if is_followed:
        follow(page, site + path)
    else:
        page.goto(site + path)
        settle(page)
        page.evaluate(AXE.read_text())
    laptop = look()
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(300)
    return Visit(laptop, look(), troubles.copy())


def kind_of(path: str) -> str:
    """What a page shows, of whatever campaign and segment."""
    return re.sub("(?<=/segments/).+", "segment", re.sub("(?<=/campaigns/)[^/]+", "campaign", path))


@pytest.fixture(scope="module")
def visits(built_reports: Path, site: str) -> dict[str, Visit]:
    """Every page of the built site, visited once; two browsers, because half of a visit is waiting.

    The first page of each kind is opened by its address, the others as by a link.
    """
    if not CHROMIUM:
        pytest.skip("no chromium on this machine")

    def visit_some(some: list[str]) -> dict[str, Visit]:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            troubles: list[str] = []
            page = browser.new_page()
            watch(page, site, troubles)
            seen = {
                path: visit(page, site, path, troubles, is_followed=path not in {some[0], *opened})
                for path in some
            }
            browser.close()
            return seen

    pages = page_paths(built_reports)
    opened = set({kind_of(path): path for path in reversed(pages)}.values())
    with ThreadPoolExecutor(max_workers=2) as workers:
        halves = list(workers.map(visit_some, [pages[::2], pages[1::2]]))
    return halves[0] | halves[1]


def test_every_page_is_drawn_without_an_error(visits: dict[str, Visit]) -> None:
    """No blank chart, no error in the console or of the page, nothing that is missing, no other host."""
    assert {path: visit.troubles for path, visit in visits.items() if visit.troubles} == {}
    for look in ("laptop", "phone"):
        assert {path for path, visit in visits.items() if getattr(visit, look)["blank_charts"]} == set()
    assert sum(visit.laptop["links"] != [] for visit in visits.values()) == len(visits)


def test_every_page_is_named(visits: dict[str, Visit]) -> None:
    """One heading, which the page's title names, and no two pages of the same title."""
    for path, visit in visits.items():
        assert len(visit.laptop["headings"]) == 1, (path, visit.laptop["headings"])
        assert visit.laptop["title"].startswith(f"{visit.laptop['headings'][0]} · "), path
        assert visit.laptop["title"].endswith(" · Leadlight"), path
        assert visit.laptop["language"] == "en", path
    titles = [visit.laptop["title"] for visit in visits.values()]
    assert len(set(titles)) == len(titles), sorted(title for title in titles if titles.count(title) > 1)


def test_nobody_is_kept_from_reading(visits: dict[str, Visit]) -> None:
    """Axe-core finds nothing serious or critical, and words stand beside every chart."""
    for look in ("laptop", "phone"):
        found = {path: getattr(visit, look)["findings"] for path, visit in visits.items()}
        assert {path: findings for path, findings in found.items() if findings} == {}, look
    wordless = {path for path, visit in visits.items() if visit.laptop["charts_without_words"]}
    assert wordless == set()


def test_every_page_fits_a_phone_and_the_dark(visits: dict[str, Visit]) -> None:
    for path, visit in visits.items():
        assert visit.phone["width"] <= 390, path
        assert visit.phone["outside"] == [], path
        assert brightness(visit.phone["background"]) < 60 < 200 < brightness(visit.laptop["background"]), path


def brightness(colour: str) -> float:
    """The strongest of the parts of a colour as a browser writes it."""
    return max(map(float, re.findall(r"[\d.]+", colour)[:3]))


def test_every_link_leads_to_a_page_and_a_place_on_it(
    visits: dict[str, Visit], built_reports: Path, site: str
) -> None:
    """Those that the browser made too."""
    places = {path: set(visit.laptop["anchors"]) for path, visit in visits.items()}
    for path, visit in visits.items():
        for link in visit.laptop["links"]:
            target, _, anchor = link.removeprefix(site).partition("#")
            if target in places:
                assert not anchor or anchor in places[target], (path, link)
            else:
                assert (built_reports / target.lstrip("/")).is_file(), (path, link)


def test_keys_reach_all_that_can_be_used(open_page: Open, campaigns: Rows) -> None:
    """Tab goes through links, buttons, sliders and folded parts, and shows where it is."""
    campaign = next(campaign for campaign in campaigns if not campaign["refused_reason"])
    page = open_page(f"/campaigns/{campaign['campaign']}/")
    usable = page.locator("a[href], button, input, select, [role=slider]").locator("visible=true")
    expected = set(usable.evaluate_all("all => all.map((one, place) => one.dataset.place = `${place}`)"))
    assert len(expected) > 20
    reached = set()
    for _ in range(2 * len(expected)):
        page.keyboard.press("Tab")
        place, is_shown = page.evaluate("""() => {
            const style = getComputedStyle(document.activeElement);
            const has_outline = style.outlineStyle !== 'none' && style.outlineWidth !== '0px';
            return [document.activeElement.dataset.place, has_outline || style.boxShadow !== 'none'];
        }""")
        if place is None:
            continue
        assert is_shown, page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
        reached.add(place)
        if reached >= expected:
            break
    missed = expected - reached
    assert [page.locator(f"[data-place='{one}']").evaluate("it => it.outerHTML") for one in missed] == []


def test_there_is_a_page_for_every_campaign(built_reports: Path, campaigns: Rows, segmented: Rows) -> None:
    assert set(page_paths(built_reports)) >= set(paths(campaigns, segmented))


def test_variants_are_no_campaigns(built_reports: Path, sql: Sql, segmented: Rows) -> None:
    pages = {page.name for page in (built_reports / "campaigns").iterdir()}
    with_model = {row["campaign"] for row in sql("from results.campaigns where variant_of is null")}
    assert pages == with_model | {campaign["campaign"] for campaign in segmented}


def test_the_catalogue_lies_beside_the_pages(
    visits: dict[str, Visit], built_reports: Path, site: str
) -> None:
    """Each page leads to it, and it does not name the folder in which it was made."""
    page = (built_reports / "catalogue/index.html").read_text()
    assert page == "<title>Catalogue</title> ./dbt_project"
    for path, visit in visits.items():
        assert f"{site}/catalogue/index.html" in visit.laptop["links"], path


def test_brand_is_our_own(built_reports: Path) -> None:
    for page in page_paths(built_reports):
        html = (built_reports / page.strip("/") / "index.html").read_text()
        assert re.search(r"<title>[^<]*Leadlight</title>", html), page
        assert not re.search(r"evidence\.dev|@evidence_dev", html), page
    for icon in (REPOSITORY / "reports/static").iterdir():
        assert (built_reports / icon.name).read_bytes() == icon.read_bytes()


def test_missing_warehouse_is_one_sentence(reports: Path, tmp_path: Path) -> None:
    missing = tmp_path / "nowhere.duckdb"
    run = subprocess.run(
        ["node", reports / "scripts/evidence.mjs", "sources", "--strict"],
        env={**os.environ, "LEADLIGHT_WAREHOUSE": str(missing)},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 1
    assert run.stderr == f"{missing} does not exist: run `make build` first\n"


def test_without_a_python_there_are_no_cards_and_no_data(reports: Path, tmp_path: Path) -> None:
    (tmp_path / "warehouse.duckdb").touch()
    run = subprocess.run(
        ["node", reports / "scripts/evidence.mjs", "sources", "--strict"],
        env={
            **os.environ,
            "LEADLIGHT_WAREHOUSE": f"{tmp_path}/warehouse.duckdb",
            "LEADLIGHT_PYTHON": "nopython",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 1
    assert run.stderr == (
        "nopython cannot be run: run `make setup` first, or name another Python by LEADLIGHT_PYTHON\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "<img src=x onerror=alert(1)>",
        "a <b onclick='x'>b</b>",
        "<script>alert(1)</script>",
        "<!-- x -->",
        "[here](javascript:alert(1))",
        "![x](https://elsewhere.example/x.png)",
        "<https://elsewhere.example>",
        "https://elsewhere.example",
        "[a][b]",
    ],
)
def test_markup_in_markdown_stays_text(reports: Path, text: str) -> None:
    """In a paragraph, at the start of a block, in a table's cell and in a heading."""
    run = subprocess.run(
        ["node", "--input-type=module", "--eval", TO_HTML],
        cwd=reports,
        input=f"{text}\n\nsay {text}\n\n## {text}\n\n| a |\n| --- |\n| {text} |\n\n[b]: /elsewhere",
        capture_output=True,
        text=True,
        check=True,
    )
    elements = set(re.findall(r"<(\w+)", run.stdout))
    assert elements == {"p", "h2", "div", "table", "thead", "tbody", "tr", "th", "td"}
    assert unescape(run.stdout).count(text) == 4
    assert run.stdout.count("<") == run.stdout.count(">")


@pytest.mark.parametrize(
    ("base", "says"),
    [
        ("marketing", "is no path"),
        ("/marketing/", "is no path"),
        ("/a/../b", "is no path"),
        ("/two words", "is no path"),
        ("/campaigns/of/ours", "starts with the name of a page"),
    ],
)
def test_a_base_path_that_cannot_be_is_one_sentence(reports: Path, base: str, says: str) -> None:
    run = evidence(reports, base, "--version")
    assert run.returncode == 1
    assert run.stderr.startswith(f'LEADLIGHT_BASE_PATH is "{base}", which {says}')
    assert run.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("base", "method"), [("", "/method/"), ("/m", "/m/method/"), ("/m/of", "/m/of/method/")]
)
def test_pages_lie_below_the_base_path(reports: Path, base: str, method: str) -> None:
    """Evidence is configured by it, and leads to its pages there, `/method/` below `/m` too."""
    assert evidence(reports, base, "--version").returncode == 0
    sdk = "./node_modules/@evidence-dev/sdk/src"
    asked = f"""
        import {{ getEvidenceConfig }} from '{sdk}/configuration/index.js';
        import {{ addBasePath }} from '{sdk}/utils/svelte/addBasePath.js';
        console.log(addBasePath('/method/', getEvidenceConfig()));
    """
    run = subprocess.run(
        ["node", "--input-type=module", "--eval", asked],
        cwd=reports,
        env=os.environ | {"LEADLIGHT_BASE_PATH": base},
        capture_output=True,
        text=True,
    )
    assert run.stdout.strip() == f"{base}/method/", run.stderr


def evidence(reports: Path, base: str, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["node", reports / "scripts/evidence.mjs", command],
        env=os.environ | {"LEADLIGHT_BASE_PATH": base},
        capture_output=True,
        text=True,
    )
