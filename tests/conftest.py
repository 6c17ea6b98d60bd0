"""What tests of several tiers share: the default input, one default build of it, and copies of both."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from python_models.inputs.defaults import put_default_inputs
from tests.calls import Calls
from tests.support import PROJECT, Dbt, Mart, Shared, copy_built, copy_project

# Small samples: what they show does not depend on their size.
SAMPLE_SIZES = {"LEADLIGHT_SAMPLE_SIZES": "app_install=10000 display_ads=100000 mail_out=4000"}
# Whoever waits for the build or the site starts it: one file of each of these tiers goes early, so that one
# worker builds while the other one runs what needs no build.
ORDER = (
    *("build/test_build.py", "unit/", "reports/test_reports.py", "build/", "reports/"),
    *("slow/test_next_build.py", "slow/test_spark.py", "slow/test_lint.py", "slow/test_model_sql.py"),
    *("slow/test_service.py", "slow/test_devices.py", "slow/"),
)


@pytest.fixture(scope="session", autouse=True)
def _shared(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Put what all workers share beside their folders."""
    base = tmp_path_factory.getbasetemp()
    Shared.root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def default_data() -> Path:
    """The default input of every source, and beside it the truth of the samples."""

    def make(folder: Path) -> None:
        put_default_inputs(folder / "data", SAMPLE_SIZES)

    return Shared.folder("default", make) / "data"


@pytest.fixture(scope="session")
def built(default_data: Path) -> Dbt:
    """A whole build of the default input: the one expensive thing, once for all workers."""

    def make(folder: Path) -> None:
        printed, _ = (build := Dbt(folder / "built", default_data).start("build")).communicate()
        assert build.returncode == 0, printed

    return Dbt(Shared.folder("built", make) / "built", default_data)


@pytest.fixture(scope="session")
def warehouse(built: Dbt) -> Path:
    """The warehouse that the build published."""
    return built.warehouse


