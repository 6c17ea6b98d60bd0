"""A row is scored again where it, the model or the money changed."""

import duckdb

from python_models.conversion.scoring import score
from python_models.conversion.training import train
from tests.unit.test_training import DECLARED_SMALL, clients


def test_rows_are_scored_again_where_they_the_model_or_the_money_changed() -> None:
    connection, frame = duckdb.connect(), clients()
    connection.register("mart", frame)
    declared = DECLARED_SMALL | {"candidates": ["logistic_regression"], "contact_cost": 1.0}
    connection.register("models", train(connection.table("mart"), declared))
    connection.register(
        "known", score(connection.table("mart"), connection.table("models"), declared).read_all()
    )

    def scored_again(meta: dict) -> set[str]:
        arguments = connection.table("mart"), connection.table("models"), meta, connection.table("known")
        return set(score(*arguments).read_pandas()["entity_id"])

    assert scored_again(declared) == set()
    assert len(scored_again(declared | {"contact_cost": 2.0})) == len(frame)
    changed = frame.copy()
    changed.loc[7, "spend"] += 1
    connection.register("mart", changed)
    assert scored_again(declared) == {frame.loc[7, "client_id"]}
