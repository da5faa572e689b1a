"""Reads a topic for one reader of the page: the newest records or those from a place on, then
whatever comes. The reader's own pace holds it back; nothing is kept for it here."""

import heapq
from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Any, Final, TypeAlias

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord, TopicPartition

from agents.page.stream import Position
from streams import clients
from streams.settings import Settings

Record: TypeAlias = ConsumerRecord[Any, Any]

# The broker sends one record whatever its size; this bounds what is fetched ahead of it.
FETCH_BYTES: Final = 256 * 1024
POLL_MILLISECONDS: Final = 500
MOST_AT_ONCE: Final = 50


async def feed(
    settings: Settings, topic: str, start: Position | None, newest: int
) -> AsyncGenerator[tuple[Record | None, Position], None]:
    """Records of a topic, each with the position after it, in order within each partition.

    Begins at `start`, else with the `newest` so many records. Gives None for the record once at the
    beginning. Raises BrokerUnreachable and TopicMissing.
    """
    numbers = await clients.partitions_of(settings, topic)
    partitions = [TopicPartition(topic, number) for number in numbers]
    async with clients.reader(settings, fetch_bytes=FETCH_BYTES) as consumer:
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        beginnings = await consumer.beginning_offsets(partitions)
        first: list[Record] = []
        if start is None:
            first = await _newest(consumer, beginnings, ends, newest)
            offsets = {tp.partition: end for tp, end in ends.items()}
            for record in reversed(first):
                offsets[record.partition] = record.offset
        else:
            offsets = {tp.partition: start.offsets.get(tp.partition, 0) for tp in partitions}
            for tp in partitions:
                consumer.seek(tp, max(offsets[tp.partition], beginnings[tp]))
        position = Position(offsets)
        yield None, position
        for record in first:
            position = position.after(record.partition, record.offset)
            yield record, position
        while True:
            batches = await consumer.getmany(timeout_ms=POLL_MILLISECONDS, max_records=MOST_AT_ONCE)
            for record in merged(batches.values()):
                position = position.after(record.partition, record.offset)
                yield record, position


def merged(batches: Iterable[list[Record]]) -> Iterable[Record]:
    """Records of several partitions by time, never changing the order within a partition."""
    return heapq.merge(*batches, key=lambda record: record.timestamp)


async def _newest(
    consumer: AIOKafkaConsumer,
    beginnings: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
    number: int,
) -> list[Record]:
    """The newest records of all partitions together, and the consumer at the ends."""
    for tp, end in ends.items():
        consumer.seek(tp, max(beginnings[tp], end - number))
    kept: dict[TopicPartition, list[Record]] = {tp: [] for tp in ends}
    while number and any([await consumer.position(tp) < ends[tp] for tp in ends]):
        batches = await consumer.getmany(timeout_ms=POLL_MILLISECONDS, max_records=MOST_AT_ONCE)
        for tp, batch in batches.items():
            kept[tp] += batch
    for tp in ends:
        consumer.seek(tp, max([ends[tp], *(record.offset + 1 for record in kept[tp][-1:])]))
    return list(merged(kept.values()))[-number:] if number else []
