"""The memory gives back what it has seen, no more than it may hold, and knows its use."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from agents.translation.engines import Capabilities, Rendering
from agents.translation.memory import LONGEST, RECENT, Counts, Memory
from agents.translation.shelf import Shelf

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


def test_what_one_process_translated_another_need_not(tmp_path: Path) -> None:
    rendering = Rendering(
        "ONE", 0.5, ("uno",), ("repetition",), ("retried",), replace(ENGINE, route="it>es>en")
    )
    first = Memory(10, Counts(), Shelf(tmp_path, 1 << 20))
    assert first.through(ENGINE, ["uno"], lambda texts: [rendering]) == [rendering]
    second = Memory(10, Counts(), Shelf(tmp_path, 1 << 20))
    assert second.through(ENGINE, ["uno"], lambda texts: []) == [rendering]
    newer = replace(ENGINE, models=("ita-cat:2",))
    assert second.through(newer, ["uno"], shouted) == shouted(["uno"])


def test_with_a_shelf_a_process_holds_recent_sentences_only_and_finds_the_rest(
    tmp_path: Path,
) -> None:
    counts, shelf = Counts(), Shelf(tmp_path, 1 << 26)
    memory = Memory(counts=counts, shelf=shelf)
    many = [f"sentence {number}" for number in range(RECENT + 50)]
    memory.through(ENGINE, many, shouted)
    assert counts.held == RECENT

    def never(_: list[str]) -> list[Rendering]:
        raise AssertionError("it is on the shelf")

    assert memory.through(ENGINE, many[:50], never) == shouted(many[:50])
    shelf.close()


@settings(max_examples=25, deadline=None)
@given(text=st.text(), english=st.text(), sure=st.floats(0, 1))
def test_the_shelf_gives_back_exactly_what_was_put_there(
    text: str, english: str, sure: float
) -> None:
    with TemporaryDirectory() as folder:
        shelf = Shelf(Path(folder), 1 << 20)
        shelf.keep(ENGINE, {text: Rendering(english, sure)})
        assert shelf.find(ENGINE, [text]) == {text: Rendering(english, sure)}
        shelf.close()


def test_a_damaged_shelf_is_a_miss_and_no_failure(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, 1 << 20)
    shelf.keep(ENGINE, {"uno": Rendering("ONE")})
    shelf.close()
    (tmp_path / "cache.db").write_bytes(b"no database" * 1000)
    for journal in ("cache.db-wal", "cache.db-shm"):
        (tmp_path / journal).unlink(missing_ok=True)
    memory = Memory(10, Counts(), shelf)
    assert memory.through(ENGINE, ["uno"], shouted) == shouted(["uno"])
