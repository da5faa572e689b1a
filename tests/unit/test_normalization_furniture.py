"""Page furniture goes, is recorded with its place, and takes no sentence of the article along."""

from collections.abc import Callable
from typing import Any

import pytest

from agents.normalization.agent import load
from schemas import NormalizedArticle, RawArticle, Removed
from streams.settings import Settings

Normalize = Callable[..., NormalizedArticle]

FIRST = (
    "Il comune di Lucca ha aperto ieri una ciclabile lunga nove chilometri che segue le mura "
    "e arriva fino alla stazione."
)
SECOND = (
    "I lavori sono durati due anni e sono costati quattro milioni di euro, metà dei quali pagati "
    "dalla regione."
)


@pytest.fixture(scope="module")
def normalize() -> Normalize:
    work = load(Settings())

    def run(body: str, **fields: Any) -> NormalizedArticle:
        article = work(RawArticle(body=body, **fields))
        for piece in article.removed:
            assert piece.start is not None
            assert body[piece.start : piece.start + len(piece.text)] == piece.text
        return article

    return run


def kinds(article: NormalizedArticle) -> list[tuple[str, str]]:
    return [(piece.kind, piece.text) for piece in article.removed]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("Pubblicità", "advert"),
        ("PUBLICITÉ", "advert"),
        ("Publicidad", "advert"),
        ("Advertisement", "advert"),
        ("L'articolo continua dopo la pubblicità", "advert"),
        ("Leggi anche: Le mura di Lucca compiono cinque secoli", "related"),
        ("Leggi anche Le mura di Lucca compiono cinque secoli", "related"),
        ("Lire la suite : Les remparts de Lucques", "related"),
        ("À lire également", "related"),
        ("Lee también: Las murallas de Lucca", "related"),
        ("Leia também", "related"),
        ("Read more: The walls of Lucca", "related"),
        ("► Read also", "related"),
        ("Condividi su Facebook", "share"),
        ("Partager cet article", "share"),
        ("Iscriviti alla nostra newsletter per non perdere nulla", "subscribe"),
        ("Nous utilisons des cookies pour mesurer l'audience.", "cookies"),
        ("12 commentaires", "comments"),
        ("Torna su", "navigation"),
        ("Foto: Archivio comunale", "credit"),
        ("Una ciclista sulle mura (Foto: Marta Bini)", "credit"),
        ("© Riproduzione riservata", "subscribe"),
        ("* * *", "navigation"),
    ],
)
def test_a_line_of_furniture_between_paragraphs_is_removed(
    normalize: Normalize, line: str, kind: str
) -> None:
    article = normalize(f"{FIRST}\n\n{line}\n\n{SECOND}")
    assert article.text == f"{FIRST}\n\n{SECOND}"
    assert kinds(article) == [(kind, line)]


@pytest.mark.parametrize(
    "sentence",
    [
        "Read more books this year, the minister told pupils on Monday.",
        "Lire aussi longtemps demande une patience que peu de lecteurs gardent.",
        "La pubblicità resta la prima fonte di ricavi della rivista.",
        "Mira Murati lascia la società dopo sei anni.",
        "Di Maio ha risposto che il governo non cambierà idea.",
        "Les commentaires des riverains seront publiés en mars.",
        "This article of the constitution was originally drafted in 1787 by a committee.",
        "Il ministro ha confermato la notizia. (ANSA)",
        "Les données personnelles de trois millions de clients ont été volées.",
        "El ministro no estuvo disponible para comentar la noticia.",
        "The company changed its privacy policy on Tuesday.",
        "El puerto cerró anoche por el temporal, según las autoridades. EFE",
        "Par Toutatis, s'écrie le vieil homme, je ne vendrai pas.",
    ],
)
def test_a_sentence_that_only_resembles_furniture_stays(
    normalize: Normalize, sentence: str
) -> None:
    article = normalize(f"{FIRST}\n\n{sentence}\n\n{SECOND}")
    assert article.text == f"{FIRST}\n\n{sentence}\n\n{SECOND}"
    assert article.removed == []


def test_a_date_and_a_label_glued_to_the_beginning_are_removed(normalize: Normalize) -> None:
    article = normalize(f" date 2024-05 Pubblicità\n\n{FIRST}")
    assert article.text == FIRST
    assert kinds(article) == [("date", "date 2024-05"), ("advert", "Pubblicità")]
    assert article.published_at is not None
    assert article.published_at.value == "2024-05"
    assert article.published_at.precision == "month"
    assert article.published_at.origin == "text"


def test_a_date_run_into_the_first_sentence_is_removed(normalize: Normalize) -> None:
    article = normalize(f" date 2024-03 {FIRST}")
    assert article.text == FIRST
    assert kinds(article) == [("date", "date 2024-03")]


@pytest.mark.parametrize(
    ("ending", "name"),
    [
        ("\n\nDi Fantasia", "Fantasia"),
        ("\nDi Fantasia\n", "Fantasia"),
        (" Di Fantasia", "Fantasia"),
        ("\n\nPar Jeanne Dupont-Moreau", "Jeanne Dupont-Moreau"),
        ("\n\nPor J. M. de la Fuente", "J. M. de la Fuente"),
        ("\n\nBy Ann Lee and Bo Ray", "Ann Lee and Bo Ray"),
    ],
)
def test_a_byline_as_the_last_words_becomes_the_byline(
    normalize: Normalize, ending: str, name: str
) -> None:
    article = normalize(f"{FIRST}\n\n{SECOND}{ending}")
    assert article.byline == name
    assert article.text == f"{FIRST}\n\n{SECOND}"
    assert kinds(article) == [("byline", ending.strip())]


