"""The simulated company at work: `benchmarks/mondays.py` runs its weeks."""

import csv
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from benchmarks.mondays_world import Plan, World, monday
from python_models.common.errors import UserError
from python_models.delivery.audience_files import write_audience
from python_models.inputs.defaults import DEFAULT_INPUTS, copy_default

REPOSITORY = Path(__file__).resolve().parents[1]
OWN, DEMO, CHANNEL, REST_DAYS, CANDIDATES_WITHIN = "offers", "insurance", "email", 30, 14
# Two algorithms for each model and few replicates: what is asserted does not depend on them.
DECLARATION = """\
        decide_by: {capacity: 400}
        contact_cost: 3.0
        conversion_value: 30.0
        channel: email
        holdout: {share: 0.2, effect: 0.05}
        candidates: [lightgbm, logistic_regression]
"""
REPLICATES = ("bootstrap_replicates: 200", "bootstrap_replicates: 40")


@dataclass
class Week:
    """What one Monday brought: what the project said and what the company did.

    `told` are the numbers of `results.audiences` and `results.retrain_advice`; `problems` counts people in
    the exported file who must not be contacted, by reason.
    """

    number: int
    day: date
    published: list[str] = field(default_factory=list)
    held_back: str = ""
    mended: list[str] = field(default_factory=list)
    flagged: list[str] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=dict)
    contacted: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"offer_id": [], "customer_id": []}))
    problems: dict[str, int] = field(default_factory=dict)
    row_count: int = 0
    megabytes: float = 0.0
    seconds: float = 0.0
    cpu_seconds: float = 0.0

    @property
    def audience(self) -> str:
        return f"{OWN}-{self.day:%G-W%V}"

    @property
    def is_missed(self) -> bool:
        return not self.cpu_seconds

    @property
    def expected(self) -> tuple[float, float, float] | None:
        """Expected conversions of the audience, with their interval; None where nobody is contacted."""
        names = ("expected_conversions", "expected_conversions_lower", "expected_conversions_upper")
        values = [self.told.get(name) for name in names]
        return None if None in values else (values[0], values[1], values[2])  # type: ignore[return-value]


