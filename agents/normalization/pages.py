"""Whole web pages pasted as text: which run of lines is the article.

Method: maximum subsequence segmentation (Pasternack and Roth, "Extracting article text from the
web with maximum subsequence segmentation", WWW 2009) over lines instead of tokens. Every line gets
a score, positive for prose and negative for the lines of menus and lists of links; the article is
the run with the largest sum. Prose is told by length, an end mark and the share of function words.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agents.normalization.cues import cues
from agents.normalization.folding import fold
from agents.normalization.furniture import verdict
from agents.normalization.headline import looks_like_headline
from agents.normalization.layout import ends_a_sentence

_FEWEST_LINES = 30
_FEWEST_FURNITURE = 5
_MANY_LINES = 100
_MANY_BULLETS = 25
# A run this strong beside the strongest one, or this strong in itself, is an article of its own.
_NEAR_LARGEST = 0.35
_OWN_SHARE, _OWN_SUM = 0.15, 15.0
_SHORT_SHARE = 0.3
_SHORTEST_ARTICLE = 400
_HEADLINE_REACH = 40
_REACH = 40
_SHORTEST_CUT_OFF = 120
_SHORTEST_PARAGRAPH = 200
_LONGEST_HEADING = 5
_LARGEST_BOX = 8
_ENOUGH = 800
_SAME_SUBJECT = 0.33
_HEADLINE_SHARE = 0.5

_BULLET: Final = re.compile(r"[*+•·◦▪>»-] |o ")
_WORD: Final = re.compile(r"[^\W\d_]+")
_BARRIERS: Final = {"comments": -8.0, "related": -5.0, "subscribe": -3.0, "cookies": -3.0}


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    words: tuple[str, ...]
    density: float
    kind: str | None
    prose: bool
    bullet: bool


def article_lines(lines: Sequence[str]) -> list[bool] | None:
    """Which lines belong to the article, or None where the text is not a whole page.

    A page has many lines, a good part of them short, and several that are furniture by their own
    words; a poem, a list or an interview has not.
    """
    if len(lines) < _FEWEST_LINES:
        return None
    short = sum(len(line) < 60 and not ends_a_sentence(line) for line in lines)
    if short < _SHORT_SHARE * len(lines):
        return None
    read = _read(lines)
    marked = sum(line.kind is not None for line in read)
    if marked < _FEWEST_FURNITURE and sum(line.bullet for line in read) < _MANY_BULLETS:
        return None
    start, end = _article(read)
    shortest = _SHORTEST_ARTICLE if len(lines) < _MANY_LINES else _SHORTEST_ARTICLE // 3
    if _prose(read[start:end]) < shortest:
        return None
    keep = [start <= at < end for at in range(len(read))]
    for at in _asides(read, start, end):
        keep[at] = False
    for at in _cut_off(read, start, end):
        keep[at] = True
    title = _title(read, start, end)
    if title is not None:
        keep[title] = True
    return keep


def _read(lines: Sequence[str]) -> list[_Line]:
    split = [tuple(_WORD.findall(fold(line))) for line in lines]
    stopwords = max(
        cues().stopwords.values(),
        key=lambda known: sum(word in known for words in split for word in words),
    )
    read = []
    for text, words in zip(lines, split, strict=True):
        density = sum(word in stopwords for word in words) / len(words) if words else 0.0
        found = verdict(text, page=True)
        prose = (
            found is None and len(words) >= 8 and density >= 0.2 and ends_a_sentence(text)
        ) or (len(words) >= 40 and density >= 0.3)
        read.append(
            _Line(
                text,
                words,
                density,
                found[0] if found else None,
                prose,
                bool(_BULLET.match(text)),
            )
        )
    return read


def _score(line: _Line) -> float:
    if line.prose:
        return min(len(line.text), 600) / 60
    if not line.words:
        return -0.1
    if line.kind is not None:
        return _BARRIERS.get(line.kind, -0.5) if len(line.words) <= _LONGEST_HEADING else -1.0
    if line.bullet:
        return -1.2
    return -1.0 if len(line.text) < 200 else 0.0


def _article(read: Sequence[_Line]) -> tuple[int, int]:
    """The best run, cut where the readers' comments begin, and what a box of links cut off it."""
    scores = [_score(line) for line in read]
    start, end = _best_run(scores)
    written = 0
    for at in range(start, end):
        if read[at].kind == "comments" and written >= _ENOUGH:
            first, last = _best_run(scores[start:at])
            return start + first, start + last
        written += len(read[at].text) if read[at].prose else 0
    while (beyond := _beyond_a_box(read, end)) is not None:
        end = beyond
    return start, end


