"""dbt-duckdb plugin: the SQL function `file_fault(path)` finds damage that DuckDB's reader does not report.

Also `csv_columns(path)`, `line_count(path)` to count the lines that the reader skipped, and
`unknown_names(seeds, sources)`, and `hash_statements(seeds, country_code, table)`.
"""

import codecs
import gzip
import json
import re
import zlib
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, cast

from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection, list_type, sqltypes

from python_models.common.request_checks import hash_statements, unknown_names

CHUNK = 1 << 20
MAX_LINE_END_BYTES = 32 << 20
EMPTY = "the file is empty. It needs a header line with the column names, then one line per row."
DAMAGED_PARQUET = "truncated or corrupt Parquet file. Write it again."
PARQUET, ZIP, GZIP = b"PAR1", b"PK\x03\x04", b"\x1f\x8b"


def file_problem(path: Path) -> str:
    """Return what is wrong with a raw file and what to do, or an empty string.

    A truncated or damaged gzip file silently reads as a shorter one, so it is read to its end here.
    """
    if set(path.name) & set("*?["):
        return "the name holds *, ? or [, which would match other files too. Rename it."
    with path.open("rb") as file:
        beginning = file.read(4)
        if path.suffix == ".parquet":
            file.seek(-min(path.stat().st_size, 4), 2)
            if beginning != PARQUET or file.read() != PARQUET:
                return DAMAGED_PARQUET
            return ""
    if path.suffix == ".gz":
        return gzip_problem(path) or header_problem(path) or line_end_problem(path)
    if beginning.startswith(ZIP):
        return "this is an Excel workbook or ZIP archive, not CSV. Export it as CSV."
    if beginning.startswith(GZIP):
        return "gzip-compressed, but not named .csv.gz. Rename it."
    return header_problem(path) or line_end_problem(path)


def open_bytes(path: Path) -> BinaryIO:
    """Open a text file as bytes, decompressed."""
    return cast(BinaryIO, gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def csv_header(path: Path) -> str:
    """Return the header of a text file: the first line, including line breaks within quotes."""
    with open_bytes(path) as file:
        beginning = file.read(CHUNK).removeprefix(codecs.BOM_UTF8)
    header = re.match(rb'(?:(?<![^,;\t|])"(?:[^"]|"")*"|[^\r\n])*', beginning)
    return header[0].decode("utf-8", "replace") if header else ""


def csv_columns(path: Path) -> str:
    """Return the header of a text file as JSON: its most frequent `delimiter`, and the `names`."""
    header = csv_header(path)
    unquoted = "".join(header.split('"')[::2])
    delimiter = max(",;\t|", key=unquoted.count)
    fields = re.findall(rf'(?:^|[{delimiter}])[ ]*("(?:[^"]|"")*"|[^"{delimiter}]*)', header)
    names = [
        re.sub(r'^"(.*)"$', r"\1", field.strip(), flags=re.S).replace('""', '"').strip() for field in fields
    ]
    return json.dumps({"delimiter": delimiter, "names": names})


def header_problem(path: Path) -> str:
    """Return why a text file has no readable header, or an empty string."""
    header = csv_header(path)
    if "\0" in header or "\ufffd" in header:
        return "the header is not valid UTF-8. Save the file as CSV in UTF-8."
    if found := re.fullmatch(r'"?sep=(.)"?', header.strip(), flags=re.IGNORECASE):
        return f"the first line, sep={found[1]}, is not the header. Delete it; it is not needed."
    if header.strip():
        return ""
    with open_bytes(path) as file:
        if file.read(CHUNK).removeprefix(codecs.BOM_UTF8).strip():
            return "the first line is empty. It must be the header with the column names."
    return EMPTY


def line_end_problem(path: Path) -> str:
    """Return whether line ends are mixed, where DuckDB's reader stops; large files are not checked."""
    with open_bytes(path) as file:
        content = file.read(MAX_LINE_END_BYTES + 1)
    if len(content) > MAX_LINE_END_BYTES or len(line_ends(content)) < 2:
        return ""
    # within quotes, line ends are part of a value
    header = content[: min(content.find(end) for end in line_ends(content))]
    delimiter = max(b",", b";", b"\t", b"|", key=header.count)
    quoted = rb'(^|[\r\n%b]) *"[^"]*(?:""[^"]*)*(?:"|\Z)' % re.escape(delimiter)
    if len(line_ends(re.sub(quoted, rb"\1", content))) < 2:
        return ""
    return "mixed line ends (CR, LF, CR LF). Save it again with one kind only."


def line_ends(content: bytes) -> set[bytes]:
    """Return the line ends that occur: CR LF, CR or LF."""
    both = content.count(b"\r\n")
    return {
        end
        for end, count in [
            (b"\r\n", both),
            (b"\r", content.count(b"\r") - both),
            (b"\n", content.count(b"\n") - both),
        ]
        if count
    }


def line_count(path: Path) -> int:
    """Count the non-empty lines of a text file."""
    with open_bytes(path) as file:
        return sum(1 for line in file if line.strip())


def gzip_problem(path: Path) -> str:
    """Return why a gzip file cannot be read to its end with the right checksum, or an empty string."""
    if path.stat().st_size == 0:
        return EMPTY
    try:
        with gzip.open(path, "rb") as file:
            while file.read(CHUNK):
                pass
    except (OSError, EOFError, zlib.error):
        return "truncated or corrupt gzip file. Copy or compress it again."
    return ""


@lru_cache(maxsize=256)
def cached_problem(path: str, _size: int, _changed: int) -> str:
    """Return the problem of a file, computed once per size and modification time."""
    return file_problem(Path(path))


def add_functions(connection: DuckDBPyConnection) -> None:
    """Register the SQL functions file_fault, csv_columns, line_count, unknown_names, hash_statements."""

    def problem(path: str) -> str:
        status = Path(path).stat()
        return cached_problem(path, status.st_size, status.st_mtime_ns)

    def columns(path: str) -> str:
        return csv_columns(Path(path))

    def count(path: str) -> int:
        return line_count(Path(path))

    def names(seeds: str, sources: list[str]) -> str:
        return unknown_names(Path(seeds), sources)

    def hashes(seeds: str, country_code: str, table: str) -> str:
        return ";\n".join(hash_statements(Path(seeds), country_code, table))

    text, number = sqltypes.VARCHAR, sqltypes.BIGINT
    connection.create_function("file_fault", problem, [text], text, side_effects=True)
    connection.create_function("csv_columns", columns, [text], text, side_effects=True)
    connection.create_function("line_count", count, [text], number, side_effects=True)
    connection.create_function("unknown_names", names, [text, list_type(text)], text, side_effects=True)
    connection.create_function("hash_statements", hashes, [text] * 3, text, side_effects=True)


class Plugin(BasePlugin):  # type: ignore[misc]  # dbt is untyped
    """Registers the functions on every dbt connection."""

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        add_functions(conn)