class Company:
    """A folder with the project, the company's files and a warehouse; runs what people run there."""

    def __init__(self, folder: Path, world: World):
        self.folder = folder
        self.world = world
        self.project = folder / "dbt_project"
        self.warehouse = folder / "warehouse.duckdb"
        self.log = folder / "printed.txt"
        self.accepted: dict[str, date] = {}
        self.environment = os.environ | {
            "PYTHONPATH": str(REPOSITORY),
            "DBT_PROJECT_DIR": "dbt_project",
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DBT_USE_COLORS": "false",
            "LEADLIGHT_DATA": "data",
            "LEADLIGHT_WAREHOUSE": "warehouse.duckdb",
        }

    def set_up(self) -> None:
        """Copy the project, write the past offers, and make a campaign of them."""
        ignored = shutil.ignore_patterns("target", "logs")
        shutil.copytree(REPOSITORY / "dbt_project", self.project, ignore=ignored)
        shutil.copy(REPOSITORY / "profiles.yml", self.folder)
        self.world.begin()
        self.write_files(0)
        new = ["new", OWN, "--from", "data/offers/offers_history.csv", "--entity", "offer_id"]
        new += ["--label", "bought", "--as-of", "offered_on", "--group-by", "customer_id"]
        self.run([sys.executable, "-m", "python_models", *new], check=True)
        assert "- was_contacted" in self.declaration.read_text(), "was_contacted is not withheld"
        replace_once(self.declaration, "        decide_by: f1\n", DECLARATION)
        replace_once(self.project / "dbt_project.yml", *REPLICATES)
        keep_campaigns(self.project / "dbt_project.yml", [OWN, DEMO])
        copy_default(DEFAULT_INPUTS[DEMO], self.folder / "data" / DEMO / "default")

    @property
    def declaration(self) -> Path:
        return self.project / f"models/campaigns/{OWN}/{OWN}.yml"

    def run(self, command: list[str], *, check: bool = False) -> tuple[int, float]:
        """Run a command in the folder; return its exit code and CPU seconds."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with self.log.open("a") as log:
            print("$", *command, file=log, flush=True)
            done = subprocess.run(
                command, cwd=self.folder, env=self.environment, stdout=log, stderr=log, check=check
            )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return done.returncode, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def dbt(self, day: date, *arguments: str) -> tuple[int, float]:
        dbt = str(Path(sys.executable).with_name("dbt"))
        return self.run([dbt, *arguments, "--vars", f"today: {day}"])

    def write_files(self, week: int) -> None:
        """Write the files of offers with the outcomes known by then, and the seeds about people."""
        folder = self.folder / "data" / OWN
        folder.mkdir(parents=True, exist_ok=True)
        for name, rows in self.world.files(week).items():
            text = rows.to_csv(index=False)
            if not (folder / name).exists() or (folder / name).read_text() != text:
                (folder / name).write_text(text)
        self.write_requests()

    def write_requests(self) -> None:
        """Write who withdrew consent, asked for erasure, or was contacted outside the project."""
        past = self.world.offers[self.world.offers["week"] <= 0]
        calls = pd.concat(
            [past[["customer_id", "offered_on"]].set_axis(["customer_id", "day"], axis=1), self.world.calls]
        )
        for seed, header, rows in (
            ("consents", "source,customer_id,channel,has_consent,valid_from", self.world.consents),
            ("erasure_requests", "source,customer_id,requested_on", self.world.erasures),
            ("recent_contacts", "source,customer_id,channel,contacted_on", calls),
        ):
            fields = {"source": OWN, "channel": CHANNEL, "has_consent": "false"}
            with (self.project / f"seeds/{seed}.csv").open("w", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(header.split(","))
                for customer, day in zip(rows["customer_id"], rows["day"], strict=True):
                    values = fields | {"customer_id": customer}
                    writer.writerow([values.get(name, day) for name in header.split(",")])

    def export(self, campaign: str, day: date) -> pd.DataFrame:
        """Export the audience of this week; return the people in the file, nobody where it is refused."""
        seeds, target = self.project / "seeds", self.folder / "audiences"
        before = set(target.glob("*"))
        try:
            said = list(write_audience(self.warehouse, campaign, folder=target, seeds=seeds, today=day))
        except UserError as error:
            said = [f"refused: {error}"]
        with self.log.open("a") as log:
            print(f"export {campaign} {day}:", *said, sep="\n  ", file=log)
        for folder in set(target.glob("[!.]*")) - before:
            if not folder.name.startswith(f"{campaign}-rehearsal"):
                return pd.read_csv(folder / "members.csv")
        return pd.DataFrame({"entity_id": [], "customer_id": []})

    def query(self, sql: str, database: str = "warehouse.duckdb") -> list[dict[str, Any]] | None:
        """Return the rows of a query on a database; None where it, a table or a column is missing."""
        if not (self.folder / database).exists():
            return None
        with duckdb.connect(str(self.folder / database), read_only=True) as connection:
            try:
                found = connection.sql(sql)
            except (duckdb.CatalogException, duckdb.BinderException):
                return None
            return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def replace_once(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1, f"{file}: {old!r} is there {text.count(old)} times"
    file.write_text(text.replace(old, new))


def keep_campaigns(settings: Path, kept: list[str]) -> None:
    """Take all other campaigns out of the registry."""
    lines = settings.read_text().splitlines(keepends=True)
    start = lines.index("  campaigns:\n") + 1
    end = next(i for i in range(start, len(lines)) if not lines[i].startswith("    "))
    registry = [line for line in lines[start:end] if line.split(":")[0].strip() in kept]
    settings.write_text("".join([*lines[:start], *registry, *lines[end:]]))


@dataclass
class Run:
    """The weeks of one seed, the last of them when all outcomes are known, and what came of it all."""

    seed: int
    company: Company
    weeks: list[Week]
    daily_cpu_seconds: float | None = None

    @property
    def mondays(self) -> list[Week]:
        """The weeks in which the company selected."""
        return [week for week in self.weeks[:-1] if not week.is_missed]

    def offers_of(self, week: Week) -> pd.DataFrame:
        """Return the offers that were contacted in a week, with the truth about them."""
        world = self.company.world
        offers = world.offers.assign(has_bought=world.has_bought).set_index("offer_id")
        return offers.loc[week.contacted["offer_id"]]

    def is_inside(self, week: Week) -> bool:
        """Return whether the conversions of those contacted lie in the interval that was expected."""
        assert week.expected is not None
        return week.expected[1] <= int(self.offers_of(week)["has_bought"].sum()) <= week.expected[2]


def simulate(folder: Path, seed: int, plan: Plan, *, measures_daily: bool = True) -> Run:
    """Run the weeks of a plan, one more build when all outcomes are known, and one on a day with new rows."""
    company = Company(folder, World(seed, plan))
    company.set_up()
    run = Run(seed, company, [])
    for number in range(1, plan.weeks + 1):
        run.weeks.append(run_week(company, number))
        print(f"seed {seed}, week {number}: {run.weeks[-1].seconds:.0f} s", file=sys.stderr, flush=True)
    last = plan.weeks + 3
    run.weeks.append(settle(company, last))
    if measures_daily:
        run.daily_cpu_seconds = measure_daily(company, last)
    return run


def run_week(company: Company, number: int) -> Week:
    """Run one Monday: files, build, export, contacts."""
    world, plan = company.world, company.world.plan
    week = Week(number, monday(number))
    start = time.perf_counter()
    world.add_candidates(number, plan.candidates, f"offers_{number:02d}.csv", week.day)
    world.refuse(week.day, withdrawals=plan.withdrawals, erasures=plan.erasures, calls=plan.calls)
    if number != plan.missed_week:
        company.write_files(number)
        build_week(company, week)
        # some refuse after the build and before the export
        world.refuse(week.day, withdrawals=plan.withdrawals // 4, erasures=plan.erasures // 3, calls=0)
        company.write_requests()
        contact(company, week)
        observe(company, week)
    if number == plan.late_week:
        build_late_file(company, week)
    week.seconds = time.perf_counter() - start
    return week


def build_week(company: Company, week: Week) -> None:
    """Build; if drift holds the own campaign back, accept the drift and build again, as a user would."""
    build = ["build", "--exclude-resource-type", "unit_test"]
    _, week.cpu_seconds = company.dbt(week.day, *build)
    rows = company.query(f"select campaign from results.audiences where week_start = date '{week.day}'")
    week.published = sorted(row["campaign"] for row in rows or [])
    reasons = company.query(
        f"select held_back_reason as reason from results.campaigns where campaign = '{OWN}'"
    )
    week.held_back = (
        "not published" if OWN not in week.published else (reasons or [{}])[0].get("reason") or ""
    )
    if week.held_back:
        week.mended = accept_drift(company, week.day + timedelta(weeks=4))
    if week.mended:
        company.dbt(week.day, *build)


# what the project says of the newest rows, and of the newest known outcomes, of the own campaign
NEWEST_DRIFT = f"""
    select * from results.conversion_drift
    where campaign = '{OWN}' and status != 'too few rows'
    qualify window_start = max(window_start) over (partition by feature_kind)
