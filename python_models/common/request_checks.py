"""Checks of the seeds about people: erasure requests, consents and contacts name known sources and channels.

A misspelled name would match nobody, so the request would be ignored without a word.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb

from python_models.common.spellings import phone, private
from python_models.common.sql import text_literal

REQUEST_SEEDS = ("erasure_requests", "consents", "recent_contacts")
MAX_PROBLEMS = 5
PSEUDONYM = "^[0-9a-f]{24}$"
# Types of raw columns whose values become pseudonyms.
PERSONAL_KINDS = ("phone", "private")


def match_key(value: str) -> str:
    """Return SQL of the form in which sources, channels and ids are compared, as macro `match_key` does."""
    return rf"lower(regexp_replace({value}, '^[\p{{Z}}\p{{C}}]+|[\p{{Z}}\p{{C}}]+$', '', 'g'))"


def hash_statements(seeds: Path, country_code: str, table: str) -> list[str]:
    """Return SQL that turns the raw phone numbers and names of a seed about people into pseudonyms.

    Parameters
    ----------
    seeds : pathlib.Path
        Folder of the seeds: `raw_columns.csv` says which sources name people by pseudonyms.
    country_code : str
        Of phone numbers without one.
    table : str
        The table of the seed.
    """
    statements = []
    for source, kind in sorted({(column.source, column.kind) for column in people_columns(seeds)}):
        if kind not in PERSONAL_KINDS:
            continue
        raw = raw_identifier("customer_id", kind, country_code)
        statements.append(
            f"update {table} set customer_id = pseudonym({raw}) "
            f"where {match_key('source')} = {match_key(text_literal(source))} and {raw} is not null "
            f"and not regexp_matches({match_key('customer_id')}, '{PSEUDONYM}')"
        )
    return statements


@dataclass(frozen=True)
class PeopleColumn:
    """A column of raw files that names a person, as `raw_columns.csv` declares it."""

    source: str
    thing: str
    name: str
    kind: str

    @property
    def is_personal(self) -> bool:
        """Return whether its values become pseudonyms."""
        return self.kind in PERSONAL_KINDS


def people_columns(seeds: Path) -> list[PeopleColumn]:
    """Return the columns that name people, as `raw_columns.csv` in the folder of the seeds declares them."""
    path = seeds / "raw_columns.csv"
    return [
        PeopleColumn(row["source"], row["thing"], row["column_name"], row["type"])
        for _, row in (numbered_rows(path) if path.exists() else [])
        if "person" in row.get("rules", "").split()
    ]


def requested_sources(seeds: Path) -> frozenset[str]:
    """Return the sources, as they are compared, of which somebody asked to be erased."""
    path = seeds / "erasure_requests.csv"
    if not path.exists():
        return frozenset()
    with duckdb.connect() as connection:
        return frozenset(
            connection.execute(f"select {match_key('?')}", [row["source"]]).fetchall()[0][0]
            for _, row in numbered_rows(path)
        )


def requested_ids(seeds: Path, sources: Iterable[str], country_code: str) -> str:
    """Return SQL of `source` and `id`, as they are compared, of who asked to be erased: raw ones hashed.

    It reads the file when it runs, and so names nobody.
    """
    path = text_literal(str(seeds / "erasure_requests.csv"))
    kinds = {column.source.lower(): column.kind for column in people_columns(seeds)}
    queries = []
    for source in sorted(sources):
        requests = (
            f"from read_csv({path}, header = true, delim = ',', quote = '\"', all_varchar = true) "
            f"where {match_key('source')} = {text_literal(source)} and customer_id is not null"
        )
        columns = f"select {text_literal(source)} as source, "
        is_raw = "false"
        if kinds.get(source) in PERSONAL_KINDS:
            raw = raw_identifier("customer_id", kinds[source], country_code)
            is_raw = f"{raw} is not null and not regexp_matches({match_key('customer_id')}, '{PSEUDONYM}')"
            # a conditional around a function that Arrow evaluates corrupts its text
            queries.append(f"{columns}pseudonym({raw}) as id {requests} and {is_raw}")
        queries.append(f"{columns}{match_key('customer_id')} as id {requests} and not ({is_raw})")
    return " union ".join(queries)


def erased_mark(key: str) -> str:
    """Return SQL of what stays of an erased person's key, so that the request is known to have been met."""
    return f"cast(concat('0x', left(pseudonym(concat('erased ', {key})), 16)) as ubigint)"


def raw_identifier(text: str, kind: str, country_code: str) -> str:
    """Return SQL of a raw identifier as it is hashed; null where it is none."""
    return f"lower({private(text)})" if kind == "private" else phone(text, country_code)


def unknown_names(seeds: Path, sources: Iterable[str]) -> str:
    """Describe the unknown sources and channels of the seeds about people, a line each.

    Parameters
    ----------
    seeds : pathlib.Path
        Folder of the seeds; `channels.csv` in it lists the known channels.
    sources : iterable of str
        The known sources.

    Returns
    -------
    str
        At most five problems with file and line, and the number of further ones; empty without any.
    """
    channels = [row.get("channel", "") for _, row in numbered_rows(seeds / "channels.csv")]
    known = {"source": sorted(sources), "channel": sorted(channels)}
    with duckdb.connect() as connection:

        @cache
        def key(name: str) -> str:
            return str(connection.execute(f"select {match_key('?')}", [name]).fetchall()[0][0])

        keys = {column: {key(name) for name in names} for column, names in known.items()}
        # an empty channel stands for all
        keys["channel"].add("")
        problems = [
            f"{path}, line {line}: unknown {column} {name!r}. Available: {', '.join(known[column])}."
            for path in (seeds / f"{seed}.csv" for seed in REQUEST_SEEDS)
            if path.exists()
            for line, row in numbered_rows(path)
            for column, name in ((column, row.get(column, "")) for column in known)
            if key(name) not in keys[column]
        ]
    return "\n".join(first_problems(problems))


def first_problems(problems: list[str]) -> list[str]:
    """Return the first problems, and how many more there are."""
    if len(problems) > MAX_PROBLEMS:
        return [*problems[:MAX_PROBLEMS], f"and {len(problems) - MAX_PROBLEMS:,} more"]
    return problems


def numbered_rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows of a CSV file that are not blank, each with the number of its first line."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.reader(file)
        header: list[str] = []
        line = 1
        for row in reader:
            if any(value.strip() for value in row):
                if header:
                    yield line, dict(zip(header, row, strict=False))
                header = header or row
            line = reader.line_num + 1
