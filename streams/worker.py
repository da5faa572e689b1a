"""One stage as a Faust app in a process of its own: assembly, health, signals, drain.

Faust brings records and rebalances through our own transport (`streams.transport`); what becomes
of the records is decided by `streams.delivery`.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any, Final, NoReturn

import structlog
import uvloop
from aiohttp import web
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from streams import clients
from streams.cost import resident_bytes
from streams.delivery import Delivery, Record
from streams.group import group_of, left_out
from streams.headers import plain
from streams.lag import LOOK_BYTES, export, measure
from streams.logs import configure
from streams.metrics import (
    BUILD_INFO,
    MEMORY_BYTES,
    POOL_RESTARTS,
    READY,
    StageMetrics,
)
from streams.pool import LanguagePool, StageUnloadable
from streams.settings import Settings
from streams.stage import Stage
from streams.topics import DEAD_LETTERS
from streams.transport import SCHEME, NoMonitor, NoTables, PlaceTaken, Reader, StageApp
from streams.writers import DeliveryFault, PlainWrites, Transactions, Writer

log = structlog.get_logger()

PORTS_PER_STAGE: Final = 10
LAG_INTERVAL_SECONDS: Final = 5.0
# The kernel walks all pages of all processes to tell, which takes a tenth of a second.
MEMORY_INTERVAL_SECONDS: Final = 60.0
LEAVE_SECONDS: Final = 2.0
# After this a stopping worker ends whatever it still waits for; what counts is committed by then.
STOP_LIMIT_SECONDS: Final = 5.0

EXIT_OK: Final = 0
EXIT_FAILED: Final = 70
EXIT_DELIVERY: Final = 75
EXIT_UNLOADABLE: Final = 78

# What a restart is the cure for.
EXPECTED_FAULTS: Final = (DeliveryFault, PlaceTaken, KafkaError, clients.BrokerUnreachable)


def member_of(stage: Stage, settings: Settings, slot: int) -> str:
    """The static member that a worker is: the same after a restart, so that it gets its partitions
    back without the group being stopped for it."""
    return f"{group_of(stage, settings)}.{socket.gethostname()}.{slot}"


def create_app(stage: Stage, settings: Settings, slot: int = 0) -> StageApp:
    """The Faust app of a stage, with nothing started."""
    app = StageApp(
        group_of(stage, settings),
        broker=f"{SCHEME}://{settings.bootstrap_servers.split(',')[0]}",
        value_serializer="raw",
        key_serializer="raw",
        autodiscover=False,
        web_enabled=False,
        datadir=str(settings.state_dir / "faust"),
        # Credit bounds what is on its way; this buffer only must not be what fills up first.
        stream_buffer_maxsize=16 * settings.in_flight,
        stream_wait_empty=False,
        TableManager=NoTables,
        Monitor=NoMonitor,
        # Faust commits nothing; these timers would only look whether it should.
        broker_commit_interval=60.0,
        table_standby_replicas=0,
        topic_disable_leader=True,
        topic_allow_declare=False,
    )
    app.settings = settings
    app.topic_name = stage.reads.full_name(settings.topic_prefix)
    app.member = member_of(stage, settings, slot)
    return app


class Worker:
    """Runs one stage until it is told to stop or something unexpected happens."""

    def __init__(self, stage: Stage, settings: Settings, port: int, slot: int = 0) -> None:
        self.stage = stage
        self.settings = settings
        self.port = port
        self.metrics = StageMetrics(stage.name)
        self.metrics.set(BUILD_INFO, 1, version=version("babelwire"))
        self.metrics.set(READY, 0)
        self.app = create_app(stage, settings, slot)
        self._delivery: Delivery | None = None
        self._loaded = False
        self._stopping = asyncio.Event()
        self._log = log.bind(stage=stage.name)

    @property
    def ready(self) -> bool:
        """Assigned (perhaps to no partition, when workers outnumber them) and able."""
        assigned = self._partitions() is not None
        return assigned and self._loaded and not self._stopping.is_set()

    def _partitions(self) -> set[int] | None:
        return self._delivery.partitions if self._delivery else None

    def stop(self) -> None:
        """Asks the worker to drain and end."""
        self._stopping.set()

    async def run(self) -> int:
        """Runs to the end; returns the exit code."""
        prefix = self.settings.topic_prefix
        names = [
            topic.full_name(prefix) for topic in (self.stage.reads, self.stage.writes, DEAD_LETTERS)
        ]
        # Faust wants its folder even though nothing of ours is kept in it.
        self.app.conf.datadir.mkdir(parents=True, exist_ok=True)
        try:
            server = await self._serve_health()
        except OSError as fault:
            self._log.error(
                f"cannot serve metrics on {self.settings.host}:{self.port} ({fault.strerror});"
                " is another worker of this stage running? (settings host, metrics_port)"
            )
            return EXIT_FAILED
        pool = LanguagePool(self.stage, self.settings, lambda: self.metrics.count(POOL_RESTARTS))
        try:
            # The models are loaded while the group is joined; a stopped worker waits for neither.
            loading = asyncio.create_task(self._load(pool))
            waiting = asyncio.ensure_future(
                clients.wait_for_topics(
                    self.settings,
                    names,
                    lambda words: self._log.warning(words),
                    group_of(self.stage, self.settings),
                )
            )
            if not await self._unless_stopped(waiting, loading):
                return EXIT_OK
            return await self._consume(pool, loading)
        finally:
            self.metrics.set(READY, 0)
            await pool.close()
            await server.cleanup()

    async def _unless_stopped(
        self, waiting: "asyncio.Future[None]", loading: "asyncio.Future[None]"
    ) -> bool:
        stopping = asyncio.ensure_future(self._stopping.wait())
        parts: set[asyncio.Future[Any]] = {waiting, loading, stopping}
        while not (waiting.done() or stopping.done()):
            done, parts = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            if loading in done:
                loading.result()
        stopping.cancel()
        if waiting.done():
            waiting.result()
            return True
        waiting.cancel()
        return False

    async def _load(self, pool: LanguagePool) -> None:
        await pool.start()
        self._loaded = True
        self._show_ready()

    def _show_ready(self) -> None:
        self.metrics.set(READY, 1 if self.ready else 0)

    async def _consume(self, pool: LanguagePool, loading: "asyncio.Task[None]") -> int:
        reader = Reader(self.app)
        if self.settings.delivery == "exactly-once":
            group, source = group_of(self.stage, self.settings), self.app.topic_name
            return await self._deliver(
                pool,
                loading,
                reader,
                lambda: Transactions(self.settings, group, source, self.app.member),
            )
        async with clients.producer(self.settings) as producer:
            return await self._deliver(
                pool,
                loading,
                reader,
                lambda: PlainWrites(self.settings, producer, reader.commit_offsets),
            )

    async def _deliver(
        self,
        pool: LanguagePool,
        loading: "asyncio.Task[None]",
        reader: Reader,
        new_writer: Callable[[], Writer],
    ) -> int:
        delivery = Delivery(self.stage, self.settings, pool, self.metrics, new_writer, reader)
        self._delivery = self.app.flow = delivery
        self._wire(delivery)
        lag = asyncio.create_task(self._watch_lag(reader))
        await self.app.start()
        crashed = asyncio.create_task(_wait(self.app._crashed))
        stopping = asyncio.create_task(_wait(self._stopping))
        try:
            ends = {delivery.failure, crashed, stopping}
            await asyncio.wait({loading, *ends}, return_when=asyncio.FIRST_COMPLETED)
            if loading.done():
                loading.result()
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if stopping.done():
                return await self._drain(delivery, reader)
            failed = delivery.failure.done()
            fault = delivery.failure.exception() if failed else self.app._crash_reason
            with clients.authorized(self.settings):
                raise fault or RuntimeError("Faust stopped without saying why")
        finally:
            for task in (lag, crashed, stopping):
                task.cancel()
            if delivery.failure.done():
                # What the writers hold is not committed; the next owner fences them.
                delivery.abandon()
            else:
                await delivery.close()

    async def _drain(self, delivery: Delivery, reader: Reader) -> int:
        self._log.info("draining")
        reader.stop()
        if not await delivery.drain(self.settings.drain_time):
            self._log.warning(
                "drain_time is over; what was in hand comes again at the next start",
                drain_time=self.settings.drain_time,
            )
        try:
            await asyncio.wait_for(reader.leave_group(), LEAVE_SECONDS)
        except (TimeoutError, KafkaError) as fault:
            self._log.warning(
                "could not leave the group; others take over after session_timeout",
                fault=f"{type(fault).__name__}: {fault}",
            )
        self._log.info("stopped")
        return EXIT_OK

    def _wire(self, delivery: Delivery) -> None:
        topic = self.app.topic(
            self.app.topic_name,
            value_type=bytes,
            key_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
            acks=False,
        )

        @self.app.agent(topic, name=self.stage.name)
        async def consume(stream: Any) -> None:
            async for event in stream.noack().events():
                try:
                    delivery.take(_record(event.message), event.message.stamp)
                except Exception as fault:  # noqa: BLE001 - Faust would acknowledge and go on
                    delivery.fail(fault)
                    return

        @self.app.on_partitions_assigned.connect(weak=False)
        async def assigned(_app: Any, _partitions: Any, **_: Any) -> None:
            self._show_ready()

    async def _watch_lag(self, reader: Reader) -> None:
        topic = self.app.topic_name
        group = group_of(self.stage, self.settings)
        memory_due = 0.0
        while True:
            try:
                async with (
                    clients.admin(self.settings) as client,
                    clients.reader(self.settings, LOOK_BYTES, clients.CONSUMER_IDLE_MS) as consumer,
                ):
                    while True:
                        await asyncio.sleep(LAG_INTERVAL_SECONDS)
                        if time.monotonic() > memory_due:
                            self.metrics.set(MEMORY_BYTES, resident_bytes())
                            memory_due = time.monotonic() + MEMORY_INTERVAL_SECONDS
                        lags = await measure(
                            client,
                            consumer,
                            group,
                            topic,
                            self._partitions() or (),
                            fresh_within=self.settings.fresh_within,
                        )
                        export(self.metrics, {self.stage.name: lags})
                        await self._share_out(client, reader)
            except Exception as fault:  # noqa: BLE001 - watching must never stop the work
                self._log.debug("lag could not be measured", fault=str(fault))
                await asyncio.sleep(LAG_INTERVAL_SECONDS)

    async def _share_out(self, client: AIOKafkaAdminClient, reader: Reader) -> None:
        """Has partitions shared out that nobody reads, such as new ones."""
        if self._partitions() is None:
            return
        topic = self.app.topic_name
        partitions = await left_out(client, group_of(self.stage, self.settings), topic)
        if partitions:
            self._log.info("asking for partitions that nobody reads", partitions=sorted(partitions))
            await reader.rejoin()

    async def _serve_health(self) -> web.AppRunner:
        async def metrics(_: web.Request) -> web.Response:
            return web.Response(
                body=generate_latest(self.metrics.registry),
                headers={"Content-Type": CONTENT_TYPE_LATEST},
            )

        async def alive(_: web.Request) -> web.Response:
            return web.Response(text="alive\n")

        async def readiness(_: web.Request) -> web.Response:
            if self.ready:
                return web.Response(text="ready\n")
            return web.Response(status=503, text="not assigned yet\n")

        server = web.Application()
        server.router.add_get("/metrics", metrics)
        server.router.add_get("/healthz", alive)
        server.router.add_get("/readyz", readiness)
        runner = web.AppRunner(server, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, self.settings.host, self.port)
        await site.start()
        self._log.info("metrics served", host=self.settings.host, port=runner.addresses[0][1])
        return runner


def port_of(position: int, slot: int, settings: Settings) -> int:
    """Metrics port of worker number `slot` of the stage at `position` in the pipeline."""
    if settings.metrics_port == 0:
        return 0
    return settings.metrics_port + PORTS_PER_STAGE * position + slot


def main(stage: Stage, settings: Settings, port: int, slot: int = 0) -> NoReturn:
    """Runs a worker in the foreground until SIGTERM or SIGINT, then ends the process."""
    configure(settings)
    # On every line, those of libraries included.
    structlog.contextvars.bind_contextvars(stage=stage.name)

    async def serve() -> None:
        worker = Worker(stage, settings, port, slot)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, _stop(worker, settings))
        try:
            code = await worker.run()
        except Exception as fault:  # noqa: BLE001 - one line that says why, no page of traceback
            code = _report(stage, fault)
        # Not by returning: Faust's threads may still wait for the broker, and would be waited for,
        # although everything that counts is done.
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

    # By the policy, so that Faust's consumer thread gets one too.
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(serve())
    raise AssertionError("the process ends before its loop does")


def _report(stage: Stage, fault: Exception) -> int:
    """Says in one line why the worker ends; returns the exit code."""
    if isinstance(fault, StageUnloadable | clients.AccessRefused):
        log.error(str(fault), stage=stage.name)
        return EXIT_UNLOADABLE
    log.error(
        "stopping on a fault; nothing uncommitted is lost",
        stage=stage.name,
        fault=f"{type(fault).__name__}: {fault}",
    )
    return EXIT_DELIVERY if isinstance(fault, EXPECTED_FAULTS) else EXIT_FAILED


def _stop(worker: Worker, settings: Settings) -> Callable[[], None]:
    def stop() -> None:
        worker.stop()
        limit = settings.drain_time + LEAVE_SECONDS + STOP_LIMIT_SECONDS
        timer = threading.Timer(limit, lambda: os._exit(EXIT_FAILED))
        timer.daemon = True
        timer.start()

    return stop


async def _wait(event: Any) -> None:
    await event.wait()


def _record(message: Any) -> Record:
    return Record(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        timestamp=message.timestamp or time.time(),
        key=message.key,
        value=message.value,
        headers=plain(_pairs(message.headers)),
    )


def _pairs(raw: Any) -> list[tuple[str, bytes | None]]:
    return list(raw.items()) if isinstance(raw, Mapping) else list(raw or ())
