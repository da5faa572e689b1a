"""Single words by another way of rules: what one dictionary lacks, another may have.

A word by itself has no context, so this is for words that would stay foreign otherwise.
"""

import re
from collections.abc import Iterable, Mapping

from agents.translation import stream
from agents.translation.hops import Hop

# Where this many words are known they are forgotten, so that endless news needs no endless memory.
MOST = 20_000

_UNKNOWN = re.compile(r"[*#@]")


class Elsewhere:
    """The Portuguese of lower-case words by two hops, with our own `between` them: the Portuguese
    of words of the language in the middle, which overrules the second."""

    def __init__(self, first: Hop, second: Hop, between: Mapping[str, str]) -> None:
        self._first = first
        self._second = second
        self._between = between
        self._known: dict[str, str] = {}

    def portuguese(self, words: Iterable[str]) -> dict[str, str]:
        """The Portuguese of those of the words that these know, all asked for at once."""
        asked = list(dict.fromkeys(words))
        if len(self._known) > MOST:
            self._known.clear()
        found = {word: self._known.get(word) for word in asked}
        new = [word for word, known in found.items() if known is None]
        if new:
            made = dict(zip(new, self._through(new), strict=True))
            self._known |= made
            found |= made
        return {word: known for word, known in found.items() if known}

    def close(self) -> None:
        """Ends Apertium's programs; the next word starts them again."""
        self._first.close()
        self._second.close()

    def _through(self, words: list[str]) -> list[str]:
        """An empty text for a word that no hop knew."""
        middle, meant = self._first.lines([stream.escape(word) for word in words])
        answers, _ = self._second.lines(middle, meant)
        return [
            self._between.get(there.lower())
            or ("" if _UNKNOWN.search(there + here) else _plain(here))
            for there, here in zip(middle, answers, strict=True)
        ]


def _plain(answer: str) -> str:
    return stream.unescape(answer).strip().lower()
