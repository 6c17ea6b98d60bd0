"""A newcomer's table becomes a campaign: what its columns are, what is written, and that it builds."""

import csv
import hashlib
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import jinja2
import pytest
import yaml
from ruamel.yaml import YAML

from python_models.common.campaign import read_campaign
from python_models.common.errors import UserError
from python_models.inputs.new_campaign.profiling import Column, literal, open_file, profile, table_names
from python_models.inputs.new_campaign.proposing import Proposal, propose
from python_models.inputs.new_campaign.rendering import DOORWAYS, NewCampaign, render, yaml_string
from python_models.inputs.new_campaign.writing import new_campaign
from tests.support import PROJECT, REPOSITORY

NOTHING = {"entity": None, "label": None, "as_of": None, "group_by": None}

# Few visitors come often; a purchase is rare, and sooner with more visits.
LOG = """
    select
        'V' || floor(3000 * pow(hash(i, 1) % 10000 / 10000, 2)) as visitor_id,
        timestamp '2026-03-01' + to_seconds((hash(i, 2) % (120 * 86400))::bigint) as happened,
        case
            when hash(i, 3) % 1000 < 15 then 'purchase'
            when hash(i, 3) % 10 < 7 then 'view'
            else 'click'
        end as event,
        hash(i, 5) % 90 as seconds,
        ['phone', 'desktop'][1 + (hash(i, 6) % 2)::int] as device,
        if(event = 'purchase', 5 + hash(i, 7) % 50, null) as paid
    from range(40000) as events (i)
    order by happened
"""
# Of an arm and of what people did before; nobody converts who did not visit.
EXPERIMENT = """
    select
        ['mail', 'post', 'nothing'][1 + (hash(i, 1) % 3)::int] as arm,
        hash(i, 2) % 12 as recency,
        round(exp(3 + hash(i, 3) % 1000 / 250), 2) as history,
        (hash(i, 4) % 10 < 3)::int as visit,
        if(visit = 1 and hash(i, 5) % 100 < 10 + 20 * (arm = 'mail')::int + 2 * recency, 1, 0) as conversion,
        if(conversion = 1, 20 + hash(i, 6) % 500, 0) as spend
    from range(9000) as people (i)
"""
SURVEY = """
    select
        100000 + i as "Respondent ID",
        if(hash(i, 1) % 9 = 0, 99, 1 + hash(i, 1) % 5) as "Q1 Satisfaction",
        if(hash(i, 2) % 12 = 0, -1, hash(i, 2) % 11) as "Q2: likely to recommend?",
        ['under 20k', '20 to 40k', '40k+', 'Prefer not to say'][1 + (hash(i, 3) % 4)::int] as "Income",
        if(hash(i, 4) % 20 = 0, 'n/a', (18 + hash(i, 4) % 60)::varchar) as "Age",
        ['Male', 'Female', 'Refused'][1 + (hash(i, 5) % 3)::int] as "Gender",
        'I say ' || hash(i, 6) as "Anything else?",
        strftime(date '2026-01-01' + (hash(i, 7) % 90)::int, '%d.%m.%Y') as "Interview date",
        'p' || i || '@example.org' as "E-mail",
        case
            when hash(i, 8) % 10 = 0 then null
            when hash(i, 9) % 100
                < 2 * "Q2: likely to recommend?" + 5 * ("Q1 Satisfaction" % 9) + 15 * ("Income" = '40k+')::int
                then 'Yes'
            else 'No'
        end as "Would buy"
    from range(4000) as people (i)
"""


def make_table(path: Path, query: str) -> Path:
    ending = (
        "" if path.suffix == ".parquet" else f" (header, delimiter '{';' if path.stem == 'poll' else ','}')"
    )
    duckdb.sql(f"copy ({query}) to '{path}'{ending}")
    return path


def looked_at(path: Path, **given: str) -> Proposal:
    """What is proposed for a file."""
    with duckdb.connect() as connection:
        columns = profile(connection, open_file(connection, path))
        return propose(connection, columns, NOTHING | given)


def columns_of(path: Path) -> dict[str, Column]:
    with duckdb.connect() as connection:
        return {column.name: column for column in profile(connection, open_file(connection, path))}


def new(campaign: str, table: Path | str, **given: str | bool) -> list[str]:
    replace = bool(given.pop("replace", False))
    decided = NOTHING | {key: str(value) for key, value in given.items()}
    return list(new_campaign(campaign, str(table), decided, Path("warehouse.duckdb"), replace=replace))


