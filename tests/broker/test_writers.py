"""Who may write for a partition, on a real broker: claims, fencing, and members passed over."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Literal

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from streams import clients
from streams.topics import NORMALIZED, RAW
from streams.writers import DeliveryFault, Output, Position, Transactions, _within
from tests.broker.harness import Desk, apart

GROUP_SUFFIX = "normalization"


class Member:
    """A member of the group that has partition 0 of the raw topic; the `Offsets` of a writer."""

    def __init__(self, desk: Desk, consumer: AIOKafkaConsumer) -> None:
        self.desk = desk
        self.consumer = consumer
        self.source = TopicPartition(desk.topic(RAW.name), 0)

    async def read(self) -> Mapping[int, Position]:
        async with clients.admin(self.desk.settings) as client:
            found = await client.list_consumer_group_offsets(self.desk.topic(GROUP_SUFFIX))
        known = found.get(self.source)
        return {0: Position(known.offset, known.metadata) if known else Position(0)}

    async def commit(self, positions: Mapping[int, Position]) -> None:
        await self.consumer.commit(
            {self.source: OffsetAndMetadata(positions[0].offset, positions[0].claim)}
        )

    def writer(self) -> Transactions:
        group = self.desk.topic(GROUP_SUFFIX)
        return Transactions(self.desk.settings, group, self.source.topic, f"{group}.host.0")


@asynccontextmanager
async def member(desk: Desk) -> AsyncIterator[Member]:
    """A static member; a second one throws the first out of the group."""
    consumer = AIOKafkaConsumer(
        desk.topic(RAW.name),
        **clients.connection(desk.settings),
        group_id=desk.topic(GROUP_SUFFIX),
        group_instance_id="host.0",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        yield Member(desk, consumer)
    finally:
        await consumer.stop()


def output(desk: Desk, value: bytes) -> Output:
    return Output(desk.topic(NORMALIZED.name), b"key", value, [])


def test_a_new_owner_ends_what_the_former_began_and_shuts_it_out(desk: Desk) -> None:
    async def play() -> None:
        async with member(desk) as owner:
            former, new = owner.writer(), owner.writer()
            assert await former.open(owner) == {0: 0}
            await former.commit([output(desk, b"first")], {0: 1})
            # As far as a former owner can get that is stopped in the middle of a transaction.
            stalled = former._producer
            await stalled.begin_transaction()
            await stalled.send_and_wait(desk.topic(NORMALIZED.name), b"doubled", key=b"key")
            await stalled.send_offsets_to_transaction(
                {owner.source: OffsetAndMetadata(2, "")}, desk.topic(GROUP_SUFFIX)
            )
            assert await new.open(owner) == {0: 1}
            with pytest.raises(DeliveryFault, match="taken the partitions over"):
                await _within(desk.settings, "end", stalled.commit_transaction())
            await new.commit([output(desk, b"second")], {0: 2})
            assert (await owner.read())[0].offset == 2
            await former.close()
            await new.close()

    apart(play())
    assert [record.value for record in desk.records("normalized")] == [b"first", b"second"]


@pytest.mark.parametrize("packed", ["none", "gzip", "lz4", "snappy", "zstd"])
def test_outputs_are_packed_as_the_setting_says_and_read_whatever_it_says(
    desk: Desk,
    packed: Literal["none", "gzip", "lz4", "snappy", "zstd"],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    desk.settings = desk.settings.model_copy(update={"compression": packed})
    text = b"the same words again " * 500

    async def play() -> None:
        async with member(desk) as owner:
            writer = owner.writer()
            await writer.open(owner)
            await writer.commit([output(desk, text)], {0: 1})
            await writer.close()

    apart(play())
    assert [record.value for record in desk.records("normalized")] == [text]
    segments = tmp_path_factory.getbasetemp().rglob(f"{desk.topic(NORMALIZED.name)}-*/*.log")
    written = sum(segment.stat().st_size for segment in segments)
    assert (len(text) < written) == (packed == "none")
    assert written > 0


def test_each_commit_says_who_has_the_partition(desk: Desk) -> None:
    async def play() -> None:
        async with member(desk) as owner:
            writer = owner.writer()
            await writer.open(owner)
            claimed = await owner.read()
            await writer.commit([output(desk, b"first")], {0: 1})
            assert await owner.read() == {0: Position(1, claimed[0].claim)}
            assert claimed[0].claim.startswith(f"{desk.topic(GROUP_SUFFIX)}.host.0.")
            await writer.close()

    apart(play())


def test_a_member_that_the_group_has_passed_over_cannot_take_a_partition(desk: Desk) -> None:
    async def play() -> None:
        async with member(desk) as late:
            late_writer = late.writer()
            async with member(desk) as owner:
                writer = owner.writer()
                await writer.open(owner)
                claimed = await owner.read()
                with pytest.raises(DeliveryFault, match="rebalanced"):
                    await late_writer.open(late)
                assert await owner.read() == claimed
                await late_writer.close()
                await writer.close()

    apart(play())
