"""FreeDict dictionaries into Portuguese, where Debian's packages have put them.

They are read at run time and never shipped (their licence is CC BY-SA). Format: dictd, an index of
headword, offset and length in base 64, and one gzip-compatible text.
"""

import gzip
import re
from functools import cache
from pathlib import Path

FOLDER = Path("/usr/share/dictd")
_CODES = {"it": "ita", "fr": "fra"}
_DIGITS = {
    char: value
    for value, char in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
}
_FIRST = re.compile(r"^(?:1\. )?([^,;(]+?)(?: 2\..*)?(?:[,;(].*)?$")


@cache
def entries(language: str) -> dict[str, tuple[str, str]]:
    """Lower-case headword to part of speech (`n`, `v`, `adj` …) and the first translation.

    Empty where the dictionary is not installed.
    """
    name = f"freedict-{_CODES.get(language, language)}-por"
    index, text = FOLDER / f"{name}.index", FOLDER / f"{name}.dict.dz"
    if not (index.is_file() and text.is_file()):
        return {}
    data = gzip.decompress(text.read_bytes())
    found: dict[str, tuple[str, str]] = {}
    for row in index.read_text(encoding="utf-8").splitlines():
        headword, offset, length = row.split("\t")
        start = _number(offset)
        lines = data[start : start + _number(length)].decode("utf-8", "replace").splitlines()
        match = _FIRST.match(lines[1]) if len(lines) > 1 else None
        part = re.search(r"<(\w+)", lines[0])
        if match is not None and part is not None and headword.islower():
            found.setdefault(headword, (part.group(1), match.group(1).strip()))
    return found


def _number(digits: str) -> int:
    value = 0
    for digit in digits:
        value = value * 64 + _DIGITS[digit]
    return value
