"""Model cards as Markdown: what a model is for, how good it is, what it must not be used for.

This is the one place that writes them: `make model-cards` writes a file per campaign, and the report site
shows the same text. The figures are those of the queries in `reports/sources/warehouse`, which publish
aggregates only; the text on misuse is `reports/partials/misuse.md`.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from python_models.common.errors import UserError

REPORTS = Path(__file__).parents[2] / "reports"
FOLDER = Path("model_cards")
# Queries of the report site that a card reads, and the order of their rows.
QUERIES = {
    "campaigns": "campaign",
    "metrics": "is_judged desc, split, metric_order",
    "baselines": "baseline, metric_order",
    "factors": "rank",
    "fairness": "audited_column, group_value",
    "leaks": (
        "case status when 'fail' then 1 when 'undecided' then 2 when 'accepted' then 3 else 4 end, "
        "feature, check_name"
    ),
    "sufficiency": "check_name",
}
MAX_FACTORS = 10
Row = dict[str, Any]


@dataclass(frozen=True)
class ModelCard:
    """A campaign's card. The body has neither title nor question: a page writes its own heading."""

    campaign: str
    title: str
    question: str
    body: str

    @property
    def text(self) -> str:
        """The whole card."""
        return f"# Model card: {self.title}\n\n*{self.question}*\n\n{self.body}"


def write_model_cards(warehouse: Path, folder: Path = FOLDER) -> Iterator[Path]:
    """Write a file per campaign, each whole or not at all; without a model the card says why.

    Parameters
    ----------
    warehouse : pathlib.Path
        The published warehouse; it is only read.
    folder : pathlib.Path
        Where `<campaign>.md` is written.

    Yields
    ------
    pathlib.Path
        Each card, once it is written.

    Raises
    ------
    UserError
        Without a warehouse.
    """
    for card in _read_cards(warehouse):
        yield _write_whole(folder / f"{card.campaign}.md", card.text)


def write_cards_for_reports(warehouse: Path, file: Path) -> Iterator[Path]:
    """Write one JSON file of all campaigns and the bodies of their cards, whole or not at all."""
    cards = [{"campaign": card.campaign, "body": card.body} for card in _read_cards(warehouse)]
    yield _write_whole(file, json.dumps(cards, indent=1))


def _read_cards(warehouse: Path) -> Iterator[ModelCard]:
    if not warehouse.exists():
        raise UserError(f"{warehouse} does not exist: run `make build` first")
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        names = connection.execute("select campaign from results.campaigns order by campaign").fetchall()
        for (campaign,) in names:
            yield model_card(connection, campaign)


def _write_whole(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".unfinished")
    unfinished.write_text(text)
    os.replace(unfinished, file)
    return file


def model_card(connection: duckdb.DuckDBPyConnection, campaign: str) -> ModelCard:
    """Return the card of a campaign."""
    read = {query: _read(connection, query, campaign) for query in QUERIES}
    [facts] = read["campaigns"]
    parts = [*_headline(facts)]
    if not facts["refused_reason"] and not facts["not_usable_reason"]:
        parts += [
            "## What it is for",
            f"It gives each {facts['entity']} a probability of converting. Everyone who reaches "
            f"{_share(facts['threshold'])} is contacted ({facts['threshold_policy']}).",
        ]
    parts += ["## What it must not be used for", (REPORTS / "partials/misuse.md").read_text().strip()]
    parts += ["## Data", *_data(facts)]
    if not facts["refused_reason"]:
        parts += ["## Model", _model(facts)]
        parts += ["## How good it is", facts["quality_reason"]]
        parts += [_metrics(read["metrics"]), _baselines(read["baselines"])]
        parts += ["## What it goes by", _factors(read["factors"])]
        parts += ["## Groups", _groups(read["fairness"])]
    parts += ["## Leaks", *_leaks(facts, read["leaks"])]
    parts += ["## Limits", *_limits(facts, read["sufficiency"])]
    body = "\n\n".join(part for part in parts if part) + "\n"
    return ModelCard(campaign, facts["title"], facts["question"], body)


def _headline(facts: Row) -> Iterator[str]:
    if facts["not_usable_reason"]:
        yield f"**Not usable for targeting:** {facts['not_usable_reason']}"
    if facts["refused_reason"]:
        yield f"**No model is in service.** {facts['refused_reason']}"
        return
    yield (
        f"Version **{facts['model_version']}**, trained on {facts['trained_on']}. "
        f"ROC AUC **{facts['roc_auc']:.3f}**, quality {facts['quality_grade']}."
        if facts["roc_auc"] is not None
        else f"Version **{facts['model_version']}**, trained on {facts['trained_on']}; not evaluated yet."
    )


def _data(facts: Row) -> Iterator[str]:
    window = (
        f"From {facts['first_as_of']} to {facts['last_as_of']}."
        if facts["first_as_of"]
        else "The rows have no declared date."
    )
    kind = facts["source_kind"].capitalize()
    yield f"**{kind} data.** {facts['source_note']} {window} As of {facts['scored_on']}."
    counts = ("entity_count", "conversion_count", "train_count", "test_count", "score_count")
    yield _table(
        ("Rows:", "Conversions:", "To train:", "To test:", "Outcome unknown:", "Base rate:"),
        [[*(f"{facts[count]:,}" for count in counts), _share(facts["base_rate"])]],
    )


