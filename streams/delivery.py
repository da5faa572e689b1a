"""Delivery: from records as they come to outputs that readers see once and in order.

The promise, for readers with isolation.level=read_committed: every record that the source topic
accepted ends exactly once, as an output or as a dead letter; outputs of one source partition come
in source order; what is held in memory is bounded.

How: each assigned partition has a ledger (all decisions, see `streams.ledger`); one writer with one
transactional producer (see `streams.writers`) serves all partitions of an assignment.

    take ─▶ ledger ─▶ queue ─▶ language processes ─▶ ledger ─▶ finished prefixes ─▶ one transaction

Taking partitions over goes in this order and no other: fence the former owners, read the committed
offsets, begin to read. Anything unexpected ends in `failure`, on which the process must exit: a new
one resumes from what is committed. Side effects of the work outside Kafka are not covered.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog

from schemas import DeadLetter
from streams.breaker import Breaker, Circuit
from streams.headers import Headers, of_event, raw_timestamp, timestamp
from streams.ledger import Arrival, Entry, Ledger, Prefix, Stamp
from streams.metrics import (
    CIRCUIT,
    COMMITS,
    CPU_SECONDS,
    DEAD_LETTERS,
    END_TO_END_SECONDS,
    IN_FLIGHT,
    OTHER,
    PROCESSES,
    QUEUE,
    RECORDS,
    REREADS,
    RETRIES,
    WORK_SECONDS,
    StageMetrics,
)
from streams.pool import Worked
from streams.settings import Settings
from streams.stage import Deferred, Failed, Outcome, Produced, Stage
from streams.topics import DEAD_LETTERS as DEAD_LETTER_TOPIC
from streams.writers import Offsets, Output, Writer

log = structlog.get_logger()

# How long a rebalance waits for work that has begun; what is not done then is done again.
REVOKE_GRACE_SECONDS: Final = 1.0
# How often it is looked whether something was merely read over; committed when nothing else is.
IDLE_SECONDS: Final = 3.0
MAX_ERROR_CHARACTERS: Final = 1000
# Hand-overs between processes cost about a millisecond: worth it for this much work at a time.
BATCH_SECONDS: Final = 0.02
# A transaction costs five requests whatever its size. Where the next record in hand is about to
# finish, the finished ones wait for company for this many times `transaction_linger`;
BUSY_LINGERS: Final = 3
SOON_SECONDS: Final = 0.3
# behind a backlog for this share of the time that the last one there will wait anyway,
BACKLOG_SHARE: Final = 0.1
# and never for more than this many times `transaction_linger`.
MOST_LINGERS: Final = 20
MOST_IN_BATCH: Final = 64
MOST_BATCH_BYTES: Final = 256 * 1024
FIRST_RETRY_SECONDS: Final = 0.1
LONGEST_RETRY_SECONDS: Final = 30.0


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

    @property
    def size(self) -> int:
        """Bytes of key and value."""
        return len(self.key or b"") + len(self.value or b"")


@dataclass(frozen=True)
class Settled:
    """A record with its outcome, waiting for its turn to be committed."""

    record: Record
    outcome: Outcome
    attempts: int


class Pool(Protocol):
    """What delivery needs of the language processes."""

    async def run(self, values: Sequence[bytes | None]) -> list[Worked]:
        """Has records worked on, in order; never raises for what a record or its work does."""
        ...


class Reader(Protocol):
    """What delivery asks of the transport."""

    async def read_on(self) -> None:
        """Has `Delivery.rewind` called, and reading go on where it says."""
        ...

    async def standing(self) -> Mapping[int, tuple[Stamp, int]]:
        """For each partition, how many records were handed out and the offset that is next."""
        ...

    def more_credit(self) -> None:
        """Takes note that `Delivery.credit` may have grown."""
        ...


_Ledgers = Mapping[int, Ledger[Settled]]


@dataclass(eq=False)
class _Job:
    """A record that is to be worked on. After a rebalance it may find itself in another ledger."""

    ledger: Ledger[Settled]
    entry: Entry[Settled]
    record: Record
    attempts: int = 0


class Pace:
    """How many records make a batch of about BATCH_SECONDS, from how long the last ones took."""

    def __init__(self) -> None:
        self._mean: float | None = None

    def observe(self, seconds: float) -> None:
        """Takes one record's time into the moving average, a slow one at once."""
        if self._mean is None or seconds > self._mean:
            self._mean = seconds
        else:
            self._mean += (seconds - self._mean) / 16

    def seconds(self, records: int) -> float:
        """How long so many records are likely to take one process."""
        return records * (self._mean or 0.0)

    @property
    def batch(self) -> int:
        """Number of records, at least one."""
        if self._mean is None:
            return 1
        return int(min(MOST_IN_BATCH, max(1.0, BATCH_SECONDS / max(self._mean, 1e-9))))


