"""The language processes of one worker: they keep the event loop free and faults contained.

A record that kills its process is tried once more, since the kill may have had another cause; a
record that kills twice, or outlasts the time limit, comes back as a failure while its neighbours
go on in the other processes.
"""

import asyncio
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import TimeoutError as WorkTimeout
from dataclasses import dataclass
from typing import Final

from pebble import ProcessExpired, ProcessPool

from streams import logs
from streams.cost import seconds_spent
from streams.settings import Settings
from streams.stage import Failed, Outcome, Stage, Work, attempt

MAX_ATTEMPTS: Final = 2
_PARENT_CHECK_SECONDS: Final = 1.0


class StageUnloadable(RuntimeError):
    """The stage's models could not be loaded, so no record can be worked on."""


@dataclass(frozen=True)
class Worked:
    """What became of one record: the outcome, after how many attempts, the seconds of work and the
    processor seconds spent on it (0 where its process did not live to tell)."""

    outcome: Outcome
    attempts: int
    seconds: float
    cpu_seconds: float = 0.0


class LanguagePool:
    """Runs one stage's work in processes of its own."""

    def __init__(self, stage: Stage, settings: Settings, on_restart: Callable[[], None]) -> None:
        self._settings = settings
        self._on_restart = on_restart
        # Spawn, because the parent has threads (Faust's consumer) whose locks a fork would copy.
        self._pool = ProcessPool(
            max_workers=settings.processes,
            initializer=_prepare,
            initargs=(stage, settings, os.getpid()),
            context=multiprocessing.get_context("spawn"),
        )

    async def start(self) -> None:
        """Waits until the models are loaded. Raises StageUnloadable with what the loader said."""
        waits = [
            asyncio.wrap_future(self._pool.schedule(_load_error))
            for _ in range(self._settings.processes)
        ]
        try:
            errors = [error for error in await asyncio.gather(*waits) if error]
        except ProcessExpired as crash:
            raise StageUnloadable(f"a language process died while loading: {crash}") from None
        if errors:
            raise StageUnloadable(errors[0])

    async def run(self, value: bytes | None) -> Worked:
        """Has one record worked on; never raises for what the record or its work does."""
        limit = self._settings.time_limit
        for count in range(1, MAX_ATTEMPTS + 1):
            future = self._pool.schedule(_attempt, args=(value,), timeout=limit)
            try:
                outcome, seconds, cpu_seconds = await asyncio.wrap_future(future)
                return Worked(outcome, count, seconds, cpu_seconds)
            except WorkTimeout:
                self._on_restart()
                error = f"the work took longer than {limit:g} s (setting time_limit)"
                return Worked(Failed("timed_out", error), count, limit)
            except ProcessExpired as crash:
                self._on_restart()
                died = f"the language process died with exit code {crash.exitcode}"
        error = f"{died}, {MAX_ATTEMPTS} times on this record"
        return Worked(Failed("crashed", error), MAX_ATTEMPTS, 0.0)

    def stop(self) -> None:
        """Ends the processes; whatever they were doing is dropped."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join(timeout=5)


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


def _attempt(value: bytes | None) -> tuple[Outcome, float, float]:
    if _stage is None or _work is None or _settings is None:
        raise StageUnloadable(_error or "the language process was not prepared")
    started, spent = time.perf_counter(), seconds_spent()
    outcome = attempt(_stage, _work, value, _settings.max_record_bytes)
    return outcome, time.perf_counter() - started, max(0.0, seconds_spent() - spent)
