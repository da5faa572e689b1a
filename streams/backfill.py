"""Backfill: articles whose newest event an older version of a stage made go through it again.

The last topic carries every article whole, so what the stage once read is rebuilt from the event
itself. Only the first stage's input is not in it: that is looked for in the first topic, where it
is as long as the topic keeps it. What is sent is an ordinary record, and takes the ordinary way.

Live traffic comes first: no more records are sent than keep the stages' lag under a limit, and an
article that has something newer on its way is left alone.
"""

import asyncio
import multiprocessing
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Final, TypeAlias

import orjson
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, MessageSizeTooLargeError
from aiokafka.structs import ConsumerRecord, TopicPartition
from packaging.version import InvalidVersion, Version
from pebble import ProcessPool

from schemas import decode, encode
from schemas.base import SCHEMA_VERSION, Message
from schemas.identity import event_id
from streams import clients, reading
from streams.group import group_of
from streams.headers import BACKFILL, Headers, plain
from streams.settings import Settings
from streams.stage import Stage, Work
from streams.times import moment

HELD_SECONDS: Final = 0.5
# The same records are measured again at the earliest after this time.
MEASURE_SECONDS: Final = 0.2

Record: TypeAlias = "ConsumerRecord[bytes | None, bytes | None]"
Scanned = Callable[[], None]

_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<=": le,
    ">=": ge,
    "==": eq,
    "!=": ne,
    "=": eq,
    "<": lt,
    ">": gt,
}
_OPERATORS: Final[Mapping[str, tuple[str, ...]]] = {
    "version": tuple(_COMPARE),
    "language": ("=", "==", "!="),
    "source": ("=", "==", "!="),
    "since": ("=",),
}
_CLAUSE: Final = re.compile(
    r"\s*([a-z]+)\s*(<=|>=|==|!=|=|<|>)\s*(\"[^\"]*\"|'[^']*'|.+?)\s*(?:$|\s(?=and\s))"
)
_AND: Final = re.compile(r"\s*and\s+")
_UNKNOWN_VERSION: Final = Version("0")


class WhereError(ValueError):
    """A condition that cannot be read; the message says what was expected."""


@dataclass(frozen=True)
class Clause:
    """One comparison: of the stage's version, of language or source, or of the event's age."""

    field: str
    operator: str
    value: str | float | Version

    def accepts(self, stage: str, event: Mapping[str, Any], written_at: float) -> bool:
        """Whether an event (as loaded from JSON; written then) is meant."""
        if self.field == "since":
            return written_at >= float(str(self.value))
        has: Any
        if self.field == "version":
            has = made_by(stage, event)
        elif self.field == "language":
            has = language_of(event)
        else:
            has = event.get("source")
        return _COMPARE[self.operator](has, self.value)


@dataclass(frozen=True)
class Where:
    """All of the clauses must hold. `text` is what a person wrote."""

    text: str
    clauses: tuple[Clause, ...]

    def accepts(self, stage: str, event: Mapping[str, Any], written_at: float) -> bool:
        """Whether an event (as loaded from JSON; written then) is meant."""
        return all(clause.accepts(stage, event, written_at) for clause in self.clauses)


def parse(text: str, now: float) -> Where:
    """Reads a condition such as `version<1.2.0 and language=it and since=2d`.

    Values that contain `and` go in quotes. Raises WhereError.
    """
    clauses = []
    position = 0
    while True:
        found = _CLAUSE.match(text, position)
        if found is None or found[1] not in _OPERATORS:
            raise WhereError(
                f"cannot read {text[position:].strip()!r}: expected a comparison of version,"
                " language, source or since, joined with `and`, such as"
                " version<1.2.0 and language=it and source='Le Matin' and since=2d"
            )
        name, operator, value = found[1], found[2], found[3].strip("\"'")
        if operator not in _OPERATORS[name]:
            allowed = " ".join(_OPERATORS[name])
            raise WhereError(f"{name}{operator}{value}: {name} is compared with {allowed} only")
        clauses.append(Clause(name, operator, _value(name, value, now)))
        position = found.end()
        if position == len(text):
            return Where(text, tuple(clauses))
        joined = _AND.match(text, position)
        position = joined.end() if joined else position


