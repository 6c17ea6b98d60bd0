"""The scoring service answers as the batch does, for every row of two marts."""

import json
from pathlib import Path
from typing import Any

import duckdb
from fastapi.testclient import TestClient

from python_models.conversion.scoring import score
from python_models.delivery.service.app import create_app
from python_models.delivery.service.rows import MAX_ROWS
from tests.unit.test_service import KEYS, SCORER, ask


def test_every_row_of_the_insurance_mart_is_scored_as_by_the_batch(built: Any, tmp_path: Path) -> None:
    app = create_app(built.warehouse, KEYS | {"LEADLIGHT_API_LOG": str(tmp_path / "log")})
    with (
        TestClient(app, headers=SCORER) as client,
        duckdb.connect(str(built.warehouse), read_only=True) as connection,
    ):
        for campaign, mart, known in (
            ("insurance", "insurance_features", "true"),
            ("coupon", "coupon_features", "split = 'score'"),
        ):
            offers = {offer["campaign"]: offer for offer in client.get("/v1/campaigns").json()["campaigns"]}
            names = [offers[campaign]["entity"], *(field["name"] for field in offers[campaign]["fields"])]
            listed = ", ".join(f'"{name}"' for name in dict.fromkeys(names))
            rows = (
                connection.sql(f"select {listed} from campaigns.{mart} where {known}")
                .to_arrow_table()
                .to_pylist()
            )
            assert len(rows) > 500
            answered = {}
            for start in range(0, len(rows), MAX_ROWS):
                answer = ask(client, rows[start : start + MAX_ROWS], campaign)
                answered |= {row["entity_id"]: row["probability"] for row in answer.json()["results"]}
            declaration = connection.sql(
                "select declaration from results.conversion_models "
                f"where campaign = '{campaign}' and is_champion"
            ).fetchone()
            [text] = declaration or ["{}"]
            declared = {
                name: value
                for name, value in json.loads(text).items()
                if name not in ("policy", "policy_limit")
            }
            label = declared["label"]
            new = connection.sql(
                f'select * replace (cast(null as boolean) as "{label}") from campaigns.{mart} where {known}'
            )
            models = connection.sql(f"select * from results.conversion_models where campaign = '{campaign}'")
            scored = score(new, models, declared).read_all()
            batch = dict(
                zip(scored["entity_id"].to_pylist(), scored["predicted_probability"].to_pylist(), strict=True)
            )
            assert answered == batch
            if campaign == "coupon":
                stored = connection.sql(
                    "select entity_id, predicted_probability from results.conversion_scores "
                    "where campaign = 'coupon' and split = 'score'"
                ).fetchall()
                assert answered == dict(stored)
