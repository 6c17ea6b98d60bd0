"""Features that SQL makes of other columns in a new campaign: which, what they hold, and equal everywhere."""

import csv
import datetime as dt
import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import pytest
import yaml
from fastapi.testclient import TestClient

from python_models.common.warehouse import read_champion
from python_models.delivery.bulk.scoring import score_files
from python_models.delivery.service.app import create_app
from python_models.inputs.new_campaign import profiling
from python_models.inputs.new_campaign.profiling import open_file, profile
from python_models.inputs.new_campaign.proposing import propose
from python_models.inputs.new_campaign.rendering import NewCampaign
from tests.support import PROJECT, REPOSITORY
from tests.unit.test_service import KEYS, SCORER, ask, publish

NOTHING = {"entity": None, "label": None, "as_of": None, "group_by": None}
MACROS = "".join(
    (PROJECT / f"macros/{name}.sql").read_text() for name in ("derived_features", "age_band")
) + ("{% macro hash_bucket(key, buckets) %}hash({{ key }}) % {{ buckets }}{% endmacro %}")
ROWS = 1_500
START = dt.date(2024, 1, 1)
Cell = Callable[[int], object]


def mailed_on(i: int) -> dt.date:
    """Lists of three sizes on some 250 dates of a bit more than two years, never at weekends."""
    week, place = divmod(i, 13)
    return START + dt.timedelta(days=7 * week + (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 4)[place])


def draw(i: int, count: int) -> int:
    """Return a number below a count, as if at random."""
    return hashlib.md5(str(i).encode()).digest()[0] * count // 256  # noqa: S324 - no secret


def converted(i: int) -> str:
    """Convert by visits, on Fridays, and where something is missing; unknown for the last hundred."""
    drawn = draw(i, 100)
    chance = 10 + 25 * (i % 3 == 0) + 30 * (mailed_on(i).weekday() == 4) + 20 * (i % 5 == 0)
    return "" if i >= ROWS - 100 else ("yes" if drawn < chance else "no")


PLAIN: dict[str, Cell] = {
    "customer_id": lambda i: f"C{i}",
    "visits": lambda i: i % 3,
    "mailed_on": mailed_on,
    "converted": converted,
}


class Made:
    """A campaign proposed for a table, and its staged rows."""

    def __init__(self, path: Path, cells: dict[str, Cell], rows: int = ROWS):
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(cells)
            writer.writerows([cell(i) for cell in cells.values()] for i in range(rows))
        self.connection = duckdb.connect()
        columns = profile(self.connection, open_file(self.connection, path))
        self.proposal = propose(self.connection, columns, NOTHING)
        self.campaign = NewCampaign("own", self.proposal, None, path.name)
        self.files = self.campaign.files()
        self.names = [feature.name for feature in self.proposal.derived]

    @property
    def declared(self) -> dict[str, Any]:
        models = yaml.safe_load(self.files["models/campaigns/own/own.yml"])["models"]
        return models[0]["config"]["meta"] | {"minimum_positives": 50, "candidates": ["lightgbm_shallow"]}

    def mart(self, staged: str = "typed") -> duckdb.DuckDBPyRelation:
        # what is off is switched on
        text = re.sub("{# (.*?) #}", r"\1", self.files["models/campaigns/own/own_features.sql"], flags=re.S)
        rows = f"(select *, rowid as row_id from {staged})"
        return self.connection.sql(jinja2.Template(MACROS + text).render(ref=lambda _: rows))


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Made]:
    """Make a campaign of PLAIN with other or further columns."""

    def make(rows: int = ROWS, categories: int = 50, **cells: Cell | None) -> Made:
        monkeypatch.setattr(profiling, "MAX_CATEGORIES", categories)
        listed = {name: cell for name, cell in (PLAIN | cells).items() if cell}
        return Made(tmp_path / "own.csv", listed, rows)

    return make


