"""Record headers: CloudEvents (Kafka binding, binary mode), W3C trace context, and our own.

Sources: the CloudEvents Kafka Protocol Binding 1.0.2 and W3C Trace Context Level 1.
"""

import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from schemas.base import SCHEMA_VERSION

RAW_TIMESTAMP: Final = "babelwire-raw-timestamp"
# Why an article goes through the pipeline again; it travels along to the event.
BACKFILL: Final = "babelwire-backfill"
_TRACEPARENT: Final = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})")

Headers = list[tuple[str, bytes]]


def plain(raw: Iterable[tuple[str, bytes | None]]) -> Headers:
    """Headers as a Kafka client gives them, with empty bytes where a value is null."""
    return [(name, value or b"") for name, value in raw]


def of_event(
    stage: str,
    topic: str,
    event_id: str,
    incoming: Iterable[tuple[str, bytes]],
    raw_timestamp: float,
    now: float,
) -> Headers:
    """Headers of an output record. `raw_timestamp` and `now` are seconds since the epoch."""
    incoming = list(incoming)
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", event_id.encode()),
        ("ce_type", f"{topic}.v{SCHEMA_VERSION.split('.')[0]}".encode()),
        ("ce_source", f"/babelwire/{stage}".encode()),
        ("ce_time", timestamp(now).encode()),
        ("content-type", b"application/json"),
        ("traceparent", child_traceparent(incoming).encode()),
        (RAW_TIMESTAMP, str(round(raw_timestamp * 1000)).encode()),
        *((name, value) for name, value in incoming if name == BACKFILL),
    ]


def child_traceparent(incoming: Iterable[tuple[str, bytes]]) -> str:
    """A `traceparent` of the same trace with a span of its own; a new trace where none is valid."""
    for name, value in incoming:
        if name == "traceparent":
            found = _TRACEPARENT.fullmatch(value.decode("ascii", "replace"))
            if found and set(found[1]) != {"0"}:
                return f"00-{found[1]}-{secrets.token_hex(8)}-{found[2]}"
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def raw_timestamp(incoming: Iterable[tuple[str, bytes]], record_timestamp: float) -> float:
    """When the raw record was written, in seconds: from the header, else the record's own."""
    for name, value in incoming:
        if name == RAW_TIMESTAMP and value.isdigit():
            return int(value) / 1000
    return record_timestamp


def timestamp(seconds: float) -> str:
    """ISO 8601 in UTC with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
