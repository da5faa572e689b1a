"""A broker and workers of our own on loopback, for one measurement, and gone after it."""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from agents.pipeline import PIPELINE
from ops.chaos import experiment, processes
from ops.chaos.brokers import Brokers
from ops.chaos.crew import Crew
from ops.chaos.experiment import RunFailed, Say
from ops.demo import answers, free_metrics_port
from streams import clients, embedded
from streams.settings import Settings
from streams.stage import Stage
from streams.worker import port_of

READY_SECONDS: Final = 120.0


@dataclass
class Site:
    """Where one measurement happens: `brokers` are shared, topics and workers are its own."""

    brokers: Brokers
    folder: Path
    environment: dict[str, str]
    settings: Settings
    crew: Crew
    ready: dict[str, float] = field(default_factory=dict)

    def cpu(self) -> dict[str, float]:
        """CPU seconds so far: of the broker, of each worker's own process (`delivery …`) and of
        its language processes with what they run (`work …`)."""
        spent = {"broker": processes.cpu_seconds(self.broker_pids())}
        for name, pid in self.crew.workers().items():
            spent[f"delivery {name}"] = processes.cpu_seconds([pid])
            below = [each for each in processes.family([pid]) if each != pid]
            spent[f"work {name}"] = processes.cpu_seconds(below, ended=True)
        return spent

    def broker_pids(self) -> list[int]:
        """The brokers' processes."""
        running = [embedded.status(node.state_dir) for node in self.brokers.nodes]
        return [each.pid for each in running if each is not None]

    async def start(self, stages: Sequence[Stage] = PIPELINE) -> float:
        """Starts a worker of each stage and waits until all are ready; returns the seconds that
        the last one took. How long each took stands in `ready`."""
        began = time.monotonic()
        self.crew.start([f"{stage.name}/0" for stage in stages])
        waiting = {
            stage.name: port_of(position, 0, self.settings)
            for position, stage in enumerate(PIPELINE)
            if stage in stages
        }
        while waiting:
            for name, port in list(waiting.items()):
                if await asyncio.to_thread(answers, f"http://127.0.0.1:{port}/readyz"):
                    self.ready[name] = time.monotonic() - began
                    del waiting[name]
            if time.monotonic() - began > READY_SECONDS:
                raise RunFailed(f"not ready within {READY_SECONDS:.0f} s: {', '.join(waiting)}")
            await asyncio.sleep(0.02)
        return time.monotonic() - began


@asynccontextmanager
async def brokers_of_ours(say: Say) -> AsyncIterator[tuple[Brokers, Path]]:
    """One broker and a folder; both are gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="babelwire-bench-"))
    brokers = Brokers(folder, 1, embedded.fetch_jars(Settings(), say))
    try:
        await experiment.in_thread(brokers.start)
        yield brokers, folder
    finally:
        brokers.stop()
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def site(
    brokers: Brokers, folder: Path, name: str, extra: Mapping[str, str] | None = None
) -> AsyncIterator[Site]:
    """Fresh topics under the prefix `name`; its workers are stopped at the end."""
    home = folder / name
    home.mkdir()
    environment = {
        **os.environ,
        **experiment.surroundings(brokers, name, home),
        "BABELWIRE_METRICS_PORT": str(free_metrics_port()),
        **(extra or {}),
    }
    settings = experiment.settings_of(environment)
    await clients.create_topics(settings)
    crew = Crew(home, environment)
    try:
        yield Site(brokers, home, environment, settings, crew)
    except RunFailed as fault:
        last = "\n".join(line for log in crew.logs for line in log.read_text().splitlines()[-8:])
        raise RunFailed(f"{name}: {fault}\nthe workers' last words:\n{last}") from fault
    finally:
        await asyncio.to_thread(crew.stop)
