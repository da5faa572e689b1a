"""Words that the analyser does not know: own lexicon first, then what else is at hand."""

from agents.translation import lexicon


class UnknownWords:
    """The Portuguese of single words of one language."""

    def __init__(self, language: str) -> None:
        self._own = lexicon.words(f"{language}-pt")

    def portuguese(self, surface: str, unknown: bool) -> str | None:
        """The Portuguese of a word, or None where the rules shall have it."""
        return self._own.get(surface.lower())

    def is_word(self, lowered: str) -> bool:
        """Whether the lower-case form is a word of the language, and so no name."""
        return lowered in self._own
