"""Groups customers by KMeans: fit once, name each segment by what sets it apart, assign everybody."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import sklearn
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, davies_bouldin_score, silhouette_score

from python_models.campaign import Campaign, DeclarationError, Segmentation, read_campaign
from python_models.candidates import SEED
from python_models.frames import content_hash, quoted, read_rows
from python_models.registry import newest_fingerprint, retrains

RECIPE = 1
FITTED_ROWS = 20_000
SILHOUETTE_ROWS = 5_000
RESAMPLES = 8
# A segmentation qualifies with segments of at least this share that resamples find again.
SMALLEST_SHARE = 0.03
LEAST_STABILITY = 0.75
# Fewer customers than this per segment allowed say nothing about groups.
LEAST_ROWS_PER_SEGMENT = 30

SEGMENTER_ROW = pa.schema(
    [
        ("campaign", pa.string()),
        ("segmenter_version", pa.string()),
        ("trained_at", pa.timestamp("us")),
        ("fitted_rows", pa.int64()),
        ("fingerprint", pa.string()),
        ("refused_reason", pa.string()),
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
                        ("is_chosen", pa.bool_()),
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
        ("segment_id", pa.int64()),
        ("segment_distance", pa.float64()),
        ("segment_confidence", pa.float64()),
        ("segmenter_version", pa.string()),
    ]
)


@dataclass(frozen=True)
class Scaling:
    """How the declared columns become comparable numbers.

    A number: log1p where `is_log`, median where missing, then (x - mean) / deviation. A text column: one
    0/1 column per category, unscaled, which weighs about as much as one number; missing is `unknown`.
    """

    numbers: dict[str, dict[str, float]]
    categories: dict[str, list[str]]

    @classmethod
    def fit(cls, frame: pd.DataFrame, texts: list[str]) -> "Scaling":
        numbers, categories = {}, {}
        for name in frame.columns:
            if name in texts:
                categories[name] = sorted(frame[name].fillna("unknown").unique().tolist())
                continue
            values = frame[name].astype("Float64").to_numpy(np.float64, na_value=np.nan)
            known = values[~np.isnan(values)]
            is_log = bool(len(known) > 2 and known.min() >= 0 and pd.Series(known).skew() > 1)
            known = np.log1p(known) if is_log else known
            numbers[name] = {
                "is_log": is_log,
                "median": float(np.median(known)) if len(known) else 0.0,
                "mean": float(known.mean()) if len(known) else 0.0,
                "deviation": float(known.std()) or 1.0 if len(known) else 1.0,
            }
        return cls(numbers, categories)

    def matrix(self, frame: pd.DataFrame) -> np.ndarray:
        """Rows x (numbers, then categories one by one), scaled."""
        columns = []
        for name, scale in self.numbers.items():
            values = frame[name].astype("Float64").to_numpy(np.float64, na_value=np.nan)
            values = np.log1p(np.maximum(values, 0)) if scale["is_log"] else values
            values = np.where(np.isnan(values), scale["median"], values)
            columns.append((values - scale["mean"]) / scale["deviation"])
        for name, levels in self.categories.items():
            values = frame[name].fillna("unknown")
            columns += [(values == level).to_numpy(np.float64) for level in levels]
        return np.column_stack(columns)


def fit_segments(mart: Any, meta: dict[str, Any], known: Any | None = None) -> pa.Table:
    """Fit a campaign's segments.

    Parameters
    ----------
    mart : DuckDB relation
        One row per customer, with the declared columns.
    meta : dict
        The declaration.
    known : DuckDB relation, optional
        Segmenter rows of earlier fits.

    Returns
    -------
    pyarrow.Table
        One segmenter row (`SEGMENTER_ROW`): centroids, the measures of every number of segments tried,
        the profile of each segment. None where customers and declaration are those of the last fit.
    """
    campaign, segmentation = declared(meta)
    frame, texts = customer_rows(mart, campaign, segmentation)
    fingerprint = fingerprint_of(frame, campaign.campaign, segmentation)
    if known is not None and not retrains(meta) and newest_fingerprint(known) == fingerprint:
        return SEGMENTER_ROW.empty_table()

    row: dict[str, Any] = {
        "campaign": campaign.campaign,
        "segmenter_version": fingerprint[:12],
        "trained_at": datetime.now(UTC).replace(tzinfo=None),
        "fitted_rows": len(frame),
        "fingerprint": fingerprint,
        "choices": [],
        "profiles": [],
    }
    least = LEAST_ROWS_PER_SEGMENT * segmentation.max
    if len(frame) < least:
        row["refused_reason"] = (
            f"Only {len(frame)} customers; at least {least} are needed for up to "
            f"{segmentation.max} segments (segments.max)."
        )
    else:
        row |= fit_best(frame, texts, segmentation)
    return pa.Table.from_pylist([row], schema=SEGMENTER_ROW)


def segment(mart: Any, segmenters: Any, meta: dict[str, Any]) -> pa.Table:
    """Assign every customer of the mart to the nearest centroid of the newest segmenter.

    Returns
    -------
    pyarrow.Table
        One row per customer (`MEMBER_ROW`). Distance is Euclidean in scaled units; confidence is
        1 - nearest / second nearest distance, 0 on the border between two segments and 1 at a centroid.
    """
    campaign, segmentation = declared(meta)
    version, body = (
        segmenters.order("trained_at desc").project("segmenter_version, model_body").limit(1).fetchall()[0]
    )
    if body is None:
        return MEMBER_ROW.empty_table()
    read = json.loads(body)
    frame, _ = customer_rows(mart, campaign, segmentation)
    matrix = Scaling(**read["scaling"]).matrix(frame)
    distances = distances_to(matrix, np.array(read["centroids"]))
    nearest = np.sort(distances, axis=1)
    return pa.table(
        {
            "campaign": [campaign.campaign] * len(frame),
            "entity_id": frame[segmentation.entity].astype(str),
            "segment_id": distances.argmin(axis=1) + 1,
            "segment_distance": nearest[:, 0],
            "segment_confidence": 1 - nearest[:, 0] / np.maximum(nearest[:, 1], 1e-12),
            "segmenter_version": [version] * len(frame),
        },
        schema=MEMBER_ROW,
    )


def declared(meta: dict[str, Any]) -> tuple[Campaign, Segmentation]:
    """The declaration and its segments, which must be there."""
    campaign = read_campaign(meta)
    if campaign.segments is None:
        raise DeclarationError(
            f"campaign '{campaign.campaign}': key 'segments' is missing; declare entity and columns."
        )
    return campaign, campaign.segments


def customer_rows(
    mart: Any, campaign: Campaign, segmentation: Segmentation
) -> tuple[pd.DataFrame, list[str]]:
    """Key and declared columns of every customer, ordered by key; and which columns are text."""
    for name in [segmentation.entity, *segmentation.columns]:
        if name not in mart.columns:
            raise DeclarationError(
                f"campaign '{campaign.campaign}', key 'segments': the mart has no column '{name}'; "
                f"it has {', '.join(sorted(mart.columns))}."
            )
    wanted = mart.project(", ".join(quoted(name) for name in segmentation.columns))
    texts = [
        name for name, kind in zip(wanted.columns, map(str, wanted.types), strict=True) if kind == "VARCHAR"
    ]
    frame = read_rows(mart, [segmentation.entity, *segmentation.columns], segmentation.entity)
    return frame, texts


def fit_best(frame: pd.DataFrame, texts: list[str], segmentation: Segmentation) -> dict[str, Any]:
    """Fit every number of segments in the declared range and keep the one that the rule chooses."""
    described = frame[list(segmentation.columns)]
    scaling = Scaling.fit(described, texts)
    matrix = scaling.matrix(described)
    sample = evenly(matrix, FITTED_ROWS)
    fits, choices = {}, []
    for count in range(segmentation.min, segmentation.max + 1):
        fits[count] = KMeans(count, n_init=10, random_state=SEED).fit(sample)
        choices.append(measure(sample, fits[count]))
    chosen = choose(choices)
    for choice in choices:
        choice["is_chosen"] = choice["segment_count"] == chosen
    centroids = fits[chosen].cluster_centers_
    members = distances_to(matrix, centroids).argmin(axis=1)
    by_size = np.argsort(-np.bincount(members, minlength=chosen), kind="stable")
    centroids = centroids[by_size]
    members = distances_to(matrix, centroids).argmin(axis=1)
    return {
        "model_body": json.dumps({"scaling": asdict(scaling), "centroids": centroids.tolist()}),
        "choices": choices,
        "profiles": profiles(described, texts, members, segmentation),
    }


def measure(sample: np.ndarray, fit: KMeans) -> dict[str, Any]:
    """Inertia, silhouette, Davies-Bouldin, stability and smallest share of one fit.

    Stability is the mean adjusted Rand index between this fit and fits on bootstrap resamples, compared on
    all rows of the sample (Ben-Hur, Elisseeff, Guyon 2002).
    """
    generator = np.random.default_rng(SEED)
    agreements = []
    for _ in range(RESAMPLES):
        rows = generator.integers(0, len(sample), min(len(sample), SILHOUETTE_ROWS))
        again = KMeans(fit.n_clusters, n_init=3, random_state=SEED).fit(sample[rows])
        agreements.append(adjusted_rand_score(fit.labels_, again.predict(sample)))
    return {
        "segment_count": fit.n_clusters,
        "inertia": float(fit.inertia_),
        "silhouette": float(
            silhouette_score(evenly(sample, SILHOUETTE_ROWS), evenly(fit.labels_, SILHOUETTE_ROWS))
        ),
        "davies_bouldin": float(davies_bouldin_score(sample, fit.labels_)),
        "stability": float(np.mean(agreements)),
        "smallest_share": float(np.bincount(fit.labels_).min() / len(sample)),
    }


def choose(choices: list[dict[str, Any]]) -> int:
    """Best silhouette among those stable and without tiny segments; where none is, the most stable."""
    qualified = [
        choice
        for choice in choices
        if choice["stability"] >= LEAST_STABILITY and choice["smallest_share"] >= SMALLEST_SHARE
    ]
    if qualified:
        return max(qualified, key=lambda choice: choice["silhouette"])["segment_count"]
    return max(choices, key=lambda choice: choice["stability"])["segment_count"]


def evenly(rows: np.ndarray, count: int) -> np.ndarray:
    """At most `count` rows, evenly spaced in key order."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, count).astype(int))]


