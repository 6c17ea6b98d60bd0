"""Files for channels: whom to contact, with hashed identifiers as ad platforms expect them, and a manifest.

The files hold the members of an audience in `results.audience_members`, without those who are suppressed or
held out, or who have asked for erasure or refused consent since the build: the seeds are read again. Phone
numbers and e-mail addresses are hashed inside DuckDB and never written. A hash of a phone number can be
guessed, as there are few numbers, so only the owner may read folder and files. No export overwrites an
earlier one, and all but rehearsals are noted in the `sent_record` of the warehouse.
"""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb

from python_models.common.errors import UserError
from python_models.common.publish_files import repair_publish
from python_models.common.request_checks import match_key, unknown_names
from python_models.common.unmatched_requests import unmatched_requests
from python_models.delivery.consent import consent_macros, country_code, read_seed
from python_models.delivery.sent_record import MANIFEST, SentRecord, locked

FOLDER = Path("audiences")
SEEDS = Path(__file__).parents[2] / "dbt_project" / "seeds"

GOOGLE = "https://developers.google.com/data-manager/api/devguides/concepts/formatting"
META = "https://developers.facebook.com/docs/marketing-api/audiences/guides/custom-audiences#hash"

_SPACELESS = r"regexp_replace(lower(email), '\s', '', 'g')"
_DIGITS = "nullif(ltrim(regexp_replace(msisdn, '[^0-9]', '', 'g'), '0'), '')"


@dataclass(frozen=True)
class Identifier:
    """A hashed column: what is hashed, as SQL and in words; `source` is the platform's page about it."""

    normalised: str
    normalisation: str
    source: str


IDENTIFIERS = {
    "hashed_email": Identifier(
        r"nullif(regexp_replace(lower(email), '^\s+|\s+$', '', 'g'), '')",
        "lower case, no blanks around it",
        META,
    ),
    "hashed_email_google": Identifier(
        f"""case
            when regexp_matches({_SPACELESS}, '@(gmail|googlemail)[.]com$') then concat(
                replace(regexp_extract({_SPACELESS}, '^[^@+]*'), '.', ''),
                regexp_extract({_SPACELESS}, '@.*$')
            )
            else nullif({_SPACELESS}, '')
        end""",
        "lower case, no blanks; of gmail.com and googlemail.com without dots and +suffix before the @",
        GOOGLE,
    ),
    "hashed_phone_e164": Identifier(f"'+' || {_DIGITS}", "+, country code and number, digits only", GOOGLE),
    "hashed_phone_digits": Identifier(_DIGITS, "country code and number, digits only, no + or 0 first", META),
    "hashed_external_id": Identifier(
        "nullif(lower(trim(customer_id)), '')", "customer_id in lower case, no blanks around it", META
    ),
}
CSV_TEXT_ESCAPE = "' before text that begins with =, +, -, @, tab or carriage return (members.csv only)"
# whom to contact, as of the build
CHOSEN = "rank is not null and not is_suppressed and not is_holdout"
PLAIN_COLUMNS = ("rank", "entity_id", "customer_id", "predicted_probability", "decile", "expected_profit")


@dataclass(frozen=True)
class Audience:
    """A row of `results.audiences`, and the source of the campaign's people."""

    audience_id: str
    campaign: str
    purpose: str
    week_start: date | None
    channel: str | None
    model_version: str
    threshold_policy: str
    policy_limit: float | None
    selected_at: datetime
    source: str

    @property
    def is_rehearsal(self) -> bool:
        """Return whether the outcomes of all members are already known."""
        return self.purpose != "contact"


