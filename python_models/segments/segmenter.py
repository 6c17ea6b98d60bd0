"""A fitted segmenter: stored as a row, applied in SQL."""

import json
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from python_models.common.sql import balanced_sum, column_names, double_literal, select_aliased, weighted_sum
from python_models.segments.map import SegmentMap
from python_models.segments.space import Dimension, FeatureSpace

SEGMENTER_ROW = pa.schema(
    [
        ("campaign", pa.string()),
        ("segmenter_version", pa.string()),
        ("trained_at", pa.timestamp("us")),
        ("customer_rows", pa.int64()),
        ("fitted_rows", pa.int64()),
        ("sample_agreement", pa.float64()),
        ("lookalike_roc_auc", pa.float64()),
        ("fingerprint", pa.string()),
        ("refused_reason", pa.string()),
        ("chosen_because", pa.string()),
        ("declaration", pa.string()),
        ("model_body", pa.string()),
        (
            "choices",
            pa.list_(
                pa.struct(
                    [
                        ("segment_count", pa.int64()),
                        ("inertia", pa.float64()),
                        ("silhouette", pa.float64()),
                        ("davies_bouldin", pa.float64()),
                        ("stability", pa.float64()),
                        ("smallest_share", pa.float64()),
                        ("overlap", pa.float64()),
                        ("is_chosen", pa.bool_()),
                    ]
                )
            ),
        ),
        (
            "steps",
            pa.list_(
                pa.struct(
                    [
                        ("feature", pa.string()),
                        ("weight", pa.float64()),
                        ("action", pa.string()),
                        ("measured", pa.float64()),
                        ("detail", pa.string()),
                    ]
                )
            ),
        ),
        (
            "profiles",
            pa.list_(
                pa.struct(
                    [
                        ("segment_id", pa.int64()),
                        ("segment_name", pa.string()),
                        ("feature", pa.string()),
                        ("segment_mean", pa.float64()),
                        ("overall_mean", pa.float64()),
                        ("standardised_difference", pa.float64()),
                        ("top_category", pa.string()),
                    ]
                )
            ),
        ),
    ]
)
MEMBER_ROW = pa.schema(
    [
        ("campaign", pa.string()),
        ("entity_id", pa.string()),
        ("is_customer", pa.bool_()),
        ("segment_id", pa.int64()),
        ("segment_distance", pa.float64()),
        ("segment_confidence", pa.float64()),
        ("lookalike_probability", pa.float64()),
        ("segmenter_version", pa.string()),
    ]
)


@dataclass(frozen=True)
class Lookalike:
    """Logistic regression on the space's dimensions: log-odds that a row is a customer."""

    coefficients: list[float]
    intercept: float


@dataclass(frozen=True)
class Segmenter:
    """A fitted segmentation: feature space, centroids, and their ids and names."""

    space: FeatureSpace
    centroids: list[list[float]]
    # root mean square distance of the fitted customers to their centroid
    radii: list[float]
    segment_ids: list[int]
    names: dict[int, str]
    # ids are never reused
    last_segment_id: int
    lookalike: Lookalike | None
    # segmenters of an earlier revision have none
    map: SegmentMap | None = None

    def to_json(self) -> str:
        """Return the `model_body` of the segmenter's row."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, body: str) -> "Segmenter":
        """Read a segmenter from the `model_body` of a row."""
        read = json.loads(body)
        space = read.pop("space")
        lookalike = read.pop("lookalike")
        segment_map = read.pop("map", None)
        names = {int(segment_id): name for segment_id, name in read.pop("names").items()}
        return cls(
            space=FeatureSpace([Dimension(**axis) for axis in space["axes"]], space["loadings"]),
            lookalike=Lookalike(**lookalike) if lookalike else None,
            map=SegmentMap(**segment_map) if segment_map else None,
            names=names,
            **read,
        )

    @property
    def columns(self) -> set[str]:
        """Columns that a row needs to be assigned."""
        return {axis.column for axis in self.space.axes}

    def assign(self, rows: Any, keys: str) -> Any:
        """Return `keys` and each row's segment, computed as plain sums in one SQL statement.

        The squared distance to a centroid is |x|^2 - 2 x c + |c|^2; only the last two terms are compared.

        Parameters
        ----------
        rows : DuckDB relation
            One row per customer.
        keys : str
            Select list that gives entity_id and is_customer.

        Returns
        -------
        DuckDB relation
            entity_id, is_customer; segment_id; segment_distance (Euclidean, in the space's units);
            segment_confidence (1 - nearest / second nearest distance); lookalike_probability.
        """
        names = "entity_id, is_customer, "
        points = column_names("p", len(self.centroids[0]))
        norm = balanced_sum([f"{point} * {point}" for point in points])
        columns = column_names("c", len(self.centroids))
        position = " ".join(f"when {column} = nearest then {index}" for index, column in enumerate(columns))
        others = ", ".join(
            f"case when position = {index} then 'infinity' else {column} end"
            for index, column in enumerate(columns)
        )
        ids = " ".join(f"when {index} then {segment_id}" for index, segment_id in enumerate(self.segment_ids))
        point = select_aliased("p", self.space.point_sql)
        distances = select_aliased("c", self._distance_sql(points))
        return (
            self.space.to_sql(rows, f"{keys}, ")
            .project(f"{names} {self._lookalike_sql} as lookalike_probability, {point}")
            .project(f"{names} lookalike_probability, {norm} as norm, {distances}")
            .project(f"*, least({', '.join(columns)}) as nearest")
            .project(f"*, case {position} end as position")
            .project(
                f"{names} cast(case position {ids} end as bigint) as segment_id, "
                "sqrt(greatest(norm + nearest, 0)) as segment_distance, lookalike_probability, "
                f"sqrt(greatest(norm + least({others}), 0)) as second_distance"
            )
            .project(
                f"{names} segment_id, segment_distance, "
                "1 - segment_distance / greatest(second_distance, 1e-12) as segment_confidence, "
                "lookalike_probability"
            )
        )

    @property
    def _lookalike_sql(self) -> str:
        """The probability that a row is a customer, as an expression of the space's dimensions."""
        if self.lookalike is None:
            return "cast(null as double)"
        values = column_names("a", len(self.space.axes))
        log_odds = weighted_sum(self.lookalike.coefficients, values)
        return f"1 / (1 + exp(-({log_odds} + {double_literal(self.lookalike.intercept)})))"

    def _distance_sql(self, points: list[str]) -> list[str]:
        """Return SQL of the squared distance to each centroid, less the squared norm of the point."""
        return [
            f"{weighted_sum([-2 * value for value in centroid], points)}"
            f" + {double_literal(sum(value * value for value in centroid))}"
            for centroid in self.centroids
        ]
