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
# Of a partition that is behind, so many records are looked at, and so many bytes fetched.
HEAD_RECORDS: Final = 20
LOOK_BYTES: Final = 256 * 1024


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

    `consumer` must belong to no group, should fetch no more than LOOK_BYTES at once, and is left
    assigned but paused, so that it asks for nothing until the next time. A group that has never
    committed is behind by everything that the topic still holds.
    """
    if partitions is None:
        [described] = await client.describe_topics([topic])
        partitions = [each["partition"] for each in described["partitions"]]
    wanted = [TopicPartition(topic, partition) for partition in sorted(partitions)]
    if not wanted:
        return []
    _assign_paused(consumer, wanted)
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
    behind = {tp: positions[tp] for tp in wanted if ends[tp] > positions[tp]}
    heads = await _heads(consumer, behind, ends)
    now = time.time()
    since = now - fresh_within
    late = [tp for tp, head in heads.items() if head.records and head.records[0][1] < since]
    fresh = await _first_since(consumer, late, since)
    return [
        _lag(tp.partition, heads[tp], ends[tp], now, fresh.get(tp, ends[tp]), since)
        if tp in heads
        else PartitionLag(tp.partition, 0, 0)
        for tp in wanted
    ]


@dataclass(frozen=True)
class _Head:
    """What follows an offset: the first records (offset, and time in seconds since the epoch), and
    whether there are no more."""

    start: int
    records: list[tuple[int, float]]
    whole: bool

    def until(self, offset: int) -> int:
        """How many records there are before `offset`.

        Transactions leave markers among the records, which take an offset each. As far as was read
        the number is exact; beyond, markers are taken to be as frequent as before.
        """
        if not self.records:
            return 0 if self.whole else offset - self.start
        last = self.records[-1][0]
        if self.whole or offset <= last:
            return sum(at < offset for at, _ in self.records)
        share = len(self.records) / (last + 1 - self.start)
        return len(self.records) + round(share * (offset - last - 1))


def _lag(
    partition: int, head: _Head, end: int, now: float, fresh: int, since: float
) -> PartitionLag:
    """The lag of a partition; `fresh` is the offset of its first record from `since` on."""
    if not head.records:
        return PartitionLag(partition, head.until(end), 0)
    oldest = head.records[0][1]
    overdue = head.until(fresh) if oldest < since else 0
    return PartitionLag(partition, head.until(end), max(0.0, now - oldest), overdue)


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


def _assign_paused(consumer: AIOKafkaConsumer, partitions: list[TopicPartition]) -> None:
    consumer.assign(partitions)
    consumer.pause(*partitions)


async def _first_since(
    consumer: AIOKafkaConsumer, partitions: list[TopicPartition], since: float
) -> dict[TopicPartition, int]:
    """Offset of each partition's first record from `since` on, where there is one."""
    if not partitions:
        return {}
    found = await consumer.offsets_for_times(dict.fromkeys(partitions, int(since * 1000)))
    return {tp: at.offset for tp, at in found.items() if at is not None}


async def _heads(
    consumer: AIOKafkaConsumer,
    offsets: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
) -> dict[TopicPartition, _Head]:
    """The first records from each offset on, HEAD_RECORDS or what can be read in time."""
    if not offsets:
        return {}
    _assign_paused(consumer, list(offsets))
    for partition, offset in offsets.items():
        consumer.seek(partition, offset)
    consumer.resume(*offsets)
    found: dict[TopicPartition, list[tuple[int, float]]] = {partition: [] for partition in offsets}
    ended: set[TopicPartition] = set()
    deadline = time.monotonic() + LOOK_MILLISECONDS / 1000
    while time.monotonic() < deadline:
        waiting = [
            partition
            for partition, records in found.items()
            if partition not in ended and len(records) < HEAD_RECORDS
        ]
        if not waiting:
            break
        batches = await consumer.getmany(
            *waiting, timeout_ms=200, max_records=HEAD_RECORDS * len(waiting)
        )
        for partition, batch in batches.items():
            found[partition] += [(record.offset, record.timestamp / 1000) for record in batch]
        for partition in waiting:
            if await consumer.position(partition) >= ends[partition]:
                ended.add(partition)
    consumer.pause(*offsets)
    return {
        # What was written while this looked is not part of it.
        partition: _Head(
            offsets[partition],
            [record for record in records if record[0] < ends[partition]],
            partition in ended,
        )
        for partition, records in found.items()
    }
