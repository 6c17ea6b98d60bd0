"""Propose a new campaign's key, outcome, times, leaks and audited columns, with reasons."""

import re
from collections import Counter
from dataclasses import dataclass, field

import duckdb
import numpy as np
from scipy.stats import chi2_contingency

from python_models.common.errors import UserError
from python_models.common.frames import Design, fold_of, make_design
from python_models.common.spellings import NO, YES
from python_models.common.sql import quote_identifier
from python_models.conversion.leakage.checks import CHECKS
from python_models.conversion.one_rule import univariate_score
from python_models.inputs.new_campaign.deriving import LIST_SIZE, Derived, derive
from python_models.inputs.new_campaign.profiling import (
    MAX_DISTINCT_SHARE,
    WORDS,
    Column,
    literal,
    profile_outcome,
)
from python_models.inputs.new_campaign.templating import render

CONVERTING_EVENTS = re.compile(
    "purchas|convert|conver[st]ion|order|install|subscri|sign.?up|bought|buy|sale|checkout_complete|donat|register|"
    "upgrade"
)

CHECKED_ROWS = 50_000
# An intermediate step: all conversions have it, and at most this share of the others.
MAX_STEP_SHARE = 0.5
MIN_STEP_CONVERSIONS = 30
# A column filled in for conversions only: at most this share of the others has it.
MAX_FILLED_SHARE = 0.001
MIN_FILLED_SHARE = 0.2
MAX_GROUPS = 20
# The conversion rate moves where chance makes fifths of the time differ so much only so often.
MAX_STABLE_P = 0.001
# A customer has at most this share of the rows.
MAX_CUSTOMER_SHARE = 0.05
# A column tells another from this lambda on, if each of its values has some rows.
MIN_LAMBDA = 0.95
MIN_ROWS_OF_VALUE = 5
MAX_SEGMENT_COLUMNS = 16
MAX_DIMENSIONS = 8
# Maximum number of arms of a treatment.
MAX_ARMS = 5
# With more features than this, relevance keeps the best hundred.
MAX_FEATURES = 120
KEPT_FEATURES = 100
# The latest share of the known rows is the test set, if there is a time.
TEST_SHARE = 0.2


@dataclass(frozen=True)
class Label:
    """The outcome: yes or no, values or a limit that mean yes, or a time that is set for yes.

    `limit` is a comparison such as `> 0`; with `is_inverted` the column's no is the conversion; with
    `is_blank_no` an empty cell is no conversion, instead of unknown.
    """

    column: Column
    values: tuple[str, ...] = ()
    is_event: bool = False
    limit: str = ""
    is_inverted: bool = False
    is_blank_no: bool = False

    @property
    def name(self) -> str:
        """Column of the mart."""
        is_made = self.values or self.limit or self.is_inverted or self.is_blank_no or self.column.is_time
        return "has_converted" if is_made else self.column.name

    def sql(self, cell: str) -> str:
        """Return the outcome as a boolean SQL expression of a typed cell; null if unknown."""
        if self.limit:
            return f"{cell} {self.limit}"
        if self.values:
            listed = ", ".join(literal(value) for value in self.values)
            return f"coalesce({cell} in ({listed}), false)" if self.is_blank_no else f"{cell} in ({listed})"
        if self.is_inverted:
            return f"not {cell}"
        return f"{cell} is not null" if self.column.is_time else cell

    @property
    def description(self) -> str:
        """The outcome in words."""
        if self.limit:
            return f"{self.column.name} {self.limit}"
        if self.values:
            return f"{self.column.name} is {' or '.join(self.values)}"
        if self.is_inverted:
            return f"{self.column.name} is no"
        return f"{self.column.name} is there" if self.column.is_time else self.column.name


