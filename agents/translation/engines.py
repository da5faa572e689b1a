"""What an engine is. Every way into English sits behind this narrow protocol."""

from dataclasses import dataclass
from typing import Final, Literal, Protocol

Quality = Literal["direct", "pivot", "original", "none"]

# What a sentence without any alarm may be expected to be worth: about the chrF (in 0..1) that each
# class reaches on news test sets, see `python -m ops.quality.translation`. It keeps the estimate
# from claiming that a sentence is right only because nothing visibly speaks against it.
EXPECTED: Final[dict[Quality, float]] = {
    "direct": 0.63,
    "pivot": 0.55,
    "original": 1.0,
    "none": 0.0,
}


@dataclass(frozen=True)
class Rendering:
    """One sentence in English.

    `text` may be empty when the engine had nothing to say. `quality` in 0..1 is 1 when nothing
    visible speaks against the sentence. `notes` is what a reader should know.
    """

    text: str
    quality: float = 1.0
    notes: tuple[str, ...] = ()


class Engine(Protocol):
    """Turns sentences of one language into English, one by one and in order."""

    @property
    def name(self) -> str:
        """What stands in a translated sentence as its engine."""

    @property
    def route(self) -> str:
        """The languages passed, such as `it>ca>pt>en`."""

    @property
    def pairs(self) -> tuple[str, ...]:
        """The model pairs used, such as `ita-cat`."""

    @property
    def quality(self) -> Quality:
        """What may be expected of it."""

    @property
    def licence(self) -> str:
        """The licences of the models used."""

    def translate(self, sentences: list[str]) -> list[Rendering]:
        """One rendering per sentence, in the same order; raises nothing for any text."""


@dataclass(frozen=True)
class PassThrough:
    """Leaves every sentence as it is: for English, and where no engine serves the language."""

    language: str
    reason: str | None = None
    name: str = "none"
    pairs: tuple[str, ...] = ()
    licence: str = ""

    @property
    def route(self) -> str:
        """`en` for English; the language alone where nothing was done."""
        return self.language

    @property
    def quality(self) -> Quality:
        """`original` for English."""
        return "original" if self.language == "en" else "none"

    def translate(self, sentences: list[str]) -> list[Rendering]:
        """The sentences themselves."""
        notes = () if self.reason is None else (self.reason,)
        quality = 1.0 if self.reason is None else 0.0
        return [Rendering(sentence, quality, notes) for sentence in sentences]
