"""Input that lies: what `new` makes of it, and that the base table of the build reads it the same way."""

import csv
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

from python_models.common.errors import UserError
from python_models.engines.duckdb import file_checks
from python_models.engines.duckdb.privacy import Plugin as Privacy
from python_models.inputs.new_campaign.profiling import Column, open_file, profile, table_names
from python_models.inputs.new_campaign.proposing import Proposal, propose
from python_models.inputs.new_campaign.rendering import NewCampaign
from python_models.inputs.raw_files import loading
from python_models.inputs.raw_files.base_table import BaseTable
from python_models.inputs.raw_files.files import Thing
from python_models.inputs.raw_files.values import Typing
from tests.support import PROJECT, REPOSITORY

ROWS = 200
NOTHING = {"entity": None, "label": None, "as_of": None, "group_by": None}
Cell = Callable[[int], Any]
PLAIN: dict[str, Cell] = {
    "customer_id": lambda i: f"C{i}",
    "visits": lambda i: i * 7919 % 1009 % 12,
    "region": lambda i: ("north", "south", "west")[i % 3],
    "mailed_on": lambda i: f"2024-{1 + i // 28 % 12:02d}-{1 + i % 28:02d}",
    "converted": lambda i: "yes" if i * 31 % 7 < 2 else "no",
}


class Case:
    """A file, what `new` proposes for it, and what the build reads by what `new` declares."""

    def __init__(self, path: Path, given: dict[str, str | None]):
        self.path = path
        self.connection = duckdb.connect(config={"threads": 1})
        self.columns = profile(self.connection, open_file(self.connection, path))
        self.proposal: Proposal = propose(self.connection, self.columns, NOTHING | given)
        self.typed = self.connection.table("typed")

    def column(self, name: str) -> Column:
        return self.proposal.column(name)

    def values(self, expression: str) -> Any:
        [(value,)] = self.connection.sql(f"select {expression} from typed").fetchall()
        return value

    def conversions(self) -> dict[bool | None, int]:
        assert self.proposal.label
        outcome = self.proposal.label.sql(self.proposal.label.column.name)
        return dict(self.connection.sql(f"select {outcome}, count(*) from typed group by 1").fetchall())

    def built(self) -> duckdb.DuckDBPyRelation:
        """Return the rows of the base table."""
        root = self.path.parent
        seeds, data = root / "seeds", root / "data"
        seeds.mkdir()
        (data / "own").mkdir(parents=True)
        (data / "own" / self.path.name).write_bytes(self.path.read_bytes())
        rows = NewCampaign("own", self.proposal, None, self.path.name).raw_columns()
        with (PROJECT / "seeds/raw_columns.csv").open(newline="") as file:
            header = next(csv.reader(file))
        text = io.StringIO()
        writer = csv.DictWriter(text, header, restval="")
        writer.writeheader()
        writer.writerows(rows)
        (seeds / "raw_columns.csv").write_text(text.getvalue())
        (seeds / "recodings.csv").write_text("source,thing,column_name,raw_value,clean_value\n")
        (seeds / "erasure_requests.csv").write_text("source,customer_id,requested_on\n")
        database = duckdb.connect()
        file_checks.add_functions(database)
        Privacy(name="privacy", plugin_config={}).configure_connection(database)
        thing = Thing(database.cursor(), str(data), seeds, "own", "records", has_default=False)
        for statement in loading.load_statements(thing.files(), []):
            database.execute(statement)
        database.execute(f"create table base as {BaseTable(thing, Typing(), 'base').sql()}")
        return database.table("base")


@pytest.fixture
def case(tmp_path: Path) -> Callable[..., Case]:
    """Make a case: PLAIN with other or further columns, and what the user says."""

    def make(
        delimiter: str = ",", label: str | None = None, group_by: str | None = None, **cells: Cell
    ) -> Case:
        columns = {name: cell for name, cell in (PLAIN | cells).items() if cell}
        path = tmp_path / "own.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file, delimiter=delimiter)
            writer.writerow(columns)
            writer.writerows([cell(i) for cell in columns.values()] for i in range(ROWS))
        return Case(path, {"label": label, "group_by": group_by})

    return make