class Delivery:
    """All that one worker delivers; what `streams.transport` calls a `Flow`.

    `new_writer` makes the writer of an assignment.
    """

    def __init__(
        self,
        stage: Stage,
        settings: Settings,
        pool: Pool,
        metrics: StageMetrics,
        new_writer: Callable[[], Writer],
        reader: Reader,
    ) -> None:
        self._stage = stage
        self._settings = settings
        self._pool = pool
        self._metrics = metrics
        self._new_writer = new_writer
        self._reader = reader
        self._breaker = Breaker()
        self._pace = Pace()
        self._ledgers: dict[int, Ledger[Settled]] = {}
        self._writer: Writer | None = None
        self._committing: asyncio.Task[None] | None = None
        # Something has finished, or the stage is quiet: it may be time for a transaction.
        self._due = asyncio.Event()
        self._quiet = False
        self._queue: deque[_Job] = deque()
        self._queued = asyncio.Event()
        self._running: dict[tuple[int, int], _Job] = {}
        # One more batch than processes, so that none waits for the next hand-over.
        self._slots = asyncio.Semaphore(stage.processes(settings) + 1)
        self._epoch = -1
        self._accepting = True
        self._was_assigned = False
        self._tasks: set[asyncio.Task[None]] = set()
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        metrics.set(CIRCUIT, Circuit.CLOSED.value)
        metrics.set(PROCESSES, stage.processes(settings))
        self._spawn(self._dispatch())
        self._spawn(self._move_over_markers())

    @property
    def partitions(self) -> set[int] | None:
        """The partitions that this worker has; None before the first assignment."""
        return set(self._ledgers) if self._was_assigned else None

    def credit(self, partition: int) -> int:
        """See `Flow.credit`. Called from the consumer thread: it only reads."""
        ledger = self._ledgers.get(partition)
        if ledger is None or ledger.closed:
            return 0
        held = sum(each.size for each in tuple(self._ledgers.values()))
        if (
            not self._accepting
            or held >= self._settings.in_flight_bytes
            or self._breaker.state(time.monotonic()) is Circuit.OPEN
        ):
            return ledger.arrived
        return ledger.credit

    async def assigned(self, partitions: set[int], offsets: Offsets) -> None:
        """See `Flow.assigned`: closes what was, takes over, opens the ledgers."""
        await self._let_go()
        self._accepting = True
        if partitions:
            writer = self._writer = self._new_writer()
            begins = await writer.open(offsets)
            self._ledgers = {
                partition: Ledger(begins[partition], self._settings.in_flight)
                for partition in sorted(partitions)
            }
            self._committing = self._spawn(self._commit_finished(writer, self._ledgers))
        self._was_assigned = True
        log.info("partitions assigned", stage=self._stage.name, partitions=sorted(partitions))

    async def revoked(self) -> None:
        """See `Flow.revoked`: commits what is or soon gets complete, forgets the rest."""
        await self._wind_up(REVOKE_GRACE_SECONDS)
        await self._let_go()

    def rewind(self) -> tuple[int, Mapping[int, int]]:
        """See `Flow.rewind`."""
        self._epoch += 1
        for ledger in self._ledgers.values():
            ledger.rewind(self._epoch)
        return self._epoch, {
            partition: ledger.next_offset for partition, ledger in self._ledgers.items()
        }

    def take(self, record: Record, stamp: Stamp) -> None:
        """Takes one record in, unless its stamp shows that it will come again."""
        ledger = self._ledgers.get(record.partition)
        if ledger is None or not self._accepting:
            return
        arrival, entry = ledger.arrive(stamp, record.offset, record.size)
        if arrival is Arrival.LOST_BEFORE:
            self._metrics.count(REREADS)
            self._spawn(self._reader.read_on())
        if entry is None:
            return
        begun = self._running.get((record.partition, record.offset))
        if begun is not None and begun.record.value == record.value:
            # A rebalance brought back what is being worked on here: no need to begin again.
            begun.ledger, begun.entry = ledger, entry
        else:
            self._queue.append(_Job(ledger, entry, record))
            self._queued.set()

    async def drain(self, timeout: float) -> bool:
        """Takes nothing more in, finishes what is being worked on and commits what can be; what had
        not begun comes again at the next start. False when time ran out first."""
        return await self._wind_up(timeout)

    async def close(self) -> None:
        """Stops all tasks and lets go of all partitions."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._writer is not None:
            await self._writer.close()
        self._ledgers = {}
        self.failure.cancel()

    def abandon(self) -> None:
        """Stops all tasks at once, for a process that is about to end on a fault."""
        for task in tuple(self._tasks):
            task.cancel()

    def fail(self, fault: BaseException) -> None:
        """Fail-stop: resolves `failure`, once."""
        if not self.failure.done():
            self.failure.set_exception(fault)

    def _spawn(self, work: Awaitable[None]) -> asyncio.Task[None]:
        async def guarded() -> None:
            try:
                await work
            except Exception as fault:  # noqa: BLE001 - every fault here means fail-stop
                self.fail(fault)

        task = asyncio.get_running_loop().create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _show_in_flight(self) -> None:
        self._metrics.set(IN_FLIGHT, sum(len(each) for each in self._ledgers.values()))
        self._metrics.set(QUEUE, len(self._queue))

    async def _wind_up(self, timeout: float) -> bool:
        self._accepting = False
        self._queue.clear()
        deadline = time.monotonic() + timeout
        while self._running or any(each.pending for each in self._ledgers.values()):
            if time.monotonic() > deadline or self.failure.done():
                return False
            await asyncio.sleep(0.01)
        return True

    async def _let_go(self) -> None:
        ledgers, self._ledgers = self._ledgers, {}
        writer, self._writer = self._writer, None
        self._queue.clear()
        for ledger in ledgers.values():
            ledger.close()
        if self._committing is not None:
            # A transaction that is under way is not cut off: it ends, either way, first.
            self._due.set()
            await self._committing
            self._committing = None
        if writer is not None:
            await writer.close()
        self._show_in_flight()

    async def _dispatch(self) -> None:
        while True:
            await self._slots.acquire()
            jobs = await self._next_batch()
            self._breaker.began(time.monotonic())
            for job in jobs:
                self._running[job.record.partition, job.record.offset] = job
            self._show_in_flight()
            self._spawn(self._work(jobs))

    async def _next_batch(self) -> list[_Job]:
        while True:
            now = time.monotonic()
            if not self._breaker.admits(now):
                await asyncio.sleep(max(0.01, self._breaker.wait(now)))
            elif not self._queue:
                self._queued.clear()
                await self._queued.wait()
            else:
                break
        trial = self._breaker.state(time.monotonic()) is not Circuit.CLOSED
        most = 1 if trial else self._pace.batch
        jobs = [self._queue.popleft()]
        size = jobs[0].record.size
        while self._queue and len(jobs) < most:
            size += self._queue[0].record.size
            if size > MOST_BATCH_BYTES:
                break
            jobs.append(self._queue.popleft())
        return jobs

    async def _work(self, jobs: list[_Job]) -> None:
        results = await self._pool.run([job.record.value for job in jobs])
        self._slots.release()
        deferred = []
        for job, worked in zip(jobs, results, strict=True):
            job.attempts += worked.attempts
            self._show_cost(worked)
            self._pace.observe(worked.seconds)
            if isinstance(worked.outcome, Deferred):
                self._defer(job, worked.outcome)
                deferred.append(job)
                continue
            self._breaker.succeeded()
            del self._running[job.record.partition, job.record.offset]
            job.ledger.settle(job.entry, Settled(job.record, worked.outcome, job.attempts))
            self._due.set()
        self._metrics.set(CIRCUIT, self._breaker.state(time.monotonic()).value)
        if deferred:
            await self._again(deferred)

    def _show_cost(self, worked: Worked) -> None:
        """What was spent counts whether or not the outcome is ever committed."""
        outcome = worked.outcome
        language = outcome.language if isinstance(outcome, Produced) else OTHER
        self._metrics.observe(WORK_SECONDS, worked.seconds)
        self._metrics.count(CPU_SECONDS, worked.cpu_seconds, language=language)

    def _defer(self, job: _Job, outcome: Deferred) -> None:
        now = time.monotonic()
        before = self._breaker.state(now)
        self._breaker.failed(now)
        self._metrics.count(RETRIES)
        if before is not Circuit.OPEN and self._breaker.state(now) is Circuit.OPEN:
            log.warning(
                "the engine is unavailable; the stage pauses",
                stage=self._stage.name,
                error=outcome.error[:MAX_ERROR_CHARACTERS],
                seconds=round(self._breaker.wait(now), 1),
                partition=job.record.partition,
                offset=job.record.offset,
            )

    async def _again(self, jobs: list[_Job]) -> None:
        tried = max(job.attempts for job in jobs)
        await asyncio.sleep(min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** min(tried, 10)))
        for job in jobs:
            del self._running[job.record.partition, job.record.offset]
        # To the front, in their order: the heads of their ledgers wait for them.
        if self._accepting:
            self._queue.extendleft(job for job in reversed(jobs) if not job.ledger.closed)
            self._queued.set()

    async def _commit_finished(self, writer: Writer, ledgers: _Ledgers) -> None:
        while not _closed(ledgers):
            await self._due.wait()
            self._due.clear()
            await self._gather(ledgers)
            claimed = {
                partition: prefix
                for partition, ledger in ledgers.items()
                if (prefix := ledger.claim(self._settings.in_flight)) is not None
            }
            skipped = {
                partition: offset
                for partition, ledger in ledgers.items()
                if partition not in claimed and (offset := ledger.skip()) is not None
            }
            # What was merely read over goes along, or alone when nothing else is to be committed.
            if claimed or (skipped and self._quiet):
                await self._commit(writer, ledgers, claimed, skipped)

    async def _gather(self, ledgers: _Ledgers) -> None:
        """Gives more records time to finish, so that they share the next transaction."""
        half = max(1, self._settings.in_flight // 2)
        linger = self._settings.transaction_linger
        waited = 0.0
        while (
            self._accepting
            and waited < self._longest_gathering()
            and 0 < max((each.finished for each in ledgers.values()), default=0) < half
        ):
            await asyncio.sleep(linger)
            waited += linger

    def _longest_gathering(self) -> float:
        linger = self._settings.transaction_linger
        processes = self._stage.processes(self._settings)
        in_hand = bool(self._queue or self._running)
        soon = in_hand and self._pace.seconds(1) / processes < SOON_SECONDS
        backlog = self._pace.seconds(len(self._queue)) / processes
        least = BUSY_LINGERS * linger if soon else linger
        return min(MOST_LINGERS * linger, max(least, BACKLOG_SHARE * backlog))

    async def _move_over_markers(self) -> None:
        while True:
            self._quiet = True
            await asyncio.sleep(IDLE_SECONDS)
            if not any(each.idle for each in self._ledgers.values()):
                continue
            standing = await self._reader.standing()
            for partition, ledger in self._ledgers.items():
                if partition in standing:
                    ledger.passed(*standing[partition])
            if self._quiet:
                self._due.set()

    async def _commit(
        self,
        writer: Writer,
        ledgers: _Ledgers,
        claimed: Mapping[int, Prefix[Settled]],
        skipped: Mapping[int, int],
    ) -> None:
        self._quiet = False
        now = time.time()
        settled = [
            entry.outcome
            for prefix in claimed.values()
            for entry in prefix.entries
            if entry.outcome is not None
        ]
        behind = {partition: prefix.next_offset for partition, prefix in claimed.items()}
        await writer.commit([self._output(each, now) for each in settled], {**behind, **skipped})
        for partition, offset in skipped.items():
            ledgers[partition].skipped(offset)
        for partition in claimed:
            if not ledgers[partition].closed:
                ledgers[partition].confirm()
        if claimed:
            # What has finished meanwhile is gathered like the rest.
            self._due.set()
            self._reader.more_credit()
        self._metrics.count(COMMITS)
        for each in settled:
            self._report(each)
        self._show_in_flight()

    def _output(self, settled: Settled, now: float) -> Output:
        record, outcome = settled.record, settled.outcome
        prefix = self._settings.topic_prefix
        if isinstance(outcome, Produced):
            topic = self._stage.writes.full_name(prefix)
            raw_at = raw_timestamp(record.headers, record.timestamp)
            headers = of_event(
                self._stage.name, topic, outcome.event_id, record.headers, raw_at, now
            )
            return Output(topic, outcome.key, outcome.value, headers)
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
        # The client refuses a record that has neither key nor value.
        key = b"" if record.key is None and record.value is None else record.key
        return Output(
            DEAD_LETTER_TOPIC.full_name(prefix),
            key,
            record.value,
            [*record.headers, *letter.to_headers()],
        )

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


def _closed(ledgers: _Ledgers) -> bool:
    return all(each.closed for each in ledgers.values())


def _article_id(stage: Stage, record: Record) -> str | None:
    """The key of a record between stages is its article_id; that of a raw one is anything."""
    return None if stage.reads.public or not record.key else record.key.decode("ascii", "replace")
