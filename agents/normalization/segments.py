"""What can be seen of a line of a page: its words, its kind, whether it reads as prose."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agents.normalization.cues import cues
from agents.normalization.folding import fold
from agents.normalization.furniture import verdict
from agents.normalization.layout import ends_a_sentence

_BULLET: Final = re.compile(r"[*+•·◦▪>»-] |o ")
_WORD: Final = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Segment:
    """One line of a page.

    `density` is the share of function words of the page's language, `kind` the kind of furniture
    that the line is by its own words, `prose` whether it reads as a paragraph.
    """

    text: str
    words: tuple[str, ...]
    density: float
    kind: str | None
    prose: bool
    bullet: bool
    ends: bool

    @property
    def content(self) -> frozenset[str]:
        """The words that carry a subject, which the long ones mostly do."""
        return frozenset(word for word in self.words if len(word) > 4)


def read_segments(lines: Sequence[str]) -> list[Segment]:
    """The lines, read against the function words of the language that fits them best."""
    split = [tuple(_WORD.findall(fold(line))) for line in lines]
    stopwords = max(
        cues().stopwords.values(),
        key=lambda known: sum(word in known for words in split for word in words),
    )
    read = []
    for text, words in zip(lines, split, strict=True):
        density = sum(word in stopwords for word in words) / len(words) if words else 0.0
        found = verdict(text, page=True)
        ends = ends_a_sentence(text)
        prose = (found is None and len(words) >= 8 and density >= 0.2 and ends) or (
            len(words) >= 40 and density >= 0.3
        )
        kind = found[0] if found else None
        read.append(Segment(text, words, density, kind, prose, bool(_BULLET.match(text)), ends))
    return read
