"""Training and scoring on small marts: out of fold, refused where it must be, the same twice."""

import json
from collections.abc import Callable

import duckdb
import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from python_models.common.errors import DeclarationError
from python_models.common.frames import FOLDS, fold_of, make_design
from python_models.conversion.algorithms.base import Size
from python_models.conversion.algorithms.lightgbm import RandomForest, lightgbm_presets
from python_models.conversion.algorithms.logistic import Logistic
from python_models.conversion.algorithms.registry import ALGORITHMS
from python_models.conversion.blending import blend_weights
from python_models.conversion.declaration import competing, read_conversion_campaign
from python_models.conversion.fitted import FittedModel
from python_models.conversion.fitting import (
    BLEND,
    FoldModel,
    TrainingSet,
    blend,
    cross_fit,
    fit_fold,
    presets,
)
from python_models.conversion.one_rule import OneRule, fit_tree, univariate_score, univariate_scores
from python_models.conversion.scoring import score
from python_models.conversion.selection import best_preset
from python_models.conversion.training import train
from tests.support import Mart
from tests.unit.test_campaign import DECLARED

DECLARED_SMALL = DECLARED | {"minimum_positives": 50, "candidates": ["lightgbm_shallow"]}


def clients(count: int = 2_000, seed: int = 1) -> pd.DataFrame:
    """Clients whose chance to buy rises with `spend` and with one job, and nothing else."""
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "client_id": [f"c{number:05d}" for number in range(count)],
            "spend": generator.normal(size=count),
            "noise": generator.normal(size=count),
            "job": generator.choice(["a", "b", "c"], size=count),
        }
    )
    log_odds = -1.5 + 1.2 * frame["spend"] + 1.0 * (frame["job"] == "a")
    frame["has_bought"] = generator.random(count) < 1 / (1 + np.exp(-log_odds))
    frame["split"] = np.where(np.arange(count) % 5 == 0, "test", "train")
    return frame


def scored(frame: pd.DataFrame, mart: Mart, meta: dict) -> pd.DataFrame:
    models = train(mart(frame), meta)
    connection = duckdb.connect()
    connection.register("models", models)
    rows = score(mart(frame), connection.table("models"), meta).read_pandas()
    return rows.sort_values("entity_id").reset_index(drop=True)


def as_training(frame: pd.DataFrame) -> TrainingSet:
    design = make_design(frame, ["spend", "noise", "job"], ["job"])
    label = frame["has_bought"].to_numpy(np.int64)
    return TrainingSet(design, design.matrix(frame), label, fold_of(frame["client_id"]))


def fitted(name: str, training: TrainingSet, held_out: int = 0) -> FoldModel:
    return fit_fold(name, training, held_out, "none", presets(name, training)[0])


def test_scores_rank_the_test_rows_and_mean_what_they_say(mart: Mart) -> None:
    rows = scored(clients(), mart, DECLARED_SMALL)
    test = rows[rows["split"] == "test"]
    assert roc_auc_score(test["has_converted"], test["predicted_probability"]) > 0.7
    assert abs(test["predicted_probability"].mean() - test["has_converted"].mean()) < 0.05
    assert (rows["is_out_of_fold"] == (rows["split"] == "train")).all()


def test_no_training_row_is_judged_by_a_model_that_saw_it(mart: Mart) -> None:
    """Labels drawn at random: whoever has seen them predicts them, whoever has not can't."""
    frame = clients()
    frame["has_bought"] = np.random.default_rng(5).random(len(frame)) < 0.3
    frame["split"] = "train"
    training = as_training(frame)
    fit = cross_fit("lightgbm_shallow", training)
    seen = np.mean([model.log_odds(training.matrix) for model in fit.models], axis=0)
    assert roc_auc_score(training.label, fit.log_odds) < 0.55
    assert roc_auc_score(training.label, seen) > 0.6
    row = train(mart(frame), DECLARED_SMALL).to_pylist()[0]
    assert row["refused_reason"].startswith("Ranks no better than chance out of fold")


