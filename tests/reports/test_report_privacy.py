"""Nothing of a person is published: every file of the built site is read, and every table in it."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from tests.browser import Rows, Sql
from tests.support import Dbt

PRIVATE_COLUMNS = {"entity_id", "model_body", "raw_text"}
# a category of many may be a number that is somebody's key, too; so may a figure that is written as text
CATEGORIES = {"category", "bin_name", "group_value", "there_is", "asked_for"}
# Scripts hold numbers of all lengths, and words before an @: of them, keys alone are looked for.
ENGINE = "_app"
TEXTS = {".html", ".js", ".json", ".csv", ".txt", ".css", ".svg", ".webmanifest"}
TABLES = {".parquet", ".arrow"}
PICTURES = {".png", ".ico"}
EMAIL = re.compile(r"[\w.+-]+@\w[\w-]*\.[a-z]{2,}")
PHONE = re.compile(r"(?<![\w.])(?:\+|00)?254[ -]?7\d{2}[ -]?\d{3}[ -]?\d{3}(?!\w)")
# Whatever is called so counts people or rows of them, but for columns, segments, checks, warnings and files.
COUNTS = re.compile(
    r"^(?!share_|mean_|.*(?:feature|segment|check|passed|warning|file)_count$)"
    r"(?:.*_)?(?:count|rows|contacted|contacts|members|customers|people|population)$"
)
LEAST = 10


def tables(site: Path) -> Iterator[tuple[str, pa.Table]]:
    """Every table that a reader's browser can load."""
    for file in sorted(site.rglob("*.parquet")):
        yield file.stem, duckdb.sql(f"from '{file}'").to_arrow_table()
    for file in sorted(site.rglob("*.arrow")):
        yield file.name, pa.ipc.open_stream(file.read_bytes()).read_all()


@pytest.fixture(scope="module")
def ids(sql: Sql) -> set[str]:
    """Everybody's key, in every table of results."""
    keyed = sql("""
        select table_name from information_schema.columns
        where table_catalog = current_database() and table_schema = 'results' and column_name = 'entity_id'
    """)
    assert len(keyed) >= 3
    everybody = " union ".join(f"select entity_id::varchar from results.{row['table_name']}" for row in keyed)
    return {key for row in sql(f"from ({everybody})") for key in row.values()}


def is_distinctive(key: str) -> bool:
    """Whether a key that stands in a text can be nothing else: a short number may count something."""
    return len(key) >= 7 and (len(key) >= 12 or not key.isdecimal())


def test_no_file_names_a_person(built_reports: Path, ids: set[str], sql: Sql, built: Dbt) -> None:
    """No key, name, e-mail address or number of a telephone; no line of a raw file, no model."""
    keys = {key for key in ids if is_distinctive(key)}
    with duckdb.connect(f"{built.warehouse}.identities", read_only=True) as connection:
        people = connection.sql("select customer_id, full_name from core.identity_map").fetchall()
    keys |= {customer for customer, _ in people}
    pieces = {name for _, name in people if name}
    pieces |= {row["raw_text"] for row in sql("select raw_text from results.rejected_rows")}
    pieces |= {
        row["body"][:100]
        for row in sql(
            "select model_body::text as body from results.conversion_models where model_body is not null"
        )
    }
    # by a word of theirs, for there are too many to look for each in every file
    by_word = defaultdict(list)
    for piece in pieces:
        if len(piece) >= 8 and (words := re.findall(r"[\w-]+", piece)):
            by_word[max(words, key=len)].append(piece)
    assert len(keys) > 1000
    assert len(by_word) > 100
    kinds = set()
    for file in built_reports.rglob("*"):
        if ENGINE in file.relative_to(built_reports).parts:
            if file.suffix == ".js":
                words = set(re.findall(r"[\w-]+", file.read_text()))
                assert not keys & words, (file, keys & words)
        elif file.is_file():
            kinds.add(file.suffix)
            if file.suffix in TEXTS:
                assert_names_nobody(file.read_text(), str(file), keys, by_word)
    assert kinds <= TEXTS | TABLES | PICTURES, "nobody has said how to read a file of this kind"
    assert kinds >= TABLES | {".html", ".json"}
    for name, table in tables(built_reports):
        for column in table.column_names:
            cells = {str(cell) for cell in table[column].unique().to_pylist()}
            assert_names_nobody("\n".join(cells), f"{name}, {column}", keys, by_word)
            if pa.types.is_string(table.schema.field(column).type) and column not in CATEGORIES:
                assert not cells & ids, (name, column)


def assert_names_nobody(text: str, place: str, keys: set[str], pieces: dict[str, list[str]]) -> None:
    words = set(re.findall(r"[\w-]+", text))
    assert not keys & words, (place, keys & words)
    found = [piece for word in pieces.keys() & words for piece in pieces[word] if piece in text]
    assert found == [], (place, found)
    assert "@" not in text or not EMAIL.search(text), (place, EMAIL.search(text))
    assert "254" not in text or not PHONE.search(text), (place, PHONE.search(text))


@pytest.mark.parametrize(
    "text",
    [
        '{"id": "8fae90c1d2e3"}',
        "<p>Ann Example</p>",
        "write to ann@shop.co.ke",
        "call +254 712 345 678",
        "254712345678,x",
    ],
)
def test_a_name_would_be_found(text: str) -> None:
    with pytest.raises(AssertionError, match="here"):
        assert_names_nobody(text, "here", {"8fae90c1d2e3"}, {"Example": ["Ann Example"]})


def test_no_table_is_of_people(built_reports: Path, campaigns: Rows) -> None:
    """No column of keys, and far fewer rows than people, or of each feature than people."""
    published = list(tables(built_reports))
    assert len(published) > 12
    private = PRIVATE_COLUMNS | {campaign["entity"] for campaign in campaigns}
    most = {campaign["campaign"]: campaign["entity_count"] / 10 for campaign in campaigns}
    for name, table in published:
        assert not private & set(table.column_names), name
        if "campaign" in table.column_names:
            about = [column for column in ("campaign", "feature") if column in table.column_names]
            counted = Counter(tuple(row.values()) for row in table.select(about).to_pylist())
            for (campaign, *feature), count in counted.items():
                assert count < most.get(campaign, 1000), (name, campaign, feature, count)


def test_no_cell_is_of_fewer_than_ten_people(built_reports: Path) -> None:
    """Nobody is fine: then there is nobody to be known."""
    counted = set()
    for name, table in tables(built_reports):
        for column in table.column_names:
            if not COUNTS.match(column):
                continue
            if column == "row_count" and {"reason", "fate"} & set(table.column_names):
                continue  # rows of files: how many could not be read, were repeated
            counted.add(column)
            few = [
                value for value in table[column].to_pylist() if value and value is not True and value < LEAST
            ]
            assert few == [], (name, column)
    assert counted >= {"row_count", "member_count", "customer_count", "contacted"}
