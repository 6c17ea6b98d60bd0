"""Checks of the seeds about people: erasure requests, consents and contacts name known sources and channels.

A misspelled name would match nobody, so the request would be ignored without a word.
"""

import csv
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import duckdb

REQUEST_SEEDS = ("erasure_requests", "consents", "recent_contacts")
MAX_PROBLEMS = 5


def match_key(value: str) -> str:
    """Return SQL of the form in which sources, channels and ids are compared, as macro `match_key` does."""
    return rf"lower(regexp_replace({value}, '^[\p{{Z}}\p{{C}}]+|[\p{{Z}}\p{{C}}]+$', '', 'g'))"


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
