"""Everything together: Kafka, the real stages, Prometheus with alerts, the page in Chromium.

A stage is killed for good; the alert goes pending and fires, the page shows it, and all of it
clears when the stage is back. Windows are shortened, nothing else.
"""

import itertools
import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from playwright.sync_api import Locator, Page, expect

from agents.pipeline import PIPELINE
from ops.chromium import chromium
from ops.demo import SAMPLES
from ops.prometheus import rules
from ops.prometheus.programs import Prometheus, prometheus
from streams.embedded import Broker
from streams.worker import port_of
from tests.broker.harness import Desk, free_port, open_desk, served, until
from tests.unit.test_monitoring import expressions

# An hour in half a minute.
CLOCK = rules.Clock(pace=120, fresh_within=10, interval=1)
KILLED = "translation"
MANY = 14
SECRET = "quetzalcoatlus"
numbers = itertools.count()


@dataclass
class Watched:
    """A pipeline with all that watches it."""

    desk: Desk
    prometheus: Prometheus
    address: str


@pytest.fixture(scope="module")
def watched(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")
    desk = open_desk(broker.bootstrap, folder)
    desk.environment["BABELWIRE_FRESH_WITHIN"] = f"{CLOCK.fresh_within:g}"
    desk.settings = desk.settings.model_copy(update={"fresh_within": CLOCK.fresh_within})
    with ExitStack() as stack:
        for stage in PIPELINE:
            if stage.name != KILLED:
                stack.enter_context(desk.running("worker", stage.name))
        address = stack.enter_context(served(desk))
        workers = {
            stage.name: f"127.0.0.1:{port_of(position, 0, desk.settings)}"
            for position, stage in enumerate(PIPELINE)
        }
        page = address.removeprefix("http://").rstrip("/")
        started = prometheus(folder / "prometheus", free_port(), workers, page, CLOCK, 0.5)
        yield Watched(desk, stack.enter_context(started), address)


def push(desk: Desk, number: int) -> None:
    """Pushes so many small articles, just published."""
    desk.produce(
        [
            (
                None,
                orjson.dumps(
                    {
                        "body": f"Il sindaco di Torino incontra oggi Netflix. {SECRET}",
                        "url": f"https://example.org/{next(numbers)}",
                        "source": "test",
                        "published_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%MZ}",
                    }
                ),
                [],
            )
            for _ in range(number)
        ]
    )


def alert(watched: Watched, name: str) -> Callable[[str], bool]:
    return lambda state: watched.prometheus.alerts().get(name, "quiet") == state


def test_a_stage_that_is_gone_is_seen_told_and_forgotten_when_it_is_back(
    watched: Watched,
) -> None:
    desk = watched.desk
    with chromium() as browser:
        page = browser.new_page()
        with desk.running("worker", KILLED) as worker:
            desk.await_ready()
            desk.run("push", "--source", "samples", *map(str, sorted(SAMPLES.glob("0[1-6]*"))))
            desk.produce([(None, b"{broken", [])])
            articles = 6 + no_panel_is_empty(watched)
            desk.await_outcomes(articles + 1)
            page.goto(watched.address)
            expect(page.locator(".card")).to_have_count(articles, timeout=20_000)
            expect(stage(page)).to_have_attribute("data-state", "well", timeout=20_000)
            assert alert(watched, "BabelwireArticlesLate")("quiet")

            worker.send_signal(signal.SIGKILL)
            worker.wait(timeout=10)
            push(desk, MANY)
            late = alert(watched, "BabelwireArticlesLate")
            until(lambda: late("pending"), 60, "the alert pending")
            until(lambda: late("firing"), 60, "the alert firing")
            expect(stage(page)).to_have_attribute("data-state", "down", timeout=40_000)
            expect(page.locator("#words")).to_contain_text(f"No worker for {KILLED}")
            expect(lag(page)).to_have_text(str(MANY), timeout=20_000)
            push(desk, 3)
            expect(lag(page)).to_have_text(str(MANY + 3), timeout=20_000)
            until(lambda: alert(watched, "BabelwireStageDown")("firing"), 30, "the stage down")

        with desk.running("worker", KILLED):
            desk.await_ready(KILLED)
            desk.await_outcomes(articles + 1 + MANY + 3)
            expect(stage(page)).to_have_attribute("data-state", "well", timeout=30_000)
            expect(lag(page)).to_have_text("0", timeout=20_000)
            expect(page.locator(".card")).to_have_count(articles + MANY + 3, timeout=20_000)
            urgent = {"BabelwireArticlesLate", "BabelwireStageDown", "BabelwireStuck"}
            until(lambda: not urgent & watched.prometheus.alerts().keys(), 60, "all quiet")
    logs_tell_events_and_no_text(desk)


def stage(page: Page) -> Locator:
    return page.locator(f'.node[data-stage="{KILLED}"]')


def lag(page: Page) -> Locator:
    return stage(page).locator(".facts dd").first


def no_panel_is_empty(watched: Watched) -> int:
    """Every expression of every dashboard gives a number on the running pipeline, while articles
    flow; returns how many were pushed to keep them flowing."""
    waiting = {each.replace("$__rate_interval", "2m") for each in expressions()}
    pushed, pause = 0, 5.0
    deadline = time.monotonic() + 90
    last = time.monotonic()
    while waiting := {each for each in waiting if not has_number(watched.prometheus.query(each))}:
        assert time.monotonic() < deadline, f"empty: {waiting}"
        if time.monotonic() - last > pause:
            push(watched.desk, 1)
            pushed, last = pushed + 1, time.monotonic()
        time.sleep(0.2)
    return pushed


def has_number(result: list[dict[str, Any]]) -> bool:
    return any(not math.isnan(float(each["value"][1])) for each in result)


def logs_tell_events_and_no_text(desk: Desk) -> None:
    """Lines are JSON and carry the stage; none quotes an article; none is about one record."""
    for each in PIPELINE:
        lines = desk.log_of("worker", each.name).read_text().splitlines()
        told = [orjson.loads(line) for line in lines if line.startswith("{")]
        # Of a killed process only Python itself still has something to say.
        rest = [line for line in lines if not line.startswith("{")]
        assert all("resource_tracker" in line or "warnings.warn" in line for line in rest)
        assert {line["stage"] for line in told} == {each.name}
        assert SECRET not in "".join(lines)
        assert "record processed" not in {line["event"] for line in told}
    [letter] = [
        line
        for line in map(orjson.loads, desk.log_of("worker", "normalization").open())
        if line["event"] == "record became a dead letter"
    ]
    assert letter["level"] == "warning"
    assert letter["reason"] == "not_json"
    assert isinstance(letter["partition"], int)
    assert isinstance(letter["offset"], int)
