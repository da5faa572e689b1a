"""The page's event stream as text: places to resume from, filters, framing. Pure.

The form is that of server-sent events (HTML Living Standard, 9.2). An event's id is the place in
the topic just after it, `<partition>:<next offset>` of every partition, so that a reader who comes
back with the last id it saw misses nothing, whichever server answers.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import orjson

_PLACE: Final = re.compile(r"\d{1,6}:\d{1,18}(,\d{1,6}:\d{1,18})*")
MOST_NEWEST: Final = 200


class BadQuery(ValueError):
    """A query that cannot be meant; the words say what would do."""


@dataclass(frozen=True)
class Position:
    """The next offset of each partition.

    >>> str(Position.parse("1:7,0:12").after(1, 9))
    '0:12,1:10'
    """

    offsets: Mapping[int, int]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads an event id. Raises BadQuery."""
        if not _PLACE.fullmatch(text):
            raise BadQuery(
                "an event id is PARTITION:OFFSET,… as this server gave it, such as 0:12,1:7"
            )
        pairs = (pair.split(":") for pair in text.split(","))
        return cls({int(partition): int(offset) for partition, offset in pairs})

    def after(self, partition: int, offset: int) -> "Position":
        """The position once the record at `offset` has been read."""
        return Position({**self.offsets, partition: offset + 1})

    def __str__(self) -> str:
        return ",".join(f"{each}:{offset}" for each, offset in sorted(self.offsets.items()))


@dataclass(frozen=True)
class Filter:
    """Which events are wanted; empty means any. Of several languages (entities, sources) any will
    do. An entity is named by its id, or by part of its name."""

    languages: frozenset[str] = frozenset()
    entities: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """Reads `language`, `entity` and `source`, each with commas between several."""

        def several(name: str) -> frozenset[str]:
            parts = (part.strip().casefold() for part in query.get(name, "").split(","))
            return frozenset(part for part in parts if part)

        return cls(several("language"), several("entity"), several("source"))

    def accepts(self, event: Mapping[str, Any]) -> bool:
        """Whether an enriched event, as plain JSON, is wanted."""
        return (
            (not self.languages or event["language"]["code"].casefold() in self.languages)
            and (not self.sources or (event["source"] or "").casefold() in self.sources)
            and (not self.entities or any(map(self._names, event["entities"])))
        )

    def _names(self, entity: Mapping[str, Any]) -> bool:
        identity, name = entity["id"].casefold(), entity["name"].casefold()
        return any(wanted == identity or wanted in name for wanted in self.entities)


@dataclass(frozen=True)
class Query:
    """What a reader asked for: which events, from where on, and whether the state of the flow is to
    come with them."""

    wanted: Filter
    start: Position | None
    newest: int
    flow: bool

    @classmethod
    def of(cls, query: Mapping[str, str], last_event_id: str | None) -> Self:
        """Reads a request. The header wins over `after`, since it is the later word of the two.
        Raises BadQuery."""
        unknown = query.keys() - {"language", "entity", "source", "after", "newest", "flow"}
        if unknown:
            raise BadQuery(
                f"{', '.join(sorted(unknown))}: there are language, entity, source, after, newest,"
                " flow"
            )
        newest = query.get("newest", "0")
        if not newest.isdigit() or int(newest) > MOST_NEWEST:
            raise BadQuery(f"newest={newest}: a number up to {MOST_NEWEST}")
        place = last_event_id or query.get("after")
        return cls(
            Filter.of(query),
            Position.parse(place) if place else None,
            int(newest),
            query.get("flow") == "yes",
        )


def frame(event: str, data: Any, position: Position | None = None) -> bytes:
    """One event as it goes over the wire; the data as JSON on one line."""
    identity = f"id: {position}\n" if position is not None else ""
    return f"event: {event}\n{identity}data: ".encode() + orjson.dumps(data) + b"\n\n"
