"""Statements that prepare raw files for `rows`: the view raw_rows, and lines that are no rows in raw_rejects.

raw_rows has file_name, row_number and the files' columns; raw_rejects has file_name, row_number, reason and
raw_text. CSV is loaded as text, so that no type is guessed.
"""

from python_models.common.sql import quote_identifier, text_literal
from python_models.inputs.raw_files.files import RawFile

_REJECTS = """create or replace temp table raw_rejects (
    file_name varchar, row_number bigint, reason varchar, raw_text varchar
);"""


def load_statements(files: list[RawFile], known: list[str]) -> list[str]:
    """Return DuckDB's statements; files whose rows are known are not read, but have their columns."""
    if len(known) == len(files):
        return []
    statements, names = [_REJECTS], []
    for index, file in enumerate(files, 1):
        name = f"raw_{'parquet' if file.delimiter is None else 'csv'}_{index}"
        names.append(name)
        if file.file_name in known:
            statements.append(_empty_view(file, name))
        elif file.delimiter is None:
            statements.append(_parquet_view(file, name))
        else:
            statements += [_csv_table(file, name), _csv_rejects(file, name), _make_room(file, name)]
    union = " union all by name\n".join(f"select * from {name}" for name in names)
    return [*statements, f"create or replace temp view raw_rows as\n{union}"]


def _empty_view(file: RawFile, name: str) -> str:
    columns = "".join(
        f"\n    cast(null as {kind}) as {quote_identifier(column)},"
        for column, kind in zip(file.names, file.types, strict=True)
    )
    return f"""create or replace temp view {name} as
select
    '' as file_name,
    cast(0 as bigint) as row_number,{columns}
where false;"""


def _parquet_view(file: RawFile, name: str) -> str:
    return f"""drop table if exists temp.reject_errors;
drop table if exists temp.reject_scans;
create or replace temp view {name} as
select
    {text_literal(file.file_name)} as file_name,
    file_row_number + 1 as row_number,
    * exclude (file_row_number)
from {file.parquet};"""


def _csv_table(file: RawFile, name: str) -> str:
    columns = ", ".join(f"{text_literal(column)}: 'varchar'" for column in file.names)
    return f"""drop table if exists temp.reject_errors;
drop table if exists temp.reject_scans;
create or replace temp table {name} as
select
    {text_literal(file.file_name)} as file_name,
    row_number() over () as row_number,
    *
from read_csv(
    {text_literal(file.path)}, auto_detect = false, header = true, store_rejects = true,
    delim = '{file.delimiter}', quote = '"', escape = '"',
    columns = {{{columns}}}
);"""


def _csv_rejects(file: RawFile, name: str) -> str:
    return f"""insert into raw_rejects
select
    {text_literal(file.file_name)},
    line - 1,
    concat(
        min_by(error_message, coalesce(column_idx, 0)),
        -- an open quote reaches to the next one; the reader shows only the beginning of a long line,
        -- and of a large file not all lines that are lost by it
        if(
            any_value(missing.line_count) > if(max(len(csv_line)) < 10000, 1000, 0),
            concat(
                '; open quotes in this file take in up to ', any_value(missing.line_count), ' other lines'
            ),
            nullif(concat(
                '; it takes in the ',
                max(len(rtrim(csv_line, chr(10))) - len(replace(rtrim(csv_line, chr(10)), chr(10), ''))),
                ' lines after it'
            ), '; it takes in the 0 lines after it')
        )
    ),
    min_by(csv_line, coalesce(column_idx, 0))
from reject_errors
cross join (
    select
        if(
            bool_or(error_type in ('UNQUOTED VALUE', 'LINE SIZE OVER MAXIMUM')),
            line_count({text_literal(file.path)}) - 1 - (select count(*) from {name}) - count(distinct line),
            0
        ) as line_count
    from reject_errors
) as missing
group by line;"""


def _make_room(file: RawFile, name: str) -> str:
    """Give rows the number that they have in the file, rejected lines counted."""
    file_name = text_literal(file.file_name)
    return f"""update {name}
set row_number = numbers.row_number
from (
    select
        range as row_number,
        row_number() over (order by range) as ordinal
    from range(1, (
        select if(count(*) = 0, 1, max(row_number) + 1 + (select count(*) from {name}))
        from raw_rejects where file_name = {file_name}
    ))
    where range not in (
        select row_number from raw_rejects where file_name = {file_name}
    )
) as numbers
where numbers.ordinal = {name}.row_number;"""


def spark_load_statements(files: list[RawFile], suffix: str) -> list[str]:
    """Return Spark's statements; its temporary views are shared by everybody, so their names have a suffix.

    One task reads a CSV file, so that rows have their number in the file. Spark finds lines that lack
    columns of the header, but does not say how many they have.
    """
    names: dict[str, str] = {}
    for file in files:
        for name in file.names:
            names.setdefault(name.lower(), name)
    statements, rows, rejects = [], [], []
    for index, file in enumerate(files, 1):
        present = [name.lower() for name in file.names]
        columns = ", ".join(
            f"{'' if lower in present else 'null as '}{_backticked(name)}" for lower, name in names.items()
        )
        file_name = text_literal(file.file_name)
        if file.delimiter is None:
            rows.append(
                f"select {file_name} as file_name, _metadata.row_index + 1 as row_number, {columns} "
                f"from parquet.{_backticked(file.path)}"
            )
            continue
        view = f"raw{suffix}_{index}"
        statements += _spark_csv_views(file, view)
        rows.append(
            f"select {file_name} as file_name, row_number, {columns} from {view} where unread_line is null"
        )
        rejects.append(
            f"select {file_name} as file_name, row_number, "
            f"'not the {len(file.names)} columns of the header' as reason, "
            f"unread_line as raw_text from {view} where unread_line is not null"
        )
    rejects.append(
        "select '' as file_name, cast(0 as bigint) as row_number, '' as reason, '' as raw_text where false"
    )
    return statements + [
        f"create or replace temporary view `raw_{kind}{suffix}` as {' union all '.join(parts)}"
        for kind, parts in (("rows", rows), ("rejects", rejects))
    ]


def _spark_csv_views(file: RawFile, view: str) -> list[str]:
    columns = " string, ".join(map(_backticked, file.names))
    return [
        f"create or replace temporary view `{view}_lines` ({columns} string, unread_line string) "
        f"using csv options (path {text_literal(file.path)}, sep '{file.delimiter}', header 'true', "
        "multiLine 'true', quote '\"', escape '\"', maxCharsPerColumn '-1', "
        "columnNameOfCorruptRecord 'unread_line')",
        f"create or replace temporary view `{view}` as "
        f"select *, monotonically_increasing_id() + 1 as row_number from {view}_lines",
        f"cache table {view}",
    ]


def _backticked(name: str) -> str:
    """Quote a name as Spark's identifier."""
    return f"`{name.replace('`', '``')}`"
