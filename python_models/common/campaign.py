"""A campaign's declaration: the `meta` of its dbt models, read once; unknown keys and values are errors."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, field_validator, model_validator
from pydantic.dataclasses import dataclass

from python_models.common.errors import DeclarationError

POLICIES = ("f1", "profit", "fixed", "precision_at_least", "false_alarms_at_most", "capacity", "budget")
# The limit of these policies is a share; that of the others a number of contacts, or money.
_SHARES = ("fixed", "precision_at_least", "false_alarms_at_most")
_NOTHING_UNKNOWN = ConfigDict(extra="forbid")
# Set by the project for all campaigns; not part of a declaration.
_PROJECT_KEYS = ("retrain", "champion", "backfill_from", "today")
# Value of `known_at` for a column that is only known after the contact.
AFTER_CONTACT = "after_contact"
# Values of `expected_base_rate`: estimate it from the scores of rows with an unknown outcome, or from the
# outcomes of the test rows.
ESTIMATED = "estimated"
NEWEST_OUTCOMES = "newest_outcomes"
# Values of `accept_drift` besides columns of the mart: the score and the label rate.
DRIFTING_RESULTS = ("predicted_probability", "conversion_rate")
# Money per row: a number, or the name of a column of the mart.
MONEY = ("contact_cost", "conversion_value")
Imbalance = Literal["none", "weight", "smote", "downsample"]


@dataclass(frozen=True, config=_NOTHING_UNKNOWN)
class Segmentation:
    """The columns that customers are grouped by, and the number of segments.

    `columns` and `profile` give each column the words for segment names: for a number the words for a low
    and a high mean; for text a phrase with `{}` for the category, or nothing if the category or the column
    name is enough. `columns: all` groups by every column of the mart except the keys; `words` then names
    some of them. `profile` columns describe and name segments but do not group. `weights` are 1 by default.
    `skewed` replaces a number with a long tail by its logarithm or decile; `auto` keeps it, or takes its
    square root or logarithm, whichever groups fit best. `components` fixes the number of principal
    components, `count` the number of segments.
    """

    columns: dict[str, list[str]] | Literal["all"]
    entity: str
    words: dict[str, list[str]] = Field(default_factory=dict)
    profile: dict[str, list[str]] = Field(default_factory=dict)
    weights: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    skewed: Literal["auto", "logarithm", "decile"] = "auto"
    components: Annotated[int, Field(ge=1)] | None = None
    count: Annotated[int, Field(ge=2)] | None = None
    min: Annotated[int, Field(ge=2)] = 3
    max: Annotated[int, Field(le=20)] = 8

    @model_validator(mode="after")
    def check_range(self) -> "Segmentation":
        """Check the numbers of segments, and that `words` comes with `columns: all`."""
        if self.min > self.max:
            raise ValueError(f"segments.min {self.min} is over segments.max {self.max}")
        if self.count is not None and not self.min <= self.count <= self.max:
            raise ValueError(f"segments.count {self.count} is not between {self.min} and {self.max}")
        if self.words and self.columns != "all":
            raise ValueError("segments.words goes with `columns: all`; else the words stand in columns")
        return self

    @property
    def all_words(self) -> dict[str, list[str]]:
        """Words by column, for the columns that have some."""
        return (self.words if isinstance(self.columns, str) else self.columns) | self.profile


@dataclass(frozen=True, config=_NOTHING_UNKNOWN)
class Holdout:
    """A control group: the random share of an audience that is not contacted.

    `effect` is the minimum detectable difference in conversion rates, contacted less control group.
    """

    share: Annotated[float, Field(gt=0, lt=1)]
    effect: Annotated[float, Field(gt=0, lt=1)]


@dataclass(frozen=True, config=_NOTHING_UNKNOWN)
class Campaign:
    """A campaign's declaration; `docs/method.md` has a table with the meaning of each key."""

    campaign: str
    entity: str
    title: str
    question: str
    source: str
    source_note: str
    label: str | None = None
    split: str = "split"
    as_of: str | None = None
    order_by: str | None = None
    label_known_at: str | None = None
    group_by: str | None = None
    withhold: list[str] = Field(default_factory=list)
    known_at: dict[str, str] = Field(default_factory=dict)
    accept_leak: list[str] = Field(default_factory=list)
    accept_drift: list[str] | dict[str, date] = Field(default_factory=list)
    audit: list[str] = Field(default_factory=list)
    allow_audited: list[str] = Field(default_factory=list)
    dimensions: list[str] = Field(default_factory=list)
    baseline: str | None = None
    decide_by: str | dict[str, float] = "f1"
    contact_cost: float | str | None = None
    conversion_value: float | str | None = None
    candidates_within: Annotated[int, Field(ge=1)] | None = None
    channel: Annotated[str, Field(min_length=1)] | None = None
    outcome_days: Annotated[int, Field(ge=1)] | None = None
    holdout: Holdout | None = None
    candidates: Annotated[list[str], Field(min_length=1)] | None = None
    imbalance: Imbalance | list[Imbalance] | dict[str, Imbalance | list[Imbalance]] = "none"
    blend: bool = True
    choose_by: str = "log_loss"
    tune: int | str | None = None
    keep_features: Annotated[int, Field(ge=2)] | None = None
    expected_base_rate: (
        Annotated[float, Field(gt=0, lt=1)] | Literal["estimated", "newest_outcomes"] | None
    ) = None
    negatives_per_positive: Annotated[int, Field(ge=1)] | None = None
    recalibrate: bool = False
    minimum_positives: Annotated[int, Field(ge=1)] = 100
    population: str | None = None
    segments: Segmentation | None = None
    variant_of: str | None = None
    not_usable_reason: str | None = None

    @field_validator("accept_drift", mode="before")
    @classmethod
    def check_accepted_drift(cls, accepted: Any) -> Any:
        """Check that accepted drift is a list of names, or the last day of each name."""
        example = "such as [visits_30d], or {visits_30d: 2027-02-01} to accept it up to that day"
        if isinstance(accepted, Mapping):
            for name, day in accepted.items():
                if not _is_day(day):
                    raise ValueError(
                        f"key 'accept_drift', value {day!r} of '{name}' is not a day; write {example}"
                    )
        elif not isinstance(accepted, list) or not all(isinstance(name, str) for name in accepted):
            raise ValueError(f"key 'accept_drift', value {accepted!r}: write names of features, {example}")
        return accepted

    @model_validator(mode="after")
    def check_policy(self) -> "Campaign":
        """Check that `decide_by` is a known policy, with the limit and money that it needs."""
        if self.policy not in POLICIES:
            raise ValueError(f"decide_by is {self.policy!r}; allowed: {', '.join(POLICIES)}")
        needs_limit = self.policy not in ("f1", "profit")
        if needs_limit and self.policy_limit is None:
            raise ValueError(f"decide_by {self.policy} needs a number, such as {self.policy}: 0.5")
        if self.policy in _SHARES and not 0 <= (self.policy_limit or 0) <= 1:
            raise ValueError(f"decide_by {self.policy}: {self.policy_limit} is not between 0 and 1")
        if self.policy in ("capacity", "budget") and (self.policy_limit or 0) <= 0:
            raise ValueError(f"decide_by {self.policy}: {self.policy_limit} is not above 0")
        if self.policy == "profit" and (self.contact_cost is None or self.conversion_value is None):
            raise ValueError("decide_by profit needs contact_cost and conversion_value")
        if self.policy == "budget" and self.contact_cost is None:
            raise ValueError("decide_by budget needs contact_cost")
        for key in MONEY:
            if isinstance(amount := getattr(self, key), float) and not 0 <= amount < math.inf:
                raise ValueError(f"{key} is {amount}; allowed: a number from 0 on, or a column of the mart")
        return self

    @model_validator(mode="after")
    def check_keys_that_go_together(self) -> "Campaign":
        """Check keys that need or exclude each other."""
        if (self.variant_of is None) != (self.not_usable_reason is None):
            raise ValueError("variant_of and not_usable_reason go together")
        if self.negatives_per_positive is not None and self.order_by is not None:
            raise ValueError(
                "negatives_per_positive does not go with order_by: forward validation predicts every row. "
                "Let the split be by time instead"
            )
        if self.candidates_within is not None and self.as_of is None:
            raise ValueError("candidates_within needs as_of: it counts the days since then")
        if self.expected_base_rate == NEWEST_OUTCOMES and self.as_of is None:
            raise ValueError("expected_base_rate newest_outcomes needs as_of: test rows must be the newest")
        if self.recalibrate and self.expected_base_rate is not None:
            raise ValueError("recalibrate and expected_base_rate both move the base rate: declare one")
        if self.recalibrate and self.order_by is None:
            raise ValueError("recalibrate needs order_by: without an order no block is the newest")
        if self.tune is not None and self.tune_seconds is None:
            raise ValueError(f"tune is {self.tune!r}; allowed: seconds, such as 60 or 60s")
        if set(self.known_at.values()) - {AFTER_CONTACT} and self.as_of is None:
            raise ValueError("known_at names a column of times, so as_of must say what to compare it with")
        if self.population is not None and self.segments is None:
            raise ValueError("population needs segments: it says whom they are fitted on")
        if stray := set(self.allow_audited) - set(self.audit):
            raise ValueError(f"allow_audited names {sorted(stray)}, which audit does not name")
        return self

    @property
    def tune_seconds(self) -> int | None:
        """Time budget of the tuning in seconds; None without tuning."""
        text = str(self.tune or "").strip().removesuffix("s")
        return int(text) if text.isdigit() and int(text) > 0 else None

    def imbalances(self, algorithm: str) -> list[str]:
        """Return the imbalance methods with which an algorithm competes."""
        declared = self.imbalance[algorithm] if isinstance(self.imbalance, dict) else self.imbalance
        return [declared] if isinstance(declared, str) else list(declared)

    @property
    def policy(self) -> str:
        """Name of the threshold policy."""
        return self.decide_by if isinstance(self.decide_by, str) else "".join(self.decide_by)

    @property
    def policy_limit(self) -> float | None:
        """The limit of the policy, if it has one."""
        return None if isinstance(self.decide_by, str) else next(iter(self.decide_by.values()))

    @property
    def customer(self) -> str:
        """Column of the customer: folds and bootstrap draws keep a customer's rows together."""
        return self.group_by or self.entity

    @property
    def money_columns(self) -> list[str]:
        """Columns of the mart with the contact cost or conversion value of each row."""
        return [amount for key in MONEY if isinstance(amount := getattr(self, key), str)]

    @property
    def not_features(self) -> set[str]:
        """Columns of the mart that no model may read; audited ones too unless `allow_audited` names them."""
        audited = set(self.audit) - set(self.allow_audited)
        keys = {self.entity, self.split, self.label, self.as_of, self.order_by, self.label_known_at}
        times = set(self.known_at.values()) - {AFTER_CONTACT}
        named = keys | {self.group_by, self.baseline, *self.withhold, *self.money_columns} | audited | times
        return {name for name in named if name}

    def require_columns(self, mart: Iterable[str]) -> None:
        """Raise a `DeclarationError` if the declaration names a column that the mart lacks."""
        present = set(mart)
        keys = {"entity": [self.entity], "split": [self.split]}
        for key in ("label", "as_of", "order_by", "label_known_at", "group_by", "baseline"):
            keys[key] = [value] if (value := getattr(self, key)) else []
        for key in MONEY:
            keys[key] = [value] if isinstance(value := getattr(self, key), str) else []
        for key in ("withhold", "audit", "dimensions", "accept_leak"):
            keys[key] = getattr(self, key)
        keys["accept_drift"] = [name for name in self.accept_drift if name not in DRIFTING_RESULTS]
        keys["accept_leak"] = [name for name in self.accept_leak if name != "all_features"]
        keys["known_at"] = [*self.known_at, *(set(self.known_at.values()) - {AFTER_CONTACT})]
        for key, names in keys.items():
            for name in names:
                if name not in present:
                    raise DeclarationError(
                        f"campaign '{self.campaign}', key '{key}': the mart has no column "
                        f"'{name}'; it has {', '.join(sorted(present))}."
                    )


