"""Sentences too long for an engine, in pieces and together again."""

import re
from collections.abc import Iterable, Iterator

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
    size = sum(len(part.text) for part in parts) or 1
    return Rendering(
        " ".join(part.text for part in parts if part.text),
        round(sum(part.confidence * len(part.text) for part in parts) / size, 3),
        _once(word for part in parts for word in part.unknown),
        _once(alarm for part in parts for alarm in part.alarms),
        (
            *_once(action for part in parts for action in part.actions),
            f"translated in {len(parts)} pieces",
        ),
    )


def _once(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))