def _value(name: str, value: str, now: float) -> str | float | Version:
    try:
        if name == "version":
            return Version(value)
        if name == "since":
            return moment(value, now)
    except InvalidVersion:
        raise WhereError(f"version {value}: expected a version such as 1.2.0") from None
    except ValueError as fault:
        raise WhereError(f"since={value}: {fault}") from None
    return value


def made_by(stage: str, event: Mapping[str, Any]) -> Version:
    """The version of the stage that made an event; 0 where the event does not say."""
    try:
        return Version((event.get("versions") or {})[stage])
    except (KeyError, InvalidVersion, TypeError, AttributeError):
        return _UNKNOWN_VERSION


def language_of(event: Mapping[str, Any]) -> object:
    """The language code of an event; None where it does not say."""
    language = event.get("language")
    return language.get("code") if isinstance(language, dict) else None


def rebuild(stage: Stage, earlier: Sequence[Stage], event: Mapping[str, Any]) -> bytes:
    """What the stage read when it made its part of this event, byte for byte unless messages have
    got new fields since. `earlier` are the stages before it.

    Raises ValueError when the event does not hold a valid input.
    """
    if stage.reads.schema is None:
        raise ValueError(f"topic {stage.reads.name} has no schema")
    said = event.get("versions") or {}
    versions = {each.name: said[each.name] for each in earlier if each.name in said}
    maker = earlier[-1].name
    for name in ("article_id", "content_hash"):
        if not isinstance(event.get(name), str):
            raise ValueError(f"the event has no {name}")
    if maker not in versions:
        raise ValueError(f"the event does not say which version of {maker} it went through")
    identity = event_id(event["article_id"], event["content_hash"], maker, versions[maker])
    return encode(
        stage.reads.schema.model_validate(
            {
                **event,
                "versions": versions,
                "event_id": identity,
                "schema_version": SCHEMA_VERSION,
            }
        )
    )


@dataclass(frozen=True)
class Place:
    """Where an article's record is, and what was found of it there. `written_at` is in seconds
    since the epoch, `wanted` whether the condition holds."""

    partition: int
    offset: int
    written_at: float
    wanted: bool
    version: str
    language: str

    def is_newer(self, other: "Place | None") -> bool:
        """Whether it comes after another. Within a partition offsets decide; between partitions
        (their number was raised, or the key changed) the clock does."""
        if other is None:
            return True
        if self.partition == other.partition:
            return self.offset > other.offset
        return self.written_at >= other.written_at


@dataclass
class Scan:
    """The articles to do again, by article_id, with the places of their newest events; how many
    events could not be read; and from where on to look for what is newer."""

    places: dict[str, Place]
    unreadable: int
    newer_from: dict[TopicPartition, int]

    def counts(self) -> Counter[tuple[str, str]]:
        """How many by version of the stage and language."""
        return Counter((place.version, place.language) for place in self.places.values())


@dataclass
class Located:
    """The articles that can be sent, by article_id, with the places of their input, or of what it
    is rebuilt from; and how many are `gone`."""

    topic: str
    places: dict[str, Place]
    gone: int = 0


@dataclass
class Progress:
    """How a backfill stands. `held_by` names the stage whose lag it waits for, with that lag."""

    sent: int = 0
    newer: int = 0
    unreadable: int = 0
    held_by: tuple[str, int] | None = None
    faults: list[str] = field(default_factory=list)


