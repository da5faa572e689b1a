"""Lag of a stage, in records and in seconds, read from the broker alone.

It needs no worker to be alive, so `babelwire status` and the workers' gauges tell the same story.
"""

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError
from aiokafka.structs import TopicPartition

from streams.metrics import LAG_METRICS, LAG_RECORDS, LAG_SECONDS, OVERDUE_RECORDS, Metrics

LOOK_MILLISECONDS: Final = 2_000


@dataclass(frozen=True)
class PartitionLag:
    """Records behind the end of one partition, the age in seconds of the oldest of them (0 where
    there is none), and how many are overdue."""

    partition: int
    records: int
    seconds: float
    overdue: int = 0


async def measure(
    client: AIOKafkaAdminClient,
    consumer: AIOKafkaConsumer,
    group: str,
    topic: str,
    partitions: Collection[int] | None = None,
    *,
    fresh_within: float,
) -> list[PartitionLag]:
    """Lag by partition of `topic` (all of them by default) for a consumer group. Records older than
    `fresh_within` seconds are overdue.

    `consumer` must belong to no group and is left assigned to what was looked at. A group that has
    never committed is behind by everything that the topic still holds.
    """
    if partitions is None:
        [described] = await client.describe_topics([topic])
        partitions = [each["partition"] for each in described["partitions"]]
    wanted = [TopicPartition(topic, partition) for partition in sorted(partitions)]
    if not wanted:
        return []
    consumer.assign(wanted)
    try:
        committed = await client.list_consumer_group_offsets(group)
    except GroupCoordinatorNotAvailableError:
        committed = {}  # no group has ever met on this broker
    beginnings = await consumer.beginning_offsets(wanted)
    ends = await consumer.end_offsets(wanted)
    positions = {}
    for partition in wanted:
        known = committed.get(partition)
        offset = known.offset if known is not None and known.offset >= 0 else 0
        positions[partition] = max(offset, beginnings[partition])
    behind = {tp: ends[tp] - positions[tp] for tp in wanted if ends[tp] > positions[tp]}
    oldest = await _timestamps(consumer, {tp: positions[tp] for tp in behind}, ends)
    now = time.time()
    ages = {tp: max(0.0, now - at) for tp, at in oldest.items() if at is not None}
    behind = {tp: number for tp, number in behind.items() if oldest.get(tp, 0.0) is not None}
    late = [tp for tp, age in ages.items() if age > fresh_within]
    fresh = await _first_since(consumer, late, now - fresh_within)
    return [
        PartitionLag(
            tp.partition,
            behind.get(tp, 0),
            ages.get(tp, 0),
            fresh.get(tp, ends[tp]) - positions[tp] if tp in late else 0,
        )
        for tp in wanted
    ]


def export(metrics: Metrics, lags: Mapping[str, Iterable[PartitionLag]]) -> None:
    """Sets the lag metrics to what was measured by stage; partitions not named are forgotten."""
    for metric in LAG_METRICS:
        metrics.clear(metric)
    for stage, partitions in lags.items():
        for lag in partitions:
            place = {"stage": stage, "partition": str(lag.partition)}
            metrics.set(LAG_RECORDS, lag.records, **place)
            metrics.set(LAG_SECONDS, lag.seconds, **place)
            metrics.set(OVERDUE_RECORDS, lag.overdue, **place)


async def _first_since(
    consumer: AIOKafkaConsumer, partitions: list[TopicPartition], since: float
) -> dict[TopicPartition, int]:
    """Offset of each partition's first record from `since` on, where there is one."""
    if not partitions:
        return {}
    found = await consumer.offsets_for_times(dict.fromkeys(partitions, int(since * 1000)))
    return {tp: at.offset for tp, at in found.items() if at is not None}


async def _timestamps(
    consumer: AIOKafkaConsumer,
    offsets: dict[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
) -> dict[TopicPartition, float | None]:
    """When the first record from each offset on was written, in seconds since the epoch; None where
    only markers of transactions are left, which are nobody's lag."""
    if not offsets:
        return {}
    consumer.assign(list(offsets))
    for partition, offset in offsets.items():
        consumer.seek(partition, offset)
    found: dict[TopicPartition, float | None] = {}
    deadline = time.monotonic() + LOOK_MILLISECONDS / 1000
    while len(found) < len(offsets) and time.monotonic() < deadline:
        waiting = [partition for partition in offsets if partition not in found]
        records = await consumer.getmany(*waiting, timeout_ms=200, max_records=len(waiting))
        for partition, batch in records.items():
            if batch:
                found.setdefault(partition, batch[0].timestamp / 1000)
        for partition in waiting:
            if partition not in found and await consumer.position(partition) >= ends[partition]:
                found[partition] = None
    return found
