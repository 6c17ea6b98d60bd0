"""The campaign pages and their model cards, compared with SQL on the warehouse."""

import math
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from python_models.delivery.model_cards import write_model_cards
from tests.browser import (
    Open,
    Rows,
    Sql,
    assert_drawn,
    assert_has_heading,
    assert_says_whom_to_contact,
    cells,
    count,
    few,
    figure,
    money,
    percent,
    small_percent,
    words,
)


def test_every_campaign_page(open_page: Open, campaigns: Rows, sql: Sql) -> None:
    for campaign in campaigns:
        name = campaign["campaign"]
        page = open_page(f"/campaigns/{name}/")
        expect(page.get_by_role("heading", level=1)).to_have_text(campaign["title"])
        text = " ".join(page.locator("article").inner_text().split())
        assert_says_whom_to_contact(text, campaign)
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
        assert f"The strongest factor is {factors[0]['feature'].replace('_', ' ')}." in text
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
        shares = [small_percent(row[f"share_of_{group}"], 0) for group in ("converters", "rest")]
        assert (
            f"{words(row['feature'])}: {row['category']} holds {shares[0]} of those who converted "
            f"and {shares[1]} of the others."
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
    warned = page.locator("article ul.warnings")
    assert (warned.get_by_text("possible leak").count() == 1) == bool(campaign["leak_warning_count"])
    assert ("An earlier model stays in service." in text) == bool(campaign["refused_training"])
    if campaign["refused_training"]:
        assert campaign["refused_training"] in warned.inner_text()
    links = warned.locator("a[href$='#could-it-be-too-good']")
    assert links.count() == bool(campaign["accepted_leaks"]) + bool(campaign["leak_warning_count"])
    if links.count():
        assert page.locator("#could-it-be-too-good").count() == 1


def assert_says_how_it_moves(page: Page, campaign: dict[str, Any], sql: Sql) -> None:
    """A bin of values and the probability there, of every factor that is drawn."""
    page.get_by_role("button", name="All of them as a table").click()
    table = page.get_by_role("table").filter(has_text="Mean probability")
    expect(table).to_be_visible()
    shown = [row[-2:] for row in cells(table)]
    bins = sql(
        """select row_count, mean_predicted from results.conversion_dependence
        inner join results.conversion_factors using (campaign, feature)
        where campaign = ? and rank <= 6 and row_count >= 10""",
        campaign["campaign"],
    )
    assert sorted(shown) == sorted(
        [f"{row['row_count']:,}", percent(row["mean_predicted"], 2)] for row in bins
    )


def assert_says_what_it_is_judged_by(page: Page, text: str, campaign: dict[str, Any], sql: Sql) -> None:
    is_later = campaign["judged_split"] == "forward"
    if 0 < campaign["contact_count"] < 10:
        assert "fewer than ten reach the threshold" in text
    elif campaign["contact_count"]:
        how = (
            "each predicted from earlier ones alone"
            if is_later
            else "that no model had seen when it was trained"
        )
        assert (
            f"{how}: {count(campaign['contact_count'])} reach the threshold "
            f"of {small_percent(campaign['threshold'])}"
        ) in text
        assert (
            f"{count(campaign['expected_conversions'])} of them were expected to convert, "
            f"and {count(campaign['conversions'])} did. That is {small_percent(campaign['contacted_rate'])} "
            f"against {small_percent(campaign['judged_base_rate'])} of all"
        ) in text
    else:
        assert "nobody reaches the threshold" in text
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
        verdicts = {"pass": "equal enough", "warn": "unequal", "unknown": "cannot tell"}
        shown = [row[-9:] for row in cells(page.get_by_role("table").filter(has_text="Of the highest"))]
        assert [[*row[:3], row[-1]] for row in shown] == [
            [
                row["group_value"],
                f"{row['row_count']:,}",
                percent(row["selection_rate"]),
                verdicts[row["status"]],
            ]
            for row in groups
            if row["row_count"] >= 10
        ]


def test_every_campaign_has_a_model_card(
    open_page: Open, campaigns: Rows, reported_warehouse: Path, tmp_path: Path
) -> None:
    """The page shows the Markdown that Python writes: its headings, tables and bold words."""
    cards = {card.stem: card.read_text() for card in write_model_cards(reported_warehouse, tmp_path)}
    for campaign in campaigns:
        page = open_page(f"/campaigns/{campaign['campaign']}/model-card/")
        expect(page.get_by_role("heading", level=1)).to_have_text(f"{campaign['title']}: model card")
        card = cards[campaign["campaign"]]
        article = page.locator("article")
        assert article.locator("h2").all_inner_texts() == re.findall(r"^## (.*)$", card, re.M)
        rows = re.findall(r"^\| (?!-)(.*) \|$", card, re.M)
        assert [
            [cell.strip() for cell in row.locator("th, td").all_inner_texts()]
            for row in article.locator("tr").all()
        ] == [[unescape(cell).strip() for cell in re.split(r"(?<!\\) ?\| ", row)] for row in rows]
        assert article.locator("strong").all_inner_texts() == re.findall(r"\*\*(.*?)\*\*", card)
        if campaign["refused_reason"]:
            expect(article.locator("p strong").first).to_have_text("No model is in service.")


def unescape(cell: str) -> str:
    """A cell as a reader sees it; descriptions may hold code."""
    return re.sub(r"\\(.)", r"\1", cell.replace("`", ""))


def test_a_card_runs_nothing_that_stands_in_the_data(open_page: Open, sql: Sql) -> None:
    [row] = sql(
        "select group_value from results.conversion_fairness where campaign = 'coupon_later' "
        "and group_value like '<img%'"
    )
    page = open_page("/campaigns/coupon_later/model-card/")
    table = page.get_by_role("table", name="Groups")
    assert row["group_value"] in [cells_of_row[1] for cells_of_row in cells(table)]
    assert page.locator("article").locator("img, script, table a, table em").count() == 0
    assert page.title().startswith("Coupons at a later time: model card")


def test_tables_of_a_card_scroll_by_keyboard(open_page: Open) -> None:
    page = open_page("/campaigns/insurance/model-card/", width=390)
    for box in page.locator(".scrollbox").all():
        assert box.get_by_role("table").get_attribute("aria-labelledby")
        if box.evaluate("box => box.scrollWidth > box.clientWidth"):
            expect(box).to_have_role("group")
            expect(box).to_have_accessible_name("Table that scrolls sideways")
            box.focus()
            page.keyboard.press("ArrowRight")
            page.wait_for_function("box => box.scrollLeft > 0", arg=box.element_handle())
    assert page.locator(".scrollbox[tabindex='0']").count() > 3


def test_a_chart_has_a_table_and_words_have_meanings(open_page: Open, campaigns: Rows, sql: Sql) -> None:
    campaign = next(campaign for campaign in campaigns if not campaign["refused_reason"])
    page = open_page(f"/campaigns/{campaign['campaign']}/")
    page.get_by_role("button", name="Both as a table").click()
    table = page.get_by_role("table").filter(has_text="Conversions reached")
    expect(table).to_be_visible()
    gains = sql(
        "from results.conversion_gains where campaign = ? and split = ? order by decile",
        *(campaign["campaign"], campaign["judged_split"]),
    )
    assert [row[:3] for row in cells(table)] == [
        [f"{row['decile']}", f"{row['contacted']:,}", f"{row['converted']:,}"] for row in gains
    ]
    page.get_by_role("button", name="What do threshold, precision, recall").click()
    expect(page.get_by_text("The harmonic mean of precision and recall")).to_be_visible()


def test_scores_are_spread_as_counted(open_page: Open, campaigns: Rows, sql: Sql) -> None:
    campaign = next(campaign for campaign in campaigns if campaign["campaign"] == "coupon")
    page = open_page("/campaigns/coupon/")
    caption = page.locator("figure", has_text="How scores are spread")
    caption.get_by_role("button", name="The same as a table").click()
    expect(caption.get_by_role("table")).to_be_visible()
    bins = sql(
        """select row_count, converted from results.conversion_score_counts
        where campaign = 'coupon' and split = ? and row_count >= 10 order by bin""",
        campaign["judged_split"],
    )
    assert [row[1:3] for row in cells(caption.get_by_role("table"))] == [
        [f"{row['row_count']:,}", f"{row['converted']:,}"] for row in bins
    ]


def test_what_if_says_what_a_threshold_does(open_page: Open, campaigns: Rows, sql: Sql) -> None:
    """By every measure, at ends and in between: as SQL says, of that threshold."""
    campaign = next(campaign for campaign in campaigns if campaign["campaign"] == "coupon")
    steps = sql(
        """from results.conversion_thresholds where campaign = 'coupon' and split = ? and contacted >= 10
        order by threshold desc""",
        campaign["judged_split"],
    )
    chosen = next(row for row in steps if row["is_chosen"])
    page = open_page("/campaigns/coupon/")
    explorer = page.get_by_test_id("what-if")

    def assert_says(row: dict[str, Any]) -> None:
        expect(explorer.locator("dd").first).to_have_text(count(row["contacted"]))
        assert {
            title: figure(explorer, title)
            for title in ("Conversions", "False alarms", "Precision", "Recall", "Threshold", "Cost", "Profit")
        } == {
            "Conversions": count(row["true_positives"]),
            "False alarms": count(row["false_positives"]),
            "Precision": small_percent(row["precision"]),
            "Recall": small_percent(row["recall"]),
            "Threshold": small_percent(row["threshold"], 2),
            "Cost": money(row["total_cost"], campaign["currency"]),
            "Profit": money(row["expected_profit"], campaign["currency"]),
        }
        assert page.get_by_test_id("waiting").inner_text() == few(row["waiting_count"])

    assert_says(chosen)
    slider = explorer.get_by_role("slider", name="Contacts")
    slider.press("End")
    assert_says(steps[-1])
    slider.press("Home")
    assert_says(steps[0])
    slider.press("ArrowRight")
    assert int(slider.get_attribute("aria-valuetext").split()[0]) > steps[0]["contacted"]
    number = explorer.get_by_role("spinbutton")
    for measure, asked in (("audience size", 200), ("budget", 77.7), ("threshold", 40)):
        explorer.get_by_role("combobox").select_option(measure)
        number.fill(str(asked))
        number.press("Enter")
        fits = {
            "audience size": [row for row in steps if row["contacted"] <= asked],
            "budget": [row for row in steps if row["total_cost"] <= asked],
            "threshold": [row for row in steps if 100 * row["threshold"] >= asked],
        }[measure]
        shown = int(explorer.locator("dd").first.inner_text().replace(",", ""))
        # the page has every fifth threshold or so
        threshold = figure(explorer, "Threshold")
        row = next(
            row
            for row in fits
            if row["contacted"] == shown and small_percent(row["threshold"], 2) == threshold
        )
        assert fits.index(row) >= len(fits) - 8, (measure, shown)
        assert_says(row)
    explorer.get_by_role("button", name="Back to what was chosen").click()
    assert_says(chosen)
