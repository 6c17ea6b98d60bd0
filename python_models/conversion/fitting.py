"""Cross-fitting: one model per fold, so that no row is predicted by a model that saw its customer."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

from python_models.common.frames import FOLDS, Design
from python_models.conversion.algorithms.base import Candidate, Settings, Size
from python_models.conversion.algorithms.registry import ALGORITHMS
from python_models.conversion.calibration import Calibrator
from python_models.conversion.imbalance import FitSample, resample


@dataclass(frozen=True)
class TrainingSet:
    """Rows to fit on: matrix (rows x columns of the design), label (0/1) and fold of each row.

    `kept` holds, per fold, the positions of the columns that were selected without the fold's rows; None
    keeps all. `kept_share` is the share of the non-conversions that was sampled.
    """

    design: Design
    matrix: np.ndarray
    label: np.ndarray
    folds: np.ndarray
    kept: list[list[int]] | None = None
    kept_share: float = 1.0

    @property
    def weight(self) -> np.ndarray:
        """Number of rows of the population that each row represents."""
        return np.where(self.label == 1, 1.0, 1 / self.kept_share)

    @property
    def base_rate(self) -> float:
        """Conversion rate of the population that the rows are a sample of."""
        return float(np.average(self.label, weights=self.weight))

    def keeping(self, kept: list[list[int]] | None) -> "TrainingSet":
        """Return the same rows with other columns kept in each fold."""
        return replace(self, kept=kept)

    def sample(self, rows: np.ndarray, positions: list[int] | None) -> FitSample:
        """Return some rows with some columns; None for all columns."""
        matrix, categorical = self.matrix[rows], self.design.categorical_positions
        if positions is not None:
            matrix = matrix[:, positions]
            categorical = [i for i, position in enumerate(positions) if position in categorical]
        return FitSample(matrix, self.label[rows], categorical)


@dataclass(frozen=True)
class FoldModel:
    """One fitted candidate, the columns it reads (None: all) and the correction for resampling."""

    algorithm: str
    candidate: Candidate
    positions: list[int] | None = None
    offset: float = 0.0

    def log_odds(self, matrix: np.ndarray) -> np.ndarray:
        return self.candidate.log_odds(self._read(matrix)) + self.offset

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        """Return the contribution of each column of the design; 0 for those that this model does not read."""
        read = self.candidate.contributions(self._read(matrix))
        if self.positions is None:
            return read
        contributions = np.zeros(matrix.shape)
        contributions[:, self.positions] = read
        return contributions

    def _read(self, matrix: np.ndarray) -> np.ndarray:
        return matrix if self.positions is None else matrix[:, self.positions]

    def to_text(self) -> str:
        return json.dumps(
            {
                "algorithm": self.algorithm,
                "positions": self.positions,
                "offset": self.offset,
                "text": self.candidate.to_text(),
            }
        )

    @classmethod
    def from_text(cls, text: str) -> "FoldModel":
        body = json.loads(text)
        read = Blend.from_text if body["algorithm"] == BLEND else ALGORITHMS[body["algorithm"]].from_text
        return cls(body["algorithm"], read(body["text"]), body["positions"], body["offset"])


BLEND = "blend"


@dataclass(frozen=True)
class Blend:
    """Weighted mean of the log-odds of several candidates fitted on the same rows; the weights sum to 1."""

    parts: list[FoldModel]
    weights: list[float]

    def log_odds(self, matrix: np.ndarray) -> np.ndarray:
        return weighted_mean([part.log_odds(matrix) for part in self.parts], self.weights)

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        return weighted_mean([part.contributions(matrix) for part in self.parts], self.weights)

    @property
    def tree_count(self) -> int:
        return sum(part.candidate.tree_count for part in self.parts)

    def to_text(self) -> str:
        return json.dumps({"parts": [part.to_text() for part in self.parts], "weights": self.weights})

    @classmethod
    def from_text(cls, text: str) -> "Blend":
        body = json.loads(text)
        if isinstance(body, list):
            # stored before blends had weights
            body = {"parts": body, "weights": [1 / len(body)] * len(body)}
        return cls([FoldModel.from_text(part) for part in body["parts"]], body["weights"])


def weighted_mean(values: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    """Return the sum of weight times value.

    >>> weighted_mean([np.array([1.0]), np.array([3.0])], [0.25, 0.75])
    array([2.5])
    """
    return np.asarray(sum(weight * value for value, weight in zip(values, weights, strict=True)))


@dataclass(frozen=True)
class CrossFit:
    """One candidate, fitted once per fold; `log_odds` are out of fold.

    `blended` holds the parts of a blend, and `weights` their weights.
    """

    algorithm: str
    imbalance: str
    settings: Settings
    models: list[FoldModel]
    log_odds: np.ndarray
    seconds: float
    blended: tuple["CrossFit", ...] = ()
    weights: tuple[float, ...] = (1.0,)
    label: str | None = None

    @property
    def name(self) -> str:
        """The name under which it competes."""
        return self.label or self.algorithm

    @property
    def probability(self) -> np.ndarray:
        """Out-of-fold probability of each row, not calibrated."""
        return np.asarray(expit(self.log_odds))

    def calibrated(self, training: "TrainingSet") -> np.ndarray:
        """Out-of-fold probability of each row, on one logistic curve of all: no ranks change.

        The champion is calibrated, so a loss must not hold a bad scale against a candidate.
        """
        curve = Calibrator.fit(self.log_odds, training.label, weight=training.weight)
        return curve.probability(self.log_odds)

    def renamed(self, label: str, seconds: float) -> "CrossFit":
        """Return the same cross-fit under another name, with the time that the search took."""
        return replace(self, label=label, seconds=seconds)

    @property
    def parts(self) -> tuple["CrossFit", ...]:
        """The cross-fits of a blend; for any other candidate the candidate itself."""
        return self.blended or (self,)


def presets(algorithm: str, training: TrainingSet) -> list[Settings]:
    """Return the algorithm's settings to try for this number of rows, conversions and columns."""
    columns = len(training.kept[0]) if training.kept else len(training.design.columns)
    size = Size(len(training.label), int(training.label.sum()), columns)
    return ALGORITHMS[algorithm].presets(size)


