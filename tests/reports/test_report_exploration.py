"""The pages of exploration, monitoring and data quality, compared with SQL on the warehouse."""

import math
import re

from playwright.sync_api import expect

from tests.browser import Open, Rows, Sql, assert_drawn, cells, words

HEAT_MAP = "table:has(caption)"


def said(page: object) -> str:
    return " ".join(page.locator("article").inner_text().split())


def whole_percent(share: float) -> str:
    """A share in whole per cent; a half is rounded up."""
    return f"{math.floor(100 * share + 0.5)}%"


def explored(campaigns: Rows, segmented: Rows) -> list[str]:
    """Every campaign with a mart: those with an outcome, and those that have nothing but segments."""
    only = [campaign["campaign"] for campaign in segmented if campaign["is_segments_only"]]
    # made up for its segments
    only.remove("one_group")
    return [campaign["campaign"] for campaign in campaigns] + only


def test_exploration_answers_first(open_page: Open, campaigns: Rows, segmented: Rows, sql: Sql) -> None:
    """Which feature differs most, how many have gaps and what says the same, of every campaign."""
    for name in explored(campaigns, segmented):
        page = open_page(f"/campaigns/{name}/exploration/")
        features = sql("from results.feature_summaries where campaign = ?", name)
        gaps = [feature for feature in features if feature["missing_count"]]
        sentence = f"{len(gaps)} of {len(features)} features have missing values"
        expect(page.locator("p.answer")).to_contain_text(sentence if gaps else "No value is missing")
        answer = " ".join(page.locator("p.answer").inner_text().split())
        strengths = [feature["outcome_association"] for feature in features]
        known = [strength for strength in strengths if strength is not None]
        if known:
            strongest = {f["feature"] for f in features if f["outcome_association"] == max(known)}
            assert any(f"the rest in {words(feature)}:" in answer for feature in strongest), name
        else:
            assert "Converters differ" not in answer
            assert "no outcome is recorded" in said(page)
        closest = sql(
            """select feature, other_feature from results.feature_associations
            where campaign = ? qualify association = max(association) over ()""",
            name,
        )
        ends = [f"{words(pair['feature'])} and {words(pair['other_feature'])}." for pair in closest]
        assert any(answer.endswith(end) for end in ends), (name, answer)
        assert_drawn(page, at_least=1)


def test_a_chosen_feature_shows_its_own_counts(open_page: Open, sql: Sql) -> None:
    """Rows, shares and rates of the first feature and of another one, those of small groups left out."""
    page = open_page("/campaigns/coupon/exploration/")
    part = page.get_by_test_id("feature")
    before = cells(part.get_by_role("table").first)
    page.locator("label.choice select").select_option("trips 13w")
    expect(part.get_by_text("How trips 13w is spread")).to_be_visible()
    expected = sql("""
        select
            category, row_count, row_count / sum(row_count) over () as share,
            converted / sum(converted) over () as of_converters,
            converted / row_count as rate
        from results.conversion_counts
        where campaign = 'coupon' and column_name = 'trips_13w'
        qualify row_count >= 10
        order by category = '(unknown)', category_order
    """)
    after = cells(part.get_by_role("table").first)
    assert after != before
    assert [row[:2] for row in after] == [[row["category"], f"{row['row_count']:,}"] for row in expected]
    for row, known in zip(after, expected, strict=True):
        for text, value, digits in ((row[2], known["share"], 1), (row[3], known["of_converters"], 1)):
            assert abs(float(text.rstrip("%")) - 100 * value) <= 0.51 * 10**-digits
        assert abs(float(row[-1].rstrip("%")) - 100 * known["rate"]) <= 0.51e-3
    [summary] = sql("from results.feature_summaries where campaign = 'coupon' and feature = 'trips_13w'")
    median = part.locator("dl.figures div", has_text="Median").locator("dd").inner_text()
    assert float(median.replace(",", "")) == float(f"{summary['median']:.3g}")


def test_a_feature_is_found_among_hundreds(open_page: Open, sql: Sql) -> None:
    """The table shows twenty of mail_out's columns, and by search the one that is looked for."""
    [last] = sql("""
        select feature from results.feature_summaries where campaign = 'mail_out'
        order by outcome_association nulls first, feature limit 1
    """)
    page = open_page("/campaigns/mail_out/exploration/")
    table = page.get_by_role("table").filter(has_text="Goes most with")
    expect(table).to_be_visible()
    assert len(cells(table)) <= 21
    search = page.get_by_placeholder("Search").locator("visible=true").first
    for _ in range(5):
        search.fill("")
        search.press_sequentially(words(last["feature"]), delay=20)
        page.wait_for_timeout(800)
        if cells(table)[0][0] == words(last["feature"]):
            break
    assert cells(table)[0][0] == words(last["feature"])