def declaration(project: Path, campaign: str) -> dict:
    text = (project / f"models/campaigns/{campaign}/{campaign}.yml").read_text()
    return YAML(typ="safe").load(text)["models"][0]["config"]["meta"]


def content(project: Path) -> str:
    """Hash of all files below a folder."""
    digest = hashlib.sha256()
    for path in sorted(path for path in project.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(project)}".encode() + path.read_bytes())
    return digest.hexdigest()


def test_texts_get_the_type_that_their_values_have(tmp_path: Path) -> None:
    path = tmp_path / "all.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["Zip code", "size", "rate", "is it", "day", "moment", "us_day", "kids", "order", "event_ts"]
        )
        for i in range(200):
            flag, size = "yes" if i % 3 else "no", "unknown" if i % 50 == 0 else str(i % 7)
            day = f"{1 + i % 28:02d}"
            kids = "3+" if i % 4 == 3 else str(i % 4)
            row = [
                f"0{i % 10}123",
                size,
                f"{i / 8}",
                flag,
                f"2026-01-{day}",
                f"2026-01-{day} 10:{i % 60:02d}:00",
            ]
            writer.writerow([*row, f"01/{day}/2026", kids, "a" if i % 2 else "b", 1767225600 + 3600 * i])
    columns = columns_of(path)
    assert {name: column.type for name, column in columns.items()} == {
        "zip_code": "category",
        "size": "bigint",
        "rate": "double",
        "is_it": "boolean",
        "day": "date",
        "moment": "timestamp",
        "us_day": "date",
        "kids": "category",
        # a word of SQL is no name
        "order_value": "category",
        "event_ts": "bigint",
    }
    assert columns["size"].codes == ("unknown",)
    assert columns["size"].known == 196
    assert columns["us_day"].formats == ("%m/%d/%Y",)
    assert columns["event_ts"].is_time
    assert not columns["size"].is_time


def test_placeholders_stand_apart_from_all_other_numbers(tmp_path: Path) -> None:
    path = tmp_path / "numbers.csv"
    rows = ["scale,below,trend,tail,age"]
    for i in range(1000):
        scale = 99 if i % 10 == 0 else 1 + i % 5
        below = -1 if i % 10 == 1 else i % 8
        trend = -1 if i % 10 == 2 else (i % 8) - 1.5
        tail = 99 if i == 3 else i % 40
        rows.append(f"{scale},{below},{trend},{tail},{18 + i % 82}")
    path.write_text("\n".join(rows) + "\n")
    codes = {name: column.codes for name, column in columns_of(path).items()}
    assert codes == {"scale": ("99",), "below": ("-1",), "trend": (), "tail": (), "age": ()}


def test_some_unreadable_numbers_reject_their_rows_and_a_few_answers_are_missing(tmp_path: Path) -> None:
    path = tmp_path / "numbers.csv"
    path.write_text(
        "a,b\n" + "".join(f"{i},{'none given' if i % 9 == 0 else i}\n" for i in range(2000)) + "x,1\ny1,2\n"
    )
    columns = columns_of(path)
    assert (columns["a"].type, columns["a"].unread) == ("bigint", 2)
    assert (columns["b"].type, columns["b"].codes, columns["b"].unread) == ("bigint", ("none given",), 0)


def test_names_are_plain_and_different() -> None:
    names = table_names(["Année", "Größe (cm)", "1st", "a-b", "a b", "select", "split", "%", "customerID"])
    assert list(names.values()) == [
        *(
            "annee",
            "groe_cm",
            "n_1st",
            "a_b",
            "a_b_2",
            "select_value",
            "split_value",
            "column_8",
            "customer_id",
        ),
    ]


def test_braces_in_names_and_values_are_not_taken_for_jinja() -> None:
    for text in ("{{ a }}", "{% b %}", "{# c #}", "it's {{{d}}}"):
        assert not re.search(r"\{[{%#]", literal(text) + yaml_string(text))
        assert duckdb.sql(f"select {literal(text)}").fetchall() == [(text,)]


def test_an_experiment_s_steps_and_sums_are_withheld(tmp_path: Path) -> None:
    proposal = looked_at(make_table(tmp_path / "mail_test.csv", EXPERIMENT))
    assert proposal.label
    assert proposal.label.description == "conversion"
    assert proposal.key == []
    assert "a step on the way" in proposal.withhold["visit"]
    assert "not zero in 100% of the conversions and in 0.0% of the others" in proposal.withhold["spend"]
    assert [column.name for column in proposal.features] == ["arm", "recency", "history"]
    assert proposal.dimensions == ["arm"]


