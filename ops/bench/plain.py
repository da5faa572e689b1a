"""The same work in a plain aiokafka loop: `python -m ops.bench.plain SLOT`.

Consume, normalize, translate, tag, produce, commit, in one process without transactions, dead
letters, process pools or topics between the stages: the least that Kafka can cost, and at least
once. As many of them run as the machine has cores.
"""

import asyncio
import signal
import sys
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from agents.pipeline import PIPELINE
from ops.bench.engines import first_of_each_language
from schemas import decode, encode
from streams import clients
from streams.settings import Settings


async def loop(settings: Settings) -> None:
    """Runs until SIGTERM."""
    works = [(stage, stage.load(settings)) for stage in PIPELINE]

    def through(value: bytes) -> tuple[bytes, bytes]:
        for stage, work in works:
            schema: Any = stage.reads.schema
            done: Any = work(decode(schema, value))
            value = encode(done)
        return done.article_id.encode(), value

    for value in first_of_each_language():
        through(value)
    prefix = settings.topic_prefix
    consumer = AIOKafkaConsumer(
        PIPELINE[0].reads.full_name(prefix),
        **clients.connection(settings),
        group_id=f"{prefix}.plain",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        max_poll_interval_ms=600_000,
    )
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    await consumer.start()
    try:
        async with clients.producer(settings) as producer:
            while not stopping.is_set():
                for partition, records in (
                    await consumer.getmany(timeout_ms=200, max_records=4)
                ).items():
                    for record in records:
                        key, value = await asyncio.to_thread(through, record.value)
                        await producer.send_and_wait(
                            PIPELINE[-1].writes.full_name(prefix), value, key=key
                        )
                    place = TopicPartition(partition.topic, partition.partition)
                    await consumer.commit({place: records[-1].offset + 1})
    finally:
        await consumer.stop()


if __name__ == "__main__":
    assert sys.argv[1].isdigit()
    asyncio.run(loop(Settings()))
