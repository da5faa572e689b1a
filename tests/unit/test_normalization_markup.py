"""HTML becomes an article with its metadata, or is refused for a reason, in bounded time."""

import time
from collections.abc import Callable

import pytest

from agents.normalization.agent import load
from agents.normalization.markup import MOST_OUTSIDE, is_html
from schemas import NormalizedArticle, RawArticle, Unprocessable
from streams.settings import Settings

Work = Callable[[RawArticle], NormalizedArticle]

FIRST = "La biblioteca di Matera apre di notte per gli studenti che preparano gli esami di giugno."
SECOND = (
    "Le sale resteranno aperte fino alle tre, con due custodi e un distributore di caffè caldo."
)
PAGE = f"""<!DOCTYPE html>
<html lang="it"><head>
<title>La biblioteca apre di notte - La Gazzetta di prova</title>
<meta property="og:site_name" content="La Gazzetta di prova">
<meta property="og:title" content="La biblioteca apre di notte">
<meta name="author" content="Ada Bruni">
<link rel="canonical" href="https://www.gazzetta.example/cultura/biblioteca/?utm_source=x">
<script type="application/ld+json">
{{"@graph": [{{"@type": "NewsArticle", "datePublished": "2024-03-12T10:45:00+01:00"}}]}}
</script>
<script>document.body.innerHTML = "mai eseguito";</script>
</head><body>
<nav><ul><li><a href="/">Prima pagina</a></li><li><a href="/sport">Sport</a></li></ul></nav>
<article><h1>La biblioteca apre di notte</h1>
<p>{FIRST}</p><p>Pubblicità</p><p>{SECOND}</p></article>
<footer>Tutti i diritti riservati</footer></body></html>"""


@pytest.fixture(scope="module")
def work() -> Work:
    return load(Settings())


def test_a_page_gives_text_title_byline_date_address_and_language(work: Work) -> None:
    article = work(RawArticle(body=PAGE))
    assert article.text == f"{FIRST}\n\n{SECOND}"
    assert article.title == "La biblioteca apre di notte"
    assert article.byline == "Ada Bruni"
    assert article.url == "https://www.gazzetta.example/cultura/biblioteca"
    assert article.language.code == "it"
    assert article.published_at is not None
    assert article.published_at.value == "2024-03-12T10:45:00+01:00"
    assert article.published_at.origin == "metadata"


def test_the_fields_of_the_record_win_over_metadata(work: Work) -> None:
    article = work(
        RawArticle(
            body=PAGE,
            title="Altro titolo",
            byline="Bo Verdi",
            url="https://altro.example/a",
            published_at="2023",
        )
    )
    assert article.title == "Altro titolo"
    assert article.byline == "Bo Verdi"
    assert article.url == "https://altro.example/a"
    assert article.published_at is not None
    assert (article.published_at.value, article.published_at.origin) == ("2023", "field")


def test_furniture_found_in_a_page_is_quoted_from_its_markup(work: Work) -> None:
    [piece] = [piece for piece in work(RawArticle(body=PAGE)).removed if piece.kind == "advert"]
    assert piece.start is not None
    assert PAGE[piece.start : piece.start + len(piece.text)] == piece.text == "Pubblicità"


def test_what_the_page_has_around_its_article_is_listed_in_order(work: Work) -> None:
    removed = work(RawArticle(body=PAGE)).removed
    assert [(piece.kind, piece.text) for piece in removed] == [
        ("page", "Prima pagina"),
        ("page", "Sport"),
        ("advert", "Pubblicità"),
        ("subscribe", "Tutti i diritti riservati"),
    ]


def test_what_is_listed_of_a_page_is_bounded(work: Work) -> None:
    links = "".join(f"<li><a href='/{number}'>Voce {number}</a></li>" for number in range(3_000))
    body = f"<html><body><ul>{links}</ul><article><p>{FIRST}</p><p>{SECOND}</p></article>"
    assert len(work(RawArticle(body=body)).removed) <= MOST_OUTSIDE


