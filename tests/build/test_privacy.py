"""No table but the identity map knows a phone number, name or e-mail; who asks to be forgotten is gone."""

import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path

import duckdb
import pytest

from python_models.delivery.audience_files import write_audience
from python_models.engines.duckdb.privacy import (
    KEY_VARIABLE,
)
from tests.spy import spied
from tests.support import Dbt

IDENTIFIER = (
    r"(^|[^0-9a-z])(\+|00)?(254[ -]?7|07)[0-9]{2}[ -]?[0-9]{3}[ -]?[0-9]{3}([^0-9a-z]|$)"
    r"|@example[.](com|org)"
)
# The list by which people are erased: it has to know whom.
KNOWS_PEOPLE = {("staging", "erasure_requests")}


def identities(dbt: Dbt, columns: str) -> list[tuple]:
    """Rows of the map, which lies in a file of its own."""
    with duckdb.connect(f"{dbt.warehouse}.identities", read_only=True) as connection:
        return connection.sql(f"select {columns} from core.identity_map").fetchall()


def test_the_development_key_warns_and_no_key_is_ever_written_down(built: Dbt, tmp_path: Path) -> None:
    assert f"{KEY_VARIABLE} is not set" in (built.folder / "logs/dbt.log").read_text()
    (tmp_path / "data").symlink_to(built.data)
    secret = "-".join(["a", "secret", "that", "nobody", "may", "read"])
    dbt = Dbt(tmp_path, tmp_path / "data")
    dbt.environment[KEY_VARIABLE] = secret
    assert "is not set" not in dbt("run", "--select", "base_app_install__installs")
    for path in tmp_path.rglob("*"):
        if path.is_file() and "data" not in path.relative_to(tmp_path).parts:
            assert secret.encode() not in path.read_bytes(), path
    other = dbt.query_working("select min(customer_id) from staging.base_app_install__installs")
    assert other != built.query("select min(customer_id) from staging.base_app_install__installs")


def test_spellings_of_a_number_are_one_person(built: Dbt) -> None:
    """Each of the sample's numbers is spelt in three ways; the people in the map are as many as numbers."""
    raw = built.data / "app_install/default"
    files = [raw / name for name in ("transactions.parquet", "ad_events.parquet")]
    files += [raw / name for name in ("subscribers.csv", "installs.csv")]
    relations = [
        f"'{file}'" if file.suffix == ".parquet" else f"read_csv('{file}', all_varchar = true)"
        for file in files
    ]
    with duckdb.connect() as connection:
        [(spellings, numbers)] = connection.sql(f"""
            with spelt as ({" union ".join(f"select msisdn from {relation}" for relation in relations)})
            select count(*), count(distinct right(replace(msisdn, ' ', ''), 9)) from spelt
            where len(replace(msisdn, ' ', '')) >= 10
        """).fetchall()
    assert spellings > 2 * numbers
    assert identities(built, "count(*), count(distinct msisdn)") == [(numbers, numbers)]


def texts(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str]]:
    """Schema, table and name of every text column, but of the tables that know people by right."""
    columns = connection.sql("""
        select table_schema, table_name, column_name from information_schema.columns
        where data_type in ('VARCHAR', 'VARCHAR[]') and table_schema != 'information_schema'
    """).fetchall()
    return [column for column in columns if column[:2] not in KNOWS_PEOPLE]


def test_the_way_back_is_for_its_owner_only(built: Dbt) -> None:
    assert Path(f"{built.warehouse}.identities").stat().st_mode & 0o777 == 0o600
    assert built.query(
        "select count(*) from information_schema.tables where table_name = 'identity_map'"
    ) == [(0,)]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can look as another user")
def test_another_user_reads_no_identifier_at_any_moment(default_data: Path) -> None:
    """As `nobody` all files are read again and again, while the way back from pseudonyms is built."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        dbt = Dbt(folder, default_data)
        with spied(folder) as opened:
            dbt("run", "--select", "+identity_map")
        written = {path.name for path in folder.iterdir()}
        assert "warehouse.duckdb.identities" in written
        assert b"+2547" in (folder / "warehouse.duckdb.identities").read_bytes()
        # the copy may be seen in the moment before it gets its name
        copies = {"warehouse.duckdb.unfinished", "warehouse.duckdb.ready"}
        assert {name for name in opened if "warehouse" in name} - copies == {
            *("warehouse.duckdb", "warehouse.duckdb.lock")
        }
        assert not re.search(rb"[+]2547[0-9]{8}", (folder / "warehouse.duckdb").read_bytes())


def test_no_delivered_file_names_anybody(built: Dbt, tmp_path: Path) -> None:
    """An audience is exported with hashes of phone number, e-mail and id; of nobody are they readable."""
    warehouse = tmp_path / "warehouse.duckdb"
    for suffix in ("", ".identities"):
        shutil.copy(f"{built.warehouse}{suffix}", f"{warehouse}{suffix}")
    [(day,)] = built.query(
        "select max(week_start) from results.audiences where campaign = 'app_install' and purpose = 'contact'"
    )
    audiences = tmp_path / "audiences"
    list(write_audience(warehouse, "app_install", folder=audiences, seeds=built.project / "seeds", today=day))
    [members] = audiences.rglob("members.parquet")
    people = identities(built, "msisdn, email, full_name")
    emails = {hashlib.sha256(email.encode()).hexdigest() for _, email, _ in people if email}
    delivered = duckdb.sql(f"select hashed_email from '{members}' where hashed_email is not null").fetchall()
    assert 0 < len(delivered) == len({email for (email,) in delivered} & emails)
    tables = [members, *Path(f"{warehouse}.sent").iterdir()]
    written = [str(duckdb.sql(f"from '{table}'").fetchall()) for table in tables]
    written += [(members.parent / name).read_text() for name in ("members.csv", "manifest.json")]
    assert len(list(members.parent.iterdir())) == 3
    pieces = {piece for person in people for piece in (*person, person[0].removeprefix("+")) if piece}
    assert [piece for piece in pieces if any(piece in text for text in written)] == []


def test_no_table_holds_a_raw_identifier(built: Dbt, connection: duckdb.DuckDBPyConnection) -> None:
    [(known, found)] = identities(
        built,
        f"""
            2 * count(*) - count(*) filter (where email is null),
            count(*) filter (where regexp_matches(msisdn, '{IDENTIFIER}'))
            + count(*) filter (where regexp_matches(email, '{IDENTIFIER}'))
        """,
    )
    assert known == found > 10_000, "the search finds what is there to be found"
    columns = texts(connection)
    assert len(columns) > 200
    # keys of receipts and of articles look like numbers of telephones
    numbered = {"transaction_id", "basket_id", "product_id", "line_id", "client_id", "model_body"}
    found = [
        column
        for column in columns
        if column[2] not in numbered
        and connection.sql(
            f'select 1 from "{column[0]}"."{column[1]}"'
            f" where regexp_matches(\"{column[2]}\"::varchar, '{IDENTIFIER}') limit 1"
        ).fetchall()
    ]
    assert found == []
