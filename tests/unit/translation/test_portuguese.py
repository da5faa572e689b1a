"""Regular Portuguese forms."""

import pytest

from agents.translation.portuguese import agree, inflect


@pytest.mark.parametrize(
    ("lemma", "tags", "form"),
    [
        ("rejeitar", "vblex ifi p3 sg", "rejeitou"),
        ("rejeitar", "vblex fti p3 pl", "rejeitarão"),
        ("rejeitar", "vblex pp f pl", "rejeitadas"),
        ("alcançar", "vblex prs p3 pl", "alcancem"),
        ("investigar", "vblex ifi p1 sg", "investiguei"),
        ("agir", "vblex prs p3 sg", "aja"),
        ("agir", "vblex pri p3 pl", "agem"),
        ("omitir", "vblex ger", "omitindo"),
        ("omitir", "vblex inf", "omitir"),
        ("cadeia", "n f pl", "cadeias"),
        ("certo", "adj f pl", "certas"),
        ("laboral", "adj mf pl", "laborais"),
        ("canção", "n f pl", "canções"),
        ("além disso", "adv", "além disso"),
    ],
)
def test_a_form_is_made_from_the_lemma_and_its_tags(lemma: str, tags: str, form: str) -> None:
    assert inflect(lemma, tags.split()) == form


@pytest.mark.parametrize(
    ("word", "expression", "agreeing"),
    [
        ("do", "chegada", "da"),
        ("Os", "empresas", "As"),
        ("as", "prazos", "os"),
        ("um", "investigação", "uma"),
        ("o", "problema", "o"),
        ("o", "artista", "o"),
        ("a", "bordo", "a"),
        ("para", "chegada", "para"),
        ("os", "redes sociais", "as"),
        ("vários", "festas", "várias"),
        ("as", "autores", "os"),
    ],
)
def test_an_article_agrees_with_a_noun_of_plain_gender(
    word: str, expression: str, agreeing: str
) -> None:
    assert agree(word, expression) == agreeing
