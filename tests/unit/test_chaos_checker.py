"""The judge of the chaos harness catches what it is there to catch."""

from hypothesis import given
from hypothesis import strategies as st

from ops.chaos import checker
from ops.chaos.checker import BEFORE_ANY_FAULT, Accepted, Outcome, Stall, Verdict
from ops.chaos.records import OUTPUT


def source(count: int, key: str = "k", partition: int = 0, at: float = 0.0) -> list[Accepted]:
    # Transaction markers leave gaps between offsets.
    return [
        Accepted(f"{key}:{n}", key, "raw", partition, 3 * n, at + n) for n in range(1, count + 1)
    ]


def came_out(accepted: list[Accepted], topic: str = "normalized") -> list[Outcome]:
    return [
        Outcome(record.id, record.expect, topic, 0, position, record.at + 0.1)
        for position, record in enumerate(accepted)
    ]


def test_nothing_is_wrong_when_every_record_came_out_once_in_order() -> None:
    accepted = source(5) + source(5, key="j", partition=1)
    verdict = checker.judge(accepted, came_out(accepted), {"k:99"})
    assert verdict == Verdict()
    assert verdict.kept


def test_a_record_that_never_came_out_is_lost() -> None:
    accepted = source(3)
    verdict = checker.judge(accepted, came_out(accepted)[:1] + came_out(accepted)[2:], ())
    assert verdict.lost == ("k:2",)
    assert not verdict.kept


def test_what_the_group_has_not_got_to_yet_is_waiting_and_not_lost() -> None:
    accepted = source(3)
    verdict = checker.judge(accepted, came_out(accepted)[:1], (), {("raw", 0): 7})
    assert verdict.lost == ("k:2",)
    assert verdict.waiting == ("k:3",)
    assert not verdict.kept


def test_without_any_committed_offset_everything_is_waiting() -> None:
    verdict = checker.judge(source(2), [], (), {})
    assert (verdict.lost, verdict.waiting) == ((), ("k:1", "k:2"))


def test_each_outcome_beyond_the_first_counts_as_a_double() -> None:
    accepted = source(2)
    out = came_out(accepted)
    again = [Outcome("k:1", OUTPUT, "normalized", 0, 10 + n, 9.0) for n in range(2)]
    assert checker.judge(accepted, out + again, ()).doubled == ("k:1", "k:1")


def test_an_output_and_a_dead_letter_of_one_record_are_a_double_too() -> None:
    accepted = source(1)
    letter = Outcome("k:1", "crashed", "dead-letters", 0, 0, 1.0)
    verdict = checker.judge(accepted, [*came_out(accepted), letter], ())
    assert verdict.doubled == ("k:1",)
    assert verdict.misjudged == ("k:1",)


def test_a_record_that_came_out_after_a_later_one_of_its_key_is_reordered() -> None:
    accepted = source(3)
    out = came_out([accepted[1], accepted[0], accepted[2]])
    assert checker.judge(accepted, out, ()).reordered == ("k:1",)


def test_keys_have_no_order_among_each_other() -> None:
    accepted = source(2) + source(2, key="j")
    out = came_out([accepted[2], accepted[0], accepted[3], accepted[1]])
    assert checker.judge(accepted, out, ()) == Verdict()


def test_order_is_promised_only_within_the_partition_that_a_key_had() -> None:
    before, after = source(2), source(2, partition=6)
    moved = [Accepted(f"k:{n + 3}", "k", "raw", 6, n, 5.0) for n in range(len(after))]
    out = came_out([before[0], *moved, before[1]])
    assert checker.judge(before + moved, out, ()) == Verdict()
    swapped = came_out([*before, moved[1], moved[0]])
    assert checker.judge(before + moved, swapped, ()).reordered == (moved[0].id,)


def test_a_repeat_is_a_double_and_not_also_out_of_order() -> None:
    accepted = source(2)
    out = [*came_out(accepted), Outcome("k:1", OUTPUT, "normalized", 0, 7, 3.0)]
    verdict = checker.judge(accepted, out, ())
    assert (verdict.doubled, verdict.reordered) == (("k:1",), ())


def test_a_record_of_an_aborted_transaction_may_never_come_out() -> None:
    accepted = source(1)
    aborted = Outcome("k:9", OUTPUT, "normalized", 0, 5, 1.0)
    verdict = checker.judge(accepted, [*came_out(accepted), aborted], {"k:9"})
    assert (verdict.leaked, verdict.strangers) == (("k:9",), ())


def test_an_outcome_that_no_record_explains_is_a_stranger() -> None:
    nobody = Outcome("normalized/0@5", OUTPUT, "normalized", 0, 5, 1.0)
    assert checker.judge([], [nobody], ()).strangers == ("normalized/0@5",)


