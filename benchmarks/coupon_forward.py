"""Forward validation of the coupon campaign: each campaign predicted from those that began before it.

Test campaigns are not read. Campaigns that begin within a few weeks share a block; households keep a fold.

    python benchmarks/coupon_forward.py [warehouse.duckdb]
"""

import sys
import time
from collections import defaultdict

import duckdb
import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from python_models.common.frames import fold_of, make_design
from python_models.conversion.declaration import read_conversion_campaign
from python_models.conversion.fitting import TrainingSet
from python_models.conversion.selection import blended, candidates

META = {
    "campaign": "coupon",
    "entity": "contact_id",
    "title": "Grocery coupons",
    "question": "Who redeems?",
    "source": "coupon",
    "source_note": "Of the warehouse.",
    "label": "has_redeemed",
}
BLOCKS = [[1, 2, 3], [4, 5], [6, 7], [8], [9], [10], [11, 12], [13]]
NOT_FEATURES = (
    "contact_id",
    "household_id",
    "campaign_id",
    "as_of_date",
    "outcome_known_date",
    "recency_frequency_value",
    "has_redeemed",
    "split",
)


def main(warehouse: str = "warehouse.duckdb") -> None:
    with duckdb.connect(warehouse, read_only=True) as connection:
        frame = connection.sql(
            "from campaigns.coupon_features where split = 'train' order by contact_id"
        ).df()
    names = [name for name in frame.columns if name not in NOT_FEATURES]
    label = frame["has_redeemed"].to_numpy(bool).astype(int)
    campaign = read_conversion_campaign(META)
    start, predicted, outcomes = time.process_time(), defaultdict(list), []
    for block in BLOCKS:
        later = frame["campaign_id"].isin(block)
        earlier = frame["as_of_date"] < frame.loc[later, "as_of_date"].min()
        design = make_design(frame[earlier], names, [])
        training = TrainingSet(
            design,
            design.matrix(frame[earlier]),
            label[earlier],
            fold_of(frame.loc[earlier, "household_id"]),
        )
        matrix = design.matrix(frame[later])
        fits = candidates(campaign, training)
        fits += blended(campaign, training, fits, None)
        for fit in fits:
            predicted[fit.name].append(np.mean([model.log_odds(matrix) for model in fit.models], axis=0))
        outcomes.append(label[later])
    outcome = np.concatenate(outcomes)
    print(f"{len(outcome):,} contacts, {outcome.sum()} redeemed, {time.process_time() - start:.1f} CPU s")
    for name, log_odds in predicted.items():
        score = np.concatenate(log_odds)
        print(
            f"{name}: ROC AUC {roc_auc_score(outcome, score):.4f}, "
            f"average precision {average_precision_score(outcome, score):.4f}"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
