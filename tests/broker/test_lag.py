"""Lag, read from a real broker."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from aiokafka import AIOKafkaProducer, TopicPartition

from streams import clients
from streams.lag import HEAD_RECORDS, PartitionLag, measure
from streams.topics import RAW
from tests.broker.harness import Desk

FRESH = 60.0


def lags(desk: Desk, before: Callable[[str], Awaitable[None]]) -> dict[int, PartitionLag]:
    """Lag of group `g` on the raw topic, by partition, after `before` had the topic's name."""

    async def look() -> dict[int, PartitionLag]:
        topic = desk.topic(RAW.name)
        await before(topic)
        async with clients.admin(desk.settings) as client, clients.reader(desk.settings) as reader:
            found = await measure(client, reader, "g", topic, fresh_within=FRESH)
        return {lag.partition: lag for lag in found}

    return asyncio.run(look())


def test_overdue_are_the_records_that_are_older_than_they_should_be(desk: Desk) -> None:
    async def write(topic: str) -> None:
        async with clients.producer(desk.settings) as producer:
            for age in (300, 200, 100, 10, 0):
                at = int((time.time() - age) * 1000)
                await producer.send_and_wait(topic, b"{}", partition=2, timestamp_ms=at)
            await producer.send_and_wait(topic, b"{}", partition=3)

    found = lags(desk, write)
    assert (found[2].records, found[2].overdue) == (5, 3)
    assert 295 < found[2].seconds < 320
    assert (found[3].records, found[3].overdue) == (1, 0)
    assert found[0] == PartitionLag(0, 0, 0, 0)


def test_markers_of_transactions_are_nobodys_lag(desk: Desk) -> None:
    async def write(topic: str) -> None:
        producer = AIOKafkaProducer(
            **clients.connection(desk.settings), transactional_id=f"{topic}-t", acks="all"
        )
        await producer.start()
        try:
            for _ in range(2):
                async with producer.transaction():
                    for partition in range(3):
                        await producer.send_and_wait(topic, b"{}", partition=partition)
            for _ in range(HEAD_RECORDS * 2):
                async with producer.transaction():
                    await producer.send_and_wait(topic, b"{}", partition=3)
            # As a worker commits: the offset after the last record, before the marker.
            async with producer.transaction():
                await producer.send_offsets_to_transaction(
                    {TopicPartition(topic, 0): 4, TopicPartition(topic, 1): 3}, "g"
                )
        finally:
            await producer.stop()

    found = lags(desk, write)
    assert (found[0].records, found[0].seconds) == (0, 0)
    assert found[1].records == 0
    assert found[2].records == 2
    # Beyond what is looked at, markers are as frequent as before.
    assert abs(found[3].records - HEAD_RECORDS * 2) <= 1
