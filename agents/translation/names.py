"""Which pieces of an analysed sentence are names that no engine may translate."""

import re
from collections.abc import Callable

from agents.translation import lexicon, places
from agents.translation.stream import Unit

# Web and mail addresses, handles, hashtags, file names, and words longer than any word is.
OPAQUE = re.compile(
    r"https?://[^\s«»“”\"<>]*[^\s«»“”\"<>.,;:!?)]|www\.[^\s«»“”\"<>]*[^\s«»“”\"<>.,;:!?)]"
    r"|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|(?<!\w)[@#]\w+|\b\w+\.(?:com|org|net|it|fr|es|pt|ai|io)\b"
    r"|\S{60,}"
)
_MIXED = re.compile(r"\b[^\W\d_]*[^\W\d_A-ZÀ-Þ][^\W\d_]*[A-Z]\w*\b")
_PERSON = re.compile(r"<np><(?:ant|cog)>")
_FIRST_NAME = re.compile(r"<np><ant>")
_PLACE = re.compile(r"<np><(?:top|loc)>")
_VERB = re.compile(r"<vb\w*>")
_CAPITALS = re.compile(r"[A-Z]{2,6}")
_ACRONYM = re.compile(r"<(?:np|acr)>")
_NUMERAL = re.compile(r"<num>")
_SMALL = re.compile(r"<(?:pr|det)>")
_ARTICLE = re.compile(r"<det>")
_FINITE = re.compile(r"<v\w+><(?:pri|ifi|pii|fti|cni)>")
_DESCRIBES = re.compile(r"<(?:adj|num|det|pr|vb\w*)>")
# What a surname (`Di Pietro`, `Al Fayed`) or a title (`Il Messaggero`, `Le Devoir`) begins with,
# when it has a capital within a sentence.
_BEFORE_NAMES = frozenset(
    (
        *("Di", "De", "Del", "Della", "Delle", "Dello", "Degli", "Dei", "Da", "Dal", "Dalla", "Al"),
        *("Il", "Lo", "La", "Li", "Gli", "Le", "Les", "Du", "Des", "El", "Los", "Las"),
    )
)
# `D'Alema`, `Dell'Utri`, `O'Neill`.
_ELIDED = re.compile(r"(?<![\w'])(?:D|Dell|O)'[A-ZÀ-Þ][^\W\d_]+")
# Towns in one piece (`Aix-en-Provence`, `Saint-Nazaire`) but for those that English calls
# otherwise, and what begins with an Arabic article.
_IN_ONE_PIECE = re.compile(
    r"(?<![\w'-])(?:"
    r"(?!Île|Rostov|Francfort|Rio-|Terre-|Saint-Jacques-de-C|Saint-Vincent-et)"
    r"[A-ZÀ-Þ][^\W\d_]+(?:-[A-ZÀ-Þ][^\W\d_]+)*"
    r"(?:-(?:sur|sous|lès|les|le|la|en|de|du|des|et|aux|upon)-(?:l[ae]-|l'|d')?[A-ZÀ-Þ][^\W\d_]+)+"
    r"|Sainte?-(?!Pétersbourg|Domingue|Siège|Sépulcre|Empire|Graal|Marin\b|Sylvestre|Valentin|Esprit|Nicolas|Père)"
    r"[A-ZÀ-Þ][^\W\d_]+(?:-[^\W\d_]+)*"
    r"|[AaEe]l-[A-ZÀ-Þ][\w'-]+)(?![\w-])"
)
# Streets, seats and towns that English calls by their names: `Piazza Affari`, `Ciudad Juárez`.
_STREETS = frozenset(("Ciudad", "Corso", "Largo", "Palazzo", "Piazza", "Viale"))
_OPENS = re.compile(r"(?:^|[.!?:…]\s|[«“\"‘(\[¿¡]|--?\s|[–—]\s?|\.\.\.\s)\s*$")

Span = tuple[int, int]


def known_pattern(names: list[str]) -> re.Pattern[str]:
    """A pattern that finds any of the names as whole words, the longest first, in exact case."""
    longest_first = sorted(names, key=lambda name: (-len(name), name))
    return re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, longest_first)) + r")(?!\w)")


