"""The workers of a run: supervisors that we start, and the workers that their logs tell of."""

import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Any, Final

import orjson

from ops.chaos import processes

ROOT: Final = Path(__file__).resolve().parents[2]
DRAIN_SECONDS: Final = 60.0


@dataclass
class _Supervisor:
    """A supervisor process, its log, how far we read it, and the newest pid of each worker."""

    process: subprocess.Popen[bytes]
    log: Path
    read: int = 0
    workers: dict[str, int] = field(default_factory=dict)


class Crew:
    """Supervised workers. A worker's name is `stage/slot`."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = dict(environment)
        self._supervisors: list[_Supervisor] = []
        # Logs are read on, from more than one thread: each line counts once.
        self._reading = threading.Lock()
        # How each worker that ended by itself or was killed left, by the supervisor's words.
        self.exits: list[tuple[float, str, str]] = []

    @property
    def logs(self) -> list[Path]:
        """Where the workers and supervisors write."""
        return [each.log for each in self._supervisors]

    def start(self, names: Sequence[str]) -> None:
        """Starts one supervisor for these workers."""
        log = self._folder / f"workers-{len(self._supervisors)}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "ops.chaos.supervised", *names],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl-C is ours to deal with.
                start_new_session=True,
            )
        self._supervisors.append(_Supervisor(process, log))

    def workers(self) -> dict[str, int]:
        """The newest pid of each worker, by name, in the order of their first start."""
        found: dict[str, int] = {}
        for supervisor in self._supervisors:
            self._read(supervisor)
            if supervisor.process.poll() is None:
                found |= supervisor.workers
        return found

    def memory(self) -> dict[str, float]:
        """Resident memory of each worker with its language processes, in MB."""
        return {
            name: processes.memory(processes.family([pid])) for name, pid in self.workers().items()
        }

    def dismiss(self) -> float:
        """Stops the supervisor that was started last, in order; returns the seconds it took."""
        supervisor = self._supervisors[-1]
        began = time.monotonic()
        supervisor.process.send_signal(SIGTERM)
        supervisor.process.wait(DRAIN_SECONDS)
        return time.monotonic() - began

    def stop(self) -> None:
        """Stops everything: in order first, and what is still there after that by kill -9."""
        running = [each.process.pid for each in self._supervisors if each.process.poll() is None]
        births = {pid: processes.birth(pid) for pid in processes.family(running)}
        for supervisor in self._supervisors:
            if supervisor.process.poll() is None:
                supervisor.process.send_signal(SIGTERM)
        deadline = time.monotonic() + DRAIN_SECONDS
        for supervisor in self._supervisors:
            try:
                supervisor.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                supervisor.process.kill()
                supervisor.process.wait()
        for pid, birth in births.items():
            if birth is not None and processes.birth(pid) == birth:
                processes.send(pid, SIGKILL)
        for supervisor in self._supervisors:
            self._read(supervisor)

    def _read(self, supervisor: _Supervisor) -> None:
        with self._reading:
            self._read_on(supervisor)

    def _read_on(self, supervisor: _Supervisor) -> None:
        with supervisor.log.open("rb") as log:
            log.seek(supervisor.read)
            text = log.read()
        whole, _, _ = text.rpartition(b"\n")
        if not whole:
            return
        supervisor.read += len(whole) + 1
        for line in whole.splitlines():
            entry = _entry(line)
            if entry.get("event") == "started":
                supervisor.workers[entry["worker"]] = entry["pid"]
            elif "worker" in entry and "exit" in entry:
                self.exits.append((time.time(), entry["worker"], entry["exit"]))


def _entry(line: bytes) -> dict[str, Any]:
    if not line.startswith(b"{"):
        return {}
    try:
        loaded = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return loaded if isinstance(loaded, dict) else {}