def test_a_label_of_the_held_out_fold_changes_nothing_in_its_model() -> None:
    training = as_training(clients(1_000))
    turned = training.label.copy()
    turned[training.folds == 2] = 1 - turned[training.folds == 2]
    other = TrainingSet(training.design, training.matrix, turned, training.folds)
    for name in ALGORITHMS:
        # settings go by the number of conversions, nothing else of the labels
        settings = presets(name, training)[-1]
        before, after = (fit_fold(name, each, 2, "none", settings) for each in (training, other))
        np.testing.assert_array_equal(before.log_odds(training.matrix), after.log_odds(training.matrix))


@pytest.mark.parametrize("name", [*ALGORITHMS, BLEND])
def test_a_model_goes_to_text_and_back_unchanged(name: str) -> None:
    training = as_training(clients(1_000))
    model = any_model(name, training)
    again = FoldModel.from_text(model.to_text())
    np.testing.assert_array_equal(model.log_odds(training.matrix), again.log_odds(training.matrix))
    np.testing.assert_array_equal(model.contributions(training.matrix), again.contributions(training.matrix))


def any_model(name: str, training: TrainingSet) -> FoldModel:
    if name == BLEND:
        parts = [cross_fit("logistic_regression", training), cross_fit("xgboost", training)]
        return blend(parts, [0.3, 0.7]).models[0]
    return fitted(name, training)


@pytest.mark.parametrize("name", [*ALGORITHMS, BLEND])
def test_contributions_explain_the_log_odds(name: str) -> None:
    """Check that contributions add up to the log-odds less a constant, and that noise counts least."""
    training = as_training(clients(3_000))
    model = any_model(name, training)
    contributions = model.contributions(training.matrix)
    rest = model.log_odds(training.matrix) - contributions.sum(axis=1)
    np.testing.assert_allclose(rest, rest[0], atol=1e-5)
    weight = dict(zip(training.design.columns, np.abs(contributions).mean(axis=0), strict=True))
    assert min(weight, key=weight.get) == "noise"


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"candidates": ["xgboost", "magic"]}, ["key 'candidates.1'", "'magic'", "'lightgbm'"]),
        ({"choose_by": "accuracy"}, ["key 'choose_by'", "'accuracy'", "'log_loss'"]),
        ({"imbalance": {"magic": "smote"}}, ["key 'imbalance.magic'", "'magic'", "'lightgbm'"]),
        (
            {"candidates": ["xgboost", "lightgbm"], "imbalance": {"xgboost": "smote"}},
            ["key 'imbalance' lacks lightgbm", "xgboost: none"],
        ),
    ],
)
def test_an_unknown_algorithm_or_metric_is_named_with_those_available(
    declared: dict, words: list[str]
) -> None:
    with pytest.raises(DeclarationError) as error:
        train(None, DECLARED | declared)
    for word in ["campaign 'spring'", *words]:
        assert word in str(error.value)


def test_the_algorithm_for_rare_events_competes_by_name_only() -> None:
    by_default = competing(read_conversion_campaign(DECLARED))
    assert by_default == [name for name in ALGORITHMS if name != "lightgbm_rare"]
    named = read_conversion_campaign(DECLARED | {"candidates": ["lightgbm_rare"]})
    assert competing(named) == ["lightgbm_rare"]


@pytest.mark.long
def test_every_algorithm_competes_and_the_best_is_champion(mart: Mart) -> None:
    everything = DECLARED_SMALL | {"candidates": list(ALGORITHMS), "blend": False}
    row = train(mart(clients()), everything).to_pylist()[0]
    losses = {entry["algorithm"]: entry["log_loss"] for entry in row["candidates"]}
    assert set(losses) == set(ALGORITHMS)
    assert row["algorithm"] == min(losses, key=losses.get)
    by_rank = train(mart(clients()), everything | {"choose_by": "average_precision"}).to_pylist()[0]
    measured = {entry["algorithm"]: entry["average_precision"] for entry in by_rank["candidates"]}
    assert by_rank["algorithm"] == max(measured, key=measured.get)


