"""Segments: found where they are, named by what sets them apart, the same after a refit, assigned in SQL."""

import json
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score, pairwise_distances_argmin, roc_auc_score

from python_models.common.errors import DeclarationError
from python_models.segments.assigning import segment
from python_models.segments.choice import choose
from python_models.segments.fitting import fit_segments
from python_models.segments.map import SegmentMap, align, draw_map
from python_models.segments.matching import match_segment_ids
from python_models.segments.segmenter import Segmenter
from python_models.segments.transformation import choose_transformation, mixture_criterion
from tests.unit.test_campaign import DECLARED

SEGMENTS: dict[str, Any] = {
    "entity": "client_id",
    "columns": {
        "visits": ["rare visits", "frequent visits"],
        "spend": ["small spend", "big spend"],
        "job": ["works as {}"],
    },
    "min": 2,
    "max": 5,
}
META = DECLARED | {"segments": SEGMENTS}
GROUPS = [(300, 5, 50, "clerk"), (400, 30, 90, "cook"), (500, 30, 10, "cook")]


def shoppers(groups: list[tuple[int, float, float, str]] = GROUPS, seed: int = 4) -> pd.DataFrame:
    """Groups of (customers, visits, spend, job), well apart."""
    generator = np.random.default_rng(seed)
    frame = pd.concat(
        pd.DataFrame(
            {
                "group": number,
                "visits": generator.normal(visits, 1, count),
                "spend": generator.normal(spend, 2, count),
                "job": job,
            }
        )
        for number, (count, visits, spend, job) in enumerate(groups)
    )
    frame["client_id"] = [f"c{number:04d}" for number in range(len(frame))]
    return frame.reset_index(drop=True)


def relation(frame: pd.DataFrame) -> duckdb.DuckDBPyRelation:
    connection = duckdb.connect()
    connection.register("rows", frame)
    return connection.table("rows")


def fit(frame: pd.DataFrame, meta: dict = META, known: pd.DataFrame | None = None) -> pd.DataFrame:
    """Segmenter rows, the new one last."""
    earlier = None if known is None else relation(known)
    fitted = fit_segments(relation(frame), meta, earlier).to_pandas()
    return fitted if known is None else pd.concat([known, fitted], ignore_index=True)


def assign(frame: pd.DataFrame, segmenters: pd.DataFrame, meta: dict = META) -> pd.DataFrame:
    """The members, in the order of the customers."""
    connection = duckdb.connect()
    connection.register("customers", frame)
    connection.register("segmenters", segmenters)
    members = segment(connection.table("customers"), connection.table("segmenters"), meta)
    return frame[["client_id"]].merge(members.df(), left_on="client_id", right_on="entity_id")


def names(row: pd.Series) -> dict[int, str]:
    return {profile["segment_id"]: profile["segment_name"] for profile in row["profiles"]}


@pytest.fixture(scope="module")
def segmenters() -> pd.DataFrame:
    return fit(shoppers())


def test_groups_that_are_there_are_found_and_everybody_is_assigned(segmenters: pd.DataFrame) -> None:
    members = assign(shoppers(), segmenters)
    assert len(members) == 1_200
    assert adjusted_rand_score(shoppers()["group"], members["segment_id"]) > 0.99
    assert members["segment_confidence"].between(0, 1).all()
    assert list(members["segment_id"].value_counts().sort_index()) == [500, 400, 300]
    assert members["is_customer"].isna().all()
    assert members["lookalike_probability"].isna().all()


def test_sql_assigns_as_the_fit_did(segmenters: pd.DataFrame) -> None:
    """Missing values, an unseen category and all."""
    frame = shoppers()
    frame.loc[:20, "visits"] = np.nan
    frame.loc[21:40, "job"] = None
    frame.loc[41:60, "job"] = "pilot"
    segmenter = Segmenter.from_json(segmenters.iloc[0]["model_body"])
    rows = relation(frame).project("visits, spend, job").to_arrow_table()
    _, points = segmenter.space.transform(rows)
    positions = pairwise_distances_argmin(points, np.array(segmenter.centroids))
    assert list(assign(frame, segmenters)["segment_id"]) == [segmenter.segment_ids[i] for i in positions]