@dataclass
class Proposal:
    """Everything that a campaign's declaration and mart are rendered from.

    `key` lists the columns that identify a row together; if empty, the row number does. A log of events has
    an `events` column; its mart has one row per customer and snapshot date.
    """

    columns: list[Column]
    row_count: int
    key: list[Column] = field(default_factory=list)
    customer: Column | None = None
    label: Label | None = None
    as_of: Column | None = None
    events: Column | None = None
    days: int = 0
    rounds: int = 0
    is_once: bool = False
    does_rate_move: bool = False
    withhold: dict[str, str] = field(default_factory=dict)
    audit: dict[str, str] = field(default_factory=dict)
    private: dict[str, str] = field(default_factory=dict)
    dimensions: list[str] = field(default_factory=list)
    derived: list[Derived] = field(default_factory=list)
    found: list[str] = field(default_factory=list)
    check: list[str] = field(default_factory=list)

    def column(self, name: str) -> Column:
        """Return the column with a name, spelt as in the file or as in the tables."""
        for column in self.columns:
            if name.lower() in (column.raw.lower(), column.name):
                return column
        listed = ", ".join(column.raw for column in self.columns)
        raise UserError(f"Unknown column '{name}'. Available: {listed}.")

    @property
    def features(self) -> list[Column]:
        """Columns that a model may see."""
        excluded = {column.name for column in [*self.key, self.customer, self.as_of] if column}
        excluded |= set(self.withhold) | set(self.audit) | set(self.private)
        excluded |= {self.label.column.name} if self.label else set()
        return [column for column in self.columns if column.name not in excluded]

    @property
    def made(self) -> list[Derived]:
        """Derived features that are not off."""
        return [feature for feature in self.derived if not feature.is_off]

    @property
    def codes(self) -> list[Column]:
        """Codes with too many values for a category, which repeat: no names of rows, and no free text."""
        return [
            column
            for column in self.columns
            if self.withhold.get(column.name) == _text_reason(column)
            and column.distinct <= MAX_DISTINCT_SHARE * column.known
            and not column.tokens & WORDS["protected"]
        ]


def propose(
    connection: duckdb.DuckDBPyConnection, columns: list[Column], given: dict[str, str | None]
) -> Proposal:
    """Propose the role of each column of the table `cells`.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the table `cells`.
    columns : list of Column
        Its columns, as `profile` finds them.
    given : dict
        Choices of the user: `entity`, `label` (a column, or `column=value`), `as_of`, `group_by`.

    Raises
    ------
    UserError
        If the choices do not fit the table, or nothing can be learnt from it.
    """
    [row_count] = connection.execute("select count(*) from cells").fetchone() or [0]
    if not row_count:
        raise UserError("The file has no rows.")
    proposal = Proposal(columns, row_count)
    _find_label(connection, proposal, given)
    _create_typed(connection, proposal.columns)
    _find_people(proposal)
    _find_key(connection, proposal, given)
    _find_time(connection, proposal, given)
    if not given["entity"]:
        _find_event_log(connection, proposal)
    _say_what_rows_are(connection, proposal)
    if not proposal.events:
        _find_silent(proposal)
        _find_later(connection, proposal)
        _find_leaks(connection, proposal)
    _find_protected(connection, proposal)
    _find_dimensions(proposal)
    _ask_about_future(connection, proposal)
    _ask_about_kinds(proposal)
    proposal.derived = derive(connection, proposal)
    proposal.check += [
        f"Is each date's list complete before its first contact? If not, delete the line of {feature.name}."
        for feature in proposal.made
        if feature.name.startswith(LIST_SIZE)
    ]
    if not proposal.features and not proposal.made and not proposal.events:
        raise UserError("no column is left that a model or a segment could be made of.")
    return proposal


def _create_typed(connection: duckdb.DuckDBPyConnection, columns: list[Column]) -> None:
    """Create the table `typed` from `cells`, as the build will type them."""
    typed = ", ".join(f"{column.value_sql()} as {quote_identifier(column.name)}" for column in columns)
    cells = ", ".join(column.cell_sql() for column in columns)
    connection.execute(f"create or replace table typed as select {typed} from (select {cells} from cells)")


def _find_label(
    connection: duckdb.DuckDBPyConnection, proposal: Proposal, given: dict[str, str | None]
) -> None:
    said = given["label"]
    if said:
        name, limit = _limit_of(said, proposal)
        name, _, value = (name, "", "") if limit else said.partition("=")
        column = proposal.column(name.strip())
        if limit and not column.is_number:
            raise UserError(f"column '{column.raw}' is no number, so it cannot be compared: {said}.")
        if not column.is_time and not limit:
            column = _as_outcome(connection, proposal, column)
        proposal.label = Label(column, limit=limit) if limit else _label_of(column, value.strip().lower())
        is_said = value or limit or not proposal.label.values
        proposal.found.append(f"outcome: {proposal.label.description}{', as you say' if is_said else ''}")
        if not is_said:
            _ask_about_value(proposal)
        return
    best, others = _likely_outcome(connection, proposal)
    if not best:
        return
    if not best.is_time:
        best = _as_outcome(connection, proposal, best)
    proposal.label = _label_of(best, "")
    signs = (
        "its name and its two values"
        if best.tokens & WORDS["outcome"]
        else "its two values, which some rows lack"
    )
    proposal.found.append(f"outcome: {proposal.label.description}, by {signs}")
    _ask_about_value(proposal)
    if others:
        proposal.check.append(f"{', '.join(others)} may be the outcome as well: --label names another.")


