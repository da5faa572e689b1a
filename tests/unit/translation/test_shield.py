"""Hidden pieces and the words around them."""

from agents.translation.shield import Kind, Piece, Shield


def test_the_word_before_a_hidden_expression_may_agree_with_it_but_not_with_a_name() -> None:
    shield = Shield()
    hidden = shield.hide(
        "il lancio il Rossi", [Piece(3, 9, "saída", Kind.WORD), Piece(13, 18, "Rossi", Kind.NAME)]
    )
    agreed = shield.agreed(hidden, lambda word, expression: f"<{word} {expression}>")
    shown = shield.show(agreed, lambda _, piece: piece.text)
    assert shown == "<il saída> saída il Rossi"


def test_a_token_is_found_where_the_rules_let_it_grow_together_with_its_neighbours() -> None:
    shield = Shield()
    shield.hide("dice", [Piece(0, 4, "diz", Kind.WORD)])
    assert shield.show("Xqbbxell e 1Xqbbx.", lambda _, piece: piece.text) == "diz e 1diz."


def test_the_capital_of_an_opening_word_is_hidden_too_and_that_of_a_name_is_not() -> None:
    shield = Shield()
    line = '"A Parigi Rossi'
    hidden = shield.hide(line, [Piece(1, 2, "Em", Kind.WORD), Piece(10, 15, "Rossi", Kind.NAME)])
    assert hidden == '"xqbbx Parigi Xqbcx'


def test_the_article_before_a_word_that_changes_for_a_hidden_expression_changes_too() -> None:
    shield = Shield()
    hidden = shield.hide("os seus strumenti", [Piece(8, 17, "ferramentas", Kind.WORD)])
    feminine = {"os": "as", "seus": "suas", "muito": "muita"}
    agreed = shield.agreed(hidden, lambda word, _: feminine.get(word, word))
    assert shield.show(agreed, lambda _, piece: piece.text) == "as suas ferramentas"
    adverb = shield.agreed(hidden.replace("os seus", "muito seus"), lambda word, _: feminine[word])
    assert shield.show(adverb, lambda _, piece: piece.text) == "muito suas ferramentas"
