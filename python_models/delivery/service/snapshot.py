"""What the service knows: one published warehouse, read whole, and exchanged when a new one is published."""

import json
import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from python_models.common.errors import UserError
from python_models.conversion.calibration import shift_log_odds
from python_models.conversion.explaining import top_reasons
from python_models.conversion.fitted import FittedModel
from python_models.delivery.service.rows import Field, Read, matrix_of
from python_models.segments.segmenter import Segmenter

log = logging.getLogger("leadlight.service")

# The splits whose stored scores say which tenth a new one belongs to, the first that a campaign has.
RANKED_BY = ("score", "test", "forward", "train")
ADDED = ("key", "entity_id", "is_customer")


@dataclass(frozen=True)
class Champion:
    """A campaign's model in service, ready to score."""

    version: str
    model: FittedModel
    threshold: float | None
    policy: str | None
    fields: list[Field]
    codes: dict[str, dict[str, int]]
    # lowest probability of each tenth, the best first
    tenths: np.ndarray

    def matrix(self, read: Read) -> np.ndarray:
        """Rows as the model reads them."""
        return matrix_of(read, self.fields, self.codes)

    def score(self, matrix: np.ndarray) -> np.ndarray:
        """Probability of rows whose outcome is not known: as the batch gives it."""
        return shift_log_odds(self.model.ensemble(matrix), self.model.shift)

    def reasons(self, read: Read, matrix: np.ndarray) -> list[list[dict[str, Any]]]:
        """The features that moved each row's log-odds most, strongest first; as the batch explains them."""
        nothing = np.zeros(len(matrix), dtype=bool)
        shares = self.model.contributions(matrix, nothing.astype(int), nothing)
        listed: list[list[dict[str, Any]]] = [[] for _ in read.places]
        for row, column in zip(*top_reasons(shares)[2:], strict=True):
            share = float(shares[row, column])
            listed[row].append(
                {
                    "feature": self.fields[column].name,
                    "feature_value": read.columns[column][row],
                    "contribution": share,
                    "direction": "raises" if share > 0 else "lowers",
                }
            )
        return listed

    def decile(self, probability: np.ndarray) -> list[int | None]:
        """Tenth of the stored scores that each probability lies in, 1 the best."""
        if not len(self.tenths):
            return [None] * len(probability)
        above = (probability[:, None] < self.tenths[None, :]).sum(axis=1)
        return [min(int(place), 9) + 1 for place in above]


@dataclass(frozen=True)
class Grouping:
    """A campaign's newest segmenter, ready to assign."""

    version: str
    segmenter: Segmenter
    fields: list[Field]
    entity: str


@dataclass(frozen=True)
class Offer:
    """A campaign as the warehouse publishes it: what it can answer, and why not the rest."""

    campaign: str
    title: str
    question: str
    entity: str
    champion: Champion | None
    refused_reason: str | None
    grouping: Grouping | None
    example: dict[str, Any]


@dataclass(frozen=True)
class Snapshot:
    """One published warehouse: its campaigns, and a connection for stored scores."""

    published: tuple[int, int, int]
    campaigns: dict[str, Offer]
    connection: duckdb.DuckDBPyConnection

    def customer(self, campaign: str, entity_id: str) -> dict[str, Any] | None:
        """Stored score, reasons and segment of one row; None where there is none."""
        with self.connection.cursor() as cursor:
            cursor.execute(
                "select entity_id, customer_id, split, has_converted, predicted_probability as probability, "
                "predicted_conversion as result, threshold, decile, percentile, propensity_band, "
                "model_version, scored_at from results.conversion_scores "
                "where campaign = ? and entity_id = ?",
                [campaign, entity_id],
            )
            scored = _dictionaries(cursor)
            persons = [entity_id, *(row["customer_id"] for row in scored)]
            cursor.execute(
                "select members.segment_id, segment_name, segment_distance, segment_confidence, "
                "segmenter_version from results.segment_members as members "
                "left join results.segments as segments using (campaign, segment_id) "
                "where campaign = ? and list_contains(?, entity_id) limit 1",
                [campaign, persons],
            )
            segments = _dictionaries(cursor)
            cursor.execute(
                "select feature, feature_value, contribution, direction from results.conversion_reasons "
                "where campaign = ? and entity_id = ? order by reason_rank",
                [campaign, entity_id],
            )
            reasons = _dictionaries(cursor)
        if not scored and not segments:
            return None
        score = scored[0] | {"reasons": reasons} if scored else None
        return {
            "campaign": campaign,
            "entity_id": entity_id,
            "score": score and {name: value for name, value in score.items() if name != "entity_id"},
            "segment": segments[0] if segments else None,
        }


