"""The segment pages, compared with SQL on the warehouse."""

import csv
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser import Open, Rows, Sql, assert_drawn, assert_has_heading, cells, percent, share, words

# As the pages number them.
IN_ORDER = """
    from results.segments where campaign = ?
    order by is_small, index_value desc nulls last, lift desc nulls last, member_count desc, segment_id
"""


def text_of(page: Page) -> str:
    return " ".join(page.locator("article").inner_text().split())


def with_several_groups(segmented: Rows) -> Rows:
    return [campaign for campaign in segmented if len(campaign["segment_slugs"]) > 1]


def test_one_group_is_compared_with_nobody(open_page: Open, segmented: Rows) -> None:
    [campaign] = [campaign for campaign in segmented if len(campaign["segment_slugs"]) == 1]
    page = open_page(f"/campaigns/{campaign['campaign']}/segments/")
    text = text_of(page)
    assert f"One group. {campaign['customer_rows']:,} people fall into no groups" in text
    assert f"1 segment in use. {campaign['chosen_because']}" in text
    links = page.locator("ol.segments a")
    expect(links).to_have_text(["everybody"])
    for question in ("How large are they?", "What are they worth?", "Who converts, and how many are they?"):
        expect(page.get_by_role("heading", name=question)).to_have_count(0)
    page = open_page(links.get_attribute("href"))
    text = text_of(page)
    assert "The only group of One group." in text
    assert "Everybody is in one group: it does not say whom to choose." in text
    for question in ("Who are they?", "What do they buy?", "How do they differ?", "Do they convert?"):
        expect(page.get_by_role("heading", name=question)).to_have_count(0)
    expect(page.locator("nav.neighbours a")).to_have_text(["All segments"])


def test_every_overview(open_page: Open, segmented: Rows, sql: Sql) -> None:
    for campaign in with_several_groups(segmented):
        name = campaign["campaign"]
        segments = sql(IN_ORDER, name)
        page = open_page(f"/campaigns/{name}/segments/")
        expect(page.get_by_role("heading", level=1)).to_have_text(f"{campaign['title']}: segments")
        links = page.locator("ol.segments a")
        expect(links).to_have_text([segment["segment_name"] for segment in segments])
        assert [link.get_attribute("href") for link in links.all()] == [
            f"/campaigns/{name}/segments/{segment['segment_slug']}/" for segment in segments
        ]
        text = text_of(page)
        assert campaign["chosen_because"] in text
        assert_says_what_the_map_shows(text, campaign)
        assert_says_who_moved(page, text, sql, campaign)
        large = [segment for segment in segments if not segment["is_small"]]
        if campaign["population"]:
            assert_says_whom_to_seek(cells(page.get_by_role("table").first), segments)
        if any(segment["contacts"] for segment in segments):
            heading = page.get_by_role("heading", name="Who converts, and how many are they?")
            shown = {row[0]: row for row in cells(heading.locator("xpath=following::table[1]"))}
            assert shown.keys() == {segment["segment_name"] for segment in segments}
            for segment in large:
                row = shown[segment["segment_name"]]
                assert row[1] == f"{segment['member_count']:,}"
                assert share(row[2]) == pytest.approx(100 * segment["share_of_customers"], abs=0.051)
                assert share(row[3]) == pytest.approx(100 * segment["conversion_rate"], abs=0.051)
                assert row[7] == segment["advice"]
            for segment in segments:
                assert segment in large or shown[segment["segment_name"]][1:7] == ["-"] * 6
        assert_says_which_value_groups_there_are(page, campaign, sql)
        assert_drawn(page, at_least=2)


def assert_says_what_the_map_shows(text: str, campaign: dict[str, Any]) -> None:
    left, right = campaign["map_x_meaning"].split(" → ")
    bottom, top = campaign["map_y_meaning"].split(" → ")
    assert (
        f"From left to right they go from {left} to {right}; from bottom to top, from {bottom} to {top}."
        in text
    )
    assert f"The map shows {percent(campaign['map_share'], 0)} of the differences" in text
    for end in (f"← {left}", f"{right} →", f"↓ {bottom}", f"↑ {top}"):
        assert end in text


