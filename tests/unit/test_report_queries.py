"""Every query of the report site runs against the contracts of the tables, without a build."""

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import yaml

from python_models.engines.duckdb.report_queries import contract_tables, query_problems
from tests.support import REPOSITORY

REPORTS = REPOSITORY / "reports"
SOURCES = sorted((REPORTS / "sources/warehouse").glob("*.sql"))
CONTRACTS = sorted((REPOSITORY / "dbt_project/models/results").glob("*/*.yml"))
PAGES = sorted([*(REPORTS / "pages").rglob("*.md"), *(REPORTS / "partials").rglob("*.md")])
VALUE = r"""(?:"[^"]*"|'[^']*'|\{(?:[^{}]|\{[^{}]*\})*\}|[^\s"'{>]+)"""
# A component's name, its attributes and, if it is not closed at once, what stands in it.
COMPONENT = re.compile(
    rf"(?=<([A-Z]\w*)((?:\s+[\w:]+(?:={VALUE})?|\s+\{{[^}}]*\}})*)\s*(?:/>|>(.*?)</\1>))", re.S
)
# What belongs to the component around it.
PARTS = {"Column", "Line", "Bar", "Area", "Scatter", "Bubble"}
PROPS = "x|y|y2|series|size|value|id|groupBy|link|label|tooltipTitle|sourceCol|targetCol|valueCol"
NAMED = re.compile(rf"\s(?:{PROPS})=(\{{\[[^\]]*\]\}}|[a-z_]\w*)")


def contracts() -> dict[str, dict[str, str]]:
    """Public tables, with name and type of each column."""
    return {
        model["name"]: {column["name"]: column["data_type"] for column in model["columns"]}
        for file in CONTRACTS
        for model in yaml.safe_load(file.read_text()).get("models", [])
    }


@pytest.fixture(scope="module")
def contract() -> Iterator[duckdb.DuckDBPyConnection]:
    """The public tables as their contracts say: columns and types, and no row; no model card either."""
    with contract_tables(contracts()) as connection:
        connection.execute("create schema warehouse")
        yield connection


@pytest.fixture(scope="module")
def published(contract: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """The tables that a reader's browser loads, made by the source queries."""
    for source in SOURCES:
        query = source.read_text().rstrip().rstrip(";")
        contract.execute(f"create table warehouse.{source.stem} as {query}")
    return contract


def queries(page: Path) -> dict[str, str]:
    """The SQL blocks of a page by their names, others put in where they are named, parameters filled in."""
    text = page.read_text()
    blocks = dict(re.findall(r"^```(?:sql )?(\w+)\n(.*?)^```", text, re.S | re.M))

    def fill(query: str) -> str:
        query = re.sub(r"\$\{(\w+)\}", lambda named: f"({fill(blocks[named.group(1)])})", query)
        query = re.sub(r"(?i)\bin\s+\$\{inputs\.[^}]*\}", "in ('1')", query)
        return re.sub(r"\$\{(?:params|inputs)\.[^}]*\}", "1", query)

    return {name: fill(query) for name, query in blocks.items()}


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_a_source_query_gives_a_row_even_of_empty_tables(
    contract: duckdb.DuckDBPyConnection, source: Path
) -> None:
    """A table without a row stops the build of the site."""
    assert contract.execute(source.read_text()).fetchall()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPORTS)))
def test_a_page_asks_for_columns_that_are_published(published: duckdb.DuckDBPyConnection, page: Path) -> None:
    text = page.read_text()
    blocks = queries(page)
    assert len(blocks) >= text.count("```sql")
    columns = {name: published.sql(query).columns for name, query in blocks.items()}
    for component, attributes, inside in COMPONENT.findall(text):
        shown = re.search(r"\sdata=\{\s*(\w+)", attributes)
        if not shown or shown.group(1) not in columns:
            continue
        parts = [attributes] + [part for name, part, _ in COMPONENT.findall(inside) if name in PARTS]
        for named in NAMED.findall("".join(parts)):
            for column in re.findall(r"\w+", named):
                assert column in columns[shown.group(1)], f"{component} of {shown.group(1)} shows {column}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPORTS)))
