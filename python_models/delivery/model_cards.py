"""Model cards as Markdown: what a model is for, how good it is, what it must not be used for.

The report site has a page with the same sections. Both read the queries in `reports/sources/warehouse`,
which publish aggregates only, and the text of `reports/partials/misuse.md`.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb

from python_models.common.errors import UserError

REPORTS = Path(__file__).parents[2] / "reports"
FOLDER = Path("model_cards")
Row = dict[str, Any]


def write_model_cards(warehouse: Path, folder: Path = FOLDER) -> Iterator[Path]:
    """Write a card per campaign, each whole or not at all; without a model the card says why.

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
    if not warehouse.exists():
        raise UserError(f"{warehouse} does not exist: run `make build` first")
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        names = connection.execute("select campaign from results.campaigns order by campaign").fetchall()
        for (campaign,) in names:
            card = folder / f"{campaign}.md"
            unfinished = card.with_suffix(".unfinished")
            unfinished.write_text(model_card(connection, campaign))
            os.replace(unfinished, card)
            yield card


def model_card(connection: duckdb.DuckDBPyConnection, campaign: str) -> str:
    """Return the card of a campaign."""
    [facts] = _read(connection, "campaigns", campaign)
    leaks = _read(connection, "leaks", campaign, "status, feature")
    gaps = [
        row for row in _read(connection, "sufficiency", campaign, "check_name") if row["status"] != "pass"
    ]
    parts = [f"# Model card: {facts['title']}", f"*{facts['question']}*", *_headline(facts)]
    if not facts["refused_reason"] and not facts["not_usable_reason"]:
        parts += [
            "## What it is for",
            f"It gives each {facts['entity']} a probability of converting. Contacted is who reaches "
            f"{facts['threshold']:.1%} ({facts['threshold_policy']}).",
        ]
    parts += ["## What it must not be used for", (REPORTS / "partials/misuse.md").read_text().strip()]
    parts += ["## Data", *_data(facts)]
    if not facts["refused_reason"]:
        parts += _model(connection, facts)
    parts += ["## Leaks", *_leaks(facts, leaks), "## Limits", *_limits(facts, gaps)]
    return "\n\n".join(parts) + "\n"


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
        else f"Version **{facts['model_version']}**, trained on {facts['trained_on']}; not judged yet."
    )


def _data(facts: Row) -> Iterator[str]:
    window = (
        f"From {facts['first_as_of']} to {facts['last_as_of']}."
        if facts["first_as_of"]
        else "The rows have no declared date."
    )
    yield f"{facts['source_note']} ({facts['source_kind']} data) {window} As of {facts['scored_on']}."
    counts = ("entity_count", "conversion_count", "train_count", "test_count", "score_count")
    yield _table(
        ("Rows", "Conversions", "To train", "To test", "Outcome unknown", "Base rate"),
        [[*(f"{facts[count]:,}" for count in counts), _share(facts["base_rate"])]],
    )


def _model(connection: duckdb.DuckDBPyConnection, facts: Row) -> Iterator[str]:
    campaign = facts["campaign"]
    yield "## Model"
    yield (
        f"Algorithm: {facts['algorithm']}, with {facts['feature_count']:,} columns, trained on "
        f"{facts['training_rows']:,} rows with {facts['training_positives']:,} conversions. Imbalance "
        f"handled by: {facts['imbalance']}. Log-odds become probabilities by {facts['calibration']} "
        "calibration."
    )
    yield "## How good it is"
    yield facts["quality_reason"]
    yield _table(
        ("Rows", "Measure", "Model (95 % interval)", "Simple rule", "Chance"),
        (
            [
                row["split_name"],
                row["title"],
                _interval(row["value"], row["lower"], row["upper"]),
                _number(row["baseline_value"]),
                _number(row["random_value"]),
            ]
            for row in _read(connection, "metrics", campaign, "is_judged desc, split, metric_order")
        ),
    )
    yield _table(
        ("Compared with", "Measure", "Better by (95 % interval)", "The model is"),
        (
            [
                row["baseline"],
                row["title"],
                _interval(row["gain"], row["gain_from"], row["gain_to"]),
                row["verdict"],
            ]
            for row in _read(connection, "baselines", campaign, "baseline, metric_order")
        ),
    )
    yield "## What it goes by"
    yield _table(
        ("Factor", "A higher value", "Importance", "What it is"),
        (
            [row["factor"], row["direction"], _number(row["importance"]), row["description"]]
            for row in _read(connection, "factors", campaign, "rank")
            if row["rank"] <= 10
        ),
    )
    yield "## Groups"
    yield _groups(_read(connection, "fairness", campaign, "audited_column, group_value"))


def _groups(groups: list[Row]) -> str:
    if not groups:
        return "No column is declared to be audited: whether groups are treated alike is not known."
    return _table(
        ("By", "Group", "Rows", "Contacted (95 % interval)", "Of the highest", "Status"),
        (
            [
                row["audited_column"],
                row["group_value"],
                f"{row['row_count']:,}",
                f"{row['selection_rate']:.1%} ({row['selection_rate_lower']:.1%} to "
                f"{row['selection_rate_upper']:.1%})",
                _share(row["ratio_to_best"]),
                row["status"],
            ]
            for row in groups
        ),
    )


def _leaks(facts: Row, leaks: list[Row]) -> Iterator[str]:
    if facts["accepted_leaks"]:
        yield (
            f"**Looks like a leak, accepted by name:** {facts['accepted_leaks'].replace('_', ' ')}. If it is "
            "not known before the contact, every figure here is too good."
        )
    yield f"{facts['leak_passed_count']:,} of {facts['leak_check_count']:,} checks passed."
    if leaks:
        yield _table(
            ("Column", "Status", "Check", "Measured", "Limit", "What to do"),
            (
                [
                    row["feature"],
                    row["status"],
                    row["check_name"],
                    _number(row["measured"]),
                    _number(row["limit"]),
                    row["advice"],
                ]
                for row in leaks
            ),
        )


def _limits(facts: Row, gaps: list[Row]) -> Iterator[str]:
    if facts["refused_training"]:
        yield (
            "The newest training was refused, and an earlier model stays in service: "
            f"{facts['refused_training']}"
        )
    if facts["promise_note"]:
        yield facts["promise_note"]
    if not gaps:
        yield "The data pass every check of `results.data_sufficiency`."
        return
    yield _table(
        ("Check", "Status", "There is", "Asked for", "What to do"),
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


def _read(
    connection: duckdb.DuckDBPyConnection, source: str, campaign: str, order: str = "campaign"
) -> list[Row]:
    """Return a campaign's rows of a query of the report site."""
    query = (REPORTS / f"sources/warehouse/{source}.sql").read_text()
    result = connection.execute(
        f"select * from (\n{query}\n) where campaign = ? order by {order}", [campaign]
    )
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _table(headers: tuple[str, ...], rows: Iterable[list[str | None]]) -> str:
    lines: list[list[str | None]] = [[*headers], ["---"] * len(headers), *rows]
    cells = ([(cell or "").replace("|", r"\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:,.6g}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _interval(value: float | None, lower: float | None, upper: float | None) -> str:
    if value is None or lower is None or upper is None:
        return _number(value)
    return f"{value:.3f} ({lower:.3f} to {upper:.3f})"
