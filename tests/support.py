"""What the tests of every tier share: folders made once for all workers, and dbt in a test's own folder."""

import atexit
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from filelock import FileLock

from tests import dbt_server

REPOSITORY = Path(__file__).resolve().parents[1]
PROJECT = REPOSITORY / "dbt_project"
# Two candidates for each model and few draws: a build of the tests is cheaper, and what they assert holds.
QUICK_CANDIDATES = {
    "app_install": "[lightgbm, logistic_regression]",
    "coupon": "[lightgbm, logistic_regression]",
    "insurance": "[random_forest, logistic_regression]",
    "mail_out": "[random_forest, lightgbm_shallow]",
}
# What the parsed project depends on; commands that change none of it run in a fork of what has parsed.
FORKED_COMMANDS = {"run", "test", "ls", "compile", "show", "snapshot"}
CHANGES_PARSING = {"--vars", "--no-partial-parse", "--target", "--profile", "--project-dir"}

Mart = Callable[[pd.DataFrame], duckdb.DuckDBPyRelation]


class Shared:
    """Folders that the first worker to ask for makes, and that all workers read.

    `root` is the session's: `tests/conftest.py` sets it.
    """

    root: Path

    @classmethod
    def folder(cls, name: str, make: Callable[[Path], None]) -> Path:
        """Return the folder, after `make` has filled it; where that failed, no other worker tries again."""
        folder = cls.root / f"shared-{name}"
        is_made, has_failed = folder.with_suffix(".made"), folder.with_suffix(".failed")
        with FileLock(folder.with_suffix(".lock")):
            if has_failed.exists():
                pytest.fail(f"{name} could not be made: {has_failed.read_text()}", pytrace=False)
            if not is_made.exists():
                folder.mkdir()
                try:
                    make(folder)
                except BaseException as error:
                    has_failed.write_text(f"{error}")
                    raise
                is_made.touch()
        return folder


def copy_project(folder: Path, project: Path = PROJECT) -> Path:
    """Copy dbt's project, without what it has built."""
    shutil.copytree(project, folder, ignore=shutil.ignore_patterns("target", "logs"))
    return folder


def quick_project() -> Path:
    """Return the copy of the project that tests build, one for all workers."""

    def make(folder: Path) -> None:
        project = copy_project(folder / "dbt_project")
        replace_once(project / "dbt_project.yml", "bootstrap_replicates: 200", "bootstrap_replicates: 40")
        for campaign, candidates in QUICK_CANDIDATES.items():
            decide = "        decide_by: f1\n"
            declaration = project / f"models/campaigns/{campaign}/{campaign}.yml"
            replace_once(declaration, decide, f"{decide}        candidates: {candidates}\n")

    return Shared.folder("project", make) / "dbt_project"