def test_each_line_is_justified_by_the_facts_of_a_column(made: Callable[..., Made]) -> None:
    own = made(
        zip_code=lambda i: f"0{1000 + i % 60}",
        spend=lambda i: "" if i % 5 == 0 else i * 37 % 101,
        clicks=lambda i: "" if i % 7 == 0 else i * 31 % 11,
    )
    assert {feature.name: feature.why for feature in own.proposal.made} == {
        "rows_on_mailed_on": "size of the date's list, known before its first contact",
        "days_since_last_mailed_on": "days since the list before, because they differ",
        "weekday_of_mailed_on": "the rows lie on 3 days of the week",
        "day_of_year_of_mailed_on": "the rows cover 2 years, so a season comes again",
        "share_with_zip_code": "zip_code has 60 values: rare ones may differ from frequent ones",
    }
    sql = own.files["models/campaigns/own/own_features.sql"]
    assert "        {{ rows_sharing(['mailed_on']) }} as rows_on_mailed_on,\n" in sql
    assert "{{ share_of_earlier('zip_code', 'mailed_on') }}" in sql
    # off until somebody takes the braces away
    assert "        {# {{ missing_count([\n            'spend', 'clicks'\n" in sql
    made_by_sql = sql[sql.index("add_features as") : sql.index("-- the latest rows")]
    assert max(map(len, made_by_sql.splitlines())) <= 80
    described = yaml.safe_load(own.files["models/campaigns/own/own.yml"])["models"][0]["columns"]
    assert {column["name"] for column in described} >= {feature.name for feature in own.proposal.made}
    assert own.proposal.check[-1] == (
        "Is each date's list complete before its first contact? If not, delete the line of rows_on_mailed_on."
    )


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        pytest.param(
            {"mailed_on": lambda i: START + dt.timedelta(days=i // 30)}, [], id="lists alike, daily"
        ),
        pytest.param(
            {"mailed_on": lambda i: f"{mailed_on(i)} {8 + i % 9:02d}:00:00"},
            ["weekday_of_mailed_on", "day_of_year_of_mailed_on"],
            id="times of a day have no list",
        ),
        pytest.param(
            {"mailed_on": None, "visit_date": mailed_on},
            ["weekday_of_visit_date", "day_of_year_of_visit_date"],
            id="who comes by himself is on no list",
        ),
        pytest.param(
            {"mailed_on": None, "day": lambda i: 1 + i % 28, "mon": lambda i: ("may", "jun")[i % 9 == 0]},
            ["rows_on_day", "day_of_year"],
            id="a date without its year",
        ),
        pytest.param(
            {"mailed_on": lambda i: START + dt.timedelta(days=draw(i, 49))},
            [],
            id="sizes that differ by chance",
        ),
        pytest.param({"mailed_on": None, "remark": lambda i: f"I say {i % 900}"}, [], id="free text"),
        pytest.param(
            {"mailed_on": None, "agent": lambda i: f"A{i % 70}"}, ["share_with_agent"], id="without a time"
        ),
        pytest.param(
            {"mailed_on": None, "order_ref": lambda i: f"A{i % 70}" if converted(i) == "yes" else ""},
            [],
            id="a code of converters only",
        ),
        pytest.param(
            {"mailed_on": None, "nationality": lambda i: f"N{i % 70}"}, [], id="a code that is protected"
        ),
        pytest.param(
            {"mailed_on": None, "spend": lambda i: "" if i % 5 == 0 else i * 37 % 101},
            [],
            id="one column that lacks values",
        ),
        pytest.param({"converted": None}, [], id="no outcome"),
    ],
)
def test_what_the_facts_do_not_justify_is_not_proposed(
    made: Callable[..., Made], cells: dict[str, Cell], names: list[str]
) -> None:
    own = made(**cells)
    if names == []:
        assert "add_features" not in own.files["models/campaigns/own/own_features.sql"]
    assert own.names == names


def test_many_codes_are_counted_and_no_quantity(made: Callable[..., Made]) -> None:
    own = made(
        4_000,
        1_000,
        mailed_on=None,
        zip=lambda i: 10_000 + 7 * (i % 1_200),
        shop=lambda i: 3 + i % 400,
        site_seconds=lambda i: i * 37 % 2_003,
    )
    assert own.names == ["share_with_zip"]
    assert own.proposal.withhold == {"zip": "1,200 different texts in 4,000 rows: an identifier or free text"}
    assert own.proposal.column("shop").type == "category"
    assert own.proposal.column("site_seconds").type == "bigint"


def values(query: str) -> list[Any]:
    """Values of a macro on a tiny table, by row."""
    rows = """
        (values (1, date '2026-01-05', 'a', 'may', 5, true), (2, date '2026-01-05', 'b', 'feb', 30, false),
            (3, date '2026-01-08', 'a', 'February', 1, null), (4, date '2026-01-09', 'c', '12', 31, null),
            (5, date '2026-01-09', 'a', null, 1, true), (6, null, null, 'jan', null, true)
        ) as rows (id, date, code, month, day, label)
    """
    sql = jinja2.Template(f"{MACROS} select {query} from {rows} order by id").render()
    return [value for (value,) in duckdb.sql(sql).fetchall()]


def test_the_values_of_each_macro() -> None:
    assert values("{{ rows_sharing(['date']) }}") == [2, 2, 1, 2, 2, None]
    assert values("{{ rows_sharing(['code', 'date']) }}") == [1, 1, 1, 1, 1, None]
    # rounded down to the first digit
    sizes = [1, 9, 10, 19, 20, 99, 100, 257, 1000, 1999]
    lists = f"select size, unnest(range(size)) as row from (select unnest({sizes}) as size)"
    sql = jinja2.Template(MACROS + "{{ rows_sharing(['size']) }}").render()
    found = duckdb.sql(f"select distinct size, {sql} from ({lists}) order by size").fetchall()
    assert [rounded for _, rounded in found] == [1, 9, 10, 10, 20, 90, 100, 200, 1000, 1000]
    assert values("{{ days_since_last('date') }}") == [None, None, 3, 1, 1, None]
    assert values("{{ day_of_year('month', 'day') }}") == [126, None, 32, 366, None, None]
    # four outcomes are known, one of them of no code
    assert values("{{ share_of_known('code', 'label') }}") == [1 / 2, 1 / 4, 1 / 2, 0, 1 / 2, None]
    assert values("{{ share_of_earlier('code', 'date') }}") == [None, None, 1 / 2, 0, 2 / 3, None]
    assert values("{{ missing_count(['date', 'month', 'label']) }}") == [0, 0, 1, 1, 1, 1]