@pytest.mark.long
def test_keys_stay_the_text_that_they_are(case: Callable[..., Case]) -> None:
    cells: dict[str, Cell] = {
        "customer_id": lambda i: f"{1 + i % 9}_{i}",
        "hash_id": lambda i: f"{i}e12",
        "long_id": lambda i: str(8_800_000_000_000_000_000 + 10**18 * (i % 5) + i),
        "mixed_id": lambda i: "A0" if i == 0 else str(100_000 + i),
        "dotted_id": lambda i: f"{i}.456",
        "plain_id": str,
    }
    made = case(**cells)
    assert [column.name for column in made.proposal.key] == ["customer_id"]
    assert {column.name for column in made.proposal.features} == {"visits", "region"}
    rows = made.built().filter("row_status = 'kept'").order("row_number")
    assert rows.project(", ".join(cells)).fetchall() == [
        tuple(cell(i) for cell in cells.values()) for i in range(ROWS)
    ]


@pytest.mark.long
def test_numbers_as_people_write_them(case: Callable[..., Case]) -> None:
    cells: dict[str, Cell] = {
        "clicks": lambda i: f"{1 + i % 9}.{i:03d}" if i % 2 else 100 + i % 9,
        "german": lambda i: f"1.{i:03d},50",
        "dollars": lambda i: f"$1,{i:03d}.50",
        "share": lambda i: f"{i % 2 * 10}%",
        "loss": lambda i: f"({i % 2 * 10}.00)",
        "euros": lambda i: f"{i % 2 * 10}.00 EUR" if i else "#DIV/0!",
    }
    made = case(**cells)
    assert "Are the digits after '.' in clicks thousands" in " ".join(made.proposal.check)
    clicks = sum(float(str(cells["clicks"](i)).replace(".", "")) for i in range(ROWS)) / ROWS
    right = pytest.approx((clicks, 1100.0, 1100.0, 5.0, -5.0, 10 * 100 / 199))
    means = ", ".join(f"avg({name})" for name in cells)
    assert made.typed.aggregate(means).fetchall() == [right]
    kept = made.built().filter("row_status = 'kept'")
    assert kept.aggregate("count(*)").fetchall() == [(ROWS,)]
    assert kept.aggregate(means).fetchall() == [right]


def test_numbers_of_two_currencies_are_named(case: Callable[..., Case]) -> None:
    made = case(amount=lambda i: f"{'$€'[i % 2]}{i + 1000}")
    assert made.column("amount").is_text
    assert f"{ROWS} values of amount, such as" in " ".join(made.proposal.check)


@pytest.mark.long
def test_dates_as_machines_write_them(case: Callable[..., Case]) -> None:
    cells: dict[str, Cell] = {
        "short_date": lambda i: f"{1 + i % 28:02d}/{1 + i % 12:02d}/24",
        "first_date": lambda i: f"{1 + i % 12:02d}/01/{2023 + i % 2}",
        "bare_date": lambda i: f"2024{1 + i % 12:02d}15",
        "zero_date": lambda i: "0000-00-00" if i % 5 == 0 else f"2024-03-{1 + i % 28:02d}",
        "sheet_date": lambda i: 45292 + i % 31,
    }
    made = case(**cells)
    assert {made.column(name).type for name in cells} == {"date"}
    kept = made.built().filter("row_status = 'kept'")
    assert kept.aggregate("count(*)").fetchall() == [(ROWS,)]
    found = {
        name: kept.aggregate(f"min({name})::varchar, max({name})::varchar").fetchall()[0] for name in cells
    }
    assert found == {
        "short_date": ("2024-01-01", "2024-12-28"),
        "first_date": ("2023-01-01", "2024-12-01"),
        "bare_date": ("2024-01-15", "2024-12-15"),
        "zero_date": ("2024-03-01", "2024-03-28"),
        "sheet_date": ("2024-01-01", "2024-01-31"),
    }


