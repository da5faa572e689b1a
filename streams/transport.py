"""Our Faust transport driver: Faust brings records and rebalances, `Flow` decides all the rest.

Faust finds it by the URL scheme `babelwire`, through the entry-point group `faust.transports`. It
is Faust's own aiokafka driver with these differences, each because the stock path can lose, double
or hold up records:

- assignment: `Flow.assigned` fences the former owner and reads the committed offsets before a
  record is read, since the app's signal of that name comes too late;
- reading starts at the ledgers' next offsets, never at what Faust believes was committed;
- every record is stamped in the consumer thread, so that what Faust's buffers drop is noticed;
- a partition is read only as far as it has credit, and each partition gets its turn;
- Faust commits nothing;
- what a rebalance listener raises, which aiokafka only logs, stops the process;
- the isolation level is read_committed, and the group's partitions go to static members;
- nothing looks more than once a second whether there is something to do: what is to do wakes it.

It leans on private names of faust-streaming and aiokafka, which is why both are pinned exactly;
`tests/unit/streams/test_transport.py` fails when one of them is gone.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Iterable, Mapping
from typing import Any, ClassVar, Final, Protocol, TypeVar, cast

import aiokafka
import faust
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import ConsumerStoppedError, IllegalStateError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.tables.manager import TableManager
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode.services import Service

from streams import clients
from streams.ledger import Stamp
from streams.settings import Settings
from streams.writers import Offsets, Position

SCHEME: Final = "babelwire"
FETCH_WAIT_MS: Final = 500
# A record larger than this still comes, alone (KIP-74); it bounds what is read ahead.
FETCH_BYTES: Final = 1 << 20
HEARTBEATS_PER_SESSION: Final = 4
# While some partition has no credit, the others are waited for no longer than this.
SHORT_WAIT_SECONDS: Final = 0.05
TURN_RECORDS: Final = 64
# A member that is thrown out of its group now and then was slow; this often, it has a double.
MOST_EXPULSIONS: Final = 3
EXPULSIONS_WITHIN_SECONDS: Final = 60.0

T = TypeVar("T")


class Flow(Protocol):
    """What the transport asks of delivery. All but `credit` are called in the main loop."""

    def credit(self, partition: int) -> int:
        """How many records of this epoch may be handed out in all; called from any thread."""
        ...

    async def assigned(self, partitions: set[int], offsets: Offsets) -> None:
        """Takes partitions over, whose committed offsets these are."""
        ...

    async def revoked(self) -> None:
        """Gives all partitions up."""
        ...

    def rewind(self) -> tuple[int, Mapping[int, int]]:
        """Begins an epoch; returns it and the offset at which each partition goes on."""
        ...

    def fail(self, fault: BaseException) -> None:
        """Stops the process."""
        ...


class StageApp(faust.App):
    """A Faust app with what our transport needs to know. `flow` is set before it starts."""

    settings: Settings
    topic_name: str
    member: str
    flow: Flow


class _Stamped:
    """A record between the consumer thread and the main loop."""

    __slots__ = ("record", "stamp")

    def __init__(self, record: Any, stamp: Stamp) -> None:
        self.record = record
        self.stamp = stamp


class _NoOffsets(dict[Any, Any]):
    """In the place of Faust's read offsets, by which it drops what it thinks it has seen."""

    def __missing__(self, key: Any) -> None:
        return None

    def __setitem__(self, key: Any, value: Any) -> None:
        return None


