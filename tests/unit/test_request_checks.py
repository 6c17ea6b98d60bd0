"""Requests of people count in every spelling; an unknown source or channel in one stops a build."""

from pathlib import Path

import duckdb
import jinja2
import pytest

from python_models.common.request_checks import hash_statements, match_key, unknown_names
from python_models.engines.duckdb.privacy import register_pseudonym
from tests.support import REPOSITORY


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    folder = tmp_path / "seeds"
    folder.mkdir()
    (folder / "channels.csv").write_text("channel,consent_rule\nphone,required\nads,required\n")
    return folder


def test_builds_and_exports_compare_by_the_same_rule() -> None:
    macro = (REPOSITORY / "dbt_project/macros/match_key.sql").read_text()
    rendered = jinja2.Template(macro + "{{ match_key('a.b') }}").render()
    assert rendered.strip() == match_key("a.b")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("C00002 ", "c00002"),
        ("\u00a0Plain\t", "plain"),
        ("\ufeff\u200bA b\u3000\r\n", "a b"),
        ("É", "é"),
        (" \u00a0", ""),
        (None, None),
    ],
)
def test_blanks_around_a_name_and_its_case_do_not_count(name: str | None, key: str | None) -> None:
    assert duckdb.execute(f"select {match_key('?::varchar')}", [name]).fetchone() == (key,)


def test_unknown_names_are_described_with_their_line(seeds: Path) -> None:
    (seeds / "erasure_requests.csv").write_text(
        '\ufeffsource,customer_id,requested_on\n\nInsurance ,a,\ninsurnace,"a\nb",\n\n,,\n,c,\n'
    )
    (seeds / "consents.csv").write_text(
        "source,customer_id,channel,has_consent\r\ncoupon,a,\u00a0ADS,true\r\n\r\ncoupon,b,,true\r\ncoupon,c,fax,true\r\n"
    )
    (seeds / "recent_contacts.csv").write_text("source,customer_id,channel,contacted_on\n")
    assert unknown_names(seeds, ["insurance", "coupon"]).splitlines() == [
        f"{seeds}/erasure_requests.csv, line 4: unknown source 'insurnace'. Available: coupon, insurance.",
        f"{seeds}/erasure_requests.csv, line 8: unknown source ''. Available: coupon, insurance.",
        f"{seeds}/consents.csv, line 5: unknown channel 'fax'. Available: ads, phone.",
    ]


def test_at_most_five_unknown_names_are_described(seeds: Path) -> None:
    lines = "".join(f"s{number},a\n" for number in range(8))
    (seeds / "erasure_requests.csv").write_text(f"source,customer_id\n{lines}")
    described = unknown_names(seeds, ["insurance"]).splitlines()
    assert len(described) == 6
    assert "line 6: unknown source 's4'" in described[4]
    assert described[5] == "and 3 more"


def test_a_raw_identifier_is_the_pseudonym_of_the_person(seeds: Path) -> None:
    (seeds / "raw_columns.csv").write_text(
        "source,thing,column_name,type,raw_names,rules\n"
        "shop,sales,customer_id,phone,,key person\nclub,members,member_id,private,,key person\n"
        "bank,calls,client_id,text,,key person\n"
    )
    connection = duckdb.connect()
    register_pseudonym(connection, "a key of the test")

    connection.execute("""
        create table requests as select * from (values
            (' Shop', '0712000001'), ('shop', '+254 (0) 712 000 001'), ('shop', 'no number'),
            ('club', 'mailto:Ann@example.com\u00a0'), ('bank', '0712000001')
        ) as _(source, customer_id)
    """)
    for _ in range(2):  # a pseudonym stays what it is
        for statement in hash_statements(seeds, "254", "requests"):
            connection.execute(statement)
    [(phone, name)] = connection.sql(
        "select pseudonym('254712000001'), pseudonym('ann@example.com')"
    ).fetchall()
    assert [
        customer_id for (customer_id,) in connection.sql("select customer_id from requests").fetchall()
    ] == [
        phone,
        phone,
        "no number",
        name,
        "0712000001",
    ]
