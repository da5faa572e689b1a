"""Repairs of characters: wrong encodings, compositions, invisible and control characters, spacing.

What the author wrote stays: quotes, dashes and punctuation are not touched.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

import ftfy
from ftfy.badness import is_bad

from agents.normalization.folding import words
from agents.normalization.mapped import Edit, Mapped, join

_LONGEST_KNOWN: Final = 250
_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,24}\d{0,2});")
_LINE_END: Final = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_DROPPED: Final = re.compile(
    "[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f"  # controls
    "\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # invisible
    "\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufffe\uffff"  # lone surrogates, icons, noncharacters
    "\U000e0000-\U000e007f\U000f0000-\U0010ffff]+"
)
_JOINER_IN_LATIN: Final = re.compile("(?<=[\x00-\u024f])[\u200c\u200d]+|^[\u200c\u200d]+", re.M)
_SPACES: Final = re.compile("[^\\S\n]+")
_LINE_EDGE: Final = re.compile("(?<=\n) | (?=\n)")
_GAP: Final = re.compile("\n{3,}")
_GLUED: Final = re.compile(
    r"(?<![\w.@/:])([^\W\d_]{3,}+)(?:[.!?…]++[»”)\]]?|[»”]\.)(?=[«“]?([^\W\d_]++)(?![\w.@/(]))"
)
_DOMAINS: Final = words(
    "com net org it fr es pt de eu io ai tv uk us br edu gov info app dev js py me co"
)


def repair(body: Mapped) -> Mapped:
    """The body with its characters repaired; lines end in a newline, at most one blank between.

    Methods: ftfy for text decoded with the wrong encoding, Unicode NFC.
    """
    body = join(map(_recode, _lines(body)), "\n") if not body.text.isascii() else body
    body = body.edit(_unescape(body.text))
    body = body.edit(Edit(m.start(), m.end(), "\n") for m in _LINE_END.finditer(body.text))
    body = _without(_DROPPED, body)
    body = _without(_JOINER_IN_LATIN, body)
    body = _compose(body)
    body = body.edit(
        Edit(m.start(), m.end(), " ") for m in _SPACES.finditer(body.text) if m.group() != " "
    )
    body = _without(_LINE_EDGE, body)
    body = body.edit(Edit(m.start(), m.end(), "\n\n") for m in _GAP.finditer(body.text))
    return body.edit(_unglue(body.text)).strip()


def _lines(body: Mapped) -> list[Mapped]:
    lines, start = [], 0
    for part in body.text.split("\n"):
        lines.append(body.cut(start, start + len(part)))
        start += len(part) + 1
    return lines


def _recode(line: Mapped) -> Mapped:
    if not is_bad(line.text):
        return line
    return line.become(
        _recoded(line.text) if len(line.text) <= _LONGEST_KNOWN else ftfy.fix_encoding(line.text)
    )


@lru_cache(maxsize=65_536)
def _recoded(text: str) -> str:
    """A short line, which comes by again in every round until the text has settled."""
    return ftfy.fix_encoding(text)


def _unescape(text: str) -> list[Edit]:
    if "&" not in text:
        return []
    return [
        Edit(found.start(), found.end(), plain)
        for found in _ENTITY.finditer(text)
        if (plain := ftfy.fixes.unescape_html(found.group())) != found.group()
    ]


def _without(pattern: re.Pattern[str], body: Mapped) -> Mapped:
    return body.edit(Edit(m.start(), m.end(), "") for m in pattern.finditer(body.text))


def _compose(body: Mapped) -> Mapped:
    if unicodedata.is_normalized("NFC", body.text):
        return body
    return body.become(unicodedata.normalize("NFC", body.text))


def _unglue(text: str) -> list[Edit]:
    """A space after a sentence end that runs into the next word, names such as Node.js aside."""
    return [
        Edit(found.end(), found.end(), " ")
        for found in _GLUED.finditer(text)
        if found.group(1)[-2:].islower()
        if (word := found.group(2))[0].isupper()
        if word[1:].islower() or (len(word) > 3 and not word.isupper()) or word in "AEIOYÀÈÉ"
        if word.casefold() not in _DOMAINS
    ]
