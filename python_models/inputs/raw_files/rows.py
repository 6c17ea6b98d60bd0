"""One SQL query that types, checks and deduplicates the raw rows that `loading` has prepared."""

from collections.abc import Callable
from dataclasses import dataclass, field

from python_models.common.request_checks import erased_mark, match_key
from python_models.common.spellings import trimmed
from python_models.common.sql import quote_identifier, text_literal, text_literals
from python_models.inputs.raw_files.columns import RawColumn
from python_models.inputs.raw_files.matching import FoundColumns
from python_models.inputs.raw_files.repetitions import (
    FILLS_IN,
    IS_DUPLICATE,
    compare_with_earlier_rows,
    duplicate_reason,
    known_value,
)
from python_models.inputs.raw_files.values import TYPE_NAMES, Typing


@dataclass(frozen=True)
class Check:
    """A rule of one thing: SQL of the condition under which a row is rejected, and of the reason."""

    condition: str
    reason: str


@dataclass(frozen=True)
class RowsQuery:
    """What the query depends on.

    Attributes
    ----------
    part : str, optional
        SQL over file_name: which part of the source a file is. It belongs to the key.
    checks : list of Check
        Further rules, SQL over the typed columns.
    known : list of str
        Names of files whose rows are taken from `relation`, so that only their keys are read.
    erased : str
        SQL of the ids (`customer_id`), as they are compared, of people whose rows are erased on request.
    view_suffix : str
        What the names of the views of raw rows end in.
    today : str
        The day of the build, such as 2026-11-22; empty for the current one.
    """

    columns: list[RawColumn]
    found: FoundColumns
    typing: Typing
    part: str | None = None
    checks: list[Check] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    relation: str = ""
    erased: str = ""
    view_suffix: str = ""
    today: str = ""

    @property
    def key(self) -> list[str]:
        """Names of the columns that make up the key."""
        return [column.name for column in self.columns if column.is_key] + (["part"] if self.part else [])

    @property
    def is_personal(self) -> bool:
        """Whether a column is pseudonymised, so that reasons and texts withhold raw values."""
        return any(column.is_personal for column in self.columns)

    @property
    def compares_values(self) -> bool:
        """Whether a later row of a key may fill in what an earlier one left empty."""
        return bool(self.key) and self.typing.engine == "duckdb"

    @property
    def unsafe(self) -> list[RawColumn]:
        """Columns with values that may not be of their type."""
        return [column for column in self.columns if not self.found[column].is_safe]

    @property
    def coded(self) -> list[RawColumn]:
        """Columns of another type than text that have codes for missing."""
        return [column for column in self.unsafe if column.codes and not column.is_text]

    def value(self, column: RawColumn) -> str:
        """Return SQL for a column's typed value."""
        found = self.found[column]
        return self.typing.value(column, found.is_safe, found.is_text)

    def sql(self) -> str:
        """Return the query."""
        ctes = [self._as_found()]
        if self.erased:
            ctes += [self._erasures(), self._find_lines_to_withhold()]
        if self.key:
            ctes += [self._keyed(), self._repeated_keys()]
            ctes += self._compared_rows() if self.compares_values else [self._repetitions()]
        ctes += [self._parsed(), self._typed(), self._judged(), self._all_rows()]
        return f"with {_joined(ctes)}\n\nselect * from all_rows\n"

    def _as_found(self) -> str:
        items = ["file_name", "row_number"]
        items += [f"{self.part} as part"] if self.part else []
        items += [f"{self._raw_value(column)} as {column.raw}" for column in self.columns]
        others = [(quote_identifier(name), is_text) for name, is_text in self.found.others.items()]
        items += [f"{self._trimmed(name) if is_text else name} as {name}" for name, is_text in others]
        return f"""as_found as not materialized (
    select{_listed(items)}
    from raw_rows{self.view_suffix}
)"""

    def _raw_value(self, column: RawColumn) -> str:
        found = self.found[column]
        # the rows of one file are their own key; those of several need the file's name too
        own_key = (
            "concat(file_name, ' ', row_number)"
            if self.found.file_count > 1
            else "cast(row_number as varchar)"
        )
        if not found.names:
            return own_key if column.is_row_number else "cast(null as varchar)"
        value = f"coalesce({', '.join(map(quote_identifier, found.names))})"
        if column.is_row_number and found.lacking:
            return f"""if(
            file_name in ({text_literals(found.lacking)}),
            {own_key}, {self._trimmed(f"cast({value} as varchar)")}
        )"""
        if found.is_text:
            return self._trimmed(value)
        return value

    def _trimmed(self, value: str) -> str:
        if self.typing.engine == "duckdb":
            return trimmed(value)
        return f"nullif(if(starts_with({value}, ' ') or ends_with({value}, ' '), trim({value}), {value}), '')"

    def _keyed(self) -> str:
        items = [f"{self.value(column)} as {column.name}" for column in self.columns if column.is_key]
        names = [*self.key, *self._compared()]
        known = f"""

    union all by name

    select
        file_name, row_number, {", ".join(map(quote_identifier, names))}, content_hash,
        -- a key that was there is the last of the reasons
        coalesce(starts_with(reject_reason, 'duplicated key'), true) as was_readable
    from {self.relation}
    where content_hash is not null and file_name in ({text_literals(self.known)})"""
        return f"""keyed as not materialized (
    select{_listed(["*", *items])}
    from as_found{known if self.known else ""}
)"""

    def _repeated_keys(self) -> str:
        return f"""repeated_keys as (
    select {", ".join(self.key)}
    from keyed
    group by all
    having count(*) > 1
)"""

    def _compared(self) -> dict[str, str]:
        """Return name -> SQL of the known value of each column besides the key."""
        compared = {
            column.name: known_value(column, column.name) for column in self.columns if not column.is_key
        }
        return compared | {name: quote_identifier(name) for name in self.found.others}

    def _compared_rows(self) -> list[str]:
        """Return the CTEs that compare the rows of repeated keys, value by value."""
        content = self._content_hash("keyed.", lambda column: self.typing.value(column))
        values = {column.name: self.value(column) for column in self.columns if not column.is_key}
        is_readable = f"not coalesce({self._faults() or 'false'}, false)"
        typed = ["*", *(f"{value} as {name}" for name, value in values.items())]
        if self.known:
            content = f"coalesce(keyed.content_hash, {content})"
            is_readable += " and coalesce(was_readable, true)"
            replaced = ", ".join(f"coalesce({name}, {value}) as {name}" for name, value in values.items())
            typed = [f"* replace ({replaced})" if replaced else "*"]
        if self.erased:
            # of a known file only the place of the row is left
            is_erased = f"{self._person_key()} in (select customer_id from erasures)"
            is_readable += f" and not coalesce({is_erased}, false)"
        return [
            f"""rows_of_repeated_keys as (
    select{_listed(["keyed.*", *self._maps(), f"{content} as content"])}
    from keyed
    inner join repeated_keys using ({", ".join(self.key)})
)""",
            f"""typed_repetitions as (
    select{_listed(typed)}
    from rows_of_repeated_keys
)""",
            f"""repeated_rows as (
    select{_listed(["*", *self._coded_items()])}
    from typed_repetitions
)""",
            compare_with_earlier_rows(self.key, self._compared(), is_readable),
        ]

    def _repetitions(self) -> str:
        content = self._content_hash("keyed.", lambda column: self.typing.value(column))
        return f"""repetitions as (
    select
        keyed.file_name,
        keyed.row_number,
        row_number() over by_key as occurrence,
        {content} as content,
        content = first_value(content) over by_key as is_equal,
    from keyed
    inner join repeated_keys using ({", ".join(self.key)})
    window by_key as (
        partition by {", ".join(f"keyed.{name}" for name in self.key)}
        order by keyed.file_name, keyed.row_number
    )
    qualify occurrence > 1
)"""

    def _content_hash(self, prefix: str, phone: Callable[[RawColumn], str]) -> str:
        """Return SQL for a hash of a row's values except its key; a phone number has many spellings."""
        values = [
            phone(column) if column.type == "phone" else f"{prefix}{column.raw}"
            for column in self.columns
            if not column.is_key
        ]
        values += [f"{prefix}{quote_identifier(name)}" for name in self.found.others]
        return f"hash({', '.join(['0', *values])})"

    def _parsed(self) -> str:
        items = ["as_found.*", *self._maps()]
        if self.compares_values:
            items += ["repetitions.* exclude (file_name, row_number)"]
        elif self.key:
            items += ["repetitions.occurrence", "repetitions.is_equal"]
        join = "\n    left join repetitions using (file_name, row_number)" if self.key else ""
        return f"""parsed as (
    select{_listed(items)}
    from as_found{join}
)"""

    def _maps(self) -> list[str]:
        return [
            f"try_cast(try_cast({column.raw} as json) as map(varchar, float)) as map_{column.name}"
            for column in self.columns
            if column.type == "interests"
        ]

    def _coded_items(self) -> list[str]:
        return [
            f"lower(cast({column.raw} as varchar)) in ({text_literals(column.codes)})\n"
            f"            and {column.name} is null as is_coded_{column.name}"
            for column in self.coded
        ]

    def _typed(self) -> str:
        items = [f"{self.value(column)} as {column.name}" for column in self.columns]
        items += self._coded_items()
        has_hash = self.key and self.typing.engine == "duckdb"
        content = self._content_hash("", lambda column: column.name) if has_hash else "null"
        return f"""typed as (
    select{_listed(["*", *items, f"{content} as content_hash"])}
    from parsed
)"""

    def _erasures(self) -> str:
        return f"""erasures as (
    {self.erased}
)"""

    def _find_lines_to_withhold(self) -> str:
        return rf"""find_lines_to_withhold as (
    select distinct file_name, row_number, true as is_withheld
    from raw_rejects{self.view_suffix}
    inner join erasures
        on customer_id != ''
            and regexp_matches(lower(raw_text), concat('\b', regexp_escape(customer_id), '\b'))
)"""

    def _judged(self) -> str:
        items = ["file_name", "row_number"]
        items += ["part"] if self.part else []
        items += [column.name for column in self.columns]
        items += [quote_identifier(name) for name in self.found.others]
        is_duplicate = IS_DUPLICATE if self.compares_values else "is_equal"
        duplicate = f"""
            when {is_duplicate} and starts_with(reject_reason, 'duplicated key') then 'duplicate'"""
        fills_in = f"row_status = 'duplicate' and {FILLS_IN}" if self.compares_values else "false"
        place = ("kept_file", "kept_row") if self.compares_values else ("null", "null")
        return f"""judged as (
    select{_listed(items)}
        -- reasons are written for faulty rows only: there are millions of others
        {self._reject_reason()} as reject_reason,
        case
            when reject_reason is null then 'kept'{duplicate if self.key else ""}
            else 'rejected'
        end as row_status,
        case
            when reject_reason is not null
                then concat_ws({_arguments(["','", *map(self._raw_text, self.columns)])})
        end as raw_text,
        {self._coded_missing()} as coded_missing,
        content_hash,
        cast(case when {fills_in} then {place[0]} end as varchar) as fills_file,
        cast(case when {fills_in} then {place[1]} end as bigint) as fills_row,
    from typed
)"""

    def _unread(self, column: RawColumn) -> str:
        """Return an SQL condition: the value exists, but is neither of its type nor a code for missing."""
        is_code = f" and not is_coded_{column.name}" if column in self.coded else ""
        return f"{column.raw} is not null and {column.name} is null{is_code}"

    def _reject_reason(self) -> str:
        condition = (self._faults() or "false") + (" or occurrence > 1" if self.key else "")
        reasons = [reason for column in self.columns for reason in self._column_reasons(column)]
        reasons += [f"case when {check.condition} then {check.reason} end" for check in self.checks]
        reasons += [self._duplicate_reason()] if self.key else []
        listed = _arguments(["'; '", *reasons, "null"])
        return f"case when {condition} then concat_ws({listed}) end"

    def _faults(self) -> str:
        """Return an SQL condition: the row is rejected for its own values. Empty where none can be."""
        tests = []
        for column in self.columns:
            tests += [f"{column.name} is null"] if column.is_required else []
            tests += [f"({self._unread(column)})"] if column in self.unsafe else []
            tests += [f"({self._is_future(column)})"] if self._ends_today(column) else []
        tests += [f"({check.condition})" for check in self.checks]
        return " or ".join(tests)

    def _ends_today(self, column: RawColumn) -> bool:
        return column.is_past and self.typing.engine == "duckdb"

    def _is_future(self, column: RawColumn) -> str:
        """Return an SQL condition: the time is still to come, whatever the time zone."""
        today = f"date '{self.today}'" if self.today else "current_date"
        return f"{column.name} >= {today} + 2"

    def _column_reasons(self, column: RawColumn) -> list[str]:
        label = "' or '".join(self.found[column].names or [column.name])
        reasons = []
        if column.is_required:
            empty = text_literal(f"column '{label}' is empty")
            reasons.append(f"case when {column.raw} is null then {empty} end")
        if column in self.unsafe:
            shown = "''" if self.is_personal else f"'''', {column.raw}, ''' '"
            reasons.append(f"""case
                when {self._unread(column)}
                    then concat(
                        {text_literal(f"column '{label}': ")},
                        {shown},
                        'is not {TYPE_NAMES[column.type]}'
                    )
            end""")
        if self._ends_today(column):
            beginning = text_literal(f"column '{label}': '")
            later = f"concat({beginning}, cast({column.name} as varchar), ''' is after today')"
            reasons.append(f"case when {self._is_future(column)} then {later} end")
        return reasons

    def _duplicate_reason(self) -> str:
        if self.compares_values:
            return duplicate_reason(self.key)
        values = "".join(f", ' {name} ''', {name}, ''''" for name in self.key)
        return f"""case
                when occurrence > 1
                    then concat(
                        'duplicated key:'{values}, ' is already there', if(is_equal, ' in an equal row', '')
                    )
            end"""

    def _raw_text(self, column: RawColumn) -> str:
        """Return SQL for the value as in the file, without personal data."""
        raw, name = column.raw, column.name
        if column.is_personal:
            return f"if({raw} is null, '', coalesce({name}, '(withheld)'))"
        if self.is_personal:
            return (
                f"if({raw} is not null and {name} is null, '(withheld)', "
                f"coalesce(cast({raw} as varchar), ''))"
            )
        return f"coalesce(cast({raw} as varchar), '')"

    def _coded_missing(self) -> str:
        if not self.coded:
            return "cast(null as varchar [])"
        names = [
            f"case when is_coded_{column.name} then {text_literal(column.name)} end" for column in self.coded
        ]
        return f"nullif(list_filter([{_arguments(names)}], lambda name: name is not null), [])"

    def _all_rows(self) -> str:
        """Put together the rows, the placeholders of erased ones, and the lines that are no rows."""
        names = (["part"] if self.part else []) + [
            quote_identifier(name) for name in [*(column.name for column in self.columns), *self.found.others]
        ]
        blanks = ", ".join(f"null as {name}" for name in names)
        raw_text = "raw_text"
        if self.is_personal:
            raw_text = "'(withheld: the line holds personal data; see the file)' as raw_text"
        elif self.erased:
            raw_text = "if(is_withheld, '(withheld: erased on request)', raw_text) as raw_text"
        withheld = " left join find_lines_to_withhold using (file_name, row_number)" if self.erased else ""
        return f"""all_rows as (
    {self._kept_and_erased(blanks) if self.erased else "select * from judged"}

    union all

    select
        file_name,
        row_number,
        {blanks},
        reason as reject_reason,
        'rejected' as row_status,
        {raw_text},
        null as coded_missing,
        null as content_hash,
        cast(null as varchar) as fills_file,
        cast(null as bigint) as fills_row,
    from raw_rejects{self.view_suffix}{withheld}
)"""

    def _person_key(self, prefix: str = "") -> str:
        """Return SQL of the person's id as requests are matched."""
        person = next(column.name for column in self.columns if column.is_person)
        return match_key(f"cast({prefix}{person} as varchar)")

    def _kept_and_erased(self, blanks: str) -> str:
        person = self._person_key("judged.")
        is_erased = f"{person} = erasures.customer_id"
        mark = erased_mark(person) if self.typing.engine == "duckdb" else "null"
        return f"""select judged.* from judged
    anti join erasures on {is_erased}

    union all

    select
        judged.file_name,
        judged.row_number,
        {blanks},
        'erased on request' as reject_reason,
        'erased' as row_status,
        null as raw_text,
        null as coded_missing,
        {mark} as content_hash,
        cast(null as varchar) as fills_file,
        cast(null as bigint) as fills_row,
    from judged
    semi join erasures on {is_erased}"""


def _listed(items: list[str]) -> str:
    """Return a select list, an item a line."""
    return "".join(f"\n        {item}," for item in items)


def _arguments(items: list[str]) -> str:
    """Return a function's arguments, one a line."""
    return ",".join(f"\n            {item}" for item in items) + "\n        "


def _joined(ctes: list[str]) -> str:
    return ",\n\n".join(ctes)
