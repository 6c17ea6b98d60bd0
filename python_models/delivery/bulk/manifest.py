"""Manifest of a bulk scoring run: what was scored, by which model, from which files."""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from python_models.common.errors import UserError
from python_models.delivery.bulk.workers import RUN_KEY

MANIFEST = "scores.json"
UNFINISHED = ".unfinished"


@dataclass(frozen=True)
class Manifest:
    """Model and input of the scores in a folder, which never holds scores of anything else."""

    campaign: str
    model_version: str
    model_hash: str
    threshold: float | None
    input: str
    input_hash: str
    input_rows: int
    buckets: int

    @property
    def run(self) -> str:
        """Return the hash that every file of scores carries."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


@contextmanager
def exclusive_lock(output: Path) -> Iterator[None]:
    """Lock a folder against other runs; the lock ends with the process, however it ends."""
    output.mkdir(parents=True, exist_ok=True)
    with (output / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"another run is scoring into {output}: wait for its end, or end it") from None
        yield


def begin_run(output: Path, manifest: Manifest) -> dict[str, int] | None:
    """Check or write the manifest and remove unfinished files; return a finished run's rows by file.

    Raises
    ------
    UserError
        Where the folder holds anything else.
    """
    remedy = "remove the folder, or name another with --to"
    files = None
    if (output / MANIFEST).exists():
        written = json.loads((output / MANIFEST).read_text())
        previous, files = written["made_of"], written["files"]
        changed = [
            f"{name} was {previous.get(name)}, is {value}"
            for name, value in asdict(manifest).items()
            if previous.get(name) != value
        ]
        if changed:
            raise UserError(f"{output} holds scores of something else ({'; '.join(changed)}): {remedy}")
    elif any(output.glob("*.parquet")):
        raise UserError(f"{output} holds Parquet files, but no {MANIFEST} that says what of: {remedy}")
    else:
        write_manifest(output, manifest, None)
    (output / UNFINISHED).mkdir(exist_ok=True)
    for remnant in (output / UNFINISHED).glob("*.parquet"):
        remnant.unlink()
    return files


def write_manifest(output: Path, manifest: Manifest, files: dict[str, int] | None) -> None:
    """Write the manifest; `files` holds the rows of each file of a finished run."""
    unfinished = output / f".{MANIFEST}"
    unfinished.write_text(json.dumps({"made_of": asdict(manifest), "files": files}, indent=1) + "\n")
    os.replace(unfinished, output / MANIFEST)


def is_done(path: Path, rows: int, manifest: Manifest) -> bool:
    """Return whether this run has written a bucket's scores.

    Raises
    ------
    UserError
        Where the file is not one of this run.
    """
    if not path.exists():
        return False
    try:
        metadata = pq.read_metadata(path)
    except (pa.ArrowException, OSError):
        metadata = None
    run = (metadata.metadata or {}).get(RUN_KEY, b"").decode() if metadata else ""
    if metadata is None or run != manifest.run or metadata.num_rows != rows:
        raise UserError(f"{path} was not written by this run, or was changed since: remove it and run again")
    return True
