"""A damaged model body is refused by its SHA-256 before a library parses it, wherever it is read."""

from collections.abc import Callable
from typing import Any

import duckdb
import pandas as pd
import pytest

from python_models.common.checksums import seal, unseal
from python_models.common.errors import UserError
from python_models.conversion.declaration import read_conversion_campaign
from python_models.conversion.explaining import explain
from python_models.conversion.fitted import FittedModel, served_model
from python_models.conversion.registry import earlier_champions
from python_models.conversion.scoring import score
from python_models.conversion.training import train
from tests.damaged_models import DAMAGE, damaged_bodies
from tests.unit.test_training import DECLARED_SMALL, clients

DAMAGED = r"the model_body of model [0-9a-f]{12} is damaged: .* dbt build --full-refresh"


def test_what_was_sealed_comes_back() -> None:
    content = {"text": 'ö", "sha256": "', "numbers": [0.1, 1e300, None], "more": {"sha256": "x"}}
    assert unseal(seal(content), "it") == content
    with pytest.raises(UserError, match="it has no SHA-256: it is cut short, or of an earlier release"):
        unseal('{"trees": 2}', "it")


@pytest.fixture(scope="module")
def row() -> dict[str, Any]:
    connection = duckdb.connect()
    connection.register("mart", clients())
    return train(connection.table("mart"), DECLARED_SMALL).to_pylist()[0]


def test_no_damaged_body_reaches_a_library(row: dict[str, Any]) -> None:
    body, version = row["model_body"], row["model_version"]
    damaged = dict(damaged_bodies(body))
    assert len(damaged) == 5 * len(DAMAGE) == 60
    for text in damaged.values():
        with pytest.raises(UserError, match=DAMAGED):
            served_model(text, version)
    hash_begins = body.rindex('"sha256": "') + len('"sha256": "')
    for cut in range(0, len(body), len(body) // 40):
        reason = "is damaged" if cut >= hash_begins else "has no SHA-256"
        with pytest.raises(UserError, match=f"the model_body of model {version} {reason}"):
            served_model(body[:cut], version)
    assert FittedModel.from_text(body).to_text() == body


@pytest.mark.parametrize("read", ["score", "explain", "earlier_champions"])
def test_the_batch_reads_no_damaged_body(row: dict[str, Any], read: str) -> None:
    connection = duckdb.connect()
    connection.register("mart", clients(50))
    damage = dict(damaged_bodies(row["model_body"]))["tree_sizes too large, fold 0"]
    connection.register("models", pd.DataFrame([row | {"model_body": damage}]))
    mart, models = connection.table("mart"), connection.table("models")
    readers: dict[str, Callable[[], Any]] = {
        "score": lambda: score(mart, models, DECLARED_SMALL),
        "explain": lambda: explain(mart, models, models, DECLARED_SMALL),
        "earlier_champions": lambda: earlier_champions(models, read_conversion_campaign(DECLARED_SMALL)),
    }
    with pytest.raises(UserError, match=DAMAGED):
        readers[read]()
