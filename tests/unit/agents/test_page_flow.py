"""What the page says of the flow, from plain values."""

from agents.page.flow import (
    MOST_LATENCIES,
    MOST_LETTERS,
    Failures,
    Latencies,
    Letter,
    LetterBook,
    Passing,
    StageState,
    bottleneck,
    judge,
)


def stage(
    name: str, workers: int = 1, lag: int = 0, age: float = 0.0, overdue: int = 0
) -> StageState:
    return StageState(name, "1.0.0", workers, 0, lag, age, overdue)


def letter(at: float, reason: str = "not_json", place: str = "0@0") -> Letter:
    return Letter(place, at, "", "tagging", reason, "", 1, "raw/0@0", None, 0, 0, False)


WELL = [stage("one"), stage("two")]


def test_quiet_is_told_from_flowing() -> None:
    assert judge(WELL, True, 0, None)[0] == "idle"
    state, words = judge(WELL, True, 12, 4.2)
    assert state == "flowing"
    assert words == "News is flowing: 12 articles a minute, 95 of 100 within 4.2 s of their push."


def test_what_is_worst_is_said_first() -> None:
    late = [stage("one"), stage("two", lag=9, age=200, overdue=4)]
    assert judge(late, True, 3, 90.0) == ("late", "4 articles overdue; two holds them up.")
    down = [stage("one", workers=0, lag=1), *late[1:]]
    assert judge(down, True, 3, 90.0) == ("down", "No worker for one: 10 articles waiting.")
    assert judge(down, False, 3, 90.0)[0] == "broker"
    nobody = [stage("one", workers=0), stage("two", workers=0)]
    assert judge(nobody, True, 0, None)[1].startswith("No worker for one and two: nothing is lost")


def test_the_bottleneck_is_where_the_oldest_record_waits_long_enough_to_matter() -> None:
    assert bottleneck(WELL) is None
    assert bottleneck([stage("one", lag=99, age=2), stage("two", lag=1, age=3)]) is None
    assert bottleneck([stage("one", lag=99, age=6), stage("two", lag=1, age=30)]) == "two"


def test_a_rate_counts_the_last_minute_in_bounded_memory() -> None:
    passing = Passing()
    for number in range(100_000):
        passing.note(number / 100)
    assert passing.per_minute(1000.0) == 6_000
    assert passing.per_minute(2000.0) == 0
    assert len(passing._seconds) <= 62


def test_latencies_forget_what_is_old() -> None:
    latencies = Latencies()
    assert latencies.within(0.95, 0.0) is None
    for number in range(MOST_LATENCIES * 2):
        latencies.note(100.0, number % 100)
    assert latencies.within(0.5, 100.0) == 50
    assert latencies.within(0.95, 100.0) == 95
    assert latencies.within(0.5, 1000.0) is None


def test_dead_letters_are_counted_by_kind_for_an_hour_and_the_newest_kept() -> None:
    book = LetterBook()
    for number in range(300):
        book.note(letter(number, place=f"0@{number}"))
    book.note(letter(3_000.0, "crashed", "1@1"))
    assert book.last_hour(3_000.0) == (
        Failures("tagging", "not_json", 300),
        Failures("tagging", "crashed", 1),
    )
    assert book.last_hour(4_500.0) == (Failures("tagging", "crashed", 1),)
    assert len(book.letters) == MOST_LETTERS
    assert book.find("0@0") is None
    assert book.find("1@1") is not None


def test_marks_of_replayed_letters_go_with_their_letters() -> None:
    book = LetterBook()
    book.note(letter(0, place="0@0"))
    book.replayed.add("0@0")
    for number in range(1, MOST_LETTERS + 1):
        book.note(letter(number, place=f"0@{number}"))
    assert book.replayed == set()