class PlaceTaken(RuntimeError):
    """Another process is in the group under the same member name."""


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread that talks to Kafka. All methods run in its loop, unless they say otherwise."""

    @Service.task
    async def _thread_keepalive(self) -> None:
        """Nothing, see `_keepalive2`."""

    async def _keepalive2(self) -> None:
        """Nothing. In mode these two wake this loop and the main one every second, lest a call from
        the other thread be overlooked; but such calls come by call_soon_threadsafe, which wakes."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._epoch = -1
        self._numbers: dict[int, int] = {}
        self._turn = 0
        self._more_credit = asyncio.Event()
        # Some partition may not be read for want of credit.
        self._starved = False

    @property
    def _stage_app(self) -> StageApp:
        return cast(StageApp, self.app)

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        app = self._stage_app
        session = app.settings.session_timeout
        self._assignor = RoundRobinPartitionAssignor
        return aiokafka.AIOKafkaConsumer(
            **clients.connection(app.settings),
            client_id=app.member,
            group_id=app.conf.id,
            group_instance_id=app.member,
            partition_assignment_strategy=[RoundRobinPartitionAssignor],
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_wait_ms=FETCH_WAIT_MS,
            max_partition_fetch_bytes=FETCH_BYTES,
            session_timeout_ms=int(session * 1000),
            heartbeat_interval_ms=int(session * 1000 / HEARTBEATS_PER_SESSION),
            # Slow work shows in the ledgers; being alive is the heartbeat's business.
            max_poll_interval_ms=2**31 - 1,
            metadata_max_age_ms=clients.METADATA_AGE_MS,
            consumer_timeout_ms=clients.CONSUMER_IDLE_MS,
        )

    @property
    def member_id(self) -> str:
        """The id that the group gave this member when it joined."""
        return str(self._ensure_consumer()._coordinator.member_id)

    async def from_main(self, work: Awaitable[T]) -> T:
        """Called in the main loop: has `work` done in this thread's loop and waits for it."""

        async def run() -> T:
            return await work

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(run(), self.thread_loop))

    def wake(self) -> None:
        """Called in any thread: ends a wait for records, so that it is looked again what is due."""
        self.thread_loop.call_soon_threadsafe(self._more_credit.set)

    def credited(self) -> None:
        """Called in any thread: credit has grown. That is no news to who has enough."""
        if self._starved:
            self.wake()

    async def committed(self, partitions: Iterable[TP]) -> dict[int, Position]:
        """Where each partition is to be continued: the committed offset, or the first."""
        consumer = self._ensure_consumer()
        wanted = [TopicPartition(tp.topic, tp.partition) for tp in partitions]
        # Not `consumer.committed`: it waits for the task in which the rebalance listener runs.
        found = await consumer._coordinator.fetch_committed_offsets(wanted)
        known = {
            tp.partition: Position(meta.offset, meta.metadata)
            for tp, meta in found.items()
            if meta.offset >= 0
        }
        fresh = [tp for tp in wanted if tp.partition not in known]
        firsts = await consumer.beginning_offsets(fresh) if fresh else {}
        return known | {tp.partition: Position(offset) for tp, offset in firsts.items()}

    async def claim(self, topic: str, positions: Mapping[int, Position]) -> None:
        """Commits positions with their claims, as the member that the group has given them to.

        Raises CommitFailedError when the group has given them to another since.
        """
        coordinator = self._ensure_consumer()._coordinator
        # Not `consumer.commit`, for the reason above. The assignment is not looked at.
        await coordinator.commit_offsets(
            None,
            {
                TopicPartition(topic, partition): OffsetAndMetadata(each.offset, each.claim)
                for partition, each in positions.items()
            },
        )

    async def rewind(self, topic: str, epoch: int, positions: Mapping[int, int]) -> None:
        """Begins an epoch: records come from `positions` on, numbered from 0 per partition."""
        consumer = self._ensure_consumer()
        ours = {tp.partition for tp in consumer.assignment()} & positions.keys()
        for partition in ours:
            consumer.seek(TopicPartition(topic, partition), positions[partition])
        self._epoch = epoch
        self._numbers = dict.fromkeys(ours, 0)

    async def rejoin(self) -> None:
        """Asks for a new round of sharing out the partitions."""
        self._ensure_consumer()._coordinator.request_rejoin()

    async def standing(self, topic: str) -> dict[int, tuple[Stamp, int]]:
        """For each partition, how many records were handed out and the offset that is next."""
        consumer = self._ensure_consumer()
        ours = {tp.partition for tp in consumer.assignment()} & self._numbers.keys()
        standing = {}
        for partition in ours:
            offset = await consumer.position(TopicPartition(topic, partition))
            # After the await: numbers and epoch must belong to the offset.
            number = self._numbers.get(partition)
            if number is not None:
                standing[partition] = Stamp(self._epoch, number), offset
        return standing

    async def leave_group(self) -> None:
        """Ends this member's part in the group, and tells the group so."""
        coordinator = self._ensure_consumer()._coordinator
        # aiokafka lets static members go in silence, since they usually come back; and as long as
        # its heartbeat lives, a member that has left joins again at once.
        coordinator._group_instance_id = None
        await coordinator.close()

    async def commit_offsets(self, topic: str, offsets: Mapping[int, int]) -> None:
        """Commits next offsets the plain way, outside of any transaction."""
        await self._ensure_consumer().commit(
            {TopicPartition(topic, partition): offset for partition, offset in offsets.items()}
        )

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: set[TP],
        timeout: float | None = None,
        max_records: int | None = None,
    ) -> dict[TP, list[_Stamped]]:
        fetcher = consumer._fetcher
        deadline = time.monotonic() + (timeout or 0)
        while self.consumer.flow_active and not fetcher._subscriptions.reassignment_in_progress:
            if consumer._closed or fetcher._closed:
                raise ConsumerStoppedError
            self._more_credit.clear()
            credit = {tp: self._credit(tp) for tp in active_partitions}
            able = sorted(tp for tp, left in credit.items() if left > 0)
            self._starved = len(able) < len(credit)
            records = await self._one_turn(fetcher, able, credit)
            left = deadline - time.monotonic()
            if records or left <= 0:
                return records
            limit = min(left, SHORT_WAIT_SECONDS) if self._starved else left
            with fetcher._subscriptions.fetch_context():
                await self._wait_for_more(fetcher, limit)
        return {}

    def _credit(self, tp: TP) -> int:
        if tp.partition not in self._numbers:
            return 0
        return self._stage_app.flow.credit(tp.partition) - self._numbers[tp.partition]

    async def _one_turn(
        self, fetcher: Any, able: list[TP], credit: Mapping[TP, int]
    ) -> dict[TP, list[_Stamped]]:
        turns: dict[TP, list[_Stamped]] = {}
        self._turn += 1
        for position in range(len(able)):
            # Without this check the next call could wait for an assignment, come back in another
            # epoch, and take records out of the buffer that nobody would number.
            if fetcher._subscriptions.reassignment_in_progress:
                break
            tp = able[(position + self._turn) % len(able)]
            most = min(credit[tp], TURN_RECORDS)
            aiokafka_tp = TopicPartition(tp.topic, tp.partition)
            found = await fetcher.fetched_records([aiokafka_tp], timeout=0, max_records=most)
            for record in found.get(aiokafka_tp, ()):
                number = self._numbers[tp.partition]
                self._numbers[tp.partition] = number + 1
                turns.setdefault(tp, []).append(_Stamped(record, Stamp(self._epoch, number)))
        return turns

    async def _wait_for_more(self, fetcher: Any, limit: float) -> None:
        fetched = fetcher._create_fetch_waiter()
        credited = asyncio.ensure_future(self._more_credit.wait())
        try:
            await asyncio.wait(
                {fetched, credited}, timeout=limit, return_when=asyncio.FIRST_COMPLETED
            )
            if fetched.done():
                fetched.result()  # raises what the broker refused
        finally:
            credited.cancel()
            fetched.cancel()


