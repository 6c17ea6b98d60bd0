"""Profile the columns of an unknown table: types, codes for missing values, and distributions."""

import itertools
import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
from ruamel.yaml import YAML

from python_models.common.errors import UserError
from python_models.common.spellings import (
    EXCEL_DAYS,
    NUMBER_FORMATS,
    decoration,
    number,
    trimmed,
    yes_or_no,
)
from python_models.common.sql import quote_identifier, text_literal
from python_models.engines.duckdb.file_checks import csv_columns, file_problem
from python_models.inputs.raw_files.columns import RawColumn
from python_models.inputs.raw_files.files import parquet_table
from python_models.inputs.raw_files.matching import RESERVED_NAMES
from python_models.inputs.raw_files.values import Typing, read_text

# Words in names and values, by meaning.
WORDS: dict[str, set[str]] = {
    meaning: set(words)
    for meaning, words in YAML(typ="safe").load(Path(__file__).with_name("column_words.yml")).items()
}
# Numbers that surveys and registers use for missing answers.
PLACEHOLDERS = {-9999, -999, -99, -98, -97, -9, -8, -7, -1, 9, 88, 97, 98, 99, 888, 997, 998, 999, 9998, 9999}
# Two-digit years first: %Y would read 24 as the year 24.
DATE_FORMATS = (
    *("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%m-%d-%y", "%y/%m/%d", "%y-%m-%d"),
    *("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d %b %Y", "%d %B %Y"),
    *("%b %d, %Y", "%d/%b/%Y", "%d-%b-%Y", "%d-%b-%y", "%Y%m%d", "%Y.%m.%d"),
)
TIMES = (" %H:%M:%S", " %H:%M", " %I:%M %p")
ZERO_DATE = "^(0+[-/.]0+[-/.]0+|1900-01-00)([ T]0+:0+(:0+)?)?$"
# Thousands with dots, and what they cannot stand beside.
THOUSANDS_WITH_DOTS = "^[+-]?[1-9][0-9]{0,2}([.][0-9]{3})+$"
THOUSANDS_WITH_COMMAS = "^[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+$"
# Columns that Leadlight adds itself.
OWN_NAMES = {
    *("split", "file_name", "row_number", "reject_reason", "row_status", "raw_text", "coded_missing"),
    *("content_hash", "file_version", "fills_file", "fills_row", "part", "as_of", "has_converted"),
    *(
        "occurrence",
        "is_equal",
        "is_later_file",
        "kept_file",
        "kept_row",
        "differs",
        "contradicts",
        "fills_in",
    ),
    # of the marts
    *("row_id", "entity_id", "snapshot_id", "segment_id"),
}
# Up to this many non-numeric values in a number column are treated as missing codes.
MAX_NON_NUMERIC_CODES = 5
# Text with more distinct values is free text, not a category.
MAX_CATEGORIES = 1_000
# Text with a larger share of distinct values identifies its row.
MAX_DISTINCT_SHARE = 0.5


