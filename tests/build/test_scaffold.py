"""A campaign that is declared but not listed fails the build."""

from pathlib import Path

from tests.support import Dbt


def test_a_raw_table_that_is_not_listed_fails_the_build(
    project: Path, default_data: Path, tmp_path: Path
) -> None:
    settings = project / "dbt_project.yml"
    listed = settings.read_text()
    dbt = Dbt(tmp_path, default_data, project)
    settings.write_text(listed.replace("insurance: {tables: [calls]", "insurance: {tables: []"))
    assert settings.read_text() != listed
    assert "model base_insurance__calls reads raw files, but `sources`" in dbt.fails(
        "run", "--select", "base_insurance__calls"
    )