class _Assigned:
    """`Offsets` of newly assigned partitions, asked for in the main loop."""

    def __init__(self, thread: ConsumerThread, topic: str, partitions: set[TP]) -> None:
        self._thread = thread
        self._topic = topic
        self._partitions = partitions

    async def read(self) -> Mapping[int, Position]:
        return await self._thread.from_main(self._thread.committed(self._partitions))

    async def commit(self, positions: Mapping[int, Position]) -> None:
        await self._thread.from_main(self._thread.claim(self._topic, positions))


class Consumer(driver.Consumer):
    """Faust's view of the consumer thread, in the main loop."""

    _thread: ConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_offset = _NoOffsets()
        self._member_id = ""
        self._expelled_at: deque[float] = deque(maxlen=MOST_EXPULSIONS)

    @property
    def _stage_app(self) -> StageApp:
        return cast(StageApp, self.app)

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        flow = self._stage_app.flow

        try:
            self._look_for_double(self._thread.member_id)
            await flow.assigned(
                {tp.partition for tp in assigned},
                _Assigned(self._thread, self._stage_app.topic_name, assigned),
            )
            await super().on_partitions_assigned(assigned, generation_id)
        except Exception as fault:  # noqa: BLE001 - aiokafka would log it and go on
            flow.fail(fault)

    def _look_for_double(self, member_id: str) -> None:
        """Two of the same static member throw each other out of the group for ever: each gets a new
        id when it comes back. Raises PlaceTaken when that happened too often."""
        if self._member_id not in ("", member_id):
            self._expelled_at.append(time.monotonic())
        self._member_id = member_id
        times = self._expelled_at
        if len(times) == MOST_EXPULSIONS and times[-1] - times[0] < EXPULSIONS_WITHIN_SECONDS:
            raise PlaceTaken(
                f"another process works as {self._stage_app.member}; give each worker of a stage on"
                " this machine a --slot of its own"
            )

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        flow = self._stage_app.flow
        try:
            self.stop_flow()
            await flow.revoked()
            await super().on_partitions_revoked(revoked)
        except Exception as fault:  # noqa: BLE001 - aiokafka would log it and go on
            flow.fail(fault)

    async def perform_seek(self) -> None:
        """Makes reading go on where the ledgers are."""
        epoch, positions = self._stage_app.flow.rewind()
        await self._thread.from_main(
            self._thread.rewind(self._stage_app.topic_name, epoch, positions)
        )

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Nothing: what is committed, and when, is decided by `Flow`."""
        return False

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        self._stage_app.flow.fail(RuntimeError("Faust tried to commit offsets by itself"))
        return False

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Nothing: Faust would warn of partitions that it did not commit."""

    def _to_message(self, tp: TP, record: Any) -> Any:
        """Faust's message with the stamp of its reading, as `stamp`."""
        message: Any = super()._to_message(tp, record.record)
        message.stamp = record.stamp
        return message

    async def _wait_next_records(self, timeout: float) -> tuple[Any, Any]:
        # The stock method sleeps a full second when every buffer is full.
        if self.flow_active and not self._get_active_partitions():
            await asyncio.sleep(0.005)
            return {}, set()
        return cast(tuple[Any, Any], await super()._wait_next_records(timeout))

    def stop_flow(self) -> None:
        """Lets nothing more come, and ends a wait for it."""
        super().stop_flow()
        self._thread.wake()


