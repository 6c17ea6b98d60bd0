"""Who asked to be erased leaves every table, and the free space of its file."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from python_models.engines.duckdb.erasure import erasure_steps, scrub_steps
from python_models.engines.duckdb.privacy import register_pseudonym

RAW_COLUMNS = """source,thing,column_name,type,raw_names,rules
shop,visits,customer_id,phone,msisdn,key person
club,members,member_id,bigint,id,key person
"""
PHONE = "254712000001"
CAMPAIGNS = {
    "offer": {"source": "shop", "entity": "order_id", "segments": {"entity": "customer_id"}},
    "letter": {"source": "club", "entity": "member_id"},
}


class Warehouse:
    """A small database, the seeds about its people, and what dbt knows of its tables."""

    def __init__(self, folder: Path):
        self.seeds = folder / "seeds"
        self.seeds.mkdir()
        (self.seeds / "raw_columns.csv").write_text(RAW_COLUMNS)
        self.file = folder / "warehouse.duckdb"
        self.connection = duckdb.connect(str(self.file))
        register_pseudonym(self.connection, "a key of the test")
        self.person = self.query(f"select pseudonym('{PHONE}')")[0][0]
        self.nodes: dict[str, dict[str, Any]] = {
            f"model.{name}": {"relation": "", "parents": [], "meta": meta | {"campaign": name}}
            for name, meta in CAMPAIGNS.items()
        }

    def ask(self, *requests: str) -> None:
        lines = ["source,customer_id,requested_on", *(f"{request},2026-11-01" for request in requests)]
        (self.seeds / "erasure_requests.csv").write_text("\n".join(lines) + "\n")

    def add(
        self, name: str, rows: str, parents: Iterable[str] = (), meta: Mapping[str, Any] | None = None
    ) -> None:
        """Add a table; P in its rows is the person's pseudonym."""
        self.connection.execute(f"create table {name} as {rows.replace('P', self.person)}")
        node = {"relation": self.relation(name), "parents": [*parents], "meta": dict(meta or {})}
        self.nodes[f"model.{name}"] = node

    def relation(self, name: str) -> str:
        return f'"warehouse"."main"."{name}"'

    def query(self, sql: str) -> list[tuple]:
        return self.connection.sql(sql).fetchall()

    def statements(self, rebuilt: Iterable[str] = ()) -> list[str]:
        tables = [
            {"relation": self.relation(name), "columns": dict(columns)}
            for name, columns in self.query(
                "select table_name, list((column_name, data_type)) from duckdb_columns() "
                "where database_name = 'warehouse' and not internal group by 1 order by 1"
            )
        ]
        request = {
            "seeds": str(self.seeds),
            "country_code": "254",
            "tables": tables,
            "nodes": self.nodes,
            "rebuilt": [f"model.{name}" for name in rebuilt],
        }
        run = []
        for step in erasure_steps(request):
            run += [step.count, step.sql]
            if not step.count or self.query(step.count) != [(0,)]:
                self.connection.execute(step.sql)
        return run


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    made = Warehouse(tmp_path)
    made.ask(" SHOP ,0712 000 001", "club,7")
    return made


@pytest.mark.parametrize(
    ("rows", "details", "kept"),
    [
        ("select unnest(['P', 'other']) as customer_id", {"parents": ["source.x.shop.visits"]}, [("other",)]),
        # the same number is somebody else of another source
        (
            "select unnest(['club', 'shop', ' Club']) as source, unnest(['7', '7', '7']) as customer_id",
            {},
            [("shop", "7")],
        ),
        (
            "select unnest(['letter', 'offer']) as campaign, unnest(['7', '7']) as entity_id",
            {},
            [("offer", "7")],
        ),
        # a campaign that is declared no longer
        (
            "select unnest(['club_letter', 'other']) as campaign, unnest(['7', '7']) as customer_id",
            {},
            [("other", "7")],
        ),
        ("select unnest([7, 8]) as member_id", {"meta": {"source": "club"}}, [(8,)]),
        ("select unnest([7, 8]) as member_id", {"meta": {"source": "shop"}}, [(7,), (8,)]),
        (
            "select unnest([7, 8]) as family",
            {"meta": {"source": "club", "person_columns": ["family"]}},
            [(8,)],
        ),
        # the name of a column, and of a table whose model is gone, may say the source
        ("select unnest([7, 8]) as member_id", {}, [(8,)]),
        # nothing says the source: 7 may be somebody else
        ("select unnest(['7', 'P']) as customer_id", {}, [("7",)]),
        # a model that is gone, and a key under a name that nobody declared
        ("select unnest(['P', 'other']) as subscriber", {}, [("other",)]),
        (
            "select 'offer' as campaign, unnest(['P', 'other']) as entity_id, 1 as segment_id",
            {},
            [("offer", "other", 1)],
        ),
        (
            "select 'week' as audience_id, 'letter' as campaign, '7' as marginal_entity_id",
            {"meta": {"emptied_columns": ["marginal_entity_id"]}},
            [("week", "letter", None)],
        ),
    ],
)
def test_a_person_leaves_a_table(warehouse: Warehouse, rows: str, details: dict, kept: list) -> None:
    warehouse.add("tested", rows, **details)
    warehouse.statements()
    assert warehouse.query("from tested order by all") == kept