def state_of(warehouse: Path) -> tuple[int, int, int]:
    """What tells one published warehouse from another: inode, size and time."""
    status = warehouse.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def load(warehouse: Path) -> Snapshot:
    """Read a published warehouse.

    Raises
    ------
    UserError
        Where there is none, or it is none of this project.
    """
    if not warehouse.exists():
        raise UserError(f"{warehouse} does not exist: run `make build` first")
    published = state_of(warehouse)
    connection = _opened(warehouse)
    try:
        campaigns = {offer.campaign: offer for offer in _offers(connection)}
    except duckdb.Error as error:
        connection.close()
        raise UserError(
            f"{warehouse} cannot be read: {error}. Build it with this version of Leadlight."
        ) from error
    return Snapshot(published, campaigns, connection)


def _opened(warehouse: Path) -> duckdb.DuckDBPyConnection:
    """A connection to this very file, whatever takes its name later.

    DuckDB gives one database to all connections of a path, the old one as long as somebody reads it: so each
    is opened by a name of its own, which is gone once it is open.
    """
    with tempfile.TemporaryDirectory(dir=warehouse.absolute().parent, prefix=".serving-") as folder:
        name = Path(folder) / "warehouse.duckdb"
        try:
            os.link(warehouse, name)
        except OSError:
            shutil.copyfile(warehouse, name)
        try:
            return duckdb.connect(str(name), read_only=True, config={"memory_limit": "1GB", "threads": 1})
        except duckdb.Error as error:
            raise UserError(f"{warehouse} is no whole database: {error}") from error


