"""The broker that the tests run against: a real one, on free ports, in a folder of its own.

Import `broker` into a `conftest.py`; the jars come from the user's cache.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams import embedded
from streams.embedded import Broker
from streams.settings import Settings


@pytest.fixture(scope="session")
def jars() -> Path:
    """The broker's jars, fetched if this machine has none yet."""
    return embedded.fetch_jars(Settings())


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory, jars: Path) -> Iterator[Broker]:
    """An empty broker, stopped when the test session ends."""
    state_dir = tmp_path_factory.mktemp("kafka")
    yield embedded.start(state_dir, jars=jars, port=0)
    embedded.stop(state_dir)
