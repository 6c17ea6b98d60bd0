"""SQL of rows whose key an earlier row has: they repeat it, fill in what was empty, or contradict it.

DuckDB only. On Spark a later row of a key is a duplicate where it is equal, and rejected otherwise.
"""

from python_models.common.sql import quote_identifier, text_literal, text_literals
from python_models.inputs.raw_files.columns import RawColumn


def known_value(column: RawColumn, value: str) -> str:
    """Return SQL of a column's value, null where it is a code for missing."""
    if column.is_text:
        codes = text_literals([*column.codes, *(raw for raw, clean in column.recoded.items() if not clean)])
        return f"case when lower({value}) not in ({codes}) then {value} end" if codes else value
    codes = ", ".join(column.numeric_codes)
    return f"case when {value} not in ({codes}) then {value} end" if codes else value


def compare_with_earlier_rows(key: list[str], values: dict[str, str], is_readable: str) -> str:
    """Return the CTE `repetitions` over the readable rows of `repeated_rows`: all but the first of each key.

    Parameters
    ----------
    key : list of str
        Names of the key's columns.
    values : dict
        Name of each other column -> SQL of its known value.
    is_readable : str
        SQL of the condition that a row is not rejected for its own values.

    Notes
    -----
    Columns of the CTE: `occurrence`, `is_equal`, `is_later_file` (the first row of its key in a later file),
    `kept_file` and `kept_row`, and the names of columns in which it `differs`, `contradicts` or `fills_in`
    what all rows before it say.
    """
    names = list(values)
    items = "".join(f"\n        {values[name]} as {quote_identifier(name)}," for name in names)
    earlier = "".join(
        f"\n        first_value({quote_identifier(name)} ignore nulls) over earlier_rows as "
        f"{quote_identifier(f'earlier_{name}')},"
        for name in names
    )
    partition = f"partition by {', '.join(key)} order by file_name, row_number"
    return f"""readable_rows as (
    select
        file_name,
        row_number,
        {", ".join(key)},
        content,{items}
    from repeated_rows
    where {is_readable}
),

earlier_values as (
    select
        *,
        row_number() over by_key as occurrence,
        first_value(file_name) over by_key as kept_file,
        first_value(row_number) over by_key as kept_row,
        content = first_value(content) over by_key as is_equal_text,
        coalesce(lag(file_name) over by_key != file_name, false) as is_later_file,{earlier}
    from readable_rows
    window
        by_key as ({partition}),
        earlier_rows as ({partition} rows between unbounded preceding and 1 preceding)
    qualify occurrence > 1
),

repetitions as (
    select
        file_name,
        row_number,
        occurrence,
        kept_file,
        kept_row,
        is_later_file,
        {_names_where(names, "{now} is distinct from {earlier}")} as differs,
        {_names_where(names, "{now} != {earlier}")} as contradicts,
        {_names_where(names, "{now} is not null and {earlier} is null")} as fills_in,
        is_equal_text or len(differs) = 0 as is_equal,
    from earlier_values
)"""


def duplicate_reason(key: list[str]) -> str:
    """Return SQL of the reason why a row of `repetitions` is not kept."""
    values = "".join(f", ' {name} ''', {name}, ''''" for name in key)
    return f"""case
                when occurrence > 1
                    then concat(
                        'duplicated key:'{values}, ' is already there',
                        case
                            when is_equal then ' in an equal row'
                            when is_later_file and len(contradicts) = 0 and len(fills_in) > 0
                                then concat(
                                    '; fills in ', array_to_string(fills_in, ', '),
                                    ' of row ', kept_row, ' of ', kept_file
                                )
                            when is_later_file and len(contradicts) = 0 then ' with more values'
                            else concat(
                                ': row ', row_number, ' of ', file_name,
                                ' and row ', kept_row, ' of ', kept_file, ' differ in ',
                                array_to_string(if(is_later_file, contradicts, differs), ', ')
                            )
                        end
                    )
            end"""


# Conditions over `typed`: such a row is no contradiction, and it fills in what was empty.
IS_DUPLICATE = "(is_equal or (is_later_file and len(contradicts) = 0))"
FILLS_IN = "not is_equal and is_later_file and len(contradicts) = 0 and len(fills_in) > 0"


def kept_rows(columns: list[RawColumn], others: list[str], relation: str, item: str | None = None) -> str:
    """Return SQL of a base model's kept rows, with what rows of later files fill in.

    The base model has all rows as the files have them, so that a file that changes or goes takes with it what
    it had filled in. Nothing is copied where no row fills in anything. `item` is one more column, over the
    base model.
    """
    compared = {column.name: column for column in columns if not column.is_key} | dict.fromkeys(others)
    names = {name: quote_identifier(name) for name in compared}

    def known(name: str, prefix: str = "") -> str:
        column = compared[name]
        value = f"{prefix}{names[name]}"
        return known_value(column, value) if column else value

    first = "".join(
        f",\n        any_value({known(name)} order by file_name, row_number) as {names[name]}"
        for name in names
    )
    replaced = [
        f"coalesce({known(name, 'base_rows.')}, additions.{names[name]}, base_rows.{names[name]}) "
        f"as {names[name]}"
        for name in names
    ]
    replaced += _codes_left([column for column in columns if not column.is_key])
    more = f", {item}" if item else ""
    # no CTE: a view forgets that one is not materialized, and DuckDB then reads columns that nobody asks for
    return f"""select base_rows.*{more}
from {relation} as base_rows
anti join (
    select
        fills_file,
        fills_row
    from {relation}
    where fills_row is not null
) as additions
    on base_rows.file_name = additions.fills_file and base_rows.row_number = additions.fills_row
where base_rows.reject_reason is null

union all

select base_rows.*{f" replace ({', '.join(replaced)})" if replaced else ""}{more}
from {relation} as base_rows
inner join (
    select
        fills_file,
        fills_row{first}
    from {relation}
    where fills_row is not null
    group by fills_file, fills_row
) as additions
    on base_rows.file_name = additions.fills_file and base_rows.row_number = additions.fills_row
where base_rows.reject_reason is null
"""


def _codes_left(columns: list[RawColumn]) -> list[str]:
    """Return the item `coded_missing` without the columns that were filled in, if any column has codes."""
    cases = ", ".join(
        f"case when additions.{column.name} is not null then {text_literal(column.name)} end"
        for column in columns
        if column.codes and not column.is_text
    )
    if not cases:
        return []
    return [
        "list_filter(base_rows.coded_missing, "
        f"lambda name: not coalesce(list_contains([{cases}], name), false)) as coded_missing"
    ]


def _names_where(names: list[str], condition: str) -> str:
    """Return SQL of the list of names for which a condition about `{now}` and `{earlier}` holds."""
    if not names:
        return "cast([] as varchar [])"
    cases = ", ".join(
        "case when "
        + condition.format(now=quote_identifier(name), earlier=quote_identifier(f"earlier_{name}"))
        + f" then {text_literal(name)} end"
        for name in names
    )
    return f"list_filter([{cases}], lambda name: name is not null)"
