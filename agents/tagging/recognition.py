"""Which names a text contains: what the model finds and what the name table knows, as one list."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from agents.tagging.names import CONTESTED, EVIDENCE, Hit, Name, NameTable
from agents.tagging.spans import (
    CONNECTORS,
    WORD,
    Near,
    Span,
    Taken,
    fold,
    opens_sentence,
    stop_names,
)
from schemas import EntityType

SURE: Final = 0.95
AGREED: Final = 0.99
MODEL_ALONE: Final = 0.8
POOLED: Final = 0.7
MISSPELT: Final = 0.75
COMMON_WORDS: Final = 2
ROLES: Final = frozenset({("ORG", "LOC"), ("PRODUCT", "ORG")})
NAME_MARKS: Final = frozenset("'’.&-")


@dataclass(frozen=True)
class Found:
    """A name at `[start, end)` of a text; `name` where the table knows it, which may be of another
    type than the mention (the White House as a place); `score` in 0..1."""

    start: int
    end: int
    type: EntityType
    score: float
    name: Name | None = None


def recognise(
    text: str,
    spans: Iterable[Span],
    table: NameTable,
    is_word: Callable[[str], bool] = lambda word: False,
    language: str = "",
    is_denied: Callable[[str], bool] = lambda surface: False,
) -> list[Found]:
    """The names in `text` in order and without overlap.

    `spans` is what a model found; `is_word` tells the common words of the language, in lower case,
    which models take for places where they open a sentence; `is_denied` the names that the house
    rules out. Evidence is pooled over the whole
    text: a doubtful name counts where another mention of it is certain, one name has one type, and
    a name found once is found wherever it stands again.
    """
    spans = sorted(
        (span for span in set(spans) if not is_denied(text[span.start : span.end])),
        key=lambda span: (span.start, -span.end),
    )
    hits = [h for h in table.hits(text, language) if not is_denied(text[h.start : h.end])]
    accepted = _with_evidence(hits, spans)
    named = [span for span in spans if not _opens_as_word(text, span, table, is_word)]
    merged = _merged(text, accepted, named, table, language)
    voted = _one_type_each(text, merged)
    return _spread(text, voted)


def _with_evidence(hits: list[Hit], spans: list[Span]) -> list[Hit]:
    certain = {hit.name.id for hit in hits if hit.certain}
    said = set(spans)
    return [hit for hit in hits if hit.certain or hit.name.id in certain or _span(hit) in said]


def _merged(
    text: str, hits: list[Hit], spans: list[Span], table: NameTable, language: str
) -> list[Found]:
    said, near_spans, near_hits = set(spans), Near(spans), Near(hits)
    taken = Taken(len(text))
    found: list[Found] = []
    for hit in hits:
        around = near_spans.overlapping(hit.start, hit.end)
        if not any(_model_knows_better(text, hit, span, near_hits) for span in around):
            agreed = AGREED if _span(hit) in said else SURE
            score = MISSPELT if hit.misspelt else agreed
            kind = _in_the_role_of(hit, around)
            found.append(Found(hit.start, hit.end, kind, score, hit.name))
            taken.take(hit.start, hit.end)
    for span in spans:
        if not taken.is_free(span.start, span.end):
            continue
        name = table.link(text[span.start : span.end], span.type, language)
        if name is not None and name.needs not in ("", EVIDENCE, CONTESTED):
            name = None
        found.append(Found(span.start, span.end, span.type, MODEL_ALONE, name))
        taken.take(span.start, span.end)
    return sorted(found, key=lambda one: one.start)


def _in_the_role_of(hit: Hit, spans: Iterable[Span]) -> EntityType:
    """The type of a mention of something that the table knows. Corpora call the White House a place
    and Twitter a company, each now and then, and a model that learnt it from them sees when; what
    the mention is a mention of stays the same."""
    for span in spans:
        same = (span.start, span.end) == (hit.start, hit.end)
        if same and (hit.name.type, span.type) in ROLES:
            return span.type
    return hit.name.type


def _opens_as_word(text: str, span: Span, table: NameTable, is_word: Callable[[str], bool]) -> bool:
    name = text[span.start : span.end]
    return (
        span.type == "LOC"
        and name.istitle()
        and name.isalpha()
        and opens_sentence(text, span.start)
        and table.link(name, "LOC") is None
        and is_word(name.lower())
    )


def _span(hit: Hit) -> Span:
    return Span(hit.start, hit.end, hit.name.type)


def _model_knows_better(text: str, hit: Hit, span: Span, hits: Near[Hit]) -> bool:
    """Whether the model's span is a longer name of which the table knows only a part (Hollywood
    Reporter, golfo del Messico), and no run of names or of other words; or whether the name is
    contested and the model gives it another type (Milan, the club)."""
    if span == _span(hit) or not (span.start <= hit.start and hit.end <= span.end):
        return False
    if (span.start, span.end) == (hit.start, hit.end):
        return hit.name.needs == CONTESTED
    inside = {
        other.name.id
        for other in hits.overlapping(span.start, span.end)
        if span.start <= other.start and other.end <= span.end
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
    taken = Taken(len(text))
    for one in found:
        taken.take(one.start, one.end)
    first_words: dict[str, list[int]] = defaultdict(list)
    for word in WORD.finditer(text):
        first_words[word.group()].append(word.start())
    added: list[Found] = []
    for surface, source in [*sources.items(), *surnames.items()]:
        first = WORD.match(surface)
        for start in first_words[first.group()] if first else ():
            end = start + len(surface)
            if not text.startswith(surface, start) or text[end : end + 1].isalnum():
                continue
            alone = surface not in sources
            if not taken.is_free(start, end) or (alone and opens_sentence(text, start)):
                continue
            name = source.name if not alone or source.type == "PER" else None
            added.append(Found(start, end, source.type, POOLED, name))
            taken.take(start, end)
    return sorted([*found, *added], key=lambda one: one.start)
