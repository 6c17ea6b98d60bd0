"""Checks of the seeds about people: erasure requests, consents and contacts name known sources and channels.

A misspelled name would match nobody, so the request would be ignored without a word.
"""

import csv
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import duckdb

from python_models.common.spellings import phone, private
from python_models.common.sql import text_literal

REQUEST_SEEDS = ("erasure_requests", "consents", "recent_contacts")
MAX_PROBLEMS = 5
PSEUDONYM = "^[0-9a-f]{24}$"


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
    path = seeds / "raw_columns.csv"
    rows = [row for _, row in _numbered_rows(path)] if path.exists() else []
    people = {
        (row["source"], row["type"])
        for row in rows
        if "person" in row.get("rules", "").split() and row.get("type") in ("phone", "private")
    }
    statements = []
    for source, kind in sorted(people):
        raw = raw_identifier("customer_id", kind, country_code)
        statements.append(
            f"update {table} set customer_id = pseudonym({raw}) "
            f"where {match_key('source')} = {match_key(text_literal(source))} and {raw} is not null "
            f"and not regexp_matches({match_key('customer_id')}, '{PSEUDONYM}')"
        )
    return statements


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
    channels = [row.get("channel", "") for _, row in _numbered_rows(seeds / "channels.csv")]
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
            for line, row in _numbered_rows(path)
            for column, name in ((column, row.get(column, "")) for column in known)
            if key(name) not in keys[column]
        ]
    if len(problems) > MAX_PROBLEMS:
        problems[MAX_PROBLEMS:] = [f"and {len(problems) - MAX_PROBLEMS} more"]
    return "\n".join(problems)


def _numbered_rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
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
