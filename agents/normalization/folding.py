"""Comparing text without regard to case, accents and typography, keeping its length."""

import unicodedata
from typing import Final

_ALIKE: Final = {"’": "'", "‘": "'", "`": "'", "´": "'", "“": '"', "”": '"', "–": "-", "—": "-"}


class _Table(dict[int, int]):
    """A str.translate table that works out each character the first time it is met."""

    def __missing__(self, code: int) -> int:
        plain = unicodedata.normalize("NFD", chr(code))[0].lower()
        folded = ord(plain) if len(plain) == 1 else code
        if len(self) < _LARGEST:
            self[code] = folded
        return folded


_LARGEST: Final = 4_096
_TABLE: Final = _Table({ord(one): ord(other) for one, other in _ALIKE.items()})


def words(listed: str) -> frozenset[str]:
    """A set of words from one string with white space between them."""
    return frozenset(listed.split())


def fold(text: str) -> str:
    """Lower case, no accents, plain quotes and dashes; as long as `text`, so offsets carry over.

    >>> fold("À LIRE l’été")
    "a lire l'ete"
    """
    return text.translate(_TABLE)


def bare(text: str) -> str:
    """Folded, and without what is neither letter nor digit at both ends.

    >>> bare("► Pubblicità:")
    'pubblicita'
    """
    folded = fold(text)
    start, end = 0, len(folded)
    while start < end and not folded[start].isalnum():
        start += 1
    while start < end and not folded[end - 1].isalnum():
        end -= 1
    return folded[start:end]
