"""The catalogue tells the truth: where tables come from, who answers for them and who reads them."""

import csv
import json
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from python_models.delivery.model_cards import QUERIES
from tests.support import REPOSITORY, Dbt, link_other_sources
from tests.unit.test_catalogue import PAGES, REPORTS, tables_read

DAY = 86400

Node = dict[str, Any]


@pytest.fixture(scope="session")
def manifest(built: Dbt) -> Node:
    """What dbt knows of the project."""
    return json.loads((built.target / "manifest.json").read_text())


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_an_exposure_of_the_tables_that_it_reads(manifest: Node, page: str) -> None:
    exposures = manifest["exposures"].values()
    [exposure] = [node for node in exposures if node["config"]["meta"].get("page") == page]
    queries = tables_read((REPOSITORY / page).read_text(), "warehouse")
    if "model_cards" in queries:
        # Python writes the cards from these
        queries |= QUERIES.keys()
    read = set()
    for query in queries:
        read |= tables_read((REPORTS / f"sources/warehouse/{query}.sql").read_text(), "results")
    assert read
    assert exposure["depends_on"]["nodes"] == sorted(f"model.leadlight.{table}" for table in read)


def test_lineage_goes_from_raw_files_to_every_exposure(manifest: Node) -> None:
    def ancestors(name: str) -> set[str]:
        return {name}.union(*(ancestors(parent) for parent in manifest["parent_map"][name]))

    assert {node["config"]["meta"].get("page") for node in manifest["exposures"].values()} >= set(PAGES)
    for name in manifest["exposures"]:
        assert ancestors(name) & set(manifest["sources"]), name


def test_every_published_relation_is_in_the_manifest(
    manifest: Node, connection: duckdb.DuckDBPyConnection
) -> None:
    """But the notes that builds keep: whatever else a run made on its way is gone."""
    made = {
        (node["schema"], node["alias"])
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed", "snapshot")
        and node["config"]["materialized"] != "ephemeral"
        and node["database"] != "identities"
    }
    kept = ("unfinished", "publishing", "published_audience_members", "published_audience_terms")
    notes = {("main", name) for name in kept}
    found = connection.sql("select table_schema, table_name from information_schema.tables").fetchall()
    assert set(found) == made | notes


def words(text: str | None) -> list[str]:
    return re.findall(r"\w+", (text or "").replace("`", ""))


def test_descriptions_are_comments_of_what_is_published(
    manifest: Node, connection: duckdb.DuckDBPyConnection
) -> None:
    """Whatever kind of model: SQL or Python, table, view, incremental, seed or snapshot."""
    found = connection.sql("""
        select schema_name, table_name, column_name, comment from duckdb_columns() where not internal
        union all select schema_name, table_name, null, comment from duckdb_tables()
        union all select schema_name, view_name, null, comment from duckdb_views() where not internal
    """).fetchall()
    comments = {tuple(name): comment for *name, comment in found}
    assert not [name for name, comment in comments.items() if "`" in (comment or "")]
    nodes = [
        node
        for node in manifest["nodes"].values()
        if (node["schema"], node.get("alias"), None) in comments and node["database"] != "identities"
    ]
    assert {node["config"]["materialized"] for node in nodes} == {
        *("table", "view", "incremental", "seed", "snapshot")
    }
    for node in nodes:
        relation = (node["schema"], node["alias"])
        # of seeds about people the comment says with which country code they were read, too
        about = (comments[*relation, None] or "").partition("\ncountry_code")[0]
        assert words(about) == words(node["description"]), relation
        for name, column in node["columns"].items():
            if column["description"] and (*relation, name) in comments:
                assert words(comments[*relation, name]) == words(column["description"]), (*relation, name)
    # what the YAML does not repeat comes of the models read, of those that read it, or of a dictionary
    assert comments["staging", "base_insurance__calls", "age"] == "Age, years."
    assert "scored, UTC" in comments["campaigns", "insurance_scores", "scored_at"]
    assert "30 to 45" in comments["staging", "base_mail_out__people", "AGE_CLASS"]
    undescribed = {name[:2] for name, comment in comments.items() if not comment and name[0] != "main"}
    assert undescribed == {
        # attributes that no dictionary knows, a column for each topic that the devices have
        *(("campaigns", name) for name in ("mail_out_features", "mail_out_people", "display_ads_features")),
        *(("staging", f"{kind}_mail_out__people") for kind in ("base", "stg")),
        # columns that nothing reads
        *(("staging", f"base_{name}") for name in ("app_install__subscribers", "insurance__calls")),
    }


def test_every_raw_file_is_a_source_with_limits_of_age(manifest: Node) -> None:
    with (REPOSITORY / "dbt_project/seeds/raw_columns.csv").open() as file:
        things = {(row["source"], row["thing"]) for row in csv.DictReader(file)}
    sources = {(node["source_name"], node["name"]): node for node in manifest["sources"].values()}
    assert set(sources) == things
    for (source, thing), node in sources.items():
        assert node["description"], thing
        assert node["source_description"], source
        assert node["freshness"]["warn_after"]["count"], thing
        assert node["loaded_at_query"], thing
        reader = f"model.leadlight.base_{source}__{thing}"
        assert reader in manifest["child_map"][node["unique_id"]]


def test_public_tables_have_a_contract_and_others_are_not_public(manifest: Node) -> None:
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    groups = {node["name"] for node in manifest["groups"].values()}
    assert all(node["owner"]["name"] for node in manifest["groups"].values())
    for node in models:
        is_public = node["schema"] == "results"
        assert node["access"] == ("public" if is_public else "protected"), node["name"]
        assert node["group"] in groups, node["name"]
        assert node["contract"]["enforced"] or not is_public, node["name"]


def test_freshness_is_that_of_the_newest_file(
    make_dbt: Callable[..., Dbt], tmp_path: Path, default_data: Path
) -> None:
    now = time.time()
    for name, age in [("insurance/a.csv", 50), ("insurance/b.csv", 40), ("online_retail/own.csv", 33)]:
        file = tmp_path / "data" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        # no header is looked at
        file.write_text("")
        os.utime(file, (now - age * DAY, now - age * DAY))
    link_other_sources(tmp_path / "data", default_data)
    dbt = make_dbt(tmp_path / "data")
    sources = [f"source:{source}" for source in ("insurance", "online_retail", "coupon")]
    dbt.fails("source", "freshness", "--select", *sources, "--vars", "error_after_days: 35")
    found = json.loads((tmp_path / "target/sources.json").read_text())["results"]
    statuses = {result["unique_id"].split(".")[2]: result["status"] for result in found}
    assert statuses == {"insurance": "error", "online_retail": "warn", "coupon": "pass"}
    ages = {result["unique_id"]: result["max_loaded_at_time_ago_in_s"] for result in found}
    assert ages["source.leadlight.insurance.calls"] == pytest.approx(40 * DAY, abs=600)
