"""The plain implementations that serve as the negative control.

They are what a competent user would write from the documentation of Faust and of aiokafka: acks
from all replicas, bad records to a dead-letter topic, an engine that is away is waited for, Faust's
agent sends and goes on, the plain loop commits what has been acknowledged. What they lack is what
this project is about.

A record that kills or outlasts its process would stop them for ever, since they do their work in
the process that reads; for them such a record is merely refused.

`python -m ops.chaos.targets stock-faust|concurrent-faust|plain-aiokafka SLOT` runs one worker.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any, Final

import faust
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import CommitFailedError, IllegalStateError
from aiokafka.structs import TopicPartition

from ops.chaos.records import EXTRA, REASON_OF
from ops.chaos.step import STAGE, STEP_MS, load
from schemas import DeadLetter
from streams.headers import Headers, timestamp
from streams.settings import Settings
from streams.stage import Attempt, Deferred, Failed, Outcome, Produced, attempt
from streams.topics import DEAD_LETTERS

STOCK_FAUST: Final = "stock-faust"
PLAIN_AIOKAFKA: Final = "plain-aiokafka"
# The same agent with the concurrency that Faust's documentation offers for work that waits.
CONCURRENT_FAUST: Final = "concurrent-faust"
NAMES: Final = (STOCK_FAUST, CONCURRENT_FAUST, PLAIN_AIOKAFKA)
CONCURRENCY: Final = 8
_RETRY_SECONDS: Final = 0.5

Step = Callable[[bytes | None], Attempt]


def group_of(target: str, settings: Settings) -> str:
    """The consumer group of a target."""
    return f"{settings.topic_prefix}.{target}"


def step_of(settings: Settings) -> Step:
    """The synthetic stage as a function from a record's value to what became of it."""
    work = load(settings)

    def step(value: bytes | None) -> Attempt:
        instruction = _instruction(value)
        if instruction in REASON_OF:
            return Failed(REASON_OF[instruction], f"told to {instruction}")  # type: ignore[arg-type]
        return attempt(STAGE, work, value, settings.max_record_bytes)

    return step


async def patiently(step: Step, value: bytes | None) -> Outcome:
    """The outcome, as soon as the engine is there."""
    slow = float(os.environ.get(STEP_MS, "0")) > 0
    while True:
        # What takes time must not hold up the heartbeats.
        became = await asyncio.to_thread(step, value) if slow else step(value)
        if not isinstance(became, Deferred):
            return became
        await asyncio.sleep(_RETRY_SECONDS)


def message_of(
    outcome: Outcome,
    value: bytes | None,
    key: bytes | None,
    place: tuple[str, int, int],
    headers: Headers,
    settings: Settings,
) -> tuple[str, bytes | None, bytes | None, Headers]:
    """Topic, key, value and headers of what an outcome becomes; `place` is topic, partition and
    offset of the record."""
    prefix = settings.topic_prefix
    if isinstance(outcome, Produced):
        return STAGE.writes.full_name(prefix), outcome.key, outcome.value, []
    topic, partition, offset = place
    letter = DeadLetter(
        stage=STAGE.name,
        stage_version=STAGE.version,
        reason=outcome.reason,
        error=outcome.error,
        attempts=1,
        source_topic=topic,
        source_partition=partition,
        source_offset=offset,
        failed_at=timestamp(time.time()),
    )
    return DEAD_LETTERS.full_name(prefix), key, value, [*headers, *letter.to_headers()]


def faust_app(target: str, settings: Settings, slot: int) -> faust.App:
    """An ordinary Faust app, at-least-once: an agent that sends to a topic and takes the next."""
    app = faust.App(
        group_of(target, settings),
        broker=[f"kafka://{host}" for host in settings.bootstrap_servers.split(",")],
        autodiscover=False,
        web_enabled=False,
        datadir=str(settings.state_dir / f"{target}-{slot}"),
        key_serializer="raw",
        value_serializer="raw",
        producer_acks=-1,
        broker_session_timeout=10.0,
        broker_heartbeat_interval=3.0,
        broker_request_timeout=15.0,
        topic_allow_declare=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
    )
    source = app.topic(STAGE.reads.full_name(settings.topic_prefix), value_type=bytes)
    sinks: dict[str, Any] = {
        topic: app.topic(topic)
        for topic in (
            each.full_name(settings.topic_prefix) for each in (STAGE.writes, DEAD_LETTERS)
        )
    }
    step = step_of(settings)

    @app.agent(
        source, name=STAGE.name, concurrency=CONCURRENCY if target == CONCURRENT_FAUST else 1
    )
    async def process(stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            outcome = await patiently(step, message.value)
            headers = list(dict(message.headers or ()).items())
            place = (message.topic, message.partition, message.offset)
            topic, key, value, out_headers = message_of(
                outcome, message.value, message.key, place, headers, settings
            )
            await sinks[topic].send(key=key, value=value, headers=out_headers)

    return app


async def plain_loop(settings: Settings) -> None:
    """Consume, work, produce, commit: the loop of aiokafka's documentation for manual commits."""
    consumer = AIOKafkaConsumer(
        STAGE.reads.full_name(settings.topic_prefix),
        bootstrap_servers=settings.bootstrap_servers,
        group_id=group_of(PLAIN_AIOKAFKA, settings),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        session_timeout_ms=10_000,
        fetch_max_wait_ms=200,
        metadata_max_age_ms=5_000,
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap_servers,
        acks="all",
        enable_idempotence=True,
        linger_ms=5,
    )
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    step = step_of(settings)
    await consumer.start()
    await producer.start()
    try:
        while not stopping.is_set():
            batches = await consumer.getmany(timeout_ms=200, max_records=500)
            sent = []
            offsets: dict[TopicPartition, int] = {}
            for partition, records in batches.items():
                for record in records:
                    outcome = await patiently(step, record.value)
                    place = (record.topic, record.partition, record.offset)
                    headers = [(name, content or b"") for name, content in record.headers]
                    topic, key, value, out_headers = message_of(
                        outcome, record.value, record.key, place, headers, settings
                    )
                    sent.append(
                        await producer.send(topic, value=value, key=key, headers=out_headers)
                    )
                    offsets[partition] = record.offset + 1
            await asyncio.gather(*sent)
            try:
                if offsets:
                    await consumer.commit(offsets)
            except (CommitFailedError, IllegalStateError):
                # The group was rebalanced; whoever has the partitions now takes these again.
                continue
    finally:
        await consumer.stop()
        await producer.stop()


def main(target: str, slot: int) -> None:
    """Runs one worker in the foreground until SIGTERM."""
    settings = Settings()
    if target in (STOCK_FAUST, CONCURRENT_FAUST):
        settings.state_dir.mkdir(parents=True, exist_ok=True)
        worker = faust.Worker(
            faust_app(target, settings, slot),
            loglevel="WARNING",
            quiet=True,
            redirect_stdouts=False,
        )
        worker.execute_from_commandline()
    else:
        asyncio.run(plain_loop(settings))


def _instruction(value: bytes | None) -> Any:
    try:
        return orjson.loads(value or b"")["extra"][EXTRA].get("do")
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return None


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
