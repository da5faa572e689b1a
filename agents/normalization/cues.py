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
class LineCues:
    """What makes a whole line a piece of furniture of one kind; `lead` and `within` search folded
    text, `alone` and `labels` hold folded phrases."""

    kind: str
    alone: frozenset[str]
    labels: frozenset[str]
    lead: re.Pattern[str]
    within: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Cues:
    """All cue phrases, folded."""

    lines: tuple[LineCues, ...]
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
    byline, provenance, notice = data["byline"], data["provenance"], data["machine_translation"]
    return Cues(
        lines=tuple(_line_cues(kind, data[kind]) for kind in LINE_KINDS),
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


def _line_cues(kind: str, data: Mapping[str, list[str]]) -> LineCues:
    return LineCues(
        kind=kind,
        alone=frozenset(data.get("alone", ())),
        labels=frozenset(data.get("labels", ())),
        lead=_words(data.get("lead", ())),
        within=_words(data.get("within", ())),
    )


def _words(phrases: Iterable[str]) -> re.Pattern[str]:
    """Any of the phrases as whole words, the longest that fits; nothing when there are none."""
    return re.compile(rf"(?<!\w)(?:{_any(phrases)})(?!\w)" if phrases else r"(?!)")


def _starts(phrases: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{_any(phrases)})")


def _any(phrases: Iterable[str]) -> str:
    return "|".join(re.escape(phrase) for phrase in sorted(set(phrases), key=len, reverse=True))
