"""The language processes, real ones: what a record does to its process harms no other record."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from schemas import NormalizedArticle, RawArticle
from streams.pool import SUSPENDED_SECONDS, LanguagePool, StageUnloadable, Worked
from streams.settings import Settings
from streams.stage import Deferred, Failed, Produced, Stage, Unavailable
from streams.topics import NORMALIZED, RAW
from tests.unit.streams.test_stage import article

LIMIT = 1.5


def load(_: Settings) -> Callable[[RawArticle], NormalizedArticle]:
    def work(raw: RawArticle) -> NormalizedArticle:
        match raw.body.split():
            case ["crash"]:
                os._exit(9)
            case ["crash", "once", marker]:
                if not Path(marker).exists():
                    Path(marker).touch()
                    os._exit(9)
            case ["hang"]:
                time.sleep(60)
            case ["slow"]:
                time.sleep(LIMIT / 2)
            case ["away"]:
                raise Unavailable("the engine is away")
        return article(raw.body)

    return work


def refuse(_: Settings) -> Callable[[RawArticle], NormalizedArticle]:
    raise FileNotFoundError("model.bin")


def run(*bodies: str, load: Callable[[Settings], object] = load) -> tuple[list[Worked], int]:
    """Has bodies worked on as one batch; returns what became of them, and the restarts."""
    restarts = 0

    def restarted() -> None:
        nonlocal restarts
        restarts += 1

    async def work() -> list[Worked]:
        stage = Stage("normalization", "1.0.0", RAW, NORMALIZED, load)  # type: ignore[arg-type]
        pool = LanguagePool(stage, Settings(time_limit=LIMIT), restarted)
        try:
            await pool.start()
            return await pool.run([orjson.dumps({"body": body}) for body in bodies])
        finally:
            await pool.close()

    return asyncio.run(work()), restarts


def outcomes(worked: list[Worked]) -> list[str]:
    return [
        each.outcome.reason if isinstance(each.outcome, Failed) else type(each.outcome).__name__
        for each in worked
    ]


def test_a_batch_comes_back_in_its_order() -> None:
    worked, restarts = run("one", "two")
    assert [
        orjson.loads(each.outcome.value)["text"]
        for each in worked
        if isinstance(each.outcome, Produced)
    ] == ["one", "two"]
    assert restarts == 0


def test_a_record_that_kills_its_process_does_not_harm_its_neighbours() -> None:
    worked, restarts = run("one", "crash", "two")
    assert outcomes(worked) == ["Produced", "crashed", "Produced"]
    assert worked[1].attempts == 2
    assert restarts == 2


def test_a_record_that_hangs_does_not_harm_its_neighbours() -> None:
    worked, _ = run("one", "hang")
    assert outcomes(worked) == ["Produced", "timed_out"]
    assert isinstance(worked[1].outcome, Failed)
    assert "time_limit" in worked[1].outcome.error


def test_time_in_which_the_worker_was_stopped_is_not_held_against_a_record() -> None:
    async def work() -> list[Worked]:
        stage = Stage("normalization", "1.0.0", RAW, NORMALIZED, load)
        pool = LanguagePool(stage, Settings(time_limit=LIMIT), lambda: None)
        try:
            await pool.start()
            running = asyncio.create_task(pool.run([orjson.dumps({"body": "slow"})]))
            await asyncio.sleep(0.2)
            time.sleep(SUSPENDED_SECONDS + 1)  # noqa: ASYNC251 - what SIGSTOP does to this process
            return await running
        finally:
            await pool.close()

    assert outcomes(asyncio.run(work())) == ["Produced"]


def test_a_kill_that_does_not_come_again_is_forgiven(tmp_path: Path) -> None:
    worked, restarts = run(f"crash once {tmp_path / 'marker'}")
    assert outcomes(worked) == ["Produced"]
    assert restarts == 1


def test_an_engine_that_is_away_is_told_from_a_record_that_is_at_fault() -> None:
    worked, restarts = run("away")
    assert worked[0].outcome == Deferred("the engine is away")
    assert restarts == 0


def test_a_stage_that_cannot_load_says_what_its_loader_said() -> None:
    with pytest.raises(StageUnloadable, match=r"FileNotFoundError: model\.bin"):
        run("one", load=refuse)
