"""A compiled kernel for LightGBM's trees where numba is installed; otherwise LightGBM evaluates them.

One small kernel, compiled once per process, reads the trees as arrays (QuickScorer, Lucchese et al. 2015). A
tree is a word with a bit per leaf; a split that sends a row to the right clears the bits of the leaves on its
left; the lowest remaining bit is the row's leaf. Splits are evaluated in a fixed order over a block of rows
without a branch, so the compiler can vectorise them. Leaves are summed in LightGBM's order: the result equals
LightGBM's to the last bit.
"""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from python_models.conversion.algorithms.base import Candidate
from python_models.conversion.algorithms.lightgbm import LightGBM, RandomForest
from python_models.conversion.fitted import FittedModel
from python_models.conversion.fitting import Blend, FoldModel

# Rows that go through all trees together, so that their columns stay in the cache.
BLOCK_ROWS = 512
MAX_LEAVES = 64
# Types of split: where a missing number goes, or a set of categories.
_MISSING_LEFT, _MISSING_RIGHT, _CATEGORIES = 0, 1, 2
# A multiple of these by one bit has another number of its bit in its highest bits (de Bruijn).
_DE_BRUIJN = {32: 0x077CB531, 64: 0x03F79D71B4CB0A89}


class NotCompilable(ValueError):  # noqa: N818 - nothing is wrong with such a model
    """Trees that the kernel cannot evaluate but LightGBM can."""


def is_available() -> bool:
    """Return whether numba is installed."""
    return importlib.util.find_spec("numba") is not None


@dataclass(frozen=True)
class Trees:
    """Trees as arrays; `splits_end` and `leaf_values` have one row per tree, the others one per split.

    `keeps` is the word of the leaves that remain where a row goes to the right. `lowered` holds the
    thresholds rounded down to 32 bits: a 32-bit number above that is above the threshold, and vice versa.
    """

    splits_end: np.ndarray
    feature: np.ndarray
    kind: np.ndarray
    threshold: np.ndarray
    lowered: np.ndarray
    keeps: np.ndarray
    categories_start: np.ndarray
    categories_count: np.ndarray
    is_in_set: np.ndarray
    leaf_values: np.ndarray
    features: np.ndarray

    @classmethod
    def of(cls, text: str) -> "Trees":
        """Read LightGBM's model text.

        Raises
        ------
        NotCompilable
            Where a tree has more than 64 leaves, linear leaves, or takes zero for missing.
        """
        blocks = [_fields(block) for block in text.split("\nTree=")[1:]]
        most = max((int(block["num_leaves"]) for block in blocks), default=1)
        if most > MAX_LEAVES:
            raise NotCompilable(f"a tree has {most} leaves")
        word = np.uint32 if most <= 32 else np.uint64
        splits: list[tuple[int, int, float, int, np.ndarray]] = []
        ends, leaf_values = [], np.zeros((len(blocks), np.iinfo(word).bits))
        for number, block in enumerate(blocks):
            if block.get("is_linear", "0") != "0":
                raise NotCompilable("leaves are linear")
            order = _add_splits(block, splits, int(np.iinfo(word).max))
            leaf_values[number, : len(order)] = _numbers(block, "leaf_value", np.float64)[order]
            ends.append(len(splits))
        sizes = [len(in_set) for *_, in_set in splits]
        feature = np.array([split[0] for split in splits], np.int64)
        threshold = np.array([split[2] for split in splits], np.float64)
        return cls(
            splits_end=np.array(ends, np.int64),
            feature=feature,
            kind=np.array([split[1] for split in splits], np.int64),
            threshold=threshold,
            lowered=_lowered(threshold),
            keeps=np.array([split[3] for split in splits], word),
            categories_start=np.cumsum([0, *sizes], dtype=np.int64)[:-1],
            categories_count=np.array(sizes, np.int64),
            is_in_set=np.concatenate([np.zeros(1, np.bool_), *(in_set for *_, in_set in splits)])[1:],
            leaf_values=leaf_values,
            features=np.unique(feature),
        )

    def sums(self, matrix: np.ndarray) -> np.ndarray:
        """Return the sum of all trees for each row of a float64 matrix."""
        bits = self.keeps.dtype.type(0).nbytes * 8
        factor = _DE_BRUIJN[bits]
        leaf_of = np.zeros(bits, np.uint64)
        for leaf in range(bits):
            leaf_of[((factor << leaf) & (2**bits - 1)) >> (bits - bits.bit_length() + 1)] = leaf
        out = np.empty(len(matrix))
        _kernel()(
            matrix,
            *vars(self).values(),
            np.array([2**bits - 1, 1, factor, bits - bits.bit_length() + 1], self.keeps.dtype),
            leaf_of,
            BLOCK_ROWS,
            out,
        )
        return out