@pytest.fixture
def connection(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The built warehouse, open for reading."""
    with duckdb.connect(str(warehouse), read_only=True) as opened:
        yield opened


@pytest.fixture(scope="session")
def reported_warehouse(warehouse: Path) -> Path:
    """The built warehouse, and in it campaigns in states that no default campaign is in."""

    def make(folder: Path) -> None:
        copy = shutil.copy(warehouse, folder / "warehouse.duckdb")
        with duckdb.connect(str(copy)) as connection:
            add_campaigns_in_other_states(connection)

    return Shared.folder("reported", make) / "warehouse.duckdb"


def add_campaigns_in_other_states(connection: duckdb.DuckDBPyConnection) -> None:
    """Three more campaigns, made of the coupons' rows: what no default campaign is, a report must show too.

    `coupon_later` is judged on later rows, had columns dropped, an accepted leak and a refused training;
    `coupon_refused` never had a model. The customers of `one_group` form one group, and have no outcome.
    """
    of_all = [
        *("campaigns", "data_sufficiency", "leakage_checks", "conversion_rates", "converter_profiles"),
        *("segmenters", "segments", "segment_choices", "segment_profiles", "segment_steps"),
        *("segment_distances", "segment_purchases", "segment_spending"),
        *("conversion_counts", "feature_summaries", "feature_associations", "retrain_advice"),
    ]
    of_models = [
        *("conversion_baselines", "conversion_calibration", "conversion_dependence", "conversion_factors"),
        *("conversion_gains", "conversion_metrics", "conversion_models", "conversion_thresholds"),
        *("conversion_score_counts", "model_candidates", "conversion_drift"),
    ]
    for name, tables in {"coupon_later": of_models + of_all, "coupon_refused": of_all}.items():
        for table in tables:
            connection.execute(
                f"insert into results.{table} select * replace ('{name}' as campaign) "
                f"from results.{table} where campaign = 'coupon'"
            )
    for table in ("baselines", "calibration", "gains", "metrics", "score_counts", "thresholds"):
        worse = ", value * 0.9 as value" if table == "metrics" else ""
        connection.execute(
            f"delete from results.conversion_{table} where campaign = 'coupon_later' and split = 'forward'"
        )
        connection.execute(
            f"insert into results.conversion_{table} select * replace ('forward' as split{worse}) "
            f"from results.conversion_{table} where campaign = 'coupon_later' and split = 'test'"
        )
    connection.execute("""
        update results.segmenters set title = 'Coupons at a later time' where campaign = 'coupon_later';
        update results.segmenters set title = 'Coupons without a model' where campaign = 'coupon_refused';
        update results.campaigns set title = 'Coupons at a later time', judged_split = 'forward',
            refused_training = 'Worse than the champion: made up.', accepted_leaks = 'coupon_trip_share',
            leak_warning_count = 0
        where campaign = 'coupon_later';
        insert into results.conversion_models
        select * replace ('000000000000' as model_version, trained_at + interval 1 day as trained_at,
            false as is_champion, 'Worse than the champion: made up.' as refused_reason)
        from results.conversion_models where campaign = 'coupon_later' and is_champion;
        insert into results.feature_relevance
        select 'coupon_later', feature, rank < 30, if(rank < 30, null, 'variance'), 0.5, 0.005, null, 5
        from results.conversion_factors where campaign = 'coupon_later';
        update results.model_candidates set later_measure = 0.321, all_features_average_precision = 0.432
        where campaign = 'coupon_later';
        update results.leakage_checks set status = 'accepted'
        where campaign = 'coupon_later' and feature = 'coupon_trip_share'
            and check_name = 'single_feature_power';
        update results.segment_purchases set customer_count = 9, is_small = true
        where campaign = 'coupon_later' and segment_id = 1 and product_group = 'fuel';
        insert into results.conversion_fairness
        select * replace ('coupon_later' as campaign,
            '<img src=x onerror="document.title=1"> *a*|_b_ [c](javascript:1) ![d](d.png)' as group_value)
        from results.conversion_fairness where campaign = 'insurance' and group_value = 'married';
        insert into results.segment_migrations values
            ('coupon_later', 1, 2, date '2026-10-05', 40), ('coupon_later', 1, 2, date '2026-11-02', 5),
            ('coupon_later', 2, 1, date '2026-11-02', 12), ('coupon_later', 2, 3, date '2026-11-02', 6),
            ('coupon_later', 3, 4, date '2026-11-02', 7), ('coupon_refused', 1, 2, date '2026-11-02', 4);
        update results.segments set is_small = true, member_count = 7, customer_count = 7
        where campaign = 'coupon_refused' and segment_id = 3;
        update results.segment_spending set is_small = true, customer_count = 7
        where campaign = 'coupon_refused' and segment_id = 3;
        update results.retrain_advice set advice = 'refused', model_version = null, model_age_days = null,
            newest_window = null, drifted_feature_count = null, drifting_feature_count = null,
            score_psi = null, reason = 'No model is in service. Only 9 conversions: made up.'
        where campaign = 'coupon_refused';
        insert into results.realised_performance by name
        select 'coupon_later' as campaign, 'made up' as model_version, scored_on, 900 as forecast_count,
            known_count, 10 * known_count / 90 as expected_conversions, realised as realised_conversions,
            realised / (10 * known_count / 90) as realised_to_expected, 0.5 as lower, 1.5 as upper,
            1.0 as design_effect, realised < 150 as is_within,
            9 as contacted_count, 9 as known_contacted_count
        from (
            values (date '2026-01-01', 900, 90), (date '2026-01-02', 900, 180), (date '2026-01-03', 9, 1)
        ) as days (scored_on, known_count, realised);
        update results.campaigns set title = 'Coupons without a model', quality_grade = 'refused',
            refused_reason = 'Only 9 conversions: made up.', algorithm = null, threshold = null,
            threshold_policy = null, judged_count = 0, contact_count = 0, score_contact_count = 0
        where campaign = 'coupon_refused';
    """)
    add_one_group(connection)


def add_one_group(connection: duckdb.DuckDBPyConnection) -> None:
    """A campaign whose customers form one group."""
    of_group = ("segments", "segment_profiles", "segment_purchases", "segment_spending")
    for table in (*of_group, "segmenters", "segment_choices", "segment_steps"):
        first = "and segment_id = 1" if table in of_group else ""
        connection.execute(
            f"insert into results.{table} select * replace ('one_group' as campaign) "
            f"from results.{table} where campaign = 'coupon' {first}"
        )
    connection.execute("""
        update results.segments set segment_name = 'everybody', segment_slug = 'everybody-1',
            share_of_customers = 1, contacts = 0, conversion_rate = null, lower = null, upper = null,
            lift = null, standing = null, map_x = 0, map_y = 0,
            advice = 'Everybody is in one group: it does not say whom to choose.'
        where campaign = 'one_group';
        update results.segmenters set title = 'One group', map_x_meaning = null,
            map_y_meaning = null, map_share = 1, chosen_because = 'One group: made up.'
        where campaign = 'one_group';
        update results.segment_choices set is_chosen = false where campaign = 'one_group';
        insert into results.segment_choices by name
        select 'one_group' as campaign, 1 as segment_count, 9.0 as inertia, 1.0 as smallest_share,
            true as is_chosen;
        update results.segment_profiles set segment_mean = overall_mean, standardised_difference = 0
        where campaign = 'one_group';
        update results.segment_purchases set index_value = 100 where campaign = 'one_group';
        update results.segment_spending set share_of_amount = 1 where campaign = 'one_group';
    """)


@pytest.fixture
def make_dbt(tmp_path: Path) -> Callable[..., Dbt]:
    """Makes a dbt of the test's own."""

    def make(data: Path, project: Path | None = None) -> Dbt:
        return Dbt(tmp_path, data, project)

    return make


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder that may not be written, by root neither."""
    folder = tmp_path / "read_only"
    folder.mkdir(0o555)
    if os.getuid():
        yield folder
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.fixture
def calls(built: Dbt, make_dbt: Callable[..., Dbt], default_data: Path, tmp_path: Path) -> Calls:
    """Calls of the test's own, and a dbt of its own that has built all others."""
    data = tmp_path / "calls"
    calls = Calls(data, default_data, make_dbt(data))
    copy_built(built, calls.dbt)
    return calls


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of dbt's project, in whose folder commands run."""
    copy = copy_project(tmp_path / "dbt_project", PROJECT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LEADLIGHT_DATA", raising=False)
    return copy


@pytest.fixture(scope="session")
def declarations(built: Dbt) -> dict[str, dict]:
    """Declaration of every campaign, as dbt parsed it."""
    manifest = json.loads((built.target / "manifest.json").read_text())
    return {
        node["config"]["meta"]["campaign"]: node["config"]["meta"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["name"].endswith("_model")
    }


@pytest.fixture
def mart() -> Mart:
    """Makes a relation of a frame."""
    connection = duckdb.connect()

    def make(frame: pd.DataFrame) -> duckdb.DuckDBPyRelation:
        connection.register("mart", frame)
        return connection.table("mart")

    return make


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the files so that no worker waits while another one builds."""
    tests = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        # examples in docstrings stand beside the code: they go with the unit tests
        path = item.path.relative_to(tests).as_posix() if item.path.is_relative_to(tests) else "unit/"
        return next(place for place, start in enumerate(ORDER) if path.startswith(start))

    items.sort(key=place)
