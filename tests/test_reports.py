"""The built report site in a real browser, compared with SQL on the warehouse."""

import functools
import http.server
import math
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

REPOSITORY = Path(__file__).parents[1]
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
PRIVATE_COLUMNS = {"entity_id", "model_body", "raw_text"}
CATEGORIES = {"category", "bin_name", "group_value"}
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
            ) as segment_count
        from results.campaigns as campaigns
        left join results.conversion_thresholds as thresholds
            on thresholds.campaign = campaigns.campaign and split = judged_split and is_chosen
        where variant_of is null
        order by campaigns.campaign
    """)


@pytest.fixture(scope="session")
def segmented(sql: Sql) -> Rows:
    """What the reports should say of each campaign that has segments."""
    return sql("""
        select
            segmenters.* exclude (choices, steps, profiles),
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

    def guard(route: Any) -> None:
        if route.request.url.startswith((site, "data:", "blob:")):
            route.continue_()
        else:
            troubles.append(f"asked another host: {route.request.url}")
            route.abort()

    def report(message: Any) -> None:
        if message.type == "error":
            troubles.append(f"console: {message.text}")

    @functools.cache
    def new(width: int, scheme: Any) -> Page:
        viewport: Any = {"width": width, "height": 900}
        page = browser.new_context(viewport=viewport, color_scheme=scheme).new_page()
        page.context.route("**/*", guard)
        page.on("pageerror", lambda error: troubles.append(f"page error: {error}"))
        page.on("console", report)
        return page

    return new


@pytest.fixture
def open_page(site: str, tab: Callable[..., Page], troubles: list[str]) -> Iterator[Open]:
    """Opens pages; afterwards nothing has failed and no other host was asked."""
    troubles.clear()

    def visit(path: str, width: int = 1280, scheme: str = "light") -> Page:
        page = tab(width, scheme)
        page.goto(site + path)
        page.locator("#__evidence_project_splash").wait_for(state="detached", timeout=30_000)
        page.wait_for_load_state("networkidle")
        return page

    yield visit
    assert troubles == []


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


def assert_drawn(page: Page, at_least: int) -> None:
    """Every chart shows data, within some seconds."""
    expect(page.locator(".chart canvas").nth(at_least - 1)).to_be_visible()
    for _ in range(50):
        blank = [not canvas.evaluate(IS_DRAWN) for canvas in page.locator(".chart canvas").all()]
        if not any(blank):
            return
        page.wait_for_timeout(200)
    raise AssertionError(f"{page.url}: chart {blank.index(True) + 1} of {len(blank)} is blank")


def figure(page: Page, title: str) -> str:
    """The figure that the threshold explorer shows under a title."""
    shown = page.get_by_test_id("at-share").locator("p", has_text=re.compile(rf"^\s*{title}"))
    return shown.locator("xpath=following-sibling::div").inner_text().strip()


def share(text: str) -> float:
    """The number of a percentage; a browser rounds halves up, Python to even."""
    return float(text.removesuffix("%"))


def cells(table: Locator) -> list[list[str]]:
    """The text of a table, without its header."""
    rows = table.locator("tr:has(td)").all()
    return [[cell.strip() for cell in row.locator("td").all_inner_texts()] for row in rows]


def test_front_page_answers_for_every_campaign(open_page: Open, campaigns: Rows) -> None:
    page = open_page("/")
    assert page.title() == "Leadlight"
    for campaign in campaigns:
        heading = page.get_by_role("heading", name=campaign["title"], exact=True)
        card = page.locator("section", has=heading)
        text = " ".join(card.inner_text().split())
        assert_says_headline(text, campaign)
        assert campaign["question"] in text
        assert f"{campaign['source_kind']} data {campaign['source_note']}" in text
        if not campaign["refused_reason"]:
            assert f"quality: {campaign['quality_grade']}" in text


def test_front_page_names_what_has_nothing_but_segments(open_page: Open, segmented: Rows) -> None:
    page = open_page("/")
    only = [campaign for campaign in segmented if campaign["is_segments_only"]]
    assert only
    for campaign in only:
        heading = page.get_by_role("heading", name=campaign["title"], exact=True)
        text = " ".join(page.locator("section", has=heading).inner_text().split())
        assert f"of {campaign['customer_rows']:,} customers" in text
        assert campaign["question"] in text
        assert f"{campaign['source_kind']} data {campaign['source_note']}" in text