def replace_once(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1, f"{file}: {old!r} stands there {text.count(old)} times"
    file.write_text(text.replace(old, new))


def parsed_project() -> Path:
    """Return the folder with what dbt has parsed of the quick project, one for all workers."""

    def make(folder: Path) -> None:
        dbt = Dbt(folder / "parsed", folder / "parsed/data")
        printed, _ = (process := dbt.start("parse")).communicate()
        assert process.returncode == 0, printed

    return Shared.folder("parsed", make) / "parsed/target"


class Dbt:
    """Runs dbt in a folder of the test's own, on its `data` and its `warehouse.duckdb`.

    Both are named relative to the folder: dbt parses anew where the environment differs.
    """

    def __init__(self, folder: Path, data: Path, project: Path | None = None):
        self.folder = folder
        self.data = data
        folder.mkdir(exist_ok=True)
        if data != folder / "data" and not (folder / "data").is_symlink():
            (folder / "data").symlink_to(data)
        self.warehouse = folder / "warehouse.duckdb"
        self.is_quick = project is None
        self.project = project or quick_project()
        self.target = folder / "target"
        self.environment = os.environ | {
            "DBT_PROJECT_DIR": str(self.project),
            "DBT_PROFILES_DIR": str(REPOSITORY),
            "DBT_TARGET_PATH": str(self.target),
            "DBT_LOG_PATH": str(folder / "logs"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DBT_USE_COLORS": "false",
            "LEADLIGHT_DATA": "data",
            "LEADLIGHT_WAREHOUSE": "warehouse.duckdb",
        }
        self.own_environment = self.environment.copy()

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a process of its own."""
        partial_parse = self.target / "partial_parse.msgpack"
        if self.is_quick and arguments[0] != "parse" and not partial_parse.exists():
            self.target.mkdir(exist_ok=True)
            shutil.copy(parsed_project() / partial_parse.name, partial_parse)
        return subprocess.Popen(
            [Path(sys.executable).with_name("dbt"), *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def finish(self, *arguments: str, variables: Mapping[str, object] | None = None) -> tuple[int, str]:
        """Run to the end; return the exit code and what dbt printed.

        In a fork where the project is parsed already, which saves five seconds of CPU. `variables` are those
        that only SQL reads: what YAML and models of Python read is fixed when dbt parses.
        """
        [command, *_] = [argument for argument in arguments if not argument.startswith("-")]
        is_parsed = self.is_quick and self.environment == self.own_environment
        given = ("--vars", json.dumps(variables, default=str)) if variables else ()
        if is_parsed and command in FORKED_COMMANDS and not CHANGES_PARSING & set(arguments):
            return DbtServer.shared().run(self, (*arguments, *given))
        process = self.start(*arguments, *given)
        printed, _ = process.communicate()
        return process.returncode, printed

    def __call__(self, *arguments: str, variables: Mapping[str, object] | None = None) -> str:
        """Run and return what dbt printed; it must succeed."""
        code, printed = self.finish(*arguments, variables=variables)
        assert code == 0, printed
        return printed

    def fails(self, *arguments: str, variables: Mapping[str, object] | None = None) -> str:
        """Run and return what dbt printed on one line; it must fail."""
        code, printed = self.finish(*arguments, variables=variables)
        assert code != 0, printed
        return " ".join(printed.split())

    def query(self, sql: str) -> list[tuple]:
        """Rows of the published warehouse."""
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            return connection.sql(sql).fetchall()

    def query_working(self, sql: str) -> list[tuple]:
        """Rows of the working database, where a partial run leaves its tables."""
        with duckdb.connect(f"{self.warehouse}.working", read_only=True) as connection:
            return connection.sql(sql).fetchall()


def copy_built(built: Dbt, dbt: Dbt) -> None:
    """Give a dbt of the test's own what another one has built and published."""
    for suffix in ("", ".working"):
        shutil.copy(f"{built.warehouse}{suffix}", f"{dbt.warehouse}{suffix}")


class DbtServer:
    """A process that has parsed a dbt's project and forks for each command."""

    of_worker: "DbtServer | None" = None

    def __init__(self, dbt: Dbt):
        self.process = subprocess.Popen(
            [sys.executable, dbt_server.__file__],
            cwd=dbt.folder,
            env=dbt.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        atexit.register(self.process.kill)
        assert self.process.stdout
        # dbt may say something of its own first
        while (line := self.process.stdout.readline()) and line.strip() != dbt_server.READY:
            pass
        assert line, "dbt could not parse the project"

    @classmethod
    def shared(cls) -> "DbtServer":
        """Return the worker's one, which has parsed the quick project."""
        if cls.of_worker is None:
            folder = Shared.root / f"server-{os.getpid()}"
            dbt = Dbt(folder, folder / "data")
            shutil.copytree(parsed_project(), dbt.target)
            cls.of_worker = cls(dbt)
        return cls.of_worker

    def run(
        self, dbt: Dbt, arguments: Sequence[str], seconds: float | None = None, step: int | None = None
    ) -> tuple[int, str]:
        """Run a command, killed after `seconds` or at a `step` of its publish; return code and text."""
        printed = dbt.folder / "printed"
        request = {
            "arguments": arguments,
            "folder": str(dbt.folder),
            "environment": dbt.environment,
            "printed": str(printed),
            "seconds": seconds,
            "step": step,
        }
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        code = int(self.process.stdout.readline())
        text = printed.read_text() if printed.exists() else ""
        printed.unlink(missing_ok=True)
        return code, text


def link_other_sources(data: Path, default_data: Path) -> None:
    """Give every source that has no folder in `data` its default input."""
    for source in default_data.iterdir():
        if not (data / source.name).exists():
            (data / source.name).symlink_to(source)
