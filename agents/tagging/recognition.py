"""Which names a text contains: what the model finds and what the name table knows, as one list."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from agents.tagging.names import CONTESTED, EVIDENCE, Hit, Name, NameTable, case_fits
from agents.tagging.spans import WORD, Span, fold, opens_sentence, overlaps, stop_names
from schemas import EntityType

SURE: Final = 0.95
AGREED: Final = 0.99
MODEL_ALONE: Final = 0.8
POOLED: Final = 0.7
MISSPELT: Final = 0.75
CONNECTORS: Final = frozenset({
    "de", "du", "des", "d", "di", "del", "della", "dello", "dei", "degli", "delle", "dell", "da",
    "la", "le", "les", "lo", "l", "el", "los", "las", "do", "dos", "das", "of", "the", "for",
    "and", "e", "et", "y", "a", "al", "alla", "allo", "ai", "alle", "sul", "sulla", "per", "pour",
})  # fmt: skip
COMMON_WORDS: Final = 2
NAME_MARKS: Final = frozenset("'’.&-")


@dataclass(frozen=True)
class Found:
    """A name at `[start, end)` of a text; `name` where the table knows it; `score` in 0..1."""

    start: int
    end: int
    type: EntityType
    score: float
    name: Name | None = None

    @property
    def span(self) -> Span:
        """Its place and type."""
        return Span(self.start, self.end, self.type)


def recognise(text: str, spans: Iterable[Span], table: NameTable) -> list[Found]:
    """The names in `text` in order and without overlap.

    `spans` is what a model found. Evidence is pooled over the whole text: a doubtful name counts
    where another mention of it is certain, one name has one type, and a name found once is found
    wherever it stands again.
    """
    spans = sorted(set(spans), key=lambda span: (span.start, -span.end))
    accepted = _with_evidence(table.hits(text), spans)
    merged = _merged(text, accepted, spans, table)
    voted = _one_type_each(text, merged)
    return _spread(text, voted)


def _with_evidence(hits: list[Hit], spans: list[Span]) -> list[Hit]:
    certain = {hit.name.id for hit in hits if hit.certain}
    return [
        hit
        for hit in hits
        if hit.certain
        or hit.name.id in certain
        or any(
            (span.start, span.end, span.type) == (hit.start, hit.end, hit.name.type)
            for span in spans
        )
    ]


def _merged(text: str, hits: list[Hit], spans: list[Span], table: NameTable) -> list[Found]:
    kept: list[Hit] = []
    for hit in hits:
        around = [span for span in spans if overlaps(span, _span(hit))]
        if not any(_model_knows_better(text, hit, span, hits) for span in around):
            kept.append(hit)
    found = [Found(hit.start, hit.end, hit.name.type, _score(hit, spans), hit.name) for hit in kept]
    taken = [one.span for one in found]
    for span in spans:
        if any(overlaps(span, other) for other in taken):
            continue
        name = table.link(text[span.start : span.end], span.type)
        if name is not None and not (
            name.needs in ("", EVIDENCE, CONTESTED) and case_fits(name.name[:1], text[span.start])
        ):
            name = None
        found.append(Found(span.start, span.end, span.type, MODEL_ALONE, name))
        taken.append(span)
    return sorted(found, key=lambda one: one.start)


def _span(hit: Hit) -> Span:
    return Span(hit.start, hit.end, hit.name.type)


def _score(hit: Hit, spans: list[Span]) -> float:
    if hit.misspelt:
        return MISSPELT
    return AGREED if _span(hit) in spans else SURE


def _model_knows_better(text: str, hit: Hit, span: Span, hits: list[Hit]) -> bool:
    """Whether the model's span is a longer name of which the table knows only a part (Hollywood
    Reporter, golfo del Messico), and no run of names or of other words; or whether the name is
    contested and the model gives it another type (Milan, the club)."""
    if span == _span(hit) or not (span.start <= hit.start and hit.end <= span.end):
        return False
    if (span.start, span.end) == (hit.start, hit.end):
        return hit.name.needs == CONTESTED
    inside = {
        other.name.id for other in hits if span.start <= other.start and other.end <= span.end
    }
    if len(inside) > 1:
        return False
    rest = WORD.findall(text[span.start : hit.start] + " " + text[hit.end : span.end])
    words = [word for word in rest if word[0].isalnum()]
    marks = set(rest) - set(words)
    if not words or marks - NAME_MARKS or any(fold(word) in stop_names() for word in words):
        return False
    if words[0].islower() and fold(words[0]) in CONNECTORS and span.start < hit.start:
        return False
    small = [word for word in words if word[0].islower() and fold(word) not in CONNECTORS]
    if hit.name.type == span.type == "LOC":
        return len(small) <= COMMON_WORDS
    after = WORD.findall(text[hit.end : span.end])
    if not text[span.start].isupper() or any(word[0].islower() for word in after):
        return False
    if all(word[0].isupper() or word[0].isdigit() for word in words):
        return True
    return len(small) <= COMMON_WORDS and hit.name.type in ("LOC", span.type)


def _one_type_each(text: str, found: list[Found]) -> list[Found]:
    votes: dict[str, Counter[EntityType]] = defaultdict(Counter)
    for one in found:
        votes[fold(text[one.start : one.end])][one.type] += 100 if one.name else 1
    settled = []
    for one in found:
        counted = votes[fold(text[one.start : one.end])]
        # Counter keeps the order of first mention, and max the first of equals.
        winner = max(counted, key=lambda kind: counted[kind])
        if winner == one.type or one.name is not None:
            settled.append(one)
        else:
            settled.append(replace(one, type=winner, score=POOLED))
    return settled


def _spread(text: str, found: list[Found]) -> list[Found]:
    """Adds further mentions of names that the model saw in one place and not in another."""
    sources: dict[str, Found] = {}
    surnames: dict[str, Found] = {}
    for one in found:
        surface = text[one.start : one.end]
        words = surface.split()
        if len(words) > 1 and len(surface) > 5:
            sources.setdefault(surface, one)
        if one.type == "PER" and len(words) > 1 and len(words[-1]) > 3 and words[-1][0].isupper():
            surnames.setdefault(words[-1], one)
    taken = [one.span for one in found]
    added: list[Found] = []
    for surface, source in [*sources.items(), *surnames.items()]:
        for match in re.finditer(rf"(?<!\w){re.escape(surface)}(?!\w)", text):
            span = Span(match.start(), match.end(), source.type)
            if any(overlaps(span, other) for other in taken):
                continue
            if surface in surnames and opens_sentence(text, span.start):
                continue
            name = source.name if surface in sources or source.type == "PER" else None
            added.append(Found(span.start, span.end, source.type, POOLED, name))
            taken.append(span)
    return sorted([*found, *added], key=lambda one: one.start)