def test_variants_are_no_campaigns(built_reports: Path, sql: Sql, segmented: Rows) -> None:
    pages = {page.name for page in (built_reports / "campaigns").iterdir()}
    with_model = {row["campaign"] for row in sql("from results.campaigns where variant_of is null")}
    assert pages == with_model | {campaign["campaign"] for campaign in segmented}


def test_every_campaign_page(open_page: Open, campaigns: Rows, sql: Sql) -> None:
    for campaign in campaigns:
        name = campaign["campaign"]
        page = open_page(f"/campaigns/{name}/")
        expect(page.get_by_role("heading", level=1)).to_have_text(campaign["title"])
        text = " ".join(page.locator("article").inner_text().split())
        assert_says_headline(text, campaign)
        assert campaign["source_note"] in text
        assert_says_who_converts(page, text, campaign, sql)
        assert_says_which_topic_converts(page, text, campaign, sql)
        assert_says_what_may_leak(page, text, campaign, sql)
        if campaign["refused_reason"]:
            assert_has_heading(page, "How good is the model?", False)
            assert_has_heading(page, "How the probability moves", False)
            continue
        assert_drawn(page, at_least=10)
        assert_says_how_it_moves(page, campaign, sql)
        assert_says_what_it_is_judged_by(page, text, campaign, sql)
        assert_says_how_groups_fare(page, text, campaign, sql)

        factors = sql("from results.conversion_factors where campaign = ? order by rank", name)
        assert f"The strongest factor is {factors[0]['feature'].replace('_', ' ')};" in text
        metric = sql(
            """select value, lower, upper from results.conversion_metrics
            where campaign = ? and model_version = ? and split = ? and metric = 'roc_auc'""",
            *(name, campaign["model_version"], campaign["judged_split"]),
        )[0]
        table = page.get_by_role("table").filter(has_text="Simple rule")
        row = next(row for row in cells(table) if row[0] == "ROC AUC")
        assert row[1:4] == [f"{metric[key]:.3f}" for key in ("value", "lower", "upper")], name

        for variant in sql("from results.campaigns where variant_of = ?", name):
            assert f"{variant['title']}: it would have had ROC AUC" in text
            assert variant["not_usable_reason"].rstrip(".") in text


def assert_has_heading(page: Page, heading: str, is_there: object) -> None:
    expect(page.get_by_role("heading", name=heading, exact=True)).to_have_count(1 if is_there else 0)


def words(name: str) -> str:
    return name.replace("_", " ")


def percent(share: float) -> str:
    """A share as the pages write it: a half is rounded up."""
    return f"{math.floor(1000 * share + 0.5) / 10:.1f}%"


def assert_says_who_converts(page: Page, text: str, campaign: dict[str, Any], sql: Sql) -> None:
    """The surest category of converters, and the rates of every dimension, one after the other."""
    name = campaign["campaign"]
    surest = sql(
        """from results.converter_profiles
        where campaign = ? and q_value < 0.05 and index_value > 100 and converter_count + rest_count >= 10
        order by q_value, feature, category limit 1""",
        name,
    )
    for row in surest:
        assert (
            f"{words(row['feature'])}: {row['category']} holds {row['share_of_converters']:.0%} of those who "
            f"converted and {row['share_of_rest']:.0%} of the others."
        ) in text
    rates = sql(
        """from results.conversion_rates where campaign = ? and row_count >= 10
        order by dimension, shrunk_rate desc, category""",
        name,
    )
    assert_has_heading(page, "Who converts?", surest or rates)
    assert_has_heading(page, "Conversion rate by group", rates)
    choice = page.locator("label.choice select")
    for dimension in sorted({row["dimension"] for row in rates}):
        choice.select_option(words(dimension))
        expected = [
            [row["category"], f"{row['row_count']:,}"]
            + [percent(row[key]) for key in ("conversion_rate", "lower", "upper", "shrunk_rate")]
            for row in rates
            if row["dimension"] == dimension
        ]
        table = page.get_by_test_id("rates").get_by_role("table")
        expect(table.locator("tr:has(td)")).to_have_count(len(expected))
        expect(table).to_contain_text(expected[0][0])
        assert [row[:6] for row in cells(table)] == expected, (name, dimension)


