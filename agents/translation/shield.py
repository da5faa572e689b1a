"""Pieces of a sentence that an engine must not touch, hidden behind opaque words.

A token such as `Xqbcx` is unknown to every Apertium analyser, so the rules carry it along like a
name. What it stands for is put back where the text has become Portuguese.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

_LETTERS = "bcdfghjklmnprstvwz"
# A digit may stand before it (`1B`), and the rules may join a pronoun to it (`constate-t-il`).
_TOKEN = re.compile(rf"[*#@]*(?<![^\W\d_])xq([{_LETTERS}]{{2}})x[^\W\d_]*", re.IGNORECASE)
_BEFORE_TOKEN = re.compile(
    rf"\b(?:((?:[dn]?[oa]|ao|à|pel[oa])s?|uma?) )?((?!xq)\w+)(?= [*#@]*xq([{_LETTERS}]{{2}})x\b)",
    re.IGNORECASE,
)
LIMIT = len(_LETTERS) ** 2


class Kind(Enum):
    """What a hidden piece is: a name must be found again in the English."""

    NAME = "name"
    OPAQUE = "opaque"
    WORD = "word"


@dataclass(frozen=True)
class Piece:
    """`[start, end)` of a line, what it stands for in Portuguese, and what it is."""

    start: int
    end: int
    text: str
    kind: Kind


class Shield:
    """The hidden pieces of one sentence, over all hops."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []

    def hide(self, line: str, pieces: Iterable[Piece]) -> str:
        """The line with the pieces, which must not overlap, replaced by tokens."""
        out: list[str] = []
        at = 0
        for piece in sorted(pieces, key=lambda piece: piece.start):
            if piece.start < at or len(self.pieces) == LIMIT:
                continue
            # The rules take what follows an unknown capitalised word for a part of its name: the
            # capital that opens a sentence says nothing.
            opens = not any(map(str.isalpha, line[: piece.start]))
            capital = piece.kind is not Kind.WORD or (line[piece.start].isupper() and not opens)
            # A hidden elision (`lorsqu'`) must not grow together with the word after it.
            apart = " " if line[piece.end : piece.end + 1].isalnum() else ""
            out += (line[at : piece.start], _token(len(self.pieces), capital), apart)
            self.pieces.append(piece)
            at = piece.end
        return "".join((*out, line[at:]))

    def show(self, text: str, reveal: Callable[[int, Piece], str]) -> str:
        """The text with `reveal(index, piece)` in place of each token."""

        def put(found: re.Match[str]) -> str:
            index = _index(found.group(1))
            return reveal(index, self.pieces[index]) if index < len(self.pieces) else found.group()

        return _TOKEN.sub(put, text)

    def agreed(self, text: str, agree: Callable[[str, str], str]) -> str:
        """The text with `agree(word, words)` in place of the word before each hidden expression,
        and of the article before that where it changes (`as suas`): the rules do not know the
        gender of a token."""

        def put(found: re.Match[str]) -> str:
            before, word, letters = found.groups()
            index = _index(letters)
            piece = self.pieces[index] if index < len(self.pieces) else None
            if piece is None or piece.kind is not Kind.WORD:
                return found.group()
            agreed = agree(word, piece.text)
            if before is None:
                return agreed
            farther = agree(before, piece.text) if agreed != word else before
            return f"{farther} {agreed}"

        return _BEFORE_TOKEN.sub(put, text)

    def present(self, text: str) -> set[int]:
        """The indices of the pieces whose tokens are in the text."""
        found = {_index(match.group(1)) for match in _TOKEN.finditer(text)}
        return {index for index in found if index < len(self.pieces)}


def is_token(word: str) -> bool:
    """Whether the word is a token of a shield."""
    return _TOKEN.fullmatch(word) is not None


def _token(index: int, capital: bool) -> str:
    first, second = divmod(index, len(_LETTERS))
    return ("Xq" if capital else "xq") + _LETTERS[first] + _LETTERS[second] + "x"


def _index(letters: str) -> int:
    first, second = (_LETTERS.index(letter) for letter in letters.lower())
    return first * len(_LETTERS) + second
