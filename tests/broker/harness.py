"""Runs the real commands against the test broker, each test with topics of its own."""

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from queue import Queue
from typing import Any, TypeVar

import orjson

from agents.page import server
from agents.pipeline import PIPELINE
from ops.demo import answers
from schemas import DeadLetter
from streams import clients, reading
from streams.settings import Settings
from streams.topics import DEAD_LETTERS, ENRICHED, RAW
from streams.worker import PORTS_PER_STAGE, port_of

Headers = list[tuple[str, bytes]]
T = TypeVar("T")


@dataclass
class Desk:
    """One set of topics on the broker, and the environment that points commands at it."""

    settings: Settings
    environment: dict[str, str]
    folder: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def command(self, *arguments: str) -> list[str]:
        """The command line of a `babelwire` command."""
        return [sys.executable, "-m", "agents.cli", *arguments]

    def run(
        self, *arguments: str, stdin: bytes = b"", check: bool = True
    ) -> subprocess.CompletedProcess[bytes]:
        """Runs a command to its end."""
        done = subprocess.run(
            self.command(*arguments),
            env=self.environment,
            input=stdin,
            capture_output=True,
            check=False,
            timeout=180,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{arguments} exited {done.returncode}: {done.stderr.decode()}")
        return done

    @contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """A command in the background; its stderr goes to `log_of`. Ended with SIGTERM."""
        with self.running_program(
            self.log_of(*arguments).stem, self.command(*arguments)
        ) as process:
            yield process

    @contextmanager
    def running_program(self, name: str, command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
        """Any program in the background; it writes to `<name>.log`. Ended with SIGTERM."""
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)
                process.wait(timeout=60)

    def log_of(self, *arguments: str) -> Path:
        """Where a command run in the background writes."""
        return self.folder / ("-".join(arguments).replace("=", "_") + ".log")

    def await_ready(self, *stages: str, seconds: float = 90.0) -> None:
        """Waits until the workers of the stages (of all, by default) say that they are ready."""
        for position, stage in enumerate(PIPELINE):
            if not stages or stage.name in stages:
                url = f"http://127.0.0.1:{port_of(position, 0, self.settings)}/readyz"
                until(partial(answers, url), seconds, f"{stage.name} ready")

    def produce(self, records: list[tuple[bytes | None, bytes | None, Headers]]) -> list[str]:
        """Writes raw records (key, value, headers); returns `partition@offset` of each."""

        async def write() -> list[str]:
            async with clients.producer(self.settings) as producer:
                places = []
                for key, value, headers in records:
                    sent = await producer.send_and_wait(
                        self.topic(RAW.name), value, key=key, headers=headers
                    )
                    places.append(f"{sent.partition}@{sent.offset}")
                return places

        return apart(write())

    def topic(self, name: str) -> str:
        """Full name of a topic."""
        return f"{self.settings.topic_prefix}.{name}"

    def records(self, name: str) -> list[Any]:
        """All records of a topic."""

        async def read() -> list[Any]:
            follow = reading.follow(self.settings, self.topic(name), 0.0, stop_at_end=True)
            return [record async for record in follow]

        return apart(read())

    def events(self) -> list[dict[str, Any]]:
        """All enriched events, as plain JSON: what a reader without our code sees."""
        return [orjson.loads(record.value) for record in self.records(ENRICHED.name)]

    def dead_letters(self) -> dict[str, tuple[DeadLetter, Any]]:
        """All dead letters with their records, by the place of the failed record."""
        found = {}
        for record in self.records(DEAD_LETTERS.name):
            letter = DeadLetter.from_headers(record.headers)
            found[f"{letter.source_partition}@{letter.source_offset}"] = (letter, record)
        return found

    def count(self, name: str) -> int:
        """Number of records in a topic that readers see."""
        return len(self.records(name))

    def status(self) -> dict[str, dict[str, Any]]:
        """What `babelwire status` tells of each stage."""
        told: dict[str, dict[str, Any]] = orjson.loads(self.run("status", "--json").stdout)
        return told

    def lag(self, stage: str) -> int:
        """Records that a stage has not committed yet."""
        status = asyncio.run(reading.status(self.settings, PIPELINE))
        return next(each.lag_records for each in status if each.stage == stage)

    def await_outcomes(self, number: int, seconds: float = 120.0) -> None:
        """Waits until enriched events and dead letters together are at least so many."""
        until(
            lambda: self.count(ENRICHED.name) + self.count(DEAD_LETTERS.name) >= number,
            seconds,
            f"{number} outcomes",
        )


def open_desk(bootstrap: str, folder: Path) -> Desk:
    """Creates topics under a prefix of their own."""
    environment = {
        **os.environ,
        "BABELWIRE_BOOTSTRAP_SERVERS": bootstrap,
        "BABELWIRE_TOPIC_PREFIX": f"test-{uuid.uuid4().hex[:8]}",
        "BABELWIRE_METRICS_PORT": str(free_metrics_port()),
        "BABELWIRE_STATE_DIR": str(folder / "state"),
        "BABELWIRE_LOG_FORMAT": "json",
    }
    prefix = "BABELWIRE_"
    values = {
        name.removeprefix(prefix).lower(): value
        for name, value in environment.items()
        if name.startswith(prefix) and name.removeprefix(prefix).lower() in Settings.model_fields
    }
    settings = Settings.model_validate_strings(values)
    apart(clients.create_topics(settings))
    return Desk(settings, environment, folder)


@contextmanager
def served(desk: Desk, port: int = 0) -> Iterator[str]:
    """The page's address, while it is served by a thread of this process."""
    settings = desk.settings.model_copy(update={"page_port": port})
    ready: Queue[str] = Queue()
    ended = threading.Event()

    async def serve() -> None:
        async with server.serving(settings, PIPELINE) as address:
            ready.put(address)
            await asyncio.to_thread(ended.wait)

    with ThreadPoolExecutor(1) as thread:
        done = thread.submit(asyncio.run, serve())
        try:
            yield ready.get(timeout=20)
        finally:
            ended.set()
            done.result(timeout=20)


def apart(work: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine to its end in a thread of its own: a test that drives a browser has an event
    loop in its own thread already."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def until(met: Callable[[], bool], seconds: float, what: str) -> None:
    """Waits for a condition; fails with what it waited for."""
    deadline = time.monotonic() + seconds
    while not met():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(0.1)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_metrics_port() -> int:
    """A base port from which all stages' ports are free; a random one, for runs side by side."""
    for base in random.sample(range(21_000, 30_000, 100), 90):
        if all(_is_free(base + PORTS_PER_STAGE * each) for each in range(len(PIPELINE))):
            return base
    raise AssertionError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