def test_distance_and_confidence_are_those_of_the_centroids(segmenters: pd.DataFrame) -> None:
    segmenter = Segmenter.from_json(segmenters.iloc[0]["model_body"])
    frame = shoppers()
    _, points = segmenter.space.transform(relation(frame).project("visits, spend, job").to_arrow_table())
    distances = np.sort(
        np.linalg.norm(points[:, None, :] - np.array(segmenter.centroids)[None, :, :], axis=2), axis=1
    )
    members = assign(frame, segmenters)
    assert members["segment_distance"].to_numpy() == pytest.approx(distances[:, 0], abs=1e-9)
    assert members["segment_confidence"].to_numpy() == pytest.approx(1 - distances[:, 0] / distances[:, 1])


def test_names_are_unique_and_say_what_sets_a_segment_apart(segmenters: pd.DataFrame) -> None:
    named = names(segmenters.iloc[0])
    assert len(set(named.values())) == 3
    assert "small spend" in named[1]
    assert "big spend" in named[2]
    assert "rare visits" in named[3]
    assert "works as clerk" in named[3]


def test_a_column_of_the_profile_names_but_does_not_group() -> None:
    frame = shoppers()
    frame["taste"] = np.where(frame["group"] == 0, "tea", "coffee")
    # a column that would tear every group in two
    frame["side"] = np.where(np.arange(len(frame)) % 2, "left", "right")
    meta = DECLARED | {"segments": SEGMENTS | {"profile": {"taste": ["{} drinkers"], "side": ["{}"]}}}
    segmenters = fit(frame, meta)
    assert adjusted_rand_score(frame["group"], assign(frame, segmenters, meta)["segment_id"]) > 0.99
    assert "tea drinkers" in names(segmenters.iloc[0])[3]


def test_every_number_of_segments_is_measured_and_one_is_chosen(segmenters: pd.DataFrame) -> None:
    choices = segmenters.iloc[0]["choices"]
    assert [choice["segment_count"] for choice in choices] == [2, 3, 4, 5]
    assert [choice["segment_count"] for choice in choices if choice["is_chosen"]] == [3]
    inertia = [choice["inertia"] for choice in choices]
    assert inertia == sorted(inertia, reverse=True)
    assert segmenters.iloc[0]["chosen_because"].startswith("Resamples find the segments again")
    assert [choice["overlap"] < 0.7 for choice in choices] == [True, True, False, False]


def test_a_person_may_fix_the_number() -> None:
    meta = DECLARED | {"segments": SEGMENTS | {"count": 5}}
    segmenters = fit(shoppers(), meta)
    assert assign(shoppers(), segmenters, meta)["segment_id"].nunique() == 5
    assert segmenters.iloc[0]["chosen_because"] == "The declaration asks for 5 segments."
    assert len(segmenters.iloc[0]["choices"]) == 4


def test_skewed_numbers_may_be_deciles() -> None:
    frame = shoppers()
    frame.loc[0, "spend"] = 1e6
    segmenters = fit(frame, DECLARED | {"segments": SEGMENTS | {"skewed": "decile"}})
    steps = {step["feature"]: step["action"] for step in segmenters.iloc[0]["steps"]}
    assert steps["spend"] == "decile"
    axes = json.loads(segmenters.iloc[0]["model_body"])["space"]["axes"]
    cuts = next(axis["cuts"] for axis in axes if axis["column"] == "spend")
    assert cuts == pytest.approx(np.quantile(frame["spend"], np.arange(1, 10) / 10))