def test_what_belongs_to_a_person_leaves_tables_that_do_not_name_them(warehouse: Warehouse) -> None:
    shop = {"meta": {"source": "shop"}}
    warehouse.add("features", "select unnest(['P', 'b']) as customer_id, unnest([7, 8]) as order_id", **shop)
    # of the club, 8 is nobody's order
    warehouse.add("habits", "select unnest([7, 8]) as order_id", **shop)
    warehouse.add("reasons", "select 'offer' as campaign, unnest(['7', '8']) as entity_id")
    warehouse.statements()
    assert warehouse.query("from features") == [("b", 8)]
    assert warehouse.query("from habits") == [(8,)]
    assert warehouse.query("select entity_id from reasons") == [("8",)]


def test_rows_of_files_keep_their_place(warehouse: Warehouse) -> None:
    warehouse.add(
        "base",
        """
        select 'a.csv' as file_name, range as row_number, 'v1' as file_version, 'kept' as row_status,
            null::varchar as reject_reason, null::varchar as raw_text, 6 + range as member_id,
            5::ubigint as content_hash, 'guests' as part
        from range(3)
        union all select 'a.csv', 3, 'v1', 'rejected', 'too few', 'x,7,', null, null, null
        union all select 'a.csv', 4, 'v1', 'rejected', 'too few', 'x,77,', null, null, null
        """,
        parents=["source.x.club.members"],
    )
    warehouse.add("customers", "select 'club' as source, unnest(['guests-7', 'guests-8']) as customer_id")
    warehouse.statements()
    rows = warehouse.query(
        "select row_number, row_status, reject_reason, raw_text, member_id, part from base order by all"
    )
    assert rows == [
        (0, "kept", None, None, 6, "guests"),
        (1, "erased", "erased on request", None, None, None),
        (2, "kept", None, None, 8, "guests"),
        (3, "rejected", "too few", "(withheld: erased on request)", None, None),
        (4, "rejected", "too few", "x,77,", None, None),
    ]
    [(mark,)] = warehouse.query("select pseudonym('erased 7')")
    assert warehouse.query("select content_hash from base where row_status = 'erased'") == [
        (int(mark[:16], 16),)
    ]
    # a person of a source in parts has a name of each
    assert warehouse.query("from customers") == [("club", "guests-8")]


def test_base_tables_whose_model_is_gone_are_no_obstacle(warehouse: Warehouse) -> None:
    place = "'a.csv' as file_name, 1 as row_number, 'v1' as file_version, null::varchar as raw_text, "
    place += "null::varchar as reject_reason, 'kept' as row_status, null as content_hash, "
    warehouse.add("of_people", f"select {place} 7::bigint as member_id, 'guests' as part")
    warehouse.add("of_things", f"select {place} 'P' as label")
    warehouse.add("club_letters", "select unnest(['7', '8']) as customer_id")
    warehouse.add("shop_letters", "select unnest(['7', '8']) as customer_id")
    for name in ("of_people", "of_things", "club_letters", "shop_letters"):
        del warehouse.nodes[f"model.{name}"]
    warehouse.statements()
    assert warehouse.query("from club_letters") == [("8",)]
    assert len(warehouse.query("from shop_letters")) == 2
    assert warehouse.query("select member_id, row_status from of_people") == [(None, "erased")]
    assert warehouse.query("select label, row_status from of_things") == [(None, "erased")]


def test_tables_that_the_run_makes_anew_are_read_only(warehouse: Warehouse) -> None:
    rows = "select unnest(['P', 'b']) as customer_id, unnest(['o1', 'o2']) as order_id"
    warehouse.add("features", rows, meta={"source": "shop"})
    warehouse.add("reasons", "select 'offer' as campaign, unnest(['o1', 'o2']) as entity_id")
    warehouse.statements(rebuilt=["features"])
    assert len(warehouse.query("from features")) == 2
    assert warehouse.query("select entity_id from reasons") == [("o2",)]


def test_no_statement_names_anybody(warehouse: Warehouse) -> None:
    warehouse.add("visits", "select 'P' as customer_id", meta={"source": "shop"})
    warehouse.ask("shop,0712 000 001", f"shop,{warehouse.person}", "club,1234567")
    statements = " ".join(warehouse.statements())
    assert len(statements) > 100
    for name in (warehouse.person, "0712 000 001", PHONE, "1234567"):
        assert name not in statements


def test_nothing_is_done_where_nobody_asked(warehouse: Warehouse) -> None:
    warehouse.ask()
    warehouse.add("visits", "select 'P' as customer_id")
    assert warehouse.statements() == []


def test_free_blocks_keep_no_byte_of_a_person(warehouse: Warehouse) -> None:
    """Deleted rows would stay in the file: as rows that are marked, or in blocks that nothing uses."""
    warehouse.connection.execute("pragma force_compression = 'uncompressed'")
    warehouse.add(
        "visits",
        "select if(range % 50000 = 7, 'P', md5(range::varchar)[:24]) as customer_id from range(200000)",
        meta={"source": "shop"},
    )
    warehouse.connection.execute("checkpoint")
    assert warehouse.file.read_bytes().count(warehouse.person.encode()) == 4
    size = warehouse.file.stat().st_size
    warehouse.statements()
    warehouse.connection.execute("checkpoint")
    [(free,)] = warehouse.query(
        "select free_blocks from pragma_database_size() where database_name = 'warehouse'"
    )
    for statement in scrub_steps("warehouse", free):
        warehouse.connection.execute(statement)
    assert warehouse.person.encode() not in warehouse.file.read_bytes()
    assert warehouse.query("select count(*) from visits") == [(199_996,)]
    assert warehouse.file.stat().st_size < 2.5 * size
    assert warehouse.query("select table_name from duckdb_tables() where not temporary") == [("visits",)]