def _beyond_a_box(read: Sequence[_Line], end: int) -> int | None:
    """Where the paragraphs end that go on a few lines below `end`, None where there are none.

    Two long ones in a row, and no comments in between: a list of links has a title over each blurb.
    """
    for at in range(end, min(end + _LARGEST_BOX, len(read) - 1)):
        if read[at].kind == "comments":
            return None
        if _long(read[at]) and _long(read[at + 1]):
            while at < len(read) and read[at].prose:
                at += 1
            return at
    return None


def _long(line: _Line) -> bool:
    return line.prose and not line.bullet and len(line.text) >= _SHORTEST_CUT_OFF


def _prose(read: Sequence[_Line]) -> int:
    return sum(len(line.text) for line in read if line.prose)


def _best_run(scores: Sequence[float]) -> tuple[int, int]:
    """The half-open range with the largest sum (Kadane), or the first that comes near it.

    A page that goes on with further articles, or ends with a long notice, has its own one on top.
    """
    runs: list[tuple[float, int, int]] = []
    total, start = 0.0, 0
    for at, score in enumerate(scores):
        if total <= 0:
            total, start = 0.0, at
            runs.append((0.0, at, at))
        total += score
        if total > runs[-1][0]:
            runs[-1] = (total, start, at + 1)
    largest = max((reached for reached, _, _ in runs), default=0.0)
    enough = min(_NEAR_LARGEST * largest, max(_OWN_SHARE * largest, _OWN_SUM))
    return next(((first, last) for reached, first, last in runs if reached >= enough), (0, 0))


def _asides(read: Sequence[_Line], start: int, end: int) -> list[int]:
    """Captions inside the run, and the links and blurbs below a heading such as `Related`."""
    gone = []
    listing = False
    for at in range(start, end):
        line = read[at]
        goes_on = at + 1 < len(read) and read[at + 1].prose
        if line.prose and (not listing or goes_on or len(line.text) >= _SHORTEST_PARAGRAPH):
            listing = False
        elif line.kind == "related" and len(line.words) <= _LONGEST_HEADING:
            listing = True
        elif listing or (line.kind == "credit" and at < end - 1):
            gone.append(at)
    return gone


def _cut_off(read: Sequence[_Line], start: int, end: int) -> list[int]:
    """Paragraphs near the run, beyond a menu or a box, that speak of the same things."""
    used = _used(read, start, end)
    last = min(len(read), end + _REACH)
    last = next((at for at in range(end, last) if read[at].kind == "comments"), last)
    near = (*range(max(0, start - _REACH), start), *range(end, last))
    return [
        at
        for at in near
        if _long(read[at])
        and len(_content(read[at]) & used) >= _SAME_SUBJECT * len(_content(read[at]))
    ]


def _content(line: _Line) -> set[str]:
    return {word for word in line.words if len(word) > 4}


def _used(read: Sequence[_Line], start: int, end: int) -> set[str]:
    return {word for line in read[start:end] for word in line.words if len(word) > 4}


def _title(read: Sequence[_Line], start: int, end: int) -> int | None:
    """The headline above the run whose words the run uses most, the topmost among equals."""
    used = _used(read, start, end)
    best, found = _HEADLINE_SHARE, None
    for at in range(max(0, start - _HEADLINE_REACH), start):
        line = read[at]
        content = _content(line)
        if line.kind or line.bullet or len(content) < 2 or not looks_like_headline(line.text):
            continue
        share = len(content & used) / len(content)
        if share > best:
            best, found = share, at
    return found
