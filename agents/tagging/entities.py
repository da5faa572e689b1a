"""One entity for all mentions of one thing, with an id that is the same in every article."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agents.tagging.names import Name, NameTable
from agents.tagging.recognition import Found
from agents.tagging.spans import fold, is_proper, slug
from schemas import EntityType

ARTICLES: Final = frozenset(
    ["il", "lo", "la", "i", "gli", "le", "l", "les", "el", "los", "las", "o", "os", "as", "the"]
)


@dataclass(frozen=True)
class Thing:
    """An entity and its mentions in order of position. `surfaces` are further names it goes by,
    for finding it in the translation."""

    id: str
    name: str
    type: EntityType
    wikidata: str | None
    mentions: tuple[Found, ...]
    surfaces: tuple[str, ...]


def things(text: str, found: Sequence[Found], table: NameTable) -> list[Thing]:
    """Groups mentions by what they name, in order of first mention.

    What the table knows has the table's id. Other names have `<type>:<slug>` of their fullest
    form in the article: a lone surname belongs to the person whose name ends with it, a lone
    first name to the person whose name begins with it. A common noun (`polizia`, which the
    Italian corpus counts among organisations) names no particular thing and makes no entity.
    """
    found = [one for one in found if is_proper(text[one.start : one.end])]
    people = _full_names(text, found)
    groups: dict[str, tuple[Name | None, list[Found]]] = {}
    for one in found:
        identity, name = _identity(text, one, people, table)
        groups.setdefault(identity, (name, []))[1].append(one)
    return [_thing(text, identity, name, mentions) for identity, (name, mentions) in groups.items()]


def _full_names(text: str, found: Sequence[Found]) -> dict[str, Found]:
    full: dict[str, Found] = {}
    for one in found:
        words = fold(text[one.start : one.end]).split()
        if one.type == "PER" and len(words) > 1:
            full.setdefault(" ".join(words), one)
            for part in (words[-1], " ".join(words[1:]), words[0]):
                full.setdefault(part, one)
    return full


def _identity(
    text: str, one: Found, people: dict[str, Found], table: NameTable
) -> tuple[str, Name | None]:
    surface = text[one.start : one.end]
    if one.type == "PER":
        fuller = people.get(" ".join(fold(surface).split()))
        if fuller is not None and fuller is not one:
            one, surface = fuller, text[fuller.start : fuller.end]
    name = one.name or table.link(surface, one.type)
    if name is not None:
        return name.id, name
    words = surface.split()
    if len(words) > 1 and words[0].casefold() in ARTICLES:
        surface = " ".join(words[1:])
    made = slug(surface) or hashlib.sha256(surface.encode()).hexdigest()[:12]
    return f"{one.type.lower()}:{made}", None


def _thing(text: str, identity: str, name: Name | None, mentions: list[Found]) -> Thing:
    if name is not None:
        return Thing(identity, name.name, name.type, name.wikidata, tuple(mentions), name.surfaces)
    counted = Counter(text[one.start : one.end] for one in mentions)
    fullest = max(counted, key=lambda surface: (len(surface.split()), counted[surface]))
    shown = " ".join(fullest.split())
    return Thing(identity, shown, mentions[0].type, None, tuple(mentions), (shown,))
