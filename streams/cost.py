"""What this process and the programs it runs cost: processor time and memory.

Processor time counts all threads of this process; programs that it started and that have ended;
programs that it started and that still run, such as Apertium's. Of those that still run only
Linux tells (proc(5)); their own children are not counted.
"""

import os
import resource
import time
from pathlib import Path
from typing import Final

_TASKS: Final = Path("/proc/self/task")
_PROCESSES: Final = Path("/proc")
_TICK: Final = 1 / os.sysconf("SC_CLK_TCK")


def seconds_spent() -> float:
    """Processor seconds so far; take the difference of two readings."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    running = sum(_ticks(child) for child in _children(_TASKS))
    return time.process_time() + ended.ru_utime + ended.ru_stime + running * _TICK


def resident_bytes(process: int | None = None) -> int:
    """Resident memory of a process (this one by default) and of every process below it, each shared
    page counted once (the kernel's proportional set size); 0 where there is no /proc."""
    total, waiting = 0, [process or os.getpid()]
    while waiting:
        number = waiting.pop()
        try:
            lines = (_PROCESSES / str(number) / "smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
        waiting += _children(_PROCESSES / str(number) / "task")
    return total


def _children(tasks: Path) -> list[int]:
    found: list[int] = []
    try:
        for task in tasks.iterdir():
            found += [int(number) for number in (task / "children").read_text().split()]
    except OSError:
        return found
    return found


def _ticks(number: int) -> int:
    try:
        line = (_PROCESSES / str(number) / "stat").read_text()
    except OSError:
        return 0
    # The name, in brackets, may hold spaces; utime and stime are the 12th and 13th field after it.
    fields = line.rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
