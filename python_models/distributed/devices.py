"""Scores any number of rows with a campaign's champion: Parquet to Parquet, bucket by bucket, resumable.

Where `results.conversion_scores` holds the rows of a warehouse, this scores as many as a disk holds, in
memory that does not grow with them. Each bucket's scores are a file of their own that appears whole or not at
all; the same command, given again after a kill, goes on with the buckets that are missing.
"""

import fcntl
import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from python_models.distributed.buckets import (
    Bucket,
    Table,
    are_buckets,
    bucket_count,
    buckets_of,
    identity,
    parquet_files,
    route,
    routed_files,
    row_count,
    rows_of,
)
from python_models.distributed.compiled import compiled, is_available, is_compiled
from python_models.distributed.workers import RUN_KEY, Order, score_all
from python_models.fitted import FittedModel
from python_models.frames import quoted
from python_models.sources import InputError

FOLDER = Path("scored")
MANIFEST = "scores.json"
UNFINISHED = ".unfinished"
# Compiling takes each worker two seconds; in that time LightGBM scores so many rows.
COMPILED_FROM_ROWS = 200_000


@dataclass(frozen=True)
class Champion:
    """A campaign's model in service, with the threshold of its decision."""

    campaign: str
    version: str
    body: str
    threshold: float | None
    key: str
    label: str | None


@dataclass(frozen=True)
class Rows:
    """What is to be scored: buckets as they lie, or a source to be routed into `bucket_count` buckets."""

    name: str
    hash: str
    count: int
    bucket_count: int
    buckets: list[Bucket] | None = None
    source: Table | list[Path] | None = None


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


def score_devices(
    warehouse: Path,
    campaign: str = "display_ads",
    source: Path | None = None,
    target: Path = FOLDER,
    workers: int = 2,
) -> Iterator[str]:
    """Score a folder of Parquet files, or the warehouse's rows without an outcome, with the champion.

    Parameters
    ----------
    warehouse : pathlib.Path
        The published warehouse; it is only read.
    campaign : str
        Whose champion.
    source : pathlib.Path, optional
        Folder of Parquet files with the mart's columns. Without it the mart in the warehouse, as far as
        outcomes are not known: the others are scored out of fold by the build.
    target : pathlib.Path
        Scores go to `<target>/<campaign>/<model version>/`, one file per bucket.
    workers : int
        Threads that score side by side, a hundred megabytes each.

    Yields
    ------
    str
        What was done, a line each; the last one names the folder.

    Raises
    ------
    InputError
        Without a warehouse, campaign or champion; for input that is not what the model reads; where the
        folder holds scores of other input.
    """
    champion = read_champion(warehouse, campaign)
    rows = mart_rows(warehouse, champion) if source is None else file_rows(source, champion)
    yield from score_rows(champion, rows, target, workers)


def read_champion(warehouse: Path, campaign: str) -> Champion:
    """The model in service as the warehouse publishes it, with its threshold."""
    if not warehouse.exists():
        raise InputError(f"{warehouse} does not exist: run `make build` first")
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        listed = connection.execute(
            "select campaign, is_champion, model_version, model_body, threshold, refused_reason, declaration "
            "from results.conversion_models left join results.conversion_policies using (campaign) "
            "order by is_champion desc, trained_at desc"
        ).fetchall()
    known = sorted({row[0] for row in listed})
    if campaign not in known:
        raise InputError(f"campaign '{campaign}' has no model in {warehouse}; it has {', '.join(known)}")
    _, serves, version, body, threshold, reason, declaration = next(
        row for row in listed if row[0] == campaign
    )
    if not serves or not body:
        raise InputError(f"campaign '{campaign}' has no model in service: {reason}")
    declared = json.loads(declaration)
    return Champion(campaign, version, body, threshold, declared["entity"], declared.get("label"))


def mart_rows(warehouse: Path, champion: Champion) -> Rows:
    """The rows of the campaign's mart whose outcome is not known."""
    unknown = f"{quoted(champion.label)} is null" if champion.label else "true"
    table = Table(warehouse, f"campaigns.{quoted(champion.campaign + '_features')}", unknown)
    count = row_count(table)
    name = f"{champion.campaign}_features in {warehouse}"
    return Rows(name, identity([warehouse], warehouse.parent), count, bucket_count(count), source=table)


def file_rows(folder: Path, champion: Champion) -> Rows:
    """The rows of a folder of Parquet files, which are all checked."""
    files = parquet_files(folder)
    design = FittedModel.from_text(champion.body).design
    rows = rows_of(files, champion.key, design)
    count, hashed = sum(rows), identity(files, folder)
    if are_buckets(files, folder):
        buckets = buckets_of(files, folder, rows)
        return Rows(str(folder), hashed, count, len(buckets), buckets=buckets)
    return Rows(str(folder), hashed, count, bucket_count(count), source=files)


