"""SQL of the raw identifiers behind pseudonyms, for the table that leads back from them only."""

from python_models.common.sql import quote_identifier
from python_models.inputs.raw_files.files import Thing
from python_models.inputs.raw_files.matching import find_columns
from python_models.inputs.raw_files.values import Typing


def identified_rows(thing: Thing, typing: Typing, relation: str) -> str:
    """Return SQL of phone numbers and other identifiers of kept rows and of those that add to them."""
    columns = [column for column in thing.columns() if column.is_personal]
    found = find_columns(thing.files(), columns)
    identifiers = "".join(f"\n    {typing.identifier(column)} as {column.name}," for column in columns)
    raw_values = "".join(
        f"\n        {_raw_value(found[column].names)} as {column.raw}," for column in columns
    )
    return f"""select distinct{identifiers}
from (
    select{raw_values}
    from raw_rows
    semi join {relation} as base
        on raw_rows.file_name = base.file_name and raw_rows.row_number = base.row_number
            and (base.row_status = 'kept' or base.fills_row is not null)
)"""


def _raw_value(names: list[str]) -> str:
    if not names:
        return "null"
    return f"nullif(trim(cast(coalesce({', '.join(map(quote_identifier, names))}) as varchar)), '')"
