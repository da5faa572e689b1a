"""The same page has one address, the same article one id."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.normalization.identity import article_id, canonical_url, content_hash
from schemas.identity import event_id


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/news/story?id=7",
        "http://example.org/news/story?id=7",
        "HTTPS://Example.ORG:443/news/story/?id=7",
        "http://example.org:80/news/story?id=7#comments",
        "https://example.org/news/story?utm_source=a&id=7&fbclid=b&gclid=c",
        "https://m.example.org/news/story?id=7",
        "https://amp.example.org/news/story/amp/?id=7",
        "//example.org/news/story?id=7",
        " https://example.org/news/\nstory?id=7 ",
        "https://mobile.example.org/news/story?id=7&ref=home",
        "https://example-org.cdn.ampproject.org/c/s/example.org/news/story/amp?id=7",
        "https://www.google.com/amp/s/amp.example.org/news/story?id=7&amp=1",
    ],
)
def test_the_addresses_of_one_page_become_one(url: str) -> None:
    assert canonical_url(url) == "https://example.org/news/story?id=7"


def test_parameters_that_name_a_page_stay_in_order_of_name() -> None:
    assert canonical_url("https://a.it/x?b=2&a=1") == canonical_url("https://a.it/x?a=1&b=2")
    assert canonical_url("https://a.it/x?a=1") != canonical_url("https://a.it/x?a=2")
    assert canonical_url("https://a.it:8443/x") == "https://a.it:8443/x"


@pytest.mark.parametrize(
    "url", [None, "", "story", "mailto:a@b.it", "https://[", "https://localhost", "https://a.it:x/"]
)
def test_what_is_no_web_address_is_none(url: str | None) -> None:
    assert canonical_url(url) is None


@given(st.text(max_size=80).map(lambda tail: "https://example.org/" + tail))
def test_a_canonical_address_is_its_own(url: str) -> None:
    once = canonical_url(url)
    assert once is None or canonical_url(once) == once


def test_an_article_is_its_source_and_address_or_else_its_text() -> None:
    assert article_id("a", "https://x.it/1", "uno") == article_id("a", "https://x.it/1", "due")
    assert article_id("a", "https://x.it/1", "uno") != article_id("b", "https://x.it/1", "uno")
    assert article_id("a", None, "uno") != article_id("a", None, "due")
    assert article_id(None, None, "uno") == article_id(None, None, "uno")


def test_the_content_hash_changes_with_title_and_text() -> None:
    assert len({content_hash("a", "b"), content_hash("a", "c"), content_hash(None, "b")}) == 3


def test_an_event_is_named_by_article_content_stage_and_version() -> None:
    parts = ("a", "b", "normalization", "1.0.0")
    named = {event_id(*parts)}
    for at in range(4):
        named.add(event_id(*(part + "x" if at == n else part for n, part in enumerate(parts))))
    assert len(named) == 5
    assert event_id(*parts) == event_id(*parts)
