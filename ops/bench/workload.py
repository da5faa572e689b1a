"""Articles to measure with: sentences that never repeat, lengths that are stated.

Sentences come from the news corpora in a folder like `../shared/data` where they are present, and
beyond them from a small grammar of ours (`grammar.toml`), so that no translation memory has an easy
day and anyone can run the measurement. A workload is the same for the same seed and corpora.
"""

import math
import random
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from schemas import RawArticle

# Shares of the languages in a workload, in tenths; English is not translated.
MIX: Final[Mapping[str, float]] = {"it": 0.4, "fr": 0.4, "es": 0.1, "en": 0.1}
# Files of plain sentences under the corpora's folder, one a line.
FILES: Final[Mapping[str, tuple[str, ...]]] = {
    "it": ("mt/ita-eng/newstest2009.ita", "mt/ita-eng/newssyscomb2009.ita"),
    "fr": ("mt/fra-eng/newstest2013.fra",),
    "es": ("mt/spa-eng/newstest2013.spa",),
    "en": ("mt/fra-eng/newstest2013.eng",),
}
PARAGRAPH: Final = 3
_SHORTEST, _LONGEST = 40, 400


@dataclass(frozen=True)
class Lengths:
    """Characters of an article's text: log-normal with this median and spread (standard deviation
    of the logarithm), cut off at `shortest` and `longest`; an article ends with the sentence that
    reaches its length."""

    median: float
    spread: float
    shortest: int
    longest: int

    def draw(self, chance: random.Random) -> int:
        """One article's length."""
        length = chance.lognormvariate(math.log(self.median), self.spread)
        return round(min(self.longest, max(self.shortest, length)))

    def __str__(self) -> str:
        if self.spread == 0:
            return f"{self.median:,.0f} characters"
        return (
            f"log-normal, median {self.median:,.0f} characters, spread {self.spread:g},"
            f" {self.shortest:,} to {self.longest:,}"
        )


# As articles are: mean about 2,500.
MIXED: Final = Lengths(2_200, 0.5, 300, 10_000)
# What the latencies are stated for.
EVEN: Final = Lengths(2_500, 0.0, 2_500, 2_500)
# For counts that matter more than lengths.
SHORT: Final = Lengths(220, 0.0, 220, 220)


class Workload:
    """An endless supply of articles in the languages of MIX, none like another."""

    def __init__(self, data: Path | None, seed: int = 1) -> None:
        self._chance = random.Random(seed)
        self._made = Grammar(self._chance)
        self._corpora = {language: self._corpus(data, language) for language in MIX}
        self._left = {
            language: self._chance.sample(lines, len(lines))
            for language, lines in self._corpora.items()
        }
        self._turns: list[str] = []
        self._number = 0

    @property
    def origin(self) -> str:
        """Where the sentences come from, for the report."""
        found = [f"{code} {len(lines):,}" for code, lines in self._corpora.items() if lines]
        if not found:
            return "sentences made by ops/bench/grammar.toml"
        return f"news sentences ({', '.join(found)}), then ops/bench/grammar.toml"

    def articles(self, count: int, lengths: Lengths) -> list[RawArticle]:
        """So many articles."""
        return [self.article(lengths) for _ in range(count)]

    def article(self, lengths: Lengths, language: str | None = None) -> RawArticle:
        """The next article, in a language of MIX by its share, or in this one."""
        if language is None:
            language = self._next_language()
        wanted = lengths.draw(self._chance)
        sentences: list[str] = []
        while sum(map(len, sentences)) + len(sentences) < wanted:
            sentences.append(self._sentence(language))
        self._number += 1
        return RawArticle(
            body="\n\n".join(
                " ".join(sentences[at : at + PARAGRAPH])
                for at in range(0, len(sentences), PARAGRAPH)
            ),
            language=language,
            source=f"bench-{self._number % 7}",
            url=f"https://example.org/{language}/{self._number}",
            extra={"bench": self._number},
        )

    def _next_language(self) -> str:
        # By tens in which each language has its share: a run of a minute has few articles.
        if not self._turns:
            self._turns = [code for code, share in MIX.items() for _ in range(round(10 * share))]
            self._chance.shuffle(self._turns)
        return self._turns.pop()

    def _sentence(self, language: str) -> str:
        left = self._left[language]
        return left.pop() if left else self._made.sentence(language)

    def _corpus(self, data: Path | None, language: str) -> list[str]:
        if data is None:
            return []
        lines: dict[str, None] = {}
        for name in FILES[language]:
            path = data / name
            if path.is_file():
                for line in path.read_text(encoding="utf-8").splitlines():
                    if _SHORTEST <= len(line) <= _LONGEST:
                        lines[line.strip()] = None
        return list(lines)


class Grammar:
    """Sentences from parts: an opening, a middle and an end, with names and numbers in their slots.

    The numbers alone have millions of values, so a sentence hardly ever comes twice.
    """

    def __init__(self, chance: random.Random) -> None:
        path = Path(__file__).with_name("grammar.toml")
        told: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        self._chance = chance
        self._names = told.pop("names")
        self._parts = told

    def sentence(self, language: str) -> str:
        """A sentence of the language."""
        parts = self._parts[language]
        said = " ".join(
            self._chance.choice(parts[which]) for which in ("opening", "middle", "end")
        ).replace(" ,", ",")
        slots = (
            ("{person}", self._name(" ", "first", "last")),
            ("{town}", self._name("", "town")),
            ("{firm}", self._name(" ", "last", "trade")),
            ("{month}", self._chance.choice(parts["month"])),
            ("{number}", str(self._chance.randint(12, 9_999))),
            ("{share}", f"{self._chance.randint(2, 98)}"),
        )
        for slot, value in slots:
            said = said.replace(slot, value)
        return said

    def _name(self, joint: str, *kinds: str) -> str:
        return joint.join(self._chance.choice(self._names[kind]) for kind in kinds)