def score_rows(
    champion: Champion, rows: Rows, target: Path, workers: int, compile_trees: bool | None = None
) -> Iterator[str]:
    """Score rows into `<target>/<campaign>/<model version>/`; as `score_devices`.

    `compile_trees` says whether; without it they are where the extra is installed and it pays.
    """
    manifest = Manifest(
        campaign=champion.campaign,
        model_version=champion.version,
        model_hash=hashlib.sha256(champion.body.encode()).hexdigest()[:16],
        threshold=champion.threshold,
        input=rows.name,
        input_hash=rows.hash,
        input_rows=rows.count,
        buckets=rows.bucket_count,
    )
    output = target / champion.campaign / champion.version
    with _alone(output):
        files = _begin(output, manifest)
        if files is not None and all(_is_done(output / name, n, manifest) for name, n in files.items()):
            shutil.rmtree(output / UNFINISHED)
            yield f"nothing to do: all {rows.count:,} rows are scored"
            yield str(output)
            return
        buckets = rows.buckets
        if buckets is None:
            started = time.perf_counter()
            buckets = _routed(rows, champion, output / UNFINISHED / "routed")
            seconds = time.perf_counter() - started
            yield f"{rows.count:,} rows routed into {len(buckets)} buckets in {seconds:.1f} s"
        if compile_trees is None:
            compile_trees = is_available() and rows.count >= COMPILED_FROM_ROWS
        yield from _score(buckets, champion, manifest, output, workers, compile_trees)
        shutil.rmtree(output / UNFINISHED)
        yield str(output)


def _routed(rows: Rows, champion: Champion, folder: Path) -> list[Bucket]:
    """The buckets that the rows were routed into, now or before."""
    assert rows.source is not None
    design = FittedModel.from_text(champion.body).design
    with _bar("routing", rows.count) as advance:
        for routed in route(rows.source, [champion.key, *design.columns], rows.bucket_count, folder):
            advance(routed)
    files = routed_files(folder)
    buckets = buckets_of(files, folder, rows_of(files, champion.key, design))
    found = sum(bucket.rows for bucket in buckets)
    if found != rows.count:
        raise InputError(
            f"{rows.name}: {rows.count:,} rows, of which {found:,} were routed; remove {folder}, run again"
        )
    return buckets


def _score(
    buckets: list[Bucket],
    champion: Champion,
    manifest: Manifest,
    output: Path,
    workers: int,
    compile_trees: bool,
) -> Iterator[str]:
    """Score the buckets that are missing, then write down what all there are."""
    paths = {bucket: output / f"bucket-{bucket.number:03d}.parquet" for bucket in buckets}
    missing = [(bucket, path) for bucket, path in paths.items() if not _is_done(path, bucket.rows, manifest)]
    left = sum(bucket.rows for bucket, _ in missing)
    order = Order(champion.version, champion.threshold, champion.key, manifest.run)
    model = FittedModel.from_text(champion.body)
    model = compiled(model) if compile_trees else model
    started = time.perf_counter()
    with _bar("scoring", manifest.input_rows, manifest.input_rows - left) as advance:
        for scored in score_all(model, order, missing, workers):
            advance(scored)
    seconds = time.perf_counter() - started
    _write(output, manifest, {path.name: bucket.rows for bucket, path in paths.items()})
    how = "compiled trees" if is_compiled(model) else "without compiled trees"
    before = f" ({manifest.input_rows - left:,} were there)" if left < manifest.input_rows else ""
    yield f"{left:,} rows scored{before} in {seconds:.1f} s: {left / seconds:,.0f} rows/s, {how}"


@contextmanager
def _alone(output: Path) -> Iterator[None]:
    """Nobody else scores into the folder meanwhile; the lock ends with the process, however it ends."""
    output.mkdir(parents=True, exist_ok=True)
    with (output / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"another run is scoring into {output}: wait for its end, or end it") from None
        yield


def _begin(output: Path, manifest: Manifest) -> dict[str, int] | None:
    """Check or write what the scores are made of, clear what was left half; the files, once all are there.

    Raises
    ------
    InputError
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
            raise InputError(f"{output} holds scores of something else ({'; '.join(changed)}): {remedy}")
    elif any(output.glob("*.parquet")):
        raise InputError(f"{output} holds Parquet files, but no {MANIFEST} that says what of: {remedy}")
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
    InputError
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
        raise InputError(f"{path} was not written by this run, or was changed since: remove it and run again")
    return True


@contextmanager
def _bar(word: str, total: int, done: int = 0) -> Iterator[Callable[[int], object]]:
    """Progress with rows a second and the time that is left; silent where no person is watching."""
    silent = not sys.stderr.isatty()
    with tqdm(desc=word, total=total, initial=done, unit=" rows", unit_scale=True, disable=silent) as bar:
        yield bar.update
