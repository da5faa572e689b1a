"""Looking through the dead letters and sending them back to the stage that refused them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson

from schemas import DeadLetter
from schemas.dead_letter import HEADER_PREFIX
from streams import clients, reading
from streams.headers import Headers, plain
from streams.settings import Settings
from streams.topics import DEAD_LETTERS

REPLAY_COUNT: Final = "babelwire-replay-count"
# What failed this often will fail again; going on would be a loop.
MOST_REPLAYS: Final = 3


@dataclass(frozen=True)
class Filter:
    """Which dead letters are meant; None means any. `since` is in seconds since the epoch."""

    stage: str | None = None
    reason: str | None = None
    source: str | None = None
    since: float = 0.0

    def accepts(self, letter: DeadLetter, value: bytes | None) -> bool:
        """Whether a letter with this record value is meant."""
        return (
            self.stage in (None, letter.stage)
            and self.reason in (None, letter.reason)
            and self.source in (None, source_of(value))
        )


@dataclass(frozen=True)
class Found:
    """One dead letter. `place` is `partition@offset` in the dead-letter topic, `record` the
    aiokafka ConsumerRecord there."""

    place: str
    letter: DeadLetter
    record: Any
    replays: int

    @property
    def is_worn(self) -> bool:
        """Whether it was replayed so often that another time would be a loop."""
        return self.replays >= MOST_REPLAYS


def source_of(value: bytes | None) -> str | None:
    """The article's source, where the record still tells it."""
    try:
        loaded = orjson.loads(value or b"null")
    except orjson.JSONDecodeError:
        return None
    source = loaded.get("source") if isinstance(loaded, dict) else None
    return source if isinstance(source, str) else None


def replay_headers(incoming: Headers) -> Headers:
    """The headers that a replayed record carries: its own, without those that told of the failure,
    and one more replay counted."""
    told = {HEADER_PREFIX + name.replace("_", "-") for name in DeadLetter.model_fields}
    kept = [pair for pair in incoming if pair[0] not in told | {REPLAY_COUNT}]
    return [*kept, (REPLAY_COUNT, str(replays_of(incoming) + 1).encode())]


def replays_of(incoming: Headers) -> int:
    """How often a record was replayed already."""
    counts = [value for name, value in incoming if name == REPLAY_COUNT and value.isdigit()]
    return int(counts[-1]) if counts else 0


async def find(settings: Settings, wanted: Filter) -> AsyncIterator[Found]:
    """The dead letters that the topic holds now, of those that are wanted."""
    topic = DEAD_LETTERS.full_name(settings.topic_prefix)
    async for record in reading.follow(settings, topic, wanted.since, stop_at_end=True):
        letter = reading.letter_of(record)
        if letter is not None and wanted.accepts(letter, record.value):
            place = f"{record.partition}@{record.offset}"
            yield Found(place, letter, record, replays_of(plain(record.headers)))


async def replay(
    settings: Settings, letters: list[Found], per_second: float, report: Callable[[Found], None]
) -> int:
    """Sends the records back to the topics they came from; returns how many.

    Letters that were replayed MOST_REPLAYS times are left alone. The dead letters stay where they
    are: replaying them twice gives the same event twice, under the same event_id.
    """
    sent = 0
    async with clients.producer(settings) as producer:
        for found in letters:
            if found.is_worn:
                continue
            await producer.send_and_wait(
                found.letter.source_topic,
                found.record.value,
                key=found.record.key,
                headers=replay_headers(plain(found.record.headers)),
            )
            sent += 1
            report(found)
            await asyncio.sleep(1 / per_second)
    return sent
