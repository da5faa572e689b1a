"""The messages on babelwire's topics: strict models, one file per topic."""

from schemas.base import REASONS, MessageError, Quote, Reason, Span, decode, encode
from schemas.dead_letter import DeadLetter, Unprocessable
from schemas.enriched import About, Alternative, EnrichedEvent, Entity, EntityType, Mention
from schemas.normalized import (
    Language,
    NormalizedArticle,
    Provenance,
    PublishedAt,
    RawRun,
    RelativeDate,
    Removed,
)
from schemas.raw import RawArticle
from schemas.translated import TranslatedArticle, TranslatedSentence, Translation

__all__ = [
    "REASONS",
    "About",
    "Alternative",
    "DeadLetter",
    "EnrichedEvent",
    "Entity",
    "EntityType",
    "Language",
    "Mention",
    "MessageError",
    "NormalizedArticle",
    "Provenance",
    "PublishedAt",
    "Quote",
    "RawArticle",
    "RawRun",
    "Reason",
    "RelativeDate",
    "Removed",
    "Span",
    "TranslatedArticle",
    "TranslatedSentence",
    "Translation",
    "Unprocessable",
    "decode",
    "encode",
]
