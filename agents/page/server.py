"""The live page: `babelwire page`. Serves the page, its event stream, and the replay of letters.

What it shows was written by strangers, so the page is locked down twice: it builds its content as
text only, and a strict Content-Security-Policy (with Trusted Types) lets nothing else run. Names
other than loopback ones and addresses are refused, which ends DNS rebinding. A replay needs a
loopback peer, the page's own origin and a token that only the page was told.
"""

import asyncio
import ipaddress
import secrets
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import orjson
import structlog
from aiohttp import web
from aiokafka.errors import KafkaError
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from agents.page.feed import Record, feed
from agents.page.flow import Letter
from agents.page.stream import BadQuery, Position, Query, frame
from agents.page.watch import Watch, told
from schemas import EnrichedEvent, MessageError, decode
from streams import clients, dead_letters
from streams.metrics import PAGE_EVENTS, PAGE_METRICS, PAGE_STREAMS, Metrics
from streams.settings import Settings
from streams.stage import Stage

log = structlog.get_logger()

STATIC: Final = Path(__file__).with_name("static")
MOST_STREAMS: Final = 32
BEAT_SECONDS: Final = 5.0
# A reader that takes nothing for so long has gone or sleeps; it resumes where it was.
WRITE_SECONDS: Final = 30.0
STOP_SECONDS: Final = 2.0
REPLAYS_PER_SECOND: Final = 50.0
MOST_REPLAYED_AT_ONCE: Final = 100

HEADERS: Final = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "img-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
FILES: Final = {
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
OPEN_TO_ANY_NAME: Final = ("/metrics", "/healthz")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Page:
    """The page's server: `create` gives its aiohttp application."""

    def __init__(self, settings: Settings, stages: Sequence[Stage]) -> None:
        self.settings = settings
        self.enriched = stages[-1].writes.full_name(settings.topic_prefix)
        self._token = secrets.token_urlsafe(32)
        self.metrics = Metrics(PAGE_METRICS)
        self.metrics.set(PAGE_STREAMS, 0)
        self._streams: set[asyncio.Task[Any]] = set()
        self._replaying = asyncio.Lock()
        self.watch = Watch(settings, stages, self.metrics)

    def create(self) -> web.Application:
        """The application; it watches the broker from its start to its end."""
        server = web.Application(middlewares=[_guarded], client_max_size=64 * 1024)
        server.router.add_get("/", self._page)
        for path in FILES:
            server.router.add_get(path, _file)
        server.router.add_get("/events", self._events)
        server.router.add_get("/flow", self._flow)
        server.router.add_get("/dead-letters", self._letters)
        server.router.add_post("/dead-letters/replay", self._replay)
        server.router.add_get("/metrics", self._exported)
        server.router.add_get("/healthz", _alive)
        server.on_shutdown.append(self._end_streams)
        server.cleanup_ctx.append(self._watching)
        return server

    async def _watching(self, _: web.Application) -> Any:
        watching = asyncio.create_task(self.watch.run())
        yield
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)

    async def _end_streams(self, _: web.Application) -> None:
        for stream in self._streams:
            stream.cancel()
        await asyncio.gather(*self._streams, return_exceptions=True)

    async def _page(self, _: web.Request) -> web.Response:
        text = (STATIC / "index.html").read_text(encoding="utf-8")
        return web.Response(
            text=text.replace("{token}", self._token), content_type="text/html", charset="utf-8"
        )

    async def _flow(self, _: web.Request) -> web.Response:
        return _json(told(self.watch.snapshot))

    async def _letters(self, _: web.Request) -> web.Response:
        book = self.watch.book
        letters = [_shown(each, each.place in book.replayed) for each in reversed(book.letters)]
        return _json({"letters": letters})

    async def _exported(self, _: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(self.metrics.registry),
            headers={"Content-Type": CONTENT_TYPE_LATEST},
        )

    async def _events(self, request: web.Request) -> web.StreamResponse:
        try:
            query = Query.of(request.query, request.headers.get("Last-Event-ID"))
        except BadQuery as fault:
            return _json({"error": str(fault)}, status=400)
        if len(self._streams) >= MOST_STREAMS:
            return _json({"error": f"{MOST_STREAMS} streams are open; close one"}, status=503)
        task = asyncio.current_task()
        assert task is not None
        self._streams.add(task)
        self.metrics.set(PAGE_STREAMS, len(self._streams))
        try:
            return await _Stream(request, query, self).serve()
        finally:
            self._streams.discard(task)
            self.metrics.set(PAGE_STREAMS, len(self._streams))

    async def _replay(self, request: web.Request) -> web.Response:
        refused = self._refusal(request)
        if refused:
            log.warning("replay refused", reason=refused, peer=request.remote)
            return _json({"error": refused}, status=403)
        try:
            places = _places(await request.json(loads=orjson.loads))
        except ValueError as fault:
            return _json({"error": str(fault)}, status=400)
        async with self._replaying:
            try:
                return await self._send_back(places)
            except (clients.BrokerUnreachable, KafkaError) as fault:
                return _json({"error": f"not all could be sent: {fault}"}, status=502)

    async def _send_back(self, places: set[str]) -> web.Response:
        book = self.watch.book
        wanted = {place: book.find(place) for place in places}
        unknown = sorted(place for place, found in wanted.items() if found is None)
        again = sorted(places & book.replayed)
        if unknown or again:
            what = "were sent back already" if again else "are not among the newest"
            error = f"{', '.join(again or unknown)} {what}; see `babelwire dead-letters`"
            return _json({"error": error}, status=409)
        # The times of writing and of failing differ by what a commit takes.
        since = min(found.at for found in wanted.values() if found) - 1
        sent: list[str] = []

        def report(each: dead_letters.Found, error: str | None) -> None:
            if error is None:
                sent.append(each.place)
                book.replayed.add(each.place)

        await dead_letters.replay(
            self.settings, dead_letters.Filter(since=since), places, REPLAYS_PER_SECOND, report
        )
        log.info("dead letters replayed from the page", count=len(sent), places=sent)
        return _json({"replayed": sent, "left": sorted(places - set(sent))})

    def _refusal(self, request: web.Request) -> str | None:
        """Why a request may not change anything, or None."""
        if not _is_loopback(request.remote):
            return "replays are taken from this machine only; use `babelwire dead-letters replay`"
        origin = request.headers.get("Origin")
        if origin is not None and origin != f"{request.scheme}://{request.host}":
            return "this came from another page"
        if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            return "this came from another page"
        given = request.headers.get("X-Babelwire-Token", "")
        if not secrets.compare_digest(given.encode(), self._token.encode()):
            return "the page's token is missing or old; load the page again"
        return None


