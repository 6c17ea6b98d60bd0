"""`predict_conversion` in DuckDB: a champion's probability for the rows of any query."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import duckdb
import numpy as np
import pyarrow as pa
from duckdb import sqltypes

from python_models.common.errors import UserError
from python_models.common.warehouse import Champion, read_champion
from python_models.conversion.fitted import FittedModel, served_model
from python_models.delivery.bulk.workers import read_matrix


def add_predict_conversion(connection: duckdb.DuckDBPyConnection, warehouse: Path) -> None:
    """Give a connection `predict_conversion(campaign, row)`: the probability of a row as the batch gives it.

    `row` is a whole row of a table or query that has the columns of the campaign's mart:
    `select client_id, predict_conversion('insurance', f) from campaigns.insurance_features as f`. It is
    scored as a row whose outcome is unknown; for a row of the training data the result is too optimistic.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Gets the function; any connection, not only one to the warehouse.
    warehouse : pathlib.Path
        The published warehouse whose champions predict; each is read once, at its first use.
    """
    champions: dict[str, tuple[Champion, FittedModel]] = {}

    def predict(campaigns: pa.ChunkedArray, rows: pa.ChunkedArray) -> pa.Array:
        names = campaigns.unique().to_pylist()
        if names == []:
            return pa.array([], pa.float64())
        if len(names) != 1 or names[0] is None:
            raise UserError("predict_conversion: the first argument is the name of one campaign")
        [name] = names
        if name not in champions:
            champion = read_champion(warehouse, name)
            champions[name] = champion, served_model(champion.body, champion.version)
        _, model = champions[name]
        return pa.array(_probability(name, model, rows))

    connection.create_function(
        "predict_conversion",
        predict,
        None,
        sqltypes.DOUBLE,
        type=cast(Any, "arrow"),
        null_handling=cast(Any, "special"),
    )


def answer(warehouse: Path, query: str) -> Iterator[str]:
    """Run a query on the published warehouse, read only, with `predict_conversion`; yield a table.

    Raises
    ------
    UserError
        Without a warehouse; where DuckDB rejects the query.
    """
    if not warehouse.exists():
        raise UserError(f"{warehouse} does not exist: run `make build` first")
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        add_predict_conversion(connection, warehouse)
        try:
            yield str(connection.sql(query)).rstrip()
        except duckdb.Error as error:
            # DuckDB wraps the message of an exception in a function
            message = re.sub(r"(?s)^.*?UserError: |\n\nAt:.*$", "", str(error))
            raise UserError(message) from None


def _probability(campaign: str, model: FittedModel, rows: Any) -> np.ndarray:
    whole = rows.combine_chunks() if isinstance(rows, pa.ChunkedArray) else rows
    if not pa.types.is_struct(whole.type):
        raise UserError(
            "predict_conversion: the second argument is a whole row: name the table, as in "
            "predict_conversion('insurance', f) from campaigns.insurance_features as f"
        )
    present = {field.name for field in whole.type}
    if missing := [name for name in model.design.columns if name not in present]:
        raise UserError(
            f"predict_conversion: campaign '{campaign}' reads column '{missing[0]}', which the row lacks"
        )
    batch = pa.RecordBatch.from_struct_array(whole)
    if not len(batch):
        return np.empty(0)
    return model.score_new(read_matrix(batch, model.design))
