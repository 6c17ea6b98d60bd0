"""Files for channels hold who is to be contacted and nobody else, and no raw identifier."""

import csv
import hashlib
import json
import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from python_models.__main__ import main
from python_models.common.errors import UserError
from python_models.delivery import audience_files
from python_models.delivery.audience_files import IDENTIFIERS, write_audience
from python_models.engines.duckdb.privacy import pseudonym, pseudonym_key
from tests.support import REPOSITORY

TODAY = "insurance-2026-W47"
# rank, customer, is held out, suppressed for; nobody but `chosen` may be in the file at the end
MEMBERS = [
    (3, "chosen 3", False, None),
    (1, "Chosen 1", False, None),
    (2, "held out", True, None),
    (4, "suppressed", False, "contacted lately"),
    (5, "erased since", False, None),
    (6, "refused since", False, None),
    (7, "refused elsewhere", False, None),
    (8, "refused and consented again", False, None),
    (9, "refused from a later day on", False, None),
    (10, "erased of another source", False, None),
    (None, "not ranked", False, "suppressed before ranking"),
    (11, "refused all channels", False, None),
]
WRITTEN = [
    "Chosen 1",
    "chosen 3",
    "refused elsewhere",
    "refused and consented again",
    "refused from a later day on",
    "erased of another source",
]
SEEDS = {
    "erasure_requests": """source,customer_id,requested_on
insurance,erased since,2026-11-20
coupon,erased of another source,2026-11-20
""",
    "consents": """source,customer_id,channel,has_consent,valid_from
insurance,refused since,phone,false,2026-11-18
insurance,refused elsewhere,email,false,2026-11-20
insurance,refused and consented again,phone,false,2026-11-01
insurance,refused and consented again,,true,2026-11-02
insurance,refused from a later day on,phone,false,2026-11-19
insurance,refused all channels,,true,
insurance,refused all channels,,false,
""",
    "channels": """channel,consent_rule,rest_days
phone,unless_refused,30
email,required,7
""",
    "raw_columns": """source,thing,column_name
coupon,demographics,household_id
insurance,calls,client_id
online_retail,invoice_lines,customer_id
""",
}
WEDNESDAY = date(2026, 11, 18)
PHONE, EMAIL = "+254700000001", " Jane.Doe+news@Gmail.com "


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    """The seeds as they are at the time of writing: later than the build."""
    folder = tmp_path / "seeds"
    folder.mkdir()
    for name, text in SEEDS.items():
        (folder / f"{name}.csv").write_text(text)
    return folder


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A warehouse with three campaigns and an earlier audience, and the identities beside it."""
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("""
            create schema results;
            create table results.campaigns as
            select unnest(['insurance', 'coupon', 'refused']) as campaign, null::varchar as held_back_reason;
            create table results.conversion_models as
            select campaign, 'v1' as model_version, now()::timestamp as trained_at,
                json_object('source', campaign) as declaration
            from results.campaigns;
            create table results.audiences (
                audience_id varchar, campaign varchar, purpose varchar, channel varchar, week_start date,
                threshold_policy varchar, policy_limit double, model_version varchar, selected_at timestamp,
                candidate_count bigint
            );
            insert into results.audiences values
                ('insurance-2026-W46', 'insurance', 'contact', 'phone', '2026-11-09', 'capacity', 3, 'v1',
                    '2026-11-10 08:00:00', 1),
                ('insurance-2026-W47', 'insurance', 'contact', 'phone', '2026-11-16', 'capacity', 9, 'v1',
                    '2026-11-17 08:00:00', 12),
                ('insurance-rehearsal', 'insurance', 'rehearsal', 'phone', null, 'capacity', 9, 'v1',
                    '2026-11-30 08:00:00', 1),
                ('coupon-2026-W46', 'coupon', 'contact', 'email', '2026-11-09', 'f1', null, 'v1',
                    null, 0),
                ('coupon-2026-W47', 'coupon', 'contact', 'email', '2026-11-16', 'f1', null, 'v1',
                    null, 0),
                ('coupon-rehearsal', 'coupon', 'rehearsal', 'email', null, 'f1', null, 'v1',
                    '2026-11-17 08:00:00', 1);
            create table results.audience_members (
                audience_id varchar, entity_id varchar, customer_id varchar, rank bigint,
                predicted_probability double, decile bigint, expected_conversions double,
                expected_profit double, is_holdout boolean, suppressed_reason varchar
            );
        """)
        for rank, customer, is_holdout, reason in MEMBERS:
            connection.execute(
                "insert into results.audience_members values (?, ?, ?, ?, 0.25, 1, 0.25, 2.5, ?, ?)",
                [TODAY, f"id of {customer}", customer, rank, is_holdout, reason],
            )
        connection.execute("""
            insert into results.audience_members values
                ('insurance-2026-W46', 'e', 'of last week', 1, 0.5, 1, 0.5, 1.0, false, null),
                ('coupon-rehearsal', 'a', 'has no consent', 1, 0.5, 1, 0.5, 1.0, false, null)
        """)
    with duckdb.connect(f"{path}.identities") as connection:
        connection.execute(
            """
            create schema core;
            create table core.identity_map as
            select 'insurance' as source, 'Chosen 1' as customer_id, ? as msisdn, 'Jane Doe' as full_name,
                ? as email
            union all select 'coupon', 'chosen 3', '+254700000002', 'John', 'john@example.com'
            union all select 'insurance', 'suppressed', '+254700000003', 'Jim', 'jim@example.com'
            """,
            [PHONE, EMAIL],
        )
    return path


@pytest.fixture
def write(published: Path, seeds: Path, tmp_path: Path) -> Callable[..., tuple[Path, list[str]]]:
    """Writes an audience; its folder, and what was said."""

    def run(
        campaign: str = "insurance", audience_id: str | None = None, today: date = WEDNESDAY
    ) -> tuple[Path, list[str]]:
        folder = tmp_path / "audiences"
        said = list(write_audience(published, campaign, audience_id, folder, seeds, today=today))
        return tmp_path / "audiences" / said[-1].split(":")[0].split("/")[-1], said

    return run


def rows(folder: Path) -> list[dict[str, Any]]:
    return duckdb.read_parquet(str(folder / "members.parquet")).to_arrow_table().to_pylist()


def manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text())


@pytest.mark.parametrize(
    ("column", "given", "normalised"),
    [
        # examples of the platforms' own pages
        ("hashed_email", "John_Smith@gmail.com", "john_smith@gmail.com"),
        ("hashed_email_google", "cloudy.sanfrancisco+shopping@gmail.com", "cloudysanfrancisco@gmail.com"),
        ("hashed_email_google", "user.name+NYC@Example.com", "user.name+nyc@example.com"),
        ("hashed_phone_e164", "(1 800) 555-0100", "+18005550100"),
        ("hashed_phone_digits", "+1 (650)555-1212", "16505551212"),
        # blanks, and what is left of nothing
        ("hashed_email", " A.B@Gmail.com\t", "a.b@gmail.com"),
        ("hashed_email_google", " a.b @googlemail.com ", "ab@googlemail.com"),
        ("hashed_email_google", "a.b@notgmail.com", "a.b@notgmail.com"),
        ("hashed_phone_digits", "00254 700", "254700"),
        ("hashed_external_id", " AbC ", "abc"),
        ("hashed_email", " ", None),
        ("hashed_email_google", "", None),
        ("hashed_phone_e164", "+", None),
    ],
)
def test_identifiers_are_normalised_as_platforms_ask(column: str, given: str, normalised: str | None) -> None:
    named = {"email": "email", "phone": "msisdn", "external": "customer_id"}[column.split("_")[1]]
    found = duckdb.execute(
        f"select {IDENTIFIERS[column].normalised} from (select ? as {named})", [given]
    ).fetchone()
    assert found == (normalised,)


def test_hashes_are_those_that_meta_prints(write: Callable, published: Path) -> None:
    with duckdb.connect(f"{published}.identities") as connection:
        connection.execute(
            "update core.identity_map set msisdn = '+16505551212', email = 'John_Smith@gmail.com'"
        )
    row = rows(write()[0])[0]
    assert row["hashed_email"] == "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"
    assert row["hashed_phone_digits"] == "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176"


def test_the_file_holds_who_is_to_be_contacted_in_order(write: Callable) -> None:
    folder, said = write()
    assert folder.name == TODAY
    found = rows(folder)
    assert [row["customer_id"] for row in found] == WRITTEN
    assert [row["rank"] for row in found] == sorted(row["rank"] for row in found)
    in_csv = duckdb.read_csv(str(folder / "members.csv")).to_arrow_table().to_pylist()
    assert [{**row} for row in in_csv] == found
    facts = manifest(folder)
    assert facts["row_count"] == 6
    assert facts["identified_count"] == 1
    assert facts["suppressed_count"] == 2
    assert facts["holdout_count"] == 1
    assert facts["kept_out_since_the_build"] == {"erased": 1, "refused": 2}
    assert facts["expected_conversions"] == 6 * 0.25
    assert facts["expected_profit"] == 6 * 2.5
    assert (facts["model_version"], facts["threshold_policy"], facts["policy_limit"]) == ("v1", "capacity", 9)
    assert list(facts["columns"]) == list(found[0])
    assert said[-1].endswith("not among them 2 suppressed, 1 held out, 3 erased or refused since")


def test_identities_are_those_of_the_campaigns_source(write: Callable) -> None:
    first, second = rows(write()[0])[:2]
    assert first["hashed_email"] == sha256("jane.doe+news@gmail.com")
    assert first["hashed_email_google"] == sha256("janedoe@gmail.com")
    assert first["hashed_phone_e164"] == sha256(PHONE)
    assert first["hashed_phone_digits"] == sha256(PHONE[1:])
    assert first["hashed_external_id"] == sha256("chosen 1")
    # known to another source only
    assert second["hashed_phone_e164"] is None
    assert second["hashed_email"] is None


def test_no_raw_identifier_is_in_any_file(write: Callable, tmp_path: Path) -> None:
    write()
    files = [path for path in (tmp_path / "audiences").rglob("*") if path.is_file()]
    assert {path.name for path in files} == {"members.parquet", "members.csv", "manifest.json"}
    for path in files:
        held = path.read_bytes().lower()
        for raw in (PHONE[1:], PHONE[4:], "jane.doe", "janedoe", "jane doe", "gmail.com,"):
            assert raw.encode() not in held, (path.name, raw)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_checksums_are_true_and_the_same_again(write: Callable) -> None:
    folder, _ = write()
    first = manifest(folder)["sha256"]
    assert first == {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in first}
    assert set(first) == {"members.parquet", "members.csv"}
    again, _ = write()
    assert again != folder
    assert manifest(again)["sha256"] == first


def test_no_export_overwrites_an_earlier_one(write: Callable, seeds: Path) -> None:
    first, _ = write()
    before = {path.name: path.read_bytes() for path in first.iterdir()}
    with (seeds / "erasure_requests.csv").open("a") as requests:
        requests.write("insurance,Chosen 1,2026-11-21\n")
    second, said = write()
    third, _ = write("insurance", TODAY)
    assert [folder.name for folder in (second, third)] == [f"{TODAY}-2", f"{TODAY}-3"]
    assert f"audiences/{TODAY}-2: 5 rows" in said[-1]
    assert {path.name: path.read_bytes() for path in first.iterdir()} == before
    assert [row["customer_id"] for row in rows(second)] == WRITTEN[1:]
    assert sorted(path.name for path in first.parent.iterdir()) == [TODAY, second.name, third.name]


def test_a_folder_that_appears_meanwhile_is_not_overwritten(
    write: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = os.rename

    def rename_late(unfinished: Path, target: Path) -> None:
        if target.name == TODAY:
            target.mkdir()
            (target / "of another process").touch()
        rename(unfinished, target)

    monkeypatch.setattr(audience_files.os, "rename", rename_late)
    folder, _ = write()
    assert folder.name == f"{TODAY}-2"
    assert [path.name for path in (tmp_path / "audiences" / TODAY).iterdir()] == ["of another process"]


def test_exports_at_the_same_time_get_a_folder_each(write: Callable, tmp_path: Path) -> None:
    with ThreadPoolExecutor(max_workers=4) as threads:
        folders = list(threads.map(lambda _: write()[0], range(4)))
    assert {folder.name for folder in folders} == {TODAY, *(f"{TODAY}-{number}" for number in (2, 3, 4))}
    assert len(list((tmp_path / "audiences").iterdir())) == 4
    for folder in folders:
        assert len(rows(folder)) == manifest(folder)["row_count"]


def test_a_failure_leaves_the_older_folder(
    write: Callable, seeds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = write()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def fail(*_: object, **__: object) -> str:
        raise OSError("disk full")

    (seeds / "erasure_requests.csv").write_text("source,customer_id,requested_on\n")
    with monkeypatch.context() as patched:
        patched.setattr(audience_files.json, "dumps", fail)
        with pytest.raises(OSError, match="disk full"):
            write()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == [TODAY]


def test_what_a_killed_run_left_is_in_nobodys_way(write: Callable, tmp_path: Path) -> None:
    left = tmp_path / f"audiences/.{TODAY}.unfinished"
    left.mkdir(parents=True)
    (left / "members.csv").write_text("half")
    folder, _ = write()
    assert len(rows(folder)) == len(WRITTEN)
    assert not left.exists()


def test_a_channel_that_needs_consent_has_none_without(write: Callable, seeds: Path) -> None:
    folder, said = write("coupon")
    assert said[0].startswith("campaign 'coupon' has nobody to contact; coupon-rehearsal is a rehearsal on")
    assert manifest(folder)["purpose"] == "rehearsal"
    assert rows(folder) == []
    assert manifest(folder)["kept_out_since_the_build"] == {"erased": 0, "refused": 1}
    with (seeds / "consents.csv").open("a") as consents:
        consents.write("coupon,has no consent,email,true,2026-11-01\n")
    assert [row["customer_id"] for row in rows(write("coupon")[0])] == ["has no consent"]


def unit_test_of_consent() -> dict[str, Any]:
    """Return the dbt unit test of the consent rule."""
    name = "the_latest_word_on_consent_counts"
    texts = [path.read_text() for path in (REPOSITORY / "dbt_project/models").rglob("*.yml")]
    units = [unit for text in texts if name in text for unit in yaml.safe_load(text)["unit_tests"]]
    [found] = [unit for unit in units if unit["name"] == name]
    return found


def test_the_export_refuses_whom_the_build_refuses(write: Callable, published: Path, seeds: Path) -> None:
    """The rows of the build's own test of the rule, given to the export."""
    unit = unit_test_of_consent()
    given = {each["input"]: each["rows"] for each in unit["given"]}
    with duckdb.connect(str(published)) as connection:
        for table in ("campaigns", "conversion_models", "audiences", "audience_members"):
            connection.execute(f"delete from results.{table}")
        for terms in given["ref('audience_terms')"]:
            connection.execute(
                "insert into results.audiences values ($audience_id, $campaign, $purpose, $channel, "
                "$week_start, 'f1', null, 'v1', null, 1)",
                {name: value for name, value in terms.items() if name != "source"},
            )
        connection.execute("""
            insert into results.campaigns by name select distinct campaign from results.audiences;
            insert into results.conversion_models
            select campaign, 'v1', now()::timestamp, json_object('source', 's') from results.campaigns;
        """)
        usable = given["ref('usable_choices')"]
        choices = connection.execute(f"from ({usable}) where left_out_as is null").to_arrow_table()
        for row in choices.to_pylist():
            # an audience of contacts is named like its campaign here
            audience_id = row["campaign"] if row["purpose"] == "contact" else f"{row['campaign']}-rehearsal"
            connection.execute(
                "insert into results.audience_members values (?, ?, ?, 1, 0.5, 1, 0.5, 1.0, false, null)",
                [audience_id, row["entity_id"], row["customer_id"]],
            )
    (seeds / "raw_columns.csv").write_text("source\ns\nother\n")
    (seeds / "erasure_requests.csv").write_text("source,customer_id,requested_on\n")
    for name in ("channels", "consents"):
        rows_of_seed = given[f"ref('{name}')"]
        with (seeds / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, rows_of_seed[0])
            writer.writeheader()
            writer.writerows(rows_of_seed)
    for campaign in ("c", "open"):
        allowed = {
            row["entity_id"]
            for row in unit["expect"]["rows"]
            if row["audience_id"] == campaign and row["refusal"] is None
        }
        assert allowed
        assert {row["entity_id"] for row in rows(write(campaign)[0])} == allowed