def write_audience(
    warehouse: Path,
    campaign: str,
    audience_id: str | None = None,
    folder: Path = FOLDER,
    seeds: Path = SEEDS,
    *,
    today: date | None = None,
) -> Iterator[str]:
    """Write a campaign's audience into a new folder `<folder>/<audience_id>/`, whole or not at all.

    Parameters
    ----------
    warehouse : pathlib.Path
        The published warehouse, and beside it `<warehouse>.identities`; they are only read. The export is
        noted in `<warehouse>.sent`.
    campaign : str
        The campaign.
    audience_id : str or None
        The audience; without it this week's, or the rehearsal if no audience to be contacted has members.
    folder : pathlib.Path
        Parent of the audience's folder. A further export of an audience goes to `<audience_id>-2`, `-3`, ...
    seeds : pathlib.Path
        Folder of the seeds about people, `channels.csv` and `raw_columns.csv`, as they are now.
    today : datetime.date or None
        The day of the export: its week is this week, and consents count from it on. Without it the current
        day (UTC, as in the build). The record has its beginning, or the current time.

    Yields
    ------
    str
        Messages about the export.

    Raises
    ------
    UserError
        Without a warehouse, campaign or audience, where the newest audience is not of this week, and where a
        seed cannot be read or names an unknown source or channel.
    """
    if not warehouse.exists():
        raise UserError(f"{warehouse} does not exist: run `make build` first")
    with duckdb.connect() as connection:
        _attach(connection, warehouse)
        day = today or datetime.now(UTC).date()
        audience = _find_audience(connection, warehouse, campaign, audience_id, day)
        _select_members(connection, audience, seeds, warehouse, day)
        unmatched = unmatched_requests(connection, "warehouse", seeds, country_code(warehouse, seeds))
        folder.mkdir(parents=True, exist_ok=True)
        # nobody is contacted in a rehearsal
        opened = nullcontext() if audience.is_rehearsal else SentRecord.opened(warehouse, seeds)
        with locked(folder), opened as record:
            target, manifest = _export(connection, audience, folder, record, today)
    yield from (f"warning: {problem}" for problem in unmatched)
    if audience.is_rehearsal:
        nobody = "" if audience_id else f"campaign '{campaign}' has nobody to contact; "
        yield (
            f"{nobody}{audience.audience_id} is a rehearsal on rows whose outcome is known already: "
            "a dry run, not for contacting anybody"
        )
    kept_out = manifest["kept_out_since_the_build"]
    yield (
        f"{target}: {manifest['row_count']:,} rows, {manifest['identified_count']:,} of them with a phone "
        f"number or e-mail address; not among them {manifest['suppressed_count']:,} suppressed, "
        f"{manifest['holdout_count']:,} held out, {sum(kept_out.values()):,} erased or refused since"
    )


def _export(
    connection: duckdb.DuckDBPyConnection,
    audience: Audience,
    folder: Path,
    record: SentRecord | None,
    today: date | None,
) -> tuple[Path, dict[str, Any]]:
    """Write an audience into a new folder and the record; return the folder and its manifest."""
    unfinished = folder / f".{audience.audience_id}.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    export_id = uuid4().hex
    try:
        manifest = _write_files(connection, audience, unfinished, export_id)
        sent_at = datetime.combine(today, time()) if today else datetime.now(UTC).replace(tzinfo=None)
        _create_sent_rows(connection, audience, sent_at, manifest["sha256"]["members.parquet"])
        target = _give_name(connection, unfinished, audience, export_id, record)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return target, manifest


def _create_sent_rows(
    connection: duckdb.DuckDBPyConnection, audience: Audience, sent_at: datetime, checksum: str
) -> None:
    """Create the temporary table `sent_rows`: who is in the file, and who is held out."""
    connection.execute(
        """
        create temp table sent_rows as
        select
            $audience_id as audience_id, $campaign as campaign, $week_start as week_start,
            $source as source, $channel as channel, entity_id, customer_id, is_holdout,
            $sent_at as sent_at, '' as export_folder, $checksum as members_sha256
        from members
        where rank is not null and not is_suppressed and kept_out_reason is null
        """,
        {
            **{name: getattr(audience, name) for name in ("audience_id", "campaign", "source", "channel")},
            "week_start": audience.week_start,
            "sent_at": sent_at,
            "checksum": checksum,
        },
    )


