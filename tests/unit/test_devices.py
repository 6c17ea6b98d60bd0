"""Scoring in bulk: what the batch scorer gives, whole or not at all, resumed after a kill."""

import decimal
import resource
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from python_models.__main__ import make_parser
from python_models.common.checksums import seal, unseal
from python_models.common.errors import UserError
from python_models.common.frames import fold_of, make_design, matrix_of
from python_models.common.warehouse import Champion
from python_models.conversion.fitted import FittedModel
from python_models.conversion.fitting import BLEND, TrainingSet, blend, cross_fit, presets
from python_models.conversion.one_rule import OneRule
from python_models.conversion.training import train
from python_models.delivery.bulk import buckets, workers
from python_models.delivery.bulk.compiled_trees import Trees, compiled, is_compiled
from python_models.delivery.bulk.scoring import file_rows, score_rows
from tests.unit.test_training import DECLARED_SMALL, clients

COLUMNS = ["client_id", "spend", "noise", "job"]
NO_NUMBA = "the extra `fast` is not installed: make setup-fast"


def small_champion() -> Champion:
    """Return a small model with a text column, as a warehouse would give it."""
    connection = duckdb.connect()
    connection.register("mart", clients())
    row = train(connection.table("mart"), DECLARED_SMALL).to_pylist()[0]
    assert row["model_body"]
    return Champion("clients", row["model_version"], row["model_body"], 0.4, "client_id", "has_bought")


@pytest.fixture(scope="module")
def champion() -> Champion:
    return small_champion()


def write_buckets(folder: Path, frame: pd.DataFrame, count: int = 4) -> Path:
    folder.mkdir(exist_ok=True)
    for number in range(count):
        part = frame.iloc[number::count]
        pq.write_table(
            pa.Table.from_pandas(part, preserve_index=False), folder / f"bucket-{number:03d}.parquet"
        )
    return folder


def score_folder(
    champion: Champion, folder: Path, target: Path, compile_trees: bool | None = None
) -> list[str]:
    return list(score_rows(champion, file_rows(folder, champion), target, 2, compile_trees))


def scores(target: Path) -> pd.DataFrame:
    files = [str(file) for file in sorted(target.rglob("bucket-*.parquet"))]
    return duckdb.read_parquet(files).order("client_id").df()


def expected(champion: Champion, frame: pd.DataFrame) -> np.ndarray:
    """What the batch scorer gives to rows whose outcome is not known."""
    model = FittedModel.from_text(champion.body)
    ordered = frame.sort_values("client_id")
    nothing = np.zeros(len(ordered), bool)
    return model.predict(ordered, np.zeros(len(ordered)), nothing, ~nothing)


def odd_clients(count: int = 1_000) -> pd.DataFrame:
    """Clients of whom some things are not known, or were never seen in training."""
    frame = clients(count, seed=7)[COLUMNS]
    frame.loc[::7, "spend"] = np.nan
    frame.loc[::11, "job"] = None
    frame.loc[::13, "job"] = "never seen"
    frame.loc[5, "noise"] = np.inf
    return frame


@pytest.mark.parametrize("compile_trees", [False, True])
def test_scores_are_those_of_the_batch_scorer(
    champion: Champion, tmp_path: Path, compile_trees: bool
) -> None:
    if compile_trees:
        pytest.importorskip("numba", reason=NO_NUMBA)
    champion = replace(champion, body=_with_shift(champion.body, -1.5))
    frame = odd_clients()
    score_folder(champion, write_buckets(tmp_path / "in", frame), tmp_path / "out", compile_trees)
    found = scores(tmp_path / "out")
    np.testing.assert_allclose(found["predicted_probability"], expected(champion, frame), rtol=0, atol=1e-12)
    assert (found["predicted_conversion"] == (found["predicted_probability"] >= 0.4)).all()
    assert found["predicted_conversion"].any()
    assert set(found["model_version"]) == {champion.version}


def _with_shift(body: str, shift: float) -> str:
    return seal(unseal(body, "a test's model") | {"shift": shift})


# Trees that grow to the number of leaves that they are allowed.
GROWN = {"extra_trees": False, "feature_fraction": 1.0, "min_data_in_leaf": 2, "lambda_l2": 0.0}


