"""Delivery with a fake pool and broker: what is written, in what order, when it is committed."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from schemas import DeadLetter
from streams import delivery as module
from streams.breaker import TRIP_AFTER
from streams.delivery import Delivery, Pace, Record
from streams.ledger import Stamp
from streams.metrics import CPU_SECONDS, StageMetrics
from streams.pool import Worked
from streams.settings import Settings
from streams.stage import Attempt, Deferred, Failed, Produced
from streams.writers import DeliveryFault, Offsets, Output, Position
from tests.unit.streams.test_stage import STAGE

SETTINGS = Settings(in_flight=4, transaction_linger=0, processes=8)


class Pool:
    """Gives each record its outcome when the test says so; records are told by their value."""

    def __init__(self) -> None:
        self.waiting: dict[bytes, asyncio.Future[Worked]] = {}
        self.begun: list[bytes] = []

    async def run(self, values: Sequence[bytes | None]) -> list[Worked]:
        futures = []
        for value in values:
            assert value is not None
            self.begun.append(value)
            self.waiting[value] = asyncio.get_running_loop().create_future()
            futures.append(self.waiting[value])
        return list(await asyncio.gather(*futures))

    def finish(self, value: bytes, outcome: Attempt | None = None) -> None:
        outcome = outcome or Produced(b"key-" + value, b"out-" + value, "e", "it")
        self.waiting.pop(value).set_result(Worked(outcome, 1, 1.0, 0.5))


@dataclass
class Broker:
    """What outlives an owner: the committed offsets, and what was written with them."""

    log: list[str] = field(default_factory=list)
    sent: list[Output] = field(default_factory=list)
    offsets: dict[int, int] = field(default_factory=dict)
    fault: DeliveryFault | None = None


class Writer:
    def __init__(self, broker: Broker) -> None:
        self.broker = broker

    async def open(self, offsets: Offsets) -> Mapping[int, int]:
        self.broker.log.append("open")
        return {partition: each.offset for partition, each in (await offsets.read()).items()}

    async def commit(self, outputs: Sequence[Output], offsets: Mapping[int, int]) -> None:
        if self.broker.fault:
            raise self.broker.fault
        self.broker.sent += outputs
        self.broker.offsets |= offsets
        written = [(output.value or b"").decode() for output in outputs]
        behind = [f"{partition}@{offset}" for partition, offset in offsets.items()]
        self.broker.log.append(" ".join(written + behind))

    async def close(self) -> None:
        self.broker.log.append("close")


@dataclass
class Committed:
    """What the group has committed of these partitions."""

    broker: Broker
    partitions: tuple[int, ...]

    async def read(self) -> Mapping[int, Position]:
        self.broker.log.append("read offsets")
        return {each: Position(self.broker.offsets.get(each, 0)) for each in self.partitions}

    async def commit(self, positions: Mapping[int, Position]) -> None:
        self.broker.offsets |= {each: position.offset for each, position in positions.items()}


class Desk:
    """A delivery with fakes around it, and the reader's side of its stamps."""

    def __init__(self, broker: Broker, settings: Settings) -> None:
        self.broker = broker
        self.pool = Pool()
        self.metrics = StageMetrics(STAGE.name)
        self.epoch = -1
        self.numbers: dict[int, int] = {}
        self.positions: Mapping[int, int] = {}
        self.ends: dict[int, int] = {}
        self.delivery = Delivery(
            STAGE,
            settings,
            self.pool,
            self.metrics,
            lambda: Writer(broker),
            self,
        )

    async def standing(self) -> Mapping[int, tuple[Stamp, int]]:
        return {
            each: (Stamp(self.epoch, self.numbers[each]), self.ends.get(each, 0))
            for each in self.positions
        }

    def more_credit(self) -> None:
        pass

    async def read_on(self) -> None:
        self.epoch, self.positions = self.delivery.rewind()
        self.numbers = dict.fromkeys(self.positions, 0)

    async def assign(self, *partitions: int) -> None:
        await self.delivery.assigned(set(partitions), Committed(self.broker, partitions))
        await self.read_on()
        self.broker.log.clear()

    async def take(self, *records: Record) -> None:
        for each in records:
            number = self.numbers[each.partition]
            self.numbers[each.partition] += 1
            self.delivery.take(each, Stamp(self.epoch, number))
        await settle()

    async def finish(self, *values: bytes, outcome: Attempt | None = None) -> None:
        for value in values:
            self.pool.finish(value, outcome)
        await settle()


Scenario = Callable[[Desk], Coroutine[Any, Any, None]]


def play(scenario: Scenario, broker: Broker | None = None, settings: Settings = SETTINGS) -> Broker:
    """Runs a scenario against a delivery of its own, with partitions 0 and 3 assigned."""
    broker = broker or Broker()

    async def run() -> None:
        desk = Desk(broker, settings)
        try:
            await desk.assign(0, 3)
            await asyncio.wait_for(scenario(desk), 10)
        finally:
            await desk.delivery.close()

    asyncio.run(run())
    return broker


