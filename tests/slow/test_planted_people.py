"""Ten people whose phone number, name and e-mail are known: no file but the identities names them, then none.

The reports are searched for everybody in tests/reports/test_report_privacy.py, and files of audiences in
tests/build/test_privacy.py.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest

from benchmarks.kills import DAY, PLANTED, World, tables_with

COUNT = 10
NINE_DIGITS = "right(regexp_replace(msisdn, '[^0-9]', '', 'g'), 9)"
# what is put in, and the truth of the sample
GIVEN = {"data", "truth"}
REQUESTS = "dbt_project/seeds/erasure_requests.csv"
KNOWS_PEOPLE = ["staging.erasure_requests"]


@dataclass(frozen=True)
class People:
    """A world with ten people, and all that would name one of them."""

    world: World
    phones: list[str]

    @property
    def marks(self) -> list[str]:
        spelt = [f"{phone[:3]} {phone[3:6]} {phone[6:]}" for phone in self.phones]
        # nine digits alone may be part of a number of any kind
        return [*PLANTED[1:], *(f"{start}{phone}" for phone in self.phones for start in ("254", "0")), *spelt]

    def files(self) -> set[str]:
        """Return which files that were written name somebody, in any byte or any row of a table."""
        return {
            str(path.relative_to(self.world.dbt.folder))
            for path in self.world.dbt.folder.rglob("*")
            if path.is_file()
            and path.relative_to(self.world.dbt.folder).parts[0] not in GIVEN
            and (self.are_in_bytes(path) or self.are_in_rows(path))
        }

    def are_in_bytes(self, path: Path) -> bool:
        content = path.read_bytes()
        return any(mark.encode() in content for mark in self.marks)

    def are_in_rows(self, path: Path) -> bool:
        is_database = path.suffix in {".duckdb", ".working", ".identities"}
        return is_database and tables_with(path, self.marks) != []


@pytest.fixture(scope="module")
def people() -> Iterator[People]:
    with TemporaryDirectory() as name:
        world = World(Path(name))
        planted = People(world, plant(world))
        assert world.run(["build"]) == 0, world.printed
        yield planted


def plant(world: World) -> list[str]:
    """Give ten subscribers who saw an ad names that nobody else has; return nine digits of their numbers."""
    file, ads = world.source / "subscribers.csv", world.source / "ad_events.parquet"
    found = duckdb.sql(f"""
        select {NINE_DIGITS} as phone from read_csv('{file}', all_varchar = true)
        where full_name is not null and email is not null and len(msisdn) >= 10
            and phone in (select {NINE_DIGITS} from '{ads}')
        group by phone having count(*) = 1 order by phone limit {COUNT}
    """).fetchall()
    phones = [phone for (phone,) in found]
    assert len(phones) == COUNT
    header, *rows = world.subscribers
    number, name, email = (header.index(column) for column in ("msisdn", "full_name", "email"))
    for row in rows:
        phone = "".join(filter(str.isdigit, row[number]))[-9:]
        if phone in phones:
            row[name] = f"Planted Person {phones.index(phone)}"
            row[email] = f"planted.person{phones.index(phone)}@example.org"
    with file.open("w", newline="") as written:
        csv.writer(written).writerows(world.subscribers)
    return phones


def pseudonyms(people: People) -> list[str]:
    """Return the ids of the ten."""
    with duckdb.connect(str(people.world.identities), read_only=True) as connection:
        found = connection.sql(
            f"select customer_id from core.identity_map where {NINE_DIGITS} in {tuple(people.phones)}"
        ).fetchall()
    return [person for (person,) in found]


def test_ten_people_are_named_in_the_identities_alone_and_after_erasure_nowhere(people: People) -> None:
    world = people.world
    seeds = world.dbt.project / "seeds"
    assert world.run(["docs", "generate", "--static"]) == 0, world.printed
    knowing = {"disk/warehouse.duckdb.identities", "disk/warehouse.duckdb.identities.working"}
    assert people.files() == knowing

    erased = pseudonyms(people)
    assert len(erased) == COUNT
    with (seeds / "erasure_requests.csv").open("a") as requests:
        requests.writelines(f"app_install,0{phone},2026-11-01\n" for phone in people.phones)
    assert world.run(DAY) == 0, world.printed
    assert people.files() == {REQUESTS}
    for file in (world.warehouse, Path(f"{world.warehouse}.working"), world.identities):
        left = tables_with(file, erased)
        assert left == ([] if file == world.identities else KNOWS_PEOPLE), file
    for path in world.written():
        content = path.read_bytes()
        assert not any(person.encode() in content for person in erased), path