def find_names(
    line: str, units: list[Unit], known: re.Pattern[str], is_word: Callable[[str], bool]
) -> list[Span]:
    """Spans of names in `line`, in order, not overlapping.

    A name is: an entry of the name list; a capitalised or mixed-case word that the analyser does
    not know (unless `is_word` knows its lower-case form and it opens a sentence); what the
    analyser knows only as a person; a capitalised word within a sentence that it knows only as a
    verb, that is a namesake of a name and has no article, or that follows a first name, a small
    word of surnames and titles, or a kind of street. Each reaches over capitalised neighbours to
    its right. Places are never names here, because they have translations. In lines in capitals
    only the list counts.
    """
    spans = [found.span() for found in known.finditer(line)]
    if _all_capitals(line):
        return spans
    spans += [
        found.span()
        for found in _ELIDED.finditer(line)
        if _OPENS.search(line[: found.start()]) is None and not _overlaps(*found.span(), spans)
    ]
    spans += [
        found.span()
        for found in _IN_ONE_PIECE.finditer(line)
        if not _overlaps(*found.span(), spans)
    ]
    spans += [
        (unit.start, unit.end)
        for unit in units
        if places.is_unchanged(unit) and not _overlaps(unit.start, unit.end, spans)
    ]
    reached = 0
    for at, unit in enumerate(units):
        if unit.start < reached or _overlaps(unit.start, unit.end, spans):
            continue
        opens = _OPENS.search(line[: unit.start]) is not None
        if (
            _is_name(unit, opens, is_word)
            or _is_full_name(line, units, at)
            or _is_namesake(line, units, at, opens)
            or (not opens and _is_article_of_name(line, units, at, is_word))
            or _is_head_of_name(line, units, at, opens)
        ):
            last = at
            while last + 1 < len(units) and _continues(line, units[last], units[last + 1], spans):
                last += 1
            first = at
            while first > 0 and _begins(line, units[first - 1], units[first], reached, spans):
                first -= 1
            spans.append((units[first].start, units[last].end))
            reached = units[last].end
    return _merged(line, sorted(spans))


def find_by_form(line: str, known: re.Pattern[str]) -> list[tuple[int, int, bool]]:
    """Names found without an analyser: `(start, end, opaque)`, in order, not overlapping.

    Those are what no engine may read at all (addresses, handles), entries of the name list, and
    words with a capital inside.
    """
    found: list[tuple[int, int, bool]] = []
    for pattern, opaque in ((OPAQUE, True), (known, False), (_MIXED, False)):
        for match in pattern.finditer(line):
            start, end = match.span()
            if not any(there < end and start < until for there, until, _ in found):
                found.append((start, end, opaque))
    return sorted(found)


def _is_name(unit: Unit, opens: bool, is_word: Callable[[str], bool]) -> bool:
    surface = unit.surface
    if not _capital(surface) and surface[:-1] == surface[:-1].lower():
        return False
    if unit.unknown:
        return not (opens and surface[1:].islower() and is_word(surface.lower()))
    if not _capital(surface) or len(surface) == 1:
        return False
    if _is_acronym(unit):
        return True
    if all(_PERSON.search(analysis) for analysis in unit.analyses):
        return True
    return not opens and all(_VERB.search(analysis) for analysis in unit.analyses)


def _is_acronym(unit: Unit) -> bool:
    """Capitals only. The next dictionary may read `SEC` as a word, even where this one does not."""
    if not _CAPITALS.fullmatch(unit.surface):
        return False
    listed = any(_ACRONYM.search(analysis) for analysis in unit.analyses)
    numeral = any(_NUMERAL.search(analysis) for analysis in unit.analyses)
    return listed or (len(unit.surface) > 2 and not numeral)


def _is_full_name(line: str, units: list[Unit], at: int) -> bool:
    """Two capitalised words that may be a person's name: `Marco Rossi`, `Marco Travaglio`."""
    if not _stand_together(line, units, at):
        return False
    first, second = units[at : at + 2]
    if any(_has(_PLACE, unit) or not _capital(unit.surface) for unit in (first, second)):
        return False
    if _has(_PERSON, first) and _has(_PERSON, second):
        return True
    return _has(_FIRST_NAME, first) and not (_has(_DESCRIBES, first) or _has(_DESCRIBES, second))


