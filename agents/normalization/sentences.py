"""Where sentences begin and end, by rules for Italian, French, Spanish, Portuguese and English.

An end mark ends a sentence unless it belongs to an abbreviation, an initial, a number or an
address, stands inside a short quotation or bracket, or the text goes on with a small letter.
Other languages are cut by the same marks (and by those of Chinese and Japanese).
"""

import re
from typing import Final

from agents.normalization.cues import cues
from agents.normalization.folding import fold, words

LONGEST: Final = 1_500

_COMMON = "es cf vs etc nr tel ft st col gen lt sgt mt dr prof p.es i.e e.g jr sr inc ltd corp co"
_COMMON += " mr mrs ms"
_ABBREVIATIONS: Final = {
    "it": "sig sigg sig.ra sig.na dott dott.ssa dr prof prof.ssa ing avv arch geom on sen rag gen "
    "col cap ten mons ecc pag pagg cfr art artt n nn num tel ca vol cit fig s.p.a s.r.l spa srl ss "
    "san sec seg segg all p.es ad.es c.d u.s min max circ",
    "fr": "m mm mme mmes mlle mlles me dr pr prof st ste etc p pp cf art al ex av bd vol chap fig "
    "env hab n no tél apr j.-c ms min max éd",
    "es": "sr sra srta sres dr dra d dña prof lic ing gral cnel cap tte pdte ud uds vd vds etc pág "
    "págs núm n art av avda ee ej p.ej aprox tel c cía s.a depto gob mons fr sto sta máx mín a",
    "pt": "sr sra srs dr dra prof profa eng exmo exma gen cel cap dep sen gov min etc pág págs núm "
    "n art av ed ex tel cia ltda s.a aprox d sto sta fl vol máx mín",
    "en": "mr mrs ms dr prof rev hon sen rep gov gen col capt lt sgt st mt ave blvd rd no vs etc "
    "e.g i.e fig vol pp p ed inc ltd corp co jr sr jan feb mar apr jun jul aug sep sept oct nov "
    "dec u.s u.k a.m p.m ph.d approx dept est al",
    "de": "hr fr dr prof ing st z.b d.h u.a usw bzw ca nr abs art bd evtl ggf inkl max min str tel",
}
_SETS: Final = {code: words(f"{own} {_COMMON}") for code, own in _ABBREVIATIONS.items()}
_ALL: Final = words(_COMMON)
# Abbreviations only in front of a number: otherwise they are words, or end their sentence.
_NUMBERED: Final = words("no n nn art artt p pp pag pagg pág págs vol vols fig cap num núm ed all")
# An abbreviation that may just as well be the last word of its sentence.
_MAY_END: Final = words("etc ecc inc ltd corp co s.a s.p.a s.r.l spa srl usw u.s a.m p.m")

_MARK: Final = re.compile(
    r"(?<![.!?…])(?P<mark>[.!?…]++)(?P<close>(?:[”’\"')\]]|[ \u00a0]?»)*+)(?=\s|$)"
    r"|[。！？]+[」』”）]*|\n+"
)
_WORD_BEFORE: Final = re.compile(r"[^\s(\[«“\"'’‘—–]*$")
_WORD: Final = re.compile(r"[^\W\d_]+")
# J.-P, U.S.A, EE.UU
_LETTERS: Final = re.compile(r"(?:[^\W\d_]{1,2}\.-?)+[^\W\d_]{1,2}")
_OPENERS: Final = "«“\"'‘’([—–-¿¡ "
_PAIR: Final = re.compile(r"[«“(\[][^«»“”()\[\]\n]{0,100}[»”)\]]")
_STRAIGHT: Final = re.compile(r'(?<![\w"])"[^"\n]{1,100}"(?!\w)')
_SPLITS: Final = ("; ", ": ", ", ", " ")


def sentences(text: str, language: str) -> list[tuple[int, int]]:
    """The sentences of `text` as half-open ranges, in order, white space between them left out.

    `language` is an ISO 639-1 code and decides on abbreviations only. A newline always ends a
    sentence; one longer than LONGEST characters is cut at the last pause before that.
    """
    known = _SETS.get(language, _ALL)
    sheltered = _Shelter(text)
    found: list[tuple[int, int]] = []
    start = 0
    for match in _MARK.finditer(text):
        mark = match["mark"]
        if mark is not None and (
            sheltered(match.start(), match.end()) or not _ends(text, match, known)
        ):
            continue
        _add(found, text, start, match.end())
        start = match.end()
    _add(found, text, start, len(text))
    return found


def _ends(text: str, match: "re.Match[str]", known: frozenset[str]) -> bool:
    after = text[match.end() : match.end() + 12].lstrip("".join(_OPENERS) + "\u00a0")
    following = after[:1]
    if not following or text[match.end() : match.end() + 1] == "\n":
        return True
    small = following.islower()
    mark, closed = match["mark"], bool(match["close"])
    line = text.rfind("\n", 0, match.start()) + 1
    before = text[max(line, match.start() - 40) : match.start()]
    found = _WORD_BEFORE.search(before)
    word = found.group() if found else ""
    if mark != ".":
        return not small
    if closed:
        return not small
    bare = word.casefold()
    if bare in _NUMBERED and not small:
        return not following.isdigit()
    if bare in known:
        return bare in _MAY_END and following.isupper()
    if small:
        return len(word) > 4 and word.isalpha() and word.islower()
    if (len(word) == 1 and word.isupper()) or _LETTERS.fullmatch(word):
        return _is_function_word(text, match.end())
    # a number that opens the line numbers it: "3. Conclusions"
    return not (word.isdigit() and len(word) < 3 and not before[: -len(word)].strip())


def _is_function_word(text: str, at: int) -> bool:
    """Whether an article, preposition or pronoun comes next: no name begins with one."""
    following = _WORD.search(text, at, at + 30)
    return (
        following is not None
        and len(following.group()) > 1
        and any(fold(following.group()) in listed for listed in cues().stopwords.values())
    )


class _Shelter:
    """Short quotations and brackets, which no sentence end may cut; asked in rising order."""

    def __init__(self, text: str) -> None:
        spans = [match.span() for match in _PAIR.finditer(text)]
        spans += [match.span() for match in _STRAIGHT.finditer(text)]
        self._spans = sorted(spans, reverse=True)

    def __call__(self, start: int, end: int) -> bool:
        while self._spans and self._spans[-1][1] <= start:
            self._spans.pop()
        return bool(self._spans) and self._spans[-1][0] < start and end < self._spans[-1][1]


def _add(found: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    while end - start > LONGEST:
        cut = _pause(text, start, start + LONGEST)
        found.append((start, len(text[start:cut].rstrip()) + start))
        start = cut
        while start < end and text[start].isspace():
            start += 1
    if start < end:
        found.append((start, end))


def _pause(text: str, start: int, limit: int) -> int:
    for pause in _SPLITS:
        at = text.rfind(pause, start + LONGEST // 3, limit)
        if at >= 0:
            return at + 1
    return limit
