"""The language processes of one worker: they keep the event loop free and faults contained.

Records go to a process in batches, so that quick work is not drowned in hand-overs. When a batch
kills its process or outlasts the time limit, each of its records is a suspect and is tried alone:
one that kills again, or outlasts the limit alone, comes back as a failure; the others go on.
"""

import asyncio
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import TimeoutError as WorkTimeout
from dataclasses import dataclass
from typing import Final, Literal

from pebble import CONSTS, ProcessExpired, ProcessPool

from streams import logs
from streams.cost import seconds_spent
from streams.settings import Settings
from streams.stage import Attempt, Failed, Stage, Work, attempt

MAX_ATTEMPTS: Final = 2
BEAT_SECONDS: Final = 1.0
# A pause of the whole process that is longer than any a busy machine makes.
SUSPENDED_SECONDS: Final = 2.0
# How often the pool looks whether a process died or a time limit is over; results come at once.
POOL_LOOK_SECONDS: Final = 0.5
_PARENT_CHECK_SECONDS: Final = 1.0


class StageUnloadable(RuntimeError):
    """The stage's models could not be loaded, so no record can be worked on."""


@dataclass(frozen=True, slots=True)
class Worked:
    """What became of one record: the outcome, after how many attempts, the seconds of work and the
    processor seconds spent on it (0 where its process did not live to tell)."""

    outcome: Attempt
    attempts: int
    seconds: float
    cpu_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class _Broken:
    """A batch that ended its process; `reason` is a dead-letter reason, `seconds` the time lost."""

    reason: Literal["timed_out", "crashed"]
    error: str
    seconds: float


class LanguagePool:
    """Runs one stage's work in processes of its own."""

    def __init__(self, stage: Stage, settings: Settings, on_restart: Callable[[], None]) -> None:
        self._settings = settings
        self._processes = stage.processes(settings)
        self._on_restart = on_restart
        self._suspended_at = -1.0
        self._beating: asyncio.Task[None] | None = None
        CONSTS.sleep_unit = POOL_LOOK_SECONDS
        # Spawn, because the parent has threads (Faust's consumer) whose locks a fork would copy.
        self._pool = ProcessPool(
            max_workers=self._processes,
            initializer=_prepare,
            initargs=(stage, settings, os.getpid()),
            context=multiprocessing.get_context("spawn"),
        )

    async def start(self) -> None:
        """Waits until the models are loaded. Raises StageUnloadable with what the loader said."""
        self._beating = asyncio.create_task(self._beat())
        waits = [
            asyncio.wrap_future(self._pool.schedule(_load_error)) for _ in range(self._processes)
        ]
        try:
            errors = [error for error in await asyncio.gather(*waits) if error]
        except ProcessExpired as crash:
            raise StageUnloadable(f"a language process died while loading: {crash}") from None
        if errors:
            raise StageUnloadable(errors[0])

    async def run(self, values: Sequence[bytes | None]) -> list[Worked]:
        """Has records worked on, in order, in one process; never raises for what they do."""
        done = await self._batch(values)
        if not isinstance(done, _Broken):
            return done
        if len(values) > 1:
            return [await self._alone(value) for value in values]
        return [await self._again(values[0], done)]

    async def _alone(self, value: bytes | None) -> Worked:
        """A suspect by itself; its first attempt was the batch that broke."""
        done = await self._batch([value])
        return _verdict(done, MAX_ATTEMPTS) if isinstance(done, _Broken) else done[0]

    async def _again(self, value: bytes | None, first: _Broken) -> Worked:
        """Once more after a crash, since the kill may have had another cause."""
        if first.reason == "timed_out":
            return _verdict(first, 1)
        return await self._alone(value)

    async def _beat(self) -> None:
        """Notices that this process was stopped: a sleeping laptop, a frozen container."""
        last = time.monotonic()
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            now = time.monotonic()
            if now - last > SUSPENDED_SECONDS:
                self._suspended_at = now
            last = now

    async def _batch(self, values: Sequence[bytes | None]) -> list[Worked] | _Broken:
        began = time.monotonic()
        done = await self._try(values)
        if isinstance(done, _Broken) and done.reason == "timed_out":
            await asyncio.sleep(2 * BEAT_SECONDS)
            if self._suspended_at > began:
                # The time was spent while we were stopped, which says nothing about the record.
                return await self._batch(values)
        return done

    async def _try(self, values: Sequence[bytes | None]) -> list[Worked] | _Broken:
        limit = self._settings.time_limit
        future = self._pool.schedule(_attempt, args=(tuple(values),), timeout=limit)
        try:
            done = await asyncio.wrap_future(future)
            return [Worked(outcome, 1, seconds, cpu) for outcome, seconds, cpu in done]
        except WorkTimeout:
            self._on_restart()
            return _Broken(
                "timed_out", f"the work took longer than {limit:g} s (setting time_limit)", limit
            )
        except ProcessExpired as crash:
            self._on_restart()
            died = f"the language process died with exit code {crash.exitcode}"
            return _Broken("crashed", died, 0.0)

    async def close(self) -> None:
        """Ends the processes; whatever they were doing is dropped."""
        if self._beating is not None:
            self._beating.cancel()
        await asyncio.to_thread(self._stop)

    def _stop(self) -> None:
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join(timeout=5)


def _verdict(broken: _Broken, attempts: int) -> Worked:
    if broken.reason == "timed_out":
        return Worked(Failed("timed_out", broken.error), attempts, broken.seconds)
    error = f"{broken.error}, {attempts} times on this record"
    return Worked(Failed("crashed", error), attempts, broken.seconds)


_stage: Stage | None = None
_work: Work | None = None
_settings: Settings | None = None
_error = ""


def _prepare(stage: Stage, settings: Settings, parent: int) -> None:
    # A failure is kept instead of raised: the pool would start the process again, for ever.
    global _stage, _work, _settings, _error
    threading.Thread(target=_exit_with, args=(parent,), daemon=True).start()
    _stage, _settings = stage, settings
    logs.configure(settings, libraries=False)
    try:
        _work = stage.load(settings)
    except Exception as fault:  # noqa: BLE001 - reported by `start`, with its words
        _error = f"{stage.name} cannot load: {type(fault).__name__}: {fault}"


def _exit_with(parent: int) -> None:
    """Ends this process when the worker is gone; a killed worker cannot tell it to stop."""
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_SECONDS)
    os._exit(1)


def _load_error() -> str:
    return _error


def _attempt(values: tuple[bytes | None, ...]) -> list[tuple[Attempt, float, float]]:
    if _stage is None or _work is None or _settings is None:
        raise StageUnloadable(_error or "the language process was not prepared")
    done = []
    clock, spent = time.perf_counter(), seconds_spent()
    for value in values:
        outcome = attempt(_stage, _work, value, _settings.max_record_bytes)
        began, clock = clock, time.perf_counter()
        before, spent = spent, seconds_spent()
        done.append((outcome, clock - began, max(0.0, spent - before)))
    return done
