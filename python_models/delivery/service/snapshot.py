"""Snapshots of the published warehouse: its models in memory, replaced when a new one is published."""

import json
import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from python_models.common.errors import UserError
from python_models.common.frames import matrix_of
from python_models.conversion.explaining import top_reasons
from python_models.conversion.fitted import FittedModel, served_model
from python_models.delivery.service.rows import Field, ParsedRows, typed_columns
from python_models.segments.segmenter import Segmenter

log = logging.getLogger("leadlight.service")

# Deciles are those of the stored scores of the first of these splits that a campaign has.
DECILE_SPLITS = ("score", "test", "forward", "train")


@dataclass(frozen=True)
class LoadedChampion:
    """A campaign's model in service, ready to score."""

    version: str
    model: FittedModel
    threshold: float | None
    policy: str | None
    fields: list[Field]
    # lowest probability of each decile, the best first
    decile_floors: np.ndarray

    def matrix(self, parsed: ParsedRows) -> np.ndarray:
        """Return the rows as the model reads them."""
        columns = typed_columns(parsed, self.fields, self.model.design.categories)
        return matrix_of(self.model.design, columns, len(parsed.indices))

    def score(self, matrix: np.ndarray) -> np.ndarray:
        """Return the probability of rows whose outcome is unknown, as the batch gives it."""
        return self.model.score_new(matrix)

    def reasons(self, parsed: ParsedRows, matrix: np.ndarray) -> list[list[dict[str, Any]]]:
        """Return the features that moved each row's log-odds most, as the batch explains them."""
        is_training = np.zeros(len(matrix), dtype=bool)
        contributions = self.model.contributions(matrix, is_training.astype(int), is_training)
        reasons: list[list[dict[str, Any]]] = [[] for _ in parsed.indices]
        for row, column in zip(*top_reasons(contributions)[2:], strict=True):
            contribution = float(contributions[row, column])
            reasons[row].append(
                {
                    "feature": self.fields[column].name,
                    "feature_value": parsed.columns[column][row],
                    "contribution": contribution,
                    "direction": "raises" if contribution > 0 else "lowers",
                }
            )
        return reasons

    def decile(self, probability: np.ndarray) -> list[int | None]:
        """Return the decile of the stored scores that each probability belongs to, 1 the best."""
        if not len(self.decile_floors):
            return [None] * len(probability)
        above = (probability[:, None] < self.decile_floors[None, :]).sum(axis=1)
        return [min(int(count), 9) + 1 for count in above]


@dataclass(frozen=True)
class LoadedSegmenter:
    """A campaign's newest segmenter, ready to assign."""

    version: str
    segmenter: Segmenter
    fields: list[Field]
    entity: str


@dataclass(frozen=True)
class ServedCampaign:
    """A campaign as the warehouse publishes it; `refused_reason` says why it has no champion."""

    campaign: str
    title: str
    question: str
    entity: str
    champion: LoadedChampion | None
    refused_reason: str | None
    segmenter: LoadedSegmenter | None
    example: dict[str, Any]


@dataclass(frozen=True)
class Snapshot:
    """One published warehouse: its campaigns, and a connection for stored scores."""

    file_state: tuple[int, int, int]
    campaigns: dict[str, ServedCampaign]
    connection: duckdb.DuckDBPyConnection

    def customer(self, campaign: str, entity_id: str) -> dict[str, Any] | None:
        """Return the stored score, reasons and segment of one row; None where there is none."""
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


def file_state(warehouse: Path) -> tuple[int, int, int]:
    """Return what distinguishes one published warehouse from another: inode, size and time."""
    status = warehouse.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def load(warehouse: Path) -> Snapshot:
    """Read a published warehouse.

    Raises
    ------
    UserError
        Where there is none, or it is not one of this project.
    """
    if not warehouse.exists():
        raise UserError(f"{warehouse} does not exist: run `make build` first")
    state = file_state(warehouse)
    connection = _connect(warehouse)
    try:
        campaigns = {served.campaign: served for served in _read_campaigns(connection)}
    except duckdb.Error as error:
        connection.close()
        raise UserError(
            f"{warehouse} cannot be read: {error}. Build it with this version of Leadlight."
        ) from error
    return Snapshot(state, campaigns, connection)


