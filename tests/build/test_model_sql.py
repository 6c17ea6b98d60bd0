"""The champions of the default input as SQL give what the batch gives."""

from pathlib import Path

import duckdb
import numpy as np

from python_models.common.warehouse import read_champion
from python_models.conversion.fitted import served_model
from python_models.delivery.model_sql import MAX_LEAVES, model_sql
from tests.unit.test_model_sql import expected


def test_the_champions_of_the_default_input_as_sql(warehouse: Path) -> None:
    for campaign in ("insurance", "coupon"):
        champion = read_champion(warehouse, campaign)
        model = served_model(champion.body, champion.version)
        statement, size = model_sql(champion, model)
        assert size <= MAX_LEAVES
        with duckdb.connect(str(warehouse), read_only=True) as opened:
            opened.execute("set search_path = 'campaigns'")
            frame = opened.table(f"{campaign}_features").df()
            found = opened.sql(statement).df().set_index(champion.key).loc[frame[champion.key]]
        probability = expected(model, frame)
        np.testing.assert_allclose(found["predicted_probability"], probability, rtol=0, atol=1e-12)
