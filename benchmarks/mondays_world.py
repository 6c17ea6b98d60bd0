"""The company that `benchmarks/mondays.py` simulates: customers whose response is known, contacted and not.

Every Monday some customers become candidates of an offer. A candidate buys with probability `p1` if
contacted and `p0` if not. The company looks up the outcomes of those who were contacted or held out: most are
known after one to three weeks, a few never are. Of the other candidates nothing is known.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit

FIRST_MONDAY = date(2027, 1, 4)
HISTORY_WEEKS, HISTORY_ROWS = 10, 800
SHIFTED_FEATURE, SHIFT, RISE = "visits_30d", 1.8, 1.5
# Share of outcomes that are known after one, two and three weeks, and never.
DELAYS = {1: 0.74, 2: 0.18, 3: 0.06, np.inf: 0.02}
FEATURES = [
    *("visits_30d", "spend_90d", "days_since_order", "is_member", "region", "tenure_months"),
    *("pages_per_visit", "font_size", "lucky_number"),
]
COLUMNS = ["offer_id", "customer_id", "offered_on", *FEATURES, "was_contacted", "bought"]


@dataclass(frozen=True)
class Plan:
    """What happens in which week; weeks that are None never come."""

    weeks: int = 8
    customers: int = 8_000
    candidates: int = 2_000
    late_candidates: int = 60
    late_week: int = 2
    missed_week: int = 3
    shift_week: int | None = 5
    rise_week: int | None = 6
    withdrawals: int = 40
    erasures: int = 6
    calls: int = 20

    def has_begun(self, week: int | None, current: int) -> bool:
        """Return whether what happens in `week` has happened by the current week."""
        return week is not None and current >= week


def monday(week: int) -> date:
    """Return the Monday of a week; week 1 is the first in which the project selects."""
    return FIRST_MONDAY + timedelta(weeks=week - 1)


class World:
    """The company's customers, its offers so far, and who must not be contacted.

    `offers` has one row per candidate: key, features, `p0`, `p1`, `luck` (buys if it is below the
    probability), `known_week` (of its outcome), `file`, `contacted_on` and `is_held_out`. `consents`,
    `erasures` and `calls` (contacts by others) have `customer_id` and a date.
    """

    def __init__(self, seed: int, plan: Plan):
        self.plan = plan
        self.random = np.random.default_rng(seed)
        count = plan.customers
        self.customers = pd.DataFrame(
            {
                "customer_id": [f"C{number:05d}" for number in range(count)],
                "taste": self.random.normal(size=count),
                "is_member": self.random.random(count) < 0.4,
                "region": self.random.choice(["north", "south", "west"], count),
                "tenure_months": self.random.integers(1, 120, count),
            }
        )
        self.rise = 0.0
        self.rise = rise_of_log_odds(self._draw(1, count)["p1"].to_numpy())
        self.offers = pd.DataFrame()
        self.consents, self.erasures, self.calls = (
            pd.DataFrame({"customer_id": [], "day": []}, dtype=object) for _ in range(3)
        )

    def begin(self) -> None:
        """Add the offers before week 1: everybody was contacted."""
        weeks = range(1 - HISTORY_WEEKS, 1)
        rows = pd.concat([self._draw(week, HISTORY_ROWS) for week in weeks], ignore_index=True)
        self.offers = rows.assign(
            file="offers_history.csv", contacted_on=rows["offered_on"], is_held_out=False
        )

    def add_candidates(self, week: int, count: int, file: str, day: date) -> None:
        """Draw the candidates of a week into a file."""
        rows = self._draw(week, count).assign(file=file, offered_on=day, contacted_on=None, is_held_out=False)
        rows["offer_id"] = [f"{day:%y%m%d}-{person}" for person in rows["customer_id"]]
        self.offers = pd.concat([self.offers, rows], ignore_index=True)

    def _draw(self, week: int, count: int) -> pd.DataFrame:
        """Draw the candidates of a week, with features, probabilities and luck."""
        random = self.random
        people = self.customers.sample(count, random_state=random).reset_index(drop=True)
        shift = SHIFT if self.plan.has_begun(self.plan.shift_week, week) else 1.0
        rise = self.rise if self.plan.has_begun(self.plan.rise_week, week) else 0.0
        visits = random.poisson(shift * np.exp(1.2 + 0.5 * people["taste"] + random.normal(0, 0.4, count)))
        spend = np.exp(4 + 0.5 * people["taste"] + random.normal(0, 0.7, count))
        days = random.exponential(40, count)
        interest = (
            0.35 * np.log1p(visits) + 0.8 * (np.log(spend) - 4) - 0.025 * days + 0.9 * people["is_member"]
        )
        return pd.DataFrame(
            {
                "offer_id": [f"{monday(week):%y%m%d}-{person}" for person in people["customer_id"]],
                "customer_id": people["customer_id"],
                "offered_on": monday(week),
                "visits_30d": visits,
                "spend_90d": spend.round(2),
                "days_since_order": days.round().astype(int),
                "is_member": people["is_member"],
                "region": people["region"],
                "tenure_months": people["tenure_months"],
                "pages_per_visit": random.gamma(3, 1, count).round(2),
                "font_size": random.choice(["small", "medium", "large"], count),
                "lucky_number": random.integers(0, 1_000, count),
                "week": week,
                "p1": expit(-1.5 + interest + rise),
                "p0": expit(-1.75 + 0.9 * interest + rise),
                "luck": random.random(count),
                "known_week": week + random.choice(list(DELAYS), count, p=list(DELAYS.values())),
            }
        )

    def refuse(self, day: date, *, withdrawals: int, erasures: int, calls: int) -> None:
        """Let customers withdraw their consent, ask for erasure, or be called by another department."""
        present = self.customers.loc[
            ~self.customers["customer_id"].isin(self.erasures["customer_id"]), "customer_id"
        ]
        for name, count in (("consents", withdrawals), ("erasures", erasures), ("calls", calls)):
            people = present.sample(count, random_state=self.random)
            rows = pd.DataFrame({"customer_id": people.to_numpy(), "day": day})
            setattr(self, name, pd.concat([getattr(self, name), rows], ignore_index=True))

    def contact(self, offer_ids: pd.Series, day: date) -> None:
        """Contact the people of these offers."""
        self.offers.loc[self.offers["offer_id"].isin(offer_ids), "contacted_on"] = day

    def hold_out(self, offer_ids: Iterable[str]) -> None:
        """Watch the people of these offers without contacting them."""
        self.offers.loc[self.offers["offer_id"].isin(offer_ids), "is_held_out"] = True

    @property
    def has_bought(self) -> pd.Series:
        """The outcome of each offer, known or not."""
        return self.offers["luck"] < self.offers["p1"].where(self.is_contacted, self.offers["p0"])

    @property
    def is_contacted(self) -> pd.Series:
        return self.offers["contacted_on"].notna()

    def files(self, week: int) -> dict[str, pd.DataFrame]:
        """Return the content of each file on a week's Monday, with the outcomes known by then."""
        is_watched = self.is_contacted | self.offers["is_held_out"]
        is_known = is_watched & (self.offers["known_week"] <= week)
        words = {True: "yes", False: "no"}
        rows = self.offers.assign(
            bought=self.has_bought.map(words).where(is_known),
            was_contacted=self.is_contacted.map(words).where(self.offers["week"] < max(week, 1)),
        )
        return {str(file): part[COLUMNS] for file, part in rows.groupby("file")}


def rise_of_log_odds(probabilities: np.ndarray) -> float:
    """Return what, added to all log-odds, raises the mean probability by half."""
    log_odds = np.log(probabilities / (1 - probabilities))
    return float(brentq(lambda rise: expit(log_odds + rise).mean() - RISE * probabilities.mean(), 0, 5))
