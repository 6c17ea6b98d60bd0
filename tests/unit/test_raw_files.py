"""What the SQL of `inputs/raw_files` makes of raw files, in DuckDB alone."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from python_models.common.errors import UserError
from python_models.engines.duckdb import file_checks
from python_models.engines.duckdb.privacy import Plugin as Privacy
from python_models.inputs.raw_files import cleaning, loading
from python_models.inputs.raw_files.base_table import BaseTable
from python_models.inputs.raw_files.columns import RawColumn
from python_models.inputs.raw_files.files import Thing
from python_models.inputs.raw_files.identities import identified_rows
from python_models.inputs.raw_files.plugin import Plugin, answer
from python_models.inputs.raw_files.repetitions import kept_rows
from python_models.inputs.raw_files.rows import Check
from python_models.inputs.raw_files.values import Typing

SEED = "source,thing,column_name,type,raw_names,rules,missing_codes,lowest,highest,outside,formats"
Row = dict[str, Any]


class Shop:
    """A source `shop` of one thing `sales`, and the table of its rows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seeds = folder / "seeds"
        self.data = folder / "data"
        self.seeds.mkdir()
        (self.data / "shop").mkdir(parents=True)
        self.declare("id,bigint,,key,,,,,")
        self.seed("recodings", "source,thing,column_name,raw_value,clean_value")
        self.seed("erasure_requests", "source,customer_id,requested_on")
        self.database = duckdb.connect()
        file_checks.add_functions(self.database)
        Privacy(name="privacy", plugin_config={}).configure_connection(self.database)
        self.connection = self.database.cursor()
        self.thing = Thing(self.database.cursor(), str(self.data), self.seeds, "shop", "sales")

    def seed(self, name: str, *lines: str) -> None:
        (self.seeds / f"{name}.csv").write_text("\n".join(lines) + "\n")

    def declare(self, *columns: str) -> None:
        """Declare the columns, each as a line of raw_columns.csv without source and thing."""
        self.seed("raw_columns", SEED, *(f"shop,sales,{column}" for column in columns))

    def write(self, name: str, *lines: str) -> Path:
        path = self.data / "shop" / name
        path.write_text("\n".join(lines) + "\n")
        return path

    def write_parquet(self, name: str, query: str) -> None:
        self.connection.sql(f"copy ({query}) to '{self.data}/shop/{name}'")

    def request(self, **details: Any) -> BaseTable:
        return BaseTable(self.thing, Typing(), "base", **details)

    @property
    def asked(self) -> dict[str, Any]:
        """What every request of a macro names."""
        return {
            "data": str(self.data),
            "seeds": str(self.seeds),
            "source": "shop",
            "thing": "sales",
            "has_default": True,
            "engine": "duckdb",
            "country_code": "254",
            "today": "2026-11-22",
            "relation": "base",
        }

    def ask(self, what: str, **details: Any) -> Any:
        """Ask as a macro does."""
        return json.loads(answer(json.dumps(self.asked | {"ask": what} | details)))

    def load(self, *known: str) -> None:
        """Run the statements of the pre-hook on a connection of its own, as dbt does for each model."""
        self.connection = self.database.cursor()
        for statement in loading.load_statements(self.thing.files(), list(known)):
            self.connection.execute(statement)

    def rows(self, **details: Any) -> list[Row]:
        """Read the files into the table `base`; return its rows."""
        self.load()
        self.connection.execute(f"create or replace table base as {self.request(**details).sql()}")
        return self.query("from base order by file_name, row_number")

    def query(self, sql: str) -> list[Row]:
        found = self.connection.sql(sql)
        return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]

    def versions(self) -> dict[str, str]:
        return dict(self.connection.sql("select distinct file_name, file_version from base").fetchall())

    def pseudonym(self, text: str) -> str:
        [(found,)] = self.connection.execute("select pseudonym(?)", [text]).fetchall()
        return found


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def values(rows: list[Row], *names: str) -> list[Any]:
    """Values of a column, or tuples of several."""
    return [row[names[0]] if len(names) == 1 else tuple(row[name] for name in names) for row in rows]


