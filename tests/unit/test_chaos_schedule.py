"""The chaos harness's schedule and load: pure, and the same for the same seed."""

import orjson
import pytest

from ops.chaos import schedule
from ops.chaos.records import OUTPUT, REASON_OF, Poison, Source, id_of
from ops.chaos.step import normalized
from schemas import MessageError, RawArticle, decode
from streams.topics import NORMALIZED, RAW, TRANSLATED

QUIET = (2.0, 4.0)


def order(seed: int, names: str = "all") -> list[str]:
    faults = schedule.schedule(schedule.parse(names), seed, quiet=QUIET)
    return [fault.kind.name for fault in faults]


def test_the_same_seed_gives_the_same_schedule_and_another_one_another() -> None:
    names = schedule.parse("all")
    first = schedule.schedule(names, 1, quiet=QUIET)
    assert first == schedule.schedule(names, 1, quiet=QUIET)
    assert order(1) != order(2)


def test_every_kind_comes_as_often_as_it_says() -> None:
    for kind in schedule.KINDS:
        assert order(7).count(kind.name) == kind.times


def test_each_stage_of_a_pipeline_is_hit_by_each_fault_of_workers() -> None:
    faults = schedule.schedule(["kill", "term", "stop", "broker"], 1, quiet=QUIET, stages=3)
    hit = {(fault.kind.name, fault.stage) for fault in faults if fault.kind.hits_worker}
    assert hit == {(name, stage) for name in ("kill", "term", "stop") for stage in range(3)}
    assert sum(fault.kind.name == "broker" for fault in faults) == 2


def test_a_short_run_has_each_kind_once() -> None:
    faults = schedule.schedule(schedule.parse("all"), 7, quiet=QUIET, once=True)
    assert sorted(fault.kind.name for fault in faults) == sorted(schedule.BY_NAME)


@pytest.mark.parametrize("seed", range(20))
def test_a_worker_leaves_only_after_it_has_joined(seed: int) -> None:
    names = order(seed)
    assert names.index("add") < names.index("remove")


def test_there_is_quiet_before_each_fault() -> None:
    faults = schedule.schedule(schedule.parse("all"), 3, quiet=QUIET)
    assert all(QUIET[0] <= fault.pause <= QUIET[1] for fault in faults)
    assert schedule.seconds_of(faults) > len(faults) * QUIET[0]


def test_a_list_of_faults_may_be_short_empty_or_everything() -> None:
    assert schedule.parse("none") == []
    assert schedule.parse("poison, kill") == ["kill", "poison"]
    assert schedule.parse("all") == list(schedule.BY_NAME)


def test_a_worker_that_is_to_leave_is_added_first() -> None:
    assert schedule.parse("remove") == ["add", "remove"]


def test_an_unknown_fault_is_named_together_with_those_there_are() -> None:
    with pytest.raises(schedule.UnknownFault, match=r"'flood'; there are all, none, kill, term"):
        schedule.parse("kill,flood")


def test_the_same_seed_writes_the_same_records() -> None:
    one, other = Source(5, 10, pipeline=False), Source(5, 10, pipeline=False)
    assert [one.batch(20, 0.1) for _ in range(5)] == [other.batch(20, 0.1) for _ in range(5)]


def test_numbers_count_up_within_a_key_and_no_identity_comes_twice() -> None:
    source = Source(1, 4, pipeline=False)
    records = [record for _ in range(20) for record in source.batch(10, 0.2).records]
    names = [record.id for record in records]
    assert len(set(names)) == len(names)
    for key in {record.key for record in records}:
        numbers = [int(record.id.partition(":")[2]) for record in records if record.key == key]
        assert numbers == sorted(numbers)


def test_some_transactions_are_meant_to_be_aborted_but_none_with_poison() -> None:
    source = Source(2, 4, pipeline=False)
    plain = [source.batch(3, 0.3).aborted for _ in range(200)]
    assert 30 < sum(plain) < 90
    assert not any(source.batch(3, 1.0, ["garbage"]).aborted for _ in range(20))


def test_a_healthy_record_is_an_article_whose_identity_survives_the_step() -> None:
    [record] = Source(1, 4, pipeline=False).batch(1, 0.0).records
    article = normalized(decode(RawArticle, record.value))
    assert id_of(orjson.dumps(article.model_dump(by_alias=True)), []) == record.id
    assert record.expect == OUTPUT


@pytest.mark.parametrize("kind", ["garbage", "misshapen"])
def test_poison_is_refused_for_the_reason_that_is_expected(kind: Poison) -> None:
    [record] = Source(1, 4, pipeline=False).batch(0, 0.0, [kind]).records
    with pytest.raises(MessageError) as refused:
        decode(RawArticle, record.value)
    assert refused.value.reason == record.expect == REASON_OF[kind]


@pytest.mark.parametrize("kind", ["crash", "hang"])
def test_poison_that_has_to_reach_the_work_carries_its_instruction(kind: Poison) -> None:
    [record] = Source(1, 4, pipeline=False).batch(0, 0.0, [kind]).records
    assert decode(RawArticle, record.value).extra["chaos"] == {"id": record.id, "do": kind}


def test_in_the_pipeline_poison_meets_every_stage() -> None:
    source = Source(1, 4, pipeline=True)
    batch = source.batch(0, 0.0, ["garbage", "misshapen"] * 20)
    assert {record.topic for record in batch.records} == {
        RAW.name,
        NORMALIZED.name,
        TRANSLATED.name,
    }


def test_an_identity_is_read_from_the_header_or_from_the_article() -> None:
    assert id_of(b"\xff", [("chaos-id", b"k1:2")]) == "k1:2"
    assert id_of(b'{"extra": {"chaos": {"id": "k1:3"}}}', []) == "k1:3"
    for value in (None, b"", b"[]", b'{"extra": {}}', b"\xff", b'{"extra": {"chaos": 5}}'):
        assert id_of(value, []) is None
