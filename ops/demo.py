"""`make demo`: the whole pipeline on an embedded broker, from samples to cards, in one go.

Starts a broker and the three stages, pushes `ops/samples`, shows what came out, and stops all it
started. With KEEP=1 in the environment it stays up until Ctrl-C, with the live page and a
Prometheus beside it. Exits 0 when every article came out as it should.
"""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import webbrowser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from agents.pipeline import PIPELINE
from ops.prometheus.programs import Prometheus, PrometheusFailed, prometheus
from streams import embedded, reading
from streams.metrics import END_TO_END_SECONDS, RECORDS, WORK_SECONDS
from streams.settings import Settings
from streams.topics import DEAD_LETTERS, ENRICHED
from streams.worker import PORTS_PER_STAGE, port_of

SAMPLES: Final = Path(__file__).resolve().parent / "samples"
# The samples hold this many articles, and one record that is cut off in the middle.
ARTICLES: Final = 10
BROKEN: Final = 1
READY_SECONDS: Final = 90.0
DONE_SECONDS: Final = 180.0

out: Final = Console(highlight=False)


class DemoFailed(RuntimeError):
    """Something did not come up or did not come out; the message says what and where to look."""


@dataclass(frozen=True)
class Place:
    """Where this run of the demo lives: its settings as environment, its log file."""

    environment: dict[str, str]
    settings: Settings
    log: Path


@dataclass(frozen=True)
class ServedPage:
    """The live page while it is served: its address, and the process that serves it."""

    address: str
    pid: int


def main() -> int:
    """Runs the demo; returns the exit code."""
    folder = Path(tempfile.mkdtemp(prefix="babelwire-demo-"))
    try:
        return _demo(folder)
    except (DemoFailed, PrometheusFailed, embedded.EmbeddedKafkaError) as fault:
        out.print(f"✗ {fault}", style="red", markup=False)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _demo(folder: Path) -> int:
    began = time.monotonic()
    with started(folder) as place:
        return _show(place, began)


@contextmanager
def started(folder: Path) -> Iterator[Place]:
    """An embedded Kafka and all stages, ready; stopped at the end."""
    step("starting Kafka (embedded, one node)")
    base = Settings()
    jars = embedded.fetch_jars(base, lambda line: out.print(f"  {line}", style="dim"))
    port = free_port(9092)
    try:
        embedded.start(folder, jars=jars, port=port)
        place = _place(folder, port)
        with pipeline_of(place):
            step("starting normalization, translation, tagging")
            _await_ready(place)
            yield place
    finally:
        embedded.stop(folder)
        step("stopped everything it started")


def _show(place: Place, began: float) -> int:
    out.print(f"  ready {time.monotonic() - began:.1f} s after the start", style="dim")
    pushed_at = time.time()
    step("pushing the samples, written for this demo")
    babelwire(place, "push", "--source", "samples", str(SAMPLES))
    babelwire(place, "push", "--as-is", str(SAMPLES / "10-broken.record"))
    _await_done(place)
    took = time.time() - pushed_at
    step("the enriched events, as `babelwire tail` shows them")
    babelwire(place, "tail", "--once", "--since", "1h")
    step("the dead letters")
    asyncio.run(_show_dead_letters(place.settings))
    step(f"what each stage did ({took:.1f} s from the first push to the last event)")
    _show_stages(place)
    if os.environ.get("KEEP") == "1":
        with ExitStack() as stack:
            page = stack.enter_context(page_of(place))
            watching = stack.enter_context(prometheus_of(place))
            _keep(place, page, watching)
    return 0


def _place(folder: Path, port: int) -> Place:
    chosen = {
        "BABELWIRE_BOOTSTRAP_SERVERS": f"127.0.0.1:{port}",
        "BABELWIRE_STATE_DIR": str(folder),
        "BABELWIRE_METRICS_PORT": str(free_metrics_port()),
        "BABELWIRE_PAGE_PORT": str(free_port(Settings.model_fields["page_port"].default)),
    }
    os.environ.update(chosen)
    return Place(dict(os.environ), Settings(), folder / "pipeline.log")


@contextmanager
def pipeline_of(place: Place) -> Iterator[None]:
    """All stages, supervised, in a process of their own."""
    with place.log.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "agents.cli", "run"],
            env=place.environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield
        except DemoFailed as fault:
            last = "\n".join(place.log.read_text().splitlines()[-15:])
            raise DemoFailed(f"{fault}\nThe pipeline's last words:\n{last}") from None
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def _await_ready(place: Place) -> None:
    deadline = time.monotonic() + READY_SECONDS
    for position, stage in enumerate(PIPELINE):
        url = f"{_address(place, position)}/readyz"
        while not answers(url):
            if time.monotonic() > deadline:
                raise DemoFailed(f"{stage.name} was not ready within {READY_SECONDS:.0f} s")
            time.sleep(0.1)


def _await_done(place: Place) -> None:
    deadline = time.monotonic() + DONE_SECONDS
    enriched = dead = 0
    while enriched < ARTICLES or dead < BROKEN:
        if time.monotonic() > deadline:
            raise DemoFailed(
                f"after {DONE_SECONDS:.0f} s there are {enriched} events of {ARTICLES}"
                f" and {dead} dead letters of {BROKEN}"
            )
        time.sleep(0.2)
        finished = [_counts(place, position) for position in range(len(PIPELINE))]
        enriched = int(finished[-1].processed)
        dead = int(sum(each.dead for each in finished))