def assert_says_which_topic_converts(page: Page, text: str, campaign: dict[str, Any], sql: Sql) -> None:
    """The best category, and the first page of the table of those on the first level."""
    topics = sql(
        """select topic, row_count, probability_in_best_five, 100000 * shrunk_rate as rate,
            100000 * lower as lower, 100000 * upper as upper
        from results.conversion_topics where campaign = ? and depth = 1 and row_count >= 10 order by rank""",
        campaign["campaign"],
    )
    assert_has_heading(page, "Which interest category converts?", topics)
    if not topics:
        return
    expected = [
        [
            row["topic"],
            *(f"{math.floor(row[key] + 0.5):,}" for key in ("row_count", "rate", "lower", "upper")),
        ]
        for row in topics
    ]
    name, _, rate, lower, upper = expected[0]
    base_rate = math.floor(100_000 * campaign["base_rate"] + 0.5)
    interval = f"95% interval {lower} to {upper}"
    assert f"{name} converts best: {rate} in 100,000 ({interval}), against {base_rate:,} of all." in text
    sure = [row["topic"] for row in topics if row["probability_in_best_five"] >= 0.95]
    assert (f"Surely among the five best, in 95% of draws or more: {', '.join(sure)}." in text) == bool(sure)
    assert [row[:5] for row in cells(page.get_by_test_id("topics").get_by_role("table"))] == expected[:10]


def assert_says_what_may_leak(page: Page, text: str, campaign: dict[str, Any], sql: Sql) -> None:
    name = campaign["campaign"]
    checks = sql("from results.leakage_checks where campaign = ?", name)
    assert_has_heading(page, "Could it be too good?", checks)
    passed = sum(check["status"] == "pass" for check in checks)
    if passed == len(checks):
        assert not checks or f"All {passed:,} checks for columns that know the outcome passed." in text
    else:
        assert f"{passed:,} of {len(checks):,} checks for columns that know the outcome passed." in text
        table = page.get_by_role("table").filter(has_text="What to do")
        assert sorted(row[:2] for row in cells(table)) == sorted(
            [words(check["feature"]), check["status"]] for check in checks if check["status"] != "pass"
        )
    assert ("Looks like a leak, accepted by name:" in text) == bool(campaign["accepted_leaks"])
    assert ("may know more than it should" in text) == bool(campaign["leak_warning_count"])
    assert ("An earlier model stays in service." in text) == bool(campaign["refused_training"])
    if campaign["refused_training"]:
        assert f"The newest training was refused: {campaign['refused_training']}" in text
    links = page.locator("a[href='#could-it-be-too-good']:not(aside a)").filter(
        has_text=re.compile("checks", re.I)
    )
    assert links.count() == bool(campaign["accepted_leaks"]) + bool(campaign["leak_warning_count"])
    if links.count():
        assert page.locator("#could-it-be-too-good").count() == 1


def assert_says_how_it_moves(page: Page, campaign: dict[str, Any], sql: Sql) -> None:
    """The last chart with a table beside it: a bin of values and the probability there."""
    page.get_by_role("button", name="The same as a table").last.click()
    table = page.get_by_role("table").filter(has_text="Mean probability")
    expect(table).to_be_visible()
    shown = [row[-2:] for row in cells(table)]
    bins = sql(
        """select row_count, mean_predicted from results.conversion_dependence
        inner join results.conversion_factors using (campaign, feature)
        where campaign = ? and rank <= 6 and row_count >= 10""",
        campaign["campaign"],
    )
    assert sorted(shown) == sorted([f"{row['row_count']:,}", percent(row["mean_predicted"])] for row in bins)