"""


def accept_drift(company: Company, until: date) -> list[str]:
    """Declare as accepted what has drifted by the newest build, published or not; return its names."""
    drifted = f"select feature from ({NEWEST_DRIFT}) where status = 'drifted'"
    names = [row["feature"] for row in company.query(drifted, "warehouse.duckdb.working") or []]
    if not names:
        return []
    company.accepted |= dict.fromkeys(names, until)
    accepted = ", ".join(f"{name}: {day}" for name, day in company.accepted.items())
    text = re.sub(r" +accept_drift: .*\n", "", company.declaration.read_text())
    company.declaration.write_text(text)
    line = f"        accept_drift: {{{accepted}}}\n        holdout:"
    replace_once(company.declaration, "        holdout:", line)
    return names


def contact(company: Company, week: Week) -> None:
    """Export this week's audience, count who must not be in it, and contact all of them.

    Those held out are looked up in the warehouse, so that their outcomes can be told too.
    """
    rows = company.export(OWN, week.day).rename(columns={"entity_id": "offer_id"})
    week.contacted = rows[["offer_id", "customer_id"]]
    week.problems = contact_problems(company.world, week.contacted, week.day)
    company.world.contact(week.contacted["offer_id"], week.day)
    held_out = company.query(
        f"select entity_id from results.audience_members where audience_id = '{week.audience}' and is_holdout"
    )
    company.world.hold_out(row["entity_id"] for row in held_out or [])


def contact_problems(world: World, rows: pd.DataFrame, day: date) -> dict[str, int]:
    """Count the people of an exported file who must not be contacted, by reason."""
    offers = rows[["offer_id"]].merge(world.offers, on="offer_id")
    newest = world.offers.groupby("customer_id")["offered_on"].max()
    people = rows["customer_id"]
    found = {
        "unknown row": len(rows) - len(offers),
        "old row": sum(offers["offered_on"] < day - timedelta(days=CANDIDATES_WITHIN)),
        "used row": sum(offers["contacted_on"].notna()),
        "not the newest row": sum(offers["offered_on"] < offers["customer_id"].map(newest)),
        "erased": sum(people.isin(world.erasures["customer_id"])),
        "withdrawn": sum(people.isin(world.consents["customer_id"])),
        "resting": sum(people.isin(resting_people(world, day))),
        "twice": sum(people.duplicated()),
    }
    return {reason: int(count) for reason, count in found.items() if count}


def resting_people(world: World, day: date) -> pd.Series:
    """Return who was contacted in the days of rest before a day, by whom ever."""
    contacts = world.offers.loc[world.offers["contacted_on"].notna(), ["customer_id", "contacted_on"]]
    calls = world.calls.rename(columns={"day": "contacted_on"})
    both = pd.concat([contacts, calls])
    return both.loc[both["contacted_on"] > day - timedelta(days=REST_DAYS), "customer_id"]


def observe(company: Company, week: Week) -> None:
    """Note what the published warehouse says, and how large it is."""
    for table, condition in (
        ("audiences", f"audience_id = '{week.audience}'"),
        ("retrain_advice", f"campaign = '{OWN}'"),
    ):
        rows = company.query(f"select * from results.{table} where {condition}")
        week.told |= rows[0] if rows else {}
    drift = company.query(f"select feature from ({NEWEST_DRIFT}) where status in ('drifting', 'drifted')")
    week.flagged = sorted(row["feature"] for row in drift or [])
    rests = company.query(
        "select customer_id from results.audience_members "
        f"where audience_id = '{week.audience}' and suppressed_reason like 'contacted on %'"
    )
    resting = set(resting_people(company.world, week.day))
    week.told["rests_uncontacted"] = sum(row["customer_id"] not in resting for row in rests or [])
    week.row_count = len(company.world.offers)
    week.megabytes = company.warehouse.stat().st_size / 1e6


def build_late_file(company: Company, week: Week) -> None:
    """On Tuesday a late file arrives and the daily build draws from it, but nothing is sent any more."""
    world, tuesday = company.world, week.day + timedelta(days=1)
    world.add_candidates(week.number, world.plan.late_candidates, "offers_late.csv", tuesday)
    company.write_files(week.number)
    company.dbt(tuesday, "build", "--selector", "daily")
    drawn = company.query(
        "select entity_id from results.audience_members "
        f"where audience_id = '{week.audience}' and suppressed_reason is null and not is_holdout"
    )
    week.told["kept"] = len({row["entity_id"] for row in drawn or []} & set(week.contacted["offer_id"]))


def settle(company: Company, number: int) -> Week:
    """Build when all outcomes are known and no new file has come: nobody is left to be contacted."""
    week = Week(number, monday(number))
    start = time.perf_counter()
    company.write_files(number)
    build_week(company, week)
    contact(company, week)
    observe(company, week)
    week.seconds = time.perf_counter() - start
    return week


def measure_daily(company: Company, number: int) -> float:
    """Return CPU seconds of a daily build of the own campaign alone with new rows, without dbt's start."""
    keep_campaigns(company.project / "dbt_project.yml", [OWN])
    day = monday(number) + timedelta(days=1)
    daily = ["--selector", "daily"]
    # takes over the shorter registry, and parses
    company.dbt(day, "build", *daily)
    company.world.add_candidates(number, company.world.plan.candidates, "offers_daily.csv", day)
    company.write_files(number)
    _, start = company.dbt(day, "ls", *daily, "--resource-type", "model")
    code, seconds = company.dbt(day, "build", *daily)
    return seconds - start if not code else float("inf")
