"""Propose features that SQL makes of columns: sizes of lists, parts of the week, frequencies of codes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import fill, indent
from typing import TYPE_CHECKING

import duckdb

from python_models.common.sql import quote_identifier
from python_models.inputs.new_campaign.profiling import WORDS, Column

if TYPE_CHECKING:
    from python_models.inputs.new_campaign.proposing import Proposal

# How the name of the size of a date's list begins.
LIST_SIZE = "rows_on_"
# A part of the week or year is a feature where the dates cover it this often.
MIN_WEEKS = 8
MIN_YEARS = 2
DAYS_OF_YEAR = 366
# A day of the week or a gap between dates counts from this share of the rows on.
MIN_SHARE = 0.01
# Sizes of lists differ by plan: three standard errors more than a Poisson distribution's, also once rounded.
DIFFER = (
    "var_samp(row_count) > (1 + 3 * sqrt(2.0 / count(*))) * avg(row_count) "
    "and count(distinct row_count - row_count % cast(pow(10, floor(log10(row_count))) as bigint)) > 1"
)
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]


@dataclass(frozen=True)
class Derived:
    """A feature made by SQL: its name, its expression in the mart, why it is proposed, and what it holds.

    One that is off stands in the mart as a comment.
    """

    name: str
    sql: str
    why: str
    description: str
    is_off: bool = False


def derive(connection: duckdb.DuckDBPyConnection, proposal: Proposal) -> list[Derived]:
    """Return the features that the facts of a table's columns justify.

    None looks at an outcome, nor at a row that is not known at the time of a row.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the table `typed`.
    proposal : Proposal
        With the role of each column.
    """
    if not proposal.label or proposal.events:
        return []
    derived = [
        *(
            _of_time(connection, proposal.as_of)
            if proposal.as_of
            else _of_day_and_month(connection, proposal)
        ),
        *_of_codes(proposal),
        *_of_missing(proposal),
    ]
    names = {column.name for column in proposal.columns}
    return [feature for feature in derived if feature.name not in names]


def _of_time(connection: duckdb.DuckDBPyConnection, time: Column) -> Iterator[Derived]:
    """Yield the list of a date, the days since the list before, and parts of the week and year."""
    name = time.name
    days, gaps, weekdays, do_sizes_differ = _date_facts(connection, name)
    # visitors come one by one, so nobody knows how many the day will bring
    is_list = time.type == "date" and not time.tokens & WORDS["inbound_time"]
    if is_list and do_sizes_differ:
        yield Derived(
            f"{LIST_SIZE}{name}",
            f"{{{{ rows_sharing(['{name}']) }}}}",
            "size of the date's list, known before its first contact",
            f"Rows that share {time.raw}, rounded down to its first digit: the size of that date's list.",
        )
    if is_list and gaps > 1:
        yield Derived(
            f"days_since_last_{name}",
            f"{{{{ days_since_last('{name}') }}}}",
            "days since the list before, because they differ",
            f"Days since the {time.raw} before among all rows; null on the first.",
        )
    if weekdays > 1 and days >= 7 * MIN_WEEKS:
        yield Derived(
            f"weekday_of_{name}",
            f"dayname({time.time_sql})",
            f"the rows lie on {weekdays} days of the week",
            f"Day of the week of {time.raw}.",
        )
    if days >= DAYS_OF_YEAR * MIN_YEARS:
        yield Derived(
            f"day_of_year_of_{name}",
            f"dayofyear({time.time_sql})",
            f"the rows cover {days // DAYS_OF_YEAR} years, so a season comes again",
            f"Day of the year of {time.raw}.",
        )


def _date_facts(connection: duckdb.DuckDBPyConnection, name: str) -> tuple[int, int, int, bool]:
    """Return the days that dates cover, their gaps and weekdays, and whether sizes of lists differ."""
    counted = ", ".join(
        f"(select count(fact) from (select {fact} as fact, sum(row_count) as rows from dates group by fact) "
        f"where rows >= {MIN_SHARE} * (select sum(row_count) from dates))"
        for fact in ("gap", "dayofweek(date)")
    )
    return connection.execute(f"""
        with dates as (
            select cast({quote_identifier(name)} as date) as date, count(*) as row_count,
                date - lag(date) over (order by date) as gap
            from typed where date is not null group by date
        )
        select (select max(date) - min(date) + 1 from dates), {counted}, (select {DIFFER} from dates)
    """).fetchone() or (0, 0, 0, False)


def _of_day_and_month(connection: duckdb.DuckDBPyConnection, proposal: Proposal) -> Iterator[Derived]:
    """Yield the list and the day of the year of a date in two columns, without or beside a year."""
    features = proposal.features
    days = [column for column in features if _is_day(column)]
    months = [column for column in features if _is_month(column)]
    if len(days) != 1 or len(months) != 1:
        return
    [day], [month] = days, months
    years = [column for column in features if "year" in column.tokens and column.type == "bigint"]
    parts = [*years[:1], month, day]
    listed = ", ".join(quote_identifier(column.name) for column in parts)
    [do_sizes_differ] = connection.execute(
        f"select {DIFFER} from (select count(*) as row_count from typed group by {listed})"
    ).fetchone() or [False]
    names = ", ".join(f"'{column.name}'" for column in parts)
    told = " and ".join(column.raw for column in parts)
    if do_sizes_differ:
        year = "" if years else "; the file names no year, so years share it"
        yield Derived(
            f"{LIST_SIZE}{day.name}",
            f"{{{{ rows_sharing([{names}]) }}}}",
            f"size of the date's list, known before its first contact{year}",
            f"Rows that share {told}, rounded down to its first digit: the size of that date's list.",
        )
    yield Derived(
        "day_of_year",
        f"{{{{ day_of_year('{month.name}', '{day.name}') }}}}",
        f"{month.name} and {day.name} name one date",
        f"Day of the year of {month.raw} and {day.raw}.",
    )


def _is_day(column: Column) -> bool:
    """Return whether a column is the day of a month."""
    values = {value for value, _ in column.top}
    days = {str(day) for day in range(1, 32)}
    return (
        column.type == "bigint"
        and "day" in column.tokens
        and column.distinct == len(values) > 12
        and values <= days | {f"0{day}" for day in days}
    )


def _is_month(column: Column) -> bool:
    """Return whether a column is a month, by number or English name."""
    values = {str(value).lower() for value, _ in column.top}
    is_named = bool(column.tokens & {"mon", "month"}) and 1 < column.distinct == len(values) <= len(MONTHS)
    if column.is_text:
        return is_named and {value[:3] for value in values} <= set(MONTHS)
    return is_named and values <= {f"{zero}{number}" for number in range(1, 13) for zero in ("", "0")}


def _of_codes(proposal: Proposal) -> Iterator[Derived]:
    """Yield how frequent each code is: of the rows of earlier dates, or else of the known ones."""
    for code in proposal.codes:
        if proposal.as_of:
            sql = f"share_of_earlier('{code.name}', '{proposal.as_of.name}')"
            rows = "rows of earlier dates"
        else:
            assert proposal.label
            sql = f"share_of_known('{code.name}', '{proposal.label.name}')"
            rows = "rows with a known outcome"
        yield Derived(
            f"share_with_{code.name}",
            f"{{{{ {sql} }}}}",
            f"{code.name} has {code.distinct:,} values: rare ones may differ from frequent ones",
            f"Share of the {rows} that have the row's {code.raw}; 0 for a new one.",
        )


def _of_missing(proposal: Proposal) -> Iterator[Derived]:
    """Yield the number of missing values, switched off: a model sees each column's gaps itself."""
    names = [column.name for column in proposal.features if column.known < proposal.row_count]
    if len(names) > 1:
        listed = indent(fill(", ".join(f"'{name}'" for name in names), 68), "    ")
        yield Derived(
            "missing_count",
            f"{{{{ missing_count([\n{listed}\n]) }}}}",
            f"{len(names)} features lack values; how many do helped no model on public tables, so this is "
            "off: take away the comment's braces to try it",
            "Number of features without a value in the row.",
            is_off=True,
        )
