"""Delivery with a fake pool and broker: what is written, in what order, when it is committed."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from schemas import DeadLetter
from streams.delivery import CommitRefused, Delivery, Record
from streams.metrics import StageMetrics
from streams.pool import Worked
from streams.settings import Settings
from streams.stage import Failed, Produced
from tests.unit.streams.test_stage import STAGE

SETTINGS = Settings(in_flight=4)


class Pool:
    """Gives each record its outcome when the test says so; records are told by their value."""

    def __init__(self) -> None:
        self.waiting: dict[bytes, asyncio.Future[Worked]] = {}

    async def run(self, value: bytes | None) -> Worked:
        assert value is not None
        self.waiting[value] = asyncio.get_running_loop().create_future()
        return await self.waiting[value]

    def finish(self, value: bytes, failed: bool = False) -> None:
        outcome: Produced | Failed = Produced(b"key-" + value, b"out-" + value, "e", "it")
        if failed:
            outcome = Failed("failed", "it broke")
        self.waiting[value].set_result(Worked(outcome, 1, 0.1))


@dataclass
class Broker:
    """Takes what is sent and committed; may be told to refuse."""

    log: list[str] = field(default_factory=list)
    sent: list[tuple[str, bytes | None, bytes | None, list[tuple[str, bytes]]]] = field(
        default_factory=list
    )
    takes_commits: bool = True

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: list[tuple[str, bytes]],
    ) -> "asyncio.Future[None]":
        self.sent.append((topic, key, value, headers))
        self.log.append(f"send {(value or b'').decode()}")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    async def commit(self, offsets: Mapping[int, int]) -> bool:
        self.log.append(f"commit {dict(offsets)}")
        return self.takes_commits


Scenario = Callable[[Delivery, Pool, Broker], Coroutine[Any, Any, None]]


def play(scenario: Scenario, broker: Broker | None = None) -> Broker:
    """Runs a scenario against a delivery of its own."""
    broker = broker or Broker()

    async def run() -> None:
        pool = Pool()
        delivery = Delivery(
            STAGE,
            SETTINGS,
            pool,
            broker,
            StageMetrics(STAGE.name),
            broker.commit,
        )
        try:
            await asyncio.wait_for(scenario(delivery, pool, broker), 5)
        finally:
            await delivery.close()

    asyncio.run(run())
    return broker


def record(offset: int, partition: int = 0) -> Record:
    value = f"{partition}.{offset}".encode()
    return Record("babelwire.raw", partition, offset, 1000.0, b"k", value, [("h", b"1")])


async def take(delivery: Delivery, *records: Record) -> None:
    for each in records:
        await delivery.take(each, lambda: True)
    await settle()


async def settle() -> None:
    """Lets every task run as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_outputs_are_written_before_their_offset_is_committed() -> None:
    async def scenario(delivery: Delivery, pool: Pool, _: Broker) -> None:
        await take(delivery, record(5))
        pool.finish(b"0.5")
        assert await delivery.drain(1)

    assert play(scenario).log == ["send out-0.5", "commit {0: 6}"]


def test_a_slow_head_holds_back_what_came_after_it() -> None:
    async def scenario(delivery: Delivery, pool: Pool, broker: Broker) -> None:
        await take(delivery, record(5), record(6), record(7))
        pool.finish(b"0.6")
        await settle()
        assert broker.log == []
        pool.finish(b"0.5")
        await settle()
        assert broker.log == ["send out-0.5", "send out-0.6", "commit {0: 7}"]

    play(scenario)


def test_partitions_do_not_wait_for_each_other() -> None:
    async def scenario(delivery: Delivery, pool: Pool, broker: Broker) -> None:
        await take(delivery, record(1, partition=0), record(9, partition=3))
        pool.finish(b"3.9")
        await settle()
        assert broker.log == ["send out-3.9", "commit {3: 10}"]

    play(scenario)


def test_a_failed_record_reaches_the_dead_letters_untouched_with_its_reason() -> None:
    async def scenario(delivery: Delivery, pool: Pool, _: Broker) -> None:
        await take(delivery, record(5))
        pool.finish(b"0.5", failed=True)
        assert await delivery.drain(1)

    [(topic, key, value, headers)] = play(scenario).sent
    assert (topic, key, value) == ("babelwire.dead-letters", b"k", b"0.5")
    assert ("h", b"1") in headers
    letter = DeadLetter.from_headers(headers)
    assert (letter.stage, letter.reason, letter.error) == ("normalization", "failed", "it broke")
    assert (letter.source_topic, letter.source_partition, letter.source_offset) == (
        "babelwire.raw",
        0,
        5,
    )


def test_no_more_than_in_flight_records_are_taken_in() -> None:
    async def scenario(delivery: Delivery, pool: Pool, _: Broker) -> None:
        await take(delivery, *(record(each) for each in range(SETTINGS.in_flight)))
        fifth = asyncio.create_task(delivery.take(record(99), lambda: True))
        await settle()
        assert not fifth.done()
        pool.finish(b"0.0")
        await asyncio.wait_for(fifth, 1)

    play(scenario)


def test_after_a_rebalance_nothing_of_the_old_assignment_is_written_or_committed() -> None:
    async def scenario(delivery: Delivery, pool: Pool, broker: Broker) -> None:
        await take(delivery, record(5), record(6))
        pool.finish(b"0.6")
        await settle()
        delivery.forget()
        pool.finish(b"0.5")
        await settle()
        assert broker.log == []
        await take(delivery, record(5))
        pool.finish(b"0.5")
        assert await delivery.drain(1)
        assert broker.log == ["send out-0.5", "commit {0: 6}"]

    play(scenario)


def test_room_is_given_back_for_every_record_that_a_rebalance_dropped() -> None:
    async def scenario(delivery: Delivery, pool: Pool, _: Broker) -> None:
        await take(delivery, *(record(each) for each in range(SETTINGS.in_flight)))
        pool.finish(b"0.2")
        await settle()
        delivery.forget()
        for each in (b"0.0", b"0.1", b"0.3"):
            pool.finish(each)
        assert await delivery.drain(1)
        await asyncio.wait_for(
            take(delivery, *(record(each) for each in range(SETTINGS.in_flight))), 1
        )

    play(scenario)


def test_a_record_that_went_stale_while_it_waited_is_dropped() -> None:
    async def scenario(delivery: Delivery, pool: Pool, _: Broker) -> None:
        await delivery.take(record(5), lambda: False)
        await settle()
        assert pool.waiting == {}
        assert await delivery.drain(0.1)

    play(scenario)


def test_a_refused_commit_is_fail_stop() -> None:
    async def scenario(delivery: Delivery, pool: Pool, _: Broker) -> None:
        await take(delivery, record(5))
        pool.finish(b"0.5")
        with pytest.raises(CommitRefused, match="normalization"):
            await asyncio.wait_for(delivery.failure, 1)

    play(scenario, Broker(takes_commits=False))


def test_a_drain_that_runs_out_of_time_says_so() -> None:
    async def scenario(delivery: Delivery, pool: Pool, _: Broker) -> None:
        await take(delivery, record(5))
        assert not await delivery.drain(0.01)

    play(scenario)
