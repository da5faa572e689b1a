"""The five articles the system exists for: clean text, nothing of the article lost."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from agents.normalization.agent import load
from schemas import NormalizedArticle, RawArticle
from streams.settings import Settings

SEEDS = Path(__file__).parents[3] / "shared" / "seeds"

pytestmark = pytest.mark.skipif(not SEEDS.is_dir(), reason="../shared/seeds is not here")


def raw(number: str) -> str:
    [path] = SEEDS.glob(f"{number}_*.txt")
    return path.read_text("utf-8")


@cache
def article(number: str) -> NormalizedArticle:
    return load(Settings())(RawArticle(body=raw(number)))


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def removed(number: str) -> Iterator[tuple[str, str]]:
    for piece in article(number).removed:
        assert piece.start is not None
        assert raw(number)[piece.start : piece.start + len(piece.text)] == piece.text
        yield piece.kind, piece.text


EVERY = pytest.mark.parametrize("number", ["000", "001", "002", "003", "004"])


@EVERY
def test_text_and_removed_pieces_together_are_all_of_the_raw_body(number: str) -> None:
    left = raw(number)
    for piece in sorted(article(number).removed, key=lambda one: one.start or 0, reverse=True):
        assert piece.start is not None
        left = left[: piece.start] + " " + left[piece.start + len(piece.text) :]
    assert words(article(number).text) == words(left)


@EVERY
def test_the_first_paragraph_is_no_title(number: str) -> None:
    assert article(number).title is None


@EVERY
def test_normalizing_the_result_again_changes_nothing(number: str) -> None:
    again = load(Settings())(RawArticle(body=article(number).text))
    assert again.text == article(number).text
    assert again.removed == []


@pytest.mark.parametrize(
    ("number", "language", "paragraphs"),
    [("000", "it", 5), ("001", "it", 5), ("002", "fr", 6), ("003", "it", 6), ("004", "fr", 8)],
)
def test_language_and_paragraphs_are_right(number: str, language: str, paragraphs: int) -> None:
    found = article(number)
    assert found.language.code == language
    assert found.language.confidence > 0.9
    assert len(found.paragraphs) == paragraphs
    assert len(found.sentences) > paragraphs


@pytest.mark.parametrize(("number", "month"), [("000", "2024-03"), ("003", "2024-05")])
def test_the_month_in_front_is_the_publication_month(number: str, month: str) -> None:
    published = article(number).published_at
    assert published is not None
    assert (published.value, published.precision, published.origin) == (month, "month", "text")
    assert ("date", f"date {month}") in list(removed(number))


@pytest.mark.parametrize("number", ["001", "002", "004"])
def test_a_date_within_a_sentence_is_no_publication_date(number: str) -> None:
    assert article(number).published_at is None


def test_the_advertising_label_goes() -> None:
    assert list(removed("003")) == [("date", "date 2024-05"), ("advert", "Pubblicità")]


def test_the_byline_in_the_last_line_is_read_and_goes() -> None:
    assert article("001").byline == "Fantasy"
    assert list(removed("001")) == [("byline", "Di Fantasy")]


def test_the_link_line_and_both_notes_go_and_say_where_the_article_is_from() -> None:
    pieces = list(removed("002"))
    assert [kind for kind, _ in pieces] == ["related", "provenance", "machine_translation"]
    assert pieces[0][1].startswith("Lire la suite: ")
    assert pieces[2][1].startswith("Ce contenu a été traduit automatiquement")
    assert article("002").provenance.machine_translated
    assert article("002").provenance.note == pieces[1][1]
    assert "Gizmodo" in pieces[1][1]


def test_the_heading_of_a_link_list_at_the_end_goes() -> None:
    assert list(removed("004")) == [("related", "A lire également")]
