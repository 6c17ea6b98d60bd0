"""The front page, compared with SQL on the warehouse."""

from tests.browser import Open, Rows, assert_says_headline


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