class Backfill:
    """One stage of a pipeline, and its articles that are to be done again."""

    def __init__(
        self, settings: Settings, pipeline: Sequence[Stage], stage: Stage, where: Where
    ) -> None:
        position = list(pipeline).index(stage)
        self._settings = settings
        self._stage = stage
        self._where = where
        self._earlier = pipeline[:position]
        self._from_here = pipeline[position:]
        self._after_first = pipeline[1:]
        self._input = stage.reads.full_name(settings.topic_prefix)
        self._events = pipeline[-1].writes.full_name(settings.topic_prefix)

    @property
    def events_topic(self) -> str:
        """The topic that is looked through."""
        return self._events

    async def scan(self, limit: int | None = None, scanned: Scanned = lambda: None) -> Scan:
        """Looks through all events for articles whose newest one the condition holds of."""
        newest: dict[str, Place] = {}
        unreadable = 0
        async with _looking(self._settings) as (client, consumer):
            newer_from = await self._newer_from(client, consumer)
        async for record in reading.follow(self._settings, self._events, 0.0, stop_at_end=True):
            scanned()
            event = _loaded(record)
            if event is None:
                unreadable += 1
                continue
            place = Place(
                record.partition,
                record.offset,
                record.timestamp / 1000,
                self._where.accepts(self._stage.name, event, record.timestamp / 1000),
                str(made_by(self._stage.name, event)),
                str(language_of(event)),
            )
            if place.is_newer(newest.get(event["article_id"])):
                newest[event["article_id"]] = place
        wanted = {article: place for article, place in newest.items() if place.wanted}
        chosen = dict(list(wanted.items())[:limit])
        return Scan(chosen, unreadable, newer_from)

    async def locate(self, scan: Scan, scanned: Scanned = lambda: None) -> Located:
        """Finds what is to be sent. Only for the first stage that takes a look at every record."""
        if self._earlier:
            return Located(self._events, scan.places)
        found: dict[str, Place] = {}
        identify = _Identify(self._stage, self._settings)
        try:
            async for record in reading.follow(self._settings, self._input, 0.0, stop_at_end=True):
                scanned()
                article = await identify.article_of(record.value)
                known = scan.places.get(article or "")
                if article is None or known is None:
                    continue
                place = Place(
                    record.partition,
                    record.offset,
                    record.timestamp / 1000,
                    True,
                    known.version,
                    known.language,
                )
                if place.is_newer(found.get(article)):
                    found[article] = place
        finally:
            identify.stop()
        return Located(self._input, found, gone=len(scan.places) - len(found))

    async def send(
        self,
        scan: Scan,
        located: Located,
        per_second: float,
        most_lag: int,
        report: Callable[[Progress], None],
    ) -> Progress:
        """Sends the articles to the stage's topic, slowly; calls `report` at each step.

        It holds back while this stage or a later one is `most_lag` records behind, and leaves
        alone an article of which something newer is on its way or through.
        """
        progress = Progress()
        wanted = {
            (place.partition, place.offset): article for article, place in located.places.items()
        }
        async with (
            _looking(self._settings) as (client, consumer),
            clients.reader(self._settings) as watcher,
            clients.producer(self._settings) as producer,
        ):
            watch = _Watch(watcher, scan.newer_from)
            await watch.catch_up()
            room = 0
            measured = 0.0
            async for record in reading.follow(
                self._settings, located.topic, 0.0, stop_at_end=True
            ):
                article = wanted.get((record.partition, record.offset))
                if article is None:
                    continue
                while room <= 0:
                    await asyncio.sleep(max(0.0, measured + MEASURE_SECONDS - time.monotonic()))
                    behind = await self._furthest_behind(client, consumer)
                    measured = time.monotonic()
                    room = most_lag - behind[1]
                    progress.held_by = behind if room <= 0 else None
                    report(progress)
                    if room <= 0:
                        await asyncio.sleep(HELD_SECONDS)
                if article in await watch.renewed():
                    progress.newer += 1
                    report(progress)
                    continue
                try:
                    key, value, headers = self._again(article, record)
                    await producer.send_and_wait(self._input, value, key=key, headers=headers)
                except (ValueError, MessageSizeTooLargeError) as fault:
                    progress.unreadable += 1
                    progress.faults.append(
                        f"{located.topic}/{record.partition}@{record.offset}: {fault}"
                    )
                    report(progress)
                    continue
                room -= 1
                progress.sent += 1
                report(progress)
                await asyncio.sleep(1 / per_second)
        return progress

    def _again(self, article: str, record: Record) -> tuple[bytes | None, bytes | None, Headers]:
        mark = (BACKFILL, f"{self._stage.name} where {self._where.text}".encode())
        if not self._earlier:
            # Under its own key, so that it stays in line with newer versions of the article.
            return record.key, record.value, [*plain(record.headers), mark]
        event = _loaded(record)
        if event is None:
            raise ValueError("the event is no JSON object with an article_id")
        return article.encode(), rebuild(self._stage, self._earlier, event), [mark]

    async def _newer_from(
        self, client: AIOKafkaAdminClient, consumer: AIOKafkaConsumer
    ) -> dict[TopicPartition, int]:
        """Where to look for newer versions: in what the stages after the first have still to read,
        and in the events from now on."""
        starts: dict[TopicPartition, int] = {}
        for stage in self._after_first:
            starts |= (await self._positions(client, consumer, stage))[0]
        partitions = await clients.partitions_of(self._settings, self._events)
        ends = await consumer.end_offsets(
            [TopicPartition(self._events, number) for number in partitions]
        )
        return starts | dict(ends)

    async def _positions(
        self, client: AIOKafkaAdminClient, consumer: AIOKafkaConsumer, stage: Stage
    ) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
        """Of each partition that the stage reads: its next offset, and the end."""
        prefix = self._settings.topic_prefix
        topic = stage.reads.full_name(prefix)
        numbers = await clients.partitions_of(self._settings, topic)
        partitions = [TopicPartition(topic, number) for number in numbers]
        try:
            committed = await client.list_consumer_group_offsets(group_of(stage, self._settings))
        except GroupCoordinatorNotAvailableError:
            committed = {}  # no group has ever met on this broker
        beginnings = await consumer.beginning_offsets(partitions)
        positions = {}
        for tp in partitions:
            known = committed.get(tp)
            positions[tp] = max(beginnings[tp], known.offset if known else 0)
        return positions, dict(await consumer.end_offsets(partitions))

    async def _furthest_behind(
        self, client: AIOKafkaAdminClient, consumer: AIOKafkaConsumer
    ) -> tuple[str, int]:
        """Of this stage and those after it, the one with the largest lag, and that lag."""
        lags = []
        for stage in self._from_here:
            positions, ends = await self._positions(client, consumer, stage)
            lags.append((sum(ends[tp] - positions[tp] for tp in ends), stage.name))
        lag, name = max(lags)
        return name, lag


