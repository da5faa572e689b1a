"""`babelwire.normalized`: the article and nothing else, with a record of what was taken out."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from schemas.base import SCHEMA_VERSION, Message, Span, require_inside


class PublishedAt(Message):
    """A publication date no more precise than it is known: `2024-03` is a month."""

    value: str
    precision: Literal["year", "month", "day", "time"]
    origin: Literal["field", "metadata", "text"] = Field(alias="from")


class Language(Message):
    """ISO 639-1 code (`und` when no language could be told) and confidence in 0..1."""

    code: str
    confidence: float = Field(ge=0, le=1)


class Removed(Message):
    """A piece of the raw body that is not the article.

    `start` is its position in the raw body in code points, or null where a piece of HTML could not
    be found again verbatim. `rule` names what decided.
    """

    kind: str
    text: str
    start: int | None
    rule: str


class Provenance(Message):
    """What the article says of its origin: a republication or machine-translation note."""

    note: str | None = None
    machine_translated: bool = False


class NormalizedArticle(Message):
    """The clean article.

    `article_id` is the hex sha256 over source and canonical URL (over the normalized text where
    there is no URL). `event_id` is a uuid5 over article_id, content hash, stage and stage version.
    `paragraphs` and `sentences` are spans in `text`, in order; every sentence lies in one
    paragraph. The title is in `title` only, never in `text`.
    """

    article_id: str
    event_id: str
    schema_version: str = SCHEMA_VERSION
    source: str | None
    url: str | None
    title: str | None
    byline: str | None
    published_at: PublishedAt | None
    language: Language
    text: str
    paragraphs: list[Span]
    sentences: list[Span]
    removed: list[Removed]
    provenance: Provenance
    content_hash: str
    extra: dict[str, Any]
    versions: dict[str, str]

    @model_validator(mode="after")
    def _spans_lie_in_the_text(self) -> Self:
        for span in (*self.paragraphs, *self.sentences):
            require_inside("text", self.text, span)
        return self