@pytest.mark.parametrize("today", [date(2026, 11, 15), date(2026, 11, 23)])
def test_the_audience_of_another_week_is_written_by_name_only(
    write: Callable, tmp_path: Path, today: date
) -> None:
    with pytest.raises(UserError) as error:
        write(today=today)
    assert str(error.value) == (
        f"The newest audience of campaign 'insurance' that has members is {TODAY}, of week 2026-W47; this "
        f"week is {today:%G-W%V}. Run `dbt build --selector daily` to draw this week's audience. To export "
        f"the older one, add `--audience {TODAY}`."
    )
    assert not (tmp_path / "audiences").exists()
    assert write("insurance", TODAY, today)[0].name == TODAY


@pytest.mark.parametrize("today", [date(2026, 11, 16), date(2026, 11, 22)])
def test_this_week_s_audience_needs_no_name(write: Callable, today: date) -> None:
    assert write(today=today)[0].name == TODAY


def test_an_empty_audience_of_this_week_is_no_reason_to_write_an_older_one(
    write: Callable, published: Path
) -> None:
    with duckdb.connect(str(published)) as connection:
        connection.execute(
            "update results.audiences set candidate_count = 3 where audience_id = 'coupon-2026-W46'"
        )
    with pytest.raises(UserError, match="that has members is coupon-2026-W46, of week 2026-W46"):
        write("coupon")


