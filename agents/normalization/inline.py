"""Furniture inside a paragraph: run into its first words, between its sentences, after its last.

Only what a reader can tell without a doubt: a label or a date in front of a capital that begins a
sentence, a link in brackets, a labelled link or share button where a sentence without an end mark
would have to be.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from agents.normalization.cues import cues
from agents.normalization.dates import Date, around_a_date, find_date
from agents.normalization.folding import fold

_SHORTEST_LABEL: Final = 9
_LONGEST_TAIL: Final = 160
_FURTHEST_DATE: Final = 60
_SHORTEST_KEPT: Final = 40
_TAILS: Final = ("advert", "related", "share", "subscribe", "comments", "credit")

_WORD: Final = re.compile(r"[^\W\d_]+")
_BRACKETS: Final = re.compile(r"[(\[]([^()\[\]\n]{6,160})[)\]]")
_END_MARK: Final = re.compile(r"[.!?…][»”\"')\]]{0,2} ")


@dataclass(frozen=True, slots=True)
class Inline:
    """Furniture at `[start, end)` of a paragraph; `date` where it is one."""

    start: int
    end: int
    kind: str
    rule: str
    date: Date | None = None


Verdict = Callable[[str], tuple[str, str] | None]


def inline_furniture(text: str, verdict: Verdict, *, first: bool) -> list[Inline]:
    """Pieces of a paragraph that are not the article, in order, none over another.

    `verdict` gives kind and rule of a line that is furniture as a whole; `first` is set for the
    first paragraph, the only one that a date can be run into.
    """
    found = [*_bracketed(text, verdict), *_labels(text), *_tail(text, verdict)]
    if first and (date := _date_in_front(text)):
        found.append(date)
    found.sort(key=lambda piece: (piece.start, -piece.end))
    apart: list[Inline] = []
    for piece in found:
        if not apart or piece.start >= apart[-1].end:
            apart.append(piece)
    return apart


def _date_in_front(text: str) -> Inline | None:
    """`Pubblicato il 12 marzo 2024 Il comune …`."""
    date = find_date(text[:_FURTHEST_DATE])
    if date is None or date.date.precision not in ("day", "time"):
        return None
    before = re.findall(r"[^\W_]+", fold(text[: date.start]))
    end = date.end + len(text[date.end :]) - len(text[date.end :].lstrip(" |·-–—"))
    if not around_a_date(before) or end == date.end or not _begins_a_sentence(text, end):
        return None
    return Inline(0, end, "date", "date:in-front", date.date)


def _labels(text: str) -> Iterator[Inline]:
    """`… fino alla stazione. Pubblicità I lavori …`, also with no space on either side."""
    for match in _label_pattern().finditer(fold(text)):
        start, end = match.span("label")
        before, after = text[:start].rstrip(" "), match.end()
        if not text[start].isupper() or (before and before[-1] not in ".!?…»”\"'"):
            continue
        glued = after == end
        if after < len(text) and (
            _begins_a_sentence(text, after) or (glued and text[after].isupper())
        ):
            yield Inline(start, after, "advert", "advert:inline")


@cache
def _label_pattern() -> re.Pattern[str]:
    labels = [
        phrase
        for phrase, kind in cues().alone.items()
        if kind == "advert" and len(phrase) >= _SHORTEST_LABEL
    ]
    known = "|".join(sorted(map(re.escape, labels), key=len, reverse=True))
    return re.compile(rf"(?<![^\W\d_])(?P<label>{known}):? ?")


def _bracketed(text: str, verdict: Verdict) -> Iterator[Inline]:
    """`(Leggi anche: …)`."""
    for match in _BRACKETS.finditer(text):
        found = verdict(match[1])
        if found and found[0] in ("related", "advert", "share", "subscribe"):
            yield Inline(match.start(), match.end(), found[0], f"{found[0]}:in-brackets")


def _tail(text: str, verdict: Verdict) -> Iterator[Inline]:
    """What follows the last end mark, where it is furniture by its own words."""
    cut = max(0, len(text) - _LONGEST_TAIL)
    starts = [cut + match.end() for match in _END_MARK.finditer(text[cut:])]
    if starts and starts[-1] >= _SHORTEST_KEPT and not text.endswith("."):
        found = verdict(text[starts[-1] :])
        # An agency's name alone signs the report; it is no caption.
        if found and found[0] in _TAILS and found[1] != "credit:agency-alone":
            yield Inline(starts[-1], len(text), found[0], f"{found[0]}:closing")


def _begins_a_sentence(text: str, at: int) -> bool:
    """Whether a capitalised function word, or a quotation, comes next."""
    if text[at : at + 1] in tuple('«“"¿¡'):
        return True
    word = _WORD.match(text, at)
    return (
        word is not None
        and word.group()[0].isupper()
        and any(fold(word.group()) in listed for listed in cues().stopwords.values())
    )
