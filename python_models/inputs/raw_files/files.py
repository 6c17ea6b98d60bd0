"""Which raw files a source has, and which columns they hold.

Own files directly in <data>/<source>/ replace everything in <data>/<source>/default/. Where a source has
several things (coupon: transactions, products, ...), a file's name begins with its thing; a source of one
thing takes every file.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from duckdb import DuckDBPyConnection, connect
from duckdb import Error as DuckDBError

from python_models.common.errors import UserError
from python_models.common.sql import quote_identifier, text_literal
from python_models.engines.duckdb.file_checks import DAMAGED_PARQUET, cached_problem, csv_columns
from python_models.inputs.raw_files.columns import RawColumn, raw_columns, read_seed

_VISIBLE = "not regexp_matches(file, '(^|/)[.][^/]*$')"


@dataclass(frozen=True)
class RawFile:
    """A raw file with its columns in order: the delimiter of a CSV file, or SQL of a Parquet table."""

    path: str
    file_name: str
    delimiter: str | None
    names: list[str]
    types: list[str]
    parquet: str = ""


@dataclass(frozen=True)
class Thing:
    """One kind of a source's files: `connection` reads them and the seeds about them.

    `has_default` says whether the source has a default input.
    """

    connection: DuckDBPyConnection
    data: str
    seeds: Path
    source: str
    thing: str = ""
    has_default: bool = True

    @property
    def folder(self) -> str:
        """Folder of the source."""
        return f"{self.data}/{self.source}"

    def has_own_files(self) -> bool:
        """Return whether there are files of the user's own, besides the default ones."""
        refuse_broken_links(Path(self.folder))
        pattern = text_literal(f"{self.folder}/*")
        [(count,)] = self.connection.sql(f"select count(*) from glob({pattern}) where {_VISIBLE}").fetchall()
        return bool(count > 0)

    def columns(self) -> list[RawColumn]:
        """Return the declared columns."""
        return raw_columns(self.connection, self.seeds, self.source, self.thing)

    def paths(self) -> list[str]:
        """Return the paths of the files, in order.

        Raises
        ------
        UserError
            Where there is no file, or one of another format.
        """
        is_own = self.has_own_files() or not self.has_default
        searched = self.folder if is_own else f"{self.folder}/default"
        refuse_broken_links(Path(searched))
        rows = read_seed(self.connection, self.seeds, "raw_columns", self.source)
        beginning = self.thing if len({row["thing"] for row in rows}) > 1 else ""
        found = self.connection.sql(
            "select file, regexp_matches(file, '[.](csv|csv[.]gz|parquet)$') "
            f"from glob({text_literal(f'{searched}/{beginning}*')}) where {_VISIBLE} order by file"
        ).fetchall()
        for path, is_readable in found:
            if not is_readable:
                raise UserError(
                    f"{path}: neither CSV nor Parquet. Save it as .csv, .csv.gz or .parquet, or move it away."
                )
        if not found:
            advice = (
                "A source's own files replace its whole default: add the missing file."
                if is_own
                else "Run `python -m python_models inputs` for the default input, or put your own file into "
                f"{self.folder}/."
            )
            raise UserError(f"{searched}: no file {beginning}*.csv or {beginning}*.parquet found. {advice}")
        return [path for path, _ in found]

    def file_name(self, path: str) -> str:
        """Return the name under which tables know a file."""
        return f"{self.source}/{path[len(self.folder) + 1 :]}"

    def files(self) -> list[RawFile]:
        """Return the files with their columns.

        Raises
        ------
        UserError
            Where a file is damaged, or has no usable header.
        """
        return [self._file(path) for path in self.paths()]

    def _file(self, path: str) -> RawFile:
        status = Path(path).stat()
        if problem := cached_problem(path, status.st_size, status.st_mtime_ns):
            raise UserError(f"{path}: {problem}")
        if path.endswith(".parquet"):
            reader, names, types = parquet_table(self.connection, path)
            return RawFile(path, self.file_name(path), None, names, types, reader)
        header = json.loads(csv_columns(Path(path)))
        names = header["names"]
        for index, name in enumerate(names):
            is_repeated = name.lower() in [other.lower() for other in names[:index]]
            if is_repeated or not name:
                raise UserError(
                    f"{path}: column {index + 1} of the header, '{name}', is "
                    f"{'there twice' if name else 'empty'}. Give each column a name of its own."
                )
        return RawFile(path, self.file_name(path), header["delimiter"], names, ["VARCHAR"] * len(names))


def refuse_broken_links(folder: Path) -> None:
    """Stop at a link to a file that is not there: DuckDB would pass over it without a word.

    Raises
    ------
    UserError
        If the folder, or a visible name in it, is such a link.
    """
    for path in [folder, *sorted(folder.glob("[!.]*"))]:
        if path.is_symlink() and not path.exists():
            raise UserError(
                f"{path}: a link to {path.readlink()}, which is not there. Mount or restore it, "
                "or delete the link."
            )


def published_own_files(warehouse: Path) -> dict[str, str]:
    """Return each source that the published warehouse read from files of the user's own, with one of them.

    Raises
    ------
    UserError
        If the warehouse cannot be read.
    """
    if not warehouse.exists():
        return {}
    own: dict[str, str] = {}
    try:
        with connect(str(warehouse), read_only=True) as connection:
            tables = connection.sql(
                "select table_name, regexp_extract(table_name, '^base_(.+)__', 1) as source "
                "from duckdb_columns() "
                "where schema_name = 'staging' and column_name = 'file_name' and source != ''"
            ).fetchall()
            for table, source in tables:
                found = connection.execute(
                    f"select min(file_name) from staging.{quote_identifier(table)} "
                    "where not starts_with(file_name, ? || '/default/')",
                    [source],
                ).fetchone()
                if found and found[0]:
                    own[source] = found[0]
    except DuckDBError as error:
        raise UserError(
            f"{warehouse} cannot be read, so it is unknown which sources had files of their own: {error}"
        ) from None
    return own


def refuse_damaged_pages(file: RawFile) -> None:
    """Stop at a Parquet file whose values cannot be read; its beginning and end may be whole.

    Raises
    ------
    UserError
        If the file is damaged: DuckDB's own message may quote a value, and does not always name the file.
    """
    status = Path(file.path).stat()
    if _has_damaged_pages(file.parquet, status.st_size, status.st_mtime_ns):
        raise UserError(f"{file.path}: {DAMAGED_PARQUET}")


@lru_cache(maxsize=256)
def _has_damaged_pages(parquet: str, _size: int, _changed: int) -> bool:
    try:
        with connect() as connection:
            connection.sql(f"select bit_xor(hash(read_rows)) from {parquet} as read_rows").fetchall()
    except DuckDBError:
        return True
    return False


def parquet_table(connection: DuckDBPyConnection, path: str) -> tuple[str, list[str], list[str]]:
    """Return SQL of a Parquet file's table with `file_row_number`, and the names and types of its columns.

    Strings that lack the mark of text are read as text.

    Raises
    ------
    UserError
        If the file is damaged.
    """
    options = "file_row_number = true"
    try:
        found = connection.sql(f"from read_parquet({text_literal(path)})")
        if "BLOB" in map(str, found.types):
            options += ", binary_as_string = true"
            found = connection.sql(f"from read_parquet({text_literal(path)}, binary_as_string = true)")
        return f"read_parquet({text_literal(path)}, {options})", found.columns, list(map(str, found.types))
    # a name of a column may be damaged too
    except (DuckDBError, UnicodeDecodeError):
        raise UserError(f"{path}: {DAMAGED_PARQUET}") from None
