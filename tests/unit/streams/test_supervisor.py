"""The supervisor keeps real processes running and stops them in order."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from streams.settings import Settings
from streams.supervisor import Program, backoff, supervise

COUNT_STARTS = (
    "import pathlib, sys, time;"
    "p = pathlib.Path(sys.argv[1]); p.write_text(p.read_text() + '.' if p.exists() else '.');"
    "sys.exit(3) if len(p.read_text()) < 2 else time.sleep(60)"
)


@pytest.mark.parametrize(
    ("failures", "pause"), [(1, 0.5), (2, 1), (3, 2), (6, 16), (7, 30), (99, 30)]
)
def test_the_pause_doubles_with_each_failure_up_to_half_a_minute(
    failures: int, pause: float
) -> None:
    assert backoff(failures) == pause


def test_a_program_that_dies_is_started_again_and_sigterm_ends_everything(tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    program = Program("counter", (sys.executable, "-c", COUNT_STARTS, str(starts)))

    async def scenario() -> None:
        running = asyncio.create_task(supervise([program], Settings()))
        async with asyncio.timeout(20):
            # The other process tells only through its file.
            while not starts.exists() or len(starts.read_text()) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(running, 10)

    asyncio.run(scenario())
    assert starts.read_text() == ".."
