"""Delivery: what decides whether a record is lost or doubled.

The promise of this version is *at least once, in order*: a record's offset is committed only after
its output (or its dead letter) is on the broker with all in-sync replicas, and outputs of one
source partition are written in source order. A crash between writing and committing repeats the
outputs since the last commit; repeats carry the same `event_id` and the same bytes.

The stage's code only gives outcomes. Whether and when they are committed is decided here, by one
ledger per source partition, so that a transactional delivery can take this one's place.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.structs import RecordMetadata

from schemas import DeadLetter
from streams.headers import Headers, of_event, raw_timestamp, timestamp
from streams.ledger import Entry, Ledger
from streams.metrics import (
    COMMITS,
    DEAD_LETTERS,
    END_TO_END_SECONDS,
    IN_FLIGHT,
    RECORDS,
    StageMetrics,
)
from streams.pool import Worked
from streams.settings import Settings
from streams.stage import Failed, Outcome, Produced, Stage
from streams.topics import DEAD_LETTERS as DEAD_LETTER_TOPIC

log = structlog.get_logger()

# Long enough to finish a sentence batch, well below the time a rebalance may take.
REVOKE_GRACE_SECONDS: Final = 5.0
MAX_ERROR_CHARACTERS: Final = 1000


@dataclass(frozen=True)
class Record:
    """A record as it came from Kafka. `timestamp` is in seconds since the epoch."""

    topic: str
    partition: int
    offset: int
    timestamp: float
    key: bytes | None
    value: bytes | None
    headers: Headers = field(default_factory=list)


@dataclass(frozen=True)
class Settled:
    """A record with its outcome, waiting for its turn to be committed."""

    record: Record
    outcome: Outcome
    attempts: int


class Pool(Protocol):
    """What delivery needs of the language processes."""

    async def run(self, value: bytes | None) -> Worked:
        """Has one record worked on; never raises for what the record or its work does."""
        ...


class CommitRefused(RuntimeError):
    """The broker did not take the offsets although the partitions are still ours."""


class Delivery:
    """Takes records in, has them worked on, writes outcomes and commits, in source order.

    `commit` takes next offsets by partition and says whether the broker took them. Anything
    unexpected ends in `failure`, on which the process must exit: a supervisor starts a new one,
    which resumes from the committed offsets.
    """

    def __init__(
        self,
        stage: Stage,
        settings: Settings,
        pool: Pool,
        producer: AIOKafkaProducer,
        metrics: StageMetrics,
        commit: Callable[[Mapping[int, int]], Awaitable[bool]],
    ) -> None:
        self._stage = stage
        self._settings = settings
        self._pool = pool
        self._producer = producer
        self._metrics = metrics
        self._commit = commit
        self._ledgers: dict[int, Ledger[Settled]] = {}
        self._epoch = 0
        self._in_flight = 0
        self._room = asyncio.Semaphore(settings.in_flight)
        self._finished = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._spawn(self._commit_finished())

    async def take(self, record: Record, is_current: Callable[[], bool]) -> None:
        """Takes one record in; waits while `in_flight` records are already under way.

        `is_current` tells whether the record still belongs to the present assignment; one that
        went stale while it waited is dropped here and comes again, here or at another worker.
        """
        await self._room.acquire()
        if not is_current():
            self._room.release()
            return
        self._count(+1)
        ledger = self._ledgers.setdefault(record.partition, Ledger())
        entry = ledger.arrive(record.offset)
        self._spawn(self._settle(entry, record, self._epoch))

    async def drain(self, timeout: float) -> bool:
        """Waits until all that was taken in is committed; False when time ran out first."""
        try:
            await asyncio.wait_for(self._empty.wait(), timeout)
        except TimeoutError:
            return False
        return True

    def forget(self) -> None:
        """Ends all ledgers: the partitions are no longer ours. Outcomes still to come are dropped
        and their records come again from the committed offset."""
        self._epoch += 1
        for ledger in self._ledgers.values():
            for entry in ledger.abandon():
                # One still being worked on leaves when its work ends.
                if entry.outcome is not None:
                    self._leave()
        self._ledgers.clear()

    async def close(self) -> None:
        """Stops all tasks."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.failure.cancel()

    def fail(self, fault: BaseException) -> None:
        """Fail-stop: resolves `failure`, once."""
        if not self.failure.done():
            self.failure.set_exception(fault)

    def _spawn(self, work: Awaitable[None]) -> None:
        async def guarded() -> None:
            try:
                await work
            except Exception as fault:  # noqa: BLE001 - every fault here means fail-stop
                self.fail(fault)

        task = asyncio.get_running_loop().create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _count(self, change: int) -> None:
        self._in_flight += change
        self._metrics.set(IN_FLIGHT, self._in_flight)
        if self._in_flight:
            self._empty.clear()
        else:
            self._empty.set()

    def _leave(self) -> None:
        self._count(-1)
        self._room.release()

    async def _settle(self, entry: Entry[Settled], record: Record, epoch: int) -> None:
        worked = await self._pool.run(record.value)
        if epoch != self._epoch:
            self._leave()
            return
        entry.outcome = Settled(record, worked.outcome, worked.attempts)
        self._finished.set()

    async def _commit_finished(self) -> None:
        while True:
            await self._finished.wait()
            self._finished.clear()
            epoch = self._epoch
            prefixes = {
                partition: [entry.outcome for entry in ledger.take_finished() if entry.outcome]
                for partition, ledger in self._ledgers.items()
            }
            prefixes = {partition: settled for partition, settled in prefixes.items() if settled}
            if prefixes:
                await self._publish(prefixes, epoch)

    async def _publish(self, prefixes: Mapping[int, list[Settled]], epoch: int) -> None:
        finished = [settled for prefix in prefixes.values() for settled in prefix]
        acknowledgements: list[asyncio.Future[RecordMetadata]] = []
        now = time.time()
        for settled in finished:
            acknowledgements.append(await self._send(settled, now))
        await asyncio.gather(*acknowledgements)
        offsets = {
            partition: prefix[-1].record.offset + 1 for partition, prefix in prefixes.items()
        }
        if epoch == self._epoch:
            if await self._commit(offsets):
                self._metrics.count(COMMITS)
                for settled in finished:
                    self._report(settled)
            elif epoch == self._epoch:
                raise CommitRefused(f"{self._stage.name}: offsets {offsets} were not committed")
        for _ in finished:
            self._leave()

    async def _send(self, settled: Settled, now: float) -> asyncio.Future[RecordMetadata]:
        record, outcome = settled.record, settled.outcome
        prefix = self._settings.topic_prefix
        if isinstance(outcome, Produced):
            topic = self._stage.writes.full_name(prefix)
            raw_at = raw_timestamp(record.headers, record.timestamp)
            return await self._write(
                topic,
                key=outcome.key,
                value=outcome.value,
                headers=of_event(
                    self._stage.name, topic, outcome.event_id, record.headers, raw_at, now
                ),
            )
        letter = DeadLetter(
            stage=self._stage.name,
            stage_version=self._stage.version,
            reason=outcome.reason,
            error=outcome.error[:MAX_ERROR_CHARACTERS],
            attempts=settled.attempts,
            source_topic=record.topic,
            source_partition=record.partition,
            source_offset=record.offset,
            failed_at=timestamp(now),
        )
        return await self._write(
            DEAD_LETTER_TOPIC.full_name(prefix),
            # The client refuses a record that has neither key nor value.
            key=b"" if record.key is None and record.value is None else record.key,
            value=record.value,
            headers=[*record.headers, *letter.to_headers()],
        )

    async def _write(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Headers
    ) -> asyncio.Future[RecordMetadata]:
        sent: asyncio.Future[RecordMetadata] = await self._producer.send(
            topic, key=key, value=value, headers=headers
        )
        return sent

    def _report(self, settled: Settled) -> None:
        record, outcome = settled.record, settled.outcome
        if isinstance(outcome, Failed):
            self._metrics.count(RECORDS, outcome="dead_letter", language="und")
            self._metrics.count(DEAD_LETTERS, reason=outcome.reason)
            log.warning(
                "record became a dead letter",
                stage=self._stage.name,
                reason=outcome.reason,
                where=outcome.where or None,
                article_id=_article_id(self._stage, record),
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                attempts=settled.attempts,
            )
            return
        self._metrics.count(RECORDS, outcome="processed", language=outcome.language)
        raw_at = raw_timestamp(record.headers, record.timestamp)
        now = time.time()
        self._metrics.observe(END_TO_END_SECONDS, max(0.0, now - raw_at))
        self._metrics.record(outcome.measures, now)
        log.debug(
            "record processed",
            stage=self._stage.name,
            article_id=outcome.key.decode(),
            partition=record.partition,
            offset=record.offset,
        )


def _article_id(stage: Stage, record: Record) -> str | None:
    """The key of a record between stages is its article_id; that of a raw one is anything."""
    return None if stage.reads.public or not record.key else record.key.decode("ascii", "replace")
