"""Scores any number of rows with a campaign's champion: Parquet to Parquet, bucket by bucket, resumable.

Where `results.conversion_scores` holds the rows of a warehouse, this scores as many as a disk holds, in
memory that does not grow with them. Each bucket's scores are a file of their own that appears whole or not at
all; the same command, given again after a kill, goes on with the buckets that are missing.
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
from python_models.conversion.fitted import FittedModel
from python_models.delivery.bulk.buckets import (
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
from python_models.delivery.bulk.compiled_trees import compiled, is_available, is_compiled
from python_models.delivery.bulk.manifest import UNFINISHED, Manifest, _alone, _begin, _is_done, _write
from python_models.delivery.bulk.workers import Order, score_all

FOLDER = Path("scored")
# Compiling takes each worker two seconds; in that time LightGBM scores so many rows.
COMPILED_FROM_ROWS = 200_000


@dataclass(frozen=True)
class Rows:
    """What is to be scored: buckets as they lie, or a source to be routed into `bucket_count` buckets."""

    name: str
    hash: str
    count: int
    bucket_count: int
    buckets: list[Bucket] | None = None
    source: Table | list[Path] | None = None


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
    UserError
        Without a warehouse, campaign or champion; for input that is not what the model reads; where the
        folder holds scores of other input.
    """
    champion = read_champion(warehouse, campaign)
    rows = mart_rows(warehouse, champion) if source is None else file_rows(source, champion)
    yield from score_rows(champion, rows, target, workers)


def mart_rows(warehouse: Path, champion: Champion) -> Rows:
    """The rows of the campaign's mart whose outcome is not known."""
    unknown = f"{quote_identifier(champion.label)} is null" if champion.label else "true"
    table = Table(warehouse, f"campaigns.{quote_identifier(champion.campaign + '_features')}", unknown)
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
def _bar(word: str, total: int, done: int = 0) -> Iterator[Callable[[int], object]]:
    """Progress with rows a second and the time that is left; silent where no person is watching."""
    silent = not sys.stderr.isatty()
    with tqdm(desc=word, total=total, initial=done, unit=" rows", unit_scale=True, disable=silent) as bar:
        yield bar.update