def _limit_of(said: str, proposal: Proposal) -> tuple[str, str]:
    """Return column and comparison of an outcome such as `orders > 0`; the latter is empty without one."""
    compared = re.fullmatch(r"(.+?)\s*(>=|<=|>|<)\s*(-?[0-9]+(?:[.][0-9]+)?)", said)
    if not compared or said.lower() in {column.raw.lower() for column in proposal.columns}:
        return said, ""
    return compared[1], f"{compared[2]} {compared[3]}"


def _as_outcome(connection: duckdb.DuckDBPyConnection, proposal: Proposal, column: Column) -> Column:
    """Profile a column as the outcome, in which no answer means missing; put it into the proposal."""
    outcome = profile_outcome(connection, column)
    proposal.columns[proposal.columns.index(column)] = outcome
    return outcome


def _answers(column: Column) -> dict[str, int]:
    """Return the values of a column of few in lower case, the most frequent first, and their rows."""
    rows: Counter[str] = Counter()
    for value, count in column.top:
        rows[re.sub(r"^(-?[0-9]+)[.]0+$", r"\1", str(value).lower())] += count
    return dict(rows.most_common()) if column.distinct <= len(column.top) else {}


def _is_outcome(column: Column) -> bool:
    """Return whether a column's values say yes and no, or are two kinds or classes."""
    answers = set(_answers(column))
    if column.type in ("bigint", "double"):
        return answers in ({"0", "1"}, {"1", "-1"}, {"1", "2"})
    if column.type not in ("boolean", "category"):
        return False
    is_yes_or_blank = len(answers) == 1 and bool(answers & (set(YES) | WORDS["outcome"] | WORDS["positive"]))
    return column.type == "boolean" or len(answers) == 2 or is_yes_or_blank


def _likely_outcome(
    connection: duckdb.DuckDBPyConnection, proposal: Proposal
) -> tuple[Column | None, list[str]]:
    """Return the column that is most likely the outcome, and the names of others that may be it."""
    rows, last = proposal.row_count, len(proposal.columns) - 1
    named = [column for column in proposal.columns if column.tokens & WORDS["outcome"] and not column.is_time]
    pairs = [column for column in named if _is_outcome(profile_outcome(connection, column))]
    times = [column for column in proposal.columns if column.is_time and column.tokens & WORDS["outcome"]]
    times = [column for column in times if 0 < column.known < rows / 2]
    # empty where the outcome is not known yet
    half = [
        column
        for column in proposal.columns
        if _is_outcome(column)
        and len(_answers(column)) == 2
        and 0 < column.known < rows
        and not column.codes
        and not column.tokens & WORDS["protected"]
    ]
    if not pairs and not times:
        if len(half) == 1:
            proposal.check.append(f"Is {half[0].raw} the outcome? It has two values, and rows without one.")
            return half[0], []
        return None, []

    def likely(column: Column) -> tuple[int, int, int, int]:
        place = proposal.columns.index(column)
        return (
            len(column.tokens & WORDS["final"]),
            len(column.tokens & WORDS["outcome"]),
            1 if 0 < column.known < rows else 0,
            1 if place in (0, last) else 0,
        )

    best = max(pairs, key=likely) if pairs else times[0]
    others = [*pairs, *times, *(half if len(half) == 1 and best.known == rows else ())]
    return best, list(dict.fromkeys(column.raw for column in others if column is not best))


def _label_of(column: Column, value: str) -> Label:
    """Return the outcome that a column holds, or the one that `value` names.

    Raises
    ------
    UserError
        Where the column does not say which of its rows are conversions.
    """
    answers = _answers(column)
    values = list(answers) or [str(text).lower() for text, _ in column.top]
    listed = ", ".join(f"{text} ({answers[text]:,} rows)" if answers else text for text in values[:10])
    if value and value not in values:
        raise UserError(f"column '{column.raw}' has no value '{value}'; it has {', '.join(values[:10])}.")
    if column.type == "boolean":
        return Label(column, is_inverted=value in NO)
    if column.is_time:
        return Label(column)
    neither = [text for text in values if text not in YES and text not in NO]
    if (not value or value in YES or value in NO) and neither and len(neither) < len(values) - 1:
        unclear = ", ".join(f"{text} ({answers.get(text, 0):,} rows)" for text in neither[:10])
        raise UserError(
            f"column '{column.raw}' has values that say neither yes nor no: {unclear}. Write yes or no, or "
            "leave the cell empty where it is not known yet."
        )
    if value:
        return Label(column, (value,))
    if len(values) == 1:
        return Label(column, (values[0],), is_blank_no=True)
    if len(values) != 2:
        raise UserError(
            f"column '{column.raw}' has {column.distinct:,} values; say which one is a conversion: "
            f"--label '{column.raw}=...'. It has {listed}."
        )
    # 1 says yes beside 0 or -1, not beside 2
    words = WORDS["positive"] | WORDS["outcome"] | set(YES if set(values) & {*NO, "-1"} else ())
    positive = [text for text in values if text in words]
    # else the rarer one: the most frequent comes first
    return Label(column, (positive[0] if len(positive) == 1 else values[-1],))


