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


class RelativeDate(Message):
    """A date that only its day of writing makes one, such as `ieri` or `il y a deux jours`.

    `start` is its position in `text`, or null where it stood in a date line that was taken out.
    `reference` is the date it counts from (ISO 8601), as far as that is known: when the article
    was published, or else when it was fetched.
    """

    text: str
    start: int | None
    reference: str | None


class RawRun(Span):
    """Characters `[start, end)` of `text` that stand unchanged in the raw body, at `raw_start`."""

    raw_start: int


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

    `near_duplicate` is a 64-bit SimHash of the text as 16 hex digits: copies of one report differ
    in few bits (up to 14), different reports in about 32; null for a text too short to tell.
    `paragraph_languages` has one entry for each of `paragraphs`; `mixed_language` says that a good
    part of the text is in another language than `language`. `raw_runs` are in order of `start`;
    characters in none of them were repaired, or put in between. A text of endless repairs has
    only its longer runs there.
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
    near_duplicate: str | None = None
    paragraph_languages: list[Language] = Field(default_factory=list)
    mixed_language: bool = False
    relative_dates: list[RelativeDate] = Field(default_factory=list)
    raw_runs: list[RawRun] = Field(default_factory=list)

    @model_validator(mode="after")
    def _spans_lie_in_the_text(self) -> Self:
        for span in (*self.paragraphs, *self.sentences):
            require_inside("text", self.text, span)
        return self
