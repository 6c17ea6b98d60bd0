"""What is found wrong with a raw file before it is read, and that sound files pass."""

import gzip
import io
import json
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from python_models.engines.duckdb import file_checks
from python_models.engines.duckdb.file_checks import (
    EMPTY,
    Plugin,
    cached_problem,
    csv_columns,
    csv_header,
    file_problem,
    line_count,
)

ROWS = b"a,b\n" + b"".join(b"%d,%d\n" % (number, number * 7919 % 1000) for number in range(5_000))
NO_GZIP = "truncated or corrupt gzip file"
NO_PARQUET = "truncated or corrupt Parquet file"
NO_TEXT = "the header is not valid UTF-8"
LINE_ENDS = "mixed line ends"


def parquet() -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"a": [1, 2]}), file)
    return file.getvalue()


def written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def zipped(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("empty.csv", b"", EMPTY),
        ("blank.csv", b"\n \r\n", EMPTY),
        ("mark.csv", b"\xef\xbb\xbf", EMPTY),
        ("empty.csv.gz", b"", EMPTY),
        ("nothing.csv.gz", zipped(b""), EMPTY),
        ("late.csv", b"\na,b\n1,2\n", "the first line is empty"),
        ("text.csv.gz", ROWS, NO_GZIP),
        ("short.csv.gz", zipped(ROWS)[:-1], NO_GZIP),
        ("half.csv.gz", zipped(ROWS)[:5_000], NO_GZIP),
        ("header.csv.gz", zipped(ROWS)[:5], NO_GZIP),
        ("sum.csv.gz", zipped(ROWS)[:-8] + b"\0\0\0\0" + zipped(ROWS)[-4:], NO_GZIP),
        ("middle.csv.gz", zipped(ROWS)[:3_000] + b"\xff" * 9 + zipped(ROWS)[3_009:], NO_GZIP),
        ("empty.parquet", b"", NO_PARQUET),
        ("tiny.parquet", b"PAR", NO_PARQUET),
        ("short.parquet", parquet()[:-1], NO_PARQUET),
        ("text.parquet", ROWS, NO_PARQUET),
        ("book.csv", b"PK\3\4\x14\0", "this is an Excel workbook or ZIP archive, not CSV"),
        ("zipped.csv", zipped(ROWS), "gzip-compressed, but not named .csv.gz"),
        ("utf16.csv", "a,b\n1,2\n".encode("utf-16"), NO_TEXT),
        ("utf16le.csv", "a,b\n1,2\n".encode("utf-16-le"), NO_TEXT),
        ("latin.csv", "a,größe\n1,2\n".encode("latin-1"), NO_TEXT),
        ("mixed.csv", b"a,b\r\n1,2\n3,4\r\n", LINE_ENDS),
        ("last.csv", b"a,b\r\n1,2\r\n3,4\n", LINE_ENDS),
        ("return.csv", b"a,b\n1,2\r3\n", LINE_ENDS),
        ("mixed.csv.gz", zipped(b"a,b\n1,2\r\n"), LINE_ENDS),
        ("quoted.csv", b'a,b\r\n1,"2"\n3,"4"\r\n', LINE_ENDS),
        ("calls[1].csv", ROWS, "the name holds *, ? or ["),
    ],
)
def test_a_fault_is_one_sentence_that_says_what_to_do(
    tmp_path: Path, name: str, content: bytes, fault: str
) -> None:
    found = file_problem(written(tmp_path, name, content))
    assert found.startswith(fault)
    assert found.endswith(".")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.csv", ROWS),
        ("rows.csv.gz", zipped(ROWS)),
        ("two parts.csv.gz", zipped(ROWS) + zipped(ROWS)),
        ("rows.parquet", parquet()),
        ("calls (1).csv", ROWS),
        ("mark.csv", b"\xef\xbb\xbf" + ROWS),
        ("header.csv", b"a,b"),
        ("dos.csv", ROWS.replace(b"\n", b"\r\n")),
        ("classic.csv", ROWS.replace(b"\n", b"\r")),
        ("letters.csv", "größe,b\né,教師\n".encode()),
        ("latin row.csv", "a,b\né,1\n".encode("latin-1")),
        ("note.csv", b'a,b\r\n1,"2\n3 ""x""\n"\r\n4, "5\n6"\r\n'),
        ("note first.csv", b'"a\nmore",b\r\n"1\n2",3\r\n'),
        ("inches.csv", b'a,b\r\n12" x,1\r\n"2\n3",4\r\n14" x,5\r\n'),
        ("semicolons.csv", b'a;b\r\n1,"z;3\r\n4;"5\n6"\r\n'),
        ("open quote.csv", b'a,b\r\n1,"2\n3,4\n'),
    ],
)
def test_a_sound_file_has_no_fault_and_can_be_read(tmp_path: Path, name: str, content: bytes) -> None:
    path = written(tmp_path, name, content)
    assert file_problem(path) == ""
    if path.suffix == ".csv":
        delimiter = ";" if b";" in content else ","
        duckdb.connect().sql(
            f"from read_csv('{path}', auto_detect = false, header = true, delim = '{delimiter}',"
            " quote = '\"', escape = '\"', store_rejects = true, columns = {'a': 'varchar', 'b': 'varchar'})"
        ).fetchall()


