"""The project parses cleanly, and every public model, column and campaign is described and listed."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.support import PROJECT, Dbt


def test_the_project_parses_without_a_deprecation(make_dbt: Callable[..., Dbt], default_data: Path) -> None:
    printed = make_dbt(default_data, PROJECT)(
        "parse", "--no-partial-parse", "--show-all-deprecations", "--warn-error"
    )
    assert "eprecat" not in printed


def test_every_model_and_column_of_the_public_face_is_described(built: Dbt) -> None:
    manifest = json.loads((built.target / "manifest.json").read_text())
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    assert [node["name"] for node in models if not node["description"]] == []
    public = [node for node in models if node["schema"] == "results"]
    assert len(public) >= 18
    for node in public:
        assert node["config"]["contract"]["enforced"], node["name"]
        undescribed = [name for name, column in node["columns"].items() if not column["description"]]
        assert undescribed == [], node["name"]


def test_every_campaign_with_a_model_is_listed(built: Dbt, declarations: dict[str, dict]) -> None:
    [(campaigns,)] = built.query("select list(campaign order by campaign) from results.campaigns")
    assert campaigns == sorted(declarations)