def _give_name(
    connection: duckdb.DuckDBPyConnection,
    unfinished: Path,
    audience: Audience,
    export_id: str,
    record: SentRecord | None,
) -> Path:
    """Give a finished folder the first free name of the audience, and record the export; return its path."""
    number = 1
    while True:
        target = unfinished.with_name(audience.audience_id + (f"-{number}" if number > 1 else ""))
        number += 1
        if os.path.lexists(target):
            continue
        if record:
            record.prepare(connection, export_id, target)
        try:
            os.rename(unfinished, target)
        except OSError as error:
            # another process has created the folder since
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
        else:
            if record:
                record.commit(export_id, target)
            return target


def _attach(connection: duckdb.DuckDBPyConnection, warehouse: Path) -> None:
    """Open the warehouse and the identities beside it, which only some sources have."""
    repair_publish(warehouse)
    connection.execute(f"attach '{_quoted(warehouse)}' as warehouse (read_only)")
    identities = warehouse.with_name(f"{warehouse.name}.identities")
    identity_map = "select null as source, null as customer_id, null as msisdn, null as email where false"
    if identities.exists():
        try:
            connection.execute(f"attach '{_quoted(identities)}' as identities (read_only)")
        except duckdb.IOException as error:
            raise UserError(f"{identities} cannot be read: {error}") from None
        found = (
            "select 1 from duckdb_tables() where database_name = 'identities' and table_name = 'identity_map'"
        )
        if connection.sql(found).fetchone():
            identity_map = "select source, customer_id, msisdn, email from identities.core.identity_map"
    connection.execute(f"create temp view identity_map as {identity_map}")


def _find_audience(
    connection: duckdb.DuckDBPyConnection,
    warehouse: Path,
    campaign: str,
    audience_id: str | None,
    today: date,
) -> Audience:
    """Return the audience to export: the one that is named, else this week's."""
    weeks = _audience_weeks(connection, warehouse, campaign)
    if audience_id is not None and audience_id not in weeks:
        raise UserError(f"campaign '{campaign}' has no audience '{audience_id}'; it has {', '.join(weeks)}")
    if audience_id is None:
        _check_week(connection, campaign, weeks, today)
        audience_id = next(iter(weeks))
    row = connection.execute(
        """
        select
            audience_id, campaign, purpose, week_start, channel,
            model_version, threshold_policy, policy_limit, selected_at,
            (
                select declaration ->> 'source' from warehouse.results.conversion_models as models
                where models.campaign = audiences.campaign
                order by models.trained_at desc
                limit 1
            )
        from warehouse.results.audiences as audiences where audience_id = ?
        """,
        [audience_id],
    ).fetchone()
    assert row is not None
    return Audience(*row)


def _check_week(
    connection: duckdb.DuckDBPyConnection, campaign: str, weeks: dict[str, date | None], today: date
) -> None:
    """Refuse to choose an audience where the one that comes first, or the last draw, is not of this week."""
    monday = today - timedelta(days=today.weekday())
    newest = next(iter(weeks))
    having, older = " that has members", "the older one"
    # a rehearsal belongs to no week: it comes first where the draws found nobody
    if weeks[newest] is None:
        having, older = "", "a rehearsal"
    drawn = newest if having else max(weeks, key=lambda name: weeks[name] or date.min)
    if weeks[drawn] not in (None, monday):
        reasons = _strings(
            connection,
            "select held_back_reason from warehouse.results.campaigns where campaign = ?"
            " and held_back_reason is not null",
            campaign,
        )
        way = reasons[0] if reasons else "Run `dbt build --selector daily` to draw this week's audience."
        raise UserError(
            f"The newest audience of campaign '{campaign}'{having} is {drawn}, of week "
            f"{weeks[drawn]:%G-W%V}; this week is {monday:%G-W%V}. {way} To export "
            f"{older}, add `--audience {newest}`."
        )


