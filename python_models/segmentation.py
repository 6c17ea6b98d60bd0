"""Groups customers by KMeans: fitted on a sample, matched to the segments before, assigned in SQL."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import sklearn
from duckdb import __version__ as duckdb_version
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    adjusted_rand_score,
    davies_bouldin_score,
    pairwise_distances_argmin,
    roc_auc_score,
    silhouette_score,
)
from sklearn.model_selection import cross_val_predict
from threadpoolctl import threadpool_limits

from python_models.campaign import Campaign, DeclarationError, Segmentation, read_campaign
from python_models.frames import SEED, is_text, quoted
from python_models.registry import newest_fingerprint, retrains
from python_models.segment_map import SegmentMap, align, draw_map, meanings
from python_models.segment_names import likeness, name_segments, profiles
from python_models.segment_space import Axis, Space, fit_space, literal, named, names_of, total, weighted_sum

RECIPE = 4
# Customers that segments are fitted on: more only where the two halves of so many disagree.
SAMPLE_SIZES = (20_000, 100_000)
LEAST_AGREEMENT = 0.98
SILHOUETTE_ROWS = 5_000
RESAMPLES = 8
RESTARTS = 10
LOOKALIKE_ROWS = 5_000
# Inverse of the ridge penalty: strong, because columns may be hundreds and say much the same.
LOOKALIKE_C = 0.01
# A segmentation qualifies with segments of at least this share that resamples find again.
SMALLEST_SHARE = 0.03
LEAST_STABILITY = 0.9
# Of those that qualify, the most segments whose silhouette is at least this share of the best one's.
NEARLY_THE_BEST = 0.9
# Fewer customers than this per segment allowed say nothing about groups.
LEAST_ROWS_PER_SEGMENT = 30
# A segment goes on under its id where it shares at least so much with it: both / either (Jaccard).
LEAST_SHARED = 0.3
# ... and where its customers lie at most so many times as far from the old centroid as the old ones did.
FARTHEST = 3.0

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
    """Logistic regression on the space's axes: log-odds that a row is a customer, not the population."""

    coefficients: list[float]
    intercept: float


