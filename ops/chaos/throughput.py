"""How fast one worker is with an empty step: babelwire with and without transactions, stock Faust,
plain aiokafka, one after the other on the same broker, over the same records.

A variant's topic is filled first. Then its worker starts, and the clock runs from the output that
ends the warm-up to the last one, by the broker's time.
"""

import asyncio
import os
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from ops.chaos import experiment, observe, processes, step, targets
from ops.chaos.brokers import Brokers
from ops.chaos.crew import Crew
from ops.chaos.experiment import RunFailed, Say
from ops.chaos.observe import Group
from ops.chaos.records import ID_HEADER, Source
from streams import clients, embedded
from streams.settings import Settings
from streams.topics import DEAD_LETTERS, RAW

LIMIT_SECONDS: Final = 300.0
# The first records come while processes start, connections open and Python warms up.
WARM_UP_SHARE: Final = 0.25
KEYS: Final = 500
LOOK_SECONDS: Final = 0.25
# From the first records to what is called idle.
SETTLING_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Variant:
    """What is measured: the stage that the crew starts, and settings of its own."""

    name: str
    stage: str
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Crowd:
    """How many workers share the work, on how many partitions, and how long each record's work
    waits, in milliseconds."""

    workers: int = 1
    partitions: int = RAW.partitions
    step_ms: float = 0.0


ALONE: Final = Crowd()

VARIANTS: Final = (
    Variant("babelwire exactly-once", step.NAME, (("BABELWIRE_DELIVERY", "exactly-once"),)),
    Variant("babelwire at-least-once", step.NAME, (("BABELWIRE_DELIVERY", "at-least-once"),)),
    Variant("stock Faust at-least-once", targets.STOCK_FAUST),
    Variant("plain aiokafka at-least-once", targets.PLAIN_AIOKAFKA),
)


async def measure(messages: int, rounds: int, say: Say) -> dict[str, Any]:
    """Records per second of each variant: the median of the rounds, with the CPU time of a
    thousand records (all processes of the worker) beside it, which other programs disturb less."""
    folder = Path(tempfile.mkdtemp(prefix="babelwire-throughput-"))
    brokers = Brokers(folder, 1, embedded.fetch_jars(Settings(), say))
    rates: dict[str, list[float]] = {variant.name: [] for variant in VARIANTS}
    costs: dict[str, list[float]] = {variant.name: [] for variant in VARIANTS}
    try:
        await experiment.in_thread(brokers.start)
        for number in range(rounds):
            # Turn about, so that a disturbance does not always meet the same one.
            order = VARIANTS if number % 2 == 0 else tuple(reversed(VARIANTS))
            for variant in order:
                prefix = f"round-{number}-{variant.name.replace(' ', '-')}"
                rate, cost = await one(variant, prefix, messages, folder, brokers)
                rates[variant.name].append(rate)
                costs[variant.name].append(cost)
                say(f"{variant.name}: {rate:,.0f} records/s, {cost:.2f} CPU s per 1000")
    finally:
        brokers.stop()
        shutil.rmtree(folder, ignore_errors=True)
    found: dict[str, Any] = {
        name: {
            "records_per_s": round(statistics.median(rates[name])),
            "cpu_s_per_1000": round(statistics.median(costs[name]), 3),
            "rounds": [round(rate) for rate in rates[name]],
        }
        for name in rates
    }
    with_, without = (found[VARIANTS[number].name]["records_per_s"] for number in (0, 1))
    stock = found[VARIANTS[2].name]["records_per_s"]
    return {
        "messages": messages,
        "variants": found,
        "cost_of_exactly_once": round(1 - with_ / without, 3),
        "times_stock_faust": round(with_ / stock, 2),
    }


