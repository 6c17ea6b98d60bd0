"""Builds that are killed: `python benchmarks/kills.py [KILLS [COMMAND]]`, as root.

They are of one campaign with identities. Each build has one more subscriber. Builds are killed at each step
of a publish, run on a disk that is full (a tmpfs of a few megabytes), and are killed at random moments of a
daily build or another command. After each, every published table is read and the next build must mend.
Meanwhile user nobody tries to open every file of the warehouse, and after each build all that dbt has written
is searched for the new subscribers.
"""

import csv
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np

from python_models.common.publish_files import repair_publish
from python_models.inputs.samples import write_sample
from tests.spy import spied
from tests.support import Dbt, DbtServer, copy_project, replace_once

SUBSCRIBERS = 1_500
KEPT = {"", ".working", ".identities", ".identities.working", ".lock"}
# the published warehouse, also in the moment before it has its name, and who builds
FOR_ALL = {"", ".unfinished", ".ready", ".lock"}
COUNTS = [
    "select count(*) from staging.base_app_install__subscribers",
    "select sum(rows_in) from results.source_rows where thing = 'subscribers'",
    "select count(*) from core.identity_map",
]
PEOPLE = ["run", "--select", "+identity_map", "source_rows"]
DAY = ["build", "--selector", "daily"]
# A publish makes two copies and three renames. A kill comes before or after each; the first rename decides.
STEPS, DECIDED = 10, 5
# within the phone number, name and e-mail of each new subscriber, of fewer than a hundred
PLANTED = ("2547900000", "lanted Person", "lanted person", "lanted.person")


class World:
    """A folder with one campaign's data, project and warehouse, and a process that builds there."""

    def __init__(self, folder: Path) -> None:
        # as nobody's way to the warehouse, if it could open it
        folder.chmod(0o755)
        self.source = folder / "data/app_install"
        write_sample("app_install", self.source, folder / "truth", SUBSCRIBERS)
        with (self.source / "subscribers.csv").open(newline="") as file:
            self.subscribers = list(csv.reader(file))
        project = copy_project(folder / "dbt_project")
        settings = (project / "dbt_project.yml").read_text()
        others = settings[
            settings.index("    coupon: {source: coupon") : settings.index("  # Raw tables of each")
        ]
        replace_once(project / "dbt_project.yml", others, "")
        replace_once(project / "dbt_project.yml", "bootstrap_replicates: 200", "bootstrap_replicates: 5")
        self.dbt = Dbt(folder, folder / "data", project)
        # folders of their own: one may be made a disk of its own
        self.disk, self.temporary = folder / "disk", folder / "temporary"
        self.disk.mkdir()
        self.temporary.mkdir()
        self.warehouse = self.dbt.warehouse = self.disk / "warehouse.duckdb"
        self.dbt.environment |= {
            "LEADLIGHT_WAREHOUSE": "disk/warehouse.duckdb",
            "TMPDIR": str(self.temporary),
        }
        self.first, self.day, self.printed = [0, 0, 0], 0, ""
        self.server = DbtServer(self.dbt)

    def run(self, arguments: list[str], seconds: float | None = None, step: int | None = None) -> int:
        """Run dbt, killed after `seconds` or at a `step` of its publish; return its exit code."""
        code, printed = self.server.run(self.dbt, arguments, seconds, step)
        self.printed = " ".join(printed.split())
        assert self.for_others() <= FOR_ALL
        assert not names_people(printed.encode())
        assert [path for path in self.written() if names_people(path.read_bytes())] == []
        return code

    def mend(self, arguments: list[str]) -> None:
        """Run dbt to its end; what it publishes is of this day, and nothing is left over."""
        code = self.run(arguments)
        assert code == 0, self.printed
        assert self.published() == {self.day}, (self.published(), self.day)
        assert self.names(self.disk.iterdir()) == KEPT

    def names(self, paths: Iterable[Path]) -> set[str]:
        """Return what follows the warehouse's name in names of files."""
        return {path.name.removeprefix(self.warehouse.name) for path in paths}

    def for_others(self) -> set[str]:
        """Return which files beside the warehouse the mode lets others read, temporary ones included."""
        paths = [*self.disk.rglob("*"), *self.temporary.rglob("*")]
        return self.names(path for path in paths if path.stat().st_mode & 0o077)

    def written(self) -> list[Path]:
        """Return what dbt writes beside the warehouse: logs, compiled SQL and so on."""
        paths = [*self.dbt.target.rglob("*"), *(self.dbt.folder / "logs").rglob("*")]
        return [path for path in paths if path.is_file()]

    def next_day(self) -> None:
        """Add a subscriber."""
        self.day += 1
        header, row = self.subscribers[:2]
        person = dict(zip(header, row, strict=True)) | {
            "msisdn": f"25479{self.day:07}",
            "full_name": f"Planted Person {self.day}",
            "email": f"planted.person{self.day}@example.org",
        }
        self.subscribers.append(list(person.values()))
        with (self.source / "subscribers.csv").open("w", newline="") as file:
            csv.writer(file).writerows(self.subscribers)

    def published(self) -> set[int]:
        """Read every published table; return the days up to which tables know subscribers: one, if whole."""
        return {number - first for number, first in zip(self.counts(), self.first, strict=True)}

    def counts(self) -> list[int]:
        """Read every published table; return how many subscribers three of them know."""
        numbers = []
        for file, queries in ((self.warehouse, COUNTS[:2]), (self.identities, COUNTS[2:])):
            with duckdb.connect(str(file), read_only=True) as connection:
                for table in tables(connection):
                    connection.sql(f"select bit_xor(hash(read_rows)) from {table} as read_rows").fetchall()
                numbers += [int(connection.sql(query).fetchall()[0][0]) for query in queries]
        return numbers

    @property
    def identities(self) -> Path:
        return Path(f"{self.warehouse}.identities")


def tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the tables of a database."""
    found = connection.sql("select format('{}.{}', schema_name, table_name) from duckdb_tables() order by 1")
    return [table for (table,) in found.fetchall()]


def names_people(content: bytes) -> bool:
    """Return whether a new subscriber is named."""
    return any(mark.encode() in content for mark in PLANTED)


def tables_with(file: Path, marks: Iterable[str] = PLANTED) -> list[str]:
    """Return the tables of a database in which a mark stands, by default that of a new subscriber."""
    with duckdb.connect(str(file), read_only=True) as connection:
        marked = f"regexp_matches(read_rows::varchar, '{'|'.join(map(re.escape, marks))}')"
        return [
            table
            for table in tables(connection)
            if connection.sql(f"select 1 from {table} as read_rows where {marked} limit 1").fetchall()
        ]


def main() -> None:
    kills, build = int(([*sys.argv, "20"])[1]), sys.argv[2:] or DAY
    with TemporaryDirectory() as name:
        world = World(Path(name))
        with spied(world.disk, world.temporary) as opened:
            begin(world, ["build"] if build == DAY else build)
            print(f"{' '.join(build)}: {kill_builds(world, kills, build)}", flush=True)
            print(kill_publishes(world), flush=True)
            print(fill_disks(world), flush=True)
            print(fill_disk_meanwhile(world), flush=True)
        print(f"files that user nobody could open: {world.names(map(Path, opened)) - FOR_ALL or 'none else'}")
        for file in (world.warehouse, world.identities):
            print(f"tables of {file.name} that name a new subscriber: {tables_with(file) or 'none'}")


def begin(world: World, build: list[str]) -> None:
    """Publish once: the days are counted from now on."""
    assert world.run(build) == 0, world.printed
    world.first = world.counts()


def kill_builds(world: World, kills: int, build: list[str]) -> str:
    """Kill builds at random moments; the same command and `dbt retry` mend in turn."""
    moments = np.random.default_rng(20261130)
    world.next_day()
    started = time.monotonic()
    world.mend(build)
    lasts = time.monotonic() - started
    killed = ended = 0
    while killed < kills:
        before = world.day
        world.next_day()
        seconds = moments.uniform(0, lasts)
        is_killed = world.run(build, seconds=seconds) == -signal.SIGKILL
        repair_publish(world.warehouse)
        assert world.published() in ({before}, {world.day}), (killed, world.published())
        mended_by = ["retry"] if killed % 2 and has_begun(world) else build
        world.mend(mended_by)
        killed, ended = killed + is_killed, ended + (not is_killed)
        ending = "killed" if is_killed else "ended"
        print(f"{ending} within {seconds:.0f} s of {lasts:.0f}, mended by {mended_by[0]}", flush=True)
    return f"killed at random moments: {killed}, ended before: {ended}; all whole, all mended by the next"


def has_begun(world: World) -> bool:
    """Return whether `dbt retry` knows the last run: not if it was refused or killed in its first hooks."""
    return '"skipped"' in (world.dbt.target / "run_results.json").read_text()


def kill_publishes(world: World, steps: Sequence[int] = range(STEPS)) -> str:
    """Kill runs before and after each copy and rename of their publish."""
    for step in steps:
        before = world.day
        world.next_day()
        assert world.run(PEOPLE, step=step) == -signal.SIGKILL, world.printed
        assert world.published() <= {before, world.day}
        repair_publish(world.warehouse)
        # from the rename that decides on, the publish is finished
        assert world.published() == {before if step < DECIDED else world.day}, step
        world.mend(["retry"] if step % 2 else PEOPLE)
    return f"runs killed inside the publish: {len(steps)} of {len(steps)}; all whole, all mended by the next"


def fill_disks(world: World, rooms: Sequence[float] = (0, 0.5, 1, 1.5, 2)) -> str:
    """Run where that many times the size of the working files is free."""
    with small_disk(world) as size:
        for number, room in enumerate(rooms):
            before = world.day
            world.next_day()
            working = sum(path.stat().st_size for path in world.disk.glob("*.working"))
            resize(world.disk, shutil.disk_usage(world.disk).used + int(room * working))
            code, said = world.run(PEOPLE), world.printed
            sentence = said[max(0, said.find("rror") - 20) :][:500]
            print(f"{room} times the working files free: exit code {code} {sentence}", flush=True)
            assert "Traceback" not in said
            assert code == 0 or f"disk/{world.warehouse.name}" in said or f"{world.disk}: " in said, said
            assert world.published() == {world.day if code == 0 else before}
            resize(world.disk, size)
            world.mend(["retry"] if number % 2 and has_begun(world) else PEOPLE)
    return f"runs on a full disk: {len(rooms)}; all whole, all mended by the next"


def fill_disk_meanwhile(world: World) -> str:
    """Fill the disk when the first models of a run are built."""
    before = world.day
    world.next_day()
    with small_disk(world):
        ballast = world.disk / "ballast"
        filling = threading.Thread(target=fill, args=(world.dbt.folder / "printed", ballast))
        filling.start()
        assert world.run(PEOPLE) == 1
        filling.join()
        said = world.printed
        print(f"filled meanwhile: {said[-900:]}", flush=True)
        assert "Traceback" not in said
        [*_, last] = said.split("Failure in ")
        assert f"Not published: {world.disk}: the disk filled up during the build. " in last
        assert world.published() == {before}
        assert world.names(world.disk.iterdir()) <= KEPT | {".working.wal", ballast.name}
        ballast.unlink()
        world.mend(["retry"])
    return "a run whose disk filled meanwhile: one sentence, whole, mended by `dbt retry`"


def fill(printed: Path, ballast: Path) -> None:
    """Take all room of a disk once dbt has built a model."""
    while not printed.exists() or " OK created" not in printed.read_text():
        time.sleep(0.01)
    ballast.touch(0o600)
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 12))


@contextmanager
def small_disk(world: World) -> Iterator[int]:
    """Put the warehouse on a disk of four times its size, which is yielded; only root can mount one."""
    kept = world.disk.with_name("kept")
    copy(world.disk, kept)
    size = 4 * sum(path.stat().st_size for path in kept.iterdir())
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", world.disk], check=True)
    try:
        copy(kept, world.disk)
        yield size
    finally:
        shutil.rmtree(kept)
        copy(world.disk, kept)
        subprocess.run(["umount", "-l", world.disk], check=True)
        copy(kept, world.disk)
        shutil.rmtree(kept)


def copy(folder: Path, target: Path) -> None:
    """Copy files, never with a wider mode than they have."""
    umask = os.umask(0o077)
    try:
        shutil.copytree(folder, target, dirs_exist_ok=True)
    finally:
        os.umask(umask)


def resize(disk: Path, size: int) -> None:
    """Give a mounted tmpfs another size."""
    subprocess.run(["mount", "-o", f"remount,size={size}", disk], check=True)


if __name__ == "__main__":
    main()