def test_a_poison_record_must_become_its_own_kind_of_dead_letter() -> None:
    poison = Accepted("k:1", "k", "raw", 0, 1, 0.0, "crashed")
    wrong = Outcome("k:1", "timed_out", "dead-letters", 0, 0, 1.0)
    assert checker.judge([poison], [wrong], ()).misjudged == ("k:1",)
    right = Outcome("k:1", "crashed", "dead-letters", 0, 0, 1.0)
    assert checker.judge([poison], [right], ()).kept


@given(
    st.integers(2, 30),
    st.sampled_from(["lose", "double", "swap"]),
    st.integers(0, 10**6),
    st.integers(1, 4),
)
def test_any_single_damage_to_a_good_run_is_found(
    count: int, damage: str, where: int, keys: int
) -> None:
    accepted = [record for each in range(keys) for record in source(count, f"k{each}", each)]
    out = came_out(accepted)
    place = where % (len(out) - 1)
    if damage == "lose":
        del out[place]
    elif damage == "double":
        out.append(Outcome(out[place].id, OUTPUT, "normalized", 0, len(out), 99.0))
    else:
        first = place - place % count + place % (count - 1)
        one, other = out[first], out[first + 1]
        out[first] = Outcome(other.id, OUTPUT, "normalized", 0, one.offset, one.at)
        out[first + 1] = Outcome(one.id, OUTPUT, "normalized", 0, other.offset, other.at)
    verdict = checker.judge(accepted, out, ())
    found = {"lose": verdict.lost, "double": verdict.doubled, "swap": verdict.reordered}
    assert {name: len(ids) for name, ids in found.items()} == {
        name: int(name == damage) for name in found
    }


def outcome(name: str, at: float) -> Outcome:
    return Outcome(name, OUTPUT, "normalized", 0, 0, at)


def test_a_stall_lasts_from_the_last_outcome_to_the_next_while_there_is_work() -> None:
    accepted = [Accepted(f"k:{n}", "k", "raw", 0, n, 0.0) for n in range(3)]
    out = [outcome("k:0", 1.0), outcome("k:1", 4.5), outcome("k:2", 4.6)]
    found = checker.stalls(accepted, out, one_lane=False, at_least=2.0)
    assert found == [Stall("raw/0", 1.0, 4.5)]


def test_a_time_without_work_is_no_stall() -> None:
    accepted = [Accepted("k:0", "k", "raw", 0, 0, 0.0), Accepted("k:1", "k", "raw", 0, 1, 60.0)]
    out = [outcome("k:0", 0.5), outcome("k:1", 60.5)]
    assert checker.stalls(accepted, out, one_lane=False, at_least=1.0) == []


def test_one_partition_may_stall_while_another_goes_on() -> None:
    accepted = [Accepted(f"k:{n}", "k", "raw", n % 2, n, 0.0) for n in range(4)]
    out = [outcome("k:0", 1.0), outcome("k:2", 2.0), outcome("k:1", 3.0), outcome("k:3", 3.5)]
    stalled = checker.stalls(accepted, out, one_lane=False, at_least=2.5)
    assert [stall.lane for stall in stalled] == ["raw/1"]
    assert checker.stalls(accepted, out, one_lane=True, at_least=1.5) == []


def test_a_stall_is_blamed_on_the_fault_within_it_else_on_the_last_before_it() -> None:
    during, after, early = Stall("a", 9.9, 14.0), Stall("a", 18.0, 19.0), Stall("a", 1.0, 2.0)
    blamed = checker.blame([during, after, early], [10.0, 15.0])
    assert blamed == {0: [during], 1: [after], BEFORE_ANY_FAULT: [early]}


def test_a_stall_that_begins_soon_after_a_fault_is_not_blamed_on_the_next_one() -> None:
    poisoned = Stall("a", 10.8, 16.0)
    assert checker.blame([poisoned], [10.0, 15.0]) == {0: [poisoned]}


def test_the_timeline_counts_what_came_and_what_is_still_to_come() -> None:
    accepted = [Accepted(f"k:{n}", "k", "raw", 0, n, 100.5) for n in range(4)]
    out = [outcome("k:0", 101.5), outcome("k:0", 101.9), outcome("k:1", 102.5)]
    points = checker.series(accepted, out, 100.0, 103.0, 1.0)
    assert points[:3] == [(1.0, 0.0, 4), (2.0, 1.0, 3), (3.0, 1.0, 2)]


def test_growth_compares_two_windows_and_says_nothing_when_they_overlap() -> None:
    samples = [(float(at), 100.0 + (at > 50) * 30) for at in range(100)]
    assert checker.growth(samples, since=10.0, window=10.0) == (100.0, 130.0)
    assert checker.growth(samples, since=85.0, window=10.0) is None
    assert checker.growth([], since=0.0, window=10.0) is None
