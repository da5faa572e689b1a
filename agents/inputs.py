"""Articles from files, folders and standard input: what `push` and `enrich` take.

A `.json` file holds one raw article or a list of them, a `.jsonl` file one per line, an `.html`
file a page, anything else plain text. A file that cannot be read gives an error for itself alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
from charset_normalizer import from_bytes
from charset_normalizer.utils import any_specified_encoding

from schemas import MessageError, RawArticle, decode

HTML: Final = {".html", ".htm", ".xhtml"}
TEXT: Final = {".txt", ".md", ".text"}
JSON: Final = {".json", ".jsonl", ".ndjson"}

_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
# Control bytes that no encoding of text uses, such as NUL; a file with one is a binary file.
_NEVER_IN_TEXT: Final = frozenset(range(9)) | frozenset(range(14, 27))


@dataclass(frozen=True)
class Hints:
    """What the command line says of every article; it fills in what the input leaves open."""

    source: str | None = None
    language: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class Input:
    """One article, or why there is none: exactly one of `article` and `error` is set. `name` says
    where it came from, such as `news.jsonl:3`."""

    name: str
    article: RawArticle | None = None
    error: str | None = None


def files_of(paths: list[Path]) -> list[Path]:
    """The paths with folders replaced by the article files below them, in order of name."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            known = HTML | TEXT | JSON
            found += sorted(
                each for each in path.rglob("*") if each.is_file() and each.suffix.lower() in known
            )
        else:
            found.append(path)
    return found


def articles_of(path: Path, hints: Hints) -> Iterator[Input]:
    """The articles in one file."""
    try:
        data = path.read_bytes()
    except OSError as fault:
        yield Input(str(path), error=f"cannot be read: {fault.strerror}")
        return
    yield from articles_in(data, str(path), path.suffix.lower(), hints)


def articles_in(data: bytes, name: str, suffix: str, hints: Hints) -> Iterator[Input]:
    """The articles in `data`, whose kind `suffix` tells; an empty suffix means: look at it.

    Standard input is looked at: lines of JSON objects are raw articles, everything else one text.
    """
    if suffix == "":
        suffix = ".jsonl" if data.lstrip()[:1] == b"{" else ".txt"
    if suffix in {".jsonl", ".ndjson"}:
        for number, line in enumerate(data.splitlines(), start=1):
            if line.strip():
                yield _from_json(line, f"{name}:{number}", hints)
    elif suffix == ".json":
        yield from _from_json_file(data, name, hints)
    else:
        content_type = "text/html" if suffix in HTML else "text/plain"
        body = as_text(data)
        if body is None:
            yield Input(name, error="looks like a binary file, not like text in any encoding")
        else:
            article = RawArticle(body=body, content_type=content_type)
            yield Input(name, article=with_hints(article, hints))


def as_text(data: bytes) -> str | None:
    """Decodes text of unknown encoding; None for bytes that are not text.

    UTF-8 if it is valid, else what the page declares, else windows-1252 (the fallback of the WHATWG
    Encoding Standard for western locales), else charset-normalizer's best guess.
    """
    if data.startswith(_UTF16_MARKS):
        return data.decode("utf-16", "replace")
    if any(byte in _NEVER_IN_TEXT for byte in data):
        return None
    for encoding in ("utf-8-sig", any_specified_encoding(data), "cp1252"):
        try:
            if encoding is not None:
                return data.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    best = from_bytes(data).best()
    return None if best is None else str(best)


def _from_json_file(data: bytes, name: str, hints: Hints) -> Iterator[Input]:
    if data.lstrip()[:1] != b"[":
        yield _from_json(data, name, hints)
        return
    try:
        items = orjson.loads(data)
    except orjson.JSONDecodeError as fault:
        yield Input(name, error=f"not_json: line {fault.lineno} column {fault.colno}: {fault.msg}")
        return
    for number, item in enumerate(items, start=1):
        yield _from_json(orjson.dumps(item), f"{name}:{number}", hints)


def _from_json(data: bytes, name: str, hints: Hints) -> Input:
    try:
        return Input(name, article=with_hints(decode(RawArticle, data), hints))
    except MessageError as fault:
        return Input(name, error=f"{fault.reason}: {fault.error}")


def with_hints(article: RawArticle, hints: Hints) -> RawArticle:
    """The article with the hints in the fields that it leaves open."""
    open_fields: dict[str, Any] = {
        name: value
        for name, value in vars(hints).items()
        if value is not None and getattr(article, name) is None
    }
    return article.model_copy(update=open_fields)
