"""Forward validation: the last fifth of the rows in rolling blocks, each predicted by earlier rows."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from python_models.calibration import cautious_shift, shifted
from python_models.campaign import Campaign
from python_models.fitting import CrossFit, Training, find_rounds, fit_rows
from python_models.frames import Design
from python_models.measures import measure
from python_models.one_rule import fit_tree

SHARE = 0.2
BLOCKS = 10
# Candidates are chosen by a later fifth only where it has so many conversions: fewer choose by chance.
CHOOSING_POSITIVES = 200
# Fewer earlier conversions than this teach no model.
LEAST_POSITIVES = 30


@dataclass(frozen=True)
class Forward:
    """Forward predictions: place of each row in the ordered frame, its block, what was predicted.

    `shift` is what a next block's log-odds would be moved by.
    """

    rows: np.ndarray
    block: np.ndarray
    probability: np.ndarray
    baselines: list[np.ndarray]
    shift: float


def order_values(frame: pd.DataFrame, column: str) -> np.ndarray:
    """A time or number as float64, NaN where unknown."""
    values = frame[column]
    if pd.api.types.is_datetime64_any_dtype(values) or values.map(_is_date).any():
        values = pd.to_datetime(values)
        return np.where(values.isna(), np.nan, values.astype("int64").astype(float))
    return pd.to_numeric(values).astype("Float64").to_numpy(np.float64, na_value=np.nan)


def _is_date(value: object) -> bool:
    return hasattr(value, "year")


def block_starts(order: np.ndarray) -> list[float]:
    """Order values at which the blocks begin: one block before the last fifth, then ten.

    `order` is sorted. Rows of one value are never torn apart: there may be fewer blocks, and where a value
    holds many rows the first of the ten begins before the last fifth does.
    """
    size = SHARE / BLOCKS
    before, *places = (int(len(order) * (1 - SHARE + step * size)) for step in range(-1, BLOCKS))
    starts = sorted({float(order[place]) for place in places})
    earlier = order[order < starts[0]]
    if not len(earlier):
        return []
    return [float(min(order[before], earlier[-1])), *starts]


@dataclass(frozen=True)
class Ordered:
    """Rows with a known outcome in the order of time, and what the declaration says of each."""

    frame: pd.DataFrame
    order: np.ndarray
    known_at: np.ndarray

    @classmethod
    def of(cls, frame: pd.DataFrame, campaign: Campaign) -> "Ordered | None":
        """The rows that have a place in the order; None where none has or no order is declared."""
        if campaign.order_by is None:
            return None
        order = order_values(frame, campaign.order_by)
        places = np.argsort(order, kind="stable")[: int((~np.isnan(order)).sum())]
        if not len(places) or order[places[0]] == order[places[-1]]:
            return None
        frame = frame.iloc[places].reset_index(drop=True)
        # an outcome of which nothing is said is known when the next rows come
        column = campaign.label_known_at or campaign.order_by
        return cls(frame, order[places], order_values(frame, column))

    def earlier(self, start: float) -> np.ndarray:
        """Rows before a block whose outcome is known when it begins."""
        return (self.order < start) & (self.known_at <= start)


def later_measure(
    ordered: Ordered, campaign: Campaign, fit: CrossFit, design: Design, positions: list[int] | None
) -> float | None:
    """How well a candidate, fitted on the first three fifths, predicts the next one.

    By the measure that the declaration chooses by; None where conversions are too few to choose by.
    The last fifth is kept for the champion's forward validation.
    """
    starts = [float(ordered.order[int(len(ordered.order) * share)]) for share in (1 - 2 * SHARE, 1 - SHARE)]
    label = ordered.frame[campaign.label].to_numpy(np.int64)
    later = (ordered.order >= starts[0]) & (ordered.order < starts[1])
    if min(label[later].sum(), label[ordered.earlier(starts[0])].sum()) < CHOOSING_POSITIVES:
        return None
    training = Training(design, design.matrix(ordered.frame), label, np.zeros(len(label), dtype=np.int64))
    rounds = _rounds(ordered, training, fit, positions, starts[0])
    models = [
        fit_rows(
            part.algorithm,
            training,
            ordered.earlier(starts[0]),
            positions,
            part.imbalance,
            part.settings,
            trees,
        )
        for part, trees in zip(fit.parts, rounds, strict=True)
    ]
    line = np.mean([model.log_odds(training.matrix[later]) for model in models], axis=0)
    return measure(campaign.choose_by, label[later], expit(line))


def validate_forward(
    ordered: Ordered,
    campaign: Campaign,
    fit: CrossFit,
    design: Design,
    positions: list[int] | None,
    rules: list[Design],
) -> Forward | None:
    """Predict the last fifth of the rows in ten blocks, each by a model of all earlier rows.

    The champion's algorithm and settings are used; the number of trees is found once, on the newest fifth
    of the rows before the first block. With `recalibrate` the log-odds of a block are shifted by what the
    finished blocks before it needed (one block before the last fifth serves the first).

    Parameters
    ----------
    ordered : Ordered
        Rows in the order of time.
    campaign : Campaign
        The declaration.
    fit : CrossFit
        The champion.
    design : Design
        What the champion reads.
    positions : list of int, optional
        The columns of the design that relevance keeps; None for all.
    rules : list of Design
        Baselines, one column each.

    Returns
    -------
    Forward, optional
        None where too few conversions came before the first block.
    """
    starts = block_starts(ordered.order)
    label = ordered.frame[campaign.label].to_numpy(np.int64)
    if len(starts) < 2 or label[ordered.earlier(starts[0])].sum() < LEAST_POSITIVES:
        return None
    training = Training(design, design.matrix(ordered.frame), label, np.zeros(len(label), dtype=np.int64))
    rounds = _rounds(ordered, training, fit, positions, starts[0])
    columns = [rule.matrix(ordered.frame)[:, 0] for rule in rules]
    shift = 0.0
    finished: list[np.ndarray] = []
    parts: list[list[np.ndarray]] = []
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], np.inf], strict=True)):
        earlier = ordered.earlier(start)
        block = np.flatnonzero((ordered.order >= start) & (ordered.order < end))
        models = [
            fit_rows(part.algorithm, training, earlier, positions, part.imbalance, part.settings, trees)
            for part, trees in zip(fit.parts, rounds, strict=True)
        ]
        matrix = training.matrix[block]
        raw = expit(np.mean([model.log_odds(matrix) for model in models], axis=0))
        if number > 0:
            rates = [
                fit_tree(column[earlier], bool(rule.categories), label[earlier]).predict(
                    column[block][:, None]
                )
                for column, rule in zip(columns, rules, strict=True)
            ]
            parts.append([block, np.full(len(block), number), shifted(raw, shift), *map(np.asarray, rates)])
        if campaign.recalibrate:
            finished.append(np.column_stack([raw, label[block]]))
            shift = cautious_shift(*np.concatenate(finished).T)
    rows, blocks, probability, *baselines = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Forward(rows, blocks, probability, baselines, shift)


def _rounds(
    ordered: Ordered, training: Training, fit: CrossFit, positions: list[int] | None, start: float
) -> list[int]:
    """Number of trees of each part of the champion, found on the newest rows before the first block."""
    earlier = np.flatnonzero(ordered.earlier(start))
    cut = ordered.order[earlier[int(len(earlier) * (1 - SHARE))]]
    stopping = ordered.earlier(start) & (ordered.order >= cut)
    fitted = ordered.earlier(cut)
    if not 0 < training.label[stopping].sum() < stopping.sum():
        fitted = stopping = ordered.earlier(start)
    return [
        find_rounds(part.algorithm, training, fitted, stopping, positions, part.imbalance, part.settings)
        for part in fit.parts
    ]
