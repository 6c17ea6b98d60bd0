"""The published warehouse, and the champions in it."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import duckdb

from python_models.common.errors import UserError


@dataclass(frozen=True)
class Champion:
    """A campaign's model in service, with the threshold of its decision."""

    campaign: str
    version: str
    body: str
    threshold: float | None
    key: str
    label: str | None


def beside_project(path: str) -> Path:
    """Return a path as seen from the folder of the project, where dbt is started inside `dbt_project` too."""
    return Path("..", path) if Path("dbt_project.yml").exists() else Path(path)


def read_champion(warehouse: Path, campaign: str) -> Champion:
    """Read the champion that the warehouse publishes, with its threshold."""
    if not warehouse.exists():
        raise UserError(f"{warehouse} does not exist: run `make build` first")
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        listed = connection.execute(
            "select campaign, is_champion, model_version, model_body, threshold, refused_reason, declaration "
            "from results.conversion_models left join results.conversion_policies using (campaign) "
            "order by is_champion desc, trained_at desc"
        ).fetchall()
    known = sorted({row[0] for row in listed})
    if campaign not in known:
        raise UserError(f"campaign '{campaign}' has no model in {warehouse}; it has {', '.join(known)}")
    _, serves, version, body, threshold, reason, declaration = next(
        row for row in listed if row[0] == campaign
    )
    if not serves or not body:
        raise UserError(f"campaign '{campaign}' has no model in service: {reason}")
    declared = json.loads(declaration)
    return Champion(campaign, version, body, threshold, declared["entity"], declared.get("label"))


def published_path() -> Path:
    """Return the path of the warehouse that people query."""
    return Path(os.environ.get("LEADLIGHT_WAREHOUSE") or "warehouse.duckdb")
