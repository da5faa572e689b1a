"""What each stage may do on the broker: its ACLs, declared in this one place.

A stage reads its input with its consumer group, and writes its output and the dead letters in
transactions of its own. It needs nothing else, and so may do nothing else.
"""

from dataclasses import dataclass
from typing import Literal

from streams.stage import Stage
from streams.topics import DEAD_LETTERS

Resource = Literal["topic", "group", "transactional-id"]


@dataclass(frozen=True)
class Acl:
    """Lets `principal` (such as `User:babelwire.tagging`) do one operation on one resource, or on
    all whose names begin with `name` where it is `prefixed`. Read and Write include Describe."""

    principal: str
    operation: Literal["Read", "Write"]
    resource: Resource
    name: str
    prefixed: bool = False

    @property
    def arguments(self) -> str:
        """The arguments that `kafka-acls.sh --bootstrap-server …` takes to add it."""
        pattern = " --resource-pattern-type prefixed" if self.prefixed else ""
        return (
            f"--add --allow-principal {self.principal} --operation {self.operation}"
            f" --{self.resource} {self.name}{pattern}"
        )


def principal_of(stage: Stage, prefix: str) -> str:
    """The principal that a stage runs under unless another is named."""
    return f"User:{prefix}.{stage.name}"


def needed(stage: Stage, prefix: str, principal: str | None = None) -> list[Acl]:
    """All that the workers of a stage need, for topics under `prefix`."""
    who = principal or principal_of(stage, prefix)
    group = f"{prefix}.{stage.name}"
    return [
        Acl(who, "Read", "topic", stage.reads.full_name(prefix)),
        Acl(who, "Read", "group", group),
        Acl(who, "Write", "topic", stage.writes.full_name(prefix)),
        Acl(who, "Write", "topic", DEAD_LETTERS.full_name(prefix)),
        # Each worker has one for every assignment: `<prefix>.<stage>.<host>.<slot>.<token>`.
        Acl(who, "Write", "transactional-id", f"{group}.", prefixed=True),
    ]
