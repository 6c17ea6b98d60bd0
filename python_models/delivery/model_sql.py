"""A champion as one portable SQL statement, which scores in any database without Python."""

import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import logit

from python_models.common.errors import UserError
from python_models.common.sql import quote_identifier
from python_models.common.warehouse import Champion, read_champion
from python_models.conversion.algorithms.base import Candidate
from python_models.conversion.algorithms.lightgbm import LightGBM, RandomForest
from python_models.conversion.algorithms.logistic import Logistic, Term
from python_models.conversion.algorithms.xgboost import XGBoost
from python_models.conversion.calibration import MIN_PROBABILITY, Calibrator
from python_models.conversion.fitted import FittedModel, served_model
from python_models.conversion.fitting import Blend, FoldModel

FOLDER = Path("model_sql")
# Databases plan larger statements for minutes.
MAX_LEAVES = 20_000
# Some databases cannot parse longer sums.
MAX_TERMS = 100


def write_model_sql(
    warehouse: Path, campaign: str, target: Path | None = None, force: bool = False
) -> Iterator[str]:
    """Write the champion of a campaign as SQL.

    Parameters
    ----------
    warehouse : pathlib.Path
        The published warehouse; only read.
    campaign : str
        Campaign whose champion is written.
    target : pathlib.Path, optional
        The file; without it `model_sql/<campaign>-<model version>.sql`.
    force : bool
        Whether to write a statement of more than `MAX_LEAVES` leaves.

    Yields
    ------
    str
        A summary of the file.

    Raises
    ------
    UserError
        Without a champion; where it has more than `MAX_LEAVES` leaves.
    """
    champion = read_champion(warehouse, campaign)
    model = served_model(champion.body, champion.version)
    statement, size = model_sql(champion, model)
    if size > MAX_LEAVES and not force:
        raise UserError(
            f"the champion of '{campaign}' has {size:,} leaves and terms, more than the {MAX_LEAVES:,} that "
            "are sensible as SQL: a database would plan for minutes. Use predict_conversion in DuckDB or "
            "`make score-devices`, or write it all the same with FORCE=1 (--force)."
        )
    path = target or FOLDER / f"{campaign}-{champion.version}.sql"
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_text(statement)
    os.replace(unfinished, path)
    yield f"{path}: {size:,} leaves and terms, {len(statement) / 2**20:.1f} MB"


def model_sql(champion: Champion, model: FittedModel) -> tuple[str, int]:
    """Return the statement and its number of leaves and terms.

    Probabilities are those of rows whose outcome is unknown: the mean log-odds of the fold models,
    calibrated, shifted to the base rate that the model assumes.
    """
    writer = Writer(model)
    mean = f"({_sum([writer.fold(fold) for fold in model.models])}) / {number_sql(len(model.models))}"
    key = quote_identifier(champion.key)
    probability = "probability"
    if model.shift:
        probability = f"1 / (1 + exp(-(ln(probability / (1 - probability)) + {number_sql(model.shift)})))"
    decision = "cast(null as boolean)"
    if champion.threshold is not None:
        decision = f"predicted_probability >= {number_sql(champion.threshold)}"
    mart = f"{champion.campaign}_features"
    steps = [("inputs", [key, *writer.columns()], mart)]
    kept = [key, *(f"x{position}" for position in range(len(model.design.columns)))]
    for total, terms in writer.totals.items():
        # each tree is a column first: a database plans a sum of hundreds of trees at once for long
        steps.append((f"terms_of_{total}", [*kept, *terms.values()], steps[-1][0]))
        steps.append((f"with_{total}", [*kept, f"{_sum(list(terms))} as {total}"], steps[-1][0]))
        kept.append(total)
    steps += [
        ("raw", [key, f"{_stretched(mean, model.calibrator)} as log_odds"], steps[-1][0]),
        ("calibrated", [key, f"{_calibrated(model.calibrator)} as probability"], "raw"),
        ("scored", [key, f"{probability} as predicted_probability"], "calibrated"),
    ]
    head = [
        f"-- Campaign {champion.campaign}, model version {champion.version}: {writer.size:,} leaves.",
        "-- The probability of rows whose outcome is not known yet; a row that was trained on would get one",
        f"-- that flatters. Reads {mart}: put your table's name in its place. What is not known is null.",
    ]
    parts = [f"{name} as (\n{_select(columns, table, 4)}\n)" for name, columns, table in steps]
    last = _select([key, "predicted_probability", f"{decision} as predicted_conversion"], "scored", 0)
    return "\n".join(head) + "\nwith " + ",\n\n".join(parts) + f"\n\n{last}\n", writer.size


def _select(columns: list[str], table: str, indent: int) -> str:
    blank = " " * indent
    listed = ",\n".join(f"{blank}    {column}" for column in columns)
    return f"{blank}select\n{listed}\n{blank}from {table}"