def assert_says_what_it_is_judged_by(page: Page, text: str, campaign: dict[str, Any], sql: Sql) -> None:
    is_later = campaign["judged_split"] == "forward"
    assert ("each predicted from earlier ones alone. Threshold" in text) == is_later
    assert ("that no model had seen when it was trained." in text) != is_later
    assert_has_heading(page, "At a later time, and drawn at random", is_later)
    gains = sql(
        """from results.conversion_baselines where campaign = ? and split = ? and metric = 'roc_auc'""",
        *(campaign["campaign"], campaign["judged_split"]),
    )
    assert gains
    for row in gains:
        assert (
            f"ROC AUC {row['model_value']:.3f} instead of {row['baseline_value']:.3f}, a gain of "
            f"{row['gain']:.3f} ({row['gain_lower']:.3f} to {row['gain_upper']:.3f})"
        ) in text
    page.get_by_role("button", name="The candidates").click()
    candidates = page.get_by_role("table").filter(has_text="Seconds to fit")
    listed = sql(
        "from results.model_candidates where campaign = ? and model_version = ?",
        *(campaign["campaign"], campaign["model_version"]),
    )
    is_tried_later = any(candidate["later_measure"] is not None for candidate in listed)
    assert ("At a later time" in candidates.inner_text()) == is_tried_later
    fates = sql("from results.feature_relevance where campaign = ? limit 1", campaign["campaign"])
    expect(page.get_by_role("button", name="What the model was given")).to_have_count(len(fates))
    page.get_by_role("button", name="Trainings so far").click()
    table = page.get_by_role("table").filter(has_text="Compared with the model before")
    trainings = sql(
        "from results.conversion_models where campaign = ? order by trained_at desc", campaign["campaign"]
    )
    assert [row[1] for row in cells(table)] == [training["model_version"] for training in trainings]
    assert [row[2] == "in service" for row in cells(table)] == [row["is_champion"] for row in trainings]


def assert_says_how_groups_fare(page: Page, text: str, campaign: dict[str, Any], sql: Sql) -> None:
    groups = sql(
        """select *, sum(conversions_found) over whole as found,
            sum(conversions_at_equal_rates) over whole as equal
        from results.conversion_fairness where campaign = ?
        window whole as (partition by audited_column) order by audited_column, group_value""",
        campaign["campaign"],
    )
    assert_has_heading(page, "Is anybody treated worse?", groups)
    for row in groups:
        assert f"would find {row['equal']:,} conversions instead of {row['found']:,}." in text
    if groups:
        shown = [row[-7:] for row in cells(page.get_by_role("table").filter(has_text="Of the highest"))]
        assert [[*row[:3], row[-1]] for row in shown] == [
            [row["group_value"], f"{row['row_count']:,}", percent(row["selection_rate"]), row["status"]]
            for row in groups
            if row["row_count"] >= 10
        ]


def test_every_campaign_has_a_model_card(open_page: Open, campaigns: Rows, sql: Sql) -> None:
    for campaign in campaigns:
        page = open_page(f"/campaigns/{campaign['campaign']}/model-card/")
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Model card: {campaign['title']}")
        text = " ".join(page.locator("article").inner_text().split())
        assert "A high probability does not say that the contact makes the difference." in text
        if campaign["refused_reason"]:
            assert f"No model is in service. {campaign['refused_reason']}" in text
            assert_has_heading(page, "How good it is", False)
            continue
        assert f"Version {campaign['model_version']}, trained on" in text
        metrics = sql(
            """from results.conversion_metrics where campaign = ? and model_version = ? and split != 'train'
            and metric = 'roc_auc' order by split""",
            *(campaign["campaign"], campaign["model_version"]),
        )
        shown = [
            row for row in cells(page.get_by_role("table").filter(has_text="Simple rule")) if "ROC AUC" in row
        ]
        assert [row[row.index("ROC AUC") + 1 :][:3] for row in shown] == [
            [f"{metric[key]:.3f}" for key in ("value", "lower", "upper")] for metric in metrics
        ]


def test_a_chart_has_a_table_beside_it(open_page: Open, campaigns: Rows, sql: Sql) -> None:
    campaign = next(campaign for campaign in campaigns if not campaign["refused_reason"])
    page = open_page(f"/campaigns/{campaign['campaign']}/")
    tables = page.get_by_role("table")
    before = tables.count()
    page.get_by_role("button", name="The same as a table").first.click()
    expect(tables).to_have_count(before + 1)
    gains = sql(
        "from results.conversion_gains where campaign = ? and split = ? order by decile",
        *(campaign["campaign"], campaign["judged_split"]),
    )
    assert [row[:3] for row in cells(tables.first)] == [
        [f"{row['decile']}", f"{row['contacted']:,}", f"{row['converted']:,}"] for row in gains
    ]
    page.get_by_role("button", name="What the words mean").click()
    expect(page.get_by_text("the harmonic mean of precision and recall")).to_be_visible()


