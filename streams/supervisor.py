"""Keeps worker processes running: starts them, restarts with backoff those that die, stops all."""

import asyncio
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from streams.settings import Settings

log = structlog.get_logger()

FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 30.0
# A process that lived this long had started well; its next failure is a new story.
GOOD_LIFE_SECONDS: Final = 60.0
KILL_AFTER_SECONDS: Final = 25.0


@dataclass(frozen=True)
class Program:
    """A process to keep running: a name for people and its command line."""

    name: str
    command: tuple[str, ...]


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures in a row: 0.5, 1, 2, … up to 30."""
    return float(min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(failures - 1, 10)))


async def supervise(programs: Sequence[Program], settings: Settings) -> None:
    """Runs the programs until SIGTERM or SIGINT; then drains them and returns."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await asyncio.gather(*(_keep(program, settings, stopping) for program in programs))


async def _keep(program: Program, settings: Settings, stopping: asyncio.Event) -> None:
    failures = 0
    while not stopping.is_set():
        started = time.monotonic()
        # A session of its own: Ctrl-C reaches the supervisor alone, which then drains in order.
        process = await asyncio.create_subprocess_exec(*program.command, start_new_session=True)
        log.info("started", worker=program.name, pid=process.pid)
        ended = asyncio.create_task(process.wait())
        asked = asyncio.create_task(stopping.wait())
        await asyncio.wait({ended, asked}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if not ended.done():
            await _end(process, program, settings)
            return
        failures = 1 if time.monotonic() - started > GOOD_LIFE_SECONDS else failures + 1
        pause = backoff(failures)
        log.error(
            "worker died; starting it again",
            worker=program.name,
            exit=_describe(process.returncode),
            in_seconds=pause,
        )
        try:
            await asyncio.wait_for(stopping.wait(), pause)
        except TimeoutError:
            continue


async def _end(process: asyncio.subprocess.Process, program: Program, settings: Settings) -> None:
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), settings.drain_time + KILL_AFTER_SECONDS)
    except TimeoutError:
        log.error("worker did not stop in time; killing it", worker=program.name)
        process.kill()
        await process.wait()


def _describe(code: int | None) -> str:
    if code is not None and code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"


def worker_command(stage: str, slot: int) -> tuple[str, ...]:
    """The command line of one worker."""
    return (sys.executable, "-m", "agents.work", stage, str(slot))
