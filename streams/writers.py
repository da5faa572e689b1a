"""How outputs and source offsets reach the broker: in one transaction, or the plain way.

A writer belongs to one assignment: the partitions that a worker has until the next rebalance. Every
call has a time limit, and whatever goes wrong in one is a `DeliveryFault`: the process must end,
because only a new owner, which fences this one and reads the committed offsets, knows what became
of the transaction.

How an owner is fenced. A transaction may hold outputs of several source partitions, so its id
cannot be that of one of them; each assignment has a transactional id of its own, and the *claim*
beside the committed offset of a partition (its metadata, which every commit carries) names the id
of whoever has it. Taking over goes in this order:

    1. open a producer under a new id          who reads our claim later can fence us
    2. read the claims, fence every id there   their open transactions are ended, no new ones begin
    3. read the offsets                        all that was committed under these ids is in them
    4. claim, as a member of the group         refused to a member that the group has passed over

So of two members that both believe they have a partition, the later one either finds the claim of
the earlier one and fences it, or the earlier one has not claimed yet and is refused. Nobody reads a
record before 4. A member that wakes up late may fence the rightful owner before it is refused: that
one starts anew, and time is lost, but no record.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from streams import clients
from streams.headers import Headers
from streams.settings import Settings
from streams.topics import LARGEST_RECORD_BYTES

# Within this a broker may restart; beyond it a new process may as well take over.
CALL_SECONDS: Final = 40.0
# A request may be lost with a connection that dies at the same moment; half of the above, so that
# there is time to send it again.
REQUEST_MILLISECONDS: Final = 20_000
# The coordinator ends a transaction that lasts longer, so that readers are not held up for ever.
# Above CALL_SECONDS: a transaction is never ended by the coordinator while we still wait for it.
TRANSACTION_MILLISECONDS: Final = 60_000
CLOSE_SECONDS: Final = 5.0
BATCH_BYTES: Final = 512 * 1024

T = TypeVar("T")


class DeliveryFault(RuntimeError):
    """Delivery cannot go on in this process; nothing uncommitted is lost, a restart helps."""


@dataclass(frozen=True, slots=True)
class Output:
    """One record to write; `topic` is the full name."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers


@dataclass(frozen=True, slots=True)
class Position:
    """Where a partition is to be continued, and the claim on it: the transactional id of its last
    owner, empty where nobody has claimed it."""

    offset: int
    claim: str = ""


class Offsets(Protocol):
    """The group's committed offsets of the partitions that are being taken over."""

    async def read(self) -> Mapping[int, Position]:
        """The position of each partition; that of one without a commit is its first record."""
        ...

    async def commit(self, positions: Mapping[int, Position]) -> None:
        """Commits as a member of the group, outside of any transaction.

        Raises KafkaError when the group has gone on without this member.
        """
        ...


class Writer(Protocol):
    """Writes what the partitions of one assignment gave.

    All methods raise DeliveryFault, or clients.AccessRefused, which no restart will cure.
    """

    async def open(self, offsets: Offsets) -> Mapping[int, int]:
        """Makes this the only writer of its partitions; returns where each is to be continued."""
        ...

    async def commit(self, outputs: Sequence[Output], offsets: Mapping[int, int]) -> None:
        """Writes all outputs and commits the offset behind them of each source partition."""
        ...

    async def close(self) -> None:
        """Lets go; never raises."""
        ...


async def _within(settings: Settings, what: str, call: Awaitable[T]) -> T:
    try:
        with clients.authorized(settings):
            return await asyncio.wait_for(call, CALL_SECONDS)
    except clients.AccessRefused:
        raise
    except TimeoutError:
        raise DeliveryFault(f"{what}: no answer from the broker in {CALL_SECONDS:g} s") from None
    except (ProducerFenced, InvalidProducerEpoch):
        raise DeliveryFault(f"{what}: another worker has taken the partitions over") from None
    except (KafkaError, AssertionError, OSError) as fault:
        raise DeliveryFault(f"{what}: {type(fault).__name__}: {fault}") from fault


