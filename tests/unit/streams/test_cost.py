"""Processor time and memory, with what runs below a process."""

import subprocess
import sys
import time

from streams.cost import resident_bytes, seconds_spent

BURN = "import time\nwhile time.process_time() < 0.3: pass\n"


def test_programs_that_ended_and_programs_that_still_run_count() -> None:
    before = seconds_spent()
    subprocess.run([sys.executable, "-c", BURN], check=True)
    assert seconds_spent() - before >= 0.3
    before = seconds_spent()
    with subprocess.Popen(
        [sys.executable, "-c", BURN + "print('burnt', flush=True)\ninput()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"burnt\n"
        alive = seconds_spent() - before
        running.communicate(b"\n")
    assert alive >= 0.25
    # When it ends its time is not counted twice.
    assert seconds_spent() - before < alive + 0.3


def test_memory_includes_what_runs_below() -> None:
    before = resident_bytes()
    program = "held = b'x' * 80_000_000\nprint('held', flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        running.stdout.readline()
        time.sleep(0.1)
        with_it = resident_bytes()
        running.communicate(b"\n")
    assert with_it - before > 70_000_000