def choice(
    count: int, silhouette: float, stability: float, smallest: float = 0.1, overlap: float = 1.1
) -> dict[str, Any]:
    return {
        "segment_count": count,
        "silhouette": silhouette,
        "stability": stability,
        "smallest_share": smallest,
        "overlap": overlap,
    }


@pytest.mark.parametrize(
    ("choices", "chosen", "because"),
    [
        ([choice(3, 0.4, 0.95), choice(4, 0.37, 0.92), choice(5, 0.3, 0.99)], 4, "The most segments"),
        ([choice(3, 0.4, 0.95), choice(4, 0.5, 0.89)], 3, "The most segments"),
        ([choice(3, 0.4, 0.95), choice(4, 0.4, 0.95, smallest=0.02)], 3, "The most segments"),
        ([choice(3, 0.4, 0.6), choice(4, 0.3, 0.7)], 4, "No number of segments"),
        # five would be one group cut in two
        (
            [choice(3, 0.3, 0.95, overlap=0.5), choice(4, 0.4, 0.95, overlap=0.4), choice(5, 0.4, 0.95)],
            4,
            "Resamples",
        ),
    ],
)
def test_the_rule_that_chooses(choices: list[dict[str, Any]], chosen: int, because: str) -> None:
    count, sentence = choose(choices, None)
    assert count == chosen
    assert sentence.startswith(because)


def test_one_giant_customer_is_no_segment() -> None:
    frame = shoppers()
    frame["spend"] = np.exp(frame["spend"] / 20)
    frame.loc[0, "spend"] = 1e9
    segmenters = fit(frame)
    assert assign(frame, segmenters)["segment_id"].value_counts().min() >= 290
    steps = {step["feature"]: step for step in segmenters.iloc[0]["steps"]}
    assert steps["spend"]["action"] == "logarithm"
    assert steps["visits"]["action"] == "standardised"
    assert steps["job"]["detail"] == "2 of 2 categories, each 1 or 0."


def test_ids_and_names_survive_a_refit_on_moved_customers(segmenters: pd.DataFrame) -> None:
    """A year on: the largest group has shrunk to the smallest, everybody spends more, somebody is new."""
    moved = shoppers([(310, 6, 55, "clerk"), (600, 31, 96, "cook"), (250, 31, 14, "cook")], seed=5)
    again = fit(moved, known=segmenters)
    assert len(again) == 2
    assert names(again.iloc[1]) == names(segmenters.iloc[0])
    members = assign(moved, again)
    by_group = members.groupby(moved["group"])["segment_id"].agg(lambda ids: ids.mode()[0])
    assert list(by_group) == [3, 2, 1]


def test_a_new_group_has_a_new_id_and_an_old_id_is_never_given_again(segmenters: pd.DataFrame) -> None:
    pilots = fit(shoppers([*GROUPS[1:], (300, -60, 50, "pilot")]), known=segmenters)
    assert set(names(pilots.iloc[1])) == {1, 2, 4}
    assert "works as pilot" in names(pilots.iloc[1])[4]
    clerks = fit(shoppers(), known=pilots)
    assert set(names(clerks.iloc[2])) == {1, 2, 5}


def test_other_words_name_the_same_segments_anew(segmenters: pd.DataFrame) -> None:
    columns = SEGMENTS["columns"] | {"spend": ["thrifty", "generous"]}
    again = fit(shoppers(), DECLARED | {"segments": SEGMENTS | {"columns": columns}}, segmenters)
    assert set(names(again.iloc[1])) == {1, 2, 3}
    assert "generous" in names(again.iloc[1])[2]


def map_of(row: pd.Series) -> dict[str, Any]:
    return json.loads(row["model_body"])["map"]