def test_a_page_shows_no_row_of_empty_tables(published: duckdb.DuckDBPyConnection, page: Path) -> None:
    """The row that keeps an empty source alive is nobody's: no card of a campaign named null."""
    for name, query in queries(page).items():
        assert published.sql(query).fetchall() == [], name


def test_a_renamed_column_is_named_with_the_query_that_reads_it(tmp_path: Path) -> None:
    assert query_problems(REPORTS / "sources", contracts()) == []
    renamed = contracts()
    renamed["conversion_fairness"]["rate"] = renamed["conversion_fairness"].pop("selection_rate")
    del renamed["value_groups"]
    problems = query_problems(REPORTS / "sources", renamed)
    assert len(problems) == 2
    assert re.fullmatch(
        r"reports/sources/warehouse/fairness\.sql, line \d+: .*selection_rate.* Change the query .*",
        problems[0],
    )
    assert re.fullmatch(
        r"reports/sources/warehouse/value_groups\.sql, line \d+: .*value_groups.*", problems[1]
    )
    assert query_problems(tmp_path / "no reports", renamed) == []


def test_a_column_that_is_not_in_the_contract_is_found(published: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.BinderException, match="entity_id"):
        published.sql("select entity_id from warehouse.campaigns")


COMPONENTS = sorted((REPORTS / "components").glob("*.svelte"))
# Charts with two axes of which at least one is a measure.
WITH_AXES = {"LineChart", "BarChart", "AreaChart", "ScatterPlot", "BubbleChart", "Histogram", "Chart"}


@pytest.mark.parametrize("page", PAGES + COMPONENTS, ids=lambda page: str(page.relative_to(REPORTS)))
def test_no_chart_lacks_a_title_on_an_axis(page: Path) -> None:
    """A measure's axis says what is measured and in what, or the data do; categories name themselves."""
    for component, attributes, _ in COMPONENT.findall(page.read_text()):
        # a map of segments has no measures: near is alike
        if component in WITH_AXES and "{...bubbles(" not in attributes:
            titles = dict(re.findall(rf"\s([xy])AxisTitle=({VALUE})", attributes))
            assert re.search(r"^\{|\(.*\)|per ", titles.get("y", "")), (component, attributes)
            assert "x" in titles or component == "BarChart", (component, attributes)


def test_what_is_published_does_not_grow_with_the_rows(contract: duckdb.DuckDBPyConnection) -> None:
    """Of people's rows and of rows of files there may be ten times as many: the site stays as it is."""
    keys = {
        model["name"]: {
            column
            for test in model.get("data_tests", [])
            if "unique_key" in test
            for column in test["unique_key"]["arguments"]["columns"]
        }
        for file in CONTRACTS
        for model in yaml.safe_load(file.read_text()).get("models", [])
    }
    long = {table for table, key in keys.items() if key & {"entity_id", "row_number", "msisdn"}}
    assert long >= {"conversion_scores", "segment_members", "rejected_rows"}
    readers = {}
    for source in SOURCES:
        if read := long & set(re.findall(r"\bresults\.(\w+)", source.read_text())):
            readers[source] = read
    for source, read in readers.items():
        counts = set()
        for rows in (100, 1000):
            contract.execute("begin")
            for table in read:
                fill(contract, table, rows)
            counts.add(len(contract.execute(source.read_text()).fetchall()))
            contract.execute("rollback")
        assert len(counts) == 1, f"{source.name} publishes more of more rows of {read}: {counts}"


def fill(connection: duckdb.DuckDBPyConnection, table: str, rows: int) -> None:
    """Rows that differ in their keys, and in numbers; what else is text is the same."""
    values = {
        "VARCHAR": "'same'",
        "BOOLEAN": "true",
        "DATE": "date '2026-01-01'",
        "TIMESTAMP": "timestamp '2026-01-01'",
    }
    columns = [
        f'{"row_number::varchar" if name == "entity_id" else values.get(kind, "row_number")} as "{name}"'
        for name, kind, *_ in connection.execute(f"describe results.{table}").fetchall()
    ]
    connection.execute(
        f"insert into results.{table} select {', '.join(columns)} from range({rows}) as row (row_number)"
    )