def trained(name: str, **settings: object) -> FittedModel:
    """A model of five folds of one algorithm, on numbers with gaps and two text columns."""
    frame = clients(1_500)
    frame.loc[::9, "spend"] = np.nan
    frame["town"] = np.array([f"t{number % 40}" for number in range(len(frame))])
    design = make_design(frame, ["spend", "noise", "job", "town"], ["job", "town"])
    label = frame["has_bought"].to_numpy(np.int64)
    training = TrainingSet(design, design.matrix(frame), label, fold_of(frame["client_id"]))
    if name == BLEND:
        fit = blend(
            [cross_fit("lightgbm_shallow", training), cross_fit("random_forest", training)], [0.3, 0.7]
        )
    else:
        fit = cross_fit(name, training, "none", presets(name, training)[0] | settings)
    return FittedModel.of(fit, training, OneRule(design, []), None)


def odd_matrix(columns: int) -> np.ndarray:
    generator = np.random.default_rng(3)
    matrix = generator.normal(size=(1_300, columns)) * 3
    matrix[:, -1] = generator.integers(-2, 45, len(matrix))
    odd = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-40, 1e300, -1e300, -1.0, -0.5, 2.0, 2.9, 1e10]
    chosen = generator.random(matrix.shape) < 0.2
    matrix[chosen] = generator.choice(odd, chosen.sum())
    # half of the blocks hold numbers of 32 bits only
    matrix[: len(matrix) // 2] = matrix[: len(matrix) // 2].clip(-1e30, 1e30).astype(np.float32)
    return matrix


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("lightgbm", {}),
        ("lightgbm", GROWN | {"num_leaves": 50}),
        ("lightgbm_shallow", {}),
        ("random_forest", {}),
        (BLEND, {}),
    ],
)
def test_compiled_trees_give_lightgbms_log_odds_to_the_last_bit(name: str, settings: dict) -> None:
    pytest.importorskip("numba", reason=NO_NUMBA)
    model = trained(name, **settings)
    quick = compiled(model)
    assert is_compiled(quick)
    matrix = odd_matrix(4)
    for fold, quick_fold in zip(model.models, quick.models, strict=True):
        for layout in (matrix, np.asfortranarray(matrix)):
            np.testing.assert_array_equal(fold.log_odds(layout), quick_fold.log_odds(layout))
    assert quick.to_text() == model.to_text()


def test_the_kernel_is_tried_on_all_kinds_of_trees() -> None:
    plain, grown = (
        [Trees.of(fold.candidate.to_text()) for fold in trained("lightgbm", **settings).models]
        for settings in ({}, GROWN | {"num_leaves": 50})
    )
    assert {trees.keeps.dtype for trees in plain} == {np.dtype(np.uint32)}
    assert {trees.keeps.dtype for trees in grown} == {np.dtype(np.uint64)}
    assert {kind for trees in [*plain, *grown] for kind in trees.kind} == {0, 1, 2}


@pytest.mark.parametrize("settings", [{"zero_as_missing": True}, GROWN | {"num_leaves": 90}])
def test_trees_that_the_kernel_does_not_read_stay_with_lightgbm(settings: dict) -> None:
    model = trained("lightgbm", **settings)
    assert compiled(model) == model


def test_a_matrix_of_arrow_columns_or_lists_is_that_of_a_frame() -> None:
    frame = pd.DataFrame(
        {
            "number": [1.5, None, -2.0],
            "whole": pd.array([1, None, 2**40], "Int64"),
            "yes": pd.array([True, None, False], "boolean"),
            "money": [decimal.Decimal("1.25"), decimal.Decimal("2.50"), None],
            "job": ["b", None, "never seen"],
        }
    )
    design = make_design(frame, list(frame.columns), ["job"])
    design = replace(design, categories={"job": ["a", "b"]})
    batch = pa.RecordBatch.from_pandas(frame)
    np.testing.assert_array_equal(workers.read_matrix(batch, design), design.matrix(frame))
    coded = batch.set_column(4, "job", batch.column("job").dictionary_encode())
    np.testing.assert_array_equal(workers.read_matrix(coded, design), design.matrix(frame))
    lists = {name: batch.column(name).to_pylist() for name in design.columns}
    np.testing.assert_array_equal(matrix_of(design, lists, len(frame)), design.matrix(frame))


