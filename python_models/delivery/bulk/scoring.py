"""Score any number of rows with a campaign's champion: Parquet to Parquet, bucket by bucket, resumable.

`results.conversion_scores` holds the rows of a warehouse; this scores as many as fit on a disk, in constant
memory. Each bucket has a file of scores that appears whole or not at all; the same command, run again after a
kill, scores the buckets that are missing.
"""

import hashlib
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from python_models.common.errors import UserError
from python_models.common.sql import quote_identifier
from python_models.common.warehouse import Champion, read_champion
from python_models.conversion.fitted import served_model
from python_models.delivery.bulk.buckets import (
    Bucket,
    TableInput,
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
from python_models.delivery.bulk.compiled_trees import compiled, is_available, is_compiled
from python_models.delivery.bulk.manifest import (
    UNFINISHED,
    Manifest,
    begin_run,
    exclusive_lock,
    is_done,
    write_manifest,
)
from python_models.delivery.bulk.workers import ScoringJob, score_all

FOLDER = Path("scored")
# LightGBM scores this many rows in the two seconds that compiling takes.
MIN_COMPILED_ROWS = 200_000


@dataclass(frozen=True)
class ScoringInput:
    """Rows to score: buckets as they are, or a source to be routed into `bucket_count` buckets."""

    name: str
    hash: str
    count: int
    bucket_count: int
    buckets: list[Bucket] | None = None
    source: TableInput | list[Path] | None = None


def score_files(
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
        Campaign whose champion scores.
    source : pathlib.Path, optional
        Folder of Parquet files with the mart's columns. Without it those rows of the mart in the warehouse
        whose outcome is unknown: the build scores the others out of fold.
    target : pathlib.Path
        Scores go to `<target>/<campaign>/<model version>/`, one file per bucket.
    workers : int
        Threads that score at a time, a hundred megabytes each.

    Yields
    ------
    str
        Progress, a line each; the last one is the folder.

    Raises
    ------
    UserError
        Without a warehouse, campaign or champion; for input that the model cannot read; where the folder
        holds scores of other input.
    """
    champion = read_champion(warehouse, campaign)
    rows = mart_rows(warehouse, champion) if source is None else file_rows(source, champion)
    yield from score_rows(champion, rows, target, workers)


def mart_rows(warehouse: Path, champion: Champion) -> ScoringInput:
    """Return the rows of the campaign's mart whose outcome is unknown."""
    unknown = f"{quote_identifier(champion.label)} is null" if champion.label else "true"
    table = TableInput(warehouse, f"campaigns.{quote_identifier(champion.campaign + '_features')}", unknown)
    count = row_count(table)
    name = f"{champion.campaign}_features in {warehouse}"
    return ScoringInput(
        name, identity([warehouse], warehouse.parent), count, bucket_count(count), source=table
    )


def file_rows(folder: Path, champion: Champion) -> ScoringInput:
    """Check the Parquet files of a folder and return their rows."""
    files = parquet_files(folder)
    design = served_model(champion.body, champion.version).design
    rows = rows_of(files, champion.key, design)
    count, hashed = sum(rows), identity(files, folder)
    if are_buckets(files, folder):
        buckets = buckets_of(files, folder, rows)
        return ScoringInput(str(folder), hashed, count, len(buckets), buckets=buckets)
    return ScoringInput(str(folder), hashed, count, bucket_count(count), source=files)


def score_rows(
    champion: Champion, rows: ScoringInput, target: Path, workers: int, compile_trees: bool | None = None
) -> Iterator[str]:
    """Score rows into `<target>/<campaign>/<model version>/`; as `score_files`.

    `compile_trees` is by default true where the extra is installed and enough rows are to be scored.
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
    with exclusive_lock(output):
        files = begin_run(output, manifest)
        if files is not None and all(is_done(output / name, n, manifest) for name, n in files.items()):
            shutil.rmtree(output / UNFINISHED)
            yield f"nothing to do: all {rows.count:,} rows are scored"
            yield str(output)
            return
        buckets = rows.buckets
        if buckets is None:
            started = time.perf_counter()
            buckets = _route_rows(rows, champion, output / UNFINISHED / "routed")
            seconds = time.perf_counter() - started
            yield f"{rows.count:,} rows routed into {len(buckets)} buckets in {seconds:.1f} s"
        if compile_trees is None:
            compile_trees = is_available() and rows.count >= MIN_COMPILED_ROWS
        yield from _score(buckets, champion, manifest, output, workers, compile_trees)
        shutil.rmtree(output / UNFINISHED)
        yield str(output)


def _route_rows(rows: ScoringInput, champion: Champion, folder: Path) -> list[Bucket]:
    """Route the rows, unless an earlier run has, and return their buckets."""
    assert rows.source is not None
    design = served_model(champion.body, champion.version).design
    with progress("routing", rows.count) as advance:
        for routed in route(rows.source, [champion.key, *design.columns], rows.bucket_count, folder):
            advance(routed)
    files = routed_files(folder)
    buckets = buckets_of(files, folder, rows_of(files, champion.key, design))
    found = sum(bucket.rows for bucket in buckets)
    if found != rows.count:
        raise UserError(
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
    """Score the buckets that are missing, then list all files in the manifest."""
    paths = {bucket: output / f"bucket-{bucket.number:03d}.parquet" for bucket in buckets}
    missing = [(bucket, path) for bucket, path in paths.items() if not is_done(path, bucket.rows, manifest)]
    remaining = sum(bucket.rows for bucket, _ in missing)
    job = ScoringJob(champion.version, champion.threshold, champion.key, manifest.run)
    model = served_model(champion.body, champion.version)
    model = compiled(model) if compile_trees else model
    started = time.perf_counter()
    with progress("scoring", manifest.input_rows, manifest.input_rows - remaining) as advance:
        for scored in score_all(model, job, missing, workers):
            advance(scored)
    seconds = time.perf_counter() - started
    write_manifest(output, manifest, {path.name: bucket.rows for bucket, path in paths.items()})
    how = "compiled trees" if is_compiled(model) else "without compiled trees"
    previous = f" ({manifest.input_rows - remaining:,} were there)" if remaining < manifest.input_rows else ""
    yield f"{remaining:,} rows scored{previous} in {seconds:.1f} s: {remaining / seconds:,.0f} rows/s, {how}"


@contextmanager
def progress(label: str, total: int, done: int = 0) -> Iterator[Callable[[int], object]]:
    """Show a progress bar with rows a second and the remaining time; only on a terminal."""
    silent = not sys.stderr.isatty()
    with tqdm(desc=label, total=total, initial=done, unit=" rows", unit_scale=True, disable=silent) as bar:
        yield bar.update
