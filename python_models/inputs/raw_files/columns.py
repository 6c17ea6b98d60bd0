"""What the seeds `raw_columns.csv` and `recodings.csv` declare about the columns of raw files."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from duckdb import DuckDBPyConnection

from python_models.common.request_checks import match_key
from python_models.common.sql import text_literal


@dataclass(frozen=True)
class RawColumn:
    """A column of a raw file: its type, its names in files, and the rules for its values.

    Attributes
    ----------
    type : str
        text, category (text in lower case), bigint, double, boolean, date, timestamp, interests
        ({topic: weight}), phone or private (pseudonymised).
    names : list of str
        What it may be called in a file; the first one found is read.
    is_optional : bool
        Whether the file may lack it.
    is_row_number : bool
        Whether the row's number replaces it where the file lacks it.
    is_person : bool
        Whether it names the person whom the row is about.
    is_past : bool
        Whether it is a time that cannot lie in the future.
    codes : list of str
        Values in lower case that mean: not known.
    recoded : dict
        Raw value in lower case -> clean value.
    lowest, highest, outside : str, optional
        Range of a number; values outside it become missing or are clipped.
    formats : list of str
        Spellings of a date or time besides ISO 8601, or of a number besides the plain one (`spellings`).
    """

    name: str
    type: str
    names: list[str]
    is_key: bool = False
    is_required: bool = False
    is_optional: bool = False
    is_row_number: bool = False
    is_person: bool = False
    is_past: bool = False
    codes: list[str] = field(default_factory=list)
    recoded: dict[str, str | None] = field(default_factory=dict)
    lowest: str | None = None
    highest: str | None = None
    outside: str | None = None
    formats: list[str] = field(default_factory=list)

    @property
    def raw(self) -> str:
        """Its value as the file has it, in SQL."""
        return f"raw_{self.name}"

    @property
    def is_text(self) -> bool:
        """Whether its values are text."""
        return self.type in ("text", "category")

    @property
    def is_identifier(self) -> bool:
        """Whether its values name somebody or something."""
        return self.is_key or self.is_person

    @property
    def numeric_codes(self) -> list[str]:
        """The codes for missing that are numbers."""
        return [code for code in self.codes if re.fullmatch("-?[0-9.]+", code)]

    @property
    def is_personal(self) -> bool:
        """Whether its values are pseudonymised."""
        return self.type in ("phone", "private")


def read_seed(
    connection: DuckDBPyConnection, folder: Path, seed: str, source: str = "", thing: str = ""
) -> list[dict[str, str | None]]:
    """Return a seed's rows (about a source and thing) from its file, so that no `dbt seed` is needed."""
    conditions = [f"{match_key('source')} = {match_key(text_literal(source))}"] if source else []
    conditions += [f"thing = {text_literal(thing)}"] if thing else []
    found = connection.sql(
        f"select * from read_csv({text_literal(str(folder / f'{seed}.csv'))}, header = true, delim = ',', "
        f"quote = '\"', all_varchar = true) where {' and '.join(conditions) or 'true'}"
    )
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def raw_columns(connection: DuckDBPyConnection, seeds: Path, source: str, thing: str) -> list[RawColumn]:
    """Return the declared columns of a source's thing, in the seed's order."""
    recodings = read_seed(connection, seeds, "recodings", source, thing)
    return [
        _column(
            row,
            {
                (recoding["raw_value"] or "").lower(): recoding["clean_value"]
                for recoding in recodings
                if recoding["column_name"] == row["column_name"]
            },
        )
        for row in read_seed(connection, seeds, "raw_columns", source, thing)
    ]


def _column(row: dict[str, str | None], recoded: dict[str, str | None]) -> RawColumn:
    """Return the column that a row of raw_columns.csv declares."""
    rules = (row["rules"] or "").split()
    name = row["column_name"] or ""
    return RawColumn(
        name=name,
        type=row["type"] or "",
        names=(row["raw_names"] or name).split("|"),
        is_key="key" in rules,
        is_required="key" in rules or "required" in rules,
        is_optional="optional" in rules or "row_number" in rules,
        is_row_number="row_number" in rules,
        is_person="person" in rules,
        is_past="past" in rules,
        codes=(row["missing_codes"] or "").lower().split("|") if row["missing_codes"] else [],
        recoded=recoded,
        lowest=row["lowest"],
        highest=row["highest"],
        outside=row["outside"],
        formats=(row["formats"] or "").split("|") if row["formats"] else [],
    )
