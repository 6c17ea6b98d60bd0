"""A build honours requests in every spelling, names nobody in its files, and stops at an unknown name."""

from pathlib import Path

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
# Number as written, number as read, name and e-mail address of ten people.
PEOPLE = [
    (f"07120001{n:02}", f"2547120001{n:02}", f"Zyxwa{n:02} Quorble", f"zyxwa{n:02}.quorble@example.org")
    for n in range(10)
]
APP_INSTALL = {
    "subscribers": "msisdn,full_name,email",
    "transactions": "transaction_id,msisdn,kind,amount,occurred_at",
    "ad_events": "event_id,msisdn,event_type,ad_category,occurred_at",
    "installs": "install_id,msisdn,installed_at",
}


def write_people(folder: Path) -> None:
    """Write files of app_install: the ten people, somebody else, and a broken line."""
    folder.mkdir(parents=True)
    others = [("0733000001", "", "Other Person", "other@example.org")]
    rows: dict[str, list[str]] = {thing: [header] for thing, header in APP_INSTALL.items()}
    for n, (phone, _, name, email) in enumerate([*PEOPLE, *others]):
        rows["subscribers"].append(f"{phone},{name},{email}")
        rows["transactions"].append(f"t{n},{phone},airtime,10,2026-01-01 10:00:00")
        rows["ad_events"].append(f"e{n},{phone},click,shopping,2026-01-01 11:00:00")
        rows["installs"].append(f"i{n},{phone},2026-01-01 12:00:00")
    rows["subscribers"].append(f"{PEOPLE[0][0]},{PEOPLE[0][2]},{PEOPLE[0][3]},one too many")
    for thing, lines in rows.items():
        (folder / f"{thing}.csv").write_text("\n".join(lines) + "\n")


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
    write_people(folder / "data/app_install")
    return Dbt(folder, folder / "data", folder / "project")


def files_that_know(dbt: Dbt, texts: set[str]) -> set[str]:
    """Names of all files but the input in which a text stands: in their bytes, or in a column."""
    found = set()
    for path in dbt.folder.rglob("*"):
        place = path.relative_to(dbt.folder)
        if not path.is_file() or place.parts[0] == "data" or place.name == "erasure_requests.csv":
            continue
        if holds(path, texts) or columns_that_know(path, texts):
            found.add(path.name)
    return found


def holds(path: Path, texts: set[str]) -> bool:
    content = path.read_bytes()
    return any(text.encode() in content for text in texts)


def columns_that_know(path: Path, texts: set[str]) -> list[tuple[str, str]]:
    """Tables and text columns of a database with a text; DuckDB may have compressed it in the file."""
    if ".duckdb" not in path.name or path.name.endswith(".lock"):
        return []
    with duckdb.connect(str(path), read_only=True) as connection:
        columns = connection.sql("""
            select concat_ws('.', table_schema, table_name), column_name from information_schema.columns
            where data_type in ('VARCHAR', 'VARCHAR[]') and table_schema != 'information_schema'
                and table_name != 'erasure_requests'
        """).fetchall()
        return [
            (table, column)
            for table, column in columns
            if connection.execute(
                "select 1 from (select unnest($1) as text) as texts "
                f'inner join {table} on contains("{column}"::varchar, texts.text) limit 1',
                [sorted(texts)],
            ).fetchall()
        ]


def test_identifiers_are_in_the_file_of_identities_only(dbt: Dbt) -> None:
    dbt("build", "--select", "+identity_map", "path:models/staging/app_install")
    texts = {text for person in PEOPLE for text in person}
    assert files_that_know(dbt, texts) == {
        "warehouse.duckdb.identities",
        "warehouse.duckdb.identities.working",
    }


def test_the_erased_are_in_no_file_after_any_build(dbt: Dbt) -> None:
    """A run that builds none of their tables: half of them asked by number, half by the id in the tables."""
    ids = dict(dbt.query("select row_number, customer_id from staging.base_app_install__subscribers"))
    pseudonyms = {ids[number] for number in range(1, len(PEOPLE) + 1)}
    with (dbt.folder / "project/seeds/erasure_requests.csv").open("a") as requests:
        requests.writelines(f"app_install,{person[0]},\n" for person in PEOPLE[:5])
        requests.writelines(f"app_install,{ids[number]},\n" for number in range(6, 11))
    assert len(columns_that_know(dbt.warehouse, pseudonyms)) == 8
    dbt("seed", "--select", "value_group_cuts")
    assert files_that_know(dbt, {text for person in PEOPLE for text in person}) == set()
    for path in (dbt.warehouse, Path(f"{dbt.warehouse}.working"), Path(f"{dbt.warehouse}.identities")):
        assert columns_that_know(path, pseudonyms) == []
    rows = "select row_status, count(*) from staging.base_app_install__{} group by 1 order by 1"
    assert dbt.query(rows.format("subscribers")) == [("erased", 10), ("kept", 1), ("rejected", 1)]
    assert dbt.query(rows.format("transactions")) == [("erased", 10), ("kept", 1)]
    for folder in (dbt.target, dbt.folder / "logs"):
        known = [path for path in folder.rglob("*") if path.is_file() and holds(path, pseudonyms)]
        assert known == []

    # the next build of these tables says the same
    dbt("build", "--select", "+identity_map", "path:models/staging/app_install")
    assert files_that_know(dbt, {text for person in PEOPLE for text in person}) == set()
    assert dbt.query(rows.format("subscribers")) == [("erased", 10), ("kept", 1), ("rejected", 1)]


def test_a_request_of_nobody_is_warned_of_and_not_logged(dbt: Dbt) -> None:
    seeds = dbt.folder / "project/seeds/erasure_requests.csv"
    before = seeds.read_text()
    seeds.write_text(f"{before}app_install,0733 000 009,\n")
    printed = dbt("seed", "--select", "value_group_cuts")
    [warning] = [line for line in printed.splitlines() if line.startswith("WARNING: ")]
    line = len(seeds.read_text().splitlines())
    assert f"{seeds}, line {line}: no person '0733 000 009' in app_install, so the line erases nob" in warning
    assert "0733 000 009" not in (dbt.folder / "logs/dbt.log").read_text()
    seeds.write_text(before)


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
