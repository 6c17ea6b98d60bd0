"""A champion as SQL, and predict_conversion in DuckDB: what the batch gives, for every kind of model."""

import math
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from python_models.__main__ import main
from python_models.common.errors import UserError
from python_models.common.frames import fold_of, make_design
from python_models.common.warehouse import Champion, read_champion
from python_models.conversion.algorithms.registry import ALGORITHMS
from python_models.conversion.calibration import shift_log_odds
from python_models.conversion.fitted import FittedModel, served_model
from python_models.conversion.fitting import TrainingSet, blend, cross_fit, presets
from python_models.conversion.one_rule import OneRule
from python_models.delivery.model_sql import model_sql, write_model_sql
from python_models.delivery.predict_function import add_predict_conversion
from tests.support import REPOSITORY
from tests.unit.test_service import publish
from tests.unit.test_training import clients

COLUMNS = ["spend", "noise", "job", "is_new"]


def people(count: int, seed: int) -> pd.DataFrame:
    """Clients with a yes-or-no column too."""
    frame = clients(count, seed=seed)
    frame["is_new"] = np.arange(count) % 3 == 0
    frame.loc[::17, "spend"] = np.nan
    frame.loc[::19, "job"] = None
    return frame


def fit_models() -> dict[str, FittedModel]:
    """Fit a model of every kind, one of two kinds, and one whose folds read different columns."""
    frame = people(3_000, 1)
    design = make_design(frame, COLUMNS, ["job"])
    label = frame["has_bought"].fillna(False).to_numpy(np.int64)
    training = TrainingSet(design, design.matrix(frame), label, fold_of(frame["client_id"]))
    fits = {name: cross_fit(name, training) for name in ALGORITHMS}
    lines, fits["logistic_regression"] = (
        cross_fit("logistic_regression", training, settings=settings)
        for settings in presets("logistic_regression", training)
    )
    fits["lines"] = lines
    # SQLite's parser takes some ten levels of `case`, fewer than the default trees of a table like this have
    shallow = presets("lightgbm", training)[0] | {"num_leaves": 7, "max_depth": 6}
    fits["lightgbm"] = cross_fit("lightgbm", training, settings=shallow)
    parts = [fits[name] for name in ("lightgbm", "logistic_regression", "xgboost", "random_forest")]
    fits["blend"] = blend(parts, [0.4, 0.3, 0.2, 0.1])
    some = training.keeping([[0, 2], [0, 2, 3], [2, 3], [0, 1, 2], [0, 2]])
    fits["some columns"] = cross_fit("lightgbm_shallow", some)
    rule = OneRule(make_design(pd.DataFrame({"job": ["a"]}), ["job"], ["job"]), [])
    fitted = {name: FittedModel.of(fit, training, rule, None) for name, fit in fits.items()}
    # stretched, moved to another base rate, and bent by beta calibration or knots
    stretched = replace(fitted["lightgbm"].calibrator, scale=1.2, offset=-0.3)
    fitted["moved"] = replace(fitted["lightgbm"], calibrator=stretched, shift=-1.25)
    fitted["beta"] = replace(fitted["lightgbm"], calibrator=replace(stretched, bend=0.4, centre=-1.5))
    knots = [[-3.0, 0.02], [-1.0, 0.2], [0.5, 0.61], [1.5, 0.9]]
    bent = replace(stretched, bend=0.4, knots=knots)
    fitted["isotonic"] = replace(fitted["lightgbm"], calibrator=bent)
    return {name: FittedModel.from_text(model.to_text()) for name, model in fitted.items()}


def unseen_rows(models: dict[str, FittedModel]) -> pd.DataFrame:
    """Return rows that training has not seen: unknown and missing values, and values at the thresholds."""
    frame = people(2_000, 7)[["client_id", *COLUMNS]]
    frame.loc[::13, "job"] = "never seen"
    trees = models["lightgbm"].models[0].candidate.booster.trees_to_dataframe()  # type: ignore[attr-defined]
    limits = trees.loc[trees["split_feature"] == "Column_0", "threshold"].astype(float).to_numpy()[:50]
    # the least number above zero, where LightGBM reads its own text with another last bit
    limits = limits[np.abs(limits) > 1e-30]
    frame.loc[frame.index[100 : 100 + len(limits)], "spend"] = limits
    return frame


@pytest.fixture(scope="module")
def models() -> dict[str, FittedModel]:
    return fit_models()


@pytest.fixture(scope="module")
def asked(models: dict[str, FittedModel]) -> pd.DataFrame:
    return unseen_rows(models)


MODELS = [*ALGORITHMS, "lines", "blend", "some columns", "moved", "beta", "isotonic"]


def expected(model: FittedModel, frame: pd.DataFrame) -> np.ndarray:
    """What the batch gives to rows whose outcome is not known."""
    return shift_log_odds(model.ensemble(model.design.matrix(frame)), model.shift)


