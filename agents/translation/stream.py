"""The Apertium stream format: lines in, lines out, and the analyser's lexical units read back.

Source of the format: https://wiki.apertium.org/wiki/Apertium_stream_format. Reserved characters are
escaped by a backslash, everything between square brackets is a superblank that the pipeline carries
along unread. `apertium -f line` is not used: it eats the final full stop and lets the context of
one line leak into the next.
"""

import re
import unicodedata
from dataclasses import dataclass

# An empty superblank and a newline within another end a line for every stage, and stay in place.
SEPARATOR = "[][\n]"

# Two sentence ends before a line close every window of the disambiguator, so that no line is read
# in the light of the one before.
RESET = ". ." + SEPARATOR

# Between two units there is little more than a space or a quotation mark; a surface form found
# farther on is another word of the same form.
_FARTHEST = 12

_RESERVED = re.compile(r"[\[\]{}^$@\\/<>]")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_SUPERBLANK = re.compile(r"(?<!\\)((?:\\\\)*)\[((?:[^\[\]\\]|\\.)*)\]", re.DOTALL)
_UNIT = re.compile(r"\^((?:[^\\^$]|\\.)*)\$", re.DOTALL)
_FIELD = re.compile(r"(?:[^\\/]|\\.)*", re.DOTALL)


@dataclass(frozen=True)
class Unit:
    """One lexical unit of an analysed line: `start` and `end` are code points of that line."""

    start: int
    end: int
    surface: str
    analyses: tuple[str, ...]

    @property
    def unknown(self) -> bool:
        """Whether the analyser has no entry for the surface form."""
        return self.analyses[:1] == ("*" + self.surface,) or not self.analyses


def clean(text: str) -> str:
    """One line without control, format and private characters, runs of white space as one space.

    The neural vocabularies know none of them and a NUL would end a request to Apertium early.
    """
    kept = "".join(
        " " if char.isspace() or unicodedata.category(char) in ("Cc", "Zl", "Zp") else char
        for char in text
        if unicodedata.category(char) not in ("Cf", "Cs", "Co", "Cn")
    )
    return " ".join(kept.split())


def escape(line: str) -> str:
    """The line as Apertium's stages must read it. `*` marks unknown words there: a superblank."""
    return _RESERVED.sub(r"\\\g<0>", line).replace("*", "[*]")


def unescape(stream: str) -> str:
    """The inverse of `escape`."""
    return _ESCAPED.sub(r"\1", _SUPERBLANK.sub(r"\1\2", stream))


def join(streams: list[str]) -> str:
    """Escaped lines as one request."""
    return "".join(RESET + stream + SEPARATOR for stream in streams)


def split(reply: str) -> list[str]:
    """The lines of a reply, still escaped."""
    return reply.split(SEPARATOR)[1:-1:2]


def read_units(stream: str, line: str) -> list[Unit]:
    """The lexical units of an analysed stream, placed in the line that it was made from.

    The analyser writes a space after an elision (`l' indice`), so each surface form is looked for
    in the line from where the last one ended; one that is not there is left out.
    """
    units = []
    at = 0
    for found in _UNIT.finditer(stream):
        surface, *analyses = (unescape(field) for field in _fields(found.group(1)))
        start = line.find(surface, at)
        if surface and 0 <= start <= at + _FARTHEST:
            at = start + len(surface)
            units.append(Unit(start, at, surface, tuple(analyses)))
    return units


def _fields(inner: str) -> list[str]:
    fields = []
    at = 0
    while at <= len(inner):
        found = _FIELD.match(inner, at)
        if found is None:
            break
        fields.append(found.group())
        at = found.end() + 1
    return fields