class Transactions:
    """Exactly once: outputs, dead letters and the source offsets in one transaction.

    `member` is the worker's name in the group, which the transactional id begins with.
    """

    def __init__(self, settings: Settings, group: str, topic: str, member: str) -> None:
        self._settings = settings
        self._group = group
        self._topic = topic
        self._id = f"{member}.{secrets.token_hex(4)}"
        self._producer = self._producer_under(self._id)

    def _producer_under(self, transactional_id: str) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            **clients.connection(self._settings),
            transactional_id=transactional_id,
            transaction_timeout_ms=TRANSACTION_MILLISECONDS,
            request_timeout_ms=REQUEST_MILLISECONDS,
            acks="all",
            metadata_max_age_ms=clients.METADATA_AGE_MS,
            max_request_size=LARGEST_RECORD_BYTES,
            max_batch_size=BATCH_BYTES,
            compression_type=clients.packing(self._settings),
        )

    async def open(self, offsets: Offsets) -> Mapping[int, int]:
        """Fences the former owners: their open transactions are ended before this returns."""
        return await _within(self._settings, f"taking over as {self._id}", self._take_over(offsets))

    async def _take_over(self, offsets: Offsets) -> Mapping[int, int]:
        _, found = await asyncio.gather(self._producer.start(), offsets.read())
        former = {each.claim for each in found.values()} - {""}
        if former:
            await asyncio.gather(*(self._fence(each) for each in former))
            found = await offsets.read()
        await offsets.commit(
            {partition: Position(each.offset, self._id) for partition, each in found.items()}
        )
        return {partition: each.offset for partition, each in found.items()}

    async def _fence(self, transactional_id: str) -> None:
        """Ends what was begun under this id; whoever still uses it can commit nothing more."""
        producer = self._producer_under(transactional_id)
        try:
            await producer.start()
        finally:
            await _stopped(producer)

    async def commit(self, outputs: Sequence[Output], offsets: Mapping[int, int]) -> None:
        """Writes all outputs and the source offsets, all or nothing."""
        await _within(self._settings, f"transaction of {self._id}", self._commit(outputs, offsets))

    async def _commit(self, outputs: Sequence[Output], offsets: Mapping[int, int]) -> None:
        producer = self._producer
        await producer.begin_transaction()
        # The acknowledgements are waited for one by one: the client would commit a transaction
        # from which a refused record is missing.
        acknowledged = await _sent(producer, outputs)
        behind = {
            TopicPartition(self._topic, partition): OffsetAndMetadata(offset, self._id)
            for partition, offset in offsets.items()
        }
        committed = producer.send_offsets_to_transaction(behind, self._group)
        await asyncio.gather(committed, *acknowledged)
        await producer.commit_transaction()

    async def close(self) -> None:
        """Lets go of the partitions; whoever opens them next fences this writer anyway."""
        await _stopped(self._producer)


class PlainWrites:
    """At least once: outputs first, then the offsets; a crash between the two repeats outputs."""

    def __init__(
        self,
        settings: Settings,
        producer: AIOKafkaProducer,
        commit_offsets: Callable[[Mapping[int, int]], Awaitable[None]],
    ) -> None:
        self._settings = settings
        self._producer = producer
        self._commit_offsets = commit_offsets

    async def open(self, offsets: Offsets) -> Mapping[int, int]:
        """Nobody to fence."""
        found = await _within(self._settings, "reading offsets", offsets.read())
        return {partition: each.offset for partition, each in found.items()}

    async def commit(self, outputs: Sequence[Output], offsets: Mapping[int, int]) -> None:
        """Writes all outputs, then commits the offsets."""
        where = f"partitions {sorted(offsets)}"
        await _within(self._settings, f"outputs of {where}", self._write(outputs))
        await _within(self._settings, f"offsets of {where}", self._commit_offsets(offsets))

    async def _write(self, outputs: Sequence[Output]) -> None:
        await asyncio.gather(*await _sent(self._producer, outputs))

    async def close(self) -> None:
        """Nothing: the producer is shared."""


async def _sent(
    producer: AIOKafkaProducer, outputs: Sequence[Output]
) -> "list[asyncio.Future[Any]]":
    return [
        await producer.send(
            output.topic, key=output.key, value=output.value, headers=output.headers
        )
        for output in outputs
    ]


async def _stopped(producer: AIOKafkaProducer) -> None:
    try:
        await asyncio.wait_for(producer.stop(), CLOSE_SECONDS)
    except (TimeoutError, KafkaError, AssertionError, OSError):
        # What it held is not committed and comes again.
        await producer.client.close()
