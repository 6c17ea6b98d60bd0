"""Builds that are killed: `python benchmarks/kills.py [KILLS [COMMAND]]`, of one campaign with identities.

Each build has one more subscriber. Builds are killed at each step of a publish, run on a disk that is full (a
tmpfs of a few megabytes: only root may mount one), and are killed at random moments of a daily build or
another command. After each, every published table is read and the next build must mend. While they run, a
thread looks for files that another user could read.
"""

import csv
import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np

from python_models.common.publish_files import repair_publish
from python_models.inputs.samples import write_sample
from tests.support import REPOSITORY, Dbt, copy_project, replace_once

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
# Parses once, then runs each command that it reads in a child process. The child is killed when its time is
# up, or at the requested step of its publish.
KILLER = '''
import atexit, json, os, signal, sys, time
from dbt.cli.main import dbtRunner
from python_models.common import publish_files

parsed = dbtRunner().invoke(["--quiet", "parse"]).result

def die_at(step):
    """Die before or after a copy or rename of the publish, counted from 0."""
    moments = iter(range(100))
    def counted(called):
        def call(*arguments):
            if next(moments) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            called(*arguments)
            if next(moments) == step:
                os.kill(os.getpid(), signal.SIGKILL)
        return call
    def deadly(modes):
        publish_files._copy, os.replace = counted(publish_files._copy), counted(os.replace)
        return publish(modes)
    publish, publish_files.publish = publish_files.publish, deadly

print("ready", flush=True)
for line in sys.stdin:
    request = json.loads(line)
    child = os.fork()
    if not child:
        os.dup2(os.open("printed", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
        if request["step"] is not None:
            die_at(request["step"])
        runner = dbtRunner() if request["arguments"] == ["retry"] else dbtRunner(manifest=parsed)
        success = runner.invoke(request["arguments"]).success
        atexit._run_exitfuncs()
        sys.stdout.flush()
        os._exit(0 if success else 1)
    deadline = time.monotonic() + request["seconds"]
    status = (0, 0)
    while not status[0] and time.monotonic() < deadline:
        time.sleep(0.01)
        status = os.waitpid(child, os.WNOHANG)
    if not status[0]:
        os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status[1]), flush=True)
'''


