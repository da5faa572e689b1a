"""Looking at topics from outside: following one, and summing up how a pipeline is doing."""

import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord, TopicPartition

from schemas import DeadLetter
from streams import clients
from streams.group import group_of
from streams.headers import plain
from streams.lag import measure
from streams.settings import Settings
from streams.stage import Stage
from streams.topics import DEAD_LETTERS

RATE_WINDOW_SECONDS: Final = 60.0
RATE_SAMPLE: Final = 500
MOST_DEAD_LETTERS: Final = 10_000
IDLE_MILLISECONDS: Final = 500


@dataclass(frozen=True)
class StageStatus:
    """How one stage is doing. `per_minute` counts records it wrote in the last minute."""

    stage: str
    per_minute: int
    lag_records: int
    lag_seconds: float
    dead_letters: Counter[str] = field(default_factory=Counter)


async def follow(
    settings: Settings, topic: str, since: float | None, stop_at_end: bool = False
) -> AsyncIterator[ConsumerRecord[bytes | None, bytes | None]]:
    """Records of a topic as they come, from `since` (seconds since the epoch) or from now on.

    With `stop_at_end` it ends at what the topic held when it began.
    """
    async with clients.reader(settings) as consumer:
        partitions = await _assign(settings, consumer, topic)
        ends = await consumer.end_offsets(partitions)
        starts = dict(ends)
        if since is not None:
            at = await consumer.offsets_for_times({tp: int(since * 1000) for tp in partitions})
            starts |= {tp: found.offset for tp, found in at.items() if found is not None}
        for tp, offset in starts.items():
            consumer.seek(tp, offset)
        while True:
            batches = await consumer.getmany(timeout_ms=IDLE_MILLISECONDS)
            for record in sorted(
                (record for batch in batches.values() for record in batch),
                key=lambda record: record.timestamp,
            ):
                yield record
            if stop_at_end:
                positions = [(tp, await consumer.position(tp)) for tp in partitions]
                if all(position >= ends[tp] for tp, position in positions):
                    return


async def size(settings: Settings, topic: str, since: float) -> int:
    """Number of offsets in a topic from `since` (seconds since the epoch) to its present end: the
    records there are, and a few more where transactions left marks."""
    async with clients.reader(settings) as consumer:
        partitions = await _assign(settings, consumer, topic)
        ends = await consumer.end_offsets(partitions)
        at = await consumer.offsets_for_times(dict.fromkeys(partitions, int(since * 1000)))
        return sum(ends[tp] - found.offset for tp, found in at.items() if found is not None)


async def record_at(
    settings: Settings, topic: str, partition: int, offset: int
) -> ConsumerRecord[bytes | None, bytes | None] | None:
    """The record at one place; None when there is none (any more)."""
    async with clients.reader(settings) as consumer:
        tp = TopicPartition(topic, partition)
        if tp not in await _assign(settings, consumer, topic):
            return None
        consumer.assign([tp])
        first = (await consumer.beginning_offsets([tp]))[tp]
        end = (await consumer.end_offsets([tp]))[tp]
        if not first <= offset < end:
            return None
        consumer.seek(tp, offset)
        while await consumer.position(tp) < end:
            for batch in (await consumer.getmany(timeout_ms=IDLE_MILLISECONDS)).values():
                return batch[0] if batch[0].offset == offset else None
        return None


async def status(settings: Settings, stages: Sequence[Stage]) -> list[StageStatus]:
    """The state of each stage, read from the broker alone, in the order given."""
    prefix = settings.topic_prefix
    dead = await dead_letters_by_stage(settings)
    found = []
    async with clients.admin(settings) as client, clients.reader(settings) as consumer:
        for stage in stages:
            topic = stage.reads.full_name(prefix)
            partitions = await clients.partitions_of(settings, topic)
            lags = await measure(
                client,
                consumer,
                group_of(stage, settings),
                topic,
                partitions,
                fresh_within=settings.fresh_within,
            )
            found.append(
                StageStatus(
                    stage.name,
                    await _written_lately(settings, consumer, stage.writes.full_name(prefix)),
                    sum(lag.records for lag in lags),
                    max((lag.seconds for lag in lags), default=0.0),
                    dead.get(stage.name, Counter()),
                )
            )
    return found