class _Stream:
    """One reader of /events."""

    def __init__(self, request: web.Request, query: Query, page: Page) -> None:
        self._request = request
        self._query = query
        self._page = page
        self._position: Position | None = query.start
        self._turn = asyncio.Lock()
        self._response = web.StreamResponse(
            headers={**HEADERS, "Content-Type": "text/event-stream; charset=utf-8"}
        )

    async def serve(self) -> web.StreamResponse:
        """Writes events until the reader goes, stops taking them, or the server ends."""
        await self._response.prepare(self._request)
        await self._write(b"retry: 2000\n\n")
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._articles())
                tasks.create_task(self._beats())
                if self._query.flow:
                    tasks.create_task(self._flow())
        except* ConnectionError:
            pass
        except* TimeoutError:
            log.info("a stream's reader took nothing and was let go", peer=self._request.remote)
        return self._response

    async def _articles(self) -> None:
        page, query = self._page, self._query
        while True:
            try:
                start = self._position or query.start
                records = feed(page.settings, page.enriched, start, query.newest)
                # Closed at once when the reader goes, with its consumer.
                async with aclosing(records):
                    async for record, position in records:
                        self._position = position
                        if record is not None:
                            await self._article(record, position)
            except (clients.BrokerUnreachable, clients.TopicMissing, KafkaError) as fault:
                await self._send("trouble", {"error": str(fault)})
                await asyncio.sleep(BEAT_SECONDS)

    async def _article(self, record: Record, position: Position) -> None:
        place = f"{record.topic}/{record.partition}@{record.offset}"
        try:
            decode(EnrichedEvent, record.value)
        except MessageError as fault:
            await self._send("unreadable", {"place": place, "error": fault.error}, position)
            return
        event = orjson.loads(record.value)
        if self._query.wanted.accepts(event):
            at = record.timestamp / 1000
            await self._send("article", {"place": place, "at": at, "event": event}, position)

    async def _beats(self) -> None:
        """A sign of life, which also carries the place past all that the filter left out."""
        while True:
            await self._send("beat", {"at": time.time()}, self._position)
            await asyncio.sleep(BEAT_SECONDS)

    async def _flow(self) -> None:
        watch = self._page.watch
        await self._send("flow", {**told(watch.snapshot), "history": list(watch.history)})
        while True:
            await self._send("flow", told(await watch.next()))

    async def _send(self, event: str, data: Any, position: Position | None = None) -> None:
        await self._write(frame(event, data, position))
        self._page.metrics.count(PAGE_EVENTS)

    async def _write(self, data: bytes) -> None:
        async with self._turn, asyncio.timeout(WRITE_SECONDS):
            await self._response.write(data)


