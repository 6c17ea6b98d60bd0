"""Render the files of a new campaign from templates."""

import re
from textwrap import wrap
from typing import Any

from python_models.inputs.new_campaign.profiling import Column, literal
from python_models.inputs.new_campaign.proposing import (
    KEPT_FEATURES,
    MAX_FEATURES,
    MAX_GROUPS,
    MAX_SEGMENT_COLUMNS,
    TEST_SHARE,
    Proposal,
    is_age,
)
from python_models.inputs.new_campaign.templating import render, yaml_string

__all__ = ["DOORWAYS", "MARKER", "THING", "NewCampaign", "render", "yaml_string"]

DOORWAYS = ("model", "scores", "reasons", "segmenter", "segments")
THING = "records"
# Maximum event types that get their own count column.
MAX_COUNTED_EVENTS = 10
MARKER = "Written by `python -m python_models new`; yours to change."
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


class NewCampaign:
    """Renders the files of a proposed campaign."""

    def __init__(self, name: str, proposal: Proposal, reference: str | None, origin: str):
        self.name = name
        self.proposal = proposal
        self.reference = reference
        self.origin = origin
        self.title = name.replace("_", " ").capitalize()
        schema, _, table = (reference or "").rpartition(".")
        self.input = table if reference else f"stg_{name}__{THING}"
        is_staged = schema == "staging" and table.startswith("stg_")
        self.source = table.removeprefix("stg_").split("__")[0] if is_staged else name
        keys = [column.name for column in proposal.key]
        self.key = keys or ["row_id"]
        self.entity = "_and_".join(self.key)
        if proposal.events:
            self.entity = "snapshot_id"
        ages = [name for name in proposal.audit if proposal.column(name).distinct > MAX_GROUPS]
        self.withheld = dict(proposal.withhold)
        for name in ages:
            self.withheld[name] = "protected or close to it: age_band is audited instead"
        # made of the age, unless the file has its own
        is_there = "age_band" in {column.name for column in proposal.columns}
        self.age = (
            next((name for name in ages if is_age(proposal.column(name))), None) if not is_there else None
        )

    @property
    def label(self) -> str | None:
        if self.proposal.events:
            return "has_converted"
        return self.proposal.label.name if self.proposal.label else None

    @property
    def audited(self) -> list[str]:
        names = ["age_band" if name == self.age else name for name in self.proposal.audit]
        return [name for name in names if name not in self.withheld]

    @property
    def model_kinds(self) -> list[str]:
        """Kinds of Python models that it has."""
        kinds = ["model", "scores", "reasons"] if self.label else []
        return kinds + (["segmenter", "segments"] if len(self.segment_columns) > 1 else [])

    @property
    def segment_columns(self) -> dict[str, str]:
        """Grouping columns, with words for a low and a high mean, or for a category."""
        if self.proposal.events:
            numbers = ["event_count", "recent_event_count", "active_days", "days_since_last_event"]
            return {name: _words(name.replace("_", " ")) for name in numbers}
        rows = self.proposal.row_count
        chosen = {}
        for column in sorted(self.proposal.features, key=lambda column: -column.known):
            is_spread = column.distinct > 1 and (not column.top or column.top[0][1] < 0.97 * rows)
            if column.is_time or not is_spread or column.known < rows / 2:
                continue
            if column.is_number or column.distinct <= 20:
                chosen[column.name] = _segment_words(column)
        return dict(list(chosen.items())[:MAX_SEGMENT_COLUMNS])

    @property
    def segment_profile(self) -> dict[str, str]:
        """Columns that describe segments without grouping."""
        if self.proposal.events:
            return {}
        return {
            name: '["{}"]' if name == "age_band" else _segment_words(self.proposal.column(name))
            for name in self.audited
            if name == "age_band" or self.proposal.column(name).distinct > 1
        }

    def files(self) -> dict[str, str]:
        """Render all new files: path below dbt's project -> content."""
        models = f"models/campaigns/{self.name}"
        is_log = self.proposal.events is not None
        mart = f"{self.name}_features"
        segment_mart = f"{self.name}_customers" if is_log else mart
        columns = self._events() if is_log else self._rows()
        files = {
            f"{models}/{mart}.sql": render("event_features.sql" if is_log else "features.sql", **columns),
            f"{models}/{self.name}.yml": render(
                "declaration.yml", **self._declaration(columns, segment_mart)
            ),
        }
        for kind in self.model_kinds:
            of = segment_mart if kind in ("segmenter", "segments") else mart
            files[f"{models}/{self.name}_{kind}.py"] = render(f"{kind}.py", campaign=self.name, mart=of)
        if is_log and "segments" in self.model_kinds:
            files[f"{models}/{segment_mart}.sql"] = render("customers.sql", campaign=self.name)
        return files | ({} if self.reference else self._staging())

    def _staging(self) -> dict[str, str]:
        folder = f"models/staging/{self.name}"
        values = {"campaign": self.name, "thing": THING}
        groups: dict[str, list[str]] = {
            "ids": list(self.key),
            "text": [],
            "numbers": [],
            "booleans": [],
            "times": [],
        }
        for column in self.proposal.columns:
            kind = "text" if column.is_text else "numbers"
            kind = "booleans" if column.type == "boolean" else kind
            kind = "times" if column.type in ("date", "timestamp") else kind
            if column.name not in self.key:
                groups[kind].append(column.name)
        key = ", ".join(f"`{name}`" for name in self.key)
        return {
            f"{folder}/base_{self.name}__{THING}.sql": render("base.sql", **values),
            f"{folder}/stg_{self.name}__{THING}.sql": render("stg.sql", groups=groups, **values),
            f"{folder}/{self.name}_staging.yml": render(
                "staging.yml",
                title=self.title,
                grain=f"One row per row of your file ({key}).",
                key=self.key,
                **values,
            ),
        }

    def raw_columns(self) -> list[dict[str, str]]:
        """Return the campaign's rows of `raw_columns.csv`."""
        rows = []
        if self.key == ["row_id"]:
            rows.append({"column_name": "row_id", "type": "text", "rules": "key row_number"})
        person = self.proposal.customer or (self.proposal.key[0] if len(self.proposal.key) == 1 else None)
        for column in self.proposal.columns:
            is_key = column in self.proposal.key
            kind = "private" if column.name in self.proposal.private else column.type
            # identifiers stay as they are: 1_10 is not 110, and a later file may have A17
            is_identifier = is_key or column is person
            kind = "text" if kind in ("category", "bigint", "double") and is_identifier else kind
            formats = () if kind == "text" else column.formats
            # the end of a log is its newest event: one of 2111 would leave nobody active
            is_past = bool(self.proposal.events) and column is self.proposal.as_of and not column.epoch
            roles = (("key", is_key), ("person", column is person), ("past", is_past))
            rules = [rule for rule, holds in roles if holds]
            rows.append(
                {
                    "column_name": column.name,
                    "type": kind,
                    "raw_names": "" if column.raw.lower() == column.name else column.raw,
                    "rules": " ".join(rules),
                    "missing_codes": "|".join(column.codes),
                    "formats": "|".join(formats),
                }
            )
        return [{"source": self.name, "thing": THING} | row for row in rows]

    def _rows(self) -> dict[str, Any]:
        """Return the template values of a mart with one row per row of the table."""
        proposal = self.proposal
        key = proposal.key
        key_lines = [key[0].name] if len(key) == 1 else ["row_id"] if not key else []
        if len(key) > 1:
            parts = ", ' ', ".join(column.name for column in key)
            key_lines = [_aliased(f"concat({parts})", self.entity)]
        if proposal.customer:
            key_lines.append(proposal.customer.name)
        features = {column.name for column in proposal.features}
        lines: dict[bool, list[str]] = {True: [], False: []}
        for column in proposal.columns:
            if column.name in proposal.private or column in (*key, proposal.customer):
                continue
            if proposal.label and column is proposal.label.column:
                continue
            if column is proposal.as_of:
                lines[False].append(self._time(column))
            elif column.is_time:
                lines[column.name in features].append(self._days(column))
            else:
                lines[column.name in features].append(column.name)
        if self.age:
            lines[False].append(f"{{{{ age_band('{self.age}') }}}} as age_band")
        label = proposal.label
        label_line = None
        if label:
            label_line = _aliased(label.sql(label.column.name), label.name)
        return {
            "thing": THING,
            "input": self.input,
            "key_lines": key_lines,
            "feature_lines": lines[True],
            "other_lines": lines[False],
            "derived": [
                (
                    _comment(feature.why),
                    _aliased(feature.sql.replace("\n", f"\n{8 * ' '}"), feature.name),
                    feature.is_off,
                )
                for feature in proposal.derived
            ],
            "label": self.label,
            "label_line": label_line,
            "as_of": proposal.as_of.name if proposal.as_of and label else None,
            "split_key": proposal.customer.name if proposal.customer else self.entity,
            "test_share": f"{TEST_SHARE:.0%}",
            "test_fraction": TEST_SHARE,
            "rows": "add_features" if proposal.derived else "select_columns",
        }

    def _time(self, column: Column) -> str:
        """Return a time as a column of the mart."""
        return _aliased(column.time_sql, column.name)

    def _days(self, column: Column) -> str:
        """Return a time as a number of days: before the time of the features, or since the year 2000."""
        value = column.time_sql
        if self.proposal.as_of:
            until = self.proposal.as_of.time_sql
            return _aliased(f"date_diff('day', {value}, {until})", column.name)
        return _aliased(f"date_diff('day', date '2000-01-01', {value})", column.name)

    def _events(self) -> dict[str, Any]:
        """Return the template values of a mart of events."""
        proposal, label = self.proposal, self.proposal.label
        assert proposal.events
        assert proposal.customer
        assert proposal.as_of
        assert label
        kind = proposal.events
        is_conversion = label.sql(kind.name)
        counts = [] if proposal.is_once else [("conversion_count", is_conversion)]
        for value, _ in kind.top[:MAX_COUNTED_EVENTS]:
            name = "_".join(re.findall(r"[a-z0-9]+", value.lower()))
            if value.lower() not in label.values and name:
                counts.append((f"{name}_count", f"{kind.name} = {literal(value.lower())}"))
        listed = [column for column in proposal.features if column not in (kind, *proposal.key)]
        return {
            "input": self.input,
            "days": proposal.days,
            "rounds": proposal.rounds,
            "time": proposal.as_of.time_sql,
            "person": proposal.customer.name,
            "entity": self.entity,
            "counts": counts,
            "numbers": [column.name for column in listed if column.is_number and column.type != "boolean"],
            "texts": [column.name for column in listed if column.type == "category"],
            "is_conversion": is_conversion,
            "is_once": proposal.is_once,
        }

    def _declaration(self, columns: dict[str, Any], segment_mart: str) -> dict[str, Any]:
        proposal = self.proposal
        is_log = proposal.events is not None
        entity = f"`{self.entity}`"
        label = proposal.label
        label_description = f"The outcome: {label.description}; null = not known yet." if label else ""
        if is_log and label and proposal.customer:
            grain = (
                f"One row per customer (`{proposal.customer.name}`) and snapshot date of the log ({entity})."
            )
            label_description = (
                f"{label.description[0].upper()}{label.description[1:]} within {proposal.days} days; "
                "null = not known yet."
            )
            described = self._event_columns(columns)
        else:
            grain = f"One row per row of {self.origin} ({entity})."
            described = {self.entity: "Key of the row."} | {
                column.name: f"Column {column.raw}."
                for column in proposal.columns
                if column.name not in proposal.private
                and column.name != self.entity
                and not (label and column is label.column)
            }
            if self.age:
                described["age_band"] = "Age in bands; audited."
            described |= {feature.name: feature.description for feature in proposal.made}
        features = len(proposal.features) + len(proposal.made)
        return {
            "marker": MARKER,
            "campaign": self.name,
            "title": self.title,
            "question": f"Who converts ({label.description})?" if label else "What groups are there?",
            "source": self.source,
            "source_note": f"{'Table' if self.reference else 'Own file'} {self.origin}.",
            "mart_grain": grain,
            "entity": self.entity,
            "label": self.label,
            "label_description": label_description,
            "as_of": "as_of" if is_log else columns["as_of"],
            # the outcome of a snapshot is known by the next
            "order_by": ("as_of" if is_log else columns["as_of"]) if label else None,
            "recalibrate": proposal.does_rate_move,
            "group_by": proposal.customer.name if proposal.customer and label else None,
            "withhold": {} if is_log else self.withheld,
            "audit": [] if is_log or not label else self.audited,
            "audit_reason": "protected, or close to it: compared, but no features (see allow_audited)",
            "dimensions": [] if is_log or not label else self._dimensions(),
            "keep_features": KEPT_FEATURES if features > MAX_FEATURES else None,
            "feature_count": features,
            "negatives_per_positive": self._negatives(),
            "segment_columns": self.segment_columns if "segments" in self.model_kinds else {},
            "segment_profile": self.segment_profile,
            "segment_entity": proposal.customer.name if is_log and proposal.customer else self.entity,
            "segment_mart": segment_mart,
            "is_log": is_log,
            "input": self.input,
            "columns": described,
        }

    def _dimensions(self) -> list[str]:
        names = ["age_band" if name == self.age else name for name in self.proposal.dimensions]
        return [name for name in names if name not in self.withheld]

    def _negatives(self) -> int | None:
        """Return how many rows without a conversion to keep per conversion, if conversions are rare."""
        label = self.proposal.label
        if not label or self.proposal.events or self.proposal.row_count < 200_000:
            return None
        counts = {value.lower(): rows for value, rows in label.column.top}
        converted = sum(counts.get(value, 0) for value in label.values or ("1", "true", "yes", "y", "t"))
        return 100 if 0 < converted < self.proposal.row_count / 200 else None

    def _event_columns(self, columns: dict[str, Any]) -> dict[str, str]:
        described = {
            self.entity: "Customer and snapshot date.",
            columns["person"]: "Customer.",
            "as_of": f"Snapshot date: features cover the {2 * columns['days']} days before it.",
            "event_count": "Events.",
            "recent_event_count": f"Events in the last {columns['days']} days.",
            "active_days": "Days with an event.",
            "days_since_last_event": "Days since the newest event.",
        }
        described |= {name: f"Events with {condition}." for name, condition in columns["counts"]}
        described |= {f"mean_{name}": f"Mean of {name}." for name in columns["numbers"]}
        described |= {f"highest_{name}": f"Highest {name}." for name in columns["numbers"]}
        return described | {f"last_{name}": f"Newest {name}." for name in columns["texts"]}


def _aliased(expression: str, name: str) -> str:
    """Return an aliased expression, on two lines if one is too long."""
    if expression == name:
        return name
    return f"{expression}{' ' if len(expression) + len(name) < 60 else chr(10) + 12 * ' '}as {name}"


def _comment(text: str) -> str:
    """Return text as the lines of a comment among the columns of a mart."""
    return "\n".join(wrap(text, 80, initial_indent=8 * " " + "-- ", subsequent_indent=8 * " " + "-- "))


def _words(words: str) -> str:
    return f'["low {words}", "high {words}"]'


def _segment_words(column: Column) -> str:
    if column.type == "boolean":
        return f'["no {column.words}", "{column.words}"]'
    return _words(column.words) if column.is_number else f'["{column.words} {{}}"]'
