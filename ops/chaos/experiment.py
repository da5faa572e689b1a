"""One run: brokers, workers, load and faults together; then what came of it.

Everything lives in one temporary folder and on loopback, and is gone when the run ends, however it
ends.
"""

import asyncio
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from signal import SIGCONT, SIGINT, SIGKILL, SIGSTOP, SIGTERM, Signals
from typing import Any, Final, TypeVar

from aiokafka.admin import NewPartitions

from agents.pipeline import PIPELINE
from ops.chaos import checker, observe, processes, records, step
from ops.chaos.brokers import Brokers
from ops.chaos.checker import Accepted, Outcome, Verdict
from ops.chaos.crew import DRAIN_SECONDS, ROOT, Crew
from ops.chaos.load import Loader
from ops.chaos.observe import Group
from ops.chaos.schedule import STOP_SECONDS, Fault, schedule, seconds_of
from streams import clients, embedded
from streams.settings import Settings
from streams.topics import DEAD_LETTERS, RAW, TOPICS

BABELWIRE: Final = "babelwire"
PREFIX: Final = "chaos"
# Quiet between faults, so that each one's stall can be told from the next one's.
QUIET_SECONDS: Final = (5.0, 9.0)
WARM_UP_RECORDS: Final = 20
START_LIMIT_SECONDS: Final = 180.0
# How long a worker that is to be hit may take to be started again after its last death.
RESTART_SECONDS: Final = 40.0
# A run in which nothing has come out for so long will not get any further.
STUCK_SECONDS: Final = 60.0
# The plain targets never get to a lag of 0: they do not commit past transaction markers.
PLAIN_STUCK_SECONDS: Final = 30.0
MOST_PER_SECOND: Final = 3000.0
TIME_LIMIT_SECONDS: Final = 3.0
MORE_PARTITIONS: Final = 3
MEMORY_WINDOW_SECONDS: Final = 10.0
MEMORY_FROM_RECORD: Final = 10_000
SHOWN_STALL_SECONDS: Final = 0.25
LOOK_SECONDS: Final = 1.0
SAY_SECONDS: Final = 3.0


class RunFailed(RuntimeError):
    """The run could not be made, or got stuck; the message says at what."""


