"""One entity for all mentions of one thing, with an id that is the same in every article."""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from agents.tagging.names import Candidate, Name, NameTable, key, transpositions
from agents.tagging.recognition import Found
from agents.tagging.spans import CONNECTORS, fold, is_proper, slug
from schemas import EntityType

ARTICLES: Final = frozenset(
    ["il", "lo", "la", "i", "gli", "le", "l", "les", "el", "los", "las", "o", "os", "as", "the"]
)
# How sure it is that a name which the table lacks means the same in another article.
FULL_NAME: Final = 0.8
ONE_WORD: Final = 0.6
SOME_OTHER: Final = 0.05
LONG_ENOUGH_TO_MISSPELL: Final = 6
INITIALS: Final = re.compile(r"[A-Z][A-Za-z]{1,6}")


@dataclass(frozen=True)
class Thing:
    """An entity and its mentions in order of position. `surfaces` are further names it goes by,
    for finding it in the translation; `certainty` in 0..1 says how sure the id is, `others` what
    else the name may mean."""

    id: str
    name: str
    type: EntityType
    wikidata: str | None
    mentions: tuple[Found, ...]
    surfaces: tuple[str, ...]
    certainty: float = 1.0
    others: tuple[Candidate, ...] = ()


@dataclass(frozen=True)
class Identity:
    """What a mention is a mention of."""

    id: str
    name: Name | None
    certainty: float
    others: tuple[Candidate, ...] = ()


def things(
    text: str,
    found: Sequence[Found],
    table: NameTable,
    language: str = "",
    is_name: Callable[[str], bool] = is_proper,
) -> list[Thing]:
    """Groups mentions by what they name, in order of first mention.

    What the table knows has the table's id; where it knows several things of a name, the likeliest
    in this text. Other names have `<type>:<slug>` of their fullest form in the article: a lone
    surname belongs to the person last named whose name ends with it, a lone first name to the
    person whose name begins with it, initials in brackets to the name before them, and a
    misspelling to the name it misspells. A common noun (`polizia`, which the Italian corpus counts
    among organisations) names no particular thing and makes no entity: `is_name` tells.
    """
    found = [one for one in found if is_name(text[one.start : one.end])]
    resolver = _Resolver(text, found, table, language)
    groups: dict[str, tuple[Identity, list[Found]]] = {}
    for one in found:
        identity = resolver.identity(one)
        first, mentions = groups.setdefault(identity.id, (identity, []))
        mentions.append(one)
        if identity.certainty > first.certainty:
            groups[identity.id] = identity, mentions
    return [_thing(text, identity, mentions) for identity, mentions in groups.values()]


class _Resolver:
    """What the mentions of one text name."""

    def __init__(self, text: str, found: Sequence[Found], table: NameTable, language: str) -> None:
        self._text, self._table, self._language = text, table, language
        # The country of each place that is beyond doubt, by what the text calls the place.
        self._countries = {
            self._folded(one): one.name.country
            for one in found
            if one.name is not None and one.name.finds and one.name.country
        }
        self._people: dict[str, list[Found]] = defaultdict(list)
        for one in found:
            words = self._folded(one).split()
            if one.type == "PER" and len(words) > 1:
                self._people[" ".join(words)].append(one)
                for part in {words[-1], " ".join(words[1:]), words[0]}:
                    self._people[part].append(one)
        self._same = {**self._initials(found), **self._misspelt(found)}

    def identity(self, one: Found) -> Identity:
        """The thing that a mention names."""
        fuller, doubt = self._fuller(one)
        made = self._named(fuller)
        return Identity(made.id, made.name, round(made.certainty * doubt, 3), made.others)

    def _folded(self, one: Found) -> str:
        return fold(self._text[one.start : one.end])

    def _fuller(self, one: Found) -> tuple[Found, float]:
        """The mention that names the same thing in full, and how sure that is."""
        doubt = 1.0
        same = self._same.get((self._folded(one), one.type))
        if same is not None:
            one = same
        if one.type == "PER":
            people = self._people.get(" ".join(self._folded(one).split()), [])
            before = [person for person in people if person.start <= one.start]
            if people:
                names = {self._folded(person) for person in people}
                one, doubt = (before[-1] if before else people[0]), 1 / len(names)
        return one, doubt

    def _named(self, one: Found) -> Identity:
        surface = self._text[one.start : one.end]
        others = {at for name, at in self._countries.items() if name != fold(surface)}
        found = self._table.candidates(surface, one.type, self._language, others)
        if one.name is not None and (one.name.type != "LOC" or one.type != "LOC" or not found):
            return Identity(one.name.id, one.name, 1.0)
        if found:
            rest = tuple(other for other in found[1:] if other.score >= SOME_OTHER)
            return Identity(found[0].name.id, found[0].name, found[0].score, rest)
        words = surface.split()
        if len(words) > 1 and words[0].casefold() in ARTICLES:
            surface = " ".join(words[1:])
        made = slug(key(surface)) or hashlib.sha256(surface.encode()).hexdigest()[:12]
        certainty = FULL_NAME if len(surface.split()) > 1 else ONE_WORD
        return Identity(f"{one.type.lower()}:{made}", None, certainty)

    def _initials(self, found: Sequence[Found]) -> dict[tuple[str, EntityType], Found]:
        """Initials by the name before them: Organizzazione mondiale della sanità (OMS)."""
        same = {}
        for first, second in pairwise(found):
            short = self._text[second.start : second.end]
            between = self._text[first.end : second.start].strip()
            words = [w for w in re.split(r"[\W_]+", self._folded(first)) if w]
            initials = {
                "".join(word[0] for word in words),
                "".join(word[0] for word in words if word not in CONNECTORS),
            }
            if between == "(" and INITIALS.fullmatch(short) and fold(short) in initials:
                same[fold(short), second.type] = first
        return same

    def _misspelt(self, found: Sequence[Found]) -> dict[tuple[str, EntityType], Found]:
        """Names written once with two letters swapped, by the same name written right, which is
        named more often or known to the table. Other slips make other people's names (Marino,
        Martino)."""
        counted = Counter((self._folded(one), one.type) for one in found)
        right: dict[tuple[str, EntityType], Found] = {}
        for one in found:
            surface = self._folded(one)
            known = self._table.link(surface, one.type, self._language) is not None
            if len(surface) >= LONG_ENOUGH_TO_MISSPELL and (
                known or counted[surface, one.type] > 1
            ):
                for wrong in transpositions(surface):
                    right.setdefault((wrong, one.type), one)
        return {
            (surface, kind): right[surface, kind]
            for (surface, kind), count in counted.items()
            if count == 1
            and (surface, kind) in right
            and self._table.link(surface, kind, self._language) is None
        }


def _thing(text: str, identity: Identity, mentions: list[Found]) -> Thing:
    name = identity.name
    certainty, others = identity.certainty, identity.others
    if name is not None:
        return Thing(
            identity.id,
            name.name,
            name.type,
            name.wikidata,
            tuple(mentions),
            name.surfaces,
            certainty,
            others,
        )
    counted = Counter(text[one.start : one.end] for one in mentions)
    fullest = max(counted, key=lambda surface: (len(surface.split()), counted[surface]))
    shown = " ".join(fullest.split())
    kind = mentions[0].type
    return Thing(identity.id, shown, kind, None, tuple(mentions), (shown,), certainty, others)
