"""What people do with dbt every day, beside the build that publishes."""

import json
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import duckdb

from tests.support import REPOSITORY, Dbt, copy_built, copy_project

CALLS = 4_521


def contents(dbt: Dbt) -> dict[str, bytes]:
    """The files of the warehouse, without those of developers."""
    files = dbt.folder.glob("warehouse.duckdb*")
    return {path.name: path.read_bytes() for path in files if ".dev." not in path.name}


def test_development_reads_what_is_published_and_changes_nothing_of_it(
    built: Dbt, make_dbt: Callable[..., Dbt], default_data: Path, tmp_path: Path
) -> None:
    dbt = make_dbt(default_data, copy_project(tmp_path / "dbt_project"))
    copy_built(built, dbt)
    state = dbt.folder / "state"
    state.mkdir()
    shutil.copy(built.target / "manifest.json", state)
    dbt.environment["LEADLIGHT_DEV"] = "anna"
    before = contents(dbt)
    chosen = ("--target", "dev", "--state", str(state))
    assert "add --target dev" in dbt.fails("clone", "--state", str(state), "--select", "insurance_scores")
    dbt("clone", *chosen, "--select", "insurance_model", "insurance_scores")
    dbt("build", *chosen, "--defer", "--select", "insurance_features", "insurance_scores", "identity_map")
    count = (
        "select count(*) as n, count(distinct model_version) as versions from {{ ref('insurance_scores') }}"
    )
    shown = json.loads(dbt("-q", "show", "--target", "dev", "--output", "json", "--inline", count))
    assert shown["show"] == [{"n": CALLS, "versions": 1}]

    assert contents(dbt) == before
    own = {
        path.name.removeprefix("warehouse.duckdb.dev.anna"): stat.S_IMODE(path.stat().st_mode)
        for path in dbt.folder.glob("warehouse.duckdb.dev.*")
    }
    assert own == dict.fromkeys((".working", ".identities.working", ".lock"), 0o600) | {".lock": own[".lock"]}
    with duckdb.connect(f"{dbt.warehouse}.dev.anna.working", read_only=True) as connection:
        tables = connection.sql("select table_name from duckdb_tables() where schema_name = 'campaigns'")
        assert {name for (name,) in tables.fetchall()} == {
            "insurance_features",
            "insurance_model",
            "insurance_scores",
        }
        [(client,)] = connection.sql("select min(entity_id) from campaigns.insurance_scores").fetchall()

    # whoever asks to be erased leaves it with the next run, of whatever
    with (dbt.project / "seeds/erasure_requests.csv").open("a") as requests:
        requests.write(f"insurance,{client},2026-11-01\n")
    dbt("seed", "--target", "dev", "--select", "segment_names")
    with duckdb.connect(f"{dbt.warehouse}.dev.anna.working", read_only=True) as connection:
        for table, key in (("scores", "entity_id"), ("features", "client_id")):
            left = f"select count(*), count(*) filter ({key} = '{client}') from campaigns.insurance_{table}"
            assert connection.sql(left).fetchall() == [(CALLS - 1, 0)]
    assert contents(dbt) == before


def test_a_whole_build_without_rows_passes_and_leaves_no_file(
    make_dbt: Callable[..., Dbt], default_data: Path
) -> None:
    dbt = make_dbt(default_data)
    printed = dbt("build", "--empty")
    assert " ERROR=0 SKIP=0 " in printed
    assert contents(dbt) == {}


def test_dbt_works_from_inside_its_project(default_data: Path, tmp_path: Path) -> None:
    copy_project(tmp_path / "dbt_project")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/raw").symlink_to(default_data)
    dbt = Dbt(tmp_path / "dbt_project", default_data, project=tmp_path / "dbt_project")
    for name in ("DBT_PROJECT_DIR", "DBT_PROFILES_DIR", "LEADLIGHT_DATA"):
        del dbt.environment[name]
    dbt("run", "--select", "base_insurance__calls")
    assert sorted(dbt.folder.glob("warehouse.duckdb*")) == []
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as connection:
        assert connection.sql("select count(*) from staging.base_insurance__calls").fetchall() == [(CALLS,)]
    assert (REPOSITORY / "dbt_project/profiles.yml").resolve() == REPOSITORY / "profiles.yml"
