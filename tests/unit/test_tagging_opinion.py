"""The English second opinion, and what it does for weak models."""

from agents.tagging.names import table
from agents.tagging.opinion import by_head, corrected, heads, weighed
from agents.tagging.recognition import Found
from agents.tagging.spans import Span, calmed


def test_agreement_raises_a_score_and_silence_and_contradiction_lower_it() -> None:
    mentions = [Found(start, start + 1, "PER", 0.8) for start in (0, 2, 4, 6)]
    targets = {(0, 1): (0, 1), (2, 3): (2, 3), (4, 5): (4, 5)}
    english = [Span(0, 1, "PER"), Span(2, 3, "LOC")]
    scores = [one.score for one in weighed(mentions, targets, english)]
    assert scores[0] > 0.8 > scores[2] > scores[1]
    assert scores[3] == 0.8


def test_a_museum_may_be_a_place_to_one_model_and_an_organisation_to_the_other() -> None:
    mention = Found(0, 6, "LOC", 0.8)
    said = [Span(0, 6, "ORG")]
    assert next(iter(weighed([mention], {(0, 6): (0, 6)}, said))).score > 0.8


def test_a_weak_model_gets_missing_names_and_better_types_from_the_english() -> None:
    source = "La European Sleeper llega a Zumaia."
    sleeper, zumaia = Span(3, 19, "PER"), Span(28, 34, "LOC")
    english = [Span(3, 19, "ORG"), zumaia]
    assert corrected(source, [sleeper], english, table(None), "es") == english


def test_a_thing_that_the_table_knows_keeps_no_type_that_a_weak_model_gave_it() -> None:
    assert corrected("Renfe para.", [Span(0, 5, "LOC")], [], table(None), "es") == [
        Span(0, 5, "ORG")
    ]


def test_a_telling_first_word_gives_the_type() -> None:
    assert by_head("El Gobierno vasco", "PER", "es") == "ORG"
    assert by_head("Gobierno", "PER", "es") == "PER"
    assert by_head("Universidade de Évora", "LOC", "pt") == "ORG"
    assert by_head("Lille", "LOC", "fr") == "LOC"
    assert set(heads()) == {"es", "pt"}


def test_a_line_in_capitals_is_read_as_it_would_stand_in_a_text() -> None:
    words = {"sube", "ministra"}.__contains__
    assert calmed("LA MINISTRA SUBE A ZUMAIA Y PARÍS", words) == "La ministra sube a Zumaia y París"
    assert calmed("La ministra sube a Zumaia", words) == "La ministra sube a Zumaia"


def test_a_line_in_small_letters_gets_the_capitals_of_its_names() -> None:
    words = {"ministra", "sube", "este", "martes", "desde", "temprano", "llueve"}.__contains__
    line = "la ministra sube este martes a zumaia y a parís, donde llueve desde temprano y sube"
    assert calmed(line, lambda word: words(word) or word == "donde") == (
        "La ministra sube este martes a Zumaia y a París, donde llueve desde temprano y sube"
    )
    assert calmed("sube la iphone", words) == "sube la iphone"