@dataclass(frozen=True)
class Column:
    """One column: its name in the file and in the tables, its type, and its distribution.

    `type` is one of `raw_columns.csv`: boolean, bigint, double, date, timestamp, category, text or private.
    `codes` are lower-case values that mean missing. `known` counts the cells with a value, `distinct` their
    distinct values, `unread` the cells that do not have the type. `top` lists the most frequent values with
    their counts. `epoch` is the number of units per second if whole numbers are times. `is_text_in_file` says
    whether the file holds text; `doubts` are what to ask about the reading.
    """

    raw: str
    name: str
    type: str
    known: int
    distinct: int
    unread: int = 0
    codes: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    top: tuple[tuple[str, int], ...] = ()
    epoch: int | None = None
    is_text_in_file: bool = True
    doubts: tuple[str, ...] = ()

    @property
    def is_text(self) -> bool:
        return self.type in ("category", "text", "private")

    @property
    def is_number(self) -> bool:
        return self.type in ("bigint", "double", "boolean") and not self.epoch

    @property
    def is_time(self) -> bool:
        return self.type in ("date", "timestamp") or self.epoch is not None

    @property
    def time_sql(self) -> str:
        """SQL of a time from staging, which holds seconds since 1970 unchanged."""
        if not self.epoch:
            return self.name
        return f"make_timestamp(cast({self.name} as bigint) * {1_000_000 // self.epoch})"

    @property
    def words(self) -> str:
        """The name with spaces."""
        return self.name.replace("_", " ")

    @property
    def tokens(self) -> set[str]:
        """The words of the name, also split at capitals."""
        split = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", self.raw)
        return set(re.findall(r"[a-z]+", split.lower())) | set(self.name.split("_"))

    @property
    def is_identifier(self) -> bool:
        """Whether it is named like a key, whose values are no quantities."""
        tokens = self.tokens
        is_numbered = tokens & {"no", "nr", "number"} and tokens & WORDS["person"] and "of" not in tokens
        return bool(tokens & WORDS["identifier"] or is_numbered or self.name in WORDS["person"])

    def declared(self) -> RawColumn:
        """Return the column as `raw_columns.csv` will declare it."""
        return RawColumn(self.name, self.type, [self.raw], codes=list(self.codes), formats=list(self.formats))

    def cell_sql(self) -> str:
        """Return SQL of the raw cell, null where it is a code for missing, named as `value_sql` needs it."""
        cell = quote_identifier(self.raw)
        if self.codes:
            listed = ", ".join(literal(code) for code in self.codes)
            cell = f"case when lower(cast({cell} as varchar)) not in ({listed}) then {cell} end"
        return f"{cell} as {self.declared().raw}"

    def value_sql(self) -> str:
        """Return the typed value as SQL on `cell_sql`, as the build reads it; null if it cannot be read."""
        if self.epoch:
            return f"make_timestamp(cast({self.declared().raw} as bigint) * {1_000_000 // self.epoch})"
        return Typing().value(self.declared(), is_text=self.is_text_in_file)


def literal(text: str) -> str:
    """Return text as a DuckDB literal that Jinja does not interpret."""
    return "'" + re.sub(r"\{(?=[{%#])", "{' || '", text.replace("'", "''")) + "'"