def _ask_about_value(proposal: Proposal) -> None:
    """Ask about an outcome whose values say neither yes nor no, or are blank for no."""
    label = proposal.label
    if label and label.values:
        others = [value for value in _answers(label.column) if value not in label.values]
        if label.values[0] in YES and others and others[0] in NO:
            return
        other = " or ".join(others) if others else "empty"
        proposal.check.append(
            f"Is a row a conversion where {label.description}, and none where it is {other}? "
            f"--label '{label.column.raw}=...' says otherwise."
        )


def _find_people(proposal: Proposal) -> None:
    """Find text that identifies people; its values become pseudonyms in staging."""
    for column in proposal.columns:
        values = [value for value, _ in column.top if isinstance(value, str)]
        if not values or column.type not in ("text", "category", "bigint"):
            continue
        is_own = column.distinct > 0.5 * column.known
        mails = sum(bool(re.fullmatch(r"[^@\s]+@[^@\s]+\.[a-zA-Z]{2,}", value)) for value in values)
        phones = sum(bool(re.fullmatch(r"(\+|00)?[0-9][0-9 ()/.-]{7,}[0-9]", value)) for value in values)
        is_name = column.tokens & WORDS["personal"] or (
            "name" in column.tokens and column.tokens & ({"first", "last"} | WORDS["person"])
        )
        if mails > 0.8 * len(values):
            proposal.private[column.name] = "e-mail addresses"
        elif phones > 0.8 * len(values) and column.tokens & WORDS["personal"]:
            proposal.private[column.name] = "phone numbers"
        elif column.is_text and is_own and (is_name or column.name == "name"):
            proposal.private[column.name] = "names of people"
    for name, what in proposal.private.items():
        proposal.found.append(f"{name}: {what}, which become pseudonyms in staging and go no further")


def _find_key(
    connection: duckdb.DuckDBPyConnection, proposal: Proposal, given: dict[str, str | None]
) -> None:
    rows = proposal.row_count
    if given["entity"]:
        column = proposal.column(given["entity"])
        if column.known < rows or column.distinct < rows:
            raise UserError(
                f"column '{column.raw}' is no key: {rows - column.known:,} rows have none, and {rows:,} rows "
                f"have {column.distinct:,} values. Leave --entity out, or name another column."
            )
        proposal.key = [column]
    else:
        proposal.key = _unique_columns(connection, proposal)
    if given["group_by"] == "none":
        proposal.customer = None
    elif given["group_by"]:
        proposal.customer = proposal.column(given["group_by"])
    elif not proposal.key or not proposal.key[0].tokens & WORDS["person"]:
        people = [
            column
            for column in proposal.columns
            if (
                (column.tokens & WORDS["person"] and column.tokens & WORDS["key"])
                or column.name in WORDS["person"]
                or "id" in column.tokens
            )
            and column.type in ("bigint", "text", "category")
            and column not in proposal.key
            and column.known == rows
            and 100 <= column.distinct <= 0.95 * rows
            and column.top[0][1] <= MAX_CUSTOMER_SHARE * rows
        ]
        people.sort(key=lambda column: not column.tokens & WORDS["person"])
        proposal.customer = people[0] if people else None
    if not proposal.key:
        proposal.found.append("key: the row's number, because no column has a value of its own for each row")
        proposal.check.append(
            "Rows are told apart by their number: add new ones at the end of the file only."
        )
    else:
        names = " and ".join(column.name for column in proposal.key)
        proposal.found.append(f"key: {names}, of which each row has its own")
        repeated = rows - proposal.key[0].distinct if len(proposal.key) == 1 else 0
        if repeated:
            proposal.found[-1] = f"key: {names}, which {repeated:,} rows repeat"
            proposal.check.append(
                f"{repeated:,} rows have a {names} that is there already: the first is kept, others are "
                "in results.rejected_rows."
            )
    if proposal.customer:
        proposal.found.append(f"customer: {proposal.customer.name}, who may have several rows")


