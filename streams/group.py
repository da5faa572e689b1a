"""What a consumer group has shared out among its members."""

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocol

STABLE = "Stable"


async def left_out(client: AIOKafkaAdminClient, group: str, topic: str) -> set[int]:
    """Partitions of the topic that no member reads; none while the group is being rearranged.

    When a topic gets more partitions, the group's leader is to notice and share them out. A static
    member that comes back after a crash gets its old share without a new round, and is not told
    that it is the leader (Kafka's KIP-814): then nobody notices.
    """
    [answer] = await client.describe_consumer_groups([group])
    taken: set[int] = set()
    for _, _, state, _, _, members, *_ in answer.groups:
        if state != STABLE:
            return set()
        for member in members:
            if member[4]:
                for name, partitions in ConsumerProtocol.ASSIGNMENT.decode(member[4]).assignment:
                    taken |= set(partitions) if name == topic else set()
    [described] = await client.describe_topics([topic])
    return {each["partition"] for each in described["partitions"]} - taken