def test_line_ends_of_a_large_file_are_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "mixed.csv", b"a,b\r\n1,2\n")
    monkeypatch.setattr(file_checks, "MAX_LINE_END_BYTES", 5)
    assert file_problem(path) == ""


@pytest.mark.parametrize(
    ("content", "header"),
    [
        (b"a,b\n1,2\n", "a,b"),
        (b"a,b\r\n1,2\r\n", "a,b"),
        (b"a,b\r1,2\r", "a,b"),
        (b"\xef\xbb\xbfa,b", "a,b"),
        (b'"a\nb";c\n1;2\n', '"a\nb";c'),
        (b'a,12" long,b\n1,"2",3\n', 'a,12" long,b'),
        (b'a,"b\n1,2\n', 'a,"b'),
        ("a,教é\n".encode(), "a,教é"),
        (b"a,\xe9\n", "a,\ufffd"),
        (b"\n1\n", ""),
    ],
)
def test_the_header_is_the_first_line_with_what_its_quotes_take_in(
    tmp_path: Path, content: bytes, header: str
) -> None:
    assert csv_header(written(tmp_path, "file.csv", content)) == header
    assert csv_header(written(tmp_path, "file.csv.gz", zipped(content))) == header


@pytest.mark.parametrize(
    ("header", "delimiter", "names"),
    [
        ("a,b", ",", ["a", "b"]),
        ("a b", ",", ["a b"]),
        (' a ; "b;c" ;d', ";", ["a", "b;c", "d"]),
        ('a\t"b ""x"""', "\t", ["a", 'b "x"']),
        ("a||b", "|", ["a", "", "b"]),
    ],
)
def test_names_lie_between_the_most_frequent_delimiter(
    tmp_path: Path, header: str, delimiter: str, names: list[str]
) -> None:
    path = written(tmp_path, "file.csv", f"{header}\n1\n".encode())
    assert json.loads(csv_columns(path)) == {"delimiter": delimiter, "names": names}


def test_empty_lines_are_not_counted(tmp_path: Path) -> None:
    assert line_count(written(tmp_path, "file.csv", b"a\n\n1\r\n\r\n 2")) == 3
    assert line_count(written(tmp_path, "file.csv.gz", zipped(ROWS))) == 5_001


def test_sql_sees_a_file_that_changed(tmp_path: Path) -> None:
    cached_problem.cache_clear()
    path = written(tmp_path, "file.csv", b"")
    with duckdb.connect() as connection:
        Plugin(name="file_checks", plugin_config={}).configure_connection(connection)
        query = f"select file_fault('{path}'), csv_columns('{path}'), line_count('{path}')"
        assert connection.sql(query).fetchall() == [(EMPTY, '{"delimiter": ",", "names": [""]}', 0)]
        path.write_bytes(ROWS)
        assert connection.sql(query).fetchall() == [("", '{"delimiter": ",", "names": ["a", "b"]}', 5_001)]
        connection.sql(query).fetchall()
    assert cached_problem.cache_info().misses == 2
