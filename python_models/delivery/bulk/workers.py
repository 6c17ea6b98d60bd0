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
import pyarrow.compute as pc
import pyarrow.parquet as pq

from python_models.common.errors import UserError
from python_models.common.frames import Design
from python_models.conversion.calibration import shift_log_odds
from python_models.conversion.fitted import FittedModel
from python_models.delivery.bulk.buckets import Bucket, unreadable

# DuckDB's row group. Of a wide mart fewer rows are read at once: so many bytes of matrix.
BATCH_ROWS = 122_880
BATCH_BYTES = 32 * 2**20
RUN_KEY = b"leadlight_run"


class Stopped(Exception):  # noqa: N818 - no error
    """Another worker failed, or a person said stop."""


@dataclass(frozen=True)
class Order:
    """What all buckets of a run have in common."""

    model_version: str
    threshold: float | None
    key: str
    run: str


def score_all(
    model: FittedModel, order: Order, buckets: list[tuple[Bucket, Path]], workers: int
) -> Iterator[int]:
    """Score buckets into their files, some side by side; yields rows as they are scored.

    Workers are threads: LightGBM, the kernel, numpy and Arrow all let go of Python's lock while they work.

    Raises
    ------
    UserError
        The first failure of a worker; the others stop after their batch.
    """
    waiting: Queue[tuple[Bucket, Path]] = Queue()
    for task in buckets:
        waiting.put(task)
    news: Queue[int | Exception | None] = Queue()
    stop = Event()
    # what is compiled at the first call is compiled here, once; a single row would be of another layout
    model.ensemble(np.zeros((2, len(model.design.columns)), order="F"))
    count = min(workers, len(buckets))
    threads = [Thread(target=_work, args=(waiting, news, stop, model, order)) for _ in range(count)]
    pa.set_cpu_count(1)
    try:
        for thread in threads:
            thread.start()
        while count:
            message = news.get()
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


def _work(waiting: Queue, news: Queue, stop: Event, model: FittedModel, order: Order) -> None:
    """Score one bucket after the other until none is left, or all are to stop."""
    path = Path()
    try:
        while not stop.is_set():
            bucket, path = waiting.get_nowait()
            for rows in score_bucket(bucket, path, model, order, stop):
                news.put(rows)
    except (Empty, Stopped):
        pass
    except OSError as error:
        news.put(UserError(f"{path}: {error}; what is finished stays: mend it and run the same again"))
    except Exception as error:  # whatever it is, nobody waits for this worker any more
        news.put(error)
    news.put(None)


def score_bucket(bucket: Bucket, path: Path, model: FittedModel, order: Order, stop: Event) -> Iterator[int]:
    """Write the scores of a bucket under a temporary name, then rename; yields rows as they are scored.

    Told to stop, it leaves nothing.
    """
    unfinished = path.parent / ".unfinished" / path.name
    rows = 0
    writer = None
    try:
        for file in bucket.files:
            for batch in read(file, order.key, model.design):
                scores = score_batch(batch, model, order)
                if writer is None:
                    writer = pq.ParquetWriter(unfinished, scores.schema, use_dictionary=["model_version"])
                writer.write_batch(scores, row_group_size=BATCH_ROWS)
                rows += len(scores)
                yield len(scores)
                if stop.is_set():
                    raise Stopped
        if writer is None:
            nothing = score_batch(_empty(bucket.files[0], order.key, model.design), model, order)
            writer = pq.ParquetWriter(unfinished, nothing.schema, use_dictionary=["model_version"])
            writer.write_batch(nothing)
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
    _keep(unfinished, path)


def _keep(unfinished: Path, path: Path) -> None:
    """Give a file its name once it is on the disk."""
    for place in (unfinished, None):
        if place is None:
            os.replace(unfinished, path)
        descriptor = os.open(place or path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read(file: Path, key: str, design: Design) -> Iterator[pa.RecordBatch]:
    """The columns that a model reads, batch by batch."""
    size = min(BATCH_ROWS, max(1_024, BATCH_BYTES // (8 * max(1, len(design.columns)))))
    try:
        with pq.ParquetFile(file, buffer_size=2**18) as parquet:
            columns = list(dict.fromkeys([key, *design.columns]))
            for batch in parquet.iter_batches(size, columns=columns, use_threads=False):
                if batch.column(key).null_count:
                    raise UserError(f"{file}: '{key}' is empty in some rows; every row needs its key")
                yield batch
    except (pa.ArrowException, OSError) as error:
        raise unreadable(file, error) from None


def _empty(file: Path, key: str, design: Design) -> pa.RecordBatch:
    schema = pq.read_schema(file)
    fields = [schema.field(name) for name in dict.fromkeys([key, *design.columns])]
    return pa.RecordBatch.from_pylist([], schema=pa.schema(fields))


def score_batch(batch: pa.RecordBatch, model: FittedModel, order: Order) -> pa.RecordBatch:
    """Key, probability, decision and model version of each row, as rows whose outcome is not known yet."""
    rows = len(batch)
    probability = np.empty(0)
    if rows:
        probability = shift_log_odds(model.ensemble(matrix_of(batch, model.design)), model.shift)
    decision: pa.Array = pa.nulls(rows, pa.bool_())
    if order.threshold is not None:
        decision = pa.array(probability >= order.threshold)
    columns = {
        order.key: batch.column(order.key),
        "predicted_probability": pa.array(probability),
        "predicted_conversion": decision,
        "model_version": pa.repeat(order.model_version, rows),
    }
    kinds = [pa.field(name, values.type) for name, values in columns.items()]
    schema = pa.schema(kinds, metadata={RUN_KEY: order.run.encode()})
    return pa.RecordBatch.from_arrays(list(columns.values()), schema=schema)


def matrix_of(batch: pa.RecordBatch, design: Design) -> np.ndarray:
    """What `Design.matrix` makes of a frame, made of Arrow's columns; each column lies together."""
    matrix = np.empty((len(batch), len(design.columns)), order="F")
    for position, name in enumerate(design.columns):
        values = batch.column(name)
        if name in design.categories:
            matrix[:, position] = _codes(values, design.categories[name])
        else:
            matrix[:, position] = _numbers(values)
    return matrix


def _codes(values: pa.Array, categories: list[str]) -> np.ndarray:
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    known = pa.array(categories, pa.string())
    codes = pc.index_in(values.cast(pa.string()), value_set=known, skip_nulls=True)
    return codes.cast(pa.float64()).to_numpy(zero_copy_only=False)


def _numbers(values: pa.Array) -> np.ndarray:
    if values.null_count or not (pa.types.is_floating(values.type) or pa.types.is_integer(values.type)):
        values = values.cast(pa.float64(), safe=False)
    return values.to_numpy(zero_copy_only=False)