def test_days_and_months_that_nothing_tells_apart_are_asked_about(case: Callable[..., Case]) -> None:
    made = case(signup_date=lambda i: f"{1 + i % 12:02d}/{1 + i % 11:02d}/2024")
    asked = "Day and month of signup_date cannot be told apart: 01/02/2024 is read as 1 February 2024. If"
    assert any(line.startswith(asked) for line in made.proposal.check)


def test_a_date_after_today_is_asked_about(case: Callable[..., Case]) -> None:
    made = case(signup_date=lambda i: "2111-12-09" if i == 7 else f"2024-03-{1 + i % 28:02d}")
    assert "Times of signup_date after today: 1, up to 2111-12-09. Are they right?" in made.proposal.check


OUTCOMES = {
    "1.0": (lambda i: "1.0" if i % 4 == 0 else "0.0", None, 50, 150),
    "Ja": (lambda i: "Ja" if i % 4 == 0 else "Nein", None, 50, 150),
    "mixed": (
        lambda i: ("yes", "Y", "1", "TRUE")[i % 4] if i < 40 else ("no", "N", "0")[i % 3],
        None,
        40,
        160,
    ),
    "mixed as said": (lambda i: ("yes", "Y", "1")[i % 3] if i < 40 else "No", "converted=yes", 40, 160),
    "no as said": (lambda i: "yes" if i < 40 else "no", "converted=no", 160, 40),
    "blanks": (lambda i: "yes\u00a0" if i < 40 else "no\t", None, 40, 160),
    "classes": (lambda i: 2 if i < 40 else 1, "converted", 40, 160),
    "signs": (lambda i: 1 if i < 140 else -1, None, 140, 60),
    "an answer": (
        lambda i: ("accepted", "Refused", "No response")[i % 4 % 3],
        "converted=accepted",
        100,
        100,
    ),
    "a word and no": (lambda i: "accepted" if i < 140 else "no", "converted", 140, 60),
    "an empty cell": (lambda i: "yes" if i < 40 else "", None, 40, 160),
    "a count": (lambda i: i % 4, "converted > 0", 150, 50),
}


@pytest.mark.parametrize(("cell", "label", "yes", "no"), OUTCOMES.values(), ids=OUTCOMES)
def test_the_outcome_is_what_the_file_says(
    case: Callable[..., Case], cell: Cell, label: str | None, yes: int, no: int
) -> None:
    made = case(converted=cell, label=label, region=None, mailed_on=None)
    assert made.conversions() == {True: yes, False: no}
    as_said = any(line.endswith(", as you say") for line in made.proposal.found)
    assert as_said == (label not in (None, "converted"))


def test_the_build_reads_every_spelling_of_yes_and_no(case: Callable[..., Case]) -> None:
    kept = case(converted=OUTCOMES["mixed"][0]).built().filter("row_status = 'kept'")
    assert kept.aggregate("count(*) filter (converted), count(*) filter (not converted)").fetchall() == [
        (40, 160)
    ]


def test_answers_that_say_neither_yes_nor_no_are_refused(case: Callable[..., Case]) -> None:
    with pytest.raises(UserError, match=r"neither yes nor no: unknown \(50 rows\)"):
        case(converted=lambda i: ("yes", "no", "no", "unknown")[i % 4], label="converted")


def test_candidates_are_named_where_no_outcome_is_found(case: Callable[..., Case]) -> None:
    made = case(converted=None, flag=lambda i: i % 2)
    assert made.proposal.label is None
    assert "Columns of two values: flag." in " ".join(made.proposal.check)


def test_a_column_of_two_values_that_some_rows_lack_is_the_outcome(case: Callable[..., Case]) -> None:
    made = case(converted=None, q17=lambda i: ("yes", "no", "")[i * 13 % 11 % 3])
    assert made.proposal.label
    assert made.proposal.label.column.name == "q17"
    assert "Is q17 the outcome?" in " ".join(made.proposal.check)


