"""The project parses cleanly; models, columns, macros and exposures are described, tagged and typed alike."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support import PROJECT, Dbt, parsed_project


def test_the_project_parses_without_a_deprecation(make_dbt: Callable[..., Dbt], default_data: Path) -> None:
    printed = make_dbt(default_data, PROJECT)(
        "parse", "--no-partial-parse", "--show-all-deprecations", "--warn-error"
    )
    assert "eprecat" not in printed


Node = dict[str, Any]
STAGES = {"staging", "features", "train", "score", "segment", "monitor", "report"}
MONEY = re.compile(r"(cost|value|profit|revenue|amount|spend|budget)(_so_far)?(_lower|_upper)?$")
# What one contact costs or brings: less than a ten-thousandth counts where millions add up.
PER_CONTACT = {"contact_cost", "conversion_value", "expected_profit", "marginal_expected_profit"}
# Means, shares, ratios, and values that are no money.
NO_AMOUNTS = {
    *("mean_amount", "share_of_amount", "share_of_spend", "share_of_all_spend", "index_value"),
    *("value", "model_value", "baseline_value", "random_value", "mean_value", "p_value", "q_value"),
    *("adjusted_p_value", "feature_value"),
    *("return_on_ad_spend", "return_on_ad_spend_lower", "return_on_ad_spend_upper"),
}


@pytest.fixture(scope="session")
def manifest() -> Node:
    """What dbt knows of the project before anything is built."""
    return json.loads((parsed_project() / "manifest.json").read_text())


@pytest.fixture(scope="session")
def models(manifest: Node) -> list[Node]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


@pytest.fixture(scope="session")
def public_columns(models: list[Node]) -> list[tuple[str, str, str, str]]:
    """Model, column, type and description of all columns of public tables."""
    return [
        (node["name"], name, column["data_type"], column["description"])
        for node in models
        if node["schema"] == "results"
        for name, column in node["columns"].items()
    ]


def test_every_table_and_column_is_described(manifest: Node, models: list[Node]) -> None:
    others = [node for node in manifest["nodes"].values() if node["resource_type"] in ("seed", "snapshot")]
    for node in [*models, *others, *manifest["sources"].values()]:
        assert node["description"], node["unique_id"]
        undescribed = [name for name, column in node["columns"].items() if not column["description"]]
        assert undescribed == [], node["unique_id"]
    public = [node for node in models if node["schema"] == "results"]
    assert len(public) >= 18
    assert all(node["config"]["contract"]["enforced"] for node in public)


def test_every_macro_and_argument_is_described(manifest: Node) -> None:
    macros = [macro for macro in manifest["macros"].values() if macro["package_name"] == "leadlight"]
    assert len(macros) > 100
    for macro in macros:
        # an engine's own form of a macro says nothing new
        if re.match(r"(default|duckdb|spark)__", macro["name"]):
            continue
        assert macro["description"], macro["name"]
        signature = re.search(r"{%-?\s*(?:macro|test)\s+\w+\(([^)]*)\)", macro["macro_sql"])
        assert signature
        names = [part.split("=")[0].strip() for part in signature[1].split(",") if part.strip()]
        described = {argument["name"]: argument["description"] for argument in macro["arguments"]}
        assert list(described) == names, macro["name"]
        assert all(described.values()), macro["name"]


def test_every_model_has_the_tag_of_one_stage(manifest: Node) -> None:
    for node in manifest["nodes"].values():
        if node["resource_type"] in ("model", "seed", "snapshot"):
            assert len(STAGES & set(node["tags"])) == 1, (node["unique_id"], node["tags"])
    tags = {node["name"]: set(node["tags"]) for node in manifest["nodes"].values()}
    assert tags["stg_insurance__calls"] == {"staging"}
    assert tags["insurance_features"] == {"features"}
    assert tags["insurance_model"] == {"train"}
    assert tags["conversion_scores"] == {"score", "daily"}
    assert tags["insurance_segments"] == {"segment", "not_on_spark"}
    assert tags["conversion_drift"] == {"monitor", "daily", "not_on_spark"}
    assert tags["converter_profiles"] == {"report"}


def test_every_exposure_has_an_address(manifest: Node) -> None:
    assert manifest["exposures"]
    for node in manifest["exposures"].values():
        assert re.fullmatch(r"https?://[^ {]+/", node["url"] or ""), node["name"]


def test_a_name_has_one_type_and_money_is_decimal(public_columns: list[tuple[str, str, str, str]]) -> None:
    columns = [column for column in public_columns if not column[3].startswith("Deprecated")]
    for name, data_type in (("bin", "integer"), ("rank", "bigint")):
        found = {model: kind for model, column, kind, _ in columns if column == name}
        assert len(found) >= 4
        assert set(found.values()) == {data_type}, found
    amounts = set()
    for model, column, data_type, _ in columns:
        if data_type == "decimal(18, 4)":
            amounts.add((model, column))
        elif data_type == "double" and MONEY.search(column):
            assert column in PER_CONTACT | NO_AMOUNTS, (model, column)
    assert len(amounts) == 24
    assert ("audiences", "expected_revenue") in amounts
    assert ("value_groups", "total_amount") in amounts


def test_times_say_their_zone(public_columns: list[tuple[str, str, str, str]]) -> None:
    times = [column for column in public_columns if column[2].startswith("timestamp")]
    assert len(times) >= 8
    for model, column, _, description in times:
        assert "UTC" in description, (model, column)


def test_every_campaign_with_a_model_is_listed(built: Dbt, declarations: dict[str, dict]) -> None:
    [(campaigns,)] = built.query("select list(campaign order by campaign) from results.campaigns")
    assert campaigns == sorted(declarations)