class _Watch:
    """Notices of which articles something newer has come."""

    def __init__(self, consumer: AIOKafkaConsumer, starts: Mapping[TopicPartition, int]) -> None:
        self._consumer = consumer
        self._articles: set[str] = set()
        consumer.assign(list(starts))
        for tp, offset in starts.items():
            consumer.seek(tp, offset)

    async def catch_up(self) -> None:
        """Reads what there is already."""
        ends = await self._consumer.end_offsets(list(self._consumer.assignment()))
        while any([await self._consumer.position(tp) < end for tp, end in ends.items()]):
            self._note(await self._consumer.getmany(timeout_ms=reading.IDLE_MILLISECONDS))

    async def renewed(self) -> set[str]:
        """The article_ids that have something newer, as far as the broker has told."""
        while batches := await self._consumer.getmany(timeout_ms=0):
            self._note(batches)
        return self._articles

    def _note(self, batches: Mapping[TopicPartition, Iterable[Record]]) -> None:
        for batch in batches.values():
            self._articles |= {
                record.key.decode("utf-8", "replace") for record in batch if record.key
            }


class _Identify:
    """Tells which article a raw record is, as the first stage would: in a process of its own,
    since some records crash or hang their process."""

    def __init__(self, stage: Stage, settings: Settings) -> None:
        self._limit = settings.time_limit
        self._pool = ProcessPool(
            max_workers=1,
            initializer=_prepare,
            initargs=(stage, settings),
            context=multiprocessing.get_context("spawn"),
        )

    async def article_of(self, value: bytes | None) -> str | None:
        """The article_id; None for a record that the stage refuses."""
        future = self._pool.schedule(_article_of, args=(value,), timeout=self._limit)
        try:
            article: str | None = await asyncio.wrap_future(future)
        except Exception:  # noqa: BLE001 - whatever is wrong with a record, it gave no event
            return None
        return article

    def stop(self) -> None:
        """Ends the process."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join(timeout=5)


_prepared: tuple[type[Message], Work] | None = None


def _prepare(stage: Stage, settings: Settings) -> None:
    global _prepared
    if stage.reads.schema is not None:
        _prepared = stage.reads.schema, stage.load(settings)


def _article_of(value: bytes | None) -> str:
    if _prepared is None:
        raise RuntimeError("the process was not prepared")
    schema, work = _prepared
    return work(decode(schema, value)).article_id


@asynccontextmanager
async def _looking(
    settings: Settings,
) -> AsyncIterator[tuple[AIOKafkaAdminClient, AIOKafkaConsumer]]:
    async with clients.admin(settings) as client, clients.reader(settings) as consumer:
        yield client, consumer


def _loaded(record: Record) -> dict[str, Any] | None:
    try:
        event = orjson.loads(record.value or b"null")
    except orjson.JSONDecodeError:
        return None
    if not isinstance(event, dict) or not isinstance(event.get("article_id"), str):
        return None
    return event
