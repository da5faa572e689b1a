"""The lists of names in which training looks words up."""

from ops.train.augment import ORG, PLACE, PLACE_WORD, SURNAME, Names


def test_a_word_has_a_bit_for_each_list_it_is_in_small_towns_and_the_name_table_included() -> None:
    bits = Names(["Ada"], ["Quarneri"], ["Zzyzx", "Val Zzyzx"], ["Zzyzx & Co"]).lists().bits
    assert bits["Quarneri"] & SURNAME
    assert bits["Zzyzx"] & (PLACE | PLACE_WORD) == PLACE | PLACE_WORD
    assert "&" not in bits
    assert bits["Rovato"] & PLACE
    assert bits["Londra"] & PLACE
    assert bits["OpenAI"] & ORG
