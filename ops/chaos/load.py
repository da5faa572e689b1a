"""Writes the source records: in transactions, some aborted on purpose, or the plain way."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Final, TypeVar

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from ops.chaos.records import ID_HEADER, Batch, Planned, Poison, Source
from streams import clients
from streams.settings import Settings

T = TypeVar("T")

ABORTED_SHARE: Final = 0.1
LARGEST_BATCH: Final = 500
CALL_SECONDS: Final = 20.0
_RETRY_SECONDS: Final = 0.5


@dataclass
class Written:
    """What the loader knows of what it wrote; the topic itself has the last word.

    `committed_at` is the time of the commit's acknowledgement by record identity. `unsure` are
    records of transactions whose end is unknown: the broker went away during the commit.
    """

    planned: dict[str, Planned] = field(default_factory=dict)
    committed_at: dict[str, float] = field(default_factory=dict)
    aborted: set[str] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)


class Loader:
    """Writes a given number of records, at a rate that others may change while it runs."""

    def __init__(
        self, settings: Settings, source: Source, seed: int, name: str, transactions: bool
    ) -> None:
        self._settings = settings
        self._aborted_share = ABORTED_SHARE if transactions else 0.0
        self._transactions = transactions
        self._source = source
        self._random = Random(seed)
        self._name = name
        self._poison: list[Poison] = []
        self._producer: AIOKafkaProducer | None = None
        self.written = Written()

    @property
    def accepted(self) -> int:
        """Records whose commit the broker has acknowledged."""
        return len(self.written.committed_at)

    def poison(self, kinds: list[Poison]) -> None:
        """Has poison records go out with the next batch."""
        self._poison += kinds

    async def write(self, number: int, rate: Callable[[], float]) -> None:
        """Writes until so many records are accepted in all; `rate` gives records per second.

        Whatever goes wrong with a transaction, the next one is written by a new producer.
        """
        due = time.monotonic()
        while self.accepted < number or self._poison:
            now = time.monotonic()
            if due > now:
                await asyncio.sleep(due - now)
            # What an outage held up is not made up for in one burst.
            due = max(due, now - 1.0)
            per_second = max(1.0, rate())
            most = min(LARGEST_BATCH, max(2, int(per_second / 4)))
            size = min(self._random.randint(1, most), max(0, number - self.accepted))
            poison, self._poison = self._poison, []
            batch = self._source.batch(size, self._aborted_share, poison)
            try:
                await self._write(batch)
            except (KafkaError, OSError, TimeoutError):
                # Poison is owed: a fault that was announced has to happen.
                self._poison += poison
                await self._renew()
            due += len(batch.records) / per_second

    async def close(self) -> None:
        """Lets the producer go."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(KafkaError, OSError, TimeoutError):
                await asyncio.wait_for(producer.stop(), CALL_SECONDS)

    async def _renew(self) -> None:
        await self.close()
        await asyncio.sleep(_RETRY_SECONDS)

    async def _write(self, batch: Batch) -> None:
        producer = self._producer or await self._start()
        written = self.written
        names = [record.id for record in batch.records]
        written.planned |= {record.id: record for record in batch.records}
        # Until we know better: a transaction that fails half way may still be in the log.
        (written.aborted if batch.aborted else written.unsure).update(names)
        prefix = self._settings.topic_prefix
        if self._transactions:
            await _in_time(producer.begin_transaction())
        sent = [
            await _in_time(
                producer.send(
                    f"{prefix}.{record.topic}",
                    record.value,
                    key=record.key.encode(),
                    headers=[(ID_HEADER, record.id.encode())],
                )
            )
            for record in batch.records
        ]
        await _in_time(asyncio.gather(*sent))
        if batch.aborted:
            await _in_time(producer.abort_transaction())
            return
        if self._transactions:
            await _in_time(producer.commit_transaction())
        now = time.time()
        written.unsure.difference_update(names)
        written.committed_at |= dict.fromkeys(names, now)

    async def _start(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            **clients.connection(self._settings),
            transactional_id=self._name if self._transactions else None,
            transaction_timeout_ms=15_000,
            enable_idempotence=True,
            linger_ms=2,
            # The topic may get more partitions while we write.
            metadata_max_age_ms=3_000,
        )
        self._producer = producer
        await _in_time(producer.start())
        return producer


async def _in_time(call: Awaitable[T]) -> T:
    return await asyncio.wait_for(call, CALL_SECONDS)
