"""Which article this is: its canonical URL, its id, and the hash of its content."""

import hashlib
import re
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from simhash import Simhash

from agents.normalization.folding import fold

_TRACKING: Final = re.compile(
    r"(?:utm_.*|mtm_.*|pk_.*|hsa_.*|_hs.*|vero_.*|ga_.*|at_.*|ns_.*|xtor|fbclid|gclid|gclsrc|dclid"
    r"|gbraid|wbraid|msclkid|yclid|twclid|ttclid|igshid|igsh|mc_cid|mc_eid|cmpid|cmp|ncid|ocid"
    r"|ref|ref_src|ref_url|referrer|source|src|smid|smtyp|sfnsn|rss|share|amp|outputtype|spm|wt_mc"
    r"|_ga|_gl|refresh_ce|guccounter)"
)
_PORTS: Final = {"http": 80, "https": 443}
_OTHER_HOSTS: Final = ("amp.", "m.", "mobile.", "touch.", "wap.")
_AMP_PATH: Final = re.compile(r"/amp(?=/|$)|\.amp(?=\.html?$|$)|(?<=/)amp-(?=[^/]+\.html?$)")
_AMP_VIEWER: Final = re.compile(
    r"(?:https?:)?//(?:[\w-]{1,200}\.cdn\.ampproject\.org/[a-z]/|(?:www\.)?google\.[a-z.]{2,6}/amp/)"
    r"(?P<secure>s)?/?(?P<rest>[\w-]{1,63}\.[^\s]+)",
    re.I,
)
_LONGEST: Final = 4_000
_WORD: Final = re.compile(r"\w+")
_SHINGLE: Final = 3
_FEWEST_WORDS: Final = 20


def canonical_url(url: str | None) -> str | None:
    """One address for all the addresses under which one page is read; None for what is no web URL.

    AMP caches and viewers give way to the publisher's address. Scheme https, host in lower case
    without `m.`, `mobile.`, `amp.` and default port, no fragment, no tracking parameters, no AMP
    marks, no slash at the end of a path, the remaining parameters in order of name.
    """
    split = _split(_unwrapped(url))
    if split is None:
        return None
    host = _plain_host((split.hostname or "").rstrip("."))
    try:
        port = split.port
    except ValueError:
        return None
    where = host if port in (None, _PORTS[split.scheme]) else f"{host}:{port}"
    path = _AMP_PATH.sub("", split.path).rstrip("/")
    kept = [
        (name, value)
        for name, value in parse_qsl(split.query, keep_blank_values=True)
        if not _TRACKING.fullmatch(name.casefold())
    ]
    query = f"?{urlencode(sorted(kept))}" if kept else ""
    return f"https://{where}{path}{query}"


def article_id(source: str | None, url: str | None, text: str) -> str:
    """Hex sha256 over source and canonical URL, over the normalized text where there is no URL."""
    return _sha256(source or "", url or "", "" if url else text)


def content_hash(title: str | None, text: str) -> str:
    """Hex sha256 over title and text: it changes when what a reader reads changes."""
    return _sha256(title or "", text)


def near_duplicate(text: str) -> str | None:
    """The SimHash of the text's overlapping groups of three words, as 16 hex digits.

    None for fewer than 20 words. Case, accents and punctuation do not count. Method: Charikar,
    "Similarity estimation techniques from rounding algorithms", STOC 2002, on word shingles.
    """
    words = _WORD.findall(fold(text))
    if len(words) < _FEWEST_WORDS:
        return None
    shingles = (" ".join(words[at : at + _SHINGLE]) for at in range(len(words) - _SHINGLE + 1))
    return f"{Simhash(list(shingles)).value:016x}"


def _unwrapped(url: str | None) -> str | None:
    """The publisher's own address of a page that an AMP cache or viewer shows."""
    match = _AMP_VIEWER.match((url or "").strip())
    return url if match is None else f"http{match['secure'] or ''}://{match['rest']}"


def _split(url: str | None) -> SplitResult | None:
    cleaned = "".join((url or "").split())
    if not cleaned or len(cleaned) > _LONGEST or not cleaned.isprintable():
        return None
    if cleaned.startswith("//"):
        cleaned = "https:" + cleaned
    try:
        split = urlsplit(cleaned)
        host = split.hostname
    except ValueError:
        return None
    return split if split.scheme in _PORTS and host and "." in host.strip(".") else None


def _plain_host(host: str) -> str:
    for prefix in _OTHER_HOSTS:
        rest = host.removeprefix(prefix)
        if "." in rest:
            host = rest
    return host


def _sha256(*parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
