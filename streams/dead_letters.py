"""Looking through the dead letters and sending them back to the stage that refused them.

The topic may hold more than memory does, so letters are read as a stream, and read again where
they are sent; of those in between only the places are kept.
"""

import asyncio
import heapq
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.structs import ConsumerRecord

from schemas import DeadLetter
from schemas.dead_letter import HEADER_PREFIX
from streams import clients, reading
from streams.headers import Headers, plain
from streams.settings import Settings
from streams.topics import DEAD_LETTERS

REPLAY_COUNT: Final = "babelwire-replay-count"
# Which dead letter a record is a replay of, as `partition@offset`.
REPLAY_OF: Final = "babelwire-replay-of"
# What failed this often will fail again; going on would be a loop.
MOST_REPLAYS: Final = 3

Scanned = Callable[[], None]


@dataclass(frozen=True)
class Filter:
    """Which dead letters are meant; None means any. `since` (included) and `until` (not included)
    are when a letter was written, in seconds since the epoch."""

    stage: str | None = None
    reason: str | None = None
    source: str | None = None
    language: str | None = None
    since: float = 0.0
    until: float | None = None

    def accepts(self, letter: DeadLetter, value: bytes | None, written_at: float) -> bool:
        """Whether a letter with this record value is meant."""
        return (
            self.stage in (None, letter.stage)
            and self.reason in (None, letter.reason)
            and (self.source is None or self.source == reading.source_of(value))
            and (self.language is None or self.language == reading.language_of(value))
            and self.since <= written_at
            and (self.until is None or written_at < self.until)
        )


@dataclass(frozen=True)
class Found:
    """One dead letter. `place` is `partition@offset` in the dead-letter topic, `record` what lies
    there, `written_at` seconds since the epoch, `replays` how often it was replayed before."""

    place: str
    letter: DeadLetter
    record: ConsumerRecord[bytes | None, bytes | None]
    written_at: float
    replays: int

    @property
    def is_worn(self) -> bool:
        """Whether it was replayed so often that another time would be a loop."""
        return self.replays >= MOST_REPLAYS

    def about(self) -> dict[str, Any]:
        """What there is to tell of it, as plain JSON and without its text."""
        letter = self.letter
        return {
            "place": self.place,
            "written_at": datetime.fromtimestamp(self.written_at, UTC).isoformat("T", "seconds"),
            **letter.model_dump(),
            "source": reading.source_of(self.record.value),
            "language": reading.language_of(self.record.value),
            "bytes": len(self.record.value or b""),
            "replays": self.replays,
        }


@dataclass
class Group:
    """Dead letters of one stage with one reason: how many, when (seconds since the epoch), and
    the newest of them as `Found.about` tells it, newest first."""

    stage: str
    reason: str
    count: int = 0
    oldest: float = float("inf")
    newest: float = 0.0
    samples: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Plan:
    """What a replay will do: the places of the letters to send, and how many of those that are
    wanted stay where they are because they were replayed too often (`worn`) or because a replay of
    them has failed again, so that a newer letter stands for them (`replaced`)."""

    places: set[str]
    worn: int
    replaced: int


def replay_headers(incoming: Headers, place: str) -> Headers:
    """The headers that a replayed record carries: its own, without those that told of the failure,
    and one more replay counted, of the letter at `place`."""
    told = {HEADER_PREFIX + name.replace("_", "-") for name in DeadLetter.model_fields}
    kept = [pair for pair in incoming if pair[0] not in told | {REPLAY_COUNT, REPLAY_OF}]
    count = str(replays_of(incoming) + 1).encode()
    return [*kept, (REPLAY_COUNT, count), (REPLAY_OF, place.encode())]


def replays_of(incoming: Headers) -> int:
    """How often a record was replayed already."""
    counts = [value for name, value in incoming if name == REPLAY_COUNT and value.isdigit()]
    return int(counts[-1]) if counts else 0


async def find(
    settings: Settings, wanted: Filter, scanned: Scanned = lambda: None
) -> AsyncIterator[Found]:
    """The dead letters that the topic holds now, of those that are wanted.

    `scanned` is called for each record that was looked at.
    """
    async for found in _letters(settings, wanted.since):
        scanned()
        if found is not None and wanted.accepts(found.letter, found.record.value, found.written_at):
            yield found


