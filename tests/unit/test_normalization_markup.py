"""HTML becomes an article with its metadata, or is refused for a reason, in bounded time."""

import time
from collections.abc import Callable

import pytest

from agents.normalization.agent import load
from agents.normalization.markup import is_html
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
    [piece] = work(RawArticle(body=PAGE)).removed
    assert piece.kind == "advert"
    assert piece.start is not None
    assert PAGE[piece.start : piece.start + len(piece.text)] == piece.text == "Pubblicità"


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
