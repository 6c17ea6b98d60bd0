"""Champions of trees as SQL: SQLite plans their statements, and six dialects read one."""

import pandas as pd
import pytest

from python_models.common.warehouse import Champion
from python_models.conversion.fitted import FittedModel
from python_models.delivery.model_sql import model_sql
from tests.unit.test_model_sql import check_on_sqlite, fit_models, unseen_rows


@pytest.fixture(scope="module")
def models() -> dict[str, FittedModel]:
    return fit_models()


@pytest.fixture(scope="module")
def asked(models: dict[str, FittedModel]) -> pd.DataFrame:
    return unseen_rows(models)


@pytest.mark.parametrize("name", ["lightgbm", "random_forest", "moved", "isotonic"])
def test_another_database_gives_the_same_for_trees(
    models: dict[str, FittedModel], asked: pd.DataFrame, name: str
) -> None:
    check_on_sqlite(models[name], asked)


@pytest.mark.parametrize("dialect", ["postgres", "snowflake", "bigquery", "spark", "tsql", "mysql"])
def test_the_statement_is_read_by_other_dialects(models: dict[str, FittedModel], dialect: str) -> None:
    sqlglot = pytest.importorskip("sqlglot", reason="sqlglot comes with `make setup-spark`")
    champion = Champion("people", "v1", "", None, "client_id", "has_bought")
    statement, _ = model_sql(champion, models["lightgbm_shallow"])
    [parsed] = sqlglot.parse(statement, read="postgres")
    assert sqlglot.parse_one(parsed.sql(dialect), read=dialect).named_selects == [
        *("client_id", "predicted_probability", "predicted_conversion")
    ]
