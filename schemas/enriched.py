"""`babelwire.enriched`: the event that subscribers read."""

from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.base import Message, Quote, require_quote
from schemas.translated import TranslatedArticle

EntityType = Literal["PER", "ORG", "LOC", "PRODUCT", "WORK"]


class Mention(Message):
    """One place where an entity is named.

    `field` says which texts the offsets count in: `text` means `text` and `translation.text`,
    `title` means `title` and `translation.title`, `provenance` means `provenance.note`, which has
    no English. `target` is null where the English does not name the entity or it was not found
    there. `score` is confidence in 0..1.
    """

    field: Literal["title", "text", "provenance"] = "text"
    source: Quote
    target: Quote | None
    score: float = Field(ge=0, le=1)


class Alternative(Message):
    """Another thing that an entity's name may mean, and how likely that is, in 0..1."""

    id: str
    name: str
    score: float = Field(ge=0, le=1)


class Entity(Message):
    """One thing, under one id in every article and language.

    `id` is `<type>:<slug>` (`org:openai`); `wikidata` a Q number where a source at hand carries it;
    `salience` in 0..1 says how much the article is about it. `certainty` in 0..1 says how sure it
    is that this is the thing with that id; `alternatives`, likeliest first, what else it may be.
    """

    id: str
    name: str
    type: EntityType
    wikidata: str | None
    salience: float = Field(ge=0, le=1)
    certainty: float = Field(1.0, ge=0, le=1)
    alternatives: list[Alternative] = Field(default_factory=list)
    mentions: list[Mention] = Field(min_length=1)


class About(Message):
    """The entities the article is mainly about, most salient first, and its main place."""

    entities: list[str]
    place: str | None


class EnrichedEvent(TranslatedArticle):
    """A TranslatedArticle with its entities, most salient first."""

    entities: list[Entity]
    about: About

    @model_validator(mode="after")
    def _mentions_quote_both_texts(self) -> Self:
        sources = {
            "text": self.text,
            "title": self.title or "",
            "provenance": self.provenance.note or "",
        }
        targets = {
            "text": self.translation.text,
            "title": self.translation.title or "",
            "provenance": "",
        }
        for entity in self.entities:
            for mention in entity.mentions:
                require_quote(mention.field, sources[mention.field], mention.source)
                if mention.target is not None:
                    require_quote(
                        f"translation.{mention.field}", targets[mention.field], mention.target
                    )
        known = {entity.id for entity in self.entities}
        for named in (*self.about.entities, *filter(None, [self.about.place])):
            if named not in known:
                raise ValueError(f"about names {named}, which is not among the entities")
        return self
