"""A new model serves only if it is not worse; an old one stays or comes back by name."""

from collections.abc import Callable

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.special import expit, logit

from python_models.common.campaign import read_campaign
from python_models.conversion.explaining import REASON_ROW, explain
from python_models.conversion.measures import METRICS
from python_models.conversion.registry import Promotion, decide_promotion, earlier_champions, load_champion
from python_models.conversion.scoring import SCORE_ROW, score
from python_models.conversion.training import train
from tests.unit.test_training import DECLARED_SMALL, as_training, clients

META = DECLARED_SMALL


def relation(rows: pa.Table | pd.DataFrame, name: str = "rows") -> duckdb.DuckDBPyRelation:
    connection = duckdb.connect()
    connection.register(name, rows)
    return connection.table(name)


def trained(frame: pd.DataFrame, known: pa.Table | None = None, meta: dict | None = None) -> pa.Table:
    models = relation(known) if known is not None else None
    table = train(relation(frame), meta or META, models)
    return table if known is None else pa.concat_tables([known, table])


@pytest.fixture(scope="module")
def first() -> pa.Table:
    """Return the first training of the clients."""
    return trained(clients())


def newest(table: pa.Table) -> dict:
    return max(table.to_pylist(), key=lambda row: row["trained_at"])


def test_a_model_that_is_not_worse_takes_over(first: pa.Table) -> None:
    first = trained(clients(1_000))
    both = trained(clients(2_400), first)
    assert newest(both)["champion_version"] == newest(both)["model_version"]
    assert "Not worse: log_loss" in newest(both)["gate_note"]
    assert load_champion(relation(both), META)[0] == newest(both)["model_version"]


def promotion(
    models: pa.Table, probability: Callable[[np.ndarray], np.ndarray], **declared: str
) -> Promotion:
    """Decide on a model that predicts a function of the champion's log-odds, out of fold."""
    campaign = read_campaign(META | declared)
    frame = clients().query("split == 'train'").reset_index(drop=True)
    training = as_training(frame)
    earlier = earlier_champions(relation(models), campaign)
    champion = earlier[0][1]
    new = probability(logit(champion.out_of_fold(champion.design.matrix(frame), training.folds)))
    return decide_promotion("new", campaign, earlier, frame, training, new, ["spend", "noise", "job"], None)


@pytest.mark.parametrize("choose_by", list(METRICS))
def test_a_worse_model_is_refused_and_the_champion_stays(first: pa.Table, choose_by: str) -> None:
    """Any measure sees that noise is added, log loss and Brier score too, of which chance has most."""
    noise = np.random.default_rng(1).normal(0, 1.5, 1_600)
    decided = promotion(first, lambda log_odds: expit(log_odds + noise), choose_by=choose_by)
    assert decided.champion_version == decided.best_version == newest(first)["model_version"]
    assert str(decided.refused_reason).startswith(f"Worse than the champion: {choose_by}")
    assert "loses more than 5% of that lead" in str(decided.refused_reason)


def test_a_loss_that_chance_explains_is_no_reason_but_is_remembered(first: pa.Table) -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 1_600)
    decided = promotion(first, lambda log_odds: expit(log_odds + noise), choose_by="log_loss")
    assert (decided.champion_version, decided.refused_reason) == ("new", None)
    assert decided.best_version == newest(first)["model_version"]
    assert "difference -0.00" in decided.note


def test_small_losses_do_not_add_up(first: pa.Table) -> None:
    """A model is compared with the best champion so far, not only with the last, which is as weak as it."""
    best = newest(first)["model_version"]
    weak = trained(clients(), meta=META | {"withhold": ["spend"]}).to_pylist()
    in_service = pa.Table.from_pylist([weak[0] | {"best_version": best}], schema=first.schema)
    decided = promotion(pa.concat_tables([first, in_service]), expit)
    assert f"of champion {best}" in str(decided.refused_reason)
    assert decided.champion_version == decided.best_version == best


def test_folds_of_other_customers_cannot_be_compared(first: pa.Table) -> None:
    assert len(earlier_champions(relation(first), read_campaign(META))) == 1
    assert not earlier_champions(relation(first), read_campaign(META | {"group_by": "household_id"}))


def test_a_champion_that_reads_a_forbidden_column_leaves_service(first: pa.Table) -> None:
    both = trained(clients(), first, META | {"withhold": ["spend"]})
    row = newest(both)
    assert row["refused_reason"] is None
    assert row["champion_version"] == row["model_version"]
    assert "reads spend, which no model may see" in row["gate_note"]


def test_a_refused_training_leaves_the_champion_in_service(first: pa.Table) -> None:
    leaking = clients().assign(copied=lambda frame: frame["has_bought"].astype(float))
    both = trained(leaking, first)
    row = newest(both)
    assert "copied" in row["refused_reason"]
    assert row["champion_version"] == newest(first)["model_version"]
    rows = score(relation(leaking), relation(both), META).read_pandas()
    assert rows["predicted_probability"].notna().all()
    assert set(rows["model_version"]) == {newest(first)["model_version"]}


def test_too_few_conversions_take_every_model_out_of_service(first: pa.Table) -> None:
    """Nobody can say whether the old model still holds."""
    both = trained(clients().assign(has_bought=False), first)
    assert newest(both)["champion_version"] is None
    version, body = load_champion(relation(both), META)
    assert (version, body) == (newest(both)["model_version"], None)


def test_a_version_named_by_the_project_comes_back(first: pa.Table) -> None:
    both = trained(clients(2_400), first)
    old = newest(first)["model_version"]
    assert load_champion(relation(both), META | {"champion": f"other, {old}"})[0] == old
    rows = score(relation(clients()), relation(both), META | {"champion": old}).read_pandas()
    assert set(rows["model_version"]) == {old}


def test_to_accept_drift_trains_nothing_anew(first: pa.Table) -> None:
    assert len(trained(clients(), first, META | {"accept_drift": ["predicted_probability"]})) == len(first)
    assert len(trained(clients(), first, META | {"outcome_days": 21})) == len(first)
    assert len(trained(clients(), first, META | {"minimum_positives": 99})) == len(first) + 1


def test_without_a_model_and_rows_scores_and_reasons_keep_their_columns(first: pa.Table) -> None:
    """As in `dbt build --empty`, whose tables have columns and no rows."""
    mart, models = relation(pa.Table.from_pandas(clients()).slice(0, 0)), relation(first.slice(0, 0))
    scores = score(mart, models, META).read_all()
    assert (scores.schema, scores.num_rows) == (SCORE_ROW, 0)
    reasons = explain(mart, relation(scores), models, META).read_all()
    assert (reasons.schema, reasons.num_rows) == (REASON_ROW, 0)
