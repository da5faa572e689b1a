"""How outputs and the source offset reach the broker: in one transaction, or the plain way.

A writer belongs to one source partition. Every call has a time limit, and whatever goes wrong in
one is a `DeliveryFault`: the process must end, because only a new owner, which fences this one and
reads the committed offset, knows what became of the transaction.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced
from aiokafka.structs import TopicPartition

from streams import clients
from streams.headers import Headers
from streams.settings import Settings
from streams.topics import LARGEST_RECORD_BYTES

# Within this a broker may restart; beyond it a new process may as well take over.
CALL_SECONDS: Final = 40.0
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


class Writer(Protocol):
    """Writes what one source partition gave.

    All methods raise DeliveryFault, or clients.AccessRefused, which no restart will cure.
    """

    async def open(self) -> None:
        """Makes this the only writer of its partition."""
        ...

    async def commit(self, outputs: Sequence[Output], next_offset: int) -> None:
        """Writes all outputs and commits the source offset behind them."""
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
        raise DeliveryFault(f"{what}: another worker has taken the partition over") from None
    except (KafkaError, AssertionError, OSError) as fault:
        raise DeliveryFault(f"{what}: {type(fault).__name__}: {fault}") from fault


class Transactions:
    """Exactly once: outputs, dead letters and the source offset in one transaction.

    The transactional id is that of the source partition, `<group>.<partition>`: opening a second
    writer for the partition, wherever it runs, ends the first one's transaction and fences it off.
    """

    def __init__(self, settings: Settings, group: str, topic: str, partition: int) -> None:
        self._settings = settings
        self._group = group
        self._source = TopicPartition(topic, partition)
        self._id = f"{group}.{partition}"
        self._producer: AIOKafkaProducer | None = None

    async def open(self) -> None:
        """Fences the former owner: its open transaction is ended before this returns."""
        self._producer = AIOKafkaProducer(
            **clients.connection(self._settings),
            transactional_id=self._id,
            transaction_timeout_ms=TRANSACTION_MILLISECONDS,
            acks="all",
            metadata_max_age_ms=clients.METADATA_AGE_MS,
            max_request_size=LARGEST_RECORD_BYTES,
            max_batch_size=BATCH_BYTES,
        )
        await _within(self._settings, f"taking over {self._id}", self._producer.start())

    async def commit(self, outputs: Sequence[Output], next_offset: int) -> None:
        """Writes all outputs and the source offset, all or nothing."""
        await _within(
            self._settings, f"transaction of {self._id}", self._commit(outputs, next_offset)
        )

    async def _commit(self, outputs: Sequence[Output], next_offset: int) -> None:
        producer = self._producer
        if producer is None:
            raise DeliveryFault(f"{self._id} was never opened")
        await producer.begin_transaction()
        # The acknowledgements are waited for one by one: the client would commit a transaction
        # from which a refused record is missing.
        acknowledged = await _sent(producer, outputs)
        offset = producer.send_offsets_to_transaction({self._source: next_offset}, self._group)
        await asyncio.gather(offset, *acknowledged)
        await producer.commit_transaction()

    async def close(self) -> None:
        """Lets go of the partition; whoever opens it next fences this writer anyway."""
        if self._producer is not None:
            await _stopped(self._producer)


class PlainWrites:
    """At least once: outputs first, then the offset; a crash between the two repeats outputs."""

    def __init__(
        self,
        settings: Settings,
        producer: AIOKafkaProducer,
        commit_offsets: Callable[[Mapping[int, int]], Awaitable[None]],
        partition: int,
    ) -> None:
        self._settings = settings
        self._producer = producer
        self._commit_offsets = commit_offsets
        self._partition = partition

    async def open(self) -> None:
        """Nothing to fence."""

    async def commit(self, outputs: Sequence[Output], next_offset: int) -> None:
        """Writes all outputs, then commits the offset."""
        where = f"partition {self._partition}"
        await _within(self._settings, f"outputs of {where}", self._write(outputs))
        await _within(
            self._settings,
            f"offset of {where}",
            self._commit_offsets({self._partition: next_offset}),
        )

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