def _dictionaries(cursor: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _offers(connection: duckdb.DuckDBPyConnection) -> list[Offer]:
    cursor = connection.cursor()
    cursor.execute(
        "select campaign, model_version, model_body, is_champion, refused_reason, declaration, threshold, "
        "threshold_policy from results.conversion_models "
        "left join results.conversion_policies using (campaign) "
        "where is_champion or is_newest order by campaign, is_champion desc"
    )
    models: dict[str, dict[str, Any]] = {}
    for row in _dictionaries(cursor):
        models.setdefault(row["campaign"], row)
    cursor.execute(
        "select campaign, title, question, segmenter_version, model_body from results.segmenters "
        "where model_body is not null order by campaign"
    )
    segmenters = {row["campaign"]: row for row in _dictionaries(cursor)}
    types: dict[str, dict[str, str]] = {}
    cursor.execute(
        "select table_name, column_name, data_type from information_schema.columns "
        "where table_schema = 'campaigns'"
    )
    for table, column, kind in cursor.fetchall():
        types.setdefault(table, {})[column] = kind
    cursor.execute(
        "select campaign, split, list(lowest order by decile) as lowest from ("
        "select campaign, split, decile, min(predicted_probability) as lowest "
        "from results.conversion_scores group by all) group by all"
    )
    tenths = {(campaign, split): lowest for campaign, split, lowest in cursor.fetchall()}
    cursor.execute("select campaign, feature, median from results.feature_summaries where median is not null")
    medians = {(campaign, feature): median for campaign, feature, median in cursor.fetchall()}
    offers = []
    for name in sorted(models.keys() | segmenters.keys()):
        model, grouping = models.get(name), segmenters.get(name)
        declared = json.loads(model["declaration"]) if model else {}
        mart = types.get(f"{declared.get('variant_of') or name}_features", {})
        champion = _champion(model, mart, tenths) if model and model["is_champion"] else None
        group = _grouping(grouping, declared, types) if grouping else None
        said = model or grouping or {}
        fields = champion.fields if champion else group.fields if group else []
        offers.append(
            Offer(
                campaign=name,
                title=declared.get("title") or said.get("title") or name,
                question=declared.get("question") or said.get("question") or "",
                entity=declared.get("entity") or (group.entity if group else ""),
                champion=champion,
                refused_reason=None if champion or not model else model["refused_reason"],
                grouping=group,
                example={
                    field.name: _typical(field, champion, medians.get((name, field.name))) for field in fields
                },
            )
        )
    return offers


def _champion(
    row: dict[str, Any], mart: dict[str, str], tenths: dict[tuple[str, str], list[float]]
) -> Champion:
    model = FittedModel.from_text(row["model_body"])
    ranked = next(
        (tenths[row["campaign"], split] for split in RANKED_BY if (row["campaign"], split) in tenths), []
    )
    codes = {
        name: {category: code for code, category in enumerate(categories)}
        for name, categories in model.design.categories.items()
    }
    return Champion(
        version=row["model_version"],
        model=model,
        threshold=row["threshold"],
        policy=row["threshold_policy"],
        fields=[Field.of(name, mart[name]) for name in model.design.columns],
        codes=codes,
        tenths=np.array(ranked),
    )


def _grouping(row: dict[str, Any], declared: dict[str, Any], types: dict[str, dict[str, str]]) -> Grouping:
    segmenter = Segmenter.from_json(row["model_body"])
    needed = sorted(segmenter.columns)
    # the mart of segments is not always that of scores
    marts = [
        columns
        for table, columns in sorted(types.items())
        if table.startswith(row["campaign"]) and set(needed) <= set(columns)
    ]
    kinds = marts[0] if marts else {}
    entity = (declared.get("segments") or {}).get("entity") or declared.get("entity") or "id"
    return Grouping(
        version=row["segmenter_version"],
        segmenter=segmenter,
        fields=[Field.of(name, kinds.get(name, "DOUBLE")) for name in needed],
        entity=entity,
    )


def _typical(field: Field, champion: Champion | None, median: float | None) -> Any:
    """A value for an example, which is no real row. OpenAPI's examples drop what is null."""
    if field.kind == "text":
        categories = sorted(champion.codes.get(field.name, {})) if champion else []
        return categories[0] if categories else "unknown"
    if field.kind == "boolean":
        return bool(median)
    return round(median or 0) if field.kind == "integer" else median or 0.0


class Shelf:
    """The snapshot that answers, exchanged by a thread when another warehouse is published.

    A request takes the snapshot once and keeps it to its end; the old one goes when nobody has it any more.
    """

    def __init__(
        self, warehouse: Path, on_change: Callable[[Snapshot | None, str | None], None] = lambda *_: None
    ):
        self.warehouse = warehouse
        self.current = load(warehouse)
        self.trouble: str | None = None
        self._on_change = on_change
        self._tried = self.current.published
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, seconds: float = 1.0) -> None:
        """Look for another warehouse every so many seconds."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._watch, args=(seconds,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()
        if self._thread:
            self._thread.join()

    def _watch(self, seconds: float) -> None:
        while not self._stop.wait(seconds):
            self.look()

    def look(self) -> None:
        """Exchange the snapshot if another warehouse is there; a broken one leaves the present one."""
        try:
            state = state_of(self.warehouse)
            if state == self._tried:
                return
            self._tried = state
            self.current = load(self.warehouse)
            self.trouble = None
            self._on_change(self.current, None)
        except Exception as error:
            trouble = str(error) if isinstance(error, UserError) else f"{type(error).__name__}"
            if trouble != self.trouble:
                self.trouble = trouble
                log.error("the new warehouse is not served: %s", trouble)
                self._on_change(None, trouble)
