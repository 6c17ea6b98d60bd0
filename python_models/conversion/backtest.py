"""Backtest: the last fifth of the rows in rolling blocks, each predicted by a model of earlier rows."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from python_models.common.campaign import Campaign
from python_models.common.frames import Design, order_values
from python_models.conversion.calibration import ridge_intercept_shift, shift_log_odds
from python_models.conversion.fitting import (
    CrossFit,
    TrainingSet,
    best_iteration,
    fit_rows,
    weighted_mean,
)
from python_models.conversion.measures import compute_metric
from python_models.conversion.one_rule import fit_tree

HOLDOUT_SHARE = 0.2
BLOCKS = 10
# Compare candidates on this share of the rows before the backtest, the newest, only if it has at least this
# many conversions.
LATER_SHARE = 0.25
MIN_LATER_POSITIVES = 100
# Minimum conversions needed to train a model.
MIN_TRAINING_POSITIVES = 30


@dataclass(frozen=True)
class BacktestResult:
    """Predictions of the backtest: index of each row in the ordered frame, its block, the probabilities.

    `shift` is the log-odds shift for the next block.
    """

    rows: np.ndarray
    block: np.ndarray
    probability: np.ndarray
    baselines: list[np.ndarray]
    shift: float


def block_starts(order: np.ndarray) -> list[float]:
    """Return the order values at which the blocks begin: one block before the last fifth, then ten.

    `order` is sorted. Rows with equal values stay in one block. So there may be fewer blocks, and the first
    of the ten may begin before the last fifth does.

    >>> block_starts(np.arange(100.0))[:3]
    [78.0, 80.0, 82.0]
    """
    size = HOLDOUT_SHARE / BLOCKS
    previous, *firsts = (int(len(order) * (1 - HOLDOUT_SHARE + step * size)) for step in range(-1, BLOCKS))
    starts = sorted({float(order[first]) for first in firsts})
    earlier = order[order < starts[0]]
    if not len(earlier):
        return []
    return [float(min(order[previous], earlier[-1])), *starts]


@dataclass(frozen=True)
class TimeOrderedRows:
    """Rows with a known outcome in order of time, as a frame and as a matrix.

    `positions` are the columns selected on all training rows; None for all columns.
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
        """Sort the rows that have an order value; return None if no order is declared or no row has one."""
        if campaign.order_by is None:
            return None
        order = order_values(frame[campaign.order_by])
        index = np.argsort(order, kind="stable")[: int((~np.isnan(order)).sum())]
        if not len(index) or order[index[0]] == order[index[-1]]:
            return None
        frame = frame.iloc[index].reset_index(drop=True)
        label = frame[campaign.label].to_numpy(np.int64)
        training = TrainingSet(design, design.matrix(frame), label, np.zeros(len(label), dtype=np.int64))
        # without `label_known_at`, assume an outcome is known at its own row's time
        known_at = order_values(frame[campaign.label_known_at or campaign.order_by])
        return cls(frame, training, order[index], known_at, positions)

    @property
    def backtest_start(self) -> float:
        """Time at which the blocks of a backtest of these rows begin; infinite without any."""
        return (block_starts(self.order)[1:] or [np.inf])[0]

    def earlier(self, start: float) -> np.ndarray:
        """Return which rows come before `start` and have an outcome that is known by then."""
        return np.asarray((self.order < start) & (self.known_at <= start))

    def best_iterations(self, fit: CrossFit, start: float) -> list[int]:
        """Return the number of trees of each part of a candidate, found on the newest rows before `start`."""
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

    def log_odds(self, fit: CrossFit, rounds: list[int], start: float, rows: np.ndarray) -> np.ndarray:
        """Return the log-odds of `rows` by a model of everything that was known at `start`."""
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
        return weighted_mean([model.log_odds(matrix) for model in models], fit.weights)


@dataclass(frozen=True)
class LaterRows:
    """The newest training rows before the time of the backtest: their outcome, and candidates' log-odds.

    Each candidate is fitted on the rows before them.
    """

    label: np.ndarray
    log_odds: list[np.ndarray]

    def measure(self, choose_by: str, log_odds: np.ndarray, recalibrate: bool) -> float:
        """Return a metric; with `recalibrate` of log-odds that follow the rate of the rows, as they will."""
        probability = expit(log_odds)
        if recalibrate:
            probability = shift_log_odds(probability, ridge_intercept_shift(probability, self.label))
        return compute_metric(choose_by, self.label, probability)


def predict_later_rows(ordered: TimeOrderedRows, fits: list[CrossFit], end: float) -> LaterRows | None:
    """Fit each candidate on the first three quarters of the rows before `end`, and predict the last.

    `ordered` holds training rows only, `end` is the time at which the champion's backtest begins. None if
    there are too few conversions to compare candidates.
    """
    known = ordered.earlier(end)
    if not known.any():
        return None
    start = float(ordered.order[known][int(known.sum() * (1 - LATER_SHARE))])
    later = np.flatnonzero(known & (ordered.order >= start))
    label = ordered.training.label
    if min(label[later].sum(), label[ordered.earlier(start)].sum()) < MIN_LATER_POSITIVES:
        return None
    log_odds = [ordered.log_odds(fit, ordered.best_iterations(fit, start), start, later) for fit in fits]
    return LaterRows(label[later], log_odds)


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
        Shift the log-odds of a block by the shift that fits the blocks before it. The first of the ten uses
        the block before the last fifth.

    Returns
    -------
    BacktestResult, optional
        None if there are too few conversions before the first block.
    """
    starts = block_starts(ordered.order)
    label = ordered.training.label
    if len(starts) < 2 or label[ordered.earlier(starts[0])].sum() < MIN_TRAINING_POSITIVES:
        return None
    rounds = ordered.best_iterations(fit, starts[0])
    columns = [(rule.matrix(ordered.frame), bool(rule.categories)) for rule in rules]
    shift = 0.0
    finished: list[np.ndarray] = []
    parts: list[list[np.ndarray]] = []
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], np.inf], strict=True)):
        block = np.flatnonzero((ordered.order >= start) & (ordered.order < end))
        # only recalibration needs the block before the first
        if number == 0 and not recalibrate:
            continue
        raw = np.asarray(expit(ordered.log_odds(fit, rounds, start, block)))
        if number > 0:
            rates = _baseline_rates(ordered, columns, start, block)
            parts.append([block, np.full(len(block), number), shift_log_odds(raw, shift), *rates])
        if recalibrate:
            finished.append(np.column_stack([raw, label[block]]))
            shift = ridge_intercept_shift(*np.concatenate(finished).T)
    rows, blocks, probability, *baselines = (np.concatenate(part) for part in zip(*parts, strict=True))
    return BacktestResult(rows, blocks, probability, baselines, shift)


def _baseline_rates(
    ordered: TimeOrderedRows, columns: list[tuple[np.ndarray, bool]], start: float, block: np.ndarray
) -> list[np.ndarray]:
    """Return the rates that each baseline, a column and whether it holds categories, predicts for a block."""
    earlier, label = ordered.earlier(start), ordered.training.label
    return [
        np.asarray(fit_tree(column[earlier], is_category, label[earlier]).predict(column[block]))
        for column, is_category in columns
    ]
