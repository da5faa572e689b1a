"""The second opinion: what a model finds in the English, held against what the source says."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from typing import Final

from agents.tagging.names import NameTable, NameTableError
from agents.tagging.projection import Pair
from agents.tagging.recognition import Found
from agents.tagging.spans import WORD, Span, Taken, fold
from schemas import EntityType

# How far agreement closes the gap to certainty, and what is left of a score without it. The English
# is a translation and its model small, so that silence weighs little.
AGREED: Final = 0.5
SILENT: Final = 0.95
DIFFERS: Final = 0.85
ALIKE: Final = ({"LOC", "ORG"}, {"ORG", "PRODUCT"}, {"PRODUCT", "WORK"})
WEAK: Final = frozenset({"es"})
SHORTEST: Final = 3
TYPES: Final[tuple[EntityType, ...]] = ("ORG", "LOC", "PER")


def borrowed(
    source: str,
    target: str,
    pairs: Sequence[Pair],
    english: Sequence[Sequence[Span]],
    table: NameTable,
    language: str,
) -> list[Span]:
    """Names found in the English that stand letter for letter in the aligned source sentence, or
    there under another name that the table has for them."""
    spans = []
    for pair, names in zip(pairs, english, strict=True):
        sentence = target[pair.target[0] : pair.target[1]]
        for span in names:
            name = sentence[span.start : span.end]
            known = table.link(name, span.type, "en")
            for surface in (name, *(known.surfaces if known else ())):
                at = source.find(surface, *pair.source)
                if at >= 0 and surface[0].isupper() and len(surface) >= SHORTEST:
                    kind = by_head(surface, span.type, language)
                    spans.append(Span(at, at + len(surface), kind))
                    break
    return spans


def corrected(
    source: str,
    spans: Sequence[Span],
    english: Sequence[Span],
    table: NameTable,
    language: str,
) -> list[Span]:
    """What a weak model found, set right by the English: names it missed are added, a type that
    the English model sees otherwise is changed, a thing that the table knows under another type
    alone has that one, and a word that says what the name is (`Gobierno`, `Universidad`) outweighs
    all."""
    said = {(span.start, span.end): span.type for span in english}
    taken = Taken(len(source))
    kept = []
    for span in spans:
        surface = source[span.start : span.end]
        kind = said.get((span.start, span.end), span.type)
        if table.link(surface, kind, language) is None:
            kind = next((k for k in TYPES if table.link(surface, k, language)), kind)
        kept.append(Span(span.start, span.end, by_head(surface, kind, language)))
        taken.take(span.start, span.end)
    added = [span for span in english if taken.is_free(span.start, span.end)]
    return [*kept, *added]


def by_head(surface: str, kind: EntityType, language: str) -> EntityType:
    """The type that the first telling word of a name gives it, else `kind`.

    >>> by_head("Universidad de Sevilla", "PER", "es"), by_head("Sevilla", "LOC", "es")
    ('ORG', 'LOC')
    """
    known = heads().get(language, {})
    words = [fold(word) for word in WORD.findall(surface)]
    found = (known[word] for word in words[:2] if word in known)
    return next(found, kind) if len(words) > 1 else kind


@lru_cache(maxsize=1)
def heads() -> dict[str, dict[str, EntityType]]:
    """Words that begin the names of one type of thing, folded, by language."""
    text = (files("agents.tagging") / "data" / "heads.tsv").read_text(encoding="utf-8")
    found: dict[str, dict[str, EntityType]] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            language, kind, words = line.split("\t")
            if kind not in ("PER", "ORG", "LOC"):
                raise NameTableError(f"heads.tsv: {kind} is no type of name that words tell")
            for word in words.split("|"):
                found.setdefault(language, {})[fold(word)] = kind  # type: ignore[assignment]
    return found


def weighed(
    found: Sequence[Found],
    targets: dict[tuple[int, int], tuple[int, int]],
    english: Sequence[Span],
) -> Iterator[Found]:
    """The mentions with their scores after the second opinion. `english` counts in the whole
    English; a mention that the English does not have keeps its score."""
    said: dict[tuple[int, int], EntityType] = {(s.start, s.end): s.type for s in english}
    edges = {edge for span in english for edge in range(span.start, span.end)}
    for one in found:
        target = targets.get((one.start, one.end))
        if target is None:
            yield one
            continue
        kind = said.get(target)
        score = one.score
        if kind is not None and (kind == one.type or {kind, one.type} in ALIKE):
            score += AGREED * (1 - score)
        elif kind is not None:
            score *= DIFFERS
        elif not edges.intersection(range(*target)):
            score *= SILENT
        yield replace(one, score=round(score, 3))