def test_a_column_that_some_rows_lack_may_be_the_outcome_beside_one_that_none_lacks(
    case: Callable[..., Case],
) -> None:
    made = case(q17=lambda i: ("yes", "no", "")[i * 13 % 11 % 3])
    assert made.proposal.label
    assert made.proposal.label.column.name == "converted"
    assert "q17 may be the outcome as well: --label names another." in made.proposal.check


def test_an_abbreviation_that_may_be_a_name_is_asked_about(case: Callable[..., Case]) -> None:
    made = case(region=lambda i: ("NA", "EMEA", "APAC")[i % 3])
    assert "Is NA in region not known, or a name beside EMEA, APAC?" in " ".join(made.proposal.check)


def test_the_last_wave_is_the_test_however_large_it_is(case: Callable[..., Case]) -> None:
    made = case(mailed_on=lambda i: "2024-06-01" if i >= 120 else f"2024-01-{1 + i % 5:02d}")
    assert "time: mailed_on; the latest 40% of known rows are the test" in made.proposal.found


@pytest.mark.parametrize("is_moving", [True, False])
def test_rows_are_validated_forward_and_follow_a_rate_that_moves(
    case: Callable[..., Case], is_moving: bool
) -> None:
    made = case(
        mailed_on=lambda i: f"2024-01-{1 + i // 10:02d}",
        converted=lambda i: "yes" if i % 10 < (8 if is_moving and i >= 160 else 2) else "no",
    )
    written = NewCampaign("own", made.proposal, None, "own.csv").files()["models/campaigns/own/own.yml"]
    meta = YAML(typ="safe").load(written)["models"][0]["config"]["meta"]
    assert meta["order_by"] == meta["as_of"] == "mailed_on"
    assert meta.get("recalibrate", False) == is_moving


def test_a_time_that_splits_no_conversions_makes_no_test(case: Callable[..., Case]) -> None:
    made = case(
        converted=lambda i: "yes" if i < 20 else "no", mailed_on=lambda i: f"2024-01-{1 + i // 40:02d}"
    )
    assert any(line.startswith("time: mailed_on; a random 20%") for line in made.proposal.found)


@pytest.mark.long
def test_what_is_made_of_a_protected_column_is_no_feature(case: Callable[..., Case]) -> None:
    made = case(
        age=lambda i: 20 + i % 40,
        age_band=lambda i: "20-39" if i % 40 < 20 else "40-59",
        life_stage=lambda i: "young" if i % 40 < 15 else "old",
        birth_year=lambda i: 2004 - i % 40,
    )
    assert list(made.proposal.audit) == ["age", "age_band", "life_stage", "birth_year"]
    assert {column.name for column in made.proposal.features} == {"visits", "region"}
    written = NewCampaign("own", made.proposal, None, "own.csv")
    assert written.audited == ["age_band", "life_stage"]
    assert "age_band('age')" not in written.files()["models/campaigns/own/own_features.sql"]


def test_somebody_with_many_rows_is_no_customer(case: Callable[..., Case]) -> None:
    def device(i: int) -> str:
        return "phone 0" if i % 4 == 0 else f"phone {i % 150}"

    assert case(customer_id=str, device=device, visits=str).proposal.customer is None


def test_nobody_is_the_customer_where_the_user_says_so(case: Callable[..., Case]) -> None:
    cells = {"customer_id": None, "account_id": lambda i: f"A{i // 2}"}
    found = case(**cells).proposal.customer
    assert found
    assert found.name == "account_id"
    assert case(**cells, group_by="none").proposal.customer is None


def test_what_only_converters_have_is_withheld_a_time_too(case: Callable[..., Case]) -> None:
    made = case(paid_at=lambda i: "2023-09-09" if PLAIN["converted"](i) == "yes" else "")
    assert made.proposal.withhold["paid_at"] == "filled in 100% of the conversions and in 0.0% of the others"


