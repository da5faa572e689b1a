"""Sentences too long for an engine, in pieces and together again."""

import re
from collections.abc import Iterator

from agents.translation.engines import Rendering

# In characters; longer pieces make the neural model slow and forgetful.
LONGEST = 900

_BREAK = re.compile(r"[;:,]\s|\s[–—-]\s")


def cut(line: str) -> Iterator[str]:
    """The line in pieces of at most LONGEST characters, cut at punctuation or white space."""
    while len(line) > LONGEST:
        breaks = [match.end() for match in _BREAK.finditer(line, LONGEST // 2, LONGEST)]
        space = line.rfind(" ", LONGEST // 2, LONGEST)
        if not breaks and space < 0:
            # One word longer than any word is: it is hidden as a whole.
            space = line.find(" ", LONGEST)
            if space < 0:
                break
        at = breaks[-1] if breaks else space + 1
        yield line[:at].rstrip()
        line = line[at:]
    yield line


def together(parts: list[Rendering]) -> Rendering:
    """The renderings of one sentence's pieces as one."""
    if len(parts) == 1:
        return parts[0]
    notes = tuple(dict.fromkeys(note for part in parts for note in part.notes))
    size = sum(len(part.text) for part in parts) or 1
    quality = sum(part.quality * len(part.text) for part in parts) / size
    return Rendering(
        " ".join(part.text for part in parts if part.text),
        round(quality, 3),
        (*notes, f"translated in {len(parts)} pieces"),
    )
