"""Snapshots of the published warehouse: its models in memory, replaced when a new one is published."""

import fcntl
import json
import logging
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
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
# Folder of the name by which a warehouse is opened.
OWN_NAME = ".serving-"
# DuckDB opens a few; the rest is for what else happens meanwhile.
MIN_OPEN_FILES = 32
# A warehouse that could not be read is tried again after so many seconds, then after twice as many.
FIRST_PAUSE, MAX_PAUSE = 2.0, 60.0


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

    def reasons(self, parsed: ParsedRows, matrix: np.ndarray, mean: np.ndarray) -> list[list[dict[str, Any]]]:
        """Return the features that moved each row's log-odds most, as the batch explains them."""
        contributions = self.model.new_contributions(matrix, mean)
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


def load(warehouse: Path, check: Callable[[Path], None] = lambda _: None) -> Snapshot:
    """Read a published warehouse.

    DuckDB shares one database between all connections to a path, the old file as long as it is open. So
    each file is opened by a name of its own, which is removed once it is open.

    Parameters
    ----------
    warehouse : pathlib.Path
        The published warehouse.
    check : function
        Raises an error where this very file, by its own name, must not be served.

    Raises
    ------
    UserError
        Where there is none, or it is not one of this project.
    """
    if not warehouse.exists():
        raise UserError(f"{warehouse} does not exist: run `make build` first")
    folder = warehouse.absolute().parent
    remove_left_over(folder)
    state = file_state(warehouse)
    with tempfile.TemporaryDirectory(dir=folder, prefix=OWN_NAME) as own, _locked(Path(own)):
        name = Path(own) / warehouse.name
        try:
            os.link(warehouse, name)
        except OSError:
            shutil.copyfile(warehouse, name)
        try:
            check(name)
            return replace(read_snapshot(name), file_state=state)
        except UserError as error:
            raise UserError(str(error).replace(str(name), str(warehouse))) from error


def read_snapshot(path: Path) -> Snapshot:
    """Read a warehouse that nobody replaces under this name.

    Raises
    ------
    UserError
        Where it is damaged, not one of this project, or of another release.
    """
    require_open_files()
    try:
        connection = duckdb.connect(str(path), read_only=True, config={"memory_limit": "1GB", "threads": 1})
    except duckdb.Error as error:
        raise UserError(f"{path} is no whole database: {error}") from error
    try:
        campaigns = {served.campaign: served for served in _read_campaigns(connection)}
    except Exception as error:
        connection.close()
        if isinstance(error, UserError):
            raise
        # further lines of DuckDB show the place in a query of ours
        [reason, *_] = str(error).splitlines() or [""]
        raise UserError(
            f"{path} cannot be read ({type(error).__name__}: {reason}). "
            "Build it with this version of Leadlight."
        ) from error
    return Snapshot(file_state(path), campaigns, connection)


def require_open_files() -> None:
    """Fail where the process may hardly open another file: DuckDB ends the process where it cannot."""
    opened: list[int] = []
    try:
        for _ in range(MIN_OPEN_FILES):
            opened.append(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        raise UserError(f"fewer than {MIN_OPEN_FILES} files can be opened: {error.strerror}") from None
    finally:
        for file in opened:
            os.close(file)


def remove_left_over(folder: Path) -> None:
    """Remove the names that a process left beside the warehouse when it ended while it opened them."""
    for own in folder.glob(f"{OWN_NAME}*"):
        with suppress(OSError), _locked(own):
            shutil.rmtree(own)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lock a folder until the block, or the process, ends; fail where another process has locked it."""
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(held)


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
    log.info("campaign '%s'", campaign)
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

    A request reads `current` once and keeps that snapshot to its end. `check` is that of `load`, for every
    warehouse but the first one.
    """

    def __init__(
        self,
        warehouse: Path,
        on_change: Callable[[Snapshot | None, str | None], None] = lambda *_: None,
        check: Callable[[Path], None] = lambda _: None,
    ):
        self.warehouse = warehouse
        self.current = load(warehouse)
        self.load_error: str | None = None
        self._on_change = on_change
        self._check = check
        self._failed_state: tuple[int, int, int] | None = None
        self._pause, self._retry_at = FIRST_PAUSE, 0.0
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
        """Replace the snapshot if another warehouse is published; keep it if that one cannot be read.

        What fails may be over soon, so the same file is tried again, less and less often.
        """
        loaded = None
        try:
            state = file_state(self.warehouse)
            if state == self._failed_state and time.monotonic() < self._retry_at:
                return
            if state != self._failed_state:
                self._pause = FIRST_PAUSE
            if state != self.current.file_state:
                self._failed_state = state
                loaded = self.current = load(self.warehouse, self._check)
            self._failed_state = None
        except Exception as error:
            self._retry_at = time.monotonic() + self._pause
            self._pause = min(2 * self._pause, MAX_PAUSE)
            is_clear = isinstance(error, UserError | OSError)
            self._report(None, self._public(str(error) if is_clear else type(error).__name__))
        else:
            self._report(loaded, None)

    def _report(self, loaded: Snapshot | None, load_error: str | None) -> None:
        """Tell of a new snapshot, and of an error that is new or over."""
        if loaded is None and load_error == self.load_error:
            return
        self.load_error = load_error
        if load_error:
            log.error("the new warehouse is not served: %s", load_error)
        self._on_change(loaded, load_error)

    def _public(self, text: str) -> str:
        """Return a text without the folders that it names: readers without a key need not know them."""
        return re.sub(rf"{re.escape(str(self.warehouse.absolute().parent))}/({OWN_NAME}\w+/)?", "", text)
