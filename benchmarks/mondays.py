"""Eight Mondays of a company whose customers' response is known: `python benchmarks/mondays.py [seed ...]`.

Each Monday the company writes its files, builds, exports the audience of its own campaign, contacts the people in
the file, and learns later who bought. A demo campaign runs beside it. The table shows each week; then each promise
is listed as kept or broken, and a broken one ends the run with exit code 1.

    --weeks N         fewer weeks
    --folder FOLDER   keep warehouses, files and logs there
"""

import argparse
import csv
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from benchmarks.mondays_world import Plan, World, monday
from python_models.common.campaign import Campaign
from python_models.common.errors import UserError
from python_models.delivery.audience_files import write_audience
from python_models.inputs.defaults import DEFAULT_INPUTS, copy_default

REPOSITORY = Path(__file__).resolve().parents[1]
OWN, DEMO, CHANNEL, REST_DAYS, CANDIDATES_WITHIN = "offers", "insurance", "email", 30, 14
SEEDS = (1, 2, 3)
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
MAX_DAILY_CPU_SECONDS = 15
MAX_MISSES = 2


@dataclass
class Week:
    """What one Monday brought: what the project said and what the company did."""

    number: int
    day: date
    is_missed: bool = False
    candidates: int = 0
    old_rows: int = 0
    published: list[str] = field(default_factory=list)
    mended: str = ""
    flagged: list[str] = field(default_factory=list)
    advice: str = ""
    reason: str = ""
    expected: tuple[float, float, float] | None = None
    contacted: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"offer_id": [], "customer_id": []}))
    problems: dict[str, int] = field(default_factory=dict)
    lift: tuple[float, float, float] | None = None
    megabytes: float = 0.0
    seconds: float = 0.0
    cpu_seconds: float = 0.0

    @property
    def audience(self) -> str:
        return f"{OWN}-{self.day:%G-W%V}"


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

    def query(self, sql: str) -> list[dict[str, Any]] | None:
        """Return the rows of a query on the published warehouse; None where a table or column is missing."""
        if not self.warehouse.exists():
            return None
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
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


def simulate(folder: Path, seed: int, plan: Plan) -> tuple[Company, list[Week]]:
    """Run the weeks of a plan, and one more build when all outcomes are known."""
    company = Company(folder, World(seed, plan))
    company.set_up()
    weeks = []
    for number in range(1, plan.weeks + 1):
        weeks.append(run_week(company, number))
        print(f"seed {seed}, week {number}: {weeks[-1].seconds:.0f} s", file=sys.stderr, flush=True)
    weeks.append(settle(company, plan.weeks + 3))
    return company, weeks


def run_week(company: Company, number: int) -> Week:
    """Run one Monday: files, build, export, contacts."""
    world, plan = company.world, company.world.plan
    week = Week(number, monday(number), is_missed=number == plan.missed_week)
    start = time.perf_counter()
    world.add_candidates(number, plan.candidates, f"offers_{number:02d}.csv", week.day)
    world.refuse(week.day, withdrawals=plan.withdrawals, erasures=plan.erasures, calls=plan.calls)
    company.write_files(number)
    if not week.is_missed:
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
    """Build; where the own campaign is held back by drift, accept the drift and build again, as a user would."""
    _, week.cpu_seconds = company.dbt(week.day, "build", "--exclude-resource-type", "unit_test")
    week.published = published_campaigns(company, week)
    if OWN not in week.published:
        week.mended = ", ".join(accept_drift(company, week))
        company.dbt(week.day, "build", "--exclude-resource-type", "unit_test")


def published_campaigns(company: Company, week: Week) -> list[str]:
    """Return the campaigns whose audience of this week is published."""
    rows = company.query(
        f"select campaign from results.audiences where week_start = date '{week.day}' order by campaign"
    )
    return [row["campaign"] for row in rows or []]


def accept_drift(company: Company, week: Week) -> list[str]:
    """Declare the drift that the unpublished build found as accepted for four weeks; return what drifted."""
    with duckdb.connect(f"{company.warehouse}.working", read_only=True) as connection:
        found = connection.sql(f"select feature from ({NEWEST_DRIFT}) where status = 'drifted'").fetchall()
    names = [str(name) for (name,) in found]
    company.accepted |= dict.fromkeys(names, week.day + timedelta(weeks=4))
    takes_dates = "dict" in str(Campaign.__dataclass_fields__["accept_drift"].type)
    listed = [f"{name}: {until}" if takes_dates else name for name, until in company.accepted.items()]
    value = f"{{{', '.join(listed)}}}" if takes_dates else f"[{', '.join(listed)}]"
    text = re.sub(r" +accept_drift: .*\n", "", company.declaration.read_text())
    company.declaration.write_text(text)
    replace_once(company.declaration, "        holdout:", f"        accept_drift: {value}\n        holdout:")
    return names


# what the project says of the newest rows of the own campaign
NEWEST_DRIFT = f"""
    select * from results.conversion_drift
    where campaign = '{OWN}' and feature_kind != 'label' and status != 'too few rows'
    qualify window_start = max(window_start) over ()
"""