@dataclass(frozen=True)
class Segmenter:
    """A fitted segmentation: where the centroids lie, under which ids and names."""

    space: Space
    centroids: list[list[float]]
    # root mean square distance of the fitted customers to their centroid
    radii: list[float]
    segment_ids: list[int]
    names: dict[int, str]
    # ids are never given twice
    last_segment_id: int
    lookalike: Lookalike | None
    # a segmenter of an earlier recipe has none
    map: SegmentMap | None = None

    def to_json(self) -> str:
        """What the segmenter's row keeps as `model_body`."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, body: str) -> "Segmenter":
        """The segmenter of a row; JSON can run no code."""
        read = json.loads(body)
        space = read.pop("space")
        lookalike = read.pop("lookalike")
        drawn = read.pop("map", None)
        names = {int(segment_id): name for segment_id, name in read.pop("names").items()}
        return cls(
            space=Space([Axis(**axis) for axis in space["axes"]], space["loadings"]),
            lookalike=Lookalike(**lookalike) if lookalike else None,
            map=SegmentMap(**drawn) if drawn else None,
            names=names,
            **read,
        )

    @property
    def columns(self) -> set[str]:
        """The columns that rows need to be assigned."""
        return {axis.column for axis in self.space.axes}

    def assign(self, rows: Any, keys: str) -> Any:
        """Relation of `keys` and each row's segment: a few plain sums, in one SQL statement.

        The squared distance to a centroid is |x|^2 - 2 x c + |c|^2; only the last two parts are compared.

        Parameters
        ----------
        rows : DuckDB relation
            One row per customer.
        keys : str
            What is kept of a row: DuckDB's select list with the names entity_id and is_customer.

        Returns
        -------
        DuckDB relation
            entity_id, is_customer; segment_id; segment_distance (Euclidean, in the space's units);
            segment_confidence (1 - nearest / second nearest distance); lookalike_probability.
        """
        names = "entity_id, is_customer, "
        lookalike = "cast(null as double)"
        if self.lookalike:
            axes = names_of("a", len(self.space.axes))
            log_odds = weighted_sum(self.lookalike.coefficients, axes)
            lookalike = f"1 / (1 + exp(-({log_odds} + {literal(self.lookalike.intercept)})))"
        points = names_of("p", len(self.centroids[0]))
        norm = total([f"{point} * {point}" for point in points])
        parts = [
            f"{weighted_sum([-2 * value for value in centroid], points)}"
            f" + {literal(sum(value * value for value in centroid))}"
            for centroid in self.centroids
        ]
        compared = names_of("c", len(parts))
        listed = ", ".join(compared)
        position = " ".join(f"when {part} = nearest then {at}" for at, part in enumerate(compared))
        others = ", ".join(
            f"case when position = {at} then 'infinity' else {part} end" for at, part in enumerate(compared)
        )
        ids = " ".join(f"when {at} then {segment_id}" for at, segment_id in enumerate(self.segment_ids))
        return (
            self.space.on_axes(rows, f"{keys}, ")
            .project(f"{names} {lookalike} as lookalike_probability, {named('p', self.space.point_sql)}")
            .project(f"{names} lookalike_probability, {norm} as norm, {named('c', parts)}")
            .project(f"*, least({listed}) as nearest")
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


@dataclass(frozen=True)
class Columns:
    """Columns of the mart that group the customers, those that only describe them, and which are text."""

    grouping: list[str]
    describing: list[str]
    texts: list[str]

    @classmethod
    def of(cls, mart: Any, campaign: Campaign, segmentation: Segmentation) -> "Columns":
        keys = {segmentation.entity, campaign.entity, campaign.population}
        if segmentation.columns == "all":
            grouping = [name for name in mart.columns if name not in keys | set(segmentation.profile)]
        else:
            grouping = list(segmentation.columns)
        describing = list(segmentation.profile)
        named = [segmentation.entity, *grouping, *describing, *segmentation.weights]
        for name in [*named, *([campaign.population] if campaign.population else [])]:
            if name not in mart.columns:
                raise DeclarationError(
                    f"campaign '{campaign.campaign}', key 'segments': the mart has no column '{name}'; "
                    f"it has {', '.join(sorted(mart.columns))}."
                )
        kinds = dict(zip(mart.columns, map(str, mart.types), strict=True))
        texts = [name for name in grouping + describing if is_text(campaign, name, kinds[name])]
        return cls(grouping, describing, texts)


# sums of several threads differ in their last bits
@threadpool_limits.wrap(limits=1)
def fit_segments(mart: Any, meta: dict[str, Any], known: Any | None = None) -> pa.Table:
    """Fit a campaign's segments.

    Parameters
    ----------
    mart : DuckDB relation
        One row per customer, with the declared columns. Where the declaration names a `population` column,
        segments are fitted on the rows for which it is false.
    meta : dict
        The declaration.
    known : DuckDB relation, optional
        Segmenter rows of earlier fits: ids and names go on.

    Returns
    -------
    pyarrow.Table
        One segmenter row (`SEGMENTER_ROW`): centroids, the measures of every number of segments tried, what
        was done to each column, the profile of each segment. None where customers and declaration are those
        of the last fit.
    """
    campaign, segmentation = declared(meta)
    columns = Columns.of(mart, campaign, segmentation)
    declaration = json.dumps(asdict(segmentation) | {"population": campaign.population}, sort_keys=True)
    fingerprint = fingerprint_of(mart, columns, campaign, segmentation.entity, declaration)
    if known is not None and not retrains(meta) and newest_fingerprint(known) == fingerprint:
        return SEGMENTER_ROW.empty_table()

    population = campaign.population
    people = mart.filter(f"not {quoted(population)}") if population else mart
    row: dict[str, Any] = {
        "campaign": campaign.campaign,
        "segmenter_version": fingerprint[:12],
        "trained_at": datetime.now(UTC).replace(tzinfo=None),
        "customer_rows": row_count(people),
        "fingerprint": fingerprint,
        "declaration": json.dumps(
            {key: getattr(campaign, key) for key in ("title", "question", "source", "source_note")}
            | {"segments": json.loads(declaration)}
        ),
        "choices": [],
        "steps": [],
        "profiles": [],
    }
    least = LEAST_ROWS_PER_SEGMENT * segmentation.max
    if row["customer_rows"] < least:
        row["refused_reason"] = (
            f"Only {row['customer_rows']} customers; at least {least} are needed for up to "
            f"{segmentation.max} segments (segments.max)."
        )
    else:
        before = segmenter_before(known, mart, declaration)
        row |= fit_on_sample(people, columns, segmentation, before)
        if population and (segmenter := row["segmenter"]):
            row |= add_lookalike(segmenter, mart, columns, segmentation, population)
        segmenter = row.pop("segmenter")
        row["model_body"] = segmenter.to_json() if segmenter else None
    return pa.Table.from_pylist([row], schema=SEGMENTER_ROW)


def segment(mart: Any, segmenters: Any, meta: dict[str, Any]) -> Any:
    """Assign every customer of the mart to the nearest centroid of the newest segmenter.

    Fits nothing: a daily build assigns new customers to the segments that there are.

    Returns
    -------
    DuckDB relation
        One row per customer (`MEMBER_ROW`), made in SQL as it is read: customers are not held in memory.
        Distance is Euclidean in the space's units; confidence is 1 - nearest / second nearest distance,
        0 on the border between two segments and 1 at a centroid.
    """
    campaign, segmentation = declared(meta)
    newest = newest_fit(segmenters)
    if newest is None:
        return MEMBER_ROW.empty_table()
    version, body = newest
    segmenter = Segmenter.from_json(body)
    if missing := segmenter.columns - set(mart.columns):
        raise DeclarationError(
            f"campaign '{campaign.campaign}': its segments are made of {sorted(missing)}, which the mart "
            f"lacks now. Fit them anew: dbt build --select +{campaign.campaign}_segments"
        )
    is_customer = quoted(campaign.population) if campaign.population else "cast(null as boolean)"
    keys = f"cast({quoted(segmentation.entity)} as varchar) as entity_id, {is_customer} as is_customer"
    return segmenter.assign(mart, keys).project(
        f"'{campaign.campaign}' as campaign, *, '{version}' as segmenter_version"
    )


def declared(meta: dict[str, Any]) -> tuple[Campaign, Segmentation]:
    """The declaration and its segments, which must be there."""
    campaign = read_campaign(meta)
    if campaign.segments is None:
        raise DeclarationError(
            f"campaign '{campaign.campaign}': key 'segments' is missing; declare entity and columns."
        )
    return campaign, campaign.segments


def newest_fit(segmenters: Any) -> tuple[str, str] | None:
    """Version and body of the newest segmenter; none where there is none, or it was refused."""
    newest = segmenters.order("trained_at desc, segmenter_version").limit(1)
    rows = newest.project("segmenter_version, model_body").fetchall()
    return rows[0] if rows and rows[0][1] else None


def segmenter_before(known: Any | None, mart: Any, declaration: str) -> Segmenter | None:
    """The segmenter whose ids go on: none where there was none, or the mart lacks its columns.

    Its names are forgotten where the declaration changed, which may hold other words.
    """
    # rows of an older layout: dbt refuses them with a sentence when the new row is written
    if known is None or not set(SEGMENTER_ROW.names) <= set(known.columns):
        return None
    newest = newest_fit(known.filter("model_body is not null"))
    if newest is None:
        return None
    version, body = newest
    segmenter = Segmenter.from_json(body)
    if not segmenter.columns <= set(mart.columns):
        return None
    (declared_then,) = known.filter(f"segmenter_version = '{version}'").project("declaration").fetchall()[0]
    if json.loads(declared_then)["segments"] != json.loads(declaration):
        return replace(segmenter, names={})
    return segmenter


def row_count(relation: Any) -> int:
    """How many rows a relation has."""
    return relation.aggregate("count(*)").fetchall()[0][0]


def sample_of(relation: Any, columns: list[str], key: str, count: int) -> pa.Table:
    """So many rows, drawn by a hash of their key: the same in every build, the first of them a sample too."""
    by_hash = f"md5(concat('sample ', {quoted(key)})), {quoted(key)}"
    wanted = ", ".join(quoted(name) for name in dict.fromkeys(columns))
    return relation.order(by_hash).limit(count).project(wanted).to_arrow_table()


def fit_on_sample(
    people: Any, columns: Columns, segmentation: Segmentation, before: Segmenter | None
) -> dict[str, Any]:
    """What the segmenter's row says of a fit: on a larger sample where the smaller one's halves disagree."""
    everybody = row_count(people)
    wanted = columns.grouping + columns.describing
    for size in SAMPLE_SIZES:
        rows = sample_of(people, wanted, segmentation.entity, size)
        grouping = rows.select(columns.grouping)
        texts = [name for name in columns.texts if name in columns.grouping]
        space, points, steps = fit_space(grouping, texts, segmentation)
        if (different := len(np.unique(points, axis=0))) < segmentation.max:
            return {"segmenter": None, "steps": steps, "refused_reason": too_alike(different, segmentation)}
        fits = [
            KMeans(count, n_init=RESTARTS, random_state=SEED).fit(points)
            for count in range(segmentation.min, segmentation.max + 1)
        ]
        choices = [measure(points, fit) for fit in fits]
        chosen, because = choose(choices, segmentation.count)
        agreement = halves_agree(points, chosen)
        if agreement >= LEAST_AGREEMENT or len(points) >= everybody:
            break
    steps.append(
        {
            "action": "sample",
            "measured": agreement,
            "detail": f"{len(points):,} of {everybody:,} customers; segments fitted on either half of them "
            f"agree by an adjusted Rand index of {agreement:.3f}.",
        }
    )
    for choice in choices:
        choice["is_chosen"] = choice["segment_count"] == chosen
    fit = fits[chosen - segmentation.min]
    segment_ids = match(fit.labels_, before, grouping)
    frame = rows.to_pandas()
    members = np.array(segment_ids)[fit.labels_]
    described = profiles(frame, columns.texts, members)
    kept = {number: before.names[number] for number in segment_ids if before and number in before.names}
    alike = likeness(frame, columns.texts)
    names = name_segments(described, segmentation, alike, kept)
    segmenter = Segmenter(
        space=space,
        centroids=fit.cluster_centers_.tolist(),
        radii=radii(points, fit.cluster_centers_, fit.labels_),
        segment_ids=segment_ids,
        names=names,
        last_segment_id=max([*segment_ids, before.last_segment_id if before else 0]),
        lookalike=None,
        map=map_of(fit, space, segment_ids, grouping, segmentation, alike, before),
    )
    return {
        "fitted_rows": len(points),
        "sample_agreement": agreement,
        "chosen_because": because,
        "choices": choices,
        "steps": steps,
        "profiles": [row | {"segment_name": names[row["segment_id"]]} for row in described],
        "segmenter": segmenter,
    }


def map_of(
    fit: KMeans,
    space: Space,
    segment_ids: list[int],
    rows: pa.Table,
    segmentation: Segmentation,
    alike: pd.DataFrame,
    before: Segmenter | None,
) -> SegmentMap:
    """The map of a fit, lying as the one before, and what its directions mean."""
    sizes = np.bincount(fit.labels_)
    places, share = draw_map(fit.cluster_centers_, sizes)
    if before:
        places = align(places, segment_ids, before.map, before.segment_ids)
    axes, _ = space.locate(rows)
    means = np.array([axes[fit.labels_ == label].mean(axis=0) for label in range(len(sizes))])
    x_meaning, y_meaning = meanings(places, means, sizes, space.axes, segmentation, alike)
    x, y = places.T.tolist()
    return SegmentMap(x, y, x_meaning, y_meaning, share)


def too_alike(different: int, segmentation: Segmentation) -> str:
    """Why customers who differ in nothing that groups them have no segments."""
    return (
        f"Only {different} different customers in the columns that group; at least {segmentation.max} are "
        f"needed for up to {segmentation.max} segments (segments.max). Declare columns in which they differ."
    )


def measure(points: np.ndarray, fit: KMeans) -> dict[str, Any]:
    """Inertia, silhouette, Davies-Bouldin, stability and smallest share of one fit.

    Stability is the mean adjusted Rand index between this fit and fits on bootstrap resamples, compared on
    all rows of the sample (Ben-Hur, Elisseeff, Guyon 2002).
    """
    generator = np.random.default_rng(SEED)
    agreements = []
    for _ in range(RESAMPLES):
        rows = generator.integers(0, len(points), min(len(points), SILHOUETTE_ROWS))
        again = KMeans(fit.n_clusters, n_init=RESTARTS, random_state=SEED).fit(points[rows])
        agreements.append(adjusted_rand_score(fit.labels_, again.predict(points)))
    # the rows are in the order of a hash: the first are a sample
    some, labels = points[:SILHOUETTE_ROWS], fit.labels_[:SILHOUETTE_ROWS]
    return {
        "segment_count": fit.n_clusters,
        "inertia": float(fit.inertia_),
        "silhouette": float(silhouette_score(some, labels)),
        "davies_bouldin": float(davies_bouldin_score(points, fit.labels_)),
        "stability": float(np.mean(agreements)),
        "smallest_share": float(np.bincount(fit.labels_).min() / len(points)),
    }


def choose(choices: list[dict[str, Any]], count: int | None) -> tuple[int, str]:
    """How many segments, and why: a person's number, else the most that can be relied on.

    Those qualify that resamples find again and that have no tiny segment. Of them the most segments whose
    silhouette is nearly the best: a marketer can merge two groups, but not tell one apart. Where none
    qualifies, the most stable.
    """
    if count is not None:
        return count, f"The declaration asks for {count} segments."
    qualified = [
        choice
        for choice in choices
        if choice["stability"] >= LEAST_STABILITY and choice["smallest_share"] >= SMALLEST_SHARE
    ]
    if not qualified:
        chosen = max(choices, key=lambda choice: choice["stability"])["segment_count"]
        return chosen, (
            f"No number of segments has a stability of {LEAST_STABILITY} and no segment under "
            f"{SMALLEST_SHARE:.0%}: the most stable. The customers form no clear groups; take the segments "
            "for a map, not for types of people."
        )
    best = max(choice["silhouette"] for choice in qualified)
    enough = [choice for choice in qualified if choice["silhouette"] >= NEARLY_THE_BEST * best]
    chosen = max(choice["segment_count"] for choice in enough)
    return chosen, (
        f"The most segments that resamples find again (stability at least {LEAST_STABILITY}), none under "
        f"{SMALLEST_SHARE:.0%}, with a silhouette of at least {NEARLY_THE_BEST:.0%} of the best of these."
    )


def halves_agree(points: np.ndarray, count: int) -> float:
    """Adjusted Rand index, on all rows, of fits on every other row."""
    one, other = (
        KMeans(count, n_init=RESTARTS, random_state=SEED).fit(points[start::2]).predict(points)
        for start in (0, 1)
    )
    return float(adjusted_rand_score(one, other))


def match(labels: np.ndarray, before: Segmenter | None, rows: pa.Table) -> list[int]:
    """The id of each new centroid: that of the segment before with which it shares most customers.

    New and old segments are paired so that the pairs share most of the sample's customers in all (Kuhn
    1955), by Jaccard's index; pairs that share little, or lie far apart, are no pairs. Ids of new segments
    follow the last one that was ever given, by falling size.
    """
    ids: dict[int, int] = {}
    if before:
        _, points = before.space.locate(rows)
        centroids = np.array(before.centroids)
        old_labels = pairwise_distances_argmin(points, centroids)
        shared = jaccard(labels, old_labels, len(centroids))
        for new, old in zip(*linear_sum_assignment(-shared), strict=True):
            both = (labels == new) & (old_labels == old)
            if shared[new, old] >= LEAST_SHARED:
                (radius,) = radii(points[both], centroids[[old]], np.zeros(both.sum(), int))
                if radius <= FARTHEST * before.radii[old]:
                    ids[int(new)] = before.segment_ids[old]
    last = before.last_segment_id if before else 0
    for new in np.argsort(-np.bincount(labels), kind="stable"):
        if int(new) not in ids:
            last += 1
            ids[int(new)] = last
    return [ids[new] for new in range(labels.max() + 1)]


def jaccard(labels: np.ndarray, others: np.ndarray, other_count: int) -> np.ndarray:
    """Rows in both / rows in either, of each label and each of the others."""
    both = np.zeros((labels.max() + 1, other_count))
    np.add.at(both, (labels, others), 1)
    either = both.sum(axis=1)[:, None] + both.sum(axis=0)[None, :] - both
    return both / np.maximum(either, 1)


def radii(points: np.ndarray, centroids: np.ndarray, labels: np.ndarray) -> list[float]:
    """Root mean square distance of the points of each label to its centroid."""
    squares = ((points - centroids[labels]) ** 2).sum(axis=1)
    sums = np.bincount(labels, squares, len(centroids))
    return np.sqrt(sums / np.maximum(np.bincount(labels, minlength=len(centroids)), 1)).tolist()


def add_lookalike(
    segmenter: Segmenter, mart: Any, columns: Columns, segmentation: Segmentation, population: str
) -> dict[str, Any]:
    """The segmenter with a lookalike model, and that model's ROC AUC on rows it has not seen.

    Fitted on samples of customers and of the population; the intercept is corrected for their sizes (King
    and Zeng 2001), so that the mean probability is the customers' share of both.
    """
    parts, sampled = [], []
    for condition in (quoted(population), f"not {quoted(population)}"):
        part = mart.filter(condition)
        drawn = sample_of(part, columns.grouping, segmentation.entity, LOOKALIKE_ROWS)
        parts.append(segmenter.space.locate(drawn)[0])
        sampled.append(len(drawn) / max(row_count(part), 1))
    if min(map(len, parts)) < LEAST_ROWS_PER_SEGMENT:
        return {}
    axes = np.vstack(parts)
    is_customer = np.repeat([True, False], [len(part) for part in parts])
    model = LogisticRegression(C=LOOKALIKE_C, max_iter=1_000)
    unseen = cross_val_predict(model, axes, is_customer, method="decision_function")
    model.fit(axes, is_customer)
    intercept = float(model.intercept_[0]) - float(np.log(sampled[0] / sampled[1]))
    lookalike = Lookalike(model.coef_[0].tolist(), intercept)
    return {
        "lookalike_roc_auc": float(roc_auc_score(is_customer, unseen)),
        "segmenter": replace(segmenter, lookalike=lookalike),
    }


def fingerprint_of(mart: Any, columns: Columns, campaign: Campaign, entity: str, declaration: str) -> str:
    """Hash of all that decides the segments: customers, declaration, way of fitting, library versions."""
    names = [entity, *columns.grouping, *columns.describing]
    names += [campaign.population] if campaign.population else []
    hashed = f"hash(row({', '.join(quoted(name) for name in dict.fromkeys(names))}))"
    content = mart.aggregate(f"count(*), bit_xor({hashed}), sum({hashed})").fetchall()[0]
    parts = [
        repr(content),
        campaign.campaign,
        declaration,
        f"recipe {RECIPE}, scikit-learn {sklearn.__version__}, duckdb {duckdb_version}",
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
