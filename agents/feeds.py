"""Articles from feeds: RSS and Atom (by feedparser) and JSON Feed, each entry once.

What was pushed of a feed is remembered in `<state_dir>/feeds/`, one small file a feed. An entry
comes again when its title or text has changed: it is then another version of the same article.
"""

import hashlib
import io
import os
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from email.utils import parseaddr
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import feedparser
import orjson

from agents.inputs import Hints, Input, with_hints
from schemas import RawArticle

TIMEOUT: Final = 30.0
LARGEST: Final = 20_000_000
# Of entries that the feed no longer lists; those it lists are always remembered.
MOST_REMEMBERED: Final = 10_000
ACCEPTED: Final = (
    "application/feed+json, application/atom+xml, application/rss+xml, application/xml;q=0.9, "
    "application/json;q=0.9, text/xml;q=0.8, */*;q=0.1"
)


class FeedError(Exception):
    """A feed that cannot be had or read; says which, and why."""


@dataclass(frozen=True)
class Entry:
    """One entry: `key` changes with its title and text."""

    key: str
    item: Input


@dataclass(frozen=True)
class Memory:
    """What is known of a feed from earlier pushes.

    `etag` and `modified` are what the server said of the last whole push, to be asked with.
    """

    path: Path
    etag: str | None = None
    modified: str | None = None
    pushed: tuple[str, ...] = field(default=())

    @classmethod
    def of(cls, state_dir: Path, where: str) -> "Memory":
        """What was remembered of the feed at an address or path; nothing for a new one.

        Raises FeedError where the file is damaged.
        """
        name = hashlib.sha256(where.encode()).hexdigest()[:24]
        path = state_dir / "feeds" / f"{name}.json"
        try:
            stored = orjson.loads(path.read_bytes())
            return cls(path, stored["etag"], stored["modified"], tuple(stored["pushed"]))
        except FileNotFoundError:
            return cls(path)
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise FeedError(
                f"{path}, the memory of {where}, is damaged; delete it to push every entry again"
            ) from None

    def save(self, where: str) -> None:
        """Writes the memory whole, or leaves the old one."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.path.with_suffix(f".{os.getpid()}")
        unfinished.write_bytes(
            orjson.dumps(
                {
                    "feed": where,
                    "etag": self.etag,
                    "modified": self.modified,
                    "pushed": list(self.pushed),
                }
            )
        )
        unfinished.replace(self.path)


@dataclass(frozen=True)
class Feed:
    """A feed as it is now. `entries` are all it lists, `fresh` those not pushed before."""

    where: str
    entries: tuple[Entry, ...]
    fresh: tuple[Entry, ...]
    memory: Memory

    def remember(self, pushed: Iterable[str]) -> None:
        """Remembers the keys of the entries that went out.

        The server is asked for changes only once all have: an entry that was refused comes again.
        """
        done = set(pushed)
        listed = [entry.key for entry in self.entries]
        kept = [key for key in listed if key in done or key in set(self.memory.pushed)]
        older = [key for key in self.memory.pushed if key not in set(listed)]
        whole = all(entry.key in done for entry in self.fresh)
        memory = self.memory if whole else replace(self.memory, etag=None, modified=None)
        replace(memory, pushed=(*kept, *older[:MOST_REMEMBERED])).save(self.where)


def read_feed(where: str, state_dir: Path, hints: Hints) -> Feed:
    """The feed at an http(s) address or in a file; no entries where the server says: unchanged.

    Raises FeedError.
    """
    if urlsplit(where).scheme not in ("http", "https"):
        where = str(Path(where).absolute())
        memory = Memory.of(state_dir, where)
        try:
            data = Path(where).read_bytes()
        except OSError as fault:
            raise FeedError(f"{where} cannot be read: {fault.strerror}") from None
    else:
        answer = _fetch(where, Memory.of(state_dir, where))
        if answer is None:
            return Feed(where, (), (), Memory.of(state_dir, where))
        data, memory = answer
    entries = tuple(entries_of(data, where, hints))
    known = set(memory.pushed)
    return Feed(where, entries, tuple(each for each in entries if each.key not in known), memory)


def _fetch(where: str, memory: Memory) -> tuple[bytes, Memory] | None:
    request = urllib.request.Request(
        where,
        headers={"User-Agent": "babelwire", "Accept": ACCEPTED, "Accept-Encoding": "identity"},
    )
    if memory.etag:
        request.add_header("If-None-Match", memory.etag)
    if memory.modified:
        request.add_header("If-Modified-Since", memory.modified)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            data = answer.read(LARGEST + 1)
            headers = answer.headers
    except urllib.error.HTTPError as fault:
        if fault.code == 304:
            return None
        raise FeedError(f"{where} answered {fault.code} {fault.reason}") from None
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "reason", None) or fault
        raise FeedError(f"{where} cannot be fetched: {reason}") from None
    if len(data) > LARGEST:
        raise FeedError(f"{where} is larger than {LARGEST:,} bytes; that is no feed")
    return data, replace(memory, etag=headers["ETag"], modified=headers["Last-Modified"])


def entries_of(data: bytes, where: str, hints: Hints) -> list[Entry]:
    """The entries of a feed, in its order, one for each id; raises FeedError for no feed."""
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
        title, language, found = _json_feed(data, where)
    else:
        title, language, found = _xml_feed(data, where)
    own = replace(
        hints, source=hints.source or title, language=hints.language or _code(language), url=None
    )
    entries: dict[str, Entry] = {}
    for number, (identity, fields) in enumerate(found, start=1):
        known = identity or fields.get("url") or f"entry {number}"
        extra = {"feed": where, "entry": known}
        name = f"{where} {known}"
        body = fields.pop("body") or ""
        if not body.strip():
            item = Input(name, error="the entry has neither text nor summary")
        else:
            article = RawArticle(body=body, extra=extra, **fields)
            item = Input(name, article=with_hints(article, own))
        key = _key(str(known), fields.get("title"), body)
        entries.setdefault(str(known), Entry(key, item))
    return list(entries.values())


Found = list[tuple[str | None, dict[str, Any]]]


def _xml_feed(data: bytes, where: str) -> tuple[str | None, str | None, Found]:
    parsed = feedparser.parse(
        io.BytesIO(data),
        sanitize_html=False,  # normalization parses the markup and executes none of it
        resolve_relative_uris=False,
    )
    if not parsed.get("version") and not parsed.entries:
        fault = parsed.get("bozo_exception")
        raise FeedError(f"{where} is no RSS, Atom or JSON feed" + (f": {fault}" if fault else ""))
    found: Found = []
    for entry in parsed.entries:
        content = max(
            (*entry.get("content", ()), entry.get("summary_detail") or {}),
            key=lambda part: len(part.get("value") or ""),
        )
        found.append(
            (
                entry.get("id"),
                {
                    "body": content.get("value"),
                    "content_type": _content_type(content.get("type")),
                    "url": urljoin(where, entry["link"]) if entry.get("link") else None,
                    "title": entry.get("title"),
                    "byline": _author(entry),
                    "published_at": entry.get("published") or entry.get("updated"),
                    "language": _code(content.get("language")),
                },
            )
        )
    return parsed.feed.get("title"), parsed.feed.get("language"), found


def _json_feed(data: bytes, where: str) -> tuple[str | None, str | None, Found]:
    """Reads JSON Feed 1.0 and 1.1 (jsonfeed.org)."""
    try:
        feed = orjson.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as fault:
        raise FeedError(f"{where} is not JSON: line {fault.lineno}: {fault.msg}") from None
    if "jsonfeed.org" not in str(feed.get("version")) or not isinstance(feed.get("items"), list):
        raise FeedError(f"{where} is JSON but no JSON Feed: it has no version and items")
    found: Found = []
    for item in feed["items"]:
        if not isinstance(item, dict):
            continue
        markup = _text(item, "content_html")
        plain = _text(item, "content_text") or _text(item, "summary")
        authors = item.get("authors") or [item.get("author")]
        found.append(
            (
                _text(item, "id"),
                {
                    "body": markup or plain,
                    "content_type": "text/html" if markup else "text/plain",
                    "url": _text(item, "url") or _text(item, "external_url"),
                    "title": _text(item, "title"),
                    "byline": _authors(authors if isinstance(authors, list) else ()),
                    "published_at": _text(item, "date_published") or _text(item, "date_modified"),
                    "language": _code(_text(item, "language")),
                },
            )
        )
    return _text(feed, "title"), _text(feed, "language"), found


def _text(values: Mapping[str, Any], name: str) -> str | None:
    value = values.get(name)
    return str(value) if isinstance(value, str | int) and str(value).strip() else None


def _authors(authors: Iterable[Any]) -> str | None:
    names = [one.get("name") for one in authors if isinstance(one, Mapping)]
    return ", ".join(name for name in names if isinstance(name, str) and name.strip()) or None


def _author(entry: Mapping[str, Any]) -> str | None:
    """RSS has a mail address with the name behind it, Atom and Dublin Core have names."""
    stated = str(entry.get("author") or "")
    name = parseaddr(stated)[0] if "@" in stated else stated
    return name or _authors(entry.get("authors") or ())


def _content_type(declared: str | None) -> str | None:
    """HTML as such; anything else is looked at, because feeds call markup plain."""
    return "text/html" if declared in ("text/html", "application/xhtml+xml") else None


def _code(language: str | None) -> str | None:
    return language.replace("_", "-").split("-")[0].lower() if language else None


def _key(identity: str, title: str | None, body: str) -> str:
    return hashlib.sha256("\x00".join((identity, title or "", body)).encode()).hexdigest()[:24]
