"""Workers that score one bucket each at a time, in bounded memory."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from threading import Event, Thread

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from python_models.common.errors import UserError
from python_models.common.frames import Design, matrix_of
from python_models.conversion.fitted import FittedModel
from python_models.delivery.bulk.buckets import Bucket, unreadable

# DuckDB's row group; fewer rows of a wide mart, whose matrix would be too large.
MAX_BATCH_ROWS = 122_880
MAX_BATCH_BYTES = 32 * 2**20
RUN_KEY = b"leadlight_run"


class Stopped(Exception):  # noqa: N818 - no error
    """Another worker failed, or the run was interrupted."""


@dataclass(frozen=True)
class ScoringJob:
    """What all buckets of a run share."""

    model_version: str
    threshold: float | None
    key: str
    run: str


def score_all(
    model: FittedModel, job: ScoringJob, buckets: list[tuple[Bucket, Path]], workers: int
) -> Iterator[int]:
    """Score buckets into their files, several at a time; yield the number of rows as they are scored.

    Workers are threads: LightGBM, the kernel, numpy and Arrow all release Python's lock while they work.

    Raises
    ------
    UserError
        The first failure of a worker; the others stop after their batch.
    """
    queue: Queue[tuple[Bucket, Path]] = Queue()
    for task in buckets:
        queue.put(task)
    results: Queue[int | Exception | None] = Queue()
    stop = Event()
    # compile here, once, what is compiled at the first call; a single row would have another memory layout
    model.ensemble(np.zeros((2, len(model.design.columns)), order="F"))
    count = min(workers, len(buckets))
    threads = [Thread(target=_work, args=(queue, results, stop, model, job)) for _ in range(count)]
    pa.set_cpu_count(1)
    try:
        for thread in threads:
            thread.start()
        while count:
            message = results.get()
            if isinstance(message, Exception):
                raise message
            if message is None:
                count -= 1
            else:
                yield message
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _work(
    queue: Queue[tuple[Bucket, Path]],
    results: Queue[int | Exception | None],
    stop: Event,
    model: FittedModel,
    job: ScoringJob,
) -> None:
    """Score one bucket after the other until the queue is empty or `stop` is set."""
    path = Path()
    try:
        while not stop.is_set():
            bucket, path = queue.get_nowait()
            for rows in score_bucket(bucket, path, model, job, stop):
                results.put(rows)
    except (Empty, Stopped):
        pass
    except OSError as error:
        results.put(UserError(f"{path}: {error}; what is finished stays: mend it and run the same again"))
    except Exception as error:  # raised again by `score_all`
        results.put(error)
    results.put(None)


def score_bucket(
    bucket: Bucket, path: Path, model: FittedModel, job: ScoringJob, stop: Event
) -> Iterator[int]:
    """Write the scores of a bucket under a temporary name, then rename; yield rows as they are scored.

    Nothing stays when it is stopped.
    """
    unfinished = path.parent / ".unfinished" / path.name
    rows = 0
    writer = None
    try:
        for file in bucket.files:
            for batch in read(file, job.key, model.design):
                scores = score_batch(batch, model, job)
                if writer is None:
                    writer = pq.ParquetWriter(unfinished, scores.schema, use_dictionary=["model_version"])
                writer.write_batch(scores, row_group_size=MAX_BATCH_ROWS)
                rows += len(scores)
                yield len(scores)
                if stop.is_set():
                    raise Stopped
        if writer is None:
            empty = score_batch(_empty_batch(bucket.files[0], job.key, model.design), model, job)
            writer = pq.ParquetWriter(unfinished, empty.schema, use_dictionary=["model_version"])
            writer.write_batch(empty)
        writer.close()
    except BaseException:
        with suppress(OSError):
            if writer is not None:
                writer.close()
        unfinished.unlink(missing_ok=True)
        raise
    if rows != bucket.rows:
        names = ", ".join(map(str, bucket.files[:3]))
        raise UserError(f"{names}: {rows:,} rows of {bucket.rows:,} were read; did a file change? Run again")
    _rename_durably(unfinished, path)


def _rename_durably(unfinished: Path, path: Path) -> None:
    """Rename a file once it is on the disk."""
    _sync(unfinished)
    os.replace(unfinished, path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(file: Path, key: str, design: Design) -> Iterator[pa.RecordBatch]:
    """Yield the columns that a model reads, batch by batch."""
    size = min(MAX_BATCH_ROWS, max(1_024, MAX_BATCH_BYTES // (8 * max(1, len(design.columns)))))
    try:
        with pq.ParquetFile(file, buffer_size=2**18) as parquet:
            columns = list(dict.fromkeys([key, *design.columns]))
            for batch in parquet.iter_batches(size, columns=columns, use_threads=False):
                if batch.column(key).null_count:
                    raise UserError(f"{file}: '{key}' is empty in some rows; every row needs its key")
                yield batch
    except (pa.ArrowException, OSError) as error:
        raise unreadable(file, error) from None


def _empty_batch(file: Path, key: str, design: Design) -> pa.RecordBatch:
    schema = pq.read_schema(file)
    fields = [schema.field(name) for name in dict.fromkeys([key, *design.columns])]
    return pa.RecordBatch.from_pylist([], schema=pa.schema(fields))


def score_batch(batch: pa.RecordBatch, model: FittedModel, job: ScoringJob) -> pa.RecordBatch:
    """Return key, probability, decision and model version of each row, whose outcome counts as unknown."""
    rows = len(batch)
    probability = np.empty(0)
    if rows:
        probability = model.score_new(read_matrix(batch, model.design))
    decision: pa.Array = pa.nulls(rows, pa.bool_())
    if job.threshold is not None:
        decision = pa.array(probability >= job.threshold)
    columns = {
        job.key: batch.column(job.key),
        "predicted_probability": pa.array(probability),
        "predicted_conversion": decision,
        "model_version": pa.repeat(job.model_version, rows),
    }
    kinds = [pa.field(name, values.type) for name, values in columns.items()]
    schema = pa.schema(kinds, metadata={RUN_KEY: job.run.encode()})
    return pa.RecordBatch.from_arrays(list(columns.values()), schema=schema)


def read_matrix(batch: pa.RecordBatch, design: Design) -> np.ndarray:
    """Return the matrix of a batch, its columns contiguous: they are filled and read one by one."""
    return matrix_of(design, batch, len(batch), order="F")
