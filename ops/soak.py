"""An hour's worth of events on the live page within minutes: `python -m ops.soak`.

Enriches our samples once, then puts copies of them on the enriched topic at an even rate while a
real Chromium shows the page and a plain reader counts. Half way the page's server is halted for
longer than its beats, as a connection that dies without a word does. Measured each few seconds:
the browser's script heap (after a collection) and its nodes, the server's memory. Prints a table
and, as the last line, a JSON object; exits 1 when a promise broke: memory within bounds, every
event read exactly once, the lost connection shown.
"""

import argparse
import asyncio
import itertools
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

import orjson
from playwright.sync_api import CDPSession, Page
from rich.console import Console

from agents.inputs import Hints, articles_of
from agents.pipeline import PIPELINE
from ops import demo
from ops.chromium import chromium
from streams import clients, embedded
from streams.cost import resident_bytes
from streams.settings import Settings
from streams.topics import ENRICHED

HALT_SECONDS: Final = 20.0
LOOK_SECONDS: Final = 5.0
# The page keeps 60 articles; this is far above what they take, and far below what 10,000 would.
MOST_HEAP: Final = 60_000_000
MOST_NODES: Final = 60_000
MOST_SERVER_GROWTH: Final = 0.25
LATE_SECONDS: Final = 60.0

out: Final = Console(highlight=False)


@dataclass(frozen=True)
class Look:
    """One look: seconds since the start, events written, bytes, nodes."""

    at: float
    written: int
    heap: float
    nodes: float
    server: int


@dataclass
class Reader:
    """A plain reader of /events, which comes back with the last id it saw."""

    address: str
    places: list[str] = field(default_factory=list)
    last: str | None = None
    ended: bool = False

    def run(self) -> None:
        """Reads until `ended`."""
        while not self.ended:
            headers = {"Last-Event-ID": self.last} if self.last else {}
            request = urllib.request.Request(f"{self.address}events", headers=headers)
            try:
                with urllib.request.urlopen(request, timeout=12) as stream:
                    self._read(stream)
            except OSError:
                time.sleep(0.5)

    def _read(self, stream: Any) -> None:
        kind = ""
        while not self.ended:
            line = stream.readline()
            if not line:
                return
            name, _, value = line.rstrip(b"\n").partition(b": ")
            if name == b"event":
                kind = value.decode()
            elif name == b"data" and kind == "article":
                self.places.append(orjson.loads(value)["place"])
            elif name == b"id":
                self.last = value.decode()


