"""The private names of faust-streaming and aiokafka that the transport leans on.

Both packages are pinned exactly. When a pin moves and one of these fails, read what the new version
does in that place before adapting `streams/transport.py` and `streams/writers.py`.
"""

import inspect
import tomllib
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.consumer.subscription_state import SubscriptionState
from faust.transport import consumer as faust_consumer
from faust.transport.drivers import aiokafka as driver
from faust.transport.drivers import by_url
from mode.services import ServiceTask
from mode.threads import MethodQueue, ServiceThread
from yarl import URL

from streams import transport

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("package", "pin"), [("faust-streaming", "0.15.3"), ("aiokafka", "0.14.0")]
)
def test_the_packages_with_private_names_are_pinned_exactly(package: str, pin: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert f"{package}=={pin}" in project["project"]["dependencies"]
    assert version(package) == pin


def test_faust_finds_the_transport_by_its_scheme() -> None:
    [found] = entry_points(group="faust.transports", name=transport.SCHEME)
    assert found.load() is transport.Transport
    assert by_url(URL(f"{transport.SCHEME}://127.0.0.1")) is transport.Transport


@pytest.mark.parametrize(
    ("owner", "name", "parameters"),
    [
        (driver.AIOKafkaConsumerThread, "_create_worker_consumer", ["self", "transport"]),
        (
            driver.AIOKafkaConsumerThread,
            "_fetch_records",
            ["self", "consumer", "active_partitions", "timeout", "max_records"],
        ),
        (driver.AIOKafkaConsumerThread, "_ensure_consumer", ["self"]),
        (driver.Consumer, "_new_consumer_thread", ["self"]),
        (driver.Consumer, "_to_message", ["self", "tp", "record"]),
        (driver.Consumer, "_commit", ["self", "offsets"]),
        (driver.Consumer, "on_partitions_assigned", ["self", "assigned", "generation_id"]),
        (driver.Consumer, "on_partitions_revoked", ["self", "revoked"]),
        (driver.Consumer, "perform_seek", ["self"]),
        (driver.Consumer, "commit", ["self", "topics", "start_new_transaction"]),
        (driver.Consumer, "verify_event_path", ["self", "now", "tp"]),
        (driver.Consumer, "_wait_next_records", ["self", "timeout"]),
        (driver.Consumer, "_get_active_partitions", ["self"]),
        (driver.Consumer, "stop_flow", ["self"]),
        (ServiceThread, "_keepalive2", ["self"]),
        (Fetcher, "fetched_records", ["self", "partitions", "timeout", "max_records"]),
        (Fetcher, "_create_fetch_waiter", ["self"]),
        (GroupCoordinator, "fetch_committed_offsets", ["self", "partitions"]),
        (GroupCoordinator, "request_rejoin", ["self"]),
        (GroupCoordinator, "close", ["self"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_private_method_is_still_there_with_its_parameters(
    owner: type, name: str, parameters: list[str]
) -> None:
    assert list(inspect.signature(getattr(owner, name)).parameters) == parameters


@pytest.mark.parametrize(
    ("owner", "names"),
    [
        (AIOKafkaConsumer, ["_fetcher", "_coordinator", "_closed"]),
        (Fetcher, ["_subscriptions", "_closed"]),
        (AIOKafkaProducer, ["client"]),
        (faust_consumer.Consumer, ["flow_active", "_read_offset"]),
        (faust_consumer.ThreadDelegateConsumer, ["_thread"]),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_a_private_attribute_is_still_set(owner: type, names: list[str]) -> None:
    source = inspect.getsource(inspect.getmodule(owner) or owner)
    assert [name for name in names if name not in source] == []


def test_faust_still_drops_records_by_its_read_offsets() -> None:
    """What `_NoOffsets` is there for."""
    source = inspect.getsource(faust_consumer.Consumer._drain_messages)
    assert "self._read_offset.__getitem__" in source
    offsets: Any = transport._NoOffsets()
    offsets["tp"] = 5
    offsets.update({})
    assert offsets["tp"] is None


def test_a_member_without_instance_id_still_leaves_its_group_on_close() -> None:
    leaving = inspect.getsource(GroupCoordinator._maybe_leave_group)
    assert "self._group_instance_id is None" in leaving
    assert "LeaveGroupRequest(self.group_id, self.member_id)" in leaving


def test_aiokafka_still_tells_of_a_reassignment_under_way() -> None:
    assert isinstance(
        inspect.getattr_static(SubscriptionState, "reassignment_in_progress"), property
    )
    assert hasattr(SubscriptionState, "fetch_context")


def test_calls_between_the_threads_wake_the_other_loop_without_the_keepalives() -> None:
    for method in (MethodQueue.call, MethodQueue._process_enqueued):
        assert "call_soon_threadsafe" in inspect.getsource(method)
    assert isinstance(ServiceThread.__dict__["_thread_keepalive"], ServiceTask)
    assert isinstance(transport.ConsumerThread.__dict__["_thread_keepalive"], ServiceTask)