def test_paragraphs_that_stand_in_the_markup_unchanged_know_their_place(work: Work) -> None:
    article = work(RawArticle(body=PAGE))
    quoted = {PAGE[run.raw_start : run.raw_start + run.end - run.start] for run in article.raw_runs}
    assert quoted == {FIRST, SECOND}


@pytest.mark.parametrize(
    ("head", "title", "byline", "date"),
    [
        (
            '<script type="application/ld+json">{"@type":"NewsArticle","headline":"Notte di libri",'
            '"author":[{"name":"Ada Bruni"},{"name":"Bo Verdi"}],"datePublished":"2024-03-12"}'
            "</script>",
            "Notte di libri",
            "Ada Bruni, Bo Verdi",
            "2024-03-12",
        ),
        (
            '<meta property="og:title" content="Notte di libri"><meta name="author" content="Ada '
            'Bruni"><meta property="article:published_time" content="2024-03-12T08:00:00Z">',
            "Notte di libri",
            "Ada Bruni",
            "2024-03-12T08:00:00Z",
        ),
        (
            '<title>Notte di libri</title><meta name="author" content="https://x.example/ada">'
            '<meta name="date" content="2024-03">',
            "Notte di libri",
            None,
            "2024-03",
        ),
        ('<script type="application/ld+json">{"broken": </script>', None, None, None),
    ],
)
def test_metadata_comes_from_linked_data_or_meta_elements(
    work: Work, head: str, title: str | None, byline: str | None, date: str | None
) -> None:
    body = f"<html><head>{head}</head><body><p>{FIRST}</p><p>{SECOND}</p></body></html>"
    article = work(RawArticle(body=body))
    assert (article.title, article.byline) == (title, byline)
    assert (article.published_at.value if article.published_at else None) == date


@pytest.mark.parametrize(
    ("body", "content_type", "html"),
    [
        (PAGE, None, True),
        ("<p>Uno</p><p>Due</p>", None, True),
        ("Uno", "text/html; charset=utf-8", True),
        ("<p>Uno</p>", "text/plain", False),
        ("Se a < b e b > c, allora a < c.", None, False),
        ("Il tag <br> manda a capo.", None, False),
        ("<3 per sempre", None, False),
    ],
)
def test_html_is_told_by_its_type_or_its_looks(
    body: str, content_type: str | None, html: bool
) -> None:
    assert is_html(body, content_type) is html


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("<div>" * 100_000 + FIRST, "hostile_markup"),
        ("<p>x</p>" * 100_000, "hostile_markup"),
        ("<html><body>" + "&amp;" * 250_000, "hostile_markup"),
        ("<html><body><nav><a href='/'>Home</a></nav></body></html>", "no_article"),
        ("<html><body></body></html>", "no_article"),
        ("<html><body><p>Pubblicità</p></body></html>", "no_article"),
    ],
)
def test_markup_without_a_reachable_article_is_refused(work: Work, body: str, reason: str) -> None:
    with pytest.raises(Unprocessable) as refusal:
        work(RawArticle(body=body))
    assert refusal.value.reason == reason
    assert FIRST not in refusal.value.error


@pytest.mark.parametrize(
    "attributes",
    [
        " ".join(f"a{number}=1" for number in range(50_000)),
        " ".join(f"a{number}" for number in range(50_000)),
        "x='>' " + "".join(f'a{number}=""' for number in range(50_000)),
        "title='" + "x" * 500_000 + "'",
        "' " + "".join(f'a{number}=""' for number in range(50_000)),
    ],
)
def test_a_tag_with_endless_attributes_costs_little_and_loses_no_text(
    work: Work, attributes: str
) -> None:
    body = (
        f"<html><body><article><p {attributes}>{FIRST}</p><p>{SECOND}</p></article></body></html>"
    )
    started = time.process_time()
    article = work(RawArticle(body=body))
    assert time.process_time() - started < 2
    assert FIRST in article.text
    assert SECOND in article.text


def test_entities_declared_by_the_page_do_not_expand(work: Work) -> None:
    levels = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(12))
    body = f'<!DOCTYPE html [<!ENTITY a0 "boom">{levels}]><html><body><p>{FIRST}</p><p>&a12;</p>'
    assert "boomboom" not in work(RawArticle(body=body)).text
