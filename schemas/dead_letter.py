"""`babelwire.dead-letters`: a record that could not be processed, untouched, with the reason.

The value and key of the record are those of the failed one, byte for byte; what this model
describes travels in headers, so that a replay needs nothing but the record itself.
"""

from collections.abc import Iterable
from typing import Self

from schemas.base import SCHEMA_VERSION, Message, Reason

HEADER_PREFIX = "babelwire-"


class Unprocessable(Exception):
    """Raised by a stage's work for input that no retry will help: the record becomes a dead letter.

    `error` names what was wrong and what to do about it, without quoting article text.
    """

    def __init__(self, reason: Reason, error: str) -> None:
        super().__init__(reason, error)
        self.reason: Reason = reason
        self.error = error


class DeadLetter(Message):
    """Why and where a record failed. One header per field, named `babelwire-<field>`."""

    schema_version: str = SCHEMA_VERSION
    stage: str
    stage_version: str
    reason: Reason
    error: str
    attempts: int
    source_topic: str
    source_partition: int
    source_offset: int
    failed_at: str

    def to_headers(self) -> list[tuple[str, bytes]]:
        """The fields as Kafka headers."""
        return [
            (HEADER_PREFIX + name.replace("_", "-"), str(value).encode())
            for name, value in self.model_dump().items()
        ]

    @classmethod
    def from_headers(cls, headers: Iterable[tuple[str, bytes]]) -> Self:
        """Reads the fields back. Raises pydantic.ValidationError when one is missing or wrong."""
        fields = {
            name.removeprefix(HEADER_PREFIX).replace("-", "_"): value.decode()
            for name, value in headers
            if name.startswith(HEADER_PREFIX)
        }
        return cls.model_validate_strings(fields)