def test_the_map_shows_how_far_segments_lie_apart_and_says_in_what(segmenters: pd.DataFrame) -> None:
    """Three centroids lie in a plane: their map shows all."""
    body = json.loads(segmenters.iloc[0]["model_body"])
    drawn = body["map"]
    places, centroids = np.column_stack([drawn["x"], drawn["y"]]), np.array(body["centroids"])
    apart = [np.linalg.norm(points[:, None] - points[None], axis=2) for points in (places, centroids)]
    assert apart[0] == pytest.approx(apart[1])
    assert drawn["share"] == pytest.approx(1)
    sizes = np.array([{1: 500, 2: 400, 3: 300}[segment_id] for segment_id in body["segment_ids"]])
    assert sizes @ places == pytest.approx([0, 0], abs=1e-6)
    spreads = sizes @ places**2
    assert spreads[0] > spreads[1]
    # those who come rarely, the clerks, lie opposite to the frequent visitors
    clerk = body["segment_ids"].index(3)
    low, high = drawn["x_meaning"].split(" → ")
    end = low if drawn["x"][clerk] < 0 else high
    assert "rare visits" in end
    assert "works as clerk" in end
    assert set(drawn["y_meaning"].split(" → ")) == {"small spend", "big spend"}


def test_a_direction_in_which_nothing_differs_means_nothing() -> None:
    row = fit(shoppers(GROUPS[:2])).iloc[0]
    drawn = map_of(row)
    assert drawn["y"] == pytest.approx([0, 0], abs=1e-9)
    assert drawn["y_meaning"] is None


def test_a_map_shows_the_part_that_its_two_directions_hold() -> None:
    """Four segments at the corners of a box: of three pairwise orthogonal differences it shows two."""
    corners = np.array([[3, 2, 1], [3, -2, -1], [-3, 2, -1], [-3, -2, 1]], float)
    places, share = draw_map(corners, np.array([10, 10, 10, 10]))
    assert np.abs(places) == pytest.approx(np.abs(corners[:, :2]))
    assert share == pytest.approx((9 + 4) / (9 + 4 + 1))


def test_a_refit_neither_mirrors_nor_turns_the_map(segmenters: pd.DataFrame) -> None:
    """The largest group has become the smallest: the middle of all is elsewhere, directions are not."""
    moved = shoppers([(310, 6, 55, "clerk"), (600, 31, 96, "cook"), (250, 31, 14, "cook")], seed=5)
    again = fit(moved, known=segmenters)
    before, since = (
        pd.DataFrame(
            {"x": map_of(row)["x"], "y": map_of(row)["y"]}, json.loads(row["model_body"])["segment_ids"]
        )
        for _, row in again.iterrows()
    )
    shift = since - before.loc[since.index]
    assert (shift - shift.mean()).abs().max(axis=None) < 0.3


def test_a_mirrored_and_turned_map_is_laid_on_the_one_before() -> None:
    old = SegmentMap([2.0, -1.0, -1.0], [0.0, 1.5, -1.5], None, None, 1)
    turn = np.array([[0.6, 0.8], [0.8, -0.6]])
    new = np.column_stack([old.x, old.y]) @ turn
    # in another order, with a segment that is new
    order = np.vstack([new[[2, 0, 1]], [[5, 5]]])
    laid = align(order, [3, 1, 2, 9], old, [1, 2, 3])
    assert laid[:3] == pytest.approx(np.column_stack([old.x, old.y])[[2, 0, 1]])
    assert np.linalg.norm(laid[3]) == pytest.approx(np.sqrt(50))
    # one segment in common says nothing of turning
    assert (align(order, [3, 8, 7, 9], old, [1, 2, 3]) == order).all()


def test_a_segmenter_of_before_there_were_maps_goes_on(segmenters: pd.DataFrame) -> None:
    body = json.loads(segmenters.iloc[0]["model_body"])
    del body["map"]
    older = segmenters.assign(model_body=json.dumps(body), fingerprint="of another recipe")
    again = fit(shoppers(), known=older)
    assert names(again.iloc[1]) == names(segmenters.iloc[0])
    assert map_of(again.iloc[1]) == map_of(segmenters.iloc[0])
    assert len(assign(shoppers(), older)) == 1_200