def test_a_blend_competes_unless_it_is_switched_off(mart: Mart) -> None:
    meta = DECLARED_SMALL | {"candidates": ["logistic_regression", "lightgbm_shallow"]}
    frame = clients()
    frame.loc[(frame["noise"] > 1.5) & (frame["job"] == "b"), "has_bought"] = True
    row = train(mart(frame), meta).to_pylist()[0]
    assert [entry["algorithm"] for entry in row["candidates"]] == [
        "logistic_regression",
        "lightgbm_shallow",
        "blend",
    ]
    losses = {entry["algorithm"]: entry["log_loss"] for entry in row["candidates"]}
    # a line, which regression finds, and an interaction, which trees find
    assert losses["blend"] < min(losses["logistic_regression"], losses["lightgbm_shallow"])
    assert row["algorithm"] == "blend"
    parts = json.loads(row["parameters"])["parts"]
    assert sum(part["weight"] for part in parts) == pytest.approx(1)
    # it scores with what the fold models of its parts say, refitted with as many trees
    model = FittedModel.from_text(row["model_body"])
    for fold, again in zip(model.models, model.in_service.models, strict=True):
        assert fold.candidate.weights == again.candidate.weights == [part["weight"] for part in parts]
        assert fold.candidate.tree_count == again.candidate.tree_count == 100
    assert scored(frame, mart, meta)["predicted_probability"].between(0, 1).all()
    off = train(mart(frame), meta | {"blend": False}).to_pylist()[0]
    assert len(off["candidates"]) == 2


def test_a_blend_is_backtested_and_weighted_on_later_rows(mart: Mart) -> None:
    frame = clients(6_000).assign(bought_on=np.arange(6_000))
    # the sign of what trees find in `noise` turns: only later rows tell
    early = (frame["bought_on"] < 3_000) & (frame["noise"] > 1)
    frame.loc[early, "has_bought"] = True
    meta = DECLARED_SMALL | {"order_by": "bought_on", "candidates": ["logistic_regression", "random_forest"]}
    row = train(mart(frame), meta).to_pylist()[0]
    later = {entry["algorithm"]: entry["later_measure"] for entry in row["candidates"]}
    assert row["algorithm"] == min(later, key=later.get)
    probability = np.array([each["predicted_probability"] for each in row["forward"]])
    label = np.array([each["has_converted"] for each in row["forward"]])
    assert len(probability) == 1_200
    assert roc_auc_score(label, probability) > 0.7


def test_weights_of_a_blend_are_those_of_the_least_log_loss_and_useless_members_go() -> None:
    generator = np.random.default_rng(3)
    first, second, noise = generator.normal(size=(3, 20_000))
    label = (generator.random(20_000) < 1 / (1 + np.exp(1 - 1.5 * first - 0.5 * second))).astype(int)
    weights = blend_weights([first, second, noise], label)
    assert list(weights) == [0, 1]
    assert weights[0] == pytest.approx(0.75, abs=0.02)
    assert sum(weights.values()) == pytest.approx(1)
    # few conversions tell members little apart
    few = blend_weights([first[:300], second[:300]], label[:300])
    assert 0.5 < few[0] < weights[0]


def test_settings_have_no_cliff_and_follow_conversions_per_column() -> None:
    sizes = [Size(20 * count, count, 10) for count in range(100, 8_000, 20)]
    for name, setting, most in [
        ("lightgbm", "num_leaves", 2),
        ("xgboost", "max_depth", 1),
        ("logistic_regression", "bins", 1),
    ]:
        values = [ALGORITHMS[name].presets(size)[-1][setting] for size in sizes]
        # the smallest sizes have the cautious preset alone
        steps = np.diff(values[1:])
        assert (steps >= 0).all()
        assert steps.max() <= most
    many_columns, few_columns = (
        ALGORITHMS["lightgbm"].presets(Size(10_000, 500, count)) for count in (100, 10)
    )
    assert [preset["num_leaves"] for preset in many_columns] == [5]
    assert [preset["num_leaves"] for preset in few_columns] == [5, 18]


def test_a_line_or_bins_add_up_to_what_scikit_learn_computes() -> None:
    """Beyond the training values, and where a value is missing, too."""
    training = as_training(clients(1_000))
    training.matrix[::9, 0] = np.nan
    asked = training.matrix.copy()
    asked[1::7, 0], asked[2::7, 0], asked[3::7, 2] = 1e9, -1e9, np.nan
    for settings in presets("logistic_regression", training):
        fitted = fit_fold("logistic_regression", training, 2, "none", settings).candidate
        assert isinstance(fitted, Logistic)
        expected = fitted.pipeline.decision_function(asked)
        np.testing.assert_allclose(fitted.log_odds(asked), expected, rtol=0, atol=1e-12)


