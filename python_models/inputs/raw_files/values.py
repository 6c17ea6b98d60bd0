"""Raw values as their declared type, in SQL; null where a value cannot be read as one."""

from dataclasses import dataclass

from python_models.common import spellings
from python_models.common.sql import text_literals
from python_models.inputs.raw_files.columns import RawColumn

# What a value of a type is called in the reason why a row is rejected.
TYPE_NAMES = {
    "bigint": "a whole number",
    "double": "a number",
    "boolean": "yes or no",
    "date": "a date (YYYY-MM-DD)",
    "timestamp": "a time (YYYY-MM-DD HH:MM:SS)",
    "interests": 'a list of weights ({"topic": 0.5})',
    "phone": "a phone number (withheld)",
}


@dataclass(frozen=True)
class Typing:
    """How values are typed: by which engine, and with which country code for phone numbers without one."""

    engine: str = "duckdb"
    country_code: str = "254"

    def cast(self, value: str, kind: str) -> str:
        """Return SQL of a value as a type; Spark reads neither 30.0 nor 2026/11/30 itself, but 30d."""
        if self.engine == "spark" and kind == "bigint":
            value = f"try_cast({value} as decimal(38, 9))"
        elif self.engine == "spark" and kind == "double":
            value = f"case when not regexp_matches(cast({value} as varchar), '[dDfF]$') then {value} end"
        elif self.engine == "spark" and kind in ("date", "timestamp"):
            value = f"replace(cast({value} as varchar), '/', '-')"
        return f"try_cast({value} as {kind})"

    def value(self, column: RawColumn, is_safe: bool = False, is_text: bool = True) -> str:
        """Return SQL of a column's value.

        `is_safe` spares checks where all values are of the type, `is_text` says whether the file has text.
        """
        raw = column.raw
        match column.type:
            case "text":
                return f"cast({raw} as varchar)"
            case "category":
                return f"lower(cast({raw} as varchar))"
            case "interests":
                return _interests(column)
            case "private" | "phone":
                return self._pseudonym(column)
        if is_safe:
            return self.cast(raw, column.type)
        if self.engine == "duckdb" and is_text:
            return read_text(raw, column)
        number = self.cast(raw, "double")
        match column.type:
            case "bigint":
                # '30.0' is 30, '30.5' is no whole number
                return f"case when {number} % 1 = 0 then {self.cast(raw, 'bigint')} end"
            case "double":
                return f"case when isfinite({number}) then {number} end"
            case "boolean":
                return f"if({number} in (0, 1), {number} = 1, try_cast(cast({raw} as varchar) as boolean))"
            case "date" | "timestamp":
                return self._time(column)
        return self.cast(raw, column.type)

    def identifier(self, column: RawColumn) -> str:
        """Return SQL of a phone number's digits with country code, or of another identifier, unwrapped."""
        text = f"cast({column.raw} as varchar)"
        return (
            spellings.private(text) if column.type == "private" else spellings.phone(text, self.country_code)
        )

    def _pseudonym(self, column: RawColumn) -> str:
        identifier = self.identifier(column)
        return f"pseudonym({f'lower({identifier})' if column.type == 'private' else identifier})"

    def _time(self, column: RawColumn) -> str:
        text = f"cast({column.raw} as varchar)"
        if self.engine == "duckdb":
            return spellings.time(text, column.type, column.formats)
        declared = f"""
                -- of 'infinity' strptime makes the year 1900
                cast(try_strptime(
                    case when regexp_matches({text}, '[0-9]') then {text} end,
                    [{text_literals(column.formats)}]
                ) as {column.type}),"""
        value = f"""coalesce({declared if column.formats else ""}
                case
                    when regexp_matches({text}, '^[0-9]+[-/][0-9]+[-/][0-9]+($|[ T])')
                        then {self.cast(column.raw, column.type)}
                end
            )"""
        return f"case when year({value}) between 1000 and 9999 then {value} end"


def read_text(text: str, column: RawColumn) -> str:
    """Return DuckDB's SQL of a text as a number, boolean, date or time; null where it cannot be read."""
    match column.type:
        case "bigint":
            plain = spellings.number(text, column.formats, is_identifier=column.is_identifier)
            # '30.0' is 30, '30.5' is no whole number
            return f"case when try_cast({plain} as double) % 1 = 0 then try_cast({plain} as bigint) end"
        case "double":
            plain = spellings.number(text, column.formats, is_identifier=column.is_identifier)
            return f"case when isfinite(try_cast({plain} as double)) then try_cast({plain} as double) end"
        case "boolean":
            return spellings.yes_or_no(text)
    return spellings.time(text, column.type, column.formats)


def _interests(column: RawColumn) -> str:
    """Return SQL of a map of weights as lists, if all of them are finite numbers."""
    weights = f"map_values(map_{column.name})"
    return f"""case
            when list_count({weights}) = len({weights}) and isfinite(coalesce(list_sum({weights}), 0))
                then struct_pack(topics := map_keys(map_{column.name}), weights := {weights})
        end"""
