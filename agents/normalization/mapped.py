"""Text that remembers where in the raw body each of its characters came from.

Every repair is a list of edits on such a text, so that whatever is taken out later can be quoted
from the raw body, whatever was repaired before.
"""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

UNKNOWN = -1
MOST_SOUGHT = 500
_REACH = 16
_PATIENCE = 2_000
_LONGEST_REWRITE = 64


@dataclass(frozen=True, slots=True)
class Edit:
    """Puts `text` in the place of `[start, end)`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Mapped:
    """`text` and, for each of its characters, the raw range `[starts[i], ends[i])` it stands for.

    A range is `UNKNOWN` on both sides where it was lost.
    """

    text: str
    starts: "array[int]"
    ends: "array[int]"

    @classmethod
    def of(cls, raw: str) -> Self:
        """The raw body itself."""
        return cls(raw, array("q", range(len(raw))), array("q", range(1, len(raw) + 1)))

    @classmethod
    def lost(cls, text: str) -> Self:
        """Text whose place in the raw body is not known, such as text taken from HTML."""
        return cls(text, *(array("q", [UNKNOWN]) * len(text) for _ in range(2)))

    @classmethod
    def sought(cls, text: str, raw: str) -> Self:
        """Text taken from the raw body by others: each line where it stands, in order, or lost.

        Looks for the first `MOST_SOUGHT` lines only.
        """
        found, at = cls.lost(text), 0
        start = 0
        for number, line in enumerate(text.split("\n")):
            place = raw.find(line, at) if line and number < MOST_SOUGHT else UNKNOWN
            if place != UNKNOWN:
                at = place + len(line)
                found.starts[start : start + len(line)] = array("q", range(place, at))
                found.ends[start : start + len(line)] = array("q", range(place + 1, at + 1))
            start += len(line) + 1
        return found

    def __len__(self) -> int:
        return len(self.text)

    def cut(self, start: int, end: int) -> "Mapped":
        """The part `[start, end)`."""
        return Mapped(self.text[start:end], self.starts[start:end], self.ends[start:end])

    def strip(self) -> "Mapped":
        """Without white space at both ends."""
        left = len(self.text) - len(self.text.lstrip())
        right = len(self.text.rstrip())
        return self if (left, right) == (0, len(self)) else self.cut(left, max(left, right))

    def edit(self, edits: Iterable[Edit]) -> "Mapped":
        """Applies edits, which are in order and do not overlap.

        What replaces more than a few characters at once has lost its place in the raw body.
        """
        texts: list[str] = []
        starts, ends = array("q"), array("q")
        done = 0
        for edit in edits:
            texts += (self.text[done : edit.start], edit.text)
            starts += self.starts[done : edit.start]
            ends += self.ends[done : edit.start]
            first, last = self._range(edit.start, edit.end)
            starts += array("q", [first]) * len(edit.text)
            ends += array("q", [last]) * len(edit.text)
            done = edit.end
        if done == 0 and not texts:
            return self
        texts.append(self.text[done:])
        return Mapped("".join(texts), starts + self.starts[done:], ends + self.ends[done:])

    def become(self, text: str) -> "Mapped":
        """This text as rewritten by somebody who did not say how (an encoding repair, NFC)."""
        return self if text == self.text else self.edit(_differences(self.text, text))

    def raw_range(self) -> tuple[int, int] | None:
        """The raw range that the whole text came from, or None."""
        known = [at for at in (0, len(self) - 1) if at >= 0 and self.starts[at] != UNKNOWN]
        if len(known) < 2:
            return None
        start, end = self.starts[0], self.ends[-1]
        return (start, end) if start < end else None

    def runs(self, raw: str) -> Iterator[tuple[int, int, int]]:
        """The longest parts `[start, end)` that stand unchanged in the raw body, and where."""
        start, inside = 0, False
        for at, place in enumerate(self.starts):
            same = place != UNKNOWN and raw[place] == self.text[at]
            if inside and not (same and place == self.starts[at - 1] + 1):
                yield start, at, self.starts[start]
                inside = False
            if same and not inside:
                start, inside = at, True
        if inside:
            yield start, len(self), self.starts[start]

    def _range(self, start: int, end: int) -> tuple[int, int]:
        if end - start > _LONGEST_REWRITE:
            return UNKNOWN, UNKNOWN
        if start < end:
            return self.starts[start], self.ends[end - 1]
        if start > 0:
            return self.ends[start - 1], self.ends[start - 1]
        return (self.starts[0], self.starts[0]) if len(self) else (UNKNOWN, UNKNOWN)


def join(parts: Iterable[Mapped], glue: str) -> Mapped:
    """The parts in order with `glue` between them, which stands for nothing in the raw body."""
    texts: list[str] = []
    starts, ends = array("q"), array("q")
    for part in parts:
        if texts:
            texts.append(glue)
            starts.extend([UNKNOWN] * len(glue))
            ends.extend([UNKNOWN] * len(glue))
        texts.append(part.text)
        starts += part.starts
        ends += part.ends
    return Mapped("".join(texts), starts, ends)


def _differences(old: str, new: str) -> Iterable[Edit]:
    """Edits that turn `old` into `new`, in time linear in their length.

    Walks both side by side; where they part it looks a few characters ahead on both sides for the
    nearest place where they meet again, and after too many partings takes the rest as one edit.
    """
    i = j = partings = 0
    while i < len(old) and j < len(new):
        if old[i] == new[j]:
            i, j = i + 1, j + 1
            continue
        partings += 1
        meeting = _meeting(old, new, i, j) if partings < _PATIENCE else None
        if meeting is None:
            break
        yield Edit(i, meeting[0], new[j : meeting[1]])
        i, j = meeting
    if i < len(old) or j < len(new):
        yield Edit(i, len(old), new[j:])


def _meeting(old: str, new: str, i: int, j: int) -> tuple[int, int] | None:
    for total in range(1, 2 * _REACH):
        for ahead in range(max(0, total - _REACH), min(total, _REACH) + 1):
            at, to = i + total - ahead, j + ahead
            left, right = old[at : at + 3], new[to : to + 3]
            if left == right and (len(left) == 3 or at + len(left) == len(old)):
                return at, to
    return None