def test_a_chance_that_rises_in_a_line_gets_one() -> None:
    training = as_training(clients(600))
    campaign = read_conversion_campaign(DECLARED)
    best = best_preset(campaign, "logistic_regression", training, "none")
    binned = cross_fit("logistic_regression", training, "none", presets("logistic_regression", training)[-1])
    assert best.settings["bins"] == 0
    assert log_loss(training.label, best.probability) < log_loss(training.label, binned.probability)


def test_trees_of_three_columns_find_an_interaction_of_two() -> None:
    frame = clients(1_500)
    frame["has_bought"] = (frame["spend"] > 0) ^ (frame["noise"] > 0)
    training = as_training(frame)
    for name in ("lightgbm", "lightgbm_shallow", "xgboost"):
        fit = cross_fit(name, training, settings=presets(name, training)[-1])
        assert roc_auc_score(training.label, fit.probability) > 0.95, name


def test_the_better_preset_competes(mart: Mart) -> None:
    """Few columns of which one converts in narrow ranges: larger trees are needed."""
    frame = clients(4_000)
    frame["has_bought"] = (np.floor(frame["spend"] * 4) % 2 == 0) ^ (
        np.random.default_rng(2).random(len(frame)) < 0.1
    )
    training = as_training(frame)
    campaign = read_conversion_campaign(DECLARED)
    best = best_preset(campaign, "lightgbm", training, "none")
    cautious = cross_fit("lightgbm", training, "none", lightgbm_presets(Size(4_000, 30, 3))[0])
    assert best.settings["num_leaves"] > 5
    assert log_loss(training.label, best.probability) < log_loss(training.label, cautious.probability)


def test_an_algorithm_competes_with_each_handling_of_imbalance_that_is_named_for_it(mart: Mart) -> None:
    meta = DECLARED_SMALL | {
        "candidates": ["logistic_regression", "lightgbm_shallow"],
        "imbalance": {"logistic_regression": "none", "lightgbm_shallow": ["downsample", "smote"]},
        "blend": False,
    }
    row = train(mart(clients(1_000)), meta).to_pylist()[0]
    assert [(entry["algorithm"], entry["imbalance"]) for entry in row["candidates"]] == [
        ("logistic_regression", "none"),
        ("lightgbm_shallow", "downsample"),
        ("lightgbm_shallow", "smote"),
    ]


def test_test_rows_do_not_choose_the_champion(mart: Mart) -> None:
    meta = DECLARED_SMALL | {
        "order_by": "bought_on",
        "candidates": ["lightgbm_shallow", "logistic_regression"],
    }
    frame = clients(5_000).assign(bought_on=np.arange(5_000))
    turned = frame.copy()
    is_test = frame["split"] == "test"
    turned.loc[is_test, "has_bought"] = ~turned.loc[is_test, "has_bought"]
    rows = [train(mart(each), meta).to_pylist()[0] for each in (frame, turned)]
    measured, again = (row["candidates"][0]["later_measure"] for row in rows)
    assert measured == again > 0
    # what measures the champion does read them
    assert rows[0]["forward"] != rows[1]["forward"]


@pytest.mark.long
def test_a_search_finds_the_same_settings_twice(mart: Mart) -> None:
    meta = DECLARED_SMALL | {"candidates": ["lightgbm"], "tune": "1s", "blend": False}
    first, again = (train(mart(clients()), meta).to_pylist()[0] for _ in range(2))
    assert [entry["algorithm"] for entry in first["candidates"]] == ["lightgbm", "lightgbm_tuned"]
    assert first["parameters"] == again["parameters"]
    assert first["model_body"] == again["model_body"]