def test_heat_maps_hold_what_the_warehouse_says(open_page: Open, sql: Sql) -> None:
    """Each figure of what goes together, and of what has drifted; deep colours mean drift."""
    page = open_page("/campaigns/coupon/exploration/")
    table = page.locator(HEAT_MAP)
    expect(table).to_be_visible()
    names = [name.replace(" ", "_") for name in table.locator("tbody th").all_inner_texts()]
    found = cells(table.locator("tbody"))
    assert len(names) == 20
    known = {
        (pair["feature"], pair["other_feature"]): pair["association"]
        for pair in sql("from results.feature_associations where campaign = 'coupon'")
    }
    for name, row in zip(names, found, strict=True):
        for other, text in zip(names, row, strict=True):
            if text:
                assert abs(float(text) - known[name, other]) <= 0.0056, (name, other)

    page = open_page("/campaigns/coupon/monitoring/")
    table = page.locator(HEAT_MAP)
    expect(table).to_be_visible()
    drift = sql("""
        select feature, window_start, population_stability_index as index, status
        from results.conversion_drift
        where campaign = 'coupon' and feature_kind = 'feature' and row_count >= 10
        order by window_start
    """)
    names = [name.replace(" ", "_") for name in table.locator("tbody th").all_inner_texts()]
    assert len(names) == min(25, len({row["feature"] for row in drift}))
    most = max((row for row in drift if row["index"] is not None), key=lambda row: row["index"])
    assert names[0] == most["feature"]
    windows = sorted({row["window_start"] for row in drift})
    for number, name in enumerate(names):
        line = table.locator("tbody tr").nth(number)
        for place, window in enumerate(windows):
            [cell] = [row for row in drift if (row["feature"], row["window_start"]) == (name, window)]
            shown = line.locator("td").nth(place)
            expected = "-" if cell["index"] is None else cell["index"]
            text = shown.inner_text()
            assert text == expected or abs(float(text) - expected) <= 0.0056
            is_warned = "warning" in (shown.get_attribute("class") or "")
            assert is_warned == (cell["status"] in ("drifting", "drifted"))


def test_monitoring_says_whether_a_model_may_go_on(
    open_page: Open, campaigns: Rows, segmented: Rows, sql: Sql
) -> None:
    phrases = {
        "retrain": "Train the model again.",
        "watch": "The model may go on, but watch it.",
        "keep": "The model may go on.",
        "refused": "There is no model to watch.",
    }
    advice = {row["campaign"]: row for row in sql("from results.retrain_advice")}
    for name in explored(campaigns, segmented):
        page = open_page(f"/campaigns/{name}/monitoring/")
        expect(page.locator("p.answer")).to_be_visible()
        answer = " ".join(page.locator("p.answer").inner_text().split())
        if name not in advice:
            assert answer.startswith("No outcome is recorded here"), name
            continue
        assert answer == f"{phrases[advice[name]['advice']]} {advice[name]['reason'].replace('_', ' ')}"
    page = open_page("/monitoring/")
    expect(page.get_by_role("table").first).to_be_visible()
    listed = {row[0]: row[1] for row in cells(page.get_by_role("table").first)}
    verdicts = {
        "retrain": "train it again",
        "watch": "may go on, watch it",
        "keep": "may go on",
        "refused": "no model",
    }
    assert listed == {c["title"]: verdicts[advice[c["campaign"]]["advice"]] for c in campaigns}
    for campaign in campaigns:
        link = page.locator("article").get_by_role("link", name=campaign["title"], exact=True)
        assert link.get_attribute("href").endswith(f"/campaigns/{campaign['campaign']}/monitoring/")


def test_realised_conversions_stand_beside_expected_ones(open_page: Open, sql: Sql) -> None:
    """Days on which fewer than ten outcomes are known stay out."""
    days = sql("""
        from results.realised_performance
        where campaign = 'coupon_later' and known_count >= 10 order by scored_on
    """)
    assert days
    page = open_page("/campaigns/coupon_later/monitoring/")
    expect(page.get_by_role("heading", name="Did what was expected come true?")).to_be_visible()
    last = days[-1]
    expected, realised = last["expected_conversions"], last["realised_conversions"]
    happened = f"{expected:.1f} conversions were expected and {realised} happened"
    expect(page.locator("article")).to_contain_text(happened)
    page.locator("figure", has_text="Conversions per expected one").get_by_text("The same as a table").click()
    table = page.get_by_role("table").filter(has_text="Outcomes known")
    expect(table).to_be_visible()
    assert [row[0] for row in cells(table)] == [str(day["scored_on"]) for day in days]


def test_data_quality_adds_up(open_page: Open, sql: Sql) -> None:
    page = open_page("/data-quality/")
    [total] = sql("""
        select sum(rows_in)::bigint as rows_in, sum(rows_kept)::bigint as rows_kept,
            sum(rows_rejected)::bigint as rejected, sum(rows_repeated)::bigint as repeated
        from results.source_rows
    """)
    answer = page.locator("p.answer")
    expect(answer).to_contain_text(f"Of {total['rows_in']:,} rows, {total['rows_kept']:,} were kept")
    assert f"{total['rejected']:,} that cannot be read" in answer.inner_text()
    assert f"{total['repeated']:,} repeated" in answer.inner_text()
    sources = cells(page.get_by_role("table").filter(has_text="Rows in"))
    known = sql("from results.source_rows")
    assert {(row[0], row[1], row[3], row[4]) for row in sources} == {
        (words(row["source"]), words(row["thing"]), f"{row['rows_in']:,}", f"{row['rows_kept']:,}")
        for row in known
    }
    reasons = cells(page.get_by_role("table").filter(has_text="Reason"))
    assert sum(int(row[2].replace(",", "")) for row in reasons) == total["rows_in"] - total["rows_kept"]
    poor = sql("select count(*) as n from results.data_sufficiency where status != 'pass'")[0]["n"]
    checks = sql("select count(*) as n from results.data_sufficiency")[0]["n"]
    assert re.search(rf"Of {checks} checks, {poor} ask for something", said(page))
    assert_drawn(page, at_least=1)
