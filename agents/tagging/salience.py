"""How much an article is about each of its entities."""

import math
from collections.abc import Sequence
from typing import Final

from agents.tagging.entities import Thing
from schemas import About

FREQUENCY: Final = 0.5
POSITION: Final = 0.3
TITLE: Final = 0.2
MAIN: Final = 5
MAIN_SHARE: Final = 0.4


def salience(thing: Thing, most_mentions: int, title_end: int, length: int) -> float:
    """A number in 0..1 from how often, how early and whether in the title the thing is named.

    Positions count in title and text together; `title_end` is where the title ends, 0 without one.
    """
    frequency = math.log1p(len(thing.mentions)) / math.log1p(max(1, most_mentions))
    first = thing.mentions[0].start
    value = FREQUENCY * frequency + POSITION * (1 - first / max(1, length))
    if title_end:
        value += TITLE * (first < title_end)
    else:
        value /= FREQUENCY + POSITION
    return round(min(1.0, value), 3)


def about(ranked: Sequence[tuple[Thing, float]]) -> About:
    """Up to MAIN leading entities, and the leading place, none much less salient than the first.
    `ranked` has the most salient first."""
    least = MAIN_SHARE * ranked[0][1] if ranked else 0.0
    leading = [thing for thing, value in ranked if value >= least]
    place = next((thing.id for thing in leading if thing.type == "LOC"), None)
    return About(entities=[thing.id for thing in leading[:MAIN]], place=place)
