"""`babelwire.translated`: the article with its English, sentence by sentence."""

from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.base import Message, Span, require_inside
from schemas.normalized import NormalizedArticle


class TranslatedSentence(Message):
    """One source sentence and its English.

    `source` is a span in the article's `text`, `target` in `translation.text`. `engine` is the
    engine that made it (`none` where nothing was translated); `route` its languages, such as
    `it>ca>pt>en`. `notes` lists what a reader should know (unknown words, a retry, a guard).

    Since 1.1: `models` names the models and tables that it was made with, each with the start of a
    SHA-256; `confidence` in 0..1 is 1 when nothing visible speaks against it, null where unknown;
    `unknown` lists source words that nothing could translate, `alarms` what the guards still see
    wrong, `actions` what was done about alarms.
    """

    source: Span
    target: Span
    engine: str
    route: str
    notes: list[str]
    models: list[str] = Field(default_factory=list)
    confidence: float | None = Field(default=None, ge=0, le=1)
    unknown: list[str] = Field(default_factory=list)
    alarms: list[str] = Field(default_factory=list)
    actions: list[str] = Field(default_factory=list)


class Translation(Message):
    """The English article. `coverage` is the share of source characters that an engine (or English
    itself) accounts for; `quality` is an estimate on the scale of chrF in 0..1
    (about .5 is readable, 1 the original), null when nothing was translated. `text` keeps the
    paragraphs of the source, `paragraphs` are spans in it. `source_machine_translated` (since 1.1):
    the article says that it was itself translated by a machine."""

    language: Literal["en"] = "en"
    title: str | None
    text: str
    paragraphs: list[Span]
    coverage: float = Field(ge=0, le=1)
    quality: float | None = Field(ge=0, le=1)
    sentences: list[TranslatedSentence]
    source_machine_translated: bool = False


class TranslatedArticle(NormalizedArticle):
    """A NormalizedArticle with its `translation`."""

    translation: Translation

    @model_validator(mode="after")
    def _alignment_lies_in_both_texts(self) -> Self:
        for span in self.translation.paragraphs:
            require_inside("translation.text", self.translation.text, span)
        for sentence in self.translation.sentences:
            require_inside("text", self.text, sentence.source)
            require_inside("translation.text", self.translation.text, sentence.target)
        return self
