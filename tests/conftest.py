"""Fixtures for every test that needs the broker; unit tests start none of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.embedded import Broker
from tests.broker.harness import Desk, open_desk
from tests.broker.kafka import broker, jars

__all__ = ["broker", "desk", "jars", "pipeline"]


@pytest.fixture
def desk(broker: Broker, tmp_path: Path) -> Desk:
    """Fresh topics, nothing running."""
    return open_desk(broker.bootstrap, tmp_path)


@pytest.fixture(scope="session")
def pipeline(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The three real stages, running; shared, so tests look only for what they pushed."""
    desk = open_desk(broker.bootstrap, tmp_path_factory.mktemp("pipeline"))
    with desk.running("run"):
        desk.await_ready()
        yield desk
