"""The neural step keeps names, shown with stand-ins for the model."""

from agents.translation.keeping import Draft, keep_names, spellable


def draft(text: str, *names: str) -> Draft:
    return Draft(text, dict(enumerate(names)))


def test_a_name_that_the_model_keeps_is_shown_to_it() -> None:
    seen = []

    def model(text: str) -> str:
        seen.append(text)
        return text

    made = keep_names(model, draft("\ue0000\ue001 fala.", "Zentrik"), "Zentrik parla.", [])
    assert (made, seen) == (("Zentrik fala.", (), ()), ["Zentrik fala."])


def test_a_name_that_gets_lost_is_tried_again_as_a_placeholder() -> None:
    def model(text: str) -> str:
        return text.replace("Meta", "Goal")

    english, _, actions = keep_names(model, draft("\ue0000\ue001 fala.", "Meta"), "Meta parla.", [])
    assert english == "Meta fala."
    assert actions == ("retried with placeholders: name lost: Meta",)


def test_letters_unknown_to_the_model_are_hidden_from_it_and_come_back() -> None:
    assert spellable("Dvořák") == "Dvorák"
    english, _, _ = keep_names(
        lambda text: text, draft("\ue0000\ue001 toca.", "Dvořák"), "Dvořák suona.", []
    )
    assert english == "Dvořák toca."


def test_a_name_that_no_attempt_saves_is_reported() -> None:
    _, alarms, _ = keep_names(
        lambda _: "Nothing.", draft("\ue0000\ue001 fala.", "Meta"), "Meta parla.", []
    )
    assert "name lost: Meta" in alarms


def test_a_looping_sentence_is_tried_in_two_halves() -> None:
    def model(text: str) -> str:
        return "go and go and go and go and go and go" if len(text) > 30 else text

    english, _, actions = keep_names(
        model,
        draft("Primeiro chega o comboio, depois parte o avião."),
        "Prima arriva il treno, poi parte l'aereo.",
        [],
    )
    assert english == "Primeiro chega o comboio, depois parte o avião."
    assert actions == ("retried in two halves: repetition",)


def test_a_name_that_a_shorter_text_keeps_is_kept_in_two_halves() -> None:
    def model(text: str) -> str:
        return text if len(text) < 20 else "Nothing."

    english, alarms, actions = keep_names(
        model, draft("Isto é assim: \ue0000\ue001 fala.", "Meta"), "Così: Meta parla.", []
    )
    assert (english, alarms) == ("Isto é assim: Meta fala.", ())
    assert actions == ("retried in two halves: name lost: Meta",)