def assert_says_whom_to_seek(rows: list[list[str]], segments: Rows) -> None:
    """Segments by falling index, with their shares."""
    assert [row[0] for row in rows] == [segment["segment_name"] for segment in segments]
    for row, segment in zip(rows, segments, strict=True):
        shares = [100 * segment["share_of_customers"], 100 * segment["share_of_population"]]
        assert [share(cell) for cell in row[1:3]] == pytest.approx(shares, abs=0.051)
        assert float(row[3].replace(",", "")) == pytest.approx(segment["index_value"], abs=0.51)
        assert row[6] == segment["advice"]


def assert_says_which_value_groups_there_are(page: Page, campaign: dict[str, Any], sql: Sql) -> None:
    groups = sql(
        """from results.value_groups where source = ? and customer_count >= 10
        order by share_of_amount desc""",
        campaign["source"],
    )
    assert_has_heading(page, "By recency, frequency and value", groups)
    if groups:
        heading = page.get_by_role("heading", name="By recency, frequency and value")
        rows = cells(heading.locator("xpath=following::table[1]"))
        assert [row[:2] for row in rows] == [
            [words(group["value_group"]), f"{group['customer_count']:,}"] for group in groups
        ]
        shares = [share(row[2]) for row in rows]
        assert shares == pytest.approx([100 * group["share_of_customers"] for group in groups], abs=0.051)


def assert_says_who_moved(page: Page, text: str, sql: Sql, campaign: dict[str, Any]) -> None:
    """Moves between two segments are shown from ten on, the others as a sum where that is ten or more."""
    moves = sql(
        """select from_segment_id, to_segment_id, sum(member_count)::int as people
        from results.segment_migrations where campaign = ? group by all order by people desc""",
        campaign["campaign"],
    )
    large = [move["people"] for move in moves if move["people"] >= 10]
    hidden = sum(move["people"] for move in moves if move["people"] < 10)
    assert ("Nobody has moved yet." in text) == (not moves)
    assert ("too few to show" in text) == bool(moves and not large)
    assert (f"{sum(large):,} moves since" in text) == bool(large)
    assert ("moves more, between segments" in text) == (hidden >= 10)
    if large:
        figure = page.locator("figure", has_text="Moves between segments")
        figure.get_by_role("button", name="The same as a table").click()
        table = figure.get_by_role("table")
        expect(table.locator("tr:has(td)")).to_have_count(len(large))
        assert [int(row[2].replace(",", "")) for row in cells(table)] == large
        if hidden >= 10:
            assert f"{hidden:,} moves more" in text


def test_every_segment_has_a_page_and_links_to_its_neighbours(
    open_page: Open, segmented: Rows, sql: Sql
) -> None:
    for campaign in with_several_groups(segmented):
        name = campaign["campaign"]
        segments = sql(IN_ORDER, name)
        for position, segment in enumerate(segments):
            page = open_page(f"/campaigns/{name}/segments/{segment['segment_slug']}/")
            expect(page.get_by_role("heading", level=1)).to_have_text(segment["segment_name"])
            text = text_of(page)
            assert f"Segment {position + 1} of {len(segments)} of {campaign['title']}." in text
            beside = {"prev": position - 1, "next": position + 1}
            for relation, at in beside.items():
                link = page.locator(f"nav.neighbours a[rel={relation}]")
                expect(link).to_have_count(1 if 0 <= at < len(segments) else 0)
                if 0 <= at < len(segments):
                    slug = segments[at]["segment_slug"]
                    assert link.get_attribute("href") == f"/campaigns/{name}/segments/{slug}/"
            if segment["is_small"]:
                assert "too few to show" in text
                assert page.locator(".chart, table").count() == 0
                assert str(segment["conversion_rate"])[:4] not in text
            else:
                assert_says_what_a_segment_is_like(page, text, campaign, segment, sql)


