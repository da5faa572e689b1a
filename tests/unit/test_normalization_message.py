"""What the message says beyond the text: languages, copies, relative dates."""

from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.normalization.agent import load
from agents.normalization.identity import near_duplicate
from agents.normalization.relative import MOST, relative_dates, relative_line
from schemas import NormalizedArticle, RawArticle
from streams.settings import Settings

ITALIAN = (
    "Il comune di Lucca ha aperto ieri una ciclabile lunga nove chilometri che segue le mura e "
    "arriva fino alla stazione, dove un parcheggio accoglie le biciclette."
)
SECOND = (
    "I lavori sono durati due anni e sono costati quattro milioni di euro, metà dei quali pagati "
    "dalla regione, che conta di recuperarli con il turismo."
)
FRENCH = (
    "« Nous avons attendu cette piste pendant dix ans et nous sommes heureux de la voir ouverte "
    "avant l'été », a déclaré le maire de la ville voisine devant les cyclistes."
)


@cache
def work() -> Callable[[RawArticle], NormalizedArticle]:
    return load(Settings())


def test_a_foreign_quotation_has_its_own_language_and_the_article_keeps_its() -> None:
    article = work()(RawArticle(body="\n\n".join([ITALIAN, SECOND, ITALIAN, SECOND, FRENCH])))
    assert article.language.code == "it"
    assert [language.code for language in article.paragraph_languages] == [*["it"] * 4, "fr"]
    assert not article.mixed_language


def test_an_article_in_two_languages_is_marked() -> None:
    article = work()(RawArticle(body="\n\n".join([ITALIAN, SECOND, FRENCH])))
    assert article.mixed_language


def test_a_short_paragraph_is_taken_to_be_in_the_articles_language() -> None:
    article = work()(RawArticle(body=f"{ITALIAN}\n\n«The end.»\n\n{SECOND}"))
    assert [language.code for language in article.paragraph_languages] == ["it"] * 3


def distance(one: str, other: str) -> int:
    first, second = near_duplicate(one), near_duplicate(other)
    assert first is not None and second is not None
    return (int(first, 16) ^ int(second, 16)).bit_count()


def test_copies_of_a_report_have_signatures_that_differ_in_few_bits() -> None:
    report = f"{ITALIAN} {SECOND} {ITALIAN.replace('Lucca', 'Pisa')} {SECOND.replace('due', 'tre')}"
    copy = "LUCCA (Agenzia) – " + report.replace("biciclette", "bici").upper()
    assert distance(report, copy) <= 14
    assert distance(report, FRENCH * 2) > 20


def test_a_signature_is_the_same_for_the_same_words_and_null_for_a_few() -> None:
    assert near_duplicate(ITALIAN) == near_duplicate(ITALIAN.upper().replace(",", " -"))
    assert near_duplicate("Poche parole.") is None


@pytest.mark.parametrize(
    ("language", "sentence", "found"),
    [
        ("it", "Lo ha detto ieri sera, due giorni fa no.", ["ieri sera", "due giorni fa"]),
        (
            "it",
            "La settimana scorsa pioveva; lunedì prossimo si vedrà.",
            ["La settimana scorsa", "lunedì prossimo"],
        ),
        ("fr", "Il l'a dit hier, il y a trois jours non.", ["hier", "il y a trois jours"]),
        ("fr", "Aujourd’hui et la semaine prochaine.", ["Aujourd’hui", "la semaine prochaine"]),
        ("es", "Lo dijo ayer y hace dos semanas.", ["ayer", "hace dos semanas"]),
        ("pt", "Disse ontem e há 3 dias.", ["ontem", "há 3 dias"]),
        (
            "en",
            "He said so yesterday and three weeks ago, not last Monday.",
            ["yesterday", "three weeks ago", "last Monday"],
        ),
        ("it", "Il vieri resta a casa, oggigiorno.", []),
        ("fi", "Hän sanoi sen eilen.", []),
    ],
)
def test_relative_dates_are_found_as_they_are_written(
    language: str, sentence: str, found: list[str]
) -> None:
    assert [sentence[start:end] for start, end in relative_dates(sentence, language)] == found


def test_relative_dates_count_from_the_publication_or_else_from_the_fetching() -> None:
    published = work()(RawArticle(body=f"12 marzo 2024\n\n{ITALIAN}\n\n{SECOND}"))
    [date] = published.relative_dates
    assert (date.text, date.reference) == ("ieri", "2024-03-12")
    assert date.start == published.text.index("ieri")
    fetched = work()(RawArticle(body=ITALIAN, fetched_at="2024-03-14T10:00:00Z"))
    assert fetched.relative_dates[0].reference == "2024-03-14T10:00:00Z"
    assert work()(RawArticle(body=ITALIAN)).relative_dates[0].reference is None


def test_a_relative_date_line_goes_and_is_kept_as_text() -> None:
    article = work()(RawArticle(body=f"3 ore fa\n\n{SECOND}\n\n{SECOND}", fetched_at="2024-03-14"))
    [date] = article.relative_dates
    assert (date.text, date.start, date.reference) == ("3 ore fa", None, "2024-03-14")
    assert article.published_at is None


@pytest.mark.parametrize("line", ["Hace 3 horas", "Il y a 2 jours", "Pubblicato ieri", "Yesterday"])
def test_a_line_of_nothing_else_is_a_relative_date_line(line: str) -> None:
    assert relative_line(line)
    assert not relative_line(f"{line} è successo")


@given(st.text(alphabet="ieri fahcoln34gdays \n", max_size=200), st.sampled_from(["it", "en"]))
def test_relative_dates_lie_in_the_text_in_order(text: str, language: str) -> None:
    spans = list(relative_dates(text, language))
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert spans == sorted(spans)
    assert len(spans) <= MOST
