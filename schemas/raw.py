"""`babelwire.raw`: an article as somebody found it."""

from typing import Any

from pydantic import Field

from schemas.base import Message


class RawArticle(Message):
    """What a producer sends. Only `body` is needed; everything else is a hint.

    `content_type` is `text/plain` or `text/html`; where it is null the body is looked at.
    `language` is an ISO 639-1 code. `published_at` and `fetched_at` are dates as the producer has
    them (ISO 8601 is best). `extra` travels along untouched.
    """

    body: str
    content_type: str | None = None
    source: str | None = None
    url: str | None = None
    title: str | None = None
    byline: str | None = None
    language: str | None = None
    published_at: str | None = None
    fetched_at: str | None = None
    extra: dict[str, Any] = Field(default_factory=dict)