def test_slider_shows_what_a_threshold_does(open_page: Open, campaigns: Rows, sql: Sql) -> None:
    campaign = next(campaign for campaign in campaigns if not campaign["refused_reason"])
    page = open_page(f"/campaigns/{campaign['campaign']}/")
    contacts = page.get_by_test_id("at-share")
    expect(contacts).to_contain_text(f"{campaign['contact_count']:,}")
    assert figure(page, "Conversions") == f"{campaign['conversions']:,}"

    slider = page.get_by_role("slider")
    slider.press("End")
    share = page.locator("p", has_text="Contact the best-scored")
    expect(share).to_have_text(re.compile(r":\s+100%"))
    [everybody] = sql(
        """select max(contacted) as contacted from results.conversion_thresholds
        where campaign = ? and split = ?""",
        *(campaign["campaign"], campaign["judged_split"]),
    )
    assert everybody["contacted"] > 0.999 * campaign["judged_count"]
    expect(contacts).to_contain_text(f"{everybody['contacted']:,}")

    slider.press("Home")
    for _ in range(29):
        slider.press("ArrowRight")
    expect(share).to_have_text(re.compile(r":\s+30%"))
    expect(contacts).not_to_contain_text(f"{everybody['contacted']:,}")
    page.wait_for_timeout(500)
    shown = int(figure(page, "Contacts").replace(",", ""))
    assert abs(shown / campaign["judged_count"] - 0.3) < 0.05
    expected = sql(
        """select true_positives, false_positives from results.conversion_thresholds
        where campaign = ? and split = ? and contacted = ?""",
        *(campaign["campaign"], campaign["judged_split"], shown),
    )
    assert {
        "true_positives": int(figure(page, "Conversions").replace(",", "")),
        "false_positives": int(figure(page, "False alarms").replace(",", "")),
    } in expected


def test_every_segment_page(open_page: Open, segmented: Rows, sql: Sql) -> None:
    for campaign in segmented:
        segments = sql("from results.segments where campaign = ?", campaign["campaign"])
        page = open_page(f"/campaigns/{campaign['campaign']}/segments/")
        expect(page.get_by_role("heading", level=1)).to_have_text(f"{campaign['title']}: segments")
        tables = page.get_by_role("table")
        if campaign["population"]:
            assert_says_whom_to_seek(cells(tables.first), segments)
        shown = {row[0]: row for row in cells(tables.nth(1 if campaign["population"] else 0))}
        assert shown.keys() == {segment["segment_name"] for segment in segments}
        large = [segment for segment in segments if not segment["is_small"]]
        for segment in large:
            row = shown[segment["segment_name"]]
            assert row[1] == f"{segment['member_count']:,}"
            assert share(row[2]) == pytest.approx(100 * segment["share_of_customers"], abs=0.051)
            if segment["conversion_rate"] is not None:
                assert share(row[3]) == pytest.approx(100 * segment["conversion_rate"], abs=0.051)
            assert row[7] == segment["advice"]
        groups = sql(
            """from results.value_groups where source = ? and customer_count >= 10
            order by share_of_amount desc""",
            campaign["source"],
        )
        if groups:
            heading = page.get_by_role("heading", name="By recency, frequency and value")
            rows = cells(heading.locator("xpath=following::table[1]"))
            assert [row[:2] for row in rows] == [
                [group["value_group"], f"{group['customer_count']:,}"] for group in groups
            ]
            shares = [share(row[2]) for row in rows]
            assert shares == pytest.approx([100 * group["share_of_customers"] for group in groups], abs=0.051)
        assert campaign["chosen_because"] in page.locator("article").inner_text()
        assert_drawn(page, at_least=2 + len(large))


def assert_says_whom_to_seek(rows: list[list[str]], segments: Rows) -> None:
    """Segments by falling index, with their shares."""
    ranked = sorted(segments, key=lambda segment: -segment["index_value"])
    assert [row[0] for row in rows] == [segment["segment_name"] for segment in ranked]
    for row, segment in zip(rows, ranked, strict=True):
        shares = [100 * segment["share_of_customers"], 100 * segment["share_of_population"]]
        assert [share(cell) for cell in row[1:3]] == pytest.approx(shares, abs=0.051)
        assert float(row[3].replace(",", "")) == pytest.approx(segment["index_value"], abs=0.51)
        assert row[6] == segment["advice"]


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
