"""Spans of names in a text, and small questions about the characters around them."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Final, Generic, Protocol, TypeVar

from schemas import EntityType

EDGES: Final = " \t\r\n\u00a0\u202f\"'“”‘’«»‹›()[]{}<>,;:!?…*_|/\\–—-"
LETTERS_OF_OTHER_ALPHABETS: Final = str.maketrans(
    {"ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "æ": "ae", "œ": "oe",
     "Æ": "AE", "Œ": "OE", "ı": "i", "’": "'", "‘": "'", "ʼ": "'", "\u00a0": " ", "\u202f": " "}
)  # fmt: skip
WORD: Final = re.compile(r"\w+|[^\w\s]")
FIRST_WORD: Final = re.compile(r"\w+\.?(?=\s)")
ELIDED: Final = re.compile(r"(?:[ldnsjtmcLD]|qu|jusqu|lorsqu|[a-z]{1,6}ll|un|dov|com)['’](?=\w)")
GENITIVE: Final = re.compile(r"['’]s$")
CONNECTORS: Final = frozenset({
    "de", "du", "des", "d", "di", "del", "della", "dello", "dei", "degli", "delle", "dell", "da",
    "la", "le", "les", "lo", "l", "el", "los", "las", "do", "dos", "das", "of", "the", "for",
    "and", "e", "et", "y", "a", "al", "alla", "allo", "ai", "alle", "sul", "sulla", "per", "pour",
    "in", "en", "em", "con", "com", "avec", "with", "by", "to", "un", "una", "une", "um", "uma",
})  # fmt: skip
NEARBY: Final = 200
LONG_ENOUGH: Final = 1_000
SENTENCE: Final = 30
SENTENCE_EDGE: Final = set('.!?:;…"“”«»‘(–—-•*>|')


@dataclass(frozen=True)
class Span:
    """A name of a type at `[start, end)` of the text it was found in."""

    start: int
    end: int
    type: EntityType


@lru_cache(maxsize=65_536)
def fold(text: str) -> str:
    """The text in lower case without accents and with plain apostrophes, for comparing names."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text.translate(LETTERS_OF_OTHER_ALPHABETS))
    return "".join(c for c in plain if not unicodedata.combining(c)).casefold()


@lru_cache(maxsize=1)
def stop_names() -> frozenset[str]:
    """Folded words that models take for names and that are none (AI, CEO, Pubblicità)."""
    text = (files("agents.tagging") / "data" / "stop.txt").read_text(encoding="utf-8")
    lines = (line.strip() for line in text.splitlines())
    return frozenset(fold(line) for line in lines if line and not line.startswith("#"))


def tidy(text: str, start: int, end: int, kind: EntityType) -> Iterator[Span]:
    """The span without quotes, elided articles, titles that are no name, and what follows a line
    break; nothing where no name is left."""
    line = text[start:end].split("\n", 1)[0]
    end = start + len(line)
    while start < end:
        before = (start, end)
        while start < end and text[start] in EDGES:
            start += 1
        while start < end and text[end - 1] in EDGES and not _closes(text, start, end):
            end -= 1
        if elided := ELIDED.match(text, start, end):
            after = elided.end()
            start = after if text[after].isupper() and text[start].islower() else start
        if genitive := GENITIVE.search(text[start:end]):
            end = start + genitive.start()
        first = FIRST_WORD.match(text, start, end)
        if first and first.end() < end and _is_title(first.group()):
            start = first.end()
        if before == (start, end):
            break
    name = text[start:end]
    if len(name) < 2 or not any(c.isalpha() for c in name) or fold(name) in stop_names():
        return
    yield Span(start, end, kind)


def _is_title(word: str) -> bool:
    return word == "the" or fold(word) in stop_names() or fold(word.rstrip(".")) in stop_names()


def _closes(text: str, start: int, end: int) -> bool:
    return text[end - 1] == ")" and "(" in text[start : end - 1]


