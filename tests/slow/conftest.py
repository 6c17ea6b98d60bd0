"""What slow tests share: real data by name."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real data sets for development; skips by name without it."""
    folder = os.environ.get("LEADLIGHT_REAL_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("LEADLIGHT_REAL_DATA names no folder: no real data to test on")
    return Path(folder)