def test_training_twice_gives_the_same_scores_bit_for_bit(mart: Mart) -> None:
    first = scored(clients(), mart, DECLARED_SMALL)
    again = scored(clients().sample(frac=1, random_state=3), mart, DECLARED_SMALL)
    columns = ["entity_id", "predicted_probability", "baseline_probability", "model_version"]
    pd.testing.assert_frame_equal(first[columns], again[columns], check_exact=True)


def test_nothing_is_trained_again_until_rows_or_declaration_change(mart: Mart) -> None:
    known = duckdb.connect()
    known.register("models", train(mart(clients()), DECLARED_SMALL))
    models = known.table("models")
    changed_rows = clients()
    changed_rows.loc[1, "spend"] += 1
    # of a test row: the model in service learns from it
    changed_test_row = clients()
    changed_test_row.loc[0, "spend"] += 1
    new_row = clients(1, seed=9).assign(client_id="new", has_bought=None, split="score")

    assert train(mart(clients()), DECLARED_SMALL, models).num_rows == 0
    assert train(mart(pd.concat([clients(), new_row])), DECLARED_SMALL, models).num_rows == 0
    assert train(mart(changed_test_row), DECLARED_SMALL, models).num_rows == 1
    assert train(mart(changed_rows), DECLARED_SMALL, models).num_rows == 1
    assert train(mart(clients()), DECLARED_SMALL | {"withhold": ["noise"]}, models).num_rows == 1
    assert train(mart(clients()), DECLARED_SMALL | {"retrain": "True"}, models).num_rows == 1


def test_nothing_is_learnt_from_who_was_held_out(mart: Mart) -> None:
    frame = clients()
    rows = frame[frame["split"] == "train"].index[:100]
    changed = frame.copy()
    changed.loc[rows, "has_bought"] = ~changed.loc[rows, "has_bought"]
    keys = "', '".join(frame.loc[rows, DECLARED_SMALL["entity"]].astype(str))

    def version(frame: pd.DataFrame, campaign: str) -> str:
        features = mart(frame)
        held_out = features.query(
            "mart_rows",
            f"select '{campaign}' as campaign, entity_id "
            f"from (select cast({DECLARED_SMALL['entity']} as varchar) as entity_id from mart_rows) "
            f"where entity_id in ('{keys}')",
        )
        return train(features, DECLARED_SMALL, None, held_out)["model_version"][0].as_py()

    assert version(frame, DECLARED_SMALL["campaign"]) == version(changed, DECLARED_SMALL["campaign"])
    assert version(frame, "another") != version(changed, "another")


def test_a_replayed_day_dates_models_and_scores(mart: Mart) -> None:
    replayed = DECLARED_SMALL | {"today": "2026-03-02"}
    connection = duckdb.connect()
    connection.register("models", train(mart(clients()), replayed))
    models = connection.table("models")
    rows = score(mart(clients()), models, replayed).read_pandas()
    (trained_at,) = models.project("trained_at").fetchall()[0]
    assert {str(day) for day in rows["scored_at"].dt.date} == {"2026-03-02"} == {str(trained_at.date())}
    # the day is no part of the declaration
    assert train(mart(clients()), replayed | {"today": "2026-03-09"}, models).num_rows == 0


@pytest.mark.parametrize(
    ("converts", "sentence"),
    [
        (lambda number: False, "Only 0 of 1600 training rows converted; at least 50 are needed"),
        (lambda number: number < 40, "Only 32 of 1600 training rows converted"),
        (lambda number: True, "Only 0 of 1600 training rows did not convert"),
    ],
)
def test_too_few_of_either_outcome_refuse_the_model(
    mart: Mart, converts: Callable[[int], bool], sentence: str
) -> None:
    frame = clients()
    frame["has_bought"] = [converts(number) for number in range(len(frame))]
    row = train(mart(frame), DECLARED_SMALL).to_pylist()[0]
    assert row["refused_reason"].startswith(sentence)
    assert row["model_body"] is None
    rows = scored(frame, mart, DECLARED_SMALL)
    assert len(rows) == len(frame)
    assert rows["predicted_probability"].isna().all()


