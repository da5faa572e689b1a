"""Who signed: bylines on a line of their own or as the last words of the text."""

import re
from dataclasses import dataclass
from typing import Final

from agents.normalization.cues import cues
from agents.normalization.dates import Date, date_line
from agents.normalization.folding import bare, fold

_LONGEST = 120
_MOST_WORDS = 8
_PARTS: Final = re.compile(
    r"\s+[|•·–—-]\s+|\s*[|•·]\s*|,\s+(?=\d(?!\d{3}\b)|(?i:publi|pubbli|posted|le \d|il \d|el \d))"
)
_CLOSING: Final = re.compile(
    r"[.!?…]['\"’”»)\]]*\s+"
    r"((?:Di|Par|Por|By|A cura di|Scritto da|Escrito por|Written by)\s+[^.!?…]{2,60})$"
)
_INITIAL: Final = re.compile(r"[^\W\d_]\.(?:-?[^\W\d_]\.)*")


@dataclass(frozen=True, slots=True)
class Byline:
    """The names as written, and the date where the line holds one too."""

    name: str
    published: Date | None


def byline_of(text: str, *, last: bool) -> Byline | None:
    """The byline that a line consists of, such as `Par A. Dupont | 3 mai 2024`, or None.

    A single name after `Di` or `Par` counts only in the last line: elsewhere it is more often a
    heading.
    """
    if len(text) > _LONGEST:
        return None
    name, published = None, None
    for part in filter(None, _PARTS.split(text.strip(" *•|"))):
        date = date_line(part)
        if date is not None:
            published = published or date
        elif name is None:
            name = _signature(part, last or published is not None or part != text)
            if name is None:
                return None
        elif not is_names(part):
            return None
    return Byline(name, published) if name else None


def closing_byline(text: str) -> tuple[int, str] | None:
    """Start and name of a byline that follows the last full stop of the text."""
    match = _CLOSING.search(text[-120:])
    if match is None:
        return None
    name = _signature(match[1], single=True)
    return None if name is None else (max(0, len(text) - 120) + match.start(1), name)


def _signature(text: str, single: bool) -> str | None:
    folded = fold(text)
    if bare(text) in cues().byline_bare:
        return text.strip(" .:")
    if cues().correspondents.match(folded):
        return text.strip(" .:") if len(text) <= 90 and not text.rstrip().endswith(".") else None
    lead = cues().byline_lead.match(folded)
    if lead is None:
        return None
    name = text[lead.end() :].strip(" :").strip()
    small = text[:1].islower() and " " not in lead.group()
    if not is_names(name) or (small and len(name.split()) < 2):
        return None
    return name if single or len(name.split()) > 1 else None


def is_names(text: str) -> bool:
    """Whether the text is nothing but capitalised names, initials and the particles between."""
    words = re.split(r"[\s,&/]+", text.strip(" ,"))
    if not words or not words[0] or len(words) > _MOST_WORDS:
        return False
    particles = cues().particles
    proper = 0
    for word in words:
        if fold(word) in particles:
            continue
        if not (word[0].isupper() and (_INITIAL.fullmatch(word) or _is_name(word))):
            return False
        proper += 1
    return proper > 0 and words[0][0].isupper()


def _is_name(word: str) -> bool:
    return all(char.isalpha() or char in "'’-" for char in word)