EVERYTHING: dict[str, Cell] = {
    "agent": lambda i: f"A{i * i % 167}",
    "spend": lambda i: "" if i % 5 == 0 else i * 37 % 101,
    "clicks": lambda i: "" if i % 7 == 0 else i * 31 % 11,
}


@pytest.mark.parametrize("has_time", [True, False])
def test_no_feature_sees_an_outcome_or_a_later_row(made: Callable[..., Made], has_time: bool) -> None:
    own = made(**EVERYTHING, **({} if has_time else {"mailed_on": None}))
    assert len(own.names) == (6 if has_time else 2)
    listed = ", ".join(["customer_id", *own.names])
    before = own.mart().project(listed).order("customer_id").fetchall()
    own.connection.execute("""
        create table turned as select * replace (not converted as converted) from typed
    """)
    assert own.mart("turned").project(listed).order("customer_id").fetchall() == before
    if has_time:
        own.connection.execute("""
            create table longer as from typed;
            insert into longer select * replace ('D' || customer_id as customer_id,
                mailed_on + 3000 as mailed_on, 'A1' as agent) from typed
        """)
        longer = own.mart("longer").filter("customer_id like 'C%'")
        assert longer.project(listed).order("customer_id").fetchall() == before


def test_a_caller_finds_a_new_row_s_values_in_the_mart(made: Callable[..., Made]) -> None:
    """The queries of the docs, for the rows of the newest date, by the rows before."""
    page = (REPOSITORY / "docs/your-own-campaign.md").read_text()
    with_time, days, without_time = re.findall(
        r"^select .* from campaigns\.spring_offer_features .*$", page, re.M
    )
    own, plain = made(**EVERYTHING), made(**EVERYTHING, mailed_on=None)
    for campaign, queries in ((own, (with_time, days)), (plain, (without_time,))):
        campaign.mart().to_table("mart")
        newest = "" if campaign is plain else "where mailed_on = (select max(mailed_on) from mart)"
        rows = campaign.connection.sql(f"select * from mart {newest} limit 20")
        for row in (dict(zip(rows.columns, values, strict=True)) for values in rows.fetchall()):
            found = []
            for query in queries:
                asked = query.replace("campaigns.spring_offer_features", "mart")
                asked = asked.replace("'a17'", f"'{row['agent']}'").replace(
                    "2026-12-01", f"{row.get('mailed_on')}"
                )
                found += campaign.connection.sql(asked).fetchone() or ()
            assert found == [row["share_with_agent"], row.get("days_since_last_mailed_on")][: len(queries)]


@pytest.mark.long
@pytest.mark.parametrize("has_time", [True, False])
def test_batch_service_and_bulk_give_one_score(
    made: Callable[..., Made], tmp_path: Path, has_time: bool
) -> None:
    day_and_month = {"day": lambda i: 1 + i * 3 % 28, "mon": lambda i: 1 + i % 12, "mailed_on": None}
    own = made(**EVERYTHING, **({} if has_time else day_and_month))
    warehouse = tmp_path / "warehouse.duckdb"
    publish(warehouse, name="own", frame=own.mart().df(), declared=own.declared)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        batch = dict(
            connection.execute("""
                select entity_id, predicted_probability from results.conversion_scores where split = 'score'
            """).fetchall()
        )
        with TestClient(create_app(warehouse, KEYS, check=lambda _: None), headers=SCORER) as client:
            [offer] = [
                offer
                for offer in client.get("/v1/campaigns").json()["campaigns"]
                if offer["campaign"] == "own"
            ]
            fields = [field["name"] for field in offer["fields"]]
            assert set(own.names) <= set(fields)
            rows = connection.table("campaigns.own_features").filter("converted is null")
            asked = rows.project(", ".join(["customer_id", *fields])).to_arrow_table().to_pylist()
            service, without = (
                {row["entity_id"]: row["probability"] for row in ask(client, sent, "own").json()["results"]}
                for sent in (asked, [row | dict.fromkeys(own.names) for row in asked])
            )
    assert read_champion(warehouse, "own").key == "customer_id"
    *_, folder = score_files(warehouse, "own", None, tmp_path / "bulk")
    bulk = dict(
        duckdb.sql(
            f"select customer_id, predicted_probability from read_parquet('{folder}/*.parquet')"
        ).fetchall()
    )
    assert len(batch) == 100
    assert service == batch
    assert without != batch
    assert bulk == pytest.approx(batch, rel=0, abs=1e-12)