def fit_rows(
    algorithm: str,
    training: TrainingSet,
    rows: np.ndarray,
    positions: list[int] | None,
    imbalance: str,
    settings: Settings,
    rounds: int,
) -> FoldModel:
    """Fit on some rows, resampled as `imbalance` names it."""
    sample = resample(training.sample(rows, positions), imbalance)
    candidate = ALGORITHMS[algorithm].fit(sample, settings, rounds)
    # p = q b / (q b + 1 - q), q the probability in the sample, b the kept share (King and Zeng 2001)
    offset = float(np.log(training.kept_share) - np.log(sample.odds_factor))
    return FoldModel(algorithm, candidate, positions, offset)


def best_iteration(
    algorithm: str,
    training: TrainingSet,
    rows: np.ndarray,
    stopping: np.ndarray,
    positions: list[int] | None,
    imbalance: str,
    settings: Settings,
) -> int:
    """Return the number of trees with the best loss on `stopping` for a model of `rows`.

    0 for an algorithm without early stopping. The loss is computed on the odds of the sample: both sets hold
    the same share of the non-conversions, and conversions count for as much as resampling raised the odds.
    """
    find = ALGORITHMS[algorithm].rounds
    if find is None:
        return 0
    sample = resample(training.sample(rows, positions), imbalance)
    judging = training.sample(stopping, positions)
    weight = np.where(judging.label == 1, sample.odds_factor, 1.0)
    return find(sample, replace(judging, weight=weight), settings)


def fit_fold(
    algorithm: str,
    training: TrainingSet,
    held_out: int,
    imbalance: str,
    settings: Settings,
    rounds: int | None = None,
) -> FoldModel:
    """Fit on all folds but `held_out`.

    Without `rounds` the number of trees is found on the next fold, so that it does not depend on the held-out
    rows.
    """
    fitted = training.folds != held_out
    stopping = training.folds == (held_out + 1) % FOLDS
    positions = training.kept[held_out] if training.kept else None
    if rounds is None:
        rounds = best_iteration(
            algorithm, training, fitted & ~stopping, stopping, positions, imbalance, settings
        )
    return fit_rows(algorithm, training, fitted, positions, imbalance, settings, rounds)


def cross_fit(
    algorithm: str,
    training: TrainingSet,
    imbalance: str = "none",
    settings: Settings | None = None,
    rounds: list[int] | None = None,
) -> CrossFit:
    """Fit once per fold and predict each row with the model that never saw its customer.

    `rounds` gives the number of trees of each fold; without, it is found.
    """
    start = time.perf_counter()
    settings = settings or presets(algorithm, training)[0]
    models, log_odds = [], np.empty(len(training.label))
    for fold in range(FOLDS):
        model = fit_fold(algorithm, training, fold, imbalance, settings, rounds[fold] if rounds else None)
        rows = training.folds == fold
        log_odds[rows] = model.log_odds(training.matrix[rows])
        models.append(model)
    return CrossFit(algorithm, imbalance, settings, models, log_odds, time.perf_counter() - start)


def blend(fits: Sequence[CrossFit], weights: Sequence[float]) -> CrossFit:
    """Average several cross-fits, fold by fold; the weights sum to 1."""
    described = [
        {"algorithm": fit.name, "imbalance": fit.imbalance, "settings": fit.settings, "weight": weight}
        for fit, weight in zip(fits, weights, strict=True)
    ]
    return CrossFit(
        algorithm=BLEND,
        imbalance=" + ".join(dict.fromkeys(fit.imbalance for fit in fits)),
        settings={"parts": described},
        models=[
            FoldModel(BLEND, Blend(list(parts), list(weights)))
            for parts in zip(*(fit.models for fit in fits), strict=True)
        ],
        log_odds=weighted_mean([fit.log_odds for fit in fits], weights),
        seconds=sum(fit.seconds for fit in fits),
        blended=tuple(fits),
        weights=tuple(weights),
    )


def refit(fit: CrossFit, training: TrainingSet, keep_rounds: bool = False) -> CrossFit:
    """Cross-fit the same candidate on other rows or columns.

    With `keep_rounds` each fold has as many trees as before: the search for their number takes most of the
    time.
    """
    parts = [
        cross_fit(
            part.algorithm,
            training,
            part.imbalance,
            part.settings,
            [model.candidate.tree_count for model in part.models] if keep_rounds else None,
        )
        for part in fit.parts
    ]
    return blend(parts, fit.weights) if fit.blended else parts[0]
