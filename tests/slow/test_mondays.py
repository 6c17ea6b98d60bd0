"""Three weeks of the company of `benchmarks/mondays.py`, one of them missed."""

from collections.abc import Callable

import pytest

from benchmarks.mondays import SAFE, Kept
from benchmarks.mondays_company import Run, simulate
from benchmarks.mondays_world import Plan

PLAN = Plan(weeks=3, late_week=1, missed_week=2, shift_week=None, rise_week=None)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return simulate(tmp_path_factory.mktemp("mondays"), 1, PLAN, measures_daily=False)


@pytest.mark.parametrize("promise", SAFE, ids=lambda promise: promise.__name__)
def test_what_is_promised_each_monday_is_kept(run: Run, promise: Callable[[Run], Kept]) -> None:
    is_kept, evidence = promise(run)
    assert is_kept, evidence
