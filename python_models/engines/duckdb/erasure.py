"""SQL that takes people who asked to be erased out of every table of a database, whatever built it.

The SQL names nobody: it reads `erasure_requests.csv` when it runs, so that neither logs nor compiled files
hold an id.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection, sqltypes

from python_models.common.request_checks import (
    PSEUDONYM,
    erased_mark,
    match_key,
    people_columns,
    requested_ids,
    requested_sources,
)
from python_models.common.sql import quote_identifier, text_literal, text_literals
from python_models.common.unmatched_requests import unmatched_requests

WITHHELD = "(withheld: erased on request)"
PLACE = ("file_name", "row_number", "file_version")
# of 16 bytes, in a block of 256 KiB
NUMBERS_PER_BLOCK = 1 << 14
IS_PSEUDONYM = f"regexp_matches(id, '{PSEUDONYM}')"


@dataclass(frozen=True)
class Step:
    """SQL to run; if there is a `count` query, only where it finds rows."""

    sql: str
    count: str = ""


@dataclass(frozen=True)
class Table:
    """A table, its columns, the sources of its rows by lineage, and the one `source` if it is declared.

    `person_columns` and `emptied_columns` are what its model declares in `meta`: further columns with the id
    of the row's person, and columns that only mention somebody: they are emptied, and the row stays.
    """

    relation: str
    columns: Mapping[str, str]
    sources: frozenset[str] = frozenset()
    source: str = ""
    person_columns: tuple[str, ...] = ()
    emptied_columns: tuple[str, ...] = ()

    @property
    def is_base(self) -> bool:
        """Return whether its rows stand for rows of files, whose places stay."""
        return {"row_status", "raw_text", "content_hash", *PLACE} <= set(self.columns)


@dataclass(frozen=True)
class Project:
    """What is declared about people.

    Attributes
    ----------
    persons : dict
        Source -> names of the columns in its files that name the person.
    campaigns : dict
        Campaign -> its source.
    scored, grouped : dict
        Source -> columns that name what its campaigns score, and what their segments are made of.
    """

    persons: Mapping[str, frozenset[str]]
    campaigns: Mapping[str, str]
    scored: Mapping[str, frozenset[str]]
    grouped: Mapping[str, frozenset[str]]
    personal_sources: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Erasure:
    """The steps that take people of some sources out of some tables, `rebuilt` ones excepted."""

    project: Project
    requested: frozenset[str]
    tables: list[Table] = field(default_factory=list)
    rebuilt: frozenset[str] = frozenset()

    def steps(self) -> Iterator[Step]:
        """Yield the steps, behind those that create the temporary table `erased_people (source, id)`."""
        concerned = [table for table in self.tables if not table.sources or table.sources & self.requested]
        for table in concerned:
            is_of_table = f"people.source in ({text_literals(table.sources)})" if table.sources else "true"
            if table.is_base and "part" in table.columns:
                yield Step(
                    "insert into erased_people "
                    "select distinct people.source, concat(lower(parts.part), '-', people.id) "
                    f"from erased_people as people, (select distinct part from {table.relation}) as parts "
                    f"where {is_of_table} and parts.part is not null"
                )
        # where nothing says the source of a row, another person may have the same number
        yield Step(f"insert into erased_people select '', id from erased_people where {IS_PSEUDONYM}")
        yield Step("create or replace temp table erased_entities as from erased_people limit 0")
        for table in concerned:
            for entity, person in product(self._entities(table), self._persons(table)):
                yield Step(
                    "insert into erased_entities "
                    f"select distinct {self._source(table, person)}, {_key(entity)} "
                    f"from {table.relation} where {self._is_of(table, person)}"
                )
        for table in concerned:
            if table.relation not in self.rebuilt:
                yield from self._rewrite(table)

    def _rewrite(self, table: Table) -> Iterator[Step]:
        """Write a table anew without the rows to erase: deleted rows would stay in the file."""
        condition, changed = self._is_erased(table), self._changed(table)
        if not condition and not changed:
            return
        is_erased = f"coalesce({condition or 'false'}, false)"
        found_any = " or ".join([is_erased, *(f"coalesce({found}, false)" for found, _ in changed.values())])
        items = ", ".join(
            f"if({found}, {value}, {quote_identifier(name)}) as {quote_identifier(name)}"
            for name, (found, value) in changed.items()
        )
        kept = f"select * {f'replace ({items}) ' if items else ''}from {table.relation} where not {is_erased}"
        if table.is_base and condition:
            kept += f" union all by name {self._places(table)} from {table.relation} where {is_erased}"
        yield Step(
            f"begin; create or replace temp table kept_rows as {kept}; delete from {table.relation}; "
            f"insert into {table.relation} by name from kept_rows; drop table kept_rows; commit",
            f"select count(*) from {table.relation} where {found_any}",
        )

    def _is_erased(self, table: Table) -> str:
        """Return an SQL condition for rows of erased people; empty where the table has none."""
        persons, entities = self._persons(table), self._entities(table)
        conditions = [self._is_of(table, person) for person in persons]
        if entities and not persons:
            conditions += [self._is_of_entity(table, entity) for entity in entities]
        others = table.columns.keys() - {*persons, *entities, *table.emptied_columns, "raw_text"}
        if not table.sources or table.sources & self.requested & self.project.personal_sources:
            # a pseudonym is unmistakable, whatever the column is called
            conditions += [
                f"{quote_identifier(name)} in (select id from erased_people where {IS_PSEUDONYM})"
                for name in sorted(others)
                if table.columns[name] == "VARCHAR" and self.project.personal_sources & self.requested
            ]
        return " or ".join(conditions)

    def _is_of(self, table: Table, person: str) -> str:
        return f"({self._source(table, person)}, {_key(person)}) in (select source, id from erased_people)"

    def _is_of_entity(self, table: Table, entity: str) -> str:
        """Return an SQL condition for entities of erased people, in a table that names no person."""
        declared = self.project.grouped if "segment_id" in table.columns else self.project.scored
        of_people = [""] + [
            source
            for source, names in declared.items()
            if names & self.project.persons.get(source, frozenset())
        ]
        return (
            f"({self._source(table, entity)}, {_key(entity)}) in "
            "(select source, id from erased_entities union all "
            f"select source, id from erased_people where source in ({text_literals(of_people)}))"
        )

    def _changed(self, table: Table) -> dict[str, tuple[str, str]]:
        """Return column -> when it changes, and to what value, in rows that stay."""
        changed = {
            name: (
                f"({self._source(table, name)}, {_key(name)}) in "
                "(select source, id from erased_people union all select source, id from erased_entities)",
                "null",
            )
            for name in table.emptied_columns
        }
        if table.is_base:
            changed["raw_text"] = (
                f"raw_text is not null and not starts_with(raw_text, '(withheld') and exists (select 1 "
                f"from erased_people as people where people.source = {self._source(table)} "
                "and people.id != '' and "
                r"regexp_matches(lower(raw_text), concat('\b', regexp_escape(people.id), '\b')))",
                text_literal(WITHHELD),
            )
        return changed

    def _places(self, table: Table) -> str:
        """Return the beginning of a select of what stays of erased rows of files."""
        persons = self._persons(table)
        # without a key in the file there is no hash, and a column of another type
        has_hash = persons and table.columns["content_hash"] == "UBIGINT"
        mark = erased_mark(_key(persons[0])) if has_hash else "null"
        return (
            f"select {', '.join(PLACE)}, 'erased' as row_status, 'erased on request' as reject_reason, "
            f"{mark} as content_hash"
        )

    def _source(self, table: Table, column: str = "") -> str:
        """Return SQL of the source of a row, of which a column names somebody; '' where nothing says it."""
        if table.source:
            return text_literal(table.source)
        if "source" in table.columns:
            return match_key("source")
        if "campaign" in table.columns:
            cases = [
                (f"campaign = {text_literal(campaign)}", source)
                for campaign, source in self.project.campaigns.items()
            ]
            # of a campaign that is declared no longer, its name may say the source
            cases += [
                (f"starts_with(lower(campaign) || '_', {text_literal(f'{source}_')})", source)
                for source in sorted(self.project.persons, key=len, reverse=True)
            ]
            whens = "".join(f" when {case} then {text_literal(source)}" for case, source in cases)
            return f"case{whens} else '' end" if cases else "''"
        naming = {source for source, names in self.project.persons.items() if column in names}
        for sources in (table.sources, naming if column != "customer_id" else set()):
            if len(sources) == 1:
                return text_literal(*sources)
        return "''"

    def _persons(self, table: Table) -> list[str]:
        names = {"customer_id", *table.person_columns}
        for source in table.sources or self.project.persons:
            names |= self.project.persons.get(source, frozenset())
        return sorted(names & table.columns.keys())

    def _entities(self, table: Table) -> list[str]:
        names = {"entity_id"}
        for declared in (self.project.scored, self.project.grouped):
            for source in table.sources or declared:
                names |= declared.get(source, frozenset())
        return sorted(names & table.columns.keys() - {*self._persons(table), *table.emptied_columns})


def _key(column: str) -> str:
    return match_key(f"cast({quote_identifier(column)} as varchar)")


def erasure_steps(request: Mapping[str, Any]) -> list[Step]:
    """Return the steps that erase the people who asked for it.

    Parameters
    ----------
    request : mapping
        `seeds` (their folder), `country_code`, `tables` (a list of `relation` and `columns`, name -> type),
        `nodes` (dbt's id of each node -> its `relation`, `parents` and `meta`) and `rebuilt` (ids of nodes
        that the run makes anew without these people).
    """
    seeds = Path(request["seeds"])
    requested = requested_sources(seeds)
    if not requested:
        return []
    nodes = request["nodes"]
    project = _project(seeds, [node["meta"] for node in nodes.values()])
    by_relation = {node["relation"]: name for name, node in nodes.items()}
    tables = []
    for table in request["tables"]:
        name = by_relation.get(table["relation"], "")
        meta = nodes[name]["meta"] if name else {}
        source = str(
            meta.get("source") or ("" if name else _named_source(table["relation"], project))
        ).lower()
        tables.append(
            Table(
                relation=table["relation"],
                columns=table["columns"],
                sources=frozenset({source} if source else _sources(nodes, name)),
                source=source,
                person_columns=tuple(meta.get("person_columns") or ()),
                emptied_columns=tuple(meta.get("emptied_columns") or ()),
            )
        )
    rebuilt = frozenset(nodes[name]["relation"] for name in request["rebuilt"] if name in nodes)
    ids = requested_ids(seeds, requested, request["country_code"])
    first = Step(f"create or replace temp table erased_people as {ids}")
    return [first, *Erasure(project, requested, tables, rebuilt).steps()]


def _project(seeds: Path, metas: list[Mapping[str, Any]]) -> Project:
    people = people_columns(seeds)
    persons: dict[str, set[str]] = {}
    for column in people:
        persons.setdefault(column.source.lower(), set()).add(column.name)
    campaigns: dict[str, str] = {}
    scored: dict[str, set[str]] = {}
    grouped: dict[str, set[str]] = {}
    for meta in metas:
        if meta.get("campaign") and meta.get("source"):
            source = campaigns[meta["campaign"]] = str(meta["source"]).lower()
            for columns, declared in ((scored, meta), (grouped, meta.get("segments") or {})):
                columns.setdefault(source, set()).update([declared["entity"]] if "entity" in declared else [])
    return Project(
        persons=_frozen(persons),
        campaigns=campaigns,
        scored=_frozen(scored),
        grouped=_frozen(grouped),
        personal_sources=frozenset(column.source.lower() for column in people if column.is_personal),
    )


def _frozen(names: Mapping[str, set[str]]) -> dict[str, frozenset[str]]:
    return {source: frozenset(some) for source, some in names.items()}


def _named_source(relation: str, project: Project) -> str:
    """Return the source that the name of a table says, whose model the project no longer has."""
    table = relation.rsplit(".", 1)[-1].strip('"').removeprefix("base_").removeprefix("stg_")
    named = [source for source in project.persons if table == source or table.startswith(f"{source}_")]
    return max(named, key=len, default="")


def _sources(nodes: Mapping[str, Any], name: str) -> set[str]:
    """Return the sources of a node's rows: what it declares, else what it is made of."""
    found, seen, waiting = set(), set(), [name]
    while waiting:
        if (current := waiting.pop()) in seen:
            continue
        seen.add(current)
        if current.startswith("source."):
            found.add(current.split(".")[2].lower())
        elif node := nodes.get(current):
            declared = node["meta"].get("source")
            found |= {str(declared).lower()} if declared else set()
            waiting += [] if declared else node["parents"]
    return found