@dataclass
class Writer:
    """Turns the parts of a model into expressions over the columns `x0`, `x1`, ... of the design.

    `totals` holds the sums to compute first, in order: name of the sum -> name of a term -> term.
    """

    model: FittedModel
    size: int = 0
    totals: dict[str, dict[str, str]] = field(default_factory=dict)

    def columns(self) -> list[str]:
        """Return the design's columns as numbers: text as its code, null if unknown in training."""
        listed = []
        for position, name in enumerate(self.model.design.columns):
            value = quote_identifier(name)
            if name in self.model.design.categories:
                codes = self.model.design.categories[name]
                cases = " ".join(f"when {_text(code)} then {at}" for at, code in enumerate(codes))
                value = f"case {value} {cases} end" if codes else "null"
            listed.append(f"cast({value} as double precision) as x{position}")
        return listed

    def total(self, terms: list[str]) -> str:
        """Add a sum to compute in steps of its own; return its name."""
        name = f"total_{len(self.totals)}"
        self.totals[name] = {f"t{at}": f"{term} as t{at}" for at, term in enumerate(terms)}
        return name

    def fold(self, fold: FoldModel) -> str:
        """Return the log-odds of a fold's model."""
        positions = fold.positions or list(range(len(self.model.design.columns)))
        raw = self.candidate(fold.candidate, positions)
        return f"({raw} + {number_sql(fold.offset)})" if fold.offset else raw

    def candidate(self, candidate: Candidate, positions: list[int]) -> str:
        """Return the log-odds of a candidate that reads the columns at these positions of the design."""
        columns = [f"x{position}" for position in positions]
        if isinstance(candidate, Blend):
            parts = [
                f"{number_sql(weight)} * {self.fold_of_blend(part, positions)}"
                for part, weight in zip(candidate.parts, candidate.weights, strict=True)
            ]
            return f"({_sum(parts)})"
        if isinstance(candidate, LightGBM):
            trees = candidate.booster.dump_model()["tree_info"]
            written = [self._lightgbm(tree["tree_structure"], columns) for tree in trees]
            total = self.total(written)
            return (
                f"(({total}) / {number_sql(len(trees))})"
                if isinstance(candidate, RandomForest)
                else f"({total})"
            )
        if isinstance(candidate, XGBoost):
            return self._xgboost(candidate, columns)
        if isinstance(candidate, Logistic):
            return self._logistic(candidate, columns)
        raise UserError(f"a {type(candidate).__name__} cannot be written as SQL")

    def fold_of_blend(self, part: FoldModel, positions: list[int]) -> str:
        """Return the log-odds of a part of a blend, which reads some of the blend's columns."""
        inner = [positions[at] for at in part.positions] if part.positions is not None else positions
        raw = self.candidate(part.candidate, inner)
        return f"({raw} + {number_sql(part.offset)})" if part.offset else raw

    def _lightgbm(self, node: dict[str, Any], columns: list[str]) -> str:
        if "leaf_value" in node:
            self.size += 1
            return number_sql(node["leaf_value"])
        column = columns[node["split_feature"]]
        left, right = (
            self._lightgbm(node["left_child"], columns),
            self._lightgbm(node["right_child"], columns),
        )
        if node["decision_type"] == "==":
            # missing, negative and unseen values go to the right
            test = f"{column} in ({', '.join(node['threshold'].split('||'))})"
            return f"case when {test} then {left} else {right} end"
        test = f"{column} <= {number_sql(node['threshold'])}"
        if node["missing_type"] == "NaN" and node["default_left"]:
            return f"case when {column} is null or {test} then {left} else {right} end"
        if node["missing_type"] != "NaN" and node["threshold"] >= 0:
            # without missing values in training, LightGBM reads a missing value as zero
            return f"case when {column} is null or {test} then {left} else {right} end"
        return f"case when {test} then {left} else {right} end"

    def _xgboost(self, candidate: XGBoost, columns: list[str]) -> str:
        body = json.loads(candidate.to_text())["learner"]
        trees = body["gradient_booster"]["model"]["trees"]
        written = [self._xgboost_node(tree, 0, columns) for tree in trees]
        base = float(body["learner_model_param"]["base_score"].strip("[]"))
        # in 32 bits except for the logarithm: numpy's 32-bit one differs from C's in the last bit
        odds = np.float32(1) / np.float32(base) - np.float32(1)
        margin = float(np.float32(-math.log(float(odds))))
        # XGBoost adds in 32 bits, one tree after the other
        total = f"cast({number_sql(margin)} as real)"
        for start in range(0, len(written), MAX_TERMS - 1):
            total = self.total([total, *written[start : start + MAX_TERMS - 1]])
        return f"cast({total} as double precision)"

    def _xgboost_node(self, tree: dict[str, Any], node: int, columns: list[str]) -> str:
        left = tree["left_children"][node]
        if left == -1:
            self.size += 1
            return f"cast({number_sql(float(np.float32(tree['split_conditions'][node])))} as real)"
        column = columns[tree["split_indices"][node]]
        first = self._xgboost_node(tree, left, columns)
        second = self._xgboost_node(tree, tree["right_children"][node], columns)
        if tree["split_type"][node] == 1:
            at = tree["categories_nodes"].index(node)
            start, count = tree["categories_segments"][at], tree["categories_sizes"][at]
            listed = ", ".join(map(str, tree["categories"][start : start + count]))
            # the listed categories go to the right
            test = f"not {column} in ({listed})"
        else:
            limit = number_sql(float(np.float32(tree["split_conditions"][node])))
            test = f"cast({column} as real) < {limit}"
        if tree["default_left"][node]:
            return f"case when {column} is null or {test} then {first} else {second} end"
        return f"case when {test} then {first} else {second} end"

    def _logistic(self, candidate: Logistic, columns: list[str]) -> str:
        total = self.total([self._term(term, columns[term.position]) for term in candidate.terms])
        return f"({total} + {number_sql(candidate.intercept)})"

    def _term(self, term: Term, column: str) -> str:
        """Return what a column adds to the log-odds; values outside all bins are of the outermost."""
        self.size += len(term.weights)
        if term.is_category:
            tests = [f"coalesce({column}, {number_sql(-1)}) = {number_sql(code)}" for code in term.limits]
            last = 0.0
        else:
            value = (
                f"case when {column} is null then 1e0 else 0e0 end"
                if term.fill is None
                else f"coalesce({column}, {number_sql(term.fill)})"
            )
            tests = [f"{value} < {number_sql(limit)}" for limit in term.limits]
            last = term.weights[-1]
        cases = " ".join(
            f"when {test} then {number_sql(weight)}"
            for test, weight in zip(tests, term.weights, strict=False)
        )
        weight = f"case {cases} else {number_sql(last)} end" if cases else number_sql(last)
        if not term.slope:
            return weight
        low, high = number_sql(term.low), number_sql(term.high)
        within = f"case when {value} < {low} then {low} when {value} > {high} then {high} else {value} end"
        return f"({weight} + {number_sql(term.slope)} * ({within}))"


