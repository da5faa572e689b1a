"""The furniture measure counts what its description says."""

import pytest

from ops.quality.furniture import keep_all, measure, site

PAGES = [
    {
        "url": "u",
        "language": "it",
        "text": "menu  testo buono",
        "keep": ["testo"],
        "drop": ["menu"],
    },
    {"url": "v", "language": "fr", "text": "a b c", "keep": ["a", "b"], "drop": ["c"]},
]


def test_keeping_everything_keeps_all_and_drops_nothing() -> None:
    scores = measure(PAGES, keep_all, lambda _: None)
    assert (scores["all"].kept, scores["all"].keeps) == (3, 3)
    assert (scores["all"].dropped, scores["all"].drops) == (0, 2)
    assert "harmonic mean 0.000" in scores["all"].line("all")


def test_each_string_on_the_wrong_side_is_told_and_counted_by_language() -> None:
    misses: list[str] = []
    scores = measure(
        PAGES, lambda page: page["text"].replace("menu", "").replace("a", ""), misses.append
    )
    assert (scores["it"].kept, scores["it"].dropped) == (1, 1)
    assert (scores["fr"].kept, scores["fr"].dropped) == (1, 0)
    assert misses == ["lost  v: a", "stays v: c"]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://www.example.org/a", "example.org"),
        ("https://web.archive.org/web/2007/http://www.example.org/a", "example.org"),
        ("hard::example.org-a.html", "hard::example.org-a.html"),
    ],
)
def test_pages_of_one_site_are_known_by_its_host(url: str, name: str) -> None:
    assert site(url) == name
