"""The scoring service keeps to its OpenAPI document, whatever is asked."""

from pathlib import Path

import pytest
from schemathesis import GenerationMode

from tests.unit.test_service import check_operations, publish


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_schemathesis_finds_nothing(tmp_path: Path, mode: GenerationMode) -> None:
    publish(tmp_path / "first.duckdb")
    check_operations(tmp_path, tmp_path / "log", mode, examples=60)
