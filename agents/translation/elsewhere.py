"""Single words by another way of rules: what one dictionary lacks, another may have.

A word by itself has no context, so this is for words that would stay foreign otherwise.
"""

import re
from collections.abc import Iterable

from agents.translation import stream
from agents.translation.hops import Hop

# Where this many words are known they are forgotten, so that endless news needs no endless memory.
MOST = 20_000

_UNKNOWN = re.compile(r"[*#@]")


class Elsewhere:
    """The Portuguese of lower-case words by the given hops."""

    def __init__(self, hops: tuple[Hop, ...]) -> None:
        self._hops = hops
        self._known: dict[str, str] = {}

    def portuguese(self, words: Iterable[str]) -> dict[str, str]:
        """The Portuguese of those of the words that these hops know, all asked for at once."""
        asked = list(dict.fromkeys(words))
        if len(self._known) > MOST:
            self._known.clear()
        new = [word for word in asked if word not in self._known]
        if new:
            self._known |= dict(zip(new, self._through(new), strict=True))
        return {word: known for word in asked if (known := self._known[word])}

    def close(self) -> None:
        """Ends Apertium's programs; the next word starts them again."""
        for hop in self._hops:
            hop.close()

    def _through(self, words: list[str]) -> list[str]:
        """An empty text for a word that a hop did not know."""
        texts, meant = [stream.escape(word) for word in words], None
        for hop in self._hops:
            answers, meant = hop.lines(texts, meant)
            texts = ["" if _UNKNOWN.search(answer) else answer for answer in answers]
        return [stream.unescape(text).strip().lower() for text in texts]
