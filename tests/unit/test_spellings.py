"""Which spellings of numbers, times, yes and no, and addresses are read, and as what."""

from typing import Any

import duckdb
import pytest

from python_models.common import spellings
from python_models.inputs.raw_files.columns import RawColumn
from python_models.inputs.raw_files.values import read_text

US, EU = "1,234.5", "1.234,5"


def read(text: str, kind: str, *formats: str, is_key: bool = False) -> Any:
    """Return a text as a declared column reads it."""
    column = RawColumn("value", kind, ["value"], is_key=is_key, formats=list(formats))
    [(value,)] = duckdb.execute(f"select {read_text('$1::varchar', column)}", [text]).fetchall()
    return value if value is None or kind in ("bigint", "double", "boolean") else str(value)


@pytest.mark.parametrize(
    ("text", "kind", "formats", "value"),
    [
        ("1_000", "bigint", (), None),
        ("1_5", "double", (), None),
        ("0x1F", "bigint", (), None),
        ("inf", "double", (), None),
        ("3e1", "bigint", (), 30),
        ("3e12", "double", (), 3e12),
        ("1e+05", "bigint", (), 100_000),
        ("2.5E+3", "bigint", (), 2_500),
        ("+5", "bigint", (), 5),
        ("12000.0", "bigint", (), 12_000),
        ("1,234.50", "double", (), None),
        ("1,234.50", "double", (US,), 1234.5),
        ("1.234,50", "double", (EU,), 1234.5),
        ("1.234", "bigint", (EU,), 1234),
        ("999", "bigint", (EU,), 999),
        ("1.23", "double", (EU,), None),
        ("1'234.5", "double", (US,), 1234.5),
        ("1\u202f234,5", "double", (EU,), 1234.5),
        ("$1,234.50", "double", (US,), 1234.5),
        ("12.00 EUR", "double", (US,), 12.0),
        ("673,70 €", "double", (EU,), 673.7),
        ("45%", "bigint", (US,), 45),
        ("(12.00)", "double", (US,), -12.0),
        ("12-", "bigint", (US,), -12),
        ("-$5", "bigint", (US,), -5),
        ("\u22125", "bigint", (US,), -5),
        ("12 kg", "double", (US,), None),
        ("B12", "bigint", (US,), None),
        ("12 34", "bigint", (US,), None),
    ],
)
def test_numbers(text: str, kind: str, formats: tuple[str, ...], value: float | None) -> None:
    assert read(text, kind, *formats) == value


@pytest.mark.parametrize("text", ["3e12", "0e0", "1e+05", "1_10"])
def test_an_identifier_has_no_exponent(text: str) -> None:
    assert read(text, "bigint", is_key=True) is None


@pytest.mark.parametrize(
    ("text", "formats", "value"),
    [
        ("2024-01-01T01:01:00-05:00", (), "2024-01-01 06:01:00"),
        ("2024-01-01 00:00:00 +0200", (), "2023-12-31 22:00:00"),
        ("2024-01-01T00:00:00Z", (), "2024-01-01 00:00:00"),
        ("2024-01-01 10:00:00.5+05:30", (), "2024-01-01 04:30:00.500000"),
        ("31.12.2024 10:00 +0200", ("%d.%m.%Y %H:%M",), "2024-12-31 08:00:00"),
        ("2024-01-05", (), "2024-01-05 00:00:00"),
        ("31/12/24", (), None),
        ("31/12/24", ("%d/%m/%Y",), None),
        ("31/12/24", ("%d/%m/%y",), "2024-12-31 00:00:00"),
        ("31/12/2024", ("%d/%m/%y",), None),
        ("20240131", ("%Y%m%d",), "2024-01-31 00:00:00"),
        ("45292.5", ("excel",), "2024-01-01 12:00:00"),
        ("0000-00-00", (), None),
        ("infinity", (), None),
    ],
)
def test_times_are_of_four_digit_years_and_in_one_zone(
    text: str, formats: tuple[str, ...], value: str | None
) -> None:
    assert read(text, "timestamp", *formats) == value
    assert read(text, "date", *formats) == (value and value[:10])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("Ja", True), ("1.0", True), ("TRUE", True), ("да", True), ("oui", True)),
        *(("NEIN", False), ("0.0", False), ("Não", False), ("N", False), ("2", None), ("maybe", None)),
    ],
)
def test_yes_and_no(text: str, value: bool | None) -> None:
    assert read(text, "boolean") is value


def test_no_word_says_yes_and_no() -> None:
    assert not set(spellings.YES) & set(spellings.NO)


@pytest.mark.parametrize(
    "text",
    [
        "anna@example.com\u00a0",
        "\ufeffanna@example.com",
        "anna\u200b@example.com",
        "mailto:anna@example.com",
        "Anna Bo <anna@example.com>",
        "<mailto:anna@example.com >",
    ],
)
def test_a_person_has_one_address(text: str) -> None:
    found = duckdb.execute(f"select {spellings.private('$1::varchar')}", [text]).fetchall()
    assert found == [("anna@example.com",)]


@pytest.mark.parametrize("text", ["n/a", "-", " Unknown ", "\u200b", "none"])
def test_some_texts_name_nobody(text: str) -> None:
    assert duckdb.execute(f"select {spellings.private('$1::varchar')}", [text]).fetchall() == [(None,)]


@pytest.mark.parametrize("text", ["\u00a0no\t", "no\u200b", "\ufeffno", "no\r\n", " no\u3000"])
def test_blanks_of_any_kind_around_a_value_do_not_count(text: str) -> None:
    assert duckdb.execute(f"select {spellings.trimmed('$1::varchar')}", [text]).fetchall() == [("no",)]
