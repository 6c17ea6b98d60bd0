"""Rows in buckets: files named by bucket are used as they are, other rows are routed by a hash of the key."""

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from python_models.common.errors import UserError
from python_models.common.frames import Design
from python_models.common.sql import quote_identifier

MAX_BUCKETS = 256
BUCKET_ROWS = 500_000
# Rows of a step of routing, the unit that is repeated after a kill.
ROUTED_ROWS = 10_000_000
ROUTING_MEMORY = "512MB"
_NUMBERED = re.compile(r"bucket[=-](\d+)")


@dataclass(frozen=True)
class Bucket:
    """One unit of work: the files that hold a bucket's rows."""

    number: int
    files: tuple[Path, ...]
    rows: int


@dataclass(frozen=True)
class TableInput:
    """Rows of a DuckDB table to be routed: those that meet a condition."""

    database: Path
    name: str
    where: str


def parquet_files(folder: Path) -> list[Path]:
    """Return all Parquet files below a folder, in order.

    Raises
    ------
    UserError
        Without any.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder: name one that holds Parquet files of the mart's columns")
    # Spark and others keep marks, not data, in files that begin with a dot or an underscore
    files = sorted(
        path
        for path in folder.rglob("*.parquet")
        if not any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
    )
    if not files:
        raise UserError(f"{folder} has no file *.parquet: write the mart's columns into it as Parquet")
    return files


def identity(files: list[Path], folder: Path) -> str:
    """Return a hash of the names, sizes and modification times of files."""
    digest = hashlib.sha256()
    for file in files:
        state = file.stat()
        digest.update(f"{file.relative_to(folder)}|{state.st_size}|{state.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def are_buckets(files: list[Path], folder: Path) -> bool:
    """Return whether every file, or its folder, is named by its bucket.

    Such as `bucket-017...` or `bucket=017/...`.
    """
    return all(_number(file, folder) is not None for file in files)


def _number(file: Path, folder: Path) -> int | None:
    named = [_NUMBERED.match(part) for part in file.relative_to(folder).parts]
    return next((int(name[1]) for name in named if name), None)


def buckets_of(files: list[Path], folder: Path, rows: list[int]) -> list[Bucket]:
    """Return the buckets of files that are named by bucket."""
    found: dict[int, list[tuple[Path, int]]] = {}
    for file, count in zip(files, rows, strict=True):
        number = _number(file, folder)
        assert number is not None
        found.setdefault(number, []).append((file, count))
    return [
        Bucket(number, tuple(file for file, _ in parts), sum(count for _, count in parts))
        for number, parts in sorted(found.items())
    ]


def rows_of(files: list[Path], key: str, design: Design) -> list[int]:
    """Return the number of rows of each file, once all hold the columns that the model reads.

    Raises
    ------
    UserError
        Naming the file, the column and what to do.
    """
    rows: list[int] = []
    kinds: dict[pa.DataType, Path] = {}
    for file in files:
        count, kind = _check_file(file, key, design)
        rows.append(count)
        kinds.setdefault(kind, file)
    if len(kinds) > 1:
        (first, one), (second, other), *_ = kinds.items()
        raise UserError(f"{other}: '{key}' has type {second}, in {one} type {first}; cast it to one type")
    return rows


def _check_file(file: Path, key: str, design: Design) -> tuple[int, pa.DataType]:
    """Return the number of rows of a file and the type of its key.

    Raises
    ------
    UserError
        Naming the file, the column and what to do.
    """
    try:
        with pq.ParquetFile(file) as parquet:
            rows, schema = parquet.metadata.num_rows, parquet.schema_arrow
    except (pa.ArrowException, OSError) as error:
        raise unreadable(file, error) from None
    for name in [key, *design.columns]:
        if name not in schema.names:
            raise UserError(
                f"{file}: column '{name}' is missing, which the model reads; write all columns of the "
                f"campaign's mart (it has {', '.join(schema.names[:8])}{', ...' if schema.names[8:] else ''})"
            )
    for name in design.columns:
        kind = schema.field(name).type
        wanted = "text" if name in design.categories else "a number or a boolean"
        if not (_is_text(kind) if name in design.categories else _is_number(kind)):
            raise UserError(
                f"{file}: column '{name}' has type {kind}, the model reads {wanted}; cast it, write it again"
            )
    return rows, schema.field(key).type


def unreadable(file: Path, error: Exception) -> UserError:
    """Return the error for a file that is not whole Parquet."""
    reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
    return UserError(f"{file}: cannot be read as Parquet ({reason}); write the file again, or take it away")


def _is_text(kind: pa.DataType) -> bool:
    values = kind.value_type if pa.types.is_dictionary(kind) else kind
    return any(check(values) for check in (pa.types.is_string, pa.types.is_large_string, pa.types.is_null))


def _is_number(kind: pa.DataType) -> bool:
    types = pa.types
    checks = (types.is_integer, types.is_floating, types.is_decimal, types.is_boolean, types.is_null)
    return any(check(kind) for check in checks)


def bucket_count(rows: int) -> int:
    """Return a power of two with about half a million rows a bucket; at most 256: all are open at once."""
    return min(MAX_BUCKETS, 1 << max(0, -(-rows // BUCKET_ROWS) - 1).bit_length())


def row_count(table: TableInput) -> int:
    """Return how many rows of a table are to be routed."""
    with duckdb.connect(str(table.database), read_only=True) as connection:
        counted = connection.execute(f"select count(*) from {table.name} where {table.where}").fetchone()
        return counted[0] if counted else 0


def route(source: TableInput | list[Path], columns: list[str], buckets: int, folder: Path) -> Iterator[int]:
    """Write rows into `folder/<step>/bucket=<number>/`, ten million a step; yield the rows of each step.

    A step's folder is renamed when all its files are written, so a step is whole or missing. The bucket of a
    key is the remainder of the first 32 bits of its MD5, as in the macro `hash_bucket`: the same on every
    machine, in every version and engine.
    """
    folder.mkdir(parents=True, exist_ok=True)
    key = quote_identifier(columns[0])
    bucket = f"cast(concat('0x', left(md5(cast({key} as varchar)), 8)) as bigint) % {buckets}"
    listed = ", ".join(quote_identifier(name) for name in dict.fromkeys(columns))
    database = "" if isinstance(source, list) else str(source.database)
    with duckdb.connect(database, read_only=bool(database)) as connection:
        connection.execute(f"set memory_limit = '{ROUTING_MEMORY}'")
        connection.execute("set preserve_insertion_order = false")
        connection.execute(f"set partitioned_write_max_open_files = {MAX_BUCKETS}")
        connection.execute(f"set temp_directory = '{_escaped(folder / 'spilled')}'")
        for step, (rows, selected) in enumerate(_steps(source)):
            done, writing = folder / f"{step:05d}", folder / f"{step:05d}.unfinished"
            if not done.exists():
                shutil.rmtree(writing, ignore_errors=True)
                query = f"select {listed}, printf('%03d', {bucket}) as bucket from {selected}"
                connection.execute(
                    f"copy ({query}) to '{_escaped(writing)}' (format parquet, partition_by (bucket))"
                )
                writing.mkdir(exist_ok=True)  # DuckDB writes nothing without rows
                os.replace(writing, done)
            yield rows


def _steps(source: TableInput | list[Path]) -> Iterator[tuple[int, str]]:
    """Yield the number of rows and the `from` clause of each step of routing."""
    if isinstance(source, TableInput):
        with duckdb.connect(str(source.database), read_only=True) as connection:
            last = connection.execute(f"select max(rowid) from {source.name}").fetchone()
        for start in range(0, (last[0] if last and last[0] is not None else -1) + 1, ROUTED_ROWS):
            rows = f"rowid >= {start} and rowid < {start + ROUTED_ROWS}"
            yield 0, f"{source.name} where ({source.where}) and {rows}"
        return
    for file in source:
        rows = pq.read_metadata(file).num_rows
        for start in range(0, rows, ROUTED_ROWS):
            condition = f"file_row_number >= {start} and file_row_number < {start + ROUTED_ROWS}"
            where = f" where {condition}" if rows > ROUTED_ROWS else ""
            yield (
                min(ROUTED_ROWS, rows - start),
                f"read_parquet('{_escaped(file)}', file_row_number = true){where}",
            )


def routed_files(folder: Path) -> list[Path]:
    """Return the files that `route` has written, in order of its steps."""
    return sorted(path for step in folder.glob("?????") for path in step.rglob("*.parquet"))


def _escaped(path: Path) -> str:
    return str(path).replace("'", "''")
