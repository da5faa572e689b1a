"""What the metrics record of an enriched event."""

from collections import Counter
from datetime import UTC, datetime
from typing import get_args

from schemas import EnrichedEvent, EntityType, PublishedAt
from streams.metrics import ENTITIES, PUBLICATION_AGE_SECONDS, Measure, Sample


def measure(event: EnrichedEvent) -> list[Measure]:
    """Entities by type, none included, and the moment of publication where it is known."""
    counts = Counter(entity.type for entity in event.entities)
    found: list[Measure] = [
        Sample(ENTITIES, counts[kind], (("type", kind),)) for kind in get_args(EntityType)
    ]
    published = event.published_at
    if published is not None and (moment := _moment(published)) is not None:
        found.append(Sample(PUBLICATION_AGE_SECONDS, moment, (("precision", published.precision),)))
    return found


def _moment(published: PublishedAt) -> float | None:
    """Seconds since the epoch; what has no zone is taken as UTC."""
    if published.precision not in ("day", "time"):
        return None
    try:
        read = datetime.fromisoformat(published.value)
    except ValueError:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
