"""The front page, compared with SQL on the warehouse."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser import Open, Rows, Sql, assert_says_whom_to_contact, figure, small_percent


def card_of(page: Page, title: str) -> Locator:
    return page.locator("section", has=page.get_by_role("heading", name=title, exact=True))


def said(part: Locator) -> str:
    return " ".join(part.inner_text().split())


def test_front_page_answers_for_every_campaign(open_page: Open, campaigns: Rows) -> None:
    page = open_page("/")
    expect(page.locator("section.card").first).to_be_visible()
    for campaign in campaigns:
        card = card_of(page, campaign["title"])
        text = said(card)
        assert_says_whom_to_contact(text, campaign)
        assert campaign["question"] in text
        assert f"{campaign['source_kind']} data" in text
        assert figure(card, "Base rate") == small_percent(campaign["base_rate"])
        if not campaign["refused_reason"]:
            assert f"quality: {campaign['quality_grade']}" in text
            chosen = campaign["contact_count"]
            rate = small_percent(campaign["contacted_rate"]) if chosen else "nobody was"
            assert figure(card, "Rate of those chosen") == ("too few" if 0 < chosen < 10 else rate)


def test_front_page_names_what_has_nothing_but_segments(open_page: Open, segmented: Rows) -> None:
    page = open_page("/")
    only = [campaign for campaign in segmented if campaign["is_segments_only"]]
    assert only
    for campaign in only:
        text = said(card_of(page, campaign["title"]))
        assert f"of {campaign['customer_rows']:,} customers" in text
        assert campaign["question"] in text
        assert f"{campaign['source_kind']} data" in text


def test_front_page_warns(open_page: Open, campaigns: Rows, sql: Sql) -> None:
    page = open_page("/")
    seen = set()
    for campaign in campaigns:
        name = campaign["campaign"]
        warned = set(card_of(page, campaign["title"]).get_by_label("Warnings").locator("a").all_inner_texts())
        drift = sql("from results.retrain_advice where campaign = ? and advice in ('watch', 'retrain')", name)
        leaks = sql(
            "select distinct status from results.leakage_checks where campaign = ? and status != 'pass'", name
        )
        thin = sql("from results.data_sufficiency where campaign = ? and status != 'pass'", name)
        assert bool(warned & {"drift", "train again"}) == bool(drift), name
        assert ("leak accepted" in warned) == ({"status": "accepted"} in leaks), name
        assert ("training refused" in warned) == bool(campaign["refused_training"]), name
        assert ("few held out" in warned) == (campaign["is_holdout_sufficient"] is False), name
        data = {"old data", "no dates", "short history", "thin data", "nobody to score"}
        assert bool(warned & data) == bool(thin), name
        seen |= warned
    assert {"drift", "old data", "few held out", "leak accepted", "training refused"} <= seen
    assert all(re.match(r"[a-z ]+$", word) for word in seen)


def test_paper_is_white(open_page: Open) -> None:
    """Printed from a dark screen a page is light, and without what is for the screen alone."""
    page = open_page("/", scheme="dark")
    header = page.get_by_role("banner")
    expect(header).to_be_visible()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print", color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    expect(header).to_be_hidden()
    expect(page.locator("section.card").first).to_be_visible()
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert min(map(float, re.findall(r"[\d.]+", background)[:3])) > 240, background
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen", color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(header).to_be_visible()