def _stretched(mean: str, calibrator: Calibrator) -> str:
    """Return what the calibrator's curve reads of the mean log-odds."""
    if (calibrator.scale, calibrator.offset) == (1.0, 0.0):
        return mean
    return f"{number_sql(calibrator.scale)} * ({mean}) + {number_sql(calibrator.offset)}"


def _calibrated(calibrator: Calibrator) -> str:
    """Return the probability of the stretched `log_odds`, as `Calibrator.probability`."""
    terms = [f"{number_sql(calibrator.slope)} * log_odds", number_sql(calibrator.intercept)]
    if calibrator.bend:
        moved = f"log_odds + {number_sql(-calibrator.centre)}"
        softplus = f"ln(1 + exp(-abs({moved}))) + case when {moved} > 0 then {moved} else 0e0 end"
        terms.append(f"{number_sql(calibrator.bend)} * ({softplus})")
    line = f"({' + '.join(terms)})"
    curve = f"1 / (1 + exp(-{line}))"
    if calibrator.knots:
        scores, rates = np.array(calibrator.knots).T
        low, high = logit(rates[[0, -1]]) - calibrator.line(scores[[0, -1]])
        cases = [f"when log_odds < {number_sql(scores[0])} then 1 / (1 + exp(-({line} + {number_sql(low)})))"]
        cases += [
            f"when log_odds > {number_sql(scores[-1])} then 1 / (1 + exp(-({line} + {number_sql(high)})))"
        ]
        for at in range(len(scores) - 1):
            slope = (rates[at + 1] - rates[at]) / (scores[at + 1] - scores[at])
            cases.append(
                f"when log_odds <= {number_sql(scores[at + 1])} then {number_sql(slope)} * "
                f"(log_odds - {number_sql(scores[at])}) + {number_sql(rates[at])}"
            )
        curve = f"case {' '.join(cases)} else {number_sql(rates[-1])} end"
    least, most = number_sql(MIN_PROBABILITY), number_sql(1 - MIN_PROBABILITY)
    return f"case when {curve} < {least} then {least} when {curve} > {most} then {most} else {curve} end"


def _sum(terms: list[str]) -> str:
    """Return a sum as a balanced tree: databases limit the depth of an expression."""
    if len(terms) <= MAX_TERMS:
        return " + ".join(terms)
    half = len(terms) // 2
    return f"({_sum(terms[:half])}) + ({_sum(terms[half:])})"


def number_sql(number: float) -> str:
    """Return a number as a literal that every database reads as a double: with an exponent."""
    written = repr(float(number))
    text = written if "e" in written else f"{written}e0"
    return f"({text})" if text.startswith("-") else text


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
