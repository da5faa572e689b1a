"""Single words in quotation marks, which the neural model spells out rather than translates.

`"cortejando"` became `"cutting"`, and `"medo"` became `"smoo"`; without the marks both come out
right. So the marks are taken off and put around the word's English again.
"""

import re
from collections.abc import Callable
from difflib import SequenceMatcher

_QUOTED = re.compile(r'"([a-zà-ÿ]{4,})"')
_IN_MARKS = re.compile(r'"([\w-]+)[.,]?"')
_WORD = re.compile(r"(?<!\")\b[\w-]+")
# Two words that begin with so many same letters and share this much are forms of one.
_BEGIN, _ALIKE = 3, 0.55


def unmarked(neural: Callable[[str], str]) -> Callable[[str], str]:
    """`neural`, but for a text with single words in marks: there the marks are left out first.

    Where a word's place in the English cannot be found again, the marks stay from the beginning.
    """

    def translate(text: str) -> str:
        english = neural(text)
        words = _QUOTED.findall(text)
        if not words:
            return english
        bare = neural(_QUOTED.sub(r"\1", text))
        spelled = _IN_MARKS.findall(english)
        for number, word in enumerate(words):
            place = _place(bare, [neural(word), *spelled[number : number + 1]])
            if place is None:
                return english
            start, end = place
            # As the model has it, a full stop or comma stands within the marks.
            end += bare[end : end + 1] in (".", ",")
            bare = f'{bare[:start]}"{bare[start:end]}"{bare[end:]}'
        return bare

    return translate


def _place(english: str, guesses: list[str]) -> tuple[int, int] | None:
    """Where a guess stands, or else the word that is most like a word of one, if any is."""
    for guess in guesses:
        found = re.search(rf"\b{re.escape(guess.rstrip('.'))}\b", english, re.IGNORECASE)
        if found is not None:
            return found.span()
    wanted = [word for word in _WORD.findall(" ".join(guesses).lower()) if len(word) > _BEGIN]
    best, place = _ALIKE, None
    for other in _WORD.finditer(english):
        word = other.group().lower()
        for guess in wanted:
            if word[:_BEGIN] != guess[:_BEGIN]:
                continue
            alike = SequenceMatcher(None, word, guess).ratio()
            if alike > best:
                best, place = alike, other.span()
    return place
