"""Titles: from a field, from metadata, or the first line of plain text."""

import re
from collections.abc import Sequence
from typing import Final

from agents.normalization.folding import fold
from agents.normalization.layout import Block, ends_a_sentence

_SHORTEST, _LONGEST, _MOST_WORDS = 12, 140, 24
_SHORTEST_PARAGRAPH, _DEEPEST_PARAGRAPH = 80, 3
_SITE_PART: Final = re.compile(r"\s+[|–—·•-]\s+(?=[^|–—·•]{1,60}$)")


def headline(lines: Sequence[Block]) -> str | None:
    """The first line where it reads as a headline: short, no full stop, over a paragraph.

    A standfirst may stand in between, if it does not read as a headline itself: otherwise the
    text without its headline would seem to have another one.
    """
    if not lines or not looks_like_headline(lines[0].text):
        return None
    for line in lines[1:_DEEPEST_PARAGRAPH]:
        if looks_like_headline(line.text):
            return None
        if len(line.text) >= _SHORTEST_PARAGRAPH and len(line.text) > len(lines[0].text):
            return lines[0].text
    return None


def looks_like_headline(text: str) -> bool:
    """Short, begins with a capital, a figure or a quote, and does not stop like a sentence."""
    if not _SHORTEST <= len(text) <= _LONGEST or not 3 <= len(text.split()) <= _MOST_WORDS:
        return False
    first = text.lstrip("«“\"'‘’¿¡([")[:1]
    if not (first.isupper() or first.isdigit()):
        return False
    return not ends_a_sentence(text) or text.rstrip('»”"’ ').endswith(("?", "!"))


def same_words(one: str, other: str) -> bool:
    """Whether two lines say the same, case, accents and punctuation aside."""
    return _words(one) == _words(other)


def tidy(title: str | None, site: str | None = None) -> str | None:
    """One line, without the name of the site behind a bar or dash."""
    cleaned = " ".join((title or "").split())
    if site:
        parts = _SITE_PART.split(cleaned)
        if len(parts) > 1 and same_words(parts[-1], site):
            cleaned = cleaned[: -len(parts[-1])].rstrip(" |–—·•-")
    return cleaned or None


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", fold(text))