def test_matching_pairs_centroids_with_those_who_share_their_customers(segmenters: pd.DataFrame) -> None:
    before = Segmenter.from_json(segmenters.iloc[0]["model_body"])
    rows = relation(shoppers()).project("visits, spend, job").to_arrow_table()
    truth = shoppers()["group"].to_numpy(copy=True)
    assert match_segment_ids(truth, before, rows) == [3, 2, 1]
    # half of the largest segment goes on under its id, the other half is new
    truth[1_000:] = 3
    assert match_segment_ids(truth, before, rows) == [3, 2, 1, 4]


def test_new_customers_are_assigned_without_a_refit(segmenters: pd.DataFrame) -> None:
    more = shoppers(seed=6)
    more["client_id"] = "n" + more["client_id"]
    members = assign(pd.concat([shoppers(), more], ignore_index=True), segmenters)
    assert len(members) == 2_400
    assert set(members["segmenter_version"]) == {segmenters.iloc[0]["segmenter_version"]}
    assert adjusted_rand_score(more["group"], members["segment_id"][1_200:]) > 0.99


def population(shift: float = 0.0) -> tuple[pd.DataFrame, dict]:
    """A population of three groups, and customers who are mostly of the second."""
    people, customers = shoppers(), shoppers([(40, 5, 50, "clerk"), (300, 30, 90, "cook")], seed=7)
    customers["client_id"] = "k" + customers["client_id"]
    customers["spend"] += shift
    frame = pd.concat([people.assign(is_customer=False), customers.assign(is_customer=True)])
    return frame.reset_index(drop=True), META | {"population": "is_customer"}


def test_segments_are_fitted_on_the_population_and_customers_are_assigned() -> None:
    frame, meta = population()
    segmenters = fit(frame, meta)
    assert segmenters.iloc[0]["fitted_rows"] == 1_200
    members = assign(frame, segmenters, meta)
    counts = members.groupby("is_customer")["segment_id"].value_counts()
    assert counts[False].to_dict() == {1: 500, 2: 400, 3: 300}
    assert counts[True].to_dict() == {2: 300, 3: 40}
    # customers who are elsewhere move no centroid
    moved, _ = population(shift=300)
    before = json.loads(segmenters.iloc[0]["model_body"])["centroids"]
    assert json.loads(fit(moved, meta).iloc[0]["model_body"])["centroids"] == before


def test_lookalikes_are_probable_and_on_average_as_many_as_there_are_customers() -> None:
    frame, meta = population()
    segmenters = fit(frame, meta)
    members = assign(frame, segmenters, meta)
    by_group = members.groupby(frame["spend"] > 70)["lookalike_probability"].mean()
    assert by_group[True] > 3 * by_group[False]
    assert members["lookalike_probability"].mean() == pytest.approx(340 / 1_540, abs=0.02)
    seen = roc_auc_score(frame["is_customer"], members["lookalike_probability"])
    assert segmenters.iloc[0]["lookalike_roc_auc"] == pytest.approx(seen, abs=0.02)


@pytest.mark.long
def test_all_columns_group_where_the_declaration_says_all() -> None:
    generator = np.random.default_rng(3)
    frame = shoppers().drop(columns="group")
    for number in range(12):
        frame[f"noise_{number}"] = generator.normal(size=len(frame))
    words = {"spend": ["small spend", "big spend"], "absent": ["no", "yes"]}
    meta = DECLARED | {"segments": {"entity": "client_id", "columns": "all", "words": words, "count": 3}}
    segmenters = fit(frame, meta)
    features = {step["feature"] for step in segmenters.iloc[0]["steps"]}
    assert features == {"visits", "spend", "job", *(f"noise_{number}" for number in range(12)), None}
    actions = [step["action"] for step in segmenters.iloc[0]["steps"] if step["feature"] is None]
    assert actions == ["all columns", "sample"]
    # noise neither groups nor hides the groups
    assert adjusted_rand_score(shoppers()["group"], assign(frame, segmenters, meta)["segment_id"]) > 0.99
    assert any("spend" in name for name in names(segmenters.iloc[0]).values())