def test_a_campaign_that_is_held_back_says_why(write: Callable, published: Path) -> None:
    with duckdb.connect(str(published)) as connection:
        connection.execute("""
            update results.campaigns set held_back_reason = 'Campaign coupon draws no audience: it drifts.'
            where campaign = 'coupon'
        """)
    with pytest.raises(UserError) as error:
        write("coupon", today=date(2026, 11, 23))
    assert "this week is 2026-W48. Campaign coupon draws no audience: it drifts. To export " in str(
        error.value
    )


def test_a_rehearsal_is_not_written_before_this_week_s_draw(write: Callable) -> None:
    with pytest.raises(UserError) as error:
        write("coupon", today=date(2026, 11, 23))
    assert str(error.value) == (
        "The newest audience of campaign 'coupon' is coupon-2026-W47, of week 2026-W47; this week is "
        "2026-W48. Run `dbt build --selector daily` to draw this week's audience. To export a rehearsal, add "
        "`--audience coupon-rehearsal`."
    )


def test_an_audience_may_be_named(write: Callable) -> None:
    folder, said = write("insurance", "insurance-2026-W46")
    assert [row["customer_id"] for row in rows(folder)] == ["of last week"]
    assert len(said) == 1
    _, said = write("coupon", "coupon-rehearsal")
    assert said[0].startswith("coupon-rehearsal is a rehearsal on rows")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("loans", None), "there is no campaign 'loans' in .*; it has coupon, insurance, refused"),
        (
            ("refused", None),
            "campaign 'refused' has no audience: .*; there are audiences of coupon, insurance",
        ),
        (
            ("coupon", TODAY),
            f"campaign 'coupon' has no audience '{TODAY}'; it has coupon-rehearsal, coupon-2026-W47, ",
        ),
    ],
)
def test_what_is_not_there_is_said(write: Callable, arguments: tuple, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        write(*arguments)


def test_without_the_seeds_nothing_is_written(write: Callable, seeds: Path, tmp_path: Path) -> None:
    (seeds / "channels.csv").write_text("channel,consent_rule\nemail,required\n")
    with pytest.raises(UserError, match=r"channels.csv has no channel 'phone', through which .* add its row"):
        write()
    (seeds / "consents.csv").unlink()
    with pytest.raises(UserError, match=r"consents.csv: .* must not be contacted"):
        write()
    assert not (tmp_path / "audiences").exists()


@pytest.mark.parametrize(
    ("seed", "request_row"),
    [
        ("erasure_requests", "insurance,chosen 1,"),
        ("erasure_requests", "Insurance,Chosen 1,"),
        ("erasure_requests", "insurance ,\u00a0Chosen 1\t,"),
        ("erasure_requests", "\ufeffinsurance,Chosen 1\u200b,"),
        ("consents", "insurance,Chosen 1,phone ,false,"),
        ("consents", "insurance,Chosen 1,Phone,false,"),
        ("consents", "INSURANCE,\u3000CHOSEN 1,\u00a0,false,"),
    ],
)
def test_a_request_counts_in_every_spelling(
    write: Callable, seeds: Path, seed: str, request_row: str
) -> None:
    with (seeds / f"{seed}.csv").open("a") as requests:
        requests.write(f"{request_row}\n{request_row.upper()}\n")
    assert [row["customer_id"] for row in rows(write()[0])] == WRITTEN[1:]


def test_a_raw_number_is_read_with_the_country_code_of_the_build(
    write: Callable, published: Path, seeds: Path
) -> None:
    (seeds / "raw_columns.csv").write_text(
        "source,thing,column_name,type,rules\ninsurance,calls,client_id,phone,key person\ncoupon,,,,\n"
        "online_retail,,,,\n"
    )
    # what --vars 'country_code: 44' leaves behind
    (seeds.parent / "dbt_project.yml").write_text('vars: {country_code: "254"}\n')
    with duckdb.connect(str(published)) as connection:
        connection.execute("create schema staging; create table staging.erasure_requests (source varchar)")
        connection.execute("comment on table staging.erasure_requests is 'country_code 44'")
        connection.execute(
            "update results.audience_members set customer_id = ? where customer_id = 'Chosen 1'",
            [pseudonym("442079460958", pseudonym_key(os.environ))],
        )
    with (seeds / "erasure_requests.csv").open("a") as requests:
        requests.write("insurance,020 7946 0958,\n")
    assert [row["customer_id"] for row in rows(write()[0])] == WRITTEN[1:]


def test_a_request_with_an_unknown_name_stops_the_export(
    write: Callable, seeds: Path, tmp_path: Path
) -> None:
    with (seeds / "consents.csv").open("a") as consents:
        consents.write(
            "\ninsurance,Chosen 1,telephone,false,\nonline_retail,a,,false,\ninsurnace,a,,false,\n"
        )
    with pytest.raises(UserError) as error:
        write()
    path = seeds / "consents.csv"
    assert str(error.value) == (
        f"{path}, line 10: unknown channel 'telephone'. Available: email, phone.\n"
        f"{path}, line 12: unknown source 'insurnace'. Available: coupon, insurance, online_retail, refused."
    )
    assert not (tmp_path / "audiences").exists()


def test_a_request_that_names_nobody_is_warned_of(write: Callable, published: Path, seeds: Path) -> None:
    (seeds / "raw_columns.csv").write_text(
        "source,thing,column_name,type,raw_names,rules\ninsurance,calls,client_id,text,id,key person\n"
    )
    (seeds / "erasure_requests.csv").write_text("source,customer_id,requested_on\ninsurance,Chosen  1,\n")
    people = sorted({person for _, person, _, _ in MEMBERS})
    with duckdb.connect(str(published)) as connection:
        connection.execute(f"""
            create schema staging;
            create table staging.base_insurance__calls as
            select unnest({people}) as client_id, 'kept' as row_status, 1::ubigint as content_hash
        """)
    _, said = write()
    assert said[0].startswith(
        f"warning: {seeds}/erasure_requests.csv, line 2: no person 'Chosen  1' in insurance, so the line "
    )
    assert len(said) == 2


FORMULAS = ["=1+1", "=cmd|' /C calc'!A0", "@SUM(A1)", "+1", "-1", "\t=1", "\r=1"]


def test_no_text_is_a_formula_in_a_spreadsheet(write: Callable, published: Path) -> None:
    with duckdb.connect(str(published)) as connection:
        connection.execute("delete from results.audience_members")
        for rank, text in enumerate([*FORMULAS, "a=1", "'=1"], 1):
            connection.execute(
                "insert into results.audience_members values (?, ?, ?, ?, 0.25, 1, 0.25, -2.5, false, null)",
                [TODAY, text, text, rank],
            )
    folder, _ = write()
    assert [row["customer_id"] for row in rows(folder)] == [*FORMULAS, "a=1", "'=1"]
    with (folder / "members.csv").open(newline="") as file:
        in_csv = list(csv.DictReader(file))
    for column in ("customer_id", "entity_id"):
        assert [row[column] for row in in_csv] == [*(f"'{text}" for text in FORMULAS), "a=1", "'=1"]
    assert {row["expected_profit"] for row in in_csv} == {"-2.5"}
    assert manifest(folder)["csv_text_escape"].startswith("' before text that begins with =, +, -, @")


def test_without_identities_hashes_are_empty(write: Callable, published: Path) -> None:
    os.unlink(f"{published}.identities")
    folder, _ = write()
    assert [row["customer_id"] for row in rows(folder)] == WRITTEN
    assert manifest(folder)["identified_count"] == 0


def test_the_verb_without_a_warehouse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("LEADLIGHT_WAREHOUSE", str(tmp_path / "none.duckdb"))
    assert main(["audience", "--campaign", "insurance", "--to", str(tmp_path / "audiences")]) == 1
    assert "none.duckdb does not exist: run `make build` first" in capsys.readouterr().err


def test_a_warehouse_from_before_audiences(published: Path, seeds: Path, tmp_path: Path) -> None:
    with duckdb.connect(str(published)) as connection:
        connection.execute("drop table results.audiences")
    with pytest.raises(UserError, match=r"has no results\.audiences: run `make build` again"):
        list(write_audience(published, "insurance", None, tmp_path / "audiences", seeds))