def _connect(warehouse: Path) -> duckdb.DuckDBPyConnection:
    """Connect to this very file, even if another one gets its name later.

    DuckDB shares one database between all connections to a path, the old file as long as it is open. So
    each file is opened by a name of its own, which is removed once it is open.
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


def _query(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    return _dictionaries(connection.execute(query))


def _read_campaigns(connection: duckdb.DuckDBPyConnection) -> Iterator[ServedCampaign]:
    """Read all campaigns that have a model or segments."""
    models: dict[str, dict[str, Any]] = {}
    for row in _query(
        connection,
        "select campaign, model_version, model_body, is_champion, refused_reason, declaration, threshold, "
        "threshold_policy from results.conversion_models "
        "left join results.conversion_policies using (campaign) "
        "where is_champion or is_newest order by campaign, is_champion desc",
    ):
        models.setdefault(row["campaign"], row)
    segmenters = {
        row["campaign"]: row
        for row in _query(
            connection,
            "select campaign, title, question, segmenter_version, model_body from results.segmenters "
            "where model_body is not null order by campaign",
        )
    }
    types, floors = _column_types(connection), _decile_floors(connection)
    medians = {
        (row["campaign"], row["feature"]): row["median"]
        for row in _query(
            connection,
            "select campaign, feature, median from results.feature_summaries where median is not null",
        )
    }
    for campaign in sorted(models.keys() | segmenters.keys()):
        yield _served_campaign(
            campaign, models.get(campaign), segmenters.get(campaign), types, floors, medians
        )


def _column_types(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """Return the type of each column of each mart."""
    types: dict[str, dict[str, str]] = {}
    for row in _query(
        connection,
        "select table_name, column_name, data_type from information_schema.columns "
        "where table_schema = 'campaigns'",
    ):
        types.setdefault(row["table_name"], {})[row["column_name"]] = row["data_type"]
    return types


def _decile_floors(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], list[float]]:
    """Return the lowest stored probability of each decile, by campaign and split."""
    rows = _query(
        connection,
        "select campaign, split, list(lowest order by decile) as lowest from ("
        "select campaign, split, decile, min(predicted_probability) as lowest "
        "from results.conversion_scores group by all) group by all",
    )
    return {(row["campaign"], row["split"]): row["lowest"] for row in rows}


def _served_campaign(
    campaign: str,
    model_row: dict[str, Any] | None,
    segmenter_row: dict[str, Any] | None,
    types: dict[str, dict[str, str]],
    floors: dict[tuple[str, str], list[float]],
    medians: dict[tuple[str, str], float],
) -> ServedCampaign:
    """Build a campaign from its newest model and segmenter."""
    declaration = json.loads(model_row["declaration"]) if model_row else {}
    mart = types.get(f"{declaration.get('variant_of') or campaign}_features", {})
    champion = _load_champion(model_row, mart, floors) if model_row and model_row["is_champion"] else None
    segmenter = _load_segmenter(segmenter_row, declaration, types) if segmenter_row else None
    row = model_row or segmenter_row or {}
    fields = champion.fields if champion else segmenter.fields if segmenter else []
    return ServedCampaign(
        campaign=campaign,
        title=declaration.get("title") or row.get("title") or campaign,
        question=declaration.get("question") or row.get("question") or "",
        entity=declaration.get("entity") or (segmenter.entity if segmenter else ""),
        champion=champion,
        refused_reason=None if champion or not model_row else model_row["refused_reason"],
        segmenter=segmenter,
        example={
            field.name: _example_value(field, champion, medians.get((campaign, field.name)))
            for field in fields
        },
    )


def _load_champion(
    row: dict[str, Any], mart: dict[str, str], floors: dict[tuple[str, str], list[float]]
) -> LoadedChampion:
    model = served_model(row["model_body"], row["model_version"])
    keys = [(row["campaign"], split) for split in DECILE_SPLITS]
    return LoadedChampion(
        version=row["model_version"],
        model=model,
        threshold=row["threshold"],
        policy=row["threshold_policy"],
        fields=[Field.of(name, mart[name]) for name in model.design.columns],
        decile_floors=np.array(next((floors[key] for key in keys if key in floors), [])),
    )


def _load_segmenter(
    row: dict[str, Any], declaration: dict[str, Any], types: dict[str, dict[str, str]]
) -> LoadedSegmenter:
    segmenter = Segmenter.from_json(row["model_body"])
    needed = sorted(segmenter.columns)
    # the mart of segments is not always that of scores
    marts = [
        columns
        for table, columns in sorted(types.items())
        if table.startswith(row["campaign"]) and set(needed) <= set(columns)
    ]
    mart = marts[0] if marts else {}
    entity = (declaration.get("segments") or {}).get("entity") or declaration.get("entity") or "id"
    return LoadedSegmenter(
        version=row["segmenter_version"],
        segmenter=segmenter,
        fields=[Field.of(name, mart.get(name, "DOUBLE")) for name in needed],
        entity=entity,
    )


def _example_value(field: Field, champion: LoadedChampion | None, median: float | None) -> Any:
    """Return a typical value; never null, which OpenAPI's examples drop."""
    if field.kind == "text":
        categories = sorted(champion.model.design.categories.get(field.name, [])) if champion else []
        return categories[0] if categories else "unknown"
    if field.kind == "boolean":
        return bool(median)
    return round(median or 0) if field.kind == "integer" else median or 0.0


class SnapshotStore:
    """The current snapshot, replaced by a thread when another warehouse is published.

    A request reads `current` once and keeps that snapshot to its end.
    """

    def __init__(
        self, warehouse: Path, on_change: Callable[[Snapshot | None, str | None], None] = lambda *_: None
    ):
        self.warehouse = warehouse
        self.current = load(warehouse)
        self.load_error: str | None = None
        self._on_change = on_change
        self._seen_state = self.current.file_state
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, seconds: float = 1.0) -> None:
        """Start to look for another warehouse, every `seconds` seconds."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._watch, args=(seconds,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop to look."""
        self._stop.set()
        if self._thread:
            self._thread.join()

    def _watch(self, seconds: float) -> None:
        while not self._stop.wait(seconds):
            self.refresh()

    def refresh(self) -> None:
        """Replace the snapshot if another warehouse is published; keep it if that one cannot be read."""
        try:
            state = file_state(self.warehouse)
            if state == self._seen_state:
                return
            self._seen_state = state
            self.current = load(self.warehouse)
            self.load_error = None
            self._on_change(self.current, None)
        except Exception as error:
            load_error = str(error) if isinstance(error, UserError) else type(error).__name__
            if load_error != self.load_error:
                self.load_error = load_error
                log.error("the new warehouse is not served: %s", load_error)
                self._on_change(None, load_error)