def apart(seed: int, shares: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Groups 6 standard deviations from the first one, each in a column of its own."""
    generator = np.random.default_rng(seed)
    group = generator.choice(len(shares), 1_500, p=shares)
    centres = 6 * np.eye(len(shares))[:, 1:]
    return centres[group] + generator.normal(size=(1_500, len(shares) - 1)), group


def made_up(values: np.ndarray) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Customers with such numbers, and a declaration that leaves everything to be chosen."""
    frame = pd.DataFrame(values, columns=[f"c{number}" for number in range(values.shape[1])])
    columns = {name: [] for name in frame}
    frame["client_id"] = [f"c{number:04d}" for number in range(len(frame))]
    return frame, DECLARED | {"segments": {"entity": "client_id", "columns": columns, "min": 2, "max": 5}}


def test_a_minority_group_is_no_tail() -> None:
    values, group = apart(1, [0.5, 0.25, 0.15, 0.1])
    frame, meta = made_up(values)
    segmenters = fit(frame, meta)
    assert adjusted_rand_score(group, assign(frame, segmenters, meta)["segment_id"]) > 0.97
    steps = {step["feature"]: step for step in segmenters.iloc[0]["steps"]}
    assert (steps["c2"]["measured"] > 1, steps["c2"]["action"]) == (True, "standardised")


@pytest.mark.parametrize(
    ("draw", "chosen"),
    [
        (
            lambda generator: np.where(generator.random(1_500) < 0.2, 6, 0) + generator.normal(size=1_500),
            "standardised",
        ),
        (lambda generator: np.exp(3 + generator.normal(size=1_500)), "logarithm"),
        (lambda generator: generator.poisson(np.where(generator.random(1_500) < 0.2, 12, 1)), "square root"),
        # one giant
        (lambda generator: np.append(generator.normal(10, 1, 1_500), 1e6), "logarithm"),
    ],
)
def test_the_transformation_in_which_groups_are_normal(draw: Any, chosen: str) -> None:
    values = draw(np.random.default_rng(2)).astype(float)
    assert choose_transformation(values)[0] == chosen
    # whatever its unit, a difference of criteria is the same
    first, second = (mixture_criterion(scale * values[:1_000], "standardised") for scale in (1, 100))
    assert second - first == pytest.approx(2 * 1_000 * np.log(100))


@pytest.mark.long
def test_noise_copied_six_times_hides_no_group() -> None:
    values, group = apart(3, [0.4, 0.3, 0.3])
    noise = np.random.default_rng(4).normal(size=(len(values), 1))
    frame, meta = made_up(np.hstack([values, *[noise] * 6]))
    segmenters = fit(frame, meta)
    assert adjusted_rand_score(group, assign(frame, segmenters, meta)["segment_id"]) > 0.97
    weights = {step["feature"]: step["weight"] for step in segmenters.iloc[0]["steps"] if step["feature"]}
    assert [weights[f"c{number}"] for number in range(8)] == pytest.approx([1, 1, *[1 / np.sqrt(6)] * 6])


@pytest.mark.long
def test_one_group_is_one_segment_and_groups_that_appear_are_named_anew() -> None:
    frame, meta = made_up(np.random.default_rng(5).normal(size=(1_500, 2)))
    one = fit(frame, meta)
    assert one.iloc[0]["chosen_because"].startswith("One group")
    assert [choice["segment_count"] for choice in one.iloc[0]["choices"] if choice["is_chosen"]] == [1]
    assert names(one.iloc[0]) == {1: "everybody"}
    members = assign(frame, one, meta)
    assert (members["segment_id"] == 1).all()
    assert (members["segment_confidence"] == 1).all()
    assert map_of(one.iloc[0]) == {"x": [0], "y": [0], "x_meaning": None, "y_meaning": None, "share": 1}
    two = fit(made_up(apart(6, [0.4, 0.3, 0.3])[0])[0], meta, one)
    assert len(names(two.iloc[1])) == 3
    assert "everybody" not in names(two.iloc[1]).values()
    # the declaration overrides
    fixed = DECLARED | {"segments": meta["segments"] | {"count": 2}}
    cut = fit(frame, fixed)
    assert len(names(cut.iloc[0])) == 2
    assert "The customers form one group" in cut.iloc[0]["chosen_because"]


def test_unchanged_customers_are_not_fitted_again(segmenters: pd.DataFrame) -> None:
    assert len(fit(shoppers(), known=segmenters)) == 1
    assert len(fit(shoppers(), DECLARED | {"segments": SEGMENTS | {"max": 4}}, segmenters)) == 2
    one_other = shoppers()
    one_other.loc[7, "spend"] += 1
    assert len(fit(one_other, known=segmenters)) == 2


def test_the_same_customers_in_any_order_give_the_same_segments_bit_for_bit(segmenters: pd.DataFrame) -> None:
    shuffled = shoppers().sample(frac=1, random_state=1)
    assert fit(shuffled).iloc[0]["model_body"] == segmenters.iloc[0]["model_body"]


def test_too_few_customers_are_refused_with_a_sentence_and_ids_go_on_afterwards(
    segmenters: pd.DataFrame,
) -> None:
    few = shoppers().head(100)
    refused = fit(few, known=segmenters)
    assert refused.iloc[1]["refused_reason"].startswith("Only 100 customers; at least 150 are needed")
    assert segment(relation(few), relation(refused), META).num_rows == 0
    again = fit(shoppers(seed=5), known=refused)
    assert names(again.iloc[2]) == names(segmenters.iloc[0])


def test_customers_who_do_not_differ_are_refused_with_a_sentence() -> None:
    for columns, different in (({"job": []}, 2), ({"same": []}, 1)):
        frame = shoppers().assign(same=7)
        meta = DECLARED | {"segments": SEGMENTS | {"columns": columns}}
        refused = fit(frame, meta)
        assert refused.iloc[0]["refused_reason"].startswith(f"Only {different} different customers")
        assert segment(relation(frame), relation(refused), meta).num_rows == 0


def test_a_rare_category_is_in_no_profile() -> None:
    """It might be somebody's name."""
    frame = shoppers()
    frame["note"] = [f"Mrs {number}" if number < 9 else "none" for number in range(len(frame))]
    meta = DECLARED | {"segments": SEGMENTS | {"profile": {"note": ["{}"]}}}
    row = fit(frame, meta).iloc[0]
    assert {profile["top_category"] for profile in row["profiles"]} == {"clerk", "cook", "none", None}
    frame["note"] = [f"Mrs {number}" for number in range(len(frame))]
    assert "note" not in {profile["feature"] for profile in fit(frame, meta).iloc[0]["profiles"]}


def test_a_date_is_refused_with_a_sentence() -> None:
    frame = shoppers().assign(since=pd.Timestamp("2026-01-01"))
    meta = DECLARED | {"segments": SEGMENTS | {"profile": {"since": ["new", "old"]}}}
    with pytest.raises(DeclarationError, match=r"column 'since' is a TIMESTAMP.*, which no model reads"):
        fit(frame, meta)


def test_a_column_that_the_mart_lacks_is_named(segmenters: pd.DataFrame) -> None:
    meta = DECLARED | {"segments": SEGMENTS | {"columns": {"height": ["short", "tall"]}}}
    with pytest.raises(DeclarationError, match="key 'segments': the mart has no column 'height'"):
        fit(shoppers(), meta)
    with pytest.raises(DeclarationError, match=r"made of \['job'\], which the mart lacks now"):
        assign(shoppers().drop(columns="job"), segmenters)
