"""The names in the five articles that the system exists for, against a list made by hand.

The English side is what the translator makes today, so that its list is found in that English:
every place where it has a name that the source has.
"""

import re
from collections import Counter
from pathlib import Path

import pytest

from agents.pipeline import PIPELINE
from schemas import EnrichedEvent, RawArticle
from schemas.base import Message
from streams.settings import Settings

SEEDS = Path(__file__).parents[3] / "shared" / "seeds"
GOLD = Path(__file__).parent / "gold" / "seeds.tsv"
RECALL, PRECISION = 0.95, 0.90

pytestmark = pytest.mark.skipif(
    not SEEDS.is_dir(), reason="../shared/seeds is not beside the checkout"
)

Mentions = Counter[tuple[str, ...]]


@pytest.fixture(scope="module")
def events() -> dict[str, EnrichedEvent]:
    steps = [stage.load(Settings()) for stage in PIPELINE]
    done = {}
    for path in sorted(SEEDS.glob("*.txt")):
        message: Message = RawArticle(body=path.read_text(encoding="utf-8"), source="seeds")
        for step in steps:
            message = step(message)
        assert isinstance(message, EnrichedEvent)
        done[path.name[:3]] = message
    return done


def gold() -> list[list[str]]:
    lines = GOLD.read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


def shares(given: Mentions, wanted: Mentions) -> tuple[float, float]:
    """Recall and precision."""
    right = (given & wanted).total()
    return right / wanted.total(), right / given.total()


def test_the_source_mentions_are_those_of_the_list(events: dict[str, EnrichedEvent]) -> None:
    wanted: Mentions = Counter()
    for seed, identity, surfaces, _ in gold():
        for surface in surfaces.split("|"):
            name, _, count = surface.rpartition(":")
            wanted[seed, identity, name] += int(count)
    given: Mentions = Counter(
        (seed, entity.id, mention.source.text)
        for seed, event in events.items()
        for entity in event.entities
        for mention in entity.mentions
    )
    recall, precision = shares(given, wanted)
    assert recall >= RECALL, wanted - given
    assert precision >= PRECISION, given - wanted


def test_the_english_mentions_are_those_of_the_list(events: dict[str, EnrichedEvent]) -> None:
    wanted: Mentions = Counter()
    for seed, identity, _, pattern in gold():
        text = events[seed].translation.text
        for found in re.finditer(rf"\b(?:{pattern})\b", text):
            wanted[seed, identity, str(found.span(found.lastindex or 0))] += 1
    given: Mentions = Counter(
        (seed, entity.id, str((mention.target.start, mention.target.end)))
        for seed, event in events.items()
        for entity in event.entities
        for mention in entity.mentions
        if mention.target is not None and mention.field == "text"
    )
    recall, precision = shares(given, wanted)
    assert recall >= RECALL, wanted - given
    assert precision >= PRECISION, given - wanted


def test_one_thing_has_one_id_in_all_five(events: dict[str, EnrichedEvent]) -> None:
    ids: dict[str, set[str]] = {}
    for event in events.values():
        for entity in event.entities:
            for mention in entity.mentions:
                ids.setdefault(mention.source.text, set()).add(entity.id)
    assert {name: found for name, found in ids.items() if len(found) > 1} == {}
    assert {f"{seed} {identity}" for seed, identity, *_ in gold()} == {
        f"{seed} {entity.id}" for seed, event in events.items() for entity in event.entities
    }
