"""Rows in buckets: files that say theirs are taken as they lie, all else is routed by a hash of its key."""

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

MOST_BUCKETS = 256
BUCKET_ROWS = 500_000
# What is routed at once, and again after a kill.
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
class Table:
    """Rows in a DuckDB database, to be routed: a table, and which of its rows."""

    database: Path
    name: str
    where: str


def parquet_files(folder: Path) -> list[Path]:
    """All Parquet files below a folder, in order.

    Raises
    ------
    UserError
        Without any.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder: name one that holds Parquet files of the mart's columns")
    # what begins with a dot or an underscore is no data: Spark and others leave marks there
    files = sorted(
        path
        for path in folder.rglob("*.parquet")
        if not any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
    )
    if not files:
        raise UserError(f"{folder} has no file *.parquet: write the mart's columns into it as Parquet")
    return files


def identity(files: list[Path], folder: Path) -> str:
    """Hash of names, sizes and times of change: other input has another one."""
    digest = hashlib.sha256()
    for file in files:
        state = file.stat()
        digest.update(f"{file.relative_to(folder)}|{state.st_size}|{state.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def are_buckets(files: list[Path], folder: Path) -> bool:
    """Whether every file's name, or its folder's, says its bucket: `bucket-017...` or `bucket=017/...`."""
    return all(_number(file, folder) is not None for file in files)


def _number(file: Path, folder: Path) -> int | None:
    named = [_NUMBERED.match(part) for part in file.relative_to(folder).parts]
    return next((int(name[1]) for name in named if name), None)


def buckets_of(files: list[Path], folder: Path, rows: list[int]) -> list[Bucket]:
    """The buckets of files that say theirs."""
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
    """Rows of each of the files, which hold the columns that the model reads.

    Raises
    ------
    UserError
        Naming the file, the column and what to do.
    """
    rows: list[int] = []
    kinds: dict[pa.DataType, Path] = {}
    for file in files:
        count, kind = _checked(file, key, design)
        rows.append(count)
        kinds.setdefault(kind, file)
    if len(kinds) > 1:
        (first, one), (second, other), *_ = kinds.items()
        raise UserError(f"{other}: '{key}' has type {second}, in {one} type {first}; cast it to one type")
    return rows


def _checked(file: Path, key: str, design: Design) -> tuple[int, pa.DataType]:
    """Rows of a file and the type of its key.

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
    """What to say of a file that is no whole Parquet."""
    reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
    return UserError(f"{file}: cannot be read as Parquet ({reason}); write the file again, or take it away")


def _is_text(kind: pa.DataType) -> bool:
    values = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.types.is_string(values) or pa.types.is_large_string(values) or pa.types.is_null(values)


def _is_number(kind: pa.DataType) -> bool:
    checks = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    return any(check(kind) for check in checks) or pa.types.is_boolean(kind) or pa.types.is_null(kind)


def bucket_count(rows: int) -> int:
    """Half a million rows a bucket, in a power of two of buckets; at most 256: all are written at once."""
    return min(MOST_BUCKETS, 1 << max(0, -(-rows // BUCKET_ROWS) - 1).bit_length())


def row_count(table: Table) -> int:
    """Rows of a table that are to be routed."""
    with duckdb.connect(str(table.database), read_only=True) as connection:
        counted = connection.execute(f"select count(*) from {table.name} where {table.where}").fetchone()
        return counted[0] if counted else 0


def route(source: Table | list[Path], columns: list[str], buckets: int, folder: Path) -> Iterator[int]:
    """Write rows into `folder/<step>/bucket=<number>/`, some ten million at a time; yields rows of each step.

    A step is whole or not there: its folder gets its name when all its files are written. The bucket of a
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
        connection.execute(f"set partitioned_write_max_open_files = {MOST_BUCKETS}")
        connection.execute(f"set temp_directory = '{_escaped(folder / 'spilled')}'")
        for step, (rows, selected) in enumerate(_steps(source)):
            done, writing = folder / f"{step:05d}", folder / f"{step:05d}.unfinished"
            if not done.exists():
                shutil.rmtree(writing, ignore_errors=True)
                query = f"select {listed}, printf('%03d', {bucket}) as bucket from {selected}"
                connection.execute(
                    f"copy ({query}) to '{_escaped(writing)}' (format parquet, partition_by (bucket))"
                )
                writing.mkdir(exist_ok=True)  # of no rows nothing is written
                os.replace(writing, done)
            yield rows


def _steps(source: Table | list[Path]) -> Iterator[tuple[int, str]]:
    """Rows, and what stands after `from`, of each step of routing."""
    if isinstance(source, Table):
        with duckdb.connect(str(source.database), read_only=True) as connection:
            last = connection.execute(f"select max(rowid) from {source.name}").fetchone()
        for start in range(0, (last[0] if last and last[0] is not None else -1) + 1, ROUTED_ROWS):
            rows = f"rowid >= {start} and rowid < {start + ROUTED_ROWS}"
            yield 0, f"{source.name} where ({source.where}) and {rows}"
        return
    for file in source:
        rows = pq.read_metadata(file).num_rows
        for start in range(0, rows, ROUTED_ROWS):
            some = f"file_row_number >= {start} and file_row_number < {start + ROUTED_ROWS}"
            where = f" where {some}" if rows > ROUTED_ROWS else ""
            yield (
                min(ROUTED_ROWS, rows - start),
                f"read_parquet('{_escaped(file)}', file_row_number = true){where}",
            )


def routed_files(folder: Path) -> list[Path]:
    """What `route` has written, step by step."""
    return sorted(path for step in folder.glob("?????") for path in step.rglob("*.parquet"))


def _escaped(path: Path) -> str:
    return str(path).replace("'", "''")