def test_rows_in_other_files_are_routed_by_a_hash_of_their_key(
    champion: Champion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "BUCKET_ROWS", 300)
    monkeypatch.setattr(buckets, "ROUTED_ROWS", 350)
    frame = odd_clients()
    (tmp_path / "in").mkdir()
    for name, part in {"north": frame[:900], "south": frame[900:]}.items():
        pq.write_table(pa.Table.from_pandas(part, preserve_index=False), tmp_path / f"in/{name}.parquet")
    said = score_folder(champion, tmp_path / "in", tmp_path / "out")
    assert said[0].startswith("1,000 rows routed into 4 buckets")
    np.testing.assert_allclose(
        scores(tmp_path / "out")["predicted_probability"], expected(champion, frame), rtol=0, atol=1e-12
    )
    [misplaced] = duckdb.sql(f"""
        select count(*) from read_parquet('{said[-1]}/bucket-*.parquet', filename = true)
        where cast(concat('0x', left(md5(client_id), 8)) as bigint) % 4
            != cast(regexp_extract(filename, 'bucket-(\\d+)', 1) as bigint)
    """).fetchone() or [None]
    assert misplaced == 0
    assert score_folder(champion, tmp_path / "in", tmp_path / "out")[0].startswith("nothing to do")


def test_routing_goes_on_after_the_steps_that_are_there(
    champion: Champion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "ROUTED_ROWS", 400)
    frame = clients(1_000)[COLUMNS]
    (tmp_path / "in").mkdir()
    pq.write_table(pa.Table.from_pandas(frame), tmp_path / "in/all.parquet")
    files, folder = [tmp_path / "in/all.parquet"], tmp_path / "routed"
    steps = buckets.route(files, COLUMNS, 2, folder)
    assert next(steps) == 400
    steps.close()
    first = {file: file.stat().st_mtime_ns for file in buckets.routed_files(folder)}
    (folder / "00001.unfinished").mkdir()
    (folder / "00001.unfinished/half").write_text("half a file")
    assert list(buckets.route(files, COLUMNS, 2, folder)) == [400, 400, 200]
    after = buckets.routed_files(folder)
    assert {file: file.stat().st_mtime_ns for file in after if file in first} == first
    assert sum(pq.read_metadata(file).num_rows for file in after) == 1_000


BAD_FILES = [
    (lambda frame: frame.drop(columns="spend"), "bucket-001.parquet: column 'spend' is missing"),
    (lambda frame: frame.assign(spend="much"), "bucket-001.parquet: column 'spend' has type .*string"),
    (
        lambda frame: frame.assign(job=1),
        "bucket-001.parquet: column 'job' has type int64, the model reads text",
    ),
    (
        lambda frame: frame.assign(client_id=7),
        "bucket-001.parquet: 'client_id' has type int64, in .*000.parquet",
    ),
    (lambda frame: frame.assign(client_id=frame["client_id"].where(frame.index > 3)), "empty in some rows"),
]


@pytest.mark.parametrize(("spoil", "sentence"), BAD_FILES)
def test_files_that_the_model_cannot_read_are_named(
    champion: Champion, tmp_path: Path, spoil: Callable[[pd.DataFrame], pd.DataFrame], sentence: str
) -> None:
    folder = write_buckets(tmp_path / "in", clients(100)[COLUMNS], 2)
    bad = pa.Table.from_pandas(spoil(clients(50)[COLUMNS]), preserve_index=False)
    pq.write_table(bad, folder / "bucket-001.parquet")
    with pytest.raises(UserError, match=sentence):
        score_folder(champion, folder, tmp_path / "out")
    assert not list((tmp_path / "out").rglob("bucket-001*"))