def _unique_columns(connection: duckdb.DuckDBPyConnection, proposal: Proposal) -> list[Column]:
    """Return the columns that identify a row: a unique one, or two that are named like keys."""
    rows = proposal.row_count
    label = proposal.label.column if proposal.label else None
    whole = [column for column in proposal.columns if column.known == rows and column is not label]
    keys = [column for column in whole if column.type in ("bigint", "text", "category") and not column.epoch]
    named = [
        column
        for column in keys
        if column.tokens & (WORDS["key"] | WORDS["person"]) or column.name in proposal.private
    ]
    # a few rows may be duplicates: staging keeps the first and reports the others
    single = [column for column in named if column.distinct >= 0.999 * rows]
    single += [column for column in keys[:1] if column.distinct == rows]
    if single:
        return single[:1]
    for position, first in enumerate(named[:6]):
        for second in named[position + 1 : 6]:
            pair = f"{quote_identifier(first.name)}, {quote_identifier(second.name)}"
            [distinct] = connection.execute(f"select count(distinct ({pair})) from typed").fetchone() or [0]
            if distinct == rows:
                return [first, second]
    return []


def _find_time(
    connection: duckdb.DuckDBPyConnection, proposal: Proposal, given: dict[str, str | None]
) -> None:
    if given["as_of"]:
        proposal.as_of = proposal.column(given["as_of"])
        if not proposal.as_of.is_time:
            raise UserError(f"column '{proposal.as_of.raw}' is a {proposal.as_of.type}, no date or time.")
        return
    label = proposal.label.column if proposal.label else None
    times = [column for column in proposal.columns if column.is_time and column is not label]
    whole = [column for column in times if column.known >= 0.995 * proposal.row_count]
    whole = [column for column in whole if not column.tokens & WORDS["other_time"]]
    named = [column for column in whole if column.tokens & WORDS["contact_time"]] or whole
    for column in named[:1]:
        query = f"select count(distinct cast({quote_identifier(column.name)} as date)) from typed"
        [days] = connection.execute(query).fetchone() or [0]
        if days >= 5:
            proposal.as_of = column


