"""Watches the flow from the broker alone: what passes each topic, lag, workers, dead letters.

It needs no worker to be alive. Two tasks, both started again after any fault: one follows all
topics, one measures every MEASURE_SECONDS.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, replace
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError
from aiokafka.structs import TopicPartition

from agents.page.feed import FETCH_BYTES, MOST_AT_ONCE, POLL_MILLISECONDS, Record, merged
from agents.page.flow import (
    Latencies,
    LetterBook,
    Passing,
    Snapshot,
    StageState,
    bottleneck,
    judge,
    letter,
)
from streams import clients, dead_letters, lag
from streams.group import STABLE, group_of, shares
from streams.headers import plain, raw_timestamp
from streams.metrics import Metrics
from streams.settings import Settings
from streams.stage import Stage
from streams.topics import DEAD_LETTERS, RAW, TOPICS

log = structlog.get_logger()

MEASURE_SECONDS: Final = 2.0
LOOK_SECONDS: Final = 10.0
CLOSE_SECONDS: Final = 2.0
# A minute and a half of lag for the page's curves.
HISTORY: Final = 45
AGAIN_SECONDS: Final = 2.0
# How far back the page knows dead letters when it starts.
LETTERS_SECONDS: Final = 86_400.0
RATES_SECONDS: Final = 300.0


class Watch:
    """The state of the flow, kept current while `run` runs."""

    def __init__(self, settings: Settings, stages: Sequence[Stage], metrics: Metrics) -> None:
        self._settings = settings
        self._stages = stages
        self._metrics = metrics
        self._prefix = settings.topic_prefix
        self._passing = {topic.full_name(self._prefix): Passing() for topic in TOPICS}
        self._latencies = Latencies()
        self._enriched = stages[-1].writes.full_name(self._prefix)
        self._dead = DEAD_LETTERS.full_name(self._prefix)
        self._changed = asyncio.Condition()
        self._complained = False
        self.book = LetterBook()
        self.history: deque[dict[str, Any]] = deque(maxlen=HISTORY)
        self.snapshot = self._summed(
            [StageState(stage.name, stage.version, 0, 0, 0, 0.0, 0) for stage in stages],
            broker=False,
        )

    async def run(self) -> None:
        """Watches until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._again(self._follow))
            tasks.create_task(self._again(self._measure))

    async def next(self) -> Snapshot:
        """The next snapshot."""
        async with self._changed:
            await self._changed.wait()
            return self.snapshot

    async def _again(self, watch: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await watch()
            except Exception as fault:  # noqa: BLE001 - the page stays up whatever the broker does
                await self._missed(fault)
                await asyncio.sleep(AGAIN_SECONDS)

    async def _missed(self, fault: Exception) -> None:
        """Shows that the broker does not answer, and says so once until it has been back."""
        if self.snapshot.broker or not self._complained:
            words = str(fault) or type(fault).__name__
            log.warning("cannot look at the broker; trying again", fault=words)
        self._complained = True
        await self._show(replace(self.snapshot, at=time.time(), broker=False))

    async def _follow(self) -> None:
        async with clients.reader(self._settings, fetch_bytes=FETCH_BYTES) as consumer:
            for passing in self._passing:
                self._passing[passing] = Passing()
            self.book = LetterBook(replayed=self.book.replayed)
            await self._begin(consumer)
            while True:
                batches = await consumer.getmany(
                    timeout_ms=POLL_MILLISECONDS, max_records=MOST_AT_ONCE
                )
                for record in merged(batches.values()):
                    self._note(record)

    async def _begin(self, consumer: AIOKafkaConsumer) -> None:
        """Assigns all topics, from a few minutes ago on; the dead letters from a day ago."""
        now = time.time()
        since: dict[TopicPartition, int] = {}
        for topic in self._passing:
            back = LETTERS_SECONDS if topic == self._dead else RATES_SECONDS
            for number in await clients.partitions_of(self._settings, topic):
                since[TopicPartition(topic, number)] = int((now - back) * 1000)
        consumer.assign(list(since))
        ends = await consumer.end_offsets(list(since))
        for tp, found in (await consumer.offsets_for_times(since)).items():
            consumer.seek(tp, ends[tp] if found is None else found.offset)

    def _note(self, record: Record) -> None:
        at = record.timestamp / 1000
        self._passing[record.topic].note(at)
        if record.topic == self._enriched:
            self._latencies.note(at, at - raw_timestamp(plain(record.headers), at))
        elif record.topic == self._dead and (found := dead_letters.read(record)) is not None:
            self.book.note(letter(found))

    async def _measure(self) -> None:
        stack = AsyncExitStack()
        try:
            client = await stack.enter_async_context(clients.admin(self._settings))
            consumer = await stack.enter_async_context(
                clients.reader(self._settings, fetch_bytes=FETCH_BYTES)
            )
            while True:
                began = time.monotonic()
                # Left alone, the client waits for a lost broker for most of a minute.
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._look(client, consumer)
                await asyncio.sleep(max(0.1, MEASURE_SECONDS - (time.monotonic() - began)))
        except Exception as fault:
            # Now, not after the clients have closed: that waits for the broker as well.
            await self._missed(fault)
            raise
        finally:
            # Left to itself after a while: the clients' closing cannot be cancelled.
            await asyncio.wait({asyncio.ensure_future(stack.aclose())}, timeout=CLOSE_SECONDS)

    async def _look(self, client: AIOKafkaAdminClient, consumer: AIOKafkaConsumer) -> None:
        workers = await self._workers(client)
        lags = {
            stage.name: await lag.measure(
                client,
                consumer,
                group_of(stage, self._settings),
                stage.reads.full_name(self._prefix),
                fresh_within=self._settings.fresh_within,
            )
            for stage in self._stages
        }
        lag.export(self._metrics, lags)
        now = time.time()
        states = [
            StageState(
                stage=stage.name,
                version=stage.version,
                workers=workers.get(group_of(stage, self._settings), 0),
                per_minute=self._passing[stage.writes.full_name(self._prefix)].per_minute(now),
                lag_records=sum(each.records for each in lags[stage.name]),
                lag_seconds=max((each.seconds for each in lags[stage.name]), default=0.0),
                overdue=sum(each.overdue for each in lags[stage.name]),
            )
            for stage in self._stages
        ]
        self.history.append({each.stage: each.lag_records for each in states})
        await self._show(self._summed(states, broker=True))

    async def _workers(self, client: AIOKafkaAdminClient) -> dict[str, int]:
        """Members of each stage's consumer group that have partitions, or are about to get some."""
        found: dict[str, int] = {}
        try:
            for stage in self._stages:
                group = group_of(stage, self._settings)
                state, assignments = await shares(client, group)
                found[group] = sum(1 for each in assignments if each or state != STABLE)
        except GroupCoordinatorNotAvailableError:
            return {}  # no group has ever met on this broker
        return found

    def _summed(self, states: Sequence[StageState], broker: bool) -> Snapshot:
        now = time.time()
        enriched = self._passing[self._enriched].per_minute(now)
        most = self._latencies.within(0.95, now)
        state, words = judge(states, broker, enriched, most)
        return Snapshot(
            at=now,
            broker=broker,
            state=state,
            words=words,
            pushed_per_minute=self._passing[RAW.full_name(self._prefix)].per_minute(now),
            enriched_per_minute=enriched,
            median=self._latencies.within(0.5, now),
            most=most,
            bottleneck=bottleneck(states),
            stages=tuple(states),
            failures=self.book.last_hour(now),
        )

    async def _show(self, snapshot: Snapshot) -> None:
        if not snapshot.broker:
            state, words = judge(snapshot.stages, False, 0, None)
            snapshot = replace(snapshot, state=state, words=words)
        async with self._changed:
            self.snapshot = snapshot
            self._changed.notify_all()


def told(snapshot: Snapshot) -> dict[str, Any]:
    """A snapshot as plain values."""
    return asdict(snapshot)