def test_rows_without_an_outcome_are_scored_by_all_fold_models(mart: Mart) -> None:
    frame = clients()
    frame["has_bought"] = frame["has_bought"].astype("boolean")
    frame.loc[:9, "has_bought"] = pd.NA
    frame.loc[:9, "split"] = "score"
    rows = scored(frame, mart, DECLARED_SMALL)
    unknown = rows[rows["split"] == "score"]
    assert len(unknown) == 10
    assert unknown["has_converted"].isna().all()
    assert unknown["predicted_probability"].between(0, 1).all()
    assert not unknown["is_out_of_fold"].any()


def test_new_rows_are_scored_by_a_model_of_all_known_rows_and_no_others_are(mart: Mart) -> None:
    frame = clients()
    frame["has_bought"] = frame["has_bought"].astype("boolean")
    frame.loc[1_900:, "has_bought"] = pd.NA
    turned = frame.copy()
    is_test = frame["split"] == "test"
    # what only test rows show: everybody with this job buys
    turned.loc[is_test, "has_bought"] |= turned.loc[is_test, "job"] == "c"
    before, after = scored(frame, mart, DECLARED_SMALL), scored(turned, mart, DECLARED_SMALL)

    is_new = before["has_converted"].isna()
    known = ["entity_id", "predicted_probability", "baseline_probability"]
    pd.testing.assert_frame_equal(before.loc[~is_new, known], after.loc[~is_new, known], check_exact=True)
    risen = after["predicted_probability"] - before["predicted_probability"]
    assert risen[is_new & (frame["job"] == "c")].mean() > 0.05
    row = train(mart(frame), DECLARED_SMALL).to_pylist()[0]
    assert (row["training_rows"], row["refit_rows"]) == (1_520, 1_900)
    assert row["refit_positives"] == frame["has_bought"].sum()
    model = FittedModel.from_text(row["model_body"])
    new_rows = frame[is_new]
    expected = model.in_service.ensemble(model.in_service.design.matrix(new_rows))
    assert (before.loc[is_new, "predicted_probability"] == expected).all()


def test_scores_by_one_fold_are_made_alike_and_not_moved_to_another_base_rate(mart: Mart) -> None:
    frame = clients()
    frame["has_bought"] = frame["has_bought"].astype("boolean")
    frame.loc[1_000:, "has_bought"] = pd.NA
    meta = DECLARED_SMALL | {"expected_base_rate": 0.05}
    rows = scored(frame, mart, meta)
    is_training, is_new = rows["is_out_of_fold"], rows["has_converted"].isna()
    assert (rows["fold_probability"] == rows["predicted_probability"])[is_training].all()
    assert rows.loc[is_new, "predicted_probability"].mean() == pytest.approx(0.05, abs=0.01)
    means = rows.groupby(is_new)["fold_probability"].mean()
    assert means[True] == pytest.approx(means[False], abs=0.02)
    model = FittedModel.from_text(train(mart(frame), meta).to_pylist()[0]["model_body"])
    by_fold = model.out_of_fold(model.design.matrix(frame), fold_of(frame["client_id"]))
    assert (rows["fold_probability"] == by_fold).all()