def _find_event_log(connection: duckdb.DuckDBPyConnection, proposal: Proposal) -> None:
    """Find out whether rows are events of people, some of them conversions."""
    if not (proposal.customer and proposal.as_of):
        return
    label = proposal.label
    kinds = [column for column in proposal.columns if column.type == "category" and 2 < column.distinct <= 50]
    for column in kinds:
        values = tuple(value.lower() for value, _ in column.top if CONVERTING_EVENTS.search(value.lower()))
        if label:
            # the user named an event; any other outcome belongs to single rows
            values = label.values if label.column is column and column.tokens & WORDS["event"] else ()
        if not values or len(values) == column.distinct:
            continue
        person, time = quote_identifier(proposal.customer.name), quote_identifier(proposal.as_of.name)
        listed = ", ".join(map(literal, values))
        query = f"""
            select date_diff('day', min({time}), max({time})) + 1,
                count(*) filter ({quote_identifier(column.name)} in ({listed})),
                count(distinct {person}) filter ({quote_identifier(column.name)} in ({listed}))
            from typed
            where {time} < current_date + 2
        """
        span, conversions, converters = connection.execute(query).fetchone() or (0, 0, 0)
        # the features cover twice as many days as the outcome
        proposal.days = min(28, span // 6)
        if proposal.days < 1:
            proposal.check.append(f"The log covers {span} days: too few to see what came of earlier events.")
            return
        proposal.rounds = min(8, span // proposal.days - 2)
        proposal.events = column
        proposal.is_once = conversions <= 1.05 * converters
        proposal.label = Label(column, values, is_event=True)
        again = "who has not converted yet" if proposal.is_once else "whether or not they converted before"
        proposal.found.append(
            f"a log of events: one row per {proposal.customer.name} and snapshot date, {again}; the outcome "
            f"is {proposal.label.description} within {proposal.days} days, the features are made of the "
            f"{2 * proposal.days} days before"
        )
        proposal.check.append(
            f"Is it a conversion where {proposal.label.description}, and are {proposal.days} days the right "
            "time?"
        )
        return


def _say_what_rows_are(connection: duckdb.DuckDBPyConnection, proposal: Proposal) -> None:
    """Report outcome, time, unreadable values and codes for missing ones."""
    if not proposal.label:
        proposal.found.append("outcome: none (a column of two values, named like converted or response)")
        candidates = [column.raw for column in proposal.columns if len(_answers(column)) == 2]
        proposal.check.append(
            "Without an outcome there are segments only: --label names it, a column or column=value."
            + (f" Columns of two values: {', '.join(candidates[:10])}." if candidates else "")
        )
    elif proposal.as_of and not proposal.events:
        time = proposal.as_of
        share = _test_share(connection, proposal.label, time)
        proposal.found.append(
            f"time: {time.name}; the latest {share:.0%} of known rows are the test"
            if share
            else f"time: {time.name}; a random {TEST_SHARE:.0%} of known rows are the test, because no time "
            "has conversions before and after it"
        )
        proposal.does_rate_move = _does_rate_move(connection, proposal.label, time)
        if proposal.does_rate_move:
            proposal.found.append(
                f"conversion rate: it moves with {time.name}, so models follow the newest rows"
            )
        proposal.check.append(f"Is {time.raw} the time of the contact, with all features known by then?")
    proposal.check += [row for (row,) in connection.execute("from left_out").fetchall()]
    for column in proposal.columns:
        proposal.check += column.doubts
        if column.unread:
            proposal.check.append(
                f"{column.unread:,} values of {column.raw} are no {column.type}: their rows will be "
                "rejected, and stand with the reason in results.rejected_rows."
            )
    for codes in dict.fromkeys(column.codes for column in proposal.columns if column.codes):
        names = [column.name for column in proposal.columns if column.codes == codes]
        listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        proposal.found.append(f"not known: {', '.join(codes)} in {listed}")


def _test_share(connection: duckdb.DuckDBPyConnection, label: Label, time: Column) -> float | None:
    """Return the share of known rows that will be the test set; None if no time splits the conversions."""
    outcome = label.sql(quote_identifier(label.column.name))
    known = f"(select {quote_identifier(time.name)} as as_of, {outcome} as label "
    split = render(
        "split_time.sql",
        rows=f"{known} from typed)",
        as_of="as_of",
        label="label",
        test_share=f"{TEST_SHARE:.0%}",
        test_fraction=TEST_SHARE,
    )
    query = f"with {split.strip().rstrip(',')} select test_share from known_times"
    [share] = connection.execute(query).fetchone() or [None]
    return share


def _does_rate_move(connection: duckdb.DuckDBPyConnection, label: Label, time: Column) -> bool:
    """Return whether the conversion rate of fifths of the known rows by time differs (chi-squared test)."""
    outcome, by_time = label.sql(quote_identifier(label.column.name)), quote_identifier(time.name)
    blocks = connection.execute(f"""
        with blocks as (
            select ({outcome}) as is_conversion, ntile(5) over (order by {by_time}) as block from typed
            where ({outcome}) is not null
        )
        select count(*) filter (is_conversion), count(*) filter (not is_conversion)
        from blocks group by block
    """).fetchall()
    table = np.array(blocks)
    if len(table) < 2 or not table.sum(axis=0).all():
        return False
    return bool(chi2_contingency(table).pvalue < MAX_STABLE_P)


def _find_silent(proposal: Proposal) -> None:
    """Withhold columns without information for a model."""
    for column in proposal.features:
        if column.distinct <= 1 and column.known in (0, proposal.row_count):
            proposal.withhold[column.name] = "the same in every row"
        elif column.type == "text":
            proposal.withhold[column.name] = _text_reason(column)
        elif (
            column.type == "bigint" and column.distinct == proposal.row_count and column.tokens & WORDS["key"]
        ):
            proposal.withhold[column.name] = "each row has its own value: an identifier"


def _text_reason(column: Column) -> str:
    """Return why a text is no category."""
    return f"{column.distinct:,} different texts in {column.known:,} rows: an identifier or free text"


def _find_later(connection: duckdb.DuckDBPyConnection, proposal: Proposal) -> None:
    """Withhold times after the time of the features."""
    for column in proposal.features:
        if not (column.is_time and proposal.as_of):
            continue
        # a date names no time of the day
        kind = "date" if "date" in (column.type, proposal.as_of.type) else "timestamp"
        late = (
            f"cast({quote_identifier(column.name)} as {kind}) > "
            f"cast({quote_identifier(proposal.as_of.name)} as {kind})"
        )
        [share] = connection.execute(f"select avg(({late})::int) from typed").fetchone() or [0]
        if share and share > 0.001:
            proposal.withhold[column.name] = (
                f"after {proposal.as_of.name} in {share:.1%} of the rows that have it"
            )


def _find_leaks(connection: duckdb.DuckDBPyConnection, proposal: Proposal) -> None:
    """Withhold columns that leak the outcome."""
    if not proposal.label:
        return
    label = proposal.label.sql(quote_identifier(proposal.label.column.name))
    for column in [column for column in proposal.features if column.is_time]:
        _find_leaking_time(connection, proposal, column, label)
    features = [column for column in proposal.features if not column.is_time]
    features += proposal.codes
    names = ", ".join(quote_identifier(column.name) for column in features)
    if not names:
        return
    frame = connection.execute(
        f"select {names}, cast(({label}) as int) as has_converted, rowid as row_id from typed "
        f"where ({label}) is not null order by ({label}) desc, hash(rowid) limit {CHECKED_ROWS}"
    ).df()
    outcome = frame["has_converted"].to_numpy(np.int64)
    converted = outcome == 1
    if min(converted.sum(), (~converted).sum()) < 2:
        proposal.check.append("Nearly all known outcomes are the same: nothing can be learnt yet.")
        return
    texts = [column.name for column in features if column.is_text]
    design: Design = make_design(frame, [column.name for column in features], texts)
    matrix, folds = design.matrix(frame), fold_of(frame["row_id"])
    for position, column in enumerate(features):
        values = matrix[:, position]
        reason, doubt = _leak(column, values, converted, design, folds)
        if doubt and column.tokens & WORDS["afterwards"]:
            reason = f"{doubt}, and by its name known only afterwards"
        if reason:
            proposal.withhold[column.name] = reason
            proposal.check.append(f"Is {column.raw} really known only afterwards ({reason})?")
        elif doubt or column.tokens & WORDS["afterwards"]:
            doubt = doubt or "by its name"
            proposal.check.append(f"Is {column.raw} known before the contact ({doubt})? If not: withhold it.")


def _find_leaking_time(
    connection: duckdb.DuckDBPyConnection, proposal: Proposal, column: Column, label: str
) -> None:
    """Withhold a time that is there for conversions only."""
    is_there = f"avg(({quote_identifier(column.name)} is not null)::int)"
    filled, others_filled = connection.execute(
        f"select coalesce({is_there} filter ({label}), 0), coalesce({is_there} filter (not ({label})), 1) "
        "from typed"
    ).fetchone() or (0, 1)
    if filled >= MIN_FILLED_SHARE and others_filled <= MAX_FILLED_SHARE:
        reason = f"filled in {filled:.0%} of the conversions and in {others_filled:.1%} of the others"
        proposal.withhold[column.name] = reason
        proposal.check.append(f"Is {column.raw} really known only afterwards ({reason})?")


def _leak(
    column: Column, values: np.ndarray, converted: np.ndarray, design: Design, folds: np.ndarray
) -> tuple[str | None, str | None]:
    """Return why a column is a leak, and why it might be one."""
    is_there = ~np.isnan(values)
    filled, others_filled = is_there[converted].mean(), is_there[~converted].mean()
    if filled >= MIN_FILLED_SHARE and others_filled <= MAX_FILLED_SHARE:
        return f"filled in {filled:.0%} of the conversions and in {others_filled:.1%} of the others", None
    if not column.is_text:
        is_set = is_there & (values != 0)
        share, others_share = is_set[converted].mean(), is_set[~converted].mean()
        if share >= MIN_FILLED_SHARE and others_share <= MAX_FILLED_SHARE:
            return f"not zero in {share:.0%} of the conversions and in {others_share:.1%} of the others", None
        if (
            column.distinct <= 2
            and converted.sum() >= MIN_STEP_CONVERSIONS
            and share == 1
            and others_share <= MAX_STEP_SHARE
        ):
            return (
                f"no conversion is without it, but {1 - others_share:.0%} of the others: a step on the way",
                None,
            )
    position = design.columns.index(column.name)
    is_category = position in design.categorical_positions
    power = univariate_score(values, is_category, converted.astype(np.int64), folds)
    measured = {
        "single_feature_power": power.roc_auc,
        "copy_of_label": power.balanced_accuracy,
        "filled_with_the_outcome": power.missing_roc_auc,
    }
    for name, value in measured.items():
        if value >= CHECKS[name].stop:
            return f"alone it tells the outcome: {name} {value:.2f}, limit {CHECKS[name].stop:g}", None
    doubts = [f"{name} {value:.2f}" for name, value in measured.items() if value >= CHECKS[name].warn]
    return None, doubts[0] if doubts else None


def _find_protected(connection: duckdb.DuckDBPyConnection, proposal: Proposal) -> None:
    """Audit protected columns, and those that are made of one or stand for it, such as a year of birth."""
    for column in proposal.features:
        if column.tokens & WORDS["protected"] and (column.distinct <= MAX_GROUPS or is_age(column)):
            proposal.audit[column.name] = "protected or close to it: compared, and no feature"
            proposal.check.append(f"May {column.raw} be used for this offer? It is audited, and no feature.")
    for protected in [proposal.column(name) for name in proposal.audit]:
        for column in proposal.features:
            if _is_nearly(connection, column, protected) or _is_nearly(connection, protected, column):
                proposal.audit[column.name] = f"nearly the same as {protected.name}"
                proposal.check.append(
                    f"{column.raw} nearly tells {protected.raw}, or is told by it: it is audited, no feature."
                )


def _is_nearly(connection: duckdb.DuckDBPyConnection, given: Column, told: Column) -> bool:
    """Return whether one column tells another, by Goodman and Kruskal's lambda.

    Lambda is the share of the errors of always guessing the commonest value that knowing `given` avoids. What
    is made of a number must be bands of it.
    """
    if min(given.distinct, told.distinct) < 2 or given.distinct > given.known / MIN_ROWS_OF_VALUE:
        return False
    first, second = quote_identifier(given.name), quote_identifier(told.name)
    right, rows, commonest, changes = connection.execute(f"""
        with pairs as (
            select {first} as given, {second} as told, count(*) as row_count from typed
            where {first} is not null and {second} is not null group by all
        ),
        guesses as (
            select given, max(row_count) as row_count, arg_max(told, row_count) as told
            from pairs group by given
        ),
        changes as (
            select told != lag(told) over (order by given) as is_change from guesses
        )
        select
            (select sum(row_count) from guesses),
            sum(row_count),
            (select max(most) from (select sum(row_count) as most from pairs group by told)),
            (select count(*) from changes where is_change)
        from pairs
    """).fetchone() or (0, 0, 0, 0)
    if given.is_number and changes > 2 * told.distinct:
        return False
    return bool(rows and rows > commonest and (right - commonest) / (rows - commonest) >= MIN_LAMBDA)


def is_age(column: Column) -> bool:
    """Return whether a column is an age in years."""
    return column.is_number and re.fullmatch("(.*_)?age", column.name) is not None


def _find_dimensions(proposal: Proposal) -> None:
    """Choose categories to report conversion rates by."""
    listed = [*proposal.features, *(proposal.column(name) for name in proposal.audit)]
    few = [
        column.name
        for column in listed
        if column.type in ("category", "boolean") and column.distinct <= MAX_GROUPS
    ]
    proposal.dimensions = few[:MAX_DIMENSIONS]


def _ask_about_future(connection: duckdb.DuckDBPyConnection, proposal: Proposal) -> None:
    """Ask about times after today."""
    for column in proposal.columns:
        if not column.is_time:
            continue
        name = quote_identifier(column.name)
        query = f"select count(*), max({name}) from typed where {name} > current_date + 1"
        late, latest = connection.execute(query).fetchone() or (0, None)
        if late:
            is_log = proposal.events and column is proposal.as_of
            fate = "Their events do not count." if is_log else "Are they right?"
            proposal.check.append(
                f"Times of {column.raw} after today: {late:,}, up to {latest:%Y-%m-%d}. {fate}"
            )


def _ask_about_kinds(proposal: Proposal) -> None:
    """Ask about columns that look like a treatment, and about a file that looks like order lines."""
    for column in proposal.features:
        arms = {str(value).lower() for value, _ in column.top}
        is_treatment = column.tokens & WORDS["treatment"] or arms & WORDS["untreated"]
        if is_treatment and 2 <= column.distinct <= MAX_ARMS:
            proposal.check.append(
                f"Was {column.raw} assigned, perhaps at random? Then it is a treatment, nothing known of a "
                "person: withhold it, or keep the rows of one of its values only."
            )
    tokens = set().union(*(column.tokens for column in proposal.columns))
    lines = (
        ("order", "invoice", "basket"),
        ("product", "sku", "stock", "article"),
        ("quantity", "qty"),
        ("price", "amount", "sales"),
    )
    if all(tokens & set(words) for words in lines):
        proposal.check.append(
            "These look like order lines. The source online_retail makes customers, segments and products of "
            "such a file: put it into data/raw/online_retail/ instead, its columns named as in "
            "seeds/raw_columns.csv."
        )