class Producer(driver.Producer):
    """Never connected: what a stage writes goes through the producers of its delivery."""

    async def on_start(self) -> None:
        """Nothing to connect."""

    async def on_stop(self) -> None:
        """Nothing to flush."""

    async def flush(self) -> None:
        """Nothing to flush."""


class Transport(driver.Transport):
    """The entry point `babelwire` of the group `faust.transports`."""

    Consumer: ClassVar[type[Consumer]] = Consumer
    Producer: ClassVar[type[Producer]] = Producer
    driver_version = f"babelwire on aiokafka={aiokafka.__version__}"


class NoMonitor(faust.Sensor):
    """In the place of Faust's monitor, which counts every step of every record for a web page that
    we do not serve, and looks at its own counts each second."""

    def track_tp_end_offset(self, tp: TP, offset: int | None) -> None:
        """Takes no note."""

    def on_tp_commit(self, tp_offsets: Mapping[TP, int]) -> None:
        """Takes no note."""


class NoTables(TableManager):
    """Faust's table manager, which also seeks and resumes after a rebalance, for an app without
    tables: it does not wait a second for them to be declared."""

    async def on_start(self) -> None:
        """Starts what seeks and resumes."""
        await self._update_channels()
        await self.recovery.start()


class Reader:
    """The transport as delivery sees it: what it may ask of the consumer, in the main loop."""

    def __init__(self, app: StageApp) -> None:
        self._app = app

    @property
    def _consumer(self) -> Consumer:
        # Faust types it by its own interface, which has no threads.
        return cast(Consumer, self._app.consumer)

    def more_credit(self) -> None:
        """Says that there may be room for more records."""
        self._consumer._thread.credited()

    async def read_on(self) -> None:
        """Sends the reader back to where the ledgers are."""
        # Without flow a rebalance is under way, which seeks by itself.
        if self._consumer.flow_active:
            await self._consumer.perform_seek()

    async def standing(self) -> dict[int, tuple[Stamp, int]]:
        """How far each partition is read; empty during a rebalance."""
        thread = self._consumer._thread
        try:
            return await thread.from_main(thread.standing(self._app.topic_name))
        except IllegalStateError:
            return {}

    async def commit_offsets(self, offsets: Mapping[int, int]) -> None:
        """Commits next offsets the plain way, outside of any transaction."""
        thread = self._consumer._thread
        await thread.from_main(thread.commit_offsets(self._app.topic_name, offsets))

    async def rejoin(self) -> None:
        """Asks the group to share its partitions out again; it does when its leader has asked."""
        thread = self._consumer._thread
        await thread.from_main(thread.rejoin())

    def stop(self) -> None:
        """Lets nothing more come."""
        self._consumer.stop_flow()
        self._app.flow_control.suspend()
        self._app.flow_control.clear()

    async def leave_group(self) -> None:
        """Hands the partitions on at once; a static member is otherwise missed for a session."""
        thread = self._consumer._thread
        await thread.from_main(thread.leave_group())
