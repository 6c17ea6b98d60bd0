"""The manifest of a bulk scoring run: what was scored, by which model, from which files."""

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
    """What the scores in a folder were made of; scores of anything else never join them."""

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
        """Hash that every file of scores carries."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


@contextmanager
def _alone(output: Path) -> Iterator[None]:
    """Nobody else scores into the folder meanwhile; the lock ends with the process, however it ends."""
    output.mkdir(parents=True, exist_ok=True)
    with (output / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"another run is scoring into {output}: wait for its end, or end it") from None
        yield


def _begin(output: Path, manifest: Manifest) -> dict[str, int] | None:
    """Check or write what the scores are made of, clear what was left half; the files, once all are there.

    Raises
    ------
    UserError
        Where the folder holds anything else.
    """
    remedy = "remove the folder, or name another with --to"
    files = None
    if (output / MANIFEST).exists():
        written = json.loads((output / MANIFEST).read_text())
        before, files = written["made_of"], written["files"]
        now = asdict(manifest)
        changed = [
            f"{name} was {before.get(name)}, is {value}"
            for name, value in now.items()
            if before.get(name) != value
        ]
        if changed:
            raise UserError(f"{output} holds scores of something else ({'; '.join(changed)}): {remedy}")
    elif any(output.glob("*.parquet")):
        raise UserError(f"{output} holds Parquet files, but no {MANIFEST} that says what of: {remedy}")
    else:
        _write(output, manifest, None)
    (output / UNFINISHED).mkdir(exist_ok=True)
    for left in (output / UNFINISHED).glob("*.parquet"):
        left.unlink()
    return files


def _write(output: Path, manifest: Manifest, files: dict[str, int] | None) -> None:
    """Write what the scores are made of, and how many rows each file has once all are there."""
    unfinished = output / f".{MANIFEST}"
    unfinished.write_text(json.dumps({"made_of": asdict(manifest), "files": files}, indent=1) + "\n")
    os.replace(unfinished, output / MANIFEST)


def _is_done(path: Path, rows: int, manifest: Manifest) -> bool:
    """Whether a bucket's scores are there, whole, and of this run.

    Raises
    ------
    UserError
        Where something else has the file's name.
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