def test_a_survey_s_placeholders_people_and_protected_columns(tmp_path: Path) -> None:
    proposal = looked_at(make_table(tmp_path / "poll.csv", SURVEY))
    assert proposal.label
    assert proposal.label.description == "would_buy"
    assert [column.name for column in proposal.key] == ["respondent_id"]
    assert proposal.as_of
    assert proposal.as_of.name == "interview_date"
    assert list(proposal.private) == ["e_mail"]
    assert list(proposal.withhold) == ["anything_else"]
    assert list(proposal.audit) == ["age", "gender"]
    codes = {column.name: column.codes for column in proposal.columns if column.codes}
    assert codes == {
        "q1_satisfaction": ("99",),
        "q2_likely_to_recommend": ("-1",),
        "income": ("prefer not to say",),
        "age": ("n/a",),
        "gender": ("refused",),
    }


def test_a_log_becomes_looks_at_what_happened_before(tmp_path: Path) -> None:
    proposal = looked_at(make_table(tmp_path / "web_log.csv", LOG))
    assert proposal.events
    assert proposal.customer
    assert proposal.label
    assert (proposal.events.name, proposal.customer.name) == ("event", "visitor_id")
    assert proposal.label.description == "event is purchase"
    assert (proposal.days, proposal.rounds) == (20, 4)
    assert not proposal.is_once
    # the outcomes of one look are known by the next, so later looks judge
    written = NewCampaign("web_log", proposal, None, "web_log.csv").files()
    declared = yaml.safe_load(written["models/campaigns/web_log/web_log.yml"])["models"][0]
    assert declared["config"]["meta"]["order_by"] == "as_of"


@pytest.mark.long
def test_an_event_of_the_future_does_not_end_a_log(tmp_path: Path) -> None:
    newest = "select 'V1', timestamp '2111-12-09', 'view', 1, 'phone', null"
    path = make_table(tmp_path / "web_log.csv", f"from ({LOG}) union all {newest}")
    with duckdb.connect() as connection:
        proposal = propose(connection, profile(connection, open_file(connection, path)), NOTHING)
        assert (proposal.days, proposal.rounds) == (20, 4)
        written = NewCampaign("web_log", proposal, None, path.name)
        rules = {row["column_name"]: row.get("rules") for row in written.raw_columns()}
        assert rules["happened"] == "past"
        mart = written.files()["models/campaigns/web_log/web_log_features.sql"]
        sql = jinja2.Template(mart).render(ref=lambda _: "typed", selection_time=lambda: "now()::timestamp")
        [(last, rows)] = connection.sql(f"select max(as_of)::varchar, count(*) from ({sql})").fetchall()
    assert last == "2026-06-29"
    assert rows > 10_000


