"""HTML to text and metadata, with bounds on what hostile markup may cost.

The markup is parsed, never executed, and nothing it names is fetched.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

import orjson
from lxml import html as lxml_html
from lxml.etree import LxmlError
from trafilatura import bare_extraction
from trafilatura.settings import Document

from agents.normalization.dates import Date, parse_date
from agents.normalization.folding import words
from schemas import Unprocessable

MOST_TAGS: Final = 30_000
DEEPEST: Final = 200
LONGEST_ATTRIBUTES: Final = 2_000
MOST_ENTITIES: Final = 200_000

_TAG: Final = re.compile(
    r"<(/?)([a-zA-Z][a-zA-Z0-9:-]{0,40}+)"
    r"((?:[^\"'>=]++|=\s*+(?:\"[^\"]*+\"|'[^']*+')?|[\"'])*+)>?"
)
_STRUCTURE: Final = re.compile(
    r"<(?:!doctype\s+html|html|head|body|div|article|section|main|p|br|h[1-6]|table|ul|ol|a\s|span"
    r"|meta|script|figure|blockquote|img\s|em|strong)\b[^<>]{0,2000}>",
    re.I,
)
_CLOSED: Final = re.compile(
    r"</(?:p|div|h[1-6]|a|span|article|body|html|ul|li|table|b|i|em|strong)\s{0,9}>", re.I
)
_DECLARATION: Final = re.compile(r"\A\s*<\?xml[^>]{0,200}\?>")
_NOT_NESTING: Final = words(
    "area base br col embed hr img input link meta param source track wbr p li dt dd td th tr "
    "thead tbody tfoot option optgroup colgroup html head body rp rt"
)
_DATE_PATHS: Final = (
    "//meta[@property='article:published_time' or @property='og:article:published_time']/@content",
    "//meta[@itemprop='datePublished']/@content",
    "//meta[@name='date' or @name='pubdate' or @name='publish-date' or @name='DC.date.issued'"
    " or @name='dc.date' or @name='parsely-pub-date' or @name='article:published_time']/@content",
    "//*[@itemprop='datePublished']/@datetime",
    "//time[@pubdate]/@datetime",
    "//article//time/@datetime",
    "//time/@datetime",
)


@dataclass(frozen=True, slots=True)
class Page:
    """What an HTML page holds: the text of its article and what its metadata says."""

    text: str
    title: str | None
    byline: str | None
    published: Date | None
    url: str | None
    site: str | None
    language: str | None


def is_html(body: str, content_type: str | None) -> bool:
    """Whether the body is HTML, by its declared type or, where none is declared, by its looks."""
    declared = (content_type or "").partition(";")[0].strip().lower()
    if declared in ("text/html", "application/xhtml+xml"):
        return True
    if declared in ("text/plain", "text/markdown"):
        return False
    start = body[:4_000].lstrip("\ufeff \t\r\n")
    if re.match(r"<(?:!doctype\s+html|html|\?xml)\b", start, re.I):
        return True
    if _STRUCTURE.match(start):
        return True
    return len(_STRUCTURE.findall(body[:20_000])) >= 2 and bool(_CLOSED.search(body))


def read_page(body: str) -> Page:
    """The article of an HTML page, by trafilatura, and the page's metadata.

    Raises Unprocessable with `hostile_markup` for markup past the bounds above and `no_article`
    for a page that has none.
    """
    _check(body)
    body = _TAG.sub(_short_of_attributes, _DECLARATION.sub("", body.replace("\x00", "")))
    try:
        tree = lxml_html.document_fromstring(
            body,
            parser=lxml_html.HTMLParser(remove_comments=True, remove_pis=True),
        )
    except (LxmlError, ValueError, AssertionError):
        raise Unprocessable(
            "hostile_markup", "the body is said to be HTML but cannot be parsed; send it as text"
        ) from None
    structured = _linked_data(tree)
    language = tree.get("lang") or _first(tree, ("//meta[@property='og:locale']/@content",))
    published = _published(tree, structured)
    document = bare_extraction(
        tree, with_metadata=True, include_comments=False, date_extraction_params=_NO_GUESSING
    )
    if not isinstance(document, Document) or not (document.text or "").strip():
        raise Unprocessable(
            "no_article", "the HTML holds no article text; send the page of a single article"
        )
    return Page(
        text=document.text or "",
        title=document.title,
        byline=document.author,
        published=published,
        url=document.url,
        site=document.sitename,
        language=language or structured.get("inLanguage"),
    )


# A date that is not stated in the metadata is not looked for in the page: too many pages carry
# the date of today, and a guess would depend on the clock.
_NO_GUESSING: Final = {"extensive_search": False, "original_date": True, "max_date": "2199-12-31"}


def _check(body: str) -> None:
    """Refuses, in one linear pass, markup whose parsing would take unreasonably long."""
    if body.count("&") > MOST_ENTITIES:
        raise _hostile(f"more than {MOST_ENTITIES} character references")
    depth = tags = 0
    for match in _TAG.finditer(body):
        tags += 1
        closing, name, attributes = match.groups()
        if tags > MOST_TAGS:
            raise _hostile(f"more than {MOST_TAGS} tags")
        if name.lower() in _NOT_NESTING or attributes.endswith("/"):
            continue
        depth = max(0, depth - 1) if closing else depth + 1
        if depth > DEEPEST:
            raise _hostile(f"elements nested more than {DEEPEST} deep")


def _short_of_attributes(tag: re.Match[str]) -> str:
    """The tag, bare where its attributes are so long that parsing them would take very long."""
    closing, name, attributes = tag.groups()
    return f"<{closing}{name}>" if len(attributes) > LONGEST_ATTRIBUTES else tag.group()


def _hostile(what: str) -> Unprocessable:
    return Unprocessable(
        "hostile_markup", f"the HTML has {what}; send the article's own markup or its text"
    )


def _published(tree: Any, structured: dict[str, str]) -> Date | None:
    found = parse_date(structured.get("datePublished"))
    for path in _DATE_PATHS:
        if found is None:
            found = parse_date(_first(tree, (path,)))
    return found


def _first(tree: Any, paths: tuple[str, ...]) -> str | None:
    for path in paths:
        for value in tree.xpath(path):
            if str(value).strip():
                return str(value).strip()
    return None


def _linked_data(tree: Any) -> dict[str, str]:
    """The plain strings of the first JSON-LD object that has a publication date."""
    for script in tree.xpath("//script[@type='application/ld+json']/text()")[:20]:
        try:
            loaded = orjson.loads(str(script))
        except orjson.JSONDecodeError:
            continue
        for entry in _objects(loaded):
            if isinstance(entry.get("datePublished"), str):
                return {key: value for key, value in entry.items() if isinstance(value, str)}
    return {}


def _objects(loaded: Any) -> list[dict[str, Any]]:
    entries = loaded if isinstance(loaded, list) else [loaded]
    found: list[dict[str, Any]] = []
    for entry in entries[:50]:
        if isinstance(entry, dict):
            graph = entry.get("@graph")
            found += [entry, *(graph if isinstance(graph, list) else ())]
    return [entry for entry in found if isinstance(entry, dict)]