async def at(settings: Settings, partition: int, offset: int) -> Found | None:
    """The dead letter at one place; None when there is none (any more)."""
    topic = DEAD_LETTERS.full_name(settings.topic_prefix)
    record = await reading.record_at(settings, topic, partition, offset)
    return read(record) if record else None


async def summary(
    settings: Settings, wanted: Filter, samples: int, scanned: Scanned = lambda: None
) -> list[Group]:
    """The wanted letters by stage and reason, with up to so many samples of each."""
    groups: dict[tuple[str, str], Group] = {}
    newest: dict[tuple[str, str], list[tuple[float, str, dict[str, Any]]]] = {}
    async for found in find(settings, wanted, scanned):
        of = found.letter.stage, str(found.letter.reason)
        group = groups.setdefault(of, Group(*of))
        group.count += 1
        group.oldest = min(group.oldest, found.written_at)
        group.newest = max(group.newest, found.written_at)
        heap = newest.setdefault(of, [])
        if len(heap) < samples or (heap and found.written_at > heap[0][0]):
            heapq.heappush(heap, (found.written_at, found.place, found.about()))
            if len(heap) > samples:
                heapq.heappop(heap)
    for of, group in groups.items():
        group.samples = [about for _, _, about in sorted(newest[of], reverse=True)]
    return [groups[of] for of in sorted(groups)]


async def plan(settings: Settings, wanted: Filter, scanned: Scanned = lambda: None) -> Plan:
    """Looks through the topic and says what a replay of the wanted letters would send.

    Of a record that was replayed and failed again only the newest letter is sent, so that replaying
    again and again sends it MOST_REPLAYS times and then never more.
    """
    chosen: set[str] = set()
    worn: set[str] = set()
    replaced: set[str] = set()
    async for found in _letters(settings, wanted.since):
        scanned()
        if found is None:
            continue
        for name, value in plain(found.record.headers):
            if name == REPLAY_OF:
                replaced.add(value.decode("ascii", "replace"))
        if wanted.accepts(found.letter, found.record.value, found.written_at):
            (worn if found.is_worn else chosen).add(found.place)
    return Plan(chosen - replaced, len(worn - replaced), len((chosen | worn) & replaced))


async def replay(
    settings: Settings,
    wanted: Filter,
    places: set[str],
    per_second: float,
    report: Callable[[Found, str | None], None],
) -> int:
    """Sends the letters at `places` back to the topics they came from; returns how many went.

    Calls `report` for each with None, or with why it could not go. The dead letters stay where
    they are: replaying one twice gives the same event twice, under the same event_id.
    """
    sent = 0
    present = await clients.existing_topics(settings)
    async with clients.producer(settings) as producer:
        async for found in find(settings, wanted):
            if found.place not in places:
                continue
            topic = found.letter.source_topic
            if topic not in present:
                report(found, f"its topic {topic} does not exist, or is not for us to see")
                continue
            try:
                await producer.send_and_wait(
                    topic,
                    found.record.value,
                    key=found.record.key,
                    headers=replay_headers(plain(found.record.headers), found.place),
                )
            except MessageSizeTooLargeError:
                report(found, f"it is larger than {topic} takes")
                continue
            sent += 1
            report(found, None)
            await asyncio.sleep(1 / per_second)
    return sent


async def _letters(settings: Settings, since: float) -> AsyncIterator[Found | None]:
    topic = DEAD_LETTERS.full_name(settings.topic_prefix)
    async for record in reading.follow(settings, topic, since, stop_at_end=True):
        yield read(record)


def read(record: ConsumerRecord[bytes | None, bytes | None]) -> Found | None:
    """A record of the topic as a dead letter; None when some other program wrote it."""
    letter = reading.letter_of(record)
    if letter is None:
        return None
    place = f"{record.partition}@{record.offset}"
    return Found(place, letter, record, record.timestamp / 1000, replays_of(plain(record.headers)))
