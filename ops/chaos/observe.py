"""Reading back from the broker what was accepted, what came out, and how far the group is."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.admin import NewTopic
from aiokafka.errors import KafkaError, for_code
from aiokafka.structs import TopicPartition

from ops.chaos.brokers import Brokers
from ops.chaos.checker import Accepted, Outcome
from ops.chaos.load import Written
from ops.chaos.records import OUTPUT, id_of
from schemas import DeadLetter
from streams import clients, lag
from streams.headers import plain
from streams.settings import Settings
from streams.topics import DEAD_LETTERS, Topic

IDLE_MILLISECONDS: Final = 500
CALL_SECONDS: Final = 10.0
# A broker that is not there at all; any of these ends one look, and the next look starts afresh.
UNREACHABLE: Final = (KafkaError, OSError, TimeoutError)


@dataclass(frozen=True)
class Group:
    """A consumer group and the topic (name without prefix) that it reads."""

    name: str
    topic: str


async def create_topics(settings: Settings, topics: Iterable[Topic], brokers: Brokers) -> None:
    """Creates the topics with as many copies as there are nodes, and with the broker's own time on
    each record, by which everything is measured. Raises KafkaError."""
    extra = {
        "message.timestamp.type": "LogAppendTime",
        "min.insync.replicas": str(brokers.in_sync),
    }
    async with clients.admin(settings) as client:
        response = await client.create_topics(
            [
                NewTopic(
                    topic.full_name(settings.topic_prefix),
                    topic.partitions,
                    brokers.replicas,
                    topic_configs=topic.config | extra,
                )
                for topic in topics
            ]
        )
    for name, code, message in response.topic_errors:
        if code:
            raise KafkaError(f"{name} was not created: {message or for_code(code).__name__}")


async def accepted(settings: Settings, topics: Iterable[str], written: Written) -> list[Accepted]:
    """What the topics (names without prefix) hold of what the loader wrote, in partition order."""
    found = []
    for topic in topics:
        async for record in _read(settings, topic):
            name = id_of(record.value, plain(record.headers))
            planned = written.planned.get(name or "")
            # A later stage's topic also holds what the stage before it wrote.
            if planned is None or planned.topic != topic or not _is_ours(record):
                continue
            at = written.committed_at.get(planned.id, record.timestamp / 1000)
            found.append(
                Accepted(
                    planned.id,
                    planned.key,
                    topic,
                    record.partition,
                    record.offset,
                    at,
                    planned.expect,
                )
            )
    return found


async def outcomes(settings: Settings, output: str) -> list[Outcome]:
    """What came out: the records of the output topic and the dead letters."""
    found = []
    for topic in (output, DEAD_LETTERS.name):
        async for record in _read(settings, topic):
            became = OUTPUT
            if topic == DEAD_LETTERS.name:
                became = DeadLetter.from_headers(plain(record.headers)).reason
            name = id_of(record.value, plain(record.headers))
            found.append(
                Outcome(
                    name or f"{topic}/{record.partition}@{record.offset}",
                    became,
                    topic,
                    record.partition,
                    record.offset,
                    record.timestamp / 1000,
                )
            )
    return found


async def behind(settings: Settings, groups: Sequence[Group]) -> int:
    """The lag of all groups together, in records, as `babelwire status` tells it.

    Raises one of UNREACHABLE.
    """
    prefix = settings.topic_prefix

    async def look() -> int:
        async with clients.admin(settings) as client, clients.reader(settings) as consumer:
            total = 0
            for group in groups:
                lags = await lag.measure(
                    client,
                    consumer,
                    group.name,
                    f"{prefix}.{group.topic}",
                    fresh_within=settings.fresh_within,
                )
                total += sum(each.records for each in lags)
            return total

    return await asyncio.wait_for(look(), 2 * CALL_SECONDS)


async def ends(settings: Settings, topics: Iterable[str]) -> int:
    """The end offsets of the topics added up: about how much was written, transaction markers
    included. Raises one of UNREACHABLE."""

    async def look() -> int:
        total = 0
        async with clients.reader(settings) as consumer:
            for topic in topics:
                name = f"{settings.topic_prefix}.{topic}"
                numbers = await clients.partitions_of(settings, name)
                found = await consumer.end_offsets([TopicPartition(name, each) for each in numbers])
                total += sum(found.values())
        return total

    return await asyncio.wait_for(look(), CALL_SECONDS)


async def committed(settings: Settings, group: Group) -> dict[tuple[str, int], int]:
    """The group's committed offsets, by topic (without prefix) and partition."""
    async with clients.admin(settings) as client:
        offsets = await client.list_consumer_group_offsets(group.name)
    return {(group.topic, tp.partition): found.offset for tp, found in offsets.items()}


def _is_ours(record: Any) -> bool:
    """Whether the loader wrote a record: what a stage wrote carries CloudEvents headers."""
    return not any(name == "ce_id" for name, _ in record.headers)


async def _read(settings: Settings, topic: str) -> AsyncIterator[Any]:
    """Everything a topic holds now, under read_committed."""
    name = f"{settings.topic_prefix}.{topic}"
    numbers = await clients.partitions_of(settings, name)
    async with clients.reader(settings) as consumer:
        partitions = [TopicPartition(name, number) for number in numbers]
        consumer.assign(partitions)
        end = await consumer.end_offsets(partitions)
        await consumer.seek_to_beginning(*partitions)
        while True:
            for batch in (await consumer.getmany(timeout_ms=IDLE_MILLISECONDS)).values():
                for record in batch:
                    yield record
            positions = [(tp, await consumer.position(tp)) for tp in partitions]
            if all(position >= end[tp] for tp, position in positions):
                return