def _fields(block: str) -> dict[str, str]:
    lines = block.partition("\n\n")[0].splitlines()[1:]
    return dict(line.split("=", 1) for line in lines)


def _numbers(block: dict[str, str], name: str, kind: type) -> np.ndarray:
    return np.array(block.get(name, "").split(), dtype=kind)


def _add_splits(
    block: dict[str, str], splits: list[tuple[int, int, float, int, np.ndarray]], full: int
) -> list[int]:
    """Add a tree's splits; return its leaves from left to right."""
    feature, decision = _numbers(block, "split_feature", np.int64), _numbers(block, "decision_type", np.int64)
    threshold = _numbers(block, "threshold", np.float64)
    left, right = _numbers(block, "left_child", np.int64), _numbers(block, "right_child", np.int64)
    bounds, words = _numbers(block, "cat_boundaries", np.int64), _numbers(block, "cat_threshold", np.uint32)
    order: list[int] = []

    def leaves_below(node: int) -> int:
        if node < 0:
            order.append(~node)
            return 1 << (len(order) - 1)
        on_the_left = leaves_below(int(left[node]))
        kind, in_set = _kind(int(decision[node]), float(threshold[node])), np.zeros(0, np.bool_)
        if kind == _CATEGORIES:
            own = slice(*bounds[int(threshold[node]) :][:2])
            in_set = np.unpackbits(words[own].astype("<u4").view(np.uint8), bitorder="little").astype(bool)
        splits.append((int(feature[node]), kind, float(threshold[node]), full ^ on_the_left, in_set))
        return on_the_left | leaves_below(int(right[node]))

    leaves_below(0 if len(feature) else -1)
    return order


def _kind(decision: int, threshold: float) -> int:
    """Return the type of a split from LightGBM's bits: categories or not, where missing values go."""
    if decision & 1:
        return _CATEGORIES
    missing = (decision >> 2) & 3
    if missing == 1:
        raise NotCompilable("zero counts as missing")
    # without missing values in training, LightGBM reads a missing value as zero
    is_left = bool(decision & 2) if missing else threshold >= 0
    return _MISSING_LEFT if is_left else _MISSING_RIGHT


def _lowered(threshold: np.ndarray) -> np.ndarray:
    """Round thresholds down to 32 bits."""
    with np.errstate(over="ignore"):
        near = threshold.astype(np.float32)
    return np.where(near > threshold, np.nextafter(near, np.float32(-np.inf)), near)