def test_a_column_filled_for_converters_alone_is_a_leak_and_a_copy_of_the_outcome_too(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = (
        f"{i},{i % 7},{i % 5 == 0:d},{'won' if i % 5 == 0 else ''},{9 if i % 5 == 0 else i % 3}"
        for i in range(900)
    )
    path.write_text("id,size,converted,prize,copy\n" + "\n".join(rows) + "\n")
    proposal = looked_at(path)
    assert proposal.withhold["prize"] == "filled in 100% of the conversions and in 0.0% of the others"
    assert "alone it tells the outcome" in proposal.withhold["copy"]
    assert [column.name for column in proposal.features] == ["size"]


@pytest.mark.parametrize(
    ("text", "given", "sentence"),
    [
        (
            "39,State-gov,77516\n50,Private,83311\n",
            {},
            "the first line, 39, State-gov, 77516, ..., looks like data",
        ),
        ("a,b,A\n1,2,3\n", {}, "column 3 of the header, 'A', is there twice"),
        ("", {}, "the file is empty"),
        ("a,b\n", {}, "The file has no rows"),
        (
            "a,b\n1,x\n1,y\n",
            {"entity": "a"},
            "column 'a' is no key: 0 rows have none, and 2 rows have 1 values",
        ),
        ("a,b\n1,x\n2,y\n", {"entity": "c"}, "Unknown column 'c'. Available: a, b."),
        (
            "a,b\n1,x\n2,y\n3,z\n",
            {"label": "b"},
            "column 'b' has 3 values; say which one is a conversion: --label 'b=...'",
        ),
        ("a,b\n1,x\n2,y\n", {"label": "b=z"}, "column 'b' has no value 'z'; it has x, y"),
        ("a,b\n1,x\n2,y\n", {"as_of": "b"}, "column 'b' is a category, no date or time"),
    ],
)
def test_a_table_that_cannot_be_understood_is_refused_and_nothing_is_written(
    project: Path, text: str, given: dict[str, str], sentence: str
) -> None:
    before = content(project)
    Path("own.csv").write_text(text)
    with pytest.raises(UserError) as refused:
        new("own", "own.csv", **given)
    assert "own.csv" in str(refused.value)
    assert sentence in str(refused.value)
    assert content(project) == before
    assert not Path("data").exists()


@pytest.mark.parametrize(
    ("campaign", "table", "sentence"),
    [
        ("Spring offer", "own.csv", "'Spring offer' is not a valid campaign name"),
        ("insurance", "own.csv", "was not written by this command. Choose another name"),
        ("app_install_subscribers", "own.csv", "there is a model app_install_subscribers already"),
        ("own", "nothing.csv", "nothing.csv: no such file"),
        ("own", "results.campaigns", "results are made of campaigns"),
        ("own", "core.customers", "warehouse.duckdb does not exist: run `make build` first"),
    ],
)
def test_a_name_that_is_taken_or_a_table_that_is_not_there(
    project: Path, campaign: str, table: str, sentence: str
) -> None:
    Path("own.csv").write_text("a,b\n1,x\n2,y\n")
    before = content(project)
    with pytest.raises(UserError, match=re.escape(sentence)):
        new(campaign, table)
    assert content(project) == before


def test_a_table_that_no_model_makes_would_be_lost(project: Path) -> None:
    with duckdb.connect("warehouse.duckdb") as connection:
        connection.execute("create schema core; create table core.mine as select 1 as a")
    with pytest.raises(UserError, match=r"core\.mine: no model or seed of the project makes this table"):
        new("own", "core.mine")


def test_what_is_written_is_listed_declared_and_taken_back_whole(project: Path) -> None:
    table = make_table(Path("poll.csv"), SURVEY)
    before = (project / "dbt_project.yml").read_text(), (project / "seeds/raw_columns.csv").read_text()
    said = new("poll", table)
    assert Path("data/raw/poll/poll.csv").read_bytes() == table.read_bytes()
    listed = (project / "dbt_project.yml").read_text()
    assert listed.replace("    poll: {source: poll, has: [scores, segments]}\n", "") == before[0]
    rows = (project / "seeds/raw_columns.csv").read_text()
    assert rows.startswith(before[1])
    assert "poll,records,would_buy,boolean,Would buy,,,,,,\n" in rows
    assert "poll,records,e_mail,private,E-mail,,,,,,\n" in rows
    meta = declaration(project, "poll")
    campaign = read_campaign(meta)
    assert (campaign.label, campaign.as_of, campaign.entity) == (
        "would_buy",
        "interview_date",
        "respondent_id",
    )
    assert campaign.withhold == ["anything_else", "age"]
    assert campaign.audit == ["age_band", "gender"]
    assert "e_mail" not in (project / "models/campaigns/poll/poll_features.sql").read_text()
    assert any("+poll_scores +poll_segments" in line for line in said)
    with pytest.raises(UserError, match="is there already"):
        new("poll", table)
    new("poll", table, label="Gender=male", replace=True)
    assert declaration(project, "poll")["label"] == "has_converted"
    assert (project / "dbt_project.yml").read_text() == listed
    assert not list(project.rglob("*.unfinished"))


def test_every_doorway_equals_its_template() -> None:
    doorways = sorted((PROJECT / "models/campaigns").glob("*/*.py"))
    assert len(doorways) > 20
    for path in doorways:
        campaign, _, kind = path.stem.rpartition("_")
        assert kind in DOORWAYS, f"{path.name} is no doorway"
        references = re.findall(r'dbt\.ref\("(\w+)"\)', path.read_text())
        references = [name for name in references if name != "held_out"]
        marts = [name for name in references if name.rpartition("_")[2] not in DOORWAYS]
        assert len(marts) == 1, f"{path.name} reads {marts}"
        assert path.read_text() == render(f"{kind}.py", campaign=campaign, mart=marts[0]), path.name


@pytest.mark.long
def test_the_page_for_newcomers_shows_what_the_command_says(project: Path) -> None:
    page = (REPOSITORY / "docs/your-own-campaign.md").read_text()
    make, say, *_ = re.findall(r"```sh\n(.*?)\n```", page, flags=re.S)
    [shown] = re.findall(r"```text\n(.*?)\n```", page, flags=re.S)
    programs = str(Path(sys.executable).parent)
    subprocess.run(make.replace(".venv/bin", programs), shell=True, check=True)  # noqa: S602 - the page's own line
    run = subprocess.run(
        say.replace(".venv/bin", programs).split(), check=True, capture_output=True, text=True
    )
    assert run.stdout.strip() == shown
