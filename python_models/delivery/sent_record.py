"""The record of exports: who was sent or held out, when, and into which folder.

It is the folder `<warehouse>.sent` beside the warehouse, a Parquet file per export, for its owner only. So
exports into any folder are in the record of their warehouse, and it outlives the warehouse itself. To take
back an export that was never used, delete its file.

A file is written before the export's folder gets its name, and becomes part of the record after that. If the
process is killed in between, whoever opens the record next looks for the folder and keeps or drops the file.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from python_models.common.sql import text_literal, text_literals
from python_models.delivery.consent import consent_macros, read_seed

MANIFEST = "manifest.json"
COLUMNS = {
    "audience_id": "varchar",
    "campaign": "varchar",
    "week_start": "date",
    "source": "varchar",
    "channel": "varchar",
    "entity_id": "varchar",
    "customer_id": "varchar",
    "is_holdout": "boolean",
    "sent_at": "timestamp",
    "export_folder": "varchar",
    "members_sha256": "varchar",
}
_NULLS = ", ".join(f"cast(null as {kind}) as {name}" for name, kind in COLUMNS.items())
NO_ROWS = f"select {_NULLS} where false"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let one process at a time write into a folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def record_folder(warehouse: Path) -> Path:
    """Return the folder of a warehouse's record."""
    return warehouse.with_name(f"{warehouse.name}.sent")


class SentRecord:
    """The record of a warehouse's exports, open for one process."""

    def __init__(self, folder: Path):
        self.folder = folder

    @classmethod
    def rows_of(cls, warehouse: Path, seeds: Path) -> str:
        """Return SQL of all rows of a warehouse's record, which may not exist yet."""
        if not record_folder(warehouse).exists():
            return NO_ROWS
        with cls.opened(warehouse, seeds) as record:
            return record.rows()

    @classmethod
    @contextmanager
    def opened(cls, warehouse: Path, seeds: Path) -> Iterator["SentRecord"]:
        """Open the record, without exports that were not finished and people who asked to be erased."""
        folder = record_folder(warehouse)
        folder.mkdir(mode=0o700, exist_ok=True)
        with locked(folder):
            record = cls(folder)
            record._settle()
            record._forget_erased(seeds, warehouse)
            yield record

    def files(self) -> list[Path]:
        """Return the file of each export."""
        return sorted(self.folder.glob("[!.]*.parquet"))

    def rows(self) -> str:
        """Return SQL of all rows."""
        if files := self.files():
            paths = text_literals(str(path.absolute()) for path in files)
            return f"select {', '.join(COLUMNS)} from read_parquet([{paths}])"
        return NO_ROWS

    def prepare(self, connection: duckdb.DuckDBPyConnection, export_id: str, export_folder: Path) -> None:
        """Write the rows of the relation `sent_rows` for an export that is about to get its folder."""
        folder = text_literal(str(export_folder.absolute()))
        self._write(
            connection,
            f"select * replace ({folder} as export_folder) from sent_rows",
            self.folder / f".{export_id}.pending",
        )

    def commit(self, export_id: str, export_folder: Path) -> None:
        """Make a prepared export part of the record."""
        pending = self.folder / f".{export_id}.pending"
        os.rename(pending, self.folder / f"{export_folder.name}.{export_id}.parquet")

    def _write(self, connection: duckdb.DuckDBPyConnection, sql: str, path: Path) -> None:
        unfinished = self.folder / ".unfinished"
        connection.execute(f"copy ({sql}) to {text_literal(str(unfinished))} (format parquet)")
        unfinished.chmod(0o600)
        os.rename(unfinished, path)

    def _settle(self) -> None:
        """Keep what was prepared for exports that have their folder, and drop the rest."""
        (self.folder / ".unfinished").unlink(missing_ok=True)
        for pending in self.folder.glob(".*.pending"):
            export_id = pending.name.split(".")[1]
            rows = f"from read_parquet({text_literal(str(pending))})"
            with duckdb.connect() as connection:
                folders = connection.sql(f"select distinct export_folder {rows}").fetchall()
            if folders and _exported(Path(folders[0][0])) == export_id:
                self.commit(export_id, Path(folders[0][0]))
            else:
                pending.unlink()

    def _forget_erased(self, seeds: Path, warehouse: Path) -> None:
        """Write the files anew that hold somebody who asked to be erased."""
        if not self.files():
            return
        with duckdb.connect() as connection:
            read_seed(connection, seeds, "erasure_requests", "source, customer_id", warehouse)
            is_erased = consent_macros().is_erased("erasure_requests", "record.source", "record.customer_id")
            for path in self.files():
                rows = f"from read_parquet({text_literal(str(path))}) as record"
                if connection.execute(f"select 1 {rows} where {is_erased} limit 1").fetchone():
                    self._write(connection, f"select * {rows} where not {is_erased}", path)


def _exported(folder: Path) -> str | None:
    """Return the export that a folder holds, as its manifest says."""
    try:
        export_id = json.loads((folder / MANIFEST).read_text()).get("export_id")
    except (OSError, ValueError):
        return None
    return str(export_id)