def _is_day(value: object) -> bool:
    """Return whether a value is a date, or text such as 2027-02-01."""
    if isinstance(value, date):
        return True
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


_READER = TypeAdapter(Campaign)
# Declarations nested under a key.
_OWNERS = {"segments": Segmentation, "holdout": Holdout}


def read_campaign(meta: Mapping[str, Any]) -> Campaign:
    """Read and check the declaration in a model's `meta`.

    Raises
    ------
    DeclarationError
        With one sentence per problem: an unknown key, a missing key, a wrong type or value.
    """
    declaration = {key: value for key, value in meta.items() if key not in _PROJECT_KEYS}
    try:
        return _READER.validate_python(declaration)
    except ValidationError as error:
        problems = " ".join(_sentence(dict(problem)) for problem in error.errors())
        raise DeclarationError(f"campaign '{declaration.get('campaign', '?')}': {problems}") from None


def _sentence(problem: dict[str, Any]) -> str:
    """Describe a validation error: the key, its value, and what is allowed."""
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "unexpected_keyword_argument":
        owner = _OWNERS.get(str(problem["loc"][0]), Campaign) if len(problem["loc"]) > 1 else Campaign
        allowed = ", ".join(sorted(field.name for field in fields(owner)))
        return f"key '{key}' (value {problem['input']!r}) is unknown; allowed keys are {allowed}."
    if problem["type"] == "missing":
        return f"key '{key}' is missing; add it to the declaration."
    if problem["type"] == "value_error":
        return f"{problem['ctx']['error']}."
    return f"key '{key}', value {problem['input']!r}: {problem['msg']}."
