"""Profile the columns of an unknown table: types, codes for missing values, and distributions."""

import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
from ruamel.yaml import YAML

from python_models.common.errors import UserError
from python_models.common.sql import quote_identifier
from python_models.engines.duckdb.file_checks import csv_columns, file_problem

# Words in names and values, by meaning.
WORDS: dict[str, set[str]] = {
    meaning: set(words)
    for meaning, words in YAML(typ="safe").load(Path(__file__).with_name("column_words.yml")).items()
}
# Numbers that surveys and registers use for missing answers.
PLACEHOLDERS = {-9999, -999, -99, -98, -97, -9, -8, -7, -1, 9, 88, 97, 98, 99, 888, 997, 998, 999, 9998, 9999}
DATE_FORMATS = (
    *("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y", "%d %b %Y", "%d %B %Y"),
    *("%b %d, %Y", "%d/%b/%Y", "%Y%m%d"),
)
TIMES = (" %H:%M:%S", " %H:%M", " %I:%M %p")
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
    their counts. `epoch` is the number of units per second if whole numbers are times.
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
    def words(self) -> str:
        """The name with spaces."""
        return self.name.replace("_", " ")

    @property
    def tokens(self) -> set[str]:
        """The words of the name, also split at capitals."""
        split = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", self.raw)
        return set(re.findall(r"[a-z]+", split.lower())) | set(self.name.split("_"))

    def value_sql(self) -> str:
        """Return the typed value as SQL on the raw cells; null if missing or not of the type."""
        cell = quote_identifier(self.raw)
        if self.codes:
            listed = ", ".join(literal(code) for code in self.codes)
            cell = f"case when lower(cast({cell} as varchar)) not in ({listed}) then {cell} end"
        if self.epoch:
            return f"make_timestamp(cast({cell} as bigint) * {1_000_000 // self.epoch})"
        if self.type == "category":
            return f"lower(cast({cell} as varchar))"
        if self.is_text:
            return f"cast({cell} as varchar)"
        if self.formats:
            listed = ", ".join(literal(form) for form in self.formats)
            return f"cast(try_strptime(cast({cell} as varchar), [{listed}]) as {self.type})"
        if self.type == "bigint":
            return f"try_cast(try_cast({cell} as double) as bigint)"
        if self.type == "boolean":
            text = f"cast({cell} as varchar)"
            return f"coalesce(try_cast({text} as double) = 1, try_cast({text} as boolean))"
        return f"try_cast({cell} as {self.type})"


def literal(text: str) -> str:
    """Return text as a DuckDB literal that Jinja does not interpret."""
    return "'" + re.sub(r"\{(?=[{%#])", "{' || '", text.replace("'", "''")) + "'"