def _sum_trees(
    matrix: np.ndarray,
    splits_end: np.ndarray,
    feature: np.ndarray,
    kind: np.ndarray,
    threshold: np.ndarray,
    lowered: np.ndarray,
    keeps: np.ndarray,
    categories_start: np.ndarray,
    categories_count: np.ndarray,
    is_in_set: np.ndarray,
    leaf_values: np.ndarray,
    features: np.ndarray,
    constants: np.ndarray,
    leaf_of: np.ndarray,
    block: int,
    out: np.ndarray,
) -> None:
    """Sum the trees of each row. Words overflow on purpose, and only when stored in `alive`."""
    rows = matrix.shape[0]
    alive = np.empty(block, keeps.dtype)
    full, one, factor, shift = constants[0], constants[1], constants[2], constants[3]
    wide = np.zeros((matrix.shape[1], block))
    narrow = np.zeros((matrix.shape[1], block), np.float32)
    is_narrow = np.zeros(matrix.shape[1], np.bool_)
    total = np.empty(block)
    for start in range(0, rows, block):
        count = min(block, rows - start)
        for column in features:
            same = 0
            for row in range(count):
                value = matrix[start + row, column]
                short = np.float32(value)
                wide[column, row] = value
                narrow[column, row] = short
                same += (np.float64(short) == value) | (value != value)
            is_narrow[column] = same == count
        total[:] = 0.0
        begin = 0
        for tree in range(splits_end.shape[0]):
            alive[:] = full
            for split in range(begin, splits_end[tree]):
                column, kept = feature[split], keeps[split]
                if kind[split] == 2:
                    first, size = categories_start[split], categories_count[split]
                    values = wide[column]
                    for row in range(block):
                        value = values[row]
                        is_left = False
                        if value > -1.0 and value < size:
                            is_left = is_in_set[first + np.int64(value)]
                        if not is_left:
                            alive[row] &= kept
                elif is_narrow[column]:
                    shorts, low = narrow[column], lowered[split]
                    if kind[split] == 0:
                        for row in range(block):
                            alive[row] &= kept if shorts[row] > low else full
                    else:
                        for row in range(block):
                            alive[row] &= full if shorts[row] <= low else kept
                else:
                    values, limit = wide[column], threshold[split]
                    if kind[split] == 0:
                        for row in range(block):
                            alive[row] &= kept if values[row] > limit else full
                    else:
                        for row in range(block):
                            alive[row] &= full if values[row] <= limit else kept
            begin = splits_end[tree]
            for row in range(block):
                alive[row] &= ~alive[row] + one
            for row in range(block):
                alive[row] *= factor
            values = leaf_values[tree]
            for row in range(block):
                total[row] += values[leaf_of[alive[row] >> shift]]
        for row in range(count):
            out[start + row] = total[row]


@cache
def _kernel() -> Callable[..., None]:
    """Compile the kernel in this process; numba's cache on disk would be unpickled, so it is not used."""
    import numba

    return numba.njit(nogil=True)(_sum_trees)


@dataclass(frozen=True)
class CompiledTrees:
    """A LightGBM candidate whose log-odds come from the kernel."""

    original: LightGBM
    trees: Trees

    def log_odds(self, matrix: np.ndarray) -> np.ndarray:
        sums = self.trees.sums(matrix)
        is_mean = isinstance(self.original, RandomForest)
        return sums / len(self.trees.splits_end) if is_mean else sums

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        return self.original.contributions(matrix)

    @property
    def tree_count(self) -> int:
        return self.original.tree_count

    def to_text(self) -> str:
        return self.original.to_text()


def compiled(model: FittedModel) -> FittedModel:
    """Return the model with compiled trees where numba is installed and the kernel can evaluate them."""
    return replace(model, models=[_compiled_fold(fold) for fold in model.models])


def is_compiled(model: FittedModel) -> bool:
    """Return whether all of a model's trees are compiled."""
    return all(_is_compiled(fold.candidate) for fold in model.models)


def _compiled_fold(fold: FoldModel) -> FoldModel:
    return replace(fold, candidate=_compiled_candidate(fold.candidate))


def _compiled_candidate(candidate: Candidate) -> Candidate:
    if isinstance(candidate, Blend):
        return Blend([_compiled_fold(part) for part in candidate.parts], candidate.weights)
    if not isinstance(candidate, LightGBM) or not is_available():
        return candidate
    try:
        return CompiledTrees(candidate, Trees.of(candidate.to_text()))
    except NotCompilable:
        return candidate


def _is_compiled(candidate: Candidate) -> bool:
    if isinstance(candidate, Blend):
        return all(_is_compiled(part.candidate) for part in candidate.parts)
    return isinstance(candidate, CompiledTrees)