def _audience_weeks(
    connection: duckdb.DuckDBPyConnection, warehouse: Path, campaign: str
) -> dict[str, date | None]:
    """Return the week of each audience of a campaign, the one to export first."""
    campaigns = _strings(connection, "select campaign from warehouse.results.campaigns order by campaign")
    if campaign not in campaigns:
        raise UserError(f"there is no campaign '{campaign}' in {warehouse}; it has {', '.join(campaigns)}")
    try:
        weeks = dict(
            connection.execute(
                """
                select audience_id, week_start from warehouse.results.audiences where campaign = ?
                order by
                    purpose = 'contact' and candidate_count > 0 desc,
                    purpose != 'contact' desc,
                    week_start desc
                """,
                [campaign],
            ).fetchall()
        )
    except duckdb.CatalogException:
        raise UserError(f"{warehouse} has no results.audiences: run `make build` again") from None
    if not weeks:
        others = "select distinct campaign from warehouse.results.audiences order by campaign"
        raise UserError(
            f"campaign '{campaign}' has no audience: it declares no channel, or has no model in service; "
            f"there are audiences of {', '.join(_strings(connection, others)) or 'no campaign'}"
        )
    return weeks


def _select_members(
    connection: duckdb.DuckDBPyConnection, audience: Audience, seeds: Path, warehouse: Path, today: date
) -> None:
    """Create the temporary table `members`: the whole audience, with hashes and why members are kept out."""
    _read_seeds(connection, seeds, warehouse)
    rule = _consent_rule(connection, audience, seeds)
    _check_names(connection, seeds)
    _create_audience(connection, audience, rule)
    consent = consent_macros()
    is_erased = consent.is_erased("erasure_requests", "audience.source", "hashed.customer_id")
    refusal = consent.consent_refusal(
        "latest_consents.has_consent", "audience.consent_rule", "audience.channel"
    )
    connection.execute(
        f"""
        create temp table members as
        with valid_consents as ({consent.valid_consents("consents", f"date '{today}'")}),

        latest_consents as ({consent.latest_consents("audience", "valid_consents")})

        select
            hashed.*,
            hashed.suppressed_reason is not null as is_suppressed,
            case
                when {is_erased} then 'erased'
                when {refusal} is not null then 'refused'
            end as kept_out_reason,
        from hashed
        cross join audience
        left join latest_consents on {match_key("hashed.customer_id")} = latest_consents.customer_key
        """
    )


def _create_audience(connection: duckdb.DuckDBPyConnection, audience: Audience, rule: str) -> None:
    """Create the temporary table `audience`, of one row, and the view `hashed`: its members with hashes."""
    connection.execute(
        f"""
        create temp table audience as
        select
            $audience_id as audience_id, $source as source, $channel as channel, $rule as consent_rule,
            {match_key("$source")} as source_key, {match_key("$channel")} as channel_key
        """,
        {name: getattr(audience, name) for name in ("audience_id", "source", "channel")} | {"rule": rule},
    )
    hashes = ",\n".join(f"sha256({each.normalised}) as {name}" for name, each in IDENTIFIERS.items())
    connection.execute(
        f"""
        create temp view hashed as
        select
            * exclude (msisdn, email),
            {hashes},
        from (
            select
                members.*,
                identity_map.msisdn,
                identity_map.email,
            from warehouse.results.audience_members as members
            inner join audience using (audience_id)
            left join identity_map
                on members.customer_id = identity_map.customer_id and identity_map.source = audience.source
        )
        """
    )


def _read_seeds(connection: duckdb.DuckDBPyConnection, seeds: Path, warehouse: Path) -> None:
    """Read the seeds about people, as they are now, into temporary tables."""
    for seed, columns in {
        "erasure_requests": "source, customer_id",
        "consents": """
            source, customer_id, channel,
            cast(has_consent as boolean) as has_consent, cast(valid_from as date) as valid_from
        """,
        "channels": "channel, consent_rule",
        "raw_columns": "source",
    }.items():
        read_seed(connection, seeds, seed, columns, warehouse)