def test_a_file_that_is_cut_is_named_and_an_empty_folder_too(champion: Champion, tmp_path: Path) -> None:
    folder = write_buckets(tmp_path / "in", clients(100)[COLUMNS], 2)
    whole = (folder / "bucket-001.parquet").read_bytes()
    (folder / "bucket-001.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"bucket-001.parquet: cannot be read as Parquet"):
        score_folder(champion, folder, tmp_path / "out")
    # whole at its end, damaged in the middle: found while scoring
    (folder / "bucket-001.parquet").write_bytes(b"PAR1" + b"\0" * 500 + whole[504:])
    with pytest.raises(UserError, match=r"bucket-001.parquet: cannot be read as Parquet"):
        score_folder(champion, folder, tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"has no file"):
        score_folder(champion, tmp_path / "empty", tmp_path / "out")


def test_scores_of_something_else_are_never_mixed_in(champion: Champion, tmp_path: Path) -> None:
    folder = write_buckets(tmp_path / "in", clients(200)[COLUMNS])
    *_, output = score_folder(champion, folder, tmp_path / "out")
    for changed in (
        replace(champion, threshold=0.5),
        replace(champion, body=_with_shift(champion.body, 1.0)),
    ):
        with pytest.raises(UserError, match=r"holds scores of something else .*(threshold|model_hash) was"):
            score_folder(changed, folder, tmp_path / "out")
    before = (Path(output) / "bucket-000.parquet").read_bytes()
    *_, other = score_folder(replace(champion, version="b" * 12), folder, tmp_path / "out")
    assert other != output
    assert (Path(output) / "bucket-000.parquet").read_bytes() == before
    foreign = Path(other) / "bucket-002.parquet"
    (Path(output) / "bucket-002.parquet").write_bytes(foreign.read_bytes())
    with pytest.raises(UserError, match=r"bucket-002.parquet was not written by this run"):
        score_folder(champion, folder, tmp_path / "out")
    write_buckets(folder, clients(201)[COLUMNS])
    with pytest.raises(UserError, match=r"input_hash was .*; input_rows was 200, is 201"):
        score_folder(champion, folder, tmp_path / "out")


def test_a_bucket_that_was_taken_away_is_scored_again_and_no_other(
    champion: Champion, tmp_path: Path
) -> None:
    folder = write_buckets(tmp_path / "in", clients(400)[COLUMNS])
    *_, output = score_folder(champion, folder, tmp_path / "out")
    gone, other = (Path(output) / f"bucket-00{number}.parquet" for number in (1, 2))
    before, untouched = gone.read_bytes(), other.stat().st_mtime_ns
    gone.unlink()
    assert score_folder(champion, folder, tmp_path / "out")[0].startswith("100 rows scored (300 were there)")
    assert gone.read_bytes() == before
    assert other.stat().st_mtime_ns == untouched


def test_a_full_disk_leaves_what_is_finished(champion: Champion, tmp_path: Path) -> None:
    frame = clients(20_000)[COLUMNS]
    folder = write_buckets(tmp_path / "in", frame[:400])
    pq.write_table(pa.Table.from_pandas(frame[400:]), folder / "bucket-007.parquet")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, limit[1]))
    try:
        with pytest.raises(UserError, match=r"bucket-007.parquet: .*run the same again"):
            list(score_rows(champion, file_rows(folder, champion), tmp_path / "out", 1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    [output] = (tmp_path / "out/clients").iterdir()
    assert len(list(output.glob("*.parquet"))) == 4
    assert not list((output / ".unfinished").iterdir())
    score_folder(champion, folder, tmp_path / "out")
    np.testing.assert_array_equal(
        scores(tmp_path / "out")["predicted_probability"], expected(champion, frame)
    )


def test_the_verb_score_devices_does_what_score_files_does() -> None:
    old, new = (make_parser().parse_args([name]) for name in ("score-devices", "score-files"))
    assert old.verb is new.verb
    assert {**vars(old), "command": ""} == {**vars(new), "command": ""}


def test_two_runs_do_not_score_into_one_folder(champion: Champion, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    pq.write_table(pa.Table.from_pandas(clients(100)[COLUMNS]), tmp_path / "in/all.parquet")
    first = score_rows(champion, file_rows(tmp_path / "in", champion), tmp_path / "out", 1)
    next(first)  # routed, not yet scored
    with pytest.raises(UserError, match=r"another run is scoring into"):
        score_folder(champion, tmp_path / "in", tmp_path / "out")
    assert len(list(first)) == 2
