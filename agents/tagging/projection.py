"""Where the English names what the source names: offsets for each mention, sentence by sentence."""

import difflib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from agents.tagging.entities import Thing
from agents.tagging.recognition import Found
from agents.tagging.spans import CONNECTORS, WORD, Span, Taken, fold, is_proper, is_without_capitals

ALIKE: Final = 0.6
LONGEST: Final = 3_000


@dataclass(frozen=True)
class Pair:
    """A piece of source text and the piece of English that renders it, as `[start, end)` each."""

    source: tuple[int, int]
    target: tuple[int, int]


def project(
    things: Sequence[Thing],
    source: str,
    target: str,
    pairs: Sequence[Pair],
    english_names: Sequence[Sequence[Span]],
) -> dict[tuple[int, int], tuple[int, int]]:
    """The English span of each source span that has one.

    Within a pair, a mention is looked for as it is written, then under every name its entity is
    known by, without regard to accents; what is then left is matched with the names that a model
    found in the pair's English, where type and spelling are near: `english_names` has them for
    each pair, counted from its start. The first mention in the source takes the first in the
    target, and no English span serves twice.
    """
    mentions = sorted(
        ((thing, one) for thing in things for one in thing.mentions), key=lambda it: it[1].start
    )
    projected: dict[tuple[int, int], tuple[int, int]] = {}
    for pair, names in zip(pairs, english_names, strict=True):
        inside = [
            (thing, one)
            for thing, one in mentions
            if pair.source[0] <= one.start and one.end <= pair.source[1]
        ]
        if inside:
            sentence = target[pair.target[0] : pair.target[1]]
            for key, (start, end) in _in_sentence(inside, source, sentence, names):
                projected[key] = (pair.target[0] + start, pair.target[0] + end)
    return projected


def _in_sentence(
    mentions: list[tuple[Thing, Found]],
    source: str,
    sentence: str,
    english_names: Sequence[Span],
) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    taken = Taken(len(sentence))
    exact = _Index(sentence, sentence, range(len(sentence)))
    folded = cache(lambda: _Index(sentence, *_plain(sentence)))
    left: list[tuple[Thing, Found]] = []
    # Longer names first, so that "Altman" does not take the place of "Sam Altman".
    for thing, one in sorted(mentions, key=lambda it: (it[1].start - it[1].end, it[1].start)):
        surfaces = [source[one.start : one.end], *thing.surfaces]
        span = _first(exact, surfaces, taken) or _first(
            folded(), [fold(surface) for surface in surfaces], taken
        )
        if span is None:
            left.append((thing, one))
        else:
            taken.take(*span)
            yield (one.start, one.end), span
    # In a "sentence" of pages, likeness of names says nothing, and comparing all takes minutes.
    if not left or len(sentence) > LONGEST:
        return
    candidates = [span for span in english_names if taken.is_free(span.start, span.end)]
    for thing, one in left:
        best = _nearest(thing, source[one.start : one.end], sentence, candidates)
        if best is not None:
            candidates.remove(best)
            yield (one.start, one.end), (best.start, best.end)


class _Index:
    """Where a sentence has a name as whole words, found by its first word. `text` is the sentence
    or its folded form, `places` the positions of its characters in the sentence."""

    def __init__(self, sentence: str, text: str, places: Sequence[int]) -> None:
        self._sentence = sentence
        self._text = text
        self._places = places
        self._starts: dict[str, list[int]] = defaultdict(list)
        self._spent: dict[str, int] = {}
        for word in WORD.finditer(text):
            self._starts[word.group()].append(word.start())

    def first(self, name: str, taken: Taken) -> tuple[int, int] | None:
        """Its first place in the sentence that is free. What was not free once is not looked at
        again, since nothing becomes free: a name said thousands of times costs no more for it."""
        word = WORD.match(name)
        starts = self._starts.get(word.group(), []) if word else []
        for number in range(self._spent.get(name, 0), len(starts)):
            span = self._at(starts[number], name)
            if span is not None and taken.is_free(*span):
                return span
            self._spent[name] = number + 1
        return None

    def _at(self, start: int, name: str) -> tuple[int, int] | None:
        end = start + len(name)
        runs_on = name[-1].isalnum() and self._text[end : end + 1].isalnum()
        if runs_on or not self._text.startswith(name, start):
            return None
        span = self._places[start], self._places[end - 1] + 1
        given = self._sentence[span[0] : span[1]]
        return span if is_proper(given) or is_without_capitals(self._sentence) else None


def _first(index: _Index, surfaces: Sequence[str], taken: Taken) -> tuple[int, int] | None:
    spans = (index.first(surface, taken) for surface in surfaces)
    return next((span for span in spans if span is not None), None)


def _plain(text: str) -> tuple[str, list[int]]:
    """The folded text, and for each of its characters the position it comes from."""
    parts: list[str] = []
    places: list[int] = []
    for position, character in enumerate(text):
        folded = fold(character)
        parts.append(folded)
        places += [position] * len(folded)
    return "".join(parts), places


def _nearest(thing: Thing, surface: str, sentence: str, candidates: Sequence[Span]) -> Span | None:
    names = {fold(surface), *map(fold, thing.surfaces[:1])}
    best, nearest = None, 0.0
    for candidate in candidates:
        given = fold(sentence[candidate.start : candidate.end])
        alike = max(_alike(name, given) for name in names)
        # Models differ over whether a museum is a place or an organisation.
        near = candidate.type == thing.type or {candidate.type, thing.type} == {"LOC", "ORG"}
        if near and alike >= ALIKE and alike > nearest:
            best, nearest = candidate, alike
    return best


def _alike(one: str, other: str) -> float:
    """How near two folded names are in spelling, in 0..1, whatever the order of their words."""
    first, second = (
        " ".join(sorted(word for word in WORD.findall(name) if word not in CONNECTORS))
        for name in (one, other)
    )
    return difflib.SequenceMatcher(None, first, second).ratio()