def test_a_customer_is_never_torn_between_folds(mart: Mart) -> None:
    frame = clients()
    frame["household_id"] = np.arange(len(frame)) // 3
    meta = DECLARED_SMALL | {"group_by": "household_id"}
    rows = scored(frame, mart, meta)
    assert (rows["customer_id"].astype(int) == np.arange(len(frame)) // 3).all()
    body = train(mart(frame), meta).to_pylist()[0]["model_body"]
    model = FittedModel.from_text(body)
    assert "household_id" not in model.design.columns
    assert len(model.models) == FOLDS


def test_the_one_rule_finds_the_one_feature_that_tells() -> None:
    frame = clients()
    training = as_training(frame)
    scores = univariate_scores(training)
    rule = OneRule.best(training, scores)
    assert rule.feature == "spend"
    rates = rule.predict(frame, training.folds, np.ones(len(frame), bool))
    assert len(np.unique(rates)) <= 8 * FOLDS
    assert roc_auc_score(training.label, rates) == pytest.approx(scores[0].roc_auc, abs=0.03)


@pytest.mark.parametrize("is_text", [False, True])
def test_the_one_rule_predicts_the_rate_of_each_group(is_text: bool) -> None:
    """Groups are 0, 1, 2 and missing; nobody of group 0 converts, each non-conversion counts for three."""
    group = np.repeat([0.0, 1.0, 2.0, np.nan], 400)
    converted = np.array([0, 4, 80, 200])
    label = np.concatenate([np.arange(400) < count for count in converted]).astype(np.int64)
    weight = np.where(label == 1, 1.0, 3.0)
    tree = fit_tree(group, is_text, label, weight)
    again = lgb.Booster(model_str=tree.model_to_string())
    rates = (converted + 0.5) / (converted + 3.0 * (400 - converted) + 1)
    np.testing.assert_allclose(again.predict(np.array([[0.0], [1.0], [2.0], [np.nan]])), rates, rtol=1e-12)


def test_power_of_a_feature_is_measured_on_rows_that_its_rates_have_not_seen() -> None:
    """Of a column in which every row has its own value, the rates of other rows say nothing."""
    training = as_training(clients())
    generator = np.random.default_rng(4)
    noise = univariate_score(generator.random(2_000), False, training.label, training.folds)
    assert noise.roc_auc < 0.55
    copy = univariate_score(training.label.astype(float), False, training.label, training.folds)
    assert copy.roc_auc == copy.balanced_accuracy == copy.average_precision == 1.0
    filled = np.where(training.label == 1, 5.0, np.nan)
    assert univariate_score(filled, False, training.label, training.folds).missing_roc_auc == 1.0


def test_a_declared_base_rate_is_restored_for_rows_to_be_scored_only(mart: Mart) -> None:
    frame = clients()
    frame["has_bought"] = frame["has_bought"].astype("boolean")
    frame.loc[frame.index % 2 == 0, ["has_bought", "split"]] = [pd.NA, "score"]
    plain = scored(frame, mart, DECLARED_SMALL)
    moved = scored(frame, mart, DECLARED_SMALL | {"expected_base_rate": 0.02})
    new = plain["has_converted"].isna()
    assert moved.loc[new, "predicted_probability"].mean() == pytest.approx(0.02, abs=0.005)
    assert (
        moved.loc[new, "predicted_probability"].rank().equals(plain.loc[new, "predicted_probability"].rank())
    )
    pd.testing.assert_series_equal(
        moved.loc[~new, "predicted_probability"], plain.loc[~new, "predicted_probability"]
    )


def test_a_score_that_tells_nothing_apart_is_refused(mart: Mart) -> None:
    frame = clients()
    frame["has_bought"] = np.random.default_rng(9).random(len(frame)) < 0.3
    constant = frame.assign(spend=1.0, noise=2.0, job="a")
    row = train(mart(constant), DECLARED_SMALL).to_pylist()[0]
    assert row["refused_reason"].startswith("Constant score")
    assert row["model_body"] is None
    assert row["champion_version"] is None


def test_the_mean_of_the_fold_models_is_stretched_where_rows_are_new_to_all_of_them(mart: Mart) -> None:
    frame = clients().astype({"has_bought": "boolean"})
    judged = served_body(frame, mart)
    # known test rows: the refitted mean has no rows of its own, so it is stretched as that of the judged
    assert judged.calibrator.scale > 1
    assert judged.refitted is not None
    assert judged.refitted.calibrator.scale == judged.calibrator.scale
    # new rows: each is stretched by what itself has not seen
    frame.loc[:999:2, ["split", "has_bought"]] = ["score", pd.NA]
    again = served_body(frame, mart)
    assert again.refitted is not None
    assert again.refitted.calibrator.scale != again.calibrator.scale
    assert again.refitted.calibrator.scale > 1


def served_body(frame: pd.DataFrame, mart: Mart) -> FittedModel:
    return FittedModel.from_text(train(mart(frame), DECLARED_SMALL).to_pylist()[0]["model_body"])


def test_a_tree_of_the_forest_reads_more_than_one_of_few_columns() -> None:
    forest = fitted("random_forest", as_training(clients(1_000))).candidate
    assert isinstance(forest, RandomForest)
    splits = forest.booster.trees_to_dataframe().dropna(subset="split_feature")
    assert splits.groupby("tree_index")["split_feature"].nunique().median() >= 2