def test_a_treatment_and_a_repeated_key_are_said(case: Callable[..., Case]) -> None:
    path = case(variant=lambda i: "AB"[i % 2]).path
    text = path.read_text()
    path.write_text(
        text + "".join(f"D{i},1,north,2024-01-01,no,A\n" for i in range(2000)) + "C1,1,west,2024-01-02,no,A\n"
    )
    made = Case(path, {})
    assert "key: customer_id, which 1 rows repeat" in made.proposal.found
    assert any(line.startswith("Was variant assigned") for line in made.proposal.check)


def test_codes_are_no_quantities(case: Callable[..., Case]) -> None:
    made = case(
        app=lambda i: 10 + i % 30, channel_count=lambda i: i % 9, job=lambda i: ("Select", "cook")[i % 2]
    )
    assert made.column("app").type == "category"
    assert made.column("channel_count").type == "bigint"
    assert made.column("job").codes == ("select",)


def test_the_arms_of_an_experiment_tell_a_treatment(case: Callable[..., Case]) -> None:
    made = case(segment=lambda i: ("Mens E-Mail", "Womens E-Mail", "No E-Mail")[i % 3])
    assert any(line.startswith("Was segment assigned") for line in made.proposal.check)


def test_numbers_of_a_sex_are_kinds(case: Callable[..., Case]) -> None:
    made = case(sex=lambda i: i % 2, gender=lambda i: 1 + i % 2, is_member=lambda i: i % 2)
    types = {name: made.column(name).type for name in ("sex", "gender", "is_member")}
    assert types == {"sex": "category", "gender": "category", "is_member": "boolean"}
    assert NewCampaign("own", made.proposal, None, "own.csv").segment_profile["sex"] == '["sex {}"]'


def test_what_the_law_protects_is_not_taken_for_the_outcome(case: Callable[..., Case]) -> None:
    made = case(converted=None, marital_status=lambda i: ("married", "single", "")[i % 3])
    assert made.proposal.label is None


def test_numbers_of_articles_are_identifiers(case: Callable[..., Case]) -> None:
    made = case(coupon_upc=lambda i: 10_000_000_000 + i, invoice_no=lambda i: f"{1000 + i}A")
    assert made.column("coupon_upc").is_text
    assert not any("look like numbers" in line for line in made.proposal.check)


def test_order_lines_lead_to_the_source_for_them(case: Callable[..., Case]) -> None:
    made = case(
        InvoiceNo=lambda i: 1000 + i // 3,
        StockCode=lambda i: i % 50,
        Quantity=lambda i: i % 4,
        Price=lambda i: i % 9,
    )
    assert any("online_retail" in line for line in made.proposal.check)


