"""A short form of benchmarks/kills.py: what is published stays whole, and the next build mends."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from benchmarks.kills import (
    FOR_ALL,
    PEOPLE,
    World,
    begin,
    fill_disk_meanwhile,
    fill_disks,
    kill_builds,
    kill_publishes,
    tables_with,
)
from tests.spy import spied

# After each command World.run looks at modes of files, and for people in logs and compiled files.


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    # a folder that user nobody can reach
    with TemporaryDirectory() as name:
        world = World(Path(name))
        begin(world, PEOPLE)
        yield world


def test_a_killed_build_is_mended_by_the_next(world: World) -> None:
    kill_builds(world, 2, PEOPLE)
    assert tables_with(world.warehouse) == []
    # the search finds who is there
    assert tables_with(world.identities) == ["core.identity_map"]


def test_a_publish_killed_between_its_renames_is_finished(world: World) -> None:
    # while the second file is copied, between all three renames
    kill_publishes(world, [3, 6, 8])


@pytest.mark.skipif(os.getuid() != 0, reason="only root can look as another user")
def test_another_user_opens_nothing_but_what_is_published(world: World) -> None:
    with spied(world.disk, world.temporary) as opened:
        kill_publishes(world, [3, 8])
        kill_builds(world, 1, PEOPLE)
    assert {"warehouse.duckdb"} <= opened <= {f"warehouse.duckdb{suffix}" for suffix in FOR_ALL}


@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_is_a_sentence_and_leaves_no_file(world: World) -> None:
    fill_disks(world, [0, 2])


@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a small disk")
def test_a_disk_that_fills_meanwhile_is_a_sentence(world: World) -> None:
    fill_disk_meanwhile(world)
