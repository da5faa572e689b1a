"""A whole page pasted as text is reduced to its article; a short text is never taken for a page."""

from pathlib import Path

import numpy as np
import orjson
import pytest

from agents.normalization.agent import load
from agents.normalization.features import NAMES, features
from agents.normalization.forest import Forest, shipped
from agents.normalization.pages import article_lines, read_page_lines, run_of
from schemas import RawArticle
from streams.settings import Settings

REAL_PAGES = Path(__file__).parents[3] / "shared" / "data" / "furniture" / "pages.jsonl"

TITLE = "La funivia di Pila riparte con le cabine nuove"
PARAGRAPHS = [
    "La funivia che porta a Pila ha ripreso ieri le corse, con cabine nuove che salgono in undici "
    "minuti e che tengono anche le biciclette degli escursionisti.",
    "I lavori sono cominciati due anni fa e sono stati pagati per metà dalla regione, che conta "
    "di recuperare la spesa con i biglietti dei prossimi inverni.",
    "Secondo il direttore della società che la gestisce, le vecchie cabine andranno a un museo "
    "della montagna, dove i bambini le potranno provare senza pagare.",
    "Gli abitanti del paese hanno accolto la riapertura con una festa, ma si chiedono che cosa "
    "succederà quando la neve non sarà più quella di una volta.",
]
MENU = ["Home", "Menu", "Cerca", "Accedi", "Sport", "Cronaca", "Meteo", "Video", "Abbonati"]
LINKS = [f"Un altro titolo di cronaca numero {number}" for number in range(15)]
FOOTER = ["Chi siamo", "Contatti", "Privacy", "Facebook", "Twitter", "Tutti i diritti riservati"]


def kept(lines: list[str]) -> list[str]:
    verdict = article_lines(lines, shipped())
    assert verdict is not None
    return [line for line, keep in zip(lines, verdict, strict=True) if keep]


def test_menus_links_and_footer_around_an_article_go() -> None:
    page = [*MENU, TITLE, "Condividi", *PARAGRAPHS, "Leggi anche", *LINKS, *FOOTER]
    found = kept(page)
    assert found[0] == TITLE
    assert [line for line in found if line in PARAGRAPHS] == PARAGRAPHS
    assert not set(found) & {*MENU, *LINKS, *FOOTER}


def test_a_box_of_links_inside_the_article_goes_and_the_rest_stays_whole() -> None:
    middle = ["Leggi anche", *LINKS[:3]]
    page = [*MENU, TITLE, *PARAGRAPHS[:2], *middle, *PARAGRAPHS[2:], *LINKS, *FOOTER]
    found = kept(page)
    assert [line for line in found if line in PARAGRAPHS] == PARAGRAPHS
    assert not set(found) & set(LINKS)


def test_the_readers_comments_below_go() -> None:
    comment = (
        "Io ci sono stato ieri e devo dire che la fila era lunga, ma le cabine sono belle davvero "
        "e ci si siede anche in otto senza stare stretti come una volta."
    )
    page = [*MENU, TITLE, *PARAGRAPHS, *PARAGRAPHS, "Commenti", *[comment] * 9, *LINKS, *FOOTER]
    assert comment not in kept(page)


def test_a_short_text_is_no_page() -> None:
    assert article_lines([TITLE, *PARAGRAPHS, "Leggi anche", "Pubblicità"], shipped()) is None


def test_a_poem_is_no_page() -> None:
    verses = [f"e il vento che passa la riva numero {number}" for number in range(60)]
    assert article_lines(verses, shipped()) is None


def test_an_interview_is_no_page() -> None:
    lines = [line for number in range(20) for line in (f"Perché, {number}?", PARAGRAPHS[1])]
    assert article_lines(lines, shipped()) is None


def test_a_page_gives_its_title_byline_and_date_and_says_what_went() -> None:
    page = [*MENU, TITLE, "Di Ada Bruni", "12 marzo 2024", *PARAGRAPHS, "Leggi anche", *LINKS]
    body = "\n".join([*page, *FOOTER])
    article = load(Settings())(RawArticle(body=body))
    assert (article.title, article.byline) == (TITLE, "Ada Bruni")
    assert article.published_at is not None and article.published_at.value == "2024-03-12"
    assert article.text == "\n\n".join(PARAGRAPHS)
    assert {piece.text for piece in article.removed} >= {*MENU, *LINKS, "Leggi anche"}


def test_a_short_article_cut_by_a_box_and_a_button_is_kept_to_its_last_paragraph() -> None:
    standfirst = "La funivia era ferma da due anni. Il sindaco: «Le cabine nuove, finalmente»"
    page = [*MENU, TITLE, standfirst, "di Ada Bruni", "Condividi", "La funivia di Pila (Ansa)"]
    page += [PARAGRAPHS[0], "Pubblicità", "Leggi anche", LINKS[0], PARAGRAPHS[1], PARAGRAPHS[2]]
    page += ["Iscriviti alla newsletter della funivia", PARAGRAPHS[3], *LINKS, *FOOTER]
    article = load(Settings())(RawArticle(body="\n".join(page)))
    whole = f"{article.title or ''}\n\n{article.text}".strip()
    assert whole == "\n\n".join([TITLE, standfirst, *PARAGRAPHS])
    assert article.byline == "Ada Bruni"


def test_every_feature_has_one_column_and_a_page_of_any_size_has_rows() -> None:
    lines = [*MENU, TITLE, *PARAGRAPHS, "Leggi anche", *LINKS, *FOOTER]
    read = read_page_lines(lines)
    assert read is not None
    run = run_of(read)
    assert run is not None
    numbers = features(read, run)
    assert numbers.shape == (len(lines), len(NAMES))
    assert np.isfinite(numbers).all()


def test_a_forest_made_for_other_features_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "forest.npz"
    shipped().save(path)
    assert len(Forest.load(path).column) == len(shipped().column)
    with np.load(path) as stored:
        parts = dict(stored) | {"names": np.array(["other"])}
    np.savez_compressed(path, **parts)
    with pytest.raises(ValueError, match=r"python -m ops\.train\.furniture"):
        Forest.load(path)


@pytest.mark.skipif(not REAL_PAGES.is_file(), reason="../shared/data/furniture is not here")
def test_the_article_of_a_real_page_normalizes_to_itself() -> None:
    work = load(Settings())
    for line in REAL_PAGES.read_bytes().splitlines()[::4]:
        body = orjson.loads(line)["text"]
        article = work(RawArticle(body=body))
        assert work(RawArticle(body=article.text)).text == article.text
        for run in article.raw_runs:
            quoted = body[run.raw_start : run.raw_start + run.end - run.start]
            assert article.text[run.start : run.end] == quoted
        for piece in article.removed:
            if piece.start is not None:
                assert body[piece.start :].startswith(piece.text)