@dataclass(frozen=True)
class Options:
    """What to run. `faults` are names of schedule.KINDS; `step_ms` is how long the synthetic work
    takes; `quiet` bounds the pause before each fault, in seconds; `once` has each kind come once,
    however often it says; `transactions` is whether the source records are written in any."""

    messages: int
    workers: int
    faults: tuple[str, ...]
    seed: int
    brokers: int = 1
    pipeline: bool = False
    target: str = BABELWIRE
    step_ms: float = 0.0
    quiet: tuple[float, float] = QUIET_SECONDS
    once: bool = False
    transactions: bool = True

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages that run, by name."""
        if self.pipeline:
            return tuple(stage.name for stage in PIPELINE)
        return (step.NAME if self.target == BABELWIRE else self.target,)

    @property
    def output(self) -> str:
        """The topic, without prefix, where the last stage writes."""
        return PIPELINE[-1].writes.name if self.pipeline else step.STAGE.writes.name


@dataclass
class Happened:
    """One fault as it was: times in seconds since the epoch, and what was done to whom."""

    name: str
    at: float
    until: float = 0.0
    detail: str = ""
    drain_seconds: float | None = None


@dataclass
class Observed:
    """All that a run left behind for the judge and the report."""

    options: Options
    began: float = 0.0
    ended: float = 0.0
    faults: list[Happened] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    memory: list[tuple[float, dict[str, float]]] = field(default_factory=list)
    exits: list[tuple[float, str, str]] = field(default_factory=list)
    accepted: list[Accepted] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    aborted: set[str] = field(default_factory=set)
    vanished: list[str] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)
    lag: int = 0


Say = Callable[[str], None]
T = TypeVar("T")


async def run(options: Options, say: Say, logs_to: Path | None = None) -> Observed:
    """Makes a run; the workers' logs are copied to `logs_to`.

    Raises RunFailed, or embedded.EmbeddedKafkaError when there is no broker to be had.
    """
    folder = Path(tempfile.mkdtemp(prefix="babelwire-chaos-"))
    brokers = Brokers(folder, options.brokers, embedded.fetch_jars(Settings(), say))
    crew = Crew(folder, _environment(options, folder, brokers))
    try:
        return await _Run(options, folder, brokers, crew, say).whole()
    finally:
        # Also after Ctrl-C; nothing that was started may be left.
        say("stopping everything it started")
        crew.stop()
        if logs_to is not None:
            _keep(crew.logs, logs_to)
        brokers.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _keep(logs: Sequence[Path], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for log in logs:
        shutil.copy(log, folder / log.name)


class _Run:
    def __init__(
        self, options: Options, folder: Path, brokers: Brokers, crew: Crew, say: Say
    ) -> None:
        self.options = options
        self.folder = folder
        self.brokers = brokers
        self.crew = crew
        self.say = say
        self.settings = settings_of(_environment(options, folder, brokers))
        keys = 200 if options.pipeline else 500
        source = records.Source(options.seed, keys, options.pipeline)
        self.loader = Loader(
            self.settings, source, options.seed, f"{PREFIX}.source", options.transactions
        )
        self.seen = Observed(options)
        self.doing = "starting"
        self._nominal = 0.0
        self._left = (0.0, 0.0, 0.0)

    async def whole(self) -> Observed:
        options, seen = self.options, self.seen
        possible = self._possible(options.faults)
        await in_thread(self.brokers.start)
        await observe.create_topics(self.settings, TOPICS, self.brokers)
        self.crew.start(self._names())
        faults = self._stretched(
            schedule(
                possible,
                options.seed,
                quiet=options.quiet,
                stages=len(options.stages),
                once=options.once,
            )
        )
        watching = asyncio.create_task(self._watch())
        try:
            await self._warm_up()
            seen.began = time.time()
            await self._load_and_faults(faults)
            self.doing = "settling"
            seen.lag = await self._settle()
            seen.ended = time.time()
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
            await self.loader.close()
        self.doing = "reading back"
        await asyncio.to_thread(self.crew.stop)
        await self._read_back()
        return seen

    def _possible(self, names: Sequence[str]) -> list[str]:
        """The faults that can happen here; why the others cannot goes into the report."""
        skipped = self.seen.skipped
        if self.options.pipeline:
            for name in ("hang", "engine"):
                if name in names:
                    skipped[name] = "the real stages do not hang or fail on demand"
        if "disk" in names:
            refused = self.brokers.make_small_disk(self.options.messages)
            if refused is not None:
                skipped["disk"] = f"no small disk can be made here: {refused}"
        for name, why in skipped.items():
            self.say(f"skipped: {name} ({why})")
        return [name for name in names if name not in skipped]

    def _names(self) -> list[str]:
        return [
            f"{stage}/{slot}"
            for stage in self.options.stages
            for slot in range(self.options.workers)
        ]

    def _stretched(self, faults: list[Fault]) -> list[Fault]:
        """The schedule, with longer pauses where the records need more time than the faults."""
        least = self.options.messages / self._per_second()
        short = max(0.0, least - seconds_of(faults))
        self._nominal = max(least, seconds_of(faults))
        longer = short / max(1, len(faults))
        return [replace(fault, pause=fault.pause + longer) for fault in faults]

    def _per_second(self) -> float:
        """About how many records the workers can be expected to take in."""
        if self.options.pipeline:
            return 12.0
        able = 1500.0
        if self.options.step_ms:
            able = min(able, 0.5 * self.options.workers * 1000 / self.options.step_ms)
        return able

    def _rate(self) -> float:
        """Records per second, so that the load lasts about as long as the faults."""
        base, since, following = self._left
        left = max(following, base - (time.monotonic() - since))
        remaining = self.options.messages - self.loader.accepted
        return min(MOST_PER_SECOND, remaining / max(1.0, left))

    async def _warm_up(self) -> None:
        """Writes the first records and waits until they came out: then the workers are there."""
        await self.loader.write(WARM_UP_RECORDS, lambda: 100.0)
        deadline = time.monotonic() + START_LIMIT_SECONDS
        topics = (self.options.output, DEAD_LETTERS.name)
        while await observe.ends(self.settings, topics) < WARM_UP_RECORDS:
            if time.monotonic() > deadline:
                raise RunFailed(
                    f"nothing came out within {START_LIMIT_SECONDS:.0f} s;"
                    f" the workers' last words:\n{self._last_words()}"
                )
            await asyncio.sleep(0.5)

    async def _load_and_faults(self, faults: list[Fault]) -> None:
        self._left = (self._nominal, time.monotonic(), seconds_of(faults))
        loading = asyncio.create_task(self.loader.write(self.options.messages, self._rate))
        breaking = asyncio.create_task(self._break(faults))
        try:
            await asyncio.gather(loading, breaking)
            # What the last fault owes, such as poison after the last record.
            await self.loader.write(self.options.messages, self._rate)
        finally:
            for task in (loading, breaking):
                task.cancel()
            await asyncio.gather(loading, breaking, return_exceptions=True)

    async def _break(self, faults: list[Fault]) -> None:
        for number, fault in enumerate(faults):
            following = seconds_of(faults[number + 1 :])
            whole = following + fault.pause + fault.kind.lasts
            self._left = (whole, time.monotonic(), following)
            self.doing = "quiet"
            await asyncio.sleep(fault.pause)
            happened = Happened(fault.kind.name, time.time())
            self.doing = fault.kind.name
            await self._do(fault, happened)
            happened.until = time.time()
            self.seen.faults.append(happened)
            self.say(
                f"fault {number + 1} of {len(faults)}: {happened.name} {happened.detail}".rstrip()
            )
        if faults:
            self._left = (0.0, time.monotonic(), 0.0)
        self.doing = "load"

    async def _do(self, fault: Fault, happened: Happened) -> None:
        match fault.kind.name:
            case "kill":
                await self._hit(fault, happened, SIGKILL)
            case "term":
                pid = await self._hit(fault, happened, SIGTERM)
                if pid is not None:
                    await asyncio.to_thread(processes.wait, pid, DRAIN_SECONDS)
                happened.drain_seconds = time.time() - happened.at
            case "stop":
                pid = await self._hit(fault, happened, SIGSTOP)
                try:
                    await asyncio.sleep(STOP_SECONDS)
                finally:
                    if pid is not None:
                        processes.send(pid, SIGCONT)
            case "broker":
                happened.detail = await in_thread(lambda: self.brokers.kill(fault.target))
            case "roll":
                happened.detail = await in_thread(self.brokers.roll)
            case "disk":
                happened.detail = await in_thread(self.brokers.fill_disk)
            case "add":
                stages = self.options.stages
                name = f"{stages[fault.target % len(stages)]}/{self.options.workers}"
                self.crew.start([name])
                happened.detail = name
            case "remove":
                seconds = await asyncio.to_thread(self.crew.dismiss)
                happened.detail = f"gone after {seconds:.1f} s"
            case "poison":
                kinds: list[records.Poison] = [*("garbage", "misshapen") * 3]
                if not self.options.pipeline:
                    kinds.append("crash")
                self.loader.poison(kinds)
                happened.detail = f"{len(kinds)} records"
            case "hang":
                self.loader.poison(["hang"])
                happened.detail = f"time limit {TIME_LIMIT_SECONDS:.0f} s"
            case "engine":
                switch = self.folder / "engine-off"
                switch.touch()
                try:
                    await asyncio.sleep(fault.kind.lasts)
                finally:
                    switch.unlink()
                happened.detail = f"for {fault.kind.lasts:.0f} s"
            case "partitions":
                happened.detail = await self._more_partitions()
            case unknown:
                raise RunFailed(f"the schedule names a fault that nobody can do: {unknown}")

    async def _hit(self, fault: Fault, happened: Happened, number: Signals) -> int | None:
        """Sends a signal to a worker, which may first have to be started again after the last one;
        returns its pid."""
        stage = self.options.stages[fault.stage]
        names = sorted(name for name in self.crew.workers() if name.startswith(f"{stage}/"))
        name = names[fault.target % len(names)]
        deadline = time.monotonic() + RESTART_SECONDS
        while time.monotonic() < deadline:
            pid = self.crew.workers().get(name)
            if pid is not None and processes.alive(pid) and processes.send(pid, number):
                happened.at, happened.detail = time.time(), name
                return pid
            await asyncio.sleep(0.1)
        happened.detail = f"{name} was not there"
        return None

    async def _more_partitions(self) -> str:
        topic = RAW.full_name(self.settings.topic_prefix)
        before = len(await clients.partitions_of(self.settings, topic))
        async with clients.admin(self.settings) as client:
            await client.create_partitions({topic: NewPartitions(before + MORE_PARTITIONS)})
        return f"{before} to {before + MORE_PARTITIONS}"

    async def _settle(self) -> int:
        """Waits until the lag is 0, or until nothing came out for a while; the last lag."""
        patience = STUCK_SECONDS if self.options.target == BABELWIRE else PLAIN_STUCK_SECONDS
        topics = (self.options.output, DEAD_LETTERS.name)
        moved, last, behind = time.monotonic(), -1, -1
        while True:
            try:
                behind = await observe.behind(self.settings, self._groups())
                out = await observe.ends(self.settings, topics)
            except observe.UNREACHABLE as fault:
                self.say(f"the broker does not answer ({type(fault).__name__}); asking again")
                out = last
            if behind == 0:
                return 0
            if out != last:
                moved, last = time.monotonic(), out
            if time.monotonic() - moved > patience:
                self.say(f"nothing came out for {patience:.0f} s; {behind} records behind")
                return behind
            await asyncio.sleep(LOOK_SECONDS)

    def _groups(self) -> list[Group]:
        prefix = self.settings.topic_prefix
        if self.options.pipeline:
            return [Group(f"{prefix}.{stage.name}", stage.reads.name) for stage in PIPELINE]
        return [Group(f"{prefix}.{self.options.stages[0]}", RAW.name)]

    async def _watch(self) -> None:
        """Memory once a second, and a line about how it goes every few seconds."""
        said = 0.0
        while True:
            now = time.time()
            self.seen.memory.append((now, await asyncio.to_thread(self.crew.memory)))
            if now - said >= SAY_SECONDS:
                said = now
                try:
                    out = await observe.ends(
                        self.settings, (self.options.output, DEAD_LETTERS.name)
                    )
                    written = f"about {out:,} out"
                except observe.UNREACHABLE:
                    written = "no answer from the broker"
                since = now - self.seen.began if self.seen.began else 0.0
                self.say(
                    f"{since:5.0f} s  {self.loader.accepted:,} of {self.options.messages:,} in,"
                    f" {written}  ({self.doing})"
                )
            await asyncio.sleep(LOOK_SECONDS)

    async def _read_back(self) -> None:
        seen, written = self.seen, self.loader.written
        topics = [stage.reads.name for stage in PIPELINE] if self.options.pipeline else [RAW.name]
        seen.accepted = await observe.accepted(self.settings, topics, written)
        seen.outcomes = await observe.outcomes(self.settings, self.options.output)
        there = {record.id for record in seen.accepted}
        # A transaction that ended in a fault and is not in the log was aborted too.
        seen.aborted = written.aborted | (written.unsure - there)
        # What the broker acknowledged and then lost is not the workers' fault, but is told.
        seen.vanished = [name for name in written.committed_at if name not in there]
        committed: dict[tuple[str, int], int] = {}
        for group in self._groups():
            committed |= await observe.committed(self.settings, group)
        seen.verdict = checker.judge(seen.accepted, seen.outcomes, seen.aborted, committed)
        self.crew.workers()
        seen.exits = self.crew.exits

    def _last_words(self) -> str:
        lines = [line for log in self.crew.logs for line in log.read_text().splitlines()]
        return "\n".join(lines[-15:])


def surroundings(brokers: Brokers, prefix: str, folder: Path) -> dict[str, str]:
    """The environment variables that any worker of ours needs, with `folder` for its state."""
    return {
        "BABELWIRE_BOOTSTRAP_SERVERS": brokers.bootstrap,
        "BABELWIRE_TOPIC_PREFIX": prefix,
        "BABELWIRE_REPLICATION_FACTOR": str(brokers.replicas),
        "BABELWIRE_METRICS_PORT": "0",
        "BABELWIRE_STATE_DIR": str(folder / "state"),
        "BABELWIRE_LOG_FORMAT": "json",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
    }


def settings_of(environment: Mapping[str, str]) -> Settings:
    """The settings that a worker with this environment has."""
    prefix = "BABELWIRE_"
    values = {name.removeprefix(prefix).lower(): value for name, value in environment.items()}
    return Settings.model_validate_strings(
        {name: value for name, value in values.items() if name in Settings.model_fields}
    )


def _environment(options: Options, folder: Path, brokers: Brokers) -> dict[str, str]:
    """Everything that the workers are told; other settings of the user's environment stay."""
    ours = surroundings(brokers, PREFIX, folder) | {
        step.STEP_MS: str(options.step_ms),
        step.SWITCH: str(folder / "engine-off"),
    }
    if not options.pipeline:
        ours["BABELWIRE_TIME_LIMIT"] = str(TIME_LIMIT_SECONDS)
    return {**os.environ, **ours}


def interruptible(work: Coroutine[Any, Any, T]) -> T:
    """Runs to the end, or until SIGINT or SIGTERM lets the work clean up after itself, and then
    raises CancelledError."""

    async def guarded() -> T:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        for number in (SIGINT, SIGTERM):
            loop.add_signal_handler(number, task.cancel)
        return await task

    return asyncio.run(guarded())


async def in_thread(call: Callable[[], T]) -> T:
    """Runs a blocking call to its end even when cancelled, so that no broker is left half started
    that nobody knows of."""
    thread = asyncio.ensure_future(asyncio.to_thread(call))
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        with suppress(Exception):
            await thread
        raise


def machine() -> dict[str, Any]:
    """The hardware and software that figures are for."""
    model = "unknown"
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return {
        "cores": os.cpu_count(),
        "processor": model,
        "memory_gib": round(memory),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
    }
