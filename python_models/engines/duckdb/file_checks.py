"""dbt-duckdb plugin: the SQL function `file_fault(path)`, for damage that a reader would pass over.

Also `csv_columns(path)`, `line_count(path)` to tell how many lines the reader has left out, and
`unknown_names(seeds, sources)`.
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

from python_models.common.request_checks import unknown_names

CHUNK = 1 << 20
LINE_ENDS_LOOKED_AT = 32 << 20
EMPTY = "the file is empty. It needs a header line with the column names, then one line per row."
PARQUET, ZIP, GZIP = b"PAR1", b"PK\x03\x04", b"\x1f\x8b"


def file_fault(path: Path) -> str:
    """What is wrong with a raw file and what to do, or nothing.

    A truncated or damaged gzip file reads as a shorter one, without a word; so it is read to its end here.
    """
    if set(path.name) & set("*?["):
        return "a name with *, ? or [ stands for other files too. Rename it."
    with path.open("rb") as file:
        beginning = file.read(4)
        if path.suffix == ".parquet":
            file.seek(-min(path.stat().st_size, 4), 2)
            if beginning != PARQUET or file.read() != PARQUET:
                return "no whole Parquet file: it is damaged, or was not written to its end. Save it anew."
            return ""
    if path.suffix == ".gz":
        return gzip_fault(path) or header_fault(path) or line_ends_fault(path)
    if beginning.startswith(ZIP):
        return "a workbook or an archive under the name of a CSV file. Open it and save it as CSV."
    if beginning.startswith(GZIP):
        return "compressed, but not named so. Rename it to end in .csv.gz."
    return header_fault(path) or line_ends_fault(path)


def opened(path: Path) -> BinaryIO:
    """A file of text as bytes, unzipped."""
    return cast(BinaryIO, gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def csv_header(path: Path) -> str:
    """The header of a file of text: the first line, with the lines that its quotes take in."""
    with opened(path) as file:
        beginning = file.read(CHUNK).removeprefix(codecs.BOM_UTF8)
    header = re.match(rb'(?:(?<![^,;\t|])"(?:[^"]|"")*"|[^\r\n])*', beginning)
    return header[0].decode("utf-8", "replace") if header else ""


def csv_columns(path: Path) -> str:
    """The header of a file of text as JSON: the `delimiter` most frequent in it, and the `names`."""
    header = csv_header(path)
    unquoted = "".join(header.split('"')[::2])
    delimiter = max(",;\t|", key=unquoted.count)
    fields = re.findall(rf'(?:^|[{delimiter}])[ ]*("(?:[^"]|"")*"|[^"{delimiter}]*)', header)
    names = [
        re.sub(r'^"(.*)"$', r"\1", field.strip(), flags=re.S).replace('""', '"').strip() for field in fields
    ]
    return json.dumps({"delimiter": delimiter, "names": names})


def header_fault(path: Path) -> str:
    """Whether a file of text has no header, or none that can be read."""
    header = csv_header(path)
    if "\0" in header or "\ufffd" in header:
        return "the header is no text in UTF-8. Save the file as CSV in UTF-8."
    if header.strip():
        return ""
    with opened(path) as file:
        if file.read(CHUNK).removeprefix(codecs.BOM_UTF8).strip():
            return "the first line is empty. It must be the header with the column names."
    return EMPTY


def line_ends_fault(path: Path) -> str:
    """Whether lines end in different ways, at which DuckDB's reader stops; not looked for in large files."""
    with opened(path) as file:
        content = file.read(LINE_ENDS_LOOKED_AT + 1)
    if len(content) > LINE_ENDS_LOOKED_AT or len(line_ends(content)) < 2:
        return ""
    # within quotes every line end is part of a value
    header = content[: min(content.find(end) for end in line_ends(content))]
    delimiter = max(b",", b";", b"\t", b"|", key=header.count)
    quoted = rb'(^|[\r\n%b]) *"[^"]*(?:""[^"]*)*(?:"|\Z)' % re.escape(delimiter)
    if len(line_ends(re.sub(quoted, rb"\1", content))) < 2:
        return ""
    return "the lines end in different ways, some in CR, some in LF or in both. Save it anew, all in one way."


def line_ends(content: bytes) -> set[bytes]:
    """The line ends that occur: CR LF, CR or LF."""
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
    """How many lines of a file of text are not empty."""
    with opened(path) as file:
        return sum(1 for line in file if line.strip())


def gzip_fault(path: Path) -> str:
    """Whether a gzip file can be read to its end with the right checksum."""
    if path.stat().st_size == 0:
        return EMPTY
    try:
        with gzip.open(path, "rb") as file:
            while file.read(CHUNK):
                pass
    except (OSError, EOFError, zlib.error):
        return "no whole gzip file: it is damaged, or was not copied to its end. Copy or compress it anew."
    return ""


@lru_cache(maxsize=256)
def known_fault(path: str, _size: int, _changed: int) -> str:
    """`file_fault` of a file that did not change since it was last asked for."""
    return file_fault(Path(path))


def add_functions(connection: DuckDBPyConnection) -> None:
    """Give a connection the SQL functions file_fault, csv_columns, line_count and unknown_names."""

    def fault(path: str) -> str:
        status = Path(path).stat()
        return known_fault(path, status.st_size, status.st_mtime_ns)

    def columns(path: str) -> str:
        return csv_columns(Path(path))

    def count(path: str) -> int:
        return line_count(Path(path))

    def names(seeds: str, sources: list[str]) -> str:
        return unknown_names(Path(seeds), sources)

    text, number = sqltypes.VARCHAR, sqltypes.BIGINT
    connection.create_function("file_fault", fault, [text], text, side_effects=True)
    connection.create_function("csv_columns", columns, [text], text, side_effects=True)
    connection.create_function("line_count", count, [text], number, side_effects=True)
    connection.create_function("unknown_names", names, [text, list_type(text)], text, side_effects=True)


class Plugin(BasePlugin):
    """Gives every dbt connection the functions."""

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        add_functions(conn)
