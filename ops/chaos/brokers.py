"""The brokers of a run: one node or a cluster of them, killed, restarted and run out of disk."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final

from streams import embedded
from streams.embedded import Node

# Three JVMs on a small machine: what they hold is bounded by the run's records.
HEAP: Final = "512m"
DOWN_SECONDS: Final = 3.0
START_ATTEMPTS: Final = 3
DIES_SECONDS: Final = 15.0
_DISK_BASE: Final = 2 << 30
_DISK_PER_RECORD: Final = 16 << 10
# What is still free when the disk "fills up"; the next appends take it.
_DISK_LEFT: Final = 128 << 10


class Brokers:
    """Nodes on loopback with their data below one folder. The methods block."""

    def __init__(self, folder: Path, size: int, jars: Path) -> None:
        self._jars = jars
        self._disk: Path | None = None
        self._disk_bytes = 0
        self.nodes: Sequence[Node] = embedded.cluster(folder, size)

    @property
    def bootstrap(self) -> str:
        """The addresses of all nodes, as clients take them."""
        return ",".join(f"{embedded.HOST}:{node.port}" for node in self.nodes)

    @property
    def replicas(self) -> int:
        """How many copies topics have: one on each node, three at the most."""
        return min(3, len(self.nodes))

    @property
    def in_sync(self) -> int:
        """How many copies a write needs."""
        return max(1, self.replicas - 1)

    def start(self) -> None:
        """Starts all nodes. Raises embedded.EmbeddedKafkaError."""
        embedded.start_together(self.nodes, jars=self._jars, heap=HEAP)

    def make_small_disk(self, records: int) -> str | None:
        """Gives the first node a small file system of its own for its data, before it starts.

        Returns None when that went well, else the reason why this machine does not let us.
        """
        place = self.nodes[0].state_dir.resolve() / "kafka" / "data"
        place.mkdir(parents=True, exist_ok=True)
        self._disk_bytes = _DISK_BASE + _DISK_PER_RECORD * records
        mounting = _mount("-t", "tmpfs", "-o", f"size={self._disk_bytes}", "tmpfs", str(place))
        if mounting is None:
            self._disk = place
        return mounting

    def kill(self, number: int) -> str:
        """kill -9 of a node, and its start a little later; returns what was done."""
        node = self._node(number)
        self._crash(node)
        time.sleep(DOWN_SECONDS)
        self._start(node)
        return f"node {number % len(self.nodes) + 1}"

    def roll(self) -> str:
        """Stops and starts one node after the other; each is whole before the next goes."""
        for node in self.nodes:
            embedded.stop(node.state_dir)
            self._start(node)
            if len(self.nodes) > 1:
                # In-sync replicas have to catch up, or the next stop would leave too few of them.
                time.sleep(DOWN_SECONDS)
        return f"{len(self.nodes)} node(s)"

    def fill_disk(self) -> str:
        """Leaves the first node no room, waits for it to fail, makes room and starts it again."""
        if self._disk is None:
            raise RuntimeError("there is no small disk to fill")
        node = self.nodes[0]
        running = embedded.status(node.state_dir)
        used = shutil.disk_usage(self._disk).used
        _remount(self._disk, used + _DISK_LEFT)
        deadline = time.monotonic() + DIES_SECONDS
        while embedded.status(node.state_dir) and time.monotonic() < deadline:
            time.sleep(0.1)
        died = embedded.status(node.state_dir) is None
        if running is not None:
            _end(running.pid)
        _remount(self._disk, self._disk_bytes)
        self._start(node)
        return "the broker gave up by itself" if died else "the broker hung on and was killed"

    def stop(self) -> None:
        """Stops all nodes and takes the small disk away; safe to call at any time."""
        with ThreadPoolExecutor(len(self.nodes)) as threads:
            # Nothing of these data is needed any more.
            for node in self.nodes:
                threads.submit(embedded.stop, node.state_dir, 0.5)
        if self._disk is not None:
            for _ in range(20):
                if subprocess.run(["umount", self._disk], capture_output=True).returncode == 0:
                    break
                time.sleep(0.2)

    def _node(self, number: int) -> Node:
        return self.nodes[number % len(self.nodes)]

    def _start(self, node: Node) -> None:
        for attempt in range(1, START_ATTEMPTS + 1):
            try:
                embedded.start_node(node, jars=self._jars, heap=HEAP)
                return
            except embedded.EmbeddedKafkaError:
                # On a machine that is busy with other things it can be late, and was stopped again.
                if attempt == START_ATTEMPTS:
                    raise

    def _crash(self, node: Node) -> None:
        running = embedded.status(node.state_dir)
        if running is not None:
            _end(running.pid)


def _end(pid: int) -> None:
    """kill -9 of a child of ours. Its ports are free only when it has been waited for: until then
    some of its threads may still be there, also of one that gave up by itself."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)


def _mount(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    except OSError as fault:
        return f"mount cannot be run: {fault.strerror}"
    return None if done.returncode == 0 else done.stderr.strip() or f"mount gave {done.returncode}"


def _remount(place: Path, size: int) -> None:
    fault = _mount("-o", f"remount,size={size}", str(place))
    if fault is not None:
        raise RuntimeError(f"the small disk could not be resized to {size} bytes: {fault}")
