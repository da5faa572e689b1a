"""What the guards find fault with is tried elsewhere, and the better is kept with both reasons."""

from collections.abc import Callable

from agents.translation.engines import Capabilities, Engine, Rendering
from agents.translation.second import SecondOpinion


class Toy:
    def __init__(self, route: str, answer: Callable[[str], Rendering]) -> None:
        self.capabilities = Capabilities("toy", route, "pivot")
        self._answer = answer
        self.asked: list[str] = []

    def translate(self, sentences: list[str]) -> list[Rendering]:
        self.asked += sentences
        return [self._answer(sentence) for sentence in sentences]


def faulty(sentence: str) -> Rendering:
    bad = "3" in sentence
    return Rendering(f"first {sentence}", alarms=("number lost: 3",) if bad else ())


def test_only_sentences_with_alarms_are_tried_again_and_the_better_is_kept() -> None:
    other = Toy("it>es>en", lambda sentence: Rendering(f"second {sentence}"))
    engine = SecondOpinion(Toy("it>ca>en", faulty), [lambda: other])
    fine, mended = engine.translate(["uno", "3"])
    assert other.asked == ["3"]
    assert (fine.text, fine.by, fine.actions) == ("first uno", None, ())
    assert mended.text == "second 3"
    assert mended.by == other.capabilities
    assert mended.actions == ("tried by it>ca>en too, not kept: number lost: 3",)
    assert mended.alarms == ()


def test_the_first_of_equals_is_kept_and_says_what_was_tried() -> None:
    other = Toy("it>es>en", lambda _: Rendering("worse", alarms=("repetition",)))
    engine = SecondOpinion(Toy("it>ca>en", faulty), [lambda: other])
    (kept,) = engine.translate(["3"])
    assert kept.text == "first 3"
    assert kept.alarms == ("number lost: 3",)
    assert kept.actions == ("tried by it>es>en too, not kept: repetition",)


def test_an_engine_that_gave_nothing_is_replaced_by_one_that_gives_something() -> None:
    other = Toy("it>es>en", lambda sentence: Rendering(sentence, alarms=("repetition",)))
    engine = SecondOpinion(Toy("it>ca>en", lambda _: Rendering("")), [lambda: other])
    (kept,) = engine.translate(["ciao"])
    assert kept.text == "ciao"
    assert "no text" in kept.actions[0]


def test_other_engines_are_made_only_when_needed_and_one_that_cannot_be_made_is_left_out() -> None:
    made = []

    def broken() -> Engine | None:
        made.append("broken")
        return None

    engine = SecondOpinion(Toy("it>ca>en", faulty), [broken])
    assert engine.translate(["uno", ""])[0].text == "first uno"
    assert made == []
    (kept,) = engine.translate(["3"])
    assert (kept.text, kept.actions, made) == ("first 3", (), ["broken"])
