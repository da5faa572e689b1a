"""How every Kafka client of ours is made, so that brokers and limits are set in one place."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaConnectionError, KafkaError, for_code

from streams.settings import Settings
from streams.topics import LARGEST_RECORD_BYTES, TOPICS, Topic

CONNECT_PAUSE_SECONDS: Final = 1.0


class BrokerUnreachable(ConnectionError):
    """No broker answered at the configured address."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            f"no Kafka broker answers at {settings.bootstrap_servers}; start one with"
            " `babelwire kafka start`, or set BABELWIRE_BOOTSTRAP_SERVERS"
        )


class TopicMissing(LookupError):
    """A topic is not on the broker."""

    def __init__(self, topic: str) -> None:
        super().__init__(f"topic {topic} does not exist; run `babelwire topics create`")


def connection(settings: Settings) -> dict[str, Any]:
    """The keyword arguments that every aiokafka client takes."""
    return {"bootstrap_servers": settings.bootstrap_servers}


@asynccontextmanager
async def admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client. Raises BrokerUnreachable."""
    client = AIOKafkaAdminClient(**connection(settings))
    try:
        await _start(client, settings)
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def producer(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    """An idempotent producer that waits for all in-sync replicas. Raises BrokerUnreachable."""
    client = AIOKafkaProducer(
        **connection(settings),
        acks="all",
        enable_idempotence=True,
        max_request_size=LARGEST_RECORD_BYTES,
        linger_ms=5,
    )
    try:
        await _start(client, settings)
        yield client
    finally:
        await client.stop()


@asynccontextmanager
async def reader(
    settings: Settings, fetch_bytes: int = LARGEST_RECORD_BYTES
) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer outside of any group, for looking at topics. Raises BrokerUnreachable.

    `fetch_bytes` bounds what it fetches ahead of each partition; a larger record comes alone.
    """
    client = AIOKafkaConsumer(
        **connection(settings),
        enable_auto_commit=False,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        fetch_max_wait_ms=200,
        max_partition_fetch_bytes=fetch_bytes,
    )
    try:
        await _start(client, settings)
        yield client
    finally:
        await client.stop()


async def _start(client: Any, settings: Settings) -> None:
    # aiokafka logs every refused connection as an error on top of raising.
    loggers = [logging.getLogger(name) for name in ("aiokafka", "aiokafka.conn")]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        await client.start()
    except KafkaConnectionError:
        raise BrokerUnreachable(settings) from None
    finally:
        for logger in loggers:
            logger.setLevel(logging.WARNING)


async def existing_topics(settings: Settings) -> set[str]:
    """Full names of the topics on the broker."""
    async with admin(settings) as client:
        return set(await client.list_topics())


async def partitions_of(settings: Settings, topic: str) -> list[int]:
    """Numbers of a topic's partitions, ascending. Raises TopicMissing."""
    async with admin(settings) as client:
        [described] = await client.describe_topics([topic])
    partitions = sorted(each["partition"] for each in described["partitions"])
    if not partitions:
        raise TopicMissing(topic)
    return partitions


async def create_topics(settings: Settings, topics: Iterable[Topic] = TOPICS) -> list[str]:
    """Creates the topics that do not exist yet; returns their full names.

    Raises KafkaError with the broker's words when it refuses one.
    """
    async with admin(settings) as client:
        present = set(await client.list_topics())
        missing = [
            topic for topic in topics if topic.full_name(settings.topic_prefix) not in present
        ]
        if not missing:
            return []
        response = await client.create_topics(
            [
                NewTopic(
                    topic.full_name(settings.topic_prefix),
                    topic.partitions,
                    settings.replication_factor,
                    topic_configs=topic.config,
                )
                for topic in missing
            ]
        )
    for name, code, message in response.topic_errors:
        error = for_code(code)
        # Another process may have been quicker; that is what we wanted anyway.
        if code != 0 and error.__name__ != "TopicAlreadyExistsError":
            raise KafkaError(f"the broker refused to create {name}: {message or error.__name__}")
    return [topic.full_name(settings.topic_prefix) for topic in missing]


async def create_topics_in_time(settings: Settings, say: Callable[[str], None]) -> None:
    """Creates the topics as soon as a broker answers; says once that it waits for one."""
    said = False
    while True:
        try:
            created = await create_topics(settings)
        except BrokerUnreachable as fault:
            if not said:
                say(f"waiting: {fault}")
            said = True
            await asyncio.sleep(CONNECT_PAUSE_SECONDS)
        else:
            if created:
                say(f"created topics {', '.join(created)}")
            return


async def wait_for_topics(
    settings: Settings, names: Iterable[str], say: Callable[[str], None]
) -> None:
    """Waits until a broker answers and has the topics; says what it waits for once each."""
    said: set[str] = set()
    while True:
        try:
            missing = sorted(set(names) - await existing_topics(settings))
        except BrokerUnreachable as fault:
            waiting_for = f"waiting: {fault}"
        else:
            if not missing:
                return
            waiting_for = f"waiting: topics missing ({', '.join(missing)}); create them with"
            waiting_for += " `babelwire topics create`"
        if waiting_for not in said:
            said.add(waiting_for)
            say(waiting_for)
        await asyncio.sleep(CONNECT_PAUSE_SECONDS)