@pytest.mark.long
@pytest.mark.parametrize("name", MODELS)
def test_the_statement_gives_what_the_batch_gives(
    models: dict[str, FittedModel], asked: pd.DataFrame, name: str
) -> None:
    champion = Champion("people", "v1", "", 0.4, "client_id", "has_bought")
    statement, size = model_sql(champion, models[name])
    assert size > 10
    if "lightgbm" in name or name == "random_forest":
        # the others refuse what is infinite
        asked = asked.copy()
        asked.loc[5, "noise"], asked.loc[6, "spend"] = np.inf, -np.inf
    with duckdb.connect() as connection:
        connection.register("frame", asked)
        connection.execute(
            "create table people_features as "
            "select * replace (nullif(spend, 'nan') as spend, nullif(noise, 'nan') as noise) from frame"
        )
        found = connection.sql(statement).df().set_index("client_id").loc[asked["client_id"]]
    probability = expected(models[name], asked)
    np.testing.assert_allclose(found["predicted_probability"], probability, rtol=0, atol=1e-12)
    assert (found["predicted_conversion"] == (found["predicted_probability"] >= 0.4)).all()
    assert len(np.unique(probability)) > 10


def check_on_sqlite(model: FittedModel, frame: pd.DataFrame) -> None:
    """Compare what SQLite makes of the statement with what the batch gives."""
    connection = sqlite3.connect(":memory:")
    for function in (math.exp, math.log):
        connection.create_function("ln" if function is math.log else "exp", 1, function)
    frame.astype({"is_new": int}).to_sql("people_features", connection, index=False)
    champion = Champion("people", "v1", "", 0.4, "client_id", "has_bought")
    rows = connection.execute(model_sql(champion, model)[0]).fetchall()
    found = pd.DataFrame(rows).set_index(0).loc[frame["client_id"], 1]
    np.testing.assert_allclose(found, expected(model, frame), rtol=0, atol=1e-12)


def test_another_database_gives_the_same(models: dict[str, FittedModel], asked: pd.DataFrame) -> None:
    """Models of trees, whose statements take SQLite longer to plan, are among the slow tests."""
    for name in ("logistic_regression", "lines"):
        check_on_sqlite(models[name], asked)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    warehouse = tmp_path_factory.mktemp("published") / "warehouse.duckdb"
    publish(warehouse)
    return warehouse


@pytest.fixture
def connection(published: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(published), read_only=True) as opened:
        add_predict_conversion(opened, published)
        yield opened


def test_predict_conversion_gives_what_the_batch_gives(
    connection: duckdb.DuckDBPyConnection, published: Path
) -> None:
    model = served_model(read_champion(published, "clients").body, "clients")
    frame = connection.table("campaigns.clients_features").order("client_id").df()
    many = connection.sql("""
        select client_id, predict_conversion('clients', f) as probability
        from (from campaigns.clients_features cross join range(5)) as f
        order by client_id
    """).df()
    np.testing.assert_array_equal(many["probability"], np.repeat(expected(model, frame), 5))


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        (
            "select predict_conversion('nobody', f) from campaigns.clients_features as f",
            "campaign 'nobody' has no model",
        ),
        (
            "select predict_conversion('clients', f.spend) from campaigns.clients_features as f",
            "is a whole row",
        ),
        (
            "select predict_conversion('clients', f) from (select 1 as spend) as f",
            "reads column 'noise', which the row lacks",
        ),
        (
            "select predict_conversion(job, f) from campaigns.clients_features as f",
            "the name of one campaign",
        ),
        ("create table mine as select 1", "read-only"),
    ],
)
def test_a_query_that_cannot_be_answered_says_why(
    published: Path, query: str, sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("LEADLIGHT_WAREHOUSE", str(published))
    assert main(["query", query]) == 1
    said = capsys.readouterr().err
    assert sentence in said
    assert "/python_models/" not in said
    assert main(["query", "select 1 + 1 as two"]) == 0
    assert "two" in capsys.readouterr().out


def test_a_statement_is_written_whole_and_a_large_one_only_when_asked(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "folder/clients.sql"
    [said] = write_model_sql(published, "clients", target)
    assert str(target) in said
    assert [path.name for path in target.parent.iterdir()] == ["clients.sql"]
    before = target.read_text()
    monkeypatch.setattr("python_models.delivery.model_sql.MAX_LEAVES", 10)
    with pytest.raises(UserError, match="leaves and terms, more than the 10 that are sensible as SQL"):
        list(write_model_sql(published, "clients", target))
    assert target.read_text() == before
    assert list(write_model_sql(published, "clients", target, force=True))
    with pytest.raises(UserError, match="campaign 'nobody' has no model"):
        list(write_model_sql(published, "nobody", target))


def shell(warehouse: Path, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "-s", "--old-file=setup", "shell", *arguments],
        cwd=REPOSITORY,
        env=os.environ | {"LEADLIGHT_WAREHOUSE": str(warehouse)},
        input=given,
        capture_output=True,
        text=True,
    )


def test_the_shell_reads_what_is_published_and_writes_nothing(published: Path, tmp_path: Path) -> None:
    assert "clients" in shell(published, "SQL=select campaign from results.conversion_models").stdout
    assert "41" in shell(published, given="select 40 + 1 as number;").stdout
    refused = shell(published, "SQL=create table results.mine as select 1")
    assert refused.returncode != 0
    assert "read-only" in refused.stderr
    missing = shell(tmp_path / "none.duckdb")
    assert missing.returncode != 0
    assert "there is no warehouse yet: run make build first" in missing.stderr
