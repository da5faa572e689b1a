"""HTML to text and metadata, with bounds on what hostile markup may cost.

The markup is parsed, never executed, and nothing it names is fetched.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import orjson
from lxml import html as lxml_html
from lxml.etree import LxmlError, iterwalk
from trafilatura import bare_extraction
from trafilatura.settings import Document

from agents.normalization.dates import Date, parse_date
from agents.normalization.folding import words
from agents.normalization.headline import same_words
from schemas import Unprocessable

MOST_TAGS: Final = 30_000
DEEPEST: Final = 200
LONGEST_ATTRIBUTES: Final = 2_000
MOST_ENTITIES: Final = 200_000
MOST_OUTSIDE: Final = 1_000
MOST_AUTHORS: Final = 10

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
_BLOCKS: Final = words(
    "address article aside blockquote body br button caption dd details div dl dt fieldset "
    "figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr label legend li main nav ol option "
    "p pre section select summary table tbody td tfoot th thead tr ul"
)
_UNSEEN: Final = words("head noscript script style svg template iframe object")
# A line shorter than this may stand in the article by chance.
_SHORTEST_PART: Final = 25
_TITLE_PATHS: Final = ("//meta[@property='og:title' or @name='og:title']/@content",)
_AUTHOR_PATHS: Final = ("//meta[@name='author' or @property='article:author']/@content",)
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
    """What an HTML page holds: the text of its article and what its metadata says.

    `outside` are the lines of text that are not in it, in order, at most MOST_OUTSIDE of them.
    """

    text: str
    outside: tuple[str, ...]
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
    title = structured.get("headline") or _first(tree, _TITLE_PATHS)
    author = structured.get("author") or next(filter(_is_name, _all(tree, _AUTHOR_PATHS)), None)
    lines = _lines(tree)
    document = bare_extraction(
        tree, with_metadata=True, include_comments=False, date_extraction_params=_NO_GUESSING
    )
    if not isinstance(document, Document) or not (document.text or "").strip():
        raise Unprocessable(
            "no_article", "the HTML holds no article text; send the page of a single article"
        )
    return Page(
        text=document.text or "",
        outside=_outside(lines, document.text or "", title or document.title),
        title=title or document.title,
        byline=author or document.author,
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


def _lines(tree: Any) -> list[str]:
    """The page's text as a reader sees it, a line for each block; scripts and styles left out."""
    lines, parts = [], list[str]()

    def end_line() -> None:
        line = " ".join("".join(parts).split())
        parts.clear()
        if line:
            lines.append(line)

    walk = iterwalk(tree, events=("start", "end"))
    for event, element in walk:
        unseen = element.tag in _UNSEEN
        if element.tag in _BLOCKS or unseen:
            end_line()
        if event == "start":
            if unseen:
                walk.skip_subtree()
            elif element.text:
                parts.append(element.text)
        elif element.tail:
            parts.append(element.tail)
    end_line()
    return lines


def _outside(lines: list[str], text: str, title: str | None) -> tuple[str, ...]:
    inside = " ".join(text.split())
    whole = {" ".join(line.split()) for line in text.split("\n")}
    found = (
        line
        for line in lines
        if line not in whole
        and (len(line) < _SHORTEST_PART or line not in inside)
        and not (title and same_words(line, title))
    )
    return tuple(islice(found, MOST_OUTSIDE))


def _published(tree: Any, structured: dict[str, str]) -> Date | None:
    found = parse_date(structured.get("datePublished"))
    for path in _DATE_PATHS:
        if found is None:
            found = parse_date(_first(tree, (path,)))
    return found


def _first(tree: Any, paths: tuple[str, ...]) -> str | None:
    return next(_all(tree, paths), None)


def _all(tree: Any, paths: tuple[str, ...]) -> Iterator[str]:
    for path in paths:
        for value in tree.xpath(path):
            if str(value).strip():
                yield str(value).strip()


def _linked_data(tree: Any) -> dict[str, str]:
    """The plain strings of the first JSON-LD object that has a publication date."""
    for script in tree.xpath("//script[@type='application/ld+json']/text()")[:20]:
        try:
            loaded = orjson.loads(str(script))
        except orjson.JSONDecodeError:
            continue
        for entry in _objects(loaded):
            if isinstance(entry.get("datePublished"), str):
                found = {key: value for key, value in entry.items() if isinstance(value, str)}
                return found | {"author": _names(entry.get("author"))}
    return {}


def _names(authors: Any) -> str:
    """The names in JSON-LD's `author`: a string, an object with a `name`, or a list of either."""
    listed = authors if isinstance(authors, list) else [authors]
    names = [one.get("name") if isinstance(one, dict) else one for one in listed[:MOST_AUTHORS]]
    return ", ".join(name.strip() for name in names if isinstance(name, str) and _is_name(name))


def _is_name(text: str) -> bool:
    return 0 < len(text.strip()) <= 80 and "://" not in text and "@" not in text


def _objects(loaded: Any) -> list[dict[str, Any]]:
    entries = loaded if isinstance(loaded, list) else [loaded]
    found: list[dict[str, Any]] = []
    for entry in entries[:50]:
        if isinstance(entry, dict):
            graph = entry.get("@graph")
            found += [entry, *(graph if isinstance(graph, list) else ())]
    return [entry for entry in found if isinstance(entry, dict)]
