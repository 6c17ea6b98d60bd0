"""Two campaigns on Spark, from raw file to result: what DuckDB makes of the same files, number by number."""

import json
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pytest

from tests.support import Dbt, copy_project

pytestmark = [
    pytest.mark.spark,
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java; there is none"),
    pytest.mark.skipif(find_spec("pyspark") is None, reason="pyspark comes with `make setup-spark`"),
]

CAMPAIGNS = ("display_ads", "insurance")
# What DuckDB builds here: no more than Spark.
ONLY = {"campaigns": {campaign: {"source": campaign, "has": ["scores"]} for campaign in CAMPAIGNS}}
# Results that are compared, with their key.
RESULTS = {
    "campaigns": "campaign",
    "conversion_baselines": "campaign, split, baseline, metric",
    "conversion_calibration": "campaign, split, bin",
    "conversion_dependence": "campaign, feature, bin",
    "conversion_factors": "campaign, feature",
    "conversion_fairness": "campaign, audited_column, group_value",
    "conversion_gains": "campaign, split, decile",
    "conversion_metrics": "campaign, split, metric",
    "conversion_policies": "campaign",
    "conversion_rates": "campaign, dimension, category",
    "conversion_scores": "campaign, entity_id",
    "conversion_thresholds": "campaign, split, threshold",
    "judged_scores": "campaign, split, entity_id",
    "leakage_checks": "campaign, feature, check_name",
    "model_candidates": "campaign, rank",
}
# Of insurance only: the ranges of larger marts are made of a sample, by each engine's own hash.
PROFILES = {
    "conversion_counts": "campaign, column_name, category",
    "converter_profiles": "campaign, feature, category",
}
NEEDED = ["all_scores", "conversion_curves", "conversion_models", "conversion_replicates", "rejected_rows"]
MODELS = [
    *(f"path:models/staging/{campaign}" for campaign in CAMPAIGNS),
    *("display_ads_interests", "display_ads_topic_rates", "held_out"),
    *(f"{campaign}_{kind}" for campaign in CAMPAIGNS for kind in ("features", "model", "scores", "reasons")),
    *(f"fqn:{table}" for table in [*RESULTS, *PROFILES, *NEEDED] if table != "campaigns"),
    "results.campaigns.campaigns",
]
# What campaigns are held back by, on DuckDB only.
DRIFT = ["sent_contacts", "conversion_drift_counts", "conversion_drift"]
# The time of a run, and what only DuckDB keeps rows by; intervals of bootstraps, which each engine draws by
# its own hash.
NEVER_EQUAL = {"row_hash", "scored_at", "trained_at", "fit_seconds"}
DRAWN = {"lower", "upper", "gain_lower", "gain_upper"}


@dataclass(frozen=True)
class Both:
    """DuckDB's warehouse, and Spark's tables as files of Parquet."""

    warehouse: Path
    spark: Path

    def differences(self, table: str, key: str, where: str = "true", skip: set[str] = frozenset()) -> dict:
        """Per column the greatest difference of numbers, or the count of other values that are not equal.

        `rows` counts keys that only one of both has; columns without a difference are left out.
        """
        schema, name = table.split(".")
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            connection.execute(f"""
                create temp view ours as select * from {table} where {where};
                create temp view theirs as
                select * from read_parquet('{self.spark}/{schema}.db/{name}/*.parquet') where {where};
            """)
            kinds = dict(connection.sql("select column_name, column_type from (describe ours)").fetchall())
            assert set(connection.table("theirs").columns) == set(kinds)
            assert connection.sql("select count(*) from ours").fetchone() > (0,), (
                f"no row of {table} to compare"
            )
            joined = f"ours full join theirs using ({key})"
            found = {"rows": "count(*) filter (ours.rowid_ is null or theirs.rowid_ is null)"}
            for column, kind in kinds.items():
                if column in NEVER_EQUAL | skip | set(key.split(", ")):
                    continue
                ours, theirs = f'ours."{column}"', f'theirs."{column}"'
                is_number = (
                    kind in ("DOUBLE", "FLOAT") or ("INT" in kind and "[" not in kind) or "DECIMAL" in kind
                )
                found[column] = (
                    f"coalesce(max(case when ({ours} is null) != ({theirs} is null) then 'inf'::double "
                    f"else abs({ours}::double - {theirs}::double) end), 0)"
                    if is_number
                    else f"count(*) filter ({ours}::varchar is distinct from {theirs}::varchar)::double"
                )
            measured = ", ".join(f'{sql} as "{column}"' for column, sql in found.items())
            counted = joined.replace("ours", "(select *, 1 as rowid_ from ours) as ours", 1).replace(
                "theirs", "(select *, 1 as rowid_ from theirs) as theirs", 1
            )
            row = connection.sql(f"select {measured} from {counted}").fetchone()
            return {column: value for column, value in zip(found, row, strict=True) if value}


