"""A dbt package may be installed beside the project's own models."""

from collections.abc import Callable
from pathlib import Path

from tests.support import Dbt

MODELS = {
    # both look like models of the registry, which says nothing of them
    "base_events.sql": "select 1 as event_id",
    "shop_scores.sql": "{{ config(meta={'campaign': 'shop'}) }} select * from {{ ref('base_events') }}",
}


def test_models_of_a_package_are_built(
    project: Path, make_dbt: Callable[..., Dbt], default_data: Path, tmp_path: Path
) -> None:
    package = tmp_path / "events"
    (package / "models").mkdir(parents=True)
    (package / "dbt_project.yml").write_text("name: events\nversion: 1.0.0\nprofile: leadlight\n")
    for name, text in MODELS.items():
        (package / "models" / name).write_text(text)
    (project / "packages.yml").write_text(f"packages: [{{local: {package}}}]\n")
    dbt = make_dbt(default_data, project)
    dbt("deps")
    dbt("build", "--select", "package:events")
    assert dbt.query("select event_id from main.shop_scores") == [(1,)]


def test_the_projects_own_models_must_be_listed(
    project: Path, make_dbt: Callable[..., Dbt], default_data: Path
) -> None:
    for name, text in MODELS.items():
        (project / "models/campaigns" / name).write_text(text)
    said = make_dbt(default_data, project).fails("build", "--select", "shop_scores")
    assert (
        "campaign 'shop' has the model shop_scores, but `campaigns` in dbt_project.yml does not list it"
        in said
    )
