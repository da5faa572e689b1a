"""The phrases that page furniture is made of, read from `data/cues.toml`."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

from agents.normalization.folding import fold

LINE_KINDS: Final = (
    "advert",
    "related",
    "share",
    "subscribe",
    "cookies",
    "navigation",
    "comments",
)


@dataclass(frozen=True, slots=True)
class Cues:
    """All cue phrases, folded.

    `alone`, `lead`, `within`, `maybe` and `labels` give the kind of furniture that a phrase stands
    for; `any_lead`, `any_heading`, `any_within` and `any_maybe` find phrases as whole words.
    """

    alone: Mapping[str, str]
    labels: Mapping[str, str]
    lead: Mapping[str, str]
    within: Mapping[str, str]
    maybe: Mapping[str, str]
    any_lead: re.Pattern[str]
    any_heading: re.Pattern[str]
    any_within: re.Pattern[str]
    any_maybe: re.Pattern[str]
    credit_labels: re.Pattern[str]
    agencies: re.Pattern[str]
    byline_lead: re.Pattern[str]
    byline_bare: frozenset[str]
    correspondents: re.Pattern[str]
    particles: frozenset[str]
    provenance_subject: re.Pattern[str]
    provenance_statement: re.Pattern[str]
    translation_subject: re.Pattern[str]
    translation_statement: re.Pattern[str]
    translation_more: re.Pattern[str]
    stopwords: Mapping[str, frozenset[str]]


@cache
def cues() -> Cues:
    """The shipped cues, read once a process."""
    data = tomllib.loads(
        resources.files("agents.normalization").joinpath("data/cues.toml").read_text("utf-8")
    )
    lead, within, maybe = (_kinds(data, way) for way in ("lead", "within", "maybe"))
    byline, provenance, notice = data["byline"], data["provenance"], data["machine_translation"]
    return Cues(
        alone=_kinds(data, "alone"),
        labels=_kinds(data, "labels"),
        lead=lead,
        within=within,
        maybe=maybe,
        any_lead=_words(lead),
        any_heading=_words(_kinds(data, "heading")),
        any_within=_words(within),
        any_maybe=_words(maybe),
        credit_labels=_words(data["credit"]["labels"]),
        agencies=_words(data["credit"]["agencies"]),
        byline_lead=_words(byline["lead"]),
        byline_bare=frozenset(byline["bare"]),
        correspondents=_words(byline["correspondents"]),
        particles=frozenset(byline["particles"]),
        provenance_subject=_words(provenance["subject"]),
        provenance_statement=_starts(provenance["statement"]),
        translation_subject=_words(notice["subject"]),
        translation_statement=_words(notice["statement"]),
        translation_more=_words(notice["more"]),
        stopwords={
            language: frozenset(fold(words).split())
            for language, words in data["stopwords"].items()
        },
    )


def _kinds(data: Mapping[str, Mapping[str, list[str]]], way: str) -> dict[str, str]:
    return {phrase: kind for kind in LINE_KINDS for phrase in data[kind].get(way, ())}


def _words(phrases: Iterable[str]) -> re.Pattern[str]:
    """Any of the phrases as whole words, the longest that fits."""
    return re.compile(rf"(?<!\w)(?:{_any(phrases)})(?!\w)")


def _starts(phrases: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{_any(phrases)})")


def _any(phrases: Iterable[str]) -> str:
    return "|".join(re.escape(phrase) for phrase in sorted(set(phrases), key=len, reverse=True))