def distances_to(matrix: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """Euclidean distance of each row to each centroid."""
    return np.sqrt(((matrix[:, None, :] - centroids[None, :, :]) ** 2).sum(axis=2))


def profiles(
    frame: pd.DataFrame, texts: list[str], members: np.ndarray, segmentation: Segmentation
) -> list[dict[str, Any]]:
    """Mean (or most over-represented category) of each feature in each segment, against everybody.

    The standardised difference is (segment mean - overall mean) / overall standard deviation; for a category,
    the same of its 0/1 column.
    """
    rows = []
    for number in range(members.max() + 1):
        inside = members == number
        for name in frame.columns:
            if name in texts:
                shares = pd.get_dummies(frame[name].fillna("unknown"), dtype=float)
            else:
                shares = frame[[name]].astype("Float64").astype(float)
            overall, here = shares.mean(), shares[inside].mean()
            deviation = shares.std(ddof=0).replace(0, 1)
            difference = (here - overall) / deviation
            top = difference.idxmax() if name in texts else name
            rows.append(
                {
                    "segment_id": number + 1,
                    "feature": name,
                    "segment_mean": float(here[top]),
                    "overall_mean": float(overall[top]),
                    "standardised_difference": float(difference[top]),
                    "top_category": str(top) if name in texts else None,
                }
            )
    names = name_segments(rows, segmentation)
    return [row | {"segment_name": names[row["segment_id"]]} for row in rows]


def name_segments(rows: list[dict[str, Any]], segmentation: Segmentation) -> dict[int, str]:
    """A unique name per segment: the words of the features that set it apart most, as many as it takes."""
    names: dict[int, str] = {}
    for number in sorted({row["segment_id"] for row in rows}):
        mine = [row for row in rows if row["segment_id"] == number]
        mine.sort(key=lambda row: (-abs(row["standardised_difference"]), row["feature"]))
        words = [word(row, segmentation) for row in mine]
        for length in range(min(2, len(words)), len(words) + 1):
            name = ", ".join(words[:length])
            if name not in names.values():
                break
        else:
            name = f"{name} ({number})"
        names[number] = name
    return names


def word(row: dict[str, Any], segmentation: Segmentation) -> str:
    """What a marketer calls a feature that is high or low, in the declaration's words."""
    words = segmentation.columns[row["feature"]]
    if row["top_category"] is not None:
        return (words[0] if words else "{}").format(row["top_category"])
    low, high = words
    return high if row["standardised_difference"] > 0 else low


def fingerprint_of(frame: pd.DataFrame, campaign: str, segmentation: Segmentation) -> str:
    """Hash of all that decides the segments: customers, declaration, way of fitting, library version."""
    parts = [
        content_hash(frame),
        campaign,
        json.dumps(asdict(segmentation), sort_keys=True),
        f"recipe {RECIPE}, scikit-learn {sklearn.__version__}",
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
