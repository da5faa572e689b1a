"""Asking the workers of this machine what only they know; whoever does not answer is left out."""

import asyncio
from collections.abc import Sequence
from typing import Final

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from streams.breaker import Circuit
from streams.metrics import CIRCUIT
from streams.settings import Settings
from streams.stage import Stage
from streams.worker import PORTS_PER_STAGE, port_of

ANSWER_SECONDS: Final = 1.0


async def circuits(settings: Settings, stages: Sequence[Stage]) -> dict[str, Circuit]:
    """The circuit breaker of each stage, the most open one of its workers here.

    `stages` are all of them, in flow order: their places make the ports. A stage of which no worker
    answers (none runs on this machine, or settings.metrics_port is 0) is missing.
    """
    if settings.metrics_port == 0:
        return {}
    limit = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    async with aiohttp.ClientSession(timeout=limit) as session:
        answers = await asyncio.gather(
            *(
                _circuit(session, settings.host, port_of(position, slot, settings), stage.name)
                for position, stage in enumerate(stages)
                for slot in range(PORTS_PER_STAGE)
            )
        )
    worst: dict[str, Circuit] = {}
    for answer in answers:
        if answer is not None:
            name, state = answer
            worst[name] = max(state, worst.get(name, state), key=lambda each: each.value)
    return worst


async def _circuit(
    session: aiohttp.ClientSession, host: str, port: int, stage: str
) -> tuple[str, Circuit] | None:
    try:
        async with session.get(f"http://{host}:{port}/metrics") as response:
            text = await response.text()
    except (aiohttp.ClientError, TimeoutError, UnicodeDecodeError):
        return None
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == CIRCUIT.name and sample.labels.get("stage") == stage:
                    return stage, Circuit(int(sample.value))
    except ValueError:
        pass  # some other program listens there
    return None