def record(offset: int, partition: int = 0) -> Record:
    value = f"{partition}.{offset}".encode()
    return Record("babelwire.raw", partition, offset, 1000.0, b"k", value, [("h", b"1")])


async def settle() -> None:
    """Lets every task run as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0.001)


def test_a_new_assignment_has_a_writer_of_its_own_and_goes_on_where_that_says() -> None:
    async def scenario(desk: Desk) -> None:
        desk.broker.offsets[0] = 7
        await desk.delivery.assigned({0}, Committed(desk.broker, (0,)))
        assert desk.broker.log == ["close", "open", "read offsets"]
        assert desk.delivery.rewind()[1] == {0: 7}

    play(scenario)


def test_what_finishes_together_in_several_partitions_shares_a_transaction() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.take(record(1, partition=0), record(9, partition=3))
        desk.pool.finish(b"3.9")
        desk.pool.finish(b"0.1")
        await settle()
        assert desk.broker.log == ["out-0.1 out-3.9 0@2 3@10"]

    play(scenario)


def test_finished_records_wait_for_company_while_more_are_in_hand() -> None:
    linger = 0.02

    async def scenario(desk: Desk) -> None:
        await desk.take(record(1), record(2), record(3))
        await desk.finish(b"0.1")
        await asyncio.sleep(1.5 * linger)
        assert desk.broker.log == []
        await desk.finish(b"0.2", b"0.3")
        await asyncio.sleep(2 * linger)
        assert desk.broker.log == ["out-0.1 out-0.2 out-0.3 0@4"]

    play(scenario, settings=SETTINGS.model_copy(update={"transaction_linger": linger}))


def test_nobody_waits_long_for_company_that_is_slow() -> None:
    linger = 0.02

    async def scenario(desk: Desk) -> None:
        await desk.take(record(1), record(2))
        await desk.finish(b"0.1")
        await asyncio.sleep((module.BUSY_LINGERS + 2) * linger)
        assert desk.broker.log == ["out-0.1 0@2"]

    play(scenario, settings=SETTINGS.model_copy(update={"transaction_linger": linger}))


def test_an_output_and_the_offset_behind_it_are_committed_together() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.take(record(5))
        await desk.finish(b"0.5")
        assert desk.broker.log == ["out-0.5 0@6"]

    play(scenario)


def test_a_slow_head_holds_back_what_came_after_it() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.take(record(5), record(6), record(7))
        await desk.finish(b"0.6")
        assert desk.broker.log == []
        await desk.finish(b"0.5")
        assert desk.broker.log == ["out-0.5 out-0.6 0@7"]

    play(scenario)


def test_partitions_do_not_wait_for_each_other() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.take(record(1, partition=0), record(9, partition=3))
        await desk.finish(b"3.9")
        assert desk.broker.log == ["out-3.9 3@10"]

    play(scenario)


def test_a_failed_record_reaches_the_dead_letters_untouched_with_its_reason() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.take(record(5))
        await desk.finish(b"0.5", outcome=Failed("failed", "it broke"))

    [output] = play(scenario).sent
    assert (output.topic, output.key, output.value) == ("babelwire.dead-letters", b"k", b"0.5")
    assert ("h", b"1") in output.headers
    letter = DeadLetter.from_headers(output.headers)
    assert (letter.stage, letter.reason, letter.error) == ("normalization", "failed", "it broke")
    assert (letter.source_topic, letter.source_partition, letter.source_offset) == (
        "babelwire.raw",
        0,
        5,
    )


def test_credit_ends_where_a_partition_holds_in_flight_records() -> None:
    async def scenario(desk: Desk) -> None:
        assert desk.delivery.credit(0) == SETTINGS.in_flight
        await desk.take(*(record(each) for each in range(SETTINGS.in_flight)))
        assert desk.delivery.credit(0) == SETTINGS.in_flight
        assert desk.delivery.credit(3) == SETTINGS.in_flight
        await desk.finish(b"0.0")
        assert desk.delivery.credit(0) == SETTINGS.in_flight + 1
        assert desk.delivery.credit(1) == 0

    play(scenario)


def test_no_partition_has_credit_while_the_worker_holds_in_flight_bytes() -> None:
    async def scenario(desk: Desk) -> None:
        large = Record("babelwire.raw", 0, 1, 1000.0, None, b"x" * (1 << 20))
        await desk.take(large)
        assert (desk.delivery.credit(0), desk.delivery.credit(3)) == (1, 0)
        await desk.finish(large.value or b"")
        assert desk.delivery.credit(3) == SETTINGS.in_flight

    play(scenario, settings=SETTINGS.model_copy(update={"in_flight_bytes": 1 << 20}))


def test_after_a_rebalance_nothing_of_the_old_assignment_is_written() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.take(record(5), record(6))
        await desk.finish(b"0.6")
        await desk.delivery.revoked()
        await desk.assign(3)
        await desk.finish(b"0.5")
        assert desk.broker.log == []
        assert desk.broker.offsets == {}

    play(scenario)


def test_a_rebalance_commits_what_is_complete_before_it_lets_go() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.take(record(5), record(6))
        revoking = asyncio.create_task(desk.delivery.revoked())
        await desk.finish(b"0.5")
        await revoking
        assert desk.broker.log == ["out-0.5 0@6", "close"]

    play(scenario)


def test_work_that_a_rebalance_brings_back_is_not_begun_again() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.take(record(5))
        await desk.delivery.revoked()
        await desk.assign(0)
        await desk.take(record(5), record(6))
        assert desk.pool.begun == [b"0.5", b"0.6"]
        await desk.finish(b"0.6", b"0.5")
        assert [output.value for output in desk.broker.sent] == [b"out-0.5", b"out-0.6"]

    play(scenario)


def test_a_record_lost_before_the_ledger_is_read_again() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.take(record(5))
        desk.numbers[0] += 1  # 6 was read, and some buffer dropped it
        await desk.take(record(7))
        assert desk.pool.begun == [b"0.5"]
        assert desk.positions[0] == 6
        await desk.take(record(6), record(7))
        await desk.finish(b"0.5", b"0.6", b"0.7")
        assert [output.value for output in desk.broker.sent] == [b"out-0.5", b"out-0.6", b"out-0.7"]

    play(scenario)


def test_a_record_whose_engine_is_away_is_tried_again_in_its_place() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.take(record(5), record(6))
        await desk.finish(b"0.5", outcome=Deferred("the engine is away"))
        await desk.finish(b"0.6")
        assert desk.broker.log == []
        await asyncio.sleep(2.5 * module.FIRST_RETRY_SECONDS)
        await desk.finish(b"0.5")
        assert desk.broker.log == ["out-0.5 out-0.6 0@7"]

    play(scenario)


def test_the_stage_stops_reading_while_its_engine_stays_away() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.take(record(1), record(2), record(3), record(1, 3), record(2, 3))
        for value in (b"0.1", b"0.2", b"0.3", b"3.1", b"3.2"):
            await desk.finish(value, outcome=Deferred("the engine is away"))
        assert TRIP_AFTER == 5
        assert (desk.delivery.credit(0), desk.delivery.credit(3)) == (3, 2)

    play(scenario)


def test_markers_behind_the_last_record_are_committed_over_when_there_is_no_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.02)

    async def scenario(desk: Desk) -> None:
        await desk.take(record(5))
        desk.ends = {0: 8}
        await asyncio.sleep(0.1)
        assert desk.broker.offsets == {}
        await desk.finish(b"0.5")
        await asyncio.sleep(0.1)
        assert desk.broker.log == ["out-0.5 0@6", "0@8"]

    play(scenario)


def test_what_work_cost_is_recorded_by_language_whatever_became_of_the_record() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.take(record(5), record(6))
        await desk.finish(b"0.5", outcome=Failed("failed", "it broke"))
        await desk.delivery.revoked()
        await desk.finish(b"0.6")
        registry = desk.metrics.registry
        for language in ("it", "other"):
            labels = {"stage": STAGE.name, "language": language}
            assert registry.get_sample_value(CPU_SECONDS.name, labels) == 0.5

    play(scenario)


def test_a_fault_of_the_writer_is_fail_stop() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.take(record(5))
        await desk.finish(b"0.5")
        with pytest.raises(DeliveryFault, match="taken over"):
            await asyncio.wait_for(desk.delivery.failure, 1)

    play(scenario, Broker(fault=DeliveryFault("partition was taken over")))


def test_a_drain_commits_what_is_in_hand_and_begins_nothing_new() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.take(record(5))
        draining = asyncio.create_task(desk.delivery.drain(1))
        await settle()
        await desk.take(record(6))
        await desk.finish(b"0.5")
        assert await draining
        assert desk.pool.begun == [b"0.5"]
        assert desk.broker.log == ["out-0.5 0@6"]

    play(scenario)


def test_a_drain_that_runs_out_of_time_says_so() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.take(record(5))
        assert not await desk.delivery.drain(0.01)

    play(scenario)


def test_quick_records_go_to_the_processes_in_batches_and_slow_ones_alone() -> None:
    pace = Pace()
    assert pace.batch == 1
    for _ in range(200):
        pace.observe(0.0001)
    assert pace.batch == module.MOST_IN_BATCH
    pace.observe(1.0)
    assert pace.batch == 1