def open_file(connection: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    """Create the table `cells` from a CSV or Parquet file, as dbt will read it; return its column names.

    What is not in it stands in the table `left_out`, a sentence a row.

    Raises
    ------
    UserError
        If the file is damaged, or its first line is not a header.
    """
    if problem := file_problem(path):
        raise UserError(f"{path}: {problem}")
    connection.execute("create or replace temp table left_out (sentence varchar)")
    names = _open_parquet(connection, path) if path.suffix == ".parquet" else _open_csv(connection, path)
    for name in names:
        if name.lower() in RESERVED_NAMES:
            raise UserError(f"{path}: column '{name}' has a name that Leadlight uses itself. Rename it.")
    return names


def _open_parquet(connection: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    reader, columns, types = parquet_table(connection, str(path))
    nested = [
        name
        for name, kind in zip(columns, types, strict=True)
        if re.search(r"\[|STRUCT|MAP|UNION|BLOB", kind)
    ]
    flat = [name for name in columns if name not in nested]
    listed = ", ".join(map(quote_identifier, flat)) or "1 as nothing"
    try:
        connection.execute(f"create table cells as select {listed} from {reader}")
    except duckdb.Error:
        raise UserError(f"{path}: truncated or corrupt Parquet file. Write it again.") from None
    if not flat:
        raise UserError(f"{path}: no column is a number, text, time or boolean: {', '.join(nested)}.")
    if nested:
        _leave_out(connection, f"Left out: {', '.join(nested)}, a list or several values in a cell.")
    return flat


def _open_csv(connection: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    header = json.loads(csv_columns(path))
    names: list[str] = header["names"]
    if sum(bool(re.fullmatch(r"-?[0-9.]+", name)) for name in names) >= len(names) / 4:
        raise UserError(
            f"{path}: the first line, {', '.join(names[:3])}, ..., looks like data. Put a line with "
            "the names of the columns before it."
        )
    for number_, name in enumerate(names, start=1):
        if not name or name.lower() in [other.lower() for other in names[: number_ - 1]]:
            problem = "there twice" if name else "empty"
            raise UserError(
                f"{path}: column {number_} of the header, '{name}', is {problem}. "
                "Give each column a name of its own."
            )
        if re.search(r'["|]|\{[{%#]', name):
            raise UserError(
                f'{path}: the name of column {number_}, {name}, holds ", |, {{{{, {{% or {{#. Rename it.'
            )
    listed = ", ".join(f"{text_literal(name)}: 'varchar'" for name in names)
    values = ", ".join(f"{trimmed(name)} as {name}" for name in map(quote_identifier, names))
    options = f"auto_detect = false, header = true, delim = {text_literal(header['delimiter'])}"
    connection.execute(
        f"create table cells as select {values} from read_csv({text_literal(str(path))}, {options}, "
        f"quote = '\"', escape = '\"', columns = {{{listed}}}, store_rejects = true)"
    )
    _note_lost_lines(connection, path)
    return names


def _note_lost_lines(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Note lines that the build would reject.

    Raises
    ------
    UserError
        If the file is not in UTF-8, or no line can be read.
    """
    lost, foreign, reason = connection.execute(
        "select count(distinct line), count(distinct line) filter (error_type = 'INVALID ENCODING'), "
        "any_value(error_message) from reject_errors"
    ).fetchone() or (0, 0, "")
    [read] = connection.execute("select count(*) from cells").fetchone() or [0]
    if foreign:
        raise UserError(
            f"{path}: {foreign:,} of {read + lost:,} lines are not in UTF-8, but perhaps in Windows-1252. "
            "Save the file as CSV in UTF-8."
        )
    if lost and not read:
        raise UserError(f"{path}: none of its {lost:,} lines can be read: {reason}")
    if lost:
        _leave_out(
            connection, f"{lost:,} of {read + lost:,} lines cannot be read and will be rejected: {reason}"
        )


def _leave_out(connection: duckdb.DuckDBPyConnection, sentence: str) -> None:
    connection.execute("insert into left_out values (?)", [sentence])


def table_names(raw: Iterable[str]) -> dict[str, str]:
    """Return column names for tables: lower-case letters, digits and underscores, no reserved word."""
    words = duckdb.sql("select keyword_name from duckdb_keywords() where keyword_category != 'unreserved'")
    reserved = OWN_NAMES | {word for (word,) in words.fetchall()}
    names: dict[str, str] = {}
    for position, name in enumerate(raw, start=1):
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
        plain = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", plain)
        plain = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_") or f"column_{position}"
        plain = f"n_{plain}" if plain[0].isdigit() else plain
        plain = f"{plain}_value" if plain in reserved else plain
        copies = itertools.count(2)
        names[name] = plain
        while names[name] in {other for raw_name, other in names.items() if raw_name != name}:
            names[name] = f"{plain}_{next(copies)}"
    return names


def profile(connection: duckdb.DuckDBPyConnection, raw: Iterable[str]) -> list[Column]:
    """Profile the columns of the table `cells`."""
    kinds = {name: str(kind) for name, kind, *_ in connection.execute("describe cells").fetchall()}
    return [_profile(connection, name, short, kinds[name]) for name, short in table_names(raw).items()]


def profile_outcome(connection: duckdb.DuckDBPyConnection, column: Column) -> Column:
    """Profile a column of the table `cells` in which "refused" or "unknown" is an answer."""
    kinds = {name: str(kind) for name, kind, *_ in connection.execute("describe cells").fetchall()}
    return _profile(connection, column.raw, column.name, kinds[column.raw], is_outcome=True)


def _profile(
    connection: duckdb.DuckDBPyConnection, raw: str, name: str, kind: str, is_outcome: bool = False
) -> Column:
    cell = quote_identifier(raw)
    # pandas writes a missing number as NaN
    known_cell = f"{cell} is not null" + (f" and not isnan({cell})" if kind in ("DOUBLE", "FLOAT") else "")
    connection.execute(
        f"create or replace temp table spread as select cast({cell} as varchar) as value, "
        f"count(*) as row_count from cells where {known_cell} group by value"
    )
    codes = _codes(connection) if kind == "VARCHAR" and not is_outcome else ()
    if (
        kind in ("DOUBLE", "FLOAT")
        and connection.execute(f"select 1 from cells where isnan({cell})").fetchone()
    ):
        codes = ("nan",)
    known, distinct = _count(connection, "true")
    top = connection.execute("select * from spread order by row_count desc, value limit 50").fetchall()
    column = Column(raw, name, "text", known, distinct, codes=codes, top=tuple(top))
    column = replace(column, is_text_in_file=kind == "VARCHAR", doubts=_code_doubts(column))
    if is_outcome and kind == "VARCHAR":
        return replace(column, type="boolean" if _is_yes_or_no(connection, column) else "category")
    column = _typed(connection, column) if kind == "VARCHAR" else _typed_in_file(connection, column, kind)
    if column.is_number and column.type != "boolean" and column.distinct <= MAX_CATEGORIES and not is_outcome:
        column = _with_placeholders(connection, column)
    if column.type == "bigint" and _is_epoch(connection, column):
        column = replace(column, epoch=1 if float(column.top[0][0]) < 1e11 else 1_000)
    is_code = column.tokens & WORDS["code"] and not column.tokens & WORDS["count"]
    # 0 and 1 of a sex are no yes and no
    is_kind = column.tokens & WORDS["kind"]
    # site_seconds has many values too, but they are no sites
    is_few = column.distinct <= MAX_CATEGORIES or column.name.split("_")[-1] in WORDS["code"]
    is_whole = column.type == "bigint" and not column.epoch
    if (is_whole and is_few and (is_code or is_kind)) or (column.type == "boolean" and is_kind):
        column = replace(column, type=_text_type(column.known, column.distinct))
    return column


def _code_doubts(column: Column) -> tuple[str, ...]:
    """Return whether NA may be a name, such as North America's, among other abbreviations."""
    short = [value for value, _ in column.top if re.fullmatch("[A-Z]{2,4}", str(value))]
    if "na" in column.codes and len(short) >= max(1, len(column.top) / 2):
        return (
            f"Is NA in {column.raw} not known, or a name beside {', '.join(short[:3])}? A name: take na out "
            "of missing_codes in seeds/raw_columns.csv.",
        )
    return ()


def _codes(connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """Return the texts that mean missing, and delete them from the table `spread`."""
    listed = ", ".join(map(literal, sorted(WORDS["no_answer"])))
    condition = f"lower(value) in ({listed})"
    found = connection.execute(
        f"select distinct lower(value) from spread where {condition} order by 1"
    ).fetchall()
    connection.execute(f"delete from spread where {condition}")
    return tuple(code for (code,) in found)


def _count(connection: duckdb.DuckDBPyConnection, condition: str) -> tuple[int, int]:
    """Count the cells and distinct values of the table `spread` that meet a condition."""
    row = connection.execute(
        f"select coalesce(sum(row_count), 0)::bigint, count(*) from spread where {condition}"
    ).fetchone()
    return row or (0, 0)


def _typed_in_file(connection: duckdb.DuckDBPyConnection, column: Column, kind: str) -> Column:
    """Return a column that is not text in the file with its type."""
    if kind == "BOOLEAN" or {value.removesuffix(".0") for value, _ in column.top} == {"0", "1"}:
        return replace(column, type="boolean")
    if kind.startswith("TIMESTAMP"):
        return replace(column, type="timestamp")
    if kind == "DATE":
        return replace(column, type="date")
    if "INT" in kind:
        too_large, _ = _count(connection, "try_cast(value as bigint) is null")
        if too_large or column.is_identifier:
            return replace(column, type=_text_type(column.known, column.distinct))
        return _numeric_date(connection, column) or replace(column, type="bigint")
    if kind in ("DOUBLE", "FLOAT") or kind.startswith("DECIMAL"):
        infinite, _ = _count(connection, "not isfinite(try_cast(value as double))")
        return _numeric_date(connection, column) or replace(column, type="double", unread=infinite)
    return replace(column, type=_text_type(column.known, column.distinct))


def _text_type(known: int, distinct: int) -> str:
    return (
        "text"
        if distinct > MAX_CATEGORIES or (known >= 50 and distinct > MAX_DISTINCT_SHARE * known)
        else "category"
    )


def _is_yes_or_no(connection: duckdb.DuckDBPyConnection, column: Column) -> bool:
    """Return whether every value says yes or no, and both occur."""
    said = yes_or_no("value")
    counts = [_count(connection, f"{said} = {answer}")[0] for answer in ("true", "false")]
    return all(counts) and sum(counts) == column.known


def _typed(connection: duckdb.DuckDBPyConnection, column: Column) -> Column:
    """Return the column with the type of its texts."""
    if _is_yes_or_no(connection, column):
        return replace(column, type="boolean")
    # 007 is an identifier
    is_label = column.is_identifier or _count(connection, "regexp_matches(value, '^-?0[0-9]')")[0]
    if not is_label and (numeric := _numeric_date(connection, column) or _numeric(connection, column)):
        return numeric
    if dated := _dated(connection, column):
        return dated
    column = replace(column, type=_text_type(column.known, column.distinct))
    looks, _ = _count(
        connection, r"regexp_matches(value, '^[^\p{L}]*[0-9][^\p{L}]*$|^[^0-9]{0,4}[0-9., ]+[^0-9]{0,4}$')"
    )
    is_key = column.is_identifier or column.tokens & WORDS["key"]
    if looks > column.known / 2 and not is_key and column.distinct > 20:
        doubt = (
            f"{looks:,} values of {column.raw}, such as {column.top[0][0]}, look like numbers or dates in a "
            "spelling that is not read, so it is text. Write them as 1234.50 or 2026-01-31."
        )
        return replace(column, doubts=(*column.doubts, doubt))
    return column


def _numeric(connection: duckdb.DuckDBPyConnection, column: Column) -> Column | None:
    """Return the column as numbers if nearly all texts are, or all but a few answers; otherwise None."""
    formats, doubts = _number_formats(connection, column)
    plain = number("value", formats, is_whole=True)
    is_number = f"isfinite(coalesce(try_cast({plain} as double), 'nan'))"
    numbers, _ = _count(connection, is_number)
    others, answers = column.known - numbers, _count(connection, f"not {is_number}")[1]
    # 5+ is an answer; a bar separates codes
    if _count(connection, f"not {is_number} and value similar to '.*[0-9|].*'")[0]:
        answers = MAX_NON_NUMERIC_CODES + 1
    is_answered = answers <= MAX_NON_NUMERIC_CODES and numbers >= column.known / 2
    if not numbers or not (others <= 0.01 * column.known or is_answered):
        return None
    whole = _count(connection, f"{is_number} and try_cast({plain} as double) % 1 != 0")[0] == 0
    column = replace(
        column, type="bigint" if whole else "double", formats=formats, doubts=(*column.doubts, *doubts)
    )
    unread, _ = _count(connection, f"{is_number} and ({read_text('value', column.declared())}) is null")
    if unread:
        # too large for a whole number
        return replace(column, type=_text_type(column.known, column.distinct), formats=())
    if 0 < answers <= MAX_NON_NUMERIC_CODES:
        texts = connection.execute(
            f"select lower(value) from spread where not {is_number} order by 1"
        ).fetchall()
        codes = tuple(dict.fromkeys([*column.codes, *(code for (code,) in texts)]))
        return replace(column, codes=codes, known=numbers, distinct=column.distinct - answers)
    return replace(column, unread=others)


def _number_formats(
    connection: duckdb.DuckDBPyConnection, column: Column
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the spelling of a column's numbers, `()` for the plain one, and what to ask about it."""
    counts = {
        formats: _count(connection, f"{number('value', formats, is_whole=True)} is not null")[0]
        for formats in ((), *((form,) for form in NUMBER_FORMATS))
    }
    readable = f"{number('value', NUMBER_FORMATS)} is not null"
    signs = connection.execute(
        f"select distinct {decoration('value')} from spread where {readable}"
    ).fetchall()
    if len(signs) > 1:
        # two currencies, or 45% beside .45, are not one scale
        return (), ()
    commas, dots = NUMBER_FORMATS
    for form, pattern, mark in ((dots, THOUSANDS_WITH_DOTS, "."), (commas, THOUSANDS_WITH_COMMAS, ",")):
        if _is_grouped(connection, pattern, mark):
            # 1.234 beside 999: numbers with three decimals would all have them
            is_thousands = mark == "," or bool(
                _count(connection, "regexp_matches(value, '^[+-]?[0-9]{1,3}$')")[0]
            )
            meaning = "thousands" if is_thousands else "decimals"
            asked = (
                f"Are the digits after '{mark}' in {column.raw} {meaning}? They are read so; formats in "
                "seeds/raw_columns.csv says otherwise."
            )
            return ((form,) if is_thousands else ()), (asked,)
    best = max(counts, key=lambda formats: counts[formats])
    return best if counts[best] > counts[()] else (), ()


def _is_grouped(connection: duckdb.DuckDBPyConnection, pattern: str, mark: str) -> bool:
    """Return whether three digits follow every mark, and no value speaks against thousands."""
    grouped, _ = _count(connection, f"regexp_matches(value, '{pattern}')")
    marked, _ = _count(connection, f"contains(value, '{mark}')")
    other = "." if mark == "," else ","
    against = f"regexp_matches(value, '^[+-]?[0-9]{{4,}}$') or contains(value, '{other}')"
    return bool(grouped and grouped == marked and not _count(connection, against)[0])


def _numeric_date(connection: duckdb.DuckDBPyConnection, column: Column) -> Column | None:
    """Return the column as dates if all of its numbers are such as 20240131, or days of a spreadsheet."""
    if not column.known:
        return None
    written = "regexp_matches(value, '^(19|20)[0-9]{2}(0[1-9]|1[0-2])[0-3][0-9]$')"
    dates = f"{written} and try_strptime(value, '%Y%m%d') is not null"
    if column.distinct > 1 and _count(connection, dates)[0] == column.known:
        return replace(column, type="date", formats=("%Y%m%d",))
    days = "try_cast(value as double) between 20000 and 60000"
    is_date = column.tokens & {"date", "on", "datetime", "timestamp", "day"}
    if is_date and not column.tokens & WORDS["count"] and _count(connection, days)[0] == column.known:
        has_time = _count(connection, "try_cast(value as double) % 1 != 0")[0]
        asked = (
            f"Are the numbers of {column.raw} dates of a spreadsheet (45292 = 2024-01-01)? They are read so."
        )
        return replace(
            column,
            type="timestamp" if has_time else "date",
            formats=(EXCEL_DAYS,),
            doubts=(*column.doubts, asked),
        )
    return None


def _dated(connection: duckdb.DuckDBPyConnection, column: Column) -> Column | None:
    """Return the column as dates or times if nearly all of its texts are, otherwise None."""
    zeros = connection.execute(
        f"select value from spread where regexp_matches(value, '{ZERO_DATE}')"
    ).fetchall()
    nothing, distinct_zeros = _count(connection, f"regexp_matches(value, '{ZERO_DATE}')")
    known = column.known - nothing
    if not known or not any(re.search(r"[0-9]{1,4}[-/. ,]", value) for value, _ in column.top):
        return None
    if zeros:
        codes = (*column.codes, *(value for (value,) in zeros))
        column = replace(column, codes=codes, known=known, distinct=column.distinct - distinct_zeros)
    readings = _date_readings(connection, column)
    if not readings:
        return None
    _, formats, value, read = _likely_order(connection, readings)
    has_time = _count(connection, f"({value}) is not null and cast(({value}) as time) != time '00:00'")[0]
    doubts = column.doubts
    if len(readings) > 1:
        other = next(reading[2] for reading in readings if reading[1] != formats)
        shown, day = connection.execute(
            f"select value, cast({value} as date) from spread where ({value}) is not null "
            f"order by ({value}) is distinct from ({other}) desc, value limit 1"
        ).fetchone() or ("", None)
        doubts += (
            f"Day and month of {column.raw} cannot be told apart: {shown} is read as {day:%-d %B %Y}. "
            "If that is wrong, change formats in seeds/raw_columns.csv.",
        )
    kind = "timestamp" if has_time else "date"
    return replace(column, type=kind, formats=formats, unread=known - read, doubts=doubts)


Reading = tuple[int, tuple[str, ...], str, int]


def _date_readings(connection: duckdb.DuckDBPyConnection, column: Column) -> list[Reading]:
    """Return the ways to read nearly all texts as times with the fewest in the future.

    A reading is: number of values in the future, formats, SQL of the value, and number of values read.
    """
    readings: list[Reading] = []
    connection.execute("create or replace temp table shown as select value from spread limit 20")
    for ending in (None, "", *TIMES):
        spelt: list[tuple[str, ...]] = [()] if ending is None else [(form + ending,) for form in DATE_FORMATS]
        values = [
            read_text("value", replace(column, type="timestamp", formats=formats).declared())
            for formats in spelt
        ]
        counted = ", ".join(f"count({value}) > 0.8 * count(*)" for value in values)
        likely = connection.execute(f"select {counted} from shown").fetchone() or ()
        for formats, value, is_likely in zip(spelt, values, likely, strict=True):
            read = _count(connection, f"({value}) is not null")[0] if is_likely else 0
            if read >= 0.99 * column.known:
                future, _ = _count(connection, f"({value}) > current_date + 1")
                readings.append((future, formats, value, read))
        if readings:
            break
    return [reading for reading in readings if reading[0] == min(readings)[0]]


def _likely_order(connection: duckdb.DuckDBPyConnection, readings: list[Reading]) -> Reading:
    """Return the reading by which all dates are the first of a month, if there is one; else the first."""
    for reading in readings if len(readings) > 1 else []:
        if _count(connection, f"day({reading[2]}) > 1")[0] == 0:
            return reading
    return readings[0]


def _with_placeholders(connection: duckdb.DuckDBPyConnection, column: Column) -> Column:
    """Return the column with outlying placeholders as codes, such as -1 below 0, or 99 on a scale to 5."""
    value = f"try_cast({read_text('value', column.declared())} as double)"
    found = connection.execute(
        f"select {value} as number, sum(row_count) from spread "
        "where isfinite(number) group by number order by number"
    ).fetchall()
    others = [number for number, _ in found if number not in PLACEHOLDERS]
    codes = []
    if others and len(found) > 2:
        low, high = others[0], others[-1]
        rows_of_highest = dict(found)[high]
        for number, rows in found:
            is_below = number < 0 <= low and number in PLACEHOLDERS
            is_above = number in PLACEHOLDERS and number > max(3 * high, high + 3)
            is_frequent = rows >= 0.005 * column.known and (rows > rows_of_highest / 5 or high <= 12)
            if is_below or (is_above and is_frequent):
                codes.append(f"{number:g}")
    if not codes:
        return column
    listed = ", ".join(codes)
    dropped, values = _count(connection, f"{value} in ({listed})")
    return replace(
        column, codes=(*column.codes, *codes), known=column.known - dropped, distinct=column.distinct - values
    )


def _is_epoch(connection: duckdb.DuckDBPyConnection, column: Column) -> bool:
    """Return whether whole numbers are seconds or milliseconds since 1970, between 1995 and 2095."""
    row = connection.execute(
        "select min(try_cast(value as double)), max(try_cast(value as double)) from spread"
    )
    low, high = row.fetchone() or (None, None)
    is_named = bool(column.tokens & {"time", "timestamp", "ts", "date", "at", "epoch"})
    return bool(is_named and low and any(8e8 * scale <= low and high < 4e9 * scale for scale in (1, 1_000)))
