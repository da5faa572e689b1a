"""From a translated article to its entities: title, text and note as one, then in English too."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from agents.tagging.entities import Thing, things
from agents.tagging.models import word_test
from agents.tagging.names import NameTable
from agents.tagging.projection import Pair, project
from agents.tagging.recognition import recognise
from agents.tagging.salience import about, salience
from agents.tagging.spans import Span
from schemas import About, Entity, Mention, Quote, TranslatedArticle

JOINT: Final = "\n\n"

Field = Literal["title", "text", "provenance"]
FindNames = Callable[[str], list[Span]]


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
    table: NameTable,
    find: FindNames | None,
    find_english: FindNames,
) -> tuple[list[Entity], About]:
    """The entities of the article, most salient first, and what it is about.

    `find` is the model of the article's language. Where there is none, what `find_english` finds
    in the English counts where the source sentence has the very same name.
    """
    joined = Joined.of(article)
    if find is not None:
        spans = find(joined.source)
    else:
        spans = borrowed(joined, find_english, table) if article.translation.coverage else []
    found = recognise(joined.source, spans, table, word_test(article.language.code))
    named = things(joined.source, found, table)
    targets = project(named, joined.source, joined.target, joined.pairs, find_english)
    most = max((len(thing.mentions) for thing in named), default=0)
    ranked = sorted(
        ((thing, salience(thing, most, joined.title_end, len(joined.source))) for thing in named),
        key=lambda it: (-it[1], it[0].mentions[0].start, it[0].id),
    )
    return [_entity(thing, value, joined, targets) for thing, value in ranked], about(ranked)


def borrowed(joined: Joined, find_english: FindNames, table: NameTable) -> list[Span]:
    """Names found in the English that stand letter for letter in the aligned source sentence, or
    there under another name that the table has for them."""
    spans = []
    for pair in joined.pairs:
        sentence = joined.target[pair.target[0] : pair.target[1]]
        for span in find_english(sentence):
            name = sentence[span.start : span.end]
            known = table.link(name, span.type)
            for surface in (name, *(known.surfaces if known else ())):
                at = joined.source.find(surface, *pair.source)
                if at >= 0 and surface[0].isupper() and len(surface) > 2:
                    spans.append(Span(at, at + len(surface), span.type))
                    break
    return spans


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
        mentions=mentions,
    )


def _quote(text: str, start: int, end: int, origin: int) -> Quote:
    return Quote(start=start - origin, end=end - origin, text=text[start:end])