async def one(
    variant: Variant,
    prefix: str,
    messages: int,
    folder: Path,
    brokers: Brokers,
    crowd: Crowd = ALONE,
) -> tuple[float, float]:
    """Records per second of one variant, and CPU seconds of a thousand records; the clock runs
    for that part of the records which comes after the warm-up. Raises RunFailed."""
    warm_up = int(messages * WARM_UP_SHARE)
    async with _worker(variant, prefix, folder, brokers, crowd, warm_up + messages) as (
        settings,
        crew,
    ):
        output = step.STAGE.writes.name
        await _until(lambda: _out(settings, output, warm_up))
        family = processes.family(crew.workers().values())
        used = -processes.cpu_seconds(family)
        at = time.time()
        group = Group(f"{prefix}.{variant.stage}", RAW.name)
        await _until(lambda: _done(settings, group))
        used += processes.cpu_seconds(family)
        done = await observe.outcomes(settings, output)
    late = sorted(outcome.at for outcome in done if outcome.at >= at)
    if len(late) < messages // 2:
        raise RunFailed(
            f"{variant.name}: only {len(late)} of {messages} records came after the warm-up was"
            " seen; measure more of them (--messages)"
        )
    return (len(late) - 1) / (late[-1] - late[0]), 1000 * used / len(late)


async def trickle(
    variant: Variant, prefix: str, per_second: float, seconds: float, folder: Path, brokers: Brokers
) -> tuple[float, float]:
    """CPU milliseconds of one worker per second without records, and per record when they come one
    by one at random times (a Poisson process), its idle time included. Raises RunFailed."""
    first = 20
    async with _worker(variant, prefix, folder, brokers, ALONE, first) as (settings, crew):
        output = step.STAGE.writes.name
        await _until(lambda: _out(settings, output, first))
        await asyncio.sleep(SETTLING_SECONDS)
        family = processes.family(crew.workers().values())
        used = [processes.cpu_seconds(family)]
        await asyncio.sleep(seconds / 2)
        used.append(processes.cpu_seconds(family))
        records = Source(2, KEYS, pipeline=False).batch(round(per_second * seconds), 0.0).records
        chance, due = random.Random(1), time.monotonic()
        async with clients.producer(settings) as producer:
            for record in records:
                due += chance.expovariate(per_second)
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                await producer.send(
                    RAW.full_name(settings.topic_prefix), record.value, key=record.key.encode()
                )
        await _until(lambda: _out(settings, output, first + len(records)))
        used.append(processes.cpu_seconds(family))
    idle, busy = used[1] - used[0], used[2] - used[1]
    return 1000 * idle / (seconds / 2), 1000 * busy / len(records)


@asynccontextmanager
async def _worker(
    variant: Variant, prefix: str, folder: Path, brokers: Brokers, crowd: Crowd, records: int
) -> AsyncIterator[tuple[Settings, Crew]]:
    """Topics of their own with so many records, and the workers that are starting to read them."""
    home = folder / prefix
    home.mkdir()
    environment = {
        **os.environ,
        **experiment.surroundings(brokers, prefix, home),
        step.STEP_MS: str(crowd.step_ms),
        **dict(variant.settings),
    }
    settings = experiment.settings_of(environment)
    topics = [
        replace(topic, partitions=crowd.partitions)
        for topic in (RAW, step.STAGE.writes, DEAD_LETTERS)
    ]
    await observe.create_topics(settings, topics, brokers)
    await _fill(settings, records)
    crew = Crew(home, environment)
    crew.start([f"{variant.stage}/{slot}" for slot in range(crowd.workers)])
    try:
        yield settings, crew
    finally:
        await asyncio.to_thread(crew.stop)


async def _fill(settings: Settings, number: int) -> None:
    source = Source(1, KEYS, pipeline=False)
    topic = RAW.full_name(settings.topic_prefix)
    async with clients.producer(settings) as producer:
        for record in source.batch(number, 0.0).records:
            await producer.send(
                topic,
                record.value,
                key=record.key.encode(),
                headers=[(ID_HEADER, record.id.encode())],
            )
        await producer.flush()


async def _out(settings: Settings, output: str, number: int) -> bool:
    return await observe.ends(settings, [output]) >= number


async def _done(settings: Settings, group: Group) -> bool:
    return await observe.behind(settings, [group]) == 0


async def _until(met: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while not await met():
        if time.monotonic() > deadline:
            raise RunFailed(f"the records were not through within {LIMIT_SECONDS:.0f} s")
        await asyncio.sleep(LOOK_SECONDS)
