"""One stage as a Faust app in a process of its own: assembly, health, signals, drain.

Faust brings records and rebalances. It never commits by itself here: the agent's stream does not
acknowledge, and offsets go to the broker only through `Delivery`.
"""

import asyncio
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any, Final

import faust
import structlog
from aiohttp import web
from faust.types import TP
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from streams import clients
from streams.cost import resident_bytes
from streams.delivery import REVOKE_GRACE_SECONDS, Delivery, Record
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
from streams.watched import WatchedPool

log = structlog.get_logger()

PORTS_PER_STAGE: Final = 10
LAG_INTERVAL_SECONDS: Final = 5.0
STOP_LIMIT_SECONDS: Final = 10.0

EXIT_OK: Final = 0
EXIT_FAILED: Final = 70
EXIT_UNLOADABLE: Final = 78


def group_of(stage: Stage, settings: Settings) -> str:
    """The stage's consumer group, such as `babelwire.translation`."""
    return f"{settings.topic_prefix}.{stage.name}"


def create_app(stage: Stage, settings: Settings) -> faust.App:
    """The Faust app of a stage, with nothing started."""
    return faust.App(
        group_of(stage, settings),
        broker=";".join(f"kafka://{host}" for host in settings.bootstrap_servers.split(",")),
        value_serializer="raw",
        key_serializer="raw",
        autodiscover=False,
        web_enabled=False,
        datadir=str(settings.state_dir / "faust"),
        # Small buffers: what a worker holds is what comes again after a kill.
        stream_buffer_maxsize=64,
        stream_wait_empty=False,
        broker_max_poll_records=50,
        # Work may last minutes; liveness is the heartbeat's business, not the poll's.
        broker_max_poll_interval=1e7,
        broker_request_timeout=40.0,
        broker_session_timeout=20.0,
        broker_heartbeat_interval=3.0,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=stage.reads.largest_bytes,
        table_standby_replicas=0,
        topic_disable_leader=True,
        topic_allow_declare=False,
    )


