"""SQL of a base table: every row of a source's files, read again only where a file or a rule has changed."""

import hashlib
import json
import os
from dataclasses import dataclass, field, replace

from python_models.common.request_checks import match_key, requested_ids
from python_models.common.sql import text_literal, text_literals
from python_models.engines.duckdb.privacy import pseudonym, pseudonym_key
from python_models.inputs.raw_files.columns import read_seed
from python_models.inputs.raw_files.files import RawFile, Thing
from python_models.inputs.raw_files.matching import find_columns
from python_models.inputs.raw_files.rows import Check, RowsQuery
from python_models.inputs.raw_files.values import Typing

# `load_raw`, the pre-hook, finds the names of known files behind it
KNOWN_FILES = "-- known files: "


@dataclass(frozen=True)
class BaseTable:
    """What a base model asks for.

    Attributes
    ----------
    relation : str
        The table itself, as it is since the last build.
    read_versions : dict
        Name of each file that the table holds -> the version that was read.
    others : bool
        Whether columns that raw_columns.csv does not name come through, as found.
    part, checks, today
        As in `RowsQuery`.
    """

    thing: Thing
    typing: Typing
    relation: str
    read_versions: dict[str, str] = field(default_factory=dict)
    today: str = ""
    others: bool = False
    part: str | None = None
    checks: list[Check] = field(default_factory=list)

    def sql(self) -> str:
        """Return the SQL of the table.

        Its columns are those of the file and

        - row_status: kept, rejected, duplicate (equal to an earlier row of the same key) or erased (on
          request: only the row's place remains),
        - reject_reason: why a row is not kept, and raw_text, what the file says,
        - coded_missing: columns with a code for missing that is not of their type ('N/A'),
        - content_hash: of what the row says besides its key,
        - file_version: size and time of the file, and a hash of the rules by which it was read.

        Files at the beginning of the list that are as they were keep the rows of the last build: which of
        two equal keys came first depends on all files before. An erasure request is one of the rules: all
        files are read once when it comes or goes.
        """
        requests = read_seed(self.thing.connection, self.thing.seeds, "erasure_requests", self.thing.source)
        requested = sorted({request["customer_id"] for request in requests if request["customer_id"]})
        files = self.thing.files()
        query = self._query(files, requested)
        if self.typing.engine != "duckdb":
            return f"select *, cast(null as varchar) as file_version from ({query.sql()}) as read_rows"
        versions = self._versions(files, f"{query.sql()}{requested if query.erased else ''}")
        known = _known_files(versions, self.read_versions)
        parts = [f"{KNOWN_FILES}{json.dumps(known)}"] if known else []
        if len(known) < len(versions):
            parts.append(_read_rows(versions, replace(query, known=known)))
        if known and len(known) < len(versions):
            parts.append("union all by name\n")
        if known:
            parts.append(f"select * from {self.relation}\nwhere file_name in ({text_literals(known)})")
        return "\n".join(parts)

    def _query(self, files: list[RawFile], requested: list[str]) -> RowsQuery:
        columns = self.thing.columns()
        has_person = any(column.is_person for column in columns)
        return RowsQuery(
            columns=columns,
            found=find_columns(files, columns, self.others),
            typing=self.typing,
            part=self.part,
            today=self.today,
            checks=self.checks,
            relation=self.relation,
            erased=self._erased(requested) if has_person and requested else "",
            # temporary views of Spark are shared by everybody
            view_suffix=f"_{self.thing.source}_{self.thing.thing}" if self.typing.engine == "spark" else "",
        )

    def _erased(self, requested: list[str]) -> str:
        """Return SQL of the ids to erase; on DuckDB it reads the seed, and so names nobody."""
        if self.typing.engine == "duckdb":
            source = self.thing.source.lower()
            ids = requested_ids(self.thing.seeds, [source], self.typing.country_code)
            return f"select id as customer_id from ({ids}) as requests"
        return (
            f"select {match_key('customer_id')} as customer_id "
            f"from (select unnest([{text_literals(requested)}]) as customer_id) as requests"
        )

    def _versions(self, files: list[RawFile], sql: str) -> dict[str, str]:
        """Return name -> version of each file: its size and time, and the rules by which it is read."""
        connection = self.thing.connection
        [(engine,)] = connection.sql("select version()").fetchall()
        rules = f"{sql}{engine}{pseudonym('rules', pseudonym_key(os.environ))}"
        found = connection.sql(
            "select filename, concat('v', size, ' ', epoch_us(last_modified)) "
            f"from read_blob([{text_literals([file.path for file in files])}]) order by filename"
        ).fetchall()
        digest = hashlib.md5(rules.encode(), usedforsecurity=False).hexdigest()
        return {self.thing.file_name(path): f"{version} {digest}" for path, version in found}


def _known_files(versions: dict[str, str], read: dict[str, str]) -> list[str]:
    """Return the names at the beginning of the list of files that were read as they are."""
    known = []
    for name in sorted({*versions, *read}):
        if versions.get(name) != read.get(name):
            break
        known.append(name)
    return known


def _read_rows(versions: dict[str, str], query: RowsQuery) -> str:
    listed = " union all\n".join(
        f"    select {text_literal(name)} as file_name, {text_literal(version)} as file_version"
        for name, version in versions.items()
    )
    return f"""with versions as (
{listed}
),

read_rows as (
{query.sql()})

select read_rows.*, versions.file_version
from read_rows
left join versions on read_rows.file_name = versions.file_name"""
