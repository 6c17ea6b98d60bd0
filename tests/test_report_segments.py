"""The segment pages, compared with SQL on the warehouse."""

import pytest
from playwright.sync_api import expect

from tests.browser import Open, Rows, Sql, assert_drawn, cells, share


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
