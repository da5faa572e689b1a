"""Looking at processes through /proc: families, memory, whether one still lives."""

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_TICKS: Final = os.sysconf("SC_CLK_TCK")


def family(roots: Iterable[int]) -> list[int]:
    """The processes and all below them, parents before children."""
    children: dict[int, list[int]] = {}
    # Not by a pattern that names the file: a process that goes away while it is matched raises.
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with suppress(OSError):
                parent = int(_fields(process / "stat")[1])
                children.setdefault(parent, []).append(int(process.name))
    found = list(roots)
    for each in found:
        found += children.get(each, [])
    return found


def alive(pid: int) -> bool:
    """Whether a process exists and is not a zombie."""
    try:
        return _fields(Path(f"/proc/{pid}/stat"))[0] != "Z"
    except OSError:
        return False


def wait(pid: int, seconds: float) -> bool:
    """Waits until a process is gone; False when it is still there after so many seconds."""
    deadline = time.monotonic() + seconds
    while alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def birth(pid: int) -> int | None:
    """When a process was started, in clock ticks since the boot; None when it is gone. A pid can be
    given out again; together with its birth it cannot be mistaken."""
    try:
        return int(_fields(Path(f"/proc/{pid}/stat"))[19])
    except OSError:
        return None


def memory(pids: Iterable[int]) -> float:
    """Resident memory of the processes together, in MB."""
    pages = 0
    for pid in pids:
        with suppress(OSError):
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * _PAGE / 1e6


def cpu_seconds(pids: Iterable[int], ended: bool = False) -> float:
    """Processor time that the processes have used so far, user and system; with `ended` also that
    of programs which they started and which have ended."""
    ticks = 0
    for pid in pids:
        with suppress(OSError):
            fields = _fields(Path(f"/proc/{pid}/stat"))
            ticks += sum(map(int, fields[11 : 15 if ended else 13]))
    return ticks / _TICKS


def send(pid: int, number: signal.Signals) -> bool:
    """Sends a signal; False when the process is gone."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def _fields(stat: Path) -> list[str]:
    """The fields of a `stat` file after the command name; the state is number 0."""
    return stat.read_text().rsplit(")", 1)[1].split()
