"""Words that one way does not know, by another."""

from agents.translation.elsewhere import Elsewhere
from agents.translation.hops import Hop, Meaning


class Toy(Hop):
    """A hop that knows some words, marks all others, and counts what it is asked."""

    def __init__(self, words: dict[str, str]) -> None:
        self.words = words
        self.asked: list[str] = []

    def lines(
        self, streams: list[str], meant: list[list[Meaning]] | None = None
    ) -> tuple[list[str], list[list[Meaning]]]:
        self.asked += streams
        return [self.words.get(word, "*" + word) for word in streams], [[] for _ in streams]


def test_a_word_is_taken_through_both_hops() -> None:
    elsewhere = Elsewhere(Toy({"bombilla": "bombeta"}), Toy({"bombeta": "Lâmpada"}), {})
    assert elsewhere.portuguese(["bombilla"]) == {"bombilla": "lâmpada"}


def test_a_word_that_a_hop_does_not_know_is_left_out() -> None:
    elsewhere = Elsewhere(Toy({"pan": "pa", "sopa": "sopa"}), Toy({"pa": "pão"}), {})
    assert elsewhere.portuguese(["pan", "sopa", "gofio"]) == {"pan": "pão"}


def test_our_own_word_in_the_middle_overrules_the_second_hop() -> None:
    elsewhere = Elsewhere(Toy({"pan": "pa"}), Toy({"pa": "pai"}), {"pa": "pão"})
    assert elsewhere.portuguese(["pan"]) == {"pan": "pão"}


def test_a_word_is_asked_for_once_whether_or_not_it_is_known() -> None:
    toy = Toy({"pan": "pa"})
    elsewhere = Elsewhere(toy, Toy({"pa": "pão"}), {})
    for _ in range(2):
        assert elsewhere.portuguese(["pan", "gofio", "pan"]) == {"pan": "pão"}
    assert toy.asked == ["pan", "gofio"]
