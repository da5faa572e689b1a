"""The five articles the system exists for: clean text, nothing of the article lost."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from agents.normalization.agent import load
from agents.normalization.sentences import sentences
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


# Where each seed's furniture begins, and where it ends: with these words, or with its line.
FURNITURE: dict[str, list[tuple[str, str | None]]] = {
    "000": [("date 2024-03", "date 2024-03")],
    "001": [("Di Fantasy", "Di Fantasy")],
    "002": [
        ("Lire la suite:", None),
        ("Une version de cet article paru", None),
        ("Ce contenu a été traduit automatiquement", None),
    ],
    "003": [("date 2024-05", "Pubblicità")],
    "004": [("A lire également", None)],
}


def sentences_of_the_article(number: str) -> list[str]:
    """The raw body without the furniture listed above, cut into sentences."""
    left = raw(number)
    for begins, ends in FURNITURE[number]:
        start = left.index(begins)
        line_end = left.find("\n", start) if "\n" in left[start:] else len(left)
        end = line_end if ends is None else left.index(ends, start) + len(ends)
        left = left[:start] + left[end:]
    language = article(number).language.code
    return [left[start:end] for start, end in sentences(left, language)]


@EVERY
def test_every_sentence_of_the_article_is_kept_and_no_other(number: str) -> None:
    found = article(number)
    kept = [found.text[span.start : span.end] for span in found.sentences]
    wanted = sentences_of_the_article(number)
    assert len(wanted) > 10
    assert [words(sentence) for sentence in kept] == [words(sentence) for sentence in wanted]


@EVERY
def test_the_text_knows_its_place_in_the_raw_body(number: str) -> None:
    found = article(number)
    for run in found.raw_runs:
        quoted = raw(number)[run.raw_start : run.raw_start + run.end - run.start]
        assert found.text[run.start : run.end] == quoted
    covered = sum(run.end - run.start for run in found.raw_runs)
    assert covered > 0.99 * (len(found.text) - 2 * len(found.paragraphs))


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