def test_the_given_byline_wins_and_the_line_still_goes(normalize: Normalize) -> None:
    article = normalize(f"{FIRST}\n\n{SECOND}\n\nDi Fantasia", byline="Marta Bini")
    assert article.byline == "Marta Bini"
    assert "Fantasia" not in article.text


def test_a_byline_and_a_date_on_one_line_are_both_read(normalize: Normalize) -> None:
    article = normalize(f"Di Marta Bini - 12 marzo 2024\n\n{FIRST}\n\n{SECOND}")
    assert article.byline == "Marta Bini"
    assert article.published_at is not None
    assert article.published_at.value == "2024-03-12"
    assert article.text == f"{FIRST}\n\n{SECOND}"


@pytest.mark.parametrize(
    "note",
    [
        "Une version de cet article est parue à l'origine sur Le Vélo.",
        "This article originally appeared on The Cycle.",
        "Questo articolo è stato pubblicato originariamente su La Bici.",
        "Este artículo se publicó originalmente en La Bici.",
        "Este artigo foi publicado originalmente no A Bicicleta.",
    ],
)
def test_a_note_of_origin_is_kept_as_provenance_only(normalize: Normalize, note: str) -> None:
    article = normalize(f"{FIRST}\n\n{SECOND}\n\n{note}")
    assert article.provenance.note == note
    assert article.text == f"{FIRST}\n\n{SECOND}"
    assert kinds(article) == [("provenance", note)]


@pytest.mark.parametrize(
    "notice",
    [
        "Ce texte a été traduit automatiquement. Des erreurs sont possibles. "
        "Pour la version originale, cliquez ici.",
        "Questo contenuto è stato tradotto automaticamente.",
        "Este contenido ha sido traducido automáticamente. Puede contener errores.",
        "Este texto foi traduzido automaticamente.",
        "This article was machine translated. The original version is in French.",
    ],
)
def test_a_notice_of_machine_translation_becomes_a_flag(normalize: Normalize, notice: str) -> None:
    article = normalize(f"{FIRST}\n{SECOND}\n{notice}")
    assert article.provenance.machine_translated
    assert article.text == f"{FIRST}\n\n{SECOND}"
    assert kinds(article) == [("machine_translation", notice)]


def test_a_notice_glued_to_the_last_paragraph_leaves_its_sentences(normalize: Normalize) -> None:
    notice = "Questo testo è stato tradotto automaticamente."
    article = normalize(f"{FIRST}\n\n{SECOND} {notice}")
    assert article.text == f"{FIRST}\n\n{SECOND}"
    assert article.provenance.machine_translated


def test_an_article_about_machine_translation_keeps_its_middle(normalize: Normalize) -> None:
    middle = "Il testo era stato tradotto automaticamente e nessuno se n'era accorto."
    body = "\n\n".join([FIRST, SECOND] * 4 + [middle] + [FIRST, SECOND] * 4)
    article = normalize(body)
    assert middle in article.text
    assert not article.provenance.machine_translated


def test_furniture_is_quoted_from_the_raw_body_after_repairs(normalize: Normalize) -> None:
    body = f"La cittÃ\xa0 Ã¨ bella e la sera la gente esce.\r\n\r\nPubblicitÃ\xa0\r\n\r\n{FIRST}"
    article = normalize(body)
    assert article.text == f"La città è bella e la sera la gente esce.\n\n{FIRST}"
    assert [(piece.kind, piece.text.strip()) for piece in article.removed] == [
        ("advert", "PubblicitÃ")
    ]


def test_a_first_line_that_reads_as_a_headline_becomes_the_title(normalize: Normalize) -> None:
    title = "Lucca apre la ciclabile delle mura"
    article = normalize(f"{title}\n\n{FIRST}\n\n{SECOND}")
    assert article.title == title
    assert article.text == f"{FIRST}\n\n{SECOND}"
    assert article.removed == []


def test_a_first_sentence_is_no_title(normalize: Normalize) -> None:
    article = normalize(f"Era ora.\n\n{FIRST}\n\n{SECOND}")
    assert article.title is None
    assert article.text.startswith("Era ora.")


def test_the_given_title_is_not_repeated_in_the_text(normalize: Normalize) -> None:
    article = normalize(
        f"LUCCA APRE LA CICLABILE\n\n{FIRST}\n\n{SECOND}", title="Lucca apre la ciclabile"
    )
    assert article.title == "Lucca apre la ciclabile"
    assert article.text == f"{FIRST}\n\n{SECOND}"


def test_removed_pieces_are_in_the_order_of_the_raw_body(normalize: Normalize) -> None:
    article = normalize(f"12 marzo 2024\nPubblicità\n{FIRST}\nLeggi anche: Altro\n{SECOND}\nDi Ada")
    starts = [piece.start for piece in article.removed if piece.start is not None]
    assert len(starts) == 4
    assert starts == sorted(starts)


def test_every_removed_piece_names_its_rule(normalize: Normalize) -> None:
    article = normalize(f"Pubblicità\n{FIRST}\nLeggi anche: Altro\n{SECOND}")
    assert [piece.rule for piece in article.removed] == ["advert:alone", "related:lead"]
    assert all(isinstance(piece, Removed) for piece in article.removed)
