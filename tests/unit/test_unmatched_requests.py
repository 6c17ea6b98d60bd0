"""An erasure request or consent that names nobody is named, with its line and what to do."""

from pathlib import Path

import duckdb
import pytest

from python_models.common.request_checks import erased_mark
from python_models.common.unmatched_requests import ADVICE, unmatched_requests
from python_models.engines.duckdb.privacy import register_pseudonym

CLIENTS = ["C00001", "C00002", "c00003"]


@pytest.fixture
def connection(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    """A warehouse of two sources; of a third one nothing is built. Client C9 was erased."""
    (tmp_path / "raw_columns.csv").write_text(
        "source,thing,column_name,type,raw_names,rules\n"
        "shop,visits,customer_id,phone,msisdn,required person\n"
        "bank,calls,client_id,text,id,key person\n"
        "club,members,member_id,bigint,id,key person\n"
    )
    connection = duckdb.connect()
    register_pseudonym(connection, "a key of the test")
    connection.execute(f"""
        create schema staging;
        create table staging.base_bank__calls as
        select unnest({CLIENTS}) as client_id, 'kept' as row_status, 1::ubigint as content_hash
        union all select null, 'erased', {erased_mark("'c9'")};
        create table staging.base_shop__visits as
        select pseudonym('254712000001') as customer_id, 'kept' as row_status, null::int as content_hash;
    """)
    return connection


def unmatched(connection: duckdb.DuckDBPyConnection, folder: Path) -> list[str]:
    return unmatched_requests(connection, "memory", folder, "254")


def test_requests_of_known_people_are_not_named(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    (tmp_path / "erasure_requests.csv").write_text(
        "source,customer_id,requested_on\nbank,C00001,\nbank,C00002 ,\nbank,\u00a0C00003\t,\nBANK ,c9,\n"
        "shop,+254 (0) 712 000 001,\nclub,anybody,\n"
    )
    [(person,)] = connection.sql("select customer_id from staging.base_shop__visits").fetchall()
    (tmp_path / "consents.csv").write_text(f"source,customer_id,channel,has_consent\nshop,{person},,true\n")
    assert unmatched(connection, tmp_path) == []


def test_requests_of_nobody_are_named_as_they_are_written(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    (tmp_path / "erasure_requests.csv").write_text(
        "source,customer_id,requested_on\nbank,C00001,\n\nbank,C0001 ,\nshop,0712 000 002,\n"
    )
    (tmp_path / "consents.csv").write_text(
        "source,customer_id,channel,has_consent\nbank,C9,ads,false\nshop,C00001,ads,false\n"
    )
    erased, refused = (f"{tmp_path}/{name}.csv" for name in ("erasure_requests", "consents"))
    assert unmatched(connection, tmp_path) == [
        f"{erased}, line 4: no person 'C0001 ' in bank, so the line erases nobody. {ADVICE}",
        f"{erased}, line 5: no person '0712 000 002' in shop, so the line erases nobody. {ADVICE}",
        f"{refused}, line 3: no person 'C00001' in shop, so the line has no effect. {ADVICE}",
    ]


def test_at_most_five_are_named(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    lines = "".join(f"bank,nobody {number},ads,false\n" for number in range(2_000))
    (tmp_path / "consents.csv").write_text(f"source,customer_id,channel,has_consent\n{lines}")
    described = unmatched(connection, tmp_path)
    assert len(described) == 6
    assert "line 6: no person 'nobody 4'" in described[4]
    assert described[5] == "and 1,995 more"
