"""Forward validation: the last fifth of the rows in rolling blocks, each predicted by earlier rows."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from python_models.common.campaign import Campaign
from python_models.common.frames import Design, order_values
from python_models.conversion.calibration import ridge_intercept_shift, shift_log_odds
from python_models.conversion.fitting import CrossFit, TrainingSet, best_iteration, fit_rows
from python_models.conversion.measures import compute_metric
from python_models.conversion.one_rule import fit_tree

HOLDOUT_SHARE = 0.2
BLOCKS = 10
# Candidates are chosen by a later fifth only where it has so many conversions: fewer choose by chance.
MIN_HOLDOUT_POSITIVES = 200
# Fewer earlier conversions than this teach no model.
MIN_TRAINING_POSITIVES = 30


@dataclass(frozen=True)
class BacktestResult:
    """Forward predictions: place of each row in the ordered frame, its block, what was predicted.

    `shift` is what a next block's log-odds would be moved by.
    """

    rows: np.ndarray
    block: np.ndarray
    probability: np.ndarray
    baselines: list[np.ndarray]
    shift: float


def block_starts(order: np.ndarray) -> list[float]:
    """Order values at which the blocks begin: one block before the last fifth, then ten.

    `order` is sorted. Rows of one value are never torn apart: there may be fewer blocks, and where a value
    holds many rows the first of the ten begins before the last fifth does.
    """
    size = HOLDOUT_SHARE / BLOCKS
    before, *places = (int(len(order) * (1 - HOLDOUT_SHARE + step * size)) for step in range(-1, BLOCKS))
    starts = sorted({float(order[place]) for place in places})
    earlier = order[order < starts[0]]
    if not len(earlier):
        return []
    return [float(min(order[before], earlier[-1])), *starts]


@dataclass(frozen=True)
class TimeOrderedRows:
    """Rows with a known outcome in the order of time, as a frame and as what a model reads.

    `positions` are the columns that relevance keeps on all training rows; None for all.
    """

    frame: pd.DataFrame
    training: TrainingSet
    order: np.ndarray
    known_at: np.ndarray
    positions: list[int] | None = None

    @classmethod
    def from_frame(
        cls, frame: pd.DataFrame, campaign: Campaign, design: Design, positions: list[int] | None = None
    ) -> "TimeOrderedRows | None":
        """The rows that have a place in the order; None where none has or no order is declared."""
        if campaign.order_by is None:
            return None
        order = order_values(frame[campaign.order_by])
        places = np.argsort(order, kind="stable")[: int((~np.isnan(order)).sum())]
        if not len(places) or order[places[0]] == order[places[-1]]:
            return None
        frame = frame.iloc[places].reset_index(drop=True)
        label = frame[campaign.label].to_numpy(np.int64)
        training = TrainingSet(design, design.matrix(frame), label, np.zeros(len(label), dtype=np.int64))
        # an outcome of which nothing is said is known when the next rows come
        known_at = order_values(frame[campaign.label_known_at or campaign.order_by])
        return cls(frame, training, order[places], known_at, positions)

    def earlier(self, start: float) -> np.ndarray:
        """Rows before a block whose outcome is known when it begins."""
        return (self.order < start) & (self.known_at <= start)

    def best_iterations(self, fit: CrossFit, start: float) -> list[int]:
        """Number of trees of each part of a candidate, found on the newest rows before `start`."""
        earlier = self.earlier(start)
        cut = self.order[earlier][int(earlier.sum() * (1 - HOLDOUT_SHARE))]
        fitted, stopping = self.earlier(cut), earlier & (self.order >= cut)
        label = self.training.label
        if not 0 < label[stopping].sum() < stopping.sum():
            fitted = stopping = earlier
        return [
            best_iteration(
                part.algorithm,
                self.training,
                fitted,
                stopping,
                self.positions,
                part.imbalance,
                part.settings,
            )
            for part in fit.parts
        ]

    def predict(self, fit: CrossFit, rounds: list[int], start: float, rows: np.ndarray) -> np.ndarray:
        """Probability of some rows by a model of all that was known at `start`."""
        models = [
            fit_rows(
                part.algorithm,
                self.training,
                self.earlier(start),
                self.positions,
                part.imbalance,
                part.settings,
                trees,
            )
            for part, trees in zip(fit.parts, rounds, strict=True)
        ]
        matrix = self.training.matrix[rows]
        return expit(np.mean([model.log_odds(matrix) for model in models], axis=0))


def holdout_metric(ordered: TimeOrderedRows, fit: CrossFit, choose_by: str) -> float | None:
    """How well a candidate, fitted on the first three fifths, predicts the next one.

    By the measure that the declaration chooses by; None where conversions are too few to choose by.
    The last fifth is kept for the champion's forward validation.
    """
    start, end = (
        float(ordered.order[int(len(ordered.order) * (1 - fifths * HOLDOUT_SHARE))]) for fifths in (2, 1)
    )
    label = ordered.training.label
    later = (ordered.order >= start) & (ordered.order < end)
    if min(label[later].sum(), label[ordered.earlier(start)].sum()) < MIN_HOLDOUT_POSITIVES:
        return None
    probability = ordered.predict(fit, ordered.best_iterations(fit, start), start, later)
    return compute_metric(choose_by, label[later], probability)


def backtest(
    ordered: TimeOrderedRows, fit: CrossFit, rules: list[Design], recalibrate: bool
) -> BacktestResult | None:
    """Predict the last fifth of the rows in ten blocks, each by a model of all earlier rows.

    The number of trees is found once, on the newest fifth of the rows before the first block.

    Parameters
    ----------
    ordered : TimeOrderedRows
        Rows in the order of time.
    fit : CrossFit
        The champion: its algorithm and settings are used.
    rules : list of Design
        Baselines, one column each.
    recalibrate : bool
        Shift the log-odds of a block by what the finished blocks before it needed (one block before the
        last fifth serves the first).

    Returns
    -------
    BacktestResult, optional
        None where too few conversions came before the first block.
    """
    starts = block_starts(ordered.order)
    label = ordered.training.label
    if len(starts) < 2 or label[ordered.earlier(starts[0])].sum() < MIN_TRAINING_POSITIVES:
        return None
    rounds = ordered.best_iterations(fit, starts[0])
    columns = [rule.matrix(ordered.frame) for rule in rules]
    shift = 0.0
    finished: list[np.ndarray] = []
    parts: list[list[np.ndarray]] = []
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], np.inf], strict=True)):
        block = np.flatnonzero((ordered.order >= start) & (ordered.order < end))
        # without recalibration nobody asks for the block before the first
        if number == 0 and not recalibrate:
            continue
        raw = ordered.predict(fit, rounds, start, block)
        if number > 0:
            earlier = ordered.earlier(start)
            rates = [
                fit_tree(column[earlier], bool(rule.categories), label[earlier]).predict(column[block])
                for column, rule in zip(columns, rules, strict=True)
            ]
            parts.append(
                [block, np.full(len(block), number), shift_log_odds(raw, shift), *map(np.asarray, rates)]
            )
        if recalibrate:
            finished.append(np.column_stack([raw, label[block]]))
            shift = ridge_intercept_shift(*np.concatenate(finished).T)
    rows, blocks, probability, *baselines = (np.concatenate(part) for part in zip(*parts, strict=True))
    return BacktestResult(rows, blocks, probability, baselines, shift)