def quote_identifier(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


@pytest.mark.parametrize(
    ("declared", "raw", "typed"),
    [
        ("text", " a b ", "a b"),
        ("category", "Ab", "ab"),
        ("bigint", "30.0", "30"),
        ("bigint", "-3", "-3"),
        ("double", "1.50", "1.5"),
        ("double", "1e3", "1000.0"),
        ("boolean", "1", "true"),
        ("boolean", "0.0", "false"),
        ("boolean", "yes", "true"),
        ("boolean", "False", "false"),
        ("date", "2026-01-31", "2026-01-31"),
        ("date", "2026/1/31 10:00", "2026-01-31"),
        ("timestamp", "2026-01-31T10:20:30", "2026-01-31 10:20:30"),
        ("interests", '{"a": 0.5, "b": 2}', "{'topics': [a, b], 'weights': [0.5, 2.0]}"),
        ("interests", "{}", "{'topics': [], 'weights': []}"),
    ],
)
def test_a_value_is_read_as_its_type(shop: Shop, declared: str, raw: str, typed: str) -> None:
    shop.declare(f"value,{declared},,,,,,,")
    shop.write("a.csv", "value,other", f"{quote_identifier(raw)},1", ",2")
    shop.rows()
    rows = shop.query("select cast(value as varchar) as value, row_status from base order by row_number")
    assert values(rows, "value", "row_status") == [(typed, "kept"), (None, "kept")]


@pytest.mark.parametrize(
    ("declared", "raw", "reason"),
    [
        ("bigint", "30.5", "'30.5' is not a whole number"),
        ("bigint", "many", "'many' is not a whole number"),
        ("double", "inf", "'inf' is not a number"),
        ("boolean", "2", "'2' is not yes or no"),
        ("date", "2026-02-30", "'2026-02-30' is not a date (YYYY-MM-DD)"),
        ("date", "infinity", "'infinity' is not a date (YYYY-MM-DD)"),
        ("date", "0026-01-01", "'0026-01-01' is not a date (YYYY-MM-DD)"),
        ("timestamp", "noon", "'noon' is not a time (YYYY-MM-DD HH:MM:SS)"),
        ("interests", '{"a": "x"}', '\'{"a": "x"}\' is not a list of weights ({"topic": 0.5})'),
        ("phone", "123", "is not a phone number (withheld)"),
    ],
)
def test_a_row_with_another_value_is_rejected(shop: Shop, declared: str, raw: str, reason: str) -> None:
    shop.declare(f"value,{declared},,,,,,,")
    shop.write("a.csv", "value,other", f"{quote_identifier(raw)},1")
    [row] = shop.rows()
    assert (row["value"], row["row_status"]) == (None, "rejected")
    assert row["reject_reason"] == f"column 'value': {reason}"
    assert row["raw_text"] == ("(withheld)" if declared == "phone" else raw)


def test_a_date_may_have_declared_formats(shop: Shop) -> None:
    shop.declare("day,date,,,,,,,%d.%m.%Y|%d %b %y")
    shop.write("a.csv", "day,n", "31.01.2026,1", "31 Jan 26,2", "2026-01-31,3", "infinity,4")
    assert [str(day) for day in values(shop.rows(), "day")] == ["2026-01-31"] * 3 + ["None"]


def test_a_time_of_the_future_is_rejected_where_only_the_past_can_be(shop: Shop) -> None:
    shop.declare("day,timestamp,,past,,,,,", "expires,date,,,,,,,")
    shop.write("a.csv", "day,expires", "2111-12-09 08:00,2111-12-09", "2011-12-09 08:00,2111-12-09", ",")
    assert values(shop.rows(), "row_status", "reject_reason") == [
        ("rejected", "column 'day': '2111-12-09 08:00:00' is after today"),
        ("kept", None),
        ("kept", None),
    ]


@pytest.mark.parametrize(("today", "status"), [("2111-12-09", "kept"), ("2011-12-01", "rejected")])
def test_today_is_the_day_that_the_project_names(shop: Shop, today: str, status: str) -> None:
    shop.declare("day,timestamp,,past,,,,,")
    shop.write("a.csv", "day,n", "2111-12-09 08:00,1", "2011-12-09 08:00,2")
    assert values(shop.rows(today=today), "row_status") == [status] * 2


def test_a_phone_number_is_the_pseudonym_of_its_digits(shop: Shop) -> None:
    shop.declare("phone,phone,,,,,,,")
    spellings = ["0712345678", "+254 712-345-678", "00254712345678", "254712345678.0", "(0712) 345.678"]
    shop.write("a.csv", "phone,n", *(f"{spelling},1" for spelling in spellings))
    assert values(shop.rows(), "phone") == [shop.pseudonym("254712345678")] * 5


def test_private_text_is_a_pseudonym_and_withheld(shop: Shop) -> None:
    shop.declare("name,private,,,,,,,", "age,bigint,,required,,,,,")
    shop.write("a.csv", "name,age", "Ann,3", "Bob,", "Cid,old", "a,b,c")
    rows = shop.rows()
    assert values(rows, "name")[:2] == [shop.pseudonym("ann"), shop.pseudonym("bob")]
    assert values(rows, "raw_text") == [
        None,
        f"{shop.pseudonym('bob')},",
        f"{shop.pseudonym('cid')},(withheld)",
        "(withheld: the line holds personal data; see the file)",
    ]
    assert values(rows, "reject_reason")[:3] == [
        None,
        "column 'age' is empty",
        "column 'age': is not a whole number",
    ]


def test_identifiers_are_those_of_kept_rows(shop: Shop) -> None:
    shop.declare("phone,phone,msisdn,,,,,,", "name,private,,optional,,,,,", "age,bigint,,,,,,,")
    shop.write("a.csv", "msisdn,age", "0712345678,3", "0712345679,x")
    shop.rows()
    sql = identified_rows(shop.thing, Typing(), "base")
    assert shop.query(sql) == [{"phone": "254712345678", "name": None}]


def test_typed_files_are_taken_at_their_types(shop: Shop) -> None:
    shop.declare("id,bigint,,key,,,,,", "amount,double,,,,,,,", "day,date,,,,,,,", "label,text,,,,,,,")
    shop.write_parquet(
        "a.parquet", "select 1::integer id, 2::bigint amount, date '2026-01-31' as day, 5 as label"
    )
    [row] = shop.rows()
    assert (row["id"], row["amount"], str(row["day"]), row["label"]) == (1, 2.0, "2026-01-31", "5")
    assert "column ''amount''" not in shop.request().sql()


def test_of_a_repeated_key_the_first_row_is_kept(shop: Shop) -> None:
    shop.declare("id,bigint,,key,,,,,", "value,text,,,,,,,")
    shop.write("a.csv", "id,value", "1,a", "2,b", "1,a", "01,c", ",d")
    rows = shop.rows()
    assert values(rows, "row_status", "reject_reason") == [
        ("kept", None),
        ("kept", None),
        ("duplicate", "duplicated key: id '1' is already there in an equal row"),
        (
            "rejected",
            "duplicated key: id '1' is already there: row 4 of shop/a.csv and row 1 of shop/a.csv "
            "differ in value",
        ),
        ("rejected", "column 'id' is empty"),
    ]
    assert rows[3]["raw_text"] == "01,c"
    assert rows[0]["content_hash"] == rows[2]["content_hash"] != rows[3]["content_hash"]


OUTCOMES = (
    "id,bigint,,key,,,,,",
    "bought,boolean,,,,,,,",
    "age,bigint,,,-1,,,,",
    "job,category,,,unknown,,,,",
)


def test_a_later_file_fills_in_what_was_empty(shop: Shop) -> None:
    shop.declare(*OUTCOMES)
    shop.write("a.csv", "id,bought,age,job", "1,,30,cook", "2,no,,unknown", "3,,50,cook")
    shop.write("b.csv", "id,bought,age,job", "1,yes,30,cook", "2,,-1,baker", "4,no,1,cook")
    shop.write("c.csv", "id,bought,age,job", "1,no,30,cook", "2,,41,", "1,,,", "3,,50.0,COOK", "3,,,")
    rows = shop.rows()
    there = "duplicated key: id '{}' is already there"
    assert values(rows[3:], "row_status", "reject_reason", "fills_row") == [
        ("duplicate", there.format(1) + "; fills in bought of row 1 of shop/a.csv", 1),
        ("duplicate", there.format(2) + "; fills in job of row 2 of shop/a.csv", 2),
        ("kept", None, None),
        (
            "rejected",
            there.format(1) + ": row 1 of shop/c.csv and row 1 of shop/a.csv differ in bought",
            None,
        ),
        ("duplicate", there.format(2) + "; fills in age of row 2 of shop/a.csv", 2),
        (
            "rejected",
            there.format(1) + ": row 3 of shop/c.csv and row 1 of shop/a.csv differ in bought, age, job",
            None,
        ),
        ("duplicate", there.format(3) + " in an equal row", None),
        (
            "rejected",
            there.format(3) + ": row 5 of shop/c.csv and row 3 of shop/a.csv differ in age, job",
            None,
        ),
    ]
    assert kept(shop) == [
        (1, True, 30, "cook"),
        (2, False, 41, "baker"),
        (3, None, 50, "cook"),
        (4, False, 1, "cook"),
    ]
    # the rows themselves stay as the file has them
    assert values(rows[:2], "bought", "age", "job") == [(None, 30, "cook"), (False, None, "unknown")]


def kept(shop: Shop) -> list[tuple[Any, ...]]:
    """Clean rows of `base`, with what later files fill in."""
    columns = shop.thing.columns()
    sql = cleaning.cleaned_rows(columns, kept_rows(columns, [], "base"))
    return values(shop.query(f"from ({sql}) order by id"), "id", "bought", "age", "job")


def test_what_a_file_fills_in_goes_with_it(shop: Shop) -> None:
    shop.declare(*OUTCOMES)
    shop.write("a.csv", "id,bought,age,job", "1,,30,cook", "2,,40,cook")
    shop.write("b.csv", "id,bought,age,job", "1,yes,,")
    shop.rows()
    assert kept(shop) == [(1, True, 30, "cook"), (2, None, 40, "cook")]
    versions = shop.versions()
    shop.write("b.csv", "id,bought,age,job", "2,no,40,cook")
    shop.write("c.csv", "id,bought,age,job", "2,yes,40,cook", "1,,,baker")
    partly = shop.request(read_versions=versions).sql()
    assert partly.startswith('-- known files: ["shop/a.csv"]\n')
    shop.load("shop/a.csv")
    again = shop.query(f"from ({partly}\n) order by file_name, row_number")
    assert again == shop.rows()
    assert values(again[2:], "row_status") == ["duplicate", "rejected", "rejected"]
    assert kept(shop) == [(1, None, 30, "cook"), (2, False, 40, "cook")]


def test_a_row_that_cannot_be_read_takes_no_key(shop: Shop) -> None:
    shop.declare(*OUTCOMES)
    shop.write("a.csv", "id,bought,age,job", "1,perhaps,30,cook", "2,,thirty,cook")
    shop.write("b.csv", "id,bought,age,job", "1,yes,30,cook")
    rows = shop.rows()
    assert values(rows, "row_status") == ["rejected", "rejected", "kept"]
    versions = shop.versions()
    shop.write("c.csv", "id,bought,age,job", "1,,30,cook", "2,,30,cook")
    shop.load("shop/a.csv", "shop/b.csv")
    again = shop.query(
        f"from ({shop.request(read_versions=versions).sql()}\n) order by file_name, row_number"
    )
    assert again == shop.rows()
    assert values(again[3:], "row_status", "reject_reason") == [
        ("duplicate", "duplicated key: id '1' is already there with more values"),
        ("kept", None),
    ]


def test_a_code_that_was_filled_in_is_missing_no_more(shop: Shop) -> None:
    shop.declare("id,bigint,,key,,,,,", "age,bigint,,,n/a,,,,", "size,bigint,,,n/a,,,,")
    shop.write("a.csv", "id,age,size", "1,N/A,N/A")
    shop.write("b.csv", "id,age,size", "1,30,")
    shop.rows()
    [row] = shop.query(kept_rows(shop.thing.columns(), [], "base"))
    assert (row["age"], row["size"], row["coded_missing"]) == (30, None, ["size"])


def test_other_columns_are_filled_in_too(shop: Shop) -> None:
    shop.write("a.csv", "id,Colour", "1,")
    shop.write("b.csv", "id,Colour,size", "1,red,3")
    assert values(shop.rows(others=True), "row_status") == ["kept", "duplicate"]
    assert values(
        shop.query(kept_rows(shop.thing.columns(), ["Colour", "size"], "base")), "Colour", "size"
    ) == [("red", "3")]


def test_a_code_for_missing_of_another_type_is_noted(shop: Shop) -> None:
    shop.declare("age,bigint,,,n/a|-1,,,,", "name,text,,,n/a,,,,")
    shop.write("a.csv", "age,name", "N/A,N/A", "-1,b", "?,c")
    rows = shop.rows()
    assert values(rows, "age", "name", "coded_missing", "row_status") == [
        (None, "N/A", ["age"], "kept"),
        (-1, "b", None, "kept"),
        (None, "c", None, "rejected"),
    ]


def test_lines_that_are_no_rows_are_rejected_and_keep_their_number(shop: Shop) -> None:
    shop.declare("id,bigint,,key,,,,,", "value,text,,,,,,,")
    shop.write("a.csv", "id,value", "1,a", "2,b,c", "3,d")
    rows = shop.rows()
    assert values(rows, "row_number", "row_status", "raw_text") == [
        (1, "kept", None),
        (2, "rejected", "2,b,c"),
        (3, "kept", None),
    ]


def test_several_files_are_one_table(shop: Shop) -> None:
    shop.declare("id,text,no|number,key row_number,,,,,", "value,category,,,,,,,", "note,text,,optional,,,,,")
    shop.write("a.csv", "value;Number", "A;1", "B;2")
    shop.write("b.csv", "note,value", "x,C")
    shop.write_parquet("c.parquet", "select '2' as no, 'B' as value")
    assert values(shop.rows(), "file_name", "id", "value", "note", "row_status") == [
        ("shop/a.csv", "1", "a", None, "kept"),
        ("shop/a.csv", "2", "b", None, "kept"),
        ("shop/b.csv", "shop/b.csv 1", "c", "x", "kept"),
        ("shop/c.parquet", "2", "b", None, "duplicate"),
    ]


def test_a_file_name_with_an_apostrophe_is_read(shop: Shop) -> None:
    shop.write("it's.csv", "id,n", "1,2")
    assert values(shop.rows(), "file_name", "row_status") == [("shop/it's.csv", "kept")]
    assert shop.versions().keys() == {"shop/it's.csv"}


def test_parts_and_other_columns_come_through(shop: Shop) -> None:
    shop.write("new.csv", "id,Colour", "1, red ")
    shop.write("old.csv", "id,Colour,size", "1,blue,", "1,blue,3")
    part = "regexp_extract(file_name, '(new|old)[.]', 1)"
    rows = shop.rows(part=part, others=True)
    assert values(rows, "part", "id", "Colour", "size", "row_status") == [
        ("new", 1, "red", None, "kept"),
        ("old", 1, "blue", None, "kept"),
        ("old", 1, "blue", "3", "rejected"),
    ]


def test_checks_reject_rows(shop: Shop) -> None:
    shop.write("a.csv", "id,n", "1,1", "2,1")
    rows = shop.rows(checks=[Check("id > 1", "concat('too large: ', id)")])
    assert values(rows, "row_status", "reject_reason") == [("kept", None), ("rejected", "too large: 2")]


def test_only_the_place_of_an_erased_row_remains(shop: Shop) -> None:
    shop.declare("id,text,,key person,,,,,", "value,text,,,,,,,")
    shop.seed(
        "erasure_requests", "source,customer_id,requested_on", " SHOP,c1 ,2026-01-01", "other,C2,", "shop,,"
    )
    shop.write("a.csv", "id,value", "C1,a", "C2,b", "C1,c,d", "C11,e,f")
    rows = shop.rows()
    assert values(rows, "id", "value", "row_status", "raw_text")[0] == (None, None, "erased", None)
    # by which the request is known to have been met
    assert rows[0]["content_hash"] == int(shop.pseudonym("erased c1")[:16], 16)
    assert rows[0]["reject_reason"] == "erased on request"
    assert values(rows, "row_number", "row_status", "raw_text")[1:] == [
        (2, "kept", None),
        (3, "rejected", "(withheld: erased on request)"),
        (4, "rejected", "C11,e,f"),
    ]
    assert "c1 " not in shop.request().sql()


def test_a_request_may_name_the_raw_phone_number(shop: Shop) -> None:
    shop.declare("customer_id,phone,msisdn,key person,,,,,")
    shop.seed("erasure_requests", "source,customer_id,requested_on", "shop,+254 0712 000 001,", "shop,n/a,")
    shop.write("a.csv", "msisdn,n", "0712000001,1", "0712000002,1")
    assert values(shop.rows(), "row_status") == ["erased", "kept"]
    assert "000 001" not in shop.request().sql()


def test_known_files_are_not_read_again(shop: Shop) -> None:
    shop.declare("id,bigint,,key,,,,,", "value,text,,,,,,,")
    shop.write("a.csv", "id,value", "1,a", "2,b")
    shop.write("b.csv", "id,value", "3,c")
    rows = shop.rows()
    versions = shop.versions()
    all_known = shop.request(read_versions=versions).sql()
    assert all_known.startswith('-- known files: ["shop/a.csv", "shop/b.csv"]')
    assert "raw_rows" not in all_known
    assert shop.query(f"{all_known} order by file_name, row_number") == rows
    assert loading.load_statements(shop.thing.files(), ["shop/a.csv", "shop/b.csv"]) == []

    shop.write("b.csv", "id,value", "1,a", "2,other", "5,e")
    os.utime(shop.data / "shop/b.csv", (1, 1))
    partly = shop.request(read_versions=versions).sql()
    assert partly.startswith('-- known files: ["shop/a.csv"]\n')
    shop.load("shop/a.csv")
    again = shop.query(f"from ({partly}\n) order by file_name, row_number")
    assert values(shop.query("from raw_rows"), "file_name") == ["shop/b.csv"] * 3
    assert again[:2] == rows[:2]
    assert values(again[2:], "id", "row_status") == [(1, "duplicate"), (2, "rejected"), (5, "kept")]
    assert again == shop.rows()


def test_a_request_that_was_applied_does_not_read_files_again(shop: Shop) -> None:
    shop.declare("id,text,,key,,,,,", "buyer,text,,person,,,,,", "value,text,,,,,,,")
    shop.seed("erasure_requests", "source,customer_id,requested_on", "shop,c1,")
    shop.write("a.csv", "id,buyer,value", "1,C1,a", "2,c2,b", "3,,c")
    rows = shop.rows()
    assert values(rows, "row_status") == ["erased", "kept", "kept"]
    versions = shop.versions()
    assert shop.request(read_versions=versions).sql().startswith('-- known files: ["shop/a.csv"]')

    # an erased row takes no key, as nothing of it is left in a known file
    shop.write("b.csv", "id,buyer,value", "1,c3,a", "4,c1,d", "2,c2,other", "5,c5,e,f")
    partly = shop.request(read_versions=versions).sql()
    assert partly.startswith('-- known files: ["shop/a.csv"]\n')
    shop.load("shop/a.csv")
    again = shop.query(f"from ({partly}\n) order by file_name, row_number")
    assert again == shop.rows()
    assert values(again[3:], "row_status") == ["kept", "erased", "rejected", "rejected"]

    versions = shop.versions()
    shop.seed("erasure_requests", "source,customer_id,requested_on", "shop,c1,", "shop,c2,")
    assert "known files" not in shop.request(read_versions=versions).sql()
    assert values(shop.rows(), "row_status")[:2] == ["erased", "erased"]


def test_a_change_of_rules_or_of_an_earlier_file_reads_files_again(shop: Shop) -> None:
    shop.declare("id,bigint,,key person,,,,,")
    shop.write("a.csv", "id,n", "1,1")
    shop.write("b.csv", "id,n", "2,1")
    shop.rows()
    versions = shop.versions()
    os.utime(shop.data / "shop/a.csv", (1, 1))
    assert "known files" not in shop.request(read_versions=versions).sql()
    shop.rows()
    versions = shop.versions()
    assert "known files" in shop.request(read_versions=versions).sql()
    assert "known files" not in shop.request(read_versions=versions, part="'x'").sql()
    shop.seed("erasure_requests", "source,customer_id,requested_on", "shop,9,")
    assert "known files" not in shop.request(read_versions=versions).sql()


@pytest.mark.parametrize(
    ("name", "lines", "message"),
    [
        (
            "a.txt",
            ["id"],
            "a.txt: neither CSV nor Parquet. Save it as .csv, .csv.gz or .parquet, or move it away.",
        ),
        (
            "a.csv",
            ["id,value"],
            "a.csv: column 'name' or 'label' is missing; the file has id, value. Rename or add the column.",
        ),
        (
            "a.csv",
            ["3,4"],
            "a.csv: the first line names none of the columns id, name or label. It must be the header.",
        ),
        ("a.csv", ["id,Part"], "a.csv: column 'Part' has a name that Leadlight uses itself. Rename it."),
        (
            "a.csv",
            ["id,ID"],
            "a.csv: column 2 of the header, 'ID', is there twice. Give each column a name of its own.",
        ),
        (
            "a.csv",
            ["id,"],
            "a.csv: column 2 of the header, '', is empty. Give each column a name of its own.",
        ),
        (
            "a.parquet",
            ["id"],
            "a.parquet: truncated or corrupt Parquet file. Write it again.",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_named(shop: Shop, name: str, lines: list[str], message: str) -> None:
    shop.declare("id,bigint,,key,,,,,", "name,text,name|label,,,,,,")
    shop.write(name, *lines)
    with pytest.raises(UserError) as error:
        shop.request().sql()
    assert str(error.value).startswith(f"{shop.data}/shop/{message}")


def test_own_files_replace_the_default_input(shop: Shop) -> None:
    with pytest.raises(UserError, match=r"no file .* found\. Run `python -m python_models inputs`"):
        shop.thing.paths()
    with pytest.raises(UserError, match="own files replace its whole default"):
        replace(shop.thing, has_default=False).paths()
    (shop.data / "shop/default").mkdir()
    shop.write("default/a.csv", "id,n", "1,1")
    assert not shop.thing.has_own_files()
    assert values(shop.rows(), "file_name") == ["shop/default/a.csv"]
    shop.write(".hidden", "")
    shop.write("own.csv", "id,n", "1,1")
    assert shop.thing.has_own_files()
    assert values(shop.rows(), "file_name") == ["shop/own.csv"]


def test_the_files_of_several_things_begin_with_their_names(shop: Shop) -> None:
    shop.seed("raw_columns", SEED, "shop,sales,id,bigint,,key,,,,,", "shop,goods,id,bigint,,key,,,,,")
    shop.write("sales1.csv", "id,n", "1,1")
    shop.write("goods.csv", "id,n", "1,1")
    assert [Path(path).name for path in shop.thing.paths()] == ["sales1.csv"]
    (shop.data / "shop/sales1.csv").unlink()
    with pytest.raises(UserError, match="own files replace its whole default: add the missing file"):
        shop.thing.paths()


def test_clean_values_follow_codes_ranges_and_recodings(shop: Shop) -> None:
    shop.declare(
        "id,bigint,,key,,,,,",
        "age,bigint,,,-1|n/a,0,120,,",
        "price,double,,,,0,9,clipped,",
        "job,category,,,unknown,,,,",
    )
    shop.seed("recodings", "source,thing,column_name,raw_value,clean_value", "shop,sales,job,Admin.,admin")
    shop.write("a.csv", "id,age,price,job", "1,-1,10,ADMIN.", "2,130,-2,unknown", "3,30,5,cook", "x,1,1,1")
    shop.rows()
    sql = cleaning.cleaned_rows(shop.thing.columns(), kept_rows(shop.thing.columns(), [], "base"))
    assert values(shop.query(sql), "id", "age", "price", "job") == [
        (1, None, 9.0, "admin"),
        (2, None, 0.0, None),
        (3, 30, 5.0, "cook"),
    ]
    assert "replace" not in cleaning.cleaned_rows([RawColumn("id", "bigint", ["id"])], "base")


def test_attributes_have_the_kinds_and_codes_of_the_dictionary(shop: Shop) -> None:
    header = "attribute,description,missing_codes,level,kind"
    shop.seed("mail_out_dictionary", header, 'Age.Class,,"-1, 9",person,ordinal', "SIZE,,X,person,numeric")
    shop.seed("mail_out_donor_dictionary", header, "GIFT,,,person,outcome")
    recodings = "shop,sales,size,L,3"
    shop.seed("recodings", "source,thing,column_name,raw_value,clean_value", recodings)
    shop.connection.execute(
        "create table people as "
        "select * from (values (1, 9, 'X', 'a', '5', 'b'), (2, 2, 'L', 'a', '6', 'c')) "
        'as _(person_id, "Age.Class", "SIZE", "GIFT", number, word)'
    )
    columns = [
        {"name": name, "type": "INTEGER" if name in ("person_id", "Age.Class") else "VARCHAR"}
        for name in ("person_id", "Age.Class", "SIZE", "GIFT", "number", "word")
    ]
    query = cleaning.count_query(cleaning.mail_out_attributes(shop.thing, columns, []), "people")
    [counts] = shop.connection.sql(query).fetchall()
    assert counts == (1, 1, 2, 2, 2, 0)
    attributes = cleaning.mail_out_attributes(shop.thing, columns, list(counts))
    assert {attribute.name: attribute.kind for attribute in attributes} == {
        "age_class": "ordinal",
        "size": "numeric",
        "gift": "outcome",
        "number": "numeric",
        "word": "text",
    }
    cleaned = ", ".join(f"{attribute.clean} as {attribute.name}" for attribute in attributes)
    assert values(shop.query(f"select {cleaned} from people"), "age_class", "size", "number") == [
        (None, None, "5"),
        (2, "3", "6"),
    ]
    assert cleaning.count_query([], "people") == ""


def test_spark_reads_numbers_and_dates_by_other_casts() -> None:
    spark = Typing(engine="spark")
    assert spark.cast("x", "bigint") == "try_cast(try_cast(x as decimal(38, 9)) as bigint)"
    assert "'[dDfF]$'" in spark.cast("x", "double")
    assert spark.cast("x", "date") == "try_cast(replace(cast(x as varchar), '/', '-') as date)"
    assert spark.cast("x", "boolean") == Typing().cast("x", "boolean") == "try_cast(x as boolean)"


def test_spark_loads_files_into_views_of_their_own_names(shop: Shop) -> None:
    shop.write("a.csv", "id;n", "1;1")
    shop.write_parquet("b.parquet", "select 1 as id, 2 as m")
    *lines, rows, rejects = loading.spark_load_statements(shop.thing.files(), "_shop_sales")
    assert len(lines) == 3
    assert "sep ';'" in lines[0]
    assert lines[2] == "cache table raw_shop_sales_1"
    assert rows.startswith(
        "create or replace temporary view `raw_rows_shop_sales` as select 'shop/a.csv' as "
    )
    assert "row_number, `id`, `n`, null as `m` from raw_shop_sales_1 where unread_line is null" in rows
    assert f"`id`, null as `n`, `m` from parquet.`{shop.data}/shop/b.parquet`" in rows
    assert "'not the 2 columns of the header' as reason" in rejects
    table = BaseTable(shop.thing, Typing(engine="spark"), "base").sql()
    assert "from raw_rows_shop_sales" in table
    assert table.startswith("select *, cast(null as varchar) as file_version from (with ")


def test_macros_ask_in_json(shop: Shop) -> None:
    ask = shop.ask
    shop.write("a.csv", "id,n", "1,1")
    rows = {"read_versions": {}, "others": False, "part": None, "checks": []}
    assert ask("base_table", **rows) == {"result": shop.request(today="2026-11-22").sql()}
    wrong = "Variable today is '22.11.2026'; write a day as 2026-11-22, or leave it empty."
    assert ask("base_table", today="22.11.2026", **rows) == {"error": wrong}
    assert ask("load_statements", known=[]) == {"result": loading.load_statements(shop.thing.files(), [])}
    assert len(ask("load_statements", known=[], engine="spark")["result"]) == 5
    assert ask("columns")["result"][0]["name"] == "id"
    assert ask("has_own_files", thing=None) == {"result": True}
    assert "a.csv" in ask("newest_file")["result"]
    kept = kept_rows(shop.thing.columns(), [], "base")
    assert ask("kept_rows", others=False, item=None) == {"result": kept}
    assert '"n"' in ask("kept_rows", others=True, item="rowid as key")["result"]
    assert (
        ask("kept_rows", item=None, engine="spark")["result"]
        == "select *\nfrom base\nwhere reject_reason is null\n"
    )
    assert ask("cleaned_rows") == {"result": cleaning.cleaned_rows(shop.thing.columns(), kept)}
    assert ask("identified_rows")["result"].startswith("select distinct")
    columns: Callable[[str], Any] = lambda what: ask(what, columns=[], counts=[])  # noqa: E731
    for seed in ("mail_out_dictionary", "mail_out_donor_dictionary"):
        shop.seed(seed, "attribute,description,missing_codes,level,kind")
    assert columns("attributes") == {"result": []}
    assert columns("attribute_counts") == {"result": ""}
    shop.write("b.csv", "")
    assert ask("newest_file")["result"].count(".csv") == 2
    assert "b.csv: " in ask("base_table", **rows)["error"]
    with duckdb.connect() as connection:
        Plugin(name="raw_files", plugin_config={}).configure_connection(connection)
        found = connection.execute("select raw_files(?)", [json.dumps(shop.asked | {"ask": "columns"})])
        assert json.loads(found.fetchall()[0][0]) == ask("columns")


def test_a_file_that_may_not_be_read_is_a_sentence(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shop.write("a.csv", "id,n", "1,1")

    def refuse(file: Path, *_: object) -> None:
        raise PermissionError(13, "Permission denied", str(file))

    # modes do not keep root from reading
    monkeypatch.setattr(Path, "open", refuse)
    sentence = f"{path}: Permission denied. A build must be able to read it."
    assert shop.ask("load_statements", known=[]) == {"error": sentence}