def scrub_steps(catalog: str, free_blocks: int) -> list[str]:
    """Return SQL that overwrites the free blocks of a database's file, where rows that are gone still stand.

    A table of random numbers takes their place and is dropped. `free_blocks`: how many, after a checkpoint.
    """
    if not free_blocks:
        return []
    scrub = f'"{catalog}".main.scrub'
    rows = (free_blocks + 1) * NUMBERS_PER_BLOCK
    return [
        f"create or replace table {scrub} as select uuid() as number from range({rows})",
        f'checkpoint "{catalog}"',
        f"drop table {scrub}",
        f'checkpoint "{catalog}"',
    ]


def add_functions(connection: DuckDBPyConnection, database: str) -> None:
    """Register the SQL functions erasure_steps and scrub_steps, which answer in JSON, and warn_unmatched."""
    text, number = sqltypes.VARCHAR, sqltypes.BIGINT

    def steps(request: str) -> str:
        return json.dumps([asdict(step) for step in erasure_steps(json.loads(request))])

    def scrub(catalog: str, free_blocks: int) -> str:
        return json.dumps(scrub_steps(catalog, free_blocks))

    def warn(seeds: str, country_code: str) -> int:
        with connection.cursor() as cursor:
            problems = unmatched_requests(cursor, database, Path(seeds), country_code)
        # not by dbt, whose log would keep the ids
        for problem in problems:
            print(f"WARNING: {problem}", file=sys.stderr)
        return len(problems)

    connection.create_function("erasure_steps", steps, [text], text, side_effects=True)
    connection.create_function("scrub_steps", scrub, [text, number], text, side_effects=True)
    connection.create_function("warn_unmatched", warn, [text, text], number, side_effects=True)