async def dead_letters_by_stage(settings: Settings) -> dict[str, Counter[str]]:
    """Counts by stage and reason over the newest dead letters (MOST_DEAD_LETTERS at the most)."""
    counts: dict[str, Counter[str]] = {}
    topic = DEAD_LETTERS.full_name(settings.topic_prefix)
    async with clients.reader(settings) as consumer:
        partitions = await _assign(settings, consumer, topic)
        ends = await consumer.end_offsets(partitions)
        beginnings = await consumer.beginning_offsets(partitions)
        share = MOST_DEAD_LETTERS // max(1, len(partitions))
        for tp in partitions:
            consumer.seek(tp, max(beginnings[tp], ends[tp] - share))
        while any([await consumer.position(tp) < ends[tp] for tp in partitions]):
            for batch in (await consumer.getmany(timeout_ms=IDLE_MILLISECONDS)).values():
                for record in batch:
                    letter = letter_of(record)
                    stage, reason = (
                        (letter.stage, letter.reason) if letter else ("unknown", "no reason given")
                    )
                    counts.setdefault(stage, Counter())[reason] += 1
    return counts


def letter_of(record: Any) -> DeadLetter | None:
    """The reason that a dead-letter record carries; None when some other program wrote it."""
    try:
        return DeadLetter.from_headers(plain(record.headers))
    except ValueError:
        return None


def source_of(value: bytes | None) -> str | None:
    """The article's source, where a record of any topic tells it."""
    source = _object(value).get("source")
    return source if isinstance(source, str) else None


def language_of(value: bytes | None) -> str | None:
    """The article's language code, where a record of any topic tells it."""
    language = _object(value).get("language")
    # A raw article has a mere hint, all later messages have code and confidence.
    code = language.get("code") if isinstance(language, dict) else language
    return code if isinstance(code, str) else None


def _object(value: bytes | None) -> dict[str, Any]:
    try:
        loaded = orjson.loads(value or b"null")
    except orjson.JSONDecodeError:
        return {}
    return loaded if isinstance(loaded, dict) else {}


async def _written_lately(settings: Settings, consumer: AIOKafkaConsumer, topic: str) -> int:
    """Records written in the last minute. Offsets alone would count the marks of transactions too,
    so the share of records among them is taken from the first RATE_SAMPLE."""
    partitions = await _assign(settings, consumer, topic)
    since = int((time.time() - RATE_WINDOW_SECONDS) * 1000)
    ends = await consumer.end_offsets(partitions)
    found = await consumer.offsets_for_times(dict.fromkeys(partitions, since))
    starts: dict[TopicPartition, int] = {}
    starts |= {tp: at.offset for tp, at in found.items() if at is not None and at.offset < ends[tp]}
    if not starts:
        return 0
    consumer.assign(list(starts))
    for tp, offset in starts.items():
        consumer.seek(tp, offset)
    records, passed = 0, 0
    all_of_it: int = sum(ends[tp] - starts[tp] for tp in starts)
    while passed < all_of_it and records < RATE_SAMPLE:
        batches = await consumer.getmany(timeout_ms=IDLE_MILLISECONDS, max_records=RATE_SAMPLE)
        records += sum(len(batch) for batch in batches.values())
        passed = sum([await consumer.position(tp) - starts[tp] for tp in starts])
    return round(records * all_of_it / passed)


async def _assign(
    settings: Settings, consumer: AIOKafkaConsumer, topic: str
) -> list[TopicPartition]:
    known = await clients.partitions_of(settings, topic)
    partitions = [TopicPartition(topic, number) for number in known]
    consumer.assign(partitions)
    return partitions
