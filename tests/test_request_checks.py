"""Requests of people count in every spelling; an unknown source or channel in one stops a build."""

import shutil
from pathlib import Path

import duckdb
import jinja2
import pytest

from python_models.common.request_checks import match_key, unknown_names
from tests.broken_files import CALL
from tests.conftest import REPOSITORY, Dbt

# Each id and the spelling in which its person asked for erasure.
ERASED = {
    "C1": "C1",
    "C2": "C2 ",
    "C3": "c3",
    "c4": "\u00a0C4\t",
    "C5\u200b": "\ufeffC5",
    "=1+1": "=1+1 ",
}


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    folder = tmp_path / "seeds"
    folder.mkdir()
    (folder / "channels.csv").write_text("channel,consent_rule\nphone,required\nads,required\n")
    return folder


def test_builds_and_exports_compare_by_the_same_rule() -> None:
    macro = (REPOSITORY / "dbt_project/macros/match_key.sql").read_text()
    rendered = jinja2.Template(macro + "{{ match_key('a.b') }}").render()
    assert rendered.strip() == match_key("a.b")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("C00002 ", "c00002"),
        ("\u00a0Plain\t", "plain"),
        ("\ufeff\u200bA b\u3000\r\n", "a b"),
        ("É", "é"),
        (" \u00a0", ""),
        (None, None),
    ],
)
def test_blanks_around_a_name_and_its_case_do_not_count(name: str | None, key: str | None) -> None:
    assert duckdb.execute(f"select {match_key('?::varchar')}", [name]).fetchone() == (key,)


def test_unknown_names_are_described_with_their_line(seeds: Path) -> None:
    (seeds / "erasure_requests.csv").write_text(
        '\ufeffsource,customer_id,requested_on\n\nInsurance ,a,\ninsurnace,"a\nb",\n\n,,\n,c,\n'
    )
    (seeds / "consents.csv").write_text(
        "source,customer_id,channel,has_consent\r\ncoupon,a,\u00a0ADS,true\r\n\r\ncoupon,b,,true\r\ncoupon,c,fax,true\r\n"
    )
    (seeds / "recent_contacts.csv").write_text("source,customer_id,channel,contacted_on\n")
    assert unknown_names(seeds, ["insurance", "coupon"]).splitlines() == [
        f"{seeds}/erasure_requests.csv, line 4: unknown source 'insurnace'. Available: coupon, insurance.",
        f"{seeds}/erasure_requests.csv, line 8: unknown source ''. Available: coupon, insurance.",
        f"{seeds}/consents.csv, line 5: unknown channel 'fax'. Available: ads, phone.",
    ]


def test_at_most_five_unknown_names_are_described(seeds: Path) -> None:
    lines = "".join(f"s{number},a\n" for number in range(8))
    (seeds / "erasure_requests.csv").write_text(f"source,customer_id\n{lines}")
    described = unknown_names(seeds, ["insurance"]).splitlines()
    assert len(described) == 6
    assert "line 6: unknown source 's4'" in described[4]
    assert described[5] == "and 3 more"


@pytest.fixture(scope="module")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> Dbt:
    """Runs dbt on a copy of the project, on calls of people of whom some asked for erasure."""
    folder = tmp_path_factory.mktemp("requests")
    shutil.copytree(
        REPOSITORY / "dbt_project", folder / "project", ignore=shutil.ignore_patterns("target", "logs")
    )
    calls = folder / "data/insurance/own.csv"
    calls.parent.mkdir(parents=True)
    rows = [CALL | {"id": customer} for customer in [*ERASED, "C10", "kept"]]
    lines = [",".join(row.values()) for row in rows]
    # no row, but what is left of it names somebody
    lines += ["c2,30,too few"]
    calls.write_text("\n".join([",".join(CALL), *lines]) + "\n")
    return Dbt(folder, folder / "data", folder / "project")


def test_requests_are_honoured_in_every_spelling(dbt: Dbt) -> None:
    with (dbt.folder / "project/seeds/erasure_requests.csv").open("a") as requests:
        requests.writelines(f"insurance,{spelling},\n" for spelling in ERASED.values())
        # the same person twice, and somebody of another source
        requests.write("Insurance ,c1,\n COUPON,kept,\n")
    dbt("run", "--select", "base_insurance__calls")
    rows = dbt.query_working(
        "select row_number, client_id, row_status, raw_text from staging.base_insurance__calls order by 1"
    )
    erased = [(number, None, "erased", None) for number in range(1, len(ERASED) + 1)]
    assert rows == [
        *erased,
        (7, "C10", "kept", None),
        (8, "kept", "kept", None),
        (9, None, "rejected", "(withheld: erased on request)"),
    ]


def test_an_unknown_name_stops_the_build(dbt: Dbt) -> None:
    with (dbt.folder / "project/seeds/consents.csv").open("a") as consents:
        consents.write("\ninsurnace,a,phone,false,\ninsurance,a,telephone,false,\n")
    printed = dbt.fails("seed", "--select", "channels")
    for problem in ("line 3: unknown source 'insurnace'", "line 4: unknown channel 'telephone'"):
        assert f"project/seeds/consents.csv, {problem}. Available: a" in printed
    assert "Traceback" not in printed
    with duckdb.connect(f"{dbt.warehouse}.working", read_only=True) as connection:
        assert ("channels",) not in connection.sql("select table_name from duckdb_tables()").fetchall()
