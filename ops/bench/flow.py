"""Articles through a running pipeline: pushed in time, seen as readers see them.

An article's latency counts from the moment at which it was due to be pushed, so that a pipeline
that holds up the pusher does not hide what its readers wait for (no coordinated omission). It ends
when a consumer that reads committed records has the event in hand.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import TopicPartition

from agents.normalization.identity import article_id, canonical_url
from ops.chaos.experiment import RunFailed
from schemas import RawArticle, encode
from streams import clients
from streams.settings import Settings
from streams.topics import DEAD_LETTERS, ENRICHED, RAW

# What is on its way when the pipeline is kept busy: enough for every process of a small machine.
WINDOW: Final = 48
# No event for so long means that nothing will come any more.
STUCK_SECONDS: Final = 90.0
_LOOK_SECONDS: Final = 0.02


@dataclass
class Sent:
    """One article on its way. Times are in seconds of time.monotonic()."""

    due: float
    characters: int
    seen: float | None = None

    @property
    def latency(self) -> float:
        """Seconds from due to seen."""
        if self.seen is None:
            raise RunFailed("an article has not come out yet")
        return self.seen - self.due


@dataclass
class Flow:
    """A producer to the raw topic and a reader of the last one."""

    settings: Settings
    producer: AIOKafkaProducer
    consumer: AIOKafkaConsumer
    sent: dict[bytes, Sent] = field(default_factory=dict)
    seen: int = 0
    characters: int = 0
    failed: int = 0
    _last: float = field(default_factory=time.monotonic)

    async def push(self, article: RawArticle, due: float | None = None) -> Sent:
        """Pushes an article whose URL is in no other one; `due` is now where it is not given."""
        key = article_id(article.source, canonical_url(article.url), "").encode()
        sent = Sent(time.monotonic() if due is None else due, len(article.body))
        self.sent[key] = sent
        topic = RAW.full_name(self.settings.topic_prefix)
        await self.producer.send(topic, encode(article), key=key)
        return sent

    async def read(self) -> None:
        """Takes note of what comes out, for ever."""
        while True:
            batches = await self.consumer.getmany(timeout_ms=200)
            now = time.monotonic()
            for partition, records in batches.items():
                if partition.topic == DEAD_LETTERS.full_name(self.settings.topic_prefix):
                    self.failed += len(records)
                    continue
                for record in records:
                    self._see(record.key, now)

    def _see(self, key: bytes | None, now: float) -> None:
        sent = self.sent.get(key or b"")
        if sent is None or sent.seen is not None:
            return
        sent.seen = self._last = now
        self.seen += 1
        self.characters += sent.characters

    @property
    def waiting(self) -> int:
        """How many are on their way."""
        return len(self.sent) - self.seen

    async def until(self, met: Callable[[], bool]) -> None:
        """Waits. Raises RunFailed when articles became dead letters or nothing comes any more."""
        self._last = time.monotonic()
        while not met():
            if self.failed:
                raise RunFailed(f"{self.failed} articles became dead letters")
            if time.monotonic() - self._last > STUCK_SECONDS:
                raise RunFailed(
                    f"no event for {STUCK_SECONDS:.0f} s, {self.waiting} are waited for"
                )
            await asyncio.sleep(_LOOK_SECONDS)

    async def all_through(self) -> None:
        """Waits until everything has come out."""
        await self.until(lambda: not self.waiting)

    async def keep_busy(
        self, article: Callable[[], RawArticle], done: Callable[[], bool], window: int = WINDOW
    ) -> None:
        """Keeps `window` articles on their way until `done`."""
        self._last = time.monotonic()
        while not done():
            while self.waiting < window:
                await self.push(article())
            await self.until(lambda: self.waiting < window or done())

    async def arrive(self, articles: Iterable[RawArticle], per_second: float) -> list[Sent]:
        """Pushes the articles at random times (a Poisson process) whatever comes out, then waits
        for all of them."""
        chance = random.Random(len(self.sent))
        due = time.monotonic()
        sent = []
        for article in articles:
            due += chance.expovariate(per_second)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            sent.append(await self.push(article, due))
        await self.all_through()
        return sent


@asynccontextmanager
async def open_flow(settings: Settings) -> AsyncIterator[Flow]:
    """A flow that sees what comes out from now on."""
    async with clients.producer(settings) as producer, clients.reader(settings) as consumer:
        topics = [topic.full_name(settings.topic_prefix) for topic in (ENRICHED, DEAD_LETTERS)]
        consumer.assign(
            [
                TopicPartition(topic, number)
                for topic in topics
                for number in await clients.partitions_of(settings, topic)
            ]
        )
        await consumer.seek_to_end()
        flow = Flow(settings, producer, consumer)
        reading: asyncio.Task[Any] = asyncio.create_task(flow.read())
        try:
            yield flow
        finally:
            reading.cancel()
