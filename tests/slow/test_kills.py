"""A short form of benchmarks/kills.py: what is published stays whole, and the next build mends."""

import os

import pytest

from benchmarks.kills import FOR_ALL, PEOPLE, World, begin, fill_disks, kill_builds, kill_publishes


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("kills"))
    begin(world)
    return world


def test_a_killed_build_is_mended_by_the_next(world: World) -> None:
    kill_builds(world, 2, PEOPLE)
    assert world.readable <= FOR_ALL


def test_a_publish_killed_between_its_renames_is_finished(world: World) -> None:
    # while the second file is copied, between all three renames
    kill_publishes(world, [3, 6, 8])
    assert world.readable <= FOR_ALL


@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_is_a_sentence_and_leaves_no_file(world: World) -> None:
    fill_disks(world, [0, 2])
    assert world.readable <= FOR_ALL