@pytest.fixture(scope="module")
def both(default_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Both:
    """The two campaigns on both engines, from the same files; few conversions are enough for a model here."""
    folder = tmp_path_factory.mktemp("spark")
    project = copy_project(folder / "project")
    # few candidates and draws: what is compared does not depend on their number
    for file, declared, less in (
        (
            "models/campaigns/display_ads/display_ads.yml",
            "[logistic_regression, random_forest, lightgbm, lightgbm_rare]",
            "[lightgbm_rare]\n        minimum_positives: 20",
        ),
        (
            "models/campaigns/insurance/insurance.yml",
            "        decide_by: f1\n",
            "        decide_by: f1\n        candidates: [lightgbm, logistic_regression]\n",
        ),
        ("dbt_project.yml", "bootstrap_replicates: 200", "bootstrap_replicates: 20"),
    ):
        text = (project / file).read_text()
        assert text.count(declared) == 1
        (project / file).write_text(text.replace(declared, less))
    (folder / "spark").mkdir()
    on_spark = Dbt(folder / "spark", default_data, project)
    on_spark.environment |= {
        "LEADLIGHT_SPARK_FOLDER": str(folder / ".spark"),
        "LEADLIGHT_SPARK_CATALOG": "in-memory",
        # a process that lives for a minute is not worth optimising
        "LEADLIGHT_SPARK_JAVA": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    }
    process = on_spark.start("run", "--target", "spark", "--select", *MODELS)
    (folder / "duckdb").mkdir()
    on_duckdb = Dbt(folder / "duckdb", default_data, project)
    on_duckdb("seed", "--select", "mail_out_dictionary", "mail_out_donor_dictionary")
    on_duckdb("run", "--vars", json.dumps(ONLY), "--select", *MODELS, *DRIFT)
    printed, _ = process.communicate()
    assert process.returncode == 0, printed
    return Both(on_duckdb.warehouse, folder / ".spark/warehouse")


def test_both_campaigns_have_a_model(both: Both) -> None:
    with duckdb.connect(str(both.warehouse), read_only=True) as connection:
        query = "select campaign from results.conversion_models where is_champion order by 1"
        assert connection.sql(query).fetchall() == [(campaign,) for campaign in CAMPAIGNS]


@pytest.mark.parametrize("campaign", CAMPAIGNS)
def test_features_are_equal(both: Both, campaign: str) -> None:
    key = {"display_ads": "device_id", "insurance": "client_id"}[campaign]
    found = both.differences(f"campaigns.{campaign}_features", key)
    assert {column: value for column, value in found.items() if value > 1e-12} == {}


@pytest.mark.parametrize("campaign", CAMPAIGNS)
def test_reasons_are_equal(both: Both, campaign: str) -> None:
    found = both.differences(f"campaigns.{campaign}_reasons", "entity_id, reason_rank")
    assert {column: value for column, value in found.items() if value > 1e-9} == {}


@pytest.mark.parametrize("campaign", CAMPAIGNS)
def test_probabilities_are_equal(both: Both, campaign: str) -> None:
    found = both.differences(f"campaigns.{campaign}_scores", "entity_id")
    assert {column: value for column, value in found.items() if value > 1e-9} == {}


def test_rejected_rows_are_equal(both: Both) -> None:
    where = f"source in {CAMPAIGNS}"
    assert both.differences("results.rejected_rows", "file_name, row_number", where) == {}


@pytest.mark.parametrize("table", RESULTS)
def test_results_are_equal(both: Both, table: str) -> None:
    is_drawn = table in ("conversion_baselines", "conversion_metrics")
    # drift, which holds campaigns back, is measured on DuckDB only
    only_duckdb = {"campaigns": {"quality_reason", "quality_grade", "held_back_reason"}}
    skip = only_duckdb.get(table, DRAWN if is_drawn else set())
    found = both.differences(f"results.{table}", RESULTS[table], f"campaign in {CAMPAIGNS}", skip)
    assert {column: value for column, value in found.items() if value > 1e-9} == {}


@pytest.mark.parametrize("table", PROFILES)
def test_profiles_are_equal(both: Both, table: str) -> None:
    found = both.differences(f"results.{table}", PROFILES[table], "campaign = 'insurance'")
    assert {column: value for column, value in found.items() if value > 1e-9} == {}
