"""What an engine is. Every way into English sits behind this narrow protocol."""

from dataclasses import dataclass
from typing import Final, Literal, Protocol

Quality = Literal["direct", "pivot", "rules", "original", "none"]

# What a sentence without any alarm may be expected to be worth: about the chrF (in 0..1) that each
# class reaches on news test sets, see `python -m ops.quality.translation`. It keeps the estimate
# from claiming that a sentence is right only because nothing visibly speaks against it.
EXPECTED: Final[dict[Quality, float]] = {
    "direct": 0.63,
    "pivot": 0.55,
    "rules": 0.45,
    "original": 1.0,
    "none": 0.0,
}


@dataclass(frozen=True)
class Capabilities:
    """What an engine is and may be expected to do.

    `name` stands in a translated sentence as its engine, `route` is the languages passed, such as
    `it>ca>pt>en`. `models` names what it runs, each with the start of the SHA-256 of its file, so
    that two sentences with the same models were made alike. `speed` is source characters per second
    of one core, as measured on an AMD EPYC; 0 where nothing is done.
    """

    name: str
    route: str
    quality: Quality
    models: tuple[str, ...] = ()
    speed: int = 0
    licence: str = ""


@dataclass(frozen=True)
class Rendering:
    """One sentence in English, and how it came about.

    `text` may be empty when the engine had nothing to say. `confidence` in 0..1 is 1 when nothing
    visible speaks against the sentence. `unknown` are source words that nothing could translate.
    `alarms` are what the guards still see wrong with the text, `actions` what was done about
    alarms. `by` is the engine that made it where that is not the one that was asked.
    """

    text: str
    confidence: float = 1.0
    unknown: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    by: Capabilities | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """All that a reader should know, in words."""
        return (*(f"unknown: {word}" for word in self.unknown), *self.actions, *self.alarms)


def confidence(words: int, unknown: int, alarms: int) -> float:
    """How much visibly speaks for a sentence: 1 less the unknown share and .15 for each alarm."""
    return max(0.0, round(1.0 - unknown / max(words, 1) - 0.15 * alarms, 3))


class Engine(Protocol):
    """Turns sentences of one language into English, one by one and in order."""

    @property
    def capabilities(self) -> Capabilities:
        """What it is and may be expected to do."""

    def translate(self, sentences: list[str]) -> list[Rendering]:
        """One rendering per sentence, in the same order; raises nothing for any text."""


@dataclass(frozen=True)
class PassThrough:
    """Leaves every sentence as it is: for English, and where no engine serves the language."""

    language: str
    reason: str | None = None

    @property
    def capabilities(self) -> Capabilities:
        """`original` for English."""
        return Capabilities("none", self.language, "original" if self.language == "en" else "none")

    def translate(self, sentences: list[str]) -> list[Rendering]:
        """The sentences themselves."""
        if self.reason is None:
            return [Rendering(sentence) for sentence in sentences]
        return [Rendering(sentence, 0.0, alarms=(self.reason,)) for sentence in sentences]