async def _show_dead_letters(settings: Settings) -> None:
    topic = DEAD_LETTERS.full_name(settings.topic_prefix)
    async for record in reading.follow(settings, topic, 0.0, stop_at_end=True):
        letter = reading.letter_of(record)
        if letter is None:
            continue
        facts = [
            f"reason   {letter.reason}",
            f"error    {letter.error}",
            f"stage    {letter.stage} {letter.stage_version}, attempt {letter.attempts}",
            f"source   {letter.source_topic}/{letter.source_partition}@{letter.source_offset}",
            f"body     {len(record.value or b'')} bytes, untouched",
        ]
        out.print(Panel("\n".join(facts), border_style="red", title="dead letter", expand=False))


def _show_stages(place: Place) -> None:
    table = Table("stage", "events out", "dead letters", "work, mean", "since the push, mean")
    for position, stage in enumerate(PIPELINE):
        each = _counts(place, position)
        table.add_row(
            stage.name,
            f"{each.processed:.0f}",
            f"{each.dead:.0f}",
            f"{each.work:.3f} s",
            f"{each.end_to_end:.2f} s",
        )
    out.print(table)


@contextmanager
def page_of(place: Place) -> Iterator[ServedPage]:
    """The live page in a process of its own."""
    address = f"http://{place.settings.page_host}:{place.settings.page_port}/"
    with place.log.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "agents.cli", "page"],
            env=place.environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + READY_SECONDS
            while not answers(f"{address}healthz"):
                if process.poll() is not None or time.monotonic() > deadline:
                    last = place.log.read_text().splitlines()[-1:]
                    raise DemoFailed(f"the live page did not start: {''.join(last)}")
                time.sleep(0.1)
            yield ServedPage(address, process.pid)
        finally:
            process.terminate()
            process.wait()


@contextmanager
def prometheus_of(place: Place) -> Iterator[Prometheus]:
    """A Prometheus that scrapes this pipeline and its page."""
    workers = {
        stage.name: f"{place.settings.host}:{port_of(position, 0, place.settings)}"
        for position, stage in enumerate(PIPELINE)
    }
    page = f"{place.settings.page_host}:{place.settings.page_port}"
    folder = place.log.parent / "prometheus"
    with prometheus(folder, free_port(9090), workers, page) as started:
        yield started


def _keep(place: Place, page: ServedPage, watching: Prometheus) -> None:
    metrics = "\n".join(
        f"  {stage.name:<15} {_address(place, position)}/metrics"
        for position, stage in enumerate(PIPELINE)
    )
    out.print(
        f"\nIt stays up until Ctrl-C. In another terminal:\n"
        f"  . .venv/bin/activate\n"
        f"  export BABELWIRE_BOOTSTRAP_SERVERS={place.settings.bootstrap_servers}\n"
        f"  babelwire push FILE        push an article\n"
        f"  babelwire tail             watch {ENRICHED.full_name(place.settings.topic_prefix)}\n"
        f"  babelwire status           lag, rates, dead letters\n"
        f"The live page:  {page.address}\n"
        f"Prometheus:     {watching.address}/graph, /alerts (its pages need Debian's package"
        " prometheus; its API does not)\n"
        f"Metrics:\n{metrics}\n"
        f"Log: {place.log}",
        markup=False,
        soft_wrap=True,
    )
    # Where there is a desktop; on a server the address above is all there is to open.
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(page.address)
    # Both lead through the orderly stop, also where the shell had SIGINT ignored (a job in the
    # background).
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    try:
        signal.pause()
    except KeyboardInterrupt:
        out.print("stopping")


@dataclass(frozen=True)
class Counts:
    """What one stage's metrics say; times are means in seconds."""

    processed: float
    dead: float
    work: float
    end_to_end: float


def _counts(place: Place, position: int) -> Counts:
    with urllib.request.urlopen(f"{_address(place, position)}/metrics", timeout=5) as response:
        text = response.read().decode()
    samples = [
        sample for family in text_string_to_metric_families(text) for sample in family.samples
    ]

    def total(name: str, **labels: str) -> float:
        wanted = labels.items()
        return sum(s.value for s in samples if s.name == name and wanted <= s.labels.items())

    def mean(name: str) -> float:
        count = total(f"{name}_count")
        return total(f"{name}_sum") / count if count else 0.0

    return Counts(
        total(RECORDS.name, outcome="processed"),
        total(RECORDS.name, outcome="dead_letter"),
        mean(WORK_SECONDS.name),
        mean(END_TO_END_SECONDS.name),
    )


def babelwire(place: Place, *arguments: str, quiet: bool = False) -> None:
    """Runs a command; shows it and what it says, unless `quiet`."""
    if not quiet:
        out.print(f"  $ babelwire {' '.join(arguments)}", style="dim", markup=False, soft_wrap=True)
    done = subprocess.run(
        [sys.executable, "-m", "agents.cli", *arguments],
        env=place.environment,
        check=False,
        capture_output=quiet,
    )
    if done.returncode != 0:
        raise DemoFailed(f"babelwire {arguments[0]} exited with {done.returncode}")


def _address(place: Place, position: int) -> str:
    return f"http://{place.settings.host}:{port_of(position, 0, place.settings)}"


def answers(url: str) -> bool:
    """Whether an HTTP GET of `url` gives 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def free_port(wanted: int) -> int:
    """The port if nobody listens on it, else another one."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            try:
                probe.bind((embedded.HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise DemoFailed("no free port on loopback")


def free_metrics_port() -> int:
    """A port from which on those of all stages' workers are free."""
    default = int(Settings.model_fields["metrics_port"].default)
    for base in range(default, default + 1000, 100):
        ports = [base + PORTS_PER_STAGE * position for position in range(len(PIPELINE))]
        if all(free_port(port) == port for port in ports):
            return base
    raise DemoFailed(f"no free metrics ports from {default} on")


def step(words: str) -> None:
    """Says what comes next."""
    out.print(f"\n▸ {words}", style="bold", markup=False)


if __name__ == "__main__":
    raise SystemExit(main())
