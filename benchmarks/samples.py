"""How near the models of the samples come to the true probability, on rows that no model has seen.

After `make build` with the default input. "Expected" weighs each row by its true probability instead of its
outcome, which takes the noise of few conversions out.

    python benchmarks/samples.py [warehouse.duckdb [FOLDER/truth]]
"""

import sys

import duckdb
import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from python_models.conversion.measures import expected_calibration_error

TRUTHS = {
    "app_install": ("app_install/clicks.parquet", "event_id"),
    "display_ads": ("display_ads/*.parquet", "device_id"),
    "mail_out": ("mail_out/mailout.parquet", "person_id"),
}


def expected_roc_auc(truth: np.ndarray, score: np.ndarray) -> float:
    """ROC AUC if each row converted with its true probability."""
    rows = np.tile(np.arange(len(truth)), 2)
    label = np.repeat([1, 0], len(truth))
    return roc_auc_score(label, score[rows], sample_weight=np.concatenate([truth, 1 - truth]))


def main(warehouse: str = "warehouse.duckdb", truths: str = "data/truth") -> None:
    table = {}
    with duckdb.connect(warehouse, read_only=True) as connection:
        for campaign, (files, key) in TRUTHS.items():
            rows = connection.sql(f"""
                select predicted_probability as score, true_probability as truth, has_converted::int as label
                from results.conversion_scores
                inner join '{truths}/{files}' as truths on entity_id = truths.{key}::varchar
                where campaign = '{campaign}' and split = 'test'
                order by entity_id
            """).df()
            score, truth, label = rows["score"], rows["truth"], rows["label"].to_numpy()
            table[campaign] = {
                "test rows": len(rows),
                "conversions": label.sum(),
                "ROC AUC": roc_auc_score(label, score),
                "of the truth": roc_auc_score(label, truth),
                "expected ROC AUC": expected_roc_auc(truth.to_numpy(), score.to_numpy()),
                "of the truth, expected": expected_roc_auc(truth.to_numpy(), truth.to_numpy()),
                "calibration error": expected_calibration_error(label, score.to_numpy()),
            }
    print(pd.DataFrame(table).T.round(4).to_string())


if __name__ == "__main__":
    main(*sys.argv[1:])