def contact(company: Company, week: Week) -> None:
    """Export this week's audience, look for people who must not be in it, and contact all of them."""
    rows = company.export(OWN, week.day).rename(columns={"entity_id": "offer_id"})
    week.contacted = rows[["offer_id", "customer_id"]]
    week.problems = contact_problems(company.world, week.contacted, week.day)
    company.world.contact(week.contacted["offer_id"], week.day)


def contact_problems(world: World, rows: pd.DataFrame, day: date) -> dict[str, int]:
    """Count the people of an exported file who must not be contacted, by reason."""
    offers = rows[["offer_id"]].merge(world.offers, on="offer_id")
    newest = world.offers.groupby("customer_id")["offered_on"].max()
    rests_since = day - timedelta(days=REST_DAYS)
    own = world.offers.loc[world.offers["contacted_on"].map(lambda at: pd.notna(at) and at > rests_since)]
    calls = world.calls[world.calls["day"].map(lambda at: at > rests_since)]
    people = rows["customer_id"]
    found = {
        "unknown row": len(rows) - len(offers),
        "old row": sum(offers["offered_on"] < day - timedelta(days=CANDIDATES_WITHIN)),
        "used row": sum(offers["contacted_on"].notna()),
        "not the newest row": sum(offers["offered_on"] < offers["customer_id"].map(newest)),
        "erased": people.isin(world.erasures["customer_id"]).sum(),
        "withdrawn": people.isin(world.consents["customer_id"]).sum(),
        "resting": people.isin(pd.concat([own["customer_id"], calls["customer_id"]])).sum(),
        "twice": people.duplicated().sum(),
    }
    return {reason: int(count) for reason, count in found.items() if count}


def observe(company: Company, week: Week) -> None:
    """Note what the published warehouse says."""
    audience = company.query(f"select * from results.audiences where audience_id = '{week.audience}'")
    if audience and audience[0]["contact_count"]:
        row = audience[0]
        week.candidates = row["candidate_count"]
        names = ("expected_conversions", "expected_conversions_lower", "expected_conversions_upper")
        week.expected = tuple(float(row[name]) for name in names)  # type: ignore[assignment]
    drift = company.query(f"select feature from ({NEWEST_DRIFT}) where status in ('drifting', 'drifted')")
    week.flagged = sorted(row["feature"] for row in drift or [])
    advice = company.query(f"select advice, reason from results.retrain_advice where campaign = '{OWN}'")
    if advice:
        week.advice, week.reason = advice[0]["advice"], advice[0]["reason"]
    week.megabytes = company.warehouse.stat().st_size / 1e6


def build_late_file(company: Company, week: Week) -> None:
    """On Tuesday a late file arrives and the daily build draws from it, but nothing is sent any more."""
    tuesday = week.day + timedelta(days=1)
    company.world.add_candidates(
        week.number, company.world.plan.late_candidates, f"offers_{week.number:02d}_late.csv", tuesday
    )
    company.write_files(week.number)
    company.dbt(tuesday, "build", "--selector", "daily")


def settle(company: Company, number: int) -> Week:
    """Build when all outcomes are known and no new file has come: nobody is left to be contacted."""
    week = Week(number, monday(number))
    company.write_files(number)
    build_week(company, week)
    contact(company, week)
    observe(company, week)
    return week


def table(company: Company, weeks: list[Week]) -> pd.DataFrame:
    """Return what the weeks brought, a row for each."""
    world = company.world
    offers = world.offers.assign(has_bought=world.has_bought).set_index("offer_id")
    rows = []
    for week in weeks:
        contacted = offers.loc[week.contacted["offer_id"]]
        realised = int(contacted["has_bought"].sum())
        expected, lower, upper = week.expected or (0, 0, 0)
        rows.append(
            {
                "week": week.number,
                "candidates": week.candidates,
                "old": week.old_rows,
                "contacted": len(contacted),
                "known": int((contacted["known_week"] <= weeks[-1].number).sum()),
                "expected": f"{expected:.0f} ({lower:.0f}-{upper:.0f})" if week.expected else "",
                "realised": realised,
                "inside": lower <= realised <= upper if week.expected else None,
                "true lift": round(float((contacted["p1"] - contacted["p0"]).mean()), 3),
                "drift": ", ".join(week.flagged),
                "advice": week.advice,
                "published": ", ".join(week.published),
                "problems": week.problems or "",
                "mended": week.mended,
                "MB": round(week.megabytes),
                "s": round(week.seconds),
                "CPU s": round(week.cpu_seconds),
            }
        )
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seeds", nargs="*", type=int, default=SEEDS)
    parser.add_argument("--weeks", type=int, default=8)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        for seed in given.seeds:
            folder = (given.folder or Path(name)) / f"seed-{seed}"
            folder.mkdir(parents=True)
            company, weeks = simulate(folder, seed, Plan(weeks=given.weeks))
            print(table(company, weeks).to_string(index=False))


if __name__ == "__main__":
    main()