def _consent_rule(connection: duckdb.DuckDBPyConnection, audience: Audience, seeds: Path) -> str:
    """Return the consent rule of the audience's channel."""
    if audience.channel is None:
        return "unless_refused"
    rules = _strings(connection, "select consent_rule from channels where channel = ?", audience.channel)
    if not rules:
        raise UserError(
            f"{seeds / 'channels.csv'} has no channel '{audience.channel}', through which "
            f"{audience.audience_id} is to be contacted: add its row"
        )
    return rules[0]


def _check_names(connection: duckdb.DuckDBPyConnection, seeds: Path) -> None:
    """Reject seeds that name an unknown source or channel."""
    sources = _strings(
        connection,
        """
        select source from raw_columns
        union select declaration ->> 'source' from warehouse.results.conversion_models
        """,
    )
    if problems := unknown_names(seeds, sources):
        raise UserError(problems)


def _write_files(
    connection: duckdb.DuckDBPyConnection, audience: Audience, folder: Path, export_id: str
) -> dict[str, Any]:
    """Write members and manifest into a folder, readable by its owner only; return the manifest."""
    checksums = _write_members(connection, folder)
    columns = {
        name: {"hash": "SHA-256, hexadecimal, lower case", "of": each.normalisation, "source": each.source}
        for name, each in IDENTIFIERS.items()
    }
    manifest = {
        "export_id": export_id,
        **asdict(audience),
        **_counts(connection),
        "sha256": checksums,
        "csv_text_escape": CSV_TEXT_ESCAPE,
        "columns": dict.fromkeys(PLAIN_COLUMNS, "as in results.audience_members") | columns,
        "written_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    (folder / MANIFEST).touch(0o600)
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2, default=str) + "\n")
    return manifest


def _write_members(connection: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, str]:
    """Write whom to contact as Parquet and CSV; return the checksum of each file."""
    members = connection.table("members")
    types = dict(zip(members.columns, members.types, strict=True))
    columns = [*PLAIN_COLUMNS, *IDENTIFIERS]
    # a spreadsheet would run such text as a formula
    csv_columns = [
        rf"if(regexp_matches({name}, '^[=+@\t\r-]'), chr(39) || {name}, {name}) as {name}"
        if types[name] == "VARCHAR"
        else name
        for name in columns
    ]
    checksums = {}
    for name, options, selected in [
        ("members.parquet", "format parquet", columns),
        ("members.csv", "format csv, header", csv_columns),
    ]:
        connection.execute(
            f"copy (select {', '.join(selected)} from members where {CHOSEN} and kept_out_reason is null "
            f"order by rank) to '{_quoted(folder / name)}' ({options})"
        )
        (folder / name).chmod(0o600)
        checksums[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    return checksums


def _counts(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Count who is in the files, what is expected of them, and who is not, by the reason."""
    written = f"filter ({CHOSEN} and kept_out_reason is null)"
    identified = "(hashed_email is not null or hashed_phone_digits is not null)"
    result = connection.execute(
        f"""
        select
            count(*) {written} as row_count,
            count(*) filter ({CHOSEN} and kept_out_reason is null and {identified}) as identified_count,
            sum(expected_conversions) {written} as expected_conversions,
            sum(expected_profit) {written} as expected_profit,
            count(*) filter (is_suppressed) as suppressed_count,
            count(*) filter (not is_suppressed and is_holdout) as holdout_count,
            {{
                'erased': count(*) filter ({CHOSEN} and kept_out_reason = 'erased'),
                'refused': count(*) filter ({CHOSEN} and kept_out_reason = 'refused')
            }} as kept_out_since_the_build
        from members
        """
    )
    names = [column[0] for column in result.description or []]
    return dict(zip(names, result.fetchone() or (), strict=True))


def _strings(connection: duckdb.DuckDBPyConnection, sql: str, *parameters: str) -> list[str]:
    return [value for (value,) in connection.execute(sql, parameters).fetchall()]


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