def _model(facts: Row) -> str:
    return (
        f"Algorithm: {facts['algorithm']}, with {facts['feature_count']:,} columns, trained on "
        f"{facts['training_rows']:,} rows with {facts['training_positives']:,} conversions. Imbalance "
        f"handled by: {facts['imbalance']}. Log-odds become probabilities by {facts['calibration']} "
        "calibration. All figures below are those of this model. Once they were measured, the same algorithm "
        f"was fitted on all {facts['refit_rows']:,} rows with a known outcome: that scores the others."
    )


def _metrics(metrics: list[Row]) -> str:
    return _table(
        ("Rows", "Measure", "Model (95% interval):", "Simple rule:", "Chance:"),
        (
            [
                row["split_name"],
                row["title"],
                _interval(row["value"], row["lower"], row["upper"]),
                _number(row["baseline_value"]),
                _number(row["random_value"]),
            ]
            for row in metrics
        ),
    )


def _baselines(baselines: list[Row]) -> str:
    return _table(
        ("Compared with", "Measure", "Better by (95% interval):", "The model is"),
        (
            [
                _literal(row["baseline"]),
                row["title"],
                _interval(row["gain"], row["gain_from"], row["gain_to"]),
                row["verdict"],
            ]
            for row in baselines
        ),
    )


def _factors(factors: list[Row]) -> str:
    return _table(
        ("Factor", "A higher value", "Importance:", "What it is"),
        (
            [_literal(row["factor"]), row["direction"], _number(row["importance"]), row["description"]]
            for row in factors[:MAX_FACTORS]
        ),
    )


def _groups(groups: list[Row]) -> str:
    if not groups:
        return "No column is declared to be audited: whether groups are treated alike is not known."
    return _table(
        ("By", "Group", "Rows:", "Contacted (95% interval):", "Of the highest (95% interval):", "Verdict"),
        (
            [
                _literal(row["audited_column"]),
                _literal(row["group_value"]),
                f"{row['row_count']:,}",
                _shares(row["selection_rate"], row["selection_rate_lower"], row["selection_rate_upper"]),
                _shares(row["ratio_to_best"], row["ratio_lower"], row["ratio_upper"]),
                row["verdict"],
            ]
            for row in groups
        ),
    )


def _leaks(facts: Row, leaks: list[Row]) -> Iterator[str]:
    if facts["accepted_leaks"]:
        accepted = _literal(facts["accepted_leaks"].replace("_", " "))
        yield (
            f"**Looks like a leak, accepted by name:** {accepted}. If it is not known before the contact, "
            "every figure here is too good."
        )
    yield f"{facts['leak_passed_count']:,} of {facts['leak_check_count']:,} checks passed."
    yield _table(
        ("Column", "Status", "Check", "Measured:", "Limit:", "What to do"),
        (
            [
                _literal(row["feature"]),
                row["status"],
                row["check_name"],
                _number(row["measured"]),
                _number(row["limit"]),
                row["advice"],
            ]
            for row in leaks
        ),
    )


def _limits(facts: Row, checks: list[Row]) -> Iterator[str]:
    if facts["refused_training"]:
        yield (
            "The newest training was refused, and an earlier model stays in service: "
            f"{facts['refused_training']}"
        )
    if facts["promise_note"]:
        yield facts["promise_note"]
    gaps = [row for row in checks if row["status"] != "pass"]
    if not gaps:
        yield "The data pass every check of `results.data_sufficiency`."
    yield _table(
        ("Check", "Status", "There is:", "Asked for:", "What to do"),
        (
            [
                row["check_name"],
                row["status"],
                _figure(row["measured"]),
                _figure(row["required"]),
                row["advice"],
            ]
            for row in gaps
        ),
    )


def _read(connection: duckdb.DuckDBPyConnection, query: str, campaign: str) -> list[Row]:
    """Return a campaign's rows of a query of the report site."""
    sql = (REPORTS / f"sources/warehouse/{query}.sql").read_text()
    result = connection.execute(
        f"select * from (\n{sql}\n) where campaign = ? order by {QUERIES[query]}", [campaign]
    )
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _table(headers: tuple[str, ...], rows: Iterable[list[str | None]]) -> str:
    """Return a table, nothing without rows; a column whose header ends with a colon is right-aligned."""
    lines = [[_cell(value) for value in row] for row in rows]
    if not lines:
        return ""
    rules = ["---:" if header.endswith(":") else "---" for header in headers]
    return "\n".join(
        f"| {' | '.join(line)} |" for line in [[header.rstrip(":") for header in headers], rules, *lines]
    )


def _cell(value: str | None) -> str:
    """Keep a value on its line and in its cell."""
    return " ".join((value or "").split()).replace("|", r"\|")


def _literal(value: str | None) -> str:
    r"""Escape what Markdown would read as markup in a name or a value of somebody's data.

    >>> _literal("<b>*new*</b>")
    '\\<b\\>\\*new\\*\\</b\\>'
    """
    return re.sub(r"([\\`*_\[\]<>&~])", r"\\\1", value or "")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:,.6g}"


def _share(value: float | None) -> str:
    """Return a percentage with one digit, a small one with two significant digits."""
    if value is None:
        return ""
    return f"{100 * value:.2g}%" if 0 < value < 0.001 else f"{value:.1%}"


def _shares(value: float | None, lower: float | None, upper: float | None) -> str:
    return "" if value is None else f"{_share(value)} ({_share(lower)} to {_share(upper)})"


def _interval(value: float | None, lower: float | None, upper: float | None) -> str:
    if value is None or lower is None or upper is None:
        return _number(value)
    return f"{value:.3f} ({lower:.3f} to {upper:.3f})"