@web.middleware
async def _guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.path not in OPEN_TO_ANY_NAME and not _is_own_name(request.host):
        return _json({"error": "ask for this page by 127.0.0.1 or localhost"}, status=403)
    try:
        response = await handler(request)
    except web.HTTPException as refusal:
        response = _json({"error": f"{refusal.status} {refusal.reason}"}, status=refusal.status)
    if not response.prepared:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
    return response


def _is_own_name(host: str) -> bool:
    """Whether a Host header names this machine in a way that no foreign DNS entry can."""
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    if name == "localhost":
        return True
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _is_loopback(peer: str | None) -> bool:
    try:
        return ipaddress.ip_address(peer or "").is_loopback
    except ValueError:
        return False


def _places(asked: Any) -> set[str]:
    places = asked.get("places") if isinstance(asked, dict) else None
    if not isinstance(places, list) or not places or not all(isinstance(p, str) for p in places):
        raise ValueError('expected {"places": ["3@17", …]} as /dead-letters gives them')
    if len(places) > MOST_REPLAYED_AT_ONCE:
        raise ValueError(f"{len(places)} places; {MOST_REPLAYED_AT_ONCE} at the most at once")
    return set(places)


def _shown(letter: Letter, replayed: bool) -> dict[str, Any]:
    return {**asdict(letter), "replayed": replayed}


def _json(data: Any, status: int = 200) -> web.Response:
    return web.Response(
        body=orjson.dumps(data), status=status, content_type="application/json", charset="utf-8"
    )


async def _file(request: web.Request) -> web.Response:
    name, kind = FILES[request.path]
    return web.Response(
        text=(STATIC / name).read_text(encoding="utf-8"), content_type=kind, charset="utf-8"
    )


async def _alive(_: web.Request) -> web.Response:
    return web.Response(text="alive\n")


class PortTaken(OSError):
    """The page's port is taken, or its address is not this machine's."""


@asynccontextmanager
async def serving(settings: Settings, stages: Sequence[Stage]) -> AsyncIterator[str]:
    """Serves the page; gives its address. Raises PortTaken."""
    runner = web.AppRunner(
        Page(settings, stages).create(), access_log=None, shutdown_timeout=STOP_SECONDS
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.page_host, settings.page_port)
        try:
            await site.start()
        except OSError as fault:
            raise PortTaken(
                f"cannot serve the page on {settings.page_host}:{settings.page_port}"
                f" ({fault.strerror}); is another page running? (settings page_host, page_port)"
            ) from None
        host, port = runner.addresses[0][:2]
        yield f"http://{f'[{host}]' if ':' in host else host}:{port}/"
    finally:
        await runner.cleanup()


async def serve(settings: Settings, stages: Sequence[Stage], ready: Callable[[str], None]) -> None:
    """Serves the page until SIGTERM or SIGINT; calls `ready` with its address. Raises PortTaken."""
    async with serving(settings, stages) as address:
        ready(address)
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        await stopping.wait()
