"""Consumer groups: what a stage's is called, and what it has shared out among its members."""

from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocol

from streams.settings import Settings
from streams.stage import Stage

STABLE: Final = "Stable"


def group_of(stage: Stage, settings: Settings) -> str:
    """The stage's consumer group, such as `babelwire.translation`."""
    return f"{settings.topic_prefix}.{stage.name}"


async def shares(client: AIOKafkaAdminClient, group: str) -> tuple[str, list[bytes]]:
    """The group's state, as Kafka names it, and each member's assignment, empty for none.

    Raises GroupCoordinatorNotAvailableError when no group has ever met on this broker.
    """
    # One group a call: aiokafka 0.14 misreads an answer that describes several.
    [answer] = await client.describe_consumer_groups([group])
    [(_, _, state, _, _, members, *_)] = answer.groups
    return state, [member[4] for member in members]


async def left_out(client: AIOKafkaAdminClient, group: str, topic: str) -> set[int]:
    """Partitions of the topic that no member reads; none while the group is being rearranged.

    When a topic gets more partitions, the group's leader is to notice and share them out. A static
    member that comes back after a crash gets its old share without a new round, and is not told
    that it is the leader (Kafka's KIP-814): then nobody notices.
    """
    state, assignments = await shares(client, group)
    if state != STABLE:
        return set()
    taken: set[int] = set()
    for assignment in filter(None, assignments):
        for name, partitions in ConsumerProtocol.ASSIGNMENT.decode(assignment).assignment:
            taken |= set(partitions) if name == topic else set()
    [described] = await client.describe_topics([topic])
    return {each["partition"] for each in described["partitions"]} - taken