class Worker:
    """Runs one stage until it is told to stop or something unexpected happens."""

    def __init__(self, stage: Stage, settings: Settings, port: int) -> None:
        self.stage = stage
        self.settings = settings
        self.port = port
        self.metrics = StageMetrics(stage.name)
        self.metrics.set(BUILD_INFO, 1, version=version("babelwire"))
        self.metrics.set(READY, 0)
        self.app = create_app(stage, settings)
        self._assigned: set[int] | None = None
        self._stopping = asyncio.Event()
        self._log = log.bind(stage=stage.name)

    @property
    def ready(self) -> bool:
        """Assigned (perhaps to no partition, when workers outnumber them) and able."""
        return self._assigned is not None and not self._stopping.is_set()

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
            waiting = asyncio.gather(
                pool.start(),
                clients.wait_for_topics(
                    self.settings, names, lambda words: self._log.warning(words)
                ),
            )
            if not await self._unless_stopped(waiting):
                return EXIT_OK
            return await self._consume(pool)
        except StageUnloadable as fault:
            self._log.error(str(fault))
            return EXIT_UNLOADABLE
        finally:
            self.metrics.set(READY, 0)
            await asyncio.to_thread(pool.stop)
            await server.cleanup()

    async def _unless_stopped(self, waiting: "asyncio.Future[Any]") -> bool:
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if waiting.done():
            waiting.result()
            return True
        waiting.cancel()
        return False

    async def _consume(self, pool: LanguagePool) -> int:
        async with clients.producer(self.settings) as producer:
            watched = WatchedPool(pool, self.metrics, self.settings.processes)
            delivery = Delivery(
                self.stage, self.settings, watched, producer, self.metrics, self._commit
            )
            self._wire(delivery)
            lag = asyncio.create_task(self._watch_lag())
            await self.app.start()
            crashed = asyncio.create_task(_wait(self.app._crashed))
            stopping = asyncio.create_task(_wait(self._stopping))
            try:
                await asyncio.wait(
                    {delivery.failure, crashed, stopping}, return_when=asyncio.FIRST_COMPLETED
                )
                if stopping.done():
                    return await self._drain(delivery)
                fault = (
                    delivery.failure.exception()
                    if delivery.failure.done()
                    else self.app._crash_reason
                )
                self._log.error(
                    "stopping on an unexpected fault; nothing uncommitted is lost",
                    fault=f"{type(fault).__name__}: {fault}",
                )
                return EXIT_FAILED
            finally:
                for task in (lag, crashed, stopping):
                    task.cancel()
                await delivery.close()

    async def _drain(self, delivery: Delivery) -> int:
        self._log.info("draining")
        consumer = self.app.consumer
        consumer.stop_flow()
        self.app.flow_control.suspend()
        self.app.flow_control.clear()
        drained = await delivery.drain(self.settings.drain_time)
        if not drained:
            self._log.warning(
                "drain_time is over; what was in hand comes again at the next start",
                drain_time=self.settings.drain_time,
            )
        try:
            await asyncio.wait_for(self.app.stop(), STOP_LIMIT_SECONDS)
        except TimeoutError:
            # A pending JoinGroup can hold Faust's shutdown; all that matters is committed.
            self._log.warning("the Kafka consumer did not stop in time; leaving without it")
        self._log.info("stopped")
        return EXIT_OK

    def _wire(self, delivery: Delivery) -> None:
        app = self.app
        topic = app.topic(
            self.stage.reads.full_name(self.settings.topic_prefix),
            value_type=bytes,
            key_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
            acks=False,
        )

        @app.agent(topic, name=self.stage.name)
        async def consume(stream: Any) -> None:
            async for event in stream.noack().events():
                message = event.message
                generation = message.generation_id

                def is_current(generation: int = generation) -> bool:
                    return bool(generation == app.consumer_generation_id)

                try:
                    await delivery.take(_record(message), is_current)
                except Exception as fault:  # noqa: BLE001 - Faust would acknowledge and go on
                    delivery.fail(fault)
                    return

        @app.on_partitions_revoked.connect(weak=False)
        async def revoked(_app: Any, _partitions: set[TP], **_: Any) -> None:
            await delivery.drain(REVOKE_GRACE_SECONDS)
            delivery.forget()

        @app.on_partitions_assigned.connect(weak=False)
        async def assigned(_app: Any, partitions: set[TP], **_: Any) -> None:
            delivery.forget()
            self._assigned = {partition.partition for partition in partitions}
            self.metrics.set(READY, 1)
            self._log.info("partitions assigned", partitions=sorted(self._assigned))

    async def _commit(self, offsets: Mapping[int, int]) -> bool:
        topic = self.stage.reads.full_name(self.settings.topic_prefix)
        consumer: Any = self.app.consumer
        committed = await consumer._commit(
            {TP(topic, partition): offset for partition, offset in offsets.items()}
        )
        return bool(committed)

    async def _watch_lag(self) -> None:
        topic = self.stage.reads.full_name(self.settings.topic_prefix)
        group = group_of(self.stage, self.settings)
        while True:
            try:
                async with (
                    clients.admin(self.settings) as client,
                    clients.reader(self.settings, fetch_bytes=LOOK_BYTES) as consumer,
                ):
                    while True:
                        await asyncio.sleep(LAG_INTERVAL_SECONDS)
                        self.metrics.set(MEMORY_BYTES, resident_bytes())
                        lags = await measure(
                            client,
                            consumer,
                            group,
                            topic,
                            self._assigned or (),
                            fresh_within=self.settings.fresh_within,
                        )
                        export(self.metrics, {self.stage.name: lags})
            except Exception as fault:  # noqa: BLE001 - watching must never stop the work
                self._log.debug("lag could not be measured", fault=str(fault))
                await asyncio.sleep(LAG_INTERVAL_SECONDS)

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


def main(stage: Stage, settings: Settings, port: int) -> int:
    """Runs a worker in the foreground until SIGTERM or SIGINT; returns the exit code."""
    configure(settings)
    # On every line, those of libraries included.
    structlog.contextvars.bind_contextvars(stage=stage.name)

    async def serve() -> int:
        worker = Worker(stage, settings, port)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, _stop(worker, settings))
        return await worker.run()

    try:
        code = asyncio.run(serve())
    except Exception as fault:  # noqa: BLE001 - one line that says why, not a page of traceback
        log.error(
            "stopping on an unexpected fault; nothing uncommitted is lost",
            stage=stage.name,
            fault=f"{type(fault).__name__}: {fault}",
        )
        code = EXIT_FAILED
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    # Faust's consumer thread may still wait for the broker; everything that counts is done.
    os._exit(code)


def _stop(worker: Worker, settings: Settings) -> Callable[[], None]:
    def stop() -> None:
        worker.stop()
        limit = settings.drain_time + 2 * STOP_LIMIT_SECONDS
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
