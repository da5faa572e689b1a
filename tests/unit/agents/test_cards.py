"""The card of an event: what a person sees first."""

from pathlib import Path

from rich.console import Console

from agents.cards import card, duration
from schemas import EnrichedEvent, Entity, Mention, Quote, decode

EXAMPLE = Path(__file__).parents[1] / "schemas" / "examples" / "1.0" / "enriched.json"


def event() -> EnrichedEvent:
    return decode(EnrichedEvent, EXAMPLE.read_bytes())


def shown(what: EnrichedEvent, colour: bool = False) -> str:
    console = Console(width=130, force_terminal=colour, color_system="256" if colour else None)
    with console.capture() as capture:
        console.print(card(what))
    return capture.get()


def test_a_card_says_headline_language_engine_route_date_source_and_entities() -> None:
    text = shown(event())
    for words in (
        "OpenAI in Turin",
        "it · translated by apertium+bergamot (it>ca>pt>en) · 2026-03-02 · Agenzia Esempio",
        "by Teresa Bonfanti",
        "Sam Altman was not there",
        "people         Sam Altman",
        "organisations  OpenAI",
        "places         Turin",
        "coverage 100%",
        "2 pieces removed",
    ):
        assert words in text


def test_entities_are_coloured_in_the_english() -> None:
    assert "\x1b[96mOpenAI" in shown(event(), colour=True)


def test_an_article_without_title_is_headed_by_its_first_sentence() -> None:
    first = event()
    untitled = first.model_copy(
        update={"translation": first.translation.model_copy(update={"title": None})}
    )
    lines = shown(untitled).splitlines()
    assert "OpenAI presented in Turin" in lines[1]
    assert sum("presented in Turin" in line for line in lines) == 1


def test_an_untranslated_article_says_so() -> None:
    first = event()
    sentences = [
        each.model_copy(update={"engine": "none", "route": "fi"})
        for each in first.translation.sentences
    ]
    translation = first.translation.model_copy(update={"sentences": sentences, "quality": None})
    finnish = first.model_copy(
        update={
            "translation": translation,
            "language": first.language.model_copy(update={"code": "fi"}),
        }
    )
    assert "not translated: no engine for this language" in shown(finnish)


def test_markup_in_an_article_is_text_and_not_style() -> None:
    hostile = event().model_copy(
        update={
            "title": "[red]x[/red]",
            "entities": [
                Entity(
                    id="org:x",
                    name="[bold]Ente[/bold]",
                    type="ORG",
                    wikidata=None,
                    salience=1.0,
                    mentions=[
                        Mention(source=Quote(start=0, end=1, text="O"), target=None, score=0.5)
                    ],
                )
            ],
        }
    )
    assert "[bold]Ente[/bold]" in shown(hostile)


def test_durations_are_said_as_people_say_them() -> None:
    assert [duration(seconds) for seconds in (0.4, 42, 150, 9000)] == [
        "0 s",
        "42 s",
        "2 min",
        "2.5 h",
    ]
