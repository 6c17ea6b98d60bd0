"""A campaign that is declared but not listed fails the build."""

import re
from pathlib import Path

from tests.support import Dbt


def test_a_declared_campaign_that_is_not_listed_fails_the_build(
    project: Path, built: Dbt, default_data: Path, tmp_path: Path
) -> None:
    settings = project / "dbt_project.yml"
    listed = settings.read_text()
    dbt = Dbt(tmp_path, default_data, project)
    settings.write_text(re.sub(r"(?m)^(  campaigns: \[.*)coupon, ", r"\1", listed))
    assert settings.read_text() != listed
    printed = dbt.fails("run", "--select", "coupon_scores")
    assert "campaign 'coupon' has the model coupon_scores" in printed
    assert "but `campaigns` in dbt_project.yml does not list it" in printed
    settings.write_text(listed.replace("    base_insurance__calls: stg_insurance__calls\n", ""))
    assert "model base_insurance__calls reads raw files, but `staged`" in dbt.fails(
        "run", "--select", "base_insurance__calls"
    )
