"""dbt-duckdb plugin: the SQL function `raw_files(request)`, through which macros reach this package.

Also `published_own_files()`.

A request is JSON: what is asked (`ask`), the folders `data` and `seeds`, `source`, `thing`, `has_default`,
`engine`, and whatever else the answer depends on. The answer is JSON too: a `result`, or an `error` to show
to people.
"""

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection, sqltypes

from python_models.common.errors import UserError
from python_models.common.sql import text_literals
from python_models.common.warehouse import beside_project
from python_models.engines.duckdb.command_files import CommandFiles
from python_models.inputs.raw_files import cleaning, loading
from python_models.inputs.raw_files.base_table import BaseTable
from python_models.inputs.raw_files.files import Thing, published_own_files, refuse_damaged_pages
from python_models.inputs.raw_files.identities import identified_rows
from python_models.inputs.raw_files.matching import find_columns
from python_models.inputs.raw_files.repetitions import kept_rows
from python_models.inputs.raw_files.rows import Check
from python_models.inputs.raw_files.values import Typing

Request = dict[str, Any]


def _typing(request: Request) -> Typing:
    return Typing(request["engine"], str(request["country_code"]))


def _today(request: Request) -> str:
    """Return the variable `today`, a day or nothing."""
    today = str(request["today"] or "")
    if today and not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", today):
        raise UserError(f"Variable today is '{today}'; write a day as 2026-11-22, or leave it empty.")
    return today


def _base_table(thing: Thing, request: Request) -> str:
    return BaseTable(
        thing=thing,
        typing=_typing(request),
        relation=request["relation"],
        read_versions=request["read_versions"],
        others=request["others"],
        part=request["part"],
        today=_today(request),
        checks=[Check(**check) for check in request["checks"]],
    ).sql()


def _load_statements(thing: Thing, request: Request) -> list[str]:
    if request["engine"] == "spark":
        return loading.spark_load_statements(thing.files(), f"_{thing.source}_{thing.thing}")
    return read_statements(thing, request["known"])


def read_statements(thing: Thing, known: list[str]) -> list[str]:
    """Return DuckDB's statements that read a thing's files, but those that are known, which must be whole."""
    files = thing.files()
    for file in files:
        if file.parquet and file.file_name not in known:
            refuse_damaged_pages(file)
    return loading.load_statements(files, known)


def _kept_rows(thing: Thing, request: Request) -> str:
    columns, relation, item = thing.columns(), request["relation"], request["item"]
    if request["engine"] == "spark" or not any(column.is_key for column in columns):
        return f"select *{f', {item}' if item else ''}\nfrom {relation}\nwhere reject_reason is null\n"
    others = find_columns(thing.files(), columns, True).others if request["others"] else []
    return kept_rows(columns, list(others), relation, item)


def _newest_file(thing: Thing, _: Request) -> str:
    return f"select max(last_modified) from read_blob([{text_literals(thing.paths())}])"


def _attributes(thing: Thing, request: Request) -> list[dict[str, Any]]:
    attributes = cleaning.mail_out_attributes(thing, request["columns"], request["counts"])
    return [asdict(attribute) for attribute in attributes]


def _attribute_counts(thing: Thing, request: Request) -> str:
    attributes = cleaning.mail_out_attributes(thing, request["columns"], [])
    return cleaning.count_query(attributes, request["relation"])


_ANSWERS: dict[str, Callable[[Thing, Request], Any]] = {
    "attributes": _attributes,
    "attribute_counts": _attribute_counts,
    "base_table": _base_table,
    "cleaned_rows": lambda thing, request: cleaning.cleaned_rows(
        thing.columns(), _kept_rows(thing, request | {"others": False, "item": None})
    ),
    "columns": lambda thing, _: [asdict(column) for column in thing.columns()],
    "has_own_files": lambda thing, _: thing.has_own_files(),
    "identified_rows": lambda thing, request: identified_rows(thing, _typing(request), request["relation"]),
    "kept_rows": _kept_rows,
    "load_statements": _load_statements,
    "newest_file": _newest_file,
}


def answer(text: str) -> str:
    """Answer a request, both in JSON."""
    request = json.loads(text)
    with duckdb.connect() as connection:
        thing = Thing(
            connection=connection,
            data=str(beside_project(request["data"])),
            seeds=Path(request["seeds"]),
            source=request["source"],
            thing=request["thing"] or "",
            has_default=request["has_default"],
        )
        return _as_json(lambda: _ANSWERS[request["ask"]](thing, request))


def _as_json(ask: Callable[[], Any]) -> str:
    try:
        return json.dumps({"result": ask()})
    except UserError as error:
        return json.dumps({"error": str(error)})
    except OSError as error:
        return json.dumps({"error": f"{error.filename}: {error.strerror}. A build must be able to read it."})


def own_files(files: CommandFiles) -> str:
    """Return the sources that the published warehouse read from own files, each with a file, as JSON.

    None where the command will not publish: nobody will read what it makes of other files.
    """
    return _as_json(lambda: published_own_files(files.warehouse) if files.publishes else {})


class Plugin(BasePlugin):  # type: ignore[misc]  # dbt is untyped
    """Gives every dbt connection the SQL functions raw_files and published_own_files."""

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        text = sqltypes.VARCHAR
        conn.create_function("raw_files", answer, [text], text, side_effects=True)
        conn.create_function(
            "published_own_files",
            lambda: own_files(CommandFiles.of(self.creds)),
            [],
            text,
            side_effects=True,
        )