def _is_namesake(line: str, units: list[Unit], at: int, opens: bool) -> bool:
    """`contro Travaglio`, and at the start of a sentence before its verb: `Grasso ha detto`."""
    unit = units[at]
    if unit.surface not in lexicon.namesakes() or _has(_PLACE, unit):
        return False
    if opens:
        return line[unit.end : unit.end + 2] == ", " or (
            _stand_together(line, units, at)
            and units[at + 1].surface.islower()
            and _has(_FINITE, units[at + 1])
        )
    return at == 0 or not _has(_ARTICLE, units[at - 1])


def _is_head_of_name(line: str, units: list[Unit], at: int, opens: bool) -> bool:
    """`Di Pietro`, `Il Messaggero`, `Piazza Affari` within a sentence, `Di Pietro` before its verb
    at the start of one."""
    if not _stand_together(line, units, at):
        return False
    unit, following = units[at : at + 2]
    if not _capital(following.surface):
        return False
    if opens:
        return (
            unit.surface in ("Di", "De", "Del")
            and _has(_PERSON, following)
            and _stand_together(line, units, at + 1)
            and _has(_FINITE, units[at + 2])
        )
    if unit.surface in _STREETS:
        return not _has(_DESCRIBES, following) and following.surface not in ("San", "Santa")
    return (
        unit.surface in _BEFORE_NAMES
        and not _has(_PLACE, following)
        and following.surface[1:].islower()
        and not following.surface.lower().startswith(lexicon.heads())
    )


def _is_article_of_name(
    line: str, units: list[Unit], at: int, is_word: Callable[[str], bool]
) -> bool:
    """A capitalised small word within a sentence, right before a name: `Al Pacino`."""
    unit = units[at]
    if not _capital(unit.surface) or not unit.analyses or at + 1 >= len(units):
        return False
    following = units[at + 1]
    return (
        line[unit.end : following.start] == " "
        and all(_SMALL.search(analysis) for analysis in unit.analyses)
        and _is_name(following, False, is_word)
    )


def _continues(line: str, last: Unit, following: Unit, spans: list[Span]) -> bool:
    return (
        line[last.end : following.start] in (" ", "-")
        and _capital(following.surface)
        and not any(_PLACE.search(analysis) for analysis in following.analyses)
        and not _overlaps(following.start, following.end, spans)
    )


def _begins(line: str, before: Unit, name: Unit, reached: int, spans: list[Span]) -> bool:
    """A capitalised word within a sentence, right before a name: `Ella Dinkins`, `Burger King`."""
    lowered = before.surface.lower()
    return (
        line[before.end : name.start] == " "
        and before.start >= reached
        and len(before.surface) > 1
        and _capital(before.surface)
        and before.surface[1:].islower()
        and _OPENS.search(line[: before.start]) is None
        and not lowered.startswith(lexicon.heads())
        and not any(_PLACE.search(analysis) for analysis in before.analyses)
        and not any(_SMALL.search(analysis) for analysis in before.analyses)
        and not _overlaps(before.start, before.end, spans)
    )


def _merged(line: str, spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in spans:
        if merged and line[merged[-1][1] : start] in ("", " ", "-") and merged[-1][1] <= start:
            merged[-1] = (merged[-1][0], end)
        elif not merged or start >= merged[-1][1]:
            merged.append((start, end))
    return merged


def _stand_together(line: str, units: list[Unit], at: int) -> bool:
    return at + 1 < len(units) and line[units[at].end : units[at + 1].start] == " "


def _has(what: re.Pattern[str], unit: Unit) -> bool:
    return any(what.search(analysis) for analysis in unit.analyses)


def _overlaps(start: int, end: int, spans: list[Span]) -> bool:
    return any(there < end and start < until for there, until in spans)


def _capital(word: str) -> bool:
    return word[:1].isupper()


def _all_capitals(line: str) -> bool:
    letters = [char for char in line if char.isalpha()]
    return len(letters) > 12 and sum(map(str.isupper, letters)) > 0.7 * len(letters)