def open_file(connection: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    """Create the table `cells` from a CSV or Parquet file, as dbt will read it; return its column names.

    Raises
    ------
    UserError
        If the file is damaged, or its first line is not a header.
    """
    if problem := file_problem(path):
        raise UserError(f"{path}: {problem}")
    if path.suffix == ".parquet":
        rows = connection.read_parquet(str(path))
        kinds = zip(rows.columns, map(str, rows.types), strict=True)
        flat = [
            name for name, kind in kinds if not re.search(r"\[|\(|BLOB|MAP|UNION", kind) or "DECIMAL" in kind
        ]
        rows.project(", ".join(map(quote_identifier, flat))).create("cells")
        return flat
    header = json.loads(csv_columns(path))
    names: list[str] = header["names"]
    if sum(bool(re.fullmatch(r"-?[0-9.]+", name)) for name in names) >= len(names) / 4:
        raise UserError(
            f"{path}: the first line, {', '.join(names[:3])}, ..., looks like data. Put a line with "
            "the names of the columns before it."
        )
    for number, name in enumerate(names, start=1):
        if not name or name.lower() in [other.lower() for other in names[: number - 1]]:
            problem = "there twice" if name else "empty"
            raise UserError(
                f"{path}: column {number} of the header, '{name}', is {problem}. "
                "Give each column a name of its own."
            )
        if set(name) & set('"|'):
            raise UserError(f'{path}: the name of column {number}, {name}, holds " or |. Rename it.')
    listed = ", ".join(f"{literal(name)}: 'varchar'" for name in names)
    trimmed = ", ".join(f"nullif(trim({name}), '') as {name}" for name in map(quote_identifier, names))
    connection.execute(
        f"create table cells as select {trimmed} from read_csv({literal(str(path))}, auto_detect = false, "
        f"header = true, delim = {literal(header['delimiter'])}, quote = '\"', escape = '\"', "
        f"columns = {{{listed}}}, ignore_errors = true)"
    )
    return names


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
        same = sum(re.fullmatch(rf"{plain}(_[0-9]+)?", other) is not None for other in names.values())
        names[name] = f"{plain}_{same + 1}" if same else plain
    return names


def profile(connection: duckdb.DuckDBPyConnection, raw: Iterable[str]) -> list[Column]:
    """Profile the columns of the table `cells`."""
    kinds = {name: str(kind) for name, kind, *_ in connection.execute("describe cells").fetchall()}
    return [_profile(connection, name, short, kinds[name]) for name, short in table_names(raw).items()]


def _profile(connection: duckdb.DuckDBPyConnection, raw: str, name: str, kind: str) -> Column:
    connection.execute(
        f"create or replace temp table spread as select cast({quote_identifier(raw)} as varchar) as value, "
        f"count(*) as row_count from cells where {quote_identifier(raw)} is not null group by value"
    )
    codes = _codes(connection) if kind == "VARCHAR" else ()
    known, distinct = _count(connection, "true")
    top = connection.execute("select * from spread order by row_count desc, value limit 50").fetchall()
    column = Column(raw, name, "text", known, distinct, codes=codes, top=tuple(top))
    column = (
        _typed(connection, column)
        if kind == "VARCHAR"
        else replace(column, type=_type_of(kind, known, distinct))
    )
    if column.is_number and column.type != "boolean" and column.distinct <= MAX_CATEGORIES:
        column = _with_placeholders(connection, column)
    if column.type == "bigint" and _is_epoch(connection, column):
        column = replace(column, epoch=1 if float(column.top[0][0]) < 1e11 else 1_000)
    return column


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


def _type_of(kind: str, known: int, distinct: int) -> str:
    """Return the type of a column that is not text in the file."""
    if kind == "BOOLEAN":
        return "boolean"
    if "INT" in kind:
        return "bigint"
    if kind.startswith("TIMESTAMP"):
        return "timestamp"
    if kind == "DATE":
        return "date"
    if kind in ("DOUBLE", "FLOAT") or kind.startswith("DECIMAL"):
        return "double"
    return _text_type(known, distinct)


def _text_type(known: int, distinct: int) -> str:
    return (
        "text"
        if distinct > MAX_CATEGORIES or (known >= 50 and distinct > MAX_DISTINCT_SHARE * known)
        else "category"
    )


def _typed(connection: duckdb.DuckDBPyConnection, column: Column) -> Column:
    """Return the column with the type of its texts."""
    values = {value.lower() for value, _ in column.top}
    if column.distinct == 2 and any(
        values == pair for pair in ({"yes", "no"}, {"y", "n"}, {"true", "false"}, {"t", "f"}, {"0", "1"})
    ):
        return replace(column, type="boolean")
    number = "isfinite(coalesce(try_cast(value as double), 'nan'))"
    # 007 is an identifier
    if not _count(connection, "regexp_matches(value, '^-?0[0-9]')")[0]:
        numbers, _ = _count(connection, number)
        others, answers = column.known - numbers, _count(connection, f"not {number}")[1]
        # 5+ is an answer; a bar separates codes
        answers = (
            answers if not _count(connection, f"not {number} and value similar to '.*[0-9|].*'")[0] else 99
        )
        if numbers and (
            others <= 0.01 * column.known
            or (answers <= MAX_NON_NUMERIC_CODES and numbers >= column.known / 2)
        ):
            whole = _count(connection, f"{number} and try_cast(value as double) % 1 != 0")[0] == 0
            column = replace(column, type="bigint" if whole else "double")
            if 0 < answers <= MAX_NON_NUMERIC_CODES:
                texts = connection.execute(
                    f"select lower(value) from spread where not {number} order by 1"
                ).fetchall()
                codes = tuple(dict.fromkeys([*column.codes, *(code for (code,) in texts)]))
                return replace(column, codes=codes, known=numbers, distinct=column.distinct - answers)
            return replace(column, unread=others)
    if dated := _dated(connection, column):
        return dated
    return replace(column, type=_text_type(column.known, column.distinct))


def _dated(connection: duckdb.DuckDBPyConnection, column: Column) -> Column | None:
    """Return the column as dates or times if nearly all of its texts are, otherwise None."""
    if not column.known or not re.search(r"[0-9]{1,4}[-/. ,]", column.top[0][0]):
        return None
    looks_iso = "regexp_matches(value, '^[0-9]+[-/][0-9]+[-/][0-9]+($|[ T])')"
    iso = f"try_cast(value as timestamp) is not null and {looks_iso}"
    enough = 0.99 * column.known
    if (read := _count(connection, iso)[0]) >= enough:
        has_time = _count(connection, f"{iso} and try_cast(value as timestamp)::time != time '00:00'")[0]
        return replace(column, type="timestamp" if has_time else "date", unread=column.known - read)
    for ending in ("", *TIMES):
        for form in DATE_FORMATS:
            read, _ = _count(connection, f"try_strptime(value, {literal(form + ending)}) is not null")
            if read >= enough:
                kind = "timestamp" if ending else "date"
                return replace(column, type=kind, formats=(form + ending,), unread=column.known - read)
    return None


def _with_placeholders(connection: duckdb.DuckDBPyConnection, column: Column) -> Column:
    """Return the column with outlying placeholders as codes, such as -1 below 0, or 99 on a scale to 5."""
    found = connection.execute(
        "select try_cast(value as double) as number, sum(row_count) from spread "
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
    dropped, values = _count(connection, f"try_cast(value as double) in ({listed})")
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