def test_names_of_columns_never_meet() -> None:
    names = list(table_names(["visits_2", "visits", "Visits 2", "row_id"]).values())
    assert names == ["visits_2", "visits", "visits_2_2", "row_id_value"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"sep=;\na;b\n1;2\n", "the first line, sep=;, is not the header"),
        ("a,b\n1,Köln\n2,Bern\n".encode("cp1252"), "1 of 2 lines are not in UTF-8"),
        (b"a,part\n1,2\n", "column 'part' has a name that Leadlight uses itself"),
        (b"a,{{ x }}\n1,2\n", "the name of column 2, {{ x }}, holds"),
        (b"a,b\n1,2,3\n4,5,6\n", "none of its 2 lines can be read"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_at_once(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(UserError) as refused:
        open_file(duckdb.connect(), path)
    assert sentence in str(refused.value)


def parquet_case(tmp_path: Path, **columns: Any) -> Case:
    path = tmp_path / "own.parquet"
    plain = {name: [cell(i) for i in range(ROWS)] for name, cell in PLAIN.items()}
    pq.write_table(pa.table(plain | columns), path)
    return Case(path, {})


@pytest.mark.long
def test_numbers_of_parquet_that_are_none(tmp_path: Path) -> None:
    nan, infinity = float("nan"), float("inf")
    made = parquet_case(
        tmp_path,
        score=[nan if i % 10 == 0 else i / 7 for i in range(ROWS)],
        ratio=[infinity if i == 3 else i / 7 for i in range(ROWS)],
        device=pa.array([2**64 - 1 - i for i in range(ROWS)], pa.uint64()),
        tags=[["a"]] * ROWS,
    )
    assert made.column("score").known == ROWS * 0.9
    assert made.column("device").is_text
    said = " ".join(made.proposal.check)
    assert "Left out: tags" in said
    assert "1 values of ratio are no double" in said
    rows = made.built()
    found = rows.aggregate(
        "count(*) filter (row_status = 'kept'), count(score), any_value(reject_reason)"
    ).fetchall()
    assert found == [(ROWS - 1, ROWS * 0.9, "column 'ratio': 'inf' is not a number")]


@pytest.mark.long
def test_texts_of_parquet_without_the_mark_of_text_are_read(tmp_path: Path) -> None:
    made = parquet_case(
        tmp_path, region=pa.array([("north", "süd")[i % 2].encode() for i in range(ROWS)], pa.binary())
    )
    assert made.column("region").type == "category"
    assert made.built().filter("region = 'süd' and row_status = 'kept'").shape[0] == ROWS / 2


ZONES = """
import sys
from pathlib import Path
import duckdb
from ruamel.yaml import YAML
from python_models.inputs.new_campaign.writing import _propose
from python_models.inputs.raw_files.columns import RawColumn
from python_models.inputs.raw_files.values import Typing

path = sys.argv[1]
given = dict.fromkeys(("entity", "label", "as_of", "group_by"))
column = _propose("own", path, given, Path(), Path()).proposal.column("mailed_on")
print(column.type, column.top[0][0])
outputs = YAML(typ="safe").load(Path("profiles.yml").read_text().replace("{{", "").replace("}}", ""))
settings = outputs["leadlight"]["outputs"]["duckdb"]["settings"]
with duckdb.connect() as connection:
    connection.execute(f"set TimeZone = '{settings['TimeZone']}'")
    value = Typing().value(RawColumn("mailed_on", "timestamp", ["mailed_on"]), is_safe=True)
    cells = f"(select mailed_on as raw_mailed_on from '{path}')"
    print(connection.sql(f"select min({value}) from {cells}").fetchall())
"""


@pytest.mark.long
def test_an_instant_is_the_same_on_every_machine(tmp_path: Path) -> None:
    instants = pa.array([1_704_067_260 + 86_400 * (i // 4) for i in range(ROWS)], pa.timestamp("s", "UTC"))
    path = parquet_case(tmp_path, mailed_on=instants).path
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", ZONES, path],
            env=os.environ | {"TZ": zone},
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
        )
        for zone in ("Pacific/Auckland", "America/New_York")
    ]
    shown = b"timestamp 2024-01-01 00:01:00+00\n[(datetime.datetime(2024, 1, 1, 0, 1),)]\n"
    assert [run.communicate()[0] for run in runs] == [shown] * 2


@pytest.mark.parametrize("kind", [pa.int64(), pa.float64()])
def test_yes_is_one_where_most_convert_too(tmp_path: Path, kind: pa.DataType) -> None:
    made = parquet_case(tmp_path, converted=pa.array([int(i % 5 > 0) for i in range(ROWS)], kind))
    assert made.conversions() == {True: 160, False: 40}
    assert not any(line.startswith("Is a row a conversion") for line in made.proposal.check)
    assert made.built().aggregate("count(*) filter (converted)").fetchall() == [(160,)]


def test_a_damaged_parquet_file_is_refused_at_once(tmp_path: Path) -> None:
    path = parquet_case(tmp_path).path
    content = path.read_bytes()
    path.write_bytes(content[:4] + b"\xff" * (len(content) - 12) + content[-8:])
    with pytest.raises(UserError, match="truncated or corrupt Parquet file"):
        open_file(duckdb.connect(), path)