def assert_says_what_a_segment_is_like(
    page: Page, text: str, campaign: dict[str, Any], segment: dict[str, Any], sql: Sql
) -> None:
    key = (campaign["campaign"], segment["segment_id"])
    assert segment["advice"] in text
    if campaign["population"]:
        assert f"an index of {segment['index_value']:.0f}" in text
    else:
        assert (
            f"{segment['member_count']:,} members, {percent(segment['share_of_customers'], 0)} of all" in text
        )
    if segment["conversion_rate"] is not None:
        rate, lower, upper = (percent(segment[column]) for column in ("conversion_rate", "lower", "upper"))
        assert f"Of {segment['contacts']:,} contacts with this segment {rate} converted" in text
        assert f"from {lower} to {upper} (95% interval)" in text
    telling = sql(
        """from results.segment_profiles where campaign = ? and segment_id = ? and rank <= 3 order by rank""",
        *key,
    )
    items = page.locator("article ul li strong").all_inner_texts()
    assert items[:3] == [
        ": ".join([words(row["feature"]), *([row["top_category"]] if row["top_category"] else [])])
        for row in telling
    ]
    nearest = sql(
        """select segment_name from results.segment_distances as distances
        inner join results.segments as segments
            on distances.campaign = segments.campaign and other_segment_id = segments.segment_id
        where distances.campaign = ? and distances.segment_id = ? and not is_small
        order by distance limit 1""",
        *key,
    )
    assert f"Nearest to this segment is {nearest[0]['segment_name']}" in text
    bought = sql(
        """from results.segment_purchases where campaign = ? and segment_id = ? and customer_count >= 10
        order by index_value desc""",
        *key,
    )
    assert_has_heading(page, "What do they buy?", bought)
    if bought:
        figure = page.locator("figure", has_text="Product groups against everybody")
        figure.get_by_role("button", name="The same as a table").click()
        table = figure.get_by_role("table")
        expect(table).to_be_visible()
        rows = cells(table)
        assert [row[0] for row in rows[:10]] == [row["product_group"] for row in bought[:10]]
        assert [float(row[4].replace(",", "")) for row in rows[:10]] == pytest.approx(
            [row["index_value"] for row in bought[:10]], abs=0.51
        )
        assert len(rows) == len(bought)


def test_figures_of_a_segment_can_be_saved_and_are_those_of_the_warehouse(
    open_page: Open, segmented: Rows, sql: Sql
) -> None:
    campaign = next(campaign for campaign in segmented if campaign["campaign"] == "coupon_later")
    segment = sql("from results.segments where campaign = ? and segment_id = 1", campaign["campaign"])[0]
    page = open_page(f"/campaigns/{campaign['campaign']}/segments/{segment['segment_slug']}/")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the figures of this segment (CSV)").click()
    assert download.value.suggested_filename.startswith(segment["segment_slug"])
    with open(download.value.path(), encoding="utf-8-sig", newline="") as file:
        rows = {(row["part"], row["figure"]): row for row in csv.DictReader(file)}
    assert float(rows["size", "members"]["in_segment"]) == segment["member_count"]
    rate = rows["conversion", "conversion rate"]
    assert float(rate["in_segment"]) == pytest.approx(segment["conversion_rate"])
    assert float(rate["compared"]) == pytest.approx(segment["lift"])
    bought = sql(
        """from results.segment_purchases
        where campaign = ? and segment_id = 1 and customer_count >= 10""",
        campaign["campaign"],
    )
    shares = {
        figure: float(row["in_segment"]) for (part, figure), row in rows.items() if part == "share of spend"
    }
    assert shares == pytest.approx({row["product_group"]: row["share_of_spend"] for row in bought})
    # nine people bought it
    assert "fuel" not in shares