def is_proper(name: str) -> bool:
    """Whether it is a name at all and no common noun: it has a capital or a digit somewhere."""
    return any(c.isupper() or c.isdigit() for c in name)


def is_without_capitals(text: str) -> bool:
    """Whether a text of some length is written in small letters throughout."""
    if any(map(str.isupper, text)):
        return False
    return sum(map(str.isalpha, text[:LONG_ENOUGH])) > SENTENCE


class Taken:
    """Which characters of a text belong to a name already; quick for very long texts."""

    def __init__(self, length: int) -> None:
        self._mask = bytearray(length)

    def take(self, start: int, end: int) -> None:
        """Marks `[start, end)`."""
        self._mask[start:end] = b"\x01" * (end - start)

    def is_free(self, start: int, end: int) -> bool:
        """Whether nothing in `[start, end)` is marked."""
        return self._mask.find(1, start, end) < 0


class Placed(Protocol):
    """Anything with a place in a text."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


P = TypeVar("P", bound=Placed)


class Near(Generic[P]):
    """Finds those of many spans that overlap a given one, without looking at all."""

    def __init__(self, spans: Iterable[P]) -> None:
        self._buckets: dict[int, list[P]] = {}
        for span in spans:
            for bucket in range(span.start // NEARBY, span.end // NEARBY + 1):
                self._buckets.setdefault(bucket, []).append(span)

    def overlapping(self, start: int, end: int) -> list[P]:
        """Those that share a character with `[start, end)`, in the order they were given."""
        found: list[P] = []
        for bucket in range(start // NEARBY, end // NEARBY + 1):
            for span in self._buckets.get(bucket, ()):
                if span.start < end and start < span.end and span not in found:
                    found.append(span)
        return found


def opens_sentence(text: str, start: int) -> bool:
    """Whether a capital at `start` says nothing, because a sentence or a quotation begins there."""
    before = text[max(0, start - NEARBY) : start].rstrip(" \t\u00a0\u202f")
    return not before or before[-1] == "\n" or before[-1] in SENTENCE_EDGE


def is_headline(text: str, start: int) -> bool:
    """Whether most longer words of the line around `start` begin with a capital."""
    words = [word for word in WORD.findall(_line(text, start)) if len(word) > 3]
    return len(words) > 2 and sum(word[0].isupper() for word in words) > 0.6 * len(words)


def is_shouted(text: str, start: int) -> bool:
    """Whether the line around `start` is in capitals."""
    line = _line(text, start)
    letters = sum(map(str.isalpha, line))
    return letters > 12 and sum(map(str.isupper, line)) > 0.7 * letters


def calmed(line: str, is_word: Callable[[str], bool]) -> str:
    """A line all in capitals, or all in small letters, as it would stand in a text: words of the
    language, which `is_word` tells, in small letters, all others with a capital. Every other line
    as it is. The length stays.

    >>> calmed("LA MINISTRA VISITA SEVILLA Y ROMA", {"ministra", "visita"}.__contains__)
    'La ministra visita Sevilla y Roma'
    """
    if not is_shouted(line, 0) and not is_without_capitals(line):
        return line

    def calm(word: re.Match[str]) -> str:
        small = word.group().lower()
        common = word.start() > 0 and (fold(small) in CONNECTORS or is_word(small))
        return small if common else small[:1].upper() + small[1:]

    made = WORD.sub(calm, line)
    return made if len(made) == len(line) else line


def _line(text: str, start: int) -> str:
    begin = text.rfind("\n", max(0, start - NEARBY), start) + 1
    end = text.find("\n", start, start + NEARBY)
    return text[max(begin, start - NEARBY) : end if end >= 0 else start + NEARBY]


def slug(name: str) -> str:
    """The name as part of an id: folded, with hyphens; other scripts keep their letters.

    >>> slug("Warner Bros. Discovery")
    'warner-bros-discovery'
    """
    return re.sub(r"[\W_]+", "-", fold(name)).strip("-")
