"""A build honours requests in every spelling, and stops at an unknown name."""

import duckdb
import pytest

from tests.broken_files import CALL
from tests.support import Dbt, copy_project

# Each id and the spelling in which its person asked for erasure.
ERASED = {
    "C1": "C1",
    "C2": "C2 ",
    "C3": "c3",
    "c4": "\u00a0C4\t",
    "C5\u200b": "\ufeffC5",
    "=1+1": "=1+1 ",
}


@pytest.fixture(scope="module")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> Dbt:
    """Runs dbt on a copy of the project, on calls of people of whom some asked for erasure."""
    folder = tmp_path_factory.mktemp("requests")
    copy_project(folder / "project")
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
    with (dbt.folder / "project/seeds/recent_contacts.csv").open("a") as contacts:
        contacts.write("insurance,C10,phone,2026-11-02\n" * 2)
    dbt("build", "--select", "base_insurance__calls", "erasure_requests", "recent_contacts")
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
