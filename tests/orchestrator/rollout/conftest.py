"""A world and a store for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.rollout.store import Store
from tests.orchestrator.rollout.wide_world import WideWorld
from tests.orchestrator.rollout.world import World


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "state") as store:
        yield store


@pytest.fixture
def world(store: Store) -> Iterator[World]:
    with World(store) as world:
        yield world


@pytest.fixture
def ready(world: World) -> World:
    """Return a world in which all three servers are in service."""
    world.in_service()
    return world


@pytest.fixture
def quick(ready: World) -> World:
    """Return the same for simulations that are not about the durable engine."""
    ready.light = True
    return ready


@pytest.fixture
def wide(store: Store) -> Iterator[WideWorld]:
    """Return a world of several services, with every server in service everywhere."""
    with WideWorld(store) as world:
        world.light = True
        yield world