class World:
    """A folder with one campaign's data, project and warehouse, and a process that builds there."""

    def __init__(self, folder: Path) -> None:
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
        # a folder of its own, which may be made a disk of its own
        self.disk = folder / "disk"
        self.disk.mkdir()
        self.warehouse = self.disk / "warehouse.duckdb"
        self.first, self.day = [0, 0, 0], 0
        self.readable: set[str] = set()
        self.killer = subprocess.Popen(
            [sys.executable, "-c", KILLER],
            cwd=folder,
            env=self.dbt.environment
            | {"LEADLIGHT_WAREHOUSE": "disk/warehouse.duckdb", "PYTHONPATH": str(REPOSITORY)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        while self.killer.stdout.readline() != "ready\n":
            assert self.killer.poll() is None, "dbt could not parse the project"

    def run(self, arguments: list[str], seconds: float = 3600, step: int | None = None) -> int:
        """Run dbt, killed after `seconds` or at a `step` of its publish; return its exit code."""
        with self.watched():
            self.killer.stdin.write(
                json.dumps({"arguments": arguments, "seconds": seconds, "step": step}) + "\n"
            )
            self.killer.stdin.flush()
            return int(self.killer.stdout.readline())

    def mend(self, arguments: list[str]) -> None:
        """Run dbt to its end; what it publishes is of this day, and nothing is left over."""
        code = self.run(arguments)
        assert code == 0, self.printed
        assert self.published() == {self.day}, (self.published(), self.day)
        left = {path.name.removeprefix(self.warehouse.name) for path in self.disk.iterdir()}
        # notes made after the publish may wait in the log of the working file, for its owner only
        assert left - {".working.wal"} == KEPT, left

    @property
    def printed(self) -> str:
        """What the last command printed, on one line."""
        return " ".join((self.dbt.folder / "printed").read_text().split())

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Note which files another user could read meanwhile, but those that are for everybody."""
        is_over = threading.Event()

        def watch() -> None:
            while not is_over.wait(0.005):
                for path in self.disk.iterdir():
                    with suppress(FileNotFoundError):
                        if path.stat().st_mode & 0o077:
                            self.readable.add(path.name.removeprefix(self.warehouse.name))

        thread = threading.Thread(target=watch)
        thread.start()
        yield
        is_over.set()
        thread.join()

    def next_day(self) -> None:
        """Add a subscriber."""
        self.day += 1
        header, row = self.subscribers[:2]
        phone = header.index("msisdn")
        self.subscribers.append([*row[:phone], f"25479{self.day:07}", *row[phone + 1 :]])
        with (self.source / "subscribers.csv").open("w", newline="") as file:
            csv.writer(file).writerows(self.subscribers)

    def published(self) -> set[int]:
        """Read every published table; return the days up to which tables know subscribers: one, if whole."""
        return {number - first for number, first in zip(self.counts(), self.first, strict=True)}

    def counts(self) -> list[int]:
        """Read every published table; return how many subscribers three of them know."""
        identities = Path(f"{self.warehouse}.identities")
        numbers = []
        for file, queries in ((self.warehouse, COUNTS[:2]), (identities, COUNTS[2:])):
            with duckdb.connect(str(file), read_only=True) as connection:
                tables = connection.sql(
                    "select format('{}.{}', schema_name, table_name) from duckdb_tables()"
                ).fetchall()
                for (table,) in tables:
                    connection.sql(f"select bit_xor(hash(read_rows)) from {table} as read_rows").fetchall()
                numbers += [int(connection.sql(query).fetchall()[0][0]) for query in queries]
        return numbers


def main() -> None:
    kills, build = int(([*sys.argv, "20"])[1]), sys.argv[2:] or DAY
    with TemporaryDirectory() as name:
        world = World(Path(name))
        begin(world)
        print(kill_publishes(world), flush=True)
        print(fill_disks(world), flush=True)
        world.mend(["build"] if build == DAY else build)
        print(f"{' '.join(build)}: {kill_builds(world, kills, build)}", flush=True)
        print(f"files that another user could read: {world.readable - FOR_ALL or 'none'}")


def begin(world: World) -> None:
    """Publish once: the days are counted from now on."""
    assert world.run(PEOPLE) == 0, world.printed
    world.first = world.counts()


def kill_builds(world: World, kills: int, build: list[str]) -> str:
    """Kill builds at random moments; the same command and `dbt retry` mend in turn."""
    moments = np.random.default_rng(20261130)
    world.next_day()
    started = time.monotonic()
    world.mend(build)
    lasts = time.monotonic() - started
    killed = 0
    for number in range(kills):
        before = world.day
        world.next_day()
        seconds = moments.uniform(0, lasts)
        is_killed = world.run(build, seconds=seconds) == -signal.SIGKILL
        repair_publish(world.warehouse)
        assert world.published() in ({before}, {world.day}), (number, world.published())
        mended_by = ["retry"] if number % 2 and has_begun(world) else build
        world.mend(mended_by)
        killed += is_killed
        ending = "killed" if is_killed else "ended"
        print(f"{ending} within {seconds:.0f} s of {lasts:.0f}, mended by {mended_by[0]}", flush=True)
    return f"killed at random moments: {killed} of {kills}; all whole, all mended by the next"


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
    """Run where that many times the size of the working files is free; only root can mount such a disk."""
    kept = world.disk.with_name("kept")
    shutil.copytree(world.disk, kept)
    used = sum(path.stat().st_size for path in kept.iterdir())
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={4 * used}", "tmpfs", world.disk], check=True)
    try:
        shutil.copytree(kept, world.disk, dirs_exist_ok=True)
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
            resize(world.disk, 4 * used)
            world.mend(["retry"] if number % 2 and has_begun(world) else PEOPLE)
    finally:
        subprocess.run(["umount", "-l", world.disk], check=True)
    return f"runs on a full disk: {len(rooms)}; all whole, all mended by the next"


def resize(disk: Path, size: int) -> None:
    """Give a mounted tmpfs another size."""
    subprocess.run(["mount", "-o", f"remount,size={size}", disk], check=True)


if __name__ == "__main__":
    main()
