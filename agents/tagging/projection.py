"""Where the English names what the source names: offsets for each mention, sentence by sentence."""

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from agents.tagging.entities import Thing
from agents.tagging.recognition import Found
from agents.tagging.spans import Span, fold
from schemas import EntityType

ALIKE: Final = 0.6


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
    english_names: Callable[[str], list[Span]],
) -> dict[tuple[int, int], tuple[int, int]]:
    """The English span of each source span that has one.

    Within a pair, a mention is looked for as it is written, then under every name its entity is
    known by, without regard to accents; what is then left is matched with the names that
    `english_names` finds in the sentence, where type and spelling are near. The first mention in
    the source takes the first in the target, and no English span serves twice.
    """
    mentions = sorted(
        ((thing, one) for thing in things for one in thing.mentions), key=lambda it: it[1].start
    )
    projected: dict[tuple[int, int], tuple[int, int]] = {}
    for pair in pairs:
        inside = [
            (thing, one)
            for thing, one in mentions
            if pair.source[0] <= one.start and one.end <= pair.source[1]
        ]
        if inside:
            sentence = target[pair.target[0] : pair.target[1]]
            for key, (start, end) in _in_sentence(inside, source, sentence, english_names):
                projected[key] = (pair.target[0] + start, pair.target[0] + end)
    return projected


def _in_sentence(
    mentions: list[tuple[Thing, Found]],
    source: str,
    sentence: str,
    english_names: Callable[[str], list[Span]],
) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    taken: list[tuple[int, int]] = []
    left: list[tuple[Thing, Found]] = []
    # Longer names first, so that "Altman" does not take the place of "Sam Altman".
    for thing, one in sorted(mentions, key=lambda it: (it[1].start - it[1].end, it[1].start)):
        span = _named(sentence, [source[one.start : one.end], *thing.surfaces], taken)
        if span is None:
            left.append((thing, one))
        else:
            taken.append(span)
            yield (one.start, one.end), span
    if not left:
        return
    candidates = [
        (span.start, span.end, span.type)
        for span in english_names(sentence)
        if _free(span.start, span.end, taken)
    ]
    for thing, one in left:
        best = _nearest(thing, source[one.start : one.end], sentence, candidates)
        if best is not None:
            candidates.remove(best)
            yield (one.start, one.end), best[:2]


def _named(
    sentence: str, surfaces: Sequence[str], taken: list[tuple[int, int]]
) -> tuple[int, int] | None:
    for surface in surfaces:
        for match in re.finditer(rf"(?<!\w){re.escape(surface)}(?!\w)", sentence):
            if _free(*match.span(), taken):
                return match.span()
    plain, places = _plain(sentence)
    for surface in surfaces:
        wanted = fold(surface)
        if len(wanted) < 2:
            continue
        for match in re.finditer(rf"(?<!\w){re.escape(wanted)}(?!\w)", plain):
            start, end = places[match.start()], places[match.end() - 1] + 1
            capital = any(c.isupper() for c in sentence[start:end])
            if capital and _free(start, end, taken):
                return start, end
    return None


def _plain(text: str) -> tuple[str, list[int]]:
    """The folded text, and for each of its characters the position it comes from."""
    parts: list[str] = []
    places: list[int] = []
    for position, character in enumerate(text):
        folded = fold(character)
        parts.append(folded)
        places += [position] * len(folded)
    return "".join(parts), places


def _free(start: int, end: int, taken: list[tuple[int, int]]) -> bool:
    return all(end <= other[0] or other[1] <= start for other in taken)


def _nearest(
    thing: Thing, surface: str, sentence: str, candidates: list[tuple[int, int, EntityType]]
) -> tuple[int, int, EntityType] | None:
    names = {fold(surface), *map(fold, thing.surfaces[:1])}
    best, nearest = None, ALIKE
    for candidate in candidates:
        given = fold(sentence[candidate[0] : candidate[1]])
        alike = max(_alike(name, given) for name in names)
        if candidate[2] == thing.type and alike >= nearest:
            best, nearest = candidate, alike + 1e-9
    return best


def _alike(one: str, other: str) -> float:
    """How near two folded names are in spelling, in 0..1, whatever the order of their words."""
    first, second = (" ".join(sorted(name.split())) for name in (one, other))
    return max(
        difflib.SequenceMatcher(None, one, other).ratio(),
        difflib.SequenceMatcher(None, first, second).ratio(),
    )
