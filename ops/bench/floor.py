"""The least that exactly once can cost with aiokafka: `python -m ops.bench.floor SLOT`.

Consume, wait for company as long as babelwire does, produce and commit in one transaction; no work,
no pool, no ledger, no metrics, no watch on the lag, and nothing done about a rebalance or a fault.
"""

import asyncio
import signal
import sys
from typing import Final

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import TopicPartition

from ops.chaos.step import STAGE
from streams import clients
from streams.delivery import BUSY_LINGERS
from streams.settings import Settings
from streams.topics import LARGEST_RECORD_BYTES
from streams.transport import FETCH_WAIT_MS

NAME: Final = "ops.bench.floor"


async def loop(settings: Settings) -> None:
    """Runs until SIGTERM."""
    prefix = settings.topic_prefix
    group = f"{prefix}.{NAME}"
    sink = STAGE.writes.full_name(prefix)
    consumer = AIOKafkaConsumer(
        STAGE.reads.full_name(prefix),
        **clients.connection(settings),
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_wait_ms=FETCH_WAIT_MS,
        consumer_timeout_ms=clients.CONSUMER_IDLE_MS,
        metadata_max_age_ms=clients.METADATA_AGE_MS,
    )
    producer = AIOKafkaProducer(
        **clients.connection(settings),
        transactional_id=group,
        acks="all",
        max_request_size=LARGEST_RECORD_BYTES,
        metadata_max_age_ms=clients.METADATA_AGE_MS,
    )
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    await consumer.start()
    await producer.start()
    try:
        while not stopping.is_set():
            batches = await consumer.getmany(timeout_ms=5_000)
            if not batches:
                continue
            await asyncio.sleep(BUSY_LINGERS * settings.transaction_linger)
            for partition, more in (await consumer.getmany(timeout_ms=0)).items():
                batches[partition] = [*batches.get(partition, []), *more]
            async with producer.transaction():
                offsets: dict[TopicPartition, int] = {}
                for partition, records in batches.items():
                    for record in records:
                        headers = [(name, content or b"") for name, content in record.headers]
                        await producer.send(sink, record.value, record.key, headers=headers)
                        offsets[partition] = record.offset + 1
                await producer.send_offsets_to_transaction(offsets, group)
    finally:
        await consumer.stop()
        await producer.stop()


if __name__ == "__main__":
    assert sys.argv[1].isdigit()
    uvloop.run(loop(Settings()))
