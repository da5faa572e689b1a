"""The memory gives back what it has seen, no more than it may hold, and knows its use."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from agents.translation.engines import Capabilities, Rendering
from agents.translation.memory import LONGEST, Counts, Memory

ENGINE = Capabilities("toy", "it>en", "pivot", ("ita-cat:1",))


def shouted(sentences: list[str]) -> list[Rendering]:
    return [Rendering(sentence.upper()) for sentence in sentences]


@given(st.lists(st.text(max_size=3)), st.integers(min_value=1, max_value=4))
def test_what_comes_out_is_what_the_engine_would_have_said(said: list[str], size: int) -> None:
    memory = Memory(size, Counts())
    for _ in range(2):
        assert memory.through(ENGINE, said, shouted) == shouted(said)


def test_a_sentence_is_asked_for_once() -> None:
    counts = Counts()
    memory = Memory(10, counts)
    asked: list[str] = []

    def engine(sentences: list[str]) -> list[Rendering]:
        asked.extend(sentences)
        return shouted(sentences)

    memory.through(ENGINE, ["a", "b", "a"], engine)
    memory.through(ENGINE, ["b"], engine)
    assert asked == ["a", "b"]
    assert (counts.asked, counts.remembered, counts.held) == (4, 2, 2)


def test_another_version_of_a_model_is_another_engine() -> None:
    memory = Memory(10, Counts())
    memory.through(ENGINE, ["a"], shouted)
    newer = replace(ENGINE, models=("ita-cat:2",))
    (rendering,) = memory.through(newer, ["a"], lambda texts: [Rendering("new") for _ in texts])
    assert rendering.text == "new"


def test_the_memory_forgets_what_was_longest_unused_and_never_holds_long_texts() -> None:
    counts = Counts()
    memory = Memory(2, counts)
    memory.through(ENGINE, ["a"], shouted)
    memory.through(ENGINE, ["b"], shouted)
    memory.through(ENGINE, ["a"], shouted)
    memory.through(ENGINE, ["c", "x" * (LONGEST + 1)], shouted)
    before = counts.remembered
    memory.through(ENGINE, ["a", "c"], shouted)
    assert counts.remembered == before + 2
    memory.through(ENGINE, ["b"], shouted)
    assert counts.remembered == before + 2
    assert counts.held == 2
