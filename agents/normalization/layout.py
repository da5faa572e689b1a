"""Lines and paragraphs: what belongs together in text as people paste it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from agents.normalization.bylines import byline_of
from agents.normalization.mapped import Edit, Mapped, join

_ENDS: Final = re.compile(r"[.!?…:;。！？]['\"’”»)\]]*$")
_BREAK: Final = re.compile(r"[^\W\d_]-$")
_ITEM: Final = re.compile(r"[-–—*•·+▪◦>#]|\(?\d{1,2}[.)]\s")
_NARROWEST, _WIDEST = 40, 100
_LONGEST_LOOSE_END = 40


@dataclass(frozen=True, slots=True)
class Block:
    """One line of the body; `apart` when a blank line is above it."""

    body: Mapped
    apart: bool

    @property
    def text(self) -> str:
        """Its text."""
        return self.body.text


def blocks(body: Mapped) -> list[Block]:
    """The lines that are not blank, in order."""
    found, start, apart = [], 0, True
    for line in body.text.split("\n"):
        bare = line.strip()
        if bare:
            first = start + len(line) - len(line.lstrip())
            found.append(Block(body.cut(first, first + len(bare)), apart))
        apart = not bare
        start += len(line) + 1
    return found


def assemble(lines: Sequence[Block]) -> Mapped:
    """The text of the blocks, a blank line between every two."""
    return join((line.body for line in lines), "\n\n")


def ends_a_sentence(text: str) -> bool:
    """Whether the text closes with an end mark, quotes and brackets aside."""
    return bool(_ENDS.search(text[-8:]))


def unwrap(lines: Sequence[Block]) -> list[Block]:
    """Joins lines that were broken by a right margin, mending words broken with a hyphen.

    A single newline starts a paragraph unless the line above breaks off in the middle of a
    sentence at about the width that most lines have, and the next goes on with a small letter, or
    with anything where the whole text is set to a margin.
    """
    margin = _margin(lines)
    joined: list[list[Block]] = []
    for line in lines:
        above = joined[-1][-1] if joined and not line.apart else None
        if above is not None and _goes_on(above.text, line.text, margin):
            joined[-1].append(line)
        else:
            joined.append([line])
    return [_merge(group) for group in joined]


def _margin(lines: Sequence[Block]) -> int | None:
    """The width of the column, in characters, or None when the lines are not set to one."""
    followed = [len(a.text) for a, b in pairwise(lines) if not b.apart]
    if len(followed) < 3 or max(followed) > _WIDEST:
        return None
    broken = sum(not b.apart and not ends_a_sentence(a.text) for a, b in pairwise(lines))
    widest = max(followed)
    near = sum(width > 0.75 * widest for width in followed)
    if widest < _NARROWEST or near < 0.6 * len(followed) or broken < 0.5 * len(followed):
        return None
    return widest


def _goes_on(above: str, line: str, margin: int | None) -> bool:
    if _ITEM.match(line):
        return False
    small = line[0].islower()
    if _BREAK.search(above[-2:]) and small and len(above) > _LONGEST_LOOSE_END:
        return True
    if margin is not None and len(above) > 0.75 * margin:
        return True
    loose = small and not ends_a_sentence(above) and len(above) > _LONGEST_LOOSE_END
    return loose and byline_of(line, last=False) is None


def _merge(group: list[Block]) -> Block:
    if len(group) == 1:
        return group[0]
    parts: list[Mapped] = []
    for line in group:
        if parts and _BREAK.search(parts[-1].text[-2:]) and line.text[0].islower():
            above = parts.pop()
            whole = join((above, line.body), "")
            parts.append(whole.edit([Edit(len(above) - 1, len(above), "")]))
        else:
            parts.append(line.body)
    return Block(join(parts, " "), group[0].apart)