def main() -> int:
    """Runs the soak; returns the exit code."""
    arguments = argparse.ArgumentParser(prog="python -m ops.soak", description=__doc__)
    arguments.add_argument("--events", type=int, default=10_000)
    arguments.add_argument("--minutes", type=float, default=4.0)
    chosen = arguments.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="babelwire-soak-"))
    base = Settings()
    try:
        broker = embedded.start(folder, jars=embedded.fetch_jars(base), port=0)
        os.environ["BABELWIRE_BOOTSTRAP_SERVERS"] = broker.bootstrap
        os.environ["BABELWIRE_STATE_DIR"] = str(folder)
        os.environ["BABELWIRE_PAGE_PORT"] = str(demo.free_port(base.page_port))
        settings = Settings()
        asyncio.run(clients.create_topics(settings))
        out.print("enriching the samples")
        samples = _samples(settings)
        place = demo.Place(dict(os.environ), settings, folder / "page.log")
        return _soak(place, samples, chosen.events, chosen.minutes * 60)
    finally:
        embedded.stop(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _samples(settings: Settings) -> list[dict[str, Any]]:
    steps = [stage.load(settings) for stage in PIPELINE]
    events = []
    for path in sorted(demo.SAMPLES.glob("0*")):
        for item in articles_of(path, Hints(source="Agenzia di Prova", language=None, url=None)):
            made: Any = item.article
            for step in steps:
                made = step(made)
            events.append(made.model_dump(by_alias=True))
    return events


def _soak(place: demo.Place, samples: list[dict[str, Any]], number: int, seconds: float) -> int:
    looks: list[Look] = []
    with demo.page_of(place) as served, chromium() as browser:
        server = served.pid
        reader = Reader(served.address)
        threading.Thread(target=reader.run, daemon=True).start()
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        session = page.context.new_cdp_session(page)
        page.goto(served.address)
        page.locator("#link[data-state=live]").wait_for()
        writer = Writer(place.settings, samples, number, seconds)
        thread = threading.Thread(target=writer.run)
        thread.start()
        began = time.monotonic()
        noticed: float | None = None
        out.print("   time  written  heap MB   nodes  server MB")
        while thread.is_alive():
            page.wait_for_timeout(LOOK_SECONDS * 1000)
            looks.append(_look(session, time.monotonic() - began, writer.written, server))
            last = looks[-1]
            out.print(
                f"{last.at:6.0f} s {last.written:8} {last.heap / 1e6:8.1f} {last.nodes:7.0f}"
                f" {last.server / 1e6:10.1f}"
            )
            if noticed is None and writer.written > number / 2:
                noticed = _halted(page, server)
        thread.join()
        deadline = time.monotonic() + LATE_SECONDS
        while len(reader.places) < number and time.monotonic() < deadline:
            page.wait_for_timeout(500)
        page.wait_for_timeout(2_000)
        top = page.locator(".card").first.inner_text()
        cards = page.locator(".card").count()
        reader.ended = True
    return _verdict(looks, reader, number, noticed, f"ultimo {number - 1}" in top, cards)


class Writer:
    """Puts copies of the samples on the enriched topic at an even rate."""

    def __init__(
        self, settings: Settings, samples: list[dict[str, Any]], number: int, seconds: float
    ) -> None:
        self._settings = settings
        self._samples = samples
        self._number = number
        self._seconds = seconds
        self.written = 0

    def run(self) -> None:
        """Writes all of them."""
        asyncio.run(self._write())

    async def _write(self) -> None:
        topic = ENRICHED.full_name(self._settings.topic_prefix)
        began = time.monotonic()
        async with clients.producer(self._settings) as producer:
            for number, sample in zip(
                range(self._number), itertools.cycle(self._samples), strict=False
            ):
                copy = {**sample, "article_id": f"{number:064x}", "byline": f"ultimo {number}"}
                await producer.send(topic, orjson.dumps(copy), key=str(number).encode())
                self.written = number + 1
                due = began + self._seconds * (number + 1) / self._number
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            await producer.flush()


def _look(session: CDPSession, at: float, written: int, server: int) -> Look:
    session.send("HeapProfiler.collectGarbage")
    session.send("Performance.enable")
    told = {
        each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]
    }
    return Look(at, written, told["JSHeapUsedSize"], told["Nodes"], resident_bytes(server))


def _halted(page: Page, server: int) -> float | None:
    """Halts the server; gives the seconds until the page showed it, None when it did not."""
    os.kill(server, signal.SIGSTOP)
    began = time.monotonic()
    noticed = None
    try:
        while time.monotonic() - began < HALT_SECONDS:
            page.wait_for_timeout(250)
            state = page.locator("#link").get_attribute("data-state")
            if state == "lost" and noticed is None:
                noticed = time.monotonic() - began
    finally:
        os.kill(server, signal.SIGCONT)
    page.locator("#link[data-state=live]").wait_for(timeout=30_000)
    return noticed


def _verdict(
    looks: list[Look], reader: Reader, number: int, noticed: float | None, newest: bool, cards: int
) -> int:
    # The first looks are of a server and a page that are still warming up.
    half = [look.server for look in looks[len(looks) // 4 : len(looks) // 2]]
    end = [look.server for look in looks[-max(1, len(looks) // 4) :]]
    growth = median(end) / median(half) - 1
    result = {
        "events": number,
        "read": len(reader.places),
        "twice": len(reader.places) - len(set(reader.places)),
        "seconds": round(looks[-1].at),
        "cards": cards,
        "newest_on_top": newest,
        "most_heap_mb": round(max(look.heap for look in looks) / 1e6, 1),
        "last_heap_mb": round(looks[-1].heap / 1e6, 1),
        "most_nodes": round(max(look.nodes for look in looks)),
        "server_mb": round(median(end) / 1e6, 1),
        "server_growth": round(growth, 3),
        "lost_connection_shown_after_s": None if noticed is None else round(noticed, 1),
    }
    out.print(json.dumps(result), soft_wrap=True)
    kept = (
        result["read"] == number
        and result["twice"] == 0
        and newest
        and max(look.heap for look in looks) < MOST_HEAP
        and max(look.nodes for look in looks) < MOST_NODES
        and growth < MOST_SERVER_GROWTH
        and noticed is not None
    )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
