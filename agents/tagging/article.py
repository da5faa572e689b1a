"""From a translated article to its entities: title, text and note as one, then in English too."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from agents.tagging.entities import Thing, things
from agents.tagging.models import word_test
from agents.tagging.opinion import WEAK, borrowed, corrected, weighed
from agents.tagging.projection import Pair, project
from agents.tagging.recognition import recognise
from agents.tagging.rules import Names
from agents.tagging.salience import about, salience
from agents.tagging.spans import Span, is_proper, is_without_capitals
from schemas import About, Alternative, Entity, Mention, Quote, TranslatedArticle

JOINT: Final = "\n\n"

Field = Literal["title", "text", "provenance"]
FindNames = Callable[[Sequence[str]], list[list[Span]]]


@dataclass(frozen=True)
class Part:
    """A field of the article, where it begins in the joined source, and its English likewise."""

    field: Field
    source: int
    target: int


@dataclass(frozen=True)
class Joined:
    """Title, text and provenance note as one source text, the English likewise, and how they
    align. `parts` are in order of position."""

    source: str
    target: str
    parts: tuple[Part, ...]
    pairs: tuple[Pair, ...]

    @classmethod
    def of(cls, article: TranslatedArticle) -> "Joined":
        """Joins what the article has."""
        source, target = "", ""
        parts: list[Part] = []
        fields: tuple[tuple[Field, str | None, str | None], ...] = (
            ("title", article.title, article.translation.title),
            ("text", article.text, article.translation.text),
            ("provenance", article.provenance.note, None),
        )
        for field, original, english in fields:
            if original:
                source += JOINT if source else ""
                target += JOINT if target else ""
                parts.append(Part(field, len(source), len(target)))
                source += original
                target += english or ""
        return cls(source, target, tuple(parts), tuple(_pairs(article, parts)))

    @property
    def title_end(self) -> int:
        """Where the title ends in the source, 0 without one."""
        if len(self.parts) > 1 and self.parts[0].field == "title":
            return self.parts[1].source
        return 0

    def part_at(self, position: int) -> Part:
        """The part in which a position of the source lies."""
        return next(part for part in reversed(self.parts) if part.source <= position)


def _pairs(article: TranslatedArticle, parts: list[Part]) -> Iterator[Pair]:
    for part in parts:
        if part.field == "title" and article.title and article.translation.title:
            yield Pair((0, len(article.title)), (0, len(article.translation.title)))
        elif part.field == "text":
            for sentence in article.translation.sentences:
                yield Pair(
                    (sentence.source.start + part.source, sentence.source.end + part.source),
                    (sentence.target.start + part.target, sentence.target.end + part.target),
                )


def tag(
    article: TranslatedArticle,
    names: Names,
    find: FindNames | None,
    find_english: FindNames | None,
) -> tuple[list[Entity], About]:
    """The entities of the article, most salient first, and what it is about.

    `find` is the model of the article's language, `find_english` the second opinion. Where there is
    no model, what the English one finds counts where the source sentence has the very same name;
    where the model is weak, it is set right in the same way.
    """
    joined, language, table = Joined.of(article), article.language.code, names.table
    sentences = [joined.target[pair.target[0] : pair.target[1]] for pair in joined.pairs]
    spans = find([joined.source])[0] if find else []
    if language == "en":
        # Source and English are one text: reading it twice would give the same names twice.
        english = [_inside(pair.source, spans) for pair in joined.pairs]
    else:
        english = find_english(sentences) if find_english else [[] for _ in sentences]
    if (find is None or language in WEAK) and article.translation.coverage:
        lent = borrowed(joined.source, joined.target, joined.pairs, english, table, language)
        spans = corrected(joined.source, spans, lent, table, language)
    is_word = word_test(language)
    found = recognise(
        joined.source,
        spans,
        table,
        is_word,
        language,
        lambda surface: names.is_denied(surface, language),
    )
    named = things(joined.source, found, table, language, _name_test(joined.source, is_word))
    targets = project(named, joined.source, joined.target, joined.pairs, english)
    placed = [
        Span(pair.target[0] + span.start, pair.target[0] + span.end, span.type)
        for pair, spans in zip(joined.pairs, english, strict=True)
        for span in spans
    ]
    if find_english and language != "en":
        named = [
            replace(thing, mentions=tuple(weighed(thing.mentions, targets, placed)))
            for thing in named
        ]
    most = max((len(thing.mentions) for thing in named), default=0)
    ranked = sorted(
        ((thing, salience(thing, most, joined.title_end, len(joined.source))) for thing in named),
        key=lambda it: (-it[1], it[0].mentions[0].start, it[0].id),
    )
    return [_entity(thing, value, joined, targets) for thing, value in ranked], about(ranked)


def _inside(place: tuple[int, int], spans: Sequence[Span]) -> list[Span]:
    """The spans within `place`, counted from its start."""
    start, end = place
    return [
        Span(span.start - start, span.end - start, span.type)
        for span in spans
        if start <= span.start and span.end <= end
    ]


def _name_test(text: str, is_word: Callable[[str], bool]) -> Callable[[str], bool]:
    """Tells a name from a common noun: by its capital, or where nothing has capitals by its not
    being a word."""
    if not is_without_capitals(text):
        return is_proper
    return lambda surface: is_proper(surface) or " " in surface or not is_word(surface)


def _entity(
    thing: Thing,
    value: float,
    joined: Joined,
    targets: dict[tuple[int, int], tuple[int, int]],
) -> Entity:
    mentions = []
    for one in thing.mentions:
        part = joined.part_at(one.start)
        target = targets.get((one.start, one.end))
        mentions.append(
            Mention(
                field=part.field,
                source=_quote(joined.source, one.start, one.end, part.source),
                target=_quote(joined.target, *target, part.target) if target else None,
                score=one.score,
            )
        )
    return Entity(
        id=thing.id,
        name=thing.name,
        type=thing.type,
        wikidata=thing.wikidata,
        salience=value,
        certainty=round(thing.certainty, 3),
        alternatives=[
            Alternative(id=other.name.id, name=other.name.name, score=round(other.score, 3))
            for other in thing.others
        ],
        mentions=mentions,
    )


def _quote(text: str, start: int, end: int, origin: int) -> Quote:
    return Quote(start=start - origin, end=end - origin, text=text[start:end])
